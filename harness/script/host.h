#ifndef HOST_H
#define HOST_H

/*
 * host: a reference proxy on a thread of its own, so that it computes beside
 * the scripts that judge it. Nothing but its ports is shared with them.
 */

#include "server.h"

struct host;  /* a server and its thread */
struct hosts; /* those that were made and are not gone */

/* NULL when memory is short. */
struct hosts *hosts_new(void);

/* Ends them all, waits until they are gone, and frees; NULL is accepted. */
void hosts_free(struct hosts *all);

/*
 * Binds, listens and serves. cfg and its strings are copied. NULL with *err
 * set as server_new() does, or when there is no thread to be had.
 */
struct host *host_new(struct hosts *all, const struct server_config *cfg,
                      struct px_error *err);

/* The ports that were bound. */
uint16_t host_socks_port(const struct host *h);
uint16_t host_http_port(const struct host *h);

/*
 * Has the server close, and returns at once: h is gone for the caller. NULL is
 * accepted.
 */
void host_close(struct host *h);

#endif
