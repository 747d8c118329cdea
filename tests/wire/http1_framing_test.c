#include <stdlib.h>
#include <string.h>

#include "http1_framing.h"
#include "rows.h"

struct framing_row {
    const char *name;
    const char *head; /* from the start-line to the blank line */
    enum http1_body body;
    uint64_t length;
    bool is_certain;
    uint32_t defects;
    enum requirement req; /* for which a strict recipient refuses */
    struct http1_asked asked;
};

#define POST(fields)  "POST / HTTP/1.1\r\n" fields "\r\n"
#define OK(fields)    "HTTP/1.1 200 \r\n" fields "\r\n"
#define NONE          HTTP1_BODY_NONE, 0, true
#define OCTETS(n)     HTTP1_BODY_LENGTH, n, true
#define CHUNKED       HTTP1_BODY_CHUNKED, 0, true
#define TO_CLOSE      HTTP1_BODY_TO_CLOSE, 0, true
#define OPEN(body, n) HTTP1_BODY_##body, n, false
#define SOUND                                                                  \
    0, REQ_NONE,                                                               \
    {                                                                          \
        0                                                                      \
    }
#define BAD(bits, id)                                                          \
    bits, REQ_HTTP_##id,                                                       \
    {                                                                          \
        0                                                                      \
    }

static const struct framing_row requests[] = {
    {"no field", POST(""), NONE, SOUND},
    {"a length", POST("Content-Length: 5\r\n"), OCTETS(5), SOUND},
    {"a length of nothing", POST("content-length:0\r\n"), OCTETS(0), SOUND},
    {"leading zeros", POST("Content-Length: 0005\r\n"), OCTETS(5), SOUND},
    {"tabs around it", POST("Content-Length: \t 5\t\r\n"), OCTETS(5), SOUND},
    {"the largest length", POST("Content-Length: 18446744073709551615\r\n"),
     OCTETS(UINT64_MAX), SOUND},
    {"one more", POST("Content-Length: 18446744073709551616\r\n"),
     OPEN(LENGTH, 0), BAD(HTTP1_LENGTH_OVERFLOW, FRAMING_CL_BIG)},
    {"thirty digits",
     POST("Content-Length: 100000000000000000000000000000\r\n"),
     OPEN(LENGTH, 0), BAD(HTTP1_LENGTH_OVERFLOW, FRAMING_CL_BIG)},
    {"digits, then none", POST("Content-Length: 99999999999999999999x\r\n"),
     OPEN(LENGTH, 0), BAD(HTTP1_LENGTH_INVALID, FRAMING_CL_INVALID_REQUEST)},
    {"an empty length", POST("Content-Length:\r\n"), OPEN(LENGTH, 0),
     BAD(HTTP1_LENGTH_INVALID, FRAMING_CL_INVALID_REQUEST)},
    {"a plus", POST("Content-Length: +5\r\n"), OPEN(LENGTH, 0),
     BAD(HTTP1_LENGTH_INVALID, FRAMING_CL_INVALID_REQUEST)},
    {"a minus", POST("Content-Length: -1\r\n"), OPEN(LENGTH, 0),
     BAD(HTTP1_LENGTH_INVALID, FRAMING_CL_INVALID_REQUEST)},
    {"hexadecimal", POST("Content-Length: 0x5\r\n"), OPEN(LENGTH, 0),
     BAD(HTTP1_LENGTH_INVALID, FRAMING_CL_INVALID_REQUEST)},
    {"two words", POST("Content-Length: 5 5\r\n"), OPEN(LENGTH, 0),
     BAD(HTTP1_LENGTH_INVALID, FRAMING_CL_INVALID_REQUEST)},
    {"a fold within", POST("Content-Length: 5\r\n 6\r\n"), OPEN(LENGTH, 0),
     BAD(HTTP1_LENGTH_INVALID, FRAMING_CL_INVALID_REQUEST)},
    {"a fold before", POST("Content-Length:\r\n 6\r\n"), OCTETS(6), SOUND},
    {"the same twice", POST("Content-Length: 5, 5\r\n"), OCTETS(5),
     BAD(HTTP1_LENGTH_REPEATED, FRAMING_CL_REPEAT)},
    {"the same on two lines",
     POST("Content-Length: 5\r\nContent-Length: 05\r\n"), OCTETS(5),
     BAD(HTTP1_LENGTH_REPEATED, FRAMING_CL_REPEAT)},
    {"two values", POST("Content-Length: 5, 6\r\n"), OPEN(LENGTH, 5),
     BAD(HTTP1_LENGTH_CONFLICT, FRAMING_CL_CONFLICT_REQUEST)},
    {"two values on two lines",
     POST("Content-Length: 5\r\nA: b\r\nContent-Length: 6\r\n"),
     OPEN(LENGTH, 5), BAD(HTTP1_LENGTH_CONFLICT, FRAMING_CL_CONFLICT_REQUEST)},
    {"a value and none", POST("Content-Length: 5,\r\n"), OPEN(LENGTH, 5),
     BAD(HTTP1_LENGTH_INVALID, FRAMING_CL_INVALID_REQUEST)},
    {"nothing, then a value", POST("Content-Length: x, 7\r\n"), OPEN(LENGTH, 7),
     BAD(HTTP1_LENGTH_INVALID, FRAMING_CL_INVALID_REQUEST)},
    {"a space before the colon", POST("Content-Length : 5\r\n"), OCTETS(5),
     SOUND},
    {"chunked", POST("Transfer-Encoding: chunked\r\n"), CHUNKED, SOUND},
    {"in capitals", POST("TRANSFER-ENCODING: CHUNKED\r\n"), CHUNKED, SOUND},
    {"empty members", POST("Transfer-Encoding: , chunked ,\r\n"), CHUNKED,
     SOUND},
    {"chunked and a length",
     POST("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"),
     OPEN(CHUNKED, 0), BAD(HTTP1_CODING_AND_LENGTH, FRAMING_TE_CL_STRIP)},
    {"gzip, chunked", POST("Transfer-Encoding: gzip, chunked\r\n"), CHUNKED,
     BAD(HTTP1_CODING_OTHER, FRAMING_TE_UNKNOWN)},
    {"on two lines",
     POST("Transfer-Encoding: x-compress\r\nTransfer-Encoding: chunked\r\n"),
     CHUNKED, BAD(HTTP1_CODING_OTHER, FRAMING_TE_UNKNOWN)},
    {"an unknown one", POST("Transfer-Encoding: foo, chunked\r\n"), CHUNKED,
     BAD(HTTP1_CODING_UNKNOWN, FRAMING_TE_UNKNOWN)},
    {"identity", POST("Transfer-Encoding: identity\r\n"), OPEN(NONE, 0),
     BAD(HTTP1_CODING_UNKNOWN | HTTP1_CHUNKED_MISSING, FRAMING_TE_UNKNOWN)},
    {"gzip alone", POST("Transfer-Encoding: gzip\r\n"), OPEN(NONE, 0),
     BAD(HTTP1_CODING_OTHER | HTTP1_CHUNKED_MISSING,
         FRAMING_TE_REQUEST_NOT_FINAL)},
    {"chunked, gzip", POST("Transfer-Encoding: chunked, gzip\r\n"),
     OPEN(NONE, 0),
     BAD(HTTP1_CODING_OTHER | HTTP1_CHUNKED_NOT_LAST,
         FRAMING_TE_REQUEST_NOT_FINAL)},
    {"chunked twice", POST("Transfer-Encoding: chunked, chunked\r\n"),
     OPEN(CHUNKED, 0), BAD(HTTP1_CHUNKED_TWICE, FRAMING_CHUNKED_ONCE)},
    {"chunked twice, on two lines",
     POST("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"),
     OPEN(CHUNKED, 0), BAD(HTTP1_CHUNKED_TWICE, FRAMING_CHUNKED_ONCE)},
    {"no coding", POST("Transfer-Encoding:\r\n"), OPEN(NONE, 0),
     BAD(HTTP1_CODING_INVALID | HTTP1_CHUNKED_MISSING, FRAMING_TE_OBFUSCATED)},
    {"no token", POST("Transfer-Encoding: \vchunked\r\n"), OPEN(NONE, 0),
     BAD(HTTP1_CODING_INVALID | HTTP1_CHUNKED_MISSING, FRAMING_TE_OBFUSCATED)},
    {"in quotes", POST("Transfer-Encoding: \"chunked\"\r\n"), OPEN(NONE, 0),
     BAD(HTTP1_CODING_INVALID | HTTP1_CHUNKED_MISSING, FRAMING_TE_OBFUSCATED)},
    {"a name that ends so", POST("Transfer-Encoding: xchunked\r\n"),
     OPEN(NONE, 0),
     BAD(HTTP1_CODING_UNKNOWN | HTTP1_CHUNKED_MISSING, FRAMING_TE_UNKNOWN)},
    {"a parameter of chunked", POST("Transfer-Encoding: chunked;a=b\r\n"),
     OPEN(CHUNKED, 0), BAD(HTTP1_CODING_PARAMETERS, CHUNKED_PARAMS)},
    {"a parameter of gzip", POST("Transfer-Encoding: gzip;x=1, chunked\r\n"),
     OPEN(CHUNKED, 0),
     BAD(HTTP1_CODING_OTHER | HTTP1_CODING_PARAMETERS, FRAMING_TE_UNKNOWN)},
    {"a quoted comma", POST("Transfer-Encoding: foo;a=\"b, \\\" chunked\"\r\n"),
     OPEN(NONE, 0),
     BAD(HTTP1_CODING_UNKNOWN | HTTP1_CHUNKED_MISSING, FRAMING_TE_UNKNOWN)},
    {"a name in another one", POST("Transfer_Encoding: chunked\r\n"), NONE,
     SOUND},
    {"HTTP/1.0 with a length", "POST / HTTP/1.0\r\nContent-Length: 4\r\n\r\n",
     OCTETS(4), SOUND},
    {"HTTP/1.0 chunked",
     "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", OPEN(CHUNKED, 0),
     BAD(HTTP1_CODING_HTTP10, FRAMING_TE_HTTP10_REQUEST)},
    {"HTTP/2.0 chunked",
     "POST / HTTP/2.0\r\nTransfer-Encoding: chunked\r\n\r\n", CHUNKED, SOUND},
};

static const struct framing_row responses[] = {
    {"no field", OK(""), TO_CLOSE, SOUND},
    {"a length", OK("Content-Length: 5\r\n"), OCTETS(5), SOUND},
    {"chunked", OK("Transfer-Encoding: chunked\r\n"), CHUNKED, SOUND},
    {"gzip ends with the stream", OK("Transfer-Encoding: gzip\r\n"), TO_CLOSE,
     BAD(HTTP1_CODING_OTHER | HTTP1_CHUNKED_MISSING, TE_CODING_UNASKED)},
    {"two values", OK("Content-Length: 5, 6\r\n"), OPEN(LENGTH, 5),
     BAD(HTTP1_LENGTH_CONFLICT, FRAMING_CL_INVALID_RESPONSE)},
    {"overflow", OK("Content-Length: 18446744073709551616\r\n"),
     OPEN(LENGTH, 0), BAD(HTTP1_LENGTH_OVERFLOW, FRAMING_CL_BIG)},
    {"both fields", OK("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
     OPEN(CHUNKED, 0), BAD(HTTP1_CODING_AND_LENGTH, FRAMING_TE_CL_STRIP)},
    {"HTTP/1.0 chunked", "HTTP/1.0 200 \r\nTransfer-Encoding: chunked\r\n\r\n",
     OPEN(CHUNKED, 0), BAD(HTTP1_CODING_HTTP10, FRAMING_TE_HTTP10_RESPONSE)},
    {"HEAD", OK("Content-Length: 5\r\n"), NONE, 0, REQ_NONE, {.is_head = true}},
    {"HEAD, chunked",
     OK("Transfer-Encoding: chunked\r\n"),
     NONE,
     0,
     REQ_NONE,
     {.is_head = true}},
    {"HEAD with two lengths",
     OK("Content-Length: 5, 6\r\n"),
     NONE,
     HTTP1_LENGTH_CONFLICT,
     REQ_HTTP_FRAMING_CL_INVALID_RESPONSE,
     {.is_head = true}},
    {"304", "HTTP/1.1 304 \r\nContent-Length: 1000\r\n\r\n", NONE, SOUND},
    {"204", "HTTP/1.1 204 \r\n\r\n", NONE, SOUND},
    {"204 with a length", "HTTP/1.1 204 \r\nContent-Length: 0\r\n\r\n", NONE,
     BAD(HTTP1_LENGTH_FORBIDDEN, FRAMING_CL_204)},
    {"103 with a coding", "HTTP/1.1 103 \r\nTransfer-Encoding: chunked\r\n\r\n",
     NONE, BAD(HTTP1_CODING_FORBIDDEN, FRAMING_TE_204)},
    {"2xx to CONNECT",
     OK("Content-Length: 5\r\n"),
     NONE,
     HTTP1_LENGTH_FORBIDDEN,
     REQ_HTTP_FRAMING_CL_204,
     {.is_connect = true}},
    {"407 to CONNECT",
     "HTTP/1.1 407 \r\nContent-Length: 5\r\n\r\n",
     OCTETS(5),
     0,
     REQ_NONE,
     {.is_connect = true}},
    {"205 ends as any other", "HTTP/1.1 205 \r\nContent-Length: 5\r\n\r\n",
     OCTETS(5), SOUND},
};

static void assert_framing(const struct framing_row *row,
                           struct http1_framing got)
{
    assert_int_equal(got.body, row->body);
    assert_int_equal(got.length, got.is_certain ? row->length : got.length);
    assert_int_equal(got.is_certain, row->is_certain);
    assert_int_equal(got.defects, row->defects);
}

static void check_request(void **state)
{
    static struct http1_request_head head;
    const struct framing_row *row = *state;
    struct px_bytes in = px_bytes_of(row->head, strlen(row->head));
    uint8_t *copy = copy_exact(in, in.len);
    struct http1_framing got;
    struct px_error err;
    size_t used;

    assert_int_equal(http1_decode_request_head(px_bytes_of(copy, in.len),
                                               &http1_default_limits, &head,
                                               &used, &err),
                     PX_DONE);
    got = http1_request_framing(&head);
    assert_framing(row, got);
    assert_int_equal(http1_request_defect(got.defects), row->req);
    free(copy);
}

static void check_response(void **state)
{
    static struct http1_response_head head;
    const struct framing_row *row = *state;
    struct px_bytes in = px_bytes_of(row->head, strlen(row->head));
    uint8_t *copy = copy_exact(in, in.len);
    struct http1_framing got;
    struct px_error err;
    size_t used;

    assert_int_equal(http1_decode_response_head(px_bytes_of(copy, in.len),
                                                &http1_default_limits, &head,
                                                &used, &err),
                     PX_DONE);
    got = http1_response_framing(&head, row->asked);
    assert_framing(row, got);
    assert_int_equal(http1_response_defect(got.defects), row->req);
    free(copy);
}

int main(void)
{
    return RUN_ROWS(requests, check_request) +
           RUN_ROWS(responses, check_response);
}
