#ifndef OUTPUT_H
#define OUTPUT_H

/* Writing to descriptors that may be pipes or terminals. */

#include <stddef.h>

/* Writes all of it, waiting where fd would block: 0 or an errno. */
int output_write(int fd, const char *data, size_t len);

#endif
