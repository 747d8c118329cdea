#ifndef SOCKS4_H
#define SOCKS4_H

/*
 * SOCKS version 4 and its extension 4A, as their two memos describe them.
 * Decoders refuse only where the rest cannot be read (wrong VN, a string that
 * is too long); other odd values are decoded as sent. User id and name borrow
 * from the input. *used counts the octets of the message. Encoders write what
 * the struct says, odd or not, and are false only for what the format cannot
 * carry.
 */

#include "px.h"

enum {
    SOCKS4_VERSION = 4,       /* VN of a request */
    SOCKS4_REPLY_VERSION = 0, /* VN of a reply */
};

/* CD of a request. */
enum socks4_command {
    SOCKS4_CONNECT = 1,
    SOCKS4_BIND = 2,
};

/* CD of a reply. */
enum socks4_code {
    SOCKS4_GRANTED = 90,
    SOCKS4_REJECTED = 91,        /* or failed */
    SOCKS4_NO_IDENTD = 92,       /* none could be asked on the client's host */
    SOCKS4_IDENTD_MISMATCH = 93, /* it names another user */
};

/* The memos set no limits; these are ours, without the terminators. */
enum {
    SOCKS4_USER_MAX = 512,
    SOCKS4_NAME_MAX = PX_NAME_MAX,
    SOCKS4_REQUEST_MAX = 8 + SOCKS4_USER_MAX + 1 + SOCKS4_NAME_MAX + 1,
    SOCKS4_REPLY_LEN = 8,
};

/*
 * VN CD DSTPORT DSTIP USERID NUL and, when DSTIP is 0.0.0.x with x other than
 * 0, a name and NUL: then dst is that name, and marker is x.
 */
struct socks4_request {
    uint8_t command;
    uint8_t marker;         /* 0: no name follows; dst is the IPv4 address */
    struct px_endpoint dst; /* the name, up to SOCKS4_NAME_MAX, may be empty */
    struct px_bytes user;   /* up to SOCKS4_USER_MAX octets, none of them 0 */
};

/* VN CD DSTPORT DSTIP, each as sent; endpoint is always an IPv4 address. */
struct socks4_reply {
    uint8_t version;
    uint8_t code;
    struct px_endpoint endpoint;
};

/*
 * Refuses a VN other than 4 (socks4.request.version), a user id and a name
 * over their limits (socks4.request.userid-long, socks4a.name.long).
 */
enum px_status socks4_decode_request(struct px_bytes in,
                                     struct socks4_request *out, size_t *used,
                                     struct px_error *err);
enum px_status socks4_decode_reply(struct px_bytes in, struct socks4_reply *out,
                                   size_t *used, struct px_error *err);

/*
 * False for a zero octet in a string, an IPv4 address that is a marker, and
 * an address of another kind. A name is written behind any marker.
 */
PX_CHECKED bool socks4_encode_request(const struct socks4_request *request,
                                      struct px_writer *out);
/* False unless endpoint is an IPv4 address. */
PX_CHECKED bool socks4_encode_reply(const struct socks4_reply *reply,
                                    struct px_writer *out);

/* "granted", "rejected or failed" …; "unassigned" for the rest. Static. */
const char *socks4_code_name(uint8_t code);
/* "CONNECT", "BIND"; "unassigned" for the rest. Static. */
const char *socks4_command_name(uint8_t command);

#endif
