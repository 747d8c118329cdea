/* proxyspec list: what there is. */

#include <stddef.h>
#include <string.h>

#include "cli.h"
#include "lua_main.h"

struct list_options {
    struct operands operands;
    struct option_list scenarios;
    bool is_json;
    bool has_coverage;
};

#define AT(field) offsetof(struct list_options, field)

static const struct option_row rows[] = {
    {"json", 0, NULL, OPTION_FLAG, AT(is_json), 0, 0, "as JSON"},
    {"coverage", 0, NULL, OPTION_FLAG, AT(has_coverage), 0, 0,
     "of requirements: what checks each, or why nothing does"},
    {"scenarios", 0, "DIR", OPTION_LIST, AT(scenarios), 0, 0,
     "load the scenarios of DIR too; repeatable"},
};

static const struct usage usage = {
    .name = "list",
    .synopsis = "scenarios|requirements|features|targets|faults|defects",
    .summary = "Lists what there is, one line each.",
    .rows = rows,
    .row_count = sizeof(rows) / sizeof(rows[0]),
    .operands_min = 1,
    .operands_max = 1,
};

static const char *const kinds[] = {"scenarios", "requirements", "features",
                                    "targets",   "faults",       "defects"};

static bool is_kind(const char *word)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strcmp(word, kinds[i]) == 0)
            return true;
    }
    return false;
}

static void push(lua_State *L, const void *options)
{
    const struct list_options *o = options;

    lua_newtable(L);
    lua_main_set_text(L, "what", o->operands.items[0]);
    lua_main_set_flag(L, "json", o->is_json);
    lua_main_set_flag(L, "coverage", o->has_coverage);
    lua_main_set_list(L, "scenarios", o->scenarios.items, o->scenarios.count);
}

int cli_list(int argc, char **argv)
{
    struct list_options o = {.is_json = false};
    enum options_result result =
        options_read(&usage, argc, argv, &o, &o.operands);
    const char *what;

    if (result != OPTIONS_READ)
        return result == OPTIONS_HELP ? CLI_CONFORMANT : CLI_USAGE;
    what = o.operands.items[0];
    if (!is_kind(what))
        return options_refuse(&usage, "'%s' is none of %s", what,
                              usage.synopsis);
    if (o.has_coverage && strcmp(what, "requirements") != 0)
        return options_refuse(&usage, "--coverage is for requirements only");
    return lua_main(&usage, "runner.list", push, &o);
}
