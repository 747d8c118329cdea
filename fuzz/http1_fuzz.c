/*
 * The HTTP/1 codecs. The first octet picks one and its limits, the rest is
 * its input: heads are decoded at every length, texts are written back.
 */
#include <arpa/inet.h>
#include <string.h>

#include "fuzz.h"
#include "http1.h"
#include "mutator.h"

/* Heads up to this are tried at every length, longer ones at fewer: no input
 * takes longer for it. */
enum { EVERY_LENGTH = 512, INPUT_MAX = 60000 };

enum kind { REQUEST, RESPONSE, AUTHORITY, BASIC, CREDENTIALS, LIST, KINDS };

/* Small limits are met by small inputs. */
static const struct http1_limits limits[] = {
    {.start_line = 16384, .section = 32768, .fields = HTTP1_FIELDS_MAX},
    {.start_line = 24, .section = 48, .fields = 3},
    {.start_line = 64, .section = 64, .fields = 1},
    {.start_line = 40, .section = 20, .fields = 400},
};

enum { LIMITS = sizeof(limits) / sizeof(limits[0]) };

/* What a head decoder said, requests and responses alike. */
struct outcome {
    enum px_status status;
    size_t used;
    struct px_error err;
    struct http1_request_head request;
    struct http1_response_head response;
};

static struct outcome whole, got;

static void decode(enum kind kind, struct px_bytes in,
                   const struct http1_limits *limit, struct outcome *out)
{
    out->used = 0;
    out->status = kind == REQUEST
                      ? http1_decode_request_head(in, limit, &out->request,
                                                  &out->used, &out->err)
                      : http1_decode_response_head(in, limit, &out->response,
                                                   &out->used, &out->err);
}

static const struct http1_fields *fields_of(enum kind kind,
                                            const struct outcome *o)
{
    return kind == REQUEST ? &o->request.fields : &o->response.fields;
}

static uint32_t line_oddities(enum kind kind, const struct outcome *o)
{
    return kind == REQUEST ? o->request.line.oddities
                           : o->response.line.oddities;
}

static bool is_same_line(enum kind kind, const struct outcome *a,
                         const struct outcome *b)
{
    const struct http1_request_line *r = &a->request.line;
    const struct http1_request_line *q = &b->request.line;
    const struct http1_status_line *s = &a->response.line;
    const struct http1_status_line *t = &b->response.line;

    if (kind == REQUEST)
        return px_equal(r->method, q->method) &&
               px_equal(r->target, q->target) && r->major == q->major &&
               r->minor == q->minor;
    return s->major == t->major && s->minor == t->minor && s->code == t->code &&
           px_equal(s->reason, t->reason);
}

static bool is_same_fields(const struct http1_fields *a,
                           const struct http1_fields *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) {
        if (!px_equal(a->at[i].name, b->at[i].name) ||
            !px_equal(a->at[i].value, b->at[i].value))
            return false;
    }
    return true;
}

/* Done at its last octet, not before and not differently behind it; an error
 * once there stays. */
static void check_prefix(enum kind kind, size_t len)
{
    if (got.status == PX_NEED_MORE) {
        FUZZ_REQUIRE(whole.status != PX_DONE || len < whole.used,
                     "a whole head is enough at %zu", len);
        return;
    }
    FUZZ_REQUIRE(got.status == whole.status, "the status of %zu octets", len);
    if (got.status == PX_ERROR) {
        FUZZ_REQUIRE(got.err.req == whole.err.req &&
                         got.err.offset == whole.err.offset &&
                         got.err.offset < len,
                     "the error of %zu octets", len);
        return;
    }
    FUZZ_REQUIRE(got.used == whole.used && got.used <= len,
                 "the head within %zu octets", len);
    FUZZ_REQUIRE(
        is_same_line(kind, &got, &whole) &&
            is_same_fields(fields_of(kind, &got), fields_of(kind, &whole)) &&
            line_oddities(kind, &got) == line_oddities(kind, &whole),
        "what %zu octets say", len);
}

static void check_prefixes(enum kind kind, const struct fuzz_view *view,
                           const struct http1_limits *limit)
{
    size_t step = 1 + view->len / EVERY_LENGTH * view->len / EVERY_LENGTH;

    for (size_t len = 0; len < view->len; len += step) {
        decode(kind, fuzz_view_prefix(view, len), limit, &got);
        check_prefix(kind, len);
    }
    if (whole.status == PX_DONE) {
        decode(kind, fuzz_view_prefix(view, whole.used), limit, &got);
        FUZZ_REQUIRE(got.status == PX_DONE, "done with the last octet");
        decode(kind, fuzz_view_prefix(view, whole.used - 1), limit, &got);
        FUZZ_REQUIRE(got.status == PX_NEED_MORE, "and not before");
    }
}

static void check_fields(const struct http1_fields *fields,
                         struct px_bytes head, const struct http1_limits *limit)
{
    uint32_t oddities = 0;

    FUZZ_REQUIRE(fields->count <= limit->fields &&
                     fields->count <= HTTP1_FIELDS_MAX,
                 "%zu fields", fields->count);
    for (size_t i = 0; i < fields->count; i++) {
        const struct http1_field *f = &fields->at[i];
        char name[32] = "";

        oddities |= f->oddities;
        FUZZ_REQUIRE(fuzz_is_within(f->name, head) &&
                         fuzz_is_within(f->value, head),
                     "field %zu borrows", i);
        FUZZ_REQUIRE(f->oddities || (f->name.data[-1] == '\n' &&
                                     f->name.data[f->name.len] == ':'),
                     "field %zu begins its line, a colon ends it", i);
        FUZZ_REQUIRE(http1_is_token(f->name) ||
                         f->oddities & (HTTP1_NOT_TOKEN | HTTP1_NO_COLON),
                     "a name is a token or odd");
        if (f->name.len >= sizeof(name) ||
            (f->name.len && memchr(f->name.data, '\0', f->name.len)))
            continue;
        if (f->name.len)
            memcpy(name, f->name.data, f->name.len);
        FUZZ_REQUIRE(http1_count(fields, name) > 0 &&
                         http1_find(fields, name) <= f,
                     "a field is found by its name");
    }
    FUZZ_REQUIRE((fields->oddities & oddities) == oddities,
                 "the section's oddities are those of its lines");
}

static void put_fields(const struct http1_fields *fields, struct px_writer *w)
{
    for (size_t i = 0; i < fields->count; i++) {
        px_put_bytes(w, fields->at[i].name);
        px_put_text(w, ": ");
        px_put_bytes(w, fields->at[i].value);
        px_put_text(w, "\r\n");
    }
    px_put_text(w, "\r\n");
}

static void put_version(uint8_t major, uint8_t minor, struct px_writer *w)
{
    px_put_text(w, "HTTP/");
    px_put_decimal(w, major);
    px_put_text(w, ".");
    px_put_decimal(w, minor);
}

static void put_start_line(enum kind kind, struct px_writer *w)
{
    const struct http1_request_line *r = &whole.request.line;
    const struct http1_status_line *s = &whole.response.line;

    if (kind == REQUEST) {
        px_put_bytes(w, r->method);
        px_put_text(w, " ");
        px_put_bytes(w, r->target);
        px_put_text(w, " ");
        put_version(r->major, r->minor, w);
    } else {
        put_version(s->major, s->minor, w);
        px_put_text(w, s->code < 10 ? " 00" : s->code < 100 ? " 0" : " ");
        px_put_decimal(w, s->code);
        px_put_text(w, " ");
        px_put_bytes(w, s->reason);
    }
    px_put_text(w, "\r\n");
}

/* A head without oddities is what its parts, written plainly, decode to. */
static void check_rewritten(enum kind kind)
{
    static uint8_t text[2 * INPUT_MAX];
    struct px_writer w = px_writer_over(text, sizeof(text));
    struct px_bytes exact;

    put_start_line(kind, &w);
    put_fields(fields_of(kind, &whole), &w);
    exact = fuzz_copy(px_written(&w));
    decode(kind, exact, &limits[0], &got);
    if (got.status != PX_ERROR) { /* ": " for ":" may exceed a limit */
        FUZZ_REQUIRE(got.status == PX_DONE && got.used == exact.len,
                     "rewritten, it is a head");
        FUZZ_REQUIRE(
            is_same_line(kind, &got, &whole) &&
                is_same_fields(fields_of(kind, &got), fields_of(kind, &whole)),
            "rewritten, it says the same");
        FUZZ_REQUIRE(line_oddities(kind, &got) == 0 &&
                         fields_of(kind, &got)->oddities == 0,
                     "rewritten, nothing is odd");
    }
    fuzz_drop(exact);
}

/* Whether each line of a head ends in CR LF and has no other CR, LF or NUL. */
static bool has_clean_lines(struct px_bytes head)
{
    for (size_t i = 0; i < head.len; i++) {
        bool is_cr = head.data[i] == '\r';
        bool has_lf = i + 1 < head.len && head.data[i + 1] == '\n';
        bool is_after_cr = i > 0 && head.data[i - 1] == '\r';

        if ((is_cr && !has_lf) || (head.data[i] == '\n' && !is_after_cr) ||
            head.data[i] == '\0')
            return false;
    }
    return true;
}

static void check_head(enum kind kind, struct px_bytes in,
                       const struct http1_limits *limit)
{
    static const uint32_t unclean =
        HTTP1_BARE_LF | HTTP1_BARE_CR | HTTP1_CONTROL;
    struct fuzz_view view;
    struct px_bytes head;
    uint32_t oddities;

    view = fuzz_view_new(in);
    in = fuzz_view_prefix(&view, in.len);
    decode(kind, in, limit, &whole);
    if (whole.status == PX_DONE) {
        FUZZ_REQUIRE(whole.used <= in.len, "used is within the input");
        head = px_bytes_of(in.data, whole.used);
        oddities =
            line_oddities(kind, &whole) | fields_of(kind, &whole)->oddities;
        check_fields(fields_of(kind, &whole), head, limit);
        FUZZ_REQUIRE(has_clean_lines(head)
                         ? !(oddities & unclean) || oddities & HTTP1_NO_VERSION
                         : oddities != 0,
                     "odd octets between lines are told: %#x", oddities);
        if (oddities == 0)
            check_rewritten(kind);
        fuzz_set_reached("%s done%s", kind == REQUEST ? "request" : "response",
                         oddities ? " odd" : "");
    } else {
        fuzz_set_reached("%s %s", kind == REQUEST ? "request" : "response",
                         whole.status == PX_ERROR
                             ? requirement_row(whole.err.req)->id
                             : "more");
    }
    check_prefixes(kind, &view, limit);
    fuzz_view_free(&view);
}

/* The C library's reader of addresses must agree about what is one. */
static void check_against_libc(const struct px_address *addr,
                               struct px_bytes host)
{
    struct px_bytes text = host;
    bool is_bracketed = host.len > 1 && host.data[0] == '[';
    char literal[PX_NAME_MAX + 1] = "";
    uint8_t ip[16] = {0};
    int is_ip;

    if (is_bracketed)
        text = px_bytes_of(host.data + 1, host.len - 2);
    memcpy(literal, text.data, text.len);
    is_ip = inet_pton(is_bracketed ? AF_INET6 : AF_INET, literal, ip);
    switch (addr->kind) {
    case PX_ADDRESS_NONE:
        FUZZ_REQUIRE(false, "a host is an address");
        break;
    case PX_ADDRESS_IPV4:
    case PX_ADDRESS_IPV6:
        FUZZ_REQUIRE(is_ip == 1 && memcmp(ip, addr->ip, sizeof(ip)) == 0,
                     "inet_pton reads \"%s\" otherwise", literal);
        break;
    case PX_ADDRESS_NAME:
        FUZZ_REQUIRE(is_ip != 1, "\"%s\" is an address, no name", literal);
        FUZZ_REQUIRE(px_equal(addr->name, host), "a name is kept as sent");
        break;
    }
}

/* A literal that the C library reads is one for us. */
static void check_refused_host(struct px_bytes host)
{
    char literal[PX_NAME_MAX + 1] = "";
    uint8_t ip[16];
    bool is_bracketed =
        host.len > 2 && host.data[0] == '[' && host.data[host.len - 1] == ']';
    struct px_bytes text =
        is_bracketed ? px_bytes_of(host.data + 1, host.len - 2) : host;

    if (host.len == 0 || host.len > PX_NAME_MAX ||
        memchr(text.data, '\0', text.len))
        return;
    memcpy(literal, text.data, text.len);
    FUZZ_REQUIRE(inet_pton(is_bracketed ? AF_INET6 : AF_INET, literal, ip) != 1,
                 "\"%s\" is an address", literal);
}

static void check_authority(struct px_bytes in)
{
    struct px_bytes exact = fuzz_copy(in), host = exact;
    struct px_endpoint endpoint, again;
    struct px_error err = {.req = REQ_NONE};
    char text[PX_ENDPOINT_TEXT_MAX];
    struct px_address addr;

    if (http1_parse_host(exact, &addr))
        check_against_libc(&addr, exact);
    else
        check_refused_host(exact);
    if (!http1_parse_authority(exact, &endpoint, &err)) {
        FUZZ_REQUIRE(err.req != REQ_NONE && err.offset <= exact.len,
                     "a refusal says why");
        fuzz_set_reached("authority %s", requirement_row(err.req)->id);
        fuzz_drop(exact);
        return;
    }
    while (host.len && host.data[host.len - 1] != ':')
        host.len--;
    host.len--;
    check_against_libc(&endpoint.addr, host);
    px_format_endpoint(&endpoint, text);
    FUZZ_REQUIRE(
        http1_parse_authority(px_bytes_of(text, strlen(text)), &again, &err) &&
            again.port == endpoint.port &&
            again.addr.kind == endpoint.addr.kind &&
            px_equal(again.addr.name, endpoint.addr.name) &&
            memcmp(again.addr.ip, endpoint.addr.ip, 16) == 0,
        "\"%s\" is the same authority", text);
    fuzz_set_reached("authority kind %d", (int)endpoint.addr.kind);
    fuzz_drop(exact);
}

/* Writes credentials and reads them back, in memory of the exact size. */
static void check_written_basic(struct px_bytes user, struct px_bytes password,
                                struct px_bytes expected)
{
    static uint8_t text[2 * INPUT_MAX], buf[INPUT_MAX];
    struct px_writer w = px_writer_over(text, sizeof(text));
    struct px_bytes exact, u, p;
    size_t need = user.len + 1 + password.len;

    http1_write_basic(user, password, &w);
    FUZZ_REQUIRE(!w.is_full, "the buffer is large enough");
    exact = fuzz_copy(px_written(&w));
    FUZZ_REQUIRE(expected.len == 0 || px_equal(exact, expected),
                 "base64 has one form");
    FUZZ_REQUIRE(http1_parse_basic(exact, buf, need, &u, &p) &&
                     px_equal(u, user) && px_equal(p, password),
                 "credentials survive writing");
    FUZZ_REQUIRE(!http1_parse_basic(exact, buf, need - 1, &u, &p),
                 "what does not fit is refused");
    fuzz_drop(exact);
}

static void check_basic(struct px_bytes in)
{
    static uint8_t buf[INPUT_MAX];
    struct px_bytes exact = fuzz_copy(in), user, password;
    bool is_plain = exact.len > 6 && memcmp(exact.data, "Basic ", 6) == 0 &&
                    exact.data[6] != ' ';

    if (http1_parse_basic(exact, buf, sizeof(buf), &user, &password)) {
        FUZZ_REQUIRE(user.len == 0 || !memchr(user.data, ':', user.len),
                     "the first colon splits");
        check_written_basic(user, password,
                            is_plain ? exact : (struct px_bytes){0});
        fuzz_set_reached("basic credentials");
    } else {
        fuzz_set_reached("basic refused");
    }
    fuzz_drop(exact);
}

/* The input is user and password, split at its first colon or its end. */
static void check_credentials(struct px_bytes in)
{
    const uint8_t *colon = in.len ? memchr(in.data, ':', in.len) : NULL;
    size_t user = colon ? (size_t)(colon - in.data) : in.len;
    size_t password = colon ? user + 1 : user;

    fuzz_set_reached("credentials");
    check_written_basic(px_bytes_of(in.data, user),
                        px_bytes_of(in.data + password, in.len - password),
                        (struct px_bytes){0});
}

/* RFC 9110 section 5.6.1: members have no comma and no blank around them. */
static void check_list(struct px_bytes in)
{
    struct px_bytes exact = fuzz_copy(in), rest = exact, member;
    size_t count = 0, total = 0;

    while (http1_next_member(&rest, &member)) {
        FUZZ_REQUIRE(fuzz_is_within(member, exact) && member.len > 0 &&
                         !memchr(member.data, ',', member.len),
                     "a member is a part between commas");
        FUZZ_REQUIRE(!strchr(" \t", member.data[0] ? member.data[0] : 'x') &&
                         !strchr(" \t", member.data[member.len - 1]
                                            ? member.data[member.len - 1]
                                            : 'x'),
                     "no blank around it");
        total += member.len;
        count++;
    }
    FUZZ_REQUIRE(rest.len == 0 && total <= exact.len, "the list is used up");
    fuzz_set_reached("list of %s", count > 1 ? "many" : count ? "one" : "none");
    fuzz_drop(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t pick = size ? data[0] : 0;
    struct px_bytes in =
        px_bytes_of(size ? data + 1 : data, size ? size - 1 : 0);
    enum kind kind = pick % KINDS;

    if (in.len > INPUT_MAX)
        in.len = INPUT_MAX;
    switch (kind) {
    case REQUEST:
    case RESPONSE:
        check_head(kind, in, &limits[pick / KINDS % LIMITS]);
        break;
    case AUTHORITY:
        check_authority(in);
        break;
    case BASIC:
        check_basic(in);
        break;
    case CREDENTIALS:
        check_credentials(in);
        break;
    case LIST:
        check_list(in);
        break;
    case KINDS:
        break;
    }
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max,
                               unsigned seed)
{
    return mutator_mutate("http1", data, size, max, seed);
}
