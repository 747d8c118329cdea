#include "hash.h"

#include <openssl/evp.h>
#include <openssl/rand.h>

static bool update_all(EVP_MD_CTX *context, const struct px_bytes *parts,
                       size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (parts[i].len &&
            !EVP_DigestUpdate(context, parts[i].data, parts[i].len))
            return false;
    }
    return true;
}

bool hash_octets(enum digest_algorithm algorithm, const struct px_bytes *parts,
                 size_t count, uint8_t out[DIGEST_HASH_MAX])
{
    const EVP_MD *kind = algorithm == DIGEST_MD5 ? EVP_md5() : EVP_sha256();
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool is_done = context && EVP_DigestInit_ex(context, kind, NULL) &&
                   update_all(context, parts, count) &&
                   EVP_DigestFinal_ex(context, out, NULL);

    EVP_MD_CTX_free(context);
    return is_done;
}

bool hash_random(uint8_t *out, size_t len)
{
    return RAND_bytes(out, (int)len) == 1;
}
