/*
 * Rules about what is denied (access.h), and requests that they are asked
 * about. An input is lines: rules up to the first empty one, requests behind
 * it, "METHOD HOST[:PORT][/PATH]", of which those that no session would ask
 * about are passed over. A second reading of what a rule is and when it holds
 * is compared where every reader agrees; where paths are odd, what may not
 * matter does not.
 */
#include <string.h>

#include "access.h"
#include "access_words.h"
#include "fuzz.h"

enum { LINE_MAX_LEN = 1500, REQUESTS_MAX = 8, HTTP_PORT = 80 };

/* What a rule is ------------------------------------------------------------*/

enum answer { NO, YES, UNSURE };

static enum answer is_host(struct px_bytes host, struct px_address *ip)
{
    if (host.len == 0)
        return NO;
    if (words_read_ip(host, ip))
        return YES;
    ip->kind = PX_ADDRESS_NAME;
    if (px_equal(host, PX_LITERAL("*")))
        return YES;
    if (words_is_numeric(host, ".*"))
        return NO;
    return words_is_name(host, "-_.*") ? YES : UNSURE;
}

static bool is_word(struct px_bytes text, const char *word)
{
    return words_are_same(text, px_bytes_of(word, strlen(word)));
}

static bool is_tunnel(struct px_bytes method)
{
    return is_word(method, "CONNECT") || is_word(method, "BIND") ||
           is_word(method, "UDP");
}

static bool is_path(const struct words *w, const struct px_address *ip)
{
    unsigned long port = w->has_port && words_is_numeric(w->port, "")
                             ? words_read_port(w->port)
                             : 0;

    if (w->path.len == 0)
        return true;
    if (w->path.data[0] != '/' || is_tunnel(w->method) ||
        (ip->kind != PX_ADDRESS_NAME && port == 0 && w->path.len <= 4 &&
         words_is_numeric(px_bytes_of(w->path.data + 1, w->path.len - 1), "")))
        return false;
    for (size_t i = 0; i < w->path.len; i++) {
        uint8_t c = w->path.data[i];

        if (c <= ' ' || c == 0x7F || c == '?' || c == '#' || c == '%')
            return false;
    }
    return true;
}

static enum answer is_rule(struct px_bytes line, const struct words *w,
                           struct px_address *ip)
{
    enum answer host = is_host(w->host, ip);

    if (line.len > ACCESS_RULE_MAX ||
        (w->has_method && !words_is_made_of(w->method, "!#$%&'*+-.^_`|~")) ||
        host == NO)
        return NO;
    if (w->has_port && !px_equal(w->port, PX_LITERAL("*")) &&
        (!words_is_numeric(w->port, "") || w->port.len > 5 ||
         words_read_port(w->port) < 1 || words_read_port(w->port) > 65535))
        return NO;
    /* A host of other octets may end elsewhere for another reader. */
    return is_path(w, ip) ? host : host == YES ? NO : UNSURE;
}

/* Reads a rule as the session does; false when it is none. */
static bool take_rule(struct px_bytes line, struct access_rule *rule)
{
    struct words w = words_split(line);
    struct px_address ip;
    struct px_error err = {0};
    enum answer expected = is_rule(line, &w, &ip);
    bool is_taken = access_parse(line, rule, &err);

    FUZZ_REQUIRE(expected == UNSURE || is_taken == (expected == YES),
                 "%s is a rule: %d", err.detail, expected == YES);
    if (!is_taken) {
        FUZZ_REQUIRE(err.detail[0], "why it is no rule is told");
        return false;
    }
    FUZZ_REQUIRE(
        rule->port ==
            (w.has_port && w.port.data[0] != '*' ? words_read_port(w.port) : 0),
        "the port is the rule's");
    FUZZ_REQUIRE(px_equal(rule->path, w.path), "the path is the rule's");
    if (px_equal(w.method, PX_LITERAL("*")))
        w.method.len = 0;
    FUZZ_REQUIRE(px_equal(rule->method, w.method), "the method is the rule's");
    FUZZ_REQUIRE(rule->host.kind != PX_ADDRESS_NAME ||
                     fuzz_is_within(rule->host.name, line),
                 "a name is the rule's");
    return true;
}

/* When a rule holds ---------------------------------------------------------*/

/* Whether a pattern describes a whole text, octet by octet from the end. */
static bool describes(struct px_bytes pattern, struct px_bytes text,
                      bool is_case_ignored)
{
    static bool is_from[LINE_MAX_LEN + 1]; /* [t]: the pattern left, text[t…] */

    memset(is_from, 0, text.len + 1);
    is_from[text.len] = true;
    for (size_t p = pattern.len; p-- > 0;) {
        if (pattern.data[p] == '*') {
            for (size_t t = text.len; t-- > 0;)
                is_from[t] |= is_from[t + 1];
            continue;
        }
        for (size_t t = 0; t < text.len; t++) {
            struct px_bytes a = {pattern.data + p, 1}, b = {text.data + t, 1};

            is_from[t] =
                is_from[t + 1] &&
                (is_case_ignored ? words_are_same(a, b) : px_equal(a, b));
        }
        is_from[text.len] = false;
    }
    return is_from[0];
}

static struct px_bytes undotted(struct px_bytes name)
{
    name.len -= name.len > 1 && name.data[name.len - 1] == '.';
    return name;
}

/* As IPv4 where it is mapped, and the loopback where it is unspecified. */
static struct px_address reached_by(struct px_address ip)
{
    static const uint8_t mapped[12] = {[10] = 0xFF, [11] = 0xFF};
    static const uint8_t zero[16];

    if (ip.kind == PX_ADDRESS_IPV6 && memcmp(ip.ip, mapped, 12) == 0) {
        memmove(ip.ip, ip.ip + 12, 4);
        memset(ip.ip + 4, 0, 12);
        ip.kind = PX_ADDRESS_IPV4;
    }
    if (memcmp(ip.ip, zero, 16) == 0 && ip.kind == PX_ADDRESS_IPV4)
        ip.ip[0] = 127, ip.ip[3] = 1;
    else if (memcmp(ip.ip, zero, 16) == 0)
        ip.ip[15] = 1;
    return ip;
}

static bool is_same_ip(const struct px_address *a, const struct px_address *b)
{
    struct px_address x = reached_by(*a), y = reached_by(*b);

    return x.kind == y.kind && memcmp(x.ip, y.ip, 16) == 0;
}

/* A path that means one thing to every origin. */
static bool is_plain(struct px_bytes path)
{
    size_t begin = 1;

    for (size_t i = 1; i <= path.len; i++) {
        bool is_end = i == path.len || path.data[i] == '/';
        struct px_bytes segment = px_bytes_of(path.data + begin, i - begin);

        if (!is_end && strchr("%;\\", path.data[i]) && path.data[i])
            return false;
        if (!is_end)
            continue;
        if (px_equal(segment, PX_LITERAL(".")) ||
            px_equal(segment, PX_LITERAL("..")) ||
            (segment.len == 0 && i < path.len))
            return false;
        begin = i + 1;
    }
    return true;
}

/* The path without its query. */
static struct px_bytes path_of(const struct access_request *request)
{
    struct px_bytes rest = request->path, path = words_cut(&rest, '?');

    return path.len ? path : PX_LITERAL("/");
}

static bool is_under(struct px_bytes pattern, struct px_bytes path)
{
    for (size_t len = 0; len <= path.len; len++) {
        bool is_edge = len == path.len || path.data[len] == '/' ||
                       (len && path.data[len - 1] == '/');

        if (is_edge && describes(pattern, px_bytes_of(path.data, len), false))
            return true;
    }
    return false;
}

/* Whether it holds but for its host. */
static enum answer holds_besides(const struct access_rule *rule,
                                 const struct access_request *request)
{
    uint16_t port =
        request->target.port ? request->target.port : request->default_port;

    if ((rule->method.len && !words_are_same(rule->method, request->method)) ||
        (rule->port && rule->port != port))
        return NO;
    if (rule->path.len == 0)
        return YES;
    if (!request->has_path)
        return NO;
    if (!is_plain(path_of(request)))
        return UNSURE;
    return is_under(rule->path, path_of(request)) ? YES : NO;
}

static bool holds_for_host(const struct access_rule *rule,
                           const struct px_address *host)
{
    if (rule->host.kind != PX_ADDRESS_NAME)
        return is_same_ip(&rule->host, host);
    return px_equal(rule->host.name, PX_LITERAL("*")) ||
           (host->kind == PX_ADDRESS_NAME &&
            describes(undotted(rule->host.name), undotted(host->name), true));
}

/* Empty labels: no name has any. */
static bool is_doubly_dotted(const struct access_rule *rule)
{
    return rule->host.kind == PX_ADDRESS_NAME &&
           memmem(rule->host.name.data, rule->host.name.len, "..", 2);
}

static void compare(const struct access_rule *rule,
                    const struct access_request *request, bool is_denied,
                    bool is_open)
{
    enum answer besides = holds_besides(rule, request);
    bool waits = rule->host.kind != PX_ADDRESS_NAME &&
                 request->target.addr.kind == PX_ADDRESS_NAME;
    bool is_host = !waits && holds_for_host(rule, &request->target.addr);

    if ((besides == UNSURE && (waits || is_host)) || is_doubly_dotted(rule))
        return;
    FUZZ_REQUIRE(is_denied == (is_host && besides == YES), "a rule denies: %d",
                 is_denied);
    FUZZ_REQUIRE(is_open == (waits && besides == YES),
                 "a rule waits for an address: %d", is_open);
}

/* What does not matter ------------------------------------------------------*/

struct verdict {
    bool is_denied;
    access_set open;
};

static struct verdict ask(const struct access_rules *rules,
                          const struct access_request *request)
{
    struct verdict v;

    v.is_denied = access_denies(rules, request, &v.open);
    return v;
}

static void require_same(const struct access_rules *rules,
                         const struct access_request *request,
                         const struct verdict *as, const char *what)
{
    struct verdict now = ask(rules, request);

    FUZZ_REQUIRE(now.is_denied == as->is_denied &&
                     (now.is_denied || now.open == as->open),
                 "%s: denied %d, not %d", what, now.is_denied, as->is_denied);
}

static struct px_bytes swap_case(struct px_bytes text, uint8_t *out)
{
    for (size_t i = 0; i < text.len; i++)
        out[i] = words_is_alnum(text.data[i]) && text.data[i] > '9'
                     ? text.data[i] ^ 0x20
                     : text.data[i];
    return px_bytes_of(out, text.len);
}

static void write_host_otherwise(const struct access_rules *rules,
                                 struct access_request request,
                                 const struct verdict *as)
{
    static const uint8_t mapped[12] = {[10] = 0xFF, [11] = 0xFF};
    struct px_address *addr = &request.target.addr;
    uint8_t octets[LINE_MAX_LEN + 1];

    if (addr->kind == PX_ADDRESS_NAME) {
        addr->name = swap_case(addr->name, octets);
        require_same(rules, &request, as, "a name in other letters");
        if (octets[addr->name.len - 1] != '.') {
            octets[addr->name.len++] = '.';
            require_same(rules, &request, as, "a name with a dot behind it");
        }
    } else if (addr->kind == PX_ADDRESS_IPV4) {
        memmove(addr->ip + 12, addr->ip, 4);
        memcpy(addr->ip, mapped, 12);
        addr->kind = PX_ADDRESS_IPV6;
        require_same(rules, &request, as, "an address that is mapped");
    }
}

/* Puts text into the path at at, in place of cut octets. */
static void write_path(const struct access_rules *rules,
                       struct access_request request, const struct verdict *as,
                       size_t at, size_t cut, const char *text)
{
    uint8_t octets[LINE_MAX_LEN + 16];
    struct px_writer out = px_writer_over(octets, sizeof(octets));

    px_put_bytes(&out, px_bytes_of(request.path.data, at));
    px_put_text(&out, text);
    px_put_bytes(&out, px_bytes_of(request.path.data + at + cut,
                                   request.path.len - at - cut));
    request.path = px_written(&out);
    require_same(rules, &request, as, text);
}

static void write_path_otherwise(const struct access_rules *rules,
                                 const struct access_request *request,
                                 const struct verdict *as)
{
    struct px_bytes path = path_of(request);
    size_t coded = 0; /* octets of a "%" and its digits still to come */

    if (request->path.len == 0)
        return;
    for (size_t i = 0; i < path.len; i++) {
        uint8_t c = path.data[i];
        const char digits[] = "0123456789abcdef";
        char triplet[] = {'%', digits[c >> 4], digits[c & 15], '\0'};

        if (c == '%')
            coded = 3;
        if (coded == 0 && words_is_alnum(c))
            write_path(rules, *request, as, i, 1, triplet);
        if (c == '/') {
            write_path(rules, *request, as, i, 0, "/.");
            write_path(rules, *request, as, i, 0, "/z/..");
        }
        coded -= coded > 0;
    }
    if (path.len == request->path.len)
        write_path(rules, *request, as, path.len, 0, "?/a");
}

static void write_otherwise(const struct access_rules *rules,
                            const struct access_request *request,
                            const struct verdict *as)
{
    struct access_request other = *request;
    uint8_t octets[LINE_MAX_LEN];

    other.method = swap_case(request->method, octets);
    require_same(rules, &other, as, "a method in other letters");
    if (request->target.port == 0 && request->default_port) {
        other.target.port = request->default_port;
        require_same(rules, &other, as, "the port that is not sent, sent");
    }
    write_host_otherwise(rules, *request, as);
    if (request->has_path)
        write_path_otherwise(rules, request, as);
}

/* Inputs --------------------------------------------------------------------*/

/* Octets that a request's path may have; every "%" stands before digits. */
static bool is_path_sent(struct px_bytes path)
{
    for (size_t i = 0; i < path.len; i++) {
        if (path.data[i] <= ' ' || path.data[i] >= 0x7F || path.data[i] == '#')
            return false;
        if (path.data[i] != '%')
            continue;
        if (path.len - i < 3)
            return false;
        for (size_t d = 1; d < 3; d++) {
            uint8_t c = path.data[i + d] | 0x20;

            if (!words_is_alnum(path.data[i + d]) || c > 'f')
                return false;
        }
    }
    return true;
}

static bool take_request(struct px_bytes line, struct access_request *out)
{
    struct words w = words_split(line);
    bool has_path = w.path.len > 0;

    *out = (struct access_request){.method = w.method,
                                   .has_path = has_path,
                                   .path = w.path,
                                   .default_port = has_path ? HTTP_PORT : 0};
    if (line.len > LINE_MAX_LEN || !is_path_sent(w.path) ||
        (has_path && w.path.data[0] != '/') ||
        (w.has_port &&
         (!words_is_numeric(w.port, "") || words_read_port(w.port) > 65535)))
        return false;
    out->target.port = (uint16_t)words_read_port(w.port);
    if (words_read_ip(w.host, &out->target.addr))
        return true;
    out->target.addr =
        (struct px_address){.kind = PX_ADDRESS_NAME, .name = w.host};
    return words_is_name(w.host, "-_.");
}

/* All rules at once say what they say one by one. */
static void judge(const struct access_rules *rules,
                  const struct access_request *request)
{
    static struct access_rules one;
    static const struct px_address loopback = {.kind = PX_ADDRESS_IPV4,
                                               .ip = {127, 0, 0, 1}};
    struct verdict all = ask(rules, request), any = {0};
    bool is_loopback = false;

    one.count = 1;
    for (size_t i = 0; i < rules->count; i++) {
        struct verdict v;

        one.at[0] = rules->at[i];
        v = ask(&one, request);
        compare(&rules->at[i], request, v.is_denied, v.open);
        any.is_denied |= v.is_denied;
        any.open |= v.open << i;
        is_loopback |= v.open && is_same_ip(&rules->at[i].host, &loopback);
    }
    FUZZ_REQUIRE(all.is_denied == any.is_denied &&
                     (all.is_denied || all.open == any.open),
                 "rules say together what they say alone");
    FUZZ_REQUIRE(access_denies_address(rules, any.open, &loopback) ==
                     is_loopback,
                 "an address of a name that a rule is about");
    write_otherwise(rules, request, &all);
    fuzz_add_reached(all.is_denied ? " denied"
                     : all.open    ? " open"
                                   : " passes");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct access_rules rules;
    struct px_bytes copy = fuzz_copy(px_bytes_of(data, size));
    struct px_bytes rest = copy, line;
    struct access_request request;
    size_t lines = 0;

    rules.count = 0;
    while (rest.len && (line = words_cut(&rest, '\n')).len) {
        lines++;
        if (rules.count < ACCESS_RULES_MAX &&
            take_rule(line, &rules.at[rules.count]))
            rules.count++;
    }
    fuzz_set_reached("%zu of %zu rules", rules.count, lines);
    for (int i = 0; rest.len && i < REQUESTS_MAX; i++) {
        line = words_cut(&rest, '\n');
        if (take_request(line, &request))
            judge(&rules, &request);
    }
    fuzz_drop(copy);
    return 0;
}
