#ifndef NETLINK_H
#define NETLINK_H

/* rtnetlink(7): devices, addresses and routes of this network namespace. */

#include "px.h"

/* A socket for the requests below, or -1 and *err. */
int netlink_open(struct px_error *err);

/* Each is false and says why in *err when the kernel refuses. */
PX_CHECKED bool netlink_set_up(int fd, const char *device,
                               struct px_error *err);
PX_CHECKED bool netlink_add_address(int fd, const char *device,
                                    const char *address, uint8_t prefix_len,
                                    struct px_error *err);

/* type is one of RTN_UNICAST (to device), RTN_UNREACHABLE, RTN_PROHIBIT (device
 * is NULL). */
PX_CHECKED bool netlink_add_route(int fd, const char *device,
                                  const char *address, uint8_t prefix_len,
                                  uint8_t type, struct px_error *err);

#endif
