#include "tape.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "packet.h"
#include "rows.h"

enum { FRAME_MAX = 70000, HEADERS_LEN = 40, TAPE_CLIENT_PORT = 40000 };

static void put_be16(uint8_t *out, uint32_t value)
{
    out[0] = (uint8_t)(value >> 8);
    out[1] = (uint8_t)value;
}

static void put_be32(uint8_t *out, uint32_t value)
{
    put_be16(out, value >> 16);
    put_be16(out + 2, value & 0xffff);
}

void tape_octets(struct tape *t, const void *octets, size_t len)
{
    assert_int_equal(write(t->fd, octets, len), len);
}

void tape_open(struct tape *t, int link_type, uint32_t snaplen)
{
    const uint32_t header[6] = {0xa1b2c3d4, 0x00040002, 0,
                                0,          snaplen,    (uint32_t)link_type};

    t->fd = memfd_create("tape", MFD_CLOEXEC);
    assert_true(t->fd >= 0);
    (void)snprintf(t->path, sizeof(t->path), "/proc/self/fd/%d", t->fd);
    t->time_us = UINT64_C(1700000000) * 1000000;
    tape_octets(t, header, sizeof(header));
}

void tape_frame(struct tape *t, const void *frame, size_t len, size_t wire_len)
{
    const uint32_t header[4] = {(uint32_t)(t->time_us / 1000000),
                                (uint32_t)(t->time_us % 1000000), (uint32_t)len,
                                (uint32_t)wire_len};

    tape_octets(t, header, sizeof(header));
    tape_octets(t, frame, len);
    t->time_us += 1000;
}

void tape_segment(struct tape *t, const struct tape_segment *segment)
{
    uint8_t frame[FRAME_MAX] = {0x45, [8] = 64, [9] = 6};
    const uint8_t client[4] = {10, 0, 0, 1}, server[4] = {10, 0, 0, 2};
    uint16_t port = segment->port ? segment->port : TAPE_CLIENT_PORT;
    bool is_back = segment->is_from_server;

    put_be16(frame + 2, (uint32_t)(HEADERS_LEN + segment->len));
    memcpy(frame + 12, is_back ? server : client, 4);
    memcpy(frame + 16, is_back ? client : server, 4);
    put_be16(frame + 20, is_back ? 1080 : port);
    put_be16(frame + 22, is_back ? port : 1080);
    put_be32(frame + 24, segment->seq);
    put_be32(frame + 28, segment->ack);
    frame[32] = 0x50; /* five words */
    frame[33] = segment->flags;
    if (segment->len)
        memcpy(frame + HEADERS_LEN, segment->data, segment->len);
    t->time_us += UINT64_C(1000) * segment->after_ms;
    tape_frame(t, frame, HEADERS_LEN + segment->len - segment->cut,
               HEADERS_LEN + segment->len);
}

void tape_datagram(struct tape *t, const struct tape_datagram *datagram)
{
    enum { HEADERS = 28 };
    uint8_t frame[FRAME_MAX] = {0x45,
                                [8] = 64,
                                [9] = 17,
                                [12] = 10,
                                [16] = 10,
                                [15] = datagram->from,
                                [19] = datagram->to};

    put_be16(frame + 2, (uint32_t)(HEADERS + datagram->len));
    put_be16(frame + 20, datagram->from_port);
    put_be16(frame + 22, datagram->to_port);
    put_be16(frame + 24, (uint32_t)(8 + datagram->len));
    if (datagram->len)
        memcpy(frame + HEADERS, datagram->data, datagram->len);
    t->time_us += UINT64_C(1000) * datagram->after_ms;
    tape_frame(t, frame, HEADERS + datagram->len - datagram->cut,
               HEADERS + datagram->len);
}

void tape_close(struct tape *t)
{
    if (t->fd >= 0)
        (void)close(t->fd);
    t->fd = -1;
}
