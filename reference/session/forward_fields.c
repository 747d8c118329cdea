#include "forward_fields.h"

#include <string.h>

static bool is_one_of(struct px_bytes name, const char *const *names)
{
    for (; *names; names++) {
        if (px_equal_nocase(name, px_bytes_of(*names, strlen(*names))))
            return true;
    }
    return false;
}

static bool is(struct px_bytes name, const char *text)
{
    return px_equal_nocase(name, px_bytes_of(text, strlen(text)));
}

static void add_option(struct forward_options *out, struct px_bytes name)
{
    if (name.len + 1 > sizeof(out->names) - out->len) {
        out->is_over = true;
        return;
    }
    memcpy(out->names + out->len, name.data, name.len);
    out->len += name.len;
    out->names[out->len++] = ',';
}

void forward_read_options(const struct http1_fields *fields,
                          struct forward_options *out)
{
    out->is_over = false;
    out->len = 0;
    for (size_t i = 0; i < fields->count; i++) {
        struct px_bytes list = fields->at[i].value;
        struct px_bytes member;

        if (!is(fields->at[i].name, "Connection"))
            continue;
        while (http1_next_member(&list, &member))
            add_option(out, member);
    }
}

bool forward_has_option(const struct forward_options *options,
                        struct px_bytes name)
{
    struct px_bytes list = px_bytes_of(options->names, options->len);
    struct px_bytes member;

    while (http1_next_member(&list, &member)) {
        if (px_equal_nocase(member, name))
            return true;
    }
    return false;
}

/* RFC 9110 sections 7.6.1 and 11.7: these are for the next recipient alone;
 * the framing is written anew. */
static bool ends_here(struct px_bytes name)
{
    static const char *const names[] = {"Connection",
                                        "Proxy-Connection",
                                        "Keep-Alive",
                                        "TE",
                                        "Transfer-Encoding",
                                        "Content-Length",
                                        "Upgrade",
                                        "HTTP2-Settings",
                                        "Proxy-Authorization",
                                        "Proxy-Authenticate",
                                        "Proxy-Authentication-Info",
                                        NULL};

    return is_one_of(name, names);
}

/* RFC 9110 section 6.5.1: framing, routing, request modifiers, credentials,
 * response control and how content is to be read have no place in trailers. */
static bool is_no_trailer(struct px_bytes name)
{
    static const char *const names[] = {"Host",          "Trailer",
                                        "Max-Forwards",  "Expect",
                                        "Authorization", "WWW-Authenticate",
                                        "Cookie",        "Set-Cookie",
                                        "Cache-Control", "Age",
                                        "Date",          "Expires",
                                        "Location",      "Retry-After",
                                        "Vary",          "Warning",
                                        "Pragma",        "Content-Encoding",
                                        "Content-Range", "Content-Type",
                                        "Range",         "If-Match",
                                        "If-None-Match", "If-Modified-Since",
                                        "If-Range",      "If-Unmodified-Since",
                                        "Via",           NULL};

    return ends_here(name) || is_one_of(name, names);
}

static bool is_dropped(struct px_bytes name, const struct forward_filter *f)
{
    return ends_here(name) || (f->drops_host && is(name, "Host")) ||
           (f->drops_expect && is(name, "Expect")) ||
           (f->drops_max_forwards && is(name, "Max-Forwards")) ||
           (f->drops_trailer && is(name, "Trailer")) ||
           forward_has_option(f->options, name);
}

/* The ends of folded lines become blanks. */
static void put_line(const struct http1_field *field, struct px_writer *out)
{
    px_put_bytes(out, field->name);
    px_put_text(out, ": ");
    for (size_t i = 0; i < field->value.len; i++) {
        uint8_t octet = field->value.data[i];

        px_put_u8(out, octet == '\r' || octet == '\n' ? ' ' : octet);
    }
    px_put_text(out, "\r\n");
}

void forward_put_fields(const struct http1_fields *fields,
                        const struct forward_filter *filter,
                        struct px_writer *out)
{
    for (size_t i = 0; i < fields->count; i++) {
        if (!is_dropped(fields->at[i].name, filter))
            put_line(&fields->at[i], out);
    }
}

void forward_put_trailers(const struct http1_fields *fields,
                          const struct forward_options *options,
                          struct px_writer *out)
{
    for (size_t i = 0; i < fields->count; i++) {
        const struct http1_field *field = &fields->at[i];

        if (!is_no_trailer(field->name) &&
            !forward_has_option(options, field->name))
            put_line(field, out);
    }
}

void forward_put_field(const char *name, struct px_bytes value,
                       struct px_writer *out)
{
    px_put_text(out, name);
    px_put_text(out, ": ");
    px_put_bytes(out, value);
    px_put_text(out, "\r\n");
}

void forward_put_via(unsigned minor, const char *pseudonym,
                     struct px_writer *out)
{
    px_put_text(out, "Via: 1.");
    px_put_decimal(out, minor);
    px_put_text(out, " ");
    px_put_text(out, pseudonym);
    px_put_text(out, "\r\n");
}

static bool is_blank(uint8_t octet)
{
    return octet == ' ' || octet == '\t' || octet == '\r' || octet == '\n';
}

/* Takes the next word off text. */
static struct px_bytes next_word(struct px_bytes *text)
{
    struct px_bytes word;
    size_t len = 0;

    while (text->len && is_blank(text->data[0]))
        *text = px_bytes_of(text->data + 1, text->len - 1);
    while (len < text->len && !is_blank(text->data[len]))
        len++;
    word = px_bytes_of(text->data, len);
    *text = px_bytes_of(text->data + len, text->len - len);
    return word;
}

/* received-protocol RWS received-by (RFC 9110 section 7.6.3). */
bool forward_has_passed(const struct http1_fields *fields,
                        const char *pseudonym)
{
    struct px_bytes own = px_bytes_of(pseudonym, strlen(pseudonym));

    for (size_t i = 0; i < fields->count; i++) {
        struct px_bytes list = fields->at[i].value;
        struct px_bytes member;

        if (!is(fields->at[i].name, "Via"))
            continue;
        while (http1_next_member(&list, &member)) {
            (void)next_word(&member);
            if (px_equal_nocase(next_word(&member), own))
                return true;
        }
    }
    return false;
}
