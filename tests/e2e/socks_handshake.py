"""What the tests' own SOCKS5 proxies share: CONNECT to an IPv4 address."""
import select
import socket
import struct


def request_of(conn, before_method=None, on_command=None):
    """The greeting and the request; the address, or None.

    before_method() is called when the greeting is there, on_command(number)
    behind the refusal of what is not served.
    """
    head = conn.recv(2, socket.MSG_WAITALL)
    if len(head) < 2 or head[0] != 5:
        return None
    conn.recv(head[1], socket.MSG_WAITALL)
    if before_method:
        before_method()
    conn.sendall(b"\x05\x00")
    head = conn.recv(4, socket.MSG_WAITALL)
    if len(head) < 4 or head[0] != 5:
        return None
    if head[1] != 1 or head[3] != 1:
        conn.sendall(b"\x05\x07\x00\x01" + bytes(6))
        if on_command:
            on_command(head[1])
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


def serve(conn, address):
    """Connects there, says so, and relays until either side ends."""
    with socket.create_connection(address, 5) as origin:
        host, port = origin.getsockname()
        conn.sendall(b"\x05\x00\x00\x01" + socket.inet_aton(host)
                     + struct.pack(">H", port))
        relay(conn, origin)
