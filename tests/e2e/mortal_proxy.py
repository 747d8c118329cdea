"""A SOCKS5 proxy that answers an unknown command, and dies of FF soon after.

    mortal_proxy.py PORT

Serves until it dies or is ended.
"""
import os
import socket
import sys
import threading

sys.dont_write_bytecode = True
import socks_handshake  # noqa: E402

LAST_BREATH = 0.15  # seconds


def on_command(command):
    if command == 0xFF:
        threading.Timer(LAST_BREATH, os._exit, [3]).start()


def serve(conn):
    with conn:
        try:
            address = socks_handshake.request_of(conn, on_command=on_command)
            if address:
                socks_handshake.serve(conn, address)
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
