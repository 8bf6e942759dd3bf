"""The bottom of geventhttpclient: a pool whose clients send natively what its classes would have
written to a socket, or help themselves to the real one."""

from __future__ import annotations

import functools
import logging
import time
from typing import Any

import geventhttpclient.client
from geventhttpclient.client import HTTPClient, HTTPClientPool
from geventhttpclient.response import HTTPConnectionClosed
from greenlet import getcurrent

from . import _native
from .fast_clock import spend
from .fast_wire import Wire, error_of, is_garbled, sent_text
from .hosts import can_be_resolved

logger = logging.getLogger("locustpp")


class Captured(BaseException):
    """Carries what would have been sent."""

    native: Any
    request: Any  # put here by UserAgent.urlopen()


CAPTURE = object()  # primes a client to raise Captured

_may_retry = getattr(geventhttpclient.client, "_may_retry_after_send_error", lambda method: True)
_HEAD_CODING = "latin-1" if "latin-1" in HTTPClient.request.__code__.co_consts else "utf-8"


@functools.lru_cache(256)
def _scribe(host: str, port: int) -> HTTPClient:
    """Only to write heads: never connects, and needs no TLS context."""
    return HTTPClient(host, port=port)


class Client:
    """What HTTPClientPool.get_client() gives: a geventhttpclient HTTPClient whose requests are native.
    The real one is there when something else is asked of it, or when it has to help out."""

    def __init__(self, pool: Pool, url: Any) -> None:
        self._pool = pool
        self._url = url
        self._real: HTTPClient | None = None
        self._origin = f"{url.scheme}://{url.netloc.rpartition('@')[2]}"
        self._scribe = _scribe(url.host, url.port or (443 if url.scheme == "https" else 80))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real(), name)

    def real(self) -> HTTPClient:
        if self._real is None:
            self._real = HTTPClient.from_url(self._url, **self._pool.client_args)
        return self._real

    def close(self) -> None:
        if self._real is not None:
            self._real.close()

    def request(self, method: str, request_uri: str, body: Any = b"", headers: Any = None) -> Any:
        session: Any = self._pool.session()
        primed, self._pool.primed = self._pool.primed, None
        reason = self._why_not(session, body, headers)
        if reason is None:
            try:
                request = self._prepare(method.upper(), request_uri, body, headers)
            except ValueError as error:  # the real one may see it otherwise, or has its own words
                reason = str(error)
        if reason is not None:
            if primed is CAPTURE:
                raise Captured
            return self._stock(reason, method, request_uri, body, headers)
        if primed is CAPTURE:
            captured = Captured()
            captured.native = request
            raise captured
        if isinstance(primed, BaseException):
            raise primed
        attempts_left = self._pool.client_args.get("concurrency", 1) + 1
        while True:
            native = primed or session._send(request)
            primed = None
            spend(native.elapsed)
            if native.head and not is_garbled(native):
                return self._response(native, request)
            failure = error_of(native.error)
            if isinstance(failure, ConnectionResetError):  # before the first byte, as far as is known
                failure = HTTPConnectionClosed("connection closed.")
            if isinstance(failure, HTTPConnectionClosed) and attempts_left > 0 and _may_retry(method):
                attempts_left -= 1
                continue
            raise failure

    def _response(self, native: Any, request: Any) -> Wire:
        wire = Wire(native, request.method)
        wire._sent_request = sent_text(native)
        return wire

    @staticmethod
    def _why_not(session: Any, body: Any, headers: Any) -> str | None:
        if session is None or not session._in_engine_thread():
            return "it is called from another thread"
        if getattr(getcurrent(), "_locustpp_stock", False):
            return "its response is streamed"
        if body is not None and not isinstance(body, (bytes, str)):
            return "its body is read while it is sent"
        if headers is not None and ("transfer-encoding" in headers or "expect" in headers):
            return "its body is sent in another way"
        return None

    def _stock(self, reason: str, method: str, request_uri: str, body: Any, headers: Any) -> Any:
        logger.debug("%s %s goes by Locust's own client: %s", method, request_uri, reason)
        began = time.perf_counter()
        try:
            return self.real().request(method, request_uri, body=body, headers=headers)
        finally:
            spend(time.perf_counter() - began)

    def _prepare(self, method: str, request_uri: str, body: Any, headers: Any) -> Any:
        if isinstance(body, str):
            body = body.encode("utf-8")
        head = self._scribe._build_request(method, request_uri, body, headers)
        first, *lines = head[:-4].split("\r\n")
        fields = [tuple(line.split(": ", 1)) for line in lines]
        if any(len(field) != 2 for field in fields):
            raise ValueError("a header that breaks its line")
        return _native.Request(
            method,
            self._origin,
            [(name.encode(_HEAD_CODING), value.encode(_HEAD_CODING)) for name, value in fields],
            body or None,
            target=first.split(" ", 1)[1].rpartition(" ")[0],
        )


class Pool(HTTPClientPool):
    """The clients of one session, in place of Locust's own (LocustUserAgent.attach). close() closes its
    native connections, too."""

    primed: Any = None  # a native response (or an exception) that the next request gets at once

    def __init__(self, session: Any, client_args: dict[str, Any]) -> None:
        super().__init__()
        self.client_args = client_args
        self.session = session  # a weak reference

    def get_client(self, url: Any) -> Any:
        if isinstance(url, str):
            url = geventhttpclient.client.URL(url)
        key = url.scheme, url.host, url.port
        client = self.clients.get(key)
        if client is None:
            if url.scheme not in ("http", "https") or not url.host or not can_be_resolved(url.host):
                if self.primed is CAPTURE:  # a client of geventhttpclient's would really send
                    raise Captured
                return super().get_client(url)
            client = self.clients[key] = Client(self, url)
        return client

    def close(self) -> None:
        for client in list(self.clients.values()):
            client.close()
        self.clients.clear()
        session = self.session()
        if session is not None:
            session._close()
