/*
 * Judges the challenges of a 407: RFC 9110 sections 11.2, 11.3 and 11.7.1,
 * RFC 7617 section 2, RFC 7616 section 3.3. The comma splits challenges and
 * parameters alike, so a word before "=" is a parameter, any other a scheme.
 */

#include "oracle_internal.h"

#include <string.h>

enum { NAMES_MAX = 16 };

enum scheme { SCHEME_NONE, SCHEME_BASIC, SCHEME_DIGEST, SCHEME_OTHER };

struct challenge {
    struct oracle *o;
    uint64_t at;
    bool is_contested;
    enum scheme scheme; /* of the challenge being read */
    bool has_realm;
    bool has_qop;
    struct http_nonce digest; /* what a Digest challenge says */
    struct px_bytes names[NAMES_MAX];
    size_t name_count;
    size_t count; /* challenges so far */
};

static void accuse(struct challenge *c, enum requirement req, const char *what)
{
    if (c->is_contested)
        oracle_contest(c->o, req, SIDE_SERVER, c->at,
                       "%s, unless an origin sent it", what);
    else
        oracle_accuse(c->o, req, SIDE_SERVER, c->at, "%s", what);
}

static bool is_blank(uint8_t octet)
{
    return octet == ' ' || octet == '\t';
}

static void skip_blanks(struct px_bytes *rest)
{
    while (rest->len && is_blank(rest->data[0]))
        *rest = http_after(*rest, 1);
}

static struct px_bytes take_token(struct px_bytes *rest)
{
    size_t len = 0;
    struct px_bytes token;

    while (len < rest->len && http1_is_token(px_bytes_of(&rest->data[len], 1)))
        len++;
    token = px_bytes_of(rest->data, len);
    *rest = http_after(*rest, len);
    return token;
}

static bool is_token68_octet(uint8_t octet)
{
    return (octet >= '0' && octet <= '9') || (octet >= 'A' && octet <= 'Z') ||
           (octet >= 'a' && octet <= 'z') || (octet && strchr("-._~+/", octet));
}

/* Takes a token68 that stands alone; false and untouched otherwise. */
static bool take_token68(struct px_bytes *rest)
{
    struct px_bytes after;
    size_t len = 0;

    while (len < rest->len && is_token68_octet(rest->data[len]))
        len++;
    if (len == 0)
        return false;
    while (len < rest->len && rest->data[len] == '=')
        len++;
    after = http_after(*rest, len);
    skip_blanks(&after);
    if (after.len && after.data[0] != ',')
        return false;
    *rest = after;
    return true;
}

/* Takes a quoted-string with its quotes; false when it does not end. */
static bool take_quoted(struct px_bytes *rest, struct px_bytes *out)
{
    for (size_t i = 1; i < rest->len; i++) {
        if (rest->data[i] == '\\') {
            i++;
        } else if (rest->data[i] == '"') {
            *out = px_bytes_of(rest->data, i + 1);
            *rest = http_after(*rest, i + 1);
            return true;
        }
    }
    return false;
}

static void end_challenge(struct challenge *c)
{
    if (c->scheme == SCHEME_BASIC && !c->has_realm)
        accuse(c, REQ_AUTH_BASIC_REALM, "a Basic challenge without realm");
    if (c->scheme == SCHEME_DIGEST && !c->has_qop)
        oracle_contest(c->o, REQ_AUTH_DIGEST_QOP_OFFER, SIDE_SERVER, c->at,
                       "a Digest challenge without qop");
    if (c->scheme == SCHEME_DIGEST)
        http_note_digest(c->o, &c->digest);
    c->scheme = SCHEME_NONE;
}

static void begin_challenge(struct challenge *c, struct px_bytes scheme)
{
    end_challenge(c);
    c->scheme = SCHEME_OTHER;
    if (px_equal_nocase(scheme, PX_LITERAL("Basic")))
        c->scheme = SCHEME_BASIC;
    if (px_equal_nocase(scheme, PX_LITERAL("Digest")))
        c->scheme = SCHEME_DIGEST;
    c->has_realm = false;
    c->has_qop = false;
    c->digest = (struct http_nonce){0};
    c->name_count = 0;
    c->count++;
}

/* RFC 7616 section 3.3: which values are quoted and which are not. */
static void judge_digest_quoting(struct challenge *c, struct px_bytes name,
                                 bool is_quoted)
{
    bool must_quote = px_equal_nocase(name, PX_LITERAL("nonce")) ||
                      px_equal_nocase(name, PX_LITERAL("opaque")) ||
                      px_equal_nocase(name, PX_LITERAL("qop"));
    bool must_not = px_equal_nocase(name, PX_LITERAL("stale")) ||
                    px_equal_nocase(name, PX_LITERAL("algorithm"));

    if ((must_quote && !is_quoted) || (must_not && is_quoted))
        accuse(c, REQ_AUTH_DIGEST_QUOTING_CHALLENGE,
               "a Digest parameter that is quoted wrongly");
}

static void judge_once(struct challenge *c, struct px_bytes name)
{
    for (size_t i = 0; i < c->name_count; i++) {
        if (px_equal_nocase(c->names[i], name))
            accuse(c, REQ_AUTH_PARAM_ONCE,
                   "a parameter twice in one challenge");
    }
    if (c->name_count < NAMES_MAX)
        c->names[c->name_count++] = name;
}

static void judge_param(struct challenge *c, struct px_bytes name,
                        struct px_bytes value)
{
    bool is_quoted = value.data[0] == '"';

    judge_once(c, name);
    if (px_equal_nocase(name, PX_LITERAL("realm"))) {
        c->has_realm = true;
        if (!is_quoted)
            accuse(c, REQ_AUTH_REALM_QUOTED, "realm is not quoted");
    }
    c->has_qop |= px_equal_nocase(name, PX_LITERAL("qop"));
    if (c->scheme == SCHEME_DIGEST) {
        const struct http1_auth_param param = {
            .name = name,
            .value =
                is_quoted ? px_bytes_of(value.data + 1, value.len - 2) : value,
            .is_quoted = is_quoted,
        };

        judge_digest_quoting(c, name, is_quoted);
        http_note_digest_param(&c->digest, &param);
    }
    if (c->scheme == SCHEME_BASIC &&
        px_equal_nocase(name, PX_LITERAL("charset")) &&
        !px_equal_nocase(value, PX_LITERAL("UTF-8")) &&
        !px_equal_nocase(value, PX_LITERAL("\"UTF-8\"")))
        accuse(c, REQ_AUTH_BASIC_CHARSET, "a charset other than UTF-8");
}

/* Takes what follows "=", and judges it; false when the grammar is broken. */
static bool take_value(struct challenge *c, struct px_bytes name,
                       struct px_bytes *rest)
{
    struct px_bytes value;

    skip_blanks(rest);
    if (rest->len && rest->data[0] == '"') {
        if (!take_quoted(rest, &value))
            return false;
    } else {
        value = take_token(rest);
    }
    if (value.len == 0 || c->scheme == SCHEME_NONE)
        return false;
    judge_param(c, name, value);
    return true;
}

/* Takes "=" and a value after a parameter's name; false without "=". */
static bool take_param(struct challenge *c, struct px_bytes name,
                       struct px_bytes *rest)
{
    skip_blanks(rest);
    if (rest->len == 0 || rest->data[0] != '=')
        return false;
    *rest = http_after(*rest, 1);
    return take_value(c, name, rest);
}

/* Takes a parameter, or a scheme with what is its first; false for neither. */
static bool take_element(struct challenge *c, struct px_bytes *rest)
{
    struct px_bytes word = take_token(rest);
    struct px_bytes after = *rest;

    if (word.len == 0)
        return false;
    skip_blanks(&after);
    if (after.len && after.data[0] == '=')
        return take_param(c, word, rest);
    begin_challenge(c, word);
    if (after.len == 0 || after.data[0] == ',' || after.len == rest->len) {
        *rest = after;
        return true;
    }
    *rest = after;
    if (take_token68(rest))
        return true;
    word = take_token(rest);
    return word.len && take_param(c, word, rest);
}

/* One field line; a challenge may go on in the next one. */
static bool read_line(struct challenge *c, struct px_bytes rest)
{
    for (;;) {
        while (rest.len && (is_blank(rest.data[0]) || rest.data[0] == ','))
            rest = http_after(rest, 1);
        if (rest.len == 0)
            return true;
        if (!take_element(c, &rest))
            return false;
        skip_blanks(&rest);
        if (rest.len && rest.data[0] != ',')
            return false;
    }
}

void http_judge_challenges(struct oracle *o, const struct http1_fields *fields,
                           uint64_t at, bool is_contested)
{
    struct challenge c = {.o = o, .at = at, .is_contested = is_contested};
    bool is_readable = true;
    size_t lines = 0;

    for (size_t i = 0; i < fields->count && is_readable; i++) {
        if (!px_equal_nocase(fields->at[i].name,
                             PX_LITERAL("Proxy-Authenticate")))
            continue;
        lines++;
        is_readable = read_line(&c, fields->at[i].value);
    }
    if (lines == 0)
        accuse(&c, REQ_AUTH_PROXY_CHALLENGE_FIELD,
               "407 without Proxy-Authenticate");
    else if (!is_readable || c.count == 0)
        accuse(&c, REQ_AUTH_PROXY_CHALLENGE_SYNTAX,
               "a Proxy-Authenticate that is no list of challenges");
    if (is_readable)
        end_challenge(&c);
}
