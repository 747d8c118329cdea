/* proxyspec serve: the reference proxy, correct or wrong on purpose. */

#include <arpa/inet.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "cli.h"
#include "options.h"
#include "server.h"

enum {
    PORT_MAX = 65535,
    HOST_MAX = 64,       /* a literal IPv6 address with its zone */
    CREDENTIAL_MAX = 255 /* RFC 1929 section 2: one length octet */
};

struct serve_options {
    struct operands operands;
    const char *socks;
    const char *http;
    const char *https;
    const char *cert;
    const char *key;
    const char *auth;
    const char *auth_scheme;
    const char *digest_algorithm;
    const char *fault;
    struct option_list deny;
    bool has_no_udp;
    bool has_no_fragments;
    bool has_no_forward;
    bool has_ftp;
    bool is_tor;
    bool is_tor_port;
    const char *identd_user;
    int64_t response_s;
    int64_t max_connections;
};

#define AT(field) offsetof(struct serve_options, field)

static const struct option_row rows[] = {
    {"socks", 0, "ADDR:PORT", OPTION_TEXT, AT(socks), 0, 0,
     "serve SOCKS5 here; port 0: any"},
    {"http", 0, "ADDR:PORT", OPTION_TEXT, AT(http), 0, 0,
     "serve HTTP here, forwarding and CONNECT; port 0: any"},
    {"https", 0, "ADDR:PORT", OPTION_TEXT, AT(https), 0, 0,
     "serve HTTP over TLS here; with --cert and --key"},
    {"cert", 0, "FILE", OPTION_TEXT, AT(cert), 0, 0,
     "the certificate chain of --https, PEM"},
    {"key", 0, "FILE", OPTION_TEXT, AT(key), 0, 0, "and its key, PEM"},
    {"auth", 0, "USER:PASS", OPTION_TEXT, AT(auth), 0, 0,
     "ask for these credentials"},
    {"auth-scheme", 0, "basic|digest|both", OPTION_CHOICE, AT(auth_scheme), 0,
     0, "what HTTP clients are asked for, with --auth (basic)"},
    {"digest-algorithm", 0, "MD5|SHA-256", OPTION_CHOICE, AT(digest_algorithm),
     0, 0, "offer Digest with this one only"},
    {"fault", 0, "NAME", OPTION_TEXT, AT(fault), 0, 0,
     "be wrong in this way; see 'list faults'"},
    {"deny", 0, "RULE", OPTION_LIST, AT(deny), 0, 0,
     "deny '[METHOD ]HOST[:PORT][/PATH]' to everybody; * is any; repeatable"},
    {"no-udp", 0, NULL, OPTION_FLAG, AT(has_no_udp), 0, 0,
     "refuse UDP ASSOCIATE"},
    {"no-fragments", 0, NULL, OPTION_FLAG, AT(has_no_fragments), 0, 0,
     "drop fragments of datagrams instead of joining them"},
    {"no-forward", 0, NULL, OPTION_FLAG, AT(has_no_forward), 0, 0,
     "refuse HTTP requests other than CONNECT"},
    {"ftp", 0, NULL, OPTION_FLAG, AT(has_ftp), 0, 0,
     "be a gateway to FTP: serve GET and HEAD of ftp:// URLs"},
    {"response-timeout", 0, "SECONDS", OPTION_INTEGER, AT(response_s), 1, 86400,
     "how long an origin may say nothing (30)"},
    {"identd", 0, "USER", OPTION_TEXT, AT(identd_user), 0, 0,
     "SOCKS4: serve this user id only when the client's identd confirms it"},
    {"tor", 0, NULL, OPTION_FLAG, AT(is_tor), 0, 0,
     "serve Tor's RESOLVE and RESOLVE_PTR too"},
    {"tor-port", 0, NULL, OPTION_FLAG, AT(is_tor_port), 0, 0,
     "let the SOCKS port do all that Tor's own does, and no more"},
    {"max-connections", 0, "N", OPTION_INTEGER, AT(max_connections), 1, 1000000,
     "clients at once; more wait (10000)"},
};

static const struct usage usage = {
    .name = "serve",
    .synopsis = "",
    .summary =
        "Serves the reference proxy until SIGINT or SIGTERM. Without --socks,\n"
        "--http and --https: SOCKS on 127.0.0.1:1080 and HTTP on "
        "127.0.0.1:8080.",
    .rows = rows,
    .row_count = sizeof(rows) / sizeof(rows[0]),
};

/* The server and what ends it; the signals live as long as the loop. */
struct serving {
    struct server *server;
    uv_signal_t interrupt;
    uv_signal_t terminate;
};

/* Splits "ADDR:PORT" or "[ADDR]:PORT"; false when it is neither. */
static bool split_address(const char *text, char host[HOST_MAX], int64_t *port)
{
    const char *colon = strrchr(text, ':');
    size_t len = colon ? (size_t)(colon - text) : 0;
    bool is_bracketed = len >= 2 && text[0] == '[' && text[len - 1] == ']';

    if (is_bracketed) {
        text++;
        len -= 2;
    }
    if (len == 0 || len >= HOST_MAX)
        return false;
    memcpy(host, text, len);
    host[len] = '\0';
    return (strchr(host, ':') != NULL) == is_bracketed && colon[1] != '-' &&
           options_parse_integer(colon + 1, port);
}

static bool read_address(const char *option, const char *text,
                         struct sockaddr_storage *out)
{
    char host[HOST_MAX];
    int64_t port = 0;
    int error;

    if (!text)
        return true;
    if (!split_address(text, host, &port)) {
        (void)options_refuse(&usage, "%s: '%s' is no ADDR:PORT or [ADDR]:PORT",
                             option, text);
        return false;
    }
    if (port > PORT_MAX) {
        (void)options_refuse(&usage, "%s: '%s': the port is above %d", option,
                             text, PORT_MAX);
        return false;
    }
    error = strchr(host, ':')
                ? uv_ip6_addr(host, (int)port, (struct sockaddr_in6 *)out)
                : uv_ip4_addr(host, (int)port, (struct sockaddr_in *)out);
    if (error) {
        (void)options_refuse(&usage, "%s: '%s' is no IP address", option, host);
        return false;
    }
    return true;
}

static bool read_files(const struct serve_options *o, struct server_config *cfg)
{
    cfg->cert_file = o->cert;
    cfg->key_file = o->key;
    if (o->https ? o->cert && o->key : !o->cert && !o->key)
        return true;
    (void)options_refuse(&usage, "--https, --cert and --key need each other");
    return false;
}

/* user ends at the first colon (RFC 7617 section 2). */
static bool read_auth(const char *text, char user[CREDENTIAL_MAX + 1],
                      struct server_config *cfg)
{
    const char *colon;
    size_t len;

    if (!text)
        return true;
    colon = strchr(text, ':');
    len = colon ? (size_t)(colon - text) : 0;
    if (len == 0 || colon[1] == '\0') {
        (void)options_refuse(&usage, "--auth: no USER:PASS");
        return false;
    }
    if (len > CREDENTIAL_MAX || strlen(colon + 1) > CREDENTIAL_MAX) {
        (void)options_refuse(&usage, "--auth: longer than %d octets",
                             CREDENTIAL_MAX);
        return false;
    }
    memcpy(user, text, len);
    user[len] = '\0';
    cfg->user = user;
    cfg->password = colon + 1;
    return true;
}

static bool read_scheme(const struct serve_options *o,
                        struct server_config *cfg)
{
    if ((o->auth_scheme || o->digest_algorithm) && !o->auth) {
        (void)options_refuse(&usage, "--%s: only together with --auth",
                             o->auth_scheme ? "auth-scheme"
                                            : "digest-algorithm");
        return false;
    }
    if (o->auth_scheme && strcmp(o->auth_scheme, "digest") == 0)
        cfg->auth = SERVER_DIGEST;
    else if (o->auth_scheme && strcmp(o->auth_scheme, "both") == 0)
        cfg->auth = SERVER_BASIC_OR_DIGEST;
    if (!o->digest_algorithm)
        return true;
    if (cfg->auth == SERVER_BASIC) {
        (void)options_refuse(&usage, "--digest-algorithm: --auth-scheme does "
                                     "not offer Digest");
        return false;
    }
    cfg->digest_algorithms =
        1u << (strcmp(o->digest_algorithm, "MD5") == 0 ? DIGEST_MD5
                                                       : DIGEST_SHA256);
    return true;
}

static bool read_rules(const struct option_list *list,
                       struct server_config *cfg)
{
    struct access_rule rule;
    struct px_error err;

    if (list->count > ACCESS_RULES_MAX) {
        (void)options_refuse(&usage, "--deny: more than %d rules",
                             ACCESS_RULES_MAX);
        return false;
    }
    for (size_t i = 0; i < list->count; i++) {
        const char *text = list->items[i];

        if (access_parse(px_bytes_of(text, strlen(text)), &rule, &err))
            continue;
        (void)options_refuse(&usage, "--deny: '%s' is no rule: %s", text,
                             err.detail);
        return false;
    }
    cfg->deny = list->items;
    cfg->deny_count = list->count;
    return true;
}

static bool read_fault(const char *name, struct server_config *cfg)
{
    if (!name)
        return true;
    cfg->fault = fault_by_name(name);
    if (!cfg->fault) {
        (void)options_refuse(&usage,
                             "--fault: '%s' is unknown; see 'proxyspec list "
                             "faults'",
                             name);
        return false;
    }
    if (cfg->fault->needs_auth && !cfg->user)
        (void)fprintf(stderr,
                      "proxyspec serve: %s shows only together with --auth\n",
                      name);
    return true;
}

static void on_signal(uv_signal_t *handle, int number)
{
    struct serving *s = handle->data;

    (void)number;
    server_close(s->server);
    uv_close((uv_handle_t *)&s->interrupt, NULL);
    uv_close((uv_handle_t *)&s->terminate, NULL);
}

static void watch(uv_loop_t *loop, struct serving *s, uv_signal_t *handle,
                  int number)
{
    (void)uv_signal_init(loop, handle);
    handle->data = s;
    (void)uv_signal_start_oneshot(handle, on_signal, number);
}

static void announce(const char *scheme, const struct sockaddr_storage *address,
                     uint16_t port)
{
    char host[HOST_MAX];

    if (address->ss_family == AF_INET6 &&
        uv_ip6_name((const struct sockaddr_in6 *)address, host, sizeof(host)) ==
            0)
        (void)printf("listening: %s://[%s]:%u\n", scheme, host, port);
    else if (address->ss_family == AF_INET &&
             uv_ip4_name((const struct sockaddr_in *)address, host,
                         sizeof(host)) == 0)
        (void)printf("listening: %s://%s:%u\n", scheme, host, port);
}

/*
 * Connections come and go: what they gave back stays with the process, up to a
 * point, or every one of them would have the system map and clear it anew.
 * Blocks as large as an association are given back at once.
 */
static void keep_some_memory(void)
{
    enum { KEPT = 4 * 1024 * 1024, LARGE = 128 * 1024 };

    (void)mallopt(M_TRIM_THRESHOLD, KEPT);
    (void)mallopt(M_TOP_PAD, KEPT / 4);
    (void)mallopt(M_MMAP_THRESHOLD, LARGE);
}

static int serve(const struct server_config *cfg)
{
    struct px_error err = {0};
    struct serving s;
    uv_loop_t loop;
    int status = CLI_CONFORMANT;

    keep_some_memory();
    if (uv_loop_init(&loop) != 0) {
        (void)options_refuse(&usage, "cannot make an event loop");
        return CLI_INTERNAL;
    }
    s.server = server_new(&loop, cfg, &err);
    if (s.server) {
        watch(&loop, &s, &s.interrupt, SIGINT);
        watch(&loop, &s, &s.terminate, SIGTERM);
        announce("socks5", &cfg->socks, server_socks_port(s.server));
        announce("http", &cfg->http, server_http_port(s.server));
        announce("https", &cfg->https, server_https_port(s.server));
        (void)fflush(stdout);
    } else {
        status = options_refuse(&usage, "%s", err.detail);
    }
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&loop);
    return status;
}

int cli_serve(int argc, char **argv)
{
    struct serve_options o = {
        .max_connections = server_default_max_connections,
        .response_s = 30,
    };
    struct server_config cfg = {.user = NULL};
    char user[CREDENTIAL_MAX + 1];
    enum options_result result =
        options_read(&usage, argc, argv, &o, &o.operands);

    if (result != OPTIONS_READ)
        return result == OPTIONS_HELP ? CLI_CONFORMANT : CLI_USAGE;
    if (!o.socks && !o.http && !o.https) {
        o.socks = "127.0.0.1:1080";
        o.http = "127.0.0.1:8080";
    }
    if (!read_address("--socks", o.socks, &cfg.socks) ||
        !read_address("--http", o.http, &cfg.http) ||
        !read_address("--https", o.https, &cfg.https) ||
        !read_files(&o, &cfg) || !read_auth(o.auth, user, &cfg) ||
        !read_scheme(&o, &cfg) || !read_rules(&o.deny, &cfg) ||
        !read_fault(o.fault, &cfg))
        return CLI_USAGE;
    cfg.has_no_udp = o.has_no_udp;
    cfg.has_no_fragments = o.has_no_fragments;
    cfg.has_no_forward = o.has_no_forward;
    cfg.is_ftp_gateway = o.has_ftp;
    cfg.response_timeout_ms = (uint32_t)o.response_s * 1000;
    cfg.is_tor = o.is_tor;
    cfg.is_tor_port = o.is_tor_port;
    cfg.identd_user = o.identd_user;
    cfg.max_connections = (unsigned)o.max_connections;
    return serve(&cfg);
}
