/* `pcap check` for people: one line a session, its findings under it. */

#include <inttypes.h>

#include "pcap_report.h"

/* Peers' text: one line, no control characters, no escapes for terminals. */
static void put_printable(FILE *out, const char *text)
{
    for (const char *c = text; *c; c++) {
        if (*c >= ' ' && *c < 0x7f)
            (void)fputc(*c, out);
        else
            (void)fprintf(out, "\\x%02x", (unsigned char)*c);
    }
}

static void put_ends(FILE *out, const struct dialogue *d)
{
    char client[PX_ENDPOINT_TEXT_MAX], server[PX_ENDPOINT_TEXT_MAX];

    px_format_endpoint(&d->client, client);
    px_format_endpoint(&d->server, server);
    (void)fprintf(out, "  %s -> %s%s", client, server,
                  d->is_reversed ? " (opened by the server)" : "");
}

/* "0,1>0": what SOCKS5 methods were offered, and which was selected. */
static void put_methods(FILE *out, const struct dialogue *d)
{
    if (d->summary.protocol != ORACLE_SOCKS || d->summary.version != 5)
        return;
    (void)fputs("  ", out);
    for (int i = 0; i < d->methods_offered; i++)
        (void)fprintf(out, "%s%d", i ? "," : "", d->methods[i]);
    if (d->methods_offered <= 0)
        (void)fputs(d->methods_offered < 0 ? "?" : "none", out);
    if (d->summary.method >= 0)
        (void)fprintf(out, ">%d", d->summary.method);
    else
        (void)fputs(">-", out);
}

static void put_request(FILE *out, const struct dialogue *d)
{
    const char *command = pcap_command_name(d);

    if (command)
        (void)fprintf(out, "  %s", command);
    if (d->summary.target[0]) {
        (void)fputs(command ? " " : "  ", out);
        put_printable(out, d->summary.target);
    }
    (void)fputs("  ", out);
    if (d->summary.code >= 0)
        (void)fprintf(out, "%d%s", d->summary.code,
                      pcap_outcome_name(d)[0] ? " " : "");
    (void)fputs(pcap_outcome_name(d), out);
}

static void put_flaws(FILE *out, const struct dialogue *d)
{
    const char *separator =
        d->is_candidate ? "  candidate, incomplete: " : "  incomplete: ";

    if (d->flaws == 0 && d->is_candidate)
        (void)fputs("  candidate: no answer that fits", out);
    for (unsigned bit = 1; bit <= CAPTURE_EVICTED; bit <<= 1) {
        if (!(d->flaws & bit))
            continue;
        (void)fprintf(out, "%s%s", separator,
                      pcap_flaw_name((enum capture_flaw)bit));
        if (bit == CAPTURE_LOST)
            (void)fprintf(
                out, " (%" PRIu64 " of the client, %" PRIu64 " of the server)",
                d->lost[SIDE_CLIENT], d->lost[SIDE_SERVER]);
        separator = ", ";
    }
}

static void put_finding(const struct pcap_printer *p,
                        const struct oracle_finding *finding)
{
    const struct requirement_row *row = requirement_row(finding->req);
    enum pcap_effect effect = pcap_effect_of(finding);

    if (effect == EFFECT_INFO && !p->is_verbose)
        return;
    (void)fprintf(p->out, "    %s  %s  %s  %s ", pcap_effect_name(effect),
                  requirement_level_name(row->level), row->id,
                  finding->side == SIDE_CLIENT ? "client" : "server");
    if (finding->datagram)
        (void)fprintf(p->out, "datagram %" PRIu64 " ", finding->datagram);
    (void)fprintf(p->out, "octet %" PRIu64 "  ", finding->offset);
    put_printable(p->out, finding->message);
    if (finding->is_contested)
        (void)fputs(" (contested)", p->out);
    (void)fputc('\n', p->out);
    if (p->is_verbose)
        (void)fprintf(p->out, "          %s section %s: %s\n", row->source,
                      row->section, row->summary);
}

static void put_datagrams(FILE *out, const uint64_t count[2])
{
    if (count[SIDE_CLIENT] || count[SIDE_SERVER])
        (void)fprintf(out, "  %" PRIu64 "/%" PRIu64 " datagrams",
                      count[SIDE_CLIENT], count[SIDE_SERVER]);
}

static bool is_accused(const struct dialogue *d)
{
    for (size_t i = 0; i < d->finding_count; i++) {
        if (pcap_effect_of(&d->findings[i]) != EFFECT_INFO)
            return true;
    }
    return false;
}

void pcap_text_session(struct pcap_printer *p, const struct pcap_file *file,
                       const struct dialogue *d)
{
    uint64_t after_us = d->begin_us > file->stats->begin_us
                            ? d->begin_us - file->stats->begin_us
                            : 0;

    if (p->is_quiet && !is_accused(d))
        return;
    if (p->has_headings && !p->is_headed)
        (void)fprintf(p->out, "%s:\n", file->path);
    p->is_headed = true;
    (void)fprintf(p->out, "frame %" PRIu64 "  +%" PRIu64 ".%06" PRIu64,
                  d->first_frame, after_us / 1000000, after_us % 1000000);
    put_ends(p->out, d);
    (void)fprintf(p->out, "  %s", pcap_protocol_name(d));
    put_methods(p->out, d);
    put_request(p->out, d);
    (void)fprintf(p->out, "  %" PRIu64 "/%" PRIu64 " octets  %s/%s",
                  d->octets[SIDE_CLIENT], d->octets[SIDE_SERVER],
                  pcap_ending_name(d->ending[SIDE_CLIENT]),
                  pcap_ending_name(d->ending[SIDE_SERVER]));
    put_datagrams(p->out, d->summary.datagrams);
    put_flaws(p->out, d);
    (void)fputc('\n', p->out);
    for (size_t i = 0; i < d->finding_count; i++)
        put_finding(p, &d->findings[i]);
    if (d->findings_dropped)
        (void)fprintf(p->out, "    and %zu findings more\n",
                      d->findings_dropped);
}

static void put_count(FILE *out, uint64_t count, const char *what,
                      const char *plural)
{
    (void)fprintf(out, "%" PRIu64 " %s%s", count, what,
                  count == 1 ? "" : plural);
}

void pcap_text_summary(struct pcap_printer *p, const struct pcap_file *file)
{
    if (p->is_quiet || !file->stats)
        return;
    (void)fprintf(p->out, "%s: ", file->path);
    put_count(p->out, file->stats->packets, "packet", "s");
    (void)fputs(", ", p->out);
    put_count(p->out, file->stats->connections, "connection", "s");
    (void)fputs(", ", p->out);
    put_count(p->out, file->sessions, "session", "s");
    (void)fputs(", ", p->out);
    put_count(p->out, file->candidates, "candidate", "s");
    (void)fputs("; ", p->out);
    put_count(p->out, file->findings[EFFECT_FAIL], "failure", "s");
    (void)fputs(", ", p->out);
    put_count(p->out, file->findings[EFFECT_WARN], "warning", "s");
    (void)fputs(", ", p->out);
    put_count(p->out, file->findings[EFFECT_INFO], "note", "s");
    (void)fputc('\n', p->out);
    if (!p->is_verbose)
        return;
    (void)fprintf(p->out, "    %" PRIu64 " TCP packets, ",
                  file->stats->tcp_packets);
    if (file->stats->udp_packets)
        (void)fprintf(p->out, "%" PRIu64 " datagrams of associations, ",
                      file->stats->udp_packets);
    (void)fprintf(p->out,
                  "%" PRIu64 " IP fragments, %" PRIu64 " others skipped\n",
                  file->stats->fragments, file->stats->skipped_packets);
}
