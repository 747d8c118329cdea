#include "capture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pcap/pcap.h>

#include "fragments.h"
#include "outbox.h"
#include "table.h"

struct capture {
    pcap_t *file;
    int link_type;
    struct fragments *fragments;
    struct table *table;
    struct outbox outbox;
    struct dialogue lent; /* whose findings the caller reads */
    struct capture_stats stats;
    size_t used; /* octets waiting and oracles */
    bool is_at_end;
    enum px_status end; /* PX_NEED_MORE, or PX_ERROR and why */
    struct px_error why;
};

static void return_lent(struct capture *cap)
{
    free((void *)cap->lent.findings);
    cap->lent.findings = NULL;
}

void capture_close(struct capture *cap)
{
    struct entry *e;

    if (!cap)
        return;
    for (int list = TABLE_OPEN; cap->table && list < TABLE_LISTS; list++) {
        while ((e = table_front(cap->table, (enum table_list)list))) {
            connection_release(&e->connection, &cap->used);
            table_remove(cap->table, e);
        }
    }
    table_free(cap->table);
    fragments_free(cap->fragments);
    outbox_release(&cap->outbox);
    return_lent(cap);
    if (cap->file)
        pcap_close(cap->file);
    free(cap);
}

const struct capture_stats *capture_stats(const struct capture *cap)
{
    return &cap->stats;
}

static enum px_status open_file(struct capture *cap, const char *path,
                                struct px_error *err)
{
    char why[PCAP_ERRBUF_SIZE] = "";
    FILE *file = fopen(path, "rb");

    if (!file)
        return px_fail(err, errno, "%s", strerror(errno));
    cap->file = pcap_fopen_offline_with_tstamp_precision(
        file, PCAP_TSTAMP_PRECISION_NANO, why);
    if (!cap->file) {
        (void)fclose(file);
        return px_fail(err, 0, "not a capture: %s", why);
    }
    cap->link_type = pcap_datalink(cap->file);
    if (!packet_knows_link(cap->link_type)) {
        const char *name = pcap_datalink_val_to_name(cap->link_type);

        return px_fail(err, 0, "link type %d (%s) is not supported",
                       cap->link_type, name ? name : "unknown");
    }
    return PX_DONE;
}

struct capture *capture_open(const char *path, struct px_error *err)
{
    struct capture *cap = calloc(1, sizeof(*cap));

    if (cap) {
        cap->fragments = fragments_new();
        cap->table = table_new();
    }
    if (!cap || !cap->fragments || !cap->table) {
        capture_close(cap);
        px_fail(err, ENOMEM, "out of memory");
        return NULL;
    }
    if (open_file(cap, path, err) != PX_DONE) {
        capture_close(cap);
        return NULL;
    }
    return cap;
}

/* Ends a connection: judges it, and puts what came of it in the outbox. */
static enum px_status retire(struct capture *cap, struct entry *e,
                             struct px_error *err)
{
    struct connection *c = &e->connection;
    struct dialogue dialogue;
    enum px_status status = connection_finish(c, &cap->used, err);

    if (status == PX_DONE && connection_report(c, &dialogue))
        status = outbox_put(&cap->outbox, &dialogue, err);
    connection_release(c, &cap->used);
    table_remove(cap->table, e);
    return status;
}

/* Closed ones first, then whoever was idle longest. */
static enum px_status evict(struct capture *cap, struct px_error *err)
{
    struct entry *e = table_front(cap->table, TABLE_CLOSED);

    if (!e) {
        e = table_front(cap->table, TABLE_OPEN);
        e->connection.is_evicted = true;
    }
    return retire(cap, e, err);
}

static enum px_status retire_closed(struct capture *cap, uint64_t now_us,
                                    struct px_error *err)
{
    struct entry *e;

    while ((e = table_front(cap->table, TABLE_CLOSED)) &&
           e->connection.end_us + CAPTURE_LINGER_MS * UINT64_C(1000) < now_us) {
        if (retire(cap, e, err) != PX_DONE)
            return PX_ERROR;
    }
    return PX_DONE;
}

/* The connection of this packet, new or old. */
static enum px_status find_entry(struct capture *cap, const struct packet *p,
                                 struct entry **out, struct px_error *err)
{
    struct entry *e = table_find(cap->table, p);

    if (e && connection_is_reopened(&e->connection, p)) {
        if (retire(cap, e, err) != PX_DONE)
            return PX_ERROR;
        e = NULL;
    }
    *out = e;
    if (e)
        return PX_DONE;
    while (table_count(cap->table) >= CAPTURE_CONNECTIONS_MAX) {
        if (evict(cap, err) != PX_DONE)
            return PX_ERROR;
    }
    *out = table_add(cap->table, p);
    if (!*out)
        return px_fail(err, ENOMEM, "out of memory");
    return PX_DONE;
}

/* A stray acknowledgement is no connection yet. */
static void count_connection(struct capture *cap, struct entry *e,
                             const struct packet *p)
{
    if (e->is_counted || (!(p->flags & PACKET_SYN) && p->wire_len == 0))
        return;
    e->is_counted = true;
    cap->stats.connections++;
}

static enum px_status take_packet(struct capture *cap, const struct packet *p,
                                  struct px_error *err)
{
    struct entry *e;

    cap->stats.tcp_packets++;
    if (retire_closed(cap, p->time_us, err) != PX_DONE ||
        find_entry(cap, p, &e, err) != PX_DONE)
        return PX_ERROR;
    count_connection(cap, e, p);
    if (connection_add(&e->connection, p, &cap->used, err) != PX_DONE)
        return PX_ERROR;
    table_touch(cap->table, e);
    while (cap->used > CAPTURE_MEMORY_MAX) {
        if (evict(cap, err) != PX_DONE)
            return PX_ERROR;
    }
    return PX_DONE;
}

/* A datagram of nobody's association is skipped as anything else is. */
static enum px_status take_datagram(struct capture *cap, const struct packet *p,
                                    struct px_error *err)
{
    struct entry *e = table_find_association(cap->table, p);

    if (!e) {
        cap->stats.skipped_packets++;
        return PX_DONE;
    }
    cap->stats.udp_packets++;
    return connection_add_datagram(&e->connection, p, err);
}

static enum px_status take_frame(struct capture *cap,
                                 const struct pcap_pkthdr *header,
                                 const uint8_t *data, struct px_error *err)
{
    struct packet packet;
    struct packet_ip ip;
    enum packet_kind kind =
        packet_decode(cap->link_type, px_bytes_of(data, header->caplen),
                      header->len, &packet, &ip);

    if (kind == PACKET_FRAGMENT) {
        enum px_status status = fragments_add(cap->fragments, &ip, &ip, err);

        cap->stats.fragments++;
        if (status != PX_DONE)
            return status == PX_ERROR ? PX_ERROR : PX_DONE;
        kind = packet_decode_payload(&ip, &packet);
    }
    if (kind != PACKET_TCP && kind != PACKET_UDP) {
        cap->stats.skipped_packets++;
        return PX_DONE;
    }
    packet.frame = cap->stats.packets;
    packet.time_us = (uint64_t)header->ts.tv_sec * 1000000 +
                     (uint64_t)header->ts.tv_usec / 1000;
    return kind == PACKET_TCP ? take_packet(cap, &packet, err)
                              : take_datagram(cap, &packet, err);
}

static void end_with(struct capture *cap, enum px_status status)
{
    cap->is_at_end = true;
    cap->end = status;
}

/* What users meet gets words of ours; the rest has libpcap's. */
static void end_damaged(struct capture *cap)
{
    const char *why = pcap_geterr(cap->file);
    unsigned long long packets = cap->stats.packets;

    if (strstr(why, "truncated"))
        end_with(cap, px_fail(&cap->why, 0, "cut after packet %llu", packets));
    else if (strstr(why, "different from the"))
        end_with(cap, px_fail(&cap->why, 0,
                              "after packet %llu: interfaces that differ in "
                              "link type or snapshot length",
                              packets));
    else
        end_with(cap,
                 px_fail(&cap->why, 0, "after packet %llu: %s", packets, why));
}

/* Reads one packet; PX_ERROR only when memory ran out. */
static enum px_status read_packet(struct capture *cap, struct px_error *err)
{
    struct pcap_pkthdr *header;
    const uint8_t *data;
    int got = pcap_next_ex(cap->file, &header, &data);

    if (got == PCAP_ERROR) {
        end_damaged(cap);
        return PX_DONE;
    }
    if (got != 1) {
        end_with(cap, PX_NEED_MORE);
        return PX_DONE;
    }
    if (cap->stats.packets++ == 0)
        cap->stats.begin_us = (uint64_t)header->ts.tv_sec * 1000000 +
                              (uint64_t)header->ts.tv_usec / 1000;
    return take_frame(cap, header, data, err);
}

/* Whether no connection that is still open began before the earliest. */
static bool is_ready(const struct capture *cap)
{
    const struct entry *e = table_front(cap->table, TABLE_BORN);

    if (cap->outbox.count == 0)
        return false;
    return !e || cap->outbox.count > CAPTURE_OUTBOX_MAX ||
           outbox_first_frame(&cap->outbox) < e->connection.first_frame;
}

/* One step towards the next dialogue. */
static enum px_status advance(struct capture *cap, struct px_error *err)
{
    struct entry *e;

    if (!cap->is_at_end)
        return read_packet(cap, err);
    e = table_front(cap->table, TABLE_BORN);
    return retire(cap, e, err);
}

static bool is_exhausted(const struct capture *cap)
{
    return cap->is_at_end && !table_front(cap->table, TABLE_BORN);
}

enum px_status capture_next_dialogue(struct capture *cap, struct dialogue *out,
                                     struct px_error *err)
{
    return_lent(cap);
    while (!is_ready(cap)) {
        if (is_exhausted(cap) || cap->why.sys_errno) {
            *err = cap->why;
            return cap->end;
        }
        if (advance(cap, &cap->why) != PX_DONE) {
            cap->end = PX_ERROR;
            *err = cap->why;
            return PX_ERROR;
        }
    }
    outbox_take(&cap->outbox, &cap->lent);
    *out = cap->lent;
    return PX_DONE;
}
