#include "host.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

struct host {
    struct host *next;
    struct server *server; /* the thread's alone, once there is one */
    uv_loop_t loop;        /* likewise; it ends when the server has closed */
    uv_async_t stop;
    uv_thread_t thread;
    uint16_t socks_port, http_port;
    bool is_closing;
    atomic_bool is_over; /* the thread will not touch this again */
};

struct hosts {
    struct host *first;
};

static void on_stop(uv_async_t *stop)
{
    struct host *h = stop->data;

    server_close(h->server);
    uv_close((uv_handle_t *)stop, NULL);
}

static void serve(void *arg)
{
    struct host *h = arg;

    (void)uv_run(&h->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&h->loop);
    atomic_store(&h->is_over, true);
}

/* Signals are for the thread that scripts run in. */
static int start_thread(struct host *h)
{
    sigset_t all, before;
    int error;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    error = uv_thread_create(&h->thread, serve, h);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

static void reap(struct host *h)
{
    (void)uv_thread_join(&h->thread);
    free(h);
}

/* Frees those that are gone, so that their threads' stacks are given back. */
static void reap_over(struct hosts *all)
{
    struct host **at = &all->first;

    while (*at) {
        struct host *h = *at;

        if (atomic_load(&h->is_over)) {
            *at = h->next;
            reap(h);
        } else {
            at = &h->next;
        }
    }
}

struct hosts *hosts_new(void)
{
    return calloc(1, sizeof(struct hosts));
}

void hosts_free(struct hosts *all)
{
    if (!all)
        return;
    for (struct host *h = all->first; h; h = h->next)
        host_close(h);
    for (struct host *h = all->first, *next; h; h = next) {
        next = h->next;
        reap(h);
    }
    free(all);
}

/* No thread has the loop yet. */
static void discard(struct host *h)
{
    on_stop(&h->stop);
    (void)uv_run(&h->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&h->loop);
    free(h);
}

struct host *host_new(struct hosts *all, const struct server_config *cfg,
                      struct px_error *err)
{
    struct host *h = calloc(1, sizeof(*h));
    int error;

    if (!h || uv_loop_init(&h->loop) != 0) {
        free(h);
        (void)px_fail(err, 0, "no loop for the reference");
        return NULL;
    }
    h->stop.data = h;
    (void)uv_async_init(&h->loop, &h->stop, on_stop); /* opens nothing anew */
    h->server = server_new(&h->loop, cfg, err);
    if (!h->server) {
        discard(h);
        return NULL;
    }
    h->socks_port = server_socks_port(h->server);
    h->http_port = server_http_port(h->server);
    reap_over(all);
    error = start_thread(h);
    if (error) {
        (void)px_fail(err, -error, "no thread for the reference: %s",
                      uv_strerror(error));
        discard(h);
        return NULL;
    }
    h->next = all->first;
    all->first = h;
    return h;
}

uint16_t host_socks_port(const struct host *h)
{
    return h->socks_port;
}

uint16_t host_http_port(const struct host *h)
{
    return h->http_port;
}

void host_close(struct host *h)
{
    if (!h || h->is_closing)
        return;
    h->is_closing = true;
    (void)uv_async_send(&h->stop);
}
