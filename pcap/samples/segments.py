#!/usr/bin/env python3
"""SOCKS5 clients that cut their messages, join them, or do not wait.

    segments.py PROXY_PORT ORIGIN_PORT
"""

import socket
import sys
import time

PROXY, ORIGIN = int(sys.argv[1]), int(sys.argv[2])
GREETING = b"\x05\x01\x00"
REQUEST = b"\x05\x01\x00\x01\x7f\x00\x00\x01" + ORIGIN.to_bytes(2, "big")
GET = b"GET / HTTP/1.1\r\nHost: origin\r\nConnection: close\r\n\r\n"


def converse(*pieces):
    """Sends each piece; None waits for an answer, a number for seconds."""
    with socket.create_connection(("127.0.0.1", PROXY), 5) as conn:
        conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        conn.settimeout(2)
        try:
            for piece in pieces:
                if piece is None:
                    conn.recv(4096)
                elif isinstance(piece, bytes):
                    conn.sendall(piece)
                else:
                    time.sleep(piece)
            while conn.recv(4096):
                pass
        except OSError:
            pass


def octets(message):
    for octet in message:
        yield bytes([octet])
        yield 0.02


converse(GREETING, None, *octets(REQUEST), None, GET)
converse(*octets(GREETING), None, REQUEST, None, GET)
converse(GREETING + REQUEST, None, GET)
converse(GREETING, None, REQUEST + GET)
converse(GREETING, None, REQUEST[:2] + b"\x07" + REQUEST[3:])
converse(GREETING, None, b"\x05\x09" + REQUEST[2:])
converse(b"\x05\x01\x80")
