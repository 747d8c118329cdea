#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "native.h"
#include "text.h"

/*
 * JSON by jansson. A table that array() has marked is an array, any other an
 * object; null is nothing in an object and a light userdata NULL in an array.
 */

enum { DEPTH_MAX = 100 };

static const char array_type[] = "proxyspec.array";
static const char root_type[] = "proxyspec.json";

struct root {
    json_t *value;
};

static int root_gc(lua_State *L)
{
    struct root *root = lua_touserdata(L, 1);

    json_decref(root->value);
    root->value = NULL;
    return 0;
}

/* Holds a value that is built or read, whatever is raised meanwhile. */
static struct root *push_root(lua_State *L)
{
    struct root *root = lua_newuserdatauv(L, sizeof(*root), 0);

    root->value = NULL;
    luaL_setmetatable(L, root_type);
    return root;
}

static int native_array(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    luaL_setmetatable(L, array_type);
    return 1;
}

static bool is_array(lua_State *L, int index)
{
    bool is_marked;

    if (!lua_getmetatable(L, index))
        return false;
    luaL_getmetatable(L, array_type);
    is_marked = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return is_marked;
}

/* How many octets at s are one UTF-8 character (RFC 3629 section 4), or 0. */
static size_t utf8_len(const char *s, size_t len)
{
    const unsigned char *u = (const unsigned char *)s;
    size_t want = u[0] < 0x80 ? 1 : u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;

    if (want == 1)
        return 1;
    if (u[0] < 0xc2 || u[0] > 0xf4 || want > len)
        return 0;
    if ((u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xed && u[1] > 0x9f) ||
        (u[0] == 0xf0 && u[1] < 0x90) || (u[0] == 0xf4 && u[1] > 0x8f))
        return 0;
    for (size_t i = 1; i < want; i++) {
        if ((u[i] & 0xc0) != 0x80)
            return 0;
    }
    return want;
}

/*
 * Replaces the string on top by one that is UTF-8: an octet that is part of no
 * character becomes the one of Latin-1, so that no report ever fails.
 */
static const char *to_utf8(lua_State *L, size_t *len)
{
    const char *s = lua_tolstring(L, -1, len);
    luaL_Buffer out;
    size_t step;

    luaL_buffinit(L, &out);
    for (size_t i = 0; i < *len; i += step) {
        step = utf8_len(s + i, *len - i);
        if (step) {
            luaL_addlstring(&out, s + i, step);
        } else {
            luaL_addchar(&out, (char)(0xc0 | ((unsigned char)s[i] >> 6)));
            luaL_addchar(&out, (char)(0x80 | (s[i] & 0x3f)));
            step = 1;
        }
    }
    luaL_pushresult(&out);
    lua_replace(L, -2);
    return lua_tolstring(L, -1, len);
}

static json_t *build_string(lua_State *L)
{
    size_t len;
    const char *s;
    json_t *value;

    lua_pushvalue(L, -1);
    s = to_utf8(L, &len);
    value = json_stringn_nocheck(s, len);
    lua_pop(L, 1);
    return value;
}

static json_t *build_number(lua_State *L)
{
    if (lua_isinteger(L, -1))
        return json_integer(lua_tointeger(L, -1));
    if (!isfinite(lua_tonumber(L, -1)))
        return json_null(); /* JSON has no word for it */
    return json_real(lua_tonumber(L, -1));
}

/* A value of the type on top; containers are still empty. */
static json_t *build_one(lua_State *L)
{
    switch (lua_type(L, -1)) {
    case LUA_TBOOLEAN:
        return json_boolean(lua_toboolean(L, -1));
    case LUA_TNUMBER:
        return build_number(L);
    case LUA_TSTRING:
        return build_string(L);
    case LUA_TTABLE:
        return is_array(L, -1) ? json_array() : json_object();
    case LUA_TLIGHTUSERDATA:
        return json_null();
    default:
        luaL_error(L, "JSON has no %s", luaL_typename(L, -1));
        return NULL;
    }
}

static void fill(lua_State *L, json_t *into, int depth);

/* The value on top goes into an array (key NULL) or object at once, so that
 * the root owns it, and is filled there. */
static void add(lua_State *L, json_t *into, const char *key, size_t key_len,
                int depth)
{
    json_t *value = build_one(L);
    int failed = key ? json_object_setn_new_nocheck(into, key, key_len, value)
                     : json_array_append_new(into, value);

    if (failed)
        luaL_error(L, "out of memory");
    if (lua_istable(L, -1))
        fill(L, value, depth + 1);
}

static void fill_object(lua_State *L, json_t *into, int depth)
{
    const char *key;
    size_t len;

    lua_pushnil(L);
    while (lua_next(L, -2)) {
        if (!lua_isstring(L, -2))
            luaL_error(L, "a key is a %s", luaL_typename(L, -2));
        lua_pushvalue(L, -2);
        key = to_utf8(L, &len);
        lua_insert(L, -2); /* the key stays alive below the value */
        add(L, into, key, len, depth);
        lua_pop(L, 2);
    }
}

/* The table on top. */
static void fill(lua_State *L, json_t *into, int depth)
{
    luaL_checkstack(L, 10, "JSON");
    if (depth > DEPTH_MAX)
        luaL_error(L, "too deep for JSON, or a table inside itself");
    if (!json_is_array(into)) {
        fill_object(L, into, depth);
        return;
    }
    for (lua_Unsigned i = 1; i <= lua_rawlen(L, -1); i++) {
        (void)lua_rawgeti(L, -1, (lua_Integer)i);
        add(L, into, NULL, 0, depth);
        lua_pop(L, 1);
    }
}

static int write_text(const char *data, size_t len, void *ctx)
{
    return text_append(ctx, data, len) ? 0 : -1;
}

static int native_json(lua_State *L)
{
    struct root *root;
    struct text *text;
    int failed;

    luaL_checkany(L, 1);
    lua_settop(L, 1);
    root = push_root(L);
    text = text_push(L);
    lua_pushvalue(L, 1);
    root->value = build_one(L);
    if (!root->value)
        return luaL_error(L, "out of memory");
    if (lua_istable(L, -1))
        fill(L, root->value, 0);
    lua_pop(L, 1);
    failed = json_dump_callback(root->value, write_text, text,
                                JSON_INDENT(2) | JSON_SORT_KEYS |
                                    JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    if (failed)
        return luaL_error(L, "out of memory");
    text_to_string(L);
    json_decref(root->value);
    root->value = NULL;
    return 1;
}

static void push_value(lua_State *L, const json_t *value);

static void push_array(lua_State *L, const json_t *value)
{
    lua_createtable(L, (int)json_array_size(value), 0);
    luaL_setmetatable(L, array_type);
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *item = json_array_get(value, i);

        if (json_is_null(item))
            lua_pushlightuserdata(L, NULL);
        else
            push_value(L, item);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

static void push_object(lua_State *L, const json_t *value)
{
    json_t *object = (json_t *)value; /* iterators take no const */

    lua_newtable(L);
    for (void *at = json_object_iter(object); at;
         at = json_object_iter_next(object, at)) {
        lua_pushlstring(L, json_object_iter_key(at),
                        json_object_iter_key_len(at));
        push_value(L, json_object_iter_value(at));
        lua_rawset(L, -3);
    }
}

static void push_value(lua_State *L, const json_t *value)
{
    luaL_checkstack(L, 4, "JSON");
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        push_object(L, value);
        break;
    case JSON_ARRAY:
        push_array(L, value);
        break;
    case JSON_STRING:
        lua_pushlstring(L, json_string_value(value), json_string_length(value));
        break;
    case JSON_INTEGER:
        lua_pushinteger(L, json_integer_value(value));
        break;
    case JSON_REAL:
        lua_pushnumber(L, json_real_value(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        lua_pushboolean(L, json_is_true(value));
        break;
    case JSON_NULL:
        lua_pushnil(L);
        break;
    }
}

static int native_read_json(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    struct text *text = text_push(L);
    struct root *root = push_root(L);
    int error = text_read_file(text, path);
    json_error_t why;

    if (error) {
        lua_pushnil(L);
        lua_pushfstring(L, "%s: %s", path, strerror(error));
        return 2;
    }
    root->value = json_loadb(
        text->len ? text->data : "", text->len,
        JSON_DECODE_ANY | JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
    if (!root->value) {
        lua_pushnil(L);
        lua_pushfstring(L, "%s:%d: %s", path, why.line, why.text);
        return 2;
    }
    push_value(L, root->value);
    return 1;
}

void native_open_json(lua_State *L)
{
    static const luaL_Reg none[] = {{NULL, NULL}};
    static const luaL_Reg functions[] = {
        {"json", native_json},
        {"array", native_array},
        {"read_json", native_read_json},
        {NULL, NULL},
    };

    native_class(L, root_type, none, root_gc);
    (void)luaL_newmetatable(L, array_type);
    lua_pop(L, 1);
    luaL_setfuncs(L, functions, 0);
}
