/*
 * Random walks over the events of a session, from fixed seeds: whatever the
 * order, the promises of session.h hold.
 */

#include <stdlib.h>
#include <string.h>

#include "play.h"

enum { WALKS = 3000, STEPS = 60 };

struct walk_row {
    const char *name;
    enum session_protocol protocol;
    enum play_auth auth;
};

static const struct walk_row rows[] = {
    {"SOCKS", SESSION_SOCKS, OPEN},
    {"SOCKS with credentials", SESSION_SOCKS, AUTH},
    {"HTTP", SESSION_HTTP, OPEN},
    {"HTTP with credentials", SESSION_HTTP, AUTH},
};

static const struct px_bytes words[] = {
    BYTES("\x05\x01\x00"),
    BYTES("\x05\x02\x00\x02"),
    BYTES("\x01\x02me\x03let"),
    BYTES("\x05\x01\x00\x01\x7f\x00\x00\x01\x00\x50"),
    BYTES("\x05\x01\x00\x03\x02hi\x01\xbb"),
    BYTES("\x05\x01\x00\x03\x02hi\x01\xbb"), /* so that many relay */
    BYTES("\x05\x03\x00\x01\x00\x00\x00\x00\x00\x00"),
    BYTES("\x05\xf0\x00\x03\x02hi\x00\x00"),
    BYTES("\x05\xf1\x00\x01\x7f\x00\x00\x01\x00\x00"),
    BYTES("\x05\x02\x00\x01\x7f\x00\x00\x01\x00\x00"),
    BYTES("\x05\x02\x00\x03\x02hi\x00\x00"),
    BYTES("\x01\x00\x00"),
    BYTES("\x01\x09<torS0X>1\x00"),
    BYTES("\x05\x01\x00\x03\x07x.onion\x01\xbb"),
    BYTES("\x04\x01\x00\x50\x7f\x00\x00\x01me\x00"),
    BYTES("\x04\x02\x00\x50\x7f\x00\x00\x01me\x00"),
    BYTES("\x04\x02\x00\x50\x00\x00\x00\x01me\x00hi\x00"),
    BYTES("\x04\x01\x00\x50\x7f\x00\x00\x01joe\x00"),
    BYTES("\x04\x02\x00\x50\x7f\x00\x00\x01joe\x00"),
    BYTES("CONNECT a:1 HTTP/1.1\r\n"),
    BYTES("Host: a:1\r\n\r\n"),
    BYTES("Proxy-Authorization: Basic bWU6bGV0\r\n"),
    BYTES("\r\n"),
    BYTES("GET / HTTP/1.1\r\n"),
    BYTES("\x00\xff"),
    BYTES(": "),
};

/* What a walk has seen so far: a model of what a server would hold. */
struct walk {
    struct session *session;
    struct session_config config;
    uint32_t random;
    uint64_t now_ms;
    uint64_t deadline_ms;
    bool is_dialled;     /* ACTION_DIAL, or another request, came */
    bool is_associating; /* it was ACTION_ASSOCIATE */
    bool is_resolving;   /* it was ACTION_RESOLVE */
    bool is_identifying; /* ACTION_IDENTIFY came, another is to follow */
    bool is_binding;     /* it was ACTION_LISTEN, or became so */
    bool has_peer;       /* somebody connected and is not dealt with */
    bool has_stranger;   /* who was not expected */
    bool has_taken_peer; /* the right one came */
    struct px_address expected;
    bool is_dialling;      /* and is not answered */
    bool is_relaying;      /* ACTION_RELAY came */
    bool has_ended_client; /* we sent FIN to it */
    bool has_ended_target;
    bool is_client_ended; /* it sent FIN */
    bool is_target_ended;
    bool is_over; /* ACTION_CLOSE or ACTION_RESET came */
    size_t client_in;
    size_t client_out;
    size_t target_in;
    size_t target_out;
    size_t client_out_before_relay;
};

/* Marsaglia's xorshift; the seed is not 0. */
static uint32_t random_below(struct walk *w, uint32_t limit)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 17;
    w->random ^= w->random << 5;
    return w->random % limit;
}

static bool verify(const void *ctx, struct px_bytes user,
                   struct px_bytes password)
{
    (void)ctx;
    return px_equal(user, PX_LITERAL("me")) &&
           px_equal(password, PX_LITERAL("let"));
}

/* What is asked for beside sending: a target, and a peer of BIND. */
static void check_errand(struct walk *w, const struct action *action)
{
    switch ((int)action->kind) {
    case ACTION_DIAL:
        assert_false(w->is_dialled); /* one target a client */
        assert_true(action->target.port != 0);
        w->is_dialled = w->is_dialling = true;
        break;
    case ACTION_ASSOCIATE:
    case ACTION_RESOLVE:
        assert_false(w->is_dialled);
        w->is_associating = action->kind == ACTION_ASSOCIATE;
        w->is_resolving = action->kind == ACTION_RESOLVE;
        w->is_dialled = w->is_dialling = true;
        break;
    case ACTION_IDENTIFY:
        assert_false(w->is_dialled || w->is_identifying);
        w->is_identifying = w->is_dialling = true;
        break;
    case ACTION_LISTEN:
        assert_true(!w->is_dialled || w->is_resolving);
        w->is_resolving = false;
        w->expected = action->target.addr;
        w->is_dialled = w->is_dialling = w->is_binding = true;
        break;
    case ACTION_TAKE_PEER:
        assert_true(w->has_peer && !w->has_stranger);
        w->has_peer = false;
        w->has_taken_peer = true;
        break;
    case ACTION_FETCH:
        fail_msg("no gateway is there");
        break;
    case ACTION_DROP_PEER:
        assert_true(w->has_peer && w->has_stranger);
        w->has_peer = w->has_stranger = false;
        break;
    default:
        fail_msg("action %d is no errand", (int)action->kind);
    }
}

static void check_action(struct walk *w, const struct action *action)
{
    assert_false(w->is_over); /* the last action is the last */
    switch (action->kind) {
    case ACTION_SEND_CLIENT:
        assert_false(w->has_ended_client);
        assert_int_equal(action->send.message == MESSAGE_RELAYED,
                         w->is_relaying);
        w->client_out += action->send.data.len;
        break;
    case ACTION_SEND_UPSTREAM:
        assert_true(w->is_dialled && !w->is_dialling);
        assert_false(w->has_ended_target);
        w->target_out += action->send.data.len;
        break;
    case ACTION_DIAL:
    case ACTION_ASSOCIATE:
    case ACTION_RESOLVE:
    case ACTION_IDENTIFY:
    case ACTION_LISTEN:
    case ACTION_FETCH:
    case ACTION_TAKE_PEER:
    case ACTION_DROP_PEER:
        check_errand(w, action);
        break;
    case ACTION_RELAY:
        assert_true(!w->is_associating && !w->is_resolving && !w->has_peer);
        assert_int_equal(w->is_binding, w->has_taken_peer);
        assert_true(w->is_dialled && !w->is_dialling && !w->is_relaying);
        w->is_relaying = true;
        w->client_out_before_relay = w->client_out;
        break;
    case ACTION_END_CLIENT:
        assert_false(w->has_ended_client);
        w->has_ended_client = true;
        break;
    case ACTION_END_UPSTREAM:
        assert_true(w->is_dialled && w->is_client_ended);
        assert_false(w->has_ended_target);
        w->has_ended_target = true;
        break;
    case ACTION_CLOSE_UPSTREAM:
        assert_true(w->is_dialling || w->is_binding);
        w->is_dialling = w->is_binding = w->has_peer = false;
        break;
    case ACTION_ARM_TIMER:
        assert_true(action->deadline_ms > w->now_ms);
        w->deadline_ms = action->deadline_ms;
        break;
    case ACTION_RESET:
        assert_true(w->is_relaying);
        w->is_over = true;
        break;
    case ACTION_CLOSE:
        assert_true(!w->is_dialling && w->is_binding == w->has_taken_peer);
        w->is_over = true;
        break;
    }
}

static void check_state(const struct walk *w)
{
    enum session_state state = session_state(w->session);
    size_t client_room = session_client_room(w->session);

    assert_int_equal(state == SESSION_CLOSED, w->is_over);
    assert_int_equal(state == SESSION_DIALLING, w->is_dialling && !w->is_over);
    assert_int_equal(session_upstream_room(w->session),
                     state == SESSION_RELAYING ? SIZE_MAX : 0);
    if (w->is_over)
        assert_int_equal(client_room, 0);
    if (state == SESSION_RELAYING || state == SESSION_ASSOCIATED)
        assert_int_equal(w->deadline_ms, SESSION_NEVER);
    else if (!w->is_over)
        assert_true(w->deadline_ms != SESSION_NEVER); /* it cannot hang */
    if (w->is_relaying) {
        assert_true(w->target_out <= w->client_in);
        assert_int_equal(w->client_out - w->client_out_before_relay,
                         w->target_in);
    }
}

static void happen(struct walk *w, const struct event *event)
{
    bool was_over = w->is_over;
    struct action action;

    session_handle(w->session, event, w->now_ms);
    while (session_next(w->session, &action)) {
        assert_false(was_over);
        check_action(w, &action);
    }
    check_state(w);
}

static void client_speaks(struct walk *w)
{
    struct px_bytes word = words[random_below(w, LENGTH(words))];
    size_t room = session_client_room(w->session);
    struct event event = {.kind = EVENT_CLIENT_DATA};
    uint8_t *copy = copy_exact(word, word.len);
    size_t before = w->target_out;
    bool was_relaying = w->is_relaying;

    if (random_below(w, 8) == 0)
        copy[random_below(w, (uint32_t)word.len)] = (uint8_t)w->random;
    event.data = px_bytes_of(copy, word.len);
    if (random_below(w, 4) == 0)
        event.data.len = random_below(w, (uint32_t)word.len);
    if (event.data.len > room)
        event.data.len = room;
    if (!w->is_client_ended)
        w->client_in += event.data.len;
    happen(w, &event);
    if (was_relaying && !w->is_client_ended && !w->is_over)
        assert_int_equal(w->target_out - before, event.data.len);
    free(copy);
}

static void dial_ends(struct walk *w)
{
    struct event event = {.kind = w->is_associating ? EVENT_ASSOCIATED
                                  : w->is_resolving ? EVENT_RESOLVED
                                                    : EVENT_DIALLED};

    if (!w->is_dialling)
        return;
    if (w->is_binding)
        event = (struct event){.kind = EVENT_LISTENING,
                               .bound.addr.kind = PX_ADDRESS_IPV4};
    if (w->is_resolving)
        event.address.kind = PX_ADDRESS_IPV4;
    if (w->is_identifying && !w->is_dialled)
        event = (struct event){.kind = EVENT_IDENTIFIED,
                               .data = random_below(w, 4) ? PX_LITERAL("joe")
                                                          : PX_LITERAL("you")};
    w->is_dialling = false;
    if (random_below(w, 4) == 0) {
        event.kind = EVENT_DIAL_FAILED;
        event.failure =
            (enum dial_failure)random_below(w, DIAL_NAME_TEMPORARY + 1);
        w->is_binding = false;
    }
    happen(w, &event);
}

/* Somebody connects to a BIND's listener, if one is there. */
static void peer_comes(struct walk *w)
{
    struct event event = {.kind = EVENT_ACCEPTED, .peer.addr = w->expected};
    uint32_t other = random_below(w, 2);

    if (session_state(w->session) != SESSION_LISTENING)
        return;
    w->has_peer = true;
    event.peer.addr.kind = PX_ADDRESS_IPV4;
    event.peer.addr.ip[3] ^= (uint8_t)other;
    w->has_stranger = other && w->expected.kind != PX_ADDRESS_NONE;
    happen(w, &event);
    assert_false(w->has_peer);
}

static void target_speaks(struct walk *w)
{
    struct event event = {.kind = EVENT_UPSTREAM_DATA,
                          .data = PX_LITERAL("from the target")};

    if (!w->is_relaying)
        return;
    if (!w->is_target_ended && !w->is_over)
        w->target_in += event.data.len;
    happen(w, &event);
}

static void time_passes(struct walk *w)
{
    struct event event = {.kind = EVENT_TIMER};

    if (w->deadline_ms == SESSION_NEVER)
        return;
    w->now_ms = w->deadline_ms;
    if (session_state(w->session) == SESSION_DIALLING ||
        session_state(w->session) == SESSION_LISTENING ||
        random_below(w, 4) == 0)
        happen(w, &event);
}

static void side_ends(struct walk *w)
{
    struct event event = {.kind = EVENT_CLIENT_END};

    switch (random_below(w, 8)) {
    case 0:
        event.kind = EVENT_CLIENT_RESET;
        break;
    case 1:
        event.kind = EVENT_UPSTREAM_RESET;
        break;
    case 2:
    case 3:
    case 4:
        event.kind = EVENT_UPSTREAM_END;
        break;
    default: /* a number, not an enum */
        w->is_client_ended = true;
        break;
    }
    happen(w, &event);
    if (event.kind == EVENT_UPSTREAM_END && w->is_relaying)
        w->is_target_ended = true;
}

static void take_step(struct walk *w)
{
    uint32_t choice = random_below(w, 100);

    if (choice < 70)
        client_speaks(w);
    else if (choice < 82)
        dial_ends(w);
    else if (choice < 88)
        target_speaks(w);
    else if (choice < 92)
        peer_comes(w);
    else if (choice < 96)
        side_ends(w);
    else
        time_passes(w);
}

/* Opens as a client would, so that walks get beyond the handshake. */
static void open_well(struct walk *w, const struct walk_row *row)
{
    static const struct px_bytes opening[2][2] = {
        [SESSION_SOCKS] = {BYTES("\x05\x01\x00"),
                           BYTES("\x05\x01\x02\x01\x02me\x03let")},
        [SESSION_HTTP] = {BYTES("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n"),
                          BYTES("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n"
                                "Proxy-Authorization: Basic bWU6bGV0\r\n\r\n")},
    };
    struct event event = {.kind = EVENT_CLIENT_DATA,
                          .data = opening[row->protocol][row->auth]};

    w->client_in += event.data.len;
    happen(w, &event);
}

/* Of the walks of SOCKS without credentials some are on a port as Tor's. */
static struct walk walk_from(const struct walk_row *row, uint32_t seed)
{
    bool is_tor_port = row->protocol == SESSION_SOCKS && row->auth == OPEN &&
                       (seed >> 24) % 8 == 0;
    struct walk w = {
        .config = {.protocol = row->protocol,
                   .verify = row->auth == AUTH ? verify : NULL,
                   .realm = "proxyspec",
                   .is_tor = true,
                   .is_tor_port = is_tor_port,
                   .has_no_bind = is_tor_port,
                   .identd_user = "joe",
                   .handshake_timeout_ms = PLAY_HANDSHAKE_MS,
                   .dial_timeout_ms = PLAY_DIAL_MS,
                   .bind_timeout_ms = PLAY_BIND_MS},
        .random = seed,
    };

    w.session = malloc(session_size(row->protocol));
    assert_non_null(w.session);
    return w;
}

static void check_walks(void **state)
{
    const struct walk_row *row = *state;
    unsigned relayed = 0, associated = 0, bound = 0, over = 0;

    for (uint32_t seed = 1; seed <= WALKS; seed++) {
        struct walk w = walk_from(row, seed * 2654435761u);
        struct action action;

        session_init(w.session, &w.config, 0);
        while (session_next(w.session, &action))
            check_action(&w, &action);
        if (seed % 4)
            open_well(&w, row);
        for (int i = 0; i < STEPS; i++)
            take_step(&w);
        relayed += w.is_relaying;
        associated += w.is_associating;
        bound += w.has_taken_peer;
        over += w.is_over;
        free(w.session);
    }
    assert_true(relayed > WALKS / 20); /* the walks went somewhere */
    assert_true((bound > WALKS / 200) == (row->protocol == SESSION_SOCKS));
    assert_true((associated > WALKS / 40) == (row->protocol == SESSION_SOCKS));
    assert_true(over > WALKS / 4);
}

int main(void)
{
    return RUN_ROWS(rows, check_walks);
}
