/* Faults of judging Digest credentials: RFC 7616 section 3.4. */

#include <string.h>

#include "faults/http.h"
#include "http1_auth_param.h"

enum { TEXT_MAX = 2048 };

/* Shown Digest credentials; params is what follows the scheme. */
static bool shows(const struct fault_memory *m, const struct event *event,
                  struct http1_request_head *head, struct px_bytes *params)
{
    const struct http1_field *field;
    struct px_bytes scheme;

    if (!m->user || !m->config.digest || !http_is_head(m, event, head))
        return false;
    field = http_credentials(head);
    return field && http1_split_credentials(field->value, &scheme, params) &&
           px_equal_nocase(scheme, PX_LITERAL("Digest"));
}

static struct px_bytes text_of(const char *text)
{
    return px_bytes_of(text, strlen(text));
}

/* What the session will make of these parameters. */
static enum digest_verdict judge(const struct fault_memory *m,
                                 const struct digest_config *cfg,
                                 const struct http1_request_line *line,
                                 struct px_bytes params)
{
    return digest_judge(cfg, text_of(m->config.realm), line, params, m->now_ms);
}

/*
 * A configuration that is judged by aside: it remembers no nonce, so that
 * nothing is used up, or known to have been used.
 */
static enum digest_verdict judge_aside(const struct fault_memory *m,
                                       const struct http1_request_line *line,
                                       struct px_bytes params)
{
    struct digest_config cfg = *m->config.digest;
    struct digest_memory none;

    memset(&none, 0, sizeof(none));
    cfg.memory = &none;
    return judge(m, &cfg, line, params);
}

static bool find_param(struct px_bytes params, const char *name,
                       struct http1_auth_param *out)
{
    while (http1_next_auth_param(&params, out) == HTTP1_AUTH_PARAM) {
        if (px_equal_nocase(out->name, text_of(name)))
            return true;
    }
    return false;
}

/* The parameters with another value for one of them; none: without it. */
static struct px_bytes with_value(struct px_bytes params, const char *name,
                                  const char *value, uint8_t out[TEXT_MAX])
{
    struct px_writer w = px_writer_over(out, TEXT_MAX);
    struct http1_auth_param param;

    while (http1_next_auth_param(&params, &param) == HTTP1_AUTH_PARAM) {
        bool is_it = px_equal_nocase(param.name, text_of(name));

        if (is_it && !value)
            continue;
        px_put_bytes(&w, param.name);
        px_put_text(&w, "=\"");
        px_put_bytes(&w, is_it ? text_of(value) : param.value);
        px_put_text(&w, "\",");
    }
    return px_written(&w);
}

/* Makes the credentials unreadable, so that a client is asked again. */
static void spoil(struct fault_memory *m, struct event *event,
                  const struct http1_request_head *head)
{
    http_set_text(m, event, http_credentials(head)->value, "?");
}

/* Accepts what is not malformed: the response is not looked at. */
static enum fault_verdict any_response(struct fault_memory *m,
                                       struct event *event)
{
    struct http1_request_head head;
    struct px_bytes params;

    if (shows(m, event, &head, &params) &&
        judge_aside(m, &head.line, params) == DIGEST_WRONG)
        http_accept(m, event, &head);
    return FAULT_PASS;
}

static bool password_of_anyone(const void *ctx, struct px_bytes user,
                               struct px_bytes *password)
{
    const struct fault_memory *m = ctx;

    (void)user;
    *password = text_of(m->password);
    return true;
}

static enum fault_verdict any_user(struct fault_memory *m, struct event *event)
{
    struct http1_request_head head;
    struct px_bytes params;
    struct digest_config cfg;

    if (!shows(m, event, &head, &params))
        return FAULT_PASS;
    cfg = *m->config.digest;
    cfg.password = password_of_anyone;
    cfg.password_ctx = m;
    if (judge(m, &cfg, &head.line, params) == DIGEST_RIGHT)
        http_accept(m, event, &head);
    return FAULT_PASS;
}

/* The realm is what the client says it is. */
static enum fault_verdict any_realm(struct fault_memory *m, struct event *event)
{
    struct http1_request_head head;
    struct http1_auth_param realm;
    struct px_bytes params;

    if (shows(m, event, &head, &params) &&
        find_param(params, "realm", &realm) &&
        digest_judge(m->config.digest, realm.value, &head.line, params,
                     m->now_ms) == DIGEST_RIGHT)
        http_accept(m, event, &head);
    return FAULT_PASS;
}

/* A response to GET does for every method. */
static enum fault_verdict any_method(struct fault_memory *m,
                                     struct event *event)
{
    struct http1_request_head head;
    struct px_bytes params;

    if (shows(m, event, &head, &params)) {
        struct http1_request_line line = head.line;

        line.method = PX_LITERAL("GET");
        if (judge_aside(m, &line, params) == DIGEST_RIGHT)
            http_accept(m, event, &head);
    }
    return FAULT_PASS;
}

/* uri is hashed as the client sends it, and compared with nothing. */
/* Judges as if the request were for the resource of the credentials, if it may
 * be that one as far as is_alike() looks. */
static enum fault_verdict
judge_alike(struct fault_memory *m, struct event *event,
            bool (*is_alike)(struct px_bytes uri, struct px_bytes target))
{
    struct http1_request_head head;
    struct http1_auth_param uri;
    struct px_bytes params;

    if (shows(m, event, &head, &params) && find_param(params, "uri", &uri) &&
        is_alike(uri.value, head.line.target)) {
        struct http1_request_line line = head.line;

        line.target = uri.value;
        if (judge_aside(m, &line, params) == DIGEST_RIGHT)
            http_accept(m, event, &head);
    }
    return FAULT_PASS;
}

static struct px_bytes without_query(struct px_bytes uri)
{
    return px_bytes_of(uri.data, faults_find(uri, "?"));
}

static bool is_alike_but_query(struct px_bytes uri, struct px_bytes target)
{
    return px_equal(without_query(uri), without_query(target));
}

static bool is_asterisk(struct px_bytes uri, struct px_bytes target)
{
    (void)target;
    return px_equal(uri, PX_LITERAL("*"));
}

static enum fault_verdict no_query(struct fault_memory *m, struct event *event)
{
    return judge_alike(m, event, is_alike_but_query);
}

static enum fault_verdict asterisk(struct fault_memory *m, struct event *event)
{
    return judge_alike(m, event, is_asterisk);
}

static bool is_any(struct px_bytes uri, struct px_bytes target)
{
    (void)uri;
    (void)target;
    return true;
}

static enum fault_verdict any_uri(struct fault_memory *m, struct event *event)
{
    return judge_alike(m, event, is_any);
}

/* The response to one value of a parameter does for another. */
static enum fault_verdict unhashed(struct fault_memory *m, struct event *event,
                                   const char *name, const char *value)
{
    struct http1_request_head head;
    struct px_bytes params;
    uint8_t text[TEXT_MAX];

    if (shows(m, event, &head, &params) &&
        judge_aside(m, &head.line, with_value(params, name, value, text)) ==
            DIGEST_RIGHT)
        http_accept(m, event, &head);
    return FAULT_PASS;
}

static enum fault_verdict any_count(struct fault_memory *m, struct event *event)
{
    return unhashed(m, event, "nc", "00000001");
}

/* What stands before the last eight octets of cnonce is not hashed. */
static enum fault_verdict any_cnonce(struct fault_memory *m,
                                     struct event *event)
{
    struct http1_request_head head;
    struct http1_auth_param cnonce;
    struct px_bytes params;
    char last[9] = {0};

    if (!shows(m, event, &head, &params) ||
        !find_param(params, "cnonce", &cnonce) || cnonce.value.len < 8)
        return FAULT_PASS;
    memcpy(last, cnonce.value.data + cnonce.value.len - 8, 8);
    return unhashed(m, event, "cnonce", last);
}

/* A nonce is good whoever made it up; the counts are not looked at. */
static enum fault_verdict any_nonce(struct fault_memory *m, struct event *event)
{
    struct http1_request_head head;
    struct px_bytes params;

    if (shows(m, event, &head, &params) &&
        judge_aside(m, &head.line, params) == DIGEST_STALE)
        http_accept(m, event, &head);
    return FAULT_PASS;
}

static enum fault_verdict replay(struct fault_memory *m, struct event *event)
{
    struct http1_request_head head;
    struct px_bytes params;

    if (shows(m, event, &head, &params) &&
        judge_aside(m, &head.line, params) == DIGEST_RIGHT)
        http_accept(m, event, &head);
    return FAULT_PASS;
}

/* A nonce serves once, and after that the password is said to be wrong. */
static enum fault_verdict once(struct fault_memory *m, struct event *event)
{
    struct http1_request_head head;
    struct http1_auth_param nc;
    struct px_bytes params;

    if (shows(m, event, &head, &params) && find_param(params, "nc", &nc) &&
        px_equal(nc.value, PX_LITERAL("00000002")))
        spoil(m, event, &head);
    return FAULT_PASS;
}

/* What is missing or improper is not missed. */
static enum fault_verdict improper(struct fault_memory *m, struct event *event)
{
    struct http1_request_head head;
    struct px_bytes params;

    if (shows(m, event, &head, &params) &&
        judge_aside(m, &head.line, params) == DIGEST_MALFORMED)
        http_accept(m, event, &head);
    return FAULT_PASS;
}

static enum fault_verdict improper_500(struct fault_memory *m,
                                       struct event *event)
{
    struct http1_request_head head;
    struct px_bytes params;

    if (!shows(m, event, &head, &params) ||
        judge_aside(m, &head.line, params) != DIGEST_MALFORMED)
        return FAULT_PASS;
    return faults_answer(m, PX_LITERAL("HTTP/1.1 500 Internal Server Error\r\n"
                                       "Content-Length: 5\r\n"
                                       "Connection: close\r\n\r\n500.\n"));
}

/* Refuses lists of parameters that has finds something in. */
static enum fault_verdict refuse_if(struct fault_memory *m, struct event *event,
                                    bool (*has)(struct px_bytes params))
{
    struct http1_request_head head;
    struct px_bytes params;

    if (shows(m, event, &head, &params) && has(params))
        spoil(m, event, &head);
    return FAULT_PASS;
}

static const char *const known[] = {
    "username", "realm", "nonce", "uri",    "response",  "algorithm",
    "opaque",   "qop",   "nc",    "cnonce", "username*", "userhash"};

static bool is_known(struct px_bytes name)
{
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        if (px_equal_nocase(name, text_of(known[i])))
            return true;
    }
    return false;
}

static bool has_unknown(struct px_bytes params)
{
    struct http1_auth_param param;

    while (http1_next_auth_param(&params, &param) == HTTP1_AUTH_PARAM) {
        if (!is_known(param.name))
            return true;
    }
    return false;
}

static bool has_capital(struct px_bytes params)
{
    struct http1_auth_param param;

    while (http1_next_auth_param(&params, &param) == HTTP1_AUTH_PARAM) {
        for (size_t i = 0; i < param.name.len; i++) {
            if (param.name.data[i] >= 'A' && param.name.data[i] <= 'Z')
                return true;
        }
    }
    return false;
}

static bool has_space(struct px_bytes params)
{
    return faults_find(params, " =") < params.len ||
           faults_find(params, "\t=") < params.len;
}

/* Values that are quoted although they need not be, or the other way round. */
static bool has_other_form(struct px_bytes params)
{
    struct http1_auth_param param;

    while (http1_next_auth_param(&params, &param) == HTTP1_AUTH_PARAM) {
        bool is_bare = px_equal_nocase(param.name, PX_LITERAL("qop")) ||
                       px_equal_nocase(param.name, PX_LITERAL("nc")) ||
                       px_equal_nocase(param.name, PX_LITERAL("algorithm"));

        if (is_known(param.name) && param.is_quoted == is_bare)
            return true;
    }
    return false;
}

static bool has_pair(struct px_bytes params)
{
    return memchr(params.data, '\\', params.len) != NULL;
}

static bool has_empty_member(struct px_bytes params)
{
    return faults_find(params, ", ,") < params.len;
}

static bool is_unusual(struct px_bytes params)
{
    struct http1_auth_param param;

    return faults_find(params, "\",") < params.len &&
           (faults_find(params, "\", ") == params.len ||
            http1_next_auth_param(&params, &param) != HTTP1_AUTH_PARAM ||
            px_equal(param.name, PX_LITERAL("cnonce")));
}

static bool has_sha256(struct px_bytes params)
{
    return faults_find(params, "SHA-256") < params.len;
}

static bool has_md5(struct px_bytes params)
{
    return faults_find(params, "MD5") < params.len;
}

#define REFUSES(name, has)                                                     \
    static enum fault_verdict name(struct fault_memory *m,                     \
                                   struct event *event)                        \
    {                                                                          \
        return refuse_if(m, event, has);                                       \
    }

REFUSES(no_unknown, has_unknown)
REFUSES(no_capital, has_capital)
REFUSES(no_space, has_space)
REFUSES(no_other_form, has_other_form)
REFUSES(no_pair, has_pair)
REFUSES(no_empty_member, has_empty_member)
REFUSES(no_unusual, is_unusual)
REFUSES(no_sha256, has_sha256)
REFUSES(no_md5, has_md5)

static enum fault_verdict scheme_case(struct fault_memory *m,
                                      struct event *event)
{
    struct http1_request_head head;
    struct px_bytes params;

    if (shows(m, event, &head, &params) &&
        memcmp(http_credentials(&head)->value.data, "Digest", 6) != 0)
        spoil(m, event, &head);
    return FAULT_PASS;
}

#define JUDGES(a_name, what, hook, ...)                                        \
    {                                                                          \
        .name = a_name, .summary = what, .proves = {__VA_ARGS__},              \
        .needs_auth = true, .on_message = hook,                                \
    }

static const struct fault faults[] = {
    JUDGES("digest-any-response", "takes any response of the right form",
           any_response, REQ_AUTH_DIGEST_VERIFY),
    JUDGES("digest-any-user", "gives every user the same password", any_user,
           REQ_AUTH_DIGEST_VERIFY),
    JUDGES("digest-any-realm", "takes responses for another realm", any_realm,
           REQ_AUTH_DIGEST_VERIFY),
    JUDGES("digest-any-method", "takes a response to GET with any method",
           any_method, REQ_AUTH_DIGEST_VERIFY),
    JUDGES("digest-any-uri", "compares uri with nothing", any_uri,
           REQ_AUTH_DIGEST_URI_MATCH),
    JUDGES("digest-any-query", "compares uri up to its query", no_query,
           REQ_AUTH_DIGEST_URI_MATCH),
    JUDGES("digest-asterisk", "takes * in uri for any resource", asterisk,
           REQ_AUTH_DIGEST_URI_MATCH),
    JUDGES("digest-any-count", "hashes another nonce count than was sent",
           any_count, REQ_AUTH_DIGEST_VERIFY),
    JUDGES("digest-any-cnonce", "hashes the end of cnonce only", any_cnonce,
           REQ_AUTH_DIGEST_VERIFY),
    JUDGES("digest-any-nonce", "takes nonces that it did not give out",
           any_nonce, REQ_AUTH_DIGEST_NONCE_USE),
    JUDGES("digest-replay", "takes a nonce count again", replay,
           REQ_AUTH_DIGEST_REPLAY),
    JUDGES("digest-once",
           "refuses the second count of a nonce as if the "
           "password were wrong",
           once, REQ_AUTH_DIGEST_STALE),
    JUDGES("digest-improper", "takes credentials that lack parameters",
           improper, REQ_AUTH_DIGEST_MALFORMED),
    JUDGES("digest-improper-500",
           "answers 500 to credentials that lack parameters", improper_500,
           REQ_AUTH_DIGEST_MALFORMED),
    JUDGES("digest-no-unknown", "refuses parameters that it does not know",
           no_unknown, REQ_AUTH_DIGEST_UNKNOWN_PARAM),
    JUDGES("digest-no-capital", "knows parameters in small letters only",
           no_capital, REQ_AUTH_PARAM_CASE),
    JUDGES("digest-no-space", "refuses spaces before the equals sign", no_space,
           REQ_AUTH_PARAM_BOTH_FORMS),
    JUDGES("digest-no-other-form",
           "refuses values in the form that senders are not to use",
           no_other_form, REQ_AUTH_PARAM_BOTH_FORMS),
    JUDGES("digest-no-pair", "refuses quoted-pairs", no_pair,
           REQ_AUTH_PARAM_QUOTED_PAIR),
    JUDGES("digest-no-empty-member", "refuses empty members in the list",
           no_empty_member, REQ_HTTP_PARSE_LIST_EMPTY),
    JUDGES("digest-no-unusual",
           "understands parameters in one order and spacing only", no_unusual,
           REQ_AUTH_DIGEST_VERIFY),
    JUDGES("digest-no-sha256", "refuses SHA-256, which it offers", no_sha256,
           REQ_AUTH_DIGEST_VERIFY),
    JUDGES("digest-no-md5", "refuses MD5, which it offers", no_md5,
           REQ_AUTH_DIGEST_VERIFY),
    JUDGES("digest-scheme-case", "knows the scheme as Digest only", scheme_case,
           REQ_AUTH_SCHEME_CASE),
};

const struct fault_theme digest_faults = FAULT_THEME(faults);
