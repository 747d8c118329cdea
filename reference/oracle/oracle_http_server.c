/*
 * Follows the proxy's side of an HTTP dialogue, RFC 9112: which response
 * answers which request, where its body ends, and what has to happen then.
 */

#include "oracle_internal.h"

#include <string.h>

enum { CLOSE_AT_ONCE_MS = 1000 };

static void drop_oldest(struct http_dialogue *h)
{
    h->outstanding_count--;
    memmove(&h->outstanding[0], &h->outstanding[1],
            h->outstanding_count * sizeof(h->outstanding[0]));
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

/* Requests after whose answer the connection ends, whatever was said. */
static const struct {
    uint32_t defects;
    enum requirement req;
    const char *what;
} last_ones[] = {
    {HTTP1_CODING_AND_LENGTH, REQ_HTTP_FRAMING_TE_CL_CLOSE,
     "still open 10 s after the answer to a request with Transfer-Encoding and "
     "Content-Length"},
    {HTTP1_CODING_HTTP10, REQ_HTTP_FRAMING_TE_HTTP10_REQUEST,
     "still open 10 s after the answer to an HTTP/1.0 request with "
     "Transfer-Encoding"},
    {HTTP1_CHUNKED_MISSING | HTTP1_CHUNKED_NOT_LAST,
     REQ_HTTP_FRAMING_TE_REQUEST_NOT_FINAL,
     "still open 10 s after the answer to a request that chunked does not end"},
    {HTTP1_LENGTH_CONFLICT, REQ_HTTP_FRAMING_CL_CONFLICT_REQUEST,
     "still open 10 s after the answer to a request of two lengths"},
    {HTTP1_LENGTH_INVALID, REQ_HTTP_FRAMING_CL_INVALID_REQUEST,
     "still open 10 s after the answer to a request of no valid length"},
};

/* RFC 9112 sections 6.1 and 6.3: faulty framing ends the connection. */
static void owe_after_defects(struct oracle *o, uint32_t defects)
{
    for (size_t i = 0; i < sizeof(last_ones) / sizeof(last_ones[0]); i++) {
        if (!(defects & last_ones[i].defects))
            continue;
        owe(o, last_ones[i].req, SIDE_SERVER, last_ones[i].what);
        o->u.http.last = last_ones[i].req;
    }
}

/* RFC 9112 sections 9.3 and 9.6: the end that one side announced. */
static void owe_close(struct oracle *o, const struct http_request *request)
{
    struct http_dialogue *h = &o->u.http;

    if (request->is_http10 && !request->has_close && !request->has_keep_alive)
        owe(o, h->last = REQ_HTTP_PERSIST_HTTP10, SIDE_SERVER,
            "still open 10 s after the answer to an HTTP/1.0 request");
    if (request->has_close)
        owe(o, REQ_HTTP_CLOSE_ON_REQUEST, SIDE_SERVER,
            "still open 10 s after the answer to a request with close");
    if (h->did_server_close) {
        owe(o, REQ_HTTP_CLOSE_AFTER_SENDING, SIDE_SERVER,
            "still open 10 s after a response with close");
        owe(o, REQ_HTTP_CLOSE_CLIENT_RECEIVED, SIDE_CLIENT,
            "still open 10 s after receiving a response with close");
    }
    if (request->has_close || h->did_server_close)
        h->last = REQ_HTTP_CLOSE_NO_MORE;
}

/* The response to the oldest request is whole. */
static void end_response(struct oracle *o)
{
    struct http_dialogue *h = &o->u.http;

    h->server = SERVER_HEAD;
    http_begin_head(h, SIDE_SERVER);
    h->whole_ms = o->now_ms;
    owe_close(o, &h->answered);
    owe_after_defects(o, h->answered.defects); /* the graver reason */
}

/* Transfer-Encoding overrides a length (RFC 9112 section 6.3, rule 3). */
static bool can_follow(const struct http1_framing *framing)
{
    const uint32_t others = HTTP1_CODING_INVALID | HTTP1_CODING_PARAMETERS |
                            HTTP1_CHUNKED_TWICE | HTTP1_CODING_HTTP10;

    return framing->is_certain || (framing->defects & HTTP1_CODING_AND_LENGTH &&
                                   framing->body == HTTP1_BODY_CHUNKED &&
                                   !(framing->defects & others));
}

static void begin_body(struct oracle *o, const struct http1_framing *framing,
                       uint64_t at)
{
    struct http_dialogue *h = &o->u.http;

    h->server_body = http_body_of(*framing, at);
    if (!can_follow(framing)) {
        oracle_fall_quiet(o);
        return;
    }
    h->server = SERVER_BODY;
    if (framing->body == HTTP1_BODY_TO_CLOSE)
        owe_end_of_body(o);
    else if (!http_body_goes_on(&h->server_body))
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
    h->has_early = s->base != s->total;
    http_judge_refusal(o, request, head, at);
    if (h->has_early || request->has_body_fields || request->is_line_invalid)
        http_lose_client(o); /* request, body or payload: nobody can tell */
    else
        h->client = CLIENT_HEAD;
}

/* A final answer that no tunnel follows. */
static void answer(struct oracle *o, const struct http_request *request,
                   const struct http1_response_head *head, uint64_t at)
{
    struct http_dialogue *h = &o->u.http;
    struct http1_framing framing = http1_response_framing(
        head, (struct http1_asked){.is_head = request->is_head});

    h->is_unauthorised = head->line.code == 407;
    h->has_talked = false;
    if (request->is_connect)
        refuse(o, request, head, at);
    else
        http_judge_forwarded(o, request, head, &framing, at);
    begin_body(o, &framing, at);
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

/* Whether the client sent nothing behind what was answered. */
static bool is_client_quiet(const struct oracle *o)
{
    const struct http_dialogue *h = &o->u.http;
    const struct stream *client = &o->streams[SIDE_CLIENT];

    return h->client == CLIENT_HEAD && h->outstanding_count == 0 &&
           client->base == client->total;
}

/*
 * A response behind the last one that the connection may have. When nobody
 * asked for it, it is none of a request that was not to be processed; nor is
 * perhaps an error, since refusing a request need not be processing it.
 */
static bool judge_after_last(struct oracle *o, uint16_t code, uint64_t at)
{
    static const char said[] =
        "another response behind the last one of the connection";
    const struct http_dialogue *h = &o->u.http;

    if (h->last == REQ_NONE || is_client_quiet(o))
        return false;
    if (h->last == REQ_HTTP_CLOSE_NO_MORE && code >= 400)
        oracle_contest(o, h->last, SIDE_SERVER, at, "%s", said);
    else
        oracle_accuse(o, h->last, SIDE_SERVER, at, "%s", said);
    oracle_fall_quiet(o);
    return true;
}

/*
 * A second response to the last request. A server may say that it waited in
 * vain for another (408), or that what it got was bad.
 */
static void judge_surplus(struct oracle *o, uint16_t code, uint64_t at)
{
    const struct http_dialogue *h = &o->u.http;

    if (code == 408 || code >= 500)
        return;
    if (h->answered.has_content)
        oracle_accuse(o, REQ_HTTP_PERSIST_DRAIN, SIDE_SERVER, at,
                      "a second answer %03u: content of the last request is "
                      "read as a request",
                      code);
    else if (code < 400)
        oracle_accuse(o, REQ_HTTP_FRAMING_EXTRA_RESPONSE_DATA, SIDE_SERVER, at,
                      "response %03u without a request", code);
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
    else if (h->is_refused && h->has_early && !h->has_talked)
        oracle_contest(o, REQ_HTTP_CONNECT_EARLY_CLIENT_DATA, SIDE_SERVER, at,
                       "octets sent behind a refused CONNECT seem to be "
                       "answered as a request");
    else if (h->is_answered && !h->is_refused && is_client_quiet(o))
        judge_surplus(o, head->line.code, at);
    oracle_fall_quiet(o);
}

static void accept_interim(struct oracle *o, const struct http_request *request,
                           const struct http1_response_head *head, uint64_t at)
{
    if (request->is_connect)
        http_judge_interim(o, request, head, at);
    else
        http_judge_forwarded_interim(o, request, head, at);
    if (head->line.code == 101)
        oracle_fall_quiet(o); /* another protocol from here on */
}

static void accept_response(struct oracle *o,
                            const struct http1_response_head *head, size_t used)
{
    struct http_dialogue *h = &o->u.http;
    uint64_t at = o->streams[SIDE_SERVER].base;
    struct http_request request;

    tell_response(o, head, used);
    if (judge_after_last(o, head->line.code, at))
        return;
    if (!http_oldest(h)) {
        judge_unasked(o, head, at);
        return;
    }
    request = *http_oldest(h);
    oracle_reach(o, STAGE_ANSWERED);
    oracle_consume(&o->streams[SIDE_SERVER], used);
    http_begin_head(h, SIDE_SERVER);
    if (head->line.code / 100 == 1) {
        accept_interim(o, &request, head, at);
        return;
    }
    if (h->is_answered && h->answered.is_http10 && h->answered.has_keep_alive)
        oracle_contest(o, REQ_HTTP_PERSIST_HTTP10_KEEPALIVE, SIDE_SERVER, at,
                       "a second answer for an HTTP/1.0 client");
    drop_oldest(h);
    h->is_answered = true;
    h->answered = request;
    h->code = head->line.code;
    h->has_erred |= head->line.code >= 400 && head->line.code != 407;
    h->has_authenticated |= request.has_credentials && head->line.code != 407;
    oracle_note_answer(o);
    h->is_refused = false;
    if (request.is_connect && head->line.code / 100 == 2) {
        http_judge_grant(o, &request, head, at);
        oracle_grant(o);
        oracle_fall_quiet(o);
    } else if (request.is_connect_alike && head->line.code / 100 == 2) {
        oracle_fall_quiet(o); /* perhaps a tunnel */
    } else {
        answer(o, &request, head, at);
    }
}

/*
 * Octets behind a response that has no body, or whose body is over. An error
 * may be meant for what the client sent behind its last request, against RFC
 * 9112 section 9.6, rather than for that.
 */
static void judge_behind(struct oracle *o, uint8_t octet, uint64_t at)
{
    const struct http_dialogue *h = &o->u.http;

    if (h->answered.is_head && h->answered.has_close && h->code >= 400 &&
        !is_client_quiet(o))
        oracle_contest(o, REQ_HTTP_METHOD_HEAD_NO_BODY, SIDE_SERVER, at,
                       "octet %#04x behind an error that may not be the answer "
                       "to HEAD",
                       octet);
    else if (h->answered.is_head)
        oracle_accuse(o, REQ_HTTP_METHOD_HEAD_NO_BODY, SIDE_SERVER, at,
                      "octet %#04x behind the response to HEAD", octet);
    else if (h->code == 204)
        oracle_accuse(o, REQ_HTTP_BODY_204, SIDE_SERVER, at,
                      "octet %#04x behind a 204", octet);
    else if (h->code == 304)
        oracle_accuse(o, REQ_HTTP_BODY_304, SIDE_SERVER, at,
                      "octet %#04x behind a 304", octet);
    else
        oracle_accuse(o, REQ_HTTP_PARSE_SENDER_GRAMMAR, SIDE_SERVER, at,
                      "octet %#04x behind the end of a response", octet);
}

/* Octets of the server that begin no response. */
static void judge_no_response(struct oracle *o, uint8_t octet)
{
    struct http_dialogue *h = &o->u.http;
    uint64_t at = o->streams[SIDE_SERVER].base;

    if (h->is_refused && (http_oldest(h) || h->has_early || h->has_talked))
        oracle_accuse(o, REQ_HTTP_CONNECT_AFTER_FAILURE, SIDE_SERVER, at,
                      "octets that are no response after a refused CONNECT");
    else if (h->is_refused)
        oracle_accuse(o, REQ_HTTP_CONNECT_FAILURE_STATUS, SIDE_SERVER, at,
                      "octets behind the end of the refusal");
    else if (http_oldest(h) && http_oldest(h)->is_connect)
        oracle_accuse(o, REQ_HTTP_PARSE_SENDER_GRAMMAR, SIDE_SERVER, at,
                      "octet %02x where a status-line is due", octet);
    else if (h->is_answered && h->client != CLIENT_LOST)
        judge_behind(o, octet, at);
    else if (http_oldest(h) && !h->is_answered)
        oracle_contest(o, REQ_HTTP_PARSE_RESPONSE_GARBAGE, SIDE_SERVER, at,
                       "octet %#04x where a status-line is due", octet);
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
    if (!http_may_end_head(h, SIDE_SERVER, in))
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
    size_t used =
        http_body_take(o, SIDE_SERVER, &h->server_body, data, &is_whole);

    if (h->server_body.framing.body == HTTP1_BODY_TO_CLOSE)
        owe_end_of_body(o);
    if (is_whole || h->server_body.broken != REQ_NONE)
        http_judge_body(o, SIDE_SERVER, &h->server_body);
    if (h->server_body.broken != REQ_NONE)
        oracle_fall_quiet(o);
    else if (is_whole)
        end_response(o);
    return used;
}

size_t http_server_bytes(struct oracle *o, struct px_bytes data)
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
    http_read_client(o);
    return 1;
}

/* The server ended inside a refusal whose end is marked. */
static void judge_cut_refusal(struct oracle *o)
{
    const struct http_dialogue *h = &o->u.http;
    const struct stream *s = &o->streams[SIDE_SERVER];

    if (h->is_refused && s->end == END_FIN &&
        h->server_body.framing.body != HTTP1_BODY_TO_CLOSE)
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

/* Nobody announced it, and nothing was on its way (RFC 9112 section 9.6). */
static bool is_unannounced(const struct oracle *o)
{
    const struct http_dialogue *h = &o->u.http;
    const struct stream *client = &o->streams[SIDE_CLIENT];

    return h->is_answered && h->is_close_unsaid && !h->has_talked &&
           h->client == CLIENT_HEAD && client->base == client->total &&
           o->now_ms - h->whole_ms < CLOSE_AT_ONCE_MS;
}

void http_server_ended(struct oracle *o)
{
    struct http_dialogue *h = &o->u.http;

    if (h->server == SERVER_BODY)
        judge_cut_refusal(o);
    else if (http_oldest(h))
        judge_missing_answer(o, http_oldest(h));
    else if (is_unannounced(o))
        oracle_accuse(o, REQ_HTTP_CLOSE_ANNOUNCE, SIDE_SERVER,
                      o->streams[SIDE_SERVER].base,
                      "closes right after a response that did not say close");
}
