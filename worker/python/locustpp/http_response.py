"""Responses of HttpSession: requests' own, read off the native one attribute by attribute when
somebody asks."""

from __future__ import annotations

import datetime
import http.client
from collections.abc import Callable
from io import BytesIO
from typing import Any

import requests
from locust.clients import HttpSession as StockHttpSession
from locust.clients import ResponseContextManager as StockContextManager
from requests import PreparedRequest
from requests.cookies import RequestsCookieJar, extract_cookies_to_jar
from requests.hooks import default_hooks
from requests.structures import CaseInsensitiveDict
from requests.utils import get_encoding_from_headers
from urllib3 import HTTPResponse

try:
    from urllib3 import HTTPHeaderDict
except ImportError:  # urllib3 1.x
    from urllib3._collections import HTTPHeaderDict

from .http_watch import named_as

Pairs = list[tuple[str, str]]


class Lazy:
    """An attribute that is worked out when it is read for the first time, and set like any other."""

    def __init__(self, work_out: Callable[[Any], Any]) -> None:
        self.work_out = work_out

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type) -> Any:
        if instance is None:
            return self
        value = instance.__dict__[self.name] = self.work_out(instance)
        return value


# ---- heads ----


def status_line(head: bytes) -> tuple[int, str]:
    """Version (11) and reason, as http.client reads them."""
    words = head.partition(b"\n")[0].decode("iso-8859-1").split(None, 2)
    version = 10 if words and words[0] in ("HTTP/1.0", "HTTP/0.9") else 11
    return version, words[2].strip() if len(words) > 2 else ""


def header_pairs(head: bytes) -> Pairs:
    """The headers of a head, in order, as http.client reads them."""
    lines = head.split(b"\r\n")[1:]
    pairs: Pairs = []
    for line in lines:
        if not line:
            continue
        name, colon, value = line.decode("iso-8859-1").partition(":")
        if not colon or not name or name[0] in " \t" or name[-1] in " \t" or b"\n" in line:
            # Folded, or wrong in a way that http.client has an opinion of.
            return list(http.client.parse_headers(BytesIO(head[head.find(b"\n") + 1 :])).items())
        pairs.append((name, value.lstrip(" \t")))
    return pairs


def merged(pairs: Pairs) -> Any:
    """As requests shows them: several of one name as one."""
    headers: Any = CaseInsensitiveDict()
    for name, value in pairs:
        before = headers.get(name)
        if before is None:
            headers[name] = value
        else:
            # The first one's spelling stays.
            headers._store[name.lower()] = (headers._store[name.lower()][0], f"{before}, {value}")
    return headers


def sets_cookies(native: Any) -> bool:
    return b"\nset-cookie" in native.head.lower()


class _Original:
    """What requests asks http.client's response for: the cookies."""

    def __init__(self, pairs: Pairs) -> None:
        self.msg = http.client.HTTPMessage()
        for name, value in pairs:
            self.msg.add_header(name, value)

    def isclosed(self) -> bool:
        return True

    def close(self) -> None: ...


class Raw:
    """response.raw: a urllib3 response that has been read; made when something of it is needed."""

    def __init__(self, native: Any, method: str | None) -> None:
        self._native = native
        self._method = method

    _original_response = Lazy(lambda self: _Original(header_pairs(self._native.head)))
    headers = Lazy(lambda self: HTTPHeaderDict(header_pairs(self._native.head)))
    status = Lazy(lambda self: self._native.status)
    reason = Lazy(lambda self: status_line(self._native.head)[1])
    version = Lazy(lambda self: status_line(self._native.head)[0])

    @Lazy
    def _urllib3(self) -> HTTPResponse:
        return HTTPResponse(
            body=BytesIO(b""),
            headers=self.headers,
            status=self.status,
            reason=self.reason,
            version=self.version,
            preload_content=False,
            decode_content=False,
            original_response=self._original_response,  # type: ignore[arg-type]
            request_method=self._method,
        )

    def release_conn(self) -> None: ...

    def close(self) -> None: ...

    def __getattr__(self, name: str) -> Any:
        return getattr(self._urllib3, name)


# ---- requests ----


@named_as(PreparedRequest)
class SentRequest(PreparedRequest):
    """A request that went out without requests having prepared it."""

    def __init__(self, method: str, info: tuple[Any, ...], jar: Any = None) -> None:
        self.method = method
        self.url, self._pairs, self.body, _ = info
        self._body_position = None
        self._jar = jar

    headers = Lazy(lambda self: CaseInsensitiveDict(self._pairs))
    hooks = Lazy(lambda self: default_hooks())

    @Lazy
    def _cookies(self) -> Any:
        jar = RequestsCookieJar()
        if self._jar is not None:
            jar.update(self._jar)
        return jar


# ---- responses ----


def _encoding(response: Any) -> str | None:
    return get_encoding_from_headers(response.headers)


def _cookies(response: Any) -> RequestsCookieJar:
    jar = RequestsCookieJar()
    if sets_cookies(response._native):
        extract_cookies_to_jar(jar, response.request, response.raw)
    return jar


def _meta(response: Any) -> dict[str, Any]:
    """What an event of this request tells, or would have told, had anybody listened."""
    native = response._native
    user = response._session.user
    context = response._context
    return {
        "request_type": native.request.info[3],
        "response_time": native.elapsed * 1000,
        "name": response._name,
        "context": {**user.context(), **context} if user else context,
        "response": _told(response),
        "exception": None,
        "start_time": native.ended - native.elapsed,
        "url": native.request.info[0],
        "response_length": native.length,
    }


def _told(response: Any) -> Any:
    """What an event shows: before 2.40 not what the `with` block has, but the response beneath it."""
    if PLAIN_CLASS is NativeContextManager or not isinstance(response, StockContextManager):
        return response
    twin: Any = object.__new__(PLAIN_CLASS)
    response.__dict__["_session"] = response._session
    twin.__dict__ = response.__dict__
    return twin


class _Attributes:
    """What requests.Response sets when it is made, and here is read off `_native` when asked for.
    `_session` and `_name` are there in responses that nobody else has seen yet."""

    _content_consumed = True
    _next = None
    _content = Lazy(lambda self: self._native.content)
    status_code = Lazy(lambda self: self._native.status)
    headers = Lazy(lambda self: merged(header_pairs(self._native.head)))
    raw = Lazy(lambda self: Raw(self._native, self.request.method))
    url = Lazy(lambda self: self.request.url)
    encoding = Lazy(_encoding)
    history = Lazy(lambda self: [])
    reason = Lazy(lambda self: status_line(self._native.head)[1])
    cookies = Lazy(_cookies)
    elapsed = Lazy(lambda self: datetime.timedelta(seconds=self._native.elapsed))
    request = Lazy(lambda self: SentRequest(self._native.request.method, self._native.request.info))
    connection = Lazy(lambda self: self._session.get_adapter(self.url))


@named_as(requests.Response)
class NativeResponse(_Attributes, requests.Response):  # type: ignore[misc]
    pass


class _Reported:
    """What Locust leaves in a response that it has reported."""

    _context: dict[str, Any] = {}
    _request_event = Lazy(lambda self: self._session.request_event)
    request_meta = Lazy(_meta)


@named_as(requests.Response)
class ReportedResponse(_Reported, NativeResponse):
    pass


@named_as(StockContextManager)
class NativeContextManager(_Reported, _Attributes, StockContextManager):  # type: ignore[misc]
    _entered = False
    _catch_response = False

    @classmethod
    def wrap_response(cls, response: Any, *args: Any, **kwargs: Any) -> Any:
        is_native = "_native" in response.__dict__
        response = StockContextManager.wrap_response(response, *args, **kwargs)
        if is_native:
            response.__class__ = cls
        return response


@named_as(StockContextManager)
class CaughtContextManager(NativeContextManager):
    """Of a plain success, with catch_response=True."""

    _catch_response = True
    _session = Lazy(lambda self: self._call[0])
    _name = Lazy(lambda self: self._call[3])
    _context = Lazy(lambda self: self._call[4])


def _plain_class() -> type:
    """Of what a request returns without catch_response."""
    if hasattr(StockContextManager, "wrap_response"):  # from 2.40 on
        return NativeContextManager
    # In 2.13.0 request() decides itself what is a failure.
    decides = "raise_for_status" in getattr(StockHttpSession.request, "__code__").co_names
    return NativeResponse if decides else ReportedResponse


PLAIN_CLASS = _plain_class()


def response_of(native: Any, request: Any, session: Any) -> NativeResponse:
    response = object.__new__(NativeResponse)
    response.__dict__.update(_native=native, request=request, _session=session)
    return response
