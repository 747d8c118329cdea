#ifndef SESSION_MODEL_INTERNAL_H
#define SESSION_MODEL_INTERNAL_H

/* What the files of the model share; the target itself does not need it. */

#include "session_model.h"

#define DID(kind) (1u << (kind))

/* These kinds of actions, and no others, were what the event led to. */
void model_expect(const struct model *m, unsigned kinds);

/* Nothing was told to the client. */
void model_expect_silence(const struct model *m);

/* A SOCKS reply with this REP, or what stands for it in SOCKS4. */
void model_expect_reply(const struct model *m, struct px_bytes reply, int rep);

/* A refusal in the client's protocol. */
void model_expect_refusal(struct model *m, struct px_bytes told, int code);

/* A failure that was told, and these actions besides those that end it. */
void model_enter_failed(struct model *m, unsigned besides);
void model_close_at_once(struct model *m, unsigned besides);

bool model_is_same_target(const struct px_endpoint *a,
                          const struct px_endpoint *b);

/* BIND: what the lookup, the listener and what comes then lead to. */
void model_settle_bind_lookup(struct model *m);
void model_settle_listener(struct model *m, struct px_bytes told);
void model_settle_listening(struct model *m);

#endif
