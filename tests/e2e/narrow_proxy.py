"""A SOCKS5 proxy that serves one client at a time, and takes its time.

Prints its port, then serves until it is ended.
"""
import select
import socket
import struct
import time

HANDSHAKE = 0.4  # seconds


def request_of(conn):
    """The greeting and the request; the address, or None."""
    head = conn.recv(2, socket.MSG_WAITALL)
    if len(head) < 2 or head[0] != 5:
        return None
    conn.recv(head[1], socket.MSG_WAITALL)
    time.sleep(HANDSHAKE)
    conn.sendall(b"\x05\x00")
    head = conn.recv(4, socket.MSG_WAITALL)
    if len(head) < 4 or head[1] != 1 or head[3] != 1:
        conn.sendall(b"\x05\x07\x00\x01" + bytes(6))
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
    address = request_of(conn)
    if not address:
        return
    with socket.create_connection(address, 5) as origin:
        host, port = origin.getsockname()
        conn.sendall(b"\x05\x00\x00\x01" + socket.inet_aton(host)
                     + struct.pack(">H", port))
        relay(conn, origin)


def main():
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(64)
    print(listener.getsockname()[1], flush=True)
    while True:
        conn, _ = listener.accept()
        with conn:
            conn.settimeout(10)
            try:
                serve(conn)
            except OSError:
                pass


main()
