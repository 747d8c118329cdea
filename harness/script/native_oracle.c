#include <arpa/inet.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "native.h"
#include "oracle.h"

/* native.oracle(): the judge of one dialogue, and the list of its rules. */

static const char type_name[] = "proxyspec.oracle";
static const char *const side_names[] = {
    [SIDE_CLIENT] = "client", [SIDE_SERVER] = "server", NULL};
static const char *const end_names[] = {
    [END_FIN] = "fin", [END_RESET] = "rst", NULL};

/* Messages that nobody asked for; more are forgotten. */
enum { MESSAGES_MAX = 1024 };

struct judge {
    struct oracle_config config; /* lives as long as the oracle in mem */
    struct oracle *oracle;
    struct oracle_message *messages; /* those not yet taken */
    size_t count;
    size_t cap;
    bool has_ended[2];
    alignas(max_align_t) unsigned char mem[];
};

struct box {
    struct judge *judge;
};

static void on_message(void *ctx, const struct oracle_message *message)
{
    struct judge *j = ctx;
    size_t cap = j->cap ? 2 * j->cap : 8;
    struct oracle_message *grown;

    if (j->count == j->cap) {
        if (cap > MESSAGES_MAX)
            return;
        grown = realloc(j->messages, cap * sizeof(*grown));
        if (!grown)
            return;
        j->messages = grown;
        j->cap = cap;
    }
    j->messages[j->count++] = *message;
}

static int judge_gc(lua_State *L)
{
    struct box *box = lua_touserdata(L, 1);

    if (box->judge)
        free(box->judge->messages);
    free(box->judge);
    box->judge = NULL;
    return 0;
}

static enum oracle_protocol option_protocol(lua_State *L)
{
    static const char *const names[] = {[ORACLE_DETECT] = "detect",
                                        [ORACLE_SOCKS] = "socks",
                                        [ORACLE_HTTP] = "http",
                                        NULL};
    int protocol;

    (void)lua_getfield(L, 1, "protocol");
    protocol = luaL_checkoption(L, -1, "detect", names);
    lua_pop(L, 1);
    return (enum oracle_protocol)protocol;
}

static int native_oracle(lua_State *L)
{
    struct oracle_config config = {0};
    struct box *box;
    struct judge *j;
    bool is_observed;

    luaL_checktype(L, 1, LUA_TTABLE);
    config.protocol = option_protocol(L);
    (void)lua_getfield(L, 1, "is_auth_required");
    config.is_auth_required = lua_toboolean(L, -1);
    (void)lua_getfield(L, 1, "is_socks4_served");
    config.is_socks4_served = lua_toboolean(L, -1);
    is_observed =
        lua_getfield(L, 1, "messages") == LUA_TNIL || lua_toboolean(L, -1);
    box = lua_newuserdatauv(L, sizeof(*box), 0);
    box->judge = NULL;
    luaL_setmetatable(L, type_name);
    j = malloc(sizeof(*j) + oracle_size());
    if (!j)
        return luaL_error(L, "out of memory");
    box->judge = j;
    *j = (struct judge){.config = config};
    j->oracle =
        oracle_init(j->mem, &j->config, is_observed ? on_message : NULL, j);
    return 1;
}

static struct judge *check_judge(lua_State *L)
{
    struct box *box = luaL_checkudata(L, 1, type_name);

    if (!box->judge)
        luaL_error(L, "this oracle was collected");
    return box->judge;
}

/* Seconds of native.now() as milliseconds. */
static uint64_t check_ms(lua_State *L, int index)
{
    lua_Number now = luaL_checknumber(L, index);

    luaL_argcheck(L, now >= 0 && now < 1e12, index, "no time");
    return (uint64_t)(now * 1000);
}

static int judge_bytes(lua_State *L)
{
    struct judge *j = check_judge(L);
    int side = luaL_checkoption(L, 2, NULL, side_names);
    size_t len;
    const char *data = luaL_checklstring(L, 3, &len);

    oracle_bytes(j->oracle, (enum oracle_side)side, px_bytes_of(data, len),
                 check_ms(L, 4));
    return 0;
}

/*
 * A host and a port, of which either may be nil; a host that is no address is
 * unknown, too. Returns NULL when nothing is known.
 */
static const struct px_endpoint *opt_place(lua_State *L, int index,
                                           struct px_endpoint *place)
{
    const char *host = luaL_optstring(L, index, NULL);
    lua_Integer port = luaL_optinteger(L, index + 1, 0);

    luaL_argcheck(L, port >= 0 && port <= UINT16_MAX, index + 1, "no port");
    *place = (struct px_endpoint){.port = (uint16_t)port};
    if (host && inet_pton(AF_INET, host, place->addr.ip) == 1)
        place->addr.kind = PX_ADDRESS_IPV4;
    else if (host && inet_pton(AF_INET6, host, place->addr.ip) == 1)
        place->addr.kind = PX_ADDRESS_IPV6;
    return place->addr.kind == PX_ADDRESS_NONE && port == 0 ? NULL : place;
}

static int judge_datagram(lua_State *L)
{
    struct judge *j = check_judge(L);
    int side = luaL_checkoption(L, 2, NULL, side_names);
    struct px_endpoint from, to;
    const struct px_endpoint *from_place, *to_place;
    size_t len;
    const char *data = luaL_checklstring(L, 3, &len);

    from_place = opt_place(L, 4, &from);
    to_place = opt_place(L, 6, &to);
    oracle_datagram(j->oracle, (enum oracle_side)side, px_bytes_of(data, len),
                    from_place, to_place, check_ms(L, 8));
    return 0;
}

/* The end of a side that has ended already is no news. */
static int judge_ended(lua_State *L)
{
    struct judge *j = check_judge(L);
    int side = luaL_checkoption(L, 2, NULL, side_names);
    int end = luaL_checkoption(L, 3, NULL, end_names);
    uint64_t now_ms = check_ms(L, 4);

    if (!j->has_ended[side])
        oracle_end(j->oracle, (enum oracle_side)side, (enum oracle_end)end,
                   now_ms);
    j->has_ended[side] = true;
    return 0;
}

static int judge_tick(lua_State *L)
{
    oracle_tick(check_judge(L)->oracle, check_ms(L, 2));
    return 0;
}

static int judge_finish(lua_State *L)
{
    oracle_finish(check_judge(L)->oracle, check_ms(L, 2));
    return 0;
}

/* Gives the memory back before the collector finds out that it may. */
static int judge_release(lua_State *L)
{
    (void)check_judge(L);
    return judge_gc(L);
}

static void set_string(lua_State *L, const char *key, const char *value)
{
    lua_pushstring(L, value);
    lua_setfield(L, -2, key);
}

static void set_integer(lua_State *L, const char *key, uint64_t value)
{
    lua_pushinteger(L, (lua_Integer)value);
    lua_setfield(L, -2, key);
}

static void set_bool(lua_State *L, const char *key, bool value)
{
    lua_pushboolean(L, value);
    lua_setfield(L, -2, key);
}

/* A number of a datagram is set where the place is in one. */
static void set_place(lua_State *L, enum oracle_side side, uint64_t offset,
                      uint64_t datagram, uint64_t time_ms)
{
    set_string(L, "side", side_names[side]);
    set_integer(L, "offset", offset);
    if (datagram)
        set_integer(L, "datagram", datagram);
    lua_pushnumber(L, (lua_Number)time_ms / 1000);
    lua_setfield(L, -2, "time");
}

static int judge_findings(lua_State *L)
{
    struct judge *j = check_judge(L);
    struct oracle_finding finding;
    lua_Integer n = 0;

    lua_newtable(L);
    while (oracle_next_finding(j->oracle, &finding)) {
        lua_createtable(L, 0, 7);
        set_string(L, "requirement", requirement_row(finding.req)->id);
        set_place(L, finding.side, finding.offset, finding.datagram,
                  finding.time_ms);
        set_bool(L, "contested", finding.is_contested);
        set_string(L, "message", finding.message);
        lua_rawseti(L, -2, ++n);
    }
    return 1;
}

static int judge_messages(lua_State *L)
{
    struct judge *j = check_judge(L);

    lua_createtable(L, (int)j->count, 0);
    for (size_t i = 0; i < j->count; i++) {
        const struct oracle_message *message = &j->messages[i];

        lua_createtable(L, 0, 6);
        set_place(L, message->side, message->offset, message->datagram,
                  message->time_ms);
        set_integer(L, "len", message->len);
        set_string(L, "text", message->text);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    j->count = 0;
    return 1;
}

/* -1 stands for what is not known yet. */
static void set_known(lua_State *L, const char *key, int value)
{
    if (value >= 0)
        set_integer(L, key, (uint64_t)value);
}

static void set_by_side(lua_State *L, const char *key, const uint64_t count[2])
{
    lua_createtable(L, 0, 2);
    set_integer(L, "client", count[SIDE_CLIENT]);
    set_integer(L, "server", count[SIDE_SERVER]);
    lua_setfield(L, -2, key);
}

static int judge_summary(lua_State *L)
{
    static const char *const protocols[] = {[ORACLE_DETECT] = NULL,
                                            [ORACLE_SOCKS] = "socks",
                                            [ORACLE_HTTP] = "http"};
    static const char *const stages[] = {
        [STAGE_START] = "start",
        [STAGE_OPENED] = "opened",
        [STAGE_ANSWERED] = "answered",
        [STAGE_AUTHENTICATED] = "authenticated",
        [STAGE_REQUESTED] = "requested",
        [STAGE_GRANTED] = "granted",
        [STAGE_REFUSED] = "refused"};
    const struct oracle_summary *sum = oracle_summary(check_judge(L)->oracle);

    lua_createtable(L, 0, 10);
    set_string(L, "protocol", protocols[sum->protocol]);
    set_string(L, "stage", stages[sum->stage]);
    set_known(L, "version", sum->version ? sum->version : -1);
    set_known(L, "method", sum->method);
    set_known(L, "command", sum->command);
    set_known(L, "code", sum->code);
    set_string(L, "target", *sum->target ? sum->target : NULL);
    set_string(L, "bind_peer", *sum->bind_peer ? sum->bind_peer : NULL);
    set_by_side(L, "relayed", sum->relayed);
    set_by_side(L, "datagrams", sum->datagrams);
    return 1;
}

static int native_oracle_rules(lua_State *L)
{
    lua_newtable(L);
    for (size_t i = 0; i < oracle_rule_count(); i++) {
        const struct oracle_rule *rule = oracle_rule_at(i);

        lua_createtable(L, 0, 3);
        set_string(L, "requirement", requirement_row(rule->req)->id);
        set_bool(L, "client", rule->accuses_client);
        set_bool(L, "server", rule->accuses_server);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

void native_open_oracle(lua_State *L)
{
    static const luaL_Reg methods[] = {
        {"bytes", judge_bytes},       {"datagram", judge_datagram},
        {"ended", judge_ended},       {"tick", judge_tick},
        {"finish", judge_finish},     {"findings", judge_findings},
        {"messages", judge_messages}, {"summary", judge_summary},
        {"release", judge_release},   {NULL, NULL},
    };
    static const luaL_Reg functions[] = {{"oracle", native_oracle},
                                         {"oracle_rules", native_oracle_rules},
                                         {NULL, NULL}};

    native_class(L, type_name, methods, judge_gc);
    luaL_setfuncs(L, functions, 0);
}
