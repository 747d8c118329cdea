/* A UDP association, by scripts of events: RFC 1928 section 7. */

#include "association.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rows.h"

enum { STEPS_MAX = 8, LOG_MAX = 4096 };

struct step {
    bool is_used;
    uint64_t at_ms;
    struct association_event event;
};

#define LOCAL(n, port)                                                         \
    {                                                                          \
        {.kind = PX_ADDRESS_IPV4, .ip = {127, 0, 0, (n)}}, (port)              \
    }
#define REMOTE(n, port)                                                        \
    {                                                                          \
        {.kind = PX_ADDRESS_IPV4, .ip = {192, 0, 2, (n)}}, (port)              \
    }
#define DATAGRAM(what, at, s, ...)                                             \
    {                                                                          \
        true, (at),                                                            \
        {                                                                      \
            .kind = (what), .datagram = {                                      \
                .from = __VA_ARGS__,                                           \
                .data = BYTES(s)                                               \
            }                                                                  \
        }                                                                      \
    }

/* From 127.0.0.n to the address for the client, 192.0.2.n to the others. */
#define CLIENT_AT(at, n, port, s)                                              \
    DATAGRAM(ASSOCIATION_FROM_CLIENT, at, s, LOCAL(n, port))
#define CLIENT(s) CLIENT_AT(0, 1, 4000, s)
#define TARGET(n, port, s)                                                     \
    DATAGRAM(ASSOCIATION_FROM_TARGET, 0, s, REMOTE(n, port))
#define PIECE(at, frag, s) CLIENT_AT(at, 1, 4000, "\0\0" frag TO_1 s)
#define TIMER(at)                                                              \
    {                                                                          \
        true, (at),                                                            \
        {                                                                      \
            .kind = ASSOCIATION_TIMER                                          \
        }                                                                      \
    }
#define RESOLVED(number, n)                                                    \
    {                                                                          \
        true, 0,                                                               \
        {                                                                      \
            .kind = ASSOCIATION_RESOLVED, .resolved = {                        \
                .slot = (number),                                              \
                .address = {.kind = PX_ADDRESS_IPV4, .ip = {192, 0, 2, (n)}}   \
            }                                                                  \
        }                                                                      \
    }
#define UNRESOLVED(number)                                                     \
    {                                                                          \
        true, 0,                                                               \
        {                                                                      \
            .kind = ASSOCIATION_RESOLVED, .resolved = {.slot = (number) }      \
        }                                                                      \
    }

/* Headers from ATYP on: 192.0.2.1:53, 192.0.2.2:9, the names a and bb. */
#define TO_1 "\x01\xc0\x00\x02\x01\x00\x35"
#define TO_2 "\x01\xc0\x00\x02\x02\x00\x09"
#define TO_A                                                                   \
    "\x03\x01"                                                                 \
    "a\x00\x35"
#define TO_A2                                                                  \
    "\x03\x01"                                                                 \
    "a\x00\x36"
#define TO_BB                                                                  \
    "\x03\x02"                                                                 \
    "bb\x00\x35"
#define WHOLE "\0\0\0"

/*
 * The log has a line an action: "target HOST:PORT OCTETS", "client HOST:PORT
 * OCTETS", "resolve SLOT NAME", "timer MS", "timer never"; and one for each
 * datagram that is dropped: "drop" and the requirement, if there is one.
 */
struct association_row {
    const char *name;
    struct association_config config; /* the peer is 127.0.0.1 unless told */
    struct step steps[STEPS_MAX];
    struct px_bytes log;
};

#define NO_FRAGMENTS                                                           \
    {                                                                          \
        .has_no_fragments = true                                               \
    }
#define ANNOUNCED(...)                                                         \
    {                                                                          \
        .announced = __VA_ARGS__                                               \
    }

/* Rules as a session has them; a name that is no star's waits for its address.
 */
static const struct access_rules rules = {
    .at = {{.host = {.kind = PX_ADDRESS_IPV4, .ip = {192, 0, 2, 2}}},
           {.method = BYTES("UDP"),
            .host = {.kind = PX_ADDRESS_NAME, .name = BYTES("b*")}},
           {.method = BYTES("CONNECT"),
            .host = {.kind = PX_ADDRESS_NAME, .name = BYTES("*")}},
           {.host = {.kind = PX_ADDRESS_NAME, .name = BYTES("*")}, .port = 54}},
    .count = 4,
};

#define UNDER_RULES                                                            \
    {                                                                          \
        .access = &rules                                                       \
    }

static const struct association_row rows[] = {
    {"rules keep datagrams from an address, a name and a port",
     UNDER_RULES,
     {CLIENT(WHOLE TO_2 "no"), CLIENT(WHOLE TO_BB "no"),
      CLIENT(WHOLE TO_A2 "no"), CLIENT(WHOLE TO_1 "yes")},
     BYTES("drop\ndrop\ndrop\ntarget 192.0.2.1:53 yes\n")},
    {"and from a name that turns out to have that address",
     UNDER_RULES,
     {CLIENT(WHOLE TO_A "no"), RESOLVED(0, 2), CLIENT(WHOLE TO_A "yes"),
      RESOLVED(0, 1)},
     BYTES("resolve 0 a\nresolve 0 a\ntarget 192.0.2.1:53 yes\n")},
    {"a datagram is relayed without its header",
     {.has_no_fragments = false},
     {CLIENT(WHOLE TO_1 "ask")},
     BYTES("target 192.0.2.1:53 ask\n")},
    {"to IPv6",
     {.has_no_fragments = false},
     {CLIENT(WHOLE "\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\0\x35"
                   "ask")},
     BYTES("target [2001:db8::1]:53 ask\n")},
    {"to several targets",
     {.has_no_fragments = false},
     {CLIENT(WHOLE TO_1 "one"), CLIENT(WHOLE TO_2 "two"),
      CLIENT(WHOLE TO_1 "three")},
     BYTES("target 192.0.2.1:53 one\ntarget 192.0.2.2:9 two\n"
           "target 192.0.2.1:53 three\n")},
    {"without payload",
     {.has_no_fragments = false},
     {CLIENT(WHOLE TO_1), TARGET(1, 53, "")},
     BYTES("target 192.0.2.1:53 \n"
           "client 127.0.0.1:4000 " WHOLE TO_1 "\n")},
    {"RSV is not looked at",
     {.has_no_fragments = false},
     {CLIENT("\x01\x02\0" TO_1 "ask")},
     BYTES("target 192.0.2.1:53 ask\n")},
    {"answers name their sender, asked or not",
     {.has_no_fragments = false},
     {CLIENT(WHOLE TO_1 "ask"), TARGET(1, 53, "answer"), TARGET(2, 9, "hello")},
     BYTES("target 192.0.2.1:53 ask\n"
           "client 127.0.0.1:4000 " WHOLE TO_1 "answer\n"
           "client 127.0.0.1:4000 " WHOLE TO_2 "hello\n")},
    {"a client that is not known yet gets nothing",
     {.has_no_fragments = false},
     {TARGET(1, 53, "hello"), CLIENT("\0"), TARGET(1, 53, "hello")},
     BYTES("drop\ndrop socks5.udp.short\ndrop\n")},

    {"another address is dropped",
     {.has_no_fragments = false},
     {CLIENT_AT(0, 2, 4000, WHOLE TO_1 "x"), CLIENT(WHOLE TO_1 "ask"),
      CLIENT_AT(0, 2, 4000, WHOLE TO_1 "x"), TARGET(1, 53, "answer")},
     BYTES("drop socks5.udp.source-drop\ntarget 192.0.2.1:53 ask\n"
           "drop socks5.udp.source-drop\n"
           "client 127.0.0.1:4000 " WHOLE TO_1 "answer\n")},
    {"another port of the address does not take over",
     {.has_no_fragments = false},
     {CLIENT(WHOLE TO_1 "ask"), CLIENT_AT(0, 1, 4001, WHOLE TO_1 "x"),
      TARGET(1, 53, "answer")},
     BYTES("target 192.0.2.1:53 ask\ndrop socks5.udp.source-port\n"
           "client 127.0.0.1:4000 " WHOLE TO_1 "answer\n")},
    {"the port is learnt from what can be read",
     {.has_no_fragments = false},
     {CLIENT_AT(0, 1, 4001, "\0\0\0\x05"), CLIENT(WHOLE TO_1 "ask")},
     BYTES("drop socks5.udp.atyp-bad\ntarget 192.0.2.1:53 ask\n")},
    {"an announced port is held to",
     ANNOUNCED({{.kind = PX_ADDRESS_IPV4}, 4000}),
     {CLIENT_AT(0, 1, 4001, WHOLE TO_1 "x"), TARGET(1, 53, "hello")},
     BYTES("drop socks5.udp.source-port\n"
           "client 127.0.0.1:4000 " WHOLE TO_1 "hello\n")},
    {"an announced address is held to",
     ANNOUNCED(LOCAL(3, 0)),
     {CLIENT(WHOLE TO_1 "x"), CLIENT_AT(0, 3, 4001, WHOLE TO_1 "ask"),
      TARGET(1, 53, "answer")},
     BYTES("drop socks5.udp.source-drop\ntarget 192.0.2.1:53 ask\n"
           "client 127.0.0.3:4001 " WHOLE TO_1 "answer\n")},
    {"an announced name says nothing",
     ANNOUNCED({{.kind = PX_ADDRESS_NAME, .name = BYTES("me")}, 0}),
     {CLIENT(WHOLE TO_1 "ask")},
     BYTES("target 192.0.2.1:53 ask\n")},
    {"nor does one of the other family",
     ANNOUNCED({{.kind = PX_ADDRESS_IPV6, .ip = {[15] = 1}}, 0}),
     {CLIENT(WHOLE TO_1 "ask")},
     BYTES("target 192.0.2.1:53 ask\n")},

    {"what cannot be read is dropped, and the rest goes on",
     {.has_no_fragments = false},
     {CLIENT(""), CLIENT(WHOLE), CLIENT(WHOLE "\x01\xc0\x00\x02\x01\x00"),
      CLIENT(WHOLE "\x03\x09"
                   "a\x00\x35"),
      CLIENT(WHOLE "\0" TO_1), CLIENT(WHOLE TO_1 "ask")},
     BYTES("drop socks5.udp.short\ndrop socks5.udp.short\n"
           "drop socks5.udp.short\ndrop socks5.udp.short\n"
           "drop socks5.udp.atyp-bad\ntarget 192.0.2.1:53 ask\n")},
    {"what cannot be sent is dropped",
     {.has_no_fragments = false},
     {CLIENT(WHOLE "\x01\xc0\x00\x02\x01\x00\x00x"),
      CLIENT(WHOLE "\x03\x00\x00\x35x"), CLIENT(WHOLE "\x03\x01\x00\x00\x35x")},
     BYTES("drop socks5.port.zero\ndrop socks5.address.domain-zero\n"
           "drop socks5.address.domain-nul\n")},

    {"a name is resolved first",
     {.has_no_fragments = false},
     {CLIENT(WHOLE TO_A "ask"), RESOLVED(0, 1)},
     BYTES("resolve 0 a\ntarget 192.0.2.1:53 ask\n")},
    {"once for all that wait for it, in order",
     {.has_no_fragments = false},
     {CLIENT(WHOLE TO_A "one"), CLIENT(WHOLE TO_A2 ""),
      CLIENT(WHOLE TO_BB "other"), CLIENT(WHOLE TO_A "three"), RESOLVED(0, 1),
      RESOLVED(1, 2)},
     BYTES("resolve 0 a\nresolve 1 bb\ntarget 192.0.2.1:53 one\n"
           "target 192.0.2.1:54 \ntarget 192.0.2.1:53 three\n"
           "target 192.0.2.2:53 other\n")},
    {"and again when it is named again",
     {.has_no_fragments = false},
     {CLIENT(WHOLE TO_A "one"), RESOLVED(0, 1), CLIENT(WHOLE TO_A "two"),
      RESOLVED(0, 2)},
     BYTES("resolve 0 a\ntarget 192.0.2.1:53 one\nresolve 0 a\n"
           "target 192.0.2.2:53 two\n")},
    {"what waits for no address is dropped",
     {.has_no_fragments = false},
     {CLIENT(WHOLE TO_A "one"), CLIENT(WHOLE TO_BB "two"), UNRESOLVED(0),
      RESOLVED(1, 2)},
     BYTES("resolve 0 a\nresolve 1 bb\ntarget 192.0.2.2:53 two\n")},
    {"an address that nobody waits for has no effect",
     {.has_no_fragments = false},
     {RESOLVED(3, 1), CLIENT(WHOLE TO_A "ask"), RESOLVED(1, 1)},
     BYTES("resolve 0 a\n")},

    {"fragments are joined",
     {.has_no_fragments = false},
     {PIECE(0, "\x01", "one "), PIECE(9, "\x02", ""),
      PIECE(9, "\x83", "three")},
     BYTES("timer 5000\ntarget 192.0.2.1:53 one three\ntimer never\n")},
    {"a first piece may be the last",
     {.has_no_fragments = false},
     {PIECE(0, "\x81", "one")},
     BYTES("target 192.0.2.1:53 one\n")},
    {"fragments to a name",
     {.has_no_fragments = false},
     {CLIENT("\0\0\x01" TO_A "one "), CLIENT("\0\0\x82" TO_A "two"),
      RESOLVED(0, 1)},
     BYTES("timer 5000\nresolve 0 a\ntimer never\n"
           "target 192.0.2.1:53 one two\n")},
    {"fragments are all dropped where they are not supported",
     NO_FRAGMENTS,
     {PIECE(0, "\x01", "one"), PIECE(0, "\x82", "two"), PIECE(0, "\x81", "x"),
      PIECE(0, "\x7f", "x"), PIECE(0, "\x80", "x"), CLIENT(WHOLE TO_1 "ask")},
     BYTES("drop socks5.udp.frag-drop\ndrop socks5.udp.frag-drop\n"
           "drop socks5.udp.frag-drop\ndrop socks5.udp.frag-drop\n"
           "drop socks5.udp.frag-drop\ntarget 192.0.2.1:53 ask\n")},
    {"a lower position abandons what is queued",
     {.has_no_fragments = false},
     {PIECE(0, "\x01", "one"), PIECE(0, "\x02", "two"), PIECE(7, "\x01", "ONE"),
      PIECE(8, "\x82", "TWO")},
     BYTES("timer 5000\ntimer 5007\ntarget 192.0.2.1:53 ONETWO\n"
           "timer never\n")},
    {"one that begins nothing leaves nothing",
     {.has_no_fragments = false},
     {PIECE(0, "\x01", "one"), PIECE(0, "\x02", "two"), PIECE(0, "\x03", "x"),
      PIECE(0, "\x02", "x"), PIECE(0, "\x84", "x")},
     BYTES("timer 5000\ndrop socks5.udp.frag-restart\ntimer never\n"
           "drop socks5.udp.frag-sequence\n")},
    {"the same position again is dropped",
     {.has_no_fragments = false},
     {PIECE(0, "\x01", "one"), PIECE(0, "\x02", "two"), PIECE(0, "\x02", "x"),
      PIECE(0, "\x82", "x"), PIECE(0, "\x83", "three")},
     BYTES("timer 5000\ndrop socks5.udp.frag-sequence\n"
           "drop socks5.udp.frag-sequence\n"
           "target 192.0.2.1:53 onetwothree\ntimer never\n")},
    {"a gap cannot be filled",
     {.has_no_fragments = false},
     {PIECE(0, "\x01", "one"), PIECE(0, "\x03", "three"),
      PIECE(0, "\x02", "two"), PIECE(0, "\x84", "four")},
     BYTES("timer 5000\ndrop socks5.udp.frag-sequence\ntimer never\n"
           "drop socks5.udp.frag-sequence\ndrop socks5.udp.frag-sequence\n")},
    {"a sequence begins at 1",
     {.has_no_fragments = false},
     {PIECE(0, "\x02", "x"), PIECE(0, "\x83", "x"), PIECE(0, "\xff", "x"),
      PIECE(0, "\x80", "x")},
     BYTES("drop socks5.udp.frag-sequence\ndrop socks5.udp.frag-sequence\n"
           "drop socks5.udp.frag-sequence\ndrop socks5.udp.frag-sequence\n")},
    {"a datagram that stands alone abandons what is queued",
     {.has_no_fragments = false},
     {PIECE(0, "\x01", "one"), CLIENT(WHOLE TO_2 "alone"),
      PIECE(0, "\x82", "two")},
     BYTES("timer 5000\ntarget 192.0.2.2:9 alone\ntimer never\n"
           "drop socks5.udp.frag-sequence\n")},
    {"a piece for somewhere else belongs to no sequence",
     {.has_no_fragments = false},
     {PIECE(0, "\x01", "one"), CLIENT("\0\0\x82" TO_2 "two"),
      PIECE(0, "\x82", "two")},
     BYTES("timer 5000\ndrop socks5.udp.frag-sequence\ntimer never\n"
           "drop socks5.udp.frag-sequence\n")},
    {"what a stranger sends does not touch a sequence",
     {.has_no_fragments = false},
     {PIECE(0, "\x01", "one"), CLIENT_AT(0, 2, 4000, "\0\0\x01" TO_1 "x"),
      CLIENT_AT(0, 1, 4001, WHOLE TO_1 "x"), TARGET(1, 53, "hello"),
      PIECE(0, "\x82", "two")},
     BYTES("timer 5000\ndrop socks5.udp.source-drop\n"
           "drop socks5.udp.source-port\n"
           "client 127.0.0.1:4000 " WHOLE TO_1 "hello\n"
           "target 192.0.2.1:53 onetwo\ntimer never\n")},
    {"just before the timer",
     {.has_no_fragments = false},
     {PIECE(100, "\x01", "one"), PIECE(5099, "\x82", "two")},
     BYTES("timer 5100\ntarget 192.0.2.1:53 onetwo\ntimer never\n")},
    {"the timer abandons what is queued",
     {.has_no_fragments = false},
     {PIECE(100, "\x01", "one"), TIMER(5100), PIECE(5100, "\x82", "two")},
     BYTES("timer 5100\ndrop socks5.udp.frag-sequence\n")},
    {"also when its event comes late",
     {.has_no_fragments = false},
     {PIECE(100, "\x01", "one"), PIECE(5100, "\x82", "two")},
     BYTES("timer 5100\ndrop socks5.udp.frag-sequence\ntimer never\n")},
    {"a timer that comes early is armed again",
     {.has_no_fragments = false},
     {PIECE(100, "\x01", "one"), TIMER(5099), PIECE(5099, "\x82", "two")},
     BYTES("timer 5100\ntimer 5100\ntarget 192.0.2.1:53 onetwo\n"
           "timer never\n")},
};

static struct association *start(const struct association_config *config)
{
    struct association_config cfg = *config;
    void *mem = malloc(association_size());

    assert_non_null(mem);
    memset(mem, 0xa5, association_size());
    if (cfg.peer.kind == PX_ADDRESS_NONE)
        cfg.peer =
            (struct px_address){.kind = PX_ADDRESS_IPV4, .ip = {127, 0, 0, 1}};
    return association_init(mem, &cfg);
}

static void log_send(struct px_writer *log, const char *side,
                     const struct association_action *action)
{
    char text[PX_ENDPOINT_TEXT_MAX];

    px_format_endpoint(&action->send.to, text);
    px_put_text(log, side);
    px_put_text(log, text);
    px_put_u8(log, ' ');
    px_put_bytes(log, action->send.data);
}

static void log_action(struct px_writer *log,
                       const struct association_action *action)
{
    switch (action->kind) {
    case ASSOCIATION_SEND_CLIENT:
        log_send(log, "client ", action);
        break;
    case ASSOCIATION_SEND_TARGET:
        log_send(log, "target ", action);
        break;
    case ASSOCIATION_RESOLVE:
        px_put_text(log, "resolve ");
        px_put_decimal(log, action->resolve.slot);
        px_put_u8(log, ' ');
        px_put_bytes(log, action->resolve.name);
        break;
    case ASSOCIATION_ARM_TIMER:
        px_put_text(log, "timer ");
        if (action->deadline_ms == ASSOCIATION_NEVER)
            px_put_text(log, "never");
        else
            px_put_decimal(log, action->deadline_ms);
        break;
    }
    px_put_u8(log, '\n');
}

/* Octets travel in memory of exactly their length. */
static void happen(struct association *a, const struct step *step,
                   struct px_writer *log)
{
    struct association_event event = step->event;
    bool is_datagram = event.kind == ASSOCIATION_FROM_CLIENT ||
                       event.kind == ASSOCIATION_FROM_TARGET;
    uint8_t *copy = NULL;
    struct association_action action;
    const struct px_error *err;

    if (is_datagram) {
        copy = copy_exact(event.datagram.data, event.datagram.data.len);
        event.datagram.data.data = copy;
    }
    association_handle(a, &event, step->at_ms);
    err = association_error(a);
    if (err) {
        assert_true(strlen(err->detail) > 0);
        px_put_text(log, err->req ? "drop " : "drop");
        px_put_text(log, err->req ? requirement_row(err->req)->id : "");
        px_put_u8(log, '\n');
    }
    while (association_next(a, &action))
        log_action(log, &action);
    free(copy);
}

static void show(const char *what, struct px_bytes log)
{
    (void)fprintf(stderr, "# %s:\n# ", what);
    for (size_t i = 0; i < log.len; i++) {
        if (log.data[i] == '\n')
            (void)fputs("\n# ", stderr);
        else
            (void)fputc(log.data[i] < ' ' ? '.' : log.data[i], stderr);
    }
    (void)fputc('\n', stderr);
}

static void check_row(void **state)
{
    const struct association_row *row = *state;
    struct association *a = start(&row->config);
    uint8_t octets[LOG_MAX];
    struct px_writer log = px_writer_over(octets, sizeof(octets));

    for (size_t i = 0; i < STEPS_MAX && row->steps[i].is_used; i++)
        happen(a, &row->steps[i], &log);
    if (!px_equal(px_written(&log), row->log)) {
        show("expected", row->log);
        show("got", px_written(&log));
        fail_msg("the actions differ");
    }
    free(a);
}

int main(void)
{
    return RUN_ROWS(rows, check_row);
}
