#ifndef ROWS_H
#define ROWS_H

/*
 * Tables of tests: each row becomes a cmocka test of its own name, and each
 * decoder row is tried at every length.
 */

/* cmocka.h needs the first four. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "px.h"

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* The octets of a literal, as a constant expression for tables. */
#define BYTES(s)                                                               \
    {                                                                          \
        (const uint8_t *)("" s), sizeof(s) - 1                                 \
    }

/*
 * A heap copy of exactly the first len octets, so that reading past them is
 * seen; NULL for none. free() it.
 */
uint8_t *copy_exact(struct px_bytes in, size_t len);

/* Fails the test unless both hold the same octets. */
void assert_bytes_equal(struct px_bytes got, struct px_bytes want);

/*
 * Decodes in; on PX_DONE writes what was decoded to *again, when the format
 * has an encoder.
 */
typedef enum px_status decode_fn(struct px_bytes in, size_t *used,
                                 struct px_error *err, struct px_writer *again);

struct decode_row {
    const char *name;
    struct px_bytes in;
    size_t enough; /* octets that decide; with fewer, more are needed */
    enum px_status status;
    enum requirement req; /* with PX_ERROR */
    decode_fn *decode;
};

/* A test whose initial state is a decode_row. */
void check_decode_row(void **state);

/* Runs check on each of count rows of row_len octets; the name comes first. */
int run_rows(const char *group, const void *rows, size_t count, size_t row_len,
             CMUnitTestFunction check);

#define RUN_ROWS(rows, check)                                                  \
    run_rows(#rows, rows, LENGTH(rows), sizeof((rows)[0]), check)

#endif
