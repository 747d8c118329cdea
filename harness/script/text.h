#ifndef TEXT_H
#define TEXT_H

/*
 * Octets on the heap on their way into Lua: the userdata frees them, so that
 * an error between here and there loses nothing.
 */

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>

struct text {
    char *data; /* of malloc(), or NULL */
    size_t len;
    size_t cap;
};

/* Pushes the userdata of an empty text. */
struct text *text_push(lua_State *L);

/* False when memory is short. */
bool text_append(struct text *text, const char *data, size_t len);

/* Replaces the userdata at the top by a string of what it holds. */
void text_to_string(lua_State *L);

/* Reads the whole file: 0 or an errno. */
int text_read_file(struct text *text, const char *path);

#endif
