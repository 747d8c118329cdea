/*
 * Judges answers to requests other than CONNECT: RFC 9112 sections 2 to 7 and
 * 9, RFC 9110 sections 6 to 9. Such an answer may come from an origin, whose
 * faults are not the proxy's unless it had to keep them to itself.
 */

#include "oracle_internal.h"

static void accuse(struct oracle *o, enum requirement req, uint64_t at,
                   const char *what)
{
    oracle_accuse(o, req, SIDE_SERVER, at, "%s", what);
}

/* An oddity of a head, and why no proxy may pass it on. */
struct odd {
    uint32_t oddities;
    enum requirement req;
    const char *what;
};

static const struct odd odds[] = {
    {HTTP1_BARE_CR, REQ_HTTP_PARSE_BARE_CR_SEND, "a bare CR in the head"},
    {HTTP1_FOLDED, REQ_HTTP_PARSE_FOLD_RESPONSE, "a folded field line"},
    {HTTP1_INDENTED, REQ_HTTP_PARSE_SPACE_BEFORE_FIELD_SEND,
     "whitespace before the first field"},
    {HTTP1_COLON_SPACE, REQ_HTTP_PARSE_COLON_SPACE_RESPONSE,
     "whitespace between a field name and its colon"},
    {HTTP1_CONTROL, REQ_HTTP_PARSE_VALUE_CTL, "a NUL in the head"},
    {HTTP1_LOOSE_SPACING | HTTP1_BAD_VERSION | HTTP1_LEADING_CRLF,
     REQ_HTTP_PARSE_SENDER_GRAMMAR, "a start-line that breaks the grammar"},
    {HTTP1_NO_REASON_SPACE, REQ_HTTP_STATUS_SP,
     "no space after the status code"},
};

/*
 * The grammar is all that there is against these, and it binds what is
 * generated, not what is forwarded as it came (RFC 9110 section 2.2).
 */
static const struct odd received[] = {
    {HTTP1_NOT_TOKEN, REQ_HTTP_PARSE_NAME_TOKEN,
     "a field name that is no token"},
    {HTTP1_NO_COLON, REQ_HTTP_PARSE_NO_COLON, "a field line without a colon"},
    {HTTP1_BARE_LF, REQ_HTTP_PARSE_SENDER_GRAMMAR,
     "a line that ends in LF alone"},
    {HTTP1_BAD_STATUS, REQ_HTTP_STATUS_SYNTAX,
     "a status code that is not three digits"},
};

static void judge_head(struct oracle *o, const struct http_request *request,
                       const struct http1_response_head *head, uint64_t at)
{
    uint32_t oddities = head->line.oddities | head->fields.oddities;

    for (size_t i = 0; i < sizeof(odds) / sizeof(odds[0]); i++) {
        if (oddities & odds[i].oddities)
            accuse(o, odds[i].req, at, odds[i].what);
    }
    for (size_t i = 0; i < sizeof(received) / sizeof(received[0]); i++) {
        if (oddities & received[i].oddities)
            oracle_contest(o, received[i].req, SIDE_SERVER, at, "%s",
                           received[i].what);
    }
    http_judge_version(o, request, head, at);
}

static bool is_offered(const struct http_request *request,
                       struct px_bytes protocol)
{
    for (size_t i = 0; i < request->upgrade_count; i++) {
        if (i == HTTP_UPGRADES_MAX ||
            request->upgrades[i] == http_digest(protocol))
            return true; /* or one that was not remembered */
    }
    return false;
}

/* RFC 9110 section 7.8. */
static void judge_switch(struct oracle *o, const struct http_request *request,
                         const struct http1_fields *fields, uint64_t at)
{
    const struct http1_field *upgrade = http1_find(fields, "Upgrade");
    struct px_bytes list, protocol;

    if (!upgrade)
        accuse(o, REQ_HTTP_UPGRADE_101_FIELD, at, "101 without Upgrade");
    if (request->is_http10)
        accuse(o, REQ_HTTP_UPGRADE_HTTP10, at, "101 to an HTTP/1.0 request");
    if (request->upgrade_count == 0)
        accuse(o, REQ_HTTP_UPGRADE_OFFERED_ONLY, at,
               "101 to a request that offers no other protocol");
    if (!upgrade || request->upgrade_count == 0)
        return;
    list = upgrade->value;
    while (http1_next_member(&list, &protocol)) {
        if (!is_offered(request, protocol))
            accuse(o, REQ_HTTP_UPGRADE_OFFERED_ONLY, at,
                   "101 to a protocol that the request does not offer");
    }
}

/* Framing fields where a response can have none (RFC 9112 section 6.1). */
static void judge_bare(struct oracle *o, const struct http1_framing *framing,
                       uint64_t at)
{
    if (framing->defects & HTTP1_LENGTH_FORBIDDEN)
        oracle_contest(o, REQ_HTTP_FRAMING_CL_204, SIDE_SERVER, at,
                       "Content-Length in a 1xx or 204, perhaps an origin's");
    if (framing->defects & HTTP1_CODING_FORBIDDEN)
        oracle_contest(o, REQ_HTTP_FRAMING_TE_204, SIDE_SERVER, at,
                       "Transfer-Encoding in a 1xx or 204, perhaps an "
                       "origin's");
}

void http_judge_forwarded_interim(struct oracle *o,
                                  const struct http_request *request,
                                  const struct http1_response_head *head,
                                  uint64_t at)
{
    const struct http1_framing framing =
        http1_response_framing(head, (struct http1_asked){0});

    judge_head(o, request, head, at);
    judge_bare(o, &framing, at);
    if (request->is_http10)
        accuse(o, REQ_HTTP_INTERIM_HTTP10, at,
               "an interim response to an HTTP/1.0 request");
    if (head->line.code == 101)
        judge_switch(o, request, &head->fields, at);
}

/* The codings of a response are this hop's (RFC 9112 sections 6.1 and 7). */
static void judge_codings(struct oracle *o, const struct http_request *request,
                          const struct http1_framing *framing, uint64_t at)
{
    if (framing->defects & HTTP1_CODING_AND_LENGTH)
        accuse(o, REQ_HTTP_FRAMING_SENDER_NOT_BOTH, at,
               "both Content-Length and Transfer-Encoding");
    if (framing->defects & HTTP1_CHUNKED_TWICE)
        accuse(o, REQ_HTTP_FRAMING_CHUNKED_ONCE, at,
               "chunked is applied more than once");
    if (framing->defects & (HTTP1_CODING_OTHER | HTTP1_CODING_UNKNOWN) &&
        !request->has_te)
        /* An origin that broke the rule first cannot be seen from here. */
        oracle_contest(o, REQ_HTTP_TE_CODING_UNASKED, SIDE_SERVER, at,
                       "a transfer coding for a client that sent no TE");
}

/* RFC 9112 section 6.3, rule 5: a proxy answers such a response with 502. */
static void judge_length(struct oracle *o, const struct http1_framing *framing,
                         uint64_t at)
{
    if (framing->defects & (HTTP1_LENGTH_INVALID | HTTP1_LENGTH_CONFLICT) &&
        !(framing->defects & HTTP1_CODING_AND_LENGTH))
        accuse(o, REQ_HTTP_FRAMING_CL_INVALID_RESPONSE, at,
               "a response of no valid length is passed on");
    else if (framing->defects & HTTP1_LENGTH_REPEATED)
        accuse(o, REQ_HTTP_FRAMING_CL_REPEAT, at,
               "a response whose length is told more than once");
}

static void judge_framing(struct oracle *o, const struct http_request *request,
                          const struct http1_response_head *head,
                          const struct http1_framing *framing, uint64_t at)
{
    bool has_coding = http1_find(&head->fields, "Transfer-Encoding") != NULL;

    judge_bare(o, framing, at);
    judge_codings(o, request, framing, at);
    judge_length(o, framing, at);
    if (has_coding && request->is_http10)
        accuse(o, REQ_HTTP_FRAMING_TE_HTTP10_CLIENT, at,
               "Transfer-Encoding in the answer to an HTTP/1.0 request");
    if (framing->body == HTTP1_BODY_TO_CLOSE && !has_coding &&
        !request->is_http10)
        oracle_contest(o, REQ_HTTP_FRAMING_RESPONSE_DELIMITED, SIDE_SERVER, at,
                       "a response that only the close delimits");
}

/* Framing that is to be answered with 400 or 501 (RFC 9112, 6.1 and 6.3). */
static const struct odd faulty[] = {
    {HTTP1_CHUNKED_MISSING | HTTP1_CHUNKED_NOT_LAST,
     REQ_HTTP_FRAMING_TE_REQUEST_NOT_FINAL,
     "2xx to a request whose last transfer coding is not chunked"},
    {HTTP1_CODING_UNKNOWN, REQ_HTTP_FRAMING_TE_UNKNOWN,
     "2xx to a request of an unknown transfer coding"},
    {HTTP1_LENGTH_CONFLICT, REQ_HTTP_FRAMING_CL_CONFLICT_REQUEST,
     "2xx to a request of two lengths"},
    {HTTP1_LENGTH_INVALID, REQ_HTTP_FRAMING_CL_INVALID_REQUEST,
     "2xx to a request of no valid length"},
};

/* 2xx says that the request was taken as it is. */
static void judge_success(struct oracle *o, const struct http_request *request,
                          uint64_t at)
{
    uint32_t defects = request->defects;

    http_judge_served(o, request, at);
    if (request->is_host_empty)
        accuse(o, REQ_HTTP_TARGET_EMPTY_HOST, at,
               "2xx to a request whose target names no host");
    if (defects & (HTTP1_CODING_AND_LENGTH | HTTP1_CODING_HTTP10))
        defects &= ~(uint32_t)(HTTP1_LENGTH_CONFLICT | HTTP1_LENGTH_INVALID);
    for (size_t i = 0; i < sizeof(faulty) / sizeof(faulty[0]); i++) {
        if (defects & faulty[i].oddities)
            accuse(o, faulty[i].req, at, faulty[i].what);
    }
}

/* RFC 9110 section 6.6.1: a recipient with a clock adds what is missing. */
static void judge_date(struct oracle *o, const struct http1_response_head *head,
                       uint64_t at)
{
    uint16_t class = head->line.code / 100;

    if ((class == 2 || class == 3) && !http1_find(&head->fields, "Date"))
        accuse(o, REQ_HTTP_FIELD_DATE_ADD, at, "a response without Date");
}

void http_judge_forwarded(struct oracle *o, const struct http_request *request,
                          const struct http1_response_head *head,
                          const struct http1_framing *framing, uint64_t at)
{
    judge_head(o, request, head, at);
    judge_framing(o, request, head, framing, at);
    judge_date(o, head, at);
    if (head->line.code / 100 == 2)
        judge_success(o, request, at);
    if (head->line.code == 426 && !http1_find(&head->fields, "Upgrade"))
        oracle_contest(o, REQ_HTTP_UPGRADE_426_FIELD, SIDE_SERVER, at,
                       "426 without Upgrade, perhaps an origin's");
    if (head->line.code == 407) {
        /* Another proxy behind this one may ask whom this one has let in. */
        http_judge_challenges(o, &head->fields, at,
                              !o->cfg->is_auth_required ||
                                  request->has_credentials);
        http_note_unauthorised(o, request);
    }
    http_note_close(o, request, head, at);
}
