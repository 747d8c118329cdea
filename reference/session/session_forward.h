#ifndef SESSION_FORWARD_H
#define SESSION_FORWARD_H

/*
 * A session's forwarding of requests, RFC 9110 section 7 and RFC 9112: one
 * exchange at a time, so that pipelined requests are answered in order and wait
 * in the session's input. What session_forward*.c share; nobody else includes
 * it.
 */

#include "forward_body.h"
#include "http1_target.h"
#include "session_internal.h"

enum {
    FTP_PORT = 21, /* of an ftp URI without one (RFC 1738 section 3.2) */
    /* What one message's head may become on its way. */
    FORWARD_HEAD_MAX = 16384 + 32768 + 4096,
    /* What the origin may send ahead: a whole head at least. */
    FORWARD_IN_MAX = 64 * 1024,
    /* Octets of a body that one step passes on: all that came, so that a read
     * is one write and nothing is moved to the front. */
    FORWARD_STEP = FORWARD_IN_MAX,
    FORWARD_OUT_MAX = FORWARD_STEP + FORWARD_BODY_ROOM,
};

enum forward_phase {
    FORWARD_IDLE,     /* no exchange */
    FORWARD_ANSWERED, /* by the proxy itself; ends at the next step */
    FORWARD_DIALLING, /* for the origin */
    FORWARD_EXCHANGE, /* request and response pass, each at its own pace */
    FORWARD_HUNG,     /* a tap wants nothing done any more */
};

/* Where one direction of an exchange stands. */
enum forward_place {
    FORWARD_HEAD, /* the head is next */
    FORWARD_BODY, /* the body, or a part of it, is next */
    FORWARD_TAIL, /* all has passed but nobody was told yet */
    FORWARD_WHOLE,
};

struct forward {
    enum forward_phase phase;
    unsigned exchange; /* how many began */

    /* The origin: of this exchange, or of the last one. */
    struct px_endpoint origin; /* its name is in name */
    uint8_t name[PX_NAME_MAX];
    access_set rules; /* about what addresses of the name the request may
                         not go to, */
    access_set dialled_rules; /* and about which the connection does not */
    bool has_upstream;        /* a connection to it stands, or is being made */
    bool is_upstream_ended;
    bool is_upstream_broken;
    bool is_origin_http10; /* as far as is known */

    struct session_fetch fetch; /* what the last one is asked for by FTP */

    /* The request. */
    bool is_head, is_idempotent, has_content;
    bool is_from_http10; /* the client speaks HTTP/1.0 */
    bool expects_100;
    bool wants_close;    /* the client's connection ends with this exchange */
    bool is_reused;      /* the connection served an exchange before */
    bool is_retry;       /* on a new connection, since that one was gone */
    bool has_body_begun; /* octets of content came */
    enum forward_place request;
    struct forward_options request_options;
    struct forward_body request_body;

    /* The response. */
    enum forward_place response;
    unsigned status;
    bool closes_client, closes_origin;
    struct forward_options response_options;
    struct forward_body response_body;

    uint64_t progress_ms; /* when anything came last */
    size_t head_len;
    size_t in_len;
    uint8_t head[FORWARD_HEAD_MAX]; /* of the request, as it goes on */
    uint8_t in[FORWARD_IN_MAX];     /* of the origin, not looked at yet */
    uint8_t out[FORWARD_OUT_MAX];   /* what the last action sends */
};

/*
 * Shows the tap a part, if there is one. True when *octets are to be sent, if
 * there are any; false when the exchange went another way.
 */
PX_CHECKED bool forward_tap(struct session *s, enum forward_stage stage,
                            struct px_bytes *octets, uint64_t left);

/* Sends octets of an exchange, if there are any. */
void forward_send(struct session *s, enum action_kind to,
                  struct px_bytes octets);

/* Puts octets in the place of the first cut of *len in buf; false when they do
 * not fit. */
PX_CHECKED bool forward_splice(uint8_t *buf, size_t cap, size_t *len,
                               size_t cut, struct px_bytes octets);

/* Forgets the first len octets of the origin's. */
void forward_consume(struct forward *f, size_t len);

/* The origin gave no response that could be passed on. */
void forward_fail(struct session *s, enum http_answer answer,
                  const struct px_error *err);

/* Closes both sides, so that the client sees that the response is not whole. */
void forward_break_off(struct session *s, const struct px_error *err);

/* Dials the origin, or takes the connection that stands. */
void forward_reach(struct session *s);

/* How long an origin may say nothing. */
uint32_t forward_response_timeout_ms(const struct session *s);

/* The origin's part of an exchange begins. */
void forward_begin_exchange(struct session *s);

/* From here on the origin is this one; what is known of another is not. */
void forward_set_origin(struct session *s, const struct http1_target *target,
                        uint16_t default_port);

/*
 * The gateway to FTP (session_ftp.c). Whether the target is for it; whether it
 * can be asked for so, refused if not; asks for it; and what came of that.
 */
bool forward_is_ftp(const struct session *s, const struct http1_target *target);
PX_CHECKED bool forward_check_ftp(struct session *s,
                                  const struct http1_request_head *head,
                                  const struct http1_target *target);
void forward_fetch(struct session *s, const struct http1_request_head *head,
                   const struct http1_target *target, size_t len);
void forward_fetched(struct session *s, const struct session_fetched *fetched);
void forward_fetch_failed(struct session *s, enum fetch_failure failure);

/* One step of each direction; false when nothing is to be done. */
PX_CHECKED bool forward_step_request(struct session *s);
PX_CHECKED bool forward_step_response(struct session *s);

#endif
