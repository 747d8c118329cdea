"""A proxy that is none: closes, stays silent, or answers all with a failure.

    dead_proxy.py closes|silent|refuses|refuses-http

Prints its port, then serves until it is ended.
"""
import socket
import sys
import threading


def refuse_socks(conn):
    conn.recv(4096)
    conn.sendall(b"\x05\xff")


def refuse_requests(conn):
    """Selects what is offered, then refuses every request."""
    greeting = conn.recv(4096)
    conn.sendall(b"\x05" + greeting[2:3])
    if greeting[2:3] == b"\x02":
        conn.recv(4096)
        conn.sendall(b"\x01\x00")
    conn.recv(4096)
    conn.sendall(b"\x05\x01\x00\x01\x00\x00\x00\x00\x00\x00")


def refuse_http(conn):
    conn.recv(65536)
    conn.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n"
                 b"Connection: close\r\n\r\n")


ANSWERS = {"closes": lambda conn: None, "refuses": refuse_requests,
           "refuses-methods": refuse_socks, "refuses-http": refuse_http}


def serve(conn, kind, kept):
    if kind == "silent":
        kept.append(conn)
        return
    try:
        ANSWERS[kind](conn)
    except OSError:
        pass
    conn.close()


def main(kind):
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(1024)
    print(listener.getsockname()[1], flush=True)
    kept = []
    while True:
        conn, _ = listener.accept()
        threading.Thread(target=serve, args=(conn, kind, kept),
                         daemon=True).start()


main(sys.argv[1])
