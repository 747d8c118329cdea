#include "forward_auth.h"

#include <stdio.h>
#include <string.h>

#include "fuzz.h"

#define USER     "user"
#define PASSWORD "pass"
#define BASIC    "Basic dXNlcjpwYXNz"
#define REALM    "fuzz"

enum { LIFE_MS = 10 * 1000 * 1000 };

/* Nonces 0 and 1 are good. */
enum { GOOD_NONCES = 2, OLD_NONCE = 2, FORGED_NONCE };

/* FNV-1a, spread over as many octets as are wanted: no secret is kept here. */
static bool hash(enum digest_algorithm algorithm, const struct px_bytes *parts,
                 size_t count, uint8_t out[DIGEST_HASH_MAX])
{
    uint64_t value = 14695981039346656037u + (unsigned)algorithm;

    for (size_t i = 0; i < count; i++)
        for (size_t at = 0; at < parts[i].len; at++)
            value = (value ^ parts[i].data[at]) * 1099511628211u;
    for (size_t i = 0; i < DIGEST_HASH_MAX; i++) {
        value = (value ^ (value >> 29)) * 1099511628211u;
        out[i] = (uint8_t)(value >> 24);
    }
    return true;
}

static bool find_password(const void *ctx, struct px_bytes user,
                          struct px_bytes *password)
{
    (void)ctx;
    *password = PX_LITERAL(PASSWORD);
    return px_equal(user, PX_LITERAL(USER));
}

static bool verify(const void *ctx, struct px_bytes user,
                   struct px_bytes password)
{
    (void)ctx;
    return px_equal(user, PX_LITERAL(USER)) &&
           px_equal(password, PX_LITERAL(PASSWORD));
}

static void issue_nonce(struct forward_auth *a, unsigned i, uint64_t at_ms)
{
    uint8_t octets[512] = "";
    struct px_writer out = px_writer_over(octets, sizeof(octets) - 1);
    const char *nonce;

    FUZZ_REQUIRE(digest_put_challenge(&a->digest, DIGEST_MD5, PX_LITERAL(REALM),
                                      DIGEST_WRONG, at_ms, &out),
                 "a challenge");
    nonce = strstr((const char *)octets, "nonce=\"");
    FUZZ_REQUIRE(nonce, "a challenge has a nonce");
    memcpy(a->nonce[i], nonce + 7, DIGEST_NONCE_LEN);
    a->nonce[i][DIGEST_NONCE_LEN] = '\0';
}

void forward_auth_open(struct forward_auth *a, unsigned how,
                       struct session_config *cfg, uint64_t start_ms)
{
    static struct digest_memory memory;

    memset(&memory, 0, sizeof(memory));
    *a = (struct forward_auth){
        .is_asked = true,
        .digest = {.algorithms = 1 << DIGEST_MD5 | 1 << DIGEST_SHA256,
                   .hash = hash,
                   .password = find_password,
                   .key = PX_LITERAL("key"),
                   .memory = &memory,
                   .nonce_life_ms = LIFE_MS}};
    for (unsigned i = 0; i < FORWARD_NONCES; i++)
        issue_nonce(a, i, i == OLD_NONCE ? start_ms - LIFE_MS - 1 : start_ms);
    a->nonce[FORGED_NONCE][DIGEST_NONCE_LEN - 1] ^= 1;
    cfg->verify = verify;
    cfg->realm = REALM;
    cfg->digest = how & 3u ? &a->digest : NULL;
    cfg->has_no_basic = how & 2u;
}

/* Method and target of the last request line; of none it is GET. */
static void find_request(struct px_bytes in, struct px_bytes *method,
                         struct px_bytes *target)
{
    const uint8_t *at = in.data, *end = in.data + in.len;

    *method = PX_LITERAL("GET");
    *target = PX_LITERAL("/");
    while (at < end) {
        const uint8_t *lf = memchr(at, '\n', (size_t)(end - at));
        const uint8_t *stop = lf ? lf : end;
        const uint8_t *http =
            memmem(at, (size_t)(stop - at), " HTTP/1.", strlen(" HTTP/1."));
        const uint8_t *space =
            http ? memchr(at, ' ', (size_t)(http - at)) : NULL;

        if (space) {
            *method = px_bytes_of(at, (size_t)(space - at));
            *target = px_bytes_of(space + 1, (size_t)(http - space - 1));
        }
        at = lf ? lf + 1 : end;
    }
}

/* Hexadecimal digits of the hash of parts, with colons between them. */
static void hash_text(enum digest_algorithm algorithm,
                      const struct px_bytes *parts, size_t count,
                      char out[2 * DIGEST_HASH_MAX + 1])
{
    struct px_bytes joined[12];
    uint8_t octets[DIGEST_HASH_MAX];
    size_t len = algorithm == DIGEST_MD5 ? 16 : 32;

    for (size_t i = 0; i < count; i++) {
        joined[2 * i] = PX_LITERAL(":");
        joined[2 * i + 1] = parts[i];
    }
    (void)hash(algorithm, joined + 1, 2 * count - 1, octets);
    for (size_t i = 0; i < len; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", octets[i]);
}

static struct px_bytes text_of(const char *text)
{
    return px_bytes_of(text, strlen(text));
}

/* What Digest credentials tell, in the one form that is written here. */
struct digest_form {
    const char *user;
    unsigned nonce, count;
    enum digest_algorithm algorithm;
    struct px_bytes uri;
};

static void put_form(const struct forward_auth *a,
                     const struct digest_form *form, const char *response,
                     struct px_writer *out)
{
    char count[9];

    (void)snprintf(count, sizeof(count), "%08x", form->count);
    px_put_text(out, "Digest username=\"");
    px_put_text(out, form->user);
    px_put_text(out, "\", realm=\"" REALM "\", nonce=\"");
    px_put_text(out, a->nonce[form->nonce]);
    px_put_text(out, "\", uri=\"");
    px_put_bytes(out, form->uri);
    px_put_text(out, form->algorithm == DIGEST_MD5 ? "\", algorithm=MD5"
                                                   : "\", algorithm=SHA-256");
    px_put_text(out, ", cnonce=\"c\", qop=auth, nc=");
    px_put_text(out, count);
    px_put_text(out, ", response=\"");
    px_put_text(out, response);
    px_put_text(out, "\"");
}

/* RFC 7616 section 3.4.1. */
static void respond(const struct forward_auth *a,
                    const struct digest_form *form, struct px_bytes method,
                    char response[2 * DIGEST_HASH_MAX + 1])
{
    char a1[2 * DIGEST_HASH_MAX + 1], a2[2 * DIGEST_HASH_MAX + 1], count[9];

    (void)snprintf(count, sizeof(count), "%08x", form->count);
    hash_text(form->algorithm,
              (const struct px_bytes[]){text_of(form->user), PX_LITERAL(REALM),
                                        PX_LITERAL(PASSWORD)},
              3, a1);
    hash_text(form->algorithm, (const struct px_bytes[]){method, form->uri}, 2,
              a2);
    hash_text(form->algorithm,
              (const struct px_bytes[]){
                  text_of(a1), text_of(a->nonce[form->nonce]), text_of(count),
                  PX_LITERAL("c"), PX_LITERAL("auth"), text_of(a2)},
              6, response);
}

static void put_digest(const struct forward_auth *a, unsigned flaws,
                       struct px_bytes client, struct px_writer *out)
{
    static const unsigned counts[8] = {1, 2, 3, 64, 65, 66, 130, 0};
    enum { NOTHING, NO_RESPONSE, OTHER_URI, OTHER_USER };
    unsigned wrong = flaws >> 6 & 3;
    struct digest_form form = {.user = wrong == OTHER_USER ? "else" : USER,
                               .nonce = flaws & 3,
                               .count = counts[flaws >> 2 & 7],
                               .algorithm =
                                   flaws & 32 ? DIGEST_SHA256 : DIGEST_MD5};
    char response[2 * DIGEST_HASH_MAX + 1] = "";
    struct px_bytes method;

    find_request(client, &method, &form.uri);
    if (wrong == OTHER_URI)
        form.uri = PX_LITERAL("/other");
    if (wrong != NO_RESPONSE)
        respond(a, &form, method, response);
    put_form(a, &form, response, out);
}

void forward_auth_put(const struct forward_auth *a, unsigned x, unsigned flaws,
                      struct px_bytes client, struct px_writer *out)
{
    px_put_text(out, "Proxy-Authorization: ");
    if (x == 1)
        px_put_text(out, BASIC);
    else if (x == 2)
        px_put_text(out, "Basic dXNlcjpwYXNT");
    else
        put_digest(a, flaws, client, out);
    px_put_text(out, "\r\n");
}

/* Takes what stands behind mark up to a quote, or to a comma. */
static struct px_bytes value_behind(struct px_bytes text, const char *mark)
{
    const uint8_t *at = memmem(text.data, text.len, mark, strlen(mark));
    const uint8_t *end = text.data + text.len;
    size_t len = 0;

    if (!at)
        return (struct px_bytes){0};
    at += strlen(mark);
    while (at + len < end && at[len] != '"' && at[len] != ',')
        len++;
    return px_bytes_of(at, len);
}

/* Reads the form out of a value; false when that is not how it was written. */
static bool read_form(const struct forward_auth *a, struct px_bytes value,
                      struct digest_form *form, char response[65])
{
    struct px_bytes nonce = value_behind(value, "nonce=\"");
    struct px_bytes told = value_behind(value, "response=\"");
    struct px_bytes count = value_behind(value, "nc=");
    uint8_t octets[1024];
    struct px_writer again = px_writer_over(octets, sizeof(octets));
    char text[9] = "";

    *form = (struct digest_form){.user = USER,
                                 .uri = value_behind(value, "uri=\"")};
    if (memmem(value.data, value.len, "SHA-256", 7))
        form->algorithm = DIGEST_SHA256;
    while (form->nonce < FORWARD_NONCES &&
           !px_equal(nonce, text_of(a->nonce[form->nonce])))
        form->nonce++;
    if (form->nonce == FORWARD_NONCES || told.len > 64 || count.len != 8)
        return false;
    memcpy(text, count.data, 8);
    (void)sscanf(text, "%x", &form->count);
    if (told.len)
        memcpy(response, told.data, told.len);
    put_form(a, form, response, &again);
    return px_equal(px_written(&again), value);
}

/* The target, or its path where it is absolute (RFC 7616 section 3.4.6). */
static bool is_uri_of(struct px_bytes uri, struct px_bytes target)
{
    return px_equal(uri, target) ||
           (uri.len && uri.data[0] == '/' && uri.len < target.len &&
            memcmp(target.data + target.len - uri.len, uri.data, uri.len) ==
                0) ||
           (px_equal(uri, PX_LITERAL("/")) && target.len);
}

static const char *digest_refuses(const struct forward_auth *a,
                                  const struct http1_request_line *line,
                                  const struct digest_form *form,
                                  const char *response)
{
    char right[2 * DIGEST_HASH_MAX + 1];

    if (!a->digest.memory || form->nonce >= GOOD_NONCES)
        return "an old or a forged nonce is taken";
    if (!is_uri_of(form->uri, line->target))
        return "credentials of another request are taken";
    respond(a, form, line->method, right);
    if (strcmp(right, response) != 0)
        return "a wrong response is taken";
    for (size_t i = 0; i < a->uses; i++) {
        if (a->used[i].nonce == form->nonce && a->used[i].count == form->count)
            return "a count is taken twice";
    }
    return NULL;
}

const char *forward_auth_refuses(const struct forward_auth *a,
                                 const struct http1_request_head *head)
{
    const struct http1_field *field =
        http1_find(&head->fields, "Proxy-Authorization");
    char response[65] = "";
    struct digest_form form;

    if (!a->is_asked)
        return NULL;
    if (!field || field->value.len <= 6 ||
        http1_count(&head->fields, "Proxy-Authorization") != 1)
        return "a request passes without credentials, or with many";
    if (read_form(a, field->value, &form, response))
        return digest_refuses(a, &head->line, &form, response);
    return px_equal(field->value, PX_LITERAL("Basic dXNlcjpwYXNT"))
               ? "a wrong password is taken"
               : NULL;
}

bool forward_auth_grants(const struct forward_auth *a,
                         const struct http1_request_head *head)
{
    enum { FIRST_COUNTS = 3 };
    const struct http1_field *field =
        http1_find(&head->fields, "Proxy-Authorization");
    char response[65] = "";
    struct digest_form form;

    return !forward_auth_refuses(a, head) &&
           read_form(a, field->value, &form, response) && form.count > 0 &&
           form.count <= FIRST_COUNTS && px_equal(form.uri, head->line.target);
}

void forward_auth_use(struct forward_auth *a,
                      const struct http1_request_head *head)
{
    const struct http1_field *field =
        http1_find(&head->fields, "Proxy-Authorization");
    char response[65] = "";
    struct digest_form form;

    if (!field || a->uses == FORWARD_USES ||
        !read_form(a, field->value, &form, response))
        return;
    a->used[a->uses].nonce = form.nonce;
    a->used[a->uses++].count = form.count;
}
