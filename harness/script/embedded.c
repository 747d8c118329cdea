#include "embedded.h"

#include <assert.h>
#include <string.h>

#include "embedded_files.h"

size_t embedded_count(void)
{
    return sizeof(embedded_files) / sizeof(embedded_files[0]) - 1;
}

const struct embedded_file *embedded_at(size_t i)
{
    assert(i < embedded_count());
    return &embedded_files[i];
}

const struct embedded_file *embedded_find(const char *path)
{
    for (size_t i = 0; i < embedded_count(); i++) {
        if (strcmp(embedded_files[i].path, path) == 0)
            return &embedded_files[i];
    }
    return NULL;
}
