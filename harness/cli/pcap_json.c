/*
 * `pcap check` for programs. The document is written as it comes, a session
 * at a time, so that its size does not bound the capture's.
 */

#include <inttypes.h>

#include <jansson.h>

#include "pcap_report.h"

enum { TEXT_MAX = 4096 };

/* A JSON string; what is not printable ASCII becomes \xHH within it. */
static json_t *text_of(const char *text)
{
    static const char hex[] = "0123456789abcdef";
    char printable[TEXT_MAX];
    size_t len = 0;

    for (const char *c = text; *c && len < sizeof(printable) - 4; c++) {
        unsigned char octet = (unsigned char)*c;

        if (octet >= ' ' && octet < 0x7f) {
            printable[len++] = *c;
            continue;
        }
        printable[len++] = '\\';
        printable[len++] = 'x';
        printable[len++] = hex[octet >> 4];
        printable[len++] = hex[octet & 15];
    }
    return json_stringn(printable, len);
}

static json_t *text_or_null(const char *text)
{
    return text && text[0] ? text_of(text) : json_null();
}

static json_t *number_or_null(int number)
{
    return number < 0 ? json_null() : json_integer(number);
}

static json_t *endpoint_of(const struct px_endpoint *endpoint)
{
    char text[PX_ENDPOINT_TEXT_MAX];

    px_format_endpoint(endpoint, text);
    return json_string(text);
}

static json_t *by_side(const uint64_t count[2])
{
    return json_pack("{s:I, s:I}", "client", (json_int_t)count[SIDE_CLIENT],
                     "server", (json_int_t)count[SIDE_SERVER]);
}

/* Appends, and gives the array up when either is missing. */
static json_t *append(json_t *array, json_t *item)
{
    if (json_array_append_new(array, item) == 0)
        return array;
    json_decref(array);
    return NULL;
}

static json_t *methods_of(const struct dialogue *d)
{
    json_t *array;

    if (d->methods_offered < 0)
        return json_null();
    array = json_array();
    for (int i = 0; i < d->methods_offered; i++)
        array = append(array, json_integer(d->methods[i]));
    return array;
}

static json_t *flaws_of(const struct dialogue *d)
{
    json_t *array = json_array();

    for (unsigned bit = 1; bit <= CAPTURE_EVICTED; bit <<= 1) {
        if (d->flaws & bit)
            array = append(array,
                           json_string(pcap_flaw_name((enum capture_flaw)bit)));
    }
    return array;
}

static json_t *finding_of(const struct oracle_finding *finding)
{
    const struct requirement_row *row = requirement_row(finding->req);

    return json_pack(
        "{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:o, s:I, s:b, s:o}",
        "requirement", row->id, "level", requirement_level_name(row->level),
        "source", row->source, "section", row->section, "effect",
        pcap_effect_name(pcap_effect_of(finding)), "side",
        finding->side == SIDE_CLIENT ? "client" : "server", "offset",
        (json_int_t)finding->offset, "datagram",
        finding->datagram ? json_integer((json_int_t)finding->datagram)
                          : json_null(),
        "time_ms", (json_int_t)finding->time_ms, "contested",
        finding->is_contested, "message", text_of(finding->message));
}

static json_t *findings_of(const struct dialogue *d)
{
    json_t *array = json_array();

    for (size_t i = 0; i < d->finding_count; i++)
        array = append(array, finding_of(&d->findings[i]));
    return array;
}

static json_t *ending_of(const struct dialogue *d)
{
    return json_pack("{s:s, s:s}", "client",
                     pcap_ending_name(d->ending[SIDE_CLIENT]), "server",
                     pcap_ending_name(d->ending[SIDE_SERVER]));
}

/* What was asked and answered. */
static json_t *outcome_of(const struct dialogue *d)
{
    const struct oracle_summary *s = &d->summary;

    return json_pack("{s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:s}",
                     "bind_peer", text_or_null(s->bind_peer), "relay",
                     s->relay.port ? endpoint_of(&s->relay) : json_null(),
                     "datagrams", by_side(s->datagrams), "protocol",
                     pcap_protocol_name(d), "methods_offered", methods_of(d),
                     "method", number_or_null(s->method), "command",
                     text_or_null(pcap_command_name(d)), "target",
                     text_or_null(s->target), "code", number_or_null(s->code),
                     "stage", pcap_stage_name(s->stage));
}

static json_t *session_of(const struct pcap_file *file,
                          const struct dialogue *d)
{
    json_int_t begin_us = (json_int_t)(d->begin_us - file->stats->begin_us);
    json_int_t duration_us = (json_int_t)(d->end_us - d->begin_us);
    json_t *session = outcome_of(d);
    json_t *seen = json_pack(
        "{s:I, s:I, s:I, s:o, s:o, s:b, s:b, s:o, s:o, s:o, s:o, s:o, s:o, "
        "s:I}",
        "frame", (json_int_t)d->first_frame, "begin_us", begin_us,
        "duration_us", duration_us, "client", endpoint_of(&d->client), "server",
        endpoint_of(&d->server), "candidate", d->is_candidate, "reversed",
        d->is_reversed, "incomplete", flaws_of(d), "octets", by_side(d->octets),
        "lost", by_side(d->lost), "relayed", by_side(d->summary.relayed),
        "ending", ending_of(d), "findings", findings_of(d), "findings_dropped",
        (json_int_t)d->findings_dropped);

    if (json_object_update(session, seen) != 0) {
        json_decref(session);
        session = NULL;
    }
    json_decref(seen);
    return session;
}

/* Prints a value and lets go of it; false when there was no memory for it. */
static bool put(FILE *out, json_t *value)
{
    bool is_put = value && json_dumpf(value, out, JSON_ENCODE_ANY) == 0;

    json_decref(value);
    return is_put;
}

void pcap_json_begin(struct pcap_printer *p)
{
    (void)fprintf(p->out,
                  "{\"tool\": \"proxyspec\", \"version\": \"%s\",\n"
                  "\"files\": [",
                  PROXYSPEC_VERSION);
}

void pcap_json_open(struct pcap_printer *p)
{
    (void)fprintf(p->out, "%s\n{\"sessions\": [", p->has_file ? "," : "");
    p->has_file = true;
    p->has_session = false;
}

bool pcap_json_session(struct pcap_printer *p, const struct pcap_file *file,
                       const struct dialogue *d)
{
    (void)fputs(p->has_session ? ",\n" : "\n", p->out);
    p->has_session = true;
    return put(p->out, session_of(file, d));
}

bool pcap_json_close(struct pcap_printer *p, const struct pcap_file *file)
{
    const struct capture_stats none = {0};
    const struct capture_stats *stats = file->stats ? file->stats : &none;
    json_t *summary = json_pack(
        "{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "packets",
        (json_int_t)stats->packets, "tcp_packets",
        (json_int_t)stats->tcp_packets, "udp_packets",
        (json_int_t)stats->udp_packets, "fragments",
        (json_int_t)stats->fragments, "skipped_packets",
        (json_int_t)stats->skipped_packets, "connections",
        (json_int_t)stats->connections, "sessions", (json_int_t)file->sessions,
        "candidates", (json_int_t)file->candidates, "fail",
        (json_int_t)file->findings[EFFECT_FAIL], "warn",
        (json_int_t)file->findings[EFFECT_WARN], "info",
        (json_int_t)file->findings[EFFECT_INFO]);

    (void)fputs("],\n\"summary\": ", p->out);
    if (!put(p->out, summary))
        return false;
    (void)fputs(",\n\"path\": ", p->out);
    if (!put(p->out, text_of(file->path)))
        return false;
    (void)fputs(",\n\"error\": ", p->out);
    if (!put(p->out, text_or_null(file->error)))
        return false;
    (void)fputs("}", p->out);
    return true;
}

void pcap_json_end(struct pcap_printer *p)
{
    (void)fputs("\n]}\n", p->out);
}
