/*
 * Faults of forwarding that its client sees: heads, framing and chunks of
 * responses, what comes behind them, and requests that are served although
 * they are to be refused. RFC 9112 sections 2 to 7 and 9.
 */

#include <string.h>

#include "faults/forward.h"

/* Adds a field line to each response that is passed on. */
static enum forward_verdict add_line(struct forward_part *part,
                                     struct fault_memory *m, const char *line)
{
    if (part->stage == FORWARD_RESPONSE_SENT && part->status >= 200)
        forward_add(m, part, line);
    return FORWARD_PASS;
}

static enum forward_verdict folds(struct fault_memory *m,
                                  struct forward_part *part)
{
    return add_line(part, m, "X-Long: a\r\n b\r\n");
}

static enum forward_verdict spaces(struct fault_memory *m,
                                   struct forward_part *part)
{
    return add_line(part, m, "X-Spaced : a\r\n");
}

static enum forward_verdict odd_name(struct fault_memory *m,
                                     struct forward_part *part)
{
    return add_line(part, m, "X(odd): a\r\n");
}

static enum forward_verdict no_colon(struct fault_memory *m,
                                     struct forward_part *part)
{
    return add_line(part, m, "X-Nothing\r\n");
}

static enum forward_verdict nul_value(struct fault_memory *m,
                                      struct forward_part *part)
{
    static const char line[] = "X-Nul: a\0b\r\n";

    if (part->stage == FORWARD_RESPONSE_SENT && part->status >= 200)
        forward_put(m, part, part->octets.len - 2, 0,
                    px_bytes_of(line, sizeof(line) - 1));
    return FORWARD_PASS;
}

static enum forward_verdict no_date(struct fault_memory *m,
                                    struct forward_part *part)
{
    if (part->stage == FORWARD_RESPONSE_SENT)
        forward_cut_all(m, part, "Date");
    return FORWARD_PASS;
}

static enum forward_verdict garbage(struct fault_memory *m,
                                    struct forward_part *part)
{
    if (part->stage == FORWARD_RESPONSE_SENT)
        forward_set(m, part, "220 at your service\r\n");
    return FORWARD_PASS;
}

static enum forward_verdict switches(struct fault_memory *m,
                                     struct forward_part *part)
{
    static const char head[] = "HTTP/1.1 101 Switching Protocols\r\n"
                               "Upgrade: foo\r\nConnection: upgrade\r\n\r\n";

    if (part->stage == FORWARD_RESPONSE_SENT)
        forward_put(m, part, 0, 0, px_bytes_of(head, sizeof(head) - 1));
    return FORWARD_PASS;
}

/* Framing fields ------------------------------------------------------------*/

static enum forward_verdict set_coding(struct fault_memory *m,
                                       struct forward_part *part,
                                       const char *coding)
{
    if (part->stage == FORWARD_RESPONSE_SENT &&
        forward_value(part, "Transfer-Encoding").len)
        forward_set_value(m, part, "Transfer-Encoding",
                          px_bytes_of(coding, strlen(coding)));
    return FORWARD_PASS;
}

static enum forward_verdict chunked_twice(struct fault_memory *m,
                                          struct forward_part *part)
{
    return set_coding(m, part, "chunked, chunked");
}

static enum forward_verdict gzip_unasked(struct fault_memory *m,
                                         struct forward_part *part)
{
    return set_coding(m, part, "gzip, chunked");
}

static enum forward_verdict set_length(struct fault_memory *m,
                                       struct forward_part *part,
                                       const char *length)
{
    if (part->stage == FORWARD_RESPONSE_SENT &&
        forward_value(part, "Content-Length").len)
        forward_set_value(m, part, "Content-Length",
                          px_bytes_of(length, strlen(length)));
    return FORWARD_PASS;
}

static enum forward_verdict two_lengths(struct fault_memory *m,
                                        struct forward_part *part)
{
    return set_length(m, part, "16, 17");
}

static enum forward_verdict length_twice(struct fault_memory *m,
                                         struct forward_part *part)
{
    return set_length(m, part, "16, 16");
}

/* Bodies and what is behind them --------------------------------------------*/

/* count[0]: the response is chunked; count[1]: its body was replaced. */
static enum forward_verdict
set_chunks(struct fault_memory *m, struct forward_part *part, const char *body)
{
    if (part->stage == FORWARD_RESPONSE_SENT) {
        m->count[0] = forward_value(part, "Transfer-Encoding").len > 0;
        m->count[1] = 0;
    }
    if (part->stage != FORWARD_RESPONSE_BODY || !m->count[0])
        return FORWARD_PASS;
    forward_set(m, part, m->count[1]++ ? "" : body);
    return FORWARD_PASS;
}

static enum forward_verdict prefixed_size(struct fault_memory *m,
                                          struct forward_part *part)
{
    return set_chunks(m, part, "0x2\r\nhi\r\n0\r\n\r\n");
}

static enum forward_verdict chunk_lf(struct fault_memory *m,
                                     struct forward_part *part)
{
    return set_chunks(m, part, "2\nhi\r\n0\r\n\r\n");
}

static enum forward_verdict chunk_overflows(struct fault_memory *m,
                                            struct forward_part *part)
{
    return set_chunks(m, part, "2\r\nhi!\r\n0\r\n\r\n");
}

static enum forward_verdict extension_cr(struct fault_memory *m,
                                         struct forward_part *part)
{
    return set_chunks(m, part, "2;a=\"b\rc\"\r\nhi\r\n0\r\n\r\n");
}

static enum forward_verdict extension_blanks(struct fault_memory *m,
                                             struct forward_part *part)
{
    return set_chunks(m, part, "2 ; a = b\r\nhi\r\n0\r\n\r\n");
}

/* count[0]: the request is HEAD; count[1]: it has content. */
static void note_request(struct fault_memory *m,
                         const struct forward_part *part)
{
    if (part->stage != FORWARD_REQUEST_RECEIVED)
        return;
    m->count[0] = faults_find(part->octets, "HEAD ") == 0;
    m->count[1] = forward_value(part, "Content-Length").len > 0;
}

static enum forward_verdict body_of_head(struct fault_memory *m,
                                         struct forward_part *part)
{
    note_request(m, part);
    if (part->stage == FORWARD_RESPONSE_END && m->count[0])
        forward_append(m, part, "a body");
    return FORWARD_PASS;
}

static enum forward_verdict body_of_204(struct fault_memory *m,
                                        struct forward_part *part)
{
    if (part->stage == FORWARD_RESPONSE_END && part->status == 204)
        forward_append(m, part, "a body");
    return FORWARD_PASS;
}

static enum forward_verdict body_of_304(struct fault_memory *m,
                                        struct forward_part *part)
{
    if (part->stage == FORWARD_RESPONSE_END && part->status == 304)
        forward_append(m, part, "a body");
    return FORWARD_PASS;
}

static enum forward_verdict another_response(struct fault_memory *m,
                                             struct forward_part *part)
{
    if (part->stage == FORWARD_RESPONSE_END)
        forward_append(m, part,
                       "HTTP/1.1 200 OK\r\n"
                       "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
                       "Content-Length: 0\r\n\r\n");
    return FORWARD_PASS;
}

static enum forward_verdict content_as_request(struct fault_memory *m,
                                               struct forward_part *part)
{
    note_request(m, part);
    if (part->stage == FORWARD_RESPONSE_END && m->count[1])
        forward_append(m, part,
                       "HTTP/1.1 400 Bad Request\r\n"
                       "Content-Length: 0\r\n\r\n");
    return FORWARD_PASS;
}

/* Requests that are to be refused, or to be the last ones -------------------*/

static enum forward_verdict length_over_coding(struct fault_memory *m,
                                               struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED &&
        forward_value(part, "Transfer-Encoding").len)
        forward_cut_all(m, part, "Content-Length");
    return FORWARD_PASS;
}

static enum forward_verdict newer_client(struct fault_memory *m,
                                         struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED) {
        forward_swap(m, part, " HTTP/1.0\r\n", " HTTP/1.1\r\n");
        forward_cut_all(m, part, "Upgrade");
    }
    return FORWARD_PASS;
}

/* The same client is offered what it asked for. */
static enum forward_verdict switches_older(struct fault_memory *m,
                                           struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED)
        m->count[0] =
            faults_find(part->octets, " HTTP/1.0\r\n") < part->octets.len &&
            forward_value(part, "Upgrade").len;
    return m->count[0] ? switches(m, part) : FORWARD_PASS;
}

static enum forward_verdict any_coding(struct fault_memory *m,
                                       struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED &&
        forward_value(part, "Transfer-Encoding").len)
        forward_set_value(m, part, "Transfer-Encoding", PX_LITERAL("chunked"));
    return FORWARD_PASS;
}

static enum forward_verdict any_length(struct fault_memory *m,
                                       struct forward_part *part)
{
    struct px_bytes length = forward_value(part, "Content-Length");

    if (part->stage == FORWARD_REQUEST_RECEIVED && length.len &&
        length.data[0] == '+')
        forward_set_value(m, part, "Content-Length", PX_LITERAL("2"));
    return FORWARD_PASS;
}

static enum forward_verdict first_length(struct fault_memory *m,
                                         struct forward_part *part)
{
    struct px_bytes length = forward_value(part, "Content-Length");

    if (part->stage == FORWARD_REQUEST_RECEIVED &&
        faults_find(length, ",") < length.len)
        forward_set_value(m, part, "Content-Length", PX_LITERAL("2"));
    return FORWARD_PASS;
}

static enum forward_verdict host_for_target(struct fault_memory *m,
                                            struct forward_part *part)
{
    static const char nowhere[] = "http:///";
    size_t at = faults_find(part->octets, nowhere);

    if (part->stage != FORWARD_REQUEST_RECEIVED || at == part->octets.len)
        return FORWARD_PASS;
    forward_keep(m, forward_value(part, "Host"));
    forward_put(m, part, at + strlen("http://"), 0, forward_kept(m));
    return FORWARD_PASS;
}

static enum forward_verdict goes_on(struct fault_memory *m,
                                    struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED)
        forward_cut_all(m, part, "Connection");
    return FORWARD_PASS;
}

static const struct fault faults[] = {
    FORWARD_FAULT("folds-response", "folds a field line of each response",
                  folds, REQ_HTTP_PARSE_FOLD_RESPONSE),
    FORWARD_FAULT("spaces-before-colon",
                  "puts a space before a colon of each response", spaces,
                  REQ_HTTP_PARSE_COLON_SPACE_RESPONSE),
    FORWARD_FAULT("odd-name", "passes a name on that is no token", odd_name,
                  REQ_HTTP_PARSE_NAME_TOKEN),
    FORWARD_FAULT("no-colon", "passes a field line on that has no colon",
                  no_colon, REQ_HTTP_PARSE_NO_COLON),
    FORWARD_FAULT("nul-value", "passes NUL on within a value", nul_value,
                  REQ_HTTP_PARSE_VALUE_CTL),
    FORWARD_FAULT("no-date", "passes responses on without Date", no_date,
                  REQ_HTTP_FIELD_DATE_ADD),
    FORWARD_FAULT("garbage", "passes on what is no response", garbage,
                  REQ_HTTP_PARSE_RESPONSE_GARBAGE),
    FORWARD_FAULT("switches-unasked",
                  "switches to a protocol that nobody offered", switches,
                  REQ_HTTP_UPGRADE_OFFERED_ONLY),
    FORWARD_FAULT("switches-older-client",
                  "lets a client of HTTP/1.0 switch to another protocol",
                  switches_older, REQ_HTTP_UPGRADE_HTTP10),
    FORWARD_FAULT("chunked-twice",
                  "says of chunked responses that they are it twice",
                  chunked_twice, REQ_HTTP_FRAMING_CHUNKED_ONCE),
    FORWARD_FAULT("gzip-unasked",
                  "says of chunked responses that they are compressed",
                  gzip_unasked, REQ_HTTP_TE_CODING_UNASKED),
    FORWARD_FAULT("two-lengths", "passes a response on that tells two lengths",
                  two_lengths, REQ_HTTP_FRAMING_CL_INVALID_RESPONSE),
    FORWARD_FAULT("length-twice",
                  "passes a response on that tells its length twice",
                  length_twice, REQ_HTTP_FRAMING_CL_REPEAT),
    FORWARD_FAULT("chunk-size-prefixed", "writes 0x before the size of chunks",
                  prefixed_size, REQ_HTTP_CHUNKED_SIZE_INVALID),
    FORWARD_FAULT("chunk-lf", "ends the lines of chunks in LF alone", chunk_lf,
                  REQ_HTTP_CHUNKED_BARE_LF),
    FORWARD_FAULT("chunk-overflows",
                  "writes chunks that are longer than they say",
                  chunk_overflows, REQ_HTTP_CHUNKED_DATA_CRLF),
    FORWARD_FAULT("chunk-extension-cr", "passes CR on within a chunk extension",
                  extension_cr, REQ_HTTP_CHUNKED_EXT_CTL),
    FORWARD_FAULT("chunk-extension-blanks",
                  "writes blanks into chunk extensions", extension_blanks,
                  REQ_HTTP_CHUNKED_EXT_BWS),
    FORWARD_FAULT("body-of-head", "sends a body behind the response to HEAD",
                  body_of_head, REQ_HTTP_METHOD_HEAD_NO_BODY),
    FORWARD_FAULT("body-of-204", "sends a body behind a 204", body_of_204,
                  REQ_HTTP_BODY_204),
    FORWARD_FAULT("body-of-304", "sends a body behind a 304", body_of_304,
                  REQ_HTTP_BODY_304),
    FORWARD_FAULT("another-response", "sends another response behind each one",
                  another_response, REQ_HTTP_FRAMING_EXTRA_RESPONSE_DATA),
    FORWARD_FAULT("content-as-request",
                  "answers the content of a request as well",
                  content_as_request, REQ_HTTP_PERSIST_DRAIN),
    FORWARD_FAULT(
        "length-over-coding",
        "goes on behind a request with Transfer-Encoding and Content-Length",
        length_over_coding, REQ_HTTP_FRAMING_TE_CL_CLOSE),
    FORWARD_FAULT("newer-client",
                  "takes clients of HTTP/1.0 for those of HTTP/1.1",
                  newer_client, REQ_HTTP_FRAMING_TE_HTTP10_REQUEST,
                  REQ_HTTP_PERSIST_HTTP10, REQ_HTTP_PERSIST_HTTP10_KEEPALIVE),
    FORWARD_FAULT("any-coding", "takes every transfer coding for chunked",
                  any_coding, REQ_HTTP_FRAMING_TE_REQUEST_NOT_FINAL,
                  REQ_HTTP_FRAMING_TE_UNKNOWN),
    FORWARD_FAULT("any-length", "takes a length with a sign", any_length,
                  REQ_HTTP_FRAMING_CL_INVALID_REQUEST),
    FORWARD_FAULT("first-length", "takes the first one of two lengths",
                  first_length, REQ_HTTP_FRAMING_CL_CONFLICT_REQUEST),
    FORWARD_FAULT("host-for-target",
                  "goes by Host when the target names no host", host_for_target,
                  REQ_HTTP_TARGET_EMPTY_HOST),
    FORWARD_FAULT("goes-on-after-close",
                  "answers requests behind one with close", goes_on,
                  REQ_HTTP_CLOSE_NO_MORE, REQ_HTTP_CLOSE_ECHO),
};

const struct fault_theme forward_answer_faults = FAULT_THEME(faults);
