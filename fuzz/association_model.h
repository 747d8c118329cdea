#ifndef ASSOCIATION_MODEL_H
#define ASSOCIATION_MODEL_H

/*
 * The model of a UDP association: what RFC 1928 section 7 asks a relay to do
 * with each datagram, written without a look at the association's. It watches
 * events and actions and ends the program when an action is missing, wrong or
 * too much.
 */

#include "association.h"

/* A datagram that has to go to a target; its octets by a digest. */
struct due_datagram {
    struct px_endpoint to; /* kind NAME: once the address is known */
    uint8_t name[PX_NAME_MAX];
    uint64_t digest;
    size_t len;
    unsigned slot; /* where its name is resolved */
};

struct association_model {
    struct association_config cfg;
    struct px_endpoint client; /* port 0: not known */
    uint64_t now_ms;
    uint64_t deadline_ms; /* as armed */

    /* The reassembly queue, whose pieces come in ascending order. */
    unsigned highest;
    bool has_gap;
    uint64_t begun_ms;
    struct due_datagram joined;

    struct due_datagram waiting[ASSOCIATION_WAITING_MAX];
    size_t waiting_count;
    bool is_resolving[ASSOCIATION_NAMES_MAX];

    /* What the event that is being handled still obliges the relay to. */
    struct due_datagram due[ASSOCIATION_WAITING_MAX];
    size_t due_count;
    size_t due_done;
    bool is_resolve_due;
    bool is_answer_due;
    struct association_event event;
    size_t done; /* actions of the event, timers aside */
};

void association_model_init(struct association_model *m,
                            const struct association_config *cfg);

/* Before association_handle(). */
void association_model_event(struct association_model *m,
                             const struct association_event *event,
                             uint64_t now_ms);

/* For each action, and after the last one of the event. */
void association_model_action(struct association_model *m,
                              const struct association_action *action);
void association_model_settle(struct association_model *m,
                              const struct association *a);

#endif
