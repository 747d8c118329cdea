/*
 * The chunked coding. The first octet picks the limits and how the input is
 * used: as a body that is decoded, whole and in every pair of parts, and held
 * against a second reader (chunked_witness.h), or as content that is written in
 * chunks and read back.
 */
#include <string.h>

#include "chunked_witness.h"
#include "fuzz.h"
#include "http1_chunked.h"
#include "mutator.h"

/* Inputs up to this are cut at every place, longer ones at fewer: no input
 * takes longer for it. */
enum { EVERY_CUT = 256, INPUT_MAX = 8192 };

enum kind { DECODE, ENCODE, KINDS };

/* Small limits are met by small inputs. */
static const struct http1_chunked_limits limits[] = {
    {.extensions = 16384, .trailers = 16384},
    {.extensions = 8, .trailers = 12},
    {.extensions = 1, .trailers = 2},
};

enum { LIMITS = sizeof(limits) / sizeof(limits[0]) };

/* What a body decoded to; runs are joined. */
struct outcome {
    enum px_status status;
    struct px_error err;
    struct http1_chunked d;
    size_t used;
    struct px_writer content, trailers;
    uint8_t octets[2][INPUT_MAX];
};

static struct outcome whole, parts;

static void begin(struct outcome *o)
{
    o->status = PX_NEED_MORE;
    o->d = (struct http1_chunked){0};
    o->used = 0;
    o->content = px_writer_over(o->octets[0], INPUT_MAX);
    o->trailers = px_writer_over(o->octets[1], INPUT_MAX);
}

/* A run is the last of what was taken, and belongs to the input. */
static void take_piece(struct outcome *o, struct px_bytes in,
                       const struct http1_chunk_piece *piece, size_t used)
{
    FUZZ_REQUIRE(used <= in.len && (used > 0 || o->status == PX_DONE),
                 "%zu of %zu octets are taken", used, in.len);
    FUZZ_REQUIRE((piece->kind == HTTP1_CHUNK_NOTHING) ==
                     (piece->octets.len == 0),
                 "a run holds octets");
    if (piece->octets.len == 0)
        return;
    FUZZ_REQUIRE(piece->octets.data + piece->octets.len == in.data + used,
                 "a run ends what was taken");
    px_put_bytes(piece->kind == HTTP1_CHUNK_CONTENT ? &o->content
                                                    : &o->trailers,
                 piece->octets);
}

static void feed(struct outcome *o, const struct http1_chunked_limits *limit,
                 struct px_bytes in)
{
    while (in.len && o->status == PX_NEED_MORE) {
        struct http1_chunk_piece piece;
        size_t used;

        o->status =
            http1_chunked_decode(&o->d, limit, in, &piece, &used, &o->err);
        if (o->status == PX_ERROR)
            return;
        take_piece(o, in, &piece, used);
        o->used += used;
        in = px_bytes_of(in.data + used, in.len - used);
    }
}

static void check_same(size_t cut)
{
    FUZZ_REQUIRE(parts.status == whole.status, "the status, cut at %zu", cut);
    FUZZ_REQUIRE(parts.status != PX_ERROR ||
                     (parts.err.req == whole.err.req &&
                      parts.err.offset == whole.err.offset),
                 "the error, cut at %zu", cut);
    FUZZ_REQUIRE(parts.status == PX_ERROR ||
                     (parts.used == whole.used &&
                      parts.d.oddities == whole.d.oddities &&
                      parts.d.chunks == whole.d.chunks),
                 "the end or its oddities, cut at %zu", cut);
    FUZZ_REQUIRE(
        px_equal(px_written(&parts.content), px_written(&whole.content)),
        "the content, cut at %zu", cut);
    /* A run that exceeds the limit is not handed out. */
    FUZZ_REQUIRE(
        parts.status == PX_ERROR ||
            px_equal(px_written(&parts.trailers), px_written(&whole.trailers)),
        "the trailers, cut at %zu", cut);
}

static void check_cuts(struct px_bytes in,
                       const struct http1_chunked_limits *limit)
{
    size_t step = 1 + in.len / EVERY_CUT * in.len / EVERY_CUT;

    /* Nothing has no place to be cut at. */
    for (size_t cut = 0; in.len && cut <= in.len; cut += step) {
        struct px_bytes first = fuzz_copy(px_bytes_of(in.data, cut));
        struct px_bytes second =
            fuzz_copy(px_bytes_of(in.data + cut, in.len - cut));

        begin(&parts);
        feed(&parts, limit, first);
        feed(&parts, limit, second);
        check_same(cut);
        fuzz_drop(first);
        fuzz_drop(second);
    }
    begin(&parts);
    for (size_t i = 0; i < in.len; i++)
        feed(&parts, limit, px_bytes_of(in.data + i, 1));
    check_same(1);
}

/* What a whole body says, without trust in its decoder. */
static void check_done(void)
{
    static struct http1_fields fields;
    struct px_bytes trailers = px_written(&whole.trailers);
    struct px_error err;
    size_t used;

    FUZZ_REQUIRE(whole.d.consumed == whole.used &&
                     whole.d.content == whole.content.len,
                 "the counts are those of the octets");
    switch (http1_decode_trailers(trailers, &http1_default_limits, &fields,
                                  &used, &err)) {
    case PX_DONE:
        FUZZ_REQUIRE(used == trailers.len,
                     "the trailer section is a whole one");
        break;
    case PX_NEED_MORE:
        FUZZ_REQUIRE(false, "the trailer section is whole");
        break;
    case PX_ERROR: /* more lines than one section may have */
        break;
    }
}

/* A limit is a reason where it is exceeded, and is kept to. */
static void check_limits(const struct chunked_witness *w,
                         const struct http1_chunked_limits *limit)
{
    if (w->extension > limit->extensions || w->trailers.len > limit->trailers)
        FUZZ_REQUIRE(whole.status == PX_ERROR, "a limit is not kept to");
    else
        FUZZ_REQUIRE(whole.status == PX_DONE && whole.d.oddities == 0,
                     "a body of the grammar is read, and is not odd");
}

/* Both readers find the same body, or neither finds one. */
static void check_witness(struct px_bytes in,
                          const struct http1_chunked_limits *limit)
{
    static uint8_t content[INPUT_MAX];
    struct chunked_witness w = chunked_witness_read(in, content);

    if (w.is_whole)
        check_limits(&w, limit);
    if (whole.status != PX_DONE || whole.d.oddities)
        return;
    FUZZ_REQUIRE(w.is_whole, "nothing is odd, yet it is no body");
    FUZZ_REQUIRE(whole.used == w.end && whole.d.chunks == w.chunks,
                 "the end is at %zu, not %zu", w.end, whole.used);
    FUZZ_REQUIRE(
        px_equal(px_written(&whole.content), px_bytes_of(content, w.content)) &&
            px_equal(px_written(&whole.trailers), w.trailers),
        "content and trailers are those of the grammar");
}

/* Writes it anew, in chunks of about this size, and reads that back. */
static void check_written(struct px_bytes content, size_t chunk)
{
    static uint8_t text[INPUT_MAX * (1 + HTTP1_CHUNK_OVERHEAD) + 8];
    struct px_writer out = px_writer_over(text, sizeof(text));
    size_t chunks = 0;

    for (size_t at = 0; at < content.len; at += chunk, chunks++) {
        size_t left = content.len - at;

        http1_put_chunk(
            px_bytes_of(content.data + at, left < chunk ? left : chunk), &out);
    }
    http1_put_last_chunk(&out);
    FUZZ_REQUIRE(!out.is_full, "chunks have a known overhead");
    begin(&parts);
    feed(&parts, &limits[0], px_written(&out));
    FUZZ_REQUIRE(parts.status == PX_DONE && parts.used == out.len,
                 "what is written is a body");
    FUZZ_REQUIRE(px_equal(px_written(&parts.content), content) &&
                     parts.d.oddities == 0 && parts.d.chunks == chunks,
                 "what is written is the content, and nothing odd");
}

static void check_decode(struct px_bytes in,
                         const struct http1_chunked_limits *limit)
{
    static const char *const names[] = {"done", "more", "error"};

    begin(&whole);
    feed(&whole, limit, in);
    fuzz_set_reached("decode %s%s", names[whole.status],
                     whole.d.oddities ? " odd" : "");
    if (whole.status == PX_ERROR) {
        FUZZ_REQUIRE(whole.err.req != REQ_NONE && whole.err.offset < in.len,
                     "an error says where");
        fuzz_set_reached("decode %s", requirement_row(whole.err.req)->id);
    }
    if (whole.status == PX_DONE) {
        if (whole.trailers.len > 2)
            fuzz_add_reached(" trailers");
        check_done();
        check_written(px_written(&whole.content), 1 + whole.used % 300);
    }
    check_witness(in, limit);
    check_cuts(in, limit);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct px_bytes in;

    fuzz_set_reached("nothing");
    if (size < 1 || size > INPUT_MAX)
        return 0;
    in = fuzz_copy(px_bytes_of(data + 1, size - 1));
    if (data[0] % KINDS == DECODE) {
        check_decode(in, &limits[data[0] / KINDS % LIMITS]);
    } else {
        check_written(in, 1 + (size_t)data[0] / KINDS);
        fuzz_set_reached("encode");
    }
    fuzz_drop(in);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max,
                               unsigned seed)
{
    return mutator_mutate("chunked", data, size, max, seed);
}
