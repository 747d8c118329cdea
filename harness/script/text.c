#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "native.h"

enum { FILE_MAX = 64 * 1024 * 1024 };

static const char type_name[] = "proxyspec.text";

static int text_gc(lua_State *L)
{
    struct text *text = lua_touserdata(L, 1);

    free(text->data);
    *text = (struct text){0};
    return 0;
}

struct text *text_push(lua_State *L)
{
    struct text *text = lua_newuserdatauv(L, sizeof(*text), 0);

    *text = (struct text){0};
    if (luaL_newmetatable(L, type_name)) {
        lua_pushcfunction(L, text_gc);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    return text;
}

static bool reserve(struct text *text, size_t len)
{
    size_t cap = 2 * (text->len + len);
    char *grown;

    if (text->len + len <= text->cap)
        return true;
    grown = realloc(text->data, cap);
    if (!grown)
        return false;
    text->data = grown;
    text->cap = cap;
    return true;
}

bool text_append(struct text *text, const char *data, size_t len)
{
    if (len == 0)
        return true;
    if (!reserve(text, len))
        return false;
    memcpy(text->data + text->len, data, len);
    text->len += len;
    return true;
}

void text_to_string(lua_State *L)
{
    struct text *text = luaL_checkudata(L, -1, type_name);

    lua_pushlstring(L, text->len ? text->data : "", text->len);
    free(text->data);
    *text = (struct text){0};
    lua_replace(L, -2);
}

static int read_all(struct text *text, int fd)
{
    char buf[65536];
    ssize_t got;

    for (;;) {
        got = read(fd, buf, sizeof(buf));
        if (got == 0)
            return 0;
        if (got < 0 && errno != EINTR)
            return errno;
        if (got > 0 && text->len + (size_t)got > FILE_MAX)
            return EFBIG;
        if (got > 0 && !text_append(text, buf, (size_t)got))
            return ENOMEM;
    }
}

int text_read_file(struct text *text, const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int error;

    if (fd < 0)
        return errno;
    error = read_all(text, fd);
    (void)close(fd);
    return error;
}
