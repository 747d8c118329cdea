#include "udp.h"

#include "socks5.h"

static enum px_status refuse_short(struct px_bytes in, struct px_error *err)
{
    return px_refuse(err, REQ_SOCKS5_UDP_SHORT, in.len,
                     "the header ends after %zu octets", in.len);
}

enum px_status udp_decode_datagram(struct px_bytes in, struct udp_datagram *out,
                                   struct px_error *err)
{
    struct px_cursor c = px_cursor_over(in);
    struct udp_datagram datagram = {0};

    if (!px_take_be16(&c, &datagram.reserved) ||
        !px_take_u8(&c, &datagram.frag))
        return refuse_short(in, err);
    switch (socks5_take_endpoint(&c, &datagram.dst, err)) {
    case PX_NEED_MORE:
        return refuse_short(in, err);
    case PX_ERROR:
        err->req = REQ_SOCKS5_UDP_ATYP_BAD;
        return PX_ERROR;
    case PX_DONE:
        break;
    }
    datagram.data = px_cursor_rest(&c);
    *out = datagram;
    return PX_DONE;
}

bool udp_encode_datagram(const struct udp_datagram *datagram,
                         struct px_writer *out)
{
    px_put_be16(out, datagram->reserved);
    px_put_u8(out, datagram->frag);
    if (!socks5_put_endpoint(out, &datagram->dst))
        return false;
    px_put_bytes(out, datagram->data);
    return !out->is_full;
}
