#ifndef DIALOGUE_ROWS_H
#define DIALOGUE_ROWS_H

/*
 * Dialogues as tables: what was seen, in order, and of what the oracle accuses
 * whom because of it. dialogue_test.c plays every row with every cut of its
 * octets. The dialogue is finished after the last step.
 */

#include "oracle.h"

enum { STEPS_MAX = 16, FINDS_MAX = 8 };

enum step_kind {
    STEP_NONE,
    STEP_BYTES,
    STEP_DATAGRAM,
    STEP_FIN,
    STEP_RESET,
    STEP_WAIT,
};

struct dialogue_step {
    enum step_kind kind;
    enum oracle_side side;
    const uint8_t *data;
    size_t len;
    uint64_t ms;
    const struct px_endpoint *from; /* of a datagram */
    const struct px_endpoint *to;
};

struct dialogue_find {
    enum requirement req; /* REQ_NONE after the last one */
    enum oracle_side side;
    bool is_contested;
};

struct dialogue_row {
    const char *name;
    struct oracle_config cfg;
    struct dialogue_step steps[STEPS_MAX];
    struct dialogue_find finds[FINDS_MAX];
};

struct dialogue_table {
    const struct dialogue_row *rows;
    size_t count;
};

extern const struct dialogue_table clean_dialogues;
extern const struct dialogue_table socks5_server_dialogues;
extern const struct dialogue_table socks5_client_dialogues;
extern const struct dialogue_table socks4_server_dialogues;
extern const struct dialogue_table socks4_client_dialogues;
extern const struct dialogue_table bind_dialogues;
extern const struct dialogue_table udp_server_dialogues;
extern const struct dialogue_table udp_client_dialogues;
extern const struct dialogue_table http_server_dialogues;
extern const struct dialogue_table http_client_dialogues;
extern const struct dialogue_table http_head_dialogues;
extern const struct dialogue_table challenge_dialogues;
extern const struct dialogue_table digest_client_dialogues;
extern const struct dialogue_table forward_server_dialogues;
extern const struct dialogue_table forward_client_dialogues;

#define ROW(name, cfg, steps, finds)                                           \
    {                                                                          \
        name, cfg, steps, finds                                                \
    }
#define STEPS(...)                                                             \
    {                                                                          \
        __VA_ARGS__                                                            \
    }
#define FINDS(...)                                                             \
    {                                                                          \
        __VA_ARGS__                                                            \
    }
#define NOTHING FINDS({REQ_NONE, SIDE_CLIENT, false})

#define SOCKS                                                                  \
    {                                                                          \
        .protocol = ORACLE_SOCKS                                               \
    }
/* The proxy is known to speak SOCKS4. */
#define SOCKS_4                                                                \
    {                                                                          \
        .protocol = ORACLE_SOCKS, .is_socks4_served = true                     \
    }
#define SOCKS_AUTH                                                             \
    {                                                                          \
        .protocol = ORACLE_SOCKS, .is_auth_required = true                     \
    }
#define HTTP                                                                   \
    {                                                                          \
        .protocol = ORACLE_HTTP                                                \
    }
#define HTTP_AUTH                                                              \
    {                                                                          \
        .protocol = ORACLE_HTTP, .is_auth_required = true                      \
    }
#define DETECT                                                                 \
    {                                                                          \
        .protocol = ORACLE_DETECT                                              \
    }

/* Octets of the client and of the server. */
#define C(s)                                                                   \
    {                                                                          \
        .kind = STEP_BYTES, .side = SIDE_CLIENT,                               \
        .data = (const uint8_t *)("" s), .len = sizeof(s) - 1                  \
    }
#define S(s)                                                                   \
    {                                                                          \
        .kind = STEP_BYTES, .side = SIDE_SERVER,                               \
        .data = (const uint8_t *)("" s), .len = sizeof(s) - 1                  \
    }
/* Datagrams of the client and of the relay, between given places. */
#define C_SENDS(s, here, there)                                                \
    {                                                                          \
        .kind = STEP_DATAGRAM, .side = SIDE_CLIENT,                            \
        .data = (const uint8_t *)("" s), .len = sizeof(s) - 1, .from = (here), \
        .to = (there)                                                          \
    }
#define S_SENDS(s, here, there)                                                \
    {                                                                          \
        .kind = STEP_DATAGRAM, .side = SIDE_SERVER,                            \
        .data = (const uint8_t *)("" s), .len = sizeof(s) - 1, .from = (here), \
        .to = (there)                                                          \
    }
#define C_FIN                                                                  \
    {                                                                          \
        .kind = STEP_FIN, .side = SIDE_CLIENT                                  \
    }
#define S_FIN                                                                  \
    {                                                                          \
        .kind = STEP_FIN, .side = SIDE_SERVER                                  \
    }
#define C_RESET                                                                \
    {                                                                          \
        .kind = STEP_RESET, .side = SIDE_CLIENT                                \
    }
#define S_RESET                                                                \
    {                                                                          \
        .kind = STEP_RESET, .side = SIDE_SERVER                                \
    }
#define WAIT(time)                                                             \
    {                                                                          \
        .kind = STEP_WAIT, .ms = (time)                                        \
    }

#define BY_CLIENT(id)                                                          \
    {                                                                          \
        REQ_##id, SIDE_CLIENT, false                                           \
    }
#define BY_SERVER(id)                                                          \
    {                                                                          \
        REQ_##id, SIDE_SERVER, false                                           \
    }
/* On a reading that may be contested. */
#define MAYBE_CLIENT(id)                                                       \
    {                                                                          \
        REQ_##id, SIDE_CLIENT, true                                            \
    }
#define MAYBE_SERVER(id)                                                       \
    {                                                                          \
        REQ_##id, SIDE_SERVER, true                                            \
    }

/* Messages of a dialogue without fault. */
#define HI         "\x05\x01\x00"
#define HI_LOGIN   "\x05\x01\x02"
#define HI_BOTH    "\x05\x02\x00\x02"
#define TAKES_NONE "\x05\x00"
#define TAKES_AUTH "\x05\x02"
#define TAKES_NO   "\x05\xff"
#define LOGIN      "\x01\x02me\x03let"
#define WELCOME    "\x01\x00"
#define AWAY       "\x01\x01"
#define TO_IPV4    "\x01\x7f\x00\x00\x01\x00\x50"
#define NOWHERE    "\x01\x00\x00\x00\x00\x00\x00"
#define ASK        "\x05\x01\x00" TO_IPV4
#define GRANT      "\x05\x00\x00\x01\x7f\x00\x00\x01\x12\x34"
#define BOUND_PORT 0x1234 /* of GRANT */
#define REFUSAL    "\x05\x05\x00" NOWHERE

#endif
