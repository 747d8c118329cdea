#ifndef PX_H
#define PX_H

/*
 * wire: codecs between octets and structs. This header holds the few names
 * that every module shares: borrowed bytes, a cursor to read with, a writer to
 * write with, addresses, and how an operation says that it failed.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "requirements.h"

#define PX_CHECKED        __attribute__((warn_unused_result))
#define PX_FORMAT(at, va) __attribute__((format(printf, at, va)))

/* A run of octets that somebody else owns; data may be NULL when len is 0. */
struct px_bytes {
    const uint8_t *data;
    size_t len;
};

/* The octets of a string literal, without its terminator. */
#define PX_LITERAL(s)                                                          \
    ((struct px_bytes){(const uint8_t *)("" s), sizeof(s) - 1})

static inline struct px_bytes px_bytes_of(const void *data, size_t len)
{
    return (struct px_bytes){data, len};
}

/* Whether two runs hold the same octets. */
bool px_equal(struct px_bytes a, struct px_bytes b);

/* The same, with ASCII letters of either case alike (RFC 9110, field names). */
bool px_equal_nocase(struct px_bytes a, struct px_bytes b);

/* Why an operation failed. Meaningful only after PX_ERROR. */
struct px_error {
    enum requirement req; /* what was broken; NONE for a system failure */
    int sys_errno;        /* errno of the failed call; 0 otherwise */
    size_t offset;        /* first input octet that proves it, from 0 */
    char detail[96];      /* what was seen: one line, always terminated */
};

/* Every codec answers with one of these. */
enum px_status {
    PX_DONE,      /* the outputs are written */
    PX_NEED_MORE, /* valid so far; call again with more input */
    PX_ERROR,     /* *err says why; more input cannot help */
};

/* Fills *err with a broken requirement; always PX_ERROR, to be returned. */
enum px_status px_refuse(struct px_error *err, enum requirement req,
                         size_t offset, const char *format, ...)
    PX_FORMAT(4, 5);

/* Fills *err with a failed system call (0 when there is none to name). */
enum px_status px_fail(struct px_error *err, int sys_errno, const char *format,
                       ...) PX_FORMAT(3, 4);

/* Reads a run of octets from front to back; never past its end. */
struct px_cursor {
    struct px_bytes in;
    size_t at;
};

struct px_cursor px_cursor_over(struct px_bytes in);
size_t px_cursor_used(const struct px_cursor *c);
struct px_bytes px_cursor_rest(const struct px_cursor *c);

/* Each takes octets, or takes nothing and is false when too few are left. */
PX_CHECKED bool px_take_u8(struct px_cursor *c, uint8_t *out);
PX_CHECKED bool px_take_be16(struct px_cursor *c, uint16_t *out);
PX_CHECKED bool px_take_bytes(struct px_cursor *c, size_t len,
                              struct px_bytes *out);

/* Writes into the caller's storage; once something did not fit, it stays so. */
struct px_writer {
    uint8_t *data;
    size_t cap;
    size_t len;
    bool is_full; /* something did not fit; what is in data is useless */
};

struct px_writer px_writer_over(uint8_t *data, size_t cap);
void px_put_u8(struct px_writer *w, uint8_t value);
void px_put_be16(struct px_writer *w, uint16_t value);
void px_put_bytes(struct px_writer *w, struct px_bytes bytes);
void px_put_text(struct px_writer *w, const char *text);
void px_put_decimal(struct px_writer *w, uint64_t value);

/* What was written; borrowed from the writer's storage. */
struct px_bytes px_written(const struct px_writer *w);

/* Where a connection goes or comes from, whatever protocol said so. */
enum px_address_kind {
    PX_ADDRESS_NONE, /* not told */
    PX_ADDRESS_IPV4, /* ip[0..3] */
    PX_ADDRESS_IPV6, /* ip[0..15] */
    PX_ADDRESS_NAME, /* name, as sent, without terminator */
};

enum { PX_NAME_MAX = 255 };

struct px_address {
    enum px_address_kind kind;
    uint8_t ip[16];       /* network order; unused octets are 0 */
    struct px_bytes name; /* borrowed */
};

struct px_endpoint {
    struct px_address addr;
    uint16_t port; /* host order */
};

/*
 * The same address; an IPv4 address that is mapped into IPv6 (RFC 4291 section
 * 2.5.5.2) as the IPv4 address that it is.
 */
struct px_address px_plain_address(const struct px_address *addr);

/* Room for any endpoint as text, terminator included. */
enum { PX_ENDPOINT_TEXT_MAX = 4 * PX_NAME_MAX + 16 };

/*
 * Writes "192.0.2.1:80", "[2001:db8::1]:80" or "name:80" to out, terminated;
 * octets of a name that are not printable ASCII appear as \xHH.
 */
void px_format_endpoint(const struct px_endpoint *endpoint,
                        char out[PX_ENDPOINT_TEXT_MAX]);

#endif
