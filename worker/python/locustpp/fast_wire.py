"""What came back, as geventhttpclient knows it: its own response classes fed by a native exchange, and
its own exceptions."""

from __future__ import annotations

from typing import Any

import geventhttpclient.response
import locust.contrib.fasthttp as stock
from geventhttpclient.header import Headers
from geventhttpclient.response import HTTPParseError, HTTPResponse

from .errors import exception_of


class Wire(HTTPResponse):
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


def wire_of(native: Any) -> Wire:
    return Wire(native, native.request.method)


def headers_of(response: Any, native: Any) -> Headers:
    fields = None if "_response" in response.__dict__ else native.fields
    if fields is None:
        return response._response._headers_index
    headers = Headers()
    for field, value in fields:
        headers.add(field, value)
    return headers


def request_of(native: Any) -> Any:
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


def sent_text(native: Any) -> str:
    return native.request.bytes.partition(b"\r\n\r\n")[0].decode("latin-1") + "\r\n\r\n"


def error_of(text: str) -> Exception:
    error = exception_of(text)
    if text.startswith(_LIMITS):
        return HTTPParseError(text)
    garbage = _GARBAGE.get(error.args[0]) if type(error) is HTTPParseError else None
    if garbage is not None:
        try:  # in the words of the installed parser
            HTTPResponse().feed(garbage)
        except HTTPParseError as own:
            return own
    return error


# What only the engine refuses: Locust counts it by this class, as it does what its parser refuses.
_LIMITS = ("ContentDecodingError(", "HTTPException(")
# The engine's words for what is wrong with a message, and what is wrong in the same way.
_GARBAGE = {
    "bad version": b"no HTTP at all\r\n\r\n",
    "bad chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
}


def is_garbled(native: Any) -> bool:
    return native.error is not None and type(exception_of(native.error)) is HTTPParseError and "Incomplete" not in native.error


_VALID = stock.LocustUserAgent.valid_response_codes


def is_fine(native: Any) -> bool:
    if native.error is not None or native.status >= 300 or native.status not in _VALID:
        return False
    # Locust's own client decodes the body that such a response has not got, and fails.
    return native.request.method != "HEAD" or b"content-encoding" not in native.head.lower()
