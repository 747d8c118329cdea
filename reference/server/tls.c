#include "tls.h"

#include <arpa/inet.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WHY_MAX = 160 };

struct tls_context {
    SSL_CTX *ctx;
};

struct tls {
    SSL *ssl;
    BIO *in;  /* ciphertext that came; SSL owns both */
    BIO *out; /* ciphertext to send */
    enum tls_state state;
    char why[WHY_MAX];
};

/* Contexts --------------------------------------------------------------- */

/* The oldest error of this thread's queue, which is emptied. */
static void take_error(const char *what, char *why, size_t size)
{
    unsigned long error = ERR_peek_error();
    const char *reason = ERR_SYSTEM_ERROR(error)
                             ? strerror(ERR_GET_REASON(error))
                             : ERR_reason_error_string(error);

    (void)snprintf(why, size, "%s: %s", what, reason ? reason : "failed");
    ERR_clear_error();
}

static struct tls_context *new_context(const SSL_METHOD *method, char *why,
                                       size_t size)
{
    struct tls_context *context = calloc(1, sizeof(*context));

    if (context)
        context->ctx = SSL_CTX_new(method);
    if (!context || !context->ctx) {
        free(context);
        take_error("TLS", why, size);
        return NULL;
    }
    (void)SSL_CTX_set_min_proto_version(context->ctx, TLS1_2_VERSION);
    /* A FIN without close_notify is the end, as for any TCP connection: what
     * is cut short shows in the framing of what it carries. */
    (void)SSL_CTX_set_options(context->ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
    return context;
}

static bool trust(SSL_CTX *ctx, const char *ca_file)
{
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    return ca_file ? SSL_CTX_load_verify_locations(ctx, ca_file, NULL)
                   : SSL_CTX_set_default_verify_paths(ctx);
}

struct tls_context *tls_context_client(const char *ca_file, bool is_insecure,
                                       char *why, size_t why_size)
{
    struct tls_context *context =
        new_context(TLS_client_method(), why, why_size);

    if (!context || is_insecure || trust(context->ctx, ca_file))
        return context;
    take_error(ca_file ? ca_file : "certificates of the system", why, why_size);
    tls_context_free(context);
    return NULL;
}

struct tls_context *tls_context_server(const char *cert_file,
                                       const char *key_file, char *why,
                                       size_t why_size)
{
    struct tls_context *context =
        new_context(TLS_server_method(), why, why_size);
    const char *wrong = NULL;

    if (!context)
        return NULL;
    if (SSL_CTX_use_certificate_chain_file(context->ctx, cert_file) != 1)
        wrong = cert_file;
    else if (SSL_CTX_use_PrivateKey_file(context->ctx, key_file,
                                         SSL_FILETYPE_PEM) != 1)
        wrong = key_file;
    if (!wrong)
        return context;
    take_error(wrong, why, why_size);
    tls_context_free(context);
    return NULL;
}

void tls_context_free(struct tls_context *context)
{
    if (!context)
        return;
    SSL_CTX_free(context->ctx);
    free(context);
}

/* Connections ------------------------------------------------------------ */

/* Who the certificate has to name; names are told to the server as well. */
static bool expect_host(SSL *ssl, const char *host)
{
    struct in6_addr address;

    if (inet_pton(AF_INET, host, &address) == 1 ||
        inet_pton(AF_INET6, host, &address) == 1)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host);
    return SSL_set_tlsext_host_name(ssl, host) && SSL_set1_host(ssl, host);
}

/* OpenSSL owns the two buffers once SSL_set_bio() has them. */
static bool add_buffers(struct tls *tls)
{
    tls->in = BIO_new(BIO_s_mem());
    tls->out = BIO_new(BIO_s_mem());
    if (tls->in && tls->out) {
        (void)BIO_set_mem_eof_return(tls->in, -1); /* empty means: wait */
        SSL_set_bio(tls->ssl, tls->in, tls->out);
        return true;
    }
    BIO_free(tls->in);
    BIO_free(tls->out);
    return false;
}

static void fail(struct tls *tls)
{
    long verified = SSL_get_verify_result(tls->ssl);

    tls->state = TLS_FAILED;
    if (verified != X509_V_OK)
        (void)snprintf(tls->why, sizeof(tls->why), "certificate: %s",
                       X509_verify_cert_error_string(verified));
    else
        take_error("TLS", tls->why, sizeof(tls->why));
    ERR_clear_error();
}

static bool must_wait(const struct tls *tls, int result)
{
    int error = SSL_get_error(tls->ssl, result);

    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

static void shake_hands(struct tls *tls)
{
    int result = SSL_do_handshake(tls->ssl);

    if (result == 1)
        tls->state = TLS_OPEN;
    else if (!must_wait(tls, result))
        fail(tls);
}

struct tls *tls_new(const struct tls_context *context, const char *host)
{
    struct tls *tls = calloc(1, sizeof(*tls));

    if (!tls)
        return NULL;
    tls->ssl = SSL_new(context->ctx); /* which is counted */
    if (!tls->ssl || !add_buffers(tls) ||
        (host && !expect_host(tls->ssl, host))) {
        tls_free(tls);
        ERR_clear_error();
        return NULL;
    }
    if (host)
        SSL_set_connect_state(tls->ssl);
    else
        SSL_set_accept_state(tls->ssl);
    shake_hands(tls); /* a client speaks first */
    return tls;
}

void tls_free(struct tls *tls)
{
    if (!tls)
        return;
    SSL_free(tls->ssl);
    free(tls);
}

enum tls_state tls_state(const struct tls *tls)
{
    return tls->state;
}

const char *tls_why(const struct tls *tls)
{
    return tls->why;
}

bool tls_feed(struct tls *tls, struct px_bytes cipher)
{
    int len = (int)cipher.len;

    if (cipher.len > INT_MAX)
        return false;
    if (len > 0 && BIO_write(tls->in, cipher.data, len) != len)
        return false;
    if (tls->state == TLS_HANDSHAKE)
        shake_hands(tls);
    return true;
}

size_t tls_take(struct tls *tls, uint8_t *buf, size_t cap)
{
    size_t got = 0;
    int result;

    if (tls->state != TLS_OPEN)
        return 0;
    result = SSL_read_ex(tls->ssl, buf, cap, &got);
    if (result == 1)
        return got;
    if (SSL_get_error(tls->ssl, result) == SSL_ERROR_ZERO_RETURN)
        tls->state = TLS_ENDED;
    else if (!must_wait(tls, result))
        fail(tls);
    return 0;
}

bool tls_give(struct tls *tls, struct px_bytes plain)
{
    size_t sent = 0;
    int result;

    if (plain.len == 0)
        return true;
    result = SSL_write_ex(tls->ssl, plain.data, plain.len, &sent);
    if (result == 1)
        return sent == plain.len;
    fail(tls);
    return false;
}

void tls_end(struct tls *tls)
{
    if (tls->state == TLS_OPEN || tls->state == TLS_ENDED)
        (void)SSL_shutdown(tls->ssl);
    ERR_clear_error();
}

struct px_bytes tls_output(const struct tls *tls)
{
    char *data = NULL;
    long len = BIO_get_mem_data(tls->out, &data);

    return px_bytes_of((const uint8_t *)data, len > 0 ? (size_t)len : 0);
}

void tls_sent(struct tls *tls)
{
    (void)BIO_reset(tls->out);
}
