"""Asks a SOCKS server for BIND, in both versions, and for UDP ASSOCIATE.

    commands.py PORT     the server is at 127.0.0.1
"""

import socket
import struct
import sys

HOST = "127.0.0.1"
IP = socket.inet_aton(HOST)


def connect(port):
    return socket.create_connection((HOST, port), 10)


def exactly(sock, count):
    octets = b""
    while len(octets) < count:
        got = sock.recv(count - len(octets))
        if not got:
            raise EOFError(octets)
        octets += got
    return octets


def greeted(port):
    sock = connect(port)
    sock.sendall(b"\5\1\0")
    assert exactly(sock, 2) == b"\5\0"
    return sock


def reply5(sock):
    reply = exactly(sock, 10)
    assert reply[:4] == b"\5\0\0\1", reply
    return struct.unpack(">H", reply[8:])[0]


def visit(port, sock, second):
    with connect(port) as peer:
        second(sock)
        peer.sendall(b"hello")
        assert exactly(sock, 5) == b"hello"
        sock.sendall(b"back")
        assert exactly(peer, 4) == b"back"


def bind5(port):
    with greeted(port) as sock:
        sock.sendall(b"\5\2\0\1" + IP + b"\0\0")
        visit(reply5(sock), sock, reply5)


def bind4(port):
    def reply(sock):
        octets = exactly(sock, 8)
        assert octets[:2] == b"\0\x5a", octets
        return struct.unpack(">H", octets[2:4])[0]

    with connect(port) as sock:
        sock.sendall(b"\4\2\0\0" + IP + b"user\0")
        visit(reply(sock), sock, reply)


def associate(port):
    """Two datagrams there and back, the target at the client's own host."""
    target = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    target.bind((HOST, 0))
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.bind((HOST, 0))
    for sock in (target, client):
        sock.settimeout(10)
    with greeted(port) as control:
        control.sendall(b"\5\3\0\1" + bytes(6))
        relay = (HOST, reply5(control))
        header = b"\0\0\0\1" + IP + struct.pack(">H", target.getsockname()[1])
        for ping, pong in ((b"first ping", b"first pong"), (b"second ping", b"second pong")):
            client.sendto(header + ping, relay)
            got, sender = target.recvfrom(100)
            assert got == ping
            target.sendto(pong, sender)
            assert client.recv(100)[-len(pong):] == pong


def main():
    port = int(sys.argv[1])
    bind5(port)
    bind4(port)
    associate(port)


main()
