#include "access_words.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

struct px_bytes words_cut(struct px_bytes *rest, char mark)
{
    const uint8_t *at = rest->len ? memchr(rest->data, mark, rest->len) : NULL;
    size_t len = at ? (size_t)(at - rest->data) : rest->len;
    struct px_bytes head = px_bytes_of(rest->data, len);

    len += at != NULL;
    *rest = px_bytes_of(rest->data + len, rest->len - len);
    return head;
}

static bool words_have(struct px_bytes text, char octet)
{
    return text.len && memchr(text.data, octet, text.len);
}

bool words_are_same(struct px_bytes a, struct px_bytes b)
{
    return a.len == b.len &&
           (a.len == 0 || strncasecmp((const char *)a.data,
                                      (const char *)b.data, a.len) == 0);
}

bool words_is_alnum(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z');
}

bool words_is_made_of(struct px_bytes text, const char *besides)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];

        if (!words_is_alnum(c) && (c == 0 || !strchr(besides, c)))
            return false;
    }
    return text.len > 0;
}

bool words_is_numeric(struct px_bytes text, const char *besides)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];

        if ((c < '0' || c > '9') && (c == 0 || !strchr(besides, c)))
            return false;
    }
    return text.len > 0;
}

struct words words_split(struct px_bytes line)
{
    struct words w = {0};
    size_t len = 0;

    w.has_method = words_have(line, ' ');
    if (w.has_method)
        w.method = words_cut(&line, ' ');
    if (line.len && line.data[0] == '[') {
        while (len < line.len && line.data[len] != ']' && line.data[len] != '/')
            len++;
        len += len < line.len && line.data[len] == ']';
    } else {
        while (len < line.len && line.data[len] != ':' && line.data[len] != '/')
            len++;
    }
    w.host = px_bytes_of(line.data, len);
    w.path = px_bytes_of(line.data + len, line.len - len);
    w.has_port = w.path.len && w.path.data[0] == ':';
    for (len = 0; w.has_port && len < w.path.len && w.path.data[len] != '/';)
        len++;
    if (w.has_port)
        w.port = px_bytes_of(w.path.data + 1, len - 1);
    w.path = px_bytes_of(w.path.data + len, w.path.len - len);
    return w;
}

bool words_read_ip(struct px_bytes text, struct px_address *out)
{
    char literal[64] = "";
    bool is_v6 = text.len > 2 && text.data[0] == '[';

    *out =
        (struct px_address){.kind = is_v6 ? PX_ADDRESS_IPV6 : PX_ADDRESS_IPV4};
    if (is_v6 && text.data[text.len - 1] == ']')
        text = px_bytes_of(text.data + 1, text.len - 2);
    if (text.len == 0 || text.len >= sizeof(literal) || words_have(text, '\0'))
        return false;
    memcpy(literal, text.data, text.len);
    return inet_pton(is_v6 ? AF_INET6 : AF_INET, literal, out->ip) == 1;
}

bool words_is_name(struct px_bytes text, const char *besides)
{
    size_t label = 0;

    for (size_t i = 0; i < text.len; i++) {
        label = text.data[i] == '.' ? 0 : label + 1;
        if (label > 63 ||
            (text.data[i] == '.' && (i == 0 || text.data[i - 1] == '.')))
            return false;
    }
    return text.len <= 250 && words_is_made_of(text, besides) &&
           !words_is_numeric(text, ".*");
}

unsigned long words_read_port(struct px_bytes text)
{
    unsigned long port = 0;

    for (size_t i = 0; i < text.len && i < 6; i++)
        port = port * 10 + (unsigned long)(text.data[i] - '0');
    return port;
}
