/*
 * The session under events: a script (session_script.h) is played to it, and
 * the model (session_model.h) and the oracle (session_judge.h) watch what it
 * does. Each script is played three times with the client's octets cut
 * otherwise, which must not matter.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forward_auth.h"
#include "fuzz.h"
#include "mutator.h"
#include "session_judge.h"
#include "session_model.h"
#include "session_script.h"

enum {
    HANDSHAKE_MS = 10 * 1000,
    DIAL_MS = 20 * 1000,
    BIND_MS = 60 * 1000,
    START_MS = 20 * 1000 * 1000, /* no deadline may count from zero, and a
                                    nonce may be old */
    STEPS_MAX = 64,              /* a script is not played further */
    ENTRIES_MAX = 512            /* of a diary; its rest is not compared */
};

/* How the client's octets arrive. */
enum cut {
    CUT_AS_GIVEN, /* a step of the script is one event */
    CUT_JOINED,   /* neighbouring steps are one event */
    CUT_FINE,     /* octet by octet, later in small pieces */
    CUTS
};

/* Octet by octet up to here, then in small pieces, then in larger ones. */
enum { FINE_OCTETS = 100, FINE_PIECES = 1000, FINE_PIECE = 251 };

/* What the session did; octets relayed one way are one entry, however cut. */
struct entry {
    enum action_kind kind;
    bool is_relayed;
    uint64_t value; /* a deadline, or a digest of octets */
    size_t len;
};

struct diary {
    struct entry entries[ENTRIES_MAX];
    size_t count;
};

struct play {
    enum cut cut;
    struct session *session;
    struct session_config cfg;
    struct forward_auth auth;
    struct model model;
    struct judge judge;
    struct diary *diary;
    uint64_t now_ms;
    uint64_t deadline_ms;
    size_t sent; /* octets of the client's; model.given of them were read */
    size_t seen; /* how many of them the judge was shown */
    bool is_client_ended;
    bool is_end_given;
    bool is_dialling; /* or what else is awaited: */
    enum action_kind asked;
    bool is_asked_for_name; /* RESOLVE of an address */
    struct px_address peer; /* LISTEN: who may connect */
    bool is_upstream_open;
    enum session_state state; /* the last one noted */
    bool is_noting;           /* for fuzz_reached() */
};

static uint8_t client_octets[MODEL_STREAM_MAX];
static struct diary diaries[CUTS];

static bool verify(const void *ctx, struct px_bytes user,
                   struct px_bytes password)
{
    (void)ctx;
    return px_equal(user, PX_LITERAL(SCRIPT_USER)) &&
           px_equal(password, PX_LITERAL(SCRIPT_PASSWORD));
}

/* FNV-1a, which can go on where it stopped. */
static uint64_t digest(uint64_t value, struct px_bytes data)
{
    for (size_t i = 0; i < data.len; i++)
        value = (value ^ data.data[i]) * 1099511628211u;
    return value;
}

static void write_down(struct diary *diary, const struct action *action)
{
    bool is_send = action->kind == ACTION_SEND_CLIENT ||
                   action->kind == ACTION_SEND_UPSTREAM;
    bool is_relayed = is_send && action->send.message == MESSAGE_RELAYED;
    struct entry *last =
        diary->count ? &diary->entries[diary->count - 1] : NULL;

    if (diary->count == ENTRIES_MAX)
        return;
    if (!is_relayed || !last || !last->is_relayed ||
        last->kind != action->kind) {
        last = &diary->entries[diary->count++];
        *last = (struct entry){.kind = action->kind, .is_relayed = is_relayed};
    }
    if (is_send) {
        last->value = digest(last->value, action->send.data);
        last->len += action->send.data.len;
    } else if (action->kind == ACTION_ARM_TIMER) {
        last->value = action->deadline_ms;
    }
}

/* What the server would do; it has no sockets here. */
static void carry_out(struct play *p, const struct action *action)
{
    switch (action->kind) {
    case ACTION_DIAL:
    case ACTION_ASSOCIATE:
    case ACTION_RESOLVE:
    case ACTION_LISTEN:
        p->is_dialling = true;
        p->asked = action->kind;
        p->is_asked_for_name = action->target.addr.kind != PX_ADDRESS_NAME;
        p->peer = action->target.addr;
        break;
    case ACTION_TAKE_PEER:
        p->is_upstream_open = true;
        break;
    case ACTION_CLOSE_UPSTREAM:
        p->is_dialling = false;
        break;
    case ACTION_ARM_TIMER:
        p->deadline_ms = action->deadline_ms;
        break;
    case ACTION_SEND_CLIENT:
        judge_see(&p->judge, SIDE_SERVER, action->send.data, p->now_ms);
        break;
    case ACTION_END_CLIENT:
    case ACTION_CLOSE:
        judge_see_end(&p->judge, SIDE_SERVER, END_FIN, p->now_ms);
        break;
    case ACTION_RESET:
        judge_see_end(&p->judge, SIDE_SERVER, END_RESET, p->now_ms);
        break;
    case ACTION_IDENTIFY:
    case ACTION_FETCH: /* the model does not know it */
    case ACTION_SEND_UPSTREAM:
    case ACTION_DROP_PEER:
    case ACTION_RELAY:
    case ACTION_END_UPSTREAM:
        break;
    }
}

static void note_state(struct play *p)
{
    static const char *const names[] = {
        "greeting", "auth",       "request",    "dialling", "listening",
        "relaying", "forwarding", "associated", "closing",  "closed"};
    enum session_state state = session_state(p->session);

    if (!p->is_noting || state == p->state)
        return;
    p->state = state;
    fuzz_add_reached(" ");
    fuzz_add_reached(names[state]);
}

/* The code that an answer carries: a status, or the REP of a reply. */
static void note_answer(const struct play *p, const struct action *action)
{
    const uint8_t *octets;
    char text[16];

    if (!p->is_noting || action->kind != ACTION_SEND_CLIENT)
        return;
    octets = action->send.data.data;
    if (action->send.message == MESSAGE_HTTP_RESPONSE)
        (void)snprintf(text, sizeof(text), " %.3s", (const char *)octets + 9);
    else if (action->send.message == MESSAGE_SOCKS5_REPLY)
        (void)snprintf(text, sizeof(text), " rep-%u", octets[1]);
    else if (action->send.message == MESSAGE_SOCKS4_REPLY)
        (void)snprintf(text, sizeof(text), " cd-%u", octets[1]);
    else
        return;
    fuzz_add_reached(text);
}

static void take_actions(struct play *p)
{
    struct action action;

    while (session_next(p->session, &action)) {
        note_answer(p, &action);
        model_action(&p->model, &action);
        write_down(p->diary, &action);
        carry_out(p, &action);
    }
}

static bool is_closed(const struct play *p)
{
    return session_state(p->session) == SESSION_CLOSED;
}

static void feed(struct play *p, struct event event)
{
    model_event(&p->model, &event, p->now_ms);
    session_handle(p->session, &event, p->now_ms);
    take_actions(p);
    model_settle(&p->model, p->session);
    note_state(p);
}

static void feed_kind(struct play *p, enum event_kind kind)
{
    feed(p, (struct event){.kind = kind});
}

/* Octets travel in memory of exactly their length. */
static void feed_data(struct play *p, enum event_kind kind,
                      struct px_bytes data)
{
    struct px_bytes exact = fuzz_copy(data);

    feed(p, (struct event){.kind = kind, .data = exact});
    fuzz_drop(exact);
}

static size_t piece_of(const struct play *p, size_t waiting)
{
    size_t room = session_client_room(p->session);
    size_t piece = waiting;

    if (p->cut == CUT_FINE) {
        size_t given = p->model.given;

        piece = given < FINE_OCTETS   ? 1
                : given < FINE_PIECES ? 1 + given % 13
                                      : FINE_PIECE;
        if (piece > waiting)
            piece = waiting;
    }
    return piece < room ? piece : room;
}

/* Reads what the client has sent, as far as the session wants to. */
static void read_client(struct play *p)
{
    judge_see(&p->judge, SIDE_CLIENT,
              px_bytes_of(client_octets + p->seen, p->sent - p->seen),
              p->now_ms);
    p->seen = p->sent;
    if (p->is_client_ended)
        judge_see_end(&p->judge, SIDE_CLIENT, END_FIN, p->now_ms);
    while (p->model.given < p->sent && !is_closed(p)) {
        size_t piece = piece_of(p, p->sent - p->model.given);

        if (piece == 0)
            return;
        feed_data(p, EVENT_CLIENT_DATA,
                  px_bytes_of(client_octets + p->model.given, piece));
    }
    if (p->is_client_ended && !p->is_end_given && !is_closed(p)) {
        p->is_end_given = true;
        feed_kind(p, EVENT_CLIENT_END);
    }
}

static void client_sends(struct play *p, struct px_bytes data)
{
    size_t room = MODEL_STREAM_MAX - p->sent;

    if (p->is_client_ended)
        return;
    if (data.len > room)
        data.len = room;
    if (data.len)
        memcpy(client_octets + p->sent, data.data, data.len);
    p->sent += data.len;
}

static void send_credentials(struct play *p, const struct step *step)
{
    uint8_t text[1024];
    struct px_writer out = px_writer_over(text, sizeof(text));

    forward_auth_put(&p->auth, step->x, step->flaws,
                     px_bytes_of(client_octets, p->sent), &out);
    if (!out.is_full)
        client_sends(p, px_written(&out));
}

static void pass_deadline(struct play *p, uint64_t late_ms)
{
    if (p->deadline_ms == SESSION_NEVER || is_closed(p))
        return;
    p->now_ms = p->deadline_ms + late_ms;
    p->deadline_ms = SESSION_NEVER;
    judge_tick(&p->judge, p->now_ms);
    feed_kind(p, EVENT_TIMER);
}

/* The success of what was asked for: there is an address for it. */
static struct event success(const struct play *p, struct px_endpoint bound)
{
    struct event event = {.kind = EVENT_DIALLED, .bound = bound};

    if (p->asked == ACTION_DIAL)
        return event;
    if (bound.addr.kind == PX_ADDRESS_NONE)
        event.bound.addr.kind = PX_ADDRESS_IPV6;
    if (p->asked == ACTION_ASSOCIATE || p->asked == ACTION_LISTEN) {
        event.kind =
            p->asked == ACTION_LISTEN ? EVENT_LISTENING : EVENT_ASSOCIATED;
        return event;
    }
    event = (struct event){.kind = EVENT_RESOLVED, .address = event.bound.addr};
    if (p->is_asked_for_name)
        event.address = (struct px_address){.kind = PX_ADDRESS_NAME,
                                            .name = PX_LITERAL("host.test")};
    return event;
}

/*
 * Somebody connects to the listener: from `from`, or, when its port is odd,
 * whoever is expected.
 */
static void connect_to_listener(struct play *p, struct px_endpoint from)
{
    bool is_expected = from.port % 2 && p->peer.kind != PX_ADDRESS_NONE;

    if (is_expected)
        from.addr = p->peer;
    if (from.addr.kind == PX_ADDRESS_NONE)
        from.addr = (struct px_address){.kind = PX_ADDRESS_IPV4, .ip = {127}};
    feed(p, (struct event){.kind = EVENT_ACCEPTED, .peer = from});
}

static void end_dial(struct play *p, const struct event *result)
{
    if (result->kind == EVENT_DIAL_FAILED &&
        session_state(p->session) == SESSION_LISTENING)
        feed(p, *result); /* the listener breaks */
    if (!p->is_dialling)
        return;
    p->is_dialling = false;
    p->is_upstream_open = result->kind == EVENT_DIALLED;
    feed(p, *result);
}

static void end_upstream(struct play *p, enum event_kind kind)
{
    if (!p->is_upstream_open || is_closed(p))
        return;
    p->is_upstream_open = false;
    feed_kind(p, kind);
}

/* An event that cannot be, such as the result of no dial, is passed over. */
static void play_step(struct play *p, const struct step *step)
{
    uint64_t later = p->now_ms + step->ms;
    struct event result;

    switch (step->kind) {
    case STEP_CLIENT_DATA:
        client_sends(p, step->data);
        break;
    case STEP_CREDENTIALS:
        send_credentials(p, step);
        break;
    case STEP_CLIENT_END:
        p->is_client_ended = true;
        break;
    case STEP_CLIENT_RESET:
        judge_see_end(&p->judge, SIDE_CLIENT, END_RESET, p->now_ms);
        feed_kind(p, EVENT_CLIENT_RESET);
        break;
    case STEP_DIALLED:
        if (session_state(p->session) == SESSION_LISTENING) {
            connect_to_listener(p, step->bound);
            break;
        }
        result = success(p, step->bound);
        end_dial(p, &result);
        break;
    case STEP_DIAL_FAILED:
        end_dial(p, &(struct event){.kind = EVENT_DIAL_FAILED,
                                    .failure = step->failure});
        break;
    case STEP_UPSTREAM_DATA:
        if (p->is_upstream_open)
            feed_data(p, EVENT_UPSTREAM_DATA, step->data);
        break;
    case STEP_UPSTREAM_END:
        end_upstream(p, EVENT_UPSTREAM_END);
        break;
    case STEP_UPSTREAM_RESET:
        end_upstream(p, EVENT_UPSTREAM_RESET);
        break;
    case STEP_DEADLINE:
        pass_deadline(p, step->ms);
        break;
    case STEP_WAIT:
        p->now_ms = later < p->deadline_ms ? later : p->deadline_ms;
        judge_tick(&p->judge, p->now_ms);
        break;
    }
}

/*
 * Left alone, every connection comes to its end: deadlines pass, and what is
 * relayed ends when both sides say so.
 */
static void play_out(struct play *p)
{
    enum { DEADLINES_MAX = 3 }; /* handshake, dial, close */

    read_client(p);
    for (int i = 0; i < DEADLINES_MAX; i++)
        pass_deadline(p, 0);
    if (session_state(p->session) == SESSION_RELAYING) {
        end_upstream(p, EVENT_UPSTREAM_END);
        p->is_client_ended = true;
        read_client(p);
    }
    if (session_state(p->session) == SESSION_ASSOCIATED) {
        p->is_client_ended = true;
        read_client(p);
    }
    FUZZ_REQUIRE(is_closed(p), "a connection left alone closes");
    feed_kind(p, EVENT_UPSTREAM_RESET); /* what comes late has no effect */
    feed_kind(p, EVENT_TIMER);
}

static void play_script(struct play *p, struct px_bytes input)
{
    struct script script;
    struct step step;

    script_open(&script, input);
    for (int i = 0; i < STEPS_MAX && !is_closed(p); i++) {
        if (!script_next(&script, &step))
            break;
        bool is_data =
            step.kind == STEP_CLIENT_DATA || step.kind == STEP_CREDENTIALS;

        if (!is_data)
            read_client(p);
        play_step(p, &step);
        if (!is_data || p->cut != CUT_JOINED)
            read_client(p);
    }
    if (p->is_noting && session_error(p->session) &&
        session_error(p->session)->req != REQ_NONE) {
        fuzz_add_reached(" ");
        fuzz_add_reached(requirement_row(session_error(p->session)->req)->id);
    }
    p->is_noting = false;
    play_out(p);
}

static void play(struct px_bytes input, enum cut cut)
{
    struct play p = {
        .cut = cut, .now_ms = START_MS, .deadline_ms = SESSION_NEVER};
    struct script script;
    static void *memories[2]; /* one for all of a protocol: they are large */
    void **memory;

    script_open(&script, input);
    p.cfg = (struct session_config){
        .protocol = script.is_http ? SESSION_HTTP : SESSION_SOCKS,
        .verify = script.has_auth ? verify : NULL,
        .realm = "proxyspec",
        .has_no_udp = script.has_no_udp,
        .is_tor = script.is_tor,
        .handshake_timeout_ms = HANDSHAKE_MS,
        .dial_timeout_ms = DIAL_MS,
        .bind_timeout_ms = BIND_MS,
    };
    if (script.digest)
        forward_auth_open(&p.auth, script.digest, &p.cfg, p.now_ms);
    memory = &memories[script.is_http];
    if (!*memory)
        *memory = malloc(session_size(p.cfg.protocol));
    FUZZ_REQUIRE(*memory, "memory for a session");
    p.session = session_init(*memory, &p.cfg, p.now_ms);
    judge_open(&p.judge, &(struct oracle_config){
                             .protocol = script.is_detected ? ORACLE_DETECT
                                         : script.is_http   ? ORACLE_HTTP
                                                            : ORACLE_SOCKS,
                             .is_auth_required = script.has_auth,
                         });
    model_init(&p.model, &p.cfg, client_octets, p.now_ms);
    p.model.digest = script.digest ? &p.auth : NULL;
    p.model.is_lenient = cut == CUT_FINE; /* the diaries are compared */
    p.diary = &diaries[cut];
    p.diary->count = 0;
    p.is_noting = cut == CUT_AS_GIVEN;
    p.state = SESSION_CLOSED; /* so that the first one is noted */
    take_actions(&p);
    note_state(&p);
    FUZZ_REQUIRE(p.deadline_ms == START_MS + HANDSHAKE_MS,
                 "the handshake has a deadline from the start");
    play_script(&p, input);
    judge_close(&p.judge, p.now_ms);
}

static void compare(const struct diary *a, const struct diary *b, enum cut cut)
{
    FUZZ_REQUIRE(a->count == b->count, "cut %d: %zu actions, not %zu", cut,
                 b->count, a->count);
    for (size_t i = 0; i < a->count; i++) {
        const struct entry *x = &a->entries[i], *y = &b->entries[i];

        FUZZ_REQUIRE(x->kind == y->kind && x->is_relayed == y->is_relayed &&
                         x->value == y->value && x->len == y->len,
                     "cut %d: action %zu is %d (%zu octets), not %d (%zu)", cut,
                     i, y->kind, y->len, x->kind, x->len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct px_bytes input = px_bytes_of(data, size);

    fuzz_set_reached("%s", size && data[0] & 1 ? "http" : "socks");
    for (enum cut cut = CUT_AS_GIVEN; cut < CUTS; cut++) {
        play(input, cut);
        if (cut != CUT_AS_GIVEN)
            compare(&diaries[CUT_AS_GIVEN], &diaries[cut], cut);
    }
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max,
                               unsigned seed)
{
    return mutator_mutate("session", data, size, max, seed);
}
