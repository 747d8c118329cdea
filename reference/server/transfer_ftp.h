#ifndef TRANSFER_FTP_H
#define TRANSFER_FTP_H

/*
 * One transfer of libcurl's from an FTP server: where it may go, how long it
 * may wait, and its sockets. Its octets, and what became of it, are told by
 * curl, on the loop that it is begun on.
 */

#include "curl_loop.h"

enum { TRANSFER_FTP_SOCKETS_MAX = 8 }; /* at once */

struct transfer_ftp {
    struct curl_loop *curl;
    CURL *easy;                                      /* NULL: there is none */
    curl_socket_t sockets[TRANSFER_FTP_SOCKETS_MAX]; /* or CURL_SOCKET_BAD */
};

struct transfer_ftp_config {
    const char *url;              /* copied, as the credentials are */
    struct curl_slist *addresses; /* CURLOPT_RESOLVE's: outlives the transfer */
    const char *user, *password;  /* user NULL: anonymous */
    uint32_t reply_timeout_ms;    /* for the server, and each reply of it */
    curl_write_callback on_octets;
    void *ctx; /* on_octets' */
};

/* curl is open, or will be when a transfer begins, and outlives it. */
void transfer_ftp_init(struct transfer_ftp *t, struct curl_loop *curl);

/* There is none yet, or it has ended. False when memory is short. */
PX_CHECKED bool transfer_ftp_begin(struct transfer_ftp *t,
                                   const struct transfer_ftp_config *cfg);

/* Not in a callback of curl's; what it has open is closed with it. */
void transfer_ftp_end(struct transfer_ftp *t);

#endif
