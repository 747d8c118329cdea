#include "http1.h"
#include "http1_chunked.h"

#include <string.h>

const struct http1_limits http1_default_limits = {
    .start_line = 16384,
    .section = 32768,
    .fields = HTTP1_FIELDS_MAX,
};

/* One line without its end, and what is odd about how it ended. */
struct line {
    struct px_bytes text;
    size_t next; /* where the line after it begins */
    uint32_t oddities;
};

/* Takes the line that begins at `at`; false when its LF is not there yet. */
static bool take_line(struct px_bytes in, size_t at, struct line *out)
{
    const uint8_t *begin, *lf;
    size_t len;

    if (at >= in.len)
        return false;
    begin = in.data + at;
    lf = memchr(begin, '\n', in.len - at);
    if (!lf)
        return false;
    len = (size_t)(lf - begin);
    out->next = at + len + 1;
    out->oddities = 0;
    if (len > 0 && begin[len - 1] == '\r')
        len--;
    else
        out->oddities |= HTTP1_BARE_LF;
    out->text = px_bytes_of(begin, len);
    if (len > 0 && memchr(begin, '\r', len))
        out->oddities |= HTTP1_BARE_CR;
    return true;
}

static bool is_blank(uint8_t octet)
{
    return octet == ' ' || octet == '\t';
}

/* RFC 9110 section 5.6.2: tchar. */
static bool is_tchar(uint8_t octet)
{
    if ((octet >= '0' && octet <= '9') || (octet >= 'A' && octet <= 'Z') ||
        (octet >= 'a' && octet <= 'z'))
        return true;
    return octet != 0 && strchr("!#$%&'*+-.^_`|~", octet) != NULL;
}

bool http1_is_token(struct px_bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!is_tchar(text.data[i]))
            return false;
    }
    return text.len > 0;
}

static struct px_bytes trim(struct px_bytes text)
{
    while (text.len && is_blank(text.data[0])) {
        text.data++;
        text.len--;
    }
    while (text.len && is_blank(text.data[text.len - 1]))
        text.len--;
    return text;
}

/* Joins the lines that are folded onto this one (RFC 9112 section 5.2). */
static bool take_folds(struct px_bytes in, struct line *line)
{
    struct line fold;

    for (;;) {
        if (line->next >= in.len)
            return false; /* the next octet decides whether a fold follows */
        if (!is_blank(in.data[line->next]))
            return true;
        if (!take_line(in, line->next, &fold))
            return false;
        line->text.len =
            (size_t)(fold.text.data - line->text.data) + fold.text.len;
        line->oddities |= fold.oddities | HTTP1_FOLDED;
        line->next = fold.next;
    }
}

/* Splits a field line (RFC 9112 section 5); every oddity is kept and told. */
static void split_field(const struct line *line, struct http1_field *out)
{
    struct px_bytes text = line->text;
    const uint8_t *colon = memchr(text.data, ':', text.len);

    *out = (struct http1_field){.oddities = line->oddities};
    if (is_blank(text.data[0]))
        out->oddities |= HTTP1_INDENTED;
    if (memchr(text.data, '\0', text.len))
        out->oddities |= HTTP1_CONTROL;
    if (!colon) {
        out->oddities |= HTTP1_NO_COLON;
        out->name = trim(text);
        return;
    }
    out->name = px_bytes_of(text.data, (size_t)(colon - text.data));
    if (out->name.len && is_blank(out->name.data[out->name.len - 1]))
        out->oddities |= HTTP1_COLON_SPACE;
    out->name = trim(out->name);
    if (!http1_is_token(out->name))
        out->oddities |= HTTP1_NOT_TOKEN;
    out->value = trim(
        px_bytes_of(colon + 1, text.len - (size_t)(colon + 1 - text.data)));
}

static enum px_status too_many(const struct http1_limits *limits, size_t at,
                               struct px_error *err)
{
    return px_refuse(err, REQ_HTTP_LIMITS_FIELDS_4XX, at,
                     "more than %zu field lines", limits->fields);
}

static enum px_status too_large(const struct http1_limits *limits, size_t at,
                                struct px_error *err)
{
    return px_refuse(err, REQ_HTTP_LIMITS_FIELDS_4XX, at,
                     "the field section exceeds %zu octets", limits->section);
}

/*
 * Decodes field lines from `at` to the blank line. The limits count octets
 * that are there, whole lines or not, so that an endless line is refused.
 */
static enum px_status take_fields(struct px_bytes in, size_t at,
                                  const struct http1_limits *limits,
                                  struct http1_fields *out, size_t *used,
                                  struct px_error *err)
{
    size_t begin = at;
    struct line line;

    out->count = 0;
    out->oddities = 0;
    while (take_line(in, at, &line)) {
        if (line.next - begin > limits->section)
            return too_large(limits, begin + limits->section, err);
        if (line.text.len == 0) {
            out->oddities |= line.oddities;
            *used = line.next;
            return PX_DONE;
        }
        if (!take_folds(in, &line))
            break;
        if (line.next - begin > limits->section)
            return too_large(limits, begin + limits->section, err);
        if (out->count == limits->fields || out->count == HTTP1_FIELDS_MAX)
            return too_many(limits, at, err);
        split_field(&line, &out->at[out->count]);
        out->oddities |= out->at[out->count].oddities;
        out->count++;
        at = line.next;
    }
    if (in.len - begin > limits->section)
        return too_large(limits, begin + limits->section, err);
    return PX_NEED_MORE;
}

enum px_status http1_decode_trailers(struct px_bytes in,
                                     const struct http1_limits *limits,
                                     struct http1_fields *out, size_t *used,
                                     struct px_error *err)
{
    return take_fields(in, 0, limits, out, used, err);
}

/* Empty lines before a start-line are skipped (RFC 9112 section 2.2). */
static size_t skip_empty_lines(struct px_bytes in, uint32_t *oddities)
{
    size_t at = 0;

    for (;;) {
        size_t next = at;

        if (next < in.len && in.data[next] == '\r')
            next++;
        if (next >= in.len || in.data[next] != '\n')
            return at;
        at = next + 1;
        *oddities |= HTTP1_LEADING_CRLF;
    }
}

/* HTTP/DIGIT.DIGIT, RFC 9112 section 2.3. */
static bool parse_version(struct px_bytes text, uint8_t *major, uint8_t *minor)
{
    if (text.len != 8 || memcmp(text.data, "HTTP/", 5) != 0 ||
        text.data[5] < '0' || text.data[5] > '9' || text.data[6] != '.' ||
        text.data[7] < '0' || text.data[7] > '9')
        return false;
    *major = (uint8_t)(text.data[5] - '0');
    *minor = (uint8_t)(text.data[7] - '0');
    return true;
}

/* Takes octets up to the next blank, and the blanks; counts those. */
static struct px_bytes take_word(struct px_bytes *rest, size_t *blanks)
{
    struct px_bytes word = *rest;

    *blanks = 0;
    for (size_t i = 0; i < rest->len; i++) {
        if (!is_blank(rest->data[i]))
            continue;
        word.len = i;
        while (i + *blanks < rest->len && is_blank(rest->data[i + *blanks]))
            (*blanks)++;
        rest->data += i + *blanks;
        rest->len -= i + *blanks;
        return word;
    }
    *rest = (struct px_bytes){0};
    return word;
}

static bool is_single_space(struct px_bytes word, size_t blanks)
{
    return blanks == 1 && word.data[word.len] == ' ';
}

/* METHOD SP TARGET SP VERSION, RFC 9112 section 3; read leniently. */
static void split_request_line(const struct line *line,
                               struct http1_request_line *out)
{
    struct px_bytes rest = line->text;
    struct px_bytes version = {0};
    size_t blanks;

    out->oddities |= line->oddities;
    out->minor = 9;
    out->method = take_word(&rest, &blanks);
    if (!is_single_space(out->method, blanks))
        out->oddities |= HTTP1_LOOSE_SPACING;
    if (!http1_is_token(out->method))
        out->oddities |= HTTP1_NOT_TOKEN;
    out->target = take_word(&rest, &blanks);
    if (blanks == 0) {
        out->oddities |= HTTP1_NO_VERSION;
        return;
    }
    if (!is_single_space(out->target, blanks))
        out->oddities |= HTTP1_LOOSE_SPACING;
    version = take_word(&rest, &blanks);
    if (blanks)
        out->oddities |= HTTP1_LOOSE_SPACING;
    if (rest.len)
        out->oddities |= HTTP1_EXTRA_WORDS;
    if (version.len == 0)
        out->oddities |= HTTP1_NO_VERSION;
    else if (!parse_version(version, &out->major, &out->minor))
        out->oddities |= HTTP1_BAD_VERSION;
    if (memchr(line->text.data, '\0', line->text.len))
        out->oddities |= HTTP1_CONTROL;
}

static enum px_status start_line_too_long(const struct http1_limits *limits,
                                          struct px_error *err)
{
    return px_refuse(err, REQ_HTTP_TARGET_TOO_LONG, limits->start_line,
                     "the start-line exceeds %zu octets", limits->start_line);
}

enum px_status http1_decode_request_head(struct px_bytes in,
                                         const struct http1_limits *limits,
                                         struct http1_request_head *out,
                                         size_t *used, struct px_error *err)
{
    struct http1_request_line request = {0};
    size_t begin = skip_empty_lines(in, &request.oddities);
    struct line line;

    if (begin > limits->section)
        return too_large(limits, limits->section, err);
    if (!take_line(in, begin, &line)) {
        if (in.len - begin > limits->start_line)
            return start_line_too_long(limits, err);
        return PX_NEED_MORE;
    }
    if (line.next - begin > limits->start_line)
        return start_line_too_long(limits, err);
    split_request_line(&line, &request);
    out->line = request;
    if (request.oddities & HTTP1_NO_VERSION) {
        out->fields.count = 0;
        out->fields.oddities = 0;
        *used = line.next;
        return PX_DONE;
    }
    return take_fields(in, line.next, limits, &out->fields, used, err);
}

/* VERSION SP 3DIGIT SP [reason], RFC 9112 section 4; read leniently. */
static void split_status_line(const struct line *line,
                              struct http1_status_line *out)
{
    struct px_bytes rest = line->text;
    struct px_bytes version, code;
    size_t blanks;

    out->oddities |= line->oddities;
    version = take_word(&rest, &blanks);
    if (!parse_version(version, &out->major, &out->minor))
        out->oddities |= HTTP1_BAD_VERSION;
    if (!is_single_space(version, blanks))
        out->oddities |= HTTP1_LOOSE_SPACING;
    code = take_word(&rest, &blanks);
    if (blanks == 0)
        out->oddities |= HTTP1_NO_REASON_SPACE;
    if (code.len == 3 && code.data[0] >= '0' && code.data[0] <= '9' &&
        code.data[1] >= '0' && code.data[1] <= '9' && code.data[2] >= '0' &&
        code.data[2] <= '9')
        out->code = (uint16_t)((code.data[0] - '0') * 100 +
                               (code.data[1] - '0') * 10 + code.data[2] - '0');
    else
        out->oddities |= HTTP1_BAD_STATUS;
    out->reason = rest;
    if (memchr(line->text.data, '\0', line->text.len))
        out->oddities |= HTTP1_CONTROL;
}

enum px_status http1_decode_response_head(struct px_bytes in,
                                          const struct http1_limits *limits,
                                          struct http1_response_head *out,
                                          size_t *used, struct px_error *err)
{
    static const char prefix[] = "HTTP/";
    struct http1_status_line status = {0};
    size_t begin = skip_empty_lines(in, &status.oddities);
    struct line line;

    for (size_t i = 0; i < sizeof(prefix) - 1 && begin + i < in.len; i++) {
        if (in.data[begin + i] == '\r' && begin + i + 1 == in.len && i == 0)
            return PX_NEED_MORE; /* another empty line may follow */
        if (in.data[begin + i] != (uint8_t)prefix[i])
            return px_refuse(err, REQ_HTTP_STATUS_SYNTAX, begin + i,
                             "no status-line: octet %#04x", in.data[begin + i]);
    }
    if (!take_line(in, begin, &line)) {
        if (in.len - begin > limits->start_line)
            return start_line_too_long(limits, err);
        return PX_NEED_MORE;
    }
    if (line.next - begin > limits->start_line)
        return start_line_too_long(limits, err);
    split_status_line(&line, &status);
    out->line = status;
    return take_fields(in, line.next, limits, &out->fields, used, err);
}

const struct http1_field *http1_find(const struct http1_fields *fields,
                                     const char *name)
{
    struct px_bytes wanted = px_bytes_of(name, strlen(name));

    for (size_t i = 0; i < fields->count; i++) {
        if (px_equal_nocase(fields->at[i].name, wanted))
            return &fields->at[i];
    }
    return NULL;
}

size_t http1_count(const struct http1_fields *fields, const char *name)
{
    struct px_bytes wanted = px_bytes_of(name, strlen(name));
    size_t count = 0;

    for (size_t i = 0; i < fields->count; i++)
        count += px_equal_nocase(fields->at[i].name, wanted);
    return count;
}

bool http1_next_member(struct px_bytes *list, struct px_bytes *member)
{
    while (list->len) {
        const uint8_t *comma = memchr(list->data, ',', list->len);
        size_t len = comma ? (size_t)(comma - list->data) : list->len;

        *member = trim(px_bytes_of(list->data, len));
        len += comma ? 1 : 0;
        list->data += len;
        list->len -= len;
        if (member->len)
            return true;
    }
    return false;
}

bool http1_lists(const struct http1_fields *fields, const char *name,
                 const char *member)
{
    struct px_bytes field = px_bytes_of(name, strlen(name));
    struct px_bytes wanted = px_bytes_of(member, strlen(member));

    for (size_t i = 0; i < fields->count; i++) {
        struct px_bytes list = fields->at[i].value;
        struct px_bytes one;

        if (!px_equal_nocase(fields->at[i].name, field))
            continue;
        while (http1_next_member(&list, &one)) {
            if (px_equal_nocase(one, wanted))
                return true;
        }
    }
    return false;
}
