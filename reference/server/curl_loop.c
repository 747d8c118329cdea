#include "curl_loop.h"

#include <stdlib.h>

/* A socket of curl's. */
struct poll {
    uv_poll_t handle;
    struct curl_loop *owner;
    curl_socket_t fd;
};

static uint64_t clock_ms(void)
{
    enum { NS_PER_MS = 1000 * 1000 };

    return uv_hrtime() / NS_PER_MS;
}

static void drop_handle(struct curl_loop *l)
{
    if (--l->handles == 0)
        l->on_closed(l->owner);
}

static void turn(struct curl_loop *l, curl_socket_t fd, int events)
{
    int running;

    if (l->is_closing)
        return;
    l->turn_ms = clock_ms();
    (void)curl_multi_socket_action(l->multi, fd, events, &running);
    l->on_turn(l->owner);
}

static void on_clock(uv_timer_t *timer)
{
    turn(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static int set_clock(CURLM *multi, long timeout_ms, void *ctx)
{
    struct curl_loop *l = ctx;

    (void)multi;
    if (timeout_ms < 0)
        uv_timer_stop(&l->clock);
    else
        uv_timer_start(&l->clock, on_clock, (uint64_t)timeout_ms, 0);
    return 0;
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
    struct poll *p = handle->data;
    int bits = (events & UV_READABLE ? CURL_CSELECT_IN : 0) |
               (events & UV_WRITABLE ? CURL_CSELECT_OUT : 0) |
               (status < 0 ? CURL_CSELECT_ERR : 0);

    turn(p->owner, p->fd, bits);
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct poll *p = handle->data;
    struct curl_loop *l = p->owner;

    free(p);
    drop_handle(l);
}

static struct poll *open_poll(struct curl_loop *l, curl_socket_t fd)
{
    struct poll *p = calloc(1, sizeof(*p));

    if (!p)
        return NULL;
    if (uv_poll_init_socket(l->loop, &p->handle, fd) != 0) {
        free(p);
        return NULL;
    }
    p->handle.data = p;
    p->owner = l;
    p->fd = fd;
    l->handles++;
    (void)curl_multi_assign(l->multi, fd, p);
    return p;
}

static int watch_socket(CURL *easy, curl_socket_t fd, int what, void *ctx,
                        void *socket_ctx)
{
    struct curl_loop *l = ctx;
    struct poll *p = socket_ctx;
    int events = (what & CURL_POLL_IN ? UV_READABLE : 0) |
                 (what & CURL_POLL_OUT ? UV_WRITABLE : 0);

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (p)
            uv_close((uv_handle_t *)&p->handle, on_poll_closed);
        (void)curl_multi_assign(l->multi, fd, NULL);
        return 0;
    }
    if (!p)
        p = open_poll(l, fd);
    return p && uv_poll_start(&p->handle, events, on_poll) == 0 ? 0 : -1;
}

bool curl_loop_open(struct curl_loop *l, uv_loop_t *loop, void *owner,
                    void (*on_turn)(void *owner),
                    void (*on_closed)(void *owner))
{
    *l = (struct curl_loop){.loop = loop,
                            .owner = owner,
                            .on_turn = on_turn,
                            .on_closed = on_closed,
                            .handles = 1};
    uv_timer_init(loop, &l->clock);
    l->clock.data = l;
    l->multi = curl_multi_init();
    return l->multi &&
           curl_multi_setopt(l->multi, CURLMOPT_SOCKETFUNCTION, watch_socket) ==
               CURLM_OK &&
           curl_multi_setopt(l->multi, CURLMOPT_SOCKETDATA, l) == CURLM_OK &&
           curl_multi_setopt(l->multi, CURLMOPT_TIMERFUNCTION, set_clock) ==
               CURLM_OK &&
           curl_multi_setopt(l->multi, CURLMOPT_TIMERDATA, l) == CURLM_OK;
}

uint64_t curl_loop_held_ms(const struct curl_loop *l)
{
    return clock_ms() - l->turn_ms;
}

static void on_clock_closed(uv_handle_t *handle)
{
    drop_handle(handle->data);
}

void curl_loop_close(struct curl_loop *l)
{
    l->is_closing = true;
    if (l->multi)
        (void)curl_multi_cleanup(l->multi);
    l->multi = NULL;
    uv_close((uv_handle_t *)&l->clock, on_clock_closed);
}
