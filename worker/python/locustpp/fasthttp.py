"""FastHttpSession on the native engine.

Locust's own code and geventhttpclient's decide everything, as it is installed: only the bottom of
it, a request that goes out and a response that comes back, is exchanged (_Client, _Wire). On top of
that, requests whose outcome is a plain success take a short way: what Locust's code would send for
their kind is found out once (_capture) and kept.
"""

from __future__ import annotations

import dis
import functools
import inspect
import logging
import math
import re
import time
import weakref
from json import dumps
from types import FunctionType
from typing import Any
from urllib.parse import urlencode

import geventhttpclient.client
import geventhttpclient.response
import locust.contrib.fasthttp as stock
from geventhttpclient.client import HTTPClient, HTTPClientPool
from geventhttpclient.header import Headers
from geventhttpclient.response import HTTPConnectionClosed, HTTPParseError, HTTPResponse
from greenlet import GreenletExit, getcurrent
from locust.stats import StatsError
from locust.user import User

from . import _native
from .cookies import CookieJar
from .errors import exception_of

logger = logging.getLogger("locustpp")

_Session = stock.FastHttpSession  # Locust's own, before install()
_STOCK_CONTEXT = User.context


def _with_names(function: Any, **names: Any) -> Any:
    """`function` with some of its module's names meaning something else."""
    made = FunctionType(
        function.__code__, {**function.__globals__, **names}, function.__name__, function.__defaults__, function.__closure__
    )
    made.__kwdefaults__ = function.__kwdefaults__
    return made


# ---- time: that of the I/O thread ----


def _spend(seconds: float) -> None:
    current = getcurrent()
    current._locustpp_seconds = getattr(current, "_locustpp_seconds", 0.0) + seconds


class _Clock:
    """`time`, for Locust's code around a request: differences of its perf_counter() are the time that
    this greenlet's requests took, not what Python needed around them."""

    time = staticmethod(time.time)

    @staticmethod
    def perf_counter() -> float:
        return getattr(getcurrent(), "_locustpp_seconds", 0.0)


# Older Locusts count whole milliseconds: int() around the difference, besides the one for the
# response's length.
_WHOLE_MILLISECONDS = sum(i.argval == "int" for i in dis.get_instructions(_Session.request)) > 1


# ---- responses ----


class _Wire(HTTPResponse):
    """The response of a native exchange as geventhttpclient's classes want it: parsed by its own
    parser; the body has been read and decoded already."""

    _sock = None
    _pool = None

    def __init__(self, native: Any, method: str) -> None:
        super().__init__(method=method)
        self._native = native
        self.feed(native.head if _HEAD_IS_LATIN else _as_utf8(native.head))
        self.message_complete = native.error is None or native.error.startswith("error(")

    def read(self, length: int | None = None) -> Any:
        return geventhttpclient.response.copy(bytearray())

    def readline(self, sep: bytes = b"\r\n") -> bytes:
        return b""

    def release(self) -> None:
        pass

    def __iter__(self) -> Any:
        return iter(())


def _head_is_latin() -> bool:
    probe = HTTPResponse()
    probe.feed("HTTP/1.1 200 OK\r\nX-Probe: \u00e9\r\n\r\n".encode())
    return probe.headers_complete and probe.get("x-probe") != "\u00e9"


_HEAD_IS_LATIN = _head_is_latin()


def _as_utf8(head: bytes) -> bytes:
    """For a parser that takes heads for UTF-8, and crashes where they are not."""
    try:
        head.decode()
    except UnicodeDecodeError:
        return head.decode("latin-1").encode()
    return head


def _wire_of(native: Any) -> _Wire:
    return _Wire(native, native.request.method)


def _headers_of(response: Any, native: Any) -> Headers:
    fields = None if "_response" in response.__dict__ else native.fields
    if fields is None:
        return response._response._headers_index
    headers = Headers()
    for field, value in fields:
        headers.add(field, value)
    return headers


def _request_of(native: Any) -> Any:
    """The request as geventhttpclient's classes show it, for a request of the short way."""
    shape, url, payload = native.request.info
    headers = shape.headers.copy()
    if payload is None:
        payload = shape.payload
    else:
        if "content-length" in headers:
            headers["content-length"] = type(headers["content-length"])(len(payload))
        if isinstance(shape.payload, str):
            payload = payload.decode()
    return type(shape)(url, method=shape.method, headers=headers, payload=payload)


def _sent(native: Any) -> str:
    return native.request.bytes.partition(b"\r\n\r\n")[0].decode("latin-1") + "\r\n\r\n"


class _Lazy:
    """An attribute that is built of the native response when somebody looks at it."""

    def __init__(self, build: Any) -> None:
        self._build = build

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, response: Any, owner: type) -> Any:
        native = getattr(response, "_native", None)  # None in the class, and of Locust's own client
        if native is None:
            return None
        value = response.__dict__[self._name] = self._build(response, native)
        return value


class _Parts:
    __slots__ = ()

    _response = _Lazy(lambda response, native: _wire_of(native))
    headers = _Lazy(lambda response, native: _headers_of(response, native))
    request = _Lazy(lambda response, native: _request_of(native))
    _request = _Lazy(lambda response, native: response.request)
    _sent_request = _Lazy(lambda response, native: _sent(native))
    _elapsed = _Lazy(lambda response, native: native.elapsed)
    _history = _Lazy(lambda response, native: [])

    def _content(self) -> Any:
        native = getattr(self, "_native", None)
        if native is None:
            return super()._content()  # type: ignore[misc]
        if native.error is not None:
            if "_told" not in self.__dict__:  # type: ignore[attr-defined]
                self.__dict__["_told"] = True  # type: ignore[attr-defined]
                raise _error_of(native.error)
            # Whoever asks again gets nothing, or what Locust's code makes of nothing.
            return super()._content()  # type: ignore[misc]
        if b"content-encoding" in native.head.lower():
            coding = self.headers.get("content-encoding").lower()  # type: ignore[attr-defined]
            if coding in ("gzip", "deflate", "br") and native.request.method != "HEAD":
                return native.content
            if coding != "identity":
                return super()._content()  # type: ignore[misc]  # raises what it raises
        return geventhttpclient.response.copy(bytearray(native.content))


class FastResponse(_Parts, stock.FastResponse):
    __slots__ = ("_native",)

    def __init__(self, ghc_response: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(ghc_response, *args, **kwargs)
        if isinstance(ghc_response, _Wire):
            self._native = ghc_response._native

    @property
    def status_code(self) -> int:
        native = getattr(self, "_native", None)
        return stock.FastResponse.status_code.fget(self) if native is None else native.status  # type: ignore[attr-defined]


class ResponseContextManager(_Parts, stock.ResponseContextManager):
    """Made by Locust's code, or by _enter() for a plain success, where request_meta is built when
    somebody looks at it."""

    __slots__ = ("_native", "_call")

    status_code = FastResponse.status_code

    def __init__(self, response: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__(response, *args, **kwargs)
        native = getattr(response, "_native", None)
        if native is not None:
            self._native = native

    _catch_response = True
    _request_event = _Lazy(lambda response, native: response._call[0]._events[0])
    _environment = _Lazy(lambda response, native: response._call[0].environment)
    request_meta = _Lazy(lambda response, native: response._call[0]._meta(native, *response._call[1:]))

    def __exit__(self, exc: Any, value: Any, traceback: Any) -> Any:
        if exc is not None or "request_meta" in self.__dict__:
            return super().__exit__(exc, value, traceback)
        session, method, _, name, _ = self._call
        result = self._manual_result
        if result is None or result is True:
            if session._finish(self._native, method, name):
                return True
        elif isinstance(result, Exception) and session._audience() != 2:
            session._record(self._native, method, name, result)
            return True
        return super().__exit__(exc, value, traceback)


def _error_of(text: str) -> Exception:
    error = exception_of(text)
    garbage = _GARBAGE.get(error.args[0]) if type(error) is HTTPParseError else None
    if garbage is not None:
        try:  # in the words of the installed parser
            HTTPResponse().feed(garbage)
        except HTTPParseError as own:
            return own
    return error


# The engine's words for what is wrong with a message, and what is wrong in the same way.
_GARBAGE = {
    "bad version": b"no HTTP at all\r\n\r\n",
    "bad chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
}


def _is_garbled(native: Any) -> bool:
    return native.error is not None and type(exception_of(native.error)) is HTTPParseError and "Incomplete" not in native.error


_VALID = stock.LocustUserAgent.valid_response_codes


def _is_fine(native: Any) -> bool:
    if native.error is not None or native.status >= 300 or native.status not in _VALID:
        return False
    # Locust's own client decodes the body that such a response has not got, and fails.
    return native.request.method != "HEAD" or b"content-encoding" not in native.head.lower()


# ---- the bottom of geventhttpclient ----


class _Captured(BaseException):
    """Carries what would have been sent."""

    native: Any
    request: Any  # put here by UserAgent.urlopen()


_CAPTURE = object()  # primes a client to raise _Captured

_may_retry = getattr(geventhttpclient.client, "_may_retry_after_send_error", lambda method: True)
_HEAD_CODING = "latin-1" if "latin-1" in HTTPClient.request.__code__.co_consts else "utf-8"


@functools.lru_cache(256)
def _scribe(host: str, port: int) -> HTTPClient:
    """Only to write heads: never connects, and needs no TLS context."""
    return HTTPClient(host, port=port)


class _Client:
    """What HTTPClientPool.get_client() gives: a geventhttpclient HTTPClient whose requests are native.
    The real one is there when something else is asked of it, or when it has to help out."""

    def __init__(self, pool: _Pool, url: Any) -> None:
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
        session = self._pool.session()
        primed, self._pool.primed = self._pool.primed, None
        reason = self._why_not(session, body, headers)
        if reason is None:
            try:
                request = self._prepare(method.upper(), request_uri, body, headers)
            except ValueError as error:  # the real one may see it otherwise, or has its own words
                reason = str(error)
        if reason is not None:
            if primed is _CAPTURE:
                raise _Captured
            return self._stock(reason, method, request_uri, body, headers)
        if primed is _CAPTURE:
            captured = _Captured()
            captured.native = request
            raise captured
        if isinstance(primed, BaseException):
            raise primed
        attempts_left = self._pool.client_args.get("concurrency", 1) + 1
        while True:
            native = primed or session._send(request)
            primed = None
            _spend(native.elapsed)
            if native.head and not _is_garbled(native):
                return self._response(native, request)
            error = _error_of(native.error)
            if isinstance(error, ConnectionResetError):  # before the first byte, as far as is known
                error = HTTPConnectionClosed("connection closed.")
            if isinstance(error, HTTPConnectionClosed) and attempts_left > 0 and _may_retry(method):
                attempts_left -= 1
                continue
            raise error

    def _response(self, native: Any, request: Any) -> _Wire:
        wire = _Wire(native, request.method)
        wire._sent_request = _sent(native)
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
            _spend(time.perf_counter() - began)

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


class _Pool(HTTPClientPool):
    """The clients of one session. close() closes its native connections, too."""

    primed: Any = None  # a native response (or an exception) that the next request gets at once

    def __init__(self, session: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.session = weakref.ref(session)

    def get_client(self, url: Any) -> Any:
        if isinstance(url, str):
            url = geventhttpclient.client.URL(url)
        key = url.scheme, url.host, url.port
        client = self.clients.get(key)
        if client is None:
            if url.scheme not in ("http", "https") or not url.host:
                return super().get_client(url)
            client = self.clients[key] = _Client(self, url)
        return client

    def close(self) -> None:
        for client in list(self.clients.values()):
            client.close()
        self.clients.clear()
        session = self.session()
        if session is not None:
            session._close()


class _WatchedHeaders(Headers):
    """The headers of all requests; their copies are plain ones."""

    changed: Any = None

    def __setitem__(self, field: str, value: Any) -> None:
        super().__setitem__(field, value)
        if self.changed is not None:
            self.changed()

    def __delitem__(self, field: str) -> None:
        super().__delitem__(field)
        if self.changed is not None:
            self.changed()

    def add(self, field: str, value: Any) -> None:
        super().add(field, value)
        if self.changed is not None:
            self.changed()

    def copy(self) -> Headers:
        return Headers(list(self.items()))


# Set by Locust itself for allow_redirects=False; and what is set here.
_HARMLESS = {"redirect_response_codes", "redirect_resonse_codes", "altered", "changed"}


class LocustUserAgent(stock.LocustUserAgent):
    response_type = FastResponse

    # Once it is attached: None where nothing but what the short way knows has been changed in it.
    altered: str | None = "it is not of this session"
    changed: Any = None

    def attach(self, session: Any) -> None:
        reference = weakref.ref(session)

        def changed() -> None:
            known = reference()
            if known is not None:
                known._forget()

        pool = self.clientpool
        headers = _WatchedHeaders(list(self.default_headers.items()))
        headers.changed = changed
        self.default_headers = headers
        if type(pool) is HTTPClientPool:
            self.clientpool = _Pool(session, **pool.client_args)
            self.altered = None
        self.changed = changed

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if self.changed is None or name in _HARMLESS:
            return
        self.changed()
        if name not in ("max_redirects", "max_retries", "retry_delay"):
            self.altered = f"its user agent's {name} has been set"


# ---- sessions ----

# A path that stays as it is on its way into a request, whatever it is appended to.
_SIMPLE = re.compile(r"/(?!/)[\w.~!$&'()*+,=:@/-]*(?:\?[\w.~!$&'()*+,=:@/?-]+)?\Z", re.ASCII)
_SIMPLE_BASE = re.compile(r"https?://[\w.:\[\]-]+(?:/[\w.~-]+)*\Z", re.ASCII | re.IGNORECASE)
_MOST_CACHED = 4096
_MOST_SHARED = 256
_shared: dict[Any, dict[Any, Any]] = {}  # caches of sessions without cookies, by what they were made with

# What the engine does not do, for all of a session: constructor arguments.
_KNOWN_ARGUMENTS = {"network_timeout", "connection_timeout", "max_redirects", "max_retries", "retry_delay", "concurrency"}
_KNOWN_ARGUMENTS |= {"headers", "insecure", "base_url", "request_event", "environment", "user", "self"}

_stock_init = _with_names(_Session.__init__, LocustUserAgent=LocustUserAgent, CookieJar=CookieJar)
_init_signature = inspect.signature(_Session.__init__)
# Locust's own request() around native exchanges.
_stock_request = _with_names(_Session.request, time=_Clock, ResponseContextManager=ResponseContextManager)


class FastHttpSession(_native.Session, _Session):  # type: ignore[misc, valid-type]
    _in_engine_thread = staticmethod(_native._in_engine_thread)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _stock_init(self, *args, **kwargs)
        given = _init_signature.bind(self, *args, **kwargs).arguments
        given.update(given.pop("kwargs", {}))
        self._response_class = FastResponse
        self._verdict_class = ResponseContextManager
        self._whole_milliseconds = _WHOLE_MILLISECONDS
        self._events = self._hooks()
        self._recorder = getattr(self.user.environment.stats, "recorder", None) if self.user else None
        self._reason = self._why_stock(given)
        if self._reason is None:
            self.client.attach(self)
            self.cookiejar.changed = self.client.changed
            self._open(
                connection_timeout=given.get("connection_timeout", 5.0),
                network_timeout=given.get("network_timeout", 5.0),
                concurrency=given.get("concurrency", 1),
                verify=not given.get("insecure", True),
            )
        else:
            logger.debug("A FastHttpSession goes by Locust's own client: %s", self._reason)
        own = type(self)
        self._shortens = (
            self._reason is None
            and own._build_url is _Session._build_url
            and own._send_request_safe_mode is _Session._send_request_safe_mode
        )
        self._forget()

    def _hooks(self) -> tuple[Any, ...]:
        if hasattr(self, "request_event"):
            return (self.request_event,)
        events = self.environment.events
        old = (getattr(events, name, None) for name in ("request_success", "request_failure"))
        return (events.request, *(hook for hook in old if hook is not None))

    @staticmethod
    def _why_stock(given: dict[str, Any]) -> str | None:
        for name, value in given.items():
            if name not in _KNOWN_ARGUMENTS and value is not None:
                return f"it has the argument {name}"
        if not given.get("insecure", True):
            return "it verifies certificates"
        return None

    # ---- asked by the native session ----

    def _prepare(self, method: str, url: str) -> Any:
        if not self._can_shorten() or self._own_context() is not None:
            return None
        request = self._shaped(method, url, None, None, None, None)
        if request is not None:
            of_method = self._cache.setdefault(method, {})
            if len(of_method) >= _MOST_CACHED:
                of_method.clear()
            of_method[url] = request
        return request

    def _settle(self, native: Any, method: str, url: str, name: str, caught: bool = False) -> Any:
        if not _is_fine(native):
            return self._resume(native, method, url, name=name, catch_response=caught)
        return self._hand_over(native, method, url, name, caught, {})

    def _hand_over(self, native: Any, method: str, url: str, name: str, caught: Any, context: Any) -> Any:
        kind = ResponseContextManager if caught else FastResponse
        response = kind.__new__(kind)
        response._native = native
        if not native.plain:
            self.client.cookiejar.extract_cookies(response, response.request)
        if caught:
            response._call = (self, method, url, name, context)
        else:
            self._report(native, response, method, url, name, context)
        return response

    def _interrupted(
        self, error: BaseException, seconds: float, method: str, url: str, name: str, caught: bool = False
    ) -> Any:
        _spend(seconds)
        return self._resume(error, method, url, name=name, catch_response=caught)

    _get, _head, _options, _delete = _Session.get, _Session.head, _Session.options, _Session.delete
    _post, _put, _patch = _Session.post, _Session.put, _Session.patch

    def _request(
        self,
        method: str,
        url: str,
        name: str | None = None,
        data: Any = None,
        catch_response: bool = False,
        stream: bool = False,
        headers: Any = None,
        auth: Any = None,
        json: Any = None,
        allow_redirects: bool = True,
        context: Any = {},
        **kwargs: Any,
    ) -> Any:
        shaped = None
        if not kwargs and not stream and self._can_shorten():
            shaped = self._shaped(method, url, data, headers, auth, json)
        if shaped is None:
            kwargs.update(name=name, data=data, catch_response=catch_response, stream=stream, headers=headers)
            kwargs.update(auth=auth, json=json, allow_redirects=allow_redirects, context=context)
            return self._resume(None, method, url, **kwargs)
        own_context = self._own_context()
        if own_context is not None:
            context = {**own_context, **context}
        label = name or self.request_name or url
        began = time.perf_counter()
        try:
            native = self._exchange(shaped, method, url, label, catch_response, context)
        except GreenletExit:
            raise
        except BaseException as error:
            native = error
            _spend(time.perf_counter() - began)
        else:
            if type(native) is not _native.Response:
                return native
            if _is_fine(native):
                return self._hand_over(native, method, url, label, catch_response, context)
        return self._resume(
            native, method, url, name=label, data=data, catch_response=catch_response, headers=headers, auth=auth,
            json=json, allow_redirects=allow_redirects, context=context,
        )  # fmt: skip

    # ---- the long way: Locust's own code ----

    def _resume(self, primed: Any, method: str, url: str, **kwargs: Any) -> Any:
        """request() as Locust has it; its first exchange has been made already where `primed` is
        what came of it."""
        if self._reason is not None:
            return _Session.request(self, method, url, **kwargs)
        if kwargs.get("stream"):
            current = getcurrent()
            current._locustpp_stock = True
            try:
                return _Session.request(self, method, url, **kwargs)
            finally:
                del current._locustpp_stock
        if primed is not None:
            self.client.clientpool.primed = primed
        return _stock_request(self, method, url, **kwargs)

    # ---- the short way ----

    def _can_shorten(self) -> bool:
        client = self.client
        return self._shortens and type(client) is LocustUserAgent and client.altered is None and self._in_engine_thread()

    def _own_context(self) -> Any:
        """What user.context() says where it is the user's own."""
        if self.user is None:
            return None
        context = self.user.context
        return None if getattr(context, "__func__", None) is _STOCK_CONTEXT else context()

    def _shaped(self, method: str, url: str, data: Any, headers: Any, auth: Any, json: Any) -> Any:
        """The request that Locust would send; None where that is not known."""
        body, sample = None, {}
        if data:
            if isinstance(data, str):
                body, sample = data.encode(), {"data": "x"}
            elif isinstance(data, bytes):
                body, sample = data, {"data": b"x"}
            elif type(data) is dict:
                body, sample = urlencode(data).encode(), {"data": {"x": "y"}}
            else:
                return None
            kind = type(data).__name__
        elif json is None and data is not None:
            return None
        elif json is not None:
            body, sample, kind = dumps(json).encode(), {"json": "x"}, "json"
        else:
            kind = ""
        jar = self.client.cookiejar
        if self._cache_until <= time.time():
            jar.clear_expired_cookies()
            self._forget()
        if not self._cache:
            self._share()
        simple = _SIMPLE.match(url) is not None
        try:
            key = (method, kind, tuple(headers.items()) if headers else None, auth, None if simple else url)
            shape = self._cache.get(key)
        except (TypeError, AttributeError):
            return None
        if shape is None:
            if simple and not self._same_for_all_paths():
                key, simple = (*key[:4], url), False
                shape = self._cache.get(key)
            if shape is None:
                shape = self._shape(key, method, "/" if simple else url, simple, headers, auth, sample)
        template, request = shape
        if template is None:
            return None
        built = url if not simple and stock.absolute_http_url_regexp.match(url) else f"{self.base_url}{url}"
        if simple:
            return template.derive(template.info + url, body, url, (request, built, body))
        return template.derive(None, body, url, (request, built, body))

    def _share(self) -> None:
        """Sessions that would prepare the same requests prepare them together."""
        if len(self.client.cookiejar) != 0:
            return
        key = type(self), self.base_url, self.auth_header, tuple(self.client.default_headers.items())
        if len(_shared) >= _MOST_SHARED:
            _shared.clear()
        self._cache = _shared.setdefault(key, {})
        self._cache_shared = True

    def _same_for_all_paths(self) -> bool:
        base = self.base_url
        return base is not None and _SIMPLE_BASE.match(base) is not None and self.client.cookiejar.same_for_all_paths()

    def _shape(self, key: Any, method: str, url: str, simple: bool, headers: Any, auth: Any, sample: Any) -> Any:
        shape: Any = (None, None)
        try:
            captured = self._capture(method, url, headers=dict(headers) if headers else None, auth=auth, **sample)
        except Exception:  # it will be raised again where it belongs
            captured = None
        if captured is not None:
            template = captured.native
            if simple:
                first = template.bytes.split(b" ", 2)[1].decode("latin-1")
                template = template.derive(None, None, None, first[:-1])
            shape = template, captured.request
        if len(self._cache) >= _MOST_CACHED:
            self._cache.clear()
        self._cache[key] = shape
        self._cache_until = self.client.cookiejar.holds_until()
        return shape

    def _capture(self, method: str, url: str, **kwargs: Any) -> Any:
        """What Locust would send for this: the exception that carries it, or None."""
        self.client.clientpool.primed = _CAPTURE
        try:
            _stock_request(self, method, url, **kwargs)
        except _Captured as captured:
            return captured if hasattr(captured, "native") else None
        finally:
            self.client.clientpool.primed = None
        return None

    def _meta(self, native: Any, method: str, url: str, name: str, context: Any, response: Any = None) -> dict[str, Any]:
        if response is None:
            response = FastResponse.__new__(FastResponse)
            response._native = native
        milliseconds = native.elapsed * 1000
        return {
            "request_type": method,
            "name": name,
            "context": {**context},
            "response": response,
            "exception": None,
            "start_time": native.ended - native.elapsed,
            "url": self._build_url(url),
            "response_length": native.length,
            "response_time": int(milliseconds) if _WHOLE_MILLISECONDS else milliseconds,
        }

    def _report(self, native: Any, response: Any, method: str, url: str, name: str, context: Any) -> None:
        if self._audience() == 2:
            self._events[0].fire(**self._meta(native, method, url, name, context, response))
        else:
            self._record(native, method, name, None)

    def _record(self, native: Any, method: str, name: str, error: Exception | None) -> None:
        if self._audience() == 0:
            return
        milliseconds = native.elapsed * 1000
        if _WHOLE_MILLISECONDS:
            milliseconds = math.floor(milliseconds)
        stats = self.user.environment.stats
        stats.log_request(method, name, milliseconds, native.length)
        if error is not None:
            stats.log_error(method, name, error)
