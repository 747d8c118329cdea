#include "forward_witness.h"

#include <string.h>

#include "fuzz.h"
#include "http1_chunked.h"
#include "http1_framing.h"

void witness_keep(struct witness_stream *s, struct px_bytes data)
{
    if (data.len > sizeof(s->octets) - s->len) {
        s->is_full = true;
        return;
    }
    if (data.len)
        memcpy(s->octets + s->len, data.data, data.len);
    s->len += data.len;
}

/* A request as it stands in a stream. */
struct message {
    struct http1_request_head head;
    struct http1_framing framing;
    size_t end; /* of its octets, as far as they are there */
    bool is_whole;
    bool is_broken;    /* its chunks cannot be read on */
    uint32_t oddities; /* of its chunks */
    uint8_t content[WITNESS_STREAM_MAX];
    size_t content_len;
};

static struct message sent, got;

static void add_content(struct message *m, struct px_bytes data)
{
    if (data.len)
        memcpy(m->content + m->content_len, data.data, data.len);
    m->content_len += data.len;
}

/* The chunks from where the head ends. */
static void read_chunks(struct px_bytes in, struct message *m)
{
    struct http1_chunked d = {0};
    enum px_status status = PX_NEED_MORE;

    while (status == PX_NEED_MORE && m->end < in.len) {
        struct http1_chunk_piece piece;
        struct px_error err;
        size_t used;

        status =
            http1_chunked_decode(&d, &http1_chunked_default_limits,
                                 px_bytes_of(in.data + m->end, in.len - m->end),
                                 &piece, &used, &err);
        if (status == PX_ERROR)
            break;
        if (piece.kind == HTTP1_CHUNK_CONTENT)
            add_content(m, piece.octets);
        m->end += used;
    }
    m->is_whole = status == PX_DONE;
    m->is_broken = status == PX_ERROR;
    m->oddities = d.oddities;
}

static void read_counted(struct px_bytes in, struct message *m)
{
    size_t left = in.len - m->end;

    m->is_whole = left >= m->framing.length;
    if (m->is_whole)
        left = (size_t)m->framing.length;
    add_content(m, px_bytes_of(in.data + m->end, left));
    m->end += left;
}

/* Reads the request at at; false when no whole head is there. */
static bool read_message(const struct witness_stream *s, size_t at,
                         struct message *m)
{
    struct px_bytes in = px_bytes_of(s->octets, s->len);
    struct px_error err;
    size_t used;

    if (at >= in.len ||
        http1_decode_request_head(px_bytes_of(in.data + at, in.len - at),
                                  &http1_default_limits, &m->head, &used,
                                  &err) != PX_DONE)
        return false;
    m->end = at + used;
    m->framing = http1_request_framing(&m->head);
    m->content_len = 0;
    m->is_whole = true;
    m->is_broken = false;
    m->oddities = 0;
    switch (m->framing.body) {
    case HTTP1_BODY_NONE:
    case HTTP1_BODY_TO_CLOSE:
        return true;
    case HTTP1_BODY_LENGTH:
        read_counted(in, m);
        break;
    case HTTP1_BODY_CHUNKED:
        read_chunks(in, m);
        break;
    }
    return true;
}

/* The part of an absolute target that an origin is asked for. */
static struct px_bytes path_of(struct px_bytes target)
{
    size_t at = 0, slashes = 0;

    while (at < target.len && slashes < 3 &&
           !(slashes == 2 && target.data[at] == '?'))
        slashes += target.data[at++] == '/';
    if (slashes == 3)
        at--;
    return px_bytes_of(target.data + at, target.len - at);
}

static bool is_same_target(struct px_bytes client, struct px_bytes origin)
{
    struct px_bytes path = path_of(client);

    if (px_equal(path, origin) || px_equal(client, origin))
        return true;
    if (path.len == 0)
        return px_equal(origin, PX_LITERAL("/")) ||
               px_equal(origin, PX_LITERAL("*"));
    return path.data[0] == '?' && origin.len == path.len + 1 &&
           px_equal(px_bytes_of(origin.data + 1, path.len), path);
}

static bool is_of(const struct message *client, const struct message *origin)
{
    return px_equal(client->head.line.method, origin->head.line.method) &&
           is_same_target(client->head.line.target, origin->head.line.target);
}

/* Finds the client's request that this one is; *w moves there. */
static bool find_sent(struct witness *w, const struct witness_stream *client)
{
    size_t at = w->at;

    while (read_message(client, at, &sent)) {
        if (is_of(&sent, &got)) {
            w->at = at;
            w->is_begun = true;
            return true;
        }
        if (!sent.is_whole || !sent.framing.is_certain)
            return false; /* what is behind it is nobody's request */
        at = sent.end;
    }
    return false;
}

/* What every recipient reads in the same way. */
static void check_grammar(void)
{
    const struct http1_fields *fields = &got.head.fields;
    bool is_11 = got.head.line.major == 1 && got.head.line.minor == 1;

    FUZZ_REQUIRE(got.head.line.oddities == 0 && fields->oddities == 0,
                 "a head for an origin is strict: %#x %#x",
                 got.head.line.oddities, fields->oddities);
    FUZZ_REQUIRE(is_11, "the version is the proxy's own");
    FUZZ_REQUIRE(http1_count(fields, "Host") == 1, "one Host");
    FUZZ_REQUIRE(http1_find(fields, "Via") != NULL, "Via is added");
    FUZZ_REQUIRE(got.framing.defects == 0 && got.framing.is_certain,
                 "the framing for an origin is sound: %#x",
                 got.framing.defects);
    FUZZ_REQUIRE(got.oddities == 0 && !got.is_broken,
                 "chunks for an origin are strict");
    FUZZ_REQUIRE(!http1_find(fields, "Proxy-Connection") &&
                     !http1_find(fields, "Keep-Alive") &&
                     !http1_find(fields, "Upgrade"),
                 "fields of this hop stay here");
}

/* The client said the same, and nobody could have read it otherwise. */
static void check_content(void)
{
    FUZZ_REQUIRE(sent.framing.is_certain,
                 "a request of doubtful framing is passed on");
    FUZZ_REQUIRE(got.content_len <= sent.content_len &&
                     memcmp(got.content, sent.content, got.content_len) == 0,
                 "the content is the client's");
    if (!got.is_whole)
        return;
    FUZZ_REQUIRE(sent.is_whole && got.content_len == sent.content_len,
                 "a whole request is a whole one of the client's");
}

void witness_check(struct witness *w, const struct witness_stream *client,
                   const struct witness_stream *origin)
{
    size_t at = 0;

    if (client->is_full || origin->is_full)
        return;
    while (read_message(origin, at, &got)) {
        FUZZ_REQUIRE(find_sent(w, client),
                     "request %u at %zu is not the client's", w->count, at);
        check_grammar();
        check_content();
        w->count++;
        if (!got.is_whole)
            return;
        at = got.end;
    }
}
