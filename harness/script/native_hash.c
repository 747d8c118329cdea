#include <openssl/evp.h>

#include "native.h"

/* native.hash(): what Digest authentication is computed with. */

static int native_hash(lua_State *L)
{
    static const char *const names[] = {"MD5", "SHA-256", NULL};
    static const char digits[] = "0123456789abcdef";
    const EVP_MD *kinds[] = {EVP_md5(), EVP_sha256()};
    const EVP_MD *kind = kinds[luaL_checkoption(L, 1, NULL, names)];
    unsigned char hash[EVP_MAX_MD_SIZE];
    char text[2 * EVP_MAX_MD_SIZE];
    unsigned hash_len = 0;
    size_t data_len, len;
    const char *data = luaL_checklstring(L, 2, &data_len);

    if (!EVP_Digest(data, data_len, hash, &hash_len, kind, NULL))
        return luaL_error(L, "the hash cannot be computed");
    len = hash_len;
    for (size_t i = 0; i < len; i++) {
        text[2 * i] = digits[hash[i] >> 4];
        text[2 * i + 1] = digits[hash[i] & 15];
    }
    lua_pushlstring(L, text, 2 * len);
    return 1;
}

void native_open_hash(lua_State *L)
{
    static const luaL_Reg functions[] = {{"hash", native_hash}, {NULL, NULL}};

    luaL_setfuncs(L, functions, 0);
}
