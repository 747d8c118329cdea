#include "server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connection.h"
#include "endpoint.h"
#include "hash.h"
#include "relay_splice.h"
#include "spares.h"
#include "stream.h"
#include "tls.h"

enum {
    BACKLOG = 1024,
    DEFAULT_HANDSHAKE_MS = 10 * 1000,
    DEFAULT_DIAL_MS = 30 * 1000,
    DEFAULT_BIND_MS = 120 * 1000,
    DEFAULT_RESPONSE_MS = 30 * 1000,
    DEFAULT_STALL_MS = 30 * 1000,
    DEFAULT_NONCE_LIFE_MS = 5 * 60 * 1000,
    DIGEST_KEY_LEN = 32,
    RETRY_MS = 100, /* when memory was short for a connection */
};

struct listener {
    uv_tcp_t tcp; /* data points back here */
    struct server *server;
    struct session_config config;
    struct connection_context context;
    uint64_t fault_shared[FAULT_SHARED_MAX];
    bool is_waiting; /* a connection waits to be accepted later */
};

struct server {
    uv_loop_t *loop;
    struct listener socks;
    struct listener http;
    struct listener https;
    struct spares http_sessions;
    struct tls_context *tls;
    unsigned max_connections;
    unsigned connections;
    unsigned open_handles; /* listeners and retry; freed when these and
                              all connections are gone */
    uv_timer_t retry;      /* accepts what is waiting */
    bool is_closing;
    struct connection *head;
    struct splicer *splicer;
    char *user;
    char *password;
    char *identd_user;
    char *deny[ACCESS_RULES_MAX]; /* what the rules borrow from */
    struct access_rules access;
    char pseudonym[32];
    struct digest_config digest;
    struct digest_memory nonces;
    uint8_t digest_key[DIGEST_KEY_LEN];
    uint8_t buffer[CONNECTION_BUFFER];
};

static void free_if_gone(struct server *s)
{
    if (!s->is_closing || s->open_handles || s->connections)
        return;
    tls_context_free(s->tls);
    spares_free(&s->http_sessions);
    free(s->user);
    free(s->password);
    free(s->identd_user);
    for (size_t i = 0; i < s->access.count; i++)
        free(s->deny[i]);
    free(s);
}

/* The length of the comparison tells nothing about the secret's octets. */
static bool is_same(struct px_bytes got, const char *want)
{
    size_t len = strlen(want);
    uint8_t difference = got.len != len;

    for (size_t i = 0; i < got.len && i < len; i++)
        difference |= (uint8_t)(got.data[i] ^ (uint8_t)want[i]);
    return difference == 0;
}

static bool verify(const void *ctx, struct px_bytes user,
                   struct px_bytes password)
{
    const struct server *s = ctx;
    bool is_user = is_same(user, s->user);

    return is_same(password, s->password) && is_user;
}

/* A digest_password_fn. */
static bool find_password(const void *ctx, struct px_bytes user,
                          struct px_bytes *password)
{
    const struct server *s = ctx;

    *password = px_bytes_of(s->password, strlen(s->password));
    return is_same(user, s->user);
}

static void accept_next(struct listener *l);

static void accept_waiting(struct server *s)
{
    if (s->socks.is_waiting)
        accept_next(&s->socks);
    if (s->http.is_waiting)
        accept_next(&s->http);
    if (s->https.is_waiting)
        accept_next(&s->https);
}

static void on_retry(uv_timer_t *timer)
{
    accept_waiting(timer->data);
}

static void on_gone(void *ctx, struct connection *connection)
{
    struct server *s = ctx;

    connection_unlink(connection, &s->head);
    s->connections--;
    if (s->is_closing)
        free_if_gone(s);
    else
        accept_waiting(s);
}

/*
 * At the limit, or without memory, the connection is left waiting: libuv stops
 * polling the listener until it is accepted, which happens when another one has
 * ended or after a while. Without descriptors libuv itself drops connections,
 * so that they do not keep the loop busy.
 */
static void accept_next(struct listener *l)
{
    struct server *s = l->server;
    struct connection *connection;

    l->is_waiting = s->connections >= s->max_connections;
    if (l->is_waiting)
        return;
    connection = connection_accept((uv_stream_t *)&l->tcp, &l->context);
    if (!connection) {
        l->is_waiting = true;
        uv_timer_start(&s->retry, on_retry, RETRY_MS, 0);
        return;
    }
    s->connections++;
    connection_link(connection, &s->head);
}

static void on_connection(uv_stream_t *handle, int status)
{
    struct listener *l = handle->data;

    if (status == 0 && !l->server->is_closing)
        accept_next(l);
}

static void drop_handle(struct server *s)
{
    s->open_handles--;
    free_if_gone(s);
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct listener *l = handle->data;

    drop_handle(l->server);
}

static void on_retry_closed(uv_handle_t *handle)
{
    drop_handle(handle->data);
}

static int open_listener(struct server *s, struct listener *l,
                         const struct sockaddr_storage *address)
{
    int error = uv_tcp_init(s->loop, &l->tcp);

    if (error)
        return error;
    l->server = s;
    l->tcp.data = l;
    s->open_handles++;
    error = uv_tcp_bind(&l->tcp, (const struct sockaddr *)address, 0);
    if (!error) {
        stream_tune(&l->tcp);
        stream_keep_alive(&l->tcp);
        (void)uv_tcp_simultaneous_accepts(&l->tcp, 1);
        error = uv_listen((uv_stream_t *)&l->tcp, BACKLOG, on_connection);
    }
    return error;
}

/* What makes the loop's clock the time since 1970. */
static uint64_t unix_offset_ms(const uv_loop_t *loop)
{
    uv_timeval64_t now;

    if (uv_gettimeofday(&now) != 0 || now.tv_sec < 0)
        return 0;
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_usec / 1000 -
           uv_now(loop);
}

/* A name in Via that no other proxy bears: loops are known by it. */
static void choose_pseudonym(struct server *s, const char *wanted)
{
    uint8_t octets[6] = {0};

    if (wanted) {
        (void)snprintf(s->pseudonym, sizeof(s->pseudonym), "%s", wanted);
        return;
    }

    (void)uv_random(NULL, NULL, octets, sizeof(octets), 0, NULL);
    (void)snprintf(s->pseudonym, sizeof(s->pseudonym),
                   "proxyspec-%02x%02x%02x%02x%02x%02x", octets[0], octets[1],
                   octets[2], octets[3], octets[4], octets[5]);
}

static void set_context(struct server *s, struct listener *l,
                        enum session_protocol protocol,
                        const struct server_config *cfg)
{
    bool is_tor_port = cfg->is_tor_port && protocol == SESSION_SOCKS;

    l->config = (struct session_config){
        .protocol = protocol,
        .verify = s->user && !is_tor_port ? verify : NULL,
        .verify_ctx = s,
        .realm = "proxyspec",
        .digest = s->user && cfg->auth != SERVER_BASIC ? &s->digest : NULL,
        .has_no_basic = cfg->auth == SERVER_DIGEST,
        .has_no_udp = cfg->has_no_udp || is_tor_port,
        .has_no_bind = is_tor_port,
        .is_tor = cfg->is_tor || is_tor_port,
        .is_tor_port = is_tor_port,
        .identd_user = s->identd_user,
        .is_forwarding = !cfg->has_no_forward,
        .is_ftp_gateway = cfg->is_ftp_gateway,
        .pseudonym = s->pseudonym,
        .unix_offset_ms = unix_offset_ms(s->loop),
        .access = s->access.count ? &s->access : NULL,
        .handshake_timeout_ms = cfg->handshake_timeout_ms
                                    ? cfg->handshake_timeout_ms
                                    : DEFAULT_HANDSHAKE_MS,
        .dial_timeout_ms =
            cfg->dial_timeout_ms ? cfg->dial_timeout_ms : DEFAULT_DIAL_MS,
        .bind_timeout_ms =
            cfg->bind_timeout_ms ? cfg->bind_timeout_ms : DEFAULT_BIND_MS,
        .response_timeout_ms = cfg->response_timeout_ms
                                   ? cfg->response_timeout_ms
                                   : DEFAULT_RESPONSE_MS,
    };
    l->context = (struct connection_context){
        .loop = s->loop,
        .config = &l->config,
        .fault = cfg->fault,
        .fault_shared = l->fault_shared,
        .user = s->user,
        .password = s->password,
        .buffer = s->buffer,
        .spares = protocol == SESSION_HTTP ? &s->http_sessions : NULL,
        .splicer = s->splicer,
        .splice_from =
            cfg->splice_from ? cfg->splice_from : server_default_splice_from,
        .has_no_fragments = cfg->has_no_fragments,
        .stall_ms =
            cfg->stall_timeout_ms ? cfg->stall_timeout_ms : DEFAULT_STALL_MS,
        .on_gone = on_gone,
        .ctx = s,
    };
}

/* A copy that *out owns then; NULL stays NULL. */
static bool copy_text(const char *text, char **out)
{
    *out = text ? strdup(text) : NULL;
    return !text || *out;
}

static bool copy_texts(struct server *s, const struct server_config *cfg)
{
    const char *password = cfg->password ? cfg->password : "";

    return copy_text(cfg->user, &s->user) &&
           copy_text(cfg->user ? password : NULL, &s->password) &&
           copy_text(cfg->identd_user, &s->identd_user);
}

/* One rule more, which borrows from a copy of text. */
static bool add_rule(struct server *s, const char *text, struct px_error *err)
{
    size_t i = s->access.count;
    struct px_error why;

    s->deny[i] = strdup(text);
    if (!s->deny[i]) {
        (void)px_fail(err, UV_ENOMEM, "out of memory");
        return false;
    }
    s->access.count++;
    if (access_parse(px_bytes_of(s->deny[i], strlen(text)), &s->access.at[i],
                     &why))
        return true;
    (void)px_fail(err, 0, "'%.32s' is no rule: %s", text, why.detail);
    return false;
}

static bool read_rules(struct server *s, const struct server_config *cfg,
                       struct px_error *err)
{
    if (cfg->deny_count > ACCESS_RULES_MAX) {
        (void)px_fail(err, 0, "more than %d rules", ACCESS_RULES_MAX);
        return false;
    }
    for (size_t i = 0; i < cfg->deny_count; i++) {
        if (!add_rule(s, cfg->deny[i], err))
            return false;
    }
    return true;
}

static bool set_digest(struct server *s, const struct server_config *cfg)
{
    s->digest = (struct digest_config){
        .algorithms = cfg->digest_algorithms ? cfg->digest_algorithms
                                             : (1u << DIGEST_ALGORITHMS) - 1,
        .hash = hash_octets,
        .password = find_password,
        .password_ctx = s,
        .key = px_bytes_of(s->digest_key, sizeof(s->digest_key)),
        .opaque = PX_LITERAL("proxyspec"),
        .memory = &s->nonces,
        .nonce_life_ms = cfg->digest_nonce_life_ms ? cfg->digest_nonce_life_ms
                                                   : DEFAULT_NONCE_LIFE_MS,
    };
    return hash_random(s->digest_key, sizeof(s->digest_key));
}

/* What needs no loop yet. */
static bool prepare(struct server *s, const struct server_config *cfg,
                    struct px_error *err)
{
    if (copy_texts(s, cfg) && set_digest(s, cfg))
        return read_rules(s, cfg, err);
    (void)px_fail(err, UV_ENOMEM, "out of memory");
    return false;
}

static bool read_certificate(struct server *s, const struct server_config *cfg,
                             struct px_error *err)
{
    char why[sizeof(err->detail)];

    s->tls =
        tls_context_server(cfg->cert_file, cfg->key_file, why, sizeof(why));
    s->https.context.tls = s->tls;
    if (!s->tls)
        (void)px_fail(err, 0, "%s", why);
    return s->tls != NULL;
}

struct server *server_new(uv_loop_t *loop, const struct server_config *cfg,
                          struct px_error *err)
{
    struct server *s = calloc(1, sizeof(*s));
    const char *kind = "SOCKS";
    int error = 0;

    if (!s) {
        (void)px_fail(err, UV_ENOMEM, "out of memory");
        return NULL;
    }
    if (!prepare(s, cfg, err)) {
        s->is_closing = true;
        free_if_gone(s);
        return NULL;
    }
    s->loop = loop;
    uv_timer_init(loop, &s->retry);
    s->retry.data = s;
    s->open_handles = 1;
    s->max_connections = cfg->max_connections ? cfg->max_connections
                                              : server_default_max_connections;
    choose_pseudonym(s, cfg->pseudonym);
    if (!cfg->fault && !cfg->has_no_splice)
        s->splicer = splicer_new(loop);
    set_context(s, &s->socks, SESSION_SOCKS, cfg);
    set_context(s, &s->http, SESSION_HTTP, cfg);
    set_context(s, &s->https, SESSION_HTTP, cfg);
    if (cfg->socks.ss_family)
        error = open_listener(s, &s->socks, &cfg->socks);
    if (!error && cfg->http.ss_family) {
        kind = "HTTP";
        error = open_listener(s, &s->http, &cfg->http);
    }
    if (!error && cfg->https.ss_family) {
        kind = "HTTPS";
        if (!read_certificate(s, cfg, err)) {
            server_close(s);
            return NULL;
        }
        error = open_listener(s, &s->https, &cfg->https);
    }
    if (error) {
        (void)px_fail(err, -error, "cannot listen for %s: %s", kind,
                      uv_strerror(error));
        server_close(s);
        return NULL;
    }
    return s;
}

static uint16_t port_of(const struct listener *l)
{
    struct sockaddr_storage address;
    int len = sizeof(address);

    if (!l->server ||
        uv_tcp_getsockname(&l->tcp, (struct sockaddr *)&address, &len) != 0)
        return 0;
    return address.ss_family == AF_INET6
               ? ntohs(((struct sockaddr_in6 *)&address)->sin6_port)
               : ntohs(((struct sockaddr_in *)&address)->sin_port);
}

uint16_t server_socks_port(const struct server *s)
{
    return port_of(&s->socks);
}

uint16_t server_http_port(const struct server *s)
{
    return port_of(&s->http);
}

uint16_t server_https_port(const struct server *s)
{
    return port_of(&s->https);
}

unsigned server_connections(const struct server *s)
{
    return s->connections;
}

void server_close(struct server *s)
{
    struct connection *next;

    if (!s)
        return;
    s->is_closing = true;
    if (s->socks.server)
        uv_close((uv_handle_t *)&s->socks.tcp, on_listener_closed);
    if (s->http.server)
        uv_close((uv_handle_t *)&s->http.tcp, on_listener_closed);
    if (s->https.server)
        uv_close((uv_handle_t *)&s->https.tcp, on_listener_closed);
    uv_close((uv_handle_t *)&s->retry, on_retry_closed);
    for (struct connection *c = s->head; c; c = next) {
        next = connection_next(c);
        connection_abort(c);
    }
    splicer_close(s->splicer);
}
