/*
 * The SOCKS5 and RFC 1929 codecs. The first octet picks a kind of message, the
 * rest is decoded at every length.
 */
#include "fuzz.h"
#include "socks5.h"
#include "userpass.h"

/* Longer inputs say nothing new: no message is as long as this. */
enum { INPUT_MAX = 640 };

/* What a decoder said about an input, and what encodes to it again. */
struct outcome {
    enum px_status status;
    size_t used;
    struct px_error err;
    uint8_t again[INPUT_MAX];
    size_t again_len;
    bool is_encoded;
};

/* Decodes `in`; when it is done, encodes the result into *w. */
typedef enum px_status codec_fn(struct px_bytes in, struct outcome *out,
                                struct px_writer *w);

static enum px_status greeting(struct px_bytes in, struct outcome *out,
                               struct px_writer *w)
{
    struct socks5_greeting message;
    enum px_status status =
        socks5_decode_greeting(in, &message, &out->used, &out->err);

    if (status == PX_DONE) {
        FUZZ_REQUIRE(fuzz_is_within(message.methods, in), "methods borrow");
        out->is_encoded = socks5_encode_greeting(&message, w);
    }
    return status;
}

static enum px_status selection(struct px_bytes in, struct outcome *out,
                                struct px_writer *w)
{
    struct socks5_selection message;
    enum px_status status =
        socks5_decode_selection(in, &message, &out->used, &out->err);

    if (status == PX_DONE)
        out->is_encoded = socks5_encode_selection(&message, w);
    return status;
}

/* Besides borrowing: what is not told is zero, and the text form fits. */
static void check_endpoint(const struct px_endpoint *endpoint,
                           struct px_bytes in)
{
    char text[PX_ENDPOINT_TEXT_MAX];
    size_t told = endpoint->addr.kind == PX_ADDRESS_IPV4   ? 4
                  : endpoint->addr.kind == PX_ADDRESS_IPV6 ? 16
                                                           : 0;

    FUZZ_REQUIRE(endpoint->addr.kind != PX_ADDRESS_NONE, "an address is told");
    FUZZ_REQUIRE(fuzz_is_within(endpoint->addr.name, in), "the name borrows");
    FUZZ_REQUIRE(told == 0 || endpoint->addr.name.len == 0, "an IP or a name");
    for (size_t i = told; i < 16; i++)
        FUZZ_REQUIRE(endpoint->addr.ip[i] == 0, "unused octets are zero");
    px_format_endpoint(endpoint, text);
}

static enum px_status request(struct px_bytes in, struct outcome *out,
                              struct px_writer *w)
{
    struct socks5_request message;
    enum px_status status =
        socks5_decode_request(in, &message, &out->used, &out->err);

    if (status == PX_DONE) {
        check_endpoint(&message.dst, in);
        out->is_encoded = socks5_encode_request(&message, w);
    }
    return status;
}

static enum px_status reply(struct px_bytes in, struct outcome *out,
                            struct px_writer *w)
{
    struct socks5_reply message;
    enum px_status status =
        socks5_decode_reply(in, &message, &out->used, &out->err);

    if (status == PX_DONE) {
        check_endpoint(&message.bnd, in);
        out->is_encoded = socks5_encode_reply(&message, w);
    }
    return status;
}

static enum px_status credentials(struct px_bytes in, struct outcome *out,
                                  struct px_writer *w)
{
    struct userpass_request message;
    enum px_status status =
        userpass_decode_request(in, &message, &out->used, &out->err);

    if (status == PX_DONE) {
        FUZZ_REQUIRE(fuzz_is_within(message.user, in) &&
                         fuzz_is_within(message.password, in),
                     "user and password borrow");
        out->is_encoded = userpass_encode_request(&message, w);
    }
    return status;
}

static enum px_status verdict(struct px_bytes in, struct outcome *out,
                              struct px_writer *w)
{
    struct userpass_status message;
    enum px_status status =
        userpass_decode_status(in, &message, &out->used, &out->err);

    if (status == PX_DONE)
        out->is_encoded = userpass_encode_status(&message, w);
    return status;
}

static const struct kind {
    const char *name;
    codec_fn *run;
} kinds[] = {
    {"greeting", greeting}, {"selection", selection},  {"request", request},
    {"reply", reply},       {"userpass", credentials}, {"status", verdict},
};

enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

/* What an output holds before a decoder that must not write it. */
enum { UNTOUCHED = 4711 };

static void decode(const struct kind *kind, struct px_bytes in, size_t cap,
                   struct outcome *out)
{
    struct px_writer w = px_writer_over(out->again, cap);

    out->used = UNTOUCHED;
    out->err = (struct px_error){.req = REQ_NONE, .offset = UNTOUCHED};
    out->is_encoded = false;
    out->status = kind->run(in, out, &w);
    out->again_len = w.len;
    if (out->status != PX_DONE)
        FUZZ_REQUIRE(out->used == UNTOUCHED, "used is written on DONE only");
    if (out->status != PX_ERROR)
        FUZZ_REQUIRE(out->err.offset == UNTOUCHED, "err is for errors only");
}

/* Refused at the first octet that proves the fault, done with the last one. */
static void check_prefix(const struct outcome *whole, const struct outcome *got,
                         size_t len)
{
    switch (whole->status) {
    case PX_NEED_MORE:
        FUZZ_REQUIRE(got->status == PX_NEED_MORE, "at %zu of more", len);
        break;
    case PX_ERROR:
        FUZZ_REQUIRE(got->status ==
                         (len > whole->err.offset ? PX_ERROR : PX_NEED_MORE),
                     "at %zu of an error at %zu", len, whole->err.offset);
        FUZZ_REQUIRE(got->status != PX_ERROR ||
                         (got->err.req == whole->err.req &&
                          got->err.offset == whole->err.offset),
                     "the same error at %zu", len);
        break;
    case PX_DONE:
        FUZZ_REQUIRE(got->status ==
                         (len >= whole->used ? PX_DONE : PX_NEED_MORE),
                     "at %zu of a message of %zu", len, whole->used);
        FUZZ_REQUIRE(got->status != PX_DONE || got->used == whole->used,
                     "the same message at %zu", len);
        break;
    }
}

static void check_round_trip(const struct kind *kind, struct px_bytes in,
                             const struct outcome *whole)
{
    struct outcome small;

    FUZZ_REQUIRE(whole->used <= in.len, "used is within the input");
    FUZZ_REQUIRE(whole->is_encoded, "what was decoded can be encoded");
    FUZZ_REQUIRE(px_equal(px_bytes_of(whole->again, whole->again_len),
                          px_bytes_of(in.data, whole->used)),
                 "encode(decode(x)) is x");
    decode(kind, in, whole->used - 1, &small);
    FUZZ_REQUIRE(!small.is_encoded, "an encoder says when it has no room");
}

static const char *status_name(enum px_status status)
{
    static const char *const names[] = {"done", "more", "error"};

    return names[status];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct kind *kind = &kinds[size ? data[0] % KINDS : 0];
    struct px_bytes in =
        px_bytes_of(size ? data + 1 : data, size ? size - 1 : 0);
    struct fuzz_view view;
    struct outcome whole, got;

    if (in.len > INPUT_MAX)
        in.len = INPUT_MAX;
    view = fuzz_view_new(in);
    decode(kind, fuzz_view_prefix(&view, in.len), INPUT_MAX, &whole);
    for (size_t len = 0; len < in.len; len++) {
        decode(kind, fuzz_view_prefix(&view, len), INPUT_MAX, &got);
        check_prefix(&whole, &got, len);
    }
    if (whole.status == PX_DONE)
        check_round_trip(kind, fuzz_view_prefix(&view, in.len), &whole);
    fuzz_set_reached("%s %s", kind->name, status_name(whole.status));
    if (whole.status == PX_ERROR) {
        fuzz_add_reached(" ");
        fuzz_add_reached(requirement_row(whole.err.req)->id);
    }
    fuzz_view_free(&view);
    return 0;
}
