#ifndef ORACLE_UDP_H
#define ORACLE_UDP_H

/*
 * What the oracle remembers of a UDP association, RFC 1928 section 7. What
 * depends on which datagrams there were at all is judged when the dialogue is
 * over, so their order proves nothing against anybody.
 */

#include "oracle.h"
#include "udp.h"

/* An address and a port; IPv4-mapped IPv6 addresses count as IPv4. */
struct udp_place {
    uint8_t ip[16];
    uint8_t ip_len; /* 4 or 16; 0: not known, or a name */
    uint16_t port;  /* host order; 0: not known */
};

enum { UDP_PLACES_MAX = 16, UDP_PAYLOADS_MAX = 32, UDP_WAITING_MAX = 8 };

/* Different ones; all of them unless is_cut. */
struct udp_places {
    struct udp_place list[UDP_PLACES_MAX];
    size_t count;
    bool is_cut;
};

/* Digests of payloads, likewise. */
struct udp_payloads {
    uint64_t list[UDP_PAYLOADS_MAX];
    size_t count;
    bool is_cut;
};

/* How a datagram looks. */
enum udp_form {
    UDP_HEADED,
    UDP_EMPTY, /* no octets at all */
    UDP_BARE,  /* no header that can be read */
};

/* What one datagram shows by itself. */
struct udp_notes {
    enum oracle_side side;
    enum udp_form form;
    uint64_t number; /* counted from 1, by side */
    uint64_t time_ms;
    uint16_t reserved;
    uint8_t frag;
    bool is_named; /* the header holds a name */
    size_t len;    /* of the payload */
    struct udp_place host;
    struct udp_place from;
    struct udp_place to;
    uint64_t digest; /* of the payload */
};

struct association {
    bool is_open;         /* the reply has come */
    bool is_client_heard; /* a datagram of its */
    bool is_client_noisy; /* octets on the connection behind the request */
    bool is_server_noisy; /* and behind the reply, to a silent client */
    uint64_t noise_at;
    bool is_name_sent;         /* a name was addressed: any host may answer */
    bool is_relay_addressed;   /* or a host with the relay's port */
    uint64_t relay_named_in;   /* number of a datagram that names the relay */
    bool is_source_right;      /* the client sends from where it announced */
    bool is_port_wrong;        /* the address is, and the port is not */
    struct udp_place relay;    /* as the reply names it */
    struct udp_place asked;    /* as the request announces the client */
    struct udp_place served;   /* one to which the relay sends */
    struct udp_places sources; /* where the client sends from */
    struct udp_places targets;
    struct udp_places senders;
    struct udp_payloads pieces; /* that may not be delivered alone */
    struct udp_payloads whole;  /* that may */
    struct udp_payloads returned;
    uint64_t heard_ms; /* the last datagram */
    struct udp_notes waiting[UDP_WAITING_MAX];
    size_t waiting_count;
};

struct oracle;

/* oracle_udp_places.c */
struct udp_place udp_place_of(const struct px_endpoint *endpoint);
bool udp_is_wildcard(const struct udp_place *place);
bool udp_is_same_ip(const struct udp_place *a, const struct udp_place *b);
bool udp_is_same(const struct udp_place *a, const struct udp_place *b);
void udp_add_place(struct udp_places *places, const struct udp_place *place);
bool udp_has_place(const struct udp_places *places,
                   const struct udp_place *place);
/* Of what is long enough to be no coincidence. */
void udp_add_payload(struct udp_payloads *payloads,
                     const struct udp_notes *notes);
bool udp_has_payload(const struct udp_payloads *payloads, uint64_t digest);
uint64_t udp_digest(struct px_bytes data);

/* oracle_udp.c; on the connection, the dialogue is in PHASE_ASSOCIATED. */

/* UDP ASSOCIATE for asked succeeded with this relay. */
void udp_open(struct oracle *o, const struct udp_place *asked,
              const struct px_endpoint *relay);
/* A side sent octets on the connection. */
void udp_note_octets(struct oracle *o, enum oracle_side side);
void udp_server_ended(struct oracle *o);
void udp_finished(struct oracle *o);

#endif
