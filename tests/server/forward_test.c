/*
 * A client, the server and an origin on the loopback: what each gets when
 * requests are forwarded, and that neither side is read faster than the other
 * takes. Every fault of forwarding is seen in an exchange of its own.
 */

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "rows.h"
#include "server.h"

enum {
    SEEN_MAX = 16384,
    TICK_MS = 5,
    QUIET_TICKS = 12, /* nothing happened for so long: all is over */
    FLOOD = 32 * 1024 * 1024,
    HELD_MAX = 16 * 1024 * 1024, /* in all queues and buffers together */
};

struct side {
    uv_tcp_t tcp;
    uv_write_t write;
    uv_shutdown_t shutdown;
    bool is_open;
    bool is_reading;
    char seen[SEEN_MAX + 1]; /* what came, and a zero */
    size_t len;
};

struct stage {
    uv_loop_t loop;
    uv_timer_t tick;
    uv_tcp_t listener;
    struct server *server;
    struct side client, origin;
    unsigned contacts;
    unsigned quiet_ticks;
    const char *response; /* '#' is how many requests came */
    bool ends;            /* the origin closes behind its response */
    unsigned answered;
    char sent[SEEN_MAX]; /* by the origin */
    char request[SEEN_MAX];
};

static struct stage *stage;
static char *flood;

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    static char octets[65536];

    (void)handle;
    (void)suggested;
    *buf = uv_buf_init(octets, sizeof(octets));
}

static void on_written(uv_write_t *req, int status)
{
    (void)req;
    (void)status;
    stage->quiet_ticks = 0;
}

static void send_octets(struct side *s, const char *octets, size_t len)
{
    uv_buf_t buf = uv_buf_init((char *)octets, (unsigned)len);

    assert_int_equal(
        uv_write(&s->write, (uv_stream_t *)&s->tcp, &buf, 1, on_written), 0);
}

/* Heads of requests that the origin has got so far. */
static unsigned requests_seen(void)
{
    unsigned count = 0;

    for (const char *at = stage->origin.seen;
         (at = strstr(at, "\r\n\r\n")) != NULL; at += 4)
        count++;
    return count;
}

static void answer(void)
{
    size_t len = strlen(stage->response);

    if (requests_seen() <= stage->answered)
        return;
    stage->answered++;
    for (size_t i = 0; i < len; i++)
        stage->sent[i] = stage->response[i] == '#'
                             ? (char)('0' + stage->answered)
                             : stage->response[i];
    send_octets(&stage->origin, stage->sent, len);
    if (stage->ends)
        (void)uv_shutdown(&stage->origin.shutdown,
                          (uv_stream_t *)&stage->origin.tcp, NULL);
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
    struct side *s = stream->data;

    stage->quiet_ticks = 0;
    if (got < 0) {
        uv_read_stop(stream);
        return;
    }
    for (ssize_t i = 0; i < got && s->len < SEEN_MAX; i++)
        s->seen[s->len++] = buf->base[i];
    if (s == &stage->origin && stage->response)
        answer();
}

static void open_side(struct side *s)
{
    uv_tcp_init(&stage->loop, &s->tcp);
    s->tcp.data = s;
    s->is_open = true;
}

static void close_side(struct side *s)
{
    if (s->is_open)
        uv_close((uv_handle_t *)&s->tcp, NULL);
    s->is_open = false;
}

static void on_contact(uv_stream_t *listener, int status)
{
    struct side *s = &stage->origin;

    assert_int_equal(status, 0);
    stage->contacts++;
    if (s->is_open)
        return; /* one at a time is enough here */
    open_side(s);
    assert_int_equal(uv_accept(listener, (uv_stream_t *)&s->tcp), 0);
    if (s->is_reading)
        uv_read_start((uv_stream_t *)&s->tcp, on_alloc, on_read);
    else
        send_octets(s, flood, FLOOD);
}

static void on_connected(uv_connect_t *req, int status)
{
    assert_int_equal(status, 0);
    if (stage->client.is_reading)
        uv_read_start(req->handle, on_alloc, on_read);
    send_octets(&stage->client, stage->request, strlen(stage->request));
}

static void on_tick(uv_timer_t *timer)
{
    if (++stage->quiet_ticks >= QUIET_TICKS)
        uv_timer_stop(timer);
}

static uint16_t listen_origin(void)
{
    struct sockaddr_in at;
    int len = sizeof(at);

    uv_tcp_init(&stage->loop, &stage->listener);
    assert_int_equal(uv_ip4_addr("127.0.0.1", 0, &at), 0);
    assert_int_equal(uv_tcp_bind(&stage->listener, (struct sockaddr *)&at, 0),
                     0);
    assert_int_equal(uv_listen((uv_stream_t *)&stage->listener, 8, on_contact),
                     0);
    assert_int_equal(
        uv_tcp_getsockname(&stage->listener, (struct sockaddr *)&at, &len), 0);
    return ntohs(at.sin_port);
}

static void start(const char *fault)
{
    struct server_config config = {
        .fault = fault ? fault_by_name(fault) : NULL,
        .pseudonym = "proxy",
    };
    struct px_error err;

    stage = calloc(1, sizeof(*stage));
    assert_non_null(stage);
    assert_true(!fault || config.fault);
    if (config.fault && config.fault->needs_auth) {
        config.user = "u";
        config.password = "p";
    }
    uv_loop_init(&stage->loop);
    uv_timer_init(&stage->loop, &stage->tick);
    uv_ip4_addr("127.0.0.1", 0, (struct sockaddr_in *)&config.http);
    stage->server = server_new(&stage->loop, &config, &err);
    assert_non_null(stage->server);
    stage->client.is_reading = stage->origin.is_reading = true;
}

/* Sends the request, in which '@' is the origin's port, until all is quiet. */
static void play(const char *request)
{
    uv_connect_t connect;
    struct sockaddr_in at;
    uint16_t port = listen_origin();
    size_t len = 0;

    for (; *request; request++)
        len += (size_t)snprintf(stage->request + len, SEEN_MAX - len,
                                *request == '@' ? "%u" : "%c",
                                *request == '@' ? port : (unsigned)*request);
    open_side(&stage->client);
    uv_ip4_addr("127.0.0.1", server_http_port(stage->server), &at);
    assert_int_equal(uv_tcp_connect(&connect, &stage->client.tcp,
                                    (struct sockaddr *)&at, on_connected),
                     0);
    uv_timer_start(&stage->tick, on_tick, TICK_MS, TICK_MS);
    while (uv_is_active((uv_handle_t *)&stage->tick))
        uv_run(&stage->loop, UV_RUN_ONCE);
}

static void stop(void)
{
    close_side(&stage->client);
    close_side(&stage->origin);
    uv_close((uv_handle_t *)&stage->listener, NULL);
    uv_close((uv_handle_t *)&stage->tick, NULL);
    server_close(stage->server);
    uv_run(&stage->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&stage->loop), 0);
    free(stage);
}

#define TARGET  "http://127.0.0.1:@/"
#define HOST    "Host: 127.0.0.1:@\r\n"
#define GET     "GET " TARGET " HTTP/1.1\r\n" HOST
#define POST    "POST " TARGET " HTTP/1.1\r\n" HOST
#define END     "\r\n"
#define OK      "HTTP/1.1 200 OK\r\n"
#define LEN_1   "Content-Length: 1\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"
#define RIGHT   "Proxy-Authorization: Basic dTpw\r\n"
#define PLAIN   OK LEN_1 END "#"
#define X100                                                                   \
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"                       \
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define LONG      OK "Content-Length: 601\r\n\r\n" X100 X100 X100 X100 X100 X100 "#"
#define AT_ORIGIN true
#define AT_CLIENT false

/* An exchange under a fault: whether text is seen at that side tells it from
 * the reference. */
struct fault_row {
    const char *name;
    const char *request;
    const char *response;
    bool ends;
    bool is_at_origin;
    const char *text;
};

static const struct fault_row fault_rows[] = {
    {"forward-absolute-form-onward", GET END, PLAIN, false, AT_ORIGIN,
     "GET http://127.0.0.1:"},
    {"forward-no-via", GET END, PLAIN, false, AT_ORIGIN, "Via: 1.1 proxy\r\n"},
    {"forward-keeps-connection", GET "Connection: X-A\r\nX-A: 1\r\n" END, PLAIN,
     false, AT_ORIGIN, "X-A: 1\r\n"},
    {"forward-keeps-proxy-authorization", GET RIGHT END, PLAIN, false,
     AT_ORIGIN, "Proxy-Authorization: "},
    {"forward-host-copied",
     "GET " TARGET " HTTP/1.1\r\nHost: elsewhere\r\n\r\n", PLAIN, false,
     AT_ORIGIN, "Host: elsewhere\r\n"},
    {"forward-version-copied", "GET " TARGET " HTTP/1.0\r\n\r\n", PLAIN, false,
     AT_ORIGIN, "GET / HTTP/1.0\r\n"},
    {"forward-max-forwards-kept",
     "TRACE " TARGET " HTTP/1.1\r\n" HOST "Max-Forwards: 5\r\n\r\n", PLAIN,
     false, AT_ORIGIN, "Max-Forwards: 5\r\n"},
    {"forward-drops-unknown-fields", GET "X-Unknown: 1\r\n" END, PLAIN, false,
     AT_ORIGIN, "X-Unknown: 1\r\n"},
    {"forward-no-via-response", GET END, PLAIN, false, AT_CLIENT,
     "Via: 1.1 proxy\r\n"},
    {"forward-drops-interim", GET END, "HTTP/1.1 103 Early\r\n\r\n" PLAIN,
     false, AT_CLIENT, "103 Early"},
    {"forward-drops-body-tail", GET END, LONG, false, AT_CLIENT, "xx1"},
    {"forward-completes-cut-response", GET END, OK CHUNKED END "3\r\na", true,
     AT_CLIENT, "\r\n0\r\n\r\n"},
    {"forward-joins-responses-out-of-order", GET END GET END, PLAIN, false,
     AT_CLIENT, "\r\n\r\n2HTTP/1.1 200"},
};

static bool shows(const struct fault_row *row, const char *fault)
{
    bool is_seen;

    start(fault);
    stage->response = row->response;
    stage->ends = row->ends;
    play(row->request);
    assert_int_equal(stage->contacts, 1);
    is_seen =
        strstr(row->is_at_origin ? stage->origin.seen : stage->client.seen,
               row->text) != NULL;
    stop();
    return is_seen;
}

static void check_fault(void **state)
{
    const struct fault_row *row = *state;

    assert_int_not_equal(shows(row, row->name), shows(row, NULL));
}

/* Nobody reads at the client: the origin has to wait with most of its body. */
static void client_is_slow(void **state)
{
    static const char head[] = OK "Content-Length: 33554432\r\n\r\n";
    size_t left;

    (void)state;
    memset(flood, 'x', FLOOD);
    memcpy(flood, head, sizeof(head) - 1);
    start(NULL);
    stage->client.is_reading = stage->origin.is_reading = false;
    play(GET END);
    left = uv_stream_get_write_queue_size((uv_stream_t *)&stage->origin.tcp);
    assert_true(left > FLOOD - HELD_MAX);
    uv_read_start((uv_stream_t *)&stage->client.tcp, on_alloc, on_read);
    stage->quiet_ticks = 0;
    uv_timer_start(&stage->tick, on_tick, TICK_MS, TICK_MS);
    while (uv_is_active((uv_handle_t *)&stage->tick))
        uv_run(&stage->loop, UV_RUN_ONCE);
    left = uv_stream_get_write_queue_size((uv_stream_t *)&stage->origin.tcp);
    assert_int_equal(left, 0);
    stop();
}

static void two_requests_share_a_connection(void **state)
{
    (void)state;
    start(NULL);
    stage->response = PLAIN;
    play(GET END GET END);
    assert_int_equal(stage->contacts, 1);
    assert_non_null(strstr(stage->client.seen, "\r\n\r\n1HTTP/1.1 200"));
    assert_non_null(strstr(stage->client.seen, "\r\n\r\n2"));
    assert_non_null(strstr(stage->client.seen, "\r\nDate: "));
    stop();
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_requests_share_a_connection),
        cmocka_unit_test(client_is_slow),
    };
    int failed;

    flood = malloc(FLOOD);
    failed = RUN_ROWS(fault_rows, check_fault) +
             cmocka_run_group_tests(tests, NULL, NULL);
    free(flood);
    return failed;
}
