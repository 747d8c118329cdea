/*
 * The HTTP/1 codecs held against libhttp-parser, which was written by others.
 * The first octet says whether the rest is a request (even) or a response.
 * Where our codecs find a message without any oddity, the other parser has to
 * find the same one: target or status, fields, content, and its end.
 *
 * Accepted disagreements:
 *  - it reads a body behind a 304 that tells its framing, where there is none
 *    (RFC 9112 section 6.3, rule 1);
 *  - it takes a name that goes on behind Transfer-Encoding for that field, and
 *    reads other codings and lengths than ours where blanks follow them;
 *  - it refuses methods that it does not know, and targets with octets that
 *    no URI has, where a codec hands on what it got;
 *  - it refuses heads beyond 80 KiB, and versions other than 1.x;
 *  - it refuses lengths and chunk sizes that fill 60 bits;
 *  - it refuses a tab behind a chunk size, which is blank space that a codec
 *    lets pass before an extension (RFC 9112 section 7.1.1);
 *  - it stops behind the head of a CONNECT and of an upgrade;
 *  - it refuses empty members beside chunked, or ends with the stream;
 *  - control characters in values, and octets beyond ASCII in reasons;
 *  - what is odd for us: there tolerance is each parser's own business.
 */
#include <stdlib.h>
#include <string.h>

#include <http_parser.h>

#include "fuzz.h"
#include "http1_chunked.h"
#include "http1_framing.h"
#include "mutator.h"

enum { INPUT_MAX = 16384 };

static struct http1_request_head request;
static struct http1_response_head response;

/* A message as one parser found it. */
struct found {
    bool is_message; /* its head is whole and can be read */
    bool is_whole;
    bool has_tab; /* in a chunked body */
    size_t end;   /* octets of the message, when it is whole */
    size_t fields;
    unsigned status;
    uint8_t text[INPUT_MAX]; /* target, then names and values, joined */
    size_t text_len;
    uint8_t content[INPUT_MAX];
    size_t content_len;
};

static struct found ours, theirs;

static void add(uint8_t *to, size_t *len, const void *octets, size_t count)
{
    FUZZ_REQUIRE(*len + count <= INPUT_MAX, "nothing is found twice");
    if (count)
        memcpy(to + *len, octets, count);
    *len += count;
}

static void add_text(struct found *f, struct px_bytes text)
{
    add(f->text, &f->text_len, text.data, text.len);
}

static void begin(struct found *f)
{
    f->is_message = f->is_whole = f->has_tab = false;
    f->end = f->fields = f->text_len = f->content_len = 0;
    f->status = 0;
}

/* Ours -----------------------------------------------------------------------
 */

static void read_chunks(struct px_bytes in, size_t at)
{
    struct http1_chunked d = {0};
    enum px_status status = PX_NEED_MORE;

    ours.has_tab = at < in.len && memchr(in.data + at, '\t', in.len - at);
    while (status == PX_NEED_MORE && at < in.len) {
        struct http1_chunk_piece piece;
        struct px_error err;
        size_t used;

        status = http1_chunked_decode(&d, &http1_chunked_default_limits,
                                      px_bytes_of(in.data + at, in.len - at),
                                      &piece, &used, &err);
        if (status == PX_ERROR || d.oddities) {
            ours.is_message = false; /* odd: not compared */
            return;
        }
        if (piece.kind == HTTP1_CHUNK_CONTENT)
            add(ours.content, &ours.content_len, piece.octets.data,
                piece.octets.len);
        at += used;
    }
    /* Fields of a trailer section are not compared, since theirs are told
     * among those of the head. */
    ours.is_whole = status == PX_DONE;
    ours.end = at;
    if (d.trailer > 2 || (d.trailer && !ours.is_whole))
        ours.is_message = false;
}

static void read_body(struct px_bytes in, size_t at,
                      const struct http1_framing *framing)
{
    uint64_t left = in.len - at;

    switch (framing->body) {
    case HTTP1_BODY_NONE:
        ours.is_whole = true;
        ours.end = at;
        break;
    case HTTP1_BODY_LENGTH:
        ours.is_whole = left >= framing->length;
        left = ours.is_whole ? framing->length : left;
        add(ours.content, &ours.content_len, in.data + at, (size_t)left);
        ours.end = at + (size_t)left;
        break;
    case HTTP1_BODY_CHUNKED:
        read_chunks(in, at);
        break;
    case HTTP1_BODY_TO_CLOSE:
        add(ours.content, &ours.content_len, in.data + at, (size_t)left);
        break;
    }
}

static void note_fields(const struct http1_fields *fields)
{
    for (size_t i = 0; i < fields->count; i++) {
        add_text(&ours, fields->at[i].name);
        add_text(&ours, fields->at[i].value);
    }
    ours.fields = fields->count;
}

/* A value is followed by the end of its line, or by blanks before it. */
static bool is_blank_behind(struct px_bytes value)
{
    return value.data[value.len] == ' ' || value.data[value.len] == '\t';
}

/* Upgrade, or a name that the other parser mistakes. */
static bool is_beyond(const struct http1_fields *fields)
{
    const struct px_bytes coding = PX_LITERAL("Transfer-Encoding");
    const struct px_bytes length = PX_LITERAL("Content-Length");

    for (size_t i = 0; i < fields->count; i++) {
        struct px_bytes name = fields->at[i].name;
        struct px_bytes value = fields->at[i].value;

        if (name.len >= coding.len &&
            px_equal_nocase(px_bytes_of(name.data, coding.len), coding) &&
            (name.len > coding.len ||
             !px_equal_nocase(value, PX_LITERAL("chunked")) ||
             is_blank_behind(value)))
            return true;
        if (px_equal_nocase(name, length) && is_blank_behind(value))
            return true;
    }
    return http1_find(fields, "Upgrade") != NULL;
}

/* RFC 9112 section 2.2 lets a parser skip empty lines; the other one skips
 * other octets too, so messages begin at once here. */
static void read_request(struct px_bytes in)
{
    struct http1_framing framing;
    struct px_error err;
    size_t used;

    if (http1_decode_request_head(in, &http1_default_limits, &request, &used,
                                  &err) != PX_DONE ||
        request.line.oddities || request.fields.oddities ||
        request.line.major != 1 || is_beyond(&request.fields) ||
        px_equal(request.line.method, PX_LITERAL("CONNECT")))
        return;
    framing = http1_request_framing(&request);
    if (framing.defects)
        return;
    ours.is_message = true;
    add_text(&ours, request.line.target);
    note_fields(&request.fields);
    read_body(in, used, &framing);
}

static void read_response(struct px_bytes in)
{
    struct http1_framing framing;
    struct px_error err;
    size_t used;

    if (http1_decode_response_head(in, &http1_default_limits, &response, &used,
                                   &err) != PX_DONE ||
        response.line.oddities || response.fields.oddities ||
        response.line.major != 1 || is_beyond(&response.fields) ||
        response.line.code == 101 ||
        (response.line.code == 304 &&
         (http1_find(&response.fields, "Content-Length") ||
          http1_find(&response.fields, "Transfer-Encoding"))))
        return;
    framing = http1_response_framing(&response, (struct http1_asked){0});
    if (framing.defects)
        return;
    ours.is_message = true;
    ours.status = response.line.code;
    note_fields(&response.fields);
    read_body(in, used, &framing);
}

/* Theirs ---------------------------------------------------------------------
 */

static int on_text(http_parser *p, const char *at, size_t len)
{
    (void)p;
    add(theirs.text, &theirs.text_len, at, len);
    return 0;
}

static int on_value(http_parser *p, const char *at, size_t len)
{
    /* Blanks behind a value are told as a part of it. */
    while (len && (at[len - 1] == ' ' || at[len - 1] == '\t'))
        len--;
    return on_text(p, at, len);
}

static int on_body(http_parser *p, const char *at, size_t len)
{
    (void)p;
    add(theirs.content, &theirs.content_len, at, len);
    return 0;
}

static int on_head(http_parser *p)
{
    theirs.is_message = true;
    theirs.status = p->type == HTTP_RESPONSE ? p->status_code : 0;
    return 0;
}

static int on_end(http_parser *p)
{
    theirs.is_whole = true;
    http_parser_pause(p, 1);
    return 0;
}

static enum http_errno read_theirs(struct px_bytes in, bool is_request)
{
    http_parser_settings settings;
    http_parser parser;

    http_parser_settings_init(&settings);
    settings.on_url = on_text;
    settings.on_header_field = on_text;
    settings.on_header_value = on_value;
    settings.on_headers_complete = on_head;
    settings.on_body = on_body;
    settings.on_message_complete = on_end;
    http_parser_init(&parser, is_request ? HTTP_REQUEST : HTTP_RESPONSE);
    theirs.end =
        http_parser_execute(&parser, &settings, (const char *)in.data, in.len);
    return HTTP_PARSER_ERRNO(&parser);
}

/* What it may refuse although a codec does not; see above. */
static bool may_refuse(enum http_errno error)
{
    if (error == HPE_INVALID_CONTENT_LENGTH)
        return !ours.is_whole;
    if (error == HPE_INVALID_CHUNK_SIZE)
        return ours.has_tab;
    return error == HPE_INVALID_METHOD || error == HPE_INVALID_URL ||
           error == HPE_INVALID_HOST || error == HPE_INVALID_PATH ||
           error == HPE_INVALID_VERSION || error == HPE_HEADER_OVERFLOW ||
           error == HPE_INVALID_CONSTANT || error == HPE_INVALID_STATUS ||
           error == HPE_INVALID_HEADER_TOKEN || error == HPE_STRICT ||
           error == HPE_LF_EXPECTED;
}

static void compare(enum http_errno error)
{
    bool is_refused = error != HPE_OK && error != HPE_PAUSED;

    fuzz_add_reached(is_refused ? " refused" : ours.is_whole ? " whole" : "");
    if (is_refused) {
        FUZZ_REQUIRE(may_refuse(error), "the other parser says %s",
                     http_errno_description(error));
        return;
    }
    FUZZ_REQUIRE(theirs.is_message, "the other parser has no head yet");
    FUZZ_REQUIRE(theirs.is_whole == ours.is_whole, "whole for us: %d, not %d",
                 ours.is_whole, theirs.is_whole);
    FUZZ_REQUIRE(!ours.is_whole || theirs.end == ours.end ||
                     theirs.end + 1 == ours.end,
                 "the end is at %zu, not %zu", ours.end, theirs.end);
    FUZZ_REQUIRE(theirs.status == ours.status, "the status is %u, not %u",
                 ours.status, theirs.status);
    FUZZ_REQUIRE(theirs.text_len == ours.text_len &&
                     memcmp(theirs.text, ours.text, ours.text_len) == 0,
                 "target or fields");
    FUZZ_REQUIRE(theirs.content_len == ours.content_len &&
                     memcmp(theirs.content, ours.content, ours.content_len) ==
                         0,
                 "the content");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    bool is_request;
    struct px_bytes in;

    fuzz_set_reached("nothing");
    if (size < 2 || size > INPUT_MAX)
        return 0;
    is_request = data[0] % 2 == 0;
    in = fuzz_copy(px_bytes_of(data + 1, size - 1));
    begin(&ours);
    begin(&theirs);
    fuzz_set_reached(is_request ? "request" : "response");
    if (is_request)
        read_request(in);
    else
        read_response(in);
    if (ours.is_message) {
        fuzz_add_reached(" compared");
        compare(read_theirs(in, is_request));
    }
    fuzz_drop(in);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max,
                               unsigned seed)
{
    return mutator_mutate("parser", data, size, max, seed);
}
