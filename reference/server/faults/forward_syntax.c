/* Faults of the grammar of forwarded messages: RFC 9112 sections 2.2 and 5, RFC
 * 9110 section 5.5. */

#include <string.h>

#include "faults/forward.h"

/* Hides what the session would refuse, or mend, and puts it back. */
static enum forward_verdict lets_pass(struct fault_memory *m,
                                      struct forward_part *part,
                                      const char *odd, const char *hidden)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED ||
        part->stage == FORWARD_RESPONSE_RECEIVED)
        forward_swap(m, part, odd, hidden);
    else if (part->stage == FORWARD_REQUEST_SENT ||
             part->stage == FORWARD_RESPONSE_SENT)
        forward_swap(m, part, hidden, odd);
    return FORWARD_PASS;
}

static enum forward_verdict passes_cr(struct fault_memory *m,
                                      struct forward_part *part)
{
    return lets_pass(m, part, "X-Odd: a\rb", "X-Odd: a%0Db");
}

static enum forward_verdict passes_fold(struct fault_memory *m,
                                        struct forward_part *part)
{
    return lets_pass(m, part, "X-Odd: a\r\n b", "X-Odd: a%0D%0A b");
}

static enum forward_verdict passes_no_colon(struct fault_memory *m,
                                            struct forward_part *part)
{
    return lets_pass(m, part, "X-Odd\r\n", "X-Odd: no-colon\r\n");
}

static enum forward_verdict passes_odd_name(struct fault_memory *m,
                                            struct forward_part *part)
{
    return lets_pass(m, part, "X(Odd): a", "X-Bracket: a");
}

static const char hidden_name[] = "X-Hidden-Name";

/* The first name that is no token, whatever is wrong with it, goes on as it
 * came. count[0]: there is one, in m->kept. */
static enum forward_verdict passes_any_name(struct fault_memory *m,
                                            struct forward_part *part)
{
    struct px_bytes head = part->octets;

    if (part->stage == FORWARD_REQUEST_SENT ||
        part->stage == FORWARD_RESPONSE_SENT) {
        size_t at = faults_find(head, hidden_name);

        if (m->count[0] && at < head.len)
            forward_put(m, part, at, strlen(hidden_name), forward_kept(m));
        return FORWARD_PASS;
    }
    if (part->stage != FORWARD_REQUEST_RECEIVED &&
        part->stage != FORWARD_RESPONSE_RECEIVED)
        return FORWARD_PASS;
    m->count[0] = 0;
    for (size_t at = faults_find(head, "\r\n") + 2, len; at + 2 < head.len;
         at += len + 2) {
        struct px_bytes line = px_bytes_of(head.data + at, head.len - at), name;

        len = faults_find(line, "\r\n");
        name = px_bytes_of(line.data, faults_find(line, ":"));
        if (name.len >= len || name.len == 0 || name.data[0] == ' ' ||
            name.data[0] == '\t' || http1_is_token(name))
            continue;
        m->count[0] = 1;
        forward_keep(m, name);
        forward_put(m, part, at, name.len,
                    px_bytes_of(hidden_name, strlen(hidden_name)));
        break;
    }
    return FORWARD_PASS;
}

/* CR and NUL are other controls for the session, and come out again. */
static enum forward_verdict passes_controls(struct fault_memory *m,
                                            struct forward_part *part)
{
    enum { CR = 1, NUL = 2 };
    bool is_in = part->stage == FORWARD_REQUEST_RECEIVED ||
                 part->stage == FORWARD_RESPONSE_RECEIVED;
    uint8_t *octets;

    if (!is_in && part->stage != FORWARD_REQUEST_SENT &&
        part->stage != FORWARD_RESPONSE_SENT)
        return FORWARD_PASS;
    octets = forward_take(m, part);
    for (size_t i = 0; i + 1 < part->octets.len; i++) {
        if (is_in && octets[i] == '\r' && octets[i + 1] != '\n')
            octets[i] = CR;
        else if (is_in && octets[i] == 0)
            octets[i] = NUL;
        else if (!is_in && octets[i] == CR)
            octets[i] = '\r';
        else if (!is_in && octets[i] == NUL)
            octets[i] = 0;
    }
    return FORWARD_PASS;
}

/* A blank before a colon is passed over, and the field heeded. */
static enum forward_verdict mends_space(struct fault_memory *m,
                                        struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED &&
        forward_has(part, "Transfer-Encoding :"))
        forward_cut_all(m, part, "Content-Length");
    (void)forward_swap_at(m, part, FORWARD_REQUEST_RECEIVED,
                          "Transfer-Encoding : ", "Transfer-Encoding: ");
    return forward_swap_at(m, part, FORWARD_REQUEST_RECEIVED,
                           "Content-Length : ", "Content-Length: ");
}

static enum forward_verdict passes_space(struct fault_memory *m,
                                         struct forward_part *part)
{
    return lets_pass(m, part, "X-Odd : a", "X-Space: a");
}

/* A line behind the request-line loses its indent. */
static enum forward_verdict mends_indent(struct fault_memory *m,
                                         struct forward_part *part)
{
    return forward_swap_at(m, part, FORWARD_REQUEST_RECEIVED,
                           "\r\n X-Smuggle: ", "\r\nX-Smuggle: ");
}

/* A value ends at NUL for the session, and goes on whole. */
static enum forward_verdict passes_nul(struct fault_memory *m,
                                       struct forward_part *part)
{
    static const char odd[] = "a\0b", hidden[] = "a%00b";
    const char *from = NULL;
    struct px_bytes to = {0};

    if (part->stage == FORWARD_REQUEST_SENT) {
        from = hidden;
        to = px_bytes_of(odd, sizeof(odd) - 1);
    } else if (part->stage == FORWARD_REQUEST_RECEIVED) {
        to = px_bytes_of(hidden, sizeof(hidden) - 1);
    } else {
        return FORWARD_PASS;
    }
    for (size_t i = 0; from == NULL && i + 3 <= part->octets.len; i++) {
        if (memcmp(part->octets.data + i, odd, 3) == 0) {
            forward_put(m, part, i, 3, to);
            return FORWARD_PASS;
        }
    }
    if (from && forward_has(part, from))
        forward_put(m, part, faults_find(part->octets, from), strlen(from), to);
    return FORWARD_PASS;
}

/* Characters are cut to their last octet. */
static enum forward_verdict cuts_characters(struct fault_memory *m,
                                            struct forward_part *part)
{
    return forward_swap_at(m, part, FORWARD_REQUEST_RECEIVED,
                           "\xE5\x98\x8D\xE5\x98\x8A", "\r\n");
}

static enum forward_verdict trims_high(struct fault_memory *m,
                                       struct forward_part *part)
{
    return forward_swap_at(m, part, FORWARD_REQUEST_SENT,
                           "\xA0\x85"
                           "a",
                           "a");
}

static enum forward_verdict keeps_spaces(struct fault_memory *m,
                                         struct forward_part *part)
{
    return forward_swap_at(m, part, FORWARD_REQUEST_SENT, "X-Odd: a b\r\n",
                           "X-Odd: a\r\n");
}

static enum forward_verdict no_empty_members(struct fault_memory *m,
                                             struct forward_part *part)
{
    return part->stage == FORWARD_REQUEST_RECEIVED && forward_has(part, ",, ")
               ? forward_answer(m, part, FORWARD_REFUSAL("400 Bad Request"))
               : FORWARD_PASS;
}

/* What comes in scraps is lost. */
static enum fault_verdict loses_octets(struct fault_memory *m,
                                       struct event *event)
{
    (void)m;
    return event->kind == EVENT_UPSTREAM_DATA && event->data.len <= 7
               ? FAULT_DROP
               : FAULT_PASS;
}

/* The same of a client, behind a head. */
static enum fault_verdict loses_content(struct fault_memory *m,
                                        struct event *event)
{
    return event->kind == EVENT_CLIENT_DATA && event->data.len <= 7 &&
                   faults_is_in(m, SESSION_HTTP, SESSION_FORWARDING)
               ? FAULT_DROP
               : FAULT_PASS;
}

static enum fault_verdict success_for_502(struct fault_memory *m,
                                          struct action *action)
{
    if (faults_sends(action, MESSAGE_HTTP_RESPONSE))
        faults_swap(m, action, " 502 Bad Gateway\r\n", " 200 OK\r\n");
    return FAULT_PASS;
}

static const struct fault faults[] = {
    FORWARD_FAULT("cr-passed", "passes a bare CR in a value on", passes_cr,
                  REQ_HTTP_PARSE_BARE_CR_RECEIVE),
    FORWARD_FAULT("fold-passed", "passes folded lines on", passes_fold,
                  REQ_HTTP_PARSE_FOLD_REQUEST, REQ_HTTP_PARSE_FOLD_RESPONSE),
    FORWARD_FAULT("no-colon-passed", "passes lines without a colon on",
                  passes_no_colon, REQ_HTTP_PARSE_NO_COLON),
    FORWARD_FAULT("odd-name-passed", "passes names on that are no token",
                  passes_odd_name, REQ_HTTP_PARSE_NAME_TOKEN),
    FORWARD_FAULT("any-name-passed",
                  "passes names on whatever octets they have", passes_any_name,
                  REQ_HTTP_PARSE_NAME_TOKEN, REQ_HTTP_PARSE_COLON_SPACE_REQUEST,
                  REQ_HTTP_PARSE_BARE_CR_RECEIVE),
    FORWARD_FAULT("controls-passed", "passes CR and NUL in values on",
                  passes_controls, REQ_HTTP_PARSE_BARE_CR_RECEIVE,
                  REQ_HTTP_PARSE_VALUE_CTL),
    FORWARD_FAULT(
        "space-mended",
        "heeds Content-Length and Transfer-Encoding with a blank before the "
        "colon",
        mends_space, REQ_HTTP_PARSE_COLON_SPACE_REQUEST),
    FORWARD_FAULT("space-passed", "passes a space before a colon on",
                  passes_space, REQ_HTTP_PARSE_COLON_SPACE_REQUEST,
                  REQ_HTTP_PARSE_COLON_SPACE_RESPONSE),
    FORWARD_FAULT("indent-mended", "takes an indented first line for a field",
                  mends_indent, REQ_HTTP_PARSE_SPACE_BEFORE_FIELD),
    FORWARD_FAULT("nul-passed", "passes NUL in a value on", passes_nul,
                  REQ_HTTP_PARSE_VALUE_CTL),
    FORWARD_FAULT("characters-cut", "cuts characters of values to an octet",
                  cuts_characters, REQ_HTTP_PARSE_OCTETS),
    FORWARD_FAULT("high-trimmed", "trims A0 and 85 off values", trims_high,
                  REQ_HTTP_PARSE_OBS_TEXT),
    FORWARD_FAULT("second-word-lost", "ends a value at the space in it",
                  keeps_spaces, REQ_HTTP_PARSE_TRIM),
    FORWARD_FAULT("empty-member-refused", "refuses empty members of lists",
                  no_empty_members, REQ_HTTP_PARSE_LIST_EMPTY),
    {
        .name = "forward-octets-lost",
        .summary = "loses octets of the origin that come in sevens or less",
        .proves = {REQ_HTTP_PARSE_SPLIT_DELIVERY},
        .on_event = loses_octets,
    },
    {
        .name = "forward-content-lost",
        .summary = "loses content of a client that comes in sevens or less",
        .proves = {REQ_HTTP_PARSE_SPLIT_DELIVERY},
        .on_event = loses_content,
    },
    {
        .name = "forward-200-for-502",
        .summary = "says 200 where it is to say 502",
        .proves = {REQ_HTTP_ERROR_BAD_GATEWAY},
        .on_action = success_for_502,
    },
};

const struct fault_theme forward_syntax_faults = FAULT_THEME(faults);
