#include "transfer_ftp.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HOLD_MS = 2000 /* curl waits for the last reply on its own */ };

static curl_socket_t open_socket(void *ctx, curlsocktype purpose,
                                 struct curl_sockaddr *address)
{
    struct transfer_ftp *t = ctx;

    (void)purpose;
    for (size_t i = 0; i < TRANSFER_FTP_SOCKETS_MAX; i++) {
        if (t->sockets[i] != CURL_SOCKET_BAD)
            continue;
        t->sockets[i] =
            socket(address->family, address->socktype | SOCK_CLOEXEC,
                   address->protocol);
        return t->sockets[i];
    }
    return CURL_SOCKET_BAD;
}

static int close_socket(void *ctx, curl_socket_t fd)
{
    struct transfer_ftp *t = ctx;

    for (size_t i = 0; i < TRANSFER_FTP_SOCKETS_MAX; i++) {
        if (t->sockets[i] == fd)
            t->sockets[i] = CURL_SOCKET_BAD;
    }
    return close(fd);
}

/* curl would not return before QUIT is answered: nobody waits for that. */
static int on_command(CURL *easy, curl_infotype kind, char *data, size_t len,
                      void *ctx)
{
    struct transfer_ftp *t = ctx;

    (void)easy;
    if (kind != CURLINFO_HEADER_OUT || len < 4 || memcmp(data, "QUIT", 4) != 0)
        return 0;
    for (size_t i = 0; i < TRANSFER_FTP_SOCKETS_MAX; i++) {
        if (t->sockets[i] != CURL_SOCKET_BAD)
            (void)shutdown(t->sockets[i], SHUT_RDWR);
    }
    return 0;
}

/* Neither before the reply to a transfer that has ended: not for long. */
static int on_progress(void *ctx, curl_off_t total, curl_off_t now,
                       curl_off_t up_total, curl_off_t up_now)
{
    struct transfer_ftp *t = ctx;

    (void)total;
    (void)now;
    (void)up_total;
    (void)up_now;
    return curl_loop_held_ms(t->curl) > HOLD_MS;
}

/* No proxies, netrc files, redirects or other protocols: where this goes was
 * judged before. */
static bool set_bounds(CURL *easy)
{
    return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "ftp") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_FTP_SKIP_PASV_IP, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L) == CURLE_OK;
}

static bool set_source(const struct transfer_ftp_config *cfg, CURL *easy)
{
    bool is_set =
        curl_easy_setopt(easy, CURLOPT_URL, cfg->url) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_RESOLVE, cfg->addresses) == CURLE_OK;

    if (is_set && cfg->user)
        is_set =
            curl_easy_setopt(easy, CURLOPT_USERNAME, cfg->user) == CURLE_OK &&
            curl_easy_setopt(easy, CURLOPT_PASSWORD, cfg->password) == CURLE_OK;
    return is_set;
}

static bool set_hooks(struct transfer_ftp *t, CURL *easy)
{
    return curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket) ==
               CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, t) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket) ==
               CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, t) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_DEBUGFUNCTION, on_command) ==
               CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_DEBUGDATA, t) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_VERBOSE, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress) ==
               CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_XFERINFODATA, t) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L) == CURLE_OK;
}

static bool set_sink(const struct transfer_ftp_config *cfg, CURL *easy)
{
    long timeout_ms = (long)cfg->reply_timeout_ms;

    return curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, cfg->on_octets) ==
               CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEDATA, cfg->ctx) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms) ==
               CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_SERVER_RESPONSE_TIMEOUT,
                            (timeout_ms + 999) / 1000) == CURLE_OK;
}

void transfer_ftp_init(struct transfer_ftp *t, struct curl_loop *curl)
{
    *t = (struct transfer_ftp){.curl = curl};
    for (size_t i = 0; i < TRANSFER_FTP_SOCKETS_MAX; i++)
        t->sockets[i] = CURL_SOCKET_BAD;
}

bool transfer_ftp_begin(struct transfer_ftp *t,
                        const struct transfer_ftp_config *cfg)
{
    t->easy = curl_easy_init();
    if (!t->easy || !set_bounds(t->easy) || !set_source(cfg, t->easy) ||
        !set_sink(cfg, t->easy) || !set_hooks(t, t->easy) ||
        curl_multi_add_handle(t->curl->multi, t->easy) != CURLM_OK) {
        curl_easy_cleanup(t->easy);
        t->easy = NULL;
        return false;
    }
    return true;
}

void transfer_ftp_end(struct transfer_ftp *t)
{
    if (t->easy) {
        (void)curl_multi_remove_handle(t->curl->multi, t->easy);
        curl_easy_cleanup(t->easy);
    }
    t->easy = NULL;
}
