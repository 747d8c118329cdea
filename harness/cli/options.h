#ifndef OPTIONS_H
#define OPTIONS_H

/*
 * Command lines as tables: a subcommand describes its options in rows, and
 * parsing, refusals and --help all come from these rows.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "px.h"

/* What an option writes into the field of the subcommand's struct. */
enum option_kind {
    OPTION_FLAG,    /* bool: becomes true */
    OPTION_INTEGER, /* int64_t: decimal, from min to max */
    OPTION_REAL,    /* double: decimal, from min to max */
    OPTION_TEXT,    /* const char *: not empty; borrowed from argv */
    OPTION_CHOICE,  /* const char *: one of the words of value */
    OPTION_LIST,    /* struct option_list: one item more at each use */
    OPTION_CHOICES, /* struct option_list of words of value */
};

/* Rows read in this order. NOLINTNEXTLINE(*-optin.performance.Padding) */
struct option_row {
    const char *name;  /* "jobs", without dashes */
    char letter;       /* 'j'; 0: none */
    const char *value; /* how --help calls it; of a choice "a|b|c" */
    enum option_kind kind;
    size_t offset; /* of the field */
    double min;    /* of numbers; integers stay exact up to 2^53 */
    double max;
    const char *help; /* one line */
};

enum { OPTION_LIST_MAX = 4096 };

struct option_list {
    const char *items[OPTION_LIST_MAX]; /* borrowed from argv */
    size_t count;
};

/* One subcommand; every string is static. */
struct usage {
    const char *name;     /* "test" */
    const char *synopsis; /* behind the options: "[URL...] [-- CMD...]" */
    const char *summary;  /* a few lines for --help */
    const struct option_row *rows;
    size_t row_count;
    size_t operands_min;
    size_t operands_max;
    bool has_command; /* everything after "--" is one */
};

/* What is no option; borrowed from argv, whose order is changed. */
struct operands {
    char **items;
    size_t count;
    char **command; /* what followed "--" */
    size_t command_len;
};

enum options_result {
    OPTIONS_READ,    /* go on */
    OPTIONS_HELP,    /* --help was given and printed; the status is 0 */
    OPTIONS_REFUSED, /* one line on stderr says why; the status is 2 */
};

/*
 * Reads argv (argc entries, the subcommand's name not among them) into values,
 * a struct that holds the defaults before. Options and operands may be mixed;
 * "-j4", "-j 4", "--jobs=4", "--jobs 4" and "-vq" are understood, names are
 * never abbreviated.
 */
PX_CHECKED enum options_result options_read(const struct usage *usage, int argc,
                                            char **argv, void *values,
                                            struct operands *out);

/* Says on stderr "proxyspec NAME: what", one line; always CLI_USAGE. */
int options_refuse(const struct usage *usage, const char *format, ...)
    PX_FORMAT(2, 3);

/* A decimal integer and nothing else; one that does not fit saturates. */
PX_CHECKED bool options_parse_integer(const char *text, int64_t *out);

#endif
