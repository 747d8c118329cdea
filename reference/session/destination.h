#ifndef DESTINATION_H
#define DESTINATION_H

/* What a SOCKS client may ask for, in a request or before a datagram. */

#include "px.h"

/* Whether a name, if addr is one, can be looked up; else *err says why not. */
PX_CHECKED bool destination_is_nameable(const struct px_address *addr,
                                        struct px_error *err);

/* Whether anything can be sent there at all; else *err says why not. */
PX_CHECKED bool destination_is_reachable(const struct px_endpoint *dst,
                                         struct px_error *err);

#endif
