#ifndef ORACLE_HTTP_H
#define ORACLE_HTTP_H

/* What the oracle remembers of an HTTP dialogue. */

#include "http1.h"
#include "http1_auth_param.h"
#include "http1_chunked.h"
#include "http1_framing.h"
#include "oracle.h"

/* A body going by; of its octets only the framing is looked at. */
struct http_body {
    struct http1_framing framing;
    uint64_t left;                /* of a counted one */
    struct http1_chunked chunked; /* where a chunked one is */
    uint64_t at;                  /* where its message began */
    bool is_announced;            /* that trailers may come */
    enum requirement broken;      /* NONE: it can be followed */
};

/* What is wrong with the target of a CONNECT. */
enum http_target {
    TARGET_GOOD,     /* host ":" port */
    TARGET_UNJUDGED, /* may be grammatical, cannot be read here */
    TARGET_BAD_FORM,
    TARGET_BAD_PORT,
    TARGET_NO_PORT,
    TARGET_BAD_IPV6 /* without brackets */
};

enum { HTTP_UPGRADES_MAX = 4 };

/* A request that waits for its final response. */
struct http_request {
    uint64_t at;
    bool is_connect;
    bool is_connect_alike; /* but for its case: another method, to be exact */
    bool is_head;
    bool is_local;         /* OPTIONS or TRACE: the proxy may answer itself */
    bool is_repeat_unsafe; /* POST or PATCH: not idempotent */
    bool is_absolute;      /* its target is a URI */
    bool is_host_empty;    /* the URI names no host */
    bool is_http10;        /* or older */
    bool is_valid;         /* a CONNECT that can only be granted or refused */
    bool has_body_fields;
    bool has_content; /* its framing promises octets */
    bool has_close;
    bool has_keep_alive;
    bool has_te;
    bool has_credentials;
    bool has_colon_space;
    bool is_line_invalid;
    bool has_no_version; /* the HTTP/0.9 form, whose fields nobody reads */
    bool is_host_invalid;
    size_t host_count;
    uint32_t defects;        /* enum http1_defect */
    uint32_t credentials;    /* their digest */
    enum http_target target; /* of a CONNECT */
    size_t upgrade_count;    /* protocols of Upgrade, all of them */
    uint32_t upgrades[HTTP_UPGRADES_MAX]; /* digests of the first ones */
};

enum { HTTP_OUTSTANDING_MAX = 16, HTTP_NONCES_MAX = 4, HTTP_QOPS_MAX = 4 };

/* A nonce of Digest, from a challenge or from credentials. */
struct http_nonce {
    bool is_used;
    bool is_challenged; /* the rest is known; digests of what was said */
    bool has_opaque;
    bool has_algorithm;
    uint32_t nonce;
    uint32_t opaque;
    uint32_t algorithm;
    size_t qop_count;
    uint32_t qops[HTTP_QOPS_MAX];
    uint32_t highest; /* nc that it was used with */
};

enum http_client_state {
    CLIENT_HEAD,
    CLIENT_BODY,
    CLIENT_WAITS, /* for the answer to CONNECT */
    CLIENT_LOST   /* what follows cannot be told apart */
};

enum http_server_state { SERVER_HEAD, SERVER_BODY };

struct http_dialogue {
    enum http_client_state client;
    enum http_server_state server;
    struct http_body client_body;
    struct http_body server_body;
    struct http_request outstanding[HTTP_OUTSTANDING_MAX]; /* oldest first */
    size_t outstanding_count;
    bool is_line_seen[2]; /* of the head being read, by side */
    bool is_text_seen[2]; /* an octet other than CR and LF */
    size_t prefix_len;    /* octets of "HTTP/" that the head began with */
    bool is_begun;        /* a request head was whole */
    bool is_answered;     /* a response was whole */
    bool is_refused;      /* the last answer refused a CONNECT */
    bool is_unauthorised; /* it was a 407 */
    bool has_early;       /* octets came between that CONNECT and the answer */
    bool has_talked;      /* octets of the client came after the last answer */
    bool has_authenticated; /* a request with credentials went through */
    bool did_client_close;  /* a request said so */
    bool did_server_close;  /* a response said so */
    bool did_server_11;     /* a response was of HTTP/1.1 */
    bool did_client_11;     /* a request was */
    bool has_erred;         /* a response was an error, but for 407 */
    bool is_close_unsaid;   /* the last answer lets the connection go on */
    uint64_t whole_ms;      /* when it was whole */
    uint16_t code;          /* of the last answer */
    struct http_request answered; /* what it answers */
    enum requirement last; /* what forbids another answer; NONE: nothing */
    uint32_t credentials;  /* a digest of those that were refused last */
    size_t refused_count;  /* how often */
    struct http_nonce nonces[HTTP_NONCES_MAX]; /* a ring */
    size_t nonce_next;
};

/* oracle_http.c */

/* The request that is to be answered next; NULL when there is none. */
struct http_request *http_oldest(struct http_dialogue *h);
/* The next octet of that side begins a head. */
void http_begin_head(struct http_dialogue *h, enum oracle_side side);
/* Whether the octet that was shown last can end a head. */
bool http_may_end_head(struct http_dialogue *h, enum oracle_side side,
                       struct px_bytes in);
/* What the client sends can no longer be told apart. */
void http_lose_client(struct oracle *o);
/* Shows what is kept of the client, as far as its turn goes. */
void http_read_client(struct oracle *o);

/* oracle_http_server.c: the same for the server. */
size_t http_server_bytes(struct oracle *o, struct px_bytes data);
void http_server_ended(struct oracle *o);

/* oracle_http_body.c */

/* The body that such a framing announces, of the message that began at `at`. */
struct http_body http_body_of(struct http1_framing framing, uint64_t at);
/* Whether octets of it are still to come. */
bool http_body_goes_on(const struct http_body *body);
/* Takes octets of the body, one at least; returns how many. *is_whole tells
 * its end. A trailer section stays kept in the stream. */
size_t http_body_take(struct oracle *o, enum oracle_side side,
                      struct http_body *body, struct px_bytes data,
                      bool *is_whole);
/* Judges the chunks of a body that ends here, and its trailers. */
void http_judge_body(struct oracle *o, enum oracle_side side,
                     const struct http_body *body);

/* oracle_http_target.c */

/* Reads it into *out when it is good. */
enum http_target http_read_connect_target(struct px_bytes target,
                                          struct px_endpoint *out);
/* Whether the target has the absolute-form that proxies are sent. */
bool http_is_absolute(struct px_bytes target);
/* The authority of such a target. */
struct px_bytes http_authority_of(struct px_bytes target);
/* Whether a Host value breaks its grammar; an empty one does not. */
bool http_is_host_invalid(struct px_bytes value);
/* Reads host and port; false for what is beyond us. out borrows from text. */
PX_CHECKED bool http_read_host(struct px_bytes text, uint16_t default_port,
                               struct px_endpoint *out);
bool http_is_same(const struct px_endpoint *a, const struct px_endpoint *b);
bool http_has_octet(struct px_bytes text, uint8_t octet);
/* Whether text begins so, letters of either case alike. */
bool http_begins(struct px_bytes text, struct px_bytes with);
/* A digest of the text, letters of either case alike. */
uint32_t http_digest(struct px_bytes text);
/* The same of its octets as they are. */
uint32_t http_digest_exact(struct px_bytes text);
/* text without its first len octets, which it has. */
struct px_bytes http_after(struct px_bytes text, size_t len);

/* oracle_http_request.c: judges a head and says what is to be remembered. */
void http_judge_request(struct oracle *o, const struct http1_request_head *head,
                        uint64_t at, struct http_request *out);

/* oracle_http_content.c: what it says of content, its framing, and fields
 * that a client does not send; completes what is to be remembered. */
void http_judge_content(struct oracle *o, const struct http1_request_head *head,
                        uint64_t at, struct http_request *out);

/* oracle_http_digest.c */

/* Judges Proxy-Authorization when its scheme is Digest. */
void http_judge_digest(struct oracle *o, const struct http1_request_head *head,
                       struct px_bytes value, uint64_t at);
/* A parameter of a challenge; and the challenge is whole. */
void http_note_digest_param(struct http_nonce *n,
                            const struct http1_auth_param *param);
void http_note_digest(struct oracle *o, const struct http_nonce *n);

/* oracle_http_response.c: judges answers to CONNECT. */
void http_judge_interim(struct oracle *o, const struct http_request *request,
                        const struct http1_response_head *head, uint64_t at);
void http_judge_grant(struct oracle *o, const struct http_request *request,
                      const struct http1_response_head *head, uint64_t at);
void http_judge_refusal(struct oracle *o, const struct http_request *request,
                        const struct http1_response_head *head, uint64_t at);
/* 2xx to a request whose head, or whose sender, is to be refused. */
void http_judge_served(struct oracle *o, const struct http_request *request,
                       uint64_t at);
/* Whether an answer announces the end of the connection, and who said so. */
void http_note_close(struct oracle *o, const struct http_request *request,
                     const struct http1_response_head *head, uint64_t at);
/* Counts how often the same credentials met a 407. */
void http_note_unauthorised(struct oracle *o,
                            const struct http_request *request);

/* oracle_http_forward.c: judges other answers, which the proxy made itself or
 * passed on from an origin. */
void http_judge_forwarded_interim(struct oracle *o,
                                  const struct http_request *request,
                                  const struct http1_response_head *head,
                                  uint64_t at);
void http_judge_forwarded(struct oracle *o, const struct http_request *request,
                          const struct http1_response_head *head,
                          const struct http1_framing *framing, uint64_t at);
/* The version of a response to HTTP/1.1: RFC 9112 section 2.3. */
void http_judge_version(struct oracle *o, const struct http_request *request,
                        const struct http1_response_head *head, uint64_t at);
/* What may be odd about any head, by its sender. */
void http_judge_oddities(struct oracle *o, enum oracle_side side, uint64_t at,
                         uint32_t oddities, const struct http1_fields *fields);
/* Fields that may stand once only are there twice. */
void http_judge_repeats(struct oracle *o, enum oracle_side side, uint64_t at,
                        const struct http1_fields *fields,
                        const char *const *names);

/* oracle_http_challenge.c: the Proxy-Authenticate fields of a 407; contested
 * when an origin may have sent them. */
void http_judge_challenges(struct oracle *o, const struct http1_fields *fields,
                           uint64_t at, bool is_contested);

#endif
