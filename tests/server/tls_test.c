/*
 * TLS between two filters, without a socket. The certificate is made here, and
 * names localhost and 127.0.0.1.
 */

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tls.h"

static char folder[] = "/tmp/tls_test.XXXXXX";
static char cert_file[64];
static char key_file[64];

struct pair {
    struct tls_context *contexts[2]; /* client, server */
    struct tls *ends[2];
};

static void write_files(X509 *cert, EVP_PKEY *key)
{
    FILE *file = fopen(cert_file, "w");

    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, cert), 1);
    fclose(file);
    file = fopen(key_file, "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL),
                     1);
    fclose(file);
}

static int make_certificate(void **state)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *cert = X509_new();
    X509_EXTENSION *names = X509V3_EXT_conf_nid(
        NULL, NULL, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");

    (void)state;
    assert_non_null(mkdtemp(folder));
    (void)snprintf(cert_file, sizeof(cert_file), "%s/cert.pem", folder);
    (void)snprintf(key_file, sizeof(key_file), "%s/key.pem", folder);
    X509_gmtime_adj(X509_getm_notBefore(cert), -60);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_version(cert, X509_VERSION_3);
    X509_set_pubkey(cert, key);
    X509_add_ext(cert, names, -1);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                               (const unsigned char *)"test", -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(cert));
    assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
    write_files(cert, key);
    X509_EXTENSION_free(names);
    X509_free(cert);
    EVP_PKEY_free(key);
    return 0;
}

static int remove_certificate(void **state)
{
    (void)state;
    return unlink(cert_file) | unlink(key_file) | rmdir(folder);
}

static void open_pair(struct pair *p, const char *ca_file, bool is_insecure,
                      const char *host)
{
    char why[256];

    p->contexts[0] = tls_context_client(ca_file, is_insecure, why, sizeof(why));
    p->contexts[1] = tls_context_server(cert_file, key_file, why, sizeof(why));
    assert_non_null(p->contexts[0]);
    assert_non_null(p->contexts[1]);
    p->ends[0] = tls_new(p->contexts[0], host);
    p->ends[1] = tls_new(p->contexts[1], NULL);
    assert_non_null(p->ends[0]);
    assert_non_null(p->ends[1]);
}

static void close_pair(struct pair *p)
{
    for (int i = 0; i < 2; i++) {
        tls_free(p->ends[i]);
        tls_context_free(p->contexts[i]);
    }
}

/* Carries what each end has for the other, in pieces; whether any was there. */
static bool carry(struct pair *p, size_t piece)
{
    bool was_any = false;

    for (int i = 0; i < 2; i++) {
        struct px_bytes out = tls_output(p->ends[i]);

        for (size_t at = 0; at < out.len; at += piece) {
            size_t len = out.len - at < piece ? out.len - at : piece;

            assert_true(
                tls_feed(p->ends[1 - i], px_bytes_of(out.data + at, len)));
        }
        was_any = was_any || out.len > 0;
        tls_sent(p->ends[i]);
    }
    return was_any;
}

static void settle(struct pair *p, size_t piece)
{
    while (carry(p, piece))
        ;
}

static void assert_passes(struct pair *p, int from, const char *text)
{
    uint8_t buf[64];

    assert_true(tls_give(p->ends[from], px_bytes_of(text, strlen(text))));
    settle(p, SIZE_MAX);
    assert_int_equal(tls_take(p->ends[1 - from], buf, sizeof(buf)),
                     strlen(text));
    assert_memory_equal(buf, text, strlen(text));
    assert_int_equal(tls_take(p->ends[1 - from], buf, sizeof(buf)), 0);
}

static void octets_pass_both_ways(void **state)
{
    static const size_t pieces[] = {1, 7, SIZE_MAX};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct pair p;

        open_pair(&p, cert_file, false, "localhost");
        settle(&p, pieces[i]);
        assert_int_equal(tls_state(p.ends[0]), TLS_OPEN);
        assert_int_equal(tls_state(p.ends[1]), TLS_OPEN);
        assert_string_equal(tls_why(p.ends[0]), "");
        assert_passes(&p, 0, "from the client");
        assert_passes(&p, 1, "from the server");
        close_pair(&p);
    }
}

static void an_end_leaves_the_other_way_open(void **state)
{
    struct pair p;
    uint8_t buf[8];

    (void)state;
    open_pair(&p, cert_file, false, "127.0.0.1");
    settle(&p, SIZE_MAX);
    tls_end(p.ends[0]);
    tls_end(p.ends[0]);
    settle(&p, SIZE_MAX);
    assert_int_equal(tls_take(p.ends[1], buf, sizeof(buf)), 0);
    assert_int_equal(tls_state(p.ends[1]), TLS_ENDED);
    assert_passes(&p, 1, "late");
    close_pair(&p);
}

static void assert_refused(const char *ca_file, const char *host,
                           const char *why)
{
    struct pair p;

    open_pair(&p, ca_file, false, host);
    settle(&p, SIZE_MAX);
    assert_int_equal(tls_state(p.ends[0]), TLS_FAILED);
    assert_string_equal(tls_why(p.ends[0]), why);
    assert_int_equal(tls_state(p.ends[1]), TLS_FAILED);
    close_pair(&p);
}

static void the_server_is_verified(void **state)
{
    struct pair p;

    (void)state;
    assert_refused(NULL, "localhost", "certificate: self-signed certificate");
    assert_refused(cert_file, "other.test", "certificate: hostname mismatch");
    assert_refused(cert_file, "127.0.0.2", "certificate: IP address mismatch");
    open_pair(&p, NULL, true, "other.test");
    settle(&p, SIZE_MAX);
    assert_int_equal(tls_state(p.ends[0]), TLS_OPEN);
    close_pair(&p);
}

static void what_is_no_tls_fails(void **state)
{
    static const char text[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
    struct pair p;
    uint8_t buf[8];

    (void)state;
    open_pair(&p, NULL, true, "localhost");
    for (int i = 0; i < 2; i++) {
        assert_true(tls_feed(p.ends[i], px_bytes_of(text, sizeof(text) - 1)));
        assert_int_equal(tls_state(p.ends[i]), TLS_FAILED);
        assert_true(strncmp(tls_why(p.ends[i]), "TLS: ", 5) == 0);
        assert_int_equal(tls_take(p.ends[i], buf, sizeof(buf)), 0);
    }
    close_pair(&p);
}

static void unusable_files_are_told(void **state)
{
    char why[256];

    (void)state;
    assert_null(tls_context_client("/none", false, why, sizeof(why)));
    assert_string_equal(why, "/none: No such file or directory");
    assert_null(tls_context_client(key_file, false, why, sizeof(why)));
    assert_non_null(strstr(why, key_file));
    assert_null(tls_context_server(cert_file, "/none", why, sizeof(why)));
    assert_string_equal(why, "/none: No such file or directory");
    assert_null(tls_context_server(key_file, key_file, why, sizeof(why)));
    assert_non_null(strstr(why, key_file));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(octets_pass_both_ways),
        cmocka_unit_test(an_end_leaves_the_other_way_open),
        cmocka_unit_test(the_server_is_verified),
        cmocka_unit_test(what_is_no_tls_fails),
        cmocka_unit_test(unusable_files_are_told),
    };

    return cmocka_run_group_tests(tests, make_certificate, remove_certificate);
}
