/*
 * A forwarding session under the oracle, between a client and origins that say
 * anything. The oracle, which sees the client's side, never accuses it; what
 * it sends to origins is held against what its client sent; left alone it
 * comes to its end. The input is read by forward_script.h.
 */
#include <stdlib.h>
#include <string.h>

#include "forward_script.h"
#include "forward_witness.h"
#include "fuzz.h"
#include "mutator.h"
#include "session.h"
#include "session_judge.h"

enum {
    STEPS_MAX = 128,
    START_MS = 20 * 1000 * 1000, /* nonces may be older than they live */
    HANDSHAKE_MS = 20000,
    DIAL_MS = 15000,
    RESPONSE_MS = 30000,
};

enum cut { CUT_AS_GIVEN, CUT_FINE, CUTS };

static struct witness_stream client, origin; /* what both were sent */
static struct witness_stream queued;         /* the origin's octets */

struct play {
    struct session_config cfg;
    struct session *session;
    struct judge judge;
    struct witness witness;
    struct forward_auth auth;
    enum cut cut;
    uint64_t now_ms, deadline_ms;
    size_t given; /* of the client's octets, to the session */
    size_t seen;  /* by the oracle */
    size_t taken; /* of the origin's octets, by the session */
    bool is_client_ended, is_end_given;
    bool is_dialling, is_open;
    bool is_tunnel; /* octets pass unread: nobody checks them */
};

static bool is_closed(const struct play *p)
{
    return session_state(p->session) == SESSION_CLOSED;
}

/* The connection to an origin is over: was it sent what is right? */
static void end_origin(struct play *p)
{
    if (!p->is_tunnel)
        witness_check(&p->witness, &client, &origin);
    origin.len = 0;
    origin.is_full = false;
    queued.len = 0;
    p->taken = 0;
    p->is_open = p->is_dialling = false;
}

static void carry_out(struct play *p, const struct action *action)
{
    switch (action->kind) {
    case ACTION_SEND_CLIENT:
        judge_see(&p->judge, SIDE_SERVER, action->send.data, p->now_ms);
        break;
    case ACTION_SEND_UPSTREAM:
        /* Through a tunnel, also behind the origin's own end. */
        FUZZ_REQUIRE(p->is_open || p->is_tunnel,
                     "octets for an origin that is there");
        p->is_tunnel |= action->send.message == MESSAGE_RELAYED;
        witness_keep(&origin, action->send.data);
        break;
    case ACTION_DIAL:
        FUZZ_REQUIRE(!p->is_dialling, "one attempt at a time");
        end_origin(p);
        p->is_dialling = true;
        break;
    case ACTION_CLOSE_UPSTREAM:
        end_origin(p);
        break;
    case ACTION_END_CLIENT:
        judge_see_end(&p->judge, SIDE_SERVER, END_FIN, p->now_ms);
        break;
    case ACTION_CLOSE:
    case ACTION_RESET:
        judge_see_end(&p->judge, SIDE_SERVER,
                      action->kind == ACTION_CLOSE ? END_FIN : END_RESET,
                      p->now_ms);
        end_origin(p);
        break;
    case ACTION_ARM_TIMER:
        p->deadline_ms = action->deadline_ms;
        break;
    case ACTION_RELAY:
        p->is_tunnel = true;
        break;
    case ACTION_END_UPSTREAM:
        break;
    case ACTION_ASSOCIATE:
    case ACTION_RESOLVE:
    case ACTION_IDENTIFY:
    case ACTION_LISTEN:
    case ACTION_TAKE_PEER:
    case ACTION_DROP_PEER:
    case ACTION_FETCH:
        FUZZ_REQUIRE(false, "HTTP asks for no such thing");
        break;
    }
}

static void take_actions(struct play *p)
{
    struct action action;

    while (session_next(p->session, &action))
        carry_out(p, &action);
}

static void feed(struct play *p, struct event event)
{
    session_handle(p->session, &event, p->now_ms);
    take_actions(p);
}

/* Octets travel in memory of exactly their length. */
static void feed_data(struct play *p, enum event_kind kind,
                      struct px_bytes data)
{
    struct px_bytes exact = fuzz_copy(data);

    feed(p, (struct event){.kind = kind, .data = exact});
    fuzz_drop(exact);
}

static size_t piece_of(const struct play *p, size_t waiting, size_t room)
{
    size_t piece = p->cut == CUT_FINE && waiting ? 1 : waiting;

    return piece < room ? piece : room;
}

/* Shows both sides' octets as far as the session wants them. */
static void read_both(struct play *p)
{
    size_t before;

    judge_see(&p->judge, SIDE_CLIENT,
              px_bytes_of(client.octets + p->seen, client.len - p->seen),
              p->now_ms);
    p->seen = client.len;
    if (p->is_client_ended)
        judge_see_end(&p->judge, SIDE_CLIENT, END_FIN, p->now_ms);
    do {
        size_t piece =
            piece_of(p, client.len - p->given, session_client_room(p->session));

        before = p->given + p->taken;
        if (piece && !is_closed(p)) {
            p->given += piece;
            feed_data(p, EVENT_CLIENT_DATA,
                      px_bytes_of(client.octets + p->given - piece, piece));
        }
        piece = piece_of(p, queued.len - p->taken,
                         session_upstream_room(p->session));
        if (piece && p->is_open && !is_closed(p)) {
            p->taken += piece;
            feed_data(p, EVENT_UPSTREAM_DATA,
                      px_bytes_of(queued.octets + p->taken - piece, piece));
        }
    } while (p->given + p->taken != before && !is_closed(p));
    if (p->is_client_ended && !p->is_end_given && p->given == client.len &&
        !is_closed(p)) {
        p->is_end_given = true;
        feed(p, (struct event){.kind = EVENT_CLIENT_END});
    }
}

static void dial_ends(struct play *p, bool is_good, unsigned x)
{
    struct event event = {.kind = EVENT_DIALLED,
                          .bound = {.addr = {.kind = PX_ADDRESS_IPV4}}};

    if (!p->is_dialling)
        return;
    p->is_dialling = false;
    p->is_open = is_good;
    if (!is_good)
        event = (struct event){
            .kind = EVENT_DIAL_FAILED,
            .failure = (enum dial_failure)(x % (DIAL_NAME_TEMPORARY + 1))};
    feed(p, event);
}

static void origin_ends(struct play *p, enum event_kind kind)
{
    if (!p->is_open || is_closed(p) || p->taken < queued.len)
        return;
    p->is_open = false;
    feed(p, (struct event){.kind = kind});
}

static void pass_deadline(struct play *p)
{
    if (p->deadline_ms == SESSION_NEVER || is_closed(p))
        return;
    if (p->deadline_ms > p->now_ms)
        p->now_ms = p->deadline_ms;
    p->deadline_ms = SESSION_NEVER;
    judge_tick(&p->judge, p->now_ms);
    feed(p, (struct event){.kind = EVENT_TIMER});
}

static void send_credentials(struct play *p, const struct forward_step *step)
{
    uint8_t text[1024];
    struct px_writer out = px_writer_over(text, sizeof(text));

    forward_auth_put(&p->auth, step->x, step->flaws,
                     px_bytes_of(client.octets, client.len), &out);
    if (!p->is_client_ended && !out.is_full)
        witness_keep(&client, px_written(&out));
}

static void play_step(struct play *p, const struct forward_step *step)
{
    uint64_t later = p->now_ms + (uint64_t)step->x * 1000;

    switch (step->kind) {
    case FORWARD_STEP_CLIENT:
        if (!p->is_client_ended)
            witness_keep(&client, step->data);
        break;
    case FORWARD_STEP_CREDENTIALS:
        send_credentials(p, step);
        break;
    case FORWARD_STEP_CLIENT_END:
        p->is_client_ended = true;
        break;
    case FORWARD_STEP_DIALLED:
    case FORWARD_STEP_DIAL_FAILED:
        dial_ends(p, step->kind == FORWARD_STEP_DIALLED, step->x);
        break;
    case FORWARD_STEP_ORIGIN:
        if (p->is_open)
            witness_keep(&queued, step->data);
        break;
    case FORWARD_STEP_ORIGIN_END:
        origin_ends(p, EVENT_UPSTREAM_END);
        break;
    case FORWARD_STEP_ORIGIN_RESET:
        origin_ends(p, EVENT_UPSTREAM_RESET);
        break;
    case FORWARD_STEP_DEADLINE:
        pass_deadline(p);
        break;
    case FORWARD_STEP_WAIT:
        p->now_ms = later < p->deadline_ms ? later : p->deadline_ms;
        judge_tick(&p->judge, p->now_ms);
        break;
    }
    read_both(p);
}

/* Left alone, every connection comes to its end. */
static void play_out(struct play *p)
{
    enum { ROUNDS = 64 };

    p->is_client_ended = true;
    for (int i = 0; i < ROUNDS && !is_closed(p); i++) {
        read_both(p);
        if (p->is_tunnel)
            origin_ends(p, EVENT_UPSTREAM_END);
        pass_deadline(p);
    }
    FUZZ_REQUIRE(is_closed(p), "a connection left alone closes");
}

static void play(struct px_bytes input, enum cut cut)
{
    struct px_cursor in = px_cursor_over(input);
    struct play p = {.cut = cut,
                     .now_ms = START_MS,
                     .deadline_ms = SESSION_NEVER,
                     .cfg = {.protocol = SESSION_HTTP,
                             .is_forwarding = true,
                             .pseudonym = "fuzz",
                             .unix_offset_ms = 784111777000,
                             .handshake_timeout_ms = HANDSHAKE_MS,
                             .dial_timeout_ms = DIAL_MS,
                             .response_timeout_ms = RESPONSE_MS}};
    struct oracle_config judged = {.protocol = ORACLE_HTTP};
    static void *memory; /* one for all: it is large */
    struct forward_step step;
    unsigned how;

    judged.is_auth_required = forward_takes_auth(&in, &how);
    if (judged.is_auth_required)
        forward_auth_open(&p.auth, how, &p.cfg, p.now_ms);
    p.witness.auth = &p.auth;
    client.len = origin.len = queued.len = 0;
    client.is_full = origin.is_full = queued.is_full = false;
    if (!memory)
        memory = malloc(session_size(SESSION_HTTP));
    FUZZ_REQUIRE(memory, "memory for a session");
    p.session = session_init(memory, &p.cfg, p.now_ms);
    judge_open(&p.judge, &judged);
    take_actions(&p);
    for (int i = 0; i < STEPS_MAX && !is_closed(&p); i++) {
        if (!forward_next_step(&in, &step))
            break;
        play_step(&p, &step);
    }
    if (cut == CUT_AS_GIVEN && session_error(p.session) &&
        session_error(p.session)->req != REQ_NONE) {
        fuzz_add_reached(" ");
        fuzz_add_reached(requirement_row(session_error(p.session)->req)->id);
    }
    play_out(&p);
    judge_close(&p.judge, p.now_ms);
    if (cut == CUT_AS_GIVEN && p.witness.count)
        fuzz_add_reached(p.witness.count > 1 ? " several" : " one");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_set_reached("forward");
    for (enum cut cut = CUT_AS_GIVEN; cut < CUTS; cut++)
        play(px_bytes_of(data, size), cut);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max,
                               unsigned seed)
{
    return mutator_mutate("forward", data, size, max, seed);
}
