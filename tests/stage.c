#include "stage.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ADDR_BASE = 100,
    BACKLOG = 4096,
    TICK_MS = 20,
    /* Ticks without anything received or sent: by then what was sent last has
     * been read, and no fault has anything more in store. */
    PAUSE_TICKS = 3,
    QUIET_TICKS = 14,
    TICKS_MAX = 3000, /* only what hangs gets there, on the busiest machine */
    STRAY_MAX = 256,
    REPLIES_MAX = 32, /* method selection, RFC 1929's response, and the reply */
};

struct peer {
    uv_tcp_t tcp;
    uv_connect_t connect;
    uv_shutdown_t shutdown;
    struct talk *talk; /* NULL: a target that no dialogue is known of */
    bool is_target;
    bool has_answered; /* a target's one answer is out */
};

struct talk {
    const struct dialogue *dialogue;
    struct dialogue_place place;
    struct outcome *outcome;
    struct peer *client;
    size_t step;        /* the next one */
    bool has_heard;     /* something came since the one before */
    bool is_paused;     /* and a pause is over */
    uint16_t seen_port; /* from which the proxy came to the target */
};

struct batch {
    struct server *server;
    struct talk talks[STAGE_DIALOGUES_MAX];
};

/* One for all tests, since targets keep their ports. */
static struct stage {
    uv_loop_t loop;
    uv_tcp_t listener4, listener6;
    uv_tcp_t closed; /* bound, and not listening */
    uint16_t port, closed_port;
    uv_timer_t tick;
    unsigned ticks, quiet_ticks;
    size_t started, count; /* batches that run, and that are to run */
    const struct stage_part *parts;
    bool is_over; /* nothing is noted any more */
    struct batch batches[STAGE_SLOTS];
    uint16_t strays[STRAY_MAX]; /* ports of connections to unknown targets */
    size_t stray_count;
    uint8_t octets[DIALOGUE_OCTETS_MAX];
    uint8_t buffer[65536];
} * stage;

static void note(struct trace *trace, const uint8_t *data, size_t len)
{
    if (!trace->len)
        trace->hash = 0xcbf29ce484222325;
    for (size_t i = 0; i < len; i++) {
        if (trace->len < TRACE_HEAD_MAX)
            trace->head[trace->len] = data[i];
        else
            trace->hash = (trace->hash ^ data[i]) * 0x100000001b3;
        trace->len++;
    }
    stage->quiet_ticks = 0;
}

static void free_peer(uv_handle_t *handle)
{
    free(handle->data);
}

static void close_peer(struct peer *p)
{
    if (!uv_is_closing((uv_handle_t *)&p->tcp))
        uv_close((uv_handle_t *)&p->tcp, free_peer);
    if (p->talk && p->talk->client == p)
        p->talk->client = NULL;
}

static void reset_peer(struct peer *p)
{
    if (p->talk && p->talk->client == p)
        p->talk->client = NULL;
    if (uv_tcp_close_reset(&p->tcp, free_peer) != 0)
        close_peer(p);
}

static void on_written(uv_write_t *req, int status)
{
    (void)status;
    free(req);
}

static void send_to(struct peer *p, const void *data, size_t len)
{
    uv_write_t *req = malloc(sizeof(*req) + len);
    uv_buf_t buf;

    assert_non_null(req);
    memcpy(req + 1, data, len);
    buf = uv_buf_init((char *)(req + 1), (unsigned)len);
    if (uv_write(req, (uv_stream_t *)&p->tcp, &buf, 1, on_written) != 0)
        free(req);
    stage->quiet_ticks = 0;
}

static void on_shut(uv_shutdown_t *req, int status)
{
    (void)req;
    (void)status;
}

static void shut(struct peer *p)
{
    (void)uv_shutdown(&p->shutdown, (uv_stream_t *)&p->tcp, on_shut);
}

static void take_step(struct talk *t, const struct dialogue_step *step)
{
    size_t len;

    switch (step->what) {
    case STEP_SEND:
        len = dialogue_expand(step->octets, &t->place, stage->octets);
        send_to(t->client, stage->octets, len);
        break;
    case STEP_SHUT:
        shut(t->client);
        break;
    case STEP_RESET:
        reset_peer(t->client);
        break;
    }
}

static bool is_due(const struct talk *t, const struct dialogue_step *step)
{
    if (!t->client || step->when == STEP_NONE)
        return false;
    if (step->when == STEP_REPLY)
        return t->has_heard;
    return step->when == STEP_NOW || t->is_paused;
}

static void take_steps(struct talk *t)
{
    while (t->step < DIALOGUE_STEPS_MAX) {
        const struct dialogue_step *step = &t->dialogue->steps[t->step];

        if (!is_due(t, step))
            return;
        t->step++;
        t->has_heard = t->is_paused = false;
        take_step(t, step);
    }
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    (void)handle;
    (void)suggested;
    *buf = uv_buf_init((char *)stage->buffer, sizeof(stage->buffer));
}

static void answer(struct peer *p, const uint8_t *data, size_t len)
{
    static uint8_t burst[128 * 1024];
    unsigned habits = p->talk ? p->talk->dialogue->habits : 0;

    if (habits & TARGET_RESETS) {
        reset_peer(p);
    } else if (habits & TARGET_BURST) {
        for (size_t i = 0; i < sizeof(burst); i++)
            burst[i] = (uint8_t)(i ^ (i >> 8));
        if (!p->has_answered)
            send_to(p, burst, sizeof(burst));
        p->has_answered = true;
        shut(p);
    } else if (!(habits & (TARGET_WAITS | TARGET_ENDS))) {
        send_to(p, data, len);
    }
}

static void end_target(struct peer *p)
{
    if (p->talk && (p->talk->dialogue->habits & TARGET_WAITS))
        send_to(p, "answer", 6);
    shut(p);
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
    struct peer *p = stream->data;
    struct talk *t = p->talk;
    struct trace *trace = NULL;

    if (t && !stage->is_over)
        trace = p->is_target ? &t->outcome->target : &t->outcome->client;
    if (got > 0) {
        if (trace)
            note(trace, (const uint8_t *)buf->base, (size_t)got);
        if (stage->is_over) {
            return;
        } else if (p->is_target) {
            answer(p, (const uint8_t *)buf->base, (size_t)got);
        } else if (t) {
            t->has_heard = true;
            take_steps(t);
        }
    } else if (got < 0) {
        if (trace)
            trace->end = got == UV_EOF ? ENDED : BROKEN;
        stage->quiet_ticks = 0;
        uv_read_stop(stream);
        if (p->is_target && got == UV_EOF)
            end_target(p);
    }
}

static struct peer *new_peer(struct talk *talk)
{
    struct peer *p = calloc(1, sizeof(*p));

    assert_non_null(p);
    uv_tcp_init(&stage->loop, &p->tcp);
    p->tcp.data = p;
    p->talk = talk;
    return p;
}

static uint16_t port_of(const struct sockaddr_storage *address)
{
    return address->ss_family == AF_INET6
               ? ntohs(((const struct sockaddr_in6 *)address)->sin6_port)
               : ntohs(((const struct sockaddr_in *)address)->sin_port);
}

/* The talk whose target is the address that this connection came to. */
static struct talk *talk_of(const struct sockaddr_storage *address)
{
    const uint8_t *addr =
        (const uint8_t *)&((const struct sockaddr_in *)address)->sin_addr;
    struct talk *t;

    if (address->ss_family != AF_INET || addr[1] < ADDR_BASE ||
        addr[1] >= ADDR_BASE + STAGE_SLOTS || addr[2] < ADDR_BASE)
        return NULL;
    t = &stage->batches[addr[1] - ADDR_BASE].talks[addr[2] - ADDR_BASE];
    return t->dialogue ? t : NULL;
}

static void on_contact(uv_stream_t *listener, int status)
{
    struct sockaddr_storage here, there;
    int here_len = sizeof(here), there_len = sizeof(there);
    struct peer *p = new_peer(NULL);
    struct talk *t;

    p->is_target = true;
    if (status != 0 || uv_accept(listener, (uv_stream_t *)&p->tcp) != 0 ||
        uv_tcp_getsockname(&p->tcp, (struct sockaddr *)&here, &here_len) ||
        uv_tcp_getpeername(&p->tcp, (struct sockaddr *)&there, &there_len)) {
        close_peer(p);
        return;
    }
    t = p->talk = talk_of(&here);
    if (t) {
        t->outcome->target.contacts++;
        t->seen_port = port_of(&there);
    } else if (stage->stray_count < STRAY_MAX) {
        stage->strays[stage->stray_count++] = port_of(&there);
    }
    if (t && (t->dialogue->habits & TARGET_BANNER))
        send_to(p, "banner", 6);
    if (t && (t->dialogue->habits & TARGET_ENDS)) {
        send_to(p, "bye", 3);
        shut(p);
    }
    uv_read_start((uv_stream_t *)&p->tcp, on_alloc, on_read);
}

static void on_connected(uv_connect_t *req, int status)
{
    struct peer *p = req->data;

    if (status != 0 || !p->talk->client)
        return;
    uv_tcp_nodelay(&p->tcp, 1);
    uv_read_start((uv_stream_t *)&p->tcp, on_alloc, on_read);
    take_steps(p->talk);
}

static struct sockaddr_storage loopback(uint16_t port)
{
    struct sockaddr_storage address = {0};

    (void)uv_ip4_addr("127.0.0.1", port, (struct sockaddr_in *)&address);
    return address;
}

static void start_talk(struct batch *b, size_t slot, size_t number,
                       struct outcome *outcome)
{
    const struct dialogue *d = &dialogues[number];
    struct talk *t = &b->talks[number];
    struct sockaddr_storage to =
        loopback(d->protocol == SPEAKS_SOCKS ? server_socks_port(b->server)
                                             : server_http_port(b->server));

    memset(outcome, 0, sizeof(*outcome));
    *t = (struct talk){
        .dialogue = d,
        .place = {.addr = {127, (uint8_t)(ADDR_BASE + slot),
                           (uint8_t)(ADDR_BASE + number), ADDR_BASE},
                  .port = stage->port,
                  .closed_port = stage->closed_port},
        .outcome = outcome,
        .client = new_peer(t),
    };
    t->client->connect.data = t->client;
    assert_int_equal(uv_tcp_connect(&t->client->connect, &t->client->tcp,
                                    (struct sockaddr *)&to, on_connected),
                     0);
}

bool dialogue_concerns(const struct dialogue *d, const struct fault *fault)
{
    bool is_socks_only = fault && (strncmp(fault->name, "socks5-", 7) == 0 ||
                                   strncmp(fault->name, "userpass-", 9) == 0);
    bool is_http_only = fault && (strncmp(fault->name, "http-", 5) == 0 ||
                                  strncmp(fault->name, "forward-", 8) == 0);

    return d->protocol == SPEAKS_SOCKS ? !is_http_only : !is_socks_only;
}

static void start_batch(size_t slot)
{
    const struct stage_part *part = &stage->parts[slot];
    struct batch *b = &stage->batches[slot];
    struct server_config config = {
        .socks = loopback(0),
        .http = loopback(0),
        .user = part->is_auth ? DIALOGUE_USER : NULL,
        .password = part->is_auth ? DIALOGUE_PASSWORD : NULL,
        .fault = part->fault,
        .has_no_forward = true, /* tests/server/forward_test.c has that */
    };
    struct px_error err;

    b->server = server_new(&stage->loop, &config, &err);
    assert_non_null(b->server);
    for (size_t i = 0; i < dialogue_count; i++) {
        if (dialogues[i].is_auth == part->is_auth &&
            dialogue_concerns(&dialogues[i], part->fault))
            start_talk(b, slot, i, &part->outcomes[i]);
    }
}

static void end_pauses(void)
{
    for (size_t i = 0; i < (size_t)STAGE_SLOTS * STAGE_DIALOGUES_MAX; i++) {
        struct talk *t = &stage->batches[i / STAGE_DIALOGUES_MAX]
                              .talks[i % STAGE_DIALOGUES_MAX];

        if (t->dialogue) {
            t->is_paused = true;
            take_steps(t);
        }
    }
}

/* Two batches a tick, so that no turn of the loop takes long. */
static void on_tick(uv_timer_t *timer)
{
    (void)timer;
    stage->ticks++;
    for (int i = 0; i < 2 && stage->started < stage->count; i++) {
        start_batch(stage->started++);
        stage->quiet_ticks = 0;
    }
    if (++stage->quiet_ticks == PAUSE_TICKS)
        end_pauses();
}

static void run_until_quiet(void)
{
    stage->ticks = stage->quiet_ticks = 0;
    uv_timer_start(&stage->tick, on_tick, TICK_MS, TICK_MS);
    while (stage->quiet_ticks < QUIET_TICKS && stage->ticks < TICKS_MAX)
        uv_run(&stage->loop, UV_RUN_ONCE);
    uv_timer_stop(&stage->tick);
}

static bool is_of_stage(const uv_handle_t *handle)
{
    return handle == (uv_handle_t *)&stage->listener4 ||
           handle == (uv_handle_t *)&stage->listener6 ||
           handle == (uv_handle_t *)&stage->closed ||
           handle == (uv_handle_t *)&stage->tick;
}

/* What is left once the servers are closed: clients and targets. */
static void close_handle(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (is_of_stage(handle) || uv_is_closing(handle))
        return;
    uv_close(handle, free_peer);
}

static void count_handle(uv_handle_t *handle, void *arg)
{
    size_t *left = arg;

    *left += !is_of_stage(handle);
}

static void end_batches(size_t count)
{
    size_t left = 1;

    for (size_t i = 0; i < count; i++)
        server_close(stage->batches[i].server);
    for (int turns = 0; turns < 1000 && left; turns++) {
        uv_run(&stage->loop, UV_RUN_NOWAIT);
        left = 0;
        uv_walk(&stage->loop, count_handle, &left);
        if (turns == 20)
            uv_walk(&stage->loop, close_handle, NULL);
    }
    assert_int_equal(left, 0);
    memset(stage->batches, 0, sizeof(stage->batches));
}

/*
 * The port that the system chose for the proxy says nothing. Behind the replies
 * the same two octets are the target's, and one run's port is not another's.
 */
static void mask(struct trace *trace, uint16_t port)
{
    size_t len = trace->len < REPLIES_MAX ? trace->len : REPLIES_MAX;

    for (size_t i = 0; port && i + 1 < len; i++) {
        if (trace->head[i] == port >> 8 && trace->head[i + 1] == (port & 0xFF))
            trace->head[i] = trace->head[i + 1] = 'P';
    }
}

static void mask_ports(size_t slot)
{
    for (size_t i = 0; i < dialogue_count; i++) {
        struct talk *t = &stage->batches[slot].talks[i];

        if (!t->dialogue)
            continue;
        mask(&t->outcome->client, t->seen_port);
        for (size_t k = 0; !t->seen_port && k < stage->stray_count; k++)
            mask(&t->outcome->client, stage->strays[k]);
    }
}

void stage_run(const struct stage_part *parts, size_t count)
{
    assert_true(count <= STAGE_SLOTS);
    stage->parts = parts;
    stage->count = count;
    stage->stray_count = stage->started = 0;
    stage->is_over = false;
    run_until_quiet();
    stage->is_over = true;
    for (size_t i = 0; i < count; i++)
        mask_ports(i);
    end_batches(count);
}

static bool is_same_trace(const struct trace *a, const struct trace *b)
{
    size_t len = a->len < TRACE_HEAD_MAX ? a->len : TRACE_HEAD_MAX;

    return a->len == b->len && a->contacts == b->contacts && a->end == b->end &&
           memcmp(a->head, b->head, len) == 0 &&
           (a->len <= TRACE_HEAD_MAX || a->hash == b->hash);
}

bool outcome_is_same(const struct outcome *a, const struct outcome *b)
{
    return is_same_trace(&a->client, &b->client) &&
           is_same_trace(&a->target, &b->target);
}

static uint16_t listen_at(uv_tcp_t *tcp, const char *address, uint16_t port)
{
    struct sockaddr_storage at = {0};
    int len = sizeof(at);

    uv_tcp_init(&stage->loop, tcp);
    if (uv_ip4_addr(address, port, (struct sockaddr_in *)&at) != 0)
        (void)uv_ip6_addr(address, port, (struct sockaddr_in6 *)&at);
    if (uv_tcp_bind(tcp, (struct sockaddr *)&at, 0) != 0 ||
        uv_tcp_getsockname(tcp, (struct sockaddr *)&at, &len) != 0)
        return 0;
    return port_of(&at);
}

/* A free port whose octets differ, so that it shows when they are swapped. */
static uint16_t lopsided_port(void)
{
    uint16_t port = 0;

    while (port >> 8 == (port & 0xFF)) {
        struct sockaddr_in at = {.sin_family = AF_INET};
        socklen_t len = sizeof(at);
        int fd = socket(AF_INET, SOCK_STREAM, 0);

        assert_int_equal(bind(fd, (struct sockaddr *)&at, len), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
        port = ntohs(at.sin_port);
        close(fd);
    }
    return port;
}

/* One file descriptor for each end of each connection of a batch. */
static void allow_files(void)
{
    struct rlimit files;

    (void)signal(SIGPIPE, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &files), 0);
    files.rlim_cur = files.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &files), 0);
}

int stage_setup(void **state)
{
    (void)state;
    allow_files();
    stage = calloc(1, sizeof(*stage));
    assert_non_null(stage);
    assert_true(dialogue_count <= STAGE_DIALOGUES_MAX);
    assert_int_equal(uv_loop_init(&stage->loop), 0);
    uv_timer_init(&stage->loop, &stage->tick);
    stage->port = listen_at(&stage->listener4, "0.0.0.0", lopsided_port());
    (void)listen_at(&stage->listener6, "::1", stage->port);
    stage->closed_port = listen_at(&stage->closed, "0.0.0.0", 0);
    assert_int_equal(
        uv_listen((uv_stream_t *)&stage->listener4, BACKLOG, on_contact), 0);
    (void)uv_listen((uv_stream_t *)&stage->listener6, BACKLOG, on_contact);
    return 0;
}

int stage_teardown(void **state)
{
    (void)state;
    uv_close((uv_handle_t *)&stage->listener4, NULL);
    uv_close((uv_handle_t *)&stage->listener6, NULL);
    uv_close((uv_handle_t *)&stage->closed, NULL);
    uv_close((uv_handle_t *)&stage->tick, NULL);
    uv_run(&stage->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&stage->loop), 0);
    free(stage);
    return 0;
}
