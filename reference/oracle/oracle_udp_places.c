/* Sets of places and payloads, as the judge of an association keeps them. */

#include "oracle_udp.h"

#include <string.h>

/* Shorter payloads may be the same by chance. */
enum { TELLING_LEN = 8 };

struct udp_place udp_place_of(const struct px_endpoint *endpoint)
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0,    0,
                                       0, 0, 0, 0, 0xff, 0xff};
    struct udp_place place = {0};

    if (!endpoint)
        return place;
    place.port = endpoint->port;
    switch (endpoint->addr.kind) {
    case PX_ADDRESS_NONE:
    case PX_ADDRESS_NAME:
        break;
    case PX_ADDRESS_IPV4:
        place.ip_len = 4;
        memcpy(place.ip, endpoint->addr.ip, 4);
        break;
    case PX_ADDRESS_IPV6:
        place.ip_len = 16;
        memcpy(place.ip, endpoint->addr.ip, 16);
        break;
    }
    if (place.ip_len == 16 && memcmp(place.ip, mapped, sizeof(mapped)) == 0) {
        place.ip_len = 4;
        memmove(place.ip, place.ip + 12, 4);
        memset(place.ip + 4, 0, 12);
    }
    return place;
}

bool udp_is_wildcard(const struct udp_place *place)
{
    static const uint8_t zero[16] = {0};

    return place->ip_len && memcmp(place->ip, zero, sizeof(zero)) == 0;
}

bool udp_is_same_ip(const struct udp_place *a, const struct udp_place *b)
{
    return a->ip_len && a->ip_len == b->ip_len &&
           memcmp(a->ip, b->ip, sizeof(a->ip)) == 0;
}

bool udp_is_same(const struct udp_place *a, const struct udp_place *b)
{
    return a->port == b->port && udp_is_same_ip(a, b);
}

bool udp_has_place(const struct udp_places *places,
                   const struct udp_place *place)
{
    for (size_t i = 0; i < places->count; i++) {
        if (udp_is_same(&places->list[i], place))
            return true;
    }
    return false;
}

void udp_add_place(struct udp_places *places, const struct udp_place *place)
{
    if (udp_has_place(places, place))
        return;
    if (places->count == UDP_PLACES_MAX)
        places->is_cut = true;
    else
        places->list[places->count++] = *place;
}

/* FNV-1a. */
uint64_t udp_digest(struct px_bytes data)
{
    uint64_t digest = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < data.len; i++)
        digest = (digest ^ data.data[i]) * UINT64_C(1099511628211);
    return digest;
}

bool udp_has_payload(const struct udp_payloads *payloads, uint64_t digest)
{
    for (size_t i = 0; i < payloads->count; i++) {
        if (payloads->list[i] == digest)
            return true;
    }
    return false;
}

void udp_add_payload(struct udp_payloads *payloads,
                     const struct udp_notes *notes)
{
    if (notes->len < TELLING_LEN || udp_has_payload(payloads, notes->digest))
        return;
    if (payloads->count == UDP_PAYLOADS_MAX)
        payloads->is_cut = true;
    else
        payloads->list[payloads->count++] = notes->digest;
}
