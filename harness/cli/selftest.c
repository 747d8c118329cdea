/* proxyspec selftest: faults x scenarios, the kill matrix. */

#include <stddef.h>

#include "cli.h"
#include "lua_main.h"

struct selftest_options {
    struct operands operands;
    struct option_list only;
    const char *color;
    const char *network;
    int64_t jobs;
    bool is_verbose;
};

enum { JOBS_DEFAULT = 64 };

#define AT(field) offsetof(struct selftest_options, field)

static const struct option_row rows[] = {
    {"only", 0, "GLOB", OPTION_LIST, AT(only), 0, 0,
     "faults whose name matches; repeatable"},
    {"jobs", 'j', "N", OPTION_INTEGER, AT(jobs), 1, 1024,
     "scenarios at once (64)"},
    {"network", 0, "auto|own|host", OPTION_CHOICE, AT(network), 0, 0,
     "where it runs: in a network of its own, or in this machine's (auto)"},
    {"color", 0, "auto|always|never", OPTION_CHOICE, AT(color), 0, 0,
     "color on stdout (auto)"},
    {"verbose", 'v', NULL, OPTION_FLAG, AT(is_verbose), 0, 0,
     "the whole matrix: which scenario caught which fault"},
};

static const struct usage usage = {
    .name = "selftest",
    .synopsis = "",
    .summary = "Runs scenarios against the reference once with every fault:"
               "\neach check has to fail for one, each fault has to be caught.",
    .rows = rows,
    .row_count = sizeof(rows) / sizeof(rows[0]),
};

static void push(lua_State *L, const void *options)
{
    const struct selftest_options *o = options;

    lua_newtable(L);
    lua_main_set_list(L, "only", o->only.items, o->only.count);
    lua_main_set_integer(L, "jobs", o->jobs);
    lua_main_set_text(L, "color", o->color);
    lua_main_set_text(L, "network", o->network);
    lua_main_set_integer(L, "verbosity", o->is_verbose);
}

int cli_selftest(int argc, char **argv)
{
    struct selftest_options o = {
        .jobs = JOBS_DEFAULT, .color = "auto", .network = "auto"};
    enum options_result result =
        options_read(&usage, argc, argv, &o, &o.operands);

    if (result != OPTIONS_READ)
        return result == OPTIONS_HELP ? CLI_CONFORMANT : CLI_USAGE;
    return lua_main(&usage, "runner.selftest", push, &o);
}
