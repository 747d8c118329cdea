#include "lookup.h"

#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "endpoint.h"

struct lookup {
    union {
        uv_getaddrinfo_t address;
        uv_getnameinfo_t name;
        uv_req_t any;
    } request;
    uv_timer_t timer; /* tells what the resolver was not even asked */
    void *owner;
    lookup_fn *done; /* NULL: cancelled, or told already */
    bool is_asking;
    enum dial_failure failure;
    char text[PX_NAME_MAX + 1];
};

static void on_freed(uv_handle_t *handle)
{
    free(handle->data);
}

static void lookup_free(struct lookup *l)
{
    uv_close((uv_handle_t *)&l->timer, on_freed);
}

static void tell(struct lookup *l, const struct px_address *answer)
{
    const struct lookup_result result = {*answer, l->failure};
    lookup_fn *done = l->done;

    l->done = NULL;
    if (done)
        done(l->owner, l, &result);
    lookup_free(l);
}

static void fail(struct lookup *l, int error)
{
    static const struct px_address none = {.kind = PX_ADDRESS_NONE};

    l->failure =
        error == UV_EAI_AGAIN ? DIAL_NAME_TEMPORARY : DIAL_NAME_UNRESOLVED;
    tell(l, &none);
}

/* Later than lookup_new(), so that done is. */
static void on_refused(uv_timer_t *timer)
{
    fail(timer->data, 0);
}

static struct px_address best_of(const struct addrinfo *addresses)
{
    struct px_address best = {0};

    for (const struct addrinfo *at = addresses; at; at = at->ai_next) {
        struct px_endpoint endpoint = endpoint_of(at->ai_addr);

        if (best.kind == PX_ADDRESS_NONE ||
            (best.kind == PX_ADDRESS_IPV6 &&
             endpoint.addr.kind == PX_ADDRESS_IPV4))
            best = endpoint.addr;
    }
    return best;
}

static void on_address(uv_getaddrinfo_t *req, int status,
                       struct addrinfo *addresses)
{
    struct lookup *l = req->data;
    struct px_address answer = {0};

    l->is_asking = false;
    if (status == 0)
        answer = best_of(addresses);
    if (addresses)
        uv_freeaddrinfo(addresses);
    if (answer.kind == PX_ADDRESS_NONE)
        fail(l, status);
    else
        tell(l, &answer);
}

static void on_name(uv_getnameinfo_t *req, int status, const char *name,
                    const char *service)
{
    struct lookup *l = req->data;
    size_t len = status == 0 ? strlen(name) : 0;
    const struct px_address answer = {
        .kind = PX_ADDRESS_NAME,
        .name = px_bytes_of(name, len),
    };

    (void)service;
    l->is_asking = false;
    if (len == 0 || len > PX_NAME_MAX)
        fail(l, status);
    else
        tell(l, &answer);
}

static int ask_for_address(struct lookup *l, uv_loop_t *loop,
                           struct px_bytes name)
{
    static const struct addrinfo hints = {
        .ai_family = AF_UNSPEC,
        .ai_socktype = SOCK_DGRAM, /* one of them, so that each comes once */
    };

    memcpy(l->text, name.data, name.len);
    return uv_getaddrinfo(loop, &l->request.address, on_address, l->text, NULL,
                          &hints);
}

static int ask_for_name(struct lookup *l, uv_loop_t *loop,
                        const struct px_address *address)
{
    const struct px_endpoint endpoint = {.addr = *address};
    struct sockaddr_storage at;

    endpoint_to_sockaddr(&endpoint, &at);
    return uv_getnameinfo(loop, &l->request.name, on_name,
                          (const struct sockaddr *)&at, NI_NAMEREQD);
}

struct lookup *lookup_new(uv_loop_t *loop, const struct px_address *question,
                          void *owner, lookup_fn *done)
{
    struct lookup *l = calloc(1, sizeof(*l));
    int error;

    if (!l)
        return NULL;
    l->owner = owner;
    l->done = done;
    uv_timer_init(loop, &l->timer);
    l->timer.data = l;
    l->request.any.data = l;
    error = question->kind == PX_ADDRESS_NAME
                ? ask_for_address(l, loop, question->name)
                : ask_for_name(l, loop, question);
    l->is_asking = error == 0;
    if (error)
        uv_timer_start(&l->timer, on_refused, 0, 0);
    return l;
}

void lookup_cancel(struct lookup *l)
{
    if (!l || !l->done)
        return;
    l->done = NULL;
    if (l->is_asking)
        (void)uv_cancel(&l->request.any); /* its callback follows anyhow */
    else
        lookup_free(l);
}
