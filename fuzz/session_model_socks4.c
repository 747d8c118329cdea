/* What the memos of SOCKS4 and 4A ask for, from the client's octets alone. */
#include <string.h>

#include "fuzz.h"
#include "session_model.h"

/* No memo bounds a string; a server that takes fewer would surprise people. */
enum { STRING_MIN = 255 };

static struct outlook refused(struct outlook o)
{
    o.due = DUE_REFUSAL;
    o.code = ANY_FAILURE;
    return o;
}

/* Takes a string and its NUL; false when the NUL is not there yet. */
static bool take_string(struct px_bytes in, size_t *at, struct px_bytes *out)
{
    const uint8_t *nul = memchr(in.data + *at, 0, in.len - *at);

    *out = px_bytes_of(in.data + *at, in.len - *at);
    if (nul)
        out->len = (size_t)(nul - out->data);
    *at += out->len + (nul ? 1 : 0);
    return nul;
}

static struct outlook judge(struct outlook o, uint8_t command, bool has_auth)
{
    const struct px_address *addr = &o.target.addr;
    static const uint8_t zero[4];

    if (has_auth || (command != 1 && command != 2))
        return refused(o);
    if (command == 2 && (addr->kind != PX_ADDRESS_NAME || addr->name.len))
        return model_bind_outlook(o);
    if (o.target.port == 0)
        return refused(o);
    if (addr->kind == PX_ADDRESS_NAME ? addr->name.len == 0
                                      : memcmp(addr->ip, zero, 4) == 0)
        return refused(o);
    o.due = DUE_DIAL;
    return o;
}

/* Of a request that may be refused for its length anyway. */
static struct outlook soften(struct outlook o)
{
    o.may_refuse = true;
    o.code = ANY_FAILURE;
    if (o.due == DUE_DIAL)
        o.due = DUE_EITHER;
    return o;
}

struct outlook model_socks4_outlook(struct px_bytes in, bool has_auth)
{
    struct outlook o = {.due = DUE_NOTHING, .code = NO_REPLY, .end = 8};
    struct px_address *addr = &o.target.addr;
    const uint8_t *c = in.data;
    struct px_bytes user;
    bool is_whole;

    if (in.len < 9)
        return o;
    o.target.port = (uint16_t)(c[2] * 256 + c[3]);
    is_whole = take_string(in, &o.end, &user);
    if (c[4] || c[5] || c[6] || !c[7]) {
        addr->kind = PX_ADDRESS_IPV4;
        memcpy(addr->ip, c + 4, 4);
    } else if (is_whole) {
        addr->kind = PX_ADDRESS_NAME;
        is_whole = take_string(in, &o.end, &addr->name);
    }
    if (is_whole)
        o = judge(o, c[1], has_auth);
    return user.len > STRING_MIN || addr->name.len > STRING_MIN ? soften(o) : o;
}

void model_expect_socks4_reply(struct px_bytes reply, int rep)
{
    FUZZ_REQUIRE(reply.len == 8, "a reply of %zu octets", reply.len);
    FUZZ_REQUIRE(reply.data[0] == 0, "VN of the reply is %u", reply.data[0]);
    FUZZ_REQUIRE(reply.data[1] == (rep == 0 ? 90 : 91),
                 "CD is %u where REP were %d", reply.data[1], rep);
}
