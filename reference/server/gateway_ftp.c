#include "gateway_ftp.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "curl_loop.h"
#include "endpoint.h"
#include "transfer_ftp.h"

/*
 * curl's callbacks touch nothing but the gateway, and its owner is told once
 * curl has returned: so the owner may close the gateway at any time.
 */

enum {
    BUFFER = 4 * CURL_MAX_WRITE_SIZE,
    ADDRESSES_MAX = 8, /* of a name; more are not tried */
    ADDRESSES_TEXT = ADDRESSES_MAX * (INET6_ADDRSTRLEN + 3),
    ENTRY_MAX = ADDRESSES_TEXT + 32, /* "HOST:PORT:" and these */
};

/* What curl calls the server, so that it has no name of its own to look at. */
static const char host[] = "server.invalid";

struct gateway_ftp {
    void *owner;
    gateway_ftp_fn *on_event; /* NULL: closed */
    const struct access_rules *access;
    access_set rules;
    uint32_t reply_timeout_ms;
    uv_getaddrinfo_t resolve;
    bool is_resolving;
    uv_timer_t wake;  /* settles things on the loop */
    unsigned handles; /* these, and the loop of curl; freed at 0 */
    bool is_freeing;
    struct curl_loop curl;
    struct transfer_ftp transfer;
    struct curl_slist *addresses; /* of the server */
    char *url;                    /* to the end of the path, without "/" */
    char *user, *password;        /* NULL: anonymous */
    uint16_t port;
    bool is_head;
    bool is_listing; /* a directory is asked for */
    bool has_begun;  /* octets came */
    bool is_paused;
    bool is_told; /* FETCHED was */
    bool is_done; /* curl is, with result */
    CURLcode result;
    enum dial_failure failure; /* without curl; unless is_reachable */
    bool is_reachable;
    size_t room;
    size_t len;
    char buffer[BUFFER];
};

static void drop_handle(struct gateway_ftp *g)
{
    if (--g->handles)
        return;
    curl_slist_free_all(g->addresses);
    free(g->url);
    free(g->user);
    free(g->password);
    free(g);
}

static void on_timer_closed(uv_handle_t *handle)
{
    drop_handle(handle->data);
}

static void on_curl_closed(void *owner)
{
    drop_handle(owner);
}

static void gateway_free(struct gateway_ftp *g)
{
    if (g->is_freeing)
        return;
    g->is_freeing = true;
    transfer_ftp_end(&g->transfer);
    curl_loop_close(&g->curl);
    if (g->is_resolving)
        (void)uv_cancel((uv_req_t *)&g->resolve); /* on_resolved follows */
    uv_close((uv_handle_t *)&g->wake, on_timer_closed);
}

static size_t take_octets(char *data, size_t size, size_t count, void *ctx)
{
    struct gateway_ftp *g = ctx;
    size_t len = size * count;

    g->has_begun = true;
    if (len > BUFFER - g->len) {
        g->is_paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    memcpy(g->buffer + g->len, data, len);
    g->len += len;
    return len;
}

static bool begin_transfer(struct gateway_ftp *g)
{
    return transfer_ftp_begin(&g->transfer,
                              &(struct transfer_ftp_config){
                                  .url = g->url,
                                  .addresses = g->addresses,
                                  .user = g->user,
                                  .password = g->password,
                                  .reply_timeout_ms = g->reply_timeout_ms,
                                  .on_octets = take_octets,
                                  .ctx = g,
                              });
}

/* What is no file may be a directory whose "/" was left out. */
static bool try_directory(struct gateway_ftp *g)
{
    if (g->is_listing || g->has_begun ||
        g->result != CURLE_REMOTE_FILE_NOT_FOUND)
        return false;
    transfer_ftp_end(&g->transfer);
    memcpy(g->url + strlen(g->url), "/", 2); /* there is room for it */
    g->is_listing = true;
    g->is_done = false;
    if (begin_transfer(g))
        return true;
    g->is_done = true;
    g->result = CURLE_OUT_OF_MEMORY;
    return true;
}

static void look_for_end(struct gateway_ftp *g)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(g->curl.multi, &left))) {
        if (message->msg != CURLMSG_DONE)
            continue;
        g->is_done = true;
        g->result = message->data.result;
    }
}

/* Telling -------------------------------------------------------------------*/

static void tell(struct gateway_ftp *g, struct event event)
{
    if (g->on_event)
        g->on_event(g->owner, event);
}

static void tell_last(struct gateway_ftp *g, struct event event)
{
    gateway_ftp_fn *on_event = g->on_event;

    g->on_event = NULL;
    if (on_event)
        on_event(g->owner, event);
}

static void tell_dial_failed(struct gateway_ftp *g, enum dial_failure failure)
{
    tell_last(g, (struct event){.kind = EVENT_DIAL_FAILED, .failure = failure});
}

static enum fetch_failure fetch_failure_of(CURLcode result)
{
    if (result == CURLE_REMOTE_FILE_NOT_FOUND ||
        result == CURLE_REMOTE_ACCESS_DENIED) /* of a directory */
        return FETCH_NOT_FOUND;
    return result == CURLE_LOGIN_DENIED ? FETCH_NO_LOGIN : FETCH_FAILED;
}

static void tell_failed(struct gateway_ftp *g)
{
    if (!g->is_reachable)
        tell_dial_failed(g, g->failure);
    else if (g->result == CURLE_COULDNT_CONNECT)
        tell_dial_failed(g, DIAL_REFUSED);
    else if (g->result == CURLE_OPERATION_TIMEDOUT ||
             g->result == CURLE_FTP_ACCEPT_TIMEOUT)
        tell_dial_failed(g, DIAL_TIMED_OUT);
    else
        tell_last(g,
                  (struct event){.kind = EVENT_FETCH_FAILED,
                                 .fetch_failure = fetch_failure_of(g->result)});
}

/* A file without octets is known by its end. */
static void tell_fetched(struct gateway_ftp *g)
{
    struct session_fetched fetched = {.length = UINT64_MAX,
                                      .is_listing = g->is_listing};
    curl_off_t length = -1;

    if (!g->has_begun)
        fetched.length = 0;
    else if (!g->is_listing &&
             curl_easy_getinfo(g->transfer.easy,
                               CURLINFO_CONTENT_LENGTH_DOWNLOAD_T,
                               &length) == CURLE_OK &&
             length >= 0)
        fetched.length = (uint64_t)length;
    g->is_told = true;
    tell(g, (struct event){.kind = EVENT_FETCHED, .fetched = fetched});
}

static void tell_octets(struct gateway_ftp *g)
{
    while (g->on_event && g->len && g->room) {
        size_t len = g->len < g->room ? g->len : g->room;

        g->room = 0; /* the owner says again how much there is */
        tell(g, (struct event){.kind = EVENT_UPSTREAM_DATA,
                               .data = px_bytes_of(g->buffer, len)});
        g->len -= len;
        memmove(g->buffer, g->buffer + len, g->len);
    }
}

static void tell_end(struct gateway_ftp *g)
{
    bool is_whole = g->is_head || g->result == CURLE_OK;

    tell_last(g, (struct event){.kind = is_whole ? EVENT_UPSTREAM_END
                                                 : EVENT_UPSTREAM_RESET});
}

static void tell_all(struct gateway_ftp *g)
{
    if (g->is_done && !g->is_told &&
        (!g->is_reachable || (g->result != CURLE_OK && !g->has_begun))) {
        tell_failed(g);
        return;
    }
    if (!g->is_told && (g->has_begun || g->is_done))
        tell_fetched(g);
    if (g->is_told && g->is_head) {
        tell_end(g);
        return;
    }
    tell_octets(g);
    if (g->is_done && g->len == 0 && g->is_told)
        tell_end(g);
}

static void settle_soon(struct gateway_ftp *g);

/* After everything that happened: tells it, and goes on or ends. */
static void settle(struct gateway_ftp *g)
{
    look_for_end(g);
    if (g->is_done && g->is_reachable && try_directory(g)) {
        if (g->is_done)
            settle_soon(g);
        return;
    }
    tell_all(g);
    if (!g->on_event) {
        gateway_free(g);
        return;
    }
    if (g->is_paused && BUFFER - g->len >= CURL_MAX_WRITE_SIZE) {
        g->is_paused = false;
        (void)curl_easy_pause(g->transfer.easy, CURLPAUSE_CONT);
        settle_soon(g);
    }
}

static void on_wake(uv_timer_t *timer)
{
    settle(timer->data);
}

static void settle_soon(struct gateway_ftp *g)
{
    if (!g->is_freeing)
        uv_timer_start(&g->wake, on_wake, 0, 0);
}

/* The server's addresses ----------------------------------------------------*/

static void fail(struct gateway_ftp *g, enum dial_failure failure)
{
    g->failure = failure;
    g->is_done = true;
    settle_soon(g);
}

/* Puts "ADDRESS," behind text; false when it is a denied one. */
static bool put_address(struct gateway_ftp *g, const struct sockaddr *address,
                        char *text)
{
    struct px_endpoint endpoint = endpoint_of(address);
    char one[INET6_ADDRSTRLEN];

    if (g->rules && access_denies_address(g->access, g->rules, &endpoint.addr))
        return false;
    if (uv_ip_name(address, one, sizeof(one)) == 0)
        (void)sprintf(text + strlen(text),
                      address->sa_family == AF_INET6 ? "[%s]," : "%s,", one);
    return true;
}

/* What curl is told instead of a name to look up. */
static bool keep_addresses(struct gateway_ftp *g, const char *addresses)
{
    char entry[ENTRY_MAX];

    (void)snprintf(entry, sizeof(entry), "%s:%u:%.*s", host, g->port,
                   (int)strlen(addresses) - 1, addresses);
    g->addresses = curl_slist_append(NULL, entry);
    return g->addresses;
}

static void reach(struct gateway_ftp *g, const struct addrinfo *list)
{
    char text[ADDRESSES_TEXT] = "";
    size_t count = 0;

    for (const struct addrinfo *at = list; at && count < ADDRESSES_MAX;
         at = at->ai_next) {
        if (put_address(g, at->ai_addr, text))
            count++;
    }
    if (!count) {
        fail(g, DIAL_NOT_ALLOWED);
        return;
    }
    g->is_reachable = keep_addresses(g, text) && begin_transfer(g);
    if (!g->is_reachable)
        fail(g, DIAL_FAILED);
}

static void on_resolved(uv_getaddrinfo_t *request, int status,
                        struct addrinfo *list)
{
    struct gateway_ftp *g = request->data;

    g->is_resolving = false;
    if (status != 0 && g->on_event)
        fail(g, status == UV_EAI_AGAIN ? DIAL_NAME_TEMPORARY
                                       : DIAL_NAME_UNRESOLVED);
    else if (g->on_event)
        reach(g, list);
    uv_freeaddrinfo(list);
    drop_handle(g);
}

/* A literal address is taken as it is, by the same way. */
static bool look_up(struct gateway_ftp *g, const struct px_address *addr)
{
    const struct addrinfo hints = {
        .ai_socktype = SOCK_STREAM,
        .ai_flags = addr->kind == PX_ADDRESS_NAME ? 0 : AI_NUMERICHOST,
    };
    struct px_endpoint endpoint = {.addr = *addr};
    struct sockaddr_storage literal;
    char name[PX_NAME_MAX + 1] = "";
    int error;

    if (addr->kind == PX_ADDRESS_NAME) {
        memcpy(name, addr->name.data, addr->name.len);
    } else {
        endpoint_to_sockaddr(&endpoint, &literal);
        (void)uv_ip_name((const struct sockaddr *)&literal, name, sizeof(name));
    }
    g->resolve.data = g;
    error = uv_getaddrinfo(g->curl.loop, &g->resolve, on_resolved, name, NULL,
                           &hints);
    if (error == UV_ENOMEM)
        return false;
    g->is_resolving = error == 0;
    g->handles += g->is_resolving;
    if (error)
        fail(g, DIAL_NAME_UNRESOLVED);
    return true;
}

/* Beginning and end ---------------------------------------------------------*/

static char *copy_text(struct px_bytes text)
{
    char *copy = malloc(text.len + 1);

    if (!copy)
        return NULL;
    if (text.len)
        memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    return copy;
}

/* "ftp://HOST:PORT/PATH", and room for one "/" more. */
static char *make_url(struct px_bytes path, uint16_t port)
{
    size_t cap = path.len + sizeof(host) + sizeof("ftp://:65535") + 1;
    char *url = malloc(cap);

    if (url)
        (void)snprintf(url, cap, "ftp://%s:%u%.*s", host, port, (int)path.len,
                       (const char *)path.data);
    return url;
}

/* A path that ends so is a directory's (RFC 1738 section 3.2.2). */
static bool is_directory(struct px_bytes path)
{
    static const struct px_bytes type = {(const uint8_t *)";type=d", 7};

    return path.data[path.len - 1] == '/' ||
           (path.len >= type.len &&
            px_equal_nocase(
                px_bytes_of(path.data + path.len - type.len, type.len), type));
}

static bool copy_fetch(struct gateway_ftp *g, const struct session_fetch *fetch)
{
    g->port = fetch->target.port;
    g->is_head = fetch->is_head;
    g->is_listing = is_directory(fetch->path);
    g->url = make_url(fetch->path, g->port);
    if (fetch->has_user) {
        g->user = copy_text(fetch->user);
        g->password = copy_text(fetch->password);
    }
    return g->url && (!fetch->has_user || (g->user && g->password));
}

static void on_turn(void *owner)
{
    settle(owner);
}

struct gateway_ftp *gateway_ftp_new(const struct gateway_ftp_config *cfg,
                                    void *owner, gateway_ftp_fn *on_event)
{
    struct gateway_ftp *g = calloc(1, sizeof(*g));

    if (!g)
        return NULL;
    g->access = cfg->access;
    g->rules = cfg->rules;
    g->reply_timeout_ms = cfg->reply_timeout_ms;
    transfer_ftp_init(&g->transfer, &g->curl);
    uv_timer_init(cfg->loop, &g->wake);
    g->wake.data = g;
    g->handles = 2;
    if (!curl_loop_open(&g->curl, cfg->loop, g, on_turn, on_curl_closed) ||
        !copy_fetch(g, cfg->fetch) || !look_up(g, &cfg->fetch->target.addr)) {
        gateway_free(g);
        return NULL;
    }
    g->owner = owner;
    g->on_event = on_event;
    return g;
}

void gateway_ftp_read(struct gateway_ftp *g, size_t room)
{
    g->room = room;
    if (room && (g->len || g->is_done))
        settle_soon(g);
}

void gateway_ftp_close(struct gateway_ftp *g)
{
    if (!g)
        return;
    g->on_event = NULL;
    settle_soon(g); /* perhaps this is called while something is told */
}
