#include "faults/forward.h"

#include <assert.h>
#include <string.h>

static struct px_bytes text_of(const char *text)
{
    return px_bytes_of(text, strlen(text));
}

uint8_t *forward_take(struct fault_memory *m, struct forward_part *part)
{
    assert(part->octets.len <= sizeof(m->out));
    if (part->octets.len)
        memmove(m->out, part->octets.data, part->octets.len);
    part->octets.data = m->out;
    return m->out;
}

void forward_put(struct fault_memory *m, struct forward_part *part, size_t at,
                 size_t cut, struct px_bytes octets)
{
    size_t len = part->octets.len;

    if (len - cut + octets.len > sizeof(m->out))
        return;
    (void)forward_take(m, part);
    memmove(m->out + at + octets.len, m->out + at + cut, len - at - cut);
    if (octets.len)
        memcpy(m->out + at, octets.data, octets.len);
    part->octets.len = len - cut + octets.len;
}

void forward_append(struct fault_memory *m, struct forward_part *part,
                    const char *text)
{
    forward_put(m, part, part->octets.len, 0, text_of(text));
}

void forward_set(struct fault_memory *m, struct forward_part *part,
                 const char *text)
{
    forward_put(m, part, 0, part->octets.len, text_of(text));
}

void forward_swap(struct fault_memory *m, struct forward_part *part,
                  const char *from, const char *to)
{
    size_t at = faults_find(part->octets, from);

    if (at < part->octets.len)
        forward_put(m, part, at, strlen(from), text_of(to));
}

enum forward_verdict forward_swap_at(struct fault_memory *m,
                                     struct forward_part *part,
                                     enum forward_stage stage, const char *from,
                                     const char *to)
{
    if (part->stage == stage)
        forward_swap(m, part, from, to);
    return FORWARD_PASS;
}

bool forward_is_request(const struct forward_part *part)
{
    return part->stage == FORWARD_REQUEST_RECEIVED;
}

bool forward_is_received(const struct forward_part *part)
{
    return part->stage == FORWARD_REQUEST_RECEIVED ||
           part->stage == FORWARD_RESPONSE_RECEIVED;
}

bool forward_is_sent(const struct forward_part *part)
{
    return part->stage == FORWARD_REQUEST_SENT ||
           part->stage == FORWARD_RESPONSE_SENT;
}

bool forward_has(const struct forward_part *part, const char *text)
{
    return faults_find(part->octets, text) < part->octets.len;
}

enum forward_verdict forward_answer(struct fault_memory *m,
                                    struct forward_part *part, const char *text)
{
    forward_set(m, part, text);
    return FORWARD_ANSWER;
}

/* A field line of a head, with its end and its folds. */
struct line {
    size_t at, len;
    struct px_bytes name, value;
};

/* Where the line that begins at at ends, with its LF. */
static size_t end_of_line(struct px_bytes octets, size_t at)
{
    while (at < octets.len && octets.data[at] != '\n')
        at++;
    return at < octets.len ? at + 1 : at;
}

static bool is_blank(uint8_t octet)
{
    return octet == ' ' || octet == '\t' || octet == '\r' || octet == '\n';
}

static struct px_bytes trim(struct px_bytes text)
{
    while (text.len && is_blank(text.data[0]))
        text = px_bytes_of(text.data + 1, text.len - 1);
    while (text.len && is_blank(text.data[text.len - 1]))
        text.len--;
    return text;
}

/* Takes the line at *at; false at the blank line. */
static bool take_line(struct px_bytes octets, size_t *at, struct line *out)
{
    size_t begin = *at, end = end_of_line(octets, begin);
    struct px_bytes text;
    const uint8_t *colon;

    while (end < octets.len &&
           (octets.data[end] == ' ' || octets.data[end] == '\t'))
        end = end_of_line(octets, end);
    text = trim(px_bytes_of(octets.data + begin, end - begin));
    if (text.len == 0)
        return false;
    colon = memchr(text.data, ':', text.len);
    *out = (struct line){.at = begin, .len = end - begin, .name = text};
    if (colon) {
        size_t len = (size_t)(colon - text.data);

        out->name = trim(px_bytes_of(text.data, len));
        out->value = trim(px_bytes_of(colon + 1, text.len - len - 1));
    }
    *at = end;
    return true;
}

/* Where the first line is; empty lines may stand before it. */
static size_t begin_of_head(struct px_bytes octets)
{
    size_t at = 0;

    while (at < octets.len &&
           (octets.data[at] == '\r' || octets.data[at] == '\n'))
        at++;
    return at;
}

static bool find(const struct forward_part *part, const char *name, size_t from,
                 struct line *out)
{
    size_t at =
        from ? from : end_of_line(part->octets, begin_of_head(part->octets));

    while (take_line(part->octets, &at, out)) {
        if (px_equal_nocase(out->name, text_of(name)))
            return true;
    }
    return false;
}

struct px_bytes forward_value(const struct forward_part *part, const char *name)
{
    struct line line;

    return find(part, name, 0, &line) ? line.value : (struct px_bytes){0};
}

bool forward_cut(struct fault_memory *m, struct forward_part *part,
                 const char *name)
{
    struct line line;

    if (!find(part, name, 0, &line))
        return false;
    forward_put(m, part, line.at, line.len, (struct px_bytes){0});
    return true;
}

bool forward_cut_last(struct fault_memory *m, struct forward_part *part,
                      const char *name)
{
    struct line line, last = {0};

    for (size_t at = 0; find(part, name, at, &line); at = line.at + line.len)
        last = line;
    if (last.len)
        forward_put(m, part, last.at, last.len, (struct px_bytes){0});
    return last.len > 0;
}

void forward_cut_all(struct fault_memory *m, struct forward_part *part,
                     const char *name)
{
    while (forward_cut(m, part, name))
        continue;
}

static size_t end_of_fields(struct px_bytes octets)
{
    size_t at = end_of_line(octets, begin_of_head(octets));
    struct line line;

    while (take_line(octets, &at, &line))
        continue;
    return at;
}

void forward_add(struct fault_memory *m, struct forward_part *part,
                 const char *line)
{
    forward_put(m, part, end_of_fields(part->octets), 0, text_of(line));
}

void forward_add_field(struct fault_memory *m, struct forward_part *part,
                       const char *name, struct px_bytes value)
{
    size_t at = end_of_fields(part->octets);

    forward_put(m, part, at, 0, PX_LITERAL("\r\n"));
    forward_put(m, part, at, 0, value);
    forward_put(m, part, at, 0, PX_LITERAL(": "));
    forward_put(m, part, at, 0, text_of(name));
}

void forward_rename(struct fault_memory *m, struct forward_part *part,
                    const char *from, const char *to)
{
    struct line line;

    while (find(part, from, 0, &line))
        forward_put(m, part, (size_t)(line.name.data - part->octets.data),
                    line.name.len, text_of(to));
}

void forward_set_value(struct fault_memory *m, struct forward_part *part,
                       const char *name, struct px_bytes value)
{
    struct line line;

    if (find(part, name, 0, &line) && line.value.data)
        forward_put(m, part, (size_t)(line.value.data - part->octets.data),
                    line.value.len, value);
}

struct px_bytes forward_word(const struct forward_part *part)
{
    size_t begin = begin_of_head(part->octets), end;

    while (begin < part->octets.len && part->octets.data[begin] != ' ')
        begin++;
    begin += begin < part->octets.len;
    end = begin;
    while (end < part->octets.len && !is_blank(part->octets.data[end]))
        end++;
    return px_bytes_of(part->octets.data + begin, end - begin);
}

void forward_keep(struct fault_memory *m, struct px_bytes octets)
{
    m->kept_len = 0;
    forward_keep_more(m, octets);
}

void forward_keep_more(struct fault_memory *m, struct px_bytes octets)
{
    size_t room = sizeof(m->kept) - m->kept_len;
    size_t len = octets.len < room ? octets.len : room;

    if (len)
        memcpy(m->kept + m->kept_len, octets.data, len);
    m->kept_len += len;
}

struct px_bytes forward_kept(const struct fault_memory *m)
{
    return px_bytes_of(m->kept, m->kept_len);
}

void forward_complete_chunks(struct fault_memory *m, struct forward_part *part)
{
    enum { FILL_MAX = FAULT_OCTETS_MAX - 16 };
    size_t len = part->left < FILL_MAX ? (size_t)part->left : FILL_MAX;

    memset(m->out, 'x', len);
    part->octets = px_bytes_of(m->out, len);
    forward_append(m, part, len ? "\r\n0\r\n\r\n" : "0\r\n\r\n");
}
