/*
 * Nonces: a serial number, the time of issue and a keyed hash of both, in hex.
 * A nonce takes up memory from its first use on; when the memory is full the
 * one with the lowest serial makes room, and no serial up to that one can be
 * used for a first time any more, so that no count is ever taken twice.
 */

#include <string.h>

#include "digest_internal.h"

enum {
    NUMBER_LEN = 16, /* hexadecimal digits of 64 bits */
    PROOF_LEN = DIGEST_NONCE_LEN - 2 * NUMBER_LEN,
    WINDOW = 64, /* counts that may come out of order */
};

static void put_number(uint64_t number, uint8_t *out)
{
    for (size_t i = NUMBER_LEN; i-- > 0; number >>= 4)
        out[i] = (uint8_t) "0123456789abcdef"[number & 15];
}

static bool take_number(const uint8_t *text, uint64_t *out)
{
    static const char digits[] = "0123456789abcdef";

    *out = 0;
    for (size_t i = 0; i < NUMBER_LEN; i++) {
        const char *at = text[i] ? strchr(digits, text[i]) : NULL;

        if (!at)
            return false;
        *out = *out << 4 | (uint64_t)(at - digits);
    }
    return true;
}

/* Behind the numbers at the start of text stands half of their hash. */
static bool put_proof(const struct digest_config *cfg,
                      uint8_t text[DIGEST_NONCE_LEN])
{
    const struct px_bytes parts[] = {
        cfg->key, px_bytes_of(text, (size_t)2 * NUMBER_LEN), cfg->key};
    uint8_t hash[DIGEST_HASH_MAX];

    if (!cfg->hash(DIGEST_SHA256, parts, 3, hash))
        return false;
    for (size_t i = 0; i < PROOF_LEN; i++) {
        unsigned nibble = i % 2 ? hash[i / 2] & 15u : hash[i / 2] >> 4u;

        text[(size_t)2 * NUMBER_LEN + i] = (uint8_t) "0123456789abcdef"[nibble];
    }
    return true;
}

bool digest_new_nonce(const struct digest_config *cfg, uint64_t now_ms,
                      uint8_t out[DIGEST_NONCE_LEN])
{
    put_number(++cfg->memory->issued, out);
    put_number(now_ms, out + NUMBER_LEN);
    return put_proof(cfg, out);
}

/* Whether we made it; then its serial and its time. */
static bool is_ours(const struct digest_config *cfg, struct px_bytes nonce,
                    uint64_t *serial, uint64_t *issued_ms)
{
    uint8_t want[DIGEST_NONCE_LEN];
    uint8_t difference = 0;

    if (nonce.len != DIGEST_NONCE_LEN || !take_number(nonce.data, serial) ||
        !take_number(nonce.data + NUMBER_LEN, issued_ms))
        return false;
    memcpy(want, nonce.data, (size_t)2 * NUMBER_LEN);
    if (!put_proof(cfg, want))
        return false;
    for (size_t i = 0; i < DIGEST_NONCE_LEN; i++)
        difference |= (uint8_t)(nonce.data[i] ^ want[i]);
    return difference == 0;
}

/* Its place, or the one that has to make room for it. */
static struct digest_nonce *place_of(struct digest_memory *memory,
                                     uint64_t serial)
{
    struct digest_nonce *lowest = &memory->used[0];

    for (size_t i = 0; i < DIGEST_NONCES_MAX; i++) {
        if (memory->used[i].serial == serial)
            return &memory->used[i];
        if (memory->used[i].serial < lowest->serial)
            lowest = &memory->used[i];
    }
    return lowest;
}

/* A free place has serial 0, and so is the lowest. */
static bool begin_use(struct digest_memory *memory, struct digest_nonce *place,
                      uint64_t serial)
{
    if (serial <= memory->forgotten || serial < place->serial)
        return false;
    if (place->serial > memory->forgotten)
        memory->forgotten = place->serial;
    *place = (struct digest_nonce){.serial = serial};
    return true;
}

static bool count_use(struct digest_nonce *place, uint32_t count)
{
    uint64_t bit;

    if (count > place->highest) {
        uint32_t step = count - place->highest;

        place->seen = step < WINDOW ? place->seen << step : 0;
        place->seen |= 1;
        place->highest = count;
        return true;
    }
    if (place->highest - count >= WINDOW)
        return false;
    bit = (uint64_t)1 << (place->highest - count);
    if (place->seen & bit)
        return false;
    place->seen |= bit;
    return true;
}

bool digest_use_nonce(const struct digest_config *cfg, struct px_bytes nonce,
                      uint32_t count, uint64_t now_ms)
{
    uint64_t serial = 0, issued_ms = 0;
    struct digest_nonce *place;

    if (!is_ours(cfg, nonce, &serial, &issued_ms) ||
        now_ms - issued_ms > cfg->nonce_life_ms)
        return false;
    place = place_of(cfg->memory, serial);
    if (place->serial != serial && !begin_use(cfg->memory, place, serial))
        return false;
    return count_use(place, count);
}
