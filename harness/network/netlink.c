#include "netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REQUEST_MAX = 256, ANSWER_MAX = 1024 };

/* A request as it grows: the header, a struct, attributes. */
struct request {
    union {
        struct nlmsghdr header;
        uint8_t octets[REQUEST_MAX];
    } u;
};

static void *begin(struct request *r, uint16_t type, uint16_t flags, size_t len)
{
    memset(r, 0, sizeof(*r));
    r->u.header.nlmsg_len = (uint32_t)NLMSG_LENGTH(len);
    r->u.header.nlmsg_type = type;
    r->u.header.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | flags);
    return NLMSG_DATA(&r->u.header);
}

static void add(struct request *r, uint16_t type, const void *data, size_t len)
{
    size_t at = NLMSG_ALIGN(r->u.header.nlmsg_len);
    struct rtattr attribute = {(uint16_t)RTA_LENGTH(len), type};

    memcpy(r->u.octets + at, &attribute, sizeof(attribute));
    memcpy(r->u.octets + at + RTA_LENGTH(0), data, len);
    r->u.header.nlmsg_len = (uint32_t)(at + RTA_LENGTH(len));
}

/* Sends it and reads the kernel's word: an error number, 0 when it is done. */
static int ask(int fd, const struct request *r)
{
    union {
        struct nlmsghdr header;
        uint8_t octets[ANSWER_MAX];
    } answer;
    struct nlmsgerr error;
    ssize_t got;

    if (send(fd, r->u.octets, r->u.header.nlmsg_len, 0) < 0)
        return errno;
    got = recv(fd, answer.octets, sizeof(answer.octets), 0);
    if (got < 0)
        return errno;
    if ((size_t)got < NLMSG_LENGTH(sizeof(error)) ||
        answer.header.nlmsg_type != NLMSG_ERROR)
        return EPROTO;
    memcpy(&error, answer.octets + NLMSG_HDRLEN, sizeof(error));
    return -error.error;
}

int netlink_open(struct px_error *err)
{
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

    if (fd < 0)
        (void)px_fail(err, errno, "netlink: %s", strerror(errno));
    return fd;
}

bool netlink_set_up(int fd, const char *device, struct px_error *err)
{
    struct request r;
    struct ifinfomsg *link = begin(&r, RTM_NEWLINK, 0, sizeof(*link));
    int error;

    link->ifi_index = (int)if_nametoindex(device);
    link->ifi_flags = IFF_UP;
    link->ifi_change = IFF_UP;
    error = ask(fd, &r);
    if (error)
        (void)px_fail(err, error, "%s: %s", device, strerror(error));
    return error == 0;
}

static uint8_t parse(const char *text, uint8_t out[16], size_t *len)
{
    bool is_ipv6 = strchr(text, ':') != NULL;

    *len = is_ipv6 ? 16 : 4;
    return inet_pton(is_ipv6 ? AF_INET6 : AF_INET, text, out) == 1
               ? (uint8_t)(is_ipv6 ? AF_INET6 : AF_INET)
               : AF_UNSPEC;
}

bool netlink_add_address(int fd, const char *device, const char *address,
                         uint8_t prefix_len, struct px_error *err)
{
    struct request r;
    struct ifaddrmsg *m =
        begin(&r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, sizeof(*m));
    uint8_t ip[16];
    size_t len;
    int error;

    m->ifa_family = parse(address, ip, &len);
    m->ifa_prefixlen = prefix_len;
    m->ifa_flags = IFA_F_NODAD; /* it is used at once */
    m->ifa_index = if_nametoindex(device);
    add(&r, IFA_LOCAL, ip, len);
    add(&r, IFA_ADDRESS, ip, len);
    error = ask(fd, &r);
    if (error)
        (void)px_fail(err, error, "%s: %s", address, strerror(error));
    return error == 0;
}

bool netlink_add_route(int fd, const char *device, const char *address,
                       uint8_t prefix_len, uint8_t type, struct px_error *err)
{
    struct request r;
    struct rtmsg *m =
        begin(&r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, sizeof(*m));
    uint32_t index = device ? if_nametoindex(device) : 0;
    uint8_t ip[16];
    size_t len;
    int error;

    m->rtm_family = parse(address, ip, &len);
    m->rtm_dst_len = prefix_len;
    m->rtm_table = RT_TABLE_MAIN;
    m->rtm_protocol = RTPROT_STATIC;
    m->rtm_scope =
        device && m->rtm_family == AF_INET ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
    m->rtm_type = type;
    add(&r, RTA_DST, ip, len);
    if (device)
        add(&r, RTA_OIF, &index, sizeof(index));
    error = ask(fd, &r);
    if (error)
        (void)px_fail(err, error, "%s: %s", address, strerror(error));
    return error == 0;
}
