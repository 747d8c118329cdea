#ifndef CURL_LOOP_H
#define CURL_LOOP_H

/* What curl waits for, on a loop of libuv: a multi handle, its sockets and its
 * clock. */

#include <curl/curl.h>
#include <uv.h>

#include "px.h"

struct curl_loop {
    uv_loop_t *loop;
    CURLM *multi;
    uv_timer_t clock;
    uint64_t turn_ms; /* when curl was called last, on the system's clock */
    unsigned handles; /* of libuv */
    bool is_closing;
    void (*on_turn)(void *owner);
    void (*on_closed)(void *owner);
    void *owner;
};

/*
 * on_turn is called after curl did something, never from within curl;
 * on_closed once curl_loop_close() is through. False when memory is short; it
 * has to be closed then as well.
 */
PX_CHECKED bool curl_loop_open(struct curl_loop *l, uv_loop_t *loop,
                               void *owner, void (*on_turn)(void *owner),
                               void (*on_closed)(void *owner));

/* Milliseconds for which curl has not let the loop go on. */
uint64_t curl_loop_held_ms(const struct curl_loop *l);

/* Every easy handle was removed before. Not from within curl. */
void curl_loop_close(struct curl_loop *l);

#endif
