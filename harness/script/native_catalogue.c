#include "native.h"

/* The catalogue, the judge's rules and the faults, as tables. */

static void set_string(lua_State *L, const char *key, const char *value)
{
    lua_pushstring(L, value);
    lua_setfield(L, -2, key);
}

static void push_requirement(lua_State *L, enum requirement req)
{
    const struct requirement_row *row = requirement_row(req);

    lua_createtable(L, 0, 8);
    set_string(L, "id", row->id);
    set_string(L, "source", row->source);
    set_string(L, "section", row->section);
    set_string(L, "level", requirement_level_name(row->level));
    set_string(L, "role", requirement_role_name(row->role));
    set_string(L, "testability",
               requirement_testability_name(row->testability));
    set_string(L, "summary", row->summary);
    set_string(L, "how", row->how);
}

static int native_requirements(lua_State *L)
{
    lua_createtable(L, REQ_COUNT, 0);
    for (int req = REQ_NONE + 1; req < REQ_COUNT; req++) {
        push_requirement(L, (enum requirement)req);
        lua_rawseti(L, -2, req);
    }
    return 1;
}

static int native_requirement(lua_State *L)
{
    size_t len;
    const char *id = luaL_checklstring(L, 1, &len);
    enum requirement req = requirement_by_id(id, len);

    if (req == REQ_NONE)
        return 0;
    push_requirement(L, req);
    return 1;
}

void native_open_catalogue(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"requirements", native_requirements},
        {"requirement", native_requirement},
        {NULL, NULL},
    };

    luaL_setfuncs(L, functions, 0);
}
