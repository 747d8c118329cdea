/* Challenges of a 407, RFC 9110 section 11. */

#include "oracle/dialogue_rows.h"

#define E "\r\n"
#define WHO(fields)                                                            \
    STEPS(C("CONNECT a.test:80 HTTP/1.1" E "Host: a.test:80" E E),             \
          S("HTTP/1.1 407 Who" E "Content-Length: 0" E fields E))
#define ASKS(value) WHO("Proxy-Authenticate: " value E)

static const struct dialogue_row rows[] = {
    ROW("no challenge", HTTP, WHO(""),
        FINDS(BY_SERVER(AUTH_PROXY_CHALLENGE_FIELD))),
    ROW("WWW-Authenticate instead", HTTP,
        WHO("WWW-Authenticate: Basic realm=\"x\"" E),
        FINDS(BY_SERVER(AUTH_PROXY_CHALLENGE_FIELD))),
    ROW("Basic", HTTP, ASKS("Basic realm=\"x\""), NOTHING),
    ROW("basic, spaced", HTTP, ASKS("bAsIc  REALM = \"a, b=\\\"c\" ,"),
        NOTHING),
    ROW("an empty challenge", HTTP, ASKS(""),
        FINDS(BY_SERVER(AUTH_PROXY_CHALLENGE_SYNTAX))),
    ROW("a parameter without scheme", HTTP, ASKS("realm=\"x\""),
        FINDS(BY_SERVER(AUTH_PROXY_CHALLENGE_SYNTAX))),
    ROW("an open quote", HTTP, ASKS("Basic realm=\"x"),
        FINDS(BY_SERVER(AUTH_PROXY_CHALLENGE_SYNTAX))),
    ROW("parameters without comma", HTTP,
        ASKS("Basic realm=\"x\" charset=UTF-8"),
        FINDS(BY_SERVER(AUTH_PROXY_CHALLENGE_SYNTAX))),
    ROW("two words", HTTP, ASKS("Basic my realm"),
        FINDS(BY_SERVER(AUTH_PROXY_CHALLENGE_SYNTAX))),
    ROW("a parameter without value", HTTP, ASKS("Basic realm=\"x\", a="),
        FINDS(BY_SERVER(AUTH_PROXY_CHALLENGE_SYNTAX))),
    ROW("a quoted string without name", HTTP, ASKS("Basic \"x\""),
        FINDS(BY_SERVER(AUTH_PROXY_CHALLENGE_SYNTAX))),
    ROW("a comma and a quoted string", HTTP, ASKS("Basic realm=\"x\", \"y\""),
        FINDS(BY_SERVER(AUTH_PROXY_CHALLENGE_SYNTAX))),
    ROW("no octet of a token", HTTP, ASKS("Basic@realm=\"x\""),
        FINDS(BY_SERVER(AUTH_PROXY_CHALLENGE_SYNTAX))),
    ROW("schemes without parameters", HTTP, ASKS("Negotiate, NTLM"), NOTHING),
    ROW("token68", HTTP, ASKS("NTLM TlRM+/A=, Basic realm=\"x\""), NOTHING),
    ROW("several lines", HTTP,
        WHO("Proxy-Authenticate: Newauth a=b, c=\"d\"" E
            "Proxy-Authenticate: Basic" E "Proxy-Authenticate: realm=\"x\"" E),
        NOTHING),
    ROW("Basic without realm", HTTP, ASKS("Basic"),
        FINDS(BY_SERVER(AUTH_BASIC_REALM))),
    ROW("Basic without realm before another", HTTP,
        ASKS("Basic, X realm=\"x\""), FINDS(BY_SERVER(AUTH_BASIC_REALM))),
    ROW("realm without quotes", HTTP, ASKS("Basic realm=x"),
        FINDS(BY_SERVER(AUTH_REALM_QUOTED))),
    ROW("realm twice", HTTP, ASKS("Basic realm=\"x\", Realm=\"y\""),
        FINDS(BY_SERVER(AUTH_PARAM_ONCE))),
    ROW("realm in each of two challenges", HTTP,
        ASKS("Basic realm=\"x\", X realm=\"y\""), NOTHING),
    ROW("another charset", HTTP, ASKS("Basic realm=\"x\", charset=latin1"),
        FINDS(BY_SERVER(AUTH_BASIC_CHARSET))),
    ROW("the charset", HTTP, ASKS("Basic realm=\"x\", charset=\"utf-8\""),
        NOTHING),
    ROW("Digest", HTTP,
        ASKS("Digest realm=\"x\", qop=\"auth\", nonce=\"n\", opaque=\"o\", "
             "stale=false, algorithm=MD5"),
        NOTHING),
    ROW("Digest without qop", HTTP, ASKS("Digest realm=\"x\", nonce=\"n\""),
        FINDS(MAYBE_SERVER(AUTH_DIGEST_QOP_OFFER))),
    ROW("Digest with a quoted algorithm", HTTP,
        ASKS(
            "Digest realm=\"x\", qop=\"auth\", nonce=\"n\", algorithm=\"MD5\""),
        FINDS(BY_SERVER(AUTH_DIGEST_QUOTING_CHALLENGE))),
    ROW("Digest with a bare qop", HTTP,
        ASKS("Digest realm=\"x\", qop=auth, nonce=\"n\""),
        FINDS(BY_SERVER(AUTH_DIGEST_QUOTING_CHALLENGE))),
};

const struct dialogue_table challenge_dialogues = {rows, sizeof(rows) /
                                                             sizeof(rows[0])};
