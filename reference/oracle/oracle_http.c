/*
 * Follows the client's side of an HTTP dialogue, RFC 9112: heads and bodies,
 * until a CONNECT is granted. oracle_http_server.c follows the proxy, which
 * answers a CONNECT itself and passes an origin's answers on otherwise.
 */

#include "oracle_internal.h"

#include <assert.h>
#include <string.h>

struct http_request *http_oldest(struct http_dialogue *h)
{
    return h->outstanding_count ? &h->outstanding[0] : NULL;
}

/*
 * Whether the octet that was shown last can end a head: with the line of an
 * HTTP/0.9 request, or with an empty line. Decoding at these places only
 * keeps long heads cheap.
 */
bool http_may_end_head(struct http_dialogue *h, enum oracle_side side,
                       struct px_bytes in)
{
    uint8_t last = in.data[in.len - 1];
    bool is_empty_line;

    if (last != '\n') {
        h->is_text_seen[side] |= last != '\r';
        return false;
    }
    if (!h->is_text_seen[side])
        return false;
    is_empty_line = in.data[in.len - 2] == '\n' ||
                    (in.len > 2 && in.data[in.len - 2] == '\r' &&
                     in.data[in.len - 3] == '\n');
    if (h->is_line_seen[side])
        return is_empty_line;
    h->is_line_seen[side] = true;
    return true;
}

void http_begin_head(struct http_dialogue *h, enum oracle_side side)
{
    h->is_line_seen[side] = false;
    h->is_text_seen[side] = false;
    if (side == SIDE_SERVER)
        h->prefix_len = 0;
}

void http_lose_client(struct oracle *o)
{
    o->u.http.client = CLIENT_LOST;
    oracle_skip(&o->streams[SIDE_CLIENT], 0);
}

/* With ORACLE_DETECT: a first request that only a proxy is sent. */
static bool is_for_proxy(const struct http1_request_head *head)
{
    if (head->line.oddities & (HTTP1_NO_VERSION | HTTP1_BAD_VERSION |
                               HTTP1_NOT_TOKEN | HTTP1_EXTRA_WORDS))
        return false;
    return px_equal(head->line.method, PX_LITERAL("CONNECT")) ||
           http_is_absolute(head->line.target);
}

static void tell_request(struct oracle *o,
                         const struct http1_request_head *head, size_t len)
{
    char method[ORACLE_TEXT_MAX];
    char target[ORACLE_TEXT_MAX];

    oracle_tell(o, SIDE_CLIENT, o->streams[SIDE_CLIENT].base, len,
                "%s %s HTTP/%u.%u (%zu fields)",
                oracle_text(head->line.method, method),
                oracle_text(head->line.target, target), head->line.major,
                head->line.minor, head->fields.count);
}

/* Where the client's stream goes on after a head. */
static void enter_after_request(struct oracle *o,
                                const struct http_request *request,
                                const struct http1_request_head *head)
{
    struct http_dialogue *h = &o->u.http;

    if (request->is_connect) {
        h->client = CLIENT_WAITS;
        return;
    }
    h->client_body = http_body_of(http1_request_framing(head), request->at);
    /* Who passes a request on is not who made its trailers. */
    h->client_body.is_announced = http1_find(&head->fields, "Trailer") ||
                                  http1_find(&head->fields, "Via");
    if (!h->client_body.framing.is_certain ||
        head->line.oddities & HTTP1_NO_VERSION)
        http_lose_client(o);
    else if (http_body_goes_on(&h->client_body))
        h->client = CLIENT_BODY;
}

/* The client uses a tunnel that it was refused. */
static void judge_intruder(struct oracle *o)
{
    oracle_accuse_reaction(o, REQ_HTTP_CONNECT_CLIENT_NON_2XX,
                           o->streams[SIDE_CLIENT].base,
                           "octets that are no request after a refused "
                           "CONNECT");
    http_lose_client(o);
}

static void accept_request(struct oracle *o,
                           const struct http1_request_head *head, size_t used)
{
    struct http_dialogue *h = &o->u.http;
    struct http_request request = {0};
    uint64_t at = o->streams[SIDE_CLIENT].base;

    if (!h->is_begun && o->cfg->protocol == ORACLE_DETECT &&
        !is_for_proxy(head)) {
        oracle_fall_quiet(o);
        return;
    }
    if (h->outstanding_count == HTTP_OUTSTANDING_MAX) {
        oracle_fall_quiet(o);
        return;
    }
    h->is_begun = true;
    o->summary.protocol = ORACLE_HTTP;
    if (h->is_refused &&
        head->line.oddities & (HTTP1_NO_VERSION | HTTP1_BAD_VERSION)) {
        judge_intruder(o);
        return;
    }
    tell_request(o, head, used);
    http_judge_request(o, head, at, &request);
    oracle_reach(o, STAGE_REQUESTED);
    h->outstanding[h->outstanding_count++] = request;
    enter_after_request(o, &request, head);
    if (h->client == CLIENT_LOST)
        return;
    http_begin_head(h, SIDE_CLIENT);
    oracle_consume(&o->streams[SIDE_CLIENT], used);
}

/* The octets of a refused tunnel: TLS, or a protocol that is not HTTP. */
static bool is_tunnel_octet(uint8_t octet)
{
    return octet != '\r' && octet != '\n' &&
           !http1_is_token(px_bytes_of(&octet, 1));
}

static void read_request(struct oracle *o)
{
    struct http_dialogue *h = &o->u.http;
    struct px_bytes in = oracle_shown(&o->streams[SIDE_CLIENT]);
    struct http1_request_head head;
    struct px_error err;
    size_t used;

    h->has_talked = true;
    if (h->is_refused && !h->is_text_seen[SIDE_CLIENT] &&
        is_tunnel_octet(in.data[in.len - 1]))
        judge_intruder(o);
    if (h->client == CLIENT_LOST || !http_may_end_head(h, SIDE_CLIENT, in))
        return;
    switch (http1_decode_request_head(in, &http1_default_limits, &head, &used,
                                      &err)) {
    case PX_NEED_MORE:
        return;
    case PX_ERROR:
        http_lose_client(o);
        return;
    case PX_DONE:
        accept_request(o, &head, used);
        return;
    }
}

/* Shows what is kept of the client, as far as its turn goes. */
void http_read_client(struct oracle *o)
{
    struct stream *s = &o->streams[SIDE_CLIENT];

    while (o->protocol == &oracle_http && o->u.http.client == CLIENT_HEAD &&
           s->seen < s->len) {
        s->seen++;
        read_request(o);
    }
}

static size_t client_body_bytes(struct oracle *o, struct px_bytes data)
{
    struct http_dialogue *h = &o->u.http;
    bool is_whole;
    size_t used =
        http_body_take(o, SIDE_CLIENT, &h->client_body, data, &is_whole);

    h->has_talked = true;
    if (is_whole || h->client_body.broken != REQ_NONE)
        http_judge_body(o, SIDE_CLIENT, &h->client_body);
    if (h->client_body.broken != REQ_NONE)
        http_lose_client(o);
    else if (is_whole)
        h->client = CLIENT_HEAD;
    return used;
}

static size_t client_bytes(struct oracle *o, struct px_bytes data)
{
    struct http_dialogue *h = &o->u.http;

    switch (h->client) {
    case CLIENT_BODY:
        return client_body_bytes(o, data);
    case CLIENT_LOST:
        h->has_talked = true;
        oracle_skip(&o->streams[SIDE_CLIENT], data.len);
        return data.len;
    case CLIENT_WAITS:
        o->reaction.is_optimistic = true;
        break;
    case CLIENT_HEAD:
        break;
    }
    if (oracle_keep(&o->streams[SIDE_CLIENT], data))
        http_read_client(o);
    else if (h->client == CLIENT_HEAD)
        http_lose_client(o); /* larger than any head that is read here */
    return 1;
}

static size_t http_bytes(struct oracle *o, enum oracle_side side,
                         struct px_bytes data)
{
    return side == SIDE_CLIENT ? client_bytes(o, data)
                               : http_server_bytes(o, data);
}

static void http_ended(struct oracle *o, enum oracle_side side)
{
    if (side == SIDE_SERVER && !oracle_is_excused(o, side))
        http_server_ended(o);
}

/* Bodies that did not end: their chunks so far are judged as they are. */
static void http_finished(struct oracle *o)
{
    struct http_dialogue *h = &o->u.http;

    if (h->client == CLIENT_BODY)
        http_judge_body(o, SIDE_CLIENT, &h->client_body);
    if (h->server == SERVER_BODY)
        http_judge_body(o, SIDE_SERVER, &h->server_body);
}

const struct protocol oracle_http = {
    .bytes = http_bytes,
    .ended = http_ended,
    .finished = http_finished,
};
