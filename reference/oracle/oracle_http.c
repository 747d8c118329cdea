/*
 * Follows an HTTP dialogue, RFC 9112: heads and bodies of both sides, and
 * which response answers which request, until a CONNECT is granted. Heads are
 * judged in oracle_http_request.c and oracle_http_response.c; of responses
 * only those to CONNECT, since the others may be an origin's.
 */

#include "oracle_internal.h"

#include <assert.h>
#include <string.h>

enum { CLOSE_AT_ONCE_MS = 1000 };

static struct http_request *oldest(struct http_dialogue *h)
{
    return h->outstanding_count ? &h->outstanding[0] : NULL;
}

static void drop_oldest(struct http_dialogue *h)
{
    h->outstanding_count--;
    memmove(&h->outstanding[0], &h->outstanding[1],
            h->outstanding_count * sizeof(h->outstanding[0]));
}

/*
 * Whether the octet that was shown last can end a head: with the line of an
 * HTTP/0.9 request, or with an empty line. Decoding at these places only
 * keeps long heads cheap.
 */
static bool may_end_head(struct http_dialogue *h, enum oracle_side side,
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

static void begin_head(struct http_dialogue *h, enum oracle_side side)
{
    h->is_line_seen[side] = false;
    h->is_text_seen[side] = false;
    if (side == SIDE_SERVER)
        h->prefix_len = 0;
}

static void lose_client(struct oracle *o)
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
    h->client_body = http_request_body(&head->fields);
    if (h->client_body.is_bad || head->line.oddities & HTTP1_NO_VERSION) {
        lose_client(o);
        return;
    }
    if (h->client_body.framing != BODY_NONE &&
        !(h->client_body.framing == BODY_COUNTED && h->client_body.left == 0))
        h->client = CLIENT_BODY;
}

/* The client uses a tunnel that it was refused. */
static void judge_intruder(struct oracle *o)
{
    oracle_accuse_reaction(o, REQ_HTTP_CONNECT_CLIENT_NON_2XX,
                           o->streams[SIDE_CLIENT].base,
                           "octets that are no request after a refused "
                           "CONNECT");
    lose_client(o);
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
    begin_head(h, SIDE_CLIENT);
    oracle_consume(&o->streams[SIDE_CLIENT], used);
}

/* The octets of a refused tunnel: TLS, or a protocol that is not HTTP. */
static bool is_tunnel_octet(uint8_t octet)
{
    return octet != '\r' && octet != '\n' &&
           !http1_is_token(px_bytes_of(&octet, 1));
}

static void judge_refused_octet(struct oracle *o, uint8_t octet)
{
    o->u.http.has_talked = true;
    if (is_tunnel_octet(octet))
        judge_intruder(o);
}

static void read_request(struct oracle *o)
{
    struct http_dialogue *h = &o->u.http;
    struct px_bytes in = oracle_shown(&o->streams[SIDE_CLIENT]);
    struct http1_request_head head;
    struct px_error err;
    size_t used;

    if (h->is_refused && !h->is_text_seen[SIDE_CLIENT])
        judge_refused_octet(o, in.data[in.len - 1]);
    if (h->client == CLIENT_LOST || !may_end_head(h, SIDE_CLIENT, in))
        return;
    switch (http1_decode_request_head(in, &http1_default_limits, &head, &used,
                                      &err)) {
    case PX_NEED_MORE:
        return;
    case PX_ERROR:
        lose_client(o);
        return;
    case PX_DONE:
        accept_request(o, &head, used);
        return;
    }
}

/* Shows what is kept of the client, as far as its turn goes. */
static void read_client(struct oracle *o)
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
    size_t used = http_body_take(&h->client_body, data, &is_whole);

    oracle_skip(&o->streams[SIDE_CLIENT], used);
    if (h->client_body.is_bad)
        lose_client(o);
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
        read_client(o);
    else if (h->client == CLIENT_HEAD)
        lose_client(o); /* larger than any head that is read here */
    return 1;
}

static void owe(struct oracle *o, enum requirement req, enum oracle_side side,
                const char *what)
{
    const struct duty duty = {
        .req = req,
        .side = side,
        .offset = o->streams[side].base,
        .what = what,
    };

    oracle_owe(o, &duty);
}

/* The response has no length and the stream stays open, silent. */
static void owe_end_of_body(struct oracle *o)
{
    oracle_forgive(o);
    if (!o->u.http.is_refused)
        return;
    if (o->u.http.is_unauthorised)
        owe(o, REQ_AUTH_PROXY_407_FRAMING, SIDE_SERVER,
            "a 407 without length that nothing ends for 10 s");
    else
        owe(o, REQ_HTTP_CONNECT_FAILURE_STATUS, SIDE_SERVER,
            "a refusal without length that nothing ends for 10 s");
}

/* The response to the oldest request is whole. */
static void end_response(struct oracle *o)
{
    struct http_dialogue *h = &o->u.http;

    h->server = SERVER_HEAD;
    begin_head(h, SIDE_SERVER);
    if (!h->is_refused)
        return;
    h->whole_ms = o->now_ms;
    if (h->did_client_close)
        owe(o, REQ_HTTP_CLOSE_ON_REQUEST, SIDE_SERVER,
            "still open 10 s after the answer to a request with close");
    if (h->did_server_close) {
        owe(o, REQ_HTTP_CLOSE_AFTER_SENDING, SIDE_SERVER,
            "still open 10 s after a response with close");
        owe(o, REQ_HTTP_CLOSE_CLIENT_RECEIVED, SIDE_CLIENT,
            "still open 10 s after receiving a response with close");
    }
}

static void begin_body(struct oracle *o, const struct http_request *request,
                       const struct http1_response_head *head)
{
    struct http_dialogue *h = &o->u.http;

    h->server_body = http_response_body(&head->fields);
    if (request->is_head || head->line.code == 204 || head->line.code == 304)
        h->server_body = (struct http_body){.framing = BODY_NONE};
    if (h->server_body.is_bad) {
        oracle_fall_quiet(o);
        return;
    }
    h->server = SERVER_BODY;
    if (h->server_body.framing == BODY_TO_CLOSE)
        owe_end_of_body(o);
    else if (h->server_body.framing == BODY_NONE ||
             (h->server_body.framing == BODY_COUNTED &&
              h->server_body.left == 0))
        end_response(o);
}

/* A final answer to CONNECT outside 2xx: the connection is HTTP still. */
static void refuse(struct oracle *o, const struct http_request *request,
                   const struct http1_response_head *head, uint64_t at)
{
    struct http_dialogue *h = &o->u.http;
    const struct stream *s = &o->streams[SIDE_CLIENT];

    oracle_reach(o, STAGE_REFUSED);
    h->is_refused = true;
    h->is_unauthorised = head->line.code == 407;
    h->has_talked = false;
    h->has_early = s->base != s->total;
    http_judge_refusal(o, request, head, at);
    if (h->has_early || request->has_body_fields || request->is_line_invalid)
        lose_client(o); /* request, body or payload: nobody can tell */
    else
        h->client = CLIENT_HEAD;
    begin_body(o, request, head);
}

static void tell_response(struct oracle *o,
                          const struct http1_response_head *head, size_t len)
{
    char reason[ORACLE_TEXT_MAX];

    o->summary.code = head->line.code;
    oracle_tell(o, SIDE_SERVER, o->streams[SIDE_SERVER].base, len,
                "HTTP/%u.%u %03u %s", head->line.major, head->line.minor,
                head->line.code, oracle_text(head->line.reason, reason));
}

/*
 * A response that no whole request asked for. Refusing what has begun, or an
 * idle client, passes; granting is acting on half a head.
 */
static void judge_unasked(struct oracle *o,
                          const struct http1_response_head *head, uint64_t at)
{
    const struct http_dialogue *h = &o->u.http;

    if (h->client == CLIENT_HEAD && head->line.code / 100 == 2 &&
        (!h->is_begun || (h->is_refused && h->has_talked)))
        oracle_accuse(o, REQ_HTTP_PARSE_WHOLE_HEADER, SIDE_SERVER, at,
                      "answer %03u before the header section of the request "
                      "was complete",
                      head->line.code);
    if (h->is_refused && h->has_early && !h->has_talked)
        oracle_contest(o, REQ_HTTP_CONNECT_EARLY_CLIENT_DATA, SIDE_SERVER, at,
                       "octets sent behind a refused CONNECT seem to be "
                       "answered as a request");
    oracle_fall_quiet(o);
}

static void accept_response(struct oracle *o,
                            const struct http1_response_head *head, size_t used)
{
    struct http_dialogue *h = &o->u.http;
    uint64_t at = o->streams[SIDE_SERVER].base;
    struct http_request request;

    tell_response(o, head, used);
    if (!oldest(h)) {
        judge_unasked(o, head, at);
        return;
    }
    request = *oldest(h);
    oracle_reach(o, STAGE_ANSWERED);
    oracle_consume(&o->streams[SIDE_SERVER], used);
    begin_head(h, SIDE_SERVER);
    if (head->line.code / 100 == 1) {
        if (request.is_connect)
            http_judge_interim(o, &request, head, at);
        if (head->line.code == 101)
            oracle_fall_quiet(o); /* another protocol from here on */
        return;
    }
    drop_oldest(h);
    h->is_answered = true;
    h->has_authenticated |= request.has_credentials && head->line.code != 407;
    oracle_note_answer(o);
    h->is_refused = false;
    if (!request.is_connect) {
        begin_body(o, &request, head);
    } else if (head->line.code / 100 == 2) {
        http_judge_grant(o, &request, head, at);
        oracle_grant(o);
        oracle_fall_quiet(o);
    } else {
        refuse(o, &request, head, at);
    }
}

/* Octets of the server that begin no response. */
static void judge_no_response(struct oracle *o, uint8_t octet)
{
    struct http_dialogue *h = &o->u.http;
    uint64_t at = o->streams[SIDE_SERVER].base;

    if (h->is_refused && (oldest(h) || h->has_early || h->has_talked))
        oracle_accuse(o, REQ_HTTP_CONNECT_AFTER_FAILURE, SIDE_SERVER, at,
                      "octets that are no response after a refused CONNECT");
    else if (h->is_refused)
        oracle_accuse(o, REQ_HTTP_CONNECT_FAILURE_STATUS, SIDE_SERVER, at,
                      "octets behind the end of the refusal");
    else if (oldest(h) && oldest(h)->is_connect)
        oracle_accuse(o, REQ_HTTP_PARSE_SENDER_GRAMMAR, SIDE_SERVER, at,
                      "octet %02x where a status-line is due", octet);
    oracle_fall_quiet(o);
}

/* Whether the newest octet can belong to the head of a response. */
static bool fits_prefix(struct http_dialogue *h, uint8_t octet)
{
    static const char prefix[] = "HTTP/";

    if (h->prefix_len == sizeof(prefix) - 1)
        return true;
    if (h->prefix_len == 0 && (octet == '\r' || octet == '\n'))
        return true;
    if (octet != (uint8_t)prefix[h->prefix_len])
        return false;
    h->prefix_len++;
    return true;
}

static void read_response(struct oracle *o)
{
    struct http_dialogue *h = &o->u.http;
    struct px_bytes in = oracle_shown(&o->streams[SIDE_SERVER]);
    struct http1_response_head head;
    struct px_error err;
    size_t used;

    if (!fits_prefix(h, in.data[in.len - 1])) {
        judge_no_response(o, in.data[in.len - 1]);
        return;
    }
    if (!may_end_head(h, SIDE_SERVER, in))
        return;
    switch (http1_decode_response_head(in, &http1_default_limits, &head, &used,
                                       &err)) {
    case PX_NEED_MORE:
        return;
    case PX_ERROR:
        oracle_fall_quiet(o);
        return;
    case PX_DONE:
        accept_response(o, &head, used);
        return;
    }
}

static size_t server_body_bytes(struct oracle *o, struct px_bytes data)
{
    struct http_dialogue *h = &o->u.http;
    bool is_whole;
    size_t used = http_body_take(&h->server_body, data, &is_whole);

    oracle_skip(&o->streams[SIDE_SERVER], used);
    if (h->server_body.framing == BODY_TO_CLOSE)
        owe_end_of_body(o);
    if (h->server_body.is_bad)
        oracle_fall_quiet(o);
    else if (is_whole)
        end_response(o);
    return used;
}

static size_t server_bytes(struct oracle *o, struct px_bytes data)
{
    struct stream *s = &o->streams[SIDE_SERVER];

    if (o->u.http.server == SERVER_BODY)
        return server_body_bytes(o, data);
    if (!oracle_keep(s, data)) {
        oracle_fall_quiet(o); /* larger than any head that is read here */
        return 1;
    }
    s->seen = s->len;
    read_response(o);
    read_client(o);
    return 1;
}

static size_t http_bytes(struct oracle *o, enum oracle_side side,
                         struct px_bytes data)
{
    return side == SIDE_CLIENT ? client_bytes(o, data) : server_bytes(o, data);
}

/* The server ended inside a refusal whose end is marked. */
static void judge_cut_refusal(struct oracle *o)
{
    const struct http_dialogue *h = &o->u.http;
    const struct stream *s = &o->streams[SIDE_SERVER];

    if (h->is_refused && s->end == END_FIN &&
        h->server_body.framing != BODY_TO_CLOSE)
        oracle_accuse(o, REQ_HTTP_CONNECT_FAILURE_STATUS, SIDE_SERVER, s->base,
                      "the stream ends inside the refusal");
}

/*
 * The server ended although a CONNECT waits for its answer. A connection that
 * was idle in between may be closed at any time (RFC 9112 section 9.5).
 */
static void judge_missing_answer(struct oracle *o,
                                 const struct http_request *request)
{
    const struct stream *client = &o->streams[SIDE_CLIENT];
    uint64_t at = o->streams[SIDE_SERVER].base;

    if (!request->is_connect || !request->is_valid ||
        client->base != client->total)
        return;
    if (o->u.http.is_answered)
        oracle_contest(o, REQ_HTTP_CONNECT_FAILURE_STATUS, SIDE_SERVER, at,
                       "the stream ends without an answer to CONNECT, perhaps "
                       "before it arrived");
    else
        oracle_accuse(o, REQ_HTTP_CONNECT_FAILURE_STATUS, SIDE_SERVER, at,
                      "the stream ends without an answer to CONNECT");
}

static void http_ended(struct oracle *o, enum oracle_side side)
{
    struct http_dialogue *h = &o->u.http;

    if (side == SIDE_CLIENT || oracle_is_excused(o, side))
        return;
    if (h->server == SERVER_BODY)
        judge_cut_refusal(o);
    else if (oldest(h))
        judge_missing_answer(o, oldest(h));
    else if (h->is_refused && h->is_close_unsaid && !h->has_talked &&
             o->now_ms - h->whole_ms < CLOSE_AT_ONCE_MS)
        oracle_accuse(o, REQ_HTTP_CLOSE_ANNOUNCE, SIDE_SERVER,
                      o->streams[SIDE_SERVER].base,
                      "closes right after a response that did not say close");
}

static void http_finished(struct oracle *o)
{
    (void)o; /* what is missing was owed until a time, or by an end */
}

const struct protocol oracle_http = {
    .bytes = http_bytes,
    .ended = http_ended,
    .finished = http_finished,
};
