#include "table.h"

#include <stdlib.h>

enum { BUCKETS = 1 << 15, RELAY_BUCKETS = 1 << 10 };

struct table {
    struct entry *bucket[BUCKETS];
    struct entry *relay_bucket[RELAY_BUCKETS];
    struct entry *first[TABLE_LISTS], *last[TABLE_LISTS];
    size_t count;
};

struct table *table_new(void)
{
    return calloc(1, sizeof(struct table));
}

void table_free(struct table *t)
{
    free(t);
}

size_t table_count(const struct table *t)
{
    return t->count;
}

/* FNV-1a over one end. */
static uint64_t hash_end(const struct packet_end *end)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < sizeof(end->ip); i++)
        hash = (hash ^ end->ip[i]) * UINT64_C(0x100000001b3);
    hash = (hash ^ (end->port & 0xff)) * UINT64_C(0x100000001b3);
    return (hash ^ (end->port >> 8)) * UINT64_C(0x100000001b3);
}

/* The same for both directions. */
static size_t bucket_of(const struct packet_end *a, const struct packet_end *b)
{
    uint64_t hash = hash_end(a) + hash_end(b);

    return (size_t)((hash ^ hash >> 32) % BUCKETS);
}

static size_t relay_bucket_of(const struct packet_end *relay)
{
    uint64_t hash = hash_end(relay);

    return (size_t)((hash ^ hash >> 32) % RELAY_BUCKETS);
}

static bool is_between(const struct entry *e, const struct packet *p)
{
    const struct packet_end *end = e->connection.end;

    return (packet_is_same_end(&end[0], &p->from) &&
            packet_is_same_end(&end[1], &p->to)) ||
           (packet_is_same_end(&end[1], &p->from) &&
            packet_is_same_end(&end[0], &p->to));
}

struct entry *table_find(const struct table *t, const struct packet *p)
{
    struct entry *e = t->bucket[bucket_of(&p->from, &p->to)];

    while (e && !is_between(e, p))
        e = e->chain;
    return e;
}

/* Looks through the associations whose relay may be this end. */
static void look_at(const struct table *t, const struct packet_end *relay,
                    const struct packet *p, struct entry **mine,
                    struct entry **maybe, size_t *maybe_count)
{
    struct entry *e = t->relay_bucket[relay_bucket_of(relay)];

    for (; e && !*mine; e = e->relay_chain) {
        switch (connection_claims(&e->connection, p)) {
        case CONNECTION_MINE:
            *mine = e;
            break;
        case CONNECTION_MAYBE_MINE:
            *maybe = e;
            (*maybe_count)++;
            break;
        case CONNECTION_NOT_MINE:
            break;
        }
    }
}

struct entry *table_find_association(const struct table *t,
                                     const struct packet *p)
{
    struct entry *mine = NULL, *maybe = NULL;
    size_t maybe_count = 0;

    look_at(t, &p->to, p, &mine, &maybe, &maybe_count);
    if (!mine)
        look_at(t, &p->from, p, &mine, &maybe, &maybe_count);
    if (mine)
        return mine;
    return maybe_count == 1 ? maybe : NULL;
}

static void enter_relay(struct table *t, struct entry *e)
{
    struct entry **bucket;

    if (e->has_relay || e->connection.relay.port == 0)
        return;
    bucket = &t->relay_bucket[relay_bucket_of(&e->connection.relay)];
    e->has_relay = true;
    e->relay_chain = *bucket;
    *bucket = e;
}

static void leave_relay(struct table *t, struct entry *e)
{
    struct entry **where;

    if (!e->has_relay)
        return;
    where = &t->relay_bucket[relay_bucket_of(&e->connection.relay)];
    while (*where != e)
        where = &(*where)->relay_chain;
    *where = e->relay_chain;
    e->has_relay = false;
}

static void leave(struct table *t, struct entry *e, enum table_list list)
{
    if (!e->is_in[list])
        return;
    e->is_in[list] = false;
    *(e->prev[list] ? &e->prev[list]->next[list] : &t->first[list]) =
        e->next[list];
    *(e->next[list] ? &e->next[list]->prev[list] : &t->last[list]) =
        e->prev[list];
}

/* Moves it to the back of the list. */
static void join(struct table *t, struct entry *e, enum table_list list)
{
    leave(t, e, list);
    e->is_in[list] = true;
    e->next[list] = NULL;
    e->prev[list] = t->last[list];
    *(t->last[list] ? &t->last[list]->next[list] : &t->first[list]) = e;
    t->last[list] = e;
}

struct entry *table_add(struct table *t, const struct packet *p)
{
    struct entry **bucket = &t->bucket[bucket_of(&p->from, &p->to)];
    struct entry *e = calloc(1, sizeof(*e));

    if (!e)
        return NULL;
    connection_init(&e->connection, p);
    e->chain = *bucket;
    *bucket = e;
    t->count++;
    join(t, e, TABLE_BORN);
    join(t, e, TABLE_OPEN);
    return e;
}

void table_touch(struct table *t, struct entry *e)
{
    if (connection_is_closed(&e->connection)) {
        leave(t, e, TABLE_OPEN);
        join(t, e, TABLE_CLOSED);
    } else {
        join(t, e, TABLE_OPEN);
    }
    if (e->connection.watch.is_dismissed)
        leave(t, e, TABLE_BORN);
    enter_relay(t, e);
}

struct entry *table_front(const struct table *t, enum table_list list)
{
    return t->first[list];
}

void table_remove(struct table *t, struct entry *e)
{
    struct entry **where =
        &t->bucket[bucket_of(&e->connection.end[0], &e->connection.end[1])];

    while (*where != e)
        where = &(*where)->chain;
    *where = e->chain;
    leave_relay(t, e);
    for (int list = 0; list < TABLE_LISTS; list++)
        leave(t, e, (enum table_list)list);
    t->count--;
    free(e);
}
