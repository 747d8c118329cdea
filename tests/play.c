#include "play.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool verify(const void *ctx, struct px_bytes user,
                   struct px_bytes password)
{
    (void)ctx;
    return px_equal(user, PX_LITERAL("me")) &&
           px_equal(password, PX_LITERAL("let"));
}

static void end_line(struct play *p)
{
    if (p->is_line_open)
        px_put_u8(&p->log, '\n');
    p->is_line_open = false;
}

static void log_octets(struct play *p, enum action_kind line, const char *side,
                       struct px_bytes data)
{
    if (!p->is_line_open || p->line != line) {
        end_line(p);
        px_put_text(&p->log, side);
    }
    px_put_bytes(&p->log, data);
    p->is_line_open = true;
    p->line = line;
}

static void log_line(struct play *p, const char *format, const char *text,
                     uint64_t number)
{
    end_line(p);
    px_put_text(&p->log, format);
    px_put_text(&p->log, text);
    if (number)
        px_put_decimal(&p->log, number);
    px_put_u8(&p->log, '\n');
}

static void log_target(struct play *p, const char *what, const char *target,
                       access_set rules)
{
    end_line(p);
    px_put_text(&p->log, what);
    px_put_text(&p->log, target);
    if (rules) {
        px_put_text(&p->log, " rules ");
        px_put_decimal(&p->log, rules);
    }
    px_put_u8(&p->log, '\n');
}

/* What is asked of the gateway. */
static void log_fetch(struct play *p, const struct action *action)
{
    const struct session_fetch *fetch = action->fetch;
    char text[PX_ENDPOINT_TEXT_MAX];

    end_line(p);
    px_format_endpoint(&fetch->target, text);
    px_put_text(&p->log, fetch->is_head ? "look at " : "fetch ");
    px_put_text(&p->log, text);
    px_put_text(&p->log, " ");
    px_put_bytes(&p->log, fetch->path);
    if (fetch->has_user) {
        px_put_text(&p->log, " as ");
        px_put_bytes(&p->log, fetch->user);
        px_put_text(&p->log, " with ");
        px_put_bytes(&p->log, fetch->password);
    }
    if (action->rules) {
        px_put_text(&p->log, " rules ");
        px_put_decimal(&p->log, action->rules);
    }
    px_put_text(&p->log, "\n");
}

static void log_action(struct play *p, const struct action *action)
{
    static const char *const plain[] = {
        [ACTION_TAKE_PEER] = "take peer",
        [ACTION_DROP_PEER] = "drop peer",
        [ACTION_IDENTIFY] = "identify",
        [ACTION_RELAY] = "relay",
        [ACTION_END_CLIENT] = "end client",
        [ACTION_END_UPSTREAM] = "end target",
        [ACTION_CLOSE_UPSTREAM] = "close target",
        [ACTION_CLOSE] = "close",
        [ACTION_RESET] = "reset",
    };
    char text[PX_ENDPOINT_TEXT_MAX];

    switch (action->kind) {
    case ACTION_SEND_CLIENT:
        log_octets(p, action->kind, "client:", action->send.data);
        break;
    case ACTION_SEND_UPSTREAM:
        log_octets(p, action->kind, "target:", action->send.data);
        break;
    case ACTION_DIAL:
        px_format_endpoint(&action->target, text);
        log_target(p, "dial ", text, action->rules);
        break;
    case ACTION_ASSOCIATE:
        px_format_endpoint(&action->target, text);
        log_line(p, "associate ", text, 0);
        break;
    case ACTION_RESOLVE:
        px_format_endpoint(&action->target, text);
        log_line(p, "resolve ", text, 0);
        break;
    case ACTION_LISTEN:
        px_format_endpoint(&action->target, text);
        *strrchr(text, ':') = '\0'; /* the port means nothing */
        log_line(p, "listen ", text, 0);
        break;
    case ACTION_FETCH:
        log_fetch(p, action);
        break;
    case ACTION_ARM_TIMER:
        if (action->deadline_ms == SESSION_NEVER)
            log_line(p, "timer never", "", 0);
        else
            log_line(p, "timer ", "", action->deadline_ms);
        break;
    case ACTION_IDENTIFY:
    case ACTION_TAKE_PEER:
    case ACTION_DROP_PEER:
    case ACTION_RELAY:
    case ACTION_END_CLIENT:
    case ACTION_END_UPSTREAM:
    case ACTION_CLOSE_UPSTREAM:
    case ACTION_CLOSE:
    case ACTION_RESET:
        log_line(p, plain[action->kind], "", 0);
        break;
    }
}

static void take_actions(struct play *p)
{
    struct action action;

    while (session_next(p->session, &action))
        log_action(p, &action);
}

static void set_rules(struct access_rules *rules)
{
    static const char *const texts[] = {
        "*.denied",   "origin/secret",     "DELETE origin",
        "127.0.0.66", "127.0.0.67/secret", "BIND 127.0.0.68",
    };
    struct px_error err;

    for (size_t i = 0; i < LENGTH(texts); i++)
        assert_true(access_parse(px_bytes_of(texts[i], strlen(texts[i])),
                                 &rules->at[i], &err));
    rules->count = LENGTH(texts);
}

struct play *play_start(enum session_protocol protocol, enum play_auth auth)
{
    struct play *p = calloc(1, sizeof(*p));
    void *mem = malloc(session_size(protocol));

    assert_non_null(p);
    assert_non_null(mem);
    memset(mem, 0xa5, session_size(protocol));
    p->config = (struct session_config){
        .protocol = protocol,
        .verify = auth == AUTH || auth == FORWARD_AUTH ? verify : NULL,
        .is_forwarding =
            auth == FORWARD || auth == FORWARD_AUTH || auth >= RULES,
        .is_ftp_gateway = auth == FTP,
        .access = auth == RULES ? &p->rules : NULL,
        .pseudonym = "proxy",
        .unix_offset_ms = 784111777000 - PLAY_NOW_MS,
        .response_timeout_ms = PLAY_RESPONSE_MS,
        .realm = "proxyspec",
        .has_no_udp = auth == NO_UDP || auth == TOR_PORT,
        .has_no_bind = auth == TOR_PORT,
        .is_tor = auth == TOR || auth == TOR_PORT,
        .is_tor_port = auth == TOR_PORT,
        .handshake_timeout_ms = PLAY_HANDSHAKE_MS,
        .dial_timeout_ms = PLAY_DIAL_MS,
        .bind_timeout_ms = PLAY_BIND_MS,
        .identd_user = PLAY_IDENTD_USER,
    };
    set_rules(&p->rules);
    p->log = px_writer_over(p->log_octets, sizeof(p->log_octets));
    p->session = session_init(mem, &p->config, 0);
    take_actions(p);
    return p;
}

void play_stop(struct play *p)
{
    free(p->session);
    free(p);
}

/* What relays works on in as much memory as it says to need. */
static void move_relaying(struct play *p)
{
    void *mem;

    if (session_state(p->session) != SESSION_RELAYING)
        return;
    mem = malloc(session_relay_size());
    assert_non_null(mem);
    memset(mem, 0xa5, session_relay_size());
    (void)session_move(mem, p->session);
    free(p->session);
    p->session = mem;
}

void play_event(struct play *p, const struct event *event)
{
    struct event exact = *event;
    uint8_t *copy = NULL;

    if (event->kind == EVENT_CLIENT_DATA ||
        event->kind == EVENT_UPSTREAM_DATA) {
        copy = copy_exact(event->data, event->data.len);
        exact.data.data = copy;
    }
    session_handle(p->session, &exact, PLAY_NOW_MS);
    take_actions(p);
    move_relaying(p);
    free(copy);
}

void play_octets(struct play *p, enum event_kind kind, struct px_bytes data,
                 size_t len)
{
    while (data.len) {
        size_t room = kind == EVENT_CLIENT_DATA
                          ? session_client_room(p->session)
                          : session_upstream_room(p->session);
        struct event event = {.kind = kind, .data = data};

        if (!room)
            return;
        if (event.data.len > len)
            event.data.len = len;
        if (event.data.len > room)
            event.data.len = room;
        play_event(p, &event);
        data.data += event.data.len;
        data.len -= event.data.len;
    }
}

void play_client(struct play *p, struct px_bytes data, size_t len)
{
    play_octets(p, EVENT_CLIENT_DATA, data, len);
}

static bool has_octets(const struct event *event)
{
    return event->kind == EVENT_CLIENT_DATA ||
           event->kind == EVENT_UPSTREAM_DATA;
}

static void show(const char *what, struct px_bytes log)
{
    (void)fprintf(stderr, "# %s:\n# ", what);
    for (size_t i = 0; i < log.len; i++) {
        uint8_t octet = log.data[i];

        if (octet == '\n')
            (void)fputs("\n# ", stderr);
        else if (octet >= ' ' && octet < 0x7f)
            (void)fputc(octet, stderr);
        else
            (void)fprintf(stderr, "\\x%02x", octet);
    }
    (void)fputc('\n', stderr);
}

void play_expect(struct play *p, struct px_bytes want)
{
    end_line(p);
    assert_false(p->log.is_full);
    if (px_equal(px_written(&p->log), want))
        return;
    show("expected", want);
    show("got", px_written(&p->log));
    fail_msg("the actions differ");
}

/* One performance: step cut_step is cut after cut octets, all in pieces. */
static void perform(enum session_protocol protocol, const struct play_row *row,
                    size_t cut_step, size_t cut, size_t piece)
{
    struct play *p = play_start(protocol, row->auth);
    const struct px_error *error;

    for (size_t i = 0; i < PLAY_STEPS_MAX && row->steps[i].is_used; i++) {
        const struct event *event = &row->steps[i].event;
        struct px_bytes data = event->data;

        if (!has_octets(event)) {
            play_event(p, event);
            continue;
        }
        if (i == cut_step) {
            play_octets(p, event->kind, px_bytes_of(data.data, cut), piece);
            data = px_bytes_of(data.data + cut, data.len - cut);
        }
        play_octets(p, event->kind, data, piece);
    }
    play_expect(p, row->log);
    error = session_error(p->session);
    assert_int_equal(session_state(p->session), row->state);
    assert_int_equal(error != NULL, row->has_failed);
    assert_int_equal(error ? error->req : REQ_NONE, row->req);
    play_stop(p);
}

void play_row(enum session_protocol protocol, const struct play_row *row)
{
    perform(protocol, row, PLAY_STEPS_MAX, 0, SIZE_MAX);
    perform(protocol, row, PLAY_STEPS_MAX, 0, 1);
    perform(protocol, row, PLAY_STEPS_MAX, 0, 3);
    for (size_t i = 0; i < PLAY_STEPS_MAX && row->steps[i].is_used; i++) {
        const struct event *event = &row->steps[i].event;

        for (size_t cut = 1; has_octets(event) && cut < event->data.len; cut++)
            perform(protocol, row, i, cut, SIZE_MAX);
    }
}
