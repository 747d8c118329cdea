#include "canned.h"

#define CANNED(text)                                                           \
    {                                                                          \
        (const uint8_t *)(text), sizeof(text) - 1                              \
    }
#define HOST "Host: a.test:80\r\n"

static const struct px_bytes socks_messages[16] = {
    CANNED("\x05\x01\x00"),
    CANNED("\x05\x01\x02"),
    CANNED("\x05\x02\x00\x02"),
    CANNED("\x01\x04user\x04pass"),
    CANNED("\x01\x04user\x04pasS"),
    CANNED("\x05\x01\x00\x01\xc0\x00\x02\x01\x00\x50"),
    CANNED("\x05\x01\x00\x03\x06"
           "a.test\x01\xbb"),
    CANNED("\x05\x01\x00\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\x00"
           "\x16"),
    CANNED("\x05\x02\x00\x01\0\0\0\0\0\0"),
    CANNED("\x05\x03\x00\x01\0\0\0\0\0\0"),
    CANNED("\x05\x01\x00\x05\x00\x50"),
    CANNED("\x05\x01\x00\x03\x00\x00\x50"),
    CANNED("\x05\x02\x00\x02\x01\x04user\x04pass\x05\x01\x00\x03\x06"
           "a.test\x00\x50hello"),
    CANNED("\x05\x01\x00\x05\x01\x00\x01\xc0\x00\x02\x01\x00\x50hello"),
    CANNED("\x04\x01\x00\x50\xc0\x00\x02\x01user\x00"),
    CANNED("\x05\x00"),
};

static const struct px_bytes http_messages[16] = {
    CANNED("CONNECT a.test:80 HTTP/1.1\r\n" HOST "\r\n"),
    CANNED("CONNECT 192.0.2.1:443 HTTP/1.1\r\n" HOST "\r\n"),
    CANNED("CONNECT [2001:db8::1]:22 HTTP/1.1\r\n" HOST "\r\n"),
    CANNED("CONNECT a.test:80 HTTP/1.1\r\n" HOST
           "Proxy-Authorization: Basic dXNlcjpwYXNz\r\n\r\n"),
    CANNED("CONNECT a.test:80 HTTP/1.1\r\n" HOST
           "Proxy-Authorization: Basic dXNlcjpwYXNT\r\n\r\n"),
    CANNED("CONNECT a.test:80 HTTP/1.1\r\n"),
    CANNED(HOST),
    CANNED("\r\n"),
    CANNED("GET http://a.test/ HTTP/1.1\r\n" HOST "\r\n"),
    CANNED("CONNECT a.test:80 HTTP/1.0\r\n\r\n"),
    CANNED("CONNECT a.test:80 HTTP/2.0\r\n" HOST "\r\n"),
    CANNED("Connection: close\r\n"),
    CANNED("Content-Length: 5\r\n"),
    CANNED("CONNECT a.test:0 HTTP/1.1\r\n" HOST "\r\n"),
    CANNED("Proxy-Authorization: Basic dXNlcjpwYXNz\r\n"),
    CANNED("CONNECT a.test:80 HTTP/1.1\n" HOST "\n"),
};

static const struct px_bytes socks_replies[16] = {
    CANNED("\x05\x00"),
    CANNED("\x05\x02"),
    CANNED("\x05\xff"),
    CANNED("\x01\x00"),
    CANNED("\x01\x01"),
    CANNED("\x05\x00\x00\x01\x7f\x00\x00\x01\x9c\x40"),
    CANNED("\x05\x00\x00\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x9c\x40"),
    CANNED("\x05\x00\x00\x03\x06"
           "a.test\x00\x50"),
    CANNED("\x05\x05\x00\x01\0\0\0\0\0\0"),
    CANNED("\x05\x07\x00\x01\0\0\0\0\0\0"),
    CANNED("\x05\x08\x00\x01\0\0\0\0\0\0"),
    CANNED("\x05\x01\x00\x01\0\0\0\0\0\0"),
    CANNED("\x05\x00\x00\x01\0\0\0\0\0\0"),
    CANNED("\x00\x5a\0\0\0\0\0\0"),
    CANNED("\x05\x00\x07\x01\0\0\0\0\0\0"),
    CANNED("\x04\x00\x00\x01\0\0\0\0\0\0"),
};

static const struct px_bytes http_replies[16] = {
    CANNED("HTTP/1.1 200 Connection established\r\n\r\n"),
    CANNED("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
    CANNED("HTTP/1.1 407 Proxy Authentication Required\r\n"
           "Proxy-Authenticate: Basic realm=\"x\"\r\n"
           "Content-Length: 0\r\n\r\n"),
    CANNED("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n"),
    CANNED("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 4\r\n"
           "Connection: close\r\n\r\noops"),
    CANNED("HTTP/1.1 502 Bad Gateway\r\n\r\noops"),
    CANNED("HTTP/1.1 100 Continue\r\n\r\n"),
    CANNED("HTTP/1.1 501 Not Implemented\r\n"
           "Transfer-Encoding: chunked\r\n\r\n"),
    CANNED("4\r\noops\r\n0\r\n\r\n"),
    CANNED("HTTP/1.0 200 OK\r\n\r\n"),
    CANNED("HTTP/1.1 200\r\n\r\n"),
    CANNED("HTTP/1.1 "),
    CANNED("Connection: close\r\n"),
    CANNED("\r\n"),
    CANNED("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"),
    CANNED("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
};

struct px_bytes canned_client(bool is_http, unsigned i)
{
    return is_http ? http_messages[i] : socks_messages[i];
}

struct px_bytes canned_server(bool is_http, unsigned i)
{
    return is_http ? http_replies[i] : socks_replies[i];
}
