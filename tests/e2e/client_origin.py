"""An origin for real clients: pages, octets, uploads, files, Git and TLS.

usage: client_origin.py DIR [CERT KEY]

Prints the port of its HTTP server and, with a certificate, that of its HTTPS
server. DIR is served below /files/, the repositories in DIR below /git/.
"""

import hashlib
import http.server
import os
import ssl
import subprocess
import sys
import threading
import urllib.parse

ROOT = os.path.abspath(sys.argv[1])
BLOCK = bytes(range(256)) * 256  # 64 KiB
COUNT = {"connections": 0}
LOCK = threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 60
    disable_nagle_algorithm = True

    def log_message(self, *args):
        pass

    def setup(self):
        super().setup()
        with LOCK:
            COUNT["connections"] += 1

    # One answer of known length.
    def answer(self, body, status=200, fields=()):
        self.send_response(status)
        for name, value in fields:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    # The parts of a request's body, whatever frames it.
    def parts(self):
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            while True:
                size = int(self.rfile.readline().split(b";")[0], 16)
                if size == 0:
                    while self.rfile.readline().strip():
                        pass
                    return
                yield self.rfile.read(size)
                self.rfile.readline()
        left = int(self.headers.get("Content-Length", 0))
        while left:
            part = self.rfile.read(min(left, 1 << 16))
            if not part:
                raise ConnectionError("the body is short")
            left -= len(part)
            yield part

    def do_GET(self):
        path, _, query = self.path.partition("?")
        if path == "/page":
            self.answer(b"<html><title>page</title>hello</html>",
                        fields=[("Content-Type", "text/html")])
        elif path == "/count":
            self.answer(f"{COUNT['connections']}\n".encode())
        elif path == "/fields":
            self.answer("".join(f"{n}: {v}\n" for n, v in
                                self.headers.items()).encode())
        elif path.startswith("/octets/"):
            self.octets(int(path[8:]))
        elif path == "/chunked":
            self.chunked()
        elif path == "/to-the-end":
            self.to_the_end()
        elif path == "/moved":
            self.answer(b"", 302, [("Location", "/page")])
        elif path.startswith("/files/"):
            self.file(path[7:])
        elif path.startswith("/git/"):
            self.git(path[4:], query)
        else:
            self.answer(b"nothing here", 404)

    do_HEAD = do_GET

    def do_POST(self):
        path, _, query = self.path.partition("?")
        if path.startswith("/git/"):
            self.git(path[4:], query)
            return
        digest, length = hashlib.sha256(), 0
        for part in self.parts():
            digest.update(part)
            length += len(part)
        self.answer(f"{self.command} {length} {digest.hexdigest()}".encode())

    do_PUT = do_POST

    def octets(self, count):
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(count))
        self.end_headers()
        while count > 0 and self.command != "HEAD":
            self.wfile.write(BLOCK[:count])
            count -= len(BLOCK)

    def chunked(self):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for size in (1, 10, 1000, 100000):
            self.wfile.write(b"%x\r\n%s\r\n" % (size, (BLOCK * 2)[:size]))
        self.wfile.write(b"0\r\n\r\n")

    def to_the_end(self):
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(BLOCK * 4)
        self.close_connection = True

    def file(self, name):
        path = os.path.join(ROOT, urllib.parse.unquote(name))
        if ".." in name or not os.path.isfile(path):
            self.answer(b"no such file", 404)
            return
        with open(path, "rb") as file:
            self.answer(file.read())

    # git-http-backend, a CGI program.
    def git(self, path, query):
        body = b"".join(self.parts())
        env = dict(os.environ, GIT_PROJECT_ROOT=ROOT, GIT_HTTP_EXPORT_ALL="1",
                   PATH_INFO=path, QUERY_STRING=query, REMOTE_USER="git",
                   REQUEST_METHOD=self.command, REMOTE_ADDR="127.0.0.1",
                   CONTENT_TYPE=self.headers.get("Content-Type", ""),
                   CONTENT_LENGTH=str(len(body)))
        if "Content-Encoding" in self.headers:
            env["HTTP_CONTENT_ENCODING"] = self.headers["Content-Encoding"]
        out = subprocess.run(["git", "http-backend"], input=body, env=env,
                             stdout=subprocess.PIPE, check=True).stdout
        head, _, body = out.partition(b"\r\n\r\n")
        status, fields = 200, []
        for line in head.decode().split("\r\n"):
            name, _, value = line.partition(": ")
            if name == "Status":
                status = int(value.split()[0])
            else:
                fields.append((name, value))
        self.answer(body, status, fields)


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass


def serve(context):
    server = Server(("127.0.0.1", 0), Handler)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True,
                                            do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever).start()
    return server.server_address[1]


def main():
    ports = [serve(None)]
    if len(sys.argv) > 2:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[2], sys.argv[3])
        ports.append(serve(context))
    print(*ports, flush=True)


main()
