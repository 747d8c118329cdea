/* A client's Digest credentials, RFC 7616 section 3.4. */

#include "oracle/dialogue_rows.h"

#define E      "\r\n"
#define EMPTY  "Content-Length: 0" E
#define TARGET "CONNECT a.test:80 HTTP/1.1" E "Host: a.test:80" E
#define GET    "GET http://a.test/x?y HTTP/1.1" E "Host: a.test" E
/* The challenges that credentials are compared with. */
#define WHO(params)                                                            \
    S("HTTP/1.1 407 Who" E EMPTY "Proxy-Authenticate: Digest realm=\"r\", "    \
      "nonce=\"n\", " params E E)
#define FULL      WHO("opaque=\"o\", algorithm=MD5, qop=\"auth,auth-int\"")
#define SAYS(...) C(TARGET "Proxy-Authorization: Digest " __VA_ARGS__ E E)
#define NAMES     "username=\"u\", realm=\"r\", nonce=\"n\", "
#define URI       "uri=\"a.test:80\", "
#define RESPONSE  "response=\"00\", "
#define COUNT(n)  "qop=auth, nc=" n ", cnonce=\"c\", "
#define BACK      "opaque=\"o\", algorithm=MD5"
#define ASKED     C(TARGET E), FULL
#define AGAIN                                                                  \
    S("HTTP/1.1 407 Who" E EMPTY "Proxy-Authenticate: Basic realm=\"r\"" E E)
#define GOOD(n)   SAYS(NAMES URI RESPONSE COUNT(n) BACK)
#define ASKS(...) STEPS(ASKED, SAYS(__VA_ARGS__))

static const struct dialogue_row rows[] = {
    ROW("as it should be", HTTP, STEPS(ASKED, GOOD("00000001")), NOTHING),
    ROW("and again", HTTP,
        STEPS(ASKED, GOOD("00000001"), AGAIN, GOOD("00000002")), NOTHING),
    ROW("a nonce from elsewhere", HTTP,
        STEPS(SAYS(NAMES URI RESPONSE COUNT("000000fF") "opaque=\"p\"")),
        NOTHING),
    ROW("parameters that nobody knows", HTTP,
        ASKS(NAMES URI RESPONSE COUNT("00000001") BACK ", x=y, z=\"\""),
        NOTHING),
    ROW("without qop", HTTP, ASKS(NAMES URI RESPONSE BACK), NOTHING),
    ROW("no list of parameters", HTTP, ASKS("username=\"u"), NOTHING),

    ROW("a user without quotes", HTTP,
        ASKS("username=u, realm=\"r\", nonce=\"n\", " URI RESPONSE BACK),
        FINDS(BY_CLIENT(AUTH_DIGEST_CLIENT_QUOTING))),
    ROW("a nonce without quotes", HTTP,
        ASKS("username=\"u\", realm=\"r\", nonce=n, " URI RESPONSE BACK),
        FINDS(BY_CLIENT(AUTH_DIGEST_CLIENT_QUOTING))),
    ROW("quoted qop", HTTP,
        ASKS(NAMES URI RESPONSE
             "qop=\"auth\", nc=00000001, cnonce=\"c\", " BACK),
        FINDS(BY_CLIENT(AUTH_DIGEST_CLIENT_QUOTING))),
    ROW("quoted nc", HTTP,
        ASKS(NAMES URI RESPONSE
             "qop=auth, nc=\"00000001\", cnonce=\"c\", " BACK),
        FINDS(BY_CLIENT(AUTH_DIGEST_CLIENT_QUOTING))),
    ROW("quoted algorithm", HTTP,
        ASKS(NAMES URI RESPONSE COUNT("00000001") "opaque=\"o\", "
                                                  "algorithm=\"MD5\""),
        FINDS(BY_CLIENT(AUTH_DIGEST_CLIENT_QUOTING))),

    ROW("another uri", HTTP,
        ASKS(NAMES "uri=\"/\", " RESPONSE COUNT("00000001") BACK),
        FINDS(BY_CLIENT(AUTH_DIGEST_CLIENT_URI))),
    ROW("a path for an absolute target", HTTP,
        STEPS(C(GET "Proxy-Authorization: Digest " NAMES
                    "uri=\"/x?y\", response=\"00\"" E E)),
        FINDS(MAYBE_CLIENT(AUTH_DIGEST_CLIENT_URI))),
    ROW("an absolute uri", HTTP,
        STEPS(C(GET "Proxy-Authorization: Digest " NAMES
                    "uri=\"http://a.test/x?y\", response=\"00\"" E E)),
        NOTHING),
    ROW("another path", HTTP,
        STEPS(C(GET "Proxy-Authorization: Digest " NAMES
                    "uri=\"/x\", response=\"00\"" E E)),
        FINDS(BY_CLIENT(AUTH_DIGEST_CLIENT_URI))),
    ROW("another uri, behind a proxy", HTTP,
        STEPS(C(GET "Via: 1.1 p" E "Proxy-Authorization: Digest " NAMES
                    "uri=\"http://a.test:80/x?y\", response=\"00\"" E E)),
        FINDS(MAYBE_CLIENT(AUTH_DIGEST_CLIENT_URI))),

    ROW("qop without nc", HTTP,
        ASKS(NAMES URI RESPONSE "qop=auth, cnonce=\"c\", " BACK),
        FINDS(BY_CLIENT(AUTH_DIGEST_CLIENT_NC_CNONCE))),
    ROW("qop without cnonce", HTTP,
        ASKS(NAMES URI RESPONSE "qop=auth, nc=00000001, " BACK),
        FINDS(BY_CLIENT(AUTH_DIGEST_CLIENT_NC_CNONCE))),
    ROW("the other qop", HTTP,
        ASKS(NAMES URI RESPONSE
             "qop=auth-int, nc=00000001, cnonce=\"c\", " BACK),
        NOTHING),
    ROW("a qop that was not offered", HTTP,
        ASKS(NAMES URI RESPONSE
             "qop=auth-conf, nc=00000001, cnonce=\"c\", " BACK),
        FINDS(BY_CLIENT(AUTH_DIGEST_CLIENT_QOP))),
    ROW("qop where none was offered", HTTP,
        STEPS(C(TARGET E), WHO("opaque=\"o\", algorithm=MD5"),
              GOOD("00000001")),
        FINDS(MAYBE_SERVER(AUTH_DIGEST_QOP_OFFER),
              BY_CLIENT(AUTH_DIGEST_CLIENT_QOP))),

    ROW("nc of seven digits", HTTP, STEPS(ASKED, GOOD("0000001")),
        FINDS(BY_CLIENT(AUTH_DIGEST_CLIENT_NC_VALUE))),
    ROW("nc with another letter", HTTP, STEPS(ASKED, GOOD("0000000g")),
        FINDS(BY_CLIENT(AUTH_DIGEST_CLIENT_NC_VALUE))),
    ROW("nc of 0", HTTP, STEPS(ASKED, GOOD("00000000")),
        FINDS(BY_CLIENT(AUTH_DIGEST_CLIENT_NC_VALUE))),
    ROW("nc begins with 2", HTTP, STEPS(ASKED, GOOD("00000002")),
        FINDS(MAYBE_CLIENT(AUTH_DIGEST_CLIENT_NC_VALUE))),
    ROW("nc twice", HTTP,
        STEPS(ASKED, GOOD("00000001"), AGAIN, GOOD("00000001")),
        FINDS(BY_CLIENT(AUTH_DIGEST_CLIENT_NC_VALUE))),
    ROW("nc falls, of a nonce from elsewhere", HTTP,
        STEPS(GOOD("00000011"), AGAIN, GOOD("00000010")),
        FINDS(BY_CLIENT(AUTH_DIGEST_CLIENT_NC_VALUE))),
    ROW("nc falls behind a proxy, which may have several clients", HTTP,
        STEPS(GOOD("00000011"), AGAIN,
              C(TARGET "Via: 1.1 p" E "Proxy-Authorization: Digest " NAMES URI
                    RESPONSE COUNT("00000010") BACK E E)),
        FINDS(MAYBE_CLIENT(AUTH_DIGEST_CLIENT_NC_VALUE))),
    ROW("nc begins anew with a nonce", HTTP,
        STEPS(ASKED, GOOD("00000001"),
              S("HTTP/1.1 407 Who" E EMPTY
                "Proxy-Authenticate: Digest realm=\"r\", nonce=\"m\", "
                "qop=\"auth\"" E E),
              SAYS("username=\"u\", realm=\"r\", nonce=\"m\", " URI RESPONSE
                   "qop=auth, nc=00000001, cnonce=\"c\"")),
        NOTHING),

    ROW("another opaque", HTTP,
        ASKS(NAMES URI RESPONSE COUNT("00000001") "opaque=\"O\", "
                                                  "algorithm=MD5"),
        FINDS(BY_CLIENT(AUTH_DIGEST_CLIENT_OPAQUE))),
    ROW("an opaque with a pair that means the same", HTTP,
        ASKS(NAMES URI RESPONSE COUNT("00000001") "opaque=\"\\o\", "
                                                  "algorithm=md5"),
        NOTHING),
    ROW("no opaque", HTTP,
        ASKS(NAMES URI RESPONSE COUNT("00000001") "algorithm=MD5"),
        FINDS(MAYBE_CLIENT(AUTH_DIGEST_CLIENT_OPAQUE))),
    ROW("no algorithm", HTTP,
        ASKS(NAMES URI RESPONSE COUNT("00000001") "opaque=\"o\""),
        FINDS(MAYBE_CLIENT(AUTH_DIGEST_CLIENT_OPAQUE))),
    ROW("another algorithm", HTTP,
        ASKS(NAMES URI RESPONSE COUNT("00000001") "opaque=\"o\", "
                                                  "algorithm=SHA-256"),
        FINDS(BY_CLIENT(AUTH_DIGEST_CLIENT_OPAQUE))),
    ROW("the default algorithm by name", HTTP,
        STEPS(C(TARGET E), WHO("opaque=\"o\", qop=\"auth\""), GOOD("00000001")),
        NOTHING),
    ROW("the second of two challenges with one nonce", HTTP,
        STEPS(C(TARGET E),
              S("HTTP/1.1 407 Who" E EMPTY
                "Proxy-Authenticate: Digest realm=\"r\", nonce=\"n\", "
                "qop=\"auth\", algorithm=SHA-256" E
                "Proxy-Authenticate: Digest realm=\"r\", nonce=\"n\", "
                "qop=\"auth\", algorithm=MD5" E E),
              SAYS(NAMES URI RESPONSE COUNT("00000001") "algorithm=MD5")),
        NOTHING),
};

const struct dialogue_table digest_client_dialogues = {
    rows, sizeof(rows) / sizeof(rows[0])};
