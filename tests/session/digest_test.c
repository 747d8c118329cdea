#include "digest.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "rows.h"

/* The example of RFC 7616 section 3.9.1. */
#define REALM  "http-auth@example.org"
#define NONCE  "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
#define CNONCE "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
#define URI    "/dir/index.html"
#define MD5    "8ca523f5e9506fed4657c9700eebdbec"
#define SHA256                                                                 \
    "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"

enum { LIFE_MS = 1000, NOW_MS = 5000 };

static bool password_of(const void *ctx, struct px_bytes user,
                        struct px_bytes *password)
{
    (void)ctx;
    *password = PX_LITERAL("Circle of Life");
    return px_equal(user, PX_LITERAL("Mufasa")) ||
           px_equal(user, PX_LITERAL("M\"fa\\sa")) ||
           px_equal(user, PX_LITERAL("J\xc3\xa4s"));
}

static struct digest_memory memory;

static const struct digest_config config = {
    .algorithms = 1u << DIGEST_MD5 | 1u << DIGEST_SHA256,
    .hash = hash_octets,
    .password = password_of,
    .key = {(const uint8_t *)"a key", 5},
    .opaque = {(const uint8_t *)"opaque", 6},
    .memory = &memory,
    .nonce_life_ms = LIFE_MS,
};

static struct px_bytes text_of(const char *text)
{
    return px_bytes_of(text, strlen(text));
}

static enum digest_verdict judge(const struct digest_config *cfg,
                                 const char *params, const char *target,
                                 uint64_t now_ms)
{
    const struct http1_request_line line = {.method = PX_LITERAL("GET"),
                                            .target = text_of(target)};
    size_t len = strlen(params);
    uint8_t *copy = copy_exact(text_of(params), len);
    enum digest_verdict verdict = digest_judge(cfg, PX_LITERAL(REALM), &line,
                                               px_bytes_of(copy, len), now_ms);

    free(copy);
    return verdict;
}

#define USER      "username=\"Mufasa\","
#define PLACE     "realm=\"" REALM "\",uri=\"" URI "\","
#define FRESH     "nonce=\"" NONCE "\",cnonce=\"" CNONCE "\",qop=auth,"
#define FIRST     "nc=00000001,"
#define ANSWERS   "response=\"" MD5 "\""
#define RIGHT_MD5 USER PLACE FRESH FIRST ANSWERS
#define REST      PLACE FRESH FIRST ANSWERS

/* All that is right is stale here: the example's nonce is none of ours. */
struct judge_row {
    const char *name;
    const char *params;
    const char *target;
    enum digest_verdict verdict;
};

static const struct judge_row rows[] = {
    {"the example with MD5", RIGHT_MD5 ",algorithm=MD5", URI, DIGEST_STALE},
    {"MD5 is the default", RIGHT_MD5, URI, DIGEST_STALE},
    {"the example with SHA-256",
     USER PLACE FRESH FIRST "algorithm=SHA-256,response=\"" SHA256 "\"", URI,
     DIGEST_STALE},
    {"names and algorithm in any case",
     "UserName=\"Mufasa\"," REST ",ALGORITHM=md5", URI, DIGEST_STALE},
    {"forms that senders do not use",
     "username=Mufasa , " PLACE "nonce=\"" NONCE "\",cnonce=\"" CNONCE
     "\",qop=\"auth\",nc = \"00000001\",response=" MD5 ",algorithm=\"MD5\"",
     URI, DIGEST_STALE},
    {"unknown parameters", RIGHT_MD5 ",foo=\"bar\",foo=x", URI, DIGEST_STALE},
    {"the opaque that was given", RIGHT_MD5 ",opaque=\"opaque\"", URI,
     DIGEST_STALE},
    {"another opaque", RIGHT_MD5 ",opaque=\"other\"", URI, DIGEST_WRONG},
    {"an absolute target", RIGHT_MD5, "http://example.org" URI, DIGEST_STALE},
    {"another target", RIGHT_MD5, "/dir/", DIGEST_MALFORMED},
    {"another absolute target", RIGHT_MD5, "http://example.org/",
     DIGEST_MALFORMED},
    {"a path in a path", RIGHT_MD5, "/a?b=http://c" URI, DIGEST_MALFORMED},
    {"another user", "username=\"mufasa\"," REST, URI, DIGEST_WRONG},
    {"no user", "username=\"\"," REST, URI, DIGEST_WRONG},
    {"another response",
     USER PLACE FRESH FIRST "response=\"9ca523f5e9506fed4657c9700eebdbec\"",
     URI, DIGEST_WRONG},
    {"half a response", USER PLACE FRESH FIRST "response=\"8ca523f5e9506fed\"",
     URI, DIGEST_WRONG},
    {"an empty response", USER PLACE FRESH FIRST "response=\"\"", URI,
     DIGEST_WRONG},
    {"another count", USER PLACE FRESH "nc=00000002," ANSWERS, URI,
     DIGEST_WRONG},
    {"another algorithm", RIGHT_MD5 ",algorithm=SHA-256", URI, DIGEST_WRONG},
    {"an unknown algorithm", RIGHT_MD5 ",algorithm=MD5-sess", URI,
     DIGEST_WRONG},
    {"another realm",
     USER "realm=\"example\",uri=\"" URI "\"," FRESH FIRST ANSWERS, URI,
     DIGEST_WRONG},
    {"no username", REST, URI, DIGEST_MALFORMED},
    {"no realm", USER "uri=\"" URI "\"," FRESH FIRST ANSWERS, URI,
     DIGEST_MALFORMED},
    {"no uri", USER "realm=\"" REALM "\"," FRESH FIRST ANSWERS, URI,
     DIGEST_MALFORMED},
    {"no nonce", USER PLACE "cnonce=\"x\",qop=auth," FIRST ANSWERS, URI,
     DIGEST_MALFORMED},
    {"no cnonce", USER PLACE "nonce=\"" NONCE "\",qop=auth," FIRST ANSWERS, URI,
     DIGEST_MALFORMED},
    {"no qop",
     USER PLACE "nonce=\"" NONCE "\",cnonce=\"" CNONCE "\"," FIRST ANSWERS, URI,
     DIGEST_MALFORMED},
    {"an unknown qop",
     USER PLACE "nonce=\"" NONCE "\",cnonce=\"" CNONCE
                "\",qop=auth-int," FIRST ANSWERS,
     URI, DIGEST_MALFORMED},
    {"no count", USER PLACE FRESH ANSWERS, URI, DIGEST_MALFORMED},
    {"count 0", USER PLACE FRESH "nc=00000000," ANSWERS, URI, DIGEST_MALFORMED},
    {"a short count", USER PLACE FRESH "nc=1," ANSWERS, URI, DIGEST_MALFORMED},
    {"a count of nine digits", USER PLACE FRESH "nc=000000001," ANSWERS, URI,
     DIGEST_MALFORMED},
    {"a count that is none", USER PLACE FRESH "nc=0000000x," ANSWERS, URI,
     DIGEST_MALFORMED},
    {"no response", USER PLACE FRESH "nc=00000001", URI, DIGEST_MALFORMED},
    {"a parameter twice", RIGHT_MD5 ",qop=auth", URI, DIGEST_MALFORMED},
    {"the same in another case", RIGHT_MD5 ",Nonce=\"" NONCE "\"", URI,
     DIGEST_MALFORMED},
    {"nothing", "", URI, DIGEST_MALFORMED},
    {"a token68", "dTpw", URI, DIGEST_MALFORMED},
    {"a quote that does not end", RIGHT_MD5 ",foo=\"bar", URI,
     DIGEST_MALFORMED},
    {"no commas", "username=\"Mufasa\" " REST, URI, DIGEST_MALFORMED},
    {"two usernames", "username*=UTF-8''Mufasa," RIGHT_MD5, URI,
     DIGEST_MALFORMED},
    {"an extended username", "username*=UTF-8''M%75fasa," REST, URI,
     DIGEST_STALE},
    {"an extended username in another charset",
     "username*=ISO-8859-1''Mufasa," REST, URI, DIGEST_MALFORMED},
    {"an extended username that is cut", "username*=UTF-8''Mufas%6," REST, URI,
     DIGEST_MALFORMED},
};

static void check_row(void **state)
{
    const struct judge_row *row = *state;

    memset(&memory, 0, sizeof(memory));
    assert_int_equal(judge(&config, row->params, row->target, NOW_MS),
                     row->verdict);
}

/* Hashes with colons between the parts, in hex: the test's own client. */
static void hash_hex(const char *a, const char *b, const char *c,
                     char out[2 * DIGEST_HASH_MAX + 1])
{
    const struct px_bytes parts[] = {text_of(a), PX_LITERAL(":"), text_of(b),
                                     PX_LITERAL(":"), text_of(c)};
    uint8_t hash[DIGEST_HASH_MAX];

    assert_true(hash_octets(DIGEST_MD5, parts, *c ? 5 : 3, hash));
    for (size_t i = 0; i < 16; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", hash[i]);
}

/* Credentials of a user, as written and as hashed, for this nonce and count. */
static const char *credentials(const char *written, const char *user,
                               const char *nonce, unsigned nc)
{
    static char text[1024];
    char a1[80], a2[80], middle[200], response[80];

    hash_hex(user, REALM, "Circle of Life", a1);
    hash_hex("GET", URI, "", a2);
    (void)snprintf(middle, sizeof(middle), "%s:%08x:c:auth", nonce, nc);
    hash_hex(a1, middle, a2, response);
    (void)snprintf(text, sizeof(text),
                   "username=\"%s\"," PLACE
                   "nonce=\"%s\",cnonce=\"c\",qop=auth,nc=%08x,response=\"%s\"",
                   written, nonce, nc, response);
    return text;
}

/* The nonce of a fresh challenge. */
static void new_nonce(uint64_t now_ms, char out[DIGEST_NONCE_LEN + 1])
{
    uint8_t text[512];
    struct px_writer w = px_writer_over(text, sizeof(text));
    const char *at;

    assert_true(digest_put_challenge(&config, DIGEST_MD5, PX_LITERAL(REALM),
                                     DIGEST_WRONG, now_ms, &w));
    px_put_u8(&w, 0);
    at = strstr((const char *)text, "nonce=\"");
    assert_non_null(at);
    memcpy(out, at + 7, DIGEST_NONCE_LEN);
    out[DIGEST_NONCE_LEN] = '\0';
}

static enum digest_verdict use(const char *nonce, unsigned nc, uint64_t now_ms)
{
    return judge(&config, credentials("Mufasa", "Mufasa", nonce, nc), URI,
                 now_ms);
}

static void a_count_counts_once(void **state)
{
    static const struct {
        unsigned nc;
        enum digest_verdict verdict;
    } uses[] = {
        {1, DIGEST_RIGHT},   {1, DIGEST_STALE},   {3, DIGEST_RIGHT},
        {2, DIGEST_RIGHT},   {2, DIGEST_STALE},   {3, DIGEST_STALE},
        {200, DIGEST_RIGHT}, {4, DIGEST_STALE},   {137, DIGEST_RIGHT},
        {136, DIGEST_STALE}, {137, DIGEST_STALE}, {0xffffffff, DIGEST_RIGHT},
        {201, DIGEST_STALE},
    };
    char nonce[DIGEST_NONCE_LEN + 1];

    (void)state;
    memset(&memory, 0, sizeof(memory));
    new_nonce(NOW_MS, nonce);
    for (size_t i = 0; i < LENGTH(uses); i++)
        assert_int_equal(use(nonce, uses[i].nc, NOW_MS), uses[i].verdict);
}

static void a_nonce_ages(void **state)
{
    char nonce[DIGEST_NONCE_LEN + 1];

    (void)state;
    memset(&memory, 0, sizeof(memory));
    new_nonce(NOW_MS, nonce);
    assert_int_equal(use(nonce, 1, NOW_MS + LIFE_MS), DIGEST_RIGHT);
    assert_int_equal(use(nonce, 2, NOW_MS + LIFE_MS + 1), DIGEST_STALE);
}

static void nonces_differ_and_cannot_be_made_up(void **state)
{
    char nonce[DIGEST_NONCE_LEN + 1], other[DIGEST_NONCE_LEN + 1];

    (void)state;
    memset(&memory, 0, sizeof(memory));
    new_nonce(NOW_MS, nonce);
    new_nonce(NOW_MS, other);
    assert_string_not_equal(nonce, other);
    for (size_t i = 0; i < DIGEST_NONCE_LEN; i++) {
        memcpy(other, nonce, sizeof(other));
        other[i] = other[i] == '7' ? '8' : '7';
        assert_int_equal(use(other, 1, NOW_MS), DIGEST_STALE);
    }
    assert_int_equal(use(nonce, 1, NOW_MS), DIGEST_RIGHT);
}

/* A nonce that had to make room is not taken for a new one. */
static void what_is_forgotten_stays_stale(void **state)
{
    char first[DIGEST_NONCE_LEN + 1], unused[DIGEST_NONCE_LEN + 1];
    char nonce[DIGEST_NONCE_LEN + 1];

    (void)state;
    memset(&memory, 0, sizeof(memory));
    new_nonce(NOW_MS, unused);
    new_nonce(NOW_MS, first);
    assert_int_equal(use(first, 1, NOW_MS), DIGEST_RIGHT);
    for (int i = 0; i < DIGEST_NONCES_MAX - 1; i++) {
        new_nonce(NOW_MS, nonce);
        assert_int_equal(use(nonce, 1, NOW_MS), DIGEST_RIGHT);
    }
    assert_int_equal(use(first, 2, NOW_MS), DIGEST_RIGHT);
    new_nonce(NOW_MS, nonce);
    assert_int_equal(use(nonce, 1, NOW_MS), DIGEST_RIGHT);
    assert_int_equal(use(first, 3, NOW_MS), DIGEST_STALE);
    assert_int_equal(use(first, 1, NOW_MS), DIGEST_STALE);
    assert_int_equal(use(unused, 1, NOW_MS), DIGEST_STALE);
    assert_int_equal(use(nonce, 2, NOW_MS), DIGEST_RIGHT);
}

static void pairs_in_a_username_stand_for_one_octet(void **state)
{
    char nonce[DIGEST_NONCE_LEN + 1];

    (void)state;
    memset(&memory, 0, sizeof(memory));
    new_nonce(NOW_MS, nonce);
    assert_int_equal(
        judge(&config, credentials("M\\\"f\\a\\\\sa", "M\"fa\\sa", nonce, 1),
              URI, NOW_MS),
        DIGEST_RIGHT);
    assert_int_equal(judge(&config,
                           credentials("J\xc3\xa4s", "J\xc3\xa4s", nonce, 2),
                           URI, NOW_MS),
                     DIGEST_RIGHT);
}

static bool broken_hash(enum digest_algorithm algorithm,
                        const struct px_bytes *parts, size_t count,
                        uint8_t out[DIGEST_HASH_MAX])
{
    (void)algorithm;
    (void)parts;
    (void)count;
    (void)out;
    return false;
}

static void without_a_hash_nobody_gets_in(void **state)
{
    struct digest_config broken = config;
    uint8_t text[512];
    struct px_writer w = px_writer_over(text, sizeof(text));
    char nonce[DIGEST_NONCE_LEN + 1];

    (void)state;
    memset(&memory, 0, sizeof(memory));
    new_nonce(NOW_MS, nonce);
    broken.hash = broken_hash;
    assert_int_equal(
        judge(&broken, credentials("Mufasa", "Mufasa", nonce, 1), URI, NOW_MS),
        DIGEST_WRONG);
    assert_false(digest_put_challenge(&broken, DIGEST_MD5, PX_LITERAL(REALM),
                                      DIGEST_WRONG, NOW_MS, &w));
}

static void only_what_is_offered_is_taken(void **state)
{
    struct digest_config cfg = config;

    (void)state;
    memset(&memory, 0, sizeof(memory));
    cfg.algorithms = 1u << DIGEST_SHA256;
    assert_int_equal(judge(&cfg, RIGHT_MD5, URI, NOW_MS), DIGEST_WRONG);
    cfg.algorithms = 1u << DIGEST_MD5;
    assert_int_equal(judge(&cfg, RIGHT_MD5, URI, NOW_MS), DIGEST_STALE);
}

static void the_challenge_is_as_rfc_7616_has_it(void **state)
{
    static const char begin[] = "Digest realm=\"a\\\"b\", nonce=\"";
    static const char end[] = "\", opaque=\"opaque\", qop=\"auth\", "
                              "algorithm=SHA-256, charset=UTF-8, stale=true";
    uint8_t text[512];
    struct px_writer w = px_writer_over(text, sizeof(text));

    (void)state;
    memset(&memory, 0, sizeof(memory));
    assert_true(digest_put_challenge(&config, DIGEST_SHA256, PX_LITERAL("a\"b"),
                                     DIGEST_STALE, NOW_MS, &w));
    assert_int_equal(w.len,
                     sizeof(begin) - 1 + DIGEST_NONCE_LEN + sizeof(end) - 1);
    assert_memory_equal(text, begin, sizeof(begin) - 1);
    assert_memory_equal(text + sizeof(begin) - 1 + DIGEST_NONCE_LEN, end,
                        sizeof(end) - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_count_counts_once),
        cmocka_unit_test(a_nonce_ages),
        cmocka_unit_test(nonces_differ_and_cannot_be_made_up),
        cmocka_unit_test(what_is_forgotten_stays_stale),
        cmocka_unit_test(pairs_in_a_username_stand_for_one_octet),
        cmocka_unit_test(without_a_hash_nobody_gets_in),
        cmocka_unit_test(only_what_is_offered_is_taken),
        cmocka_unit_test(the_challenge_is_as_rfc_7616_has_it),
    };

    return RUN_ROWS(rows, check_row) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
