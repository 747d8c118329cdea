#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "http1.h"
#include "load_internal.h"

enum { SOCKS5_GRANTED = 0, SOCKS4_GRANTED = 90 };

static struct px_writer next_step(struct opening *o, enum opening_reply reply)
{
    o->steps[o->count].reply = reply;
    return px_writer_over(o->steps[o->count].octets, OPENING_STEP_MAX);
}

static void end_step(struct opening *o, const struct px_writer *w)
{
    o->steps[o->count++].len = px_written(w).len;
}

static void put_address(struct px_writer *w, struct in_addr target)
{
    px_put_bytes(w, px_bytes_of((const uint8_t *)&target, sizeof(target)));
}

static void build_socks4(struct opening *o, const struct bench_route *route,
                         uint16_t port)
{
    struct px_writer w = next_step(o, REPLY_SOCKS4);

    px_put_bytes(&w, PX_LITERAL("\4\1"));
    px_put_be16(&w, port);
    put_address(&w, route->target);
    if (route->user)
        px_put_text(&w, route->user);
    px_put_u8(&w, 0);
    end_step(o, &w);
}

static void build_userpass(struct opening *o, const struct bench_route *route)
{
    struct px_writer w = next_step(o, REPLY_USERPASS);

    px_put_u8(&w, 1);
    px_put_u8(&w, (uint8_t)strlen(route->user));
    px_put_text(&w, route->user);
    px_put_u8(&w, (uint8_t)strlen(route->password));
    px_put_text(&w, route->password);
    end_step(o, &w);
}

static void build_socks5(struct opening *o, const struct bench_route *route,
                         uint16_t port)
{
    struct px_writer w = next_step(o, REPLY_METHOD);

    px_put_bytes(&w, PX_LITERAL("\5\1"));
    px_put_u8(&w, route->user ? 2 : 0);
    end_step(o, &w);
    if (route->user)
        build_userpass(o, route);
    w = next_step(o, REPLY_SOCKS5);
    px_put_bytes(&w, PX_LITERAL("\5\1\0\1"));
    put_address(&w, route->target);
    px_put_be16(&w, port);
    end_step(o, &w);
}

void bench_put_basic(struct px_writer *w, const struct bench_route *route)
{
    const uint8_t *user = (const uint8_t *)route->user;
    const uint8_t *password = (const uint8_t *)route->password;

    http1_write_basic(px_bytes_of(user, strlen(route->user)),
                      px_bytes_of(password, strlen(route->password)), w);
}

static void build_http(struct opening *o, const struct bench_route *route,
                       uint16_t port)
{
    struct px_writer w = next_step(o, REPLY_HTTP);
    char host[INET_ADDRSTRLEN + sizeof(":65535")];
    char text[INET_ADDRSTRLEN];

    (void)inet_ntop(AF_INET, &route->target, text, sizeof(text));
    (void)snprintf(host, sizeof(host), "%s:%u", text, (unsigned)port);
    px_put_text(&w, "CONNECT ");
    px_put_text(&w, host);
    px_put_text(&w, " HTTP/1.1\r\nHost: ");
    px_put_text(&w, host);
    if (route->user) {
        px_put_text(&w, "\r\nProxy-Authorization: ");
        bench_put_basic(&w, route);
    }
    px_put_text(&w, "\r\n\r\n");
    end_step(o, &w);
}

void opening_build(struct opening *o, const struct bench_route *route,
                   uint16_t port)
{
    o->count = 0;
    switch (route->protocol) {
    case BENCH_DIRECT:
        break;
    case BENCH_SOCKS4:
        build_socks4(o, route, port);
        break;
    case BENCH_SOCKS5:
        build_socks5(o, route, port);
        break;
    case BENCH_HTTP:
        build_http(o, route, port);
        break;
    }
}

/* len octets, the one at at being want, make it a success. */
static enum px_status read_code(struct px_bytes in, size_t len, size_t at,
                                unsigned want, size_t *used,
                                struct px_error *err)
{
    if (in.len > at && in.data[at] != want)
        return px_refuse(err, REQ_NONE, at, "the proxy answered with code %u",
                         in.data[at]);
    if (in.len < len)
        return PX_NEED_MORE;
    *used = len;
    return PX_DONE;
}

static enum px_status read_method(struct px_bytes in, size_t *used,
                                  struct px_error *err)
{
    if (in.len >= 2 && in.data[1] == 0xff)
        return px_refuse(err, REQ_NONE, 1, "the proxy accepts no method");
    if (in.len < 2)
        return PX_NEED_MORE;
    *used = 2;
    return PX_DONE;
}

/* RFC 1928 section 6: the address that ends the reply has three lengths. */
static enum px_status read_socks5(struct px_bytes in, size_t *used,
                                  struct px_error *err)
{
    enum { HEAD = 4, PORT = 2, IPV4 = 4, IPV6 = 16 };
    size_t len = HEAD + PORT + IPV4;

    if (in.len > HEAD && in.data[3] == 4)
        len = HEAD + PORT + IPV6;
    else if (in.len > HEAD && in.data[3] == 3)
        len = HEAD + PORT + 1 + in.data[HEAD];
    return read_code(in, len, 1, SOCKS5_GRANTED, used, err);
}

static enum px_status read_http(struct px_bytes in, size_t *used,
                                struct px_error *err)
{
    const uint8_t *end = memmem(in.data, in.len, "\r\n\r\n", 4);

    if (in.len >= 10 && in.data[9] != '2')
        return px_refuse(err, REQ_NONE, 9, "the proxy answered with %.3s",
                         (const char *)in.data + 9);
    if (!end)
        return PX_NEED_MORE;
    *used = (size_t)(end - in.data) + 4;
    return PX_DONE;
}

enum px_status opening_read(enum opening_reply reply, struct px_bytes in,
                            size_t *used, struct px_error *err)
{
    switch (reply) {
    case REPLY_METHOD:
        return read_method(in, used, err);
    case REPLY_USERPASS:
        return read_code(in, 2, 1, 0, used, err);
    case REPLY_SOCKS5:
        return read_socks5(in, used, err);
    case REPLY_SOCKS4:
        return read_code(in, 8, 1, SOCKS4_GRANTED, used, err);
    case REPLY_HTTP:
        return read_http(in, used, err);
    }
    return px_refuse(err, REQ_NONE, 0, "no reply of any kind");
}
