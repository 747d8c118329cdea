#ifndef DATAGRAMS_H
#define DATAGRAMS_H

/* UDP sockets that a test holds, beside the loop of its world. */

#include "world.h"

/* A client's, a target's or a stranger's. */
struct end {
    int fd;
    struct px_endpoint at;
};

/* On any port; fd is -1 when there is no such address here. */
struct end end_open(const char *address);
void end_close(const struct end *end);

/* An endpoint from text; a name borrows. */
struct px_endpoint end_point(const char *address, uint16_t port);
struct px_endpoint end_named(const char *name, uint16_t port);

void end_send(const struct end *from, const struct px_endpoint *to,
              struct px_bytes data);

/* The same behind a header: to a relay, for somebody. */
void end_send_by(const struct end *from, const struct px_endpoint *relay,
                 uint8_t frag, const struct px_endpoint *to,
                 struct px_bytes data);

/* What came, and the port it came from; borrowed until the next. */
struct arrival {
    struct px_bytes data;
    uint16_t port;
};

/* False when nothing is there now. */
bool end_take(const struct end *end, struct arrival *out);

/* Turns the world until a datagram comes. */
struct arrival end_await(struct world *w, const struct end *end);
void end_expect(struct world *w, const struct end *end, struct px_bytes data);

/* Turns until nothing has happened for a while, in which nothing may come. */
void end_expect_nothing(struct world *w, const struct end *end);

#endif
