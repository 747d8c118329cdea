/* proxyspec pcap check: judges the proxy dialogues of packet captures. */

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "capture.h"
#include "cli.h"
#include "options.h"
#include "pcap_report.h"

struct pcap_options {
    bool is_json;
    bool is_strict;
    bool is_quiet;
    bool is_verbose;
};

#define AT(field) offsetof(struct pcap_options, field)

static const struct option_row rows[] = {
    {"json", 0, NULL, OPTION_FLAG, AT(is_json), 0, 0,
     "one JSON document instead of text"},
    {"strict", 0, NULL, OPTION_FLAG, AT(is_strict), 0, 0,
     "warnings count as violations"},
    {"quiet", 'q', NULL, OPTION_FLAG, AT(is_quiet), 0, 0,
     "only sessions with failures or warnings"},
    {"verbose", 'v', NULL, OPTION_FLAG, AT(is_verbose), 0, 0,
     "notes too, and what each requirement asks"},
};

static const struct usage usage = {
    .name = "pcap check",
    .synopsis = "FILE...",
    .summary =
        "Finds the SOCKS and HTTP proxy dialogues in packet captures (pcap,\n"
        "pcapng), on any port, and judges both sides of each.",
    .rows = rows,
    .row_count = sizeof(rows) / sizeof(rows[0]),
    .operands_min = 1,
    .operands_max = SIZE_MAX,
};

/* 4 > 2 > 1 > 3 > 77 > 0 */
static int rank(int status)
{
    switch (status) {
    case CLI_INTERNAL:
        return 5;
    case CLI_USAGE:
        return 4;
    case CLI_VIOLATIONS:
        return 3;
    case CLI_INCONCLUSIVE:
        return 2;
    case CLI_SKIPPED:
        return 1;
    default:
        return 0;
    }
}

static int worse(int a, int b)
{
    return rank(a) > rank(b) ? a : b;
}

static void count(struct pcap_file *file, const struct dialogue *d)
{
    if (d->is_candidate)
        file->candidates++;
    else
        file->sessions++;
    for (size_t i = 0; i < d->finding_count; i++)
        file->findings[pcap_effect_of(&d->findings[i])]++;
}

/* Prints every dialogue; PX_NEED_MORE at the end, PX_ERROR and why. */
static enum px_status print_dialogues(struct capture *cap,
                                      struct pcap_file *file,
                                      const struct pcap_options *o,
                                      struct pcap_printer *p,
                                      struct px_error *err)
{
    enum px_status status;
    struct dialogue d;

    while ((status = capture_next_dialogue(cap, &d, err)) == PX_DONE) {
        count(file, &d);
        if (!o->is_json)
            pcap_text_session(p, file, &d);
        else if (!pcap_json_session(p, file, &d))
            return px_fail(err, ENOMEM, "out of memory");
    }
    return status;
}

static int status_of(const struct pcap_file *file, const struct pcap_options *o)
{
    if (file->findings[EFFECT_FAIL] ||
        (o->is_strict && file->findings[EFFECT_WARN]))
        return CLI_VIOLATIONS;
    return CLI_CONFORMANT;
}

/* Says why on standard error, in one line. */
static int complain(struct pcap_file *file, const struct px_error *err,
                    int status)
{
    file->error = err->detail;
    (void)fflush(stdout);
    (void)fprintf(stderr, "proxyspec %s: %s: %s\n", usage.name, file->path,
                  err->detail);
    return err->sys_errno == ENOMEM ? CLI_INTERNAL : status;
}

/* What comes behind the last dialogue. */
static int print_end(struct pcap_printer *p, struct pcap_file *file,
                     const struct pcap_options *o)
{
    static const struct px_error no_memory = {.sys_errno = ENOMEM,
                                              .detail = "out of memory"};

    if (!o->is_json)
        pcap_text_summary(p, file);
    else if (!pcap_json_close(p, file))
        return complain(file, &no_memory, CLI_INTERNAL);
    return CLI_CONFORMANT;
}

static int check_open_file(struct capture *cap, struct pcap_file *file,
                           const struct pcap_options *o, struct pcap_printer *p,
                           struct px_error *err)
{
    int status = CLI_CONFORMANT;

    file->stats = capture_stats(cap);
    if (print_dialogues(cap, file, o, p, err) == PX_ERROR)
        status = complain(file, err, CLI_INCONCLUSIVE);
    return worse(status, status_of(file, o));
}

static int check_file(const char *path, const struct pcap_options *o,
                      struct pcap_printer *p)
{
    struct pcap_file file = {.path = path};
    struct px_error err = {0};
    struct capture *cap = capture_open(path, &err);
    int status;

    p->is_headed = false;
    if (o->is_json)
        pcap_json_open(p);
    if (cap)
        status = check_open_file(cap, &file, o, p, &err);
    else
        status = complain(&file, &err, CLI_USAGE);
    status = worse(status, print_end(p, &file, o));
    capture_close(cap);
    return status;
}

static int check_files(const struct operands *files,
                       const struct pcap_options *o)
{
    struct pcap_printer printer = {
        .out = stdout,
        .is_quiet = o->is_quiet,
        .is_verbose = o->is_verbose,
        .has_headings = files->count > 1,
    };
    int status = CLI_CONFORMANT;

    if (o->is_json)
        pcap_json_begin(&printer);
    for (size_t i = 0; i < files->count; i++)
        status = worse(status, check_file(files->items[i], o, &printer));
    if (o->is_json)
        pcap_json_end(&printer);
    return status;
}

int cli_pcap(int argc, char **argv)
{
    struct pcap_options o = {.is_json = false};
    bool is_check = argc > 0 && strcmp(argv[0], "check") == 0;
    struct operands files;
    enum options_result result;

    if (argc == 0 || (!is_check && argv[0][0] != '-'))
        return options_refuse(&usage, "'%s' is no action; there is: check",
                              argc ? argv[0] : "");
    result = options_read(&usage, argc - is_check, argv + is_check, &o, &files);
    if (result != OPTIONS_READ)
        return result == OPTIONS_HELP ? CLI_CONFORMANT : CLI_USAGE;
    if (!is_check)
        return options_refuse(&usage, "no action; there is: check");
    return check_files(&files, &o);
}
