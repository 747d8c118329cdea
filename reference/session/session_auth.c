#include "session_auth.h"

#include <string.h>

#include "http1_auth_param.h"

enum { BASIC_MAX = 1024 }; /* user, colon and password, decoded */

static bool is_basic_right(const struct session_config *cfg,
                           struct px_bytes value)
{
    uint8_t buf[BASIC_MAX];
    struct px_bytes user, password;

    return !cfg->has_no_basic &&
           http1_parse_basic(value, buf, sizeof(buf), &user, &password) &&
           cfg->verify(cfg->verify_ctx, user, password);
}

static struct px_bytes realm_of(const struct session_config *cfg)
{
    return px_bytes_of(cfg->realm, strlen(cfg->realm));
}

static enum auth_verdict judge_digest(const struct session_config *cfg,
                                      const struct http1_request_line *line,
                                      struct px_bytes params, uint64_t now_ms)
{
    switch (digest_judge(cfg->digest, realm_of(cfg), line, params, now_ms)) {
    case DIGEST_RIGHT:
        return AUTH_ALLOWED;
    case DIGEST_STALE:
        return AUTH_STALE;
    case DIGEST_MALFORMED:
        return AUTH_MALFORMED;
    case DIGEST_WRONG:
        break;
    }
    return AUTH_CHALLENGED;
}

enum auth_verdict session_auth_judge(const struct session_config *cfg,
                                     const struct http1_request_head *head,
                                     uint64_t now_ms)
{
    const struct http1_field *field =
        http1_find(&head->fields, "Proxy-Authorization");
    struct px_bytes scheme, params;

    if (!cfg->verify)
        return AUTH_ALLOWED;
    if (!field || http1_count(&head->fields, "Proxy-Authorization") > 1 ||
        !http1_split_credentials(field->value, &scheme, &params))
        return AUTH_CHALLENGED;
    if (cfg->digest && px_equal_nocase(scheme, PX_LITERAL("Digest")))
        return judge_digest(cfg, &head->line, params, now_ms);
    return is_basic_right(cfg, field->value) ? AUTH_ALLOWED : AUTH_CHALLENGED;
}

/* A line that could not be made leaves no trace. */
static void put_digest(const struct session_config *cfg,
                       enum digest_algorithm algorithm,
                       enum auth_verdict verdict, uint64_t now_ms,
                       struct px_writer *out)
{
    size_t before = out->len;

    if (!(cfg->digest->algorithms & 1u << algorithm))
        return;
    px_put_text(out, "Proxy-Authenticate: ");
    if (digest_put_challenge(
            cfg->digest, algorithm, realm_of(cfg),
            verdict == AUTH_STALE ? DIGEST_STALE : DIGEST_WRONG, now_ms, out))
        px_put_text(out, "\r\n");
    else
        out->len = before;
}

static void put_basic(const struct session_config *cfg, struct px_writer *out)
{
    px_put_text(out, "Proxy-Authenticate: Basic realm=");
    http1_put_quoted(realm_of(cfg), out);
    px_put_text(out, "\r\n");
}

void session_auth_put_fields(const struct session_config *cfg,
                             enum auth_verdict verdict, uint64_t now_ms,
                             struct px_writer *out)
{
    if (verdict == AUTH_ALLOWED || verdict == AUTH_MALFORMED)
        return;
    if (cfg->digest) {
        put_digest(cfg, DIGEST_SHA256, verdict, now_ms, out);
        put_digest(cfg, DIGEST_MD5, verdict, now_ms, out);
    }
    if (!cfg->has_no_basic)
        put_basic(cfg, out);
}
