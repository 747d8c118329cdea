#include "destination.h"

#include <string.h>

bool destination_is_nameable(const struct px_address *addr,
                             struct px_error *err)
{
    const struct px_bytes *name = &addr->name;

    if (addr->kind != PX_ADDRESS_NAME)
        return true;
    if (name->len == 0)
        (void)px_refuse(err, REQ_SOCKS5_ADDRESS_DOMAIN_ZERO, 4, "empty name");
    else if (memchr(name->data, '\0', name->len))
        (void)px_refuse(err, REQ_SOCKS5_ADDRESS_DOMAIN_NUL, 4,
                        "a zero octet in the name");
    else
        return true;
    return false;
}

bool destination_is_reachable(const struct px_endpoint *dst,
                              struct px_error *err)
{
    if (!destination_is_nameable(&dst->addr, err))
        return false;
    if (dst->port == 0)
        (void)px_refuse(err, REQ_SOCKS5_PORT_ZERO, 4, "port 0");
    return dst->port != 0;
}
