#include "forward_script.h"

#define CANNED(text)                                                           \
    {                                                                          \
        (const uint8_t *)(text), sizeof(text) - 1                              \
    }
#define TO    "http://a.test"
#define HOST  "Host: a.test\r\n"
#define CODED "Transfer-Encoding: chunked\r\n"

static const struct px_bytes starts[16] = {
    CANNED("GET " TO "/ HTTP/1.1\r\n" HOST),
    CANNED("HEAD " TO "/h HTTP/1.1\r\n" HOST),
    CANNED("POST " TO "/p HTTP/1.1\r\n" HOST),
    CANNED("PUT " TO "/u HTTP/1.1\r\n" HOST),
    CANNED("GET " TO "/o HTTP/1.0\r\n"),
    CANNED("OPTIONS " TO " HTTP/1.1\r\n" HOST),
    CANNED("GET http://b.test:81?q HTTP/1.1\r\nHost: b.test:81\r\n"),
    CANNED("CONNECT a.test:80 HTTP/1.1\r\n" HOST),
    CANNED("GET " TO "/1 HTTP/1.1\r\n" HOST "\r\n"),
    CANNED("GET " TO "/2 HTTP/1.1\r\n" HOST "\r\n"),
    CANNED("PUT " TO "/3 HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello"),
    CANNED("PUT " TO "/4 HTTP/1.1\r\n" HOST CODED "\r\n"),
    CANNED("TRACE " TO "/t HTTP/1.1\r\n" HOST "Max-Forwards: 0\r\n\r\n"),
    CANNED("GET / HTTP/1.1\r\n" HOST "\r\n"),
    CANNED("GET " TO "/5 HTTP/1.1\n" HOST "\n"),
    CANNED("GET  " TO "/6 HTTP/1.2\r\nHost : a.test\r\n"),
};

static const struct px_bytes pieces[16] = {
    CANNED("\r\n"),
    CANNED("Content-Length: 5\r\n"),
    CANNED(CODED),
    CANNED("Connection: close\r\n"),
    CANNED("Connection: keep-alive, x-hop\r\nX-Hop: 1\r\n"),
    CANNED("Expect: 100-continue\r\n"),
    CANNED("5\r\nhello\r\n"),
    CANNED("0\r\n\r\n"),
    CANNED("0\r\nTrailer: a\r\n\r\n"),
    CANNED("hello"),
    CANNED("Content-Length: 5, 6\r\n"),
    CANNED("Transfer-Encoding: chunked, gzip\r\n"),
    CANNED("Content-Length:\r\n +5\r\n"),
    CANNED("Upgrade: foo\r\nConnection: upgrade\r\n"),
    CANNED("Max-Forwards: 5\r\nVia: 1.0 x\r\n"),
    CANNED("5;a=\"\r\"\nhello\n"),
};

#define DATE "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"

static const struct px_bytes heads[16] = {
    CANNED("HTTP/1.1 200 OK\r\n" DATE),
    CANNED("HTTP/1.1 200 OK\r\n" DATE "Content-Length: 5\r\n\r\nhello"),
    CANNED("HTTP/1.1 200 OK\r\n" CODED "\r\n"),
    CANNED("HTTP/1.0 200 OK\r\n\r\n"),
    CANNED("HTTP/1.1 204 No\r\n\r\n"),
    CANNED("HTTP/1.1 304 Same\r\nContent-Length: 9\r\n\r\n"),
    CANNED("HTTP/1.1 100 Go\r\n\r\n"),
    CANNED("HTTP/1.1 103 Soon\r\nContent-Length: 2\r\n\r\n"),
    CANNED("HTTP/1.1 101 Up\r\nUpgrade: foo\r\nConnection: upgrade\r\n\r\n"),
    CANNED("HTTP/1.1 200\nX : a\r\n b\n"),
    CANNED("HTTP/1.1 20 OK\r\n\r\n"),
    CANNED("220 hi\r\n"),
    CANNED("HTTP/1.1 407 Who\r\nContent-Length: 0\r\n\r\n"),
    CANNED("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
    CANNED("HTTP/1.1 200 OK\r\n" CODED "Content-Length: 5\r\n\r\n"),
    CANNED("HTTP/1.1 500 Oh\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"),
};

/* Printable octets, no two neighbours alike. */
static struct px_bytes pattern(unsigned x)
{
    static uint8_t octets[16 * 64];

    for (size_t i = 0; i < sizeof(octets); i++)
        octets[i] = (uint8_t)('!' + (i * 7 + i / 94 * 13) % 94);
    return px_bytes_of(octets, (size_t)(x + 1) * 64);
}

static struct px_bytes take_some(struct px_cursor *in, size_t len)
{
    struct px_bytes some = px_cursor_rest(in);

    if (some.len > len)
        some.len = len;
    in->at += some.len;
    return some;
}

static struct px_bytes take_counted(struct px_cursor *in)
{
    uint8_t len = 0;

    if (!px_take_u8(in, &len))
        len = 0;
    return take_some(in, len);
}

bool forward_takes_auth(struct px_cursor *in, unsigned *how)
{
    struct px_bytes rest = px_cursor_rest(in);

    if (rest.len == 0 || (rest.data[0] & 15) != 0xB)
        return false;
    *how = rest.data[0] >> 4;
    in->at++;
    return true;
}

static void take_credentials(struct px_cursor *in, struct forward_step *out)
{
    uint8_t flaws = 0;

    if (out->x == 0)
        return;
    out->kind = FORWARD_STEP_CREDENTIALS;
    if (out->x > 2 && px_take_u8(in, &flaws))
        out->flaws = flaws;
}

bool forward_next_step(struct px_cursor *in, struct forward_step *out)
{
    static const enum forward_step_kind kinds[16] = {
        [0x4] = FORWARD_STEP_CLIENT_END,  [0x5] = FORWARD_STEP_DIALLED,
        [0x6] = FORWARD_STEP_DIAL_FAILED, [0x8] = FORWARD_STEP_ORIGIN,
        [0x9] = FORWARD_STEP_ORIGIN,      [0xA] = FORWARD_STEP_ORIGIN,
        [0xB] = FORWARD_STEP_ORIGIN_END,  [0xC] = FORWARD_STEP_ORIGIN_RESET,
        [0xD] = FORWARD_STEP_DEADLINE,    [0xE] = FORWARD_STEP_WAIT,
        [0xF] = FORWARD_STEP_ORIGIN,
    };
    uint8_t octet;

    if (!px_take_u8(in, &octet))
        return false;
    *out = (struct forward_step){.kind = kinds[octet & 15], .x = octet >> 4};
    switch (octet & 15) { /* a number of the input's, not an enum */
    case 0x0:
    case 0xF:
        out->data = take_some(in, out->x);
        break;
    case 0x4:
        take_credentials(in, out);
        break;
    case 0x1:
    case 0x8:
        out->data = take_counted(in);
        break;
    case 0x2:
        out->data = starts[out->x];
        break;
    case 0x3:
    case 0xA:
        out->data = pieces[out->x];
        break;
    case 0x7:
        out->data = pattern(out->x);
        break;
    case 0x9:
        out->data = heads[out->x];
        break;
    default: /* the other kinds have no octets */
        break;
    }
    return true;
}
