/*
 * The identd codec (RFC 1413). Four octets are the two ports, the rest is what
 * identd answers: read at every length, and once more as the user id of an
 * answer that is right.
 */
#include <string.h>

#include "fuzz.h"
#include "ident.h"

enum { INPUT_MAX = 1100 };

struct ports {
    uint16_t there, here;
};

static enum px_status decode(struct px_bytes in, struct ports ports,
                             struct px_bytes *user)
{
    struct px_error err;
    enum px_status status;

    *user = (struct px_bytes){0};
    status = ident_decode_reply(in, ports.there, ports.here, user, &err);
    FUZZ_REQUIRE(user->len == 0 || fuzz_is_within(*user, in),
                 "the user id borrows");
    FUZZ_REQUIRE(status == PX_DONE || user->len == 0, "no answer names nobody");
    return status;
}

/* What is behind a line's end changes nothing, and nothing is done before. */
static void check_prefixes(const struct fuzz_view *view, struct ports ports)
{
    struct px_bytes whole = fuzz_view_prefix(view, view->len);
    const uint8_t *lf = whole.len ? memchr(whole.data, '\n', whole.len) : NULL;
    size_t enough = lf ? (size_t)(lf - whole.data) + 1 : whole.len + 1;
    struct px_bytes user, got;
    enum px_status want = decode(whole, ports, &user);
    size_t user_len = user.len;

    for (size_t len = 0; len < whole.len; len++) {
        enum px_status status =
            decode(fuzz_view_prefix(view, len), ports, &got);

        if (len >= IDENT_REPLY_MAX)
            FUZZ_REQUIRE(status == want, "a line too long stays so");
        else if (len < enough)
            FUZZ_REQUIRE(status == PX_NEED_MORE, "at %zu of %zu", len, enough);
        else
            FUZZ_REQUIRE(status == PX_DONE && got.len == user_len,
                         "the same answer at %zu", len);
    }
}

/* A user id of these octets comes out as it went in, but for one space. */
static void check_right_answer(struct px_bytes id, struct ports ports)
{
    static uint8_t storage[INPUT_MAX + 64];
    struct px_writer w = px_writer_over(storage, sizeof(storage));
    struct px_bytes user;

    if (id.len > IDENT_REPLY_MAX / 2 ||
        (id.len &&
         (memchr(id.data, '\n', id.len) || id.data[id.len - 1] == '\r')))
        return;
    FUZZ_REQUIRE(ident_encode_query(ports.there, ports.here, &w),
                 "a query fits");
    FUZZ_REQUIRE(w.len <= IDENT_QUERY_MAX, "a query of %zu octets", w.len);
    w.len -= 2; /* an answer repeats it without its end */
    px_put_text(&w, " : USERID : OTHER : ");
    px_put_bytes(&w, id);
    px_put_text(&w, "\r\n");
    FUZZ_REQUIRE(decode(px_written(&w), ports, &user) == PX_DONE &&
                     px_equal(user, id),
                 "a user id of %zu octets came out as %zu", id.len, user.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {
        [PX_DONE] = "done", [PX_NEED_MORE] = "more", [PX_ERROR] = "error"};
    struct ports ports = {0};
    struct px_cursor c = px_cursor_over(px_bytes_of(data, size));
    struct fuzz_view view;
    struct px_bytes in, user;
    enum px_status status;

    if (!px_take_be16(&c, &ports.there) || !px_take_be16(&c, &ports.here))
        c.at = size;
    in = px_cursor_rest(&c);
    if (in.len > INPUT_MAX)
        in.len = INPUT_MAX;
    view = fuzz_view_new(in);
    check_prefixes(&view, ports);
    check_right_answer(fuzz_view_prefix(&view, in.len), ports);
    status = decode(fuzz_view_prefix(&view, in.len), ports, &user);
    fuzz_set_reached("%s%s", names[status], user.len ? " user" : "");
    fuzz_view_free(&view);
    return 0;
}
