#include "socks5.h"

#include <string.h>

static enum px_status take_version(struct px_cursor *c, enum requirement req,
                                   struct px_error *err)
{
    uint8_t version;

    if (!px_take_u8(c, &version))
        return PX_NEED_MORE;
    if (version != SOCKS5_VERSION)
        return px_refuse(err, req, 0, "VER is %#04x", version);
    return PX_DONE;
}

static enum px_status take_ip(struct px_cursor *c, enum px_address_kind kind,
                              struct px_address *out)
{
    struct px_bytes ip;

    if (!px_take_bytes(c, kind == PX_ADDRESS_IPV4 ? 4 : 16, &ip))
        return PX_NEED_MORE;
    out->kind = kind;
    memcpy(out->ip, ip.data, ip.len);
    return PX_DONE;
}

/* Section 5: an address of the form that atyp says. */
static enum px_status take_address(struct px_cursor *c, uint8_t atyp,
                                   struct px_address *out, struct px_error *err)
{
    size_t atyp_at = px_cursor_used(c) - 1;
    uint8_t len;

    switch (atyp) {
    case SOCKS5_IPV4:
        return take_ip(c, PX_ADDRESS_IPV4, out);
    case SOCKS5_IPV6:
        return take_ip(c, PX_ADDRESS_IPV6, out);
    case SOCKS5_NAME:
        if (!px_take_u8(c, &len) || !px_take_bytes(c, len, &out->name))
            return PX_NEED_MORE;
        out->kind = PX_ADDRESS_NAME;
        return PX_DONE;
    default: /* an octet of the peer's, not an enum of ours */
        return px_refuse(err, REQ_SOCKS5_REQUEST_ATYP_UNKNOWN, atyp_at,
                         "ATYP is %#04x", atyp);
    }
}

enum px_status socks5_take_endpoint(struct px_cursor *c,
                                    struct px_endpoint *out,
                                    struct px_error *err)
{
    uint8_t atyp;
    enum px_status status;

    if (!px_take_u8(c, &atyp))
        return PX_NEED_MORE;
    status = take_address(c, atyp, &out->addr, err);
    if (status != PX_DONE)
        return status;
    return px_take_be16(c, &out->port) ? PX_DONE : PX_NEED_MORE;
}

enum px_status socks5_decode_greeting(struct px_bytes in,
                                      struct socks5_greeting *out, size_t *used,
                                      struct px_error *err)
{
    struct px_cursor c = px_cursor_over(in);
    struct socks5_greeting greeting = {0};
    enum px_status status;
    uint8_t count;

    status = take_version(&c, REQ_SOCKS5_GREETING_BAD_VERSION, err);
    if (status != PX_DONE)
        return status;
    if (!px_take_u8(&c, &count) || !px_take_bytes(&c, count, &greeting.methods))
        return PX_NEED_MORE;
    *out = greeting;
    *used = px_cursor_used(&c);
    return PX_DONE;
}

enum px_status socks5_decode_selection(struct px_bytes in,
                                       struct socks5_selection *out,
                                       size_t *used, struct px_error *err)
{
    struct px_cursor c = px_cursor_over(in);
    struct socks5_selection selection;

    (void)err; /* two octets, and any of them can be read */
    if (!px_take_u8(&c, &selection.version) ||
        !px_take_u8(&c, &selection.method))
        return PX_NEED_MORE;
    *out = selection;
    *used = px_cursor_used(&c);
    return PX_DONE;
}

enum px_status socks5_decode_request(struct px_bytes in,
                                     struct socks5_request *out, size_t *used,
                                     struct px_error *err)
{
    struct px_cursor c = px_cursor_over(in);
    struct socks5_request request = {0};
    enum px_status status;

    status = take_version(&c, REQ_SOCKS5_REQUEST_VERSION, err);
    if (status != PX_DONE)
        return status;
    if (!px_take_u8(&c, &request.command) || !px_take_u8(&c, &request.reserved))
        return PX_NEED_MORE;
    status = socks5_take_endpoint(&c, &request.dst, err);
    if (status != PX_DONE)
        return status;
    *out = request;
    *used = px_cursor_used(&c);
    return PX_DONE;
}

enum px_status socks5_decode_reply(struct px_bytes in, struct socks5_reply *out,
                                   size_t *used, struct px_error *err)
{
    struct px_cursor c = px_cursor_over(in);
    struct socks5_reply reply = {0};
    enum px_status status;

    if (!px_take_u8(&c, &reply.version) || !px_take_u8(&c, &reply.rep) ||
        !px_take_u8(&c, &reply.reserved))
        return PX_NEED_MORE;
    status = socks5_take_endpoint(&c, &reply.bnd, err);
    if (status == PX_ERROR)
        err->req = REQ_SOCKS5_REPLY_LAYOUT;
    if (status != PX_DONE)
        return status;
    *out = reply;
    *used = px_cursor_used(&c);
    return PX_DONE;
}

bool socks5_encode_greeting(const struct socks5_greeting *greeting,
                            struct px_writer *out)
{
    if (greeting->methods.len > 255)
        return false;
    px_put_u8(out, SOCKS5_VERSION);
    px_put_u8(out, (uint8_t)greeting->methods.len);
    px_put_bytes(out, greeting->methods);
    return !out->is_full;
}

bool socks5_encode_selection(const struct socks5_selection *selection,
                             struct px_writer *out)
{
    px_put_u8(out, selection->version);
    px_put_u8(out, selection->method);
    return !out->is_full;
}

bool socks5_put_endpoint(struct px_writer *out,
                         const struct px_endpoint *endpoint)
{
    const struct px_address *addr = &endpoint->addr;

    switch (addr->kind) {
    case PX_ADDRESS_NONE:
        return false;
    case PX_ADDRESS_IPV4:
        px_put_u8(out, SOCKS5_IPV4);
        px_put_bytes(out, px_bytes_of(addr->ip, 4));
        break;
    case PX_ADDRESS_IPV6:
        px_put_u8(out, SOCKS5_IPV6);
        px_put_bytes(out, px_bytes_of(addr->ip, 16));
        break;
    case PX_ADDRESS_NAME:
        if (addr->name.len > PX_NAME_MAX)
            return false;
        px_put_u8(out, SOCKS5_NAME);
        px_put_u8(out, (uint8_t)addr->name.len);
        px_put_bytes(out, addr->name);
        break;
    }
    px_put_be16(out, endpoint->port);
    return !out->is_full;
}

bool socks5_encode_request(const struct socks5_request *request,
                           struct px_writer *out)
{
    px_put_u8(out, SOCKS5_VERSION);
    px_put_u8(out, request->command);
    px_put_u8(out, request->reserved);
    return socks5_put_endpoint(out, &request->dst);
}

bool socks5_encode_reply(const struct socks5_reply *reply,
                         struct px_writer *out)
{
    px_put_u8(out, reply->version);
    px_put_u8(out, reply->rep);
    px_put_u8(out, reply->reserved);
    return socks5_put_endpoint(out, &reply->bnd);
}

const char *socks5_rep_name(uint8_t rep)
{
    static const char *const names[] = {
        [SOCKS5_SUCCEEDED] = "succeeded",
        [SOCKS5_GENERAL_FAILURE] = "general failure",
        [SOCKS5_NOT_ALLOWED] = "not allowed by ruleset",
        [SOCKS5_NETWORK_UNREACHABLE] = "network unreachable",
        [SOCKS5_HOST_UNREACHABLE] = "host unreachable",
        [SOCKS5_CONNECTION_REFUSED] = "connection refused",
        [SOCKS5_TTL_EXPIRED] = "TTL expired",
        [SOCKS5_COMMAND_NOT_SUPPORTED] = "command not supported",
        [SOCKS5_ATYP_NOT_SUPPORTED] = "address type not supported",
    };

    return rep < sizeof(names) / sizeof(names[0]) ? names[rep] : "unassigned";
}

const char *socks5_method_name(uint8_t method)
{
    switch (method) {
    case SOCKS5_NO_AUTH:
        return "no authentication";
    case SOCKS5_GSSAPI:
        return "GSSAPI";
    case SOCKS5_USERPASS:
        return "user name and password";
    case SOCKS5_NO_ACCEPTABLE:
        return "no acceptable method";
    default: /* an octet of the peer's, not an enum of ours */
        return method < 0x80 ? "IANA assigned" : "private";
    }
}

const char *socks5_command_name(uint8_t command)
{
    switch (command) {
    case SOCKS5_CONNECT:
        return "CONNECT";
    case SOCKS5_BIND:
        return "BIND";
    case SOCKS5_UDP_ASSOCIATE:
        return "UDP ASSOCIATE";
    case SOCKS5_TOR_RESOLVE:
        return "RESOLVE";
    case SOCKS5_TOR_RESOLVE_PTR:
        return "RESOLVE_PTR";
    default: /* an octet of the peer's, not an enum of ours */
        return "unassigned";
    }
}
