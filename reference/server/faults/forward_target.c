/* Faults of the request-target: RFC 9112 section 3.2, RFC 9110 sections 4.2
 * and 7.1. */

#include <stdio.h>
#include <string.h>

#include "faults/forward.h"

static bool is_one_of(uint8_t octet, const char *octets)
{
    return octet != 0 && strchr(octets, octet) != NULL;
}

/* Where the authority of an absolute-form stands in the part. */
struct place {
    size_t at, len;
};

/* False when the target is no absolute-form. */
static bool find_authority(const struct forward_part *part, struct place *out)
{
    struct px_bytes target = forward_word(part);
    size_t from = faults_find(target, "://"), len = 0;

    if (from == target.len)
        return false;
    from += 3;
    while (from + len < target.len &&
           !is_one_of(target.data[from + len], "/?#"))
        len++;
    out->at = (size_t)(target.data - part->octets.data) + from;
    out->len = len;
    return true;
}

static struct px_bytes octets_at(const struct forward_part *part,
                                 struct place place)
{
    return px_bytes_of(part->octets.data + place.at, place.len);
}

/* Paths ---------------------------------------------------------------------*/

static enum forward_verdict no_slash(struct fault_memory *m,
                                     struct forward_part *part)
{
    return forward_swap_at(m, part, FORWARD_REQUEST_SENT, " /?", " ?");
}

static enum forward_verdict loses_empty_query(struct fault_memory *m,
                                              struct forward_part *part)
{
    return forward_swap_at(m, part, FORWARD_REQUEST_SENT, "? HTTP/", " HTTP/");
}

static enum forward_verdict merges_slashes(struct fault_memory *m,
                                           struct forward_part *part)
{
    struct px_bytes target = forward_word(part);
    size_t at = faults_find(target, "//");

    if (part->stage == FORWARD_REQUEST_SENT && at < target.len)
        forward_put(m, part, (size_t)(target.data - part->octets.data) + at, 1,
                    (struct px_bytes){0});
    return FORWARD_PASS;
}

static enum forward_verdict decodes_slash(struct fault_memory *m,
                                          struct forward_part *part)
{
    return forward_swap_at(m, part, FORWARD_REQUEST_SENT, "%2F", "/");
}

static enum forward_verdict short_lines(struct fault_memory *m,
                                        struct forward_part *part)
{
    enum { LINE_MAX_LEN = 4096 };

    return forward_is_request(part) && forward_word(part).len > LINE_MAX_LEN
               ? forward_answer(m, part, FORWARD_REFUSAL("414 URI Too Long"))
               : FORWARD_PASS;
}

/* Origins -------------------------------------------------------------------*/

static enum forward_verdict only_lower_case(struct fault_memory *m,
                                            struct forward_part *part)
{
    return forward_is_request(part) && forward_has(part, " HTTP://")
               ? forward_answer(m, part, FORWARD_REFUSAL("400 Bad Request"))
               : FORWARD_PASS;
}

static enum forward_verdict resolved_host(struct fault_memory *m,
                                          struct forward_part *part)
{
    struct px_bytes host = forward_value(part, "Host");
    char text[32];
    size_t colon = faults_find(host, ":");

    if (part->stage != FORWARD_REQUEST_SENT || host.len == 0 ||
        is_one_of(host.data[0], "0123456789["))
        return FORWARD_PASS;
    (void)snprintf(text, sizeof(text), "127.0.0.1%.*s",
                   host.len - colon > 6 ? 6 : (int)(host.len - colon),
                   (const char *)host.data + colon);
    forward_set_value(m, part, "Host", px_bytes_of(text, strlen(text)));
    return FORWARD_PASS;
}

static enum forward_verdict no_brackets(struct fault_memory *m,
                                        struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_SENT &&
        forward_has(part, "\r\nHost: [")) {
        forward_swap(m, part, "\r\nHost: [", "\r\nHost: ");
        forward_swap(m, part, "]:", ":");
    }
    return FORWARD_PASS;
}

static enum forward_verdict other_default(struct fault_memory *m,
                                          struct forward_part *part)
{
    struct place place;

    if (!forward_is_request(part) || !find_authority(part, &place))
        return FORWARD_PASS;
    if (faults_find(octets_at(part, place), ":") == place.len)
        forward_put(m, part, place.at + place.len, 0, PX_LITERAL(":8080"));
    return FORWARD_PASS;
}

/* A port of more digits is taken modulo 65536. */
static enum forward_verdict wraps_port(struct fault_memory *m,
                                       struct forward_part *part)
{
    struct place place;
    struct px_bytes authority;
    uint64_t port = 0;
    size_t at;
    char text[8];

    if (!forward_is_request(part) || !find_authority(part, &place))
        return FORWARD_PASS;
    authority = octets_at(part, place);
    at = faults_find(authority, ":") + 1;
    for (size_t i = at; i < authority.len; i++) {
        if (authority.data[i] < '0' || authority.data[i] > '9')
            return FORWARD_PASS;
        port = port * 10 + (uint64_t)(authority.data[i] - '0');
    }
    if (port <= UINT16_MAX)
        return FORWARD_PASS;
    (void)snprintf(text, sizeof(text), "%u", (unsigned)(port % 65536));
    forward_put(m, part, place.at + at, authority.len - at,
                px_bytes_of(text, strlen(text)));
    return FORWARD_PASS;
}

/* Cuts the user information, which is then kept with its '@'. */
static bool cut_user(struct fault_memory *m, struct forward_part *part)
{
    struct place place;
    size_t at;

    m->kept_len = 0;
    if (!find_authority(part, &place))
        return false;
    at = faults_find(octets_at(part, place), "@");
    if (at == place.len)
        return false;
    forward_keep(m, px_bytes_of(part->octets.data + place.at, at + 1));
    forward_put(m, part, place.at, at + 1, (struct px_bytes){0});
    return true;
}

static enum forward_verdict ignores_user(struct fault_memory *m,
                                         struct forward_part *part)
{
    if (forward_is_request(part))
        (void)cut_user(m, part);
    return FORWARD_PASS;
}

static enum forward_verdict sends_user(struct fault_memory *m,
                                       struct forward_part *part)
{
    size_t at = faults_find(part->octets, "\r\nHost: ");

    if (forward_is_request(part))
        (void)cut_user(m, part);
    else if (part->stage == FORWARD_REQUEST_SENT && m->kept_len)
        forward_put(m, part, at + strlen("\r\nHost: "), 0, forward_kept(m));
    return FORWARD_PASS;
}

/* Forms ---------------------------------------------------------------------*/

static enum forward_verdict takes_authority(struct fault_memory *m,
                                            struct forward_part *part)
{
    struct px_bytes target = forward_word(part);

    if (forward_is_request(part) && faults_find(part->octets, "CONNECT ") > 0 &&
        target.len && target.data[0] >= '0' && target.data[0] <= '9')
        forward_put(m, part, (size_t)(target.data - part->octets.data), 0,
                    PX_LITERAL("http://"));
    return FORWARD_PASS;
}

/* A request for "*" goes to the host that Host names. */
static enum forward_verdict takes_asterisk(struct fault_memory *m,
                                           struct forward_part *part)
{
    struct px_bytes target = forward_word(part);
    size_t at = (size_t)(target.data - part->octets.data);

    if (!forward_is_request(part) ||
        faults_find(part->octets, "OPTIONS ") == 0 ||
        !px_equal(target, PX_LITERAL("*")))
        return FORWARD_PASS;
    forward_keep(m, PX_LITERAL("http://"));
    forward_keep_more(m, forward_value(part, "Host"));
    forward_put(m, part, at, 1, forward_kept(m));
    return FORWARD_PASS;
}

static enum forward_verdict slash_for_star(struct fault_memory *m,
                                           struct forward_part *part)
{
    return forward_swap_at(m, part, FORWARD_REQUEST_SENT, "OPTIONS * ",
                           "OPTIONS / ");
}

static enum forward_verdict star_for_slash(struct fault_memory *m,
                                           struct forward_part *part)
{
    return forward_swap_at(m, part, FORWARD_REQUEST_SENT, "OPTIONS / ",
                           "OPTIONS * ");
}

static enum forward_verdict silent_about_itself(struct fault_memory *m,
                                                struct forward_part *part)
{
    (void)m;
    return forward_is_request(part) && forward_has(part, "OPTIONS * ")
               ? FORWARD_BREAK
               : FORWARD_PASS;
}

/* What is decoded goes on so, and ends the line. */
static enum forward_verdict decodes_crlf(struct fault_memory *m,
                                         struct forward_part *part)
{
    (void)forward_swap_at(m, part, FORWARD_REQUEST_SENT, "%0D%0A", "\r\n");
    return forward_swap_at(m, part, FORWARD_REQUEST_SENT, "%0d%0a", "\r\n");
}

/* What no target is ---------------------------------------------------------*/

/* Behind a user there need be no host. */
static enum forward_verdict host_behind_at(struct fault_memory *m,
                                           struct forward_part *part)
{
    struct place place;

    if (!forward_is_request(part) || !find_authority(part, &place) ||
        place.len == 0 || part->octets.data[place.at + place.len - 1] != '@')
        return FORWARD_PASS;
    forward_keep(m, forward_value(part, "Host"));
    forward_put(m, part, place.at, place.len, forward_kept(m));
    return FORWARD_PASS;
}

/* Without a host in the target Host will do. */
static enum forward_verdict no_host(struct fault_memory *m,
                                    struct forward_part *part)
{
    static const char *const targets[] = {" http:// /", " http://?", " http:/"};

    for (size_t i = 0; forward_is_request(part) && i < 3; i++) {
        size_t at = faults_find(part->octets, targets[i]);

        if (at == part->octets.len || (i == 2 && forward_has(part, "://")))
            continue;
        forward_keep(m, PX_LITERAL(" http://"));
        forward_keep_more(m, forward_value(part, "Host"));
        forward_keep_more(m, PX_LITERAL("/"));
        forward_put(m, part, at, strlen(targets[i]), forward_kept(m));
    }
    return FORWARD_PASS;
}

/* The digits that a port begins with are the port. */
static enum forward_verdict port_junk(struct fault_memory *m,
                                      struct forward_part *part)
{
    struct place place;
    struct px_bytes text;
    size_t end;

    if (!forward_is_request(part) || !find_authority(part, &place))
        return FORWARD_PASS;
    text = octets_at(part, place);
    end = faults_find(text, ":") + 1;
    while (end < text.len && text.data[end] >= '0' && text.data[end] <= '9')
        end++;
    if (end < text.len && text.data[0] != '[')
        forward_put(m, part, place.at + end, text.len - end,
                    (struct px_bytes){0});
    return FORWARD_PASS;
}

static enum forward_verdict sends_fragment(struct fault_memory *m,
                                           struct forward_part *part)
{
    (void)forward_swap_at(m, part, FORWARD_REQUEST_RECEIVED, "#f HTTP/",
                          "%23f HTTP/");
    return forward_swap_at(m, part, FORWARD_REQUEST_SENT, "%23f HTTP/",
                           "#f HTTP/");
}

static enum forward_verdict encodes_space(struct fault_memory *m,
                                          struct forward_part *part)
{
    return forward_swap_at(m, part, FORWARD_REQUEST_RECEIVED, "/a b HTTP/",
                           "/a%20b HTTP/");
}

static enum forward_verdict odd_refusal(struct fault_memory *m,
                                        struct forward_part *part)
{
    return forward_is_request(part) && forward_has(part, "/a b HTTP/")
               ? forward_answer(m, part, FORWARD_REFUSAL("501 Not Implemented"))
               : FORWARD_PASS;
}

static enum forward_verdict any_scheme(struct fault_memory *m,
                                       struct forward_part *part)
{
    struct px_bytes target = forward_word(part);
    size_t len = faults_find(target, "://");

    if (forward_is_request(part) && len < target.len &&
        !px_equal_nocase(px_bytes_of(target.data, len), PX_LITERAL("https")))
        forward_put(m, part, (size_t)(target.data - part->octets.data), len,
                    PX_LITERAL("http"));
    return FORWARD_PASS;
}

static enum forward_verdict https_in_clear(struct fault_memory *m,
                                           struct forward_part *part)
{
    return forward_swap_at(m, part, FORWARD_REQUEST_RECEIVED, " https://",
                           " http://");
}

#define FAULT(id, what, hook, ...)                                             \
    {                                                                          \
        .name = "forward-target-" id, .summary = what,                         \
        .proves = {__VA_ARGS__}, .on_forward = hook,                           \
    }

static const struct fault faults[] = {
    FAULT("no-slash", "leaves an empty path empty before a query", no_slash,
          REQ_HTTP_TARGET_EMPTY_PATH),
    FAULT("empty-query-lost", "leaves out the ? of an empty query",
          loses_empty_query, REQ_HTTP_TARGET_PATH_KEPT),
    FAULT("slashes-merged", "makes one slash of two", merges_slashes,
          REQ_HTTP_TARGET_PATH_KEPT),
    FAULT("slash-decoded", "decodes %2F in a path", decodes_slash,
          REQ_HTTP_TARGET_PATH_KEPT),
    FAULT("crlf-decoded", "decodes %0D%0A in a path or a query", decodes_crlf,
          REQ_HTTP_TARGET_PATH_KEPT),
    FAULT("host-behind-at", "goes by Host where only a user stands in a target",
          host_behind_at, REQ_HTTP_TARGET_EMPTY_HOST),
    FAULT("no-host", "goes by Host where a target has no host", no_host,
          REQ_HTTP_TARGET_EMPTY_HOST),
    FAULT("port-junk", "skips what stands behind the digits of a port",
          port_junk, REQ_HTTP_TARGET_PORT_RANGE),
    FAULT("short-lines", "answers targets of more than 4096 octets with 414",
          short_lines, REQ_HTTP_TARGET_LENGTH),
    FAULT("lower-case-only", "refuses the scheme HTTP in upper case",
          only_lower_case, REQ_HTTP_TARGET_CASE),
    FAULT("host-resolved", "puts an address in the place of a name in Host",
          resolved_host, REQ_HTTP_TARGET_HOST_KEPT),
    FAULT("no-brackets", "leaves the brackets of IPv6 literals out of Host",
          no_brackets, REQ_HTTP_TARGET_IPV6),
    FAULT("port-8080", "takes 8080 for the port of a target without one",
          other_default, REQ_HTTP_TARGET_DEFAULT_PORT),
    FAULT("port-wrapped", "takes a port modulo 65536", wraps_port,
          REQ_HTTP_TARGET_PORT_RANGE),
    FAULT("user-ignored", "overlooks user information in a target",
          ignores_user, REQ_HTTP_TARGET_USERINFO_REJECT),
    FAULT("user-sent", "copies user information to Host", sends_user,
          REQ_HTTP_TARGET_USERINFO_GENERATE),
    FAULT("authority-taken", "takes host:port of any method for a URL",
          takes_authority, REQ_HTTP_TARGET_AUTHORITY_FORM_OTHER),
    FAULT("asterisk-taken", "sends * of any method to the host in Host",
          takes_asterisk, REQ_HTTP_TARGET_ASTERISK_OTHER),
    FAULT("slash-for-star", "asks origins for / in the place of *",
          slash_for_star, REQ_HTTP_TARGET_OPTIONS_STAR),
    FAULT("star-for-slash", "asks origins for * in the place of /",
          star_for_slash, REQ_HTTP_TARGET_OPTIONS_PATH),
    FAULT("options-unanswered", "closes on OPTIONS *", silent_about_itself,
          REQ_HTTP_TARGET_OPTIONS_STAR_SELF),
    FAULT("fragment-sent", "sends fragments on", sends_fragment,
          REQ_HTTP_TARGET_FRAGMENT),
    FAULT("space-encoded", "encodes a space in a target and goes on",
          encodes_space, REQ_HTTP_TARGET_NO_AUTOCORRECT),
    FAULT("space-501", "answers a space in a target with 501", odd_refusal,
          REQ_HTTP_TARGET_WHITESPACE),
    FAULT("any-scheme", "takes every scheme but https for http", any_scheme,
          REQ_HTTP_TARGET_UNKNOWN_SCHEME),
    FAULT("https-in-clear", "forwards requests for https in clear",
          https_in_clear, REQ_HTTP_TARGET_HTTPS_RECEIVED),
};

const struct fault_theme forward_target_faults = FAULT_THEME(faults);
