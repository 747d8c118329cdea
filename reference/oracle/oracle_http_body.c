/* Follows message bodies, RFC 9112 sections 6.3 and 7.1, and judges chunks. */

#include "oracle_internal.h"

#include <string.h>

/* What a chunked body may cost here: anything that is counted, not kept. */
static const struct http1_chunked_limits unlimited = {
    .extensions = SIZE_MAX / 2,
    .trailers = SIZE_MAX / 2,
};

struct http_body http_body_of(struct http1_framing framing, uint64_t at)
{
    return (struct http_body){
        .framing = framing, .left = framing.length, .at = at};
}

bool http_body_goes_on(const struct http_body *body)
{
    switch (body->framing.body) {
    case HTTP1_BODY_NONE:
        return false;
    case HTTP1_BODY_LENGTH:
        return body->left > 0;
    case HTTP1_BODY_CHUNKED:
    case HTTP1_BODY_TO_CLOSE:
        break;
    }
    return true;
}

/* Octets of the trailer section are kept while there is room for them. */
static void pass(struct stream *s, size_t used,
                 const struct http1_chunk_piece *piece)
{
    struct px_bytes left = piece->octets;

    if (piece->kind != HTTP1_CHUNK_TRAILER) {
        oracle_skip(s, used);
        return;
    }
    if (used > left.len)
        oracle_skip(s, used - left.len);
    while (left.len && oracle_keep(s, left))
        left = http_after(left, 1);
    if (left.len) /* the octet that did not fit is counted */
        s->total += left.len - 1;
}

static size_t take_chunked(struct stream *s, struct http_body *body,
                           struct px_bytes data, bool *is_whole)
{
    struct http1_chunk_piece piece;
    struct px_error err;
    size_t used;

    switch (http1_chunked_decode(&body->chunked, &unlimited, data, &piece,
                                 &used, &err)) {
    case PX_ERROR:
        body->broken = err.req;
        oracle_skip(s, data.len);
        return data.len;
    case PX_DONE:
        *is_whole = true;
        break;
    case PX_NEED_MORE:
        break;
    }
    pass(s, used, &piece);
    return used;
}

size_t http_body_take(struct oracle *o, enum oracle_side side,
                      struct http_body *body, struct px_bytes data,
                      bool *is_whole)
{
    struct stream *s = &o->streams[side];
    size_t used = data.len;

    *is_whole = false;
    if (body->framing.body == HTTP1_BODY_CHUNKED)
        return take_chunked(s, body, data, is_whole);
    if (body->framing.body == HTTP1_BODY_LENGTH) {
        if (body->left < used)
            used = (size_t)body->left;
        body->left -= used;
        *is_whole = body->left == 0;
    }
    oracle_skip(s, used);
    return used;
}

/* The proxy makes what refuses a CONNECT; others it may forward. */
static void judge_chunk_grammar(struct oracle *o, const struct http_body *body)
{
    static const char what[] =
        "chunk extensions or trailers that break their grammar";

    if (o->u.http.is_refused)
        oracle_accuse(o, REQ_HTTP_PARSE_SENDER_GRAMMAR, SIDE_SERVER, body->at,
                      "%s", what);
    else
        oracle_contest(o, REQ_HTTP_PARSE_SENDER_GRAMMAR, SIDE_SERVER, body->at,
                       "%s", what);
}

/* What a forwarding proxy's chunks may not be, whoever made them first. */
static void judge_server_chunks(struct oracle *o, const struct http_body *body)
{
    static const struct {
        uint32_t oddities;
        enum requirement req;
        const char *what;
    } odds[] = {
        {HTTP1_CHUNK_BARE_LF | HTTP1_CHUNK_DATA_BARE_LF,
         REQ_HTTP_CHUNKED_BARE_LF, "chunks whose lines end in LF alone"},
        {HTTP1_CHUNK_CONTROL, REQ_HTTP_CHUNKED_EXT_CTL,
         "CR, LF or NUL out of place in a chunk-size line"},
    };

    for (size_t i = 0; i < sizeof(odds) / sizeof(odds[0]); i++) {
        if (body->chunked.oddities & odds[i].oddities)
            oracle_accuse(o, odds[i].req, SIDE_SERVER, body->at, "%s",
                          odds[i].what);
    }
    if (body->chunked.oddities &
        (HTTP1_CHUNK_EXT_SYNTAX | HTTP1_CHUNK_TRAILER_BARE_LF))
        judge_chunk_grammar(o, body);
    /* These may be the origin's, passed on. */
    if (body->chunked.oddities & HTTP1_CHUNK_EXT_BLANKS)
        oracle_contest(o, REQ_HTTP_CHUNKED_EXT_BWS, SIDE_SERVER, body->at,
                       "whitespace within chunk extensions");
    if (body->chunked.oddities & HTTP1_CHUNK_SIZE_BLANKS)
        oracle_contest(o, REQ_HTTP_CHUNKED_SIZE_INVALID, SIDE_SERVER, body->at,
                       "blanks between a chunk size and the end of its line");
    if (body->broken == REQ_HTTP_CHUNKED_SIZE_INVALID)
        oracle_accuse(o, body->broken, SIDE_SERVER, body->at,
                      "a chunk size that is no hexadecimal number");
    if (body->broken == REQ_HTTP_CHUNKED_DATA_CRLF)
        oracle_accuse(o, body->broken, SIDE_SERVER, body->at,
                      "the data of a chunk is not followed by CRLF");
}

/* A client makes its chunks itself. */
static void judge_client_chunks(struct oracle *o, const struct http_body *body)
{
    uint32_t blanks = HTTP1_CHUNK_EXT_BLANKS;

    if (body->chunked.oddities & blanks)
        oracle_accuse(o, REQ_HTTP_CHUNKED_EXT_BWS, SIDE_CLIENT, body->at,
                      "whitespace within chunk extensions");
    if (body->chunked.oddities & ~blanks ||
        body->broken == REQ_HTTP_CHUNKED_SIZE_INVALID ||
        body->broken == REQ_HTTP_CHUNKED_DATA_CRLF)
        oracle_accuse(o, REQ_HTTP_PARSE_SENDER_GRAMMAR, SIDE_CLIENT, body->at,
                      "chunks that break their grammar");
}

/* RFC 9110 section 6.5.1: fields that no trailer may be. */
static bool is_never_trailer(struct px_bytes name)
{
    const struct px_bytes names[] = {
        PX_LITERAL("Transfer-Encoding"),
        PX_LITERAL("Content-Length"),
        PX_LITERAL("Host"),
        PX_LITERAL("Authorization"),
        PX_LITERAL("Content-Encoding"),
        PX_LITERAL("Proxy-Authorization"),
        PX_LITERAL("Content-Type"),
        PX_LITERAL("Content-Range"),
        PX_LITERAL("Trailer"),
        PX_LITERAL("Max-Forwards"),
        PX_LITERAL("TE"),
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (px_equal_nocase(name, names[i]))
            return true;
    }
    return false;
}

static void judge_client_trailers(struct oracle *o,
                                  const struct http_body *body)
{
    struct px_bytes in =
        px_bytes_of(o->streams[SIDE_CLIENT].kept, o->streams[SIDE_CLIENT].len);
    struct http1_fields fields;
    char text[ORACLE_TEXT_MAX];
    struct px_error err;
    size_t used;

    if (http1_decode_trailers(in, &http1_default_limits, &fields, &used,
                              &err) != PX_DONE)
        return;
    if (fields.count && !body->is_announced)
        oracle_accuse(o, REQ_HTTP_TRAILER_ANNOUNCE, SIDE_CLIENT, body->at,
                      "trailers that no Trailer field announced");
    for (size_t i = 0; i < fields.count; i++) {
        if (is_never_trailer(fields.at[i].name))
            oracle_accuse(o, REQ_HTTP_TRAILER_SENDER_FIELDS, SIDE_CLIENT,
                          body->at, "%s in a trailer section",
                          oracle_text(fields.at[i].name, text));
    }
}

void http_judge_body(struct oracle *o, enum oracle_side side,
                     const struct http_body *body)
{
    if (body->framing.body != HTTP1_BODY_CHUNKED)
        return;
    if (side == SIDE_SERVER) {
        judge_server_chunks(o, body);
    } else {
        judge_client_chunks(o, body);
        judge_client_trailers(o, body);
    }
    oracle_skip(&o->streams[side], 0); /* what was kept of trailers */
}
