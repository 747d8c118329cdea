#ifndef EMBEDDED_H
#define EMBEDDED_H

/*
 * The Lua files and target definitions that the program carries inside
 * itself, so that it runs from anywhere.
 */

#include <stddef.h>

struct embedded_file {
    const char *path;          /* relative to harness/: "lib/engine.lua" */
    const unsigned char *data; /* a zero octet follows the last one */
    size_t len;
};

size_t embedded_count(void);
const struct embedded_file *embedded_at(size_t i); /* i < embedded_count() */
const struct embedded_file *embedded_find(const char *path); /* or NULL */

#endif
