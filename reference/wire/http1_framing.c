#include "http1_framing.h"

static bool is_space(uint8_t octet)
{
    return octet == ' ' || octet == '\t' || octet == '\r' || octet == '\n';
}

/* Folds are kept in values, so the ends of lines count as whitespace. */
static struct px_bytes trim(struct px_bytes text)
{
    while (text.len && is_space(text.data[0])) {
        text.data++;
        text.len--;
    }
    while (text.len && is_space(text.data[text.len - 1]))
        text.len--;
    return text;
}

/*
 * Takes the text before the next separator that is in no quoted string; false
 * when nothing is left. Empty members are handed out.
 */
static bool take_part(struct px_bytes *rest, uint8_t separator,
                      struct px_bytes *part)
{
    bool is_quoted = false;
    size_t len = 0;

    if (!rest->data)
        return false;
    while (len < rest->len && (is_quoted || rest->data[len] != separator)) {
        if (rest->data[len] == '\\' && is_quoted && len + 1 < rest->len)
            len++;
        else if (rest->data[len] == '"')
            is_quoted = !is_quoted;
        len++;
    }
    *part = trim(px_bytes_of(rest->data, len));
    if (len == rest->len)
        *rest = (struct px_bytes){0};
    else
        *rest = px_bytes_of(rest->data + len + 1, rest->len - len - 1);
    return true;
}

/* A field value to be split: of no octets, yet there. */
static struct px_bytes value_of(const struct http1_field *field)
{
    static const uint8_t nothing;

    return field->value.data ? field->value : px_bytes_of(&nothing, 0);
}

/* One decimal number (RFC 9110 section 8.6); the defects it has. */
static uint32_t read_length(struct px_bytes text, uint64_t *out)
{
    uint32_t defects = text.len ? 0 : HTTP1_LENGTH_INVALID;
    uint64_t value = 0;

    for (size_t i = 0; i < text.len; i++) {
        uint64_t digit = (uint64_t)text.data[i] - '0';

        if (text.data[i] < '0' || text.data[i] > '9')
            return HTTP1_LENGTH_INVALID;
        if (value > (UINT64_MAX - digit) / 10)
            defects |= HTTP1_LENGTH_OVERFLOW;
        value = value * 10 + digit;
    }
    *out = value;
    return defects;
}

/* Every value of every Content-Length line. */
static void read_lengths(const struct http1_fields *fields,
                         struct http1_framing *out)
{
    size_t count = 0;

    for (size_t i = 0; i < fields->count; i++) {
        struct px_bytes rest = value_of(&fields->at[i]);
        struct px_bytes part;
        uint64_t value = 0;

        if (!px_equal_nocase(fields->at[i].name, PX_LITERAL("Content-Length")))
            continue;
        while (take_part(&rest, ',', &part)) {
            uint32_t defects = read_length(part, &value);

            out->defects |= defects;
            if (defects == 0 && count > 0)
                out->defects |= value == out->length ? HTTP1_LENGTH_REPEATED
                                                     : HTTP1_LENGTH_CONFLICT;
            if (defects == 0 && count++ == 0)
                out->length = value;
        }
    }
}

/* What Transfer-Encoding says, every line of it. */
struct codings {
    size_t count;
    size_t chunked;
    bool is_chunked_last;
    uint32_t defects;
};

/* The codings of the registry that RFC 9112 section 7.3 set up. */
static bool is_compression(struct px_bytes name)
{
    const struct px_bytes names[] = {
        PX_LITERAL("gzip"),   PX_LITERAL("compress"),   PX_LITERAL("deflate"),
        PX_LITERAL("x-gzip"), PX_LITERAL("x-compress"),
    };

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (px_equal_nocase(name, names[i]))
            return true;
    }
    return false;
}

/* transfer-coding, RFC 9110 section 10.1.4: a token and its parameters. */
static void read_coding(struct px_bytes member, struct codings *out)
{
    struct px_bytes name = {0};
    bool is_known = false;

    if (!take_part(&member, ';', &name) || name.len == 0) {
        out->defects |= HTTP1_CODING_INVALID;
        return;
    }
    out->is_chunked_last = px_equal_nocase(name, PX_LITERAL("chunked"));
    out->chunked += out->is_chunked_last;
    out->count++;
    if (is_compression(name)) {
        is_known = true;
        out->defects |= HTTP1_CODING_OTHER;
    } else if (!http1_is_token(name)) {
        out->defects |= HTTP1_CODING_INVALID;
    } else if (!out->is_chunked_last) {
        out->defects |= HTTP1_CODING_UNKNOWN;
    }
    if (member.data && (is_known || out->is_chunked_last))
        out->defects |= HTTP1_CODING_PARAMETERS;
}

/* Empty members are skipped, as in every list (RFC 9110 section 5.6.1.2). */
static struct codings read_codings(const struct http1_fields *fields)
{
    struct codings out = {0};

    for (size_t i = 0; i < fields->count; i++) {
        struct px_bytes rest = value_of(&fields->at[i]);
        struct px_bytes member;

        if (!px_equal_nocase(fields->at[i].name,
                             PX_LITERAL("Transfer-Encoding")))
            continue;
        while (take_part(&rest, ',', &member)) {
            if (member.len)
                read_coding(member, &out);
        }
    }
    if (out.count == 0)
        out.defects |= HTTP1_CODING_INVALID;
    if (out.chunked > 1)
        out.defects |= HTTP1_CHUNKED_TWICE;
    if (out.chunked == 0)
        out.defects |= HTTP1_CHUNKED_MISSING;
    else if (!out.is_chunked_last)
        out.defects |= HTTP1_CHUNKED_NOT_LAST;
    return out;
}

enum {
    /* The defects with which two recipients may find two ends. */
    LENGTH_OPEN =
        HTTP1_LENGTH_CONFLICT | HTTP1_LENGTH_INVALID | HTTP1_LENGTH_OVERFLOW,
    CODING_OPEN = HTTP1_CODING_INVALID | HTTP1_CODING_AND_LENGTH |
                  HTTP1_CODING_PARAMETERS | HTTP1_CHUNKED_TWICE |
                  HTTP1_CODING_HTTP10,
};

/* By the fields alone; otherwise where neither is there. */
static struct http1_framing frame(const struct http1_fields *fields,
                                  bool is_http10, enum http1_body otherwise)
{
    struct http1_framing out = {.body = otherwise, .is_certain = true};
    bool has_length = http1_find(fields, "Content-Length") != NULL;

    if (has_length) {
        read_lengths(fields, &out);
        out.body = HTTP1_BODY_LENGTH;
        out.is_certain = !(out.defects & LENGTH_OPEN);
    }
    if (http1_find(fields, "Transfer-Encoding")) {
        struct codings codings = read_codings(fields);

        out.defects |= codings.defects;
        if (has_length)
            out.defects |= HTTP1_CODING_AND_LENGTH;
        if (is_http10)
            out.defects |= HTTP1_CODING_HTTP10;
        out.length = 0;
        out.body =
            codings.is_chunked_last ? HTTP1_BODY_CHUNKED : HTTP1_BODY_TO_CLOSE;
        out.is_certain = !(out.defects & CODING_OPEN);
    }
    return out;
}

static bool is_http10(uint8_t major, uint8_t minor)
{
    return major == 0 || (major == 1 && minor == 0);
}

struct http1_framing
http1_request_framing(const struct http1_request_head *head)
{
    struct http1_framing out =
        frame(&head->fields, is_http10(head->line.major, head->line.minor),
              HTTP1_BODY_NONE);

    if (out.body == HTTP1_BODY_TO_CLOSE) { /* no request ends so */
        out.body = HTTP1_BODY_NONE;
        out.is_certain = false;
    }
    return out;
}

struct http1_framing
http1_response_framing(const struct http1_response_head *head,
                       struct http1_asked asked)
{
    struct http1_framing out =
        frame(&head->fields, is_http10(head->line.major, head->line.minor),
              HTTP1_BODY_TO_CLOSE);
    uint16_t code = head->line.code;
    bool is_bare =
        code / 100 == 1 || code == 204 || (asked.is_connect && code / 100 == 2);

    if (!is_bare && code != 304 && !asked.is_head)
        return out;
    if (is_bare && http1_find(&head->fields, "Content-Length"))
        out.defects |= HTTP1_LENGTH_FORBIDDEN;
    if (is_bare && http1_find(&head->fields, "Transfer-Encoding"))
        out.defects |= HTTP1_CODING_FORBIDDEN;
    out.body = HTTP1_BODY_NONE;
    out.length = 0;
    out.is_certain = true;
    return out;
}

/* Defects and what they break; the gravest first. */
struct broken {
    uint32_t defects;
    enum requirement req;
};

static enum requirement first_of(const struct broken *rows, size_t count,
                                 uint32_t defects)
{
    for (size_t i = 0; i < count; i++) {
        if (rows[i].defects & defects)
            return rows[i].req;
    }
    return REQ_NONE;
}

enum requirement http1_request_defect(uint32_t defects)
{
    static const struct broken rows[] = {
        {HTTP1_CODING_AND_LENGTH, REQ_HTTP_FRAMING_TE_CL_STRIP},
        {HTTP1_CODING_HTTP10, REQ_HTTP_FRAMING_TE_HTTP10_REQUEST},
        {HTTP1_CHUNKED_TWICE, REQ_HTTP_FRAMING_CHUNKED_ONCE},
        {HTTP1_CHUNKED_NOT_LAST, REQ_HTTP_FRAMING_TE_REQUEST_NOT_FINAL},
        {HTTP1_CODING_INVALID, REQ_HTTP_FRAMING_TE_OBFUSCATED},
        {HTTP1_CODING_UNKNOWN, REQ_HTTP_FRAMING_TE_UNKNOWN},
        {HTTP1_CHUNKED_MISSING, REQ_HTTP_FRAMING_TE_REQUEST_NOT_FINAL},
        {HTTP1_CODING_OTHER, REQ_HTTP_FRAMING_TE_UNKNOWN},
        {HTTP1_CODING_PARAMETERS, REQ_HTTP_CHUNKED_PARAMS},
        {HTTP1_LENGTH_CONFLICT, REQ_HTTP_FRAMING_CL_CONFLICT_REQUEST},
        {HTTP1_LENGTH_INVALID, REQ_HTTP_FRAMING_CL_INVALID_REQUEST},
        {HTTP1_LENGTH_OVERFLOW, REQ_HTTP_FRAMING_CL_BIG},
        {HTTP1_LENGTH_REPEATED, REQ_HTTP_FRAMING_CL_REPEAT},
    };

    return first_of(rows, sizeof(rows) / sizeof(rows[0]), defects);
}

enum requirement http1_response_defect(uint32_t defects)
{
    static const struct broken rows[] = {
        {HTTP1_CODING_AND_LENGTH, REQ_HTTP_FRAMING_TE_CL_STRIP},
        {HTTP1_CODING_HTTP10, REQ_HTTP_FRAMING_TE_HTTP10_RESPONSE},
        {HTTP1_CHUNKED_TWICE, REQ_HTTP_FRAMING_CHUNKED_ONCE},
        {HTTP1_CHUNKED_NOT_LAST | HTTP1_CHUNKED_MISSING | HTTP1_CODING_OTHER |
             HTTP1_CODING_UNKNOWN | HTTP1_CODING_INVALID,
         REQ_HTTP_TE_CODING_UNASKED},
        {HTTP1_CODING_PARAMETERS, REQ_HTTP_CHUNKED_PARAMS},
        {HTTP1_LENGTH_CONFLICT | HTTP1_LENGTH_INVALID,
         REQ_HTTP_FRAMING_CL_INVALID_RESPONSE},
        {HTTP1_LENGTH_OVERFLOW, REQ_HTTP_FRAMING_CL_BIG},
        {HTTP1_LENGTH_REPEATED, REQ_HTTP_FRAMING_CL_REPEAT},
        {HTTP1_CODING_FORBIDDEN, REQ_HTTP_FRAMING_TE_204},
        {HTTP1_LENGTH_FORBIDDEN, REQ_HTTP_FRAMING_CL_204},
    };

    return first_of(rows, sizeof(rows) / sizeof(rows[0]), defects);
}
