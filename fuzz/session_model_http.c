/* What RFC 9110 and 9112 ask for, from the client's octets alone. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "fuzz.h"
#include "session_model.h"

/* Below these every proxy reads a head (RFC 9112 section 3 names 8000). */
enum { LINE_SURE = 8000, SECTION_SURE = 16000, FIELDS_SURE = 100 };

/* What was found in a head, in the order of its octets. */
struct head {
    bool is_whole;
    bool is_wrong;   /* no reader may take it for sound */
    bool is_unsure;  /* lenient readers take it, strict ones need not */
    bool is_too_big; /* for some; refusing it is right */
    size_t end;
    struct px_bytes word[3];
    size_t fields;
    unsigned hosts, credentials;
    struct px_bytes host;
    struct px_bytes last_credentials;
    bool has_content;
};

static bool is(struct px_bytes text, const char *literal)
{
    return text.len == strlen(literal) &&
           memcmp(text.data, literal, text.len) == 0;
}

static bool is_any_case(struct px_bytes text, const char *literal)
{
    return text.len == strlen(literal) &&
           strncasecmp((const char *)text.data, literal, text.len) == 0;
}

static bool is_word_octet(int c, const char *besides)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z') || (c && strchr(besides, c));
}

static bool is_made_of(struct px_bytes text, const char *besides)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_word_octet(text.data[i], besides))
            return false;
    }
    return text.len > 0;
}

static bool is_token(struct px_bytes text)
{
    return is_made_of(text, "!#$%&'*+-.^_`|~");
}

/* Takes a line with its end; false when the LF is not there. */
static bool take_line(struct px_bytes *rest, struct px_bytes *line,
                      struct head *head)
{
    const uint8_t *lf = rest->len ? memchr(rest->data, '\n', rest->len) : NULL;

    if (!lf)
        return false;
    *line = px_bytes_of(rest->data, (size_t)(lf - rest->data));
    rest->len -= line->len + 1;
    rest->data += line->len + 1;
    head->end += line->len + 1;
    if (line->len && line->data[line->len - 1] == '\r')
        line->len--;
    else
        head->is_unsure = true; /* section 2.2: LF alone may end a line */
    for (size_t i = 0; i < line->len; i++) {
        uint8_t c = line->data[i];

        head->is_wrong |= c == '\r' || c == '\0';
        head->is_unsure |= (c < ' ' && c != '\t') || c == 0x7f;
    }
    return true;
}

/* Three words and two single spaces. */
static void read_request_line(struct px_bytes line, struct head *head)
{
    size_t words = 0, begin = 0;

    head->is_too_big |= line.len > LINE_SURE;
    for (size_t i = 0; i <= line.len; i++) {
        if (i < line.len && line.data[i] == '\t')
            head->is_wrong = true;
        if (i < line.len && line.data[i] != ' ')
            continue;
        if (words < 3)
            head->word[words] = px_bytes_of(line.data + begin, i - begin);
        head->is_wrong |= i == begin;
        begin = i + 1;
        words++;
    }
    head->is_wrong |= words != 3 || !is_token(head->word[0]);
}

static struct px_bytes trim(struct px_bytes text)
{
    while (text.len && strchr(" \t", text.data[text.len - 1]) &&
           text.data[text.len - 1])
        text.len--;
    while (text.len && text.data[0] && strchr(" \t", text.data[0])) {
        text.data++;
        text.len--;
    }
    return text;
}

/* RFC 7617: the one text that stands for the right credentials. */
static bool is_right(struct px_bytes value)
{
    struct px_bytes scheme = {value.data, 5};

    if (value.len < 6 || !is_any_case(scheme, "Basic") || value.data[5] != ' ')
        return false;
    value = px_bytes_of(value.data + 5, value.len - 5);
    while (value.len && value.data[0] == ' ')
        value = px_bytes_of(value.data + 1, value.len - 1);
    return is(value, "dXNlcjpwYXNz");
}

static void read_field(struct px_bytes line, struct head *head)
{
    const uint8_t *colon = memchr(line.data, ':', line.len);
    struct px_bytes name = line, value;

    head->fields++;
    if (!colon) {
        head->is_wrong = true;
        return;
    }
    name.len = (size_t)(colon - line.data);
    value = trim(px_bytes_of(colon + 1, line.len - name.len - 1));
    head->is_wrong |= !is_token(name);
    if (is_any_case(name, "host")) {
        head->hosts++;
        head->host = value;
    } else if (is_any_case(name, "proxy-authorization")) {
        head->credentials++;
        head->last_credentials = value;
    } else if (is_any_case(name, "content-length") ||
               is_any_case(name, "transfer-encoding")) {
        head->has_content = true;
    }
}

static struct head read_head(struct px_bytes in)
{
    struct head head = {0};
    struct px_bytes rest = in, line;
    size_t section;

    while (rest.len && take_line(&rest, &line, &head) && line.len == 0)
        head.is_unsure = true; /* section 2.2: empty lines are skipped */
    if (head.end == 0 || line.len == 0) {
        struct px_bytes word = rest;

        head.is_too_big = rest.len > LINE_SURE || head.end > LINE_SURE;
        for (size_t i = 0; i < rest.len; i++) {
            if (strchr(" \t\r\n", rest.data[i]) && rest.data[i]) {
                word.len = i;
                break;
            }
        }
        /* A lone CR may be the start of an empty line's end. */
        head.is_wrong = rest.len > 0 && !is_token(word) &&
                        !(rest.len == 1 && rest.data[0] == '\r');
        return head;
    }
    read_request_line(line, &head);
    section = head.end;
    while (take_line(&rest, &line, &head)) {
        if (line.len == 0) {
            head.is_whole = true;
            break;
        }
        read_field(line, &head);
    }
    head.is_too_big |=
        head.end - section + (head.is_whole ? 0 : rest.len) > SECTION_SURE ||
        head.fields > FIELDS_SURE;
    return head;
}

/* RFC 3986 section 3.2.2, and what a resolver can take. */
static bool read_host(struct px_bytes text, struct px_address *out,
                      bool *is_sure)
{
    char literal[PX_NAME_MAX + 1] = "";

    if (text.len == 0 || text.len > PX_NAME_MAX ||
        memchr(text.data, '\0', text.len))
        return false;
    memcpy(literal, text.data, text.len);
    if (literal[0] == '[') {
        if (literal[text.len - 1] != ']')
            return false;
        literal[text.len - 1] = '\0';
        out->kind = PX_ADDRESS_IPV6;
        return inet_pton(AF_INET6, literal + 1, out->ip) == 1;
    }
    if (inet_pton(AF_INET, literal, out->ip) == 1) {
        out->kind = PX_ADDRESS_IPV4;
        return true;
    }
    memset(out->ip, 0, sizeof(out->ip));
    out->kind = PX_ADDRESS_NAME;
    out->name = text;
    *is_sure &= is_made_of(text, "-._");
    return is_made_of(text, "-._~!$&'()*+,;=%") || text.data[0] >= 0x80;
}

bool model_read_authority(struct px_bytes text, struct px_endpoint *out,
                          bool *is_sure)
{
    struct px_bytes host = text;
    unsigned long port = 0;
    size_t digits;

    *is_sure = true;
    *out = (struct px_endpoint){0};
    while (host.len && host.data[host.len - 1] >= '0' &&
           host.data[host.len - 1] <= '9')
        host.len--;
    digits = text.len - host.len;
    if (digits == 0 || host.len < 2 || host.data[host.len - 1] != ':')
        return false;
    for (size_t i = host.len; i < text.len && port <= 65535; i++)
        port = port * 10 + (unsigned long)(text.data[i] - '0');
    *is_sure = digits <= 5;
    out->port = (uint16_t)port;
    host.len--;
    return port >= 1 && port <= 65535 && read_host(host, &out->addr, is_sure);
}

/* Section 3.2: empty, or a host, or a host and its port. */
static bool is_host_right(const struct head *head, bool *is_sure)
{
    struct px_endpoint endpoint;
    struct px_address addr = {.kind = PX_ADDRESS_NONE};

    if (head->hosts == 0)
        return head->word[2].data[7] == '0';
    if (head->hosts > 1)
        return false;
    if (head->host.len == 0)
        return true;
    if (read_host(head->host, &addr, is_sure) ||
        model_read_authority(head->host, &endpoint, is_sure))
        return true;
    *is_sure = false; /* "a:" and ":80" have a reading in RFC 3986 */
    return !memchr(head->host.data, ' ', head->host.len) &&
           !memchr(head->host.data, '/', head->host.len) &&
           !memchr(head->host.data, '@', head->host.len);
}

static bool is_version_1(struct px_bytes word)
{
    return word.len == 8 && memcmp(word.data, "HTTP/1.", 7) == 0 &&
           word.data[7] >= '0' && word.data[7] <= '9';
}

/* What credentials are worth. */
enum worth {
    WORTH_PASSAGE,
    WORTH_NOTHING,
    WORTH_NOTHING_OR_400, /* as Digest may be answered */
    WORTH_UNKNOWN,        /* Digest in a form that is not judged here */
};

static bool is_basic(struct px_bytes value)
{
    return value.len > 5 && is_any_case(px_bytes_of(value.data, 5), "Basic");
}

static enum worth weigh(const struct head *head, struct px_bytes in,
                        const struct session_config *cfg,
                        const struct forward_auth *digest)
{
    static struct http1_request_head decoded;
    struct px_error err;
    size_t used;

    if (!cfg->verify)
        return WORTH_PASSAGE;
    if (head->credentials != 1)
        return WORTH_NOTHING;
    if (!digest || is_basic(head->last_credentials))
        return is_right(head->last_credentials) && !cfg->has_no_basic
                   ? WORTH_PASSAGE
                   : WORTH_NOTHING;
    if (http1_decode_request_head(in, &http1_default_limits, &decoded, &used,
                                  &err) != PX_DONE)
        return WORTH_UNKNOWN;
    if (forward_auth_refuses(digest, &decoded))
        return WORTH_NOTHING_OR_400;
    return forward_auth_grants(digest, &decoded) ? WORTH_PASSAGE
                                                 : WORTH_UNKNOWN;
}

struct outlook model_http_outlook(struct px_bytes in,
                                  const struct session_config *cfg,
                                  const struct forward_auth *digest)
{
    struct head head = read_head(in);
    struct outlook o = {
        .due = DUE_NOTHING, .end = head.end, .code = ANY_FAILURE};
    bool is_target_sure = true, is_host_sure = true, is_sure;
    enum worth worth;

    o.may_refuse = head.is_wrong || head.is_too_big;
    if (!head.is_whole)
        return o;
    o.due = DUE_REFUSAL;
    if (head.is_wrong || !is_version_1(head.word[2]) ||
        !is(head.word[0], "CONNECT") || head.has_content ||
        !is_host_right(&head, &is_host_sure) ||
        !model_read_authority(head.word[1], &o.target, &is_target_sure))
        return o;
    is_sure =
        !head.is_unsure && !head.is_too_big && is_target_sure && is_host_sure;
    worth = weigh(&head, in, cfg, digest);
    if (worth == WORTH_NOTHING)
        o.code = is_sure ? 407 : ANY_FAILURE;
    else if (worth != WORTH_NOTHING_OR_400)
        o.due = is_sure && worth == WORTH_PASSAGE ? DUE_DIAL : DUE_EITHER;
    return o;
}

/* RFC 9112 section 6.3: what answers HEAD has no body, whatever it says. */
static bool is_head_request(struct px_bytes in)
{
    while (in.len && (in.data[0] == '\r' || in.data[0] == '\n'))
        in = px_bytes_of(in.data + 1, in.len - 1);
    return in.len >= 5 && memcmp(in.data, "HEAD", 4) == 0 &&
           (in.data[4] == ' ' || in.data[4] == '\t');
}

unsigned model_read_answer(struct px_bytes in, struct px_bytes answer)
{
    static const char version[] = "HTTP/1.1 ";
    char text[MODEL_ANSWER_MAX + 1] = "";
    const char *body, *length, *authenticate;
    unsigned long status, octets;

    FUZZ_REQUIRE(answer.len > 12 && answer.len <= MODEL_ANSWER_MAX,
                 "an answer of %zu octets", answer.len);
    memcpy(text, answer.data, answer.len);
    FUZZ_REQUIRE(strncmp(text, version, 9) == 0 && text[12] == ' ',
                 "a status-line");
    status = strtoul(text + 9, NULL, 10);
    body = strstr(text, "\r\n\r\n");
    FUZZ_REQUIRE(body && status >= 200 && status <= 599, "one final answer");
    body += 4;
    length = strstr(text, "\r\nContent-Length: ");
    octets = length ? strtoul(length + 18, NULL, 10) : 0;
    FUZZ_REQUIRE((length != NULL) == (status / 100 != 2),
                 "RFC 9110 section 9.3.6: no Content-Length in a 2xx");
    FUZZ_REQUIRE(strlen(body) == (is_head_request(in) ? 0 : octets),
                 "Content-Length is the body's");
    authenticate = strstr(text, "\r\nProxy-Authenticate: ");
    FUZZ_REQUIRE((authenticate != NULL) == (status == 407),
                 "a challenge comes with 407");
    FUZZ_REQUIRE(!authenticate || strstr(authenticate, " Basic realm=\"") ||
                     strstr(authenticate, " Digest realm=\""),
                 "a challenge has a scheme and its realm");
    FUZZ_REQUIRE(status / 100 == 2 || strstr(text, "\r\nConnection: close\r\n"),
                 "what is refused ends the connection");
    return (unsigned)status;
}
