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
    uint8_t trailers[WITNESS_STREAM_MAX];
    size_t trailers_len;
};

static struct message sent, got;

static void add(uint8_t *to, size_t *len, struct px_bytes data)
{
    if (data.len)
        memcpy(to + *len, data.data, data.len);
    *len += data.len;
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
            add(m->content, &m->content_len, piece.octets);
        else
            add(m->trailers, &m->trailers_len, piece.octets);
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
    add(m->content, &m->content_len, px_bytes_of(in.data + m->end, left));
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
    m->content_len = m->trailers_len = 0;
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

static bool is_one_of(struct px_bytes text, const char *const *list)
{
    for (; *list; list++) {
        if (px_equal_nocase(text, px_bytes_of(*list, strlen(*list))))
            return true;
    }
    return false;
}

/* Methods are told by the case of their letters: RFC 9110 section 9.1. */
static bool is_method(struct px_bytes text, const char *const *list)
{
    while (*list && !px_equal(text, px_bytes_of(*list, strlen(*list))))
        list++;
    return *list;
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

/* RFC 9110 sections 7.6.1 and 11.7.2: what is not for the next hop. */
static bool ends_here(const struct http1_fields *fields, struct px_bytes name)
{
    static const char *const names[] = {"Connection",
                                        "Proxy-Connection",
                                        "Keep-Alive",
                                        "TE",
                                        "Transfer-Encoding",
                                        "Upgrade",
                                        "HTTP2-Settings",
                                        "Proxy-Authorization",
                                        "Proxy-Authenticate",
                                        "Proxy-Authentication-Info",
                                        NULL};
    struct px_bytes list, member;

    for (size_t i = 0; i < fields->count; i++) {
        list = fields->at[i].value;
        while (px_equal_nocase(fields->at[i].name, PX_LITERAL("Connection")) &&
               http1_next_member(&list, &member))
            if (px_equal_nocase(member, name))
                return true;
    }
    return is_one_of(name, names);
}

static unsigned number_of(struct px_bytes text)
{
    enum { MOST = 256 }; /* the proxy's maximum, and one */
    unsigned value = 0;

    for (size_t i = 0; i < text.len && value < MOST; i++)
        value = value * 10 + (unsigned)(text.data[i] - '0');
    return value < MOST ? value : MOST;
}

/*
 * RFC 9110 section 7.6.2: Max-Forwards is one less, and with 0 a request goes
 * no further. By this, requests that are alike are told apart.
 */
static bool is_next_hop(const struct message *client,
                        const struct message *origin)
{
    static const char *const methods[] = {"TRACE", "OPTIONS", NULL};
    const struct http1_fields *fields = &client->head.fields;
    const struct http1_field *from = http1_find(fields, "Max-Forwards");
    const struct http1_field *to =
        http1_find(&origin->head.fields, "Max-Forwards");

    if (!from || !is_method(origin->head.line.method, methods) ||
        ends_here(fields, PX_LITERAL("Max-Forwards")))
        return true;
    return to && number_of(from->value) > 0 &&
           number_of(to->value) + 1 == number_of(from->value);
}

static bool is_same_field(const struct http1_field *a,
                          const struct http1_field *b)
{
    return px_equal(a->name, b->name) && px_equal(a->value, b->value);
}

static bool has_field(const struct http1_fields *fields,
                      const struct http1_field *field)
{
    for (size_t i = 0; i < fields->count; i++) {
        if (is_same_field(&fields->at[i], field))
            return true;
    }
    return false;
}

/* Fields that the proxy writes anew, or may leave out. */
static bool is_proxys(struct px_bytes name)
{
    static const char *const names[] = {
        "Host", "Content-Length", "Max-Forwards", "Expect", "Trailer", NULL};

    return is_one_of(name, names);
}

/* The client's fields pass in their order, and Via grows by one. */
static bool has_its_fields(const struct http1_fields *from,
                           const struct http1_fields *to)
{
    size_t next = 0;

    for (size_t i = 0; i < from->count; i++) {
        struct px_bytes name = from->at[i].name;

        if (ends_here(from, name) || is_proxys(name))
            continue;
        while (next < to->count && !is_same_field(&from->at[i], &to->at[next]))
            next++;
        if (next++ == to->count)
            return false;
    }
    for (size_t i = 0; i < to->count; i++) {
        struct px_bytes name = to->at[i].name;

        if (!is_proxys(name) &&
            !px_equal(name, PX_LITERAL("Transfer-Encoding")) &&
            !px_equal(name, PX_LITERAL("Via")) &&
            (!has_field(from, &to->at[i]) || ends_here(from, name)))
            return false;
    }
    return true;
}

static bool is_of(const struct message *client, const struct message *origin)
{
    return px_equal(client->head.line.method, origin->head.line.method) &&
           is_same_target(client->head.line.target, origin->head.line.target) &&
           is_next_hop(client, origin);
}

/* RFC 9110 section 9.2.2: may be sent a second time by a proxy alone. */
static bool may_repeat(const struct message *m)
{
    static const char *const methods[] = {"GET", "HEAD",   "OPTIONS", "TRACE",
                                          "PUT", "DELETE", NULL};

    return m->framing.body == HTTP1_BODY_NONE &&
           is_method(m->head.line.method, methods);
}

/* The client said the same, and nobody could have read it otherwise. */
static const char *content_differs(void)
{
    if (!sent.framing.is_certain)
        return "a request of doubtful framing is passed on";
    if (got.content_len > sent.content_len ||
        memcmp(got.content, sent.content, got.content_len) != 0)
        return "the content is not the client's";
    if (got.is_whole && (!sent.is_whole || got.content_len != sent.content_len))
        return "what is whole is not a whole request of the client's";
    return NULL;
}

/* Why this one cannot be what became of the client's, or NULL. */
static const char *differs(const struct witness *w, bool is_repeated)
{
    const char *why = content_differs();

    if (why)
        return why;
    if (is_repeated && !may_repeat(&sent))
        return "a request is repeated that may not be";
    if (!is_next_hop(&sent, &got))
        return "Max-Forwards is not one less";
    if (!has_its_fields(&sent.head.fields, &got.head.fields))
        return "a field is lost, or is nobody's";
    return is_repeated || !w->auth ? NULL
                                   : forward_auth_refuses(w->auth, &sent.head);
}

/*
 * Finds the client's request that this one is; *w moves there. Requests may
 * look alike, and some of them are answered by the proxy: *why tells what spoke
 * against the first of them when no other fits either.
 */
static bool find_sent(struct witness *w, const struct witness_stream *client,
                      const char **why)
{
    size_t at = w->at;

    bool is_accused = false;

    *why = "it is not the client's";

    while (read_message(client, at, &sent)) {
        bool is_repeated = w->is_begun && at == w->at;

        if (is_of(&sent, &got)) {
            const char *against = differs(w, is_repeated);

            if (!against) {
                if (w->auth && !is_repeated)
                    forward_auth_use(w->auth, &sent.head);
                w->at = at;
                w->is_begun = true;
                return true;
            }
            if (!is_repeated && !is_accused) {
                is_accused = true;
                *why = against;
            }
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

static bool read_trailers(const struct message *m, struct http1_fields *out)
{
    struct px_error err;
    size_t used;

    return m->trailers_len &&
           http1_decode_trailers(px_bytes_of(m->trailers, m->trailers_len),
                                 &http1_default_limits, out, &used,
                                 &err) == PX_DONE;
}

/* RFC 9110 section 6.5.1: nothing that a recipient might merge into the head
 * and read the message by. */
static void check_trailers(void)
{
    static const char *const names[] = {
        "Host",   "Content-Length", "Max-Forwards", "Expect", "Authorization",
        "Cookie", "Content-Type",   "Range",        "Via",    NULL};
    static struct http1_fields from, to;

    if (!read_trailers(&got, &to))
        return;
    FUZZ_REQUIRE(to.count == 0 || read_trailers(&sent, &from),
                 "the client sent trailers too");
    for (size_t i = 0; i < to.count; i++)
        FUZZ_REQUIRE(has_field(&from, &to.at[i]) &&
                         !is_one_of(to.at[i].name, names) &&
                         !ends_here(&sent.head.fields, to.at[i].name),
                     "trailer %zu may pass", i);
}

void witness_check(struct witness *w, const struct witness_stream *client,
                   const struct witness_stream *origin)
{
    size_t at = 0;

    if (client->is_full || origin->is_full)
        return;
    while (read_message(origin, at, &got)) {
        const char *why;

        FUZZ_REQUIRE(find_sent(w, client, &why), "request %u at %zu: %s",
                     w->count, at, why);
        check_grammar();
        check_trailers();
        w->count++;
        if (!got.is_whole)
            return;
        at = got.end;
    }
}
