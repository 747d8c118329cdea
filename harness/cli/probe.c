/* proxyspec probe: what a proxy offers. */

#include <stddef.h>

#include "cli.h"
#include "lua_main.h"

struct probe_options {
    struct operands operands;
    const char *cacert;
    double timeout_scale;
    bool is_insecure;
    bool is_json;
};

#define AT(field) offsetof(struct probe_options, field)

static const struct option_row rows[] = {
    {"timeout-scale", 0, "X", OPTION_REAL, AT(timeout_scale), 0.01, 1000,
     "multiply every deadline by X (1)"},
    {"cacert", 0, "FILE", OPTION_TEXT, AT(cacert), 0, 0,
     "verify an https:// URL with these certificates (PEM)"},
    {"insecure", 'k', NULL, OPTION_FLAG, AT(is_insecure), 0, 0,
     "do not verify an https:// URL"},
    {"json", 0, NULL, OPTION_FLAG, AT(is_json), 0, 0, "as JSON"},
};

static const struct usage usage = {
    .name = "probe",
    .synopsis = "URL [-- CMD...]",
    .summary =
        "Tells what the proxy at URL offers: methods, address types and\n"
        "how each was found out. CMD starts it, as for test.",
    .rows = rows,
    .row_count = sizeof(rows) / sizeof(rows[0]),
    .operands_min = 1,
    .operands_max = 1,
    .has_command = true,
};

static void push(lua_State *L, const void *options)
{
    const struct probe_options *o = options;

    lua_newtable(L);
    lua_main_set_list(L, "urls", (const char *const *)o->operands.items,
                      o->operands.count);
    if (o->operands.command)
        lua_main_set_list(L, "command",
                          (const char *const *)o->operands.command,
                          o->operands.command_len);
    lua_main_set_number(L, "timeout_scale", o->timeout_scale);
    lua_main_set_flag(L, "json", o->is_json);
    lua_main_set_text(L, "cacert", o->cacert);
    lua_main_set_flag(L, "insecure", o->is_insecure);
}

int cli_probe(int argc, char **argv)
{
    struct probe_options o = {.timeout_scale = 1};
    enum options_result result =
        options_read(&usage, argc, argv, &o, &o.operands);

    if (result != OPTIONS_READ)
        return result == OPTIONS_HELP ? CLI_CONFORMANT : CLI_USAGE;
    return lua_main(&usage, "runner.probe", push, &o);
}
