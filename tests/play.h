#ifndef PLAY_H
#define PLAY_H

/*
 * Plays events to a session and writes down its actions, so that a test is a
 * table of both. The session starts at 0 ms and everything happens at 100 ms.
 */

#include "rows.h"
#include "session.h"

enum {
    PLAY_STEPS_MAX = 10,
    PLAY_LOG_MAX = 200 * 1024,
    PLAY_HANDSHAKE_MS = 10000,
    PLAY_DIAL_MS = 30000,
    PLAY_BIND_MS = 120000,
    PLAY_RESPONSE_MS = 20000,
    PLAY_NOW_MS = 100,
};

/* Of SOCKS4: who says so is asked for by their identd. */
#define PLAY_IDENTD_USER "joe"

struct play_step {
    bool is_used;
    struct event event;
};

#define CLIENT(s)                                                              \
    {                                                                          \
        true,                                                                  \
        {                                                                      \
            .kind = EVENT_CLIENT_DATA, .data = BYTES(s)                        \
        }                                                                      \
    }
#define CLIENT_END                                                             \
    {                                                                          \
        true,                                                                  \
        {                                                                      \
            .kind = EVENT_CLIENT_END                                           \
        }                                                                      \
    }
#define CLIENT_RESET                                                           \
    {                                                                          \
        true,                                                                  \
        {                                                                      \
            .kind = EVENT_CLIENT_RESET                                         \
        }                                                                      \
    }
#define TARGET(s)                                                              \
    {                                                                          \
        true,                                                                  \
        {                                                                      \
            .kind = EVENT_UPSTREAM_DATA, .data = BYTES(s)                      \
        }                                                                      \
    }
#define TARGET_END                                                             \
    {                                                                          \
        true,                                                                  \
        {                                                                      \
            .kind = EVENT_UPSTREAM_END                                         \
        }                                                                      \
    }
#define TARGET_RESET                                                           \
    {                                                                          \
        true,                                                                  \
        {                                                                      \
            .kind = EVENT_UPSTREAM_RESET                                       \
        }                                                                      \
    }
#define TIMER                                                                  \
    {                                                                          \
        true,                                                                  \
        {                                                                      \
            .kind = EVENT_TIMER                                                \
        }                                                                      \
    }
#define FAILED(why)                                                            \
    {                                                                          \
        true,                                                                  \
        {                                                                      \
            .kind = EVENT_DIAL_FAILED, .failure = (why)                        \
        }                                                                      \
    }
/* Our own address toward the target is 127.0.0.9:4660. */
#define DIALLED                                                                \
    {                                                                          \
        true,                                                                  \
        {                                                                      \
            .kind = EVENT_DIALLED,                                             \
            .bound = {{.kind = PX_ADDRESS_IPV4, .ip = {127, 0, 0, 9}},         \
                      0x1234},                                                 \
        }                                                                      \
    }

/* The relay's address is 127.0.0.8:4661; a lookup's answer the same address,
 * or a name. */
#define ASSOCIATED                                                             \
    {                                                                          \
        true,                                                                  \
        {                                                                      \
            .kind = EVENT_ASSOCIATED,                                          \
            .bound = {{.kind = PX_ADDRESS_IPV4, .ip = {127, 0, 0, 8}},         \
                      0x1235},                                                 \
        }                                                                      \
    }
#define RESOLVED                                                               \
    {                                                                          \
        true,                                                                  \
        {                                                                      \
            .kind = EVENT_RESOLVED,                                            \
            .address = {.kind = PX_ADDRESS_IPV4, .ip = {127, 0, 0, 8}},        \
        }                                                                      \
    }
#define RESOLVED_NAME(s)                                                       \
    {                                                                          \
        true,                                                                  \
        {                                                                      \
            .kind = EVENT_RESOLVED,                                            \
            .address = {.kind = PX_ADDRESS_NAME, .name = BYTES(s)},            \
        }                                                                      \
    }
#define IDENTIFIED(s)                                                          \
    {                                                                          \
        true,                                                                  \
        {                                                                      \
            .kind = EVENT_IDENTIFIED, .data = BYTES(s)                         \
        }                                                                      \
    }
/* An ftp URI brings len octets, or as many as there will be. */
#define FETCHED(len)                                                           \
    {                                                                          \
        true,                                                                  \
        {                                                                      \
            .kind = EVENT_FETCHED, .fetched = {.length = (len) }               \
        }                                                                      \
    }
#define LISTED                                                                 \
    {                                                                          \
        true,                                                                  \
        {                                                                      \
            .kind = EVENT_FETCHED, .fetched = { UINT64_MAX, true }             \
        }                                                                      \
    }
#define NOT_FETCHED(why)                                                       \
    {                                                                          \
        true,                                                                  \
        {                                                                      \
            .kind = EVENT_FETCH_FAILED, .fetch_failure = (why)                 \
        }                                                                      \
    }
/* The listener is at 127.0.0.9:4660. */
#define LISTENING                                                              \
    {                                                                          \
        true,                                                                  \
        {                                                                      \
            .kind = EVENT_LISTENING,                                           \
            .bound = {{.kind = PX_ADDRESS_IPV4, .ip = {127, 0, 0, 9}},         \
                      0x1234},                                                 \
        }                                                                      \
    }
/* An IPv4 peer came, from port 8080. */
#define ACCEPTED(...)                                                          \
    {                                                                          \
        true,                                                                  \
        {                                                                      \
            .kind = EVENT_ACCEPTED,                                            \
            .peer = {{.kind = PX_ADDRESS_IPV4, .ip = {__VA_ARGS__}}, 0x1f90},  \
        }                                                                      \
    }

/*
 * Whether the proxy asks for credentials; "me" and "let" are right. Or it asks
 * for none, and serves Tor's commands, or is as Tor's port, which has neither
 * UDP nor BIND, or has no UDP. Or it forwards, as "proxy";
 * its clock then says Sun, 06 Nov 1994 08:49:37 GMT. With rules it forwards,
 * and denies "*.denied", "origin/secret", "DELETE origin", "127.0.0.66",
 * "127.0.0.67/secret" and "BIND 127.0.0.68". As a gateway it forwards, too.
 */
enum play_auth {
    OPEN,
    AUTH,
    TOR,
    TOR_PORT,
    NO_UDP,
    FORWARD,
    FORWARD_AUTH,
    RULES,
    FTP,
};

/*
 * The log has a line an action: "client:OCTETS", "target:OCTETS" (what is
 * sent to the same side in a row is one line, so that cuts do not show),
 * "fetch HOST:PORT PATH" and "look at HOST:PORT PATH", with " as USER with
 * PASSWORD" behind it if there are any, "dial HOST:PORT", with " rules SET"
 * behind it if there are any, "associate HOST:PORT", "resolve HOST:PORT",
 * "listen HOST"
 * ("-" is anybody), "take peer", "drop peer", "relay", "end client", "end
 * target", "close target", "timer MS", "timer never", "close", "reset".
 */
struct play_row {
    const char *name;
    enum play_auth auth;
    struct play_step steps[PLAY_STEPS_MAX];
    struct px_bytes log;
    enum session_state state;
    enum requirement req; /* of session_error(); NONE also without one */
    bool has_failed;      /* whether there is one */
};

struct play {
    struct session *session;
    struct session_config config;
    struct access_rules rules;
    bool is_line_open;
    enum action_kind line; /* whose octets the open line holds */
    struct px_writer log;
    uint8_t log_octets[PLAY_LOG_MAX];
};

/* Starts a session of its own; play_stop() frees it. */
struct play *play_start(enum session_protocol protocol, enum play_auth auth);
void play_stop(struct play *p);

/* Tells one event; its octets come as an exact copy that is freed at once. */
void play_event(struct play *p, const struct event *event);

/* Octets of a side in pieces of at most len that the session has room for. */
void play_octets(struct play *p, enum event_kind kind, struct px_bytes data,
                 size_t len);
void play_client(struct play *p, struct px_bytes data, size_t len);

/* Fails the test unless the log is want; shows both. */
void play_expect(struct play *p, struct px_bytes want);

/* Plays a row whole, octet by octet, and cut in two at every place. */
void play_row(enum session_protocol protocol, const struct play_row *row);

#endif
