/* proxyspec bench: how fast proxies are, and how much memory they take. */

#include <stddef.h>
#include <string.h>

#include "cli.h"
#include "lua_main.h"

struct bench_options {
    struct operands operands;
    struct option_list targets;
    struct option_list only;
    struct option_list reports; /* "json=FILE" */
    const char *origin_bind;
    const char *origin_addr;
    double seconds;
    int64_t rounds;
    int64_t streams;
    int64_t idle;
    bool is_quiet;
};

#define AT(field) offsetof(struct bench_options, field)

static const struct option_row rows[] = {
    {"target", 0, "NAME", OPTION_LIST, AT(targets), 0, 0,
     "start this known proxy, or 'reference'; repeatable"},
    {"only", 0, "down|up|connects|handshakes|echo|requests|response|memory",
     OPTION_CHOICES, AT(only), 0, 0, "measure this; repeatable (all)"},
    {"seconds", 0, "X", OPTION_REAL, AT(seconds), 0.05, 600,
     "how long one measurement takes (1)"},
    {"rounds", 0, "N", OPTION_INTEGER, AT(rounds), 1, 1000,
     "measure everything N times; medians are told (3)"},
    {"streams", 0, "N", OPTION_INTEGER, AT(streams), 2, 1000,
     "streams at once, where it is not one (8)"},
    {"idle", 0, "N", OPTION_INTEGER, AT(idle), 0, 4000,
     "idle tunnels that memory is measured with; 0: not (1000)"},
    {"origin-bind", 0, "ADDR", OPTION_TEXT, AT(origin_bind), 0, 0,
     "IPv4 address that the targets listen on (127.0.0.1)"},
    {"origin-addr", 0, "ADDR", OPTION_TEXT, AT(origin_addr), 0, 0,
     "IPv4 address at which the proxy reaches them"},
    {"report", 0, "json=FILE", OPTION_LIST, AT(reports), 0, 0,
     "write the figures; FILE - is stdout"},
    {"quiet", 'q', NULL, OPTION_FLAG, AT(is_quiet), 0, 0, "no progress"},
};

static const struct usage usage = {
    .name = "bench",
    .synopsis = "[URL...] [-- CMD...]",
    .summary =
        "Measures proxies side by side, and a direct connection as the limit:\n"
        "throughput, tunnels a second, latency, memory of idle tunnels, and\n"
        "requests that are forwarded. CMD starts the proxy, as for test; "
        "without it\n"
        "each URL is a proxy that runs. Without URL the built-in reference is\n"
        "measured, in a process of its own.",
    .rows = rows,
    .row_count = sizeof(rows) / sizeof(rows[0]),
    .operands_max = 64,
    .has_command = true,
};

static bool check(const struct bench_options *o)
{
    if (o->operands.command_len && !o->operands.count) {
        (void)options_refuse(&usage, "CMD needs the URL that it answers at");
        return false;
    }
    if (o->reports.count > 1 ||
        (o->reports.count == 1 &&
         (strncmp(o->reports.items[0], "json=", 5) != 0 ||
          o->reports.items[0][5] == '\0'))) {
        (void)options_refuse(&usage, "--report: one json=FILE is asked");
        return false;
    }
    return true;
}

static void push(lua_State *L, const void *options)
{
    const struct bench_options *o = options;

    lua_newtable(L);
    lua_main_set_list(L, "urls", (const char *const *)o->operands.items,
                      o->operands.count);
    if (o->operands.command)
        lua_main_set_list(L, "command",
                          (const char *const *)o->operands.command,
                          o->operands.command_len);
    lua_main_set_list(L, "targets", o->targets.items, o->targets.count);
    lua_main_set_list(L, "only", o->only.items, o->only.count);
    if (o->reports.count)
        lua_main_set_text(L, "json", o->reports.items[0] + 5);
    lua_main_set_number(L, "seconds", o->seconds);
    lua_main_set_integer(L, "rounds", o->rounds);
    lua_main_set_integer(L, "streams", o->streams);
    lua_main_set_integer(L, "idle", o->idle);
    lua_main_set_text(L, "origin_bind", o->origin_bind);
    lua_main_set_text(L, "origin_addr", o->origin_addr);
    lua_main_set_flag(L, "quiet", o->is_quiet);
}

int cli_bench(int argc, char **argv)
{
    struct bench_options o = {
        .seconds = 1,
        .rounds = 3,
        .streams = 8,
        .idle = 1000,
    };
    enum options_result result =
        options_read(&usage, argc, argv, &o, &o.operands);

    if (result != OPTIONS_READ)
        return result == OPTIONS_HELP ? CLI_CONFORMANT : CLI_USAGE;
    if (!check(&o))
        return CLI_USAGE;
    return lua_main(&usage, "runner.bench", push, &o);
}
