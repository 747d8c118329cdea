"""A SOCKS5 proxy that answers an unknown command, and dies of FF soon after.

    mortal_proxy.py PORT

Serves until it dies or is ended.
"""
import os
import select
import socket
import struct
import sys
import threading

LAST_BREATH = 0.15  # seconds


def request_of(conn):
    """The greeting and the request; the address, or None."""
    head = conn.recv(2, socket.MSG_WAITALL)
    if len(head) < 2 or head[0] != 5:
        return None
    conn.recv(head[1], socket.MSG_WAITALL)
    conn.sendall(b"\x05\x00")
    head = conn.recv(4, socket.MSG_WAITALL)
    if len(head) < 4 or head[0] != 5:
        return None
    if head[1] != 1 or head[3] != 1:
        conn.sendall(b"\x05\x07\x00\x01" + bytes(6))
        if head[1] == 0xFF:
            threading.Timer(LAST_BREATH, os._exit, [3]).start()
        return None
    rest = conn.recv(6, socket.MSG_WAITALL)
    return socket.inet_ntoa(rest[:4]), struct.unpack(">H", rest[4:])[0]


def relay(conn, origin):
    while True:
        for one in select.select([conn, origin], [], [], 30)[0]:
            data = one.recv(65536)
            if not data:
                return
            (origin if one is conn else conn).sendall(data)


def serve(conn):
    with conn:
        try:
            address = request_of(conn)
            if not address:
                return
            with socket.create_connection(address, 5) as origin:
                host, port = origin.getsockname()
                conn.sendall(b"\x05\x00\x00\x01" + socket.inet_aton(host)
                             + struct.pack(">H", port))
                relay(conn, origin)
        except OSError:
            pass


def main(port):
    listener = socket.socket()
    listener.bind(("127.0.0.1", port))
    listener.listen(64)
    while True:
        threading.Thread(target=serve, args=(listener.accept()[0],),
                         daemon=True).start()


main(int(sys.argv[1]))
