/* Rules about what nobody is connected to, and the ways around them. */

#include "access.h"

#include <string.h>

#include "http1.h"
#include "http1_target.h"
#include "rows.h"

/* What is no rule, and why; a rule's why is NULL. */
struct parse_row {
    const char *name;
    const char *why;
};

static const struct parse_row parse_rows[] = {
    {"*", NULL},
    {"example.com", NULL},
    {"example.com:80", NULL},
    {"example.com:*/a", NULL},
    {"example.com:65535/", NULL},
    {"[::1]", NULL},
    {"[::1]:25/a*", NULL},
    {"192.0.2.1", NULL},
    {"192.0.2.1:80/24", NULL},
    {"GET *.example.com/*.zip", NULL},
    {"* *", NULL},
    {"udp *:53", NULL},
    {"", "it names no host"},
    {":80", "it names no host"},
    {"/a", "it names no host"},
    {"GET ", "it names no host"},
    {" a", "what is before the space is no method"},
    {"G/T a", "what is before the space is no method"},
    {"GET  a", "its host is no name, IPv4 or [IPv6] address"},
    {"GET a b", "its host is no name, IPv4 or [IPv6] address"},
    {"[::1", "its host is no name, IPv4 or [IPv6] address"},
    {"[::g]", "its host is no name, IPv4 or [IPv6] address"},
    {"a%41", "its host is no name, IPv4 or [IPv6] address"},
    {"u@a", "its host is no name, IPv4 or [IPv6] address"},
    {"127.*", "its host is no whole address"},
    {"127.1", "its host is no whole address"},
    {"2130706433", "its host is no whole address"},
    {"a:", "its port is no number from 1 to 65535 and no \"*\""},
    {"a:0", "its port is no number from 1 to 65535 and no \"*\""},
    {"a:65536", "its port is no number from 1 to 65535 and no \"*\""},
    {"a:4294967297", "its port is no number from 1 to 65535 and no \"*\""},
    {"a:8*", "its port is no number from 1 to 65535 and no \"*\""},
    {"http://a/", "its port is no number from 1 to 65535 and no \"*\""},
    {"::1", "it names no host"},
    {"[::1]x", "what is behind its host is no port and no path"},
    {"192.0.2.0/24", "addresses have no prefix lengths"},
    {"[2001:db8::]/32", "addresses have no prefix lengths"},
    {"a/b?c", "its path holds a space, '?', '#' or '%'"},
    {"a/%41", "its path holds a space, '?', '#' or '%'"},
    {"a/b#c", "its path holds a space, '?', '#' or '%'"},
    {"GET a/b c", "its path holds a space, '?', '#' or '%'"},
    {"CONNECT a/b", "no path is seen inside of a tunnel"},
    {"connect a:80/", "no path is seen inside of a tunnel"},
    {"BIND a/b", "no path is seen inside of a tunnel"},
    {"UDP a/b", "no path is seen inside of a tunnel"},
};

static void check_parse(void **state)
{
    const struct parse_row *row = *state;
    struct px_bytes text = px_bytes_of(row->name, strlen(row->name));
    struct access_rule rule;
    struct px_error err = {0};
    bool is_rule = access_parse(text, &rule, &err);

    assert_int_equal(is_rule, row->why == NULL);
    if (row->why)
        assert_string_equal(err.detail, row->why);
}

static void a_rule_has_a_longest_text(void **state)
{
    uint8_t text[ACCESS_RULE_MAX + 1] = "a/";
    struct access_rule rule;
    struct px_error err;

    (void)state;
    memset(text + 2, 'x', sizeof(text) - 2);
    assert_true(access_parse(px_bytes_of(text, ACCESS_RULE_MAX), &rule, &err));
    assert_int_equal(rule.path.len, ACCESS_RULE_MAX - 1);
    assert_false(access_parse(px_bytes_of(text, sizeof(text)), &rule, &err));
    assert_string_equal(err.detail, "it is too long");
}

/* Whether the rule denies "METHOD target". */
enum verdict {
    ALLOWED,
    DENIED,
    OPEN, /* it depends on the name's addresses */
};

struct request_row {
    const char *name; /* the request */
    const char *rule;
    enum verdict verdict;
    unsigned lapses;
};

static const struct request_row request_rows[] = {
    /* Methods. */
    {"GET http://a/", "GET a", DENIED, 0},
    {"POST http://a/", "GET a", ALLOWED, 0},
    {"get http://a/", "GET a", DENIED, 0},
    {"GET http://a/x", "get a", DENIED, 0},
    {"POST http://a/", "a", DENIED, 0},
    {"POST http://a/", "* a", DENIED, 0},
    {"CONNECT a:443", "a", DENIED, 0},
    {"CONNECT a:443", "CONNECT a", DENIED, 0},
    {"CONNECT a:443", "GET a", ALLOWED, 0},
    {"UDP a:53", "UDP *", DENIED, 0},
    {"CONNECT a:53", "UDP *", ALLOWED, 0},
    {"GETX http://a/", "GET a", ALLOWED, 0},

    /* Names. */
    {"CONNECT b:443", "a", ALLOWED, 0},
    {"CONNECT EXAMPLE.com:443", "example.COM", DENIED, 0},
    {"CONNECT EXAMPLE.com:443", "example.com", ALLOWED, ACCESS_LAPSE_CASE},
    {"CONNECT example.com.:443", "example.com", DENIED, 0},
    {"CONNECT example.com.:443", "example.com", ALLOWED, ACCESS_LAPSE_DOT},
    {"CONNECT example.com:443", "example.com.", DENIED, 0},
    {"CONNECT www.example.com:443", "example.com", ALLOWED, 0},
    {"CONNECT www.example.com:443", "*.example.com", DENIED, 0},
    {"CONNECT a.b.example.com.:443", "*.Example.com", DENIED, 0},
    {"CONNECT example.com:443", "*.example.com", ALLOWED, 0},
    {"CONNECT notexample.com:443", "*.example.com", ALLOWED, 0},
    {"CONNECT example.com.evil:443", "*.example.com", ALLOWED, 0},
    {"CONNECT example.comx:443", "example.com", ALLOWED, 0},
    {"CONNECT xaxbxc:1", "*a*b*c", DENIED, 0},
    {"CONNECT xaxbxcd:1", "*a*b*c", ALLOWED, 0},
    {"CONNECT abcbc:1", "a*bc", DENIED, 0},
    {"GET http://a/", "*", DENIED, 0},
    {"CONNECT 192.0.2.1:1", "*", DENIED, 0},
    {"CONNECT [::1]:1", "*", DENIED, 0},

    /* Addresses. */
    {"CONNECT 192.0.2.1:1", "192.0.2.1", DENIED, 0},
    {"CONNECT 192.0.2.2:1", "192.0.2.1", ALLOWED, 0},
    {"CONNECT [::ffff:192.0.2.1]:1", "192.0.2.1", DENIED, 0},
    {"CONNECT [::ffff:c000:201]:1", "192.0.2.1", DENIED, 0},
    {"CONNECT 192.0.2.1:1", "[::ffff:192.0.2.1]", DENIED, 0},
    {"CONNECT [2001:db8:0:0::1]:1", "[2001:DB8::1]", DENIED, 0},
    {"CONNECT [2001:db8::2]:1", "[2001:db8::1]", ALLOWED, 0},
    {"CONNECT [::c000:201]:1", "192.0.2.1", ALLOWED, 0},
    {"CONNECT 0.0.0.0:1", "127.0.0.1", DENIED, 0},
    {"CONNECT [::]:1", "[::1]", DENIED, 0},
    {"CONNECT [::ffff:0.0.0.0]:1", "127.0.0.1", DENIED, 0},
    {"CONNECT 127.0.0.1:1", "0.0.0.0", DENIED, 0},
    {"CONNECT [::]:1", "127.0.0.1", ALLOWED, 0},
    {"CONNECT a:1", "192.0.2.1", OPEN, 0},
    {"CONNECT 0xc0000201:1", "192.0.2.1", OPEN, 0},
    {"CONNECT a:2", "192.0.2.1:1", ALLOWED, 0},
    {"GET http://a/b", "192.0.2.1/b", OPEN, 0},
    {"GET http://a/c", "192.0.2.1/b", ALLOWED, 0},
    {"CONNECT a:80", "192.0.2.1/b", ALLOWED, 0},

    /* Ports. */
    {"CONNECT a:25", "*:25", DENIED, 0},
    {"CONNECT a:26", "*:25", ALLOWED, 0},
    {"CONNECT a:26", "a:*", DENIED, 0},
    {"GET http://a/", "a:80", DENIED, 0},
    {"GET http://a/", "a:80", ALLOWED, ACCESS_LAPSE_PORT},
    {"GET http://a:/", "a:80", DENIED, 0},
    {"GET http://a:080/", "a:80", DENIED, 0},
    {"GET http://a:81/", "a:80", ALLOWED, 0},
    {"GET http://[::1]/", "[::1]:80", DENIED, 0},
    {"GET http://u:80@a:81/", "a:81", DENIED, 0},
    {"GET http://b@a/", "a", DENIED, 0},
    {"GET http://a@b/", "a", ALLOWED, 0},

    /* Paths. */
    {"GET http://a/secret", "a/secret", DENIED, 0},
    {"GET http://a/public", "a/secret", ALLOWED, 0},
    {"GET http://b/secret", "a/secret", ALLOWED, 0},
    {"GET http://a/secret/b", "a/secret", DENIED, 0},
    {"GET http://a/secret/", "a/secret", DENIED, 0},
    {"GET http://a/secrets", "a/secret", ALLOWED, 0},
    {"GET http://a/secrets", "a/secret*", DENIED, 0},
    {"GET http://a/x/secret", "a/secret", ALLOWED, 0},
    {"GET http://a/x/secret", "a/*/secret", DENIED, 0},
    {"GET http://a/secret", "a/secret/", ALLOWED, 0},
    {"GET http://a/secret/x", "a/secret/", DENIED, 0},
    {"GET http://a/f.zip/x", "a/*.zip", DENIED, 0},
    {"GET http://a/f.zip.gz", "a/*.zip", ALLOWED, 0},
    {"GET http://a/secret?x", "a/secret", DENIED, 0},
    {"GET http://a/public?/secret", "a/*secret", ALLOWED, 0},
    {"GET http://a/Secret", "a/secret", ALLOWED, 0},
    {"GET http://a", "a/", DENIED, 0},
    {"GET http://a?x", "a/", DENIED, 0},
    {"GET http://a/x", "a/", DENIED, 0},
    {"OPTIONS http://a", "a/", DENIED, 0},
    {"CONNECT a:80", "a/", ALLOWED, 0},
    {"CONNECT a:80", "a/*", ALLOWED, 0},
    {"UDP a:80", "a/", ALLOWED, 0},
    {"GET http://a/%73ecret", "a/secret", DENIED, 0},
    {"GET http://a/%73ecret", "a/secret", ALLOWED, ACCESS_LAPSE_READING},
    {"GET http://a/secre%74?x", "a/secret", DENIED, 0},
    {"GET http://a/%2573ecret", "a/secret", ALLOWED, 0},
    {"GET http://a/./secret", "a/secret", DENIED, 0},
    {"GET http://a/./secret", "a/secret", ALLOWED, ACCESS_LAPSE_READING},
    {"GET http://a/x/../secret", "a/secret", DENIED, 0},
    {"GET http://a/../../secret", "a/secret", DENIED, 0},
    {"GET http://a/x/%2e%2E/secret", "a/secret", DENIED, 0},
    {"GET http://a/%2e/secret", "a/secret", DENIED, 0},
    {"GET http://a/secret/x/..", "a/secret/", DENIED, 0},
    {"GET http://a/secret/.", "a/secret/", DENIED, 0},
    {"GET http://a/secret/..", "a/secret", ALLOWED, 0},
    {"GET http://a/secret/../public", "a/secret", ALLOWED, 0},
    {"GET http://a/...", "a/", DENIED, 0},
    {"GET http://a/.../secret", "a/secret", ALLOWED, 0},
    {"GET http://a//secret", "a/secret", DENIED, 0},
    {"GET http://a///x//..//secret", "a/secret", DENIED, 0},
    {"GET http://a/x//../secret", "a/x/secret", DENIED, 0},
    {"GET http://a/x//../secret", "a/secret", DENIED, 0},
    {"GET http://a/%2Fsecret", "a/secret", DENIED, 0},
    {"GET http://a/x%2F..%2Fsecret", "a/secret", DENIED, 0},
    {"GET http://a/x%5C..%5csecret", "a/secret", DENIED, 0},
    {"GET http://a/secret%2Fx", "a/secret", DENIED, 0},
    {"GET http://a/secret/x%2F..%2F..%2Fpublic", "a/secret", DENIED, 0},
    {"GET http://a/public/x%2F..%2F..%2Fsecret", "a/secret", DENIED, 0},
    {"GET http://a/;x/secret", "a/secret", DENIED, 0},
    {"GET http://a/y;x/..;z/secret", "a/secret", DENIED, 0},
    {"GET http://a/secret;x=1", "a/secret", DENIED, 0},
    {"GET http://a/secret;x=1/y", "a/secret/y", DENIED, 0},
    {"GET http://a/secret%00.html", "a/secret", DENIED, 0},
    {"GET http://a/%00secret", "a/secret", ALLOWED, 0},
    {"GET http://a/public;/secret", "a/secret", ALLOWED, 0},
    {"BREW http://a/b", "BREW *:80/b", DENIED, 0},
};

static struct px_bytes text_of(const char *text)
{
    return px_bytes_of(text, strlen(text));
}

static struct access_request request_of(const struct request_row *row)
{
    size_t space = (size_t)(strchr(row->name, ' ') - row->name);
    struct access_request request = {
        .method = px_bytes_of(row->name, space),
        .default_port = HTTP1_PORT,
        .lapses = row->lapses,
    };
    struct px_bytes rest = text_of(row->name + space + 1);
    struct http1_target target;
    struct px_error err;

    assert_true(http1_parse_target(rest, &target, &err));
    request.target = target.endpoint;
    request.has_path = target.form == HTTP1_TARGET_ABSOLUTE;
    request.path = target.path;
    return request;
}

static void check_request(void **state)
{
    const struct request_row *row = *state;
    const struct access_request request = request_of(row);
    struct access_rules rules = {.count = 1};
    struct px_error err;
    access_set open;
    bool is_denied;

    assert_true(access_parse(text_of(row->rule), &rules.at[0], &err));
    is_denied = access_denies(&rules, &request, &open);
    assert_int_equal(is_denied, row->verdict == DENIED);
    if (!is_denied)
        assert_int_equal(open, row->verdict == OPEN ? 1 : 0);
}

/* The last of as many rules as there can be, by name and by address. */
static void every_rule_is_looked_at(void **state)
{
    static const struct request_row by_address = {.name = "GET http://b/"};
    static const struct request_row by_name = {.name = "GET http://a/"};
    const struct px_address addr = {.kind = PX_ADDRESS_IPV4,
                                    .ip = {192, 0, 2, 1}};
    const struct px_address other = {.kind = PX_ADDRESS_IPV4,
                                     .ip = {192, 0, 2, 2}};
    struct access_request request = request_of(&by_address);
    struct access_rules rules = {.count = ACCESS_RULES_MAX};
    struct px_error err;
    access_set open;

    (void)state;
    for (size_t i = 0; i < ACCESS_RULES_MAX; i++)
        assert_true(access_parse(PX_LITERAL("c"), &rules.at[i], &err));
    rules.at[0].host = other;
    rules.at[ACCESS_RULES_MAX - 1].host = addr;
    assert_false(access_denies(&rules, &request, &open));
    assert_true(open == (1 | (access_set)1 << (ACCESS_RULES_MAX - 1)));
    assert_true(access_denies_address(&rules, open, &addr));
    assert_true(access_denies_address(&rules, open, &other));
    assert_false(access_denies_address(&rules, 1, &addr));
    assert_false(access_denies_address(&rules, 0, &other));

    assert_true(
        access_parse(PX_LITERAL("a"), &rules.at[ACCESS_RULES_MAX - 1], &err));
    request = request_of(&by_name);
    assert_true(access_denies(&rules, &request, &open));
}

/* Longer than any request-line: what is not read is not let through. */
static void an_endless_path_is_denied(void **state)
{
    static uint8_t path[16384 + 2];
    struct access_rules rules = {.count = 1};
    struct access_request request = {
        .method = PX_LITERAL("GET"),
        .target = {.addr = {.kind = PX_ADDRESS_NAME, .name = BYTES("a")}},
        .has_path = true,
    };
    struct px_writer end = px_writer_over(path + 16384 - 6, 6);
    struct px_error err;
    access_set open;

    (void)state;
    memset(path, '/', sizeof(path));
    assert_true(access_parse(PX_LITERAL("a/secret"), &rules.at[0], &err));
    request.path = px_bytes_of(path, 16384);
    assert_false(access_denies(&rules, &request, &open));
    px_put_text(&end, "secret");
    assert_true(access_denies(&rules, &request, &open));
    request.path = px_bytes_of(path, 16385);
    assert_true(access_denies(&rules, &request, &open));
    request.target.addr.name = PX_LITERAL("b");
    assert_false(access_denies(&rules, &request, &open));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_has_a_longest_text),
        cmocka_unit_test(every_rule_is_looked_at),
        cmocka_unit_test(an_endless_path_is_denied),
    };

    return RUN_ROWS(parse_rows, check_parse) +
           RUN_ROWS(request_rows, check_request) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
