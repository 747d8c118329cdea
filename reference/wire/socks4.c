#include "socks4.h"

#include <string.h>

/* 4A: whether this address says that a name follows. */
static bool is_marker(const uint8_t ip[4])
{
    return ip[0] == 0 && ip[1] == 0 && ip[2] == 0 && ip[3] != 0;
}

/* Octets up to a NUL, which is taken as well; more than max break req. */
static enum px_status take_string(struct px_cursor *c, size_t max,
                                  struct px_bytes *out, enum requirement req,
                                  struct px_error *err)
{
    struct px_bytes rest = px_cursor_rest(c);
    size_t len = 0;
    uint8_t nul;

    while (len < rest.len && len <= max && rest.data[len] != 0)
        len++;
    if (len > max)
        return px_refuse(err, req, px_cursor_used(c) + max,
                         "no end after %zu octets", max);
    if (len == rest.len)
        return PX_NEED_MORE;
    return px_take_bytes(c, len, out) && px_take_u8(c, &nul) ? PX_DONE
                                                             : PX_NEED_MORE;
}

/* DSTPORT DSTIP. */
static bool take_endpoint(struct px_cursor *c, struct px_endpoint *out)
{
    struct px_bytes ip;

    if (!px_take_be16(c, &out->port) || !px_take_bytes(c, 4, &ip))
        return false;
    out->addr.kind = PX_ADDRESS_IPV4;
    memcpy(out->addr.ip, ip.data, ip.len);
    return true;
}

/* The name behind the user id, when the address is a marker. */
static enum px_status take_name(struct px_cursor *c, struct socks4_request *req,
                                struct px_error *err)
{
    struct px_address *addr = &req->dst.addr;

    if (!is_marker(addr->ip))
        return PX_DONE;
    req->marker = addr->ip[3];
    *addr = (struct px_address){.kind = PX_ADDRESS_NAME};
    return take_string(c, SOCKS4_NAME_MAX, &addr->name, REQ_SOCKS4A_NAME_LONG,
                       err);
}

enum px_status socks4_decode_request(struct px_bytes in,
                                     struct socks4_request *out, size_t *used,
                                     struct px_error *err)
{
    struct px_cursor c = px_cursor_over(in);
    struct socks4_request request = {0};
    enum px_status status;
    uint8_t version;

    if (!px_take_u8(&c, &version))
        return PX_NEED_MORE;
    if (version != SOCKS4_VERSION)
        return px_refuse(err, REQ_SOCKS4_REQUEST_VERSION, 0, "VN is %#04x",
                         version);
    if (!px_take_u8(&c, &request.command) || !take_endpoint(&c, &request.dst))
        return PX_NEED_MORE;
    status = take_string(&c, SOCKS4_USER_MAX, &request.user,
                         REQ_SOCKS4_REQUEST_USERID_LONG, err);
    if (status == PX_DONE)
        status = take_name(&c, &request, err);
    if (status != PX_DONE)
        return status;
    *out = request;
    *used = px_cursor_used(&c);
    return PX_DONE;
}

enum px_status socks4_decode_reply(struct px_bytes in, struct socks4_reply *out,
                                   size_t *used, struct px_error *err)
{
    struct px_cursor c = px_cursor_over(in);
    struct socks4_reply reply = {0};

    (void)err; /* eight octets, and any of them can be read */
    if (!px_take_u8(&c, &reply.version) || !px_take_u8(&c, &reply.code) ||
        !take_endpoint(&c, &reply.endpoint))
        return PX_NEED_MORE;
    *out = reply;
    *used = px_cursor_used(&c);
    return PX_DONE;
}

static bool put_string(struct px_writer *out, struct px_bytes string)
{
    if (string.len && memchr(string.data, 0, string.len))
        return false;
    px_put_bytes(out, string);
    px_put_u8(out, 0);
    return true;
}

static bool put_address(struct px_writer *out, const struct px_address *addr,
                        uint8_t marker)
{
    const uint8_t zero[4] = {0, 0, 0, marker};

    switch (addr->kind) {
    case PX_ADDRESS_NONE:
    case PX_ADDRESS_IPV6:
        return false;
    case PX_ADDRESS_IPV4:
        px_put_bytes(out, px_bytes_of(addr->ip, 4));
        return !is_marker(addr->ip);
    case PX_ADDRESS_NAME:
        px_put_bytes(out, px_bytes_of(zero, 4));
        return true;
    }
    return false;
}

bool socks4_encode_request(const struct socks4_request *request,
                           struct px_writer *out)
{
    const struct px_address *addr = &request->dst.addr;

    px_put_u8(out, SOCKS4_VERSION);
    px_put_u8(out, request->command);
    px_put_be16(out, request->dst.port);
    if (!put_address(out, addr, request->marker) ||
        !put_string(out, request->user))
        return false;
    if (addr->kind == PX_ADDRESS_NAME && !put_string(out, addr->name))
        return false;
    return !out->is_full;
}

bool socks4_encode_reply(const struct socks4_reply *reply,
                         struct px_writer *out)
{
    if (reply->endpoint.addr.kind != PX_ADDRESS_IPV4)
        return false;
    px_put_u8(out, reply->version);
    px_put_u8(out, reply->code);
    px_put_be16(out, reply->endpoint.port);
    px_put_bytes(out, px_bytes_of(reply->endpoint.addr.ip, 4));
    return !out->is_full;
}

const char *socks4_code_name(uint8_t code)
{
    switch (code) {
    case SOCKS4_GRANTED:
        return "granted";
    case SOCKS4_REJECTED:
        return "rejected or failed";
    case SOCKS4_NO_IDENTD:
        return "no identd on the client's host";
    case SOCKS4_IDENTD_MISMATCH:
        return "identd names another user";
    default: /* an octet of the peer's, not an enum of ours */
        return "unassigned";
    }
}

const char *socks4_command_name(uint8_t command)
{
    switch (command) {
    case SOCKS4_CONNECT:
        return "CONNECT";
    case SOCKS4_BIND:
        return "BIND";
    default: /* an octet of the peer's, not an enum of ours */
        return "unassigned";
    }
}
