#ifndef ORACLE_SOCKS_H
#define ORACLE_SOCKS_H

/* What the oracle remembers of a SOCKS dialogue. */

struct stream;

#include "oracle.h"
#include "oracle_udp.h"
#include "socks4.h"
#include "socks5.h"
#include "userpass.h"

/* Which message is due next. */
enum socks5_phase {
    PHASE_GREETING,
    PHASE_SELECTION,
    PHASE_CREDENTIALS, /* RFC 1929 */
    PHASE_STATUS,
    PHASE_REQUEST,
    PHASE_REPLY,
    PHASE_BIND_REPLY, /* the second one */
    PHASE_RELAY,
    PHASE_ASSOCIATED, /* datagrams are relayed */
    PHASE_REFUSED,
    PHASE_LOST, /* what follows cannot be told apart */
    PHASE_COUNT
};

/* By what the server refused. */
enum socks5_refusal { REFUSED_METHOD, REFUSED_STATUS, REFUSED_REPLY };

struct socks5_dialogue {
    enum socks5_phase phase;
    enum socks5_refusal refusal;
    bool is_sure;            /* both sides speak SOCKS5 beyond doubt */
    bool is_early;           /* the server's message began before its question
                                was whole */
    bool is_client_lost;     /* the rest of its stream cannot be framed */
    bool is_message_early;   /* the client's last message was sent ahead */
    bool is_unoffered;       /* the server selected what was not offered */
    bool is_stray;           /* credentials came although 00 was selected */
    bool has_talked;         /* octets of the client came after the refusal */
    bool is_greeting_bad;    /* its version is not 5 */
    bool is_greeting_empty;  /* no methods */
    bool is_credentials_bad; /* their version is not 1 */
    bool is_credentials_zero;
    bool is_request_bad; /* its version is not 5 */
    bool is_atyp_bad;
    bool is_request_odd;    /* refusing it without a word passes */
    bool is_name_empty;     /* the destination is a name of no octets */
    bool is_port_zero;      /* the destination port is 0 */
    struct udp_place asked; /* the destination, unless it is a name */
    size_t method_count;    /* different ones offered */
    uint8_t offered[32];    /* a bit for each method */
    uint64_t answered_at;   /* octets of the client when the server answered */
    /* After success: whether both first messages look like a second try. */
    enum { SECOND_UNSEEN, SECOND_ASKED, SECOND_OVER } second;
    uint8_t second_asked[SOCKS5_REQUEST_MAX];
    size_t second_len;
    uint8_t second_reply[SOCKS5_REQUEST_MAX];
    size_t reply_len;
    struct association udp;
};

enum { SOCKS4_HEAD_LEN = 8 }; /* VN CD DSTPORT DSTIP */

/* Which SOCKS4 message is due next. */
enum socks4_phase {
    SOCKS4_ASKING,
    SOCKS4_ANSWERING,
    SOCKS4_BINDING, /* the second reply */
    SOCKS4_RELAYING,
    SOCKS4_TURNED_AWAY,
    SOCKS4_LOST, /* what follows cannot be told apart */
    SOCKS4_PHASE_COUNT
};

/* Within what of the request the server's answer began. */
enum socks4_haste { HASTE_NONE, HASTE_USER, HASTE_LONG_USER, HASTE_NAME };

struct socks4_dialogue {
    enum socks4_phase phase;
    enum socks4_haste haste;
    bool is_sure;         /* both sides speak SOCKS4 beyond doubt */
    bool is_unread;       /* the request is longer than what is read */
    bool is_marked;       /* 4A: a name follows the user id */
    bool is_name_empty;   /* 4A */
    bool is_name_invalid; /* 4A: it ends in .invalid, RFC 6761 section 6.4 */
    bool is_all_zero;     /* DSTIP is 0.0.0.0 */
    bool has_talked;      /* octets of the client came after its request */
    bool has_gone_on;     /* and after a refusal */
    bool is_watched;      /* the relay may begin with a copy of the reply */
    uint8_t reply[SOCKS4_REPLY_LEN]; /* the last one */
    uint64_t asked_ms;
};

/* oracle_socks5.c */

/* Whether the client has to send the next message. */
bool socks5_is_client_due(enum socks5_phase phase);
/* The only writer of the phase. */
void socks5_enter(struct oracle *o, enum socks5_phase next);

/* oracle_socks5_client.c, oracle_socks5_server.c: each returns how many octets
 * it dealt with. */
size_t socks5_client_bytes(struct oracle *o, struct px_bytes data);
size_t socks5_server_bytes(struct oracle *o, struct px_bytes data);
/* Reads what the client sent ahead, as far as its turn goes. */
void socks5_read_client(struct oracle *o);

/* oracle_socks5_judge.c: what whole messages of the server show. */
void socks5_judge_selection(struct oracle *o,
                            const struct socks5_selection *selection,
                            uint64_t at);
void socks5_judge_status(struct oracle *o, const struct userpass_status *status,
                         uint64_t at);
void socks5_judge_reply(struct oracle *o, const struct socks5_reply *reply,
                        uint64_t at);

/* oracle_socks4_judge.c: what whole messages of SOCKS4 show, and their lack. */
void socks4_judge_request(struct oracle *o,
                          const struct socks4_request *request, uint64_t at);
/* What came between the request and its reply. */
void socks4_judge_ahead(struct oracle *o, struct px_bytes ahead);
void socks4_judge_reply(struct oracle *o, const struct socks4_reply *reply,
                        uint64_t at);
/* The server ended while it owed a reply. */
void socks4_judge_missing(struct oracle *o, const struct stream *s);
/* The client ended inside its request, of which this was seen. */
void socks4_judge_cut_request(struct oracle *o, struct px_bytes in);
bool socks4_is_code(uint8_t code); /* 90 to 93 */

#endif
