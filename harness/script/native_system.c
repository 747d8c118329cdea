#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "native.h"
#include "output.h"

/* The clock on the wall, standard output and error, the terminal, signals. */

static int write_to(lua_State *L, int fd)
{
    size_t len;
    const char *text = luaL_checklstring(L, 1, &len);
    int error = output_write(fd, text, len);

    if (error)
        return native_fail(L, strerror(error));
    lua_pushboolean(L, 1);
    return 1;
}

static int native_out(lua_State *L)
{
    return write_to(L, STDOUT_FILENO);
}

static int native_err(lua_State *L)
{
    return write_to(L, STDERR_FILENO);
}

static int native_epoch(lua_State *L)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_REALTIME, &now);
    lua_pushnumber(L, (lua_Number)now.tv_sec + (lua_Number)now.tv_nsec / 1e9);
    return 1;
}

static int native_is_tty(lua_State *L)
{
    lua_Integer fd = luaL_checkinteger(L, 1);

    lua_pushboolean(L, fd >= 0 && fd <= INT16_MAX && isatty((int)fd));
    return 1;
}

/* How wide the terminal is; 80 when there is none. */
static int native_columns(lua_State *L)
{
    enum { DEFAULT_COLUMNS = 80 };
    static const int fds[] = {STDOUT_FILENO, STDERR_FILENO};
    struct winsize size;

    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
        if (ioctl(fds[i], TIOCGWINSZ, &size) == 0 && size.ws_col) {
            lua_pushinteger(L, size.ws_col);
            return 1;
        }
    }
    lua_pushinteger(L, DEFAULT_COLUMNS);
    return 1;
}

static int native_getenv(lua_State *L)
{
    lua_pushstring(L, getenv(luaL_checkstring(L, 1)));
    return 1;
}

static int native_version(lua_State *L)
{
    lua_pushliteral(L, PROXYSPEC_VERSION);
    return 1;
}

static int native_program(lua_State *L)
{
    lua_pushstring(L, program_invocation_name); /* argv[0] */
    return 1;
}

static int native_cpus(lua_State *L)
{
    lua_pushinteger(L, uv_available_parallelism());
    return 1;
}

void native_open_system(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"out", native_out},         {"err", native_err},
        {"epoch", native_epoch},     {"is_tty", native_is_tty},
        {"columns", native_columns}, {"getenv", native_getenv},
        {"version", native_version}, {"program", native_program},
        {"cpus", native_cpus},       {NULL, NULL},
    };

    luaL_setfuncs(L, functions, 0);
}
