#ifndef TABLE_H
#define TABLE_H

/*
 * table: the connections that are open in a capture, found by their two ends
 * in either direction, and known by age in two ways: who was idle longest, and
 * who began first. Those that have a UDP relay are found by it as well.
 */

#include "connection.h"

enum table_list {
    TABLE_BORN,   /* may be a dialogue; the first begun in front */
    TABLE_OPEN,   /* not closed; the longest idle in front */
    TABLE_CLOSED, /* closed; the longest idle in front */
    TABLE_LISTS,
};

struct entry {
    struct connection connection;
    bool is_counted;     /* the caller's */
    struct entry *chain; /* of the same hash */
    struct entry *next[TABLE_LISTS], *prev[TABLE_LISTS];
    bool is_in[TABLE_LISTS];
    struct entry *relay_chain; /* of the same hash of the relay */
    bool has_relay;
};

struct table; /* owns its entries */

/* NULL when there is no memory. */
struct table *table_new(void);

/* The connection between the two ends of this packet; NULL for none. */
struct entry *table_find(const struct table *t, const struct packet *p);

/* Whose association this UDP datagram belongs to, when that is beyond doubt;
 * NULL when it is not, or for none. */
struct entry *table_find_association(const struct table *t,
                                     const struct packet *p);

/* Adds one that begins with this packet; NULL when there is no memory. */
struct entry *table_add(struct table *t, const struct packet *p);

/* A packet came: sets its place in the lists by what it is now. */
void table_touch(struct table *t, struct entry *e);

/* The entry in front of a list; NULL when it is empty. */
struct entry *table_front(const struct table *t, enum table_list list);

size_t table_count(const struct table *t);

/* Takes it out and frees it; its connection must be released already. */
void table_remove(struct table *t, struct entry *e);

/* Accepts NULL; the table must be empty otherwise. */
void table_free(struct table *t);

#endif
