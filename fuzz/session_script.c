#include "session_script.h"

#include <string.h>

#include "canned.h"

void script_open(struct script *s, struct px_bytes in)
{
    uint8_t config = 0;

    s->in = px_cursor_over(in);
    if (!px_take_u8(&s->in, &config))
        config = 0;
    s->is_http = config & 1;
    s->has_auth = config & 2;
    s->is_detected = config & 4;
    s->has_no_udp = config & 8;
    s->is_tor = config & 16;
    s->digest = s->is_http && s->has_auth ? config >> 5 & 3u : 0;
}

/* At most len octets of the input. */
static struct px_bytes take_some(struct script *s, size_t len)
{
    struct px_bytes some = px_cursor_rest(&s->in);

    if (some.len > len)
        some.len = len;
    s->in.at += some.len;
    return some;
}

static struct px_bytes take_counted(struct script *s)
{
    uint8_t len = 0;

    if (!px_take_u8(&s->in, &len))
        len = 0;
    return take_some(s, len);
}

/* Printable octets, no two neighbours alike, nor two stretches. */
static struct px_bytes pattern(struct script *s, unsigned arg)
{
    size_t len = ((size_t)arg + 1) * 64;

    for (size_t i = 0; i < len; i++)
        s->bulk[i] = (uint8_t)('!' + (i * 7 + i / 94 * 13) % 94);
    return px_bytes_of(s->bulk, len);
}

static struct px_bytes field_lines(struct script *s, unsigned arg)
{
    static const char line[] = "X-Field-Line: abcdefghijklmnop\r\n";
    size_t len = sizeof(line) - 1;

    for (size_t i = 0; i <= arg; i++)
        memcpy(s->bulk + i * len, line, len);
    return px_bytes_of(s->bulk, (arg + 1) * len);
}

static struct px_endpoint bound_of(unsigned arg)
{
    struct px_endpoint bound = {.port = (uint16_t)(40000 + arg)};

    bound.addr.kind = arg % 3 == 0   ? PX_ADDRESS_IPV4
                      : arg % 3 == 1 ? PX_ADDRESS_IPV6
                                     : PX_ADDRESS_NONE;
    if (bound.addr.kind != PX_ADDRESS_NONE)
        memset(bound.addr.ip, 0x7f, arg % 3 == 0 ? 4 : 16);
    return bound;
}

static struct step client_sends(struct px_bytes data)
{
    return (struct step){.kind = STEP_CLIENT_DATA, .data = data};
}

static struct step target_sends(struct px_bytes data)
{
    return (struct step){.kind = STEP_UPSTREAM_DATA, .data = data};
}

static struct step credentials(struct script *s, unsigned arg)
{
    struct step step = {.kind = STEP_CREDENTIALS, .x = arg};
    uint8_t flaws = 0;

    if (px_take_u8(&s->in, &flaws))
        step.flaws = flaws;
    return step;
}

static struct step read_step(struct script *s, unsigned kind, unsigned arg)
{
    switch (kind) { /* a number of the input's, not an enum */
    case 0x1:
        return client_sends(take_counted(s));
    case 0x2:
        return client_sends(pattern(s, arg));
    case 0x3:
        return client_sends(canned_client(s->is_http, arg));
    case 0x4:
        return (struct step){.kind = STEP_CLIENT_END};
    case 0x5:
        return (struct step){.kind = STEP_CLIENT_RESET};
    case 0x6:
        return (struct step){.kind = STEP_DIALLED, .bound = bound_of(arg)};
    case 0x7:
        return (struct step){
            .kind = STEP_DIAL_FAILED,
            .failure = (enum dial_failure)(arg % (DIAL_NAME_TEMPORARY + 1))};
    case 0x8:
        return target_sends(take_some(s, arg));
    case 0x9:
        return target_sends(pattern(s, arg));
    case 0xA:
        return (struct step){.kind = STEP_UPSTREAM_END};
    case 0xB:
        return (struct step){.kind = STEP_UPSTREAM_RESET};
    case 0xC:
        return (struct step){.kind = STEP_DEADLINE, .ms = arg};
    case 0xD:
        return (struct step){.kind = STEP_WAIT, .ms = arg * 500};
    case 0xE:
        return s->is_http ? credentials(s, arg)
                          : client_sends(take_some(s, arg));
    case 0xF:
        return client_sends(field_lines(s, arg));
    default:
        return client_sends(take_some(s, arg));
    }
}

bool script_next(struct script *s, struct step *out)
{
    uint8_t octet;

    if (!px_take_u8(&s->in, &octet))
        return false;
    *out = read_step(s, octet & 0xFu, octet >> 4);
    return true;
}
