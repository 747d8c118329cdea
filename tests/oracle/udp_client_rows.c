/* What the client of an association can be accused of, beside what it may do.
 */

#include "oracle/udp_rows.h"

#define PLACE(d, p)                                                            \
    {                                                                          \
        .addr = {.kind = PX_ADDRESS_IPV4, .ip = {127, 0, 0, (d)}}, .port = (p) \
    }

const struct px_endpoint udp_row_places[] = {
    [AT_US] = PLACE(1, 5000),
    [AT_US_TOO] = PLACE(1, 5001),
    [AT_STRANGER] = PLACE(2, 5000),
    [AT_RELAY] = PLACE(1, BOUND_PORT),
    [AT_RELAY_MOVED] = PLACE(7, BOUND_PORT),
    [AT_PROXY] = PLACE(1, 1080),
    [AT_HOST] = PLACE(9, 53),
};

#define ANNOUNCED(place)                                                       \
    C(HI), S(TAKES_NONE), C("\x05\x03\x00\x01" place), S(GRANT)

static const struct dialogue_row rows[] = {
    ROW("sent to another port", SOCKS,
        STEPS(ASSOCIATED, C_SENDS(DNS "question", US, PROXY)),
        FINDS(BY_CLIENT(SOCKS5_CLIENT_UDP_PORT))),
    ROW("something else sent to another port", SOCKS,
        STEPS(ASSOCIATED, C_SENDS("question", US, HOST)), NOTHING),
    ROW("sent to another address", SOCKS,
        STEPS(ASSOCIATED, C_SENDS(DNS "question", US, MOVED)),
        FINDS(MAYBE_CLIENT(SOCKS5_CLIENT_UDP_PORT))),
    ROW("sent to the proxy for the wildcard", SOCKS,
        STEPS(ASSOCIATE, S("\x05\x00\x00\x01\x00\x00\x00\x00\x12\x34"), ASKS),
        FINDS(MAYBE_SERVER(SOCKS5_UDP_BND_ZERO))),
    ROW("no header", SOCKS, STEPS(ASSOCIATED, C_SENDS("question", US, RELAY)),
        FINDS(BY_CLIENT(SOCKS5_CLIENT_UDP_HEADER))),
    ROW("ATYP 02", SOCKS,
        STEPS(ASSOCIATED,
              C_SENDS("\x00\x00\x00\x02\x7f\x00\x00\x09\x00\x35q", US, RELAY)),
        FINDS(BY_CLIENT(SOCKS5_CLIENT_UDP_HEADER))),
    ROW("an empty datagram", SOCKS, STEPS(ASSOCIATED, C_SENDS("", US, RELAY)),
        FINDS(MAYBE_CLIENT(SOCKS5_CLIENT_UDP_HEADER))),
    ROW("a header and nothing behind it", SOCKS,
        STEPS(ASSOCIATED, C_SENDS(DNS, US, RELAY)), NOTHING),
    ROW("RSV of the client", SOCKS,
        STEPS(ASSOCIATED,
              C_SENDS("\x01\x00\x00\x01\x7f\x00\x00\x09\x00\x35q", US, RELAY)),
        FINDS(BY_CLIENT(SOCKS5_UDP_HEADER_ZERO))),
    ROW("FRAG of the client", SOCKS,
        STEPS(ASSOCIATED,
              C_SENDS("\x00\x00\x01\x01\x7f\x00\x00\x09\x00\x35q", US, RELAY)),
        FINDS(MAYBE_CLIENT(SOCKS5_CLIENT_UDP_FRAG_AVOID))),
    ROW("sends on after its own end", SOCKS,
        STEPS(ASSOCIATED, ASKS, C_FIN, WAIT(201), ASKS),
        FINDS(BY_CLIENT(SOCKS5_CLIENT_UDP_HOLD_TCP))),
    ROW("sends about its own end", SOCKS,
        STEPS(ASSOCIATED, ASKS, C_FIN, WAIT(200), ASKS), NOTHING),
    ROW("sends on after the proxy's end", SOCKS,
        STEPS(ASSOCIATED, ASKS, WAIT(2001), S_FIN, WAIT(2001), ASKS),
        FINDS(BY_CLIENT(SOCKS5_CLIENT_UDP_HOLD_TCP))),
    ROW("sends soon after the proxy's end", SOCKS,
        STEPS(ASSOCIATED, ASKS, WAIT(2001), S_FIN, WAIT(2000), ASKS), NOTHING),
    ROW("announces an address and no port", SOCKS,
        STEPS(ANNOUNCED("\x7f\x00\x00\x01\x00\x00"), ASKS),
        FINDS(MAYBE_CLIENT(SOCKS5_CLIENT_UDP_UNKNOWN_DST))),
    ROW("announces its port", SOCKS,
        STEPS(ANNOUNCED("\x00\x00\x00\x00\x13\x88"), ASKS), NOTHING),
    ROW("announces its address and port", SOCKS,
        STEPS(ANNOUNCED("\x7f\x00\x00\x01\x13\x88"), ASKS, ANSWERS), NOTHING),
    ROW("announces another port", SOCKS,
        STEPS(ANNOUNCED("\x7f\x00\x00\x01\x13\x89"), ASKS),
        FINDS(BY_CLIENT(SOCKS5_CLIENT_UDP_UNKNOWN_DST))),
    ROW("announces another port of two that it uses", SOCKS,
        STEPS(ANNOUNCED("\x7f\x00\x00\x01\x13\x89"), ASKS,
              C_SENDS(DNS "q", US_TOO, RELAY)),
        NOTHING),
    ROW("announces another address", SOCKS,
        STEPS(ANNOUNCED("\x0a\x00\x00\x01\x13\x88"), ASKS),
        FINDS(MAYBE_CLIENT(SOCKS5_CLIENT_UDP_UNKNOWN_DST))),
    ROW("announces a port and sends from nowhere known", SOCKS,
        STEPS(ANNOUNCED("\x7f\x00\x00\x01\x13\x89"),
              C_SENDS(DNS "question", NULL, RELAY)),
        NOTHING),
};

const struct dialogue_table udp_client_dialogues = {rows, sizeof(rows) /
                                                              sizeof(rows[0])};
