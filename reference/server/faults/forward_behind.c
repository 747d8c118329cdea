/*
 * Faults that show in what stands behind something else: requests and responses
 * behind others of their connection, trailers behind content, content behind an
 * expectation, fields behind many others. RFC 9110 sections 5, 6.5, 7.2 and
 * 10.1.1, RFC 9112 sections 5, 7.1.2 and 9.3.
 */

#include <string.h>

#include "faults/forward.h"
#include "faults/http.h"

static bool begins(const struct forward_part *part, const char *text)
{
    return faults_find(part->octets, text) == 0;
}

static const struct fault_swap *swap_of(const struct fault_memory *m, size_t i)
{
    return &m->fault->swaps[i];
}

/* Behind another exchange
 * ------------------------------------------------------*/

static enum forward_verdict connect_unanswered(struct fault_memory *m,
                                               struct forward_part *part)
{
    if (part->stage != FORWARD_REQUEST_RECEIVED)
        return FORWARD_PASS;
    return m->count[0]++ > 0 && begins(part, "CONNECT ") ? FORWARD_HANG
                                                         : FORWARD_PASS;
}

/* count[0]: X-Mine was a connection-option of a message before. */
static enum forward_verdict option_stays(struct fault_memory *m,
                                         struct forward_part *part)
{
    if (forward_is_received(part) &&
        forward_has(part, "Connection: X-Mine\r\n"))
        m->count[0] = 1;
    else if (forward_is_sent(part) && m->count[0])
        forward_cut_all(m, part, "X-Mine");
    return FORWARD_PASS;
}

/* What a request does not say of these is taken from the one before. */
static enum forward_verdict condition_stays(struct fault_memory *m,
                                            struct forward_part *part)
{
    struct px_bytes value = forward_value(part, "If-Modified-Since");

    if (part->stage != FORWARD_REQUEST_SENT)
        return FORWARD_PASS;
    if (value.data)
        forward_keep(m, value);
    else if (m->kept_len)
        forward_add_field(m, part, "If-Modified-Since", forward_kept(m));
    return FORWARD_PASS;
}

static enum forward_verdict language_stays(struct fault_memory *m,
                                           struct forward_part *part)
{
    struct px_bytes value = forward_value(part, "Content-Language");

    if (part->stage != FORWARD_RESPONSE_SENT)
        return FORWARD_PASS;
    if (value.data)
        forward_keep(m, value);
    else if (m->kept_len)
        forward_add_field(m, part, "Content-Language", forward_kept(m));
    return FORWARD_PASS;
}

/* count[0]: X-U was a trailer of a response before. */
static enum forward_verdict trailer_stays(struct fault_memory *m,
                                          struct forward_part *part)
{
    if (part->stage != FORWARD_RESPONSE_BODY)
        return FORWARD_PASS;
    if (forward_has(part, "X-U: first\r\n"))
        m->count[0] = 1;
    else if (m->count[0])
        forward_swap(m, part, "X-T: second\r\n",
                     "X-T: second\r\nX-U: first\r\n");
    return FORWARD_PASS;
}

/* Where another connection went that had the same port, or the same begin of a
 * name, this one goes as well. */
static enum fault_verdict dials_by_port(struct fault_memory *m,
                                        struct action *action)
{
    struct px_endpoint *first = (struct px_endpoint *)(void *)m->kept;

    if (action->kind != ACTION_DIAL ||
        action->target.addr.kind != PX_ADDRESS_IPV4)
        return FAULT_PASS;
    if (m->kept_len == 0) {
        memcpy(m->kept, &action->target, sizeof(action->target));
        m->kept_len = sizeof(action->target);
    } else if (first->port == action->target.port) {
        action->target.addr = first->addr;
    }
    return FAULT_PASS;
}

/* A name has one port, that of its first request. */
static enum fault_verdict dials_first_port(struct fault_memory *m,
                                           struct action *action)
{
    struct px_bytes name = action->target.addr.name;

    if (action->kind != ACTION_DIAL ||
        action->target.addr.kind != PX_ADDRESS_NAME)
        return FAULT_PASS;
    if (m->kept_len == 0) {
        memcpy(m->kept, name.data, name.len);
        m->kept_len = name.len;
        m->count[0] = action->target.port;
    } else if (px_equal_nocase(px_bytes_of(m->kept, m->kept_len), name)) {
        action->target.port = (uint16_t)m->count[0];
    }
    return FAULT_PASS;
}

static enum fault_verdict dials_by_begin(struct fault_memory *m,
                                         struct action *action)
{
    enum { COMPARED = 8 };
    struct px_bytes name = action->target.addr.name;

    if (action->kind != ACTION_DIAL || name.len <= COMPARED ||
        name.len > sizeof(m->kept))
        return FAULT_PASS;
    if (m->kept_len == 0) {
        forward_keep(m, name);
        m->count[0] = action->target.port;
    } else if (memcmp(m->kept, name.data, COMPARED) == 0) {
        action->target.addr.name = forward_kept(m);
        action->target.port = (uint16_t)m->count[0];
    }
    return FAULT_PASS;
}

/* Behind content: trailers
 * -----------------------------------------------------*/

/* Hides the row's first text from the session ... */
static enum fault_verdict hides_octets(struct fault_memory *m,
                                       struct event *event)
{
    const struct fault_swap *swap = swap_of(m, 0);
    size_t at, len = strlen(swap->from);

    if (event->kind != EVENT_CLIENT_DATA && event->kind != EVENT_UPSTREAM_DATA)
        return FAULT_PASS;
    at = faults_find(event->data, swap->from);
    if (at == event->data.len)
        return FAULT_PASS;
    memcpy(faults_take_octets(m, event) + at, swap->to, len);
    return FAULT_PASS;
}

/* ... and puts it back into what goes on. Both texts have one length. */
static enum forward_verdict shows_octets(struct fault_memory *m,
                                         struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_BODY ||
        part->stage == FORWARD_RESPONSE_BODY)
        forward_swap(m, part, swap_of(m, 0)->to, swap_of(m, 0)->from);
    return FORWARD_PASS;
}

/* count[0]: a client of HTTP/1.0; count[1]: it is sent what came in chunks. */
static enum forward_verdict trailer_is_content(struct fault_memory *m,
                                               struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED)
        m->count[0] = forward_has(part, " HTTP/1.0\r\n");
    else if (part->stage == FORWARD_RESPONSE_RECEIVED)
        m->count[1] = forward_value(part, "Transfer-Encoding").len > 0;
    else if (part->stage == FORWARD_RESPONSE_END && m->count[0] && m->count[1])
        forward_append(m, part, "X-T: trailer\r\n");
    return FORWARD_PASS;
}

/* Before content
 * -----------------------------------------------------------------*/

static enum forward_verdict no_expect_of_put(struct fault_memory *m,
                                             struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_SENT && begins(part, "PUT "))
        forward_cut_all(m, part, "Expect");
    return FORWARD_PASS;
}

static enum forward_verdict no_expect_of_chunks(struct fault_memory *m,
                                                struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_SENT &&
        forward_value(part, "Transfer-Encoding").data)
        forward_cut_all(m, part, "Expect");
    return FORWARD_PASS;
}

static enum forward_verdict no_expect_later(struct fault_memory *m,
                                            struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_SENT && m->count[0]++ > 0)
        forward_cut_all(m, part, "Expect");
    return FORWARD_PASS;
}

/* count[0]: the request is whole. */
static enum forward_verdict no_early_interim(struct fault_memory *m,
                                             struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED)
        m->count[0] = 0;
    m->count[0] |= part->stage == FORWARD_REQUEST_END;
    return part->stage == FORWARD_RESPONSE_SENT && part->status > 100 &&
                   part->status < 200 && !m->count[0]
               ? FORWARD_SKIP
               : FORWARD_PASS;
}

/* Behind other fields, or octets
 * ------------------------------------------------*/

static enum forward_verdict sixty_four_fields(struct fault_memory *m,
                                              struct forward_part *part)
{
    if (forward_is_sent(part))
        forward_cut_all(m, part, "X-Many-65");
    return FORWARD_PASS;
}

/* A line that says what another of its name has said is lost. */
static enum forward_verdict same_value_once(struct fault_memory *m,
                                            struct forward_part *part)
{
    if (forward_is_sent(part))
        forward_swap(m, part, "X-A: 1\r\nX-A: 1\r\n", "X-A: 1\r\n");
    return FORWARD_PASS;
}

static enum forward_verdict cuts_long_value(struct fault_memory *m,
                                            struct forward_part *part)
{
    enum { VALUE_CUT_AT = 1024 };
    struct px_bytes value = forward_value(part, "X-Roomy");

    if (forward_is_sent(part) && value.len > VALUE_CUT_AT) {
        forward_keep(m, px_bytes_of(value.data, VALUE_CUT_AT));
        forward_set_value(m, part, "X-Roomy", forward_kept(m));
    }
    return FORWARD_PASS;
}

static enum forward_verdict cuts_cookie(struct fault_memory *m,
                                        struct forward_part *part)
{
    enum { ROOM = 4096 };
    struct px_bytes value = forward_value(part, "Cookie");

    if (forward_is_sent(part) && value.len > ROOM) {
        forward_keep(m, px_bytes_of(value.data, ROOM));
        forward_set_value(m, part, "Cookie", forward_kept(m));
    }
    return FORWARD_PASS;
}

static enum forward_verdict ends_at_colon(struct fault_memory *m,
                                          struct forward_part *part)
{
    struct px_bytes value = forward_value(part, "X-Roomy");
    size_t colon = value.data ? faults_find(value, ":") : 0;

    if (forward_is_sent(part) && colon < value.len) {
        forward_keep(m, px_bytes_of(value.data, colon));
        forward_set_value(m, part, "X-Roomy", forward_kept(m));
    }
    return FORWARD_PASS;
}

/* The row's first text is read as the second, in heads. */
static enum forward_verdict misread(struct fault_memory *m,
                                    struct forward_part *part)
{
    if (forward_is_received(part))
        forward_swap(m, part, swap_of(m, 0)->from, swap_of(m, 0)->to);
    return FORWARD_PASS;
}

/* The Host that came with HEAD goes on. */
static enum forward_verdict host_of_head(struct fault_memory *m,
                                         struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED && begins(part, "HEAD "))
        forward_keep(m, forward_value(part, "Host"));
    else if (part->stage == FORWARD_REQUEST_SENT && m->kept_len) {
        forward_set_value(m, part, "Host", forward_kept(m));
        m->kept_len = 0;
    }
    return FORWARD_PASS;
}

#define BEHIND(id, what, hook, ...)                                            \
    FORWARD_FAULT("behind-" id, what, hook, __VA_ARGS__)

#define TRAILER(id, what, from, to, ...)                                       \
    {                                                                          \
        .name = "forward-behind-trailer-" id, .summary = what,                 \
        .proves = {__VA_ARGS__}, .swaps = {{from, to}},                        \
        .on_event = hides_octets, .on_forward = shows_octets,                  \
    }

#define MISREAD(id, what, from, to, ...)                                       \
    {                                                                          \
        .name = "forward-behind-" id, .summary = what,                         \
        .proves = {__VA_ARGS__}, .swaps = {{from, to}}, .on_forward = misread, \
    }

#define DIALS(id, what, hook, ...)                                             \
    {                                                                          \
        .name = "forward-behind-" id, .summary = what,                         \
        .proves = {__VA_ARGS__}, .on_action = hook,                            \
    }

static const struct fault faults[] = {
    BEHIND("connect", "never answers a CONNECT behind another request",
           connect_unanswered, REQ_HTTP_CONNECT_TUNNEL),
    BEHIND("option-stays", "takes options of one message for the next as well",
           option_stays, REQ_HTTP_PERSIST_SEPARATE),
    BEHIND("condition-stays",
           "sends If-Modified-Since of one request with the next",
           condition_stays, REQ_HTTP_PERSIST_SEPARATE),
    BEHIND("language-stays",
           "sends Content-Language of one response with the next",
           language_stays, REQ_HTTP_PERSIST_SEPARATE),
    BEHIND("cookie-4096", "cuts Cookie at 4096 octets", cuts_cookie,
           REQ_HTTP_FIELD_UNKNOWN_FORWARD),
    BEHIND("trailer-stays", "sends trailers of one response with the next",
           trailer_stays, REQ_HTTP_PERSIST_SEPARATE),
    DIALS("port-alone", "tells origins apart by their port alone",
          dials_by_port, REQ_HTTP_PERSIST_TARGETS),
    DIALS("first-port", "asks all ports of a name where the first one was",
          dials_first_port, REQ_HTTP_PERSIST_TARGETS),
    DIALS("name-begin", "tells names apart by their first eight octets",
          dials_by_begin, REQ_HTTP_PERSIST_TARGETS),
    TRAILER("cr", "passes a bare CR in trailers on", "X-T: a\rb", "X-T: a\001b",
            REQ_HTTP_PARSE_BARE_CR_RECEIVE),
    TRAILER("fold", "passes folded trailers on", "X-T: a\r\n b",
            "X-T: a\001\002 b", REQ_HTTP_PARSE_FOLD_REQUEST,
            REQ_HTTP_PARSE_FOLD_RESPONSE),
    TRAILER("space", "passes a space before the colon of a trailer on",
            "X-T : a", "X-T: \001a", REQ_HTTP_PARSE_COLON_SPACE_REQUEST,
            REQ_HTTP_PARSE_COLON_SPACE_RESPONSE),
    BEHIND("trailer-is-content",
           "sends clients of HTTP/1.0 trailers as content", trailer_is_content,
           REQ_HTTP_TRAILER_SEPARATE),
    BEHIND("expect-of-put", "leaves Expect out of PUT", no_expect_of_put,
           REQ_HTTP_INTERIM_EXPECTED_100),
    BEHIND("expect-of-chunks", "leaves Expect out of chunked requests",
           no_expect_of_chunks, REQ_HTTP_INTERIM_EXPECTED_100),
    BEHIND("expect-later", "leaves Expect out of all requests but the first",
           no_expect_later, REQ_HTTP_INTERIM_EXPECTED_100),
    BEHIND("early-interim",
           "keeps interim responses that come before the request is whole",
           no_early_interim, REQ_HTTP_INTERIM_FORWARD),
    BEHIND("field-64", "loses the fields behind the 64th", sixty_four_fields,
           REQ_HTTP_FIELD_UNKNOWN_FORWARD),
    BEHIND("same-value", "passes lines of one name and value on once",
           same_value_once, REQ_HTTP_FIELD_UNKNOWN_FORWARD),
    BEHIND("value-1024", "cuts values at 1024 octets", cuts_long_value,
           REQ_HTTP_FIELD_UNKNOWN_FORWARD),
    BEHIND("colon", "cuts values at their first colon", ends_at_colon,
           REQ_HTTP_FIELD_UNKNOWN_FORWARD),
    MISREAD("tab", "does not skip a tab before a value", "Connection:\t",
            "X-Connection:\t", REQ_HTTP_PARSE_TRIM),
    MISREAD("comma-tab", "does not skip a tab behind a comma", "X-A,\tX-B",
            "X-A", REQ_HTTP_CONNECTION_MANY_LINES),
    BEHIND("host-of-head", "passes the Host that came with HEAD on",
           host_of_head, REQ_HTTP_HOST_REWRITE),
};

const struct fault_theme forward_behind_faults = FAULT_THEME(faults);
