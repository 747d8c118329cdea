#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "native.h"
#include "output.h"
#include "text.h"

/* Files: read whole, written beside their place and renamed, listed. */

static const char walk_type[] = "proxyspec.walk";
static const char temp_dirs_key; /* registry: the set of what temp_dir() made */

static int fail_path(lua_State *L, const char *path, int error)
{
    lua_pushnil(L);
    lua_pushfstring(L, "%s: %s", path, strerror(error));
    return 2;
}

static int native_read_file(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    struct text *text = text_push(L);
    int error = text_read_file(text, path);

    if (error)
        return fail_path(L, path, error);
    text_to_string(L);
    return 1;
}

/* Writes and closes: 0 or an errno. */
static int write_and_close(int fd, const char *data, size_t len)
{
    int error = fd < 0 ? errno : output_write(fd, data, len);

    if (fd >= 0 && close(fd) != 0 && !error)
        error = errno;
    return error;
}

/* Whoever reads path meanwhile sees the old file or the new one, never half. */
static int replace_file(const char *path, mode_t mode, const char *part,
                        const char *data, size_t len)
{
    int fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    int error;

    if (fd < 0)
        return errno;
    error = write_and_close(fd, data, len);
    if (!error && rename(part, path) != 0)
        error = errno;
    if (error)
        (void)unlink(part);
    return error;
}

/* A device or a pipe is written to as it is; a link leads to what it names. */
static int write_path(lua_State *L, const char *path, const char *data,
                      size_t len)
{
    char resolved[PATH_MAX];
    struct stat st = {.st_mode = 0666};
    const char *part;

    if (realpath(path, resolved))
        path = resolved;
    if (stat(path, &st) == 0 && !S_ISREG(st.st_mode))
        return write_and_close(open(path, O_WRONLY | O_CLOEXEC), data, len);
    part = lua_pushfstring(L, "%s.%d.part", path, (int)getpid());
    return replace_file(path, st.st_mode & 0777, part, data, len);
}

static int native_write_file(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    size_t len;
    const char *data = luaL_checklstring(L, 2, &len);
    int error;

    if (strcmp(path, "-") == 0)
        error = output_write(STDOUT_FILENO, data, len);
    else
        error = write_path(L, path, data, len);
    if (error)
        return fail_path(L, path, error);
    lua_pushboolean(L, 1);
    return 1;
}

/* What write_path() would meet: 0 or an errno. */
static int check_writable(lua_State *L, const char *path)
{
    const char *slash = strrchr(path, '/');
    struct stat st;

    if (stat(path, &st) == 0) {
        if (S_ISDIR(st.st_mode))
            return EISDIR;
        if (!S_ISREG(st.st_mode))
            return access(path, W_OK) == 0 ? 0 : errno;
    } else if (errno != ENOENT) {
        return errno;
    }
    if (!slash)
        path = ".";
    else
        path = lua_pushlstring(L, path, (size_t)(slash - path) + 1);
    if (stat(path, &st) == 0 && !S_ISDIR(st.st_mode))
        return ENOTDIR;
    return access(path, W_OK | X_OK) == 0 ? 0 : errno;
}

static int native_can_write(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    int error = 0;

    if (*path == '\0')
        error = ENOENT;
    else if (strcmp(path, "-") != 0)
        error = check_writable(L, path);
    if (error)
        return fail_path(L, path, error);
    lua_pushboolean(L, 1);
    return 1;
}

struct walk {
    FTS *fts;
};

static int walk_gc(lua_State *L)
{
    struct walk *walk = lua_touserdata(L, 1);

    if (walk->fts)
        (void)fts_close(walk->fts);
    walk->fts = NULL;
    return 0;
}

static bool has_suffix(const FTSENT *entry, const char *suffix)
{
    size_t len = strlen(suffix);

    return entry->fts_pathlen >= len &&
           strcmp(entry->fts_path + entry->fts_pathlen - len, suffix) == 0;
}

/* Fills the table on top with the files; 0 or an errno. */
static int collect(lua_State *L, FTS *fts, const char *suffix)
{
    lua_Integer n = 0;
    FTSENT *entry;

    while ((entry = fts_read(fts)) != NULL) {
        if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR ||
            (entry->fts_info == FTS_NS && entry->fts_level == 0))
            return entry->fts_errno;
        if (entry->fts_info == FTS_F && entry->fts_level == 0)
            return ENOTDIR;
        if (entry->fts_info == FTS_F && has_suffix(entry, suffix)) {
            lua_pushlstring(L, entry->fts_path, entry->fts_pathlen);
            lua_rawseti(L, -2, ++n);
        }
    }
    return 0;
}

static void sort(lua_State *L)
{
    lua_getglobal(L, "table");
    lua_getfield(L, -1, "sort");
    lua_pushvalue(L, -3);
    lua_call(L, 1, 0);
    lua_pop(L, 1);
}

static int native_list_files(lua_State *L)
{
    const char *dir = luaL_checkstring(L, 1);
    const char *suffix = luaL_optstring(L, 2, "");
    char *paths[] = {(char *)dir, NULL};
    struct walk *walk = lua_newuserdatauv(L, sizeof(*walk), 0);
    int error;

    walk->fts = NULL;
    luaL_setmetatable(L, walk_type);
    lua_newtable(L);
    errno = 0;
    walk->fts = fts_open(paths, FTS_LOGICAL | FTS_NOCHDIR, NULL);
    error = walk->fts ? collect(L, walk->fts, suffix) : errno;
    if (walk->fts)
        (void)fts_close(walk->fts);
    walk->fts = NULL;
    if (error)
        return fail_path(L, dir, error);
    sort(L);
    return 1;
}

static int native_temp_dir(lua_State *L)
{
    const char *base = getenv("TMPDIR");
    char path[PATH_MAX];

    (void)lua_rawgetp(L, LUA_REGISTRYINDEX, &temp_dirs_key);
    (void)snprintf(path, sizeof(path), "%s/proxyspec-XXXXXX",
                   base && *base ? base : "/tmp");
    if (!mkdtemp(path))
        return fail_path(L, path, errno);
    lua_pushstring(L, path);
    lua_pushvalue(L, -1);
    lua_pushboolean(L, 1);
    lua_rawset(L, -4);
    return 1;
}

static int remove_one(const char *path, const struct stat *st, int type,
                      struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path) == 0 ? 0 : errno;
}

/* Only what temp_dir() made: a wrong path here would be somebody's home. */
static int native_remove_tree(lua_State *L)
{
    enum { DESCRIPTORS = 16 };
    const char *path = luaL_checkstring(L, 1);
    int error;

    (void)lua_rawgetp(L, LUA_REGISTRYINDEX, &temp_dirs_key);
    lua_pushvalue(L, 1);
    if (lua_rawget(L, -2) == LUA_TNIL)
        return luaL_error(L, "%s was not made by temp_dir()", path);
    error =
        nftw(path, remove_one, DESCRIPTORS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
    if (error)
        return fail_path(L, path, error < 0 ? errno : error);
    lua_pushboolean(L, 1);
    return 1;
}

static int native_make_dir(lua_State *L)
{
    const char *path = luaL_checkstring(L, 1);
    struct stat st;
    int error = mkdir(path, 0777) == 0 ? 0 : errno;

    if (error == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        error = 0;
    if (error)
        return fail_path(L, path, error);
    lua_pushboolean(L, 1);
    return 1;
}

void native_open_files(lua_State *L)
{
    static const luaL_Reg none[] = {{NULL, NULL}};
    static const luaL_Reg functions[] = {
        {"read_file", native_read_file}, {"write_file", native_write_file},
        {"can_write", native_can_write}, {"list_files", native_list_files},
        {"temp_dir", native_temp_dir},   {"remove_tree", native_remove_tree},
        {"make_dir", native_make_dir},   {NULL, NULL},
    };

    native_class(L, walk_type, none, walk_gc);
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &temp_dirs_key);
    luaL_setfuncs(L, functions, 0);
}
