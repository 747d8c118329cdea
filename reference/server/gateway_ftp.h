#ifndef GATEWAY_FTP_H
#define GATEWAY_FTP_H

/*
 * Fetches what an ftp URI names, with libcurl on the server's loop: a file, or
 * the listing of a directory. One fetch, one connection to the FTP server,
 * which is closed behind it.
 */

#include <uv.h>

#include "session.h"

struct gateway_ftp;

struct gateway_ftp_config {
    uv_loop_t *loop;
    const struct session_fetch *fetch;
    /* Addresses of these rules are not connected to; access may be NULL with
     * no rules, and outlives the fetch. */
    const struct access_rules *access;
    access_set rules;
    uint32_t reply_timeout_ms; /* for the server, and each reply of it */
};

/*
 * Told, later than gateway_ftp_new(): FETCHED, then UPSTREAM_DATA as far as
 * there is room, then UPSTREAM_END, or UPSTREAM_RESET when something is
 * missing; or, instead of all that, DIAL_FAILED or FETCH_FAILED. Not in the
 * midst of another call of these functions.
 */
typedef void gateway_ftp_fn(void *owner, struct event event);

/* Starts; cfg is copied. NULL when memory is short. */
struct gateway_ftp *gateway_ftp_new(const struct gateway_ftp_config *cfg,
                                    void *owner, gateway_ftp_fn *on_event);

/* How many octets may be told now; without room the server has to wait. */
void gateway_ftp_read(struct gateway_ftp *g, size_t room);

/* Gives it up; nothing more is told. NULL is accepted. */
void gateway_ftp_close(struct gateway_ftp *g);

#endif
