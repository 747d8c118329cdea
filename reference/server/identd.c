#include "identd.h"

#include <stdlib.h>

#include "endpoint.h"
#include "ident.h"

struct identd {
    uv_tcp_t tcp;
    uv_connect_t connect;
    uv_write_t write;
    void *owner;
    identd_fn *done; /* NULL: told, or cancelled */
    uint16_t port_there, port_here;
    uint8_t query[IDENT_QUERY_MAX];
    size_t len;
    uint8_t reply[IDENT_REPLY_MAX + 1];
};

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void close_tcp(struct identd *i)
{
    if (!uv_is_closing((uv_handle_t *)&i->tcp))
        uv_close((uv_handle_t *)&i->tcp, on_closed);
}

static void tell(struct identd *i, bool is_reached, struct px_bytes user)
{
    identd_fn *done = i->done;

    i->done = NULL;
    if (done)
        done(i->owner, is_reached, user);
    close_tcp(i);
}

static void fail(struct identd *i)
{
    static const struct px_bytes nobody = {0};

    tell(i, false, nobody);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
    struct identd *i = handle->data;

    (void)suggested;
    *buf = uv_buf_init((char *)i->reply + i->len,
                       (unsigned)(sizeof(i->reply) - i->len));
}

static void on_read(uv_stream_t *stream, ssize_t got, const uv_buf_t *buf)
{
    struct identd *i = stream->data;
    struct px_bytes user = {0};
    struct px_error err;

    (void)buf;
    if (got < 0) {
        fail(i);
        return;
    }
    i->len += (size_t)got;
    switch (ident_decode_reply(px_bytes_of(i->reply, i->len), i->port_there,
                               i->port_here, &user, &err)) {
    case PX_DONE:
        tell(i, true, user);
        break;
    case PX_ERROR:
        fail(i);
        break;
    case PX_NEED_MORE:
        break;
    }
}

/* What was not written shows when the answer is read. */
static void on_written(uv_write_t *req, int status)
{
    (void)req;
    (void)status;
}

static void on_connected(uv_connect_t *req, int status)
{
    struct identd *i = req->data;
    struct px_writer out = px_writer_over(i->query, sizeof(i->query));
    uv_buf_t buf;

    if (status == UV_ECANCELED) /* it is closing */
        return;
    if (status != 0 || !ident_encode_query(i->port_there, i->port_here, &out)) {
        fail(i);
        return;
    }
    buf = uv_buf_init((char *)i->query, (unsigned)out.len);
    if (uv_write(&i->write, (uv_stream_t *)&i->tcp, &buf, 1, on_written) != 0 ||
        uv_read_start((uv_stream_t *)&i->tcp, on_alloc, on_read) != 0)
        fail(i);
}

/* From the address that the client came to, for identd looks at both. */
static int start(struct identd *i, const uv_tcp_t *client)
{
    struct sockaddr_storage sa;
    struct px_endpoint there, here;
    int len = sizeof(sa);
    int error = uv_tcp_getpeername(client, (struct sockaddr *)&sa, &len);

    if (error)
        return error;
    there = endpoint_of((const struct sockaddr *)&sa);
    len = sizeof(sa);
    error = uv_tcp_getsockname(client, (struct sockaddr *)&sa, &len);
    if (error)
        return error;
    here = endpoint_of((const struct sockaddr *)&sa);
    i->port_there = there.port;
    i->port_here = here.port;
    there.port = IDENT_PORT;
    here.port = 0;
    endpoint_to_sockaddr(&here, &sa);
    error = uv_tcp_bind(&i->tcp, (const struct sockaddr *)&sa, 0);
    endpoint_to_sockaddr(&there, &sa);
    return error ? error
                 : uv_tcp_connect(&i->connect, &i->tcp,
                                  (const struct sockaddr *)&sa, on_connected);
}

struct identd *identd_new(uv_loop_t *loop, const uv_tcp_t *client, void *owner,
                          identd_fn *done)
{
    struct identd *i = calloc(1, sizeof(*i));

    if (!i)
        return NULL;
    if (uv_tcp_init(loop, &i->tcp) != 0) {
        free(i);
        return NULL;
    }
    i->tcp.data = i;
    i->connect.data = i;
    i->owner = owner;
    i->done = done;
    if (start(i, client) != 0) {
        close_tcp(i);
        return NULL;
    }
    return i;
}

void identd_cancel(struct identd *i)
{
    if (!i)
        return;
    i->done = NULL;
    close_tcp(i);
}
