/* What RFC 1928 and 1929 ask for, from the client's octets alone. */
#include <string.h>

#include "fuzz.h"
#include "session_model.h"
#include "session_script.h"

static struct outlook refused(struct outlook o, int code)
{
    o.due = DUE_REFUSAL;
    o.code = code;
    return o;
}

static void tell(struct outlook *o, int16_t first, int16_t second)
{
    o->answer[o->answer_len++] = first;
    o->answer[o->answer_len++] = second;
}

/* Whether c[at] counts octets that hold exactly text. */
static bool holds(const uint8_t *c, size_t at, const char *text)
{
    return c[at] == strlen(text) && memcmp(c + at + 1, text, c[at]) == 0;
}

static bool is_name_sound(const struct px_address *addr)
{
    return addr->kind != PX_ADDRESS_NAME ||
           (addr->name.len && !memchr(addr->name.data, 0, addr->name.len));
}

/* Tor's RESOLVE (F0) and RESOLVE_PTR (F1), whose port says nothing. */
static struct outlook tor_request(struct outlook o, uint8_t command)
{
    bool is_name = o.target.addr.kind == PX_ADDRESS_NAME;

    if (!is_name_sound(&o.target.addr))
        return refused(o, ANY_FAILURE);
    if (command == 0xF1 && is_name)
        return refused(o, 8);
    o.due = command == 0xF0 && !is_name ? DUE_ANSWER : DUE_LOOKUP;
    return o;
}

/* What a whole request asks for. */
static struct outlook commanded(struct outlook o, uint8_t command,
                                const struct session_config *cfg)
{
    if (command == 3 && !cfg->has_no_udp) {
        o.due = DUE_ASSOCIATION; /* whatever it announces */
        return o;
    }
    if (cfg->is_tor && (command == 0xF0 || command == 0xF1))
        return tor_request(o, command);
    if (command != 1 && command != 2)
        return refused(o, 7);
    if (command == 2 && is_name_sound(&o.target.addr))
        return model_bind_outlook(o);
    if (!is_name_sound(&o.target.addr) || o.target.port == 0)
        return refused(o, ANY_FAILURE);
    o.due = DUE_DIAL;
    return o;
}

/* Section 4; c holds len octets from VER on. */
static struct outlook request(struct outlook o, const uint8_t *c, size_t len,
                              const struct session_config *cfg)
{
    struct px_address *addr = &o.target.addr;
    size_t whole;

    if (len >= 1 && c[0] != 5)
        return refused(o, ANY_FAILURE);
    if (len < 5)
        return len == 4 && c[3] != 1 && c[3] != 3 && c[3] != 4 ? refused(o, 8)
                                                               : o;
    whole = c[3] == 1 ? 10 : c[3] == 4 ? 22 : c[3] == 3 ? 7u + c[4] : 0;
    if (whole == 0)
        return refused(o, 8);
    if (len < whole)
        return o;
    o.target.port = (uint16_t)(c[whole - 2] * 256 + c[whole - 1]);
    if (c[3] == 3) {
        addr->kind = PX_ADDRESS_NAME;
        addr->name = px_bytes_of(c + 5, c[4]);
    } else {
        addr->kind = c[3] == 1 ? PX_ADDRESS_IPV4 : PX_ADDRESS_IPV6;
        memcpy(addr->ip, c + 4, whole - 6);
    }
    o.end += whole;
    return commanded(o, c[1], cfg);
}

void model_expect_socks5_reply(struct px_bytes reply, int rep)
{
    const uint8_t *at = reply.data;
    size_t len = reply.len < 4 ? 0 : at[3] == 1 ? 10 : at[3] == 4 ? 22 : 0;

    FUZZ_REQUIRE(len != 0 && reply.len == len, "a reply of %zu octets",
                 reply.len);
    FUZZ_REQUIRE(at[0] == 5 && at[2] == 0, "VER and RSV of the reply");
    FUZZ_REQUIRE(rep == ANY_FAILURE ? at[1] >= 1 && at[1] <= 8 : at[1] == rep,
                 "REP is %u, not %d", at[1], rep);
}

void model_expect_grant(struct px_bytes reply, const struct px_endpoint *bnd)
{
    const struct px_address *addr = &bnd->addr;
    struct px_bytes text = px_bytes_of(addr->ip, 16);
    size_t at = 4;
    uint8_t atyp = 4;

    if (addr->kind == PX_ADDRESS_IPV4) {
        atyp = 1;
        text.len = 4;
    } else if (addr->kind == PX_ADDRESS_NAME) {
        atyp = 3;
        text = addr->name;
        at = 5;
    }
    FUZZ_REQUIRE(reply.len == at + text.len + 2 &&
                     memcmp(reply.data, "\x05\x00\x00", 3) == 0 &&
                     reply.data[3] == atyp &&
                     (atyp != 3 || reply.data[4] == text.len),
                 "a reply of %zu octets grants", reply.len);
    FUZZ_REQUIRE(memcmp(reply.data + at, text.data, text.len) == 0 &&
                     reply.data[at + text.len] * 256 +
                             reply.data[at + text.len + 1] ==
                         bnd->port,
                 "the reply names what there is");
}

struct outlook model_socks_outlook(struct px_bytes in,
                                   const struct session_config *cfg)
{
    bool has_auth = cfg->verify != NULL;
    struct outlook o = {.due = DUE_NOTHING, .code = NO_REPLY};
    const uint8_t *c = in.data;
    size_t len = in.len;
    uint8_t method = has_auth ? 2 : 0;

    if (len >= 1 && c[0] == 4)
        return model_socks4_outlook(in, has_auth);
    if (len >= 1 && c[0] != 5)
        return refused(o, NO_REPLY);
    if (len < 2 || len < 2u + c[1])
        return o;
    if (!memchr(c + 2, method, c[1])) {
        tell(&o, 5, 0xFF);
        return refused(o, NO_REPLY);
    }
    tell(&o, 5, method);
    o.end = 2u + c[1];
    if (has_auth) {
        size_t user = o.end + 1, password;

        if (len > o.end && c[o.end] != 1) {
            tell(&o, 1, ANY_FAILURE);
            return refused(o, NO_REPLY);
        }
        if (len <= user || len <= user + 1 + c[user])
            return o;
        password = user + 1 + c[user];
        if (len < password + 1 + c[password])
            return o;
        if (!holds(c, user, SCRIPT_USER) ||
            !holds(c, password, SCRIPT_PASSWORD)) {
            tell(&o, 1, ANY_FAILURE);
            return refused(o, NO_REPLY);
        }
        tell(&o, 1, 0);
        o.end = password + 1 + c[password];
    }
    return request(o, c + o.end, len - o.end, cfg);
}
