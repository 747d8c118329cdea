#include "datagrams.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "udp.h"

struct px_endpoint end_point(const char *address, uint16_t port)
{
    struct px_endpoint out = {.addr.kind = PX_ADDRESS_IPV4, .port = port};

    if (inet_pton(AF_INET, address, out.addr.ip) == 1)
        return out;
    out.addr.kind = PX_ADDRESS_IPV6;
    assert_int_equal(inet_pton(AF_INET6, address, out.addr.ip), 1);
    return out;
}

struct px_endpoint end_named(const char *name, uint16_t port)
{
    return (struct px_endpoint){
        .addr = {.kind = PX_ADDRESS_NAME,
                 .name = px_bytes_of(name, strlen(name))},
        .port = port,
    };
}

static socklen_t sockaddr_of(const struct px_endpoint *from,
                             struct sockaddr_storage *out)
{
    struct sockaddr_in *in = (struct sockaddr_in *)out;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

    *out = (struct sockaddr_storage){0};
    if (from->addr.kind == PX_ADDRESS_IPV4) {
        in->sin_family = AF_INET;
        in->sin_port = htons(from->port);
        memcpy(&in->sin_addr, from->addr.ip, 4);
        return sizeof(*in);
    }
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(from->port);
    memcpy(&in6->sin6_addr, from->addr.ip, 16);
    return sizeof(*in6);
}

struct end end_open(const char *address)
{
    struct end end = {.at = end_point(address, 0)};
    struct sockaddr_storage at;
    socklen_t len = sockaddr_of(&end.at, &at);

    end.fd = socket(at.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (end.fd < 0)
        return end;
    if (bind(end.fd, (struct sockaddr *)&at, len) != 0 ||
        getsockname(end.fd, (struct sockaddr *)&at, &len) != 0) {
        (void)close(end.fd);
        end.fd = -1;
        return end;
    }
    end.at.port = ntohs(((struct sockaddr_in *)&at)->sin_port);
    return end;
}

void end_close(const struct end *end)
{
    (void)close(end->fd);
}

void end_send(const struct end *from, const struct px_endpoint *to,
              struct px_bytes data)
{
    struct sockaddr_storage at;
    socklen_t len = sockaddr_of(to, &at);

    assert_int_equal(
        sendto(from->fd, data.data, data.len, 0, (struct sockaddr *)&at, len),
        data.len);
}

bool end_take(const struct end *end, struct arrival *out)
{
    static uint8_t octets[UDP_PAYLOAD_MAX + 1];
    struct sockaddr_in6 from = {0};
    socklen_t len = sizeof(from);
    ssize_t got = recvfrom(end->fd, octets, sizeof(octets), 0,
                           (struct sockaddr *)&from, &len);

    if (got < 0) {
        assert_int_equal(errno, EAGAIN);
        return false;
    }
    out->data = px_bytes_of(octets, (size_t)got);
    out->port = ntohs(from.sin6_port); /* where sin_port stands, too */
    return true;
}

struct arrival end_await(struct world *w, const struct end *end)
{
    struct arrival arrival = {0};

    while (!end_take(end, &arrival))
        world_turn(w);
    return arrival;
}

void end_expect(struct world *w, const struct end *end, struct px_bytes data)
{
    assert_bytes_equal(end_await(w, end).data, data);
}

void end_expect_nothing(struct world *w, const struct end *end)
{
    struct arrival arrival;

    world_settle(w);
    assert_false(end_take(end, &arrival));
}

void end_send_by(const struct end *end, const struct px_endpoint *relay,
                 uint8_t frag, const struct px_endpoint *to,
                 struct px_bytes data)
{
    static uint8_t octets[UDP_PAYLOAD_MAX];
    struct px_writer w = px_writer_over(octets, sizeof(octets));
    const struct udp_datagram datagram = {
        .frag = frag, .dst = *to, .data = data};

    assert_true(udp_encode_datagram(&datagram, &w));
    end_send(end, relay, px_written(&w));
}
