#ifndef ORACLE_INTERNAL_H
#define ORACLE_INTERNAL_H

/*
 * What the files of the oracle share. oracle.c owns the streams and hands
 * every octet to the protocol that was recognised; oracle_findings.c is the
 * one place where somebody is accused. The protocols see octets one at a time
 * while a handshake lasts, so nothing can depend on how they were cut.
 */

#include "http1.h"
#include "oracle.h"
#include "oracle_http.h"
#include "oracle_socks.h"

enum {
    /* A head at the limits of http1_default_limits, and empty lines. */
    ORACLE_BUFFER = 16384 + 32768 + 1024,
    FINDINGS_MAX = 32,
    DUTIES_MAX = 16, /* one for each requirement that can be owed */
    /*
     * RFC 1928 section 6: the close within ten seconds. Other sections name
     * no time; the catalogue borrows this one.
     */
    CLOSE_MS = 10 * 1000,
    /* How long a BIND may wait for its peer; the memos say no number. */
    BIND_WAIT_MS = 10 * 60 * 1000,
    /*
     * Octets sent within this time after an answer may have crossed it on the
     * way, when no reaction of the client was seen that tells its distance.
     */
    CROSSING_MS = 200,
};

/* One side's octets. The first `seen` of those kept were shown to a parser. */
struct stream {
    uint8_t kept[ORACLE_BUFFER];
    size_t len;
    size_t seen;
    uint64_t base;  /* offset of kept[0] */
    uint64_t total; /* octets so far; over base + len once some did not fit */
    uint64_t ended_ms;
    bool has_ended;
    enum oracle_end end;
};

/* Something that one side has to do until a time, unless a stream ends. */
struct duty {
    enum requirement req;
    enum oracle_side side;
    uint64_t offset;
    uint64_t within_ms; /* 0: CLOSE_MS */
    uint64_t due_ms;    /* oracle_owe() fills it in */
    bool is_contested;
    const char *what; /* what was not done; static */
};

/* How soon the client is known to react, to tell answers from crossings. */
struct reaction {
    uint64_t answered_ms; /* the server's last message */
    uint64_t least_ms;    /* the quickest reaction to one */
    bool is_awaited;
    bool is_known;
    bool is_optimistic; /* the client once sent ahead */
};

/* One protocol; each function is called with the time in o->now_ms. */
struct protocol {
    /* Looks at octets of one side, one at least; returns how many. */
    size_t (*bytes)(struct oracle *o, enum oracle_side side,
                    struct px_bytes data);
    /* One side ended; the stream says how. */
    void (*ended)(struct oracle *o, enum oracle_side side);
    /* Nothing will come any more. */
    void (*finished)(struct oracle *o);
};

extern const struct protocol oracle_quiet; /* looks at nothing */
extern const struct protocol oracle_socks4;
extern const struct protocol oracle_socks5;
extern const struct protocol oracle_http;

struct oracle {
    const struct oracle_config *cfg;
    oracle_message_fn *observe;
    void *ctx;
    const struct protocol *protocol; /* NULL until the first octet */
    uint64_t now_ms;
    uint64_t relay_from[2]; /* where relayed octets begin, by side */
    struct oracle_summary summary;
    uint64_t datagram; /* the one that is judged, as in findings */
    struct reaction reaction;
    struct duty duties[DUTIES_MAX];
    size_t duty_count;
    struct oracle_finding findings[FINDINGS_MAX]; /* a ring */
    size_t finding_first;
    size_t finding_count;
    uint8_t told[2][REQ_COUNT]; /* by side: bit 0 contested, bit 1 plainly */
    union {
        struct socks4_dialogue socks4;
        struct socks5_dialogue socks5;
        struct http_dialogue http;
    } u;
    struct stream streams[2]; /* last: oracle_init() leaves it unwritten */
};

/* oracle.c */

/* Appends one octet of data; false when there is no room for it. */
PX_CHECKED bool oracle_keep(struct stream *s, struct px_bytes data);
/* The kept octets that were shown. */
struct px_bytes oracle_shown(const struct stream *s);
/* Drops the first len octets kept. */
void oracle_consume(struct stream *s, size_t len);
/* Counts octets past: nothing stays kept. */
void oracle_skip(struct stream *s, size_t len);
/* Stops judging; what was found stays. */
void oracle_fall_quiet(struct oracle *o);
/* Looks at no more octets; what is owed stays owed. */
void oracle_stop_reading(struct oracle *o);
/* The stages only go up. */
void oracle_reach(struct oracle *o, enum oracle_stage stage);
/* The streams are joined: from here on octets are relayed. */
void oracle_grant(struct oracle *o);
void oracle_count_relayed(struct oracle *o);
/* The server's message is whole: the client may react to it from now on. */
void oracle_note_answer(struct oracle *o);
/* Whether what the client sends now was surely sent knowing the last answer. */
bool oracle_is_reaction(const struct oracle *o);
enum oracle_side oracle_other(enum oracle_side side);
/* Whether the other side of a dialogue ended before this one. */
bool oracle_is_excused(const struct oracle *o, enum oracle_side side);

/* oracle_findings.c */

/* Accuses one side; the rules of oracle_rules.c must list it. */
void oracle_accuse(struct oracle *o, enum requirement req,
                   enum oracle_side side, uint64_t offset, const char *format,
                   ...) PX_FORMAT(5, 6);
/* The same for a reading on which competent readers differ. */
void oracle_contest(struct oracle *o, enum requirement req,
                    enum oracle_side side, uint64_t offset, const char *format,
                    ...) PX_FORMAT(5, 6);
/* Accuses the client of going on after a refusal; contested when the octets
 * may have been sent before the refusal reached it. */
void oracle_accuse_reaction(struct oracle *o, enum requirement req,
                            uint64_t offset, const char *what);
/* Tells the observer what a stretch of a stream is. */
void oracle_tell(struct oracle *o, enum oracle_side side, uint64_t offset,
                 size_t len, const char *format, ...) PX_FORMAT(5, 6);
void oracle_owe(struct oracle *o, const struct duty *duty);
void oracle_forgive(struct oracle *o); /* drops every duty */
void oracle_check_duties(struct oracle *o);
/* The rule for req; NULL when nobody may be accused of it. */
const struct oracle_rule *oracle_rule_for(enum requirement req);

enum { ORACLE_TEXT_MAX = 64, ORACLE_PLACE_MAX = 96 };

/* Writes what a peer sent as printable text, cut to fit; returns out. */
const char *oracle_text(struct px_bytes in, char out[ORACLE_TEXT_MAX]);
/* Writes an endpoint to a field of the summary, cut to fit; returns it. */
const char *oracle_note_endpoint(char field[ORACLE_PLACE_MAX],
                                 const struct px_endpoint *endpoint);

#endif
