/*
 * Judges a client's Digest credentials: RFC 7616 section 3.4 and 3.4.6, RFC
 * 2617 section 3.2.2. What they are compared with is what the proxy's
 * challenges said in the same dialogue; a nonce from elsewhere is only
 * followed.
 */

#include "oracle_internal.h"

#include <string.h>

enum { URI_MAX = 4096 }; /* longer ones are not compared */

enum param {
    USERNAME,
    REALM,
    NONCE,
    URI,
    RESPONSE,
    CNONCE,
    OPAQUE,
    ALGORITHM,
    QOP,
    NC,
    PARAMS
};

static const struct {
    const char *name;
    bool is_quoted; /* as it has to be */
} known[PARAMS] = {
    [USERNAME] = {"username", true}, [REALM] = {"realm", true},
    [NONCE] = {"nonce", true},       [URI] = {"uri", true},
    [RESPONSE] = {"response", true}, [CNONCE] = {"cnonce", true},
    [OPAQUE] = {"opaque", true},     [ALGORITHM] = {"algorithm", false},
    [QOP] = {"qop", false},          [NC] = {"nc", false},
};

struct credentials {
    struct oracle *o;
    uint64_t at;
    bool is_passed_on; /* perhaps, by a proxy with several clients */
    bool is_present[PARAMS];
    struct http1_auth_param at_param[PARAMS];
};

static void accuse(const struct credentials *c, enum requirement req,
                   const char *what)
{
    oracle_accuse(c->o, req, SIDE_CLIENT, c->at, "%s", what);
}

static void contest(const struct credentials *c, enum requirement req,
                    const char *what)
{
    oracle_contest(c->o, req, SIDE_CLIENT, c->at, "%s", what);
}

/* The octets that a value stands for; none when it is longer than buf. */
static struct px_bytes octets_of(const struct http1_auth_param *param,
                                 uint8_t *buf, size_t cap)
{
    struct px_writer w = px_writer_over(buf, cap);

    http1_put_auth_value(param, &w);
    return px_written(&w);
}

static uint32_t digest_of(const struct http1_auth_param *param,
                          bool is_case_alike)
{
    uint8_t buf[1024];
    struct px_bytes octets = octets_of(param, buf, sizeof(buf));

    return is_case_alike ? http_digest(octets) : http_digest_exact(octets);
}

static struct http_nonce *next_slot(struct http_dialogue *h)
{
    struct http_nonce *n = &h->nonces[h->nonce_next];

    h->nonce_next = (h->nonce_next + 1) % HTTP_NONCES_MAX;
    *n = (struct http_nonce){.is_used = true};
    return n;
}

void http_note_digest_param(struct http_nonce *n,
                            const struct http1_auth_param *param)
{
    struct px_bytes list = param->value, member;

    if (px_equal_nocase(param->name, PX_LITERAL("nonce"))) {
        n->is_used = true;
        n->nonce = digest_of(param, false);
    } else if (px_equal_nocase(param->name, PX_LITERAL("opaque"))) {
        n->has_opaque = true;
        n->opaque = digest_of(param, false);
    } else if (px_equal_nocase(param->name, PX_LITERAL("algorithm"))) {
        n->has_algorithm = true;
        n->algorithm = digest_of(param, true);
    } else if (px_equal_nocase(param->name, PX_LITERAL("qop"))) {
        while (n->qop_count < HTTP_QOPS_MAX &&
               http1_next_member(&list, &member))
            n->qops[n->qop_count++] = http_digest(member);
    }
}

void http_note_digest(struct oracle *o, const struct http_nonce *n)
{
    struct http_nonce *slot;

    if (!n->is_used)
        return;
    slot = next_slot(&o->u.http);
    *slot = *n;
    slot->is_challenged = true;
}

/* The challenge with that nonce; of several the one with the algorithm. */
static struct http_nonce *find_nonce(const struct credentials *c)
{
    struct http_dialogue *h = &c->o->u.http;
    uint32_t nonce = digest_of(&c->at_param[NONCE], false);
    struct http_nonce *found = NULL;

    for (size_t i = 0; i < HTTP_NONCES_MAX; i++) {
        struct http_nonce *n = &h->nonces[i];
        bool is_alike =
            c->is_present[ALGORITHM] && n->has_algorithm &&
            digest_of(&c->at_param[ALGORITHM], true) == n->algorithm;

        if (n->is_used && n->nonce == nonce && (!found || is_alike))
            found = n;
    }
    if (found)
        return found;
    found = next_slot(h);
    found->nonce = nonce;
    return found;
}

static void judge_quoting(const struct credentials *c)
{
    for (size_t i = 0; i < PARAMS; i++) {
        if (c->is_present[i] && c->at_param[i].is_quoted != known[i].is_quoted)
            oracle_accuse(c->o, REQ_AUTH_DIGEST_CLIENT_QUOTING, SIDE_CLIENT,
                          c->at, "%s is %s", known[i].name,
                          known[i].is_quoted ? "not quoted" : "quoted");
    }
}

/* What follows the authority of a URI; "/" is not added. */
static struct px_bytes path_of(struct px_bytes uri)
{
    struct px_bytes authority = http_authority_of(uri);
    size_t len = (size_t)(authority.data - uri.data) + authority.len;

    return http_after(uri, len);
}

static void judge_uri(const struct credentials *c,
                      const struct http1_request_head *head)
{
    uint8_t buf[URI_MAX];
    struct px_bytes uri, target = head->line.target;

    if (!c->is_present[URI] || target.len > sizeof(buf))
        return;
    uri = octets_of(&c->at_param[URI], buf, sizeof(buf));
    if (px_equal(uri, target))
        return;
    if (c->is_passed_on)
        contest(c, REQ_AUTH_DIGEST_CLIENT_URI,
                "uri is not the target, which a proxy may have changed");
    else if (http_is_absolute(target) && px_equal(uri, path_of(target)))
        contest(c, REQ_AUTH_DIGEST_CLIENT_URI,
                "uri is the path alone, the target is absolute");
    else
        accuse(c, REQ_AUTH_DIGEST_CLIENT_URI,
               "uri is not the request's target");
}

static void judge_qop(const struct credentials *c, const struct http_nonce *n)
{
    bool is_offered = false;

    if (!c->is_present[QOP])
        return;
    if (!c->is_present[CNONCE] || !c->is_present[NC])
        accuse(c, REQ_AUTH_DIGEST_CLIENT_NC_CNONCE,
               "qop without both cnonce and nc");
    for (size_t i = 0; i < n->qop_count; i++)
        is_offered |= n->qops[i] == digest_of(&c->at_param[QOP], true);
    if (n->is_challenged && n->qop_count < HTTP_QOPS_MAX && !is_offered)
        accuse(c, REQ_AUTH_DIGEST_CLIENT_QOP, "a qop that was not offered");
}

/* Eight hexadecimal digits. */
static bool read_count(struct px_bytes text, uint32_t *out)
{
    *out = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t octet = text.data[i];
        const char *digits = "0123456789abcdef";
        const char *digit =
            octet ? strchr(digits, octet | (octet >= 'A' ? 0x20 : 0)) : NULL;

        if (!digit)
            return false;
        *out = *out << 4 | (uint32_t)(digit - digits);
    }
    return text.len == 8;
}

static void judge_count(const struct credentials *c, struct http_nonce *n)
{
    uint32_t count;

    if (!c->is_present[NC])
        return;
    if (!read_count(c->at_param[NC].value, &count) || count == 0) {
        accuse(c, REQ_AUTH_DIGEST_CLIENT_NC_VALUE,
               "nc is no count of eight hexadecimal digits");
        return;
    }
    if (count <= n->highest && c->is_passed_on)
        contest(c, REQ_AUTH_DIGEST_CLIENT_NC_VALUE,
                "nc does not rise, unless requests of several clients met");
    else if (count <= n->highest)
        accuse(c, REQ_AUTH_DIGEST_CLIENT_NC_VALUE,
               "nc does not rise with the requests of a nonce");
    else if (n->is_challenged && n->highest == 0 && count != 1)
        contest(c, REQ_AUTH_DIGEST_CLIENT_NC_VALUE,
                "nc does not begin with 1, unless another connection used "
                "the nonce");
    if (count > n->highest)
        n->highest = count;
}

static void judge_returned(const struct credentials *c,
                           const struct http_nonce *n)
{
    const enum requirement req = REQ_AUTH_DIGEST_CLIENT_OPAQUE;

    if (!n->is_challenged)
        return;
    if (c->is_present[OPAQUE] != n->has_opaque)
        contest(c, req,
                n->has_opaque ? "opaque does not come back"
                              : "an opaque that was not given");
    else if (n->has_opaque &&
             digest_of(&c->at_param[OPAQUE], false) != n->opaque)
        accuse(c, req, "opaque comes back changed");
    if (!c->is_present[ALGORITHM]) {
        if (n->has_algorithm)
            contest(c, req, "algorithm does not come back");
    } else if (digest_of(&c->at_param[ALGORITHM], true) !=
               (n->has_algorithm ? n->algorithm
                                 : http_digest(PX_LITERAL("MD5")))) {
        accuse(c, req, "algorithm is not that of the challenge");
    }
}

/* False when they cannot be read. */
static bool read_params(struct credentials *c, struct px_bytes rest)
{
    struct http1_auth_param param;
    enum http1_auth_next next;

    while ((next = http1_next_auth_param(&rest, &param)) == HTTP1_AUTH_PARAM) {
        for (size_t i = 0; i < PARAMS; i++) {
            struct px_bytes name = px_bytes_of((const uint8_t *)known[i].name,
                                               strlen(known[i].name));

            if (px_equal_nocase(param.name, name)) {
                c->is_present[i] = true;
                c->at_param[i] = param;
            }
        }
    }
    return next == HTTP1_AUTH_END;
}

void http_judge_digest(struct oracle *o, const struct http1_request_head *head,
                       struct px_bytes value, uint64_t at)
{
    struct credentials c = {.o = o, .at = at};
    struct px_bytes scheme, rest;
    struct http_nonce *n;

    c.is_passed_on = http1_find(&head->fields, "Via") != NULL;

    if (!http1_split_credentials(value, &scheme, &rest) ||
        !px_equal_nocase(scheme, PX_LITERAL("Digest")) ||
        !read_params(&c, rest) || !c.is_present[NONCE])
        return;
    n = find_nonce(&c);
    judge_quoting(&c);
    judge_uri(&c, head);
    judge_qop(&c, n);
    judge_count(&c, n);
    judge_returned(&c, n);
}
