/* Faults of proxies that rewrite what is to pass as it is: targets, names and
 * values, ends of lines. RFC 9110 sections 5.1, 5.5, 7.2, 7.6 and 7.7, RFC 9112
 * sections 2.2 and 3.2. */

#include <string.h>

#include "faults/forward.h"

static bool is_request(const struct forward_part *part)
{
    return part->stage == FORWARD_REQUEST_SENT;
}

static size_t offset_of(const struct forward_part *part, struct px_bytes octets)
{
    return (size_t)(octets.data - part->octets.data);
}

/* Targets -------------------------------------------------------------------*/

/* A buffer that is one octet too small for all but the simplest paths. */
static enum forward_verdict loses_end(struct fault_memory *m,
                                      struct forward_part *part)
{
    struct px_bytes target = forward_word(part), rest;

    if (!is_request(part) || target.len < 2)
        return FORWARD_PASS;
    rest = px_bytes_of(target.data + 1, target.len - 1);
    if (faults_find(rest, "/") < rest.len || faults_find(rest, "?") < rest.len)
        forward_put(m, part, offset_of(part, target) + target.len - 1, 1,
                    (struct px_bytes){0});
    return FORWARD_PASS;
}

static enum forward_verdict lowers_path(struct fault_memory *m,
                                        struct forward_part *part)
{
    struct px_bytes target = forward_word(part);
    size_t at;
    uint8_t *octets;

    if (!is_request(part) || target.len == 0)
        return FORWARD_PASS;
    at = offset_of(part, target);
    octets = forward_take(m, part);
    for (size_t i = at; i < at + target.len && octets[i] != '?'; i++) {
        if (octets[i] >= 'A' && octets[i] <= 'Z')
            octets[i] |= 0x20;
    }
    return FORWARD_PASS;
}

static enum forward_verdict adds_index(struct fault_memory *m,
                                       struct forward_part *part)
{
    return forward_swap_at(m, part, FORWARD_REQUEST_SENT, "GET / ",
                           "GET /index.html ");
}

static enum forward_verdict no_query(struct fault_memory *m,
                                     struct forward_part *part)
{
    struct px_bytes target = forward_word(part);
    size_t at = faults_find(target, "?");

    if (is_request(part) && faults_find(part->octets, "OPTIONS ") == 0 &&
        at < target.len)
        forward_put(m, part, offset_of(part, target) + at, target.len - at,
                    (struct px_bytes){0});
    return FORWARD_PASS;
}

/* Lines of fields -----------------------------------------------------------*/

/* What becomes of a line of a head, without its end: how many of its octets
 * stay, which may be changed; 0: the line is cut. number counts from 1. */
typedef size_t line_fn(uint8_t *line, size_t len, size_t number);

/* Shows edit every line of a field. */
static enum forward_verdict rewrite(struct fault_memory *m,
                                    struct forward_part *part, line_fn *edit)
{
    size_t len = part->octets.len, to = 0, number = 0;
    uint8_t *octets;

    if (!forward_is_sent(part))
        return FORWARD_PASS;
    octets = forward_take(m, part);
    for (size_t at = 0, line; at < len; at += line + 2) {
        size_t stays;

        line = faults_find(px_bytes_of(octets + at, len - at), "\r\n");
        if (line == len - at)
            return FORWARD_PASS;
        stays = line;
        if (number > 0 && line > 0)
            stays = edit(octets + at, line, number);
        if (number++ == 0 || line == 0 || stays > 0) {
            memmove(octets + to, octets + at, stays);
            to += stays;
            octets[to++] = '\r';
            octets[to++] = '\n';
        }
    }
    part->octets.len = to;
    return FORWARD_PASS;
}

static size_t name_len(const uint8_t *line, size_t len)
{
    return faults_find(px_bytes_of(line, len), ":");
}

static bool is_plain(uint8_t octet)
{
    return octet == '-' || (octet >= '0' && octet <= '9') ||
           ((octet | 0x20) >= 'a' && (octet | 0x20) <= 'z');
}

static size_t without_odd_names(uint8_t *line, size_t len, size_t number)
{
    size_t name = name_len(line, len);

    (void)number;
    for (size_t i = 0; i < name; i++) {
        if (!is_plain(line[i]))
            return 0;
    }
    return name > 1 ? len : 0;
}

static enum forward_verdict drops_odd_names(struct fault_memory *m,
                                            struct forward_part *part)
{
    return rewrite(m, part, without_odd_names);
}

static size_t one_of_forty(uint8_t *line, size_t len, size_t number)
{
    enum { TABLE_LEN = 40 };

    (void)line;
    return number <= TABLE_LEN ? len : 0;
}

static enum forward_verdict forty_fields(struct fault_memory *m,
                                         struct forward_part *part)
{
    return rewrite(m, part, one_of_forty);
}

static size_t short_line(uint8_t *line, size_t len, size_t number)
{
    enum { LINE_MAX_LEN = 1000 };

    (void)line;
    (void)number;
    return len < LINE_MAX_LEN ? len : LINE_MAX_LEN;
}

static enum forward_verdict cuts_lines(struct fault_memory *m,
                                       struct forward_part *part)
{
    return rewrite(m, part, short_line);
}

static size_t in_ascii(uint8_t *line, size_t len, size_t number)
{
    (void)number;
    for (size_t i = 0; i < len; i++) {
        if (line[i] > 0x7F)
            line[i] = '?';
    }
    return len;
}

static enum forward_verdict only_ascii(struct fault_memory *m,
                                       struct forward_part *part)
{
    return rewrite(m, part, in_ascii);
}

static size_t without_backslash(uint8_t *line, size_t len, size_t number)
{
    size_t to = 0;

    (void)number;
    for (size_t i = 0; i < len; i++) {
        if (line[i] != '\\')
            line[to++] = line[i];
    }
    return to;
}

static enum forward_verdict drops_backslash(struct fault_memory *m,
                                            struct forward_part *part)
{
    return rewrite(m, part, without_backslash);
}

/* Values --------------------------------------------------------------------*/

static enum forward_verdict replaces_date(struct fault_memory *m,
                                          struct forward_part *part)
{
    struct px_bytes date = forward_value(part, "Date");
    const size_t year = strlen("Sun, 06 Nov ");

    if (part->stage == FORWARD_RESPONSE_SENT && date.len > year + 2 &&
        memcmp(date.data + year, "19", 2) == 0)
        forward_set_value(m, part, "Date",
                          PX_LITERAL("Sat, 01 Jan 2000 00:00:00 GMT"));
    return FORWARD_PASS;
}

/* count[0]: the field is taken for Transfer-Encoding, of an empty body. */
static enum forward_verdict takes_underscore(struct fault_memory *m,
                                             struct forward_part *part)
{
    if (part->stage == FORWARD_REQUEST_RECEIVED)
        m->count[0] = forward_value(part, "Transfer_Encoding").len > 0;
    if (!m->count[0])
        return FORWARD_PASS;
    if (is_request(part) && forward_cut(m, part, "Content-Length"))
        forward_rename(m, part, "Transfer_Encoding", "Transfer-Encoding");
    return FORWARD_PASS;
}

/* count[0]: Host came empty. */
static enum forward_verdict copies_empty_host(struct fault_memory *m,
                                              struct forward_part *part)
{
    struct px_bytes host = forward_value(part, "Host");

    if (part->stage == FORWARD_REQUEST_RECEIVED)
        m->count[0] = host.data != NULL && host.len == 0;
    else if (is_request(part) && m->count[0])
        forward_set_value(m, part, "Host", (struct px_bytes){0});
    return FORWARD_PASS;
}

/* Adds 1 to the digits that are kept. */
static void count_up(struct fault_memory *m)
{
    size_t i = m->kept_len;

    while (i > 0 && m->kept[i - 1] == '9')
        m->kept[--i] = '0';
    if (i > 0) {
        m->kept[i - 1]++;
    } else {
        memmove(m->kept + 1, m->kept, m->kept_len++);
        m->kept[0] = '1';
    }
}

static enum forward_verdict counts_up(struct fault_memory *m,
                                      struct forward_part *part)
{
    struct px_bytes value = forward_value(part, "Max-Forwards");

    if (part->stage == FORWARD_REQUEST_RECEIVED) {
        m->kept_len = 0;
        for (size_t i = 0; i < value.len; i++) {
            if (value.data[i] < '0' || value.data[i] > '9')
                return FORWARD_PASS;
        }
        if (value.len > 0 && value.len < 64)
            forward_keep(m, value);
    } else if (is_request(part) && m->kept_len) {
        count_up(m);
        forward_cut_all(m, part, "Max-Forwards");
        forward_add_field(m, part, "Max-Forwards", forward_kept(m));
    }
    return FORWARD_PASS;
}

static enum forward_verdict always_10(struct fault_memory *m,
                                      struct forward_part *part)
{
    if (forward_is_sent(part) && forward_cut_last(m, part, "Via"))
        forward_add(m, part, "Via: 1.0 proxy\r\n");
    return FORWARD_PASS;
}

/* Ends of lines and heads ---------------------------------------------------*/

/* count[0], of a response [1]: its lines end in LF. */
static enum forward_verdict keeps_lf(struct fault_memory *m,
                                     struct forward_part *part)
{
    bool is_back = part->stage == FORWARD_RESPONSE_RECEIVED ||
                   part->stage == FORWARD_RESPONSE_SENT;
    size_t to = 0;
    uint8_t *octets;

    if (forward_is_received(part))
        m->count[is_back] = !forward_has(part, "\r\n");
    if (!forward_is_sent(part) || !m->count[is_back])
        return FORWARD_PASS;
    octets = forward_take(m, part);
    for (size_t i = 0; i < part->octets.len; i++) {
        if (octets[i] != '\r')
            octets[to++] = octets[i];
    }
    part->octets.len = to;
    return FORWARD_PASS;
}

/* What comes with Host and ends with a line is taken for a head. */
static enum fault_verdict goes_by_host(struct fault_memory *m,
                                       struct event *event)
{
    size_t len = event->data.len;
    uint8_t *octets;

    if (event->kind != EVENT_CLIENT_DATA || len < 4 ||
        len + 2 > sizeof(m->in) ||
        faults_find(event->data, "\r\nHost: ") == len ||
        faults_find(event->data, "\r\n\r\n") < len ||
        memcmp(event->data.data + len - 2, "\r\n", 2) != 0)
        return FAULT_PASS;
    octets = faults_take_octets(m, event);
    octets[len] = '\r';
    octets[len + 1] = '\n';
    event->data.len += 2;
    return FAULT_PASS;
}

static const struct fault faults[] = {
    FORWARD_FAULT("end-of-path-lost",
                  "loses the last octet of a path of more than one segment",
                  loses_end, REQ_HTTP_TARGET_PATH_KEPT),
    FORWARD_FAULT("path-lower-case", "writes paths in lower case", lowers_path,
                  REQ_HTTP_TARGET_PATH_KEPT),
    FORWARD_FAULT("index-added", "asks for /index.html in the place of /",
                  adds_index, REQ_HTTP_TARGET_EMPTY_PATH),
    FORWARD_FAULT("options-query-lost", "loses the query of OPTIONS", no_query,
                  REQ_HTTP_TARGET_OPTIONS_PATH),
    FORWARD_FAULT("odd-names-dropped",
                  "drops fields named by one octet, or by others than letters",
                  drops_odd_names, REQ_HTTP_FIELD_UNKNOWN_FORWARD),
    FORWARD_FAULT("forty-fields", "loses the fields behind the fortieth",
                  forty_fields, REQ_HTTP_LIMITS_FIELDS_4XX,
                  REQ_HTTP_LIMITS_RESPONSE_FIELDS),
    FORWARD_FAULT("lines-cut", "cuts lines of fields at 1000 octets",
                  cuts_lines, REQ_HTTP_LIMITS_FIELDS_4XX,
                  REQ_HTTP_LIMITS_RESPONSE_FIELDS),
    FORWARD_FAULT("only-ascii", "writes ? for octets above 7F in fields",
                  only_ascii, REQ_HTTP_PARSE_OCTETS, REQ_HTTP_PARSE_OBS_TEXT),
    FORWARD_FAULT("backslash-dropped", "drops backslashes in fields",
                  drops_backslash, REQ_HTTP_PARSE_OCTETS),
    FORWARD_FAULT("old-date-replaced", "replaces dates before the year 2000",
                  replaces_date, REQ_HTTP_FIELD_DATE_ACCEPT),
    FORWARD_FAULT("underscore-sent",
                  "makes Transfer-Encoding of Transfer_Encoding on the way",
                  takes_underscore, REQ_HTTP_FIELD_UNDERSCORE),
    FORWARD_FAULT("empty-host-copied", "passes an empty Host on",
                  copies_empty_host, REQ_HTTP_HOST_REWRITE),
    FORWARD_FAULT("max-forwards-up", "counts Max-Forwards up", counts_up,
                  REQ_HTTP_MAXFORWARDS_ODD_VALUE),
    FORWARD_FAULT("via-always-10", "says 1.0 in Via whatever version came",
                  always_10, REQ_HTTP_VIA_VERSION),
    FORWARD_FAULT("lf-kept", "passes lines on that end in LF alone", keeps_lf,
                  REQ_HTTP_PARSE_SENDER_GRAMMAR),
    {
        .name = "forward-host-ends-head",
        .summary = "takes the lines up to Host for a whole head",
        .proves = {REQ_HTTP_PARSE_WHOLE_HEADER},
        .on_event = goes_by_host,
    },
};

const struct fault_theme forward_rewriting_faults = FAULT_THEME(faults);
