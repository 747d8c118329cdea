#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "bench.h"
#include "native.h"

/* native.sink() and native.load(): harness/bench for Lua. */

static const char sink_type[] = "proxyspec.sink";
static const char call_type[] = "proxyspec.load";
static const char held_type[] = "proxyspec.held";

struct sink_box {
    struct sink *sink; /* NULL: closed */
};

/* The tunnels that a load keeps. */
struct held_box {
    struct load load;
};

/* Runs on a thread of libuv's; freed when both it and its call are over. */
struct job {
    uv_work_t work;
    struct call *call; /* NULL: nobody wants the result */
    struct load load;
    struct px_error error;
    enum px_status status;
    char user[BENCH_CREDENTIAL_MAX + 1];
    char password[BENCH_CREDENTIAL_MAX + 1];
};

/* A userdata; at index 2 while the task waits. */
struct call {
    struct job *job;
    bool is_done;
    struct waiters waiters;
};

static int sink_close_method(lua_State *L)
{
    struct sink_box *box = luaL_checkudata(L, 1, sink_type);

    sink_close(box->sink);
    box->sink = NULL;
    return 0;
}

static struct in_addr option_ipv4(lua_State *L, const char *name)
{
    const char *text = option_string(L, 1, name, "127.0.0.1");
    struct in_addr address;

    if (inet_pton(AF_INET, text, &address) != 1)
        luaL_error(L, "%s: '%s' is no IPv4 address", name, text);
    return address;
}

static int native_sink(lua_State *L)
{
    struct px_error err = {0};
    struct in_addr address;
    struct sink_box *box;

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    address = option_ipv4(L, "host");
    box = lua_newuserdatauv(L, sizeof(*box), 0);
    box->sink = NULL;
    luaL_setmetatable(L, sink_type);
    box->sink = sink_open(address, &err);
    return box->sink ? 1 : native_fail(L, err.detail);
}

static void run_job(uv_work_t *work)
{
    struct job *job = work->data;

    job->status = load_run(&job->load, &job->error);
}

static void free_job(struct job *job)
{
    load_release(&job->load);
    free(job);
}

static void after_job(uv_work_t *work, int status)
{
    struct job *job = work->data;

    if (!job->call) {
        free_job(job);
        return;
    }
    if (status != 0)
        job->status = px_fail(&job->error, -status, "cancelled");
    job->call->is_done = true;
    waiters_wake(&job->call->waiters);
}

static int call_gc(lua_State *L)
{
    struct call *call = lua_touserdata(L, 1);

    if (!call->job)
        return 0;
    if (call->is_done) {
        free_job(call->job);
    } else { /* it ends by itself */
        call->job->call = NULL;
        (void)uv_cancel((uv_req_t *)&call->job->work);
    }
    call->job = NULL;
    return 0;
}

static int held_close(lua_State *L)
{
    struct held_box *box = luaL_checkudata(L, 1, held_type);

    load_release(&box->load);
    return 0;
}

static void set_number(lua_State *L, const char *name, double value)
{
    lua_pushnumber(L, value);
    lua_setfield(L, -2, name);
}

static int push_held(lua_State *L, struct job *job)
{
    struct held_box *box = lua_newuserdatauv(L, sizeof(*box), 0);

    box->load = job->load;
    job->load.held = NULL;
    luaL_setmetatable(L, held_type);
    return 1;
}

static int push_result(lua_State *L, struct job *job)
{
    if (job->load.kind == LOAD_HOLD)
        return push_held(L, job);
    lua_createtable(L, 0, 4);
    set_number(L, "per_second", job->load.per_second);
    set_number(L, "p50_us", job->load.p50_us);
    set_number(L, "p99_us", job->load.p99_us);
    set_number(L, "failed", (double)job->load.failed);
    return 1;
}

static int on_loaded(lua_State *L, int status, lua_KContext ctx)
{
    struct call *call = lua_touserdata(L, 2);

    (void)status;
    (void)ctx;
    if (call->job->status != PX_DONE)
        return native_fail(L, call->job->error.detail);
    return push_result(L, call->job);
}

static enum load_kind option_kind(lua_State *L)
{
    static const char *const names[] = {
        [LOAD_DOWN] = "down",         [LOAD_UP] = "up",
        [LOAD_CONNECTS] = "connects", [LOAD_HANDSHAKES] = "handshakes",
        [LOAD_ECHO] = "echo",         [LOAD_REQUESTS] = "requests",
        [LOAD_RESPONSE] = "response", [LOAD_HOLD] = "hold",
        [LOAD_HOLD + 1] = NULL,
    };
    int kind;

    (void)lua_getfield(L, 1, "kind");
    kind = luaL_checkoption(L, -1, NULL, names);
    lua_pop(L, 1);
    return (enum load_kind)kind;
}

static const char *option_credential(lua_State *L, const char *name,
                                     char out[BENCH_CREDENTIAL_MAX + 1])
{
    const char *text = option_string(L, 1, name, NULL);

    if (!text)
        return NULL;
    if (strlen(text) > BENCH_CREDENTIAL_MAX)
        luaL_error(L, "%s: too long", name);
    memcpy(out, text, strlen(text) + 1);
    return out;
}

static void read_route(lua_State *L, struct job *job)
{
    static const char *const names[] = {
        [BENCH_DIRECT] = "direct", [BENCH_SOCKS4] = "socks4",
        [BENCH_SOCKS5] = "socks5", [BENCH_HTTP] = "http",
        [BENCH_HTTP + 1] = NULL,
    };
    struct bench_route *route = &job->load.route;
    const char *host;

    (void)lua_getfield(L, 1, "protocol");
    route->protocol = (enum bench_protocol)luaL_checkoption(L, -1, NULL, names);
    lua_pop(L, 1);
    route->user = option_credential(L, "user", job->user);
    route->password = option_credential(L, "password", job->password);
    if (route->user && !route->password)
        route->password = job->password; /* empty */
    route->target = option_ipv4(L, "target");
    host = option_string(L, 1, "host", "127.0.0.1");
    if (!address_parse(host, option_port(L, 1, "port"), &route->proxy))
        luaL_error(L, "host: '%s' is no numeric address", host);
}

static void read_load(lua_State *L, struct load *load)
{
    const struct sink_box *sink;

    load->kind = option_kind(L);
    (void)lua_getfield(L, 1, "sink");
    sink = luaL_checkudata(L, -1, sink_type);
    if (!sink->sink)
        luaL_error(L, "this sink was closed");
    load->sink = sink->sink;
    (void)lua_getfield(L, 1, "streams");
    load->streams = (unsigned)luaL_optinteger(L, -1, 1);
    (void)lua_getfield(L, 1, "seconds");
    load->seconds = luaL_optnumber(L, -1, 1);
    lua_pop(L, 3);
}

static int native_load(lua_State *L)
{
    struct call *call;
    struct job *job;
    int error;

    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    call = lua_newuserdatauv(L, sizeof(*call), 0);
    memset(call, 0, sizeof(*call));
    luaL_setmetatable(L, call_type);
    job = call->job = calloc(1, sizeof(*job));
    if (!job)
        return luaL_error(L, "out of memory");
    call->is_done = true; /* until it runs */
    read_load(L, &job->load);
    read_route(L, job);
    job->work.data = job;
    job->call = call;
    error = uv_queue_work(script_loop(script_of(L)), &job->work, run_job,
                          after_job);
    if (error)
        return native_fail_uv(L, "load", error);
    call->is_done = false;
    return task_wait(L, &call->waiters, -1, 0, on_loaded);
}

void native_open_bench(lua_State *L)
{
    static const luaL_Reg sink_methods[] = {{"close", sink_close_method},
                                            {NULL, NULL}};
    static const luaL_Reg held_methods[] = {{"close", held_close},
                                            {NULL, NULL}};
    static const luaL_Reg none[] = {{NULL, NULL}};
    static const luaL_Reg functions[] = {
        {"sink", native_sink}, {"load", native_load}, {NULL, NULL}};

    native_class(L, sink_type, sink_methods, sink_close_method);
    native_class(L, held_type, held_methods, held_close);
    native_class(L, call_type, none, call_gc);
    luaL_setfuncs(L, functions, 0);
}
