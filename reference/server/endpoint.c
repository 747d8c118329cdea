#include "endpoint.h"

#include <assert.h>
#include <netinet/in.h>
#include <string.h>

struct px_endpoint endpoint_plain(const struct px_endpoint *endpoint)
{
    return (struct px_endpoint){.addr = px_plain_address(&endpoint->addr),
                                .port = endpoint->port};
}

struct px_endpoint endpoint_of(const struct sockaddr *sa)
{
    struct px_endpoint out = {0};

    if (sa->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)sa;

        out.addr.kind = PX_ADDRESS_IPV4;
        memcpy(out.addr.ip, &in->sin_addr, 4);
        out.port = ntohs(in->sin_port);
    } else if (sa->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;

        out.addr.kind = PX_ADDRESS_IPV6;
        memcpy(out.addr.ip, &in6->sin6_addr, 16);
        out.port = ntohs(in6->sin6_port);
    }
    return out;
}

void endpoint_to_sockaddr(const struct px_endpoint *endpoint,
                          struct sockaddr_storage *out)
{
    const struct px_address *addr = &endpoint->addr;

    *out = (struct sockaddr_storage){0};
    if (addr->kind == PX_ADDRESS_IPV4) {
        struct sockaddr_in *in = (struct sockaddr_in *)out;

        in->sin_family = AF_INET;
        in->sin_port = htons(endpoint->port);
        memcpy(&in->sin_addr, addr->ip, 4);
    } else {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;

        assert(addr->kind == PX_ADDRESS_IPV6);
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(endpoint->port);
        memcpy(&in6->sin6_addr, addr->ip, 16);
    }
}
