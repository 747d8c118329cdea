/* Faults of asking for credentials: RFC 9110 section 11, RFC 7617. */

#include <string.h>

#include "faults/http.h"

static struct px_bytes token_of(struct px_bytes value)
{
    size_t scheme = sizeof("Basic ") - 1;

    return value.len > scheme
               ? px_bytes_of(value.data + scheme, value.len - scheme)
               : px_bytes_of(NULL, 0);
}

static bool has_scheme(struct px_bytes value)
{
    return value.len >= 5 &&
           px_equal_nocase(px_bytes_of(value.data, 5), PX_LITERAL("Basic"));
}

static bool begins_with(struct px_bytes a, struct px_bytes with)
{
    return with.len <= a.len && px_equal(px_bytes_of(a.data, with.len), with);
}

/* Shown credentials that have to be judged; false for other messages. */
static bool shows(const struct fault_memory *m, const struct event *event,
                  struct http1_request_head *head, struct px_bytes *value)
{
    const struct http1_field *field;

    if (!m->user || !http_is_head(m, event, head))
        return false;
    field = http_credentials(head);
    if (field)
        *value = field->value;
    return field != NULL;
}

/* Only as much as the client sent was compared. */
static enum fault_verdict token_prefix(struct fault_memory *m,
                                       struct event *event)
{
    struct http1_request_head head;
    struct px_bytes value;

    if (shows(m, event, &head, &value) && has_scheme(value) &&
        begins_with(token_of(http_right_value(m)), token_of(value)))
        http_accept(m, event, &head);
    return FAULT_PASS;
}

static enum fault_verdict token_longer(struct fault_memory *m,
                                       struct event *event)
{
    struct http1_request_head head;
    struct px_bytes value, right;

    if (!shows(m, event, &head, &value))
        return FAULT_PASS;
    right = http_right_value(m);
    while (right.len && right.data[right.len - 1] == '=')
        right.len--;
    if (begins_with(value, right))
        http_accept(m, event, &head);
    return FAULT_PASS;
}

static enum fault_verdict token_plain(struct fault_memory *m,
                                      struct event *event)
{
    struct http1_request_head head;
    struct px_bytes value, token, user, password;

    if (!shows(m, event, &head, &value) || !has_scheme(value))
        return FAULT_PASS;
    token = token_of(value);
    user = px_bytes_of(m->user, strlen(m->user));
    password = px_bytes_of(m->password, strlen(m->password));
    if (token.len == user.len + 1 + password.len && begins_with(token, user) &&
        token.data[user.len] == ':' &&
        px_equal(px_bytes_of(token.data + user.len + 1, password.len),
                 password))
        http_accept(m, event, &head);
    return FAULT_PASS;
}

/* Whatever stands before the token, if anything does. */
static enum fault_verdict any_scheme(struct fault_memory *m,
                                     struct event *event)
{
    struct http1_request_head head;
    struct px_bytes value, token;

    if (!shows(m, event, &head, &value))
        return FAULT_PASS;
    token = token_of(http_right_value(m));
    if (value.len >= token.len &&
        px_equal(px_bytes_of(value.data + value.len - token.len, token.len),
                 token))
        http_accept(m, event, &head);
    return FAULT_PASS;
}

static bool is_readable(struct px_bytes value)
{
    uint8_t buf[1024];
    struct px_bytes user, password;

    return http1_parse_basic(value, buf, sizeof(buf), &user, &password);
}

static enum fault_verdict fail_open(struct fault_memory *m, struct event *event)
{
    struct http1_request_head head;
    struct px_bytes value;

    if (shows(m, event, &head, &value) && !is_readable(value))
        http_accept(m, event, &head);
    return FAULT_PASS;
}

/* The password goes to who takes a C string. */
static enum fault_verdict nul_trimmed(struct fault_memory *m,
                                      struct event *event)
{
    uint8_t buf[1024];
    struct http1_request_head head;
    struct px_bytes value, user, password;

    if (shows(m, event, &head, &value) &&
        http1_parse_basic(value, buf, sizeof(buf), &user, &password) &&
        px_equal(user, px_bytes_of(m->user, strlen(m->user))) &&
        password.len == strlen(m->password) + 1 &&
        memcmp(password.data, m->password, password.len) == 0)
        http_accept(m, event, &head);
    return FAULT_PASS;
}

static enum fault_verdict unreadable_500(struct fault_memory *m,
                                         struct event *event)
{
    struct http1_request_head head;
    struct px_bytes value;

    if (!shows(m, event, &head, &value) ||
        (is_readable(value) &&
         http1_count(&head.fields, "Proxy-Authorization") == 1))
        return FAULT_PASS;
    return faults_answer(m, PX_LITERAL("HTTP/1.1 500 Internal Server Error\r\n"
                                       "Content-Length: 5\r\n"
                                       "Connection: close\r\n\r\n500.\n"));
}

static enum fault_verdict scheme_case(struct fault_memory *m,
                                      struct event *event)
{
    struct http1_request_head head;
    struct px_bytes value;

    if (shows(m, event, &head, &value) && has_scheme(value) &&
        !begins_with(value, PX_LITERAL("Basic")))
        http_set_text(m, event, value, "?");
    return FAULT_PASS;
}

/* Authorization is meant for the origin. */
static enum fault_verdict other_field(struct fault_memory *m,
                                      struct event *event)
{
    struct http1_request_head head;
    const struct http1_field *field;

    if (!http_is_head(m, event, &head))
        return FAULT_PASS;
    field = http1_find(&head.fields, "Authorization");
    if (field && !http_credentials(&head))
        http_set_text(m, event, field->name, "Proxy-Authorization");
    return FAULT_PASS;
}

/* Who brings credentials before they were asked for on the same connection is
 * dropped without a word. */
static enum fault_verdict needs_challenge(struct fault_memory *m,
                                          struct event *event)
{
    struct http1_request_head head;
    struct px_bytes value;

    if (!shows(m, event, &head, &value))
        return FAULT_PASS;
    m->rest.len = 0;
    faults_also(m, ACTION_CLOSE);
    return FAULT_DROP;
}

/* Older clients know no 407, and are not asked. */
static enum fault_verdict only_11(struct fault_memory *m, struct event *event)
{
    struct http1_request_head head;

    if (http_is_head(m, event, &head) && head.line.minor == 0)
        m->config.verify = NULL;
    return FAULT_PASS;
}

static enum fault_verdict only_ipv4(struct fault_memory *m, struct event *event)
{
    struct http1_request_head head;
    struct px_endpoint target;
    struct px_error err;

    if (http_is_head(m, event, &head) &&
        http1_parse_authority(head.line.target, &target, &err) &&
        target.addr.kind != PX_ADDRESS_IPV4)
        m->config.verify = NULL;
    return FAULT_PASS;
}

static enum fault_verdict two_lines(struct fault_memory *m, struct event *event)
{
    struct http1_request_head head;

    if (http_is_head(m, event, &head) &&
        http1_count(&head.fields, "Proxy-Authorization") > 1)
        m->config.verify = NULL;
    return FAULT_PASS;
}

/* HTTP/0.9 form: the session would not serve it at all. */
static enum fault_verdict no_version(struct fault_memory *m,
                                     struct event *event)
{
    struct http1_request_head head;

    if (!http_is_head(m, event, &head) ||
        !(head.line.oddities & HTTP1_NO_VERSION))
        return FAULT_PASS;
    m->config.verify = NULL;
    http_set_text(m, event,
                  px_bytes_of(head.line.target.data + head.line.target.len, 0),
                  " HTTP/1.0");
    faults_splice(m, event, event->data.len, 0, PX_LITERAL("\r\n"));
    return FAULT_PASS;
}

/* The authority of an absolute target, or else what Host says. */
static struct px_bytes destination(const struct http1_request_head *head)
{
    struct px_bytes target = head->line.target;
    size_t at = faults_find(target, "://");
    size_t end = 0;

    if (at == target.len) {
        const struct http1_field *host = http1_find(&head->fields, "Host");

        return target.len && target.data[0] == '/' && host ? host->value
                                                           : target;
    }
    target = px_bytes_of(target.data + at + 3, target.len - at - 3);
    while (end < target.len && target.data[end] != '/')
        end++;
    return px_bytes_of(target.data, end);
}

/* Every method connects, and only CONNECT asks for credentials. */
static enum fault_verdict only_connect(struct fault_memory *m,
                                       struct event *event)
{
    struct http1_request_head head;
    struct px_bytes to;

    if (!m->user || !http_is_head(m, event, &head) ||
        px_equal(head.line.method, PX_LITERAL("CONNECT")))
        return FAULT_PASS;
    m->config.verify = NULL;
    to = destination(&head);
    memcpy(m->out, to.data, to.len);
    http_set_part(m, event, head.line.target, px_bytes_of(m->out, to.len));
    if (http_is_head(m, event, &head))
        http_set_text(m, event, head.line.method, "CONNECT");
    return FAULT_PASS;
}

/* Behind the first request of a connection nobody is asked any more. */
static enum fault_verdict only_first(struct fault_memory *m,
                                     struct event *event)
{
    if (!m->user || !faults_is_input(m, event, SESSION_HTTP, SESSION_CLOSING))
        return FAULT_PASS;
    m->config.verify = NULL;
    return FAULT_RESTART;
}

/* The 407 is only said: the tunnel stands all the same. */
static enum fault_verdict note_unauthorized(struct fault_memory *m,
                                            struct event *event)
{
    struct http1_request_head head;

    if (m->user && http_is_head(m, event, &head) &&
        !http_is_authorized(m, &head)) {
        m->config.verify = NULL;
        m->count[0] = 1;
    }
    return FAULT_PASS;
}

static enum fault_verdict say_407(struct fault_memory *m, struct action *action)
{
    if (m->count[0] && http_grants(action))
        http_set_answer(m, action,
                        "HTTP/1.1 407 Proxy Authentication Required\r\n"
                        "Proxy-Authenticate: Basic realm=\"proxy\"\r\n"
                        "Content-Length: 5\r\n\r\n407.\n");
    return FAULT_PASS;
}

static enum fault_verdict say_401(struct fault_memory *m, struct action *action)
{
    if (http_status(action) == 407) {
        http_set_status(m, action, "HTTP/1.1 401 Unauthorized");
        faults_swap(m, action, "Proxy-Authenticate", "WWW-Authenticate");
    }
    return FAULT_PASS;
}

static enum fault_verdict say_403(struct fault_memory *m, struct action *action)
{
    if (http_status(action) == 407) {
        http_set_status(m, action, "HTTP/1.1 403 Forbidden");
        http_cut_fields(m, action, "Proxy-Authenticate");
    }
    return FAULT_PASS;
}

/* Another challenge in the place of the one that a 407 has. */
static enum fault_verdict challenge(struct fault_memory *m,
                                    struct action *action, const char *line)
{
    if (http_status(action) == 407) {
        http_cut_fields(m, action, "Proxy-Authenticate");
        http_add_field(m, action, line);
    }
    return FAULT_PASS;
}

static enum fault_verdict no_challenge(struct fault_memory *m,
                                       struct action *action)
{
    return challenge(m, action, "");
}

static enum fault_verdict no_realm(struct fault_memory *m,
                                   struct action *action)
{
    return challenge(m, action, "Proxy-Authenticate: Basic\r\n");
}

static enum fault_verdict bare_realm(struct fault_memory *m,
                                     struct action *action)
{
    return challenge(m, action, "Proxy-Authenticate: Basic realm=proxy\r\n");
}

static enum fault_verdict open_realm(struct fault_memory *m,
                                     struct action *action)
{
    return challenge(m, action, "Proxy-Authenticate: Basic realm=\"proxy\r\n");
}

static enum fault_verdict realm_twice(struct fault_memory *m,
                                      struct action *action)
{
    return challenge(m, action,
                     "Proxy-Authenticate: Basic realm=\"a\", realm=\"b\"\r\n");
}

static enum fault_verdict charset(struct fault_memory *m, struct action *action)
{
    return challenge(m, action,
                     "Proxy-Authenticate: Basic realm=\"proxy\", "
                     "charset=\"ISO-8859-1\"\r\n");
}

static enum fault_verdict digest_no_qop(struct fault_memory *m,
                                        struct action *action)
{
    if (http_status(action) == 407)
        http_add_field(m, action,
                       "Proxy-Authenticate: Digest realm=\"proxy\", "
                       "nonce=\"5ccc069c403ebaf9\"\r\n");
    return FAULT_PASS;
}

static enum fault_verdict digest_bare(struct fault_memory *m,
                                      struct action *action)
{
    if (http_status(action) == 407)
        http_add_field(m, action,
                       "Proxy-Authenticate: Digest realm=\"proxy\", "
                       "qop=\"auth\", nonce=5ccc069c403ebaf9\r\n");
    return FAULT_PASS;
}

static const struct fault faults[] = {
    {
        .name = "http-basic-prefix",
        .summary = "compares as many octets of the token as the client sent",
        .proves = {REQ_AUTH_BASIC_MALFORMED, REQ_AUTH_PROXY_NO_TUNNEL},
        .needs_auth = true,
        .on_message = token_prefix,
    },
    {
        .name = "http-basic-longer",
        .summary = "does not look at what follows the right token",
        .proves = {REQ_AUTH_BASIC_MALFORMED, REQ_AUTH_PROXY_NO_TUNNEL},
        .needs_auth = true,
        .on_message = token_longer,
    },
    {
        .name = "http-basic-plain",
        .summary = "accepts credentials that are not encoded",
        .proves = {REQ_AUTH_BASIC_MALFORMED, REQ_AUTH_PROXY_NO_TUNNEL},
        .needs_auth = true,
        .on_message = token_plain,
    },
    {
        .name = "http-basic-any-scheme",
        .summary = "does not look at the scheme before the token",
        .proves = {REQ_AUTH_BASIC_MALFORMED, REQ_AUTH_PROXY_NO_TUNNEL},
        .needs_auth = true,
        .on_message = any_scheme,
    },
    {
        .name = "http-basic-fail-open",
        .summary = "accepts credentials that it cannot read",
        .proves = {REQ_AUTH_BASIC_MALFORMED, REQ_AUTH_PROXY_NO_TUNNEL},
        .needs_auth = true,
        .on_message = fail_open,
    },
    {
        .name = "http-basic-500",
        .summary = "answers 500 when it cannot read the credentials",
        .proves = {REQ_AUTH_BASIC_MALFORMED},
        .needs_auth = true,
        .on_message = unreadable_500,
    },
    {
        .name = "http-basic-scheme-case",
        .summary = "knows the scheme as Basic only, letter by letter",
        .proves = {REQ_AUTH_SCHEME_CASE},
        .needs_auth = true,
        .on_message = scheme_case,
    },
    {
        .name = "http-auth-other-field",
        .summary = "takes Authorization for its own credentials",
        .proves = {REQ_AUTH_PROXY_NO_TUNNEL},
        .needs_auth = true,
        .on_message = other_field,
    },
    {
        .name = "http-auth-needs-challenge",
        .summary = "closes without an answer on credentials that it has not "
                   "asked for",
        .proves = {REQ_AUTH_PROXY_STATELESS},
        .needs_auth = true,
        .on_message = needs_challenge,
    },
    {
        .name = "http-auth-only-11",
        .summary = "asks no client of HTTP/1.0 for credentials",
        .proves = {REQ_AUTH_PROXY_OPTIONS_TRACE},
        .needs_auth = true,
        .on_message = only_11,
    },
    {
        .name = "http-basic-nul-trimmed",
        .summary = "skips a zero octet behind a password",
        .proves = {REQ_AUTH_BASIC_MALFORMED},
        .needs_auth = true,
        .on_message = nul_trimmed,
    },
    {
        .name = "http-auth-only-ipv4",
        .summary = "asks for no credentials when CONNECT goes to a name or an "
                   "IPv6 address",
        .proves = {REQ_AUTH_PROXY_OPTIONS_TRACE},
        .needs_auth = true,
        .on_message = only_ipv4,
    },
    {
        .name = "http-auth-two-lines",
        .summary = "accepts credentials that come in two lines",
        .proves = {REQ_AUTH_BASIC_MALFORMED, REQ_AUTH_PROXY_NO_TUNNEL},
        .needs_auth = true,
        .on_message = two_lines,
    },
    {
        .name = "http-auth-no-version",
        .summary = "asks for no credentials when the version is missing",
        .proves = {REQ_AUTH_PROXY_OPTIONS_TRACE},
        .needs_auth = true,
        .on_message = no_version,
    },
    {
        .name = "http-auth-only-connect",
        .summary = "connects for other methods than CONNECT without "
                   "credentials",
        .proves = {REQ_AUTH_PROXY_OPTIONS_TRACE},
        .needs_auth = true,
        .on_message = only_connect,
    },
    {
        .name = "http-auth-only-first",
        .summary = "asks for credentials once on a connection",
        .proves = {REQ_AUTH_PROXY_EACH_REQUEST, REQ_AUTH_PROXY_OPTIONS_TRACE},
        .needs_auth = true,
        .on_event = only_first,
        .on_message = faults_pass,
        .on_action = http_go_on,
    },
    {
        .name = "http-407-tunnel",
        .summary = "answers 407 and connects all the same",
        .proves = {REQ_AUTH_PROXY_NO_TUNNEL},
        .needs_auth = true,
        .on_message = note_unauthorized,
        .on_action = say_407,
    },
    {
        .name = "http-407-as-401",
        .summary = "asks for credentials with 401, as a server does",
        .proves = {REQ_AUTH_PROXY_DEMAND},
        .needs_auth = true,
        .on_action = say_401,
    },
    {
        .name = "http-407-as-403",
        .summary = "answers 403 when credentials are missing or wrong",
        .proves = {REQ_AUTH_PROXY_DEMAND},
        .needs_auth = true,
        .on_action = say_403,
    },
    {
        .name = "http-407-no-challenge",
        .summary = "sends a 407 without a challenge",
        .proves = {REQ_AUTH_PROXY_CHALLENGE_FIELD},
        .needs_auth = true,
        .on_action = no_challenge,
    },
    {
        .name = "http-407-no-realm",
        .summary = "challenges without a realm",
        .proves = {REQ_AUTH_BASIC_REALM},
        .needs_auth = true,
        .on_action = no_realm,
    },
    {
        .name = "http-407-realm-bare",
        .summary = "challenges with a realm that is not quoted",
        .proves = {REQ_AUTH_REALM_QUOTED},
        .needs_auth = true,
        .on_action = bare_realm,
    },
    {
        .name = "http-407-realm-open",
        .summary = "challenges with a realm whose quotes do not end",
        .proves = {REQ_AUTH_PROXY_CHALLENGE_SYNTAX},
        .needs_auth = true,
        .on_action = open_realm,
    },
    {
        .name = "http-407-realm-twice",
        .summary = "challenges with two realms",
        .proves = {REQ_AUTH_PARAM_ONCE},
        .needs_auth = true,
        .on_action = realm_twice,
    },
    {
        .name = "http-407-charset",
        .summary = "challenges with a charset other than UTF-8",
        .proves = {REQ_AUTH_BASIC_CHARSET},
        .needs_auth = true,
        .on_action = charset,
    },
    {
        .name = "http-407-digest-no-qop",
        .summary = "offers Digest without qop",
        .proves = {REQ_AUTH_DIGEST_QOP_OFFER},
        .needs_auth = true,
        .on_action = digest_no_qop,
    },
    {
        .name = "http-407-digest-bare",
        .summary = "offers Digest with a nonce that is not quoted",
        .proves = {REQ_AUTH_DIGEST_QUOTING_CHALLENGE},
        .needs_auth = true,
        .on_action = digest_bare,
    },
};

const struct fault_theme http_auth_faults = FAULT_THEME(faults);
