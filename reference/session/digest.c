#include "digest.h"

#include <string.h>

#include "digest_internal.h"
#include "http1_auth_param.h"

enum { TEXT_MAX = 1024 }; /* a value without its quoted-pairs */

/* The parameters that mean something here (RFC 7616 section 3.4). */
enum param {
    PARAM_USERNAME,
    PARAM_USERNAME_EXT,
    PARAM_REALM,
    PARAM_NONCE,
    PARAM_URI,
    PARAM_RESPONSE,
    PARAM_ALGORITHM,
    PARAM_CNONCE,
    PARAM_OPAQUE,
    PARAM_QOP,
    PARAM_NC,
    PARAM_COUNT,
};

static const char *const param_names[PARAM_COUNT] = {
    [PARAM_USERNAME] = "username",
    [PARAM_USERNAME_EXT] = "username*",
    [PARAM_REALM] = "realm",
    [PARAM_NONCE] = "nonce",
    [PARAM_URI] = "uri",
    [PARAM_RESPONSE] = "response",
    [PARAM_ALGORITHM] = "algorithm",
    [PARAM_CNONCE] = "cnonce",
    [PARAM_OPAQUE] = "opaque",
    [PARAM_QOP] = "qop",
    [PARAM_NC] = "nc",
};

static const char *const algorithm_names[DIGEST_ALGORITHMS] = {
    [DIGEST_MD5] = "MD5",
    [DIGEST_SHA256] = "SHA-256",
};

struct credentials {
    bool is_there[PARAM_COUNT];
    struct px_bytes value[PARAM_COUNT]; /* what they stand for */
    enum digest_algorithm algorithm;
    uint32_t nc;
    uint8_t text[TEXT_MAX]; /* values with quoted-pairs, written out */
    size_t text_len;
};

static struct px_bytes text_of(const char *text)
{
    return px_bytes_of(text, strlen(text));
}

/* PARAM_COUNT for a name that means nothing here. */
static enum param param_of(struct px_bytes name)
{
    size_t i = 0;

    while (i < PARAM_COUNT && !px_equal_nocase(name, text_of(param_names[i])))
        i++;
    return (enum param)i;
}

static bool take_param(struct credentials *c,
                       const struct http1_auth_param *param)
{
    enum param which = param_of(param->name);
    struct px_writer w =
        px_writer_over(c->text + c->text_len, TEXT_MAX - c->text_len);

    if (which == PARAM_COUNT)
        return true;
    if (c->is_there[which])
        return false;
    http1_put_auth_value(param, &w);
    if (w.is_full)
        return false;
    c->text_len += w.len;
    c->is_there[which] = true;
    c->value[which] = px_written(&w);
    return true;
}

static int hex_value(uint8_t octet)
{
    if (octet >= '0' && octet <= '9')
        return octet - '0';
    if (octet >= 'a' && octet <= 'f')
        return octet - 'a' + 10;
    return octet >= 'A' && octet <= 'F' ? octet - 'A' + 10 : -1;
}

/* nc is eight hexadecimal digits, and the first is 00000001. */
static bool read_count(struct credentials *c)
{
    enum { NC_LEN = 8 };
    struct px_bytes text = c->value[PARAM_NC];

    for (size_t i = 0; i < text.len && text.len == NC_LEN; i++) {
        int value = hex_value(text.data[i]);

        if (value < 0)
            return false;
        c->nc = c->nc << 4 | (uint32_t)value;
    }
    return c->nc != 0;
}

/* username* is "UTF-8''" and percent-encoded octets (RFC 8187); the octets
 * replace it where they stand. */
static bool decode_username(struct credentials *c)
{
    static const struct px_bytes prefix = {(const uint8_t *)"UTF-8''", 7};
    struct px_bytes in = c->value[PARAM_USERNAME_EXT];
    uint8_t *out = c->text + (in.data - c->text);
    size_t len = 0;

    if (in.len < prefix.len ||
        !px_equal_nocase(px_bytes_of(in.data, prefix.len), prefix))
        return false;
    for (size_t at = prefix.len; at < in.len; at++) {
        int high = at + 2 < in.len ? hex_value(in.data[at + 1]) : -1;
        int low = at + 2 < in.len ? hex_value(in.data[at + 2]) : -1;

        if (in.data[at] != '%') {
            out[len++] = in.data[at];
        } else if (high >= 0 && low >= 0) {
            out[len++] = (uint8_t)(high << 4 | low);
            at += 2;
        } else {
            return false;
        }
    }
    c->value[PARAM_USERNAME] = px_bytes_of(out, len);
    return true;
}

static bool is_complete(const struct credentials *c)
{
    static const enum param needed[] = {PARAM_REALM,    PARAM_NONCE,  PARAM_URI,
                                        PARAM_RESPONSE, PARAM_CNONCE, PARAM_QOP,
                                        PARAM_NC};

    for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
        if (!c->is_there[needed[i]])
            return false;
    }
    return c->is_there[PARAM_USERNAME] != c->is_there[PARAM_USERNAME_EXT] &&
           px_equal_nocase(c->value[PARAM_QOP], PX_LITERAL("auth"));
}

static bool read_credentials(struct px_bytes params, struct credentials *c)
{
    struct http1_auth_param param;
    enum http1_auth_next next;

    while ((next = http1_next_auth_param(&params, &param)) == HTTP1_AUTH_PARAM)
        if (!take_param(c, &param))
            return false;
    return next == HTTP1_AUTH_END && is_complete(c) && read_count(c) &&
           (!c->is_there[PARAM_USERNAME_EXT] || decode_username(c));
}

/* Without the parameter it is MD5 (RFC 7616 section 3.3). */
static bool is_algorithm_offered(const struct digest_config *cfg,
                                 struct credentials *c)
{
    size_t i = 0;

    if (c->is_there[PARAM_ALGORITHM]) {
        while (i < DIGEST_ALGORITHMS &&
               !px_equal_nocase(c->value[PARAM_ALGORITHM],
                                text_of(algorithm_names[i])))
            i++;
    }
    c->algorithm = (enum digest_algorithm)i;
    return i < DIGEST_ALGORITHMS && cfg->algorithms & 1u << i;
}

/* What stands behind scheme and authority of an absolute URI; else nothing. */
static struct px_bytes path_of(struct px_bytes target)
{
    size_t at = 0;

    while (at + 2 < target.len && memcmp(target.data + at, "://", 3) != 0)
        at++;
    if (at + 2 >= target.len || target.data[0] == '/')
        return (struct px_bytes){0};
    at += 3;
    while (at < target.len && target.data[at] != '/' && target.data[at] != '?')
        at++;
    return px_bytes_of(target.data + at, target.len - at);
}

/*
 * uri is the request-target. Clients write the path alone where the target is
 * absolute; an absolute target without a path means the path "/".
 */
static bool is_uri_right(struct px_bytes uri, struct px_bytes target)
{
    struct px_bytes path = path_of(target);

    return px_equal(uri, target) || (path.len && px_equal(uri, path)) ||
           (path.data && path.len == 0 && px_equal(uri, PX_LITERAL("/")));
}

static size_t hash_len(enum digest_algorithm algorithm)
{
    return algorithm == DIGEST_MD5 ? 16 : 32;
}

static void to_hex(const uint8_t *octets, size_t len, uint8_t *out)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        out[2 * i] = (uint8_t)digits[octets[i] >> 4];
        out[2 * i + 1] = (uint8_t)digits[octets[i] & 15];
    }
}

/* Hashes the parts with colons between them; *text is the hash in hex. */
static bool hash_joined(const struct digest_config *cfg,
                        enum digest_algorithm algorithm,
                        const struct px_bytes *parts, size_t count,
                        uint8_t text[2 * DIGEST_HASH_MAX], struct px_bytes *out)
{
    enum { JOINED_MAX = 6 };
    struct px_bytes joined[2 * JOINED_MAX];
    uint8_t hash[DIGEST_HASH_MAX];
    size_t len = hash_len(algorithm);

    for (size_t i = 0; i < count; i++) {
        joined[2 * i] = parts[i];
        joined[2 * i + 1] = PX_LITERAL(":");
    }
    if (!cfg->hash(algorithm, joined, 2 * count - 1, hash))
        return false;
    to_hex(hash, len, text);
    *out = px_bytes_of(text, 2 * len);
    return true;
}

/* How long it takes tells nothing about where they differ. */
static bool is_same_secret(struct px_bytes got, struct px_bytes want)
{
    uint8_t difference = got.len != want.len;

    for (size_t i = 0; i < got.len && i < want.len; i++)
        difference |= (uint8_t)(got.data[i] ^ want.data[i]);
    return difference == 0;
}

/* RFC 7616 section 3.4.1: A1 and A2 for qop "auth". */
static bool is_response_right(const struct digest_config *cfg,
                              const struct credentials *c,
                              struct px_bytes method, struct px_bytes password)
{
    const struct px_bytes *v = c->value;
    uint8_t text[3][2 * DIGEST_HASH_MAX];
    struct px_bytes a1, a2, response;

    return hash_joined(cfg, c->algorithm,
                       (const struct px_bytes[]){v[PARAM_USERNAME],
                                                 v[PARAM_REALM], password},
                       3, text[0], &a1) &&
           hash_joined(cfg, c->algorithm,
                       (const struct px_bytes[]){method, v[PARAM_URI]}, 2,
                       text[1], &a2) &&
           hash_joined(cfg, c->algorithm,
                       (const struct px_bytes[]){a1, v[PARAM_NONCE],
                                                 v[PARAM_NC], v[PARAM_CNONCE],
                                                 v[PARAM_QOP], a2},
                       6, text[2], &response) &&
           is_same_secret(v[PARAM_RESPONSE], response);
}

/* A client that leaves it out keeps to RFC 7616, which has a SHOULD there. */
static bool is_opaque_right(const struct digest_config *cfg,
                            const struct credentials *c)
{
    return !c->is_there[PARAM_OPAQUE] ||
           px_equal(c->value[PARAM_OPAQUE], cfg->opaque);
}

enum digest_verdict digest_judge(const struct digest_config *cfg,
                                 struct px_bytes realm,
                                 const struct http1_request_line *line,
                                 struct px_bytes params, uint64_t now_ms)
{
    struct credentials c = {.text_len = 0};
    struct px_bytes password = {0};
    bool is_known;

    if (!read_credentials(params, &c) ||
        !is_uri_right(c.value[PARAM_URI], line->target))
        return DIGEST_MALFORMED;
    if (!is_algorithm_offered(cfg, &c) ||
        !px_equal(c.value[PARAM_REALM], realm) || !is_opaque_right(cfg, &c))
        return DIGEST_WRONG;
    is_known =
        cfg->password(cfg->password_ctx, c.value[PARAM_USERNAME], &password);
    if (!is_response_right(cfg, &c, line->method, password) || !is_known)
        return DIGEST_WRONG;
    return digest_use_nonce(cfg, c.value[PARAM_NONCE], c.nc, now_ms)
               ? DIGEST_RIGHT
               : DIGEST_STALE;
}

bool digest_put_challenge(const struct digest_config *cfg,
                          enum digest_algorithm algorithm,
                          struct px_bytes realm, enum digest_verdict verdict,
                          uint64_t now_ms, struct px_writer *out)
{
    uint8_t nonce[DIGEST_NONCE_LEN];

    if (!digest_new_nonce(cfg, now_ms, nonce))
        return false;
    px_put_text(out, "Digest realm=");
    http1_put_quoted(realm, out);
    px_put_text(out, ", nonce=");
    http1_put_quoted(px_bytes_of(nonce, sizeof(nonce)), out);
    if (cfg->opaque.len) {
        px_put_text(out, ", opaque=");
        http1_put_quoted(cfg->opaque, out);
    }
    px_put_text(out, ", qop=\"auth\", algorithm=");
    px_put_text(out, algorithm_names[algorithm]);
    px_put_text(out, ", charset=UTF-8");
    if (verdict == DIGEST_STALE)
        px_put_text(out, ", stale=true");
    return true;
}
