#ifndef ENDPOINT_H
#define ENDPOINT_H

/* Between the system's socket addresses and ours. */

#include <sys/socket.h>

#include "px.h"

/* What sa says; kind NONE for other families. */
struct px_endpoint endpoint_of(const struct sockaddr *sa);

/* The same endpoint, its address as px_plain_address() gives it. */
struct px_endpoint endpoint_plain(const struct px_endpoint *endpoint);

/* For an endpoint with an IP address; it is taken as it is. */
void endpoint_to_sockaddr(const struct px_endpoint *endpoint,
                          struct sockaddr_storage *out);

#endif
