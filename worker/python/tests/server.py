"""The server that the tests talk to: every answer a client may meet, right or wrong, byte for byte
the same each time. Runs as a process of its own: `python server.py` prints its two ports (plain and
TLS) and serves until its standard input ends. `python server.py FOLDER` has more TLS ports, with what
certificates.py has made there: SECURE below."""

from __future__ import annotations

import functools
import gzip
import json
import os
import re
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit


class Request(NamedTuple):
    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def path(self) -> str:
        # A target that begins with two slashes is a path all the same (RFC 9112, 3.2.1).
        return urlsplit(self.target).path if "://" in self.target else self.target.partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


class Closed(Exception):
    """The connection ends here."""


seen: Counter[str] = Counter()  # of the routes that answer differently the second time
connections = 0
lock = threading.Lock()

Headers = list[tuple[str, str]]
PLAIN: Headers = [("Content-Type", "text/plain; charset=utf-8")]
JSON: Headers = [("Content-Type", "application/json")]
PHRASES = {200: "OK", 204: "No Content", 301: "Moved Permanently", 302: "Found", 404: "NOT FOUND", 500: "INTERNAL SERVER ERROR"}


def message(status: int, body: bytes, headers: Headers, length: bool = True, version: str = "1.1") -> bytes:
    head = f"HTTP/{version} {status} {PHRASES.get(status, 'Some Phrase')}\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in headers)
    if length and status >= 200 and status not in (204, 304):
        head += f"Content-Length: {len(body)}\r\n"
    return head.encode("latin-1") + b"\r\n" + body


def chunks(pieces: list[bytes], last: bytes = b"0\r\n\r\n") -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + last


def location(request: Request, code: int, to: str, more: Headers | None = None) -> bytes:
    return message(code, b"moved", [*PLAIN, ("Location", to), *(more or [])])


def redirect(request: Request, rest: str) -> bytes:
    """/redirect/CODE/N: N hops of that code, then /echo. ?to= leads to another place at the end."""
    code, count = (int(part) for part in rest.split("/")[:2])
    query = urlsplit(request.target).query
    to = request.query.get("to", "/echo")
    if count > 1:
        to = f"/redirect/{code}/{count - 1}" + (f"?{query}" if query else "")
    return location(request, code, to)


def echo(request: Request, rest: str) -> bytes:
    document = {
        "method": request.method,
        "target": request.target,
        "headers": request.headers,
        "body": request.body.decode("latin-1"),
    }
    return message(200, json.dumps(document).encode(), JSON)


def status(request: Request, rest: str) -> bytes:
    code = int(rest.split("/")[0])
    return message(code, b"" if code in (204, 304) else b"status %d" % code, PLAIN)


def set_cookies(request: Request, rest: str) -> bytes:
    """/cookies/set?name=value…; with to= it is a redirect."""
    to = request.query.get("to")
    cookies = [("Set-Cookie", f"{k}={v}; Path=/") for k, v in request.query.items() if k != "to"]
    return location(request, 302, to, cookies) if to else message(200, b"cookies", [*PLAIN, *cookies])


def brotli(data: bytes) -> bytes:
    """As one uncompressed meta-block; the server needs no library."""
    size = len(data) - 1
    bits = 0 | (0 << 1) | (0 << 2) | (size << 4) | (1 << 20)  # WBITS 16, not last, 4 nibbles, raw
    return bits.to_bytes(3, "little") + data + b"\x03"


TEXT = ("Grüße, Welt! " * 20).encode()


def encoded(request: Request, rest: str) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    packed: dict[str, tuple[str, bytes]] = {
        "gzip": ("gzip", gzip.compress(TEXT, mtime=0)),
        "deflate": ("deflate", zlib.compress(TEXT)),
        "raw-deflate": ("deflate", packer.compress(TEXT) + packer.flush()),
        "br": ("br", brotli(TEXT)),
        "identity": ("identity", TEXT),
        "upper": ("GZIP", gzip.compress(TEXT, mtime=0)),
        "bad-gzip": ("gzip", b"this is no gzip at all"),
        "short-gzip": ("gzip", gzip.compress(TEXT, mtime=0)[:-12]),
        "unknown": ("x-unheard-of", TEXT),
        "empty-gzip": ("gzip", gzip.compress(b"", mtime=0)),
    }
    name, body = packed[rest]
    return message(200, body, [*PLAIN, ("Content-Encoding", name)])


@functools.cache
def zeros(megabytes: int) -> bytes:
    return gzip.compress(bytes(megabytes << 20), 1, mtime=0)


def charset(request: Request, rest: str) -> bytes:
    """/charset/NAME: a text in that character set, ?type= another Content-Type, "" for none."""
    text = "Grüße aus Köln, naïve café"
    kind = request.query.get("type", f"text/html; charset={rest}")
    return message(200, text.encode(rest), [("Content-Type", kind)] if kind else [])


def slow(request: Request, rest: str) -> bytes:
    time.sleep(float(request.query.get("s", "0.2")))
    return message(200, b"slow", PLAIN)


def flaky(request: Request, rest: str) -> bytes:
    """/flaky/KEY/HOW/N: the first N times HOW ("close", "reset", a status or seconds), then well."""
    key, how, count = rest.split("/")
    with lock:
        seen[key] += 1
        bad = seen[key] <= int(count)
    if not bad:
        times = seen.pop(key)  # so that the other client finds the same
        return message(200, b"well, after %d" % times, PLAIN)
    if how in ("close", "reset"):
        raise Closed(how)
    if "." in how:
        time.sleep(float(how))
        raise Closed
    return message(int(how), b"not yet", PLAIN)


def headers(request: Request, rest: str) -> bytes:
    many = [("X-Twice", "one"), ("x-twice", "two"), ("X-Empty", ""), ("X-Space", "  a  b\t ")]
    return message(200, b"headers", [*PLAIN, *many])


def basic(request: Request, rest: str) -> bytes:
    if request.header("Authorization"):
        return message(200, request.header("Authorization").encode(), PLAIN)
    return message(401, b"who?", [*PLAIN, ("WWW-Authenticate", 'Basic realm="tests"')])


def broken(kind: str, data: bytes = b"") -> Callable[[Request, str], bytes]:
    def answer(request: Request, rest: str) -> bytes:
        raise Closed(kind, data)

    return answer


OK = message(200, b"fine", PLAIN)
Route = Callable[[Request, str], bytes]
ROUTES: dict[str, Route] = {
    "hello": lambda r, rest: message(200, b"Hello, World!", PLAIN),
    "empty": lambda r, rest: message(200, b"", PLAIN),
    "json": lambda r, rest: message(200, b'{"a": [1, 2, {"b": null}], "c": "gr\xc3\xbc\xc3\x9fe"}', JSON),
    "not-json": lambda r, rest: message(200, b"<html>no</html>", JSON),
    "echo": echo,
    "status": status,
    "redirect": redirect,
    "redirect-to": lambda r, rest: location(r, int(r.query.get("code", "302")), r.query["to"]),
    "redirect-nowhere": lambda r, rest: message(302, b"no location", PLAIN),
    "loop": lambda r, rest: location(r, 302, "/loop"),
    "cookies": set_cookies,
    "delete-cookie": lambda r, rest: message(200, b"", [("Set-Cookie", f"{rest}=; Max-Age=0; Path=/")]),
    "odd-cookie": lambda r, rest: message(200, b"", [("Set-Cookie", unquote(urlsplit(r.target).query))]),
    "encoded": encoded,
    "charset": charset,
    "slow": slow,
    "flaky": flaky,
    "headers": headers,
    "basic": basic,
    "latin-header": lambda r, rest: message(200, b"latin", [*PLAIN, ("X-Latin", "gr\xfc\xdfe")]),
    "large": lambda r, rest: message(200, b"0123456789abcdef" * (int(rest) // 16), PLAIN),
    "zeros": lambda r, rest: message(200, zeros(int(rest)), [*PLAIN, ("Content-Encoding", "gzip")]),
    "many-headers": lambda r, rest: message(200, b"many", [*PLAIN, *((f"X-{i}", "x") for i in range(int(rest)))]),
    "lines": lambda r, rest: message(200, b"one\ntwo\n\nthree", PLAIN),
    "binary": lambda r, rest: message(200, bytes(range(256)), [("Content-Type", "application/octet-stream")]),
    "chunked": lambda r, rest: message(200, b"", [*PLAIN, ("Transfer-Encoding", "chunked")], False)
    + chunks([b"first,", b"second,", b"third"]),
    "trailers": lambda r, rest: message(200, b"", [*PLAIN, ("Transfer-Encoding", "chunked")], False)
    + chunks([b"body"], b"0\r\nX-Trailer: yes\r\n\r\n"),
    "interim": lambda r, rest: b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + OK,
    "connection-close": broken("", message(200, b"closing", [*PLAIN, ("Connection", "close")])),
    "until-close": broken("", message(200, b"until the end", PLAIN, False)),
    "http10": broken("", message(200, b"old", PLAIN, False, "1.0")),
    "close-at-once": broken(""),
    "close-in-head": broken("", b"HTTP/1.1 200 OK\r\nContent-Ty"),
    "close-in-body": broken("", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this"),
    "close-in-chunk": broken("", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\nhalf"),
    "reset": broken("reset"),
    "garbage": broken("", b"this is no HTTP at all\r\n\r\n"),
    "bad-chunk": broken("", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhalf\r\n"),
    "connections": lambda r, rest: message(200, b"%d" % connections, PLAIN),
}


class Connection:
    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.buffer = b""
        self.method = ""

    def read_until(self, mark: bytes) -> bytes:
        while mark not in self.buffer:
            self.receive()
        found, _, self.buffer = self.buffer.partition(mark)
        return found

    def read(self, size: int) -> bytes:
        while len(self.buffer) < size:
            self.receive()
        found, self.buffer = self.buffer[:size], self.buffer[size:]
        return found

    def receive(self) -> None:
        data = self.sock.recv(65536)
        if not data:
            raise Closed
        self.buffer += data
        if self.buffer.startswith(b"\x16\x03"):  # TLS, to whom nobody here speaks it
            raise Closed("", message(400, b"no TLS here", PLAIN))

    def request(self) -> Request:
        lines = self.read_until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        method, target, _ = lines[0].split(" ", 2)
        fields = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])]
        request = Request(method, target, fields, b"")
        if request.header("Expect").lower() == "100-continue":
            self.sock.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = b""
        if "chunked" in request.header("Transfer-Encoding").lower():
            while size := int(self.read_until(b"\r\n"), 16):
                body += self.read(size)
                self.read(2)
            self.read_until(b"\r\n")
        elif request.header("Content-Length"):
            body = self.read(int(request.header("Content-Length")))
        return request._replace(body=body)

    def serve(self) -> None:
        while True:
            request = self.request()
            first, _, rest = request.path.lstrip("/").partition("/")
            route = ROUTES.get(first)
            self.method = request.method
            answer = route(request, rest) if route else message(404, b"no route: " + request.target.encode("latin-1"), PLAIN)
            if request.header("Via"):
                # A proxy that closes its connection after each response: one that ends with it leaves no doubt.
                raise Closed("", re.sub(rb"\r\nContent-Length: \d+", b"", answer, count=1))
            self.send(answer)

    def send(self, answer: bytes) -> None:
        head, mark, _ = answer.partition(b"\r\n\r\n")
        self.sock.sendall(head + mark if self.method == "HEAD" else answer)

    def run(self) -> None:
        global connections
        with lock:
            connections += 1
        try:
            self.serve()
        except Closed as closed:
            kind, data = (*closed.args, "", b"")[:2] if len(closed.args) < 2 else closed.args
            try:
                if data:
                    self.send(data)
                if kind == "reset":
                    self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            except OSError:
                pass
        except (OSError, ValueError):
            pass
        finally:
            self.sock.close()


def accept(listener: socket.socket, context: ssl.SSLContext | None) -> None:
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=handle, args=(sock, context), daemon=True).start()


def handle(sock: socket.socket, context: ssl.SSLContext | None) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if context is None:
        return Connection(sock).run()
    wrapped = context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
    try:
        wrapped.do_handshake()
    except OSError:
        return hang_up(socket.socket(fileno=wrapped.detach()))
    Connection(wrapped).run()


def hang_up(sock: socket.socket) -> None:
    """Not before the client has heard why: a reset would overtake it."""
    with sock:
        try:
            sock.shutdown(socket.SHUT_WR)
            sock.settimeout(5)
            while sock.recv(65536):
                pass
        except OSError:
            pass


def tls_context() -> ssl.SSLContext:
    with tempfile.TemporaryDirectory() as folder:
        key, certificate = os.path.join(folder, "key.pem"), os.path.join(folder, "certificate.pem")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
            + ["-keyout", key, "-out", certificate],
            check=True,
            capture_output=True,
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        return context


# Certificate, whether the client has to show one, and the newest version of TLS.
SECURE = (("server", False, "TLSv1_3"), ("other", False, "TLSv1_3"), ("server", True, "TLSv1_2"), ("server", True, "TLSv1_3"))


def secure_context(folder: str, name: str, asks: bool, version: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.path.join(folder, f"{name}.pem"), os.path.join(folder, f"{name}.key"))
    context.maximum_version = ssl.TLSVersion[version]
    if asks:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(os.path.join(folder, "ca.pem"))
    return context


def listen(context: ssl.SSLContext | None) -> int:
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    threading.Thread(target=accept, args=(listener, context), daemon=True).start()
    return listener.getsockname()[1]


def main() -> None:
    contexts = [secure_context(folder, *one) for folder in sys.argv[1:] for one in SECURE]
    print(listen(None), listen(tls_context()), *map(listen, contexts), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
