/* proxyspec explain: a requirement, scenario or fault, in prose. */

#include <stddef.h>

#include "cli.h"
#include "lua_main.h"

struct explain_options {
    struct operands operands;
    struct option_list scenarios;
};

static const struct option_row rows[] = {
    {"scenarios", 0, "DIR", OPTION_LIST,
     offsetof(struct explain_options, scenarios), 0, 0,
     "load the scenarios of DIR too; repeatable"},
};

static const struct usage usage = {
    .name = "explain",
    .synopsis = "ID",
    .summary = "Explains a requirement, scenario or fault.",
    .rows = rows,
    .row_count = sizeof(rows) / sizeof(rows[0]),
    .operands_min = 1,
    .operands_max = 1,
};

static void push(lua_State *L, const void *options)
{
    const struct explain_options *o = options;

    lua_newtable(L);
    lua_main_set_text(L, "id", o->operands.items[0]);
    lua_main_set_list(L, "scenarios", o->scenarios.items, o->scenarios.count);
}

int cli_explain(int argc, char **argv)
{
    struct explain_options o = {.operands = {0}};
    enum options_result result =
        options_read(&usage, argc, argv, &o, &o.operands);

    if (result != OPTIONS_READ)
        return result == OPTIONS_HELP ? CLI_CONFORMANT : CLI_USAGE;
    return lua_main(&usage, "runner.explain", push, &o);
}
