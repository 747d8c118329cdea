#include "options.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum { HELP_COLUMN = 28, SHOWN_MAX = 48 };

/* One command line while it is read. */
struct reading {
    const struct usage *usage;
    char **argv;
    int argc;
    int at; /* the next word */
    void *values;
};

/* How an option was written, for messages: "-j" or "--jobs". */
struct spelling {
    char text[SHOWN_MAX];
};

int options_refuse(const struct usage *usage, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)fprintf(stderr, "proxyspec %s: ", usage->name);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
    return CLI_USAGE;
}

bool options_parse_integer(const char *text, int64_t *out)
{
    const char *digits = text[0] == '-' ? text + 1 : text;

    if (digits[0] == '\0' || digits[strspn(digits, "0123456789")] != '\0')
        return false;
    *out = strtoll(text, NULL, 10);
    return true;
}

/* strtod() alone would take "inf", "nan" and hexadecimal. */
static bool parse_real(const char *text, double *out)
{
    if (strspn(text, "0123456789.") != strlen(text) ||
        strcspn(text, "0123456789") == strlen(text) ||
        strchr(text, '.') != strrchr(text, '.'))
        return false;
    *out = strtod(text, NULL);
    return true;
}

/* Whether word is one of "a|b|c". */
static bool is_choice(const char *choices, const char *word)
{
    size_t len = strlen(word);

    while (len > 0) {
        size_t n = strcspn(choices, "|");

        if (n == len && memcmp(choices, word, n) == 0)
            return true;
        if (choices[n] == '\0')
            break;
        choices += n + 1;
    }
    return false;
}

static bool refuse_value(const struct usage *usage, const char *name,
                         const char *text, const char *why)
{
    (void)options_refuse(usage, "%s: '%s' is %s", name, text, why);
    return false;
}

static bool refuse_range(const struct usage *usage, const char *name,
                         const struct option_row *row, const char *text)
{
    (void)options_refuse(usage, "%s: %s is not between %.16g and %.16g", name,
                         text, row->min, row->max);
    return false;
}

static bool take_integer(const struct usage *usage, const char *name,
                         const struct option_row *row, const char *text,
                         int64_t *field)
{
    int64_t value;

    if (!options_parse_integer(text, &value))
        return refuse_value(usage, name, text, "no number");
    if ((double)value < row->min || (double)value > row->max)
        return refuse_range(usage, name, row, text);
    *field = value;
    return true;
}

static bool take_real(const struct usage *usage, const char *name,
                      const struct option_row *row, const char *text,
                      double *field)
{
    double value;

    if (!parse_real(text, &value))
        return refuse_value(usage, name, text, "no number");
    if (value < row->min || value > row->max)
        return refuse_range(usage, name, row, text);
    *field = value;
    return true;
}

static bool take_item(const struct usage *usage, const char *name,
                      const char *text, struct option_list *field)
{
    if (field->count == OPTION_LIST_MAX) {
        (void)options_refuse(usage, "%s: given more than %d times", name,
                             OPTION_LIST_MAX);
        return false;
    }
    field->items[field->count++] = text;
    return true;
}

static void *field_of(const struct reading *r, const struct option_row *row)
{
    return (char *)r->values + row->offset;
}

static void set_flag(const struct reading *r, const struct option_row *row)
{
    *(bool *)field_of(r, row) = true;
}

/* Writes an option that has a value into its field. */
static bool take(const struct reading *r, const struct option_row *row,
                 const struct spelling *spelling, const char *text)
{
    const struct usage *usage = r->usage;
    const char *name = spelling->text;
    void *field = field_of(r, row);

    if (text[0] == '\0')
        return refuse_value(usage, name, text, "empty");
    if ((row->kind == OPTION_CHOICE || row->kind == OPTION_CHOICES) &&
        !is_choice(row->value, text)) {
        (void)options_refuse(usage, "%s: '%s' is none of %s", name, text,
                             row->value);
        return false;
    }
    switch (row->kind) {
    case OPTION_FLAG:
        break;
    case OPTION_INTEGER:
        return take_integer(usage, name, row, text, field);
    case OPTION_REAL:
        return take_real(usage, name, row, text, field);
    case OPTION_TEXT:
    case OPTION_CHOICE:
        *(const char **)field = text;
        return true;
    case OPTION_LIST:
    case OPTION_CHOICES:
        return take_item(usage, name, text, field);
    }
    return false;
}

static const struct option_row *find_name(const struct usage *usage,
                                          const char *name, size_t len)
{
    for (size_t i = 0; i < usage->row_count; i++) {
        const struct option_row *row = &usage->rows[i];

        if (strlen(row->name) == len && memcmp(row->name, name, len) == 0)
            return row;
    }
    return NULL;
}

static const struct option_row *find_letter(const struct usage *usage,
                                            char letter)
{
    for (size_t i = 0; i < usage->row_count; i++) {
        if (usage->rows[i].letter && usage->rows[i].letter == letter)
            return &usage->rows[i];
    }
    return NULL;
}

/* Takes an option whose value, when it has one, is attached or the next word.
 */
static bool take_with_value(struct reading *r, const struct option_row *row,
                            const struct spelling *spelling,
                            const char *attached)
{
    if (attached)
        return take(r, row, spelling, attached);
    if (r->at == r->argc || strcmp(r->argv[r->at], "--") == 0) {
        (void)options_refuse(r->usage, "%s needs a value (%s)", spelling->text,
                             row->value);
        return false;
    }
    return take(r, row, spelling, r->argv[r->at++]);
}

/* "--name", "--name value", "--name=value". */
static bool read_long(struct reading *r, const char *word)
{
    size_t len = strcspn(word, "=");
    const char *value = word[len] == '=' ? word + len + 1 : NULL;
    const struct option_row *row = find_name(r->usage, word + 2, len - 2);
    struct spelling spelling;

    (void)snprintf(spelling.text, sizeof(spelling.text), "%.*s", (int)len,
                   word);
    if (!row) {
        (void)options_refuse(r->usage, "unknown option '%s'", spelling.text);
        return false;
    }
    if (value && row->kind == OPTION_FLAG) {
        (void)options_refuse(r->usage, "%s takes no value", spelling.text);
        return false;
    }
    if (row->kind != OPTION_FLAG)
        return take_with_value(r, row, &spelling, value);
    set_flag(r, row);
    return true;
}

/* "-v", "-vq", "-j4", "-j 4". */
static bool read_short(struct reading *r, const char *word)
{
    for (const char *at = word + 1; *at; at++) {
        const struct option_row *row = find_letter(r->usage, *at);
        struct spelling spelling = {{'-', *at}};

        if (!row) {
            (void)options_refuse(r->usage, "unknown option '-%c'", *at);
            return false;
        }
        if (row->kind != OPTION_FLAG)
            return take_with_value(r, row, &spelling, at[1] ? at + 1 : NULL);
        set_flag(r, row);
    }
    return true;
}

/* The left column of one option's help. */
static void print_row(const struct option_row *row)
{
    char left[128];
    char letter[8] = "    ";

    if (row->letter)
        (void)snprintf(letter, sizeof(letter), "-%c, ", row->letter);
    (void)snprintf(left, sizeof(left), "  %s--%s%s%s", letter, row->name,
                   row->value ? " " : "", row->value ? row->value : "");
    if (strlen(left) > HELP_COLUMN - 2) {
        (void)printf("%s\n", left);
        left[0] = '\0';
    }
    (void)printf("%-*s%s\n", HELP_COLUMN, left, row->help);
}

static void print_help(const struct usage *usage)
{
    static const struct option_row help = {.name = "help",
                                           .letter = 'h',
                                           .kind = OPTION_FLAG,
                                           .help = "this text"};

    (void)printf("usage: proxyspec %s [options]%s%s\n\n%s\n\n", usage->name,
                 usage->synopsis[0] ? " " : "", usage->synopsis,
                 usage->summary);
    for (size_t i = 0; i < usage->row_count; i++)
        print_row(&usage->rows[i]);
    print_row(&help);
}

static bool check_operands(const struct usage *usage,
                           const struct operands *operands)
{
    if (operands->count < usage->operands_min) {
        (void)options_refuse(usage, "too few arguments; usage: proxyspec %s %s",
                             usage->name, usage->synopsis);
        return false;
    }
    if (operands->count > usage->operands_max) {
        (void)options_refuse(usage, "'%s' is one argument too many",
                             operands->items[usage->operands_max]);
        return false;
    }
    return true;
}

/* What follows "--". */
static bool read_command(const struct reading *r, struct operands *out)
{
    if (!r->usage->has_command) {
        (void)options_refuse(r->usage, "'--': no command is taken here");
        return false;
    }
    if (r->at == r->argc) {
        (void)options_refuse(r->usage, "'--': no command follows");
        return false;
    }
    out->command = r->argv + r->at;
    out->command_len = (size_t)(r->argc - r->at);
    return true;
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

enum options_result options_read(const struct usage *usage, int argc,
                                 char **argv, void *values,
                                 struct operands *out)
{
    struct reading r = {usage, argv, argc, 0, values};

    *out = (struct operands){.items = argv};
    while (r.at < argc) {
        char *word = argv[r.at++];
        bool is_good = true;

        if (strcmp(word, "--") == 0) {
            if (!read_command(&r, out))
                return OPTIONS_REFUSED;
            break;
        }
        if (is_help(word)) {
            print_help(usage);
            return OPTIONS_HELP;
        }
        if (strncmp(word, "--", 2) == 0)
            is_good = read_long(&r, word);
        else if (word[0] == '-' && word[1] != '\0')
            is_good = read_short(&r, word);
        else
            argv[out->count++] = word; /* never behind what was read */
        if (!is_good)
            return OPTIONS_REFUSED;
    }
    return check_operands(usage, out) ? OPTIONS_READ : OPTIONS_REFUSED;
}
