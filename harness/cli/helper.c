/* proxyspec helper: plays a part of a run of test; test itself starts it. */

#include <stddef.h>

#include "cli.h"
#include "lua_main.h"

struct helper_options {
    struct operands operands;
};

static const struct usage usage = {
    .name = "helper",
    .synopsis = "ORDER",
    .summary = "Plays the scenarios that the file ORDER names, for the run of\n"
               "test that wrote it.",
    .operands_min = 1,
    .operands_max = 1,
};

static void push(lua_State *L, const void *options)
{
    const struct helper_options *o = options;

    lua_newtable(L);
    lua_main_set_text(L, "order", o->operands.items[0]);
}

int cli_helper(int argc, char **argv)
{
    struct helper_options o = {.operands = {0}};
    enum options_result result =
        options_read(&usage, argc, argv, &o, &o.operands);

    if (result != OPTIONS_READ)
        return result == OPTIONS_HELP ? CLI_CONFORMANT : CLI_USAGE;
    return lua_main(&usage, "runner.helper", push, &o);
}
