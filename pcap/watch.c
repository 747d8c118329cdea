#include "watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "evidence.h"

struct trial {
    struct oracle *oracle;
    struct oracle_config config;
    struct oracle_finding *findings;
    size_t count, room, dropped;
    struct evidence evidence;
    max_align_t memory[]; /* the oracle's */
};

static size_t trial_size(void)
{
    return sizeof(struct trial) + oracle_size();
}

struct watch watch_init(void)
{
    return (struct watch){.client = -1};
}

void watch_release(struct watch *w, size_t *used)
{
    if (!w->trial)
        return;
    *used -= trial_size();
    free(w->trial->findings);
    free(w->trial);
    w->trial = NULL;
}

static enum px_status start(struct watch *w, int client, size_t *used,
                            struct px_error *err)
{
    struct trial *t;

    if (w->trial)
        return PX_DONE;
    t = malloc(trial_size());
    if (!t)
        return px_fail(err, ENOMEM, "out of memory");
    *used += trial_size();
    *t = (struct trial){0};
    t->oracle = oracle_init(t->memory, &t->config, NULL, NULL);
    w->trial = t;
    w->client = client;
    return PX_DONE;
}

static enum px_status keep_finding(struct trial *t,
                                   const struct oracle_finding *finding,
                                   struct px_error *err)
{
    if (t->count == CAPTURE_FINDINGS_MAX) {
        t->dropped++;
        return PX_DONE;
    }
    if (t->count == t->room) {
        size_t room = t->room ? 2 * t->room : 2;
        void *grown = realloc(t->findings, room * sizeof(*t->findings));

        if (!grown)
            return px_fail(err, ENOMEM, "out of memory");
        t->findings = grown;
        t->room = room;
    }
    t->findings[t->count++] = *finding;
    return PX_DONE;
}

static enum px_status keep_findings(struct trial *t, struct px_error *err)
{
    struct oracle_finding finding;

    while (oracle_next_finding(t->oracle, &finding)) {
        if (keep_finding(t, &finding, err) != PX_DONE)
            return PX_ERROR;
    }
    return PX_DONE;
}

static bool is_hopeless(const struct trial *t)
{
    const struct oracle_summary *summary = oracle_summary(t->oracle);
    const struct evidence *e = &t->evidence;

    if (evidence_is_answered(summary))
        return false;
    return !evidence_can_open(e) ||
           e->octets[SIDE_SERVER] > WATCH_OPENING_MAX ||
           (e->octets[SIDE_CLIENT] > WATCH_OPENING_MAX &&
            summary->stage < STAGE_OPENED);
}

/* What the oracle found, and whether to go on. */
static enum px_status conclude(struct watch *w, size_t *used,
                               struct px_error *err)
{
    if (keep_findings(w->trial, err) != PX_DONE)
        return PX_ERROR;
    if (is_hopeless(w->trial)) {
        watch_release(w, used);
        w->is_dismissed = true;
    }
    return PX_DONE;
}

static enum oracle_side side_of(const struct watch *w, int end)
{
    return end == w->client ? SIDE_CLIENT : SIDE_SERVER;
}

static uint64_t advance(struct watch *w, uint64_t now_ms)
{
    if (now_ms > w->last_ms)
        w->last_ms = now_ms;
    return w->last_ms;
}

enum px_status watch_bytes(struct watch *w, int end, struct px_bytes data,
                           uint64_t now_ms, size_t *used, struct px_error *err)
{
    enum oracle_side side;

    if (w->is_dismissed || data.len == 0)
        return PX_DONE;
    if (start(w, end, used, err) != PX_DONE)
        return PX_ERROR;
    side = side_of(w, end);
    evidence_note(&w->trial->evidence, side, data);
    oracle_bytes(w->trial->oracle, side, data, advance(w, now_ms));
    return conclude(w, used, err);
}

/*
 * Time stands still: what was lost may have been the close that the oracle
 * would miss otherwise.
 */
enum px_status watch_gap(struct watch *w, int end, uint64_t len, size_t *used,
                         struct px_error *err)
{
    enum oracle_side side;

    if (w->is_dismissed || len == 0)
        return PX_DONE;
    if (start(w, end, used, err) != PX_DONE)
        return PX_ERROR;
    side = side_of(w, end);
    evidence_note_gap(&w->trial->evidence, side);
    oracle_gap(w->trial->oracle, side, len, w->last_ms);
    return conclude(w, used, err);
}

enum px_status watch_end(struct watch *w, int end, enum oracle_end how,
                         uint64_t now_ms, size_t *used, struct px_error *err)
{
    if (!w->trial)
        return PX_DONE;
    oracle_end(w->trial->oracle, side_of(w, end), how, advance(w, now_ms));
    return conclude(w, used, err);
}

const struct px_endpoint *watch_relay(const struct watch *w)
{
    const struct px_endpoint *relay =
        w->trial ? &oracle_summary(w->trial->oracle)->relay : NULL;

    return relay && relay->port ? relay : NULL;
}

enum px_status watch_datagram(struct watch *w, int end, struct px_bytes data,
                              const struct px_endpoint *from,
                              const struct px_endpoint *to, uint64_t now_ms,
                              struct px_error *err)
{
    if (!w->trial)
        return PX_DONE;
    oracle_datagram(w->trial->oracle, side_of(w, end), data, from, to,
                    advance(w, now_ms));
    return keep_findings(w->trial, err);
}

enum px_status watch_finish(struct watch *w, uint64_t now_ms,
                            struct px_error *err)
{
    if (!w->trial)
        return PX_DONE;
    oracle_finish(w->trial->oracle, advance(w, now_ms));
    return keep_findings(w->trial, err);
}

enum watch_verdict watch_verdict(const struct watch *w, bool is_octet_lost)
{
    const struct oracle_summary *summary;
    const struct evidence *e;

    if (!w->trial)
        return WATCH_NOTHING;
    summary = oracle_summary(w->trial->oracle);
    e = &w->trial->evidence;
    if (evidence_is_answered(summary))
        return evidence_is_proof(e, summary, w->is_midstream) ? WATCH_DIALOGUE
                                                              : WATCH_NOTHING;
    return evidence_is_opening(e, summary, w->is_midstream, is_octet_lost)
               ? WATCH_CANDIDATE
               : WATCH_NOTHING;
}

void watch_report(struct watch *w, struct dialogue *out)
{
    struct trial *t = w->trial;

    out->summary = *oracle_summary(t->oracle);
    evidence_report(&t->evidence, out);
    if (out->is_candidate || (out->flaws & CAPTURE_NO_START))
        return;
    out->findings = t->findings;
    out->finding_count = t->count;
    out->findings_dropped = t->dropped + out->summary.findings_lost;
    t->findings = NULL;
    t->count = t->room = 0;
}
