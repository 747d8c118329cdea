/*
 * Faults that only crowds show: what ended connections leave behind, and who
 * is kept waiting by others. They are meant for a process of their own.
 */

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "faults/faults.h"

static void leak_descriptor(struct fault_memory *m)
{
    (void)m;
    if (dup(STDERR_FILENO) < 0)
        return; /* nothing is left to lose */
}

/* Touched, so that it is there. */
static void leak_memory(struct fault_memory *m)
{
    enum { OCTETS = 64 * 1024 };
    void *memory = mmap(NULL, OCTETS, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)m;
    if (memory != MAP_FAILED)
        memset(memory, 1, OCTETS);
}

static void *wait_for_ever(void *unused)
{
    (void)unused;
    for (;;)
        (void)pause();
    return NULL;
}

static void leak_thread(struct fault_memory *m)
{
    enum { STACK = 64 * 1024 };
    pthread_attr_t attributes;
    pthread_t thread;

    (void)m;
    if (pthread_attr_init(&attributes) != 0)
        return;
    (void)pthread_attr_setstacksize(&attributes, STACK);
    (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    (void)pthread_create(&thread, &attributes, wait_for_ever, NULL);
    (void)pthread_attr_destroy(&attributes);
}

static bool is_leaving(const struct event *event)
{
    return event->kind == EVENT_CLIENT_END || event->kind == EVENT_CLIENT_RESET;
}

static enum fault_verdict keep_socket(struct fault_memory *m,
                                      struct event *event)
{
    (void)m;
    return is_leaving(event) ? FAULT_HANG : FAULT_PASS;
}

static enum fault_verdict leak_refused(struct fault_memory *m,
                                       struct event *event)
{
    if (event->kind == EVENT_DIAL_FAILED)
        leak_descriptor(m);
    return FAULT_PASS;
}

static enum fault_verdict leak_ended(struct fault_memory *m,
                                     struct event *event)
{
    if (event->kind == EVENT_UPSTREAM_END ||
        event->kind == EVENT_UPSTREAM_RESET)
        leak_descriptor(m);
    return FAULT_PASS;
}

static enum fault_verdict leak_wrong(struct fault_memory *m,
                                     struct action *action)
{
    enum { STATUS = 1 };

    if (faults_sends(action, MESSAGE_USERPASS_STATUS) &&
        action->send.data.data[STATUS])
        leak_descriptor(m);
    return FAULT_PASS;
}

static bool is_in_handshake(const struct fault_memory *m)
{
    enum session_state state = session_state(m->session);

    return state == SESSION_GREETING || state == SESSION_AUTH ||
           state == SESSION_REQUEST;
}

/* shared[0]: somebody is in the middle of a handshake; count[0]: this one. */
static enum fault_verdict serve_one(struct fault_memory *m, struct event *event)
{
    if (is_leaving(event) || !is_in_handshake(m)) {
        m->shared[0] -= m->count[0];
        m->count[0] = 0;
    } else if (!m->count[0]) {
        if (m->shared[0])
            return FAULT_HANG;
        m->shared[0] = m->count[0] = 1;
    }
    return FAULT_PASS;
}

/* shared[0] counts the handshakes that clients gave up. */
static enum fault_verdict hang_after_many(struct fault_memory *m,
                                          struct event *event)
{
    enum { MANY = 40 };

    if (m->shared[0] >= MANY)
        return FAULT_HANG;
    if (is_leaving(event) && is_in_handshake(m))
        m->shared[0]++;
    return FAULT_PASS;
}

static const struct fault faults[] = {
    {
        .name = "robust-descriptor-leak",
        .summary = "loses a descriptor with every connection",
        .proves = {REQ_ROBUST_CROWD_RELEASED},
        .configure = leak_descriptor,
    },
    {
        .name = "robust-memory-leak",
        .summary = "loses 64 KiB with every connection",
        .proves = {REQ_ROBUST_CROWD_RELEASED},
        .configure = leak_memory,
    },
    {
        .name = "robust-thread-leak",
        .summary = "starts a thread for every connection that never ends",
        .proves = {REQ_ROBUST_CROWD_RELEASED},
        .configure = leak_thread,
    },
    {
        .name = "robust-socket-kept",
        .summary = "keeps the sockets of clients that have left",
        .proves = {REQ_ROBUST_CROWD_RELEASED},
        .on_event = keep_socket,
    },
    {
        .name = "robust-refused-leak",
        .summary = "loses a descriptor with every connection that a target "
                   "refuses",
        .proves = {REQ_ROBUST_CROWD_RELEASED},
        .on_event = leak_refused,
    },
    {
        .name = "robust-ended-leak",
        .summary = "loses a descriptor with every tunnel that its target ends",
        .proves = {REQ_ROBUST_CROWD_RELEASED},
        .on_event = leak_ended,
    },
    {
        .name = "robust-wrong-leak",
        .summary = "loses a descriptor with every client whose credentials are "
                   "wrong",
        .proves = {REQ_ROBUST_CROWD_RELEASED},
        .needs_auth = true,
        .on_action = leak_wrong,
    },
    {
        .name = "robust-one-at-a-time",
        .summary = "serves nobody while one client is in its handshake",
        .proves = {REQ_ROBUST_CROWD_SERVED},
        .on_event = serve_one,
    },
    {
        .name = "robust-hang-after-many",
        .summary = "serves nobody any more once 40 clients gave up their "
                   "handshake",
        .proves = {REQ_ROBUST_CROWD_SURVIVED},
        .on_event = hang_after_many,
    },
};

const struct fault_theme robust_faults = FAULT_THEME(faults);
