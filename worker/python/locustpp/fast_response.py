"""The responses that users of FastHttpUser get: Locust's own classes over a native response, each part
of which is built when somebody looks at it."""

from __future__ import annotations

from typing import Any

import geventhttpclient.response
import locust.contrib.fasthttp as stock

from .fast_wire import Wire, error_of, headers_of, request_of, sent_text, wire_of


class _Lazy:
    """An attribute that is built of the native response when somebody looks at it."""

    def __init__(self, build: Any, otherwise: Any = lambda: None) -> None:
        self._build = build
        self._otherwise = otherwise

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    def __get__(self, response: Any, owner: type) -> Any:
        native = getattr(response, "_native", None)  # None in the class, and of Locust's own client
        if native is None:
            return self._otherwise()
        value = response.__dict__[self._name] = self._build(response, native)
        return value


class _Parts:
    __slots__ = ()

    _response = _Lazy(lambda response, native: wire_of(native))
    headers = _Lazy(lambda response, native: headers_of(response, native))
    request = _Lazy(lambda response, native: request_of(native))
    _request = _Lazy(lambda response, native: response.request)
    _sent_request = _Lazy(lambda response, native: sent_text(native))
    _elapsed = _Lazy(lambda response, native: native.elapsed)
    _history = _Lazy(lambda response, native: [], otherwise=list)

    def _content(self) -> Any:
        native = getattr(self, "_native", None)
        if native is None:
            return super()._content()  # type: ignore[misc]
        if native.error is not None:
            if "_told" not in self.__dict__:  # type: ignore[attr-defined]
                self.__dict__["_told"] = True  # type: ignore[attr-defined]
                raise error_of(native.error)
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
        if isinstance(ghc_response, Wire):
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
