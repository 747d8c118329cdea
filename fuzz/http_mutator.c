/* Texts of HTTP/1, and the changes that readers of it are known to differ on.
 */
#include <stdio.h>
#include <string.h>

#include "mutator.h"

#define LITERAL(text)                                                          \
    {                                                                          \
        (const uint8_t *)(text), sizeof(text) - 1                              \
    }
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define PICK(list)  ((list)[mutator_throw(dice, COUNT(list))])

/* SplitMix64 (Steele, Lea and Flood, 2014). */
size_t mutator_throw(struct mutator_dice *dice, size_t sides)
{
    uint64_t z = dice->state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (size_t)((z ^ (z >> 31)) % sides);
}

bool mutator_splice(struct mutator_text *text, size_t at, size_t cut,
                    struct px_bytes bytes)
{
    size_t rest = text->len - at - cut;

    if (bytes.len > cut && bytes.len - cut > text->cap - text->len)
        return false;
    memmove(text->octets + at + bytes.len, text->octets + at + cut, rest);
    if (bytes.len)
        memcpy(text->octets + at, bytes.data, bytes.len);
    text->len = at + bytes.len + rest;
    return true;
}

/* A line and its end: LF, or CR and LF, or nothing at the end of the text. */
struct line {
    size_t begin, end_mark, end;
};

static struct line line_at(const struct mutator_text *text, size_t at)
{
    struct line line = {.begin = at, .end = at};

    while (line.begin > 0 && text->octets[line.begin - 1] != '\n')
        line.begin--;
    while (line.end < text->len && text->octets[line.end] != '\n')
        line.end++;
    line.end_mark = line.end;
    if (line.end == text->len)
        return line;
    line.end++;
    if (line.end_mark > line.begin && text->octets[line.end_mark - 1] == '\r')
        line.end_mark--;
    return line;
}

static struct line pick_line(const struct mutator_text *text,
                             struct mutator_dice *dice)
{
    return line_at(text, mutator_throw(dice, text->len + 1));
}

static const struct px_bytes fields[] = {
    LITERAL("Content-Length: 5\r\n"),
    LITERAL("Content-Length: 0\r\n"),
    LITERAL("Content-Length: 5, 5\r\n"),
    LITERAL("Content-Length: 6\r\n"),
    LITERAL("content-length:5\r\n"),
    LITERAL("Content-Length:\r\n"),
    LITERAL("Transfer-Encoding: chunked\r\n"),
    LITERAL("transfer-encoding:Chunked\r\n"),
    LITERAL("Transfer-Encoding: gzip, chunked\r\n"),
    LITERAL("Transfer-Encoding: identity\r\n"),
    LITERAL("Transfer-Encoding: xchunked\r\n"),
    LITERAL("Transfer-Encoding: chunked, chunked\r\n"),
    LITERAL("Connection: close\r\n"),
    LITERAL("Connection: keep-alive\r\n"),
    LITERAL("Connection: Content-Length\r\n"),
    LITERAL("Connection: Via, x-a\r\nX-A: 1\r\n"),
    LITERAL("Proxy-Connection: keep-alive\r\n"),
    LITERAL("Keep-Alive: timeout=5\r\n"),
    LITERAL("TE: trailers\r\n"),
    LITERAL("Trailer: X-A\r\n"),
    LITERAL("Upgrade: foo\r\nConnection: upgrade\r\n"),
    LITERAL("Expect: 100-continue\r\n"),
    LITERAL("Via: 1.0 a, 1.1 b\r\n"),
    LITERAL("Via: 1.1 c\r\n"),
    LITERAL("Max-Forwards: 3\r\n"),
    LITERAL("Host: a.test\r\n"),
    LITERAL("Host: b.test:81\r\n"),
    LITERAL("Cookie: a=b\r\n"),
    LITERAL("X-A: 1\r\n"),
    LITERAL("X-A:\r\n"),
    LITERAL("X-A: 1\r\n 2\r\n"),
    LITERAL("Proxy-Authorization: Basic dXNlcjpwYXNz\r\n"),
    LITERAL("Authorization: Basic dXNlcjpwYXNz\r\n"),
    LITERAL("\r\n"),
};

static const struct px_bytes start_lines[] = {
    LITERAL("GET http://a.test/ HTTP/1.1\r\n"),
    LITERAL("HEAD http://a.test/h HTTP/1.1\r\n"),
    LITERAL("POST http://a.test/p HTTP/1.1\r\n"),
    LITERAL("PUT http://b.test:81/u?q HTTP/1.1\r\n"),
    LITERAL("GET http://a.test/o HTTP/1.0\r\n"),
    LITERAL("OPTIONS * HTTP/1.1\r\n"),
    LITERAL("OPTIONS http://a.test HTTP/1.1\r\n"),
    LITERAL("TRACE http://a.test/t HTTP/1.1\r\n"),
    LITERAL("CONNECT a.test:80 HTTP/1.1\r\n"),
    LITERAL("GET / HTTP/1.1\r\n"),
    LITERAL("HTTP/1.1 200 OK\r\n"),
    LITERAL("HTTP/1.0 200 OK\r\n"),
    LITERAL("HTTP/1.1 204 No Content\r\n"),
    LITERAL("HTTP/1.1 304 Not Modified\r\n"),
    LITERAL("HTTP/1.1 100 Continue\r\n"),
    LITERAL("HTTP/1.1 103 Early Hints\r\n"),
    LITERAL("HTTP/1.1 101 Switching Protocols\r\n"),
    LITERAL("HTTP/1.1 407 Proxy Authentication Required\r\n"),
};

static const struct px_bytes messages[] = {
    LITERAL("GET http://a.test/1 HTTP/1.1\r\nHost: a.test\r\n\r\n"),
    LITERAL("POST http://a.test/2 HTTP/1.1\r\nHost: a.test\r\n"
            "Content-Length: 5\r\n\r\nhello"),
    LITERAL("PUT http://a.test/3 HTTP/1.1\r\nHost: a.test\r\n"
            "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
    LITERAL("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"),
    LITERAL("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            "5\r\nhello\r\n0\r\n\r\n"),
    LITERAL("HTTP/1.1 204 No\r\n\r\n"),
};

static const struct px_bytes chunks[] = {
    LITERAL("5\r\nhello\r\n"),
    LITERAL("1\r\n0\r\n"),
    LITERAL("0\r\n\r\n"),
    LITERAL("0\r\nX-A: 1\r\n\r\n"),
    LITERAL("0\r\nContent-Length: 5\r\nHost: b.test\r\n\r\n"),
    LITERAL("00\r\n"),
    LITERAL("\r\n"),
};

static const struct px_bytes extensions[] = {
    LITERAL(";a"),           LITERAL(";a=b"),     LITERAL(";a=\"b\""),
    LITERAL(";a=\"\\\"\""),  LITERAL(";a="),      LITERAL(";"),
    LITERAL(";a=\""),        LITERAL(" ; a = b"), LITERAL(";a=\"\r\n\""),
    LITERAL(";abcdefghijk"), LITERAL(" "),        LITERAL("\t"),
};

static const struct px_bytes numbers[] = {
    LITERAL("0"),
    LITERAL("1"),
    LITERAL("6"),
    LITERAL("05"),
    LITERAL("010"),
    LITERAL("+5"),
    LITERAL("-1"),
    LITERAL("0x5"),
    LITERAL("5_0"),
    LITERAL("5 5"),
    LITERAL("5,6"),
    LITERAL("2147483648"),
    LITERAL("4294967295"),
    LITERAL("9223372036854775808"),
    LITERAL("18446744073709551615"),
    LITERAL("7fffffffffffffff"),
    LITERAL("ffffffffffffffff"),
    LITERAL("fffffffffffffff"),
};

static const struct px_bytes line_ends[] = {
    LITERAL("\r\n"),   LITERAL("\n"),   LITERAL("\r"),      LITERAL(""),
    LITERAL("\r\r\n"), LITERAL("\n\r"), LITERAL("\r\n\r\n")};

static const struct px_bytes odd_octets[] = {
    LITERAL(" "),    LITERAL("\t"),   LITERAL("\v"), LITERAL("\0"),
    LITERAL("\x7f"), LITERAL("\xa0"), LITERAL("\r"), LITERAL("\n"),
    LITERAL(":"),    LITERAL(","),    LITERAL("\r ")};

typedef void change_fn(struct mutator_text *text, struct mutator_dice *dice);

static void duplicate_line(struct mutator_text *text, struct mutator_dice *dice)
{
    struct line from = pick_line(text, dice);
    uint8_t copy[256];
    size_t len = from.end - from.begin;

    if (len > sizeof(copy))
        return;
    memcpy(copy, text->octets + from.begin, len);
    (void)mutator_splice(text, pick_line(text, dice).begin, 0,
                         px_bytes_of(copy, len));
}

static void drop_line(struct mutator_text *text, struct mutator_dice *dice)
{
    struct line line = pick_line(text, dice);

    (void)mutator_splice(text, line.begin, line.end - line.begin,
                         (struct px_bytes){0});
}

static void move_line(struct mutator_text *text, struct mutator_dice *dice)
{
    struct line from = pick_line(text, dice);
    uint8_t copy[256];
    size_t len = from.end - from.begin;

    if (len > sizeof(copy))
        return;
    memcpy(copy, text->octets + from.begin, len);
    (void)mutator_splice(text, from.begin, len, (struct px_bytes){0});
    (void)mutator_splice(text, pick_line(text, dice).begin, 0,
                         px_bytes_of(copy, len));
}

static void insert_field(struct mutator_text *text, struct mutator_dice *dice)
{
    (void)mutator_splice(text, pick_line(text, dice).end, 0, PICK(fields));
}

static void insert_chunk(struct mutator_text *text, struct mutator_dice *dice)
{
    (void)mutator_splice(text, pick_line(text, dice).begin, 0, PICK(chunks));
}

static void insert_message(struct mutator_text *text, struct mutator_dice *dice)
{
    size_t at = mutator_throw(dice, 2) ? text->len : pick_line(text, dice).end;

    (void)mutator_splice(text, at, 0, PICK(messages));
}

/* In place of the first line, or of any other that may begin a message. */
static void swap_start_line(struct mutator_text *text,
                            struct mutator_dice *dice)
{
    struct line line =
        mutator_throw(dice, 3) ? line_at(text, 0) : pick_line(text, dice);

    (void)mutator_splice(text, line.begin, line.end - line.begin,
                         PICK(start_lines));
}

static void change_line_end(struct mutator_text *text,
                            struct mutator_dice *dice)
{
    struct line line = pick_line(text, dice);

    (void)mutator_splice(text, line.end_mark, line.end - line.end_mark,
                         PICK(line_ends));
}

static void insert_extension(struct mutator_text *text,
                             struct mutator_dice *dice)
{
    (void)mutator_splice(text, pick_line(text, dice).end_mark, 0,
                         PICK(extensions));
}

static bool is_letter(uint8_t octet)
{
    return (octet | 0x20) >= 'a' && (octet | 0x20) <= 'z';
}

/* Of a letter, or of all up to the colon. */
static void change_case(struct mutator_text *text, struct mutator_dice *dice)
{
    struct line line = pick_line(text, dice);
    size_t len = line.end_mark - line.begin;
    size_t at = line.begin + mutator_throw(dice, len + 1);
    bool is_all = mutator_throw(dice, 2);

    for (size_t i = is_all ? line.begin : at; i < line.end_mark; i++) {
        if (text->octets[i] == ':')
            return;
        if (is_letter(text->octets[i]))
            text->octets[i] ^= 0x20;
        if (!is_all)
            return;
    }
}

/* Where readers differ: at the ends of a line, around its colon, anywhere. */
static void insert_odd_octet(struct mutator_text *text,
                             struct mutator_dice *dice)
{
    struct line line = pick_line(text, dice);
    const uint8_t *colon =
        line.end_mark > line.begin
            ? memchr(text->octets + line.begin, ':', line.end_mark - line.begin)
            : NULL;
    size_t at_colon = colon ? (size_t)(colon - text->octets) : line.begin;
    size_t places[] = {line.begin,    line.end_mark,
                       at_colon,      at_colon + (colon != NULL),
                       line.end_mark, mutator_throw(dice, text->len + 1)};

    (void)mutator_splice(text, PICK(places), 0, PICK(odd_octets));
}

static int digit_value(uint8_t octet)
{
    if (octet >= '0' && octet <= '9')
        return octet - '0';
    octet |= 0x20;
    return octet >= 'a' && octet <= 'f' ? octet - 'a' + 10 : -1;
}

/* Digits of some base, 10 or 16. */
struct number {
    size_t at, len;
    uint64_t value;
    int base;
};

static struct number number_at(const struct mutator_text *text, size_t at,
                               int base)
{
    struct number n = {.at = at, .base = base};

    while (at + n.len < text->len) {
        int digit = digit_value(text->octets[at + n.len]);

        if (digit < 0 || digit >= base)
            break;
        n.value = n.value * (uint64_t)base + (uint64_t)digit;
        n.len++;
    }
    return n;
}

/* A chunk size begins its line, other numbers stand behind a colon; and any
 * digits are some number. */
static struct number pick_number(const struct mutator_text *text,
                                 struct mutator_dice *dice)
{
    struct line line = pick_line(text, dice);
    struct number n = number_at(text, line.begin, 16);
    size_t end = line.begin + n.len;
    size_t at = line.begin;

    if (n.len && (end == line.end_mark || text->octets[end] == ';'))
        return n;
    while (at < line.end_mark && text->octets[at] != ':')
        at++;
    if (at == line.end_mark)
        at = line.begin + mutator_throw(dice, line.end_mark - line.begin + 1);
    n = number_at(text, at, 10);
    while (n.len == 0 && ++at < line.end_mark)
        n = number_at(text, at, 10);
    return n;
}

static void put_number(struct mutator_text *text, const struct number *n,
                       uint64_t value)
{
    char digits[24];
    int len = snprintf(digits, sizeof(digits), n->base == 16 ? "%llx" : "%llu",
                       (unsigned long long)value);

    (void)mutator_splice(text, n->at, n->len, px_bytes_of(digits, (size_t)len));
}

/* Stands for the same value in 64 bits, or in 32, where nobody looks. */
static void wrap_number(struct mutator_text *text, const struct number *n,
                        struct mutator_dice *dice)
{
    char digits[32];
    unsigned low = (unsigned)(n->value % 8000);
    int len;

    if (mutator_throw(dice, 4) == 0) {
        put_number(text, n, low + ((uint64_t)1 << 32));
        return;
    }
    len = n->base == 16 ? snprintf(digits, sizeof(digits), "1%016x", low)
                        : snprintf(digits, sizeof(digits), "1844674407370955%u",
                                   1616 + low); /* 2^64 and low */
    (void)mutator_splice(text, n->at, n->len, px_bytes_of(digits, (size_t)len));
}

static void change_number(struct mutator_text *text, struct mutator_dice *dice)
{
    struct number n = pick_number(text, dice);

    if (n.len == 0)
        return;
    switch (mutator_throw(dice, 6)) {
    case 0:
        put_number(text, &n, n.value + 1);
        break;
    case 1:
        put_number(text, &n, n.value - 1);
        break;
    case 2:
        wrap_number(text, &n, dice);
        break;
    case 3: /* more zeros */
        (void)mutator_splice(text, n.at, 0, PX_LITERAL("00"));
        break;
    default:
        (void)mutator_splice(text, n.at, n.len, PICK(numbers));
        break;
    }
}

/* Makes a number count the octets to some line end behind its line. */
static void mend_size(struct mutator_text *text, struct mutator_dice *dice)
{
    struct number n = pick_number(text, dice);
    struct line line, to;
    size_t end;

    if (n.len == 0)
        return;
    line = line_at(text, n.at);
    if (n.base == 10) { /* from the empty line on */
        while (line.end < text->len && line.end_mark > line.begin)
            line = line_at(text, line.end);
    }
    to =
        line_at(text, line.end + mutator_throw(dice, text->len - line.end + 1));
    end = n.base == 16 || mutator_throw(dice, 2) ? to.end_mark : text->len;
    if (end >= line.end)
        put_number(text, &n, end - line.end);
}

/* The first ones are for bodies, all of them for messages. */
static change_fn *const changes[] = {
    change_number, change_number,    mend_size,        change_line_end,
    insert_chunk,  insert_extension, insert_odd_octet, duplicate_line,
    drop_line,     move_line,        insert_field,     insert_field,
    insert_field,  swap_start_line,  change_case,      insert_message,
};

enum { FOR_CHUNKS = 11 };

void mutator_change_http(struct mutator_text *text, enum mutator_kind kind,
                         struct mutator_dice *dice)
{
    size_t count = mutator_throw(dice, 4) ? 1 : 2;
    size_t choice = kind == MUTATOR_CHUNKS ? FOR_CHUNKS : COUNT(changes);

    while (count-- > 0)
        changes[mutator_throw(dice, choice)](text, dice);
}
