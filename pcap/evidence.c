#include "evidence.h"

#include <string.h>

#include "socks5.h"

enum {
    SOCKS4_REPLY_LEN = 8,
    SELECTION_LEN = 2, /* RFC 1928 section 3: VER METHOD */
};

void evidence_note_gap(struct evidence *e, enum oracle_side side)
{
    e->is_gapped = e->is_gapped || side == SIDE_CLIENT;
}

static void keep_opening(struct evidence *e, struct px_bytes data)
{
    size_t room = sizeof(e->opening) - e->opening_len;
    size_t len = data.len < room ? data.len : room;

    if (e->is_gapped || len == 0)
        return;
    memcpy(e->opening + e->opening_len, data.data, len);
    e->opening_len += len;
}

void evidence_note(struct evidence *e, enum oracle_side side,
                   struct px_bytes data)
{
    if (side == SIDE_CLIENT) {
        keep_opening(e, data);
        if (e->octets[SIDE_CLIENT] == 0)
            e->first_piece = data.len;
        e->is_burst_over = e->octets[SIDE_SERVER] > 0;
    } else {
        if (e->octets[SIDE_SERVER] == 0)
            e->before_answer = e->octets[SIDE_CLIENT];
        if (!e->is_burst_over)
            e->burst += data.len;
    }
    e->octets[side] += data.len;
}

/* RFC 9110 section 5.6.2. */
static bool is_tchar(uint8_t octet)
{
    return (octet >= '0' && octet <= '9') || (octet >= 'A' && octet <= 'Z') ||
           (octet >= 'a' && octet <= 'z') ||
           (octet && strchr("!#$%&'*+-.^_`|~", octet));
}

/* Servers skip empty lines before a request (RFC 9112 section 2.2). */
static size_t skip_empty_lines(const struct evidence *e)
{
    size_t at = 0;

    while (at < e->opening_len &&
           (e->opening[at] == '\r' || e->opening[at] == '\n'))
        at++;
    return at;
}

/*
 * A method, a space, and a target that is not for an origin: of the forms in
 * RFC 9112 section 3.2 the ones to a proxy begin with a scheme or a host.
 */
static bool can_open_http(const struct evidence *e)
{
    size_t start = skip_empty_lines(e);
    size_t at = start;

    while (at < e->opening_len && is_tchar(e->opening[at]))
        at++;
    if (at == e->opening_len)
        return at < sizeof(e->opening);
    if (at == start || e->opening[at] != ' ')
        return false;
    return at + 1 == e->opening_len ||
           (e->opening[at + 1] != '/' && e->opening[at + 1] != '*');
}

bool evidence_can_open(const struct evidence *e)
{
    if (e->opening_len == 0)
        return !e->is_gapped;
    return e->opening[0] == 4 || e->opening[0] == SOCKS5_VERSION ||
           can_open_http(e);
}

/* The SOCKS4 memo: the codes of a reply; 90 is success. */
static bool is_socks4_code(int code)
{
    return code >= 90 && code <= 93;
}

bool evidence_is_answered(const struct oracle_summary *summary)
{
    switch (summary->protocol) {
    case ORACLE_DETECT:
        return false;
    case ORACLE_SOCKS:
        return summary->version == 4 ? is_socks4_code(summary->code)
                                     : summary->method >= 0;
    case ORACLE_HTTP:
        return summary->code >= 0;
    }
    return false;
}

/* The whole greeting at the front of what the client sent. */
static bool take_greeting(const struct evidence *e, struct socks5_greeting *out,
                          size_t *used)
{
    struct px_error err;

    return socks5_decode_greeting(px_bytes_of(e->opening, e->opening_len), out,
                                  used, &err) == PX_DONE;
}

static bool is_among(int method, struct px_bytes methods)
{
    return methods.len && memchr(methods.data, method, methods.len);
}

/*
 * Two octets prove little: other protocols begin with 05 at both ends too (DCE
 * RPC, DNP3). So either the client sent a greeting and nothing more, and what
 * was selected had been offered; or the server sent two octets and waited; or
 * a command was answered too. In midstream a request may look like a greeting,
 * 05 01 00, and a reply like a selection, 05 00: there only the first will do.
 */
static bool is_socks5(const struct evidence *e,
                      const struct oracle_summary *summary, bool is_midstream)
{
    struct socks5_greeting greeting = {0};
    size_t used = 0;
    bool is_whole = take_greeting(e, &greeting, &used) && greeting.methods.len;
    bool is_exact = is_whole && used == e->before_answer;
    bool is_offered = summary->method == SOCKS5_NO_ACCEPTABLE ||
                      is_among(summary->method, greeting.methods);

    if (is_exact && is_offered)
        return true;
    if (is_midstream)
        return false;
    if (e->burst == SELECTION_LEN && (is_exact || is_offered || !is_whole))
        return true;
    return summary->stage == STAGE_GRANTED ||
           (summary->stage == STAGE_REFUSED && summary->command >= 0 &&
            summary->code >= 0);
}

bool evidence_is_proof(const struct evidence *e,
                       const struct oracle_summary *summary, bool is_midstream)
{
    return summary->protocol != ORACLE_SOCKS || summary->version == 4 ||
           is_socks5(e, summary, is_midstream);
}

/* The front of a CONNECT whose end was lost; the oracle takes whole ones. */
static bool is_cut_connect(const struct evidence *e)
{
    struct px_bytes connect = PX_LITERAL("CONNECT ");

    return e->opening_len > connect.len &&
           px_equal(px_bytes_of(e->opening, connect.len), connect);
}

/* In midstream any octets can be the first: a greeting comes in one piece. */
static bool is_greeting(const struct evidence *e, bool is_midstream)
{
    struct socks5_greeting greeting;
    size_t used;

    return take_greeting(e, &greeting, &used) && greeting.methods.len &&
           (!is_midstream || used == e->first_piece);
}

/* SOCKS5 servers answer SOCKS4 with 05 FF: a short answer is no answer. */
static bool is_socks4_opening(const struct evidence *e,
                              const struct oracle_summary *summary,
                              bool is_midstream, bool is_unheard)
{
    if (summary->command != SOCKS5_CONNECT && summary->command != SOCKS5_BIND)
        return false;
    return is_unheard ||
           (!is_midstream && e->octets[SIDE_SERVER] < SOCKS4_REPLY_LEN);
}

bool evidence_is_opening(const struct evidence *e,
                         const struct oracle_summary *summary,
                         bool is_midstream, bool is_octet_lost)
{
    bool is_unheard = is_octet_lost || e->octets[SIDE_SERVER] == 0;

    switch (summary->protocol) {
    case ORACLE_DETECT:
        return is_octet_lost && is_cut_connect(e);
    case ORACLE_SOCKS:
        if (summary->version == 4)
            return is_socks4_opening(e, summary, is_midstream, is_unheard);
        return is_unheard && is_greeting(e, is_midstream);
    case ORACLE_HTTP:
        return is_unheard;
    }
    return false;
}

static void report_methods(const struct evidence *e, struct dialogue *out)
{
    struct socks5_greeting greeting;
    size_t used;

    out->methods_offered = -1;
    if (out->summary.protocol != ORACLE_SOCKS || out->summary.version != 5 ||
        !take_greeting(e, &greeting, &used))
        return;
    out->methods_offered = (int)greeting.methods.len;
    if (greeting.methods.len)
        memcpy(out->methods, greeting.methods.data, greeting.methods.len);
}

/* Copies what is printable up to a space; returns where it stopped. */
static size_t copy_word(const struct evidence *e, size_t at, char *out,
                        size_t room)
{
    size_t len = 0;

    while (at < e->opening_len && e->opening[at] > ' ' &&
           e->opening[at] < 0x7f && len < room - 1)
        out[len++] = (char)e->opening[at++];
    out[len] = '\0';
    return at;
}

void evidence_report(const struct evidence *e, struct dialogue *out)
{
    size_t at;

    report_methods(e, out);
    if (out->summary.protocol == ORACLE_SOCKS)
        return;
    at = copy_word(e, skip_empty_lines(e), out->verb, sizeof(out->verb));
    if (out->summary.protocol == ORACLE_DETECT) {
        out->summary.protocol = ORACLE_HTTP;
        (void)copy_word(e, at + 1, out->summary.target,
                        sizeof(out->summary.target));
    }
}
