/* proxyspec test: judges a proxy, by default the built-in reference. */

#include <stddef.h>
#include <string.h>

#include "cli.h"
#include "lua_main.h"

struct test_options {
    struct option_list only;
    struct option_list skip;
    struct option_list levels;
    struct option_list scenarios;
    struct option_list reports; /* "json=FILE" */
    struct operands operands;
    const char *shard; /* "I/N" */
    const char *target;
    const char *origin_bind;
    const char *origin_addr;
    const char *origin_name;
    const char *denied;
    const char *color;
    const char *network;
    const char *cacert;
    double timeout_scale;
    int64_t jobs;
    int64_t repeat;
    int64_t min;
    int64_t seed; /* -1: a fresh one */
    int64_t shard_i;
    int64_t shard_n;
    bool has_endurance;
    bool has_no_slow;
    bool is_strict;
    bool has_no_segmentation;
    bool is_insecure;
    bool is_verbose;
    bool is_quiet;
};

enum { SHARD_MAX = 1000 };

#define AT(field) offsetof(struct test_options, field)

static const struct option_row rows[] = {
    {"only", 0, "GLOB", OPTION_LIST, AT(only), 0, 0,
     "scenarios whose id matches; repeatable"},
    {"skip", 0, "GLOB", OPTION_LIST, AT(skip), 0, 0,
     "not those whose id matches; repeatable"},
    {"endurance", 0, NULL, OPTION_FLAG, AT(has_endurance), 0, 0,
     "run the endurance scenarios too, behind the others"},
    {"no-slow", 0, NULL, OPTION_FLAG, AT(has_no_slow), 0, 0,
     "not those that wait on times that a specification sets"},
    {"level", 0, "must|should|may", OPTION_CHOICES, AT(levels), 0, 0,
     "only requirements of this strength; repeatable"},
    {"strict", 0, NULL, OPTION_FLAG, AT(is_strict), 0, 0,
     "warnings end with status 1 too"},
    {"jobs", 'j', "N", OPTION_INTEGER, AT(jobs), 1, 1024,
     "scenarios at once (64; the reference: 192)"},
    {"repeat", 0, "N", OPTION_INTEGER, AT(repeat), 1, 100000,
     "run every scenario N times (1)"},
    {"timeout-scale", 0, "X", OPTION_REAL, AT(timeout_scale), 0.01, 1000,
     "multiply every deadline by X (1)"},
    {"shard", 0, "I/N", OPTION_TEXT, AT(shard), 0, 0,
     "the I-th of N equal parts of the scenarios"},
    {"min", 0, "N", OPTION_INTEGER, AT(min), 0, 1000000,
     "status 3 when fewer than N scenarios were judged (0)"},
    {"scenarios", 0, "DIR", OPTION_LIST, AT(scenarios), 0, 0,
     "load the scenarios of DIR too; repeatable"},
    {"target", 0, "NAME", OPTION_TEXT, AT(target), 0, 0,
     "start this known proxy; see 'list targets'"},
    {"origin-bind", 0, "ADDR", OPTION_TEXT, AT(origin_bind), 0, 0,
     "address that the origins listen on"},
    {"origin-addr", 0, "ADDR", OPTION_TEXT, AT(origin_addr), 0, 0,
     "address at which the proxy reaches them"},
    {"origin-name", 0, "NAME", OPTION_TEXT, AT(origin_name), 0, 0,
     "name that the proxy resolves to it"},
    {"denied", 0, "ADDR", OPTION_TEXT, AT(denied), 0, 0,
     "IPv4 address of this machine that a rule of the proxy denies"},
    {"cacert", 0, "FILE", OPTION_TEXT, AT(cacert), 0, 0,
     "verify https:// URLs with these certificates (PEM)"},
    {"insecure", 'k', NULL, OPTION_FLAG, AT(is_insecure), 0, 0,
     "do not verify https:// URLs"},
    {"report", 0, "FORMAT=FILE", OPTION_LIST, AT(reports), 0, 0,
     "json or junit, FILE - is stdout; repeatable"},
    {"seed", 0, "N", OPTION_INTEGER, AT(seed), 0, 9007199254740991,
     "make what is random repeatable"},
    {"no-segmentation", 0, NULL, OPTION_FLAG, AT(has_no_segmentation), 0, 0,
     "send every message whole only"},
    {"network", 0, "auto|own|host", OPTION_CHOICE, AT(network), 0, 0,
     "where it runs: in a network of its own, or in this machine's (auto)"},
    {"color", 0, "auto|always|never", OPTION_CHOICE, AT(color), 0, 0,
     "color on stdout (auto)"},
    {"verbose", 'v', NULL, OPTION_FLAG, AT(is_verbose), 0, 0,
     "list what passed and what was skipped too"},
    {"quiet", 'q', NULL, OPTION_FLAG, AT(is_quiet), 0, 0,
     "print the summary only, no progress"},
};

static const struct usage usage = {
    .name = "test",
    .synopsis = "[URL...] [-- CMD...]",
    .summary =
        "Tests the proxy at URL: socks5://[user:pass@]HOST:PORT or\n"
        "http://[user:pass@]HOST:PORT, https:// for TLS to the proxy. CMD "
        "starts it; {port}, {port2}, {dir},\n"
        "{user} and {pass} are filled in there and in URL. Several URLs are\n"
        "one proxy. Without URL the built-in reference is tested.",
    .rows = rows,
    .row_count = sizeof(rows) / sizeof(rows[0]),
    .operands_max = 64,
    .has_command = true,
};

/* "2/5": the second of five parts. */
static bool read_shard(struct test_options *o)
{
    const char *slash = strchr(o->shard, '/');
    size_t len = slash ? (size_t)(slash - o->shard) : 0;
    char part[16] = "";

    if (len > 0 && len < sizeof(part))
        memcpy(part, o->shard, len);
    if (!slash || !options_parse_integer(part, &o->shard_i) ||
        !options_parse_integer(slash + 1, &o->shard_n)) {
        (void)options_refuse(&usage, "--shard: '%s' is no I/N", o->shard);
        return false;
    }
    if (o->shard_n < 1 || o->shard_n > SHARD_MAX || o->shard_i < 1 ||
        o->shard_i > o->shard_n) {
        (void)options_refuse(&usage, "--shard: %s: 1 <= I <= N <= %d is asked",
                             o->shard, SHARD_MAX);
        return false;
    }
    return true;
}

static bool has_format(const char *report, const char *format)
{
    size_t len = strlen(format);

    return strncmp(report, format, len) == 0 && report[len] == '=';
}

static bool check_reports(const struct test_options *o)
{
    size_t to_stdout = 0;

    for (size_t i = 0; i < o->reports.count; i++) {
        const char *report = o->reports.items[i];
        const char *file = strchr(report, '=');

        if (!has_format(report, "json") && !has_format(report, "junit")) {
            (void)options_refuse(
                &usage, "--report: '%s' is no json=FILE or junit=FILE", report);
            return false;
        }
        if (file[1] == '\0') {
            (void)options_refuse(&usage, "--report: '%s' names no file",
                                 report);
            return false;
        }
        to_stdout += strcmp(file + 1, "-") == 0;
    }
    if (to_stdout > 1) {
        (void)options_refuse(&usage, "--report: only one can go to stdout");
        return false;
    }
    return true;
}

static bool check_target(const struct test_options *o)
{
    if (o->target && o->operands.command_len) {
        (void)options_refuse(&usage,
                             "--target starts a proxy itself; no CMD is taken");
        return false;
    }
    if (o->operands.command_len && !o->operands.count) {
        (void)options_refuse(&usage, "CMD needs the URL that it answers at");
        return false;
    }
    if (o->cacert && o->is_insecure) {
        (void)options_refuse(&usage, "--cacert and -k exclude each other");
        return false;
    }
    if (o->is_verbose && o->is_quiet) {
        (void)options_refuse(&usage, "-v and -q exclude each other");
        return false;
    }
    return true;
}

/* {{format = "json", path = "FILE"}, ...} */
static void push_reports(lua_State *L, const struct option_list *reports)
{
    lua_createtable(L, (int)reports->count, 0);
    for (size_t i = 0; i < reports->count; i++) {
        const char *equals = strchr(reports->items[i], '=');

        lua_createtable(L, 0, 2);
        lua_pushlstring(L, reports->items[i],
                        (size_t)(equals - reports->items[i]));
        lua_setfield(L, -2, "format");
        lua_main_set_text(L, "path", equals + 1);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "reports");
}

static void push_shard(lua_State *L, const struct test_options *o)
{
    if (!o->shard)
        return;
    lua_createtable(L, 0, 2);
    lua_main_set_integer(L, "i", o->shard_i);
    lua_main_set_integer(L, "n", o->shard_n);
    lua_setfield(L, -2, "shard");
}

static void push_lists(lua_State *L, const struct test_options *o)
{
    lua_main_set_list(L, "only", o->only.items, o->only.count);
    lua_main_set_list(L, "skip", o->skip.items, o->skip.count);
    lua_main_set_list(L, "levels", o->levels.items, o->levels.count);
    lua_main_set_list(L, "scenarios", o->scenarios.items, o->scenarios.count);
    lua_main_set_list(L, "urls", (const char *const *)o->operands.items,
                      o->operands.count);
    if (o->operands.command)
        lua_main_set_list(L, "command",
                          (const char *const *)o->operands.command,
                          o->operands.command_len);
}

static void push(lua_State *L, const void *options)
{
    const struct test_options *o = options;

    lua_newtable(L);
    push_lists(L, o);
    push_reports(L, &o->reports);
    push_shard(L, o);
    lua_main_set_flag(L, "endurance", o->has_endurance);
    lua_main_set_flag(L, "no_slow", o->has_no_slow);
    lua_main_set_flag(L, "strict", o->is_strict);
    if (o->jobs > 0)
        lua_main_set_integer(L, "jobs", o->jobs);
    lua_main_set_integer(L, "repeat_", o->repeat);
    lua_main_set_number(L, "timeout_scale", o->timeout_scale);
    lua_main_set_integer(L, "min", o->min);
    lua_main_set_text(L, "target", o->target);
    lua_main_set_text(L, "origin_bind", o->origin_bind);
    lua_main_set_text(L, "origin_addr", o->origin_addr);
    lua_main_set_text(L, "origin_name", o->origin_name);
    lua_main_set_text(L, "denied", o->denied);
    if (o->seed >= 0)
        lua_main_set_integer(L, "seed", o->seed);
    lua_main_set_flag(L, "segmentation", !o->has_no_segmentation);
    lua_main_set_text(L, "color", o->color);
    lua_main_set_text(L, "network", o->network);
    lua_main_set_text(L, "cacert", o->cacert);
    lua_main_set_flag(L, "insecure", o->is_insecure);
    lua_main_set_integer(L, "verbosity",
                         (int64_t)o->is_verbose - (int64_t)o->is_quiet);
}

int cli_test(int argc, char **argv)
{
    struct test_options o = {
        .repeat = 1,
        .timeout_scale = 1,
        .color = "auto",
        .network = "auto",
        .seed = -1,
    };
    enum options_result result =
        options_read(&usage, argc, argv, &o, &o.operands);

    if (result != OPTIONS_READ)
        return result == OPTIONS_HELP ? CLI_CONFORMANT : CLI_USAGE;
    if ((o.shard && !read_shard(&o)) || !check_reports(&o) || !check_target(&o))
        return CLI_USAGE;
    return lua_main(&usage, "runner.test", push, &o);
}
