/*
 * Random walks of clients and origins over sessions that forward, from fixed
 * seeds: whatever comes in whatever order and pieces, the promises of session.h
 * hold.
 */

#include <stdlib.h>
#include <string.h>

#include "play.h"

enum { WALKS = 1500, STEPS = 80 };

static const struct px_bytes client_words[] = {
    BYTES("GET http://a/ HTTP/1.1\r\nHost: a\r\n"),
    BYTES("GET http://b/ HTTP/1.1\r\nHost: a\r\n"),
    BYTES("HEAD http://a/ HTTP/1.1\r\nHost: a\r\n"),
    BYTES("GET http://a/ HTTP/1.0\r\n"),
    BYTES("POST http://a/ HTTP/1.1\r\nHost: a\r\n"),
    BYTES("OPTIONS * HTTP/1.1\r\nHost: a\r\n"),
    BYTES("TRACE http://a/ HTTP/1.1\r\nHost: a\r\nMax-Forwards: 0\r\n"),
    BYTES("GET ftp://u:p@a/b HTTP/1.1\r\nHost: a\r\n"),
    BYTES("HEAD ftp://b/ HTTP/1.1\r\nHost: a\r\n"),
    BYTES("CONNECT a:1 HTTP/1.1\r\nHost: a\r\n"),
    BYTES("Content-Length: 3\r\n"),
    BYTES("Transfer-Encoding: chunked\r\n"),
    BYTES("Connection: close\r\n"),
    BYTES("Expect: 100-continue\r\n"),
    BYTES("\r\n"),
    BYTES("\r\n"),
    BYTES("\r\n"),
    BYTES("abc"),
    BYTES("3\r\nabc\r\n"),
    BYTES("0\r\n\r\n"),
    BYTES("\x01"),
};

static const struct px_bytes origin_words[] = {
    BYTES("HTTP/1.1 200 OK\r\n"),
    BYTES("HTTP/1.0 200 OK\r\n"),
    BYTES("HTTP/1.1 204 X\r\n"),
    BYTES("HTTP/1.1 304 X\r\n"),
    BYTES("HTTP/1.1 103 X\r\n\r\n"),
    BYTES("HTTP/1.1 101 X\r\n\r\n"),
    BYTES("Content-Length: 3\r\n"),
    BYTES("Content-Length: 0\r\n"),
    BYTES("Transfer-Encoding: chunked\r\n"),
    BYTES("Connection: close\r\n"),
    BYTES("\r\n"),
    BYTES("\r\n"),
    BYTES("abc"),
    BYTES("3\r\nabc\r\n"),
    BYTES("0\r\n\r\n"),
    BYTES("\x01"),
};

/* What a server would hold of the session. */
struct walk {
    struct session *session;
    struct session_config config;
    uint32_t random;
    uint64_t now_ms;
    uint64_t deadline_ms;
    bool is_dialling, has_upstream;
    bool is_fetching; /* what is dialled, or stands, is an FTP server */
    bool has_ended_client, has_ended_target;
    bool is_client_ended;
    bool is_over;
    size_t forwarded;
    size_t fetched;
};

/* Marsaglia's xorshift; the seed is not 0. */
static uint32_t random_below(struct walk *w, size_t limit)
{
    w->random ^= w->random << 13;
    w->random ^= w->random >> 17;
    w->random ^= w->random << 5;
    return (uint32_t)(w->random % limit);
}

static void check_action(struct walk *w, const struct action *action)
{
    assert_false(w->is_over);
    switch (action->kind) {
    case ACTION_SEND_CLIENT:
        assert_false(w->has_ended_client);
        assert_true(action->send.data.len > 0);
        break;
    case ACTION_SEND_UPSTREAM:
        assert_true(w->has_upstream && !w->is_fetching);
        assert_false(w->has_ended_target);
        w->forwarded += action->send.data.len;
        break;
    case ACTION_DIAL:
        assert_false(w->is_dialling || w->has_upstream);
        assert_true(action->target.port != 0);
        w->is_dialling = true;
        break;
    case ACTION_FETCH:
        assert_false(w->is_dialling || w->has_upstream);
        assert_int_equal(action->fetch->target.port, 21);
        assert_true(action->fetch->path.data[0] == '/');
        w->is_dialling = w->is_fetching = true;
        break;
    case ACTION_CLOSE_UPSTREAM:
        assert_true(w->is_dialling || w->has_upstream);
        w->is_dialling = w->has_upstream = w->has_ended_target = false;
        w->is_fetching = false;
        break;
    case ACTION_END_CLIENT:
        w->has_ended_client = true;
        break;
    case ACTION_END_UPSTREAM:
        w->has_ended_target = true;
        break;
    case ACTION_ARM_TIMER:
        w->deadline_ms = action->deadline_ms;
        break;
    case ACTION_CLOSE:
    case ACTION_RESET:
        w->is_over = true;
        break;
    case ACTION_RELAY:
        break;
    case ACTION_ASSOCIATE:
    case ACTION_RESOLVE:
    case ACTION_IDENTIFY:
    case ACTION_LISTEN:
    case ACTION_TAKE_PEER:
    case ACTION_DROP_PEER:
        fail_msg("action %d has no place here", action->kind);
    }
}

static void tell(struct walk *w, struct event event)
{
    uint8_t *copy = NULL;
    struct action action;

    if (event.kind == EVENT_CLIENT_DATA || event.kind == EVENT_UPSTREAM_DATA) {
        copy = copy_exact(event.data, event.data.len);
        event.data.data = copy;
    }
    session_handle(w->session, &event, w->now_ms);
    while (session_next(w->session, &action))
        check_action(w, &action);
    free(copy);
}

static void tell_octets(struct walk *w, enum event_kind kind,
                        struct px_bytes word)
{
    size_t room = kind == EVENT_CLIENT_DATA ? session_client_room(w->session)
                                            : session_upstream_room(w->session);

    if (word.len > room)
        word.len = room;
    if (word.len && random_below(w, 8) == 0)
        word.len = random_below(w, word.len + 1);
    if (word.len)
        tell(w, (struct event){.kind = kind, .data = word});
}

static void end_fetch(struct walk *w, uint32_t choice)
{
    struct event event = {.kind = EVENT_FETCHED};

    w->is_dialling = false;
    w->has_upstream = choice > 3;
    w->is_fetching = w->has_upstream;
    w->fetched += w->has_upstream;
    if (choice <= FETCH_NO_LOGIN)
        event = (struct event){.kind = EVENT_FETCH_FAILED,
                               .fetch_failure = (enum fetch_failure)choice};
    else if (choice == 3)
        event = (struct event){.kind = EVENT_DIAL_FAILED,
                               .failure = DIAL_TIMED_OUT};
    else
        event.fetched.length = choice & 1 ? UINT64_MAX : choice - 4;
    tell(w, event);
}

static void step_target(struct walk *w)
{
    uint32_t choice = random_below(w, 24);

    if (w->is_dialling && w->is_fetching) {
        end_fetch(w, choice);
    } else if (w->is_dialling) {
        w->is_dialling = false;
        w->has_upstream = choice != 0;
        if (choice)
            tell(w, (struct event){.kind = EVENT_DIALLED});
        else
            tell(w, (struct event){.kind = EVENT_DIAL_FAILED,
                                   .failure = DIAL_REFUSED});
    } else if (!w->has_upstream) {
        return;
    } else if (choice == 0) {
        tell(w, (struct event){.kind = EVENT_UPSTREAM_END});
    } else if (choice == 1) {
        tell(w, (struct event){.kind = EVENT_UPSTREAM_RESET});
    } else {
        tell_octets(w, EVENT_UPSTREAM_DATA,
                    origin_words[random_below(w, LENGTH(origin_words))]);
    }
}

static void step(struct walk *w)
{
    uint32_t choice = random_below(w, 100);

    if (choice < 2 && w->deadline_ms != SESSION_NEVER) {
        w->now_ms = w->deadline_ms > w->now_ms ? w->deadline_ms : w->now_ms;
        w->deadline_ms = SESSION_NEVER;
        tell(w, (struct event){.kind = EVENT_TIMER});
    } else if (choice < 3) {
        w->is_client_ended = true;
        tell(w, (struct event){.kind = EVENT_CLIENT_END});
    } else if (choice < 50) {
        step_target(w);
    } else if (!w->is_client_ended) {
        tell_octets(w, EVENT_CLIENT_DATA,
                    client_words[random_below(w, LENGTH(client_words))]);
    }
}

static void walks_keep_the_promises(void **state)
{
    size_t forwarded = 0, fetched = 0;

    (void)state;
    for (uint32_t seed = 1; seed <= WALKS; seed++) {
        struct walk w = {.random = seed * 2654435761U, .now_ms = 1};
        void *mem = malloc(session_size(SESSION_HTTP));
        struct action action;

        assert_non_null(mem);
        w.config = (struct session_config){
            .protocol = SESSION_HTTP,
            .is_forwarding = true,
            .is_ftp_gateway = true,
            .pseudonym = "proxy",
            .handshake_timeout_ms = PLAY_HANDSHAKE_MS,
            .dial_timeout_ms = PLAY_DIAL_MS,
            .response_timeout_ms = PLAY_RESPONSE_MS,
        };
        w.session = session_init(mem, &w.config, w.now_ms);
        while (session_next(w.session, &action))
            check_action(&w, &action);
        for (int i = 0; i < STEPS && !w.is_over; i++)
            step(&w);
        if (!w.is_over) { /* nobody else can keep it open */
            tell(&w, (struct event){.kind = EVENT_CLIENT_RESET});
            assert_true(w.is_over);
        }
        forwarded += w.forwarded;
        fetched += w.fetched;
        free(mem);
    }
    assert_true(forwarded > 0);
    assert_true(fetched > 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(walks_keep_the_promises),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
