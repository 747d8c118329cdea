/* Faults of how credentials are compared, and of what the wrong ones get: RFC
 * 1929. */

#include <string.h>

#include "faults/faults.h"
#include "userpass.h"

static struct px_bytes text(const char *s)
{
    return px_bytes_of(s, strlen(s));
}

/* Whether two texts of one length are the same from `from` to before `to`. */
static bool is_same(struct px_bytes a, struct px_bytes b, size_t from,
                    size_t to)
{
    return a.len == b.len && from <= to && to <= a.len &&
           px_equal(px_bytes_of(a.data + from, to - from),
                    px_bytes_of(b.data + from, to - from));
}

static bool all_but_last(struct px_bytes a, struct px_bytes b)
{
    return a.len > 0 && is_same(a, b, 0, a.len - 1);
}

static bool password_last(const void *ctx, struct px_bytes user,
                          struct px_bytes password)
{
    const struct fault_memory *m = ctx;

    return px_equal(user, text(m->user)) &&
           all_but_last(password, text(m->password));
}

static void ignore_password_last(struct fault_memory *m)
{
    faults_verify_with(m, password_last);
}

static bool seven_bits(const void *ctx, struct px_bytes user,
                       struct px_bytes password)
{
    enum { SEVEN_BITS = 0x7F };
    const struct fault_memory *m = ctx;
    struct px_bytes right = text(m->password);
    bool is_right = px_equal(user, text(m->user)) && password.len == right.len;

    for (size_t i = 0; is_right && i < right.len; i++)
        is_right = ((password.data[i] ^ right.data[i]) & SEVEN_BITS) == 0;
    return is_right;
}

static void compare_seven_bits(struct fault_memory *m)
{
    faults_verify_with(m, seven_bits);
}

static bool either_is_user(const void *ctx, struct px_bytes user,
                           struct px_bytes password)
{
    const struct fault_memory *m = ctx;

    return px_equal(user, text(m->user)) &&
           (px_equal(password, text(m->password)) ||
            px_equal(password, text(m->user)));
}

static void take_user_again(struct fault_memory *m)
{
    faults_verify_with(m, either_is_user);
}

static bool user_last(const void *ctx, struct px_bytes user,
                      struct px_bytes password)
{
    const struct fault_memory *m = ctx;

    return all_but_last(user, text(m->user)) &&
           px_equal(password, text(m->password));
}

static void ignore_user_last(struct fault_memory *m)
{
    faults_verify_with(m, user_last);
}

/* As somebody does who typed it. */
static bool user_trimmed(const void *ctx, struct px_bytes user,
                         struct px_bytes password)
{
    const struct fault_memory *m = ctx;

    while (user.len && user.data[user.len - 1] <= ' ')
        user.len--;
    return px_equal(user, text(m->user)) &&
           px_equal(password, text(m->password));
}

static void trim_user(struct fault_memory *m)
{
    faults_verify_with(m, user_trimmed);
}

static bool password_first(const void *ctx, struct px_bytes user,
                           struct px_bytes password)
{
    const struct fault_memory *m = ctx;

    return px_equal(user, text(m->user)) && password.len > 1 &&
           is_same(password, text(m->password), 1, password.len);
}

static void ignore_password_first(struct fault_memory *m)
{
    faults_verify_with(m, password_first);
}

static unsigned sum_of(struct px_bytes octets)
{
    unsigned sum = 0;

    for (size_t i = 0; i < octets.len; i++)
        sum += octets.data[i];
    return sum;
}

static bool same_sum(const void *ctx, struct px_bytes user,
                     struct px_bytes password)
{
    const struct fault_memory *m = ctx;
    struct px_bytes right = text(m->password);

    return px_equal(user, text(m->user)) && password.len == right.len &&
           sum_of(password) == sum_of(right);
}

static void compare_sums(struct fault_memory *m)
{
    faults_verify_with(m, same_sum);
}

/* The end is compared, since lengths are counted from there. */
static bool same_end(const void *ctx, struct px_bytes user,
                     struct px_bytes password)
{
    const struct fault_memory *m = ctx;
    struct px_bytes right = text(m->password);

    return px_equal(user, text(m->user)) && password.len >= right.len &&
           px_equal(
               px_bytes_of(password.data + password.len - right.len, right.len),
               right);
}

static void compare_ends(struct fault_memory *m)
{
    faults_verify_with(m, same_end);
}

static bool is_failure(const struct action *action)
{
    enum { STATUS = 1 };

    return faults_sends(action, MESSAGE_USERPASS_STATUS) &&
           action->send.data.data[STATUS] != 0;
}

static enum fault_verdict failure_version(struct fault_memory *m,
                                          struct action *action)
{
    if (is_failure(action))
        faults_take_action(m, action)[0] = 0;
    return FAULT_PASS;
}

static enum fault_verdict failure_long(struct fault_memory *m,
                                       struct action *action)
{
    if (is_failure(action))
        faults_replace(m, action, PX_LITERAL("\1\1\0"));
    return FAULT_PASS;
}

static enum fault_verdict empty_hang(struct fault_memory *m,
                                     struct event *event)
{
    struct userpass_request request;
    struct px_error err;
    size_t used;

    return faults_is_in(m, SESSION_SOCKS, SESSION_AUTH) &&
                   userpass_decode_request(event->data, &request, &used,
                                           &err) == PX_DONE &&
                   (request.user.len == 0 || request.password.len == 0)
               ? FAULT_HANG
               : FAULT_PASS;
}

static const struct fault faults[] = {
    {
        .name = "auth-user-trimmed",
        .summary = "skips blanks behind a user name",
        .proves = {REQ_USERPASS_VERIFY_BOTH},
        .needs_auth = true,
        .configure = trim_user,
    },
    {
        .name = "auth-password-last-ignored",
        .summary = "does not compare the last octet of a password",
        .proves = {REQ_USERPASS_VERIFY_BOTH},
        .needs_auth = true,
        .configure = ignore_password_last,
    },
    {
        .name = "auth-password-seven-bits",
        .summary = "compares seven bits of each octet of a password",
        .proves = {REQ_USERPASS_REQUEST_OPAQUE},
        .needs_auth = true,
        .configure = compare_seven_bits,
    },
    {
        .name = "auth-password-is-user",
        .summary = "takes the user name for a password as well",
        .proves = {REQ_USERPASS_VERIFY_BOTH},
        .needs_auth = true,
        .configure = take_user_again,
    },
    {
        .name = "auth-user-last-ignored",
        .summary = "does not compare the last octet of a user name",
        .proves = {REQ_USERPASS_VERIFY_BOTH},
        .needs_auth = true,
        .configure = ignore_user_last,
    },
    {
        .name = "auth-password-first-ignored",
        .summary = "does not compare the first octet of a password",
        .proves = {REQ_USERPASS_VERIFY_BOTH},
        .needs_auth = true,
        .configure = ignore_password_first,
    },
    {
        .name = "auth-password-sum",
        .summary = "compares the sum of a password's octets",
        .proves = {REQ_USERPASS_VERIFY_BOTH},
        .needs_auth = true,
        .configure = compare_sums,
    },
    {
        .name = "auth-password-end",
        .summary = "accepts anything that ends with the password",
        .proves = {REQ_USERPASS_VERIFY_BOTH},
        .needs_auth = true,
        .configure = compare_ends,
    },
    {
        .name = "userpass-failure-version",
        .summary = "begins a status that tells failure with 00",
        .proves = {REQ_USERPASS_REPLY_VERSION},
        .needs_auth = true,
        .on_action = failure_version,
    },
    {
        .name = "userpass-failure-long",
        .summary = "sends a zero octet behind a status that tells failure",
        .proves = {REQ_USERPASS_REPLY_LAYOUT},
        .needs_auth = true,
        .on_action = failure_long,
    },
    {
        .name = "userpass-empty-hang",
        .summary = "waits for ever when a field is empty",
        .proves = {REQ_USERPASS_FAILURE_SENT},
        .needs_auth = true,
        .on_message = empty_hang,
    },
};

const struct fault_theme userpass_compare_faults = FAULT_THEME(faults);
