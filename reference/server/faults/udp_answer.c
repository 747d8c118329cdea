/* Faults of datagrams on their way to the client: RFC 1928 section 7. */

#include <string.h>

#include "faults/faults.h"
#include "socks5.h"
#include "udp.h"

/* The octets of a datagram for the client, in m->out; NULL for other actions.
 */
static uint8_t *take_answer(struct fault_memory *m,
                            struct association_action *action)
{
    struct px_bytes data = action->send.data;

    if (action->kind != ASSOCIATION_SEND_CLIENT || data.len > sizeof(m->out))
        return NULL;
    memcpy(m->out, data.data, data.len);
    action->send.data.data = m->out;
    return m->out;
}

static size_t header_len(const uint8_t *answer)
{
    return answer[FAULTS_UDP_ATYP] == SOCKS5_IPV6 ? UDP_HEADER_IPV6
                                                  : UDP_HEADER_IPV4;
}

static enum fault_verdict bare(struct fault_memory *m,
                               struct association_action *action)
{
    const uint8_t *answer = take_answer(m, action);

    if (answer) {
        size_t len = header_len(answer);

        action->send.data.data += len;
        action->send.data.len -= len;
    }
    return FAULT_PASS;
}

static enum fault_verdict reserved(struct fault_memory *m,
                                   struct association_action *action)
{
    uint8_t *answer = take_answer(m, action);

    if (answer)
        answer[1] = 1;
    return FAULT_PASS;
}

static enum fault_verdict fragment(struct fault_memory *m,
                                   struct association_action *action)
{
    uint8_t *answer = take_answer(m, action);

    if (answer)
        answer[FAULTS_UDP_FRAG] = UDP_FRAG_LAST | 1;
    return FAULT_PASS;
}

static enum fault_verdict zero_source(struct fault_memory *m,
                                      struct association_action *action)
{
    uint8_t *answer = take_answer(m, action);

    if (answer)
        memset(answer + FAULTS_UDP_ADDR, 0,
               header_len(answer) - FAULTS_UDP_ADDR);
    return FAULT_PASS;
}

static void set_port(uint8_t *answer, uint16_t port)
{
    uint8_t *at = answer + header_len(answer) - 2;

    at[0] = (uint8_t)(port >> 8);
    at[1] = (uint8_t)port;
}

/* The header says to whom the datagram goes. */
static enum fault_verdict client_source(struct fault_memory *m,
                                        struct association_action *action)
{
    uint8_t *answer = take_answer(m, action);

    if (answer)
        set_port(answer, action->send.to.port);
    return FAULT_PASS;
}

/* The header says where the client's last datagram went, whoever answers. */
static enum fault_verdict last_source(struct fault_memory *m,
                                      struct association_action *action)
{
    uint8_t *answer = take_answer(m, action);

    if (action->kind == ASSOCIATION_SEND_TARGET)
        m->count[0] = action->send.to.port;
    if (answer)
        set_port(answer, (uint16_t)m->count[0]);
    return FAULT_PASS;
}

/* A socket of both families names IPv4 addresses in IPv6's form. */
static enum fault_verdict mapped(struct fault_memory *m,
                                 struct association_action *action)
{
    static const uint8_t prefix[12] = {[10] = 0xFF, [11] = 0xFF};
    uint8_t *answer = take_answer(m, action);
    size_t len = action->send.data.len;

    if (!answer || answer[FAULTS_UDP_ATYP] != SOCKS5_IPV4 ||
        len + sizeof(prefix) > sizeof(m->out))
        return FAULT_PASS;
    memmove(answer + FAULTS_UDP_ADDR + sizeof(prefix), answer + FAULTS_UDP_ADDR,
            len - FAULTS_UDP_ADDR);
    memcpy(answer + FAULTS_UDP_ADDR, prefix, sizeof(prefix));
    answer[FAULTS_UDP_ATYP] = SOCKS5_IPV6;
    action->send.data.len = len + sizeof(prefix);
    return FAULT_PASS;
}

static enum fault_verdict ipv6_short(struct fault_memory *m,
                                     struct association_action *action)
{
    enum { MISSING = 16 - 4 };
    uint8_t *answer = take_answer(m, action);

    if (answer && answer[FAULTS_UDP_ATYP] == SOCKS5_IPV6) {
        action->send.data.len -= MISSING;
        memmove(answer + FAULTS_UDP_ADDR, answer + FAULTS_UDP_ADDR + MISSING,
                action->send.data.len - FAULTS_UDP_ADDR);
    }
    return FAULT_PASS;
}

/* The sixteen octets of the address stand where a name would. */
static enum fault_verdict ipv6_as_name(struct fault_memory *m,
                                       struct association_action *action)
{
    enum { OCTETS = 16 };
    uint8_t *answer = take_answer(m, action);

    if (answer && answer[FAULTS_UDP_ATYP] == SOCKS5_IPV6) {
        memmove(answer + FAULTS_UDP_ADDR + 1, answer + FAULTS_UDP_ADDR,
                action->send.data.len - FAULTS_UDP_ADDR);
        answer[FAULTS_UDP_ATYP] = SOCKS5_NAME;
        answer[FAULTS_UDP_ADDR] = OCTETS;
        action->send.data.len++;
    }
    return FAULT_PASS;
}

/* Sends a datagram back that cannot be relayed. */
static enum fault_verdict told(struct fault_memory *m,
                               struct association_event *event)
{
    struct px_bytes data = event->datagram.data;
    uint8_t atyp;

    if (!faults_is_datagram(event) || data.len > sizeof(m->out))
        return FAULT_PASS;
    atyp = data.data[FAULTS_UDP_ATYP];
    if (atyp == SOCKS5_IPV4 || atyp == SOCKS5_NAME || atyp == SOCKS5_IPV6)
        return FAULT_PASS;
    memcpy(m->out, data.data, data.len);
    m->notice = (struct association_action){.kind = ASSOCIATION_SEND_CLIENT};
    m->notice.send.to = event->datagram.from;
    m->notice.send.data = px_bytes_of(m->out, data.len);
    m->has_notice = true;
    return FAULT_DROP;
}

static const struct fault faults[] = {
    {
        .name = "udp-answer-bare",
        .summary = "sends the client answers without a header",
        .proves = {REQ_SOCKS5_UDP_REPLY_ENCAP},
        .on_relay = bare,
    },
    {
        .name = "udp-answer-reserved",
        .summary = "sends answers whose RSV is 1",
        .proves = {REQ_SOCKS5_UDP_HEADER_ZERO},
        .on_relay = reserved,
    },
    {
        .name = "udp-answer-frag",
        .summary = "sends whole answers with FRAG 81",
        .proves = {REQ_SOCKS5_UDP_HEADER_ZERO},
        .on_relay = fragment,
    },
    {
        .name = "udp-answer-from-zero",
        .summary = "names 0.0.0.0:0 as the source of answers",
        .proves = {REQ_SOCKS5_UDP_REPLY_SOURCE},
        .on_relay = zero_source,
    },
    {
        .name = "udp-answer-from-client",
        .summary = "names the client's port as the source of answers",
        .proves = {REQ_SOCKS5_UDP_REPLY_SOURCE},
        .on_relay = client_source,
    },
    {
        .name = "udp-answer-from-target",
        .summary = "names the last target as the source of every answer",
        .proves = {REQ_SOCKS5_UDP_REPLY_SOURCE},
        .on_relay = last_source,
    },
    {
        .name = "udp-answer-mapped",
        .summary = "names an IPv4 sender of answers by a mapped IPv6 address",
        .proves = {REQ_SOCKS5_UDP_REPLY_SOURCE},
        .on_relay = mapped,
    },
    {
        .name = "udp-answer-ipv6-short",
        .summary = "sends answers with four octets of an IPv6 address",
        .proves = {REQ_SOCKS5_UDP_REPLY_ENCAP},
        .on_relay = ipv6_short,
    },
    {
        .name = "udp-answer-ipv6-as-name",
        .summary = "sends answers with an IPv6 address where a name would be",
        .proves = {REQ_SOCKS5_UDP_REPLY_SOURCE},
        .on_relay = ipv6_as_name,
    },
    {
        .name = "udp-drop-told",
        .summary = "sends datagrams back whose address type it does not know",
        .proves = {REQ_SOCKS5_UDP_SILENT},
        .on_datagram = told,
    },
};

const struct fault_theme udp_answer_faults = FAULT_THEME(faults);
