"""What the native client says went wrong, as the exceptions of requests: raised by requests and
urllib3 themselves, on a connection that fails in the same way, so that texts, classes and contexts
are those of the installed versions."""

from __future__ import annotations

import ast
import builtins
import http.client
import re
import socket
import zlib
from typing import Any, NoReturn

from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from requests.exceptions import ChunkedEncodingError, ContentDecodingError
from requests.utils import prepend_scheme_if_needed, select_proxy
from urllib3 import PoolManager, exceptions, proxy_from_url

from .errors import is_late, tls_error

_WORDS = re.compile(r"(\w+)\((.*)\)", re.DOTALL)
# Where a connection fails: before it is there, when the proxy is asked for a tunnel, in TLS (or the
# tunnel), or instead of a response.
CONNECTING, TUNNELLING, SECURING, ANSWERING = range(4)
_TUNNEL = re.compile(r"Proxy CONNECT failed: \S+ (\d+) ?(.*?)(?: \(proxy authentication required\?\))?\Z", re.DOTALL)


def raise_failure(text: str, adapter: HTTPAdapter, request: PreparedRequest, **kwargs: Any) -> NoReturn:
    """`text` is a native response's error; kwargs are those of adapter.send()."""
    name, arguments = _parse(text)
    if text.startswith("HTTPParseError('Incomplete response.'"):
        raise ChunkedEncodingError(exceptions.ProtocolError("Response ended prematurely"))
    if text == "HTTPParseError('bad chunk')":
        raise ChunkedEncodingError(exceptions.ProtocolError("Connection broken: InvalidChunkLength"))
    if name in ("ContentDecodingError", "DecodeError", "ZstdError", "error") or "decompress" in text:
        raise ContentDecodingError(_decoding_error(name, arguments))
    cause, place = _cause(text, name, arguments)
    _FailingAdapter(adapter, cause, place).send(request, **kwargs)
    raise AssertionError(text)  # it does fail


def _parse(text: str) -> tuple[str, tuple[Any, ...]]:
    found = _WORDS.fullmatch(text)
    if not found:
        return text, ()
    try:
        arguments = ast.literal_eval(f"({found[2]},)") if found[2] else ()
    except (ValueError, SyntaxError):
        arguments = (found[2],)
    return found[1], arguments


def _decoding_error(name: str, arguments: tuple[Any, ...]) -> Exception:
    words = str(arguments[-1]) if arguments else name
    if name == "error":
        coding = "gzip" if words.startswith("Error -3 while decompressing data: incorrect header") else "deflate"
        return exceptions.DecodeError(
            f"Received response with content-encoding: {coding}, but failed to decode it.", zlib.error(words)
        )
    return exceptions.DecodeError(words)


def _cause(text: str, name: str, arguments: tuple[Any, ...]) -> tuple[BaseException, int]:
    if text.endswith("original=timed out)"):
        return TimeoutError("timed out"), ANSWERING
    if name == "HTTPConnectionClosed":
        return http.client.RemoteDisconnected("Remote end closed connection without response"), ANSWERING
    if name == "gaierror":
        return socket.gaierror(*arguments), CONNECTING
    if name.startswith("SSL"):
        return tls_error(name, *arguments), ANSWERING if is_late(text) else SECURING
    if name == "RuntimeError" and "closed the connection" in text:
        return http.client.RemoteDisconnected("Remote end closed connection without response"), SECURING
    refusal = _TUNNEL.match(str(arguments[0])) if name == "RuntimeError" else None
    if refusal:
        return OSError(f"Tunnel connection failed: {refusal[1]} {refusal[2].strip()}"), TUNNELLING
    kind = getattr(builtins, name, None)
    if isinstance(kind, type) and issubclass(kind, OSError):
        # These come of what was once connected.
        reset = kind in (ConnectionResetError, BrokenPipeError, ConnectionAbortedError)
        return kind(*arguments), ANSWERING if reset else CONNECTING
    words = str(arguments[0]) if arguments else text
    return http.client.BadStatusLine(words), ANSWERING


class _FailingAdapter(HTTPAdapter):
    """Sends a request to where it fails for a known cause."""

    def __init__(self, adapter: HTTPAdapter, cause: BaseException, place: int) -> None:
        self.max_retries = adapter.max_retries
        self.config: dict[str, Any] = {}
        self.proxy_manager: dict[str, Any] = {}
        self.cause, self.place = cause, place

    def get_connection(self, url: str, proxies: Any = None) -> Any:
        proxy = select_proxy(url, proxies)
        manager = proxy_from_url(prepend_scheme_if_needed(proxy, "http")) if proxy else PoolManager()
        pool = manager.connection_from_url(url)
        pool.ConnectionCls = _failing(pool.ConnectionCls, self.cause, self.place)  # type: ignore[misc]
        return pool

    def get_connection_with_tls_context(self, request: Any, verify: Any, proxies: Any = None, cert: Any = None) -> Any:
        return self.get_connection(request.url, proxies)

    def cert_verify(self, *args: Any, **kwargs: Any) -> None: ...

    def add_headers(self, *args: Any, **kwargs: Any) -> None: ...


def _failing(base: Any, cause: BaseException, place: int) -> Any:
    """A class of connections, named as the one of urllib3 that it stands for."""

    def new_connection(self: Any, *args: Any, **kwargs: Any) -> NoReturn:
        try:
            raise cause
        except socket.gaierror as error:
            kind = getattr(exceptions, "NameResolutionError", None)
            if kind:
                raise kind(self.host, self, error) from error
            raise exceptions.NewConnectionError(self, f"Failed to establish a new connection: {error}") from error
        except TimeoutError as error:
            if error.errno is None:
                words = f"Connection to {self.host} timed out. (connect timeout={self.timeout})"
                raise exceptions.ConnectTimeoutError(self, words) from error
            raise exceptions.NewConnectionError(self, f"Failed to establish a new connection: {error}") from error
        except OSError as error:
            raise exceptions.NewConnectionError(self, f"Failed to establish a new connection: {error}") from error

    def fails(self: Any, *args: Any, **kwargs: Any) -> NoReturn:
        raise cause

    def nothing(self: Any, *args: Any, **kwargs: Any) -> None: ...

    members: dict[str, Any] = {"connect": nothing, "request": nothing, "request_chunked": nothing, "getresponse": fails}
    if place == CONNECTING:
        members["request"] = members["request_chunked"] = members["connect"] = new_connection
    elif place != ANSWERING:
        members["request"] = members["request_chunked"] = members["connect"] = fails
    members["has_connected_to_proxy"] = place in (SECURING, ANSWERING)
    members.update(__module__=base.__module__, __qualname__=base.__qualname__)
    return type(base.__name__, (base,), members)
