#include "session_auth.h"

enum { BASIC_MAX = 1024 }; /* user, colon and password, decoded */

static bool is_basic_right(const struct session_config *cfg,
                           struct px_bytes value)
{
    uint8_t buf[BASIC_MAX];
    struct px_bytes user, password;

    return http1_parse_basic(value, buf, sizeof(buf), &user, &password) &&
           cfg->verify(cfg->verify_ctx, user, password);
}

enum auth_verdict session_auth_judge(const struct session_config *cfg,
                                     const struct http1_request_head *head,
                                     uint64_t now_ms)
{
    const struct http1_field *field;

    (void)now_ms; /* Basic does not age */
    if (!cfg->verify)
        return AUTH_ALLOWED;
    field = http1_find(&head->fields, "Proxy-Authorization");
    return field && http1_count(&head->fields, "Proxy-Authorization") == 1 &&
                   is_basic_right(cfg, field->value)
               ? AUTH_ALLOWED
               : AUTH_CHALLENGED;
}

void session_auth_put_fields(const struct session_config *cfg,
                             enum auth_verdict verdict, uint64_t now_ms,
                             struct px_writer *out)
{
    (void)now_ms;
    if (verdict == AUTH_ALLOWED)
        return;
    px_put_text(out, "Proxy-Authenticate: Basic realm=\"");
    px_put_text(out, cfg->realm);
    px_put_text(out, "\"\r\n");
}
