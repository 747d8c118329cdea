"""A SOCKS5 proxy that serves one client at a time, and takes its time.

Prints its port, then serves until it is ended.
"""
import socket
import sys
import time

sys.dont_write_bytecode = True
import socks_handshake  # noqa: E402

HANDSHAKE = 0.4  # seconds


def serve(conn):
    address = socks_handshake.request_of(
        conn, before_method=lambda: time.sleep(HANDSHAKE))
    if address:
        socks_handshake.serve(conn, address)


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
