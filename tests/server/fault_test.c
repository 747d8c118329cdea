/*
 * Every fault, under every dialogue: nothing crashes or leaks, and client or
 * target see something that they do not see of the reference.
 */

#include "fault.h"

#include <stdlib.h>
#include <string.h>

#include "stage.h"

enum { REPEATED = 3 }; /* slots in which the reference has to repeat itself */

static struct outcome reference[2][STAGE_SLOTS][STAGE_DIALOGUES_MAX];
static struct outcome shown[STAGE_SLOTS][STAGE_DIALOGUES_MAX];

/* The reference, in count slots. */
static void run_reference(bool is_auth, size_t count,
                          struct outcome (*outcomes)[STAGE_DIALOGUES_MAX])
{
    struct stage_part parts[STAGE_SLOTS];

    for (size_t i = 0; i < count; i++)
        parts[i] = (struct stage_part){NULL, is_auth, outcomes[i]};
    stage_run(parts, count);
}

/* RST and FIN may change places when a client leaves while the proxy dials. */
static void forget_how_it_ended(struct outcome *outcome)
{
    outcome->target.end = outcome->target.end ? ENDED : STAYS_OPEN;
}

static void reference_repeats(void **state)
{
    (void)state;
    for (int is_auth = 0; is_auth < 2; is_auth++) {
        run_reference(is_auth, STAGE_SLOTS, reference[is_auth]);
        run_reference(is_auth, REPEATED, shown);
        for (size_t i = 0; i < REPEATED * dialogue_count; i++) {
            size_t slot = i / dialogue_count, d = i % dialogue_count;
            struct outcome before = reference[is_auth][slot][d];

            if (dialogues[d].is_auth != is_auth)
                continue;
            forget_how_it_ended(&before);
            forget_how_it_ended(&shown[slot][d]);
            if (!outcome_is_same(&before, &shown[slot][d]))
                fail_msg("%s: %zu then %zu octets", dialogues[d].name,
                         before.client.len, shown[slot][d].client.len);
        }
    }
}

/* Faults that take a crowd: the next test looks at their hooks. */
static const char *const unseen[] = {
    "http-slow-blocks",
    "socks5-silent-blocks",
    "auth-stale-octets",
};

static bool is_unseen(const struct fault *fault)
{
    for (size_t i = 0; i < LENGTH(unseen); i++) {
        if (strcmp(fault->name, unseen[i]) == 0)
            return true;
    }
    return false;
}

/*
 * These dialogues speak SOCKS5's CONNECT and HTTP with Basic on the loopback:
 * faults of other commands, versions, methods, networks, rules and crowds are
 * shown by the scenarios of the self-test.
 */
static bool speaks_otherwise(const struct fault *fault)
{
    static const char *const prefixes[] = {"socks4.",     "socks4a.",
                                           "socks5.udp.", "socks5.bind.",
                                           "tor.",        "robust."};
    static const char *const names[] = {
        "socks5-associate-silent",
        "socks5-bind-silent",
        "socks5-name-dot-refused",
        "socks5-name-underscore-refused",
        "socks5-command-by-type",
        "socks5-atyp-by-command",
        /* longer, later, or with other credentials than theirs */
        "relay-early-cut",
        "relay-telnet",
        "place-name-loopback",
        "place-port-signed",
        "place-port-zero",
        "relay-early-end-closes",
        "relay-own-stays",
        "relay-late-bit-to-client",
        "relay-late-bit-to-target",
        "relay-deadline-kept",
        "relay-idle-ends",
        "relay-record-cut",
        "relay-half-close-short",
        "auth-password-first-ignored",
        "auth-password-last-ignored",
        "auth-user-last-ignored",
        "auth-password-sum",
        "auth-password-seven-bits",
        "auth-user-trimmed",
        "http-basic-nul-trimmed",
        "http-auth-only-ipv4",
        "http-auth-two-lines",
        "http-target-slash",
        "http-target-octet-wraps",
        "socks5-method-downgrade-among",
        "socks5-method-version-4-unasked",
        "socks5-method-version-4-bind-unasked",
        "socks5-atyp-low-bits",
        "auth-password-is-user",
        "auth-password-end",
    };
    const char *id = requirement_row(fault->proves[0])->id;

    for (size_t i = 0; i < LENGTH(names); i++) {
        if (strcmp(fault->name, names[i]) == 0)
            return true;
    }
    for (size_t i = 0; i < LENGTH(prefixes); i++) {
        if (strncmp(id, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    }
    return strncmp(fault->name, "far-", 4) == 0 ||
           strncmp(fault->name, "named-", 6) == 0 ||
           strncmp(fault->name, "rule-", 5) == 0 ||
           strncmp(fault->name, "digest-", 7) == 0 ||
           strncmp(fault->name, "forward-", 8) == 0 || fault->on_forward ||
           fault->on_associate || fault->on_datagram || fault->on_relay;
}

static bool shows(const struct fault *fault, size_t slot)
{
    for (size_t d = 0; d < dialogue_count; d++) {
        if (dialogues[d].is_auth == fault->needs_auth &&
            dialogue_concerns(&dialogues[d], fault) &&
            !outcome_is_same(&reference[fault->needs_auth][slot][d],
                             &shown[slot][d]))
            return true;
    }
    return false;
}

/* Runs count faults, and leaves those that no dialogue shows. */
static size_t keep_hidden(const struct fault **faults, size_t count)
{
    size_t hidden = 0;

    for (size_t at = 0; at < count; at += STAGE_SLOTS) {
        struct stage_part parts[STAGE_SLOTS];
        size_t here = count - at < STAGE_SLOTS ? count - at : STAGE_SLOTS;

        for (size_t i = 0; i < here; i++)
            parts[i] = (struct stage_part){
                faults[at + i], faults[at + i]->needs_auth, shown[i]};
        stage_run(parts, here);
        for (size_t i = 0; i < here; i++) {
            if (!shows(parts[i].fault, i))
                faults[hidden++] = parts[i].fault;
        }
    }
    return hidden;
}

/* A fault that depends on what comes first may need more than one try. */
static void every_fault_shows(void **state)
{
    enum { TRIES = 3 };
    const struct fault **faults =
        calloc(fault_count(), sizeof(const struct fault *));
    size_t count = 0;

    (void)state;
    assert_non_null(faults);
    for (size_t i = 0; i < fault_count(); i++) {
        if (!is_unseen(fault_at(i)) && !speaks_otherwise(fault_at(i)))
            faults[count++] = fault_at(i);
    }
    for (int tries = 0; tries < TRIES && count; tries++)
        count = keep_hidden(faults, count);
    for (size_t i = 0; i < count; i++)
        print_error("%s: no dialogue shows it\n", faults[i]->name);
    free(faults);
    assert_int_equal(count, 0);
}

static struct session *begin(struct fault_memory *m,
                             enum session_protocol protocol)
{
    m->config.protocol = protocol;
    return session_init(malloc(session_size(protocol)), &m->config, 0);
}

/* Many clients in the middle of a message, one with all of it; then some
 * leave. */
static void slow_clients_block(struct fault_memory *m, const char *name,
                               enum session_protocol protocol,
                               struct px_bytes first, struct px_bytes all)
{
    enum { SLOW = 20 };
    struct event part = {.kind = EVENT_CLIENT_DATA, .data = first};
    struct event whole = {.kind = EVENT_CLIENT_DATA, .data = all};
    struct event gone = {.kind = EVENT_CLIENT_END};
    fault_event_fn *on_event = fault_by_name(name)->on_event;
    struct session *session = begin(m, protocol);
    uint64_t shared[FAULT_SHARED_MAX] = {0};

    m->session = session;
    m->shared = shared;
    for (int i = 0; i < SLOW; i++) {
        m->count[0] = 0;
        assert_int_equal(on_event(m, &part), FAULT_PASS);
    }
    m->count[0] = 0;
    assert_int_equal(on_event(m, &whole), FAULT_HANG);
    for (int i = 0; i < SLOW; i++) {
        m->count[0] = 1;
        assert_int_equal(on_event(m, &gone), FAULT_PASS);
    }
    m->count[0] = 0;
    assert_int_equal(on_event(m, &whole), FAULT_PASS);
    free(session);
}

static bool anybody(const void *ctx, struct px_bytes user,
                    struct px_bytes password)
{
    (void)ctx;
    (void)user;
    (void)password;
    return true;
}

static void drain(struct session *session)
{
    struct action action;

    while (session_next(session, &action))
        ;
}

/* Right credentials, as the session sees them behind those of another. */
static void longer_name_stays(struct fault_memory *m)
{
    static const char *const tries[] = {"\1\3abc\1x", "\1\2ab\1x", "\1\2ab\1x"};
    static const bool is_changed[] = {false, true, false};
    const struct fault *fault = fault_by_name("auth-stale-octets");
    struct session *session;
    struct event greeting = {.kind = EVENT_CLIENT_DATA,
                             .data = PX_LITERAL("\5\1\2")};
    uint64_t shared[FAULT_SHARED_MAX] = {0};

    m->config.verify = anybody;
    session = begin(m, SESSION_SOCKS);
    drain(session);
    session_handle(session, &greeting, 0);
    drain(session);
    m->session = session;
    m->shared = shared;
    m->user = "ab";
    for (size_t i = 0; i < LENGTH(tries); i++) {
        size_t len = strlen(tries[i]);
        struct event event = {.kind = EVENT_CLIENT_DATA,
                              .data = px_bytes_of(m->in, len)};

        memcpy(m->in, tries[i], len);
        assert_int_equal(fault->on_message(m, &event), FAULT_PASS);
        assert_int_equal(memcmp(m->in, tries[i], len) != 0, is_changed[i]);
    }
    free(session);
}

static void unseen_faults_act(void **state)
{
    struct fault_memory *m = calloc(1, sizeof(*m));

    (void)state;
    assert_non_null(m);
    slow_clients_block(m, "http-slow-blocks", SESSION_HTTP,
                       PX_LITERAL("CONNECT"),
                       PX_LITERAL("CONNECT a:1 HTTP/1.1\r\n\r\n"));
    slow_clients_block(m, "socks5-silent-blocks", SESSION_SOCKS,
                       PX_LITERAL("\5"), PX_LITERAL("\5\1\0"));
    longer_name_stays(m);
    free(m);
}

static bool is_name(const char *name)
{
    return *name && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") ==
                        strlen(name);
}

static bool is_provable(enum requirement req)
{
    const struct requirement_row *row = requirement_row(req);

    return row->role != ROLE_CLIENT &&
           (row->testability == SEEN_ACTIVE || row->testability == SEEN_BOTH);
}

static void registry_is_sound(void **state)
{
    (void)state;
    for (size_t i = 0; i < fault_count(); i++) {
        const struct fault *fault = fault_at(i);

        assert_true(is_name(fault->name));
        assert_ptr_equal(fault_by_name(fault->name), fault); /* unique */
        assert_true(fault->summary && *fault->summary);
        assert_true(fault->configure || fault->on_event || fault->on_message ||
                    fault->on_socks4 || fault->on_action ||
                    fault->on_associate || fault->on_datagram ||
                    fault->on_relay || fault->on_forward);
        assert_int_not_equal(fault->proves[0], REQ_NONE);
        assert_int_equal(fault->proves[FAULT_PROVES_MAX - 1], REQ_NONE);
        for (size_t k = 0; fault->proves[k] != REQ_NONE; k++)
            assert_true(is_provable(fault->proves[k]));
    }
    assert_null(fault_by_name("no-such-fault"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registry_is_sound),
        cmocka_unit_test(reference_repeats),
        cmocka_unit_test(every_fault_shows),
        cmocka_unit_test(unseen_faults_act),
    };

    return cmocka_run_group_tests(tests, stage_setup, stage_teardown);
}
