/* Faults of the user name and password sub-negotiation: RFC 1929. */

#include "userpass.h"

#include <string.h>

#include "faults/faults.h"

static bool is_credentials(const struct fault_memory *m)
{
    return faults_is_in(m, SESSION_SOCKS, SESSION_AUTH);
}

static struct px_bytes text(const char *s)
{
    return px_bytes_of(s, strlen(s));
}

static bool is_prefix(struct px_bytes a, struct px_bytes of)
{
    return a.len > 0 && a.len <= of.len &&
           px_equal(a, px_bytes_of(of.data, a.len));
}

/* Whether a message that on_message was shown holds the right credentials. */
static bool is_right(const struct fault_memory *m, const struct event *event)
{
    struct userpass_request request;
    struct px_error err;
    size_t used;

    return m->user &&
           userpass_decode_request(event->data, &request, &used, &err) ==
               PX_DONE &&
           px_equal(request.user, text(m->user)) &&
           px_equal(request.password, text(m->password));
}

static bool any_user(const void *ctx, struct px_bytes user,
                     struct px_bytes password)
{
    const struct fault_memory *m = ctx;

    (void)user;
    return px_equal(password, text(m->password));
}

static void ignore_user(struct fault_memory *m)
{
    faults_verify_with(m, any_user);
}

static bool any_password(const void *ctx, struct px_bytes user,
                         struct px_bytes password)
{
    const struct fault_memory *m = ctx;

    return password.len > 0 && px_equal(user, text(m->user));
}

static void ignore_password(struct fault_memory *m)
{
    faults_verify_with(m, any_password);
}

static bool prefix(const void *ctx, struct px_bytes user,
                   struct px_bytes password)
{
    const struct fault_memory *m = ctx;

    return is_prefix(user, text(m->user)) &&
           is_prefix(password, text(m->password));
}

static void compare_prefix(struct fault_memory *m)
{
    faults_verify_with(m, prefix);
}

static bool junk_behind(const void *ctx, struct px_bytes user,
                        struct px_bytes password)
{
    const struct fault_memory *m = ctx;

    return px_equal(user, text(m->user)) &&
           is_prefix(text(m->password), password);
}

static void ignore_junk(struct fault_memory *m)
{
    faults_verify_with(m, junk_behind);
}

static bool any_case(const void *ctx, struct px_bytes user,
                     struct px_bytes password)
{
    const struct fault_memory *m = ctx;

    return px_equal(user, text(m->user)) &&
           px_equal_nocase(password, text(m->password));
}

static void ignore_case(struct fault_memory *m)
{
    faults_verify_with(m, any_case);
}

static struct px_bytes up_to_nul(struct px_bytes octets)
{
    const uint8_t *nul =
        octets.len ? memchr(octets.data, '\0', octets.len) : NULL;

    return nul ? px_bytes_of(octets.data, (size_t)(nul - octets.data)) : octets;
}

static bool terminated(const void *ctx, struct px_bytes user,
                       struct px_bytes password)
{
    const struct fault_memory *m = ctx;

    return px_equal(up_to_nul(user), text(m->user)) &&
           px_equal(up_to_nul(password), text(m->password));
}

static void compare_strings(struct fault_memory *m)
{
    faults_verify_with(m, terminated);
}

static bool empty_password(const void *ctx, struct px_bytes user,
                           struct px_bytes password)
{
    const struct fault_memory *m = ctx;

    return px_equal(user, text(m->user)) &&
           (password.len == 0 || px_equal(password, text(m->password)));
}

static void allow_empty_password(struct fault_memory *m)
{
    faults_verify_with(m, empty_password);
}

static bool empty_user(const void *ctx, struct px_bytes user,
                       struct px_bytes password)
{
    const struct fault_memory *m = ctx;

    return user.len == 0 || (px_equal(user, text(m->user)) &&
                             px_equal(password, text(m->password)));
}

static void allow_empty_user(struct fault_memory *m)
{
    faults_verify_with(m, empty_user);
}

/* The first octet of the message passes for 01 whatever it is. */
static enum fault_verdict any_version(struct fault_memory *m,
                                      struct event *event)
{
    if (faults_is_input(m, event, SESSION_SOCKS, SESSION_AUTH) && !m->held)
        faults_take_octets(m, event)[0] = USERPASS_VERSION;
    return FAULT_PASS;
}

/* Lengths are read into a signed octet. */
static enum fault_verdict long_hang(struct fault_memory *m, struct event *event)
{
    struct userpass_request request;
    struct px_error err;
    size_t used;

    if (is_credentials(m) &&
        userpass_decode_request(event->data, &request, &used, &err) ==
            PX_DONE &&
        (request.user.len > 127 || request.password.len > 127))
        return FAULT_HANG;
    return FAULT_PASS;
}

/* Fields of one octet are none: gives up without a word. */
static enum fault_verdict short_silent(struct fault_memory *m,
                                       struct event *event)
{
    if (!is_credentials(m) || event->data.len != 1 + 2 + 2)
        return FAULT_PASS;
    return faults_answer(m, PX_LITERAL(""));
}

static enum fault_verdict one_read(struct fault_memory *m, struct event *event)
{
    struct userpass_request request;
    struct px_error err;
    size_t used;

    if (!faults_is_input(m, event, SESSION_SOCKS, SESSION_AUTH) ||
        userpass_decode_request(event->data, &request, &used, &err) !=
            PX_NEED_MORE)
        return FAULT_PASS;
    return faults_answer(m, PX_LITERAL("\1\1"));
}

static enum fault_verdict version(struct fault_memory *m, struct action *action)
{
    if (faults_sends(action, MESSAGE_USERPASS_STATUS))
        faults_take_action(m, action)[0] = 5;
    return FAULT_PASS;
}

static enum fault_verdict short_status(struct fault_memory *m,
                                       struct action *action)
{
    (void)m;
    if (faults_sends(action, MESSAGE_USERPASS_STATUS)) {
        action->send.data.data++;
        action->send.data.len--;
    }
    return FAULT_PASS;
}

static enum fault_verdict long_status(struct fault_memory *m,
                                      struct action *action)
{
    if (faults_sends(action, MESSAGE_USERPASS_STATUS))
        faults_also_send(m, ACTION_SEND_CLIENT, PX_LITERAL("\0"));
    return FAULT_PASS;
}

static bool is_success(const struct action *action)
{
    return faults_sends(action, MESSAGE_USERPASS_STATUS) &&
           action->send.data.data[1] == 0;
}

static bool is_failure(const struct action *action)
{
    return faults_sends(action, MESSAGE_USERPASS_STATUS) &&
           action->send.data.data[1] != 0;
}

static enum fault_verdict success_is_one(struct fault_memory *m,
                                         struct action *action)
{
    if (is_success(action))
        faults_take_action(m, action)[1] = 1;
    return FAULT_PASS;
}

/* The status goes out before the client has said anything. */
static enum fault_verdict speaks_first(struct fault_memory *m,
                                       struct action *action)
{
    if (faults_sends(action, MESSAGE_METHOD_SELECTION) &&
        action->send.data.data[1] == 2)
        faults_also_send(m, ACTION_SEND_CLIENT, PX_LITERAL("\1\0"));
    return is_success(action) ? FAULT_DROP : FAULT_PASS;
}

static enum fault_verdict failure_silent(struct fault_memory *m,
                                         struct action *action)
{
    (void)m;
    return is_failure(action) ? FAULT_DROP : FAULT_PASS;
}

static enum fault_verdict failure_open(struct fault_memory *m,
                                       struct action *action)
{
    enum fault_verdict verdict = FAULT_PASS;

    if (is_failure(action))
        m->count[0] = 1;
    if (m->count[0])
        (void)faults_keep_open(m, action, &verdict);
    return verdict;
}

static bool anything(const void *ctx, struct px_bytes user,
                     struct px_bytes password)
{
    (void)ctx;
    (void)user;
    (void)password;
    return true;
}

static void accept_anything(struct fault_memory *m)
{
    faults_verify_with(m, anything);
}

static void accept_any_socks(struct fault_memory *m)
{
    if (m->config.protocol == SESSION_SOCKS)
        accept_anything(m);
}

static enum fault_verdict note_wrong(struct fault_memory *m,
                                     struct event *event)
{
    if (is_credentials(m) && !is_right(m, event))
        m->count[0] = 1;
    return FAULT_PASS;
}

static enum fault_verdict say_failure(struct fault_memory *m,
                                      struct action *action)
{
    if (m->count[0] && faults_sends(action, MESSAGE_USERPASS_STATUS))
        faults_take_action(m, action)[1] = 1;
    return FAULT_PASS;
}

static enum fault_verdict try_again(struct fault_memory *m, struct event *event)
{
    if (!is_credentials(m) || is_right(m, event))
        return FAULT_PASS;
    faults_also_send(m, ACTION_SEND_CLIENT, PX_LITERAL("\1\1"));
    return FAULT_DROP;
}

static const struct fault faults[] = {
    {
        .name = "auth-anything",
        .summary = "asks for credentials and accepts whatever comes",
        .proves = {REQ_USERPASS_VERIFY_BOTH, REQ_AUTH_BASIC_ENCODING},
        .needs_auth = true,
        .configure = accept_anything,
    },
    {
        .name = "auth-user-ignored",
        .summary = "accepts any user name with the right password",
        .proves = {REQ_USERPASS_VERIFY_BOTH, REQ_AUTH_BASIC_ENCODING},
        .needs_auth = true,
        .configure = ignore_user,
    },
    {
        .name = "auth-password-ignored",
        .summary = "accepts any password, if there is one, of the right user",
        .proves = {REQ_USERPASS_VERIFY_BOTH, REQ_AUTH_BASIC_ENCODING},
        .needs_auth = true,
        .configure = ignore_password,
    },
    {
        .name = "auth-password-prefix",
        .summary = "compares as many octets as the client sent, so that the "
                   "beginnings of user name and password are enough",
        .proves = {REQ_USERPASS_VERIFY_BOTH, REQ_AUTH_BASIC_ENCODING},
        .needs_auth = true,
        .configure = compare_prefix,
    },
    {
        .name = "auth-password-junk",
        .summary = "compares as many octets as the password has, whatever "
                   "follows them",
        .proves = {REQ_USERPASS_REQUEST_OPAQUE, REQ_USERPASS_VERIFY_BOTH,
                   REQ_AUTH_BASIC_ENCODING},
        .needs_auth = true,
        .configure = ignore_junk,
    },
    {
        .name = "auth-password-case",
        .summary = "takes letters of either case for the same in a password",
        .proves = {REQ_USERPASS_VERIFY_BOTH, REQ_AUTH_BASIC_ENCODING},
        .needs_auth = true,
        .configure = ignore_case,
    },
    {
        .name = "auth-password-nul",
        .summary = "compares user name and password up to the first zero octet",
        .proves = {REQ_USERPASS_REQUEST_OPAQUE, REQ_AUTH_BASIC_MALFORMED},
        .needs_auth = true,
        .configure = compare_strings,
    },
    {
        .name = "auth-password-empty",
        .summary = "accepts an empty password",
        .proves = {REQ_USERPASS_REQUEST_ZERO_PASS, REQ_AUTH_BASIC_ENCODING},
        .needs_auth = true,
        .configure = allow_empty_password,
    },
    {
        .name = "auth-user-empty",
        .summary = "accepts an empty user name with any password",
        .proves = {REQ_USERPASS_REQUEST_ZERO_USER,
                   REQ_USERPASS_REQUEST_ZERO_PASS, REQ_AUTH_BASIC_ENCODING},
        .needs_auth = true,
        .configure = allow_empty_user,
    },
    {
        .name = "userpass-any-version",
        .summary = "does not look at the version of the credentials",
        .proves = {REQ_USERPASS_REQUEST_BAD_VERSION},
        .needs_auth = true,
        .on_event = any_version,
        .on_message = faults_pass,
    },
    {
        .name = "userpass-long-hang",
        .summary = "waits for ever when a field has more than 127 octets",
        .proves = {REQ_USERPASS_REQUEST_MAX},
        .needs_auth = true,
        .on_message = long_hang,
    },
    {
        .name = "userpass-short-silent",
        .summary = "closes without a status when both fields have one octet",
        .proves = {REQ_USERPASS_REQUEST_MAX},
        .needs_auth = true,
        .on_message = short_silent,
    },
    {
        .name = "userpass-one-read",
        .summary = "takes what one read brings for the whole message, and "
                   "refuses credentials that come in pieces",
        .proves = {REQ_USERPASS_REQUEST_FRAGMENTED},
        .needs_auth = true,
        .on_event = one_read,
    },
    {
        .name = "userpass-status-version",
        .summary = "begins the status with 05",
        .proves = {REQ_USERPASS_REPLY_VERSION},
        .needs_auth = true,
        .on_action = version,
    },
    {
        .name = "userpass-status-short",
        .summary = "sends the status without its version",
        .proves = {REQ_USERPASS_REPLY_LAYOUT, REQ_USERPASS_FAILURE_SENT},
        .needs_auth = true,
        .on_action = short_status,
    },
    {
        .name = "userpass-status-long",
        .summary = "sends a zero octet behind the status",
        .proves = {REQ_USERPASS_REPLY_LAYOUT},
        .needs_auth = true,
        .on_action = long_status,
    },
    {
        .name = "userpass-success-one",
        .summary = "tells success as status 01 and goes on",
        .proves = {REQ_USERPASS_REPLY_SUCCESS},
        .needs_auth = true,
        .on_action = success_is_one,
    },
    {
        .name = "userpass-speaks-first",
        .summary = "tells success before the client has sent credentials",
        .proves = {REQ_USERPASS_START_CLIENT_FIRST},
        .needs_auth = true,
        .on_action = speaks_first,
    },
    {
        .name = "userpass-failure-silent",
        .summary = "closes without a status when the credentials are wrong",
        .proves = {REQ_USERPASS_FAILURE_SENT},
        .needs_auth = true,
        .on_action = failure_silent,
    },
    {
        .name = "userpass-failure-open",
        .summary = "leaves the connection open after a failure status",
        .proves = {REQ_USERPASS_FAILURE_CLOSE},
        .needs_auth = true,
        .on_action = failure_open,
    },
    {
        .name = "userpass-failure-honoured",
        .summary = "serves a request that follows a failure status",
        .proves = {REQ_USERPASS_FAILURE_NO_REQUEST},
        .needs_auth = true,
        .configure = accept_any_socks,
        .on_message = note_wrong,
        .on_action = say_failure,
    },
    {
        .name = "userpass-failure-retry",
        .summary = "takes further credentials after a failure status",
        .proves = {REQ_USERPASS_FAILURE_NO_REQUEST},
        .needs_auth = true,
        .on_message = try_again,
    },
};

const struct fault_theme userpass_faults = FAULT_THEME(faults);
