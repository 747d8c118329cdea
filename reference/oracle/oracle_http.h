#ifndef ORACLE_HTTP_H
#define ORACLE_HTTP_H

/* What the oracle remembers of an HTTP dialogue. */

#include "http1.h"
#include "oracle.h"

/* How a message body ends (RFC 9112 section 6.3). */
enum http_framing { BODY_NONE, BODY_COUNTED, BODY_CHUNKED, BODY_TO_CLOSE };

/* A body going by; its octets are not looked at. */
struct http_body {
    enum http_framing framing;
    uint64_t left; /* octets of the body or of the chunk */
    enum {
        CHUNK_SIZE,
        CHUNK_EXTENSION,
        CHUNK_DATA,
        CHUNK_DATA_END,
        CHUNK_TRAILER
    } chunk;
    size_t line_len; /* octets of the size or trailer line so far */
    bool is_bad;     /* it can no longer be followed */
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

/* A request that waits for its final response. */
struct http_request {
    uint64_t at;
    bool is_connect;
    bool is_head;
    bool is_http10; /* or older */
    bool is_valid;  /* a CONNECT that can only be granted or refused */
    bool has_body_fields;
    bool has_close;
    bool has_credentials;
    bool has_colon_space;
    bool is_line_invalid;
    bool has_no_version; /* the HTTP/0.9 form, whose fields nobody reads */
    bool is_host_invalid;
    size_t host_count;
    uint32_t credentials;    /* their digest */
    enum http_target target; /* of a CONNECT */
};

enum { HTTP_OUTSTANDING_MAX = 16 };

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
    bool has_talked;      /* octets of the client came after it */
    bool has_authenticated; /* a request with credentials went through */
    bool did_client_close;  /* a request said so */
    bool did_server_close;  /* a response said so */
    bool is_close_unsaid;   /* the refusal lets the connection go on */
    uint64_t whole_ms;      /* when that was */
    uint32_t credentials;   /* a digest of those that were refused last */
    size_t refused_count;   /* how often */
};

/* oracle_http_body.c */

/* How the body of a request or response with these fields ends; is_bad when
 * the fields leave it open. */
struct http_body http_request_body(const struct http1_fields *fields);
struct http_body http_response_body(const struct http1_fields *fields);
/* Takes octets of the body; returns how many. *is_whole tells its end. */
size_t http_body_take(struct http_body *body, struct px_bytes data,
                      bool *is_whole);

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
/* text without its first len octets, which it has. */
struct px_bytes http_after(struct px_bytes text, size_t len);

/* oracle_http_request.c: judges a head and says what is to be remembered. */
void http_judge_request(struct oracle *o, const struct http1_request_head *head,
                        uint64_t at, struct http_request *out);

/* oracle_http_response.c: judges answers to CONNECT. */
void http_judge_interim(struct oracle *o, const struct http_request *request,
                        const struct http1_response_head *head, uint64_t at);
void http_judge_grant(struct oracle *o, const struct http_request *request,
                      const struct http1_response_head *head, uint64_t at);
void http_judge_refusal(struct oracle *o, const struct http_request *request,
                        const struct http1_response_head *head, uint64_t at);
/* What may be odd about any head, by its sender. */
void http_judge_oddities(struct oracle *o, enum oracle_side side, uint64_t at,
                         uint32_t oddities, const struct http1_fields *fields);
/* Fields that may stand once only are there twice. */
void http_judge_repeats(struct oracle *o, enum oracle_side side, uint64_t at,
                        const struct http1_fields *fields,
                        const char *const *names);

/* oracle_http_challenge.c: the Proxy-Authenticate fields of a 407. */
void http_judge_challenges(struct oracle *o, const struct http1_fields *fields,
                           uint64_t at);

#endif
