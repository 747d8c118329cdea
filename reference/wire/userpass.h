#ifndef USERPASS_H
#define USERPASS_H

/* RFC 1929 section 2: user name and password, method 02 of SOCKS5. */

#include "px.h"

enum { USERPASS_VERSION = 1, USERPASS_REQUEST_MAX = 3 + 255 + 255 };

/* VER ULEN UNAME PLEN PASSWD; both borrow from the input, 0 to 255 octets. */
struct userpass_request {
    struct px_bytes user;
    struct px_bytes password;
};

/* VER STATUS; both as sent, the oracle judges them. Status 00 is success. */
struct userpass_status {
    uint8_t version;
    uint8_t status;
};

/* Refuses a VER other than 01 (userpass.request.bad-version). */
enum px_status userpass_decode_request(struct px_bytes in,
                                       struct userpass_request *out,
                                       size_t *used, struct px_error *err);
enum px_status userpass_decode_status(struct px_bytes in,
                                      struct userpass_status *out, size_t *used,
                                      struct px_error *err);

/* False for a user name or password over 255 octets. */
PX_CHECKED bool userpass_encode_request(const struct userpass_request *request,
                                        struct px_writer *out);
PX_CHECKED bool userpass_encode_status(const struct userpass_status *status,
                                       struct px_writer *out);

#endif
