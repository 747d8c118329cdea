#ifndef STREAM_H
#define STREAM_H

/*
 * One TCP connection with libuv: queued writes, FIN after what was written,
 * reset, backpressure. A stream frees itself in its close callback.
 */

#include <uv.h>

#include "px.h"
#include "tls.h"

struct stream;

/*
 * What a stream tells its owner, never from inside a call of the owner's.
 * on_reset is told once all that the peer sent before has been read.
 */
struct stream_events {
    /* Where to read into now; len 0: nothing is wanted. */
    uv_buf_t (*buffer)(void *owner, struct stream *s);
    void (*on_data)(void *owner, struct stream *s, struct px_bytes data);
    void (*on_end)(void *owner, struct stream *s);
    void (*on_reset)(void *owner, struct stream *s);
    void (*on_drained)(void *owner, struct stream *s); /* writes went out */
    void (*on_closed)(void *owner, struct stream *s);  /* last call */
};

/* NULL when memory is short. Nobody is told anything before stream_own(). */
struct stream *stream_new(uv_loop_t *loop, const struct stream_events *events);

/*
 * The stream is a server's end of TLS: octets that are read and written are
 * plaintext, FIN is close_notify and FIN. Called before it is connected; false
 * when memory is short, then nothing has changed. context outlives the call.
 */
PX_CHECKED bool stream_secure(struct stream *s,
                              const struct tls_context *context);

/* From here on events go to owner, which outlives the stream. */
void stream_own(struct stream *s, void *owner);
uv_tcp_t *stream_tcp(struct stream *s);

/*
 * Without delays, once it is connected; a listener hands this on to the
 * connections that it accepts. And probes that find a vanished peer.
 */
void stream_tune(uv_tcp_t *tcp);
void stream_keep_alive(uv_tcp_t *tcp);

/*
 * Writes data in order, copying what the system does not take at once; a
 * failed connection becomes on_reset. False when memory is short: a part may
 * be missing then, so that only stream_reset() is right.
 */
PX_CHECKED bool stream_write(struct stream *s, struct px_bytes data);

/* Octets of memory that hold what waits to go out. */
size_t stream_queued(const struct stream *s);

/*
 * Whether nothing is under way but reading, so that the socket may be read
 * from and written to in another way, which TLS never allows; and whether FIN
 * or RST has been read.
 */
bool stream_is_settled(const struct stream *s);
bool stream_has_read_end(const struct stream *s);

/* Octets that the peer has not acknowledged, queued here or in the system. */
size_t stream_unacknowledged(const struct stream *s);

/*
 * Whether the connection is gone, also while nobody reads from it and so
 * nobody is told.
 */
bool stream_is_dead(const struct stream *s);

/* FIN after what was written; again has no effect. */
void stream_end(struct stream *s);

/* Reads while it is wanted and buffer() has room. */
enum stream_reading { STREAM_PAUSED, STREAM_READING };
void stream_read(struct stream *s, enum stream_reading reading);

/* FIN after what was written, then closes. */
void stream_finish(struct stream *s);
void stream_close(struct stream *s); /* at once */
void stream_reset(struct stream *s); /* at once, with RST */

#endif
