#ifndef SESSION_AUTH_H
#define SESSION_AUTH_H

/*
 * session_auth: whether an HTTP request may pass, by the credentials that it
 * brings for this proxy, and what it is asked for if not: RFC 9110 section
 * 11.7, Basic of RFC 7617 and Digest of RFC 7616. Every request is judged by
 * itself.
 */

#include "http1.h"
#include "session.h"

enum auth_verdict {
    AUTH_ALLOWED,    /* nothing is asked for, or the credentials are right */
    AUTH_CHALLENGED, /* missing, wrong or unreadable: 407 and its challenges */
    AUTH_STALE,      /* the same, but only Digest's nonce is to be replaced */
    AUTH_MALFORMED,  /* Digest that asks for 400 (RFC 7616 section 3.4.6) */
};

/* Judges the Proxy-Authorization of a request; more than one is wrong. */
enum auth_verdict session_auth_judge(const struct session_config *cfg,
                                     const struct http1_request_head *head,
                                     uint64_t now_ms);

/*
 * Writes the Proxy-Authenticate lines, each with its CRLF, that an answer to
 * such a verdict has, the strongest scheme first: none for AUTH_ALLOWED and
 * AUTH_MALFORMED, at least one for the others.
 */
void session_auth_put_fields(const struct session_config *cfg,
                             enum auth_verdict verdict, uint64_t now_ms,
                             struct px_writer *out);

#endif
