#include <stdlib.h>
#include <string.h>

#include "http1_chunked.h"
#include "rows.h"

/* Small enough that rows can exceed them. */
static const struct http1_chunked_limits small = {
    .extensions = 24,
    .trailers = 16,
};

struct chunked_row {
    const char *name;
    struct px_bytes in;
    size_t enough; /* octets that decide; with fewer, more are needed */
    enum px_status status;
    enum requirement req; /* with PX_ERROR */
    uint32_t oddities;
    const char *content;
    const char *trailers;
};

#define GOOD(n, odd, content, trailers)                                        \
    n, PX_DONE, REQ_NONE, odd, content, trailers
#define BAD(n, req) n, PX_ERROR, REQ_HTTP_##req, 0, NULL, NULL

static const struct chunked_row rows[] = {
    {"no content", BYTES("0\r\n\r\n"), GOOD(5, 0, "", "\r\n")},
    {"one chunk", BYTES("5\r\nhello\r\n0\r\n\r\n"),
     GOOD(15, 0, "hello", "\r\n")},
    {"two chunks and what follows", BYTES("1\r\na\r\n2\r\nbc\r\n0\r\n\r\nGET"),
     GOOD(18, 0, "abc", "\r\n")},
    {"hexadecimal of either case",
     BYTES("a\r\n0123456789\r\nB\r\n0123456789x\r\n0\r\n\r\n"),
     GOOD(36, 0, "01234567890123456789x", "\r\n")},
    {"leading zeros", BYTES("00a\r\n0123456789\r\n000\r\n\r\n"),
     GOOD(24, 0, "0123456789", "\r\n")},
    {"content that looks like an end", BYTES("5\r\n0\r\n\r\n\r\n0\r\n\r\n"),
     GOOD(15, 0, "0\r\n\r\n", "\r\n")},
    {"an extension", BYTES("1;a=b\r\nx\r\n0;c\r\n\r\n"),
     GOOD(17, 0, "x", "\r\n")},
    {"a quoted one", BYTES("1;a=\"q;\\\" r\"\r\nx\r\n0\r\n\r\n"),
     GOOD(22, 0, "x", "\r\n")},
    {"two extensions", BYTES("1;a;b=c\r\nx\r\n0\r\n\r\n"),
     GOOD(17, 0, "x", "\r\n")},
    {"blanks in an extension", BYTES("1 ; a = b\t\r\nx\r\n0\r\n\r\n"),
     GOOD(20, HTTP1_CHUNK_EXT_BLANKS, "x", "\r\n")},
    {"an extension of no name", BYTES("1;\r\nx\r\n0\r\n\r\n"),
     GOOD(12, HTTP1_CHUNK_EXT_SYNTAX, "x", "\r\n")},
    {"an extension of no value", BYTES("1;a=\r\nx\r\n0\r\n\r\n"),
     GOOD(14, HTTP1_CHUNK_EXT_SYNTAX, "x", "\r\n")},
    {"two words in an extension", BYTES("1;a b\r\nx\r\n0\r\n\r\n"),
     GOOD(15, HTTP1_CHUNK_EXT_SYNTAX | HTTP1_CHUNK_EXT_BLANKS, "x", "\r\n")},
    {"a control character in quotes", BYTES("1;a=\"\1\"\r\nx\r\n0\r\n\r\n"),
     GOOD(17, HTTP1_CHUNK_EXT_SYNTAX, "x", "\r\n")},
    {"a zero octet in quotes", BYTES("1;a=\"\0\"\r\nx\r\n0\r\n\r\n"),
     GOOD(17, HTTP1_CHUNK_EXT_SYNTAX | HTTP1_CHUNK_CONTROL, "x", "\r\n")},
    {"a line that ends in quotes", BYTES("1;a=\"\r\nx\r\n0\r\n\r\n"),
     GOOD(15, HTTP1_CHUNK_EXT_SYNTAX | HTTP1_CHUNK_CONTROL, "x", "\r\n")},
    {"a bare CR in an extension", BYTES("1;a\r\rb\r\nx\r\n0\r\n\r\n"),
     GOOD(16, HTTP1_CHUNK_EXT_SYNTAX | HTTP1_CHUNK_CONTROL, "x", "\r\n")},
    {"a bare CR behind the size", BYTES("1\r\r\nx\r\n0\r\n\r\n"),
     GOOD(12, HTTP1_CHUNK_CONTROL, "x", "\r\n")},
    {"a bare LF behind the size", BYTES("1\nx\r\n0\r\n\r\n"),
     GOOD(10, HTTP1_CHUNK_BARE_LF, "x", "\r\n")},
    {"a bare LF behind an extension", BYTES("1;a\nx\r\n0\r\n\r\n"),
     GOOD(12, HTTP1_CHUNK_BARE_LF, "x", "\r\n")},
    {"a bare LF behind the data", BYTES("1\r\nx\n0\r\n\r\n"),
     GOOD(10, HTTP1_CHUNK_DATA_BARE_LF, "x", "\r\n")},
    {"a bare LF at the end", BYTES("0\r\n\n"),
     GOOD(4, HTTP1_CHUNK_TRAILER_BARE_LF, "", "\n")},
    {"blanks behind the size", BYTES("1 \t\r\nx\r\n0\r\n\r\n"),
     GOOD(13, HTTP1_CHUNK_SIZE_BLANKS, "x", "\r\n")},
    {"trailers", BYTES("0\r\nA: b\r\nC:\r\n\r\n"),
     GOOD(15, 0, "", "A: b\r\nC:\r\n\r\n")},
    {"a bare LF in trailers", BYTES("0\r\nA: b\n\r\n"),
     GOOD(10, HTTP1_CHUNK_TRAILER_BARE_LF, "", "A: b\n\r\n")},
    {"a bare CR is no empty line", BYTES("0\r\n\r\r\n\r\n"),
     GOOD(8, 0, "", "\r\r\n\r\n")},
    {"trailers at the limit", BYTES("0\r\nA:34567890ab\r\n\r\n"),
     GOOD(19, 0, "", "A:34567890ab\r\n\r\n")},
    {"trailers beyond it", BYTES("0\r\nA:34567890abc\r\n\r\n"),
     BAD(20, LIMITS_FIELDS_4XX)},
    {"extensions at the limit",
     BYTES("1;a=5678901234\r\nx\r\n0;b=5678901\r\n\r\n"),
     GOOD(34, 0, "x", "\r\n")},
    {"extensions beyond it",
     BYTES("1;a=5678901234\r\nx\r\n0;b=56789012\r\n\r\n"),
     BAD(31, CHUNKED_EXT_LIMIT)},
    {"zeros without end", BYTES("0000000000000000000000000"),
     BAD(25, CHUNKED_EXT_LIMIT)},
    {"an empty size", BYTES("\r\n"), BAD(1, CHUNKED_SIZE_INVALID)},
    {"no digit", BYTES("g\r\n"), BAD(1, CHUNKED_SIZE_INVALID)},
    {"a sign", BYTES("+5\r\nhello\r\n"), BAD(1, CHUNKED_SIZE_INVALID)},
    {"a prefix", BYTES("0x5\r\nhello\r\n"), BAD(2, CHUNKED_SIZE_INVALID)},
    {"a digit, then none", BYTES("5g\r\n"), BAD(2, CHUNKED_SIZE_INVALID)},
    {"a blank before it", BYTES(" 5\r\n"), BAD(1, CHUNKED_SIZE_INVALID)},
    {"a number behind a blank", BYTES("5 5\r\n"), BAD(3, CHUNKED_SIZE_INVALID)},
    {"a size that overflows", BYTES("10000000000000005\r\n"),
     BAD(17, CHUNKED_SIZE_BIG)},
    {"data that goes on", BYTES("1\r\nxy"), BAD(5, CHUNKED_DATA_CRLF)},
    {"data that ends in CR", BYTES("1\r\nx\ry"), BAD(6, CHUNKED_DATA_CRLF)},
    {"data that is too short", BYTES("3\r\nx\r\n0\r\n"),
     BAD(7, CHUNKED_DATA_CRLF)},
};

/* What a body decoded to, run by run. */
struct decoded {
    enum px_status status;
    struct px_error err;
    struct http1_chunked d;
    uint8_t content[64];
    uint8_t trailers[64];
    struct px_writer out[2];
    size_t used;
};

static void begin(struct decoded *got)
{
    *got = (struct decoded){.status = PX_NEED_MORE};
    got->out[0] = px_writer_over(got->content, sizeof(got->content));
    got->out[1] = px_writer_over(got->trailers, sizeof(got->trailers));
}

static void feed(struct decoded *got, struct px_bytes in)
{
    while (in.len && got->status == PX_NEED_MORE) {
        struct http1_chunk_piece piece;
        size_t used;

        got->status =
            http1_chunked_decode(&got->d, &small, in, &piece, &used, &got->err);
        if (got->status == PX_ERROR)
            return;
        assert_true(used > 0 && used <= in.len);
        assert_int_equal(piece.kind == HTTP1_CHUNK_NOTHING,
                         piece.octets.len == 0);
        if (piece.kind != HTTP1_CHUNK_NOTHING) {
            assert_ptr_equal(piece.octets.data + piece.octets.len,
                             in.data + used);
            px_put_bytes(&got->out[piece.kind == HTTP1_CHUNK_TRAILER],
                         piece.octets);
        }
        got->used += used;
        in = px_bytes_of(in.data + used, in.len - used);
    }
}

static void assert_text(const struct px_writer *out, const char *want)
{
    assert_bytes_equal(px_written(out), px_bytes_of(want, strlen(want)));
}

static void assert_row(const struct chunked_row *row, size_t len,
                       const struct decoded *got)
{
    assert_int_equal(got->status,
                     len < row->enough ? PX_NEED_MORE : row->status);
    if (got->status == PX_ERROR) {
        assert_int_equal(got->err.req, row->req);
        assert_int_equal(got->err.offset, row->enough - 1);
    }
    if (got->status != PX_DONE)
        return;
    assert_int_equal(got->used, row->enough);
    assert_int_equal(got->d.consumed, row->enough);
    assert_int_equal(got->d.oddities, row->oddities);
    assert_int_equal(got->d.content, strlen(row->content));
    assert_text(&got->out[0], row->content);
    assert_text(&got->out[1], row->trailers);
}

/* Whole, at every length, and cut in two at every place. */
static void check_row(void **state)
{
    const struct chunked_row *row = *state;

    for (size_t len = 0; len <= row->in.len; len++) {
        uint8_t *copy = copy_exact(row->in, len);
        struct decoded got;

        begin(&got);
        feed(&got, px_bytes_of(copy, len));
        assert_row(row, len, &got);
        free(copy);

        begin(&got);
        feed(&got, px_bytes_of(row->in.data, len));
        feed(&got, px_bytes_of(row->in.data + len, row->in.len - len));
        assert_row(row, row->in.len, &got);
    }
}

/* An octet at a time: no state is lost between two of them. */
static void check_octets(void **state)
{
    const struct chunked_row *row = *state;
    struct decoded got;

    begin(&got);
    for (size_t i = 0; i < row->in.len; i++)
        feed(&got, px_bytes_of(row->in.data + i, 1));
    assert_row(row, row->in.len, &got);
}

static void the_largest_size_is_counted_down(void **state)
{
    struct px_bytes size = PX_LITERAL("FFFFFFFFFFFFFFFF\r\n");
    uint8_t data[100] = {0};
    struct http1_chunk_piece piece;
    struct http1_chunked d = {0};
    struct px_error err;
    size_t used;

    (void)state;
    assert_int_equal(http1_chunked_decode(&d, &http1_chunked_default_limits,
                                          size, &piece, &used, &err),
                     PX_NEED_MORE);
    assert_int_equal(used, size.len);
    assert_int_equal(d.left, UINT64_MAX);
    assert_int_equal(http1_chunked_decode(&d, &http1_chunked_default_limits,
                                          px_bytes_of(data, sizeof(data)),
                                          &piece, &used, &err),
                     PX_NEED_MORE);
    assert_int_equal(piece.kind, HTTP1_CHUNK_CONTENT);
    assert_int_equal(used, sizeof(data));
    assert_int_equal(d.left, UINT64_MAX - sizeof(data));
}

static void nothing_is_taken_behind_the_end(void **state)
{
    struct decoded got;
    struct http1_chunk_piece piece;
    size_t used = 9;

    (void)state;
    begin(&got);
    feed(&got, PX_LITERAL("0\r\n\r\n"));
    assert_int_equal(got.status, PX_DONE);
    assert_int_equal(http1_chunked_decode(&got.d, &small, PX_LITERAL("GET"),
                                          &piece, &used, &got.err),
                     PX_DONE);
    assert_int_equal(used, 0);
    assert_int_equal(piece.kind, HTTP1_CHUNK_NOTHING);
}

static void chunks_are_written_with_their_size(void **state)
{
    static uint8_t data[0x1234], text[sizeof(data) + HTTP1_CHUNK_OVERHEAD];
    struct px_writer out = px_writer_over(text, sizeof(text));

    (void)state;
    http1_put_chunk(px_bytes_of(data, 0), &out);
    assert_int_equal(out.len, 0);
    http1_put_chunk(PX_LITERAL("hi"), &out);
    http1_put_last_chunk(&out);
    assert_text(&out, "2\r\nhi\r\n0\r\n\r\n");
    out = px_writer_over(text, sizeof(text));
    http1_put_chunk(px_bytes_of(data, 16), &out);
    assert_memory_equal(text, "10\r\n", 4);
    out = px_writer_over(text, sizeof(text));
    http1_put_chunk(px_bytes_of(data, sizeof(data)), &out);
    assert_false(out.is_full);
    assert_memory_equal(text, "1234\r\n", 6);
}

static void trailers_are_field_lines(void **state)
{
    static struct http1_fields fields;
    struct px_bytes in = PX_LITERAL("A: b\r\nC : d\r\n\r\nGET");
    struct px_error err;
    size_t used;

    (void)state;
    assert_int_equal(
        http1_decode_trailers(in, &http1_default_limits, &fields, &used, &err),
        PX_DONE);
    assert_int_equal(used, in.len - 3);
    assert_int_equal(fields.count, 2);
    assert_bytes_equal(fields.at[1].value, PX_LITERAL("d"));
    assert_int_equal(fields.oddities, HTTP1_COLON_SPACE);
    assert_int_equal(http1_decode_trailers(px_bytes_of(in.data, 8),
                                           &http1_default_limits, &fields,
                                           &used, &err),
                     PX_NEED_MORE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_largest_size_is_counted_down),
        cmocka_unit_test(nothing_is_taken_behind_the_end),
        cmocka_unit_test(chunks_are_written_with_their_size),
        cmocka_unit_test(trailers_are_field_lines),
    };

    return RUN_ROWS(rows, check_row) + RUN_ROWS(rows, check_octets) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
