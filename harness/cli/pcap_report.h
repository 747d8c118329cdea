#ifndef PCAP_REPORT_H
#define PCAP_REPORT_H

/* What `proxyspec pcap check` prints of each file, as text or as JSON. */

#include <stdio.h>

#include "capture.h"

/* What a finding does to the exit status. */
enum pcap_effect {
    EFFECT_FAIL, /* MUST, MUST-NOT, DEFINED, SECURITY */
    EFFECT_WARN, /* SHOULD, SHOULD-NOT, ROBUST */
    EFFECT_INFO, /* MAY, ADVICE, and every contested reading */
    EFFECT_COUNT
};

enum pcap_effect pcap_effect_of(const struct oracle_finding *finding);

/* One file while it is read. */
struct pcap_file {
    const char *path;
    const struct capture_stats *stats; /* NULL: it could not be opened */
    uint64_t sessions;
    uint64_t candidates;
    uint64_t findings[EFFECT_COUNT];
    const char *error; /* one line; NULL: read to its end */
};

/* How to print, and what was printed so far. */
struct pcap_printer {
    FILE *out;
    bool is_quiet;     /* text: only sessions with failures or warnings */
    bool is_verbose;   /* text: notes too, and what each requirement asks */
    bool has_headings; /* text: there are several files */
    bool is_headed;    /* this file's heading was printed */
    bool has_file;     /* JSON: a comma is due */
    bool has_session;  /* JSON: likewise */
};

/* Prints one dialogue below its file; *file counts it already. */
void pcap_text_session(struct pcap_printer *p, const struct pcap_file *file,
                       const struct dialogue *d);
void pcap_text_summary(struct pcap_printer *p, const struct pcap_file *file);

/* One JSON document over all files; false when there is no memory. */
void pcap_json_begin(struct pcap_printer *p);
void pcap_json_open(struct pcap_printer *p);
PX_CHECKED bool pcap_json_session(struct pcap_printer *p,
                                  const struct pcap_file *file,
                                  const struct dialogue *d);
PX_CHECKED bool pcap_json_close(struct pcap_printer *p,
                                const struct pcap_file *file);
void pcap_json_end(struct pcap_printer *p);

/* Words that both reports use; static. */
const char *pcap_protocol_name(const struct dialogue *d);
const char *pcap_effect_name(enum pcap_effect effect);
const char *pcap_ending_name(enum capture_ending ending);
const char *pcap_stage_name(enum oracle_stage stage);

/* "CONNECT", "GET"; NULL before a request. Borrowed from d, or static. */
const char *pcap_command_name(const struct dialogue *d);

/*
 * What the last answer means, or what did not come: "succeeded", "no request";
 * "" where an HTTP status says it. Static.
 */
const char *pcap_outcome_name(const struct dialogue *d);

/* The reason of one flaw; 0 and several at once are a caller's bug. Static. */
const char *pcap_flaw_name(enum capture_flaw flaw);

#endif
