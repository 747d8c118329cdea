#include "userpass.h"

static PX_CHECKED bool take_counted(struct px_cursor *c, struct px_bytes *out)
{
    uint8_t len;

    return px_take_u8(c, &len) && px_take_bytes(c, len, out);
}

enum px_status userpass_decode_request(struct px_bytes in,
                                       struct userpass_request *out,
                                       size_t *used, struct px_error *err)
{
    struct px_cursor c = px_cursor_over(in);
    struct userpass_request request;
    uint8_t version;

    if (!px_take_u8(&c, &version))
        return PX_NEED_MORE;
    if (version != USERPASS_VERSION)
        return px_refuse(err, REQ_USERPASS_REQUEST_BAD_VERSION, 0,
                         "VER is %#04x", version);
    if (!take_counted(&c, &request.user) ||
        !take_counted(&c, &request.password))
        return PX_NEED_MORE;
    *out = request;
    *used = px_cursor_used(&c);
    return PX_DONE;
}

enum px_status userpass_decode_status(struct px_bytes in,
                                      struct userpass_status *out, size_t *used,
                                      struct px_error *err)
{
    struct px_cursor c = px_cursor_over(in);
    struct userpass_status status;

    (void)err; /* two octets, and any of them can be read */
    if (!px_take_u8(&c, &status.version) || !px_take_u8(&c, &status.status))
        return PX_NEED_MORE;
    *out = status;
    *used = px_cursor_used(&c);
    return PX_DONE;
}

static bool put_counted(struct px_writer *out, struct px_bytes text)
{
    if (text.len > 255)
        return false;
    px_put_u8(out, (uint8_t)text.len);
    px_put_bytes(out, text);
    return true;
}

bool userpass_encode_request(const struct userpass_request *request,
                             struct px_writer *out)
{
    px_put_u8(out, USERPASS_VERSION);
    return put_counted(out, request->user) &&
           put_counted(out, request->password) && !out->is_full;
}

bool userpass_encode_status(const struct userpass_status *status,
                            struct px_writer *out)
{
    px_put_u8(out, status->version);
    px_put_u8(out, status->status);
    return !out->is_full;
}
