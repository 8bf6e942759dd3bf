"""The engine tells what went wrong as Python's repr of the exception that stock clients meet; here
it becomes that exception."""

from __future__ import annotations

import ast
import builtins
import functools
import http.client
import re
import socket
import ssl
import zlib

_SYMBOLS = re.compile(r"\[(\w+): (\w+)\]")
_FORM = re.compile(r"(\w+)\((.*)\)\Z", re.DOTALL)


def _classes() -> dict[str, type[BaseException]]:
    found: dict[str, type[BaseException]] = {
        name: value
        for name, value in vars(builtins).items()
        if isinstance(value, type) and issubclass(value, Exception)
    }
    found |= {name: value for name, value in vars(ssl).items() if name.startswith("SSL") and name.endswith("Error")}
    found |= {"gaierror": socket.gaierror, "herror": socket.herror, "HTTPException": http.client.HTTPException}
    found["error"] = zlib.error
    try:
        from geventhttpclient.response import HTTPConnectionClosed, HTTPParseError
    except ImportError:  # no FastHttpUser in this installation
        pass
    else:
        found |= {"HTTPConnectionClosed": HTTPConnectionClosed, "HTTPParseError": HTTPParseError}
    return found


_CLASSES = _classes()


@functools.cache
def _places() -> tuple[str, str]:
    """ "(_ssl.c:992)": what this Python's ssl puts at the end of what went wrong in a handshake, and
    later."""

    def place(method: str) -> str:
        incoming = ssl.MemoryBIO()
        incoming.write(b"no TLS at all")
        try:
            getattr(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).wrap_bio(incoming, ssl.MemoryBIO(), server_hostname="x"), method)()
        except ssl.SSLError as error:
            return str(error)[str(error).rfind("(") :]
        return ""

    return place("do_handshake"), place("read")


def is_late(text: str) -> bool:
    """Whether it is heard instead of a response, after the handshake: in TLS 1.3 only."""
    return "CERTIFICATE_REQUIRED" in text


def tls_error(name: str, number: int, text: str) -> ssl.SSLError:
    """As Python's ssl raises it."""
    error: ssl.SSLError = getattr(ssl, name)(number, f"{text} {_places()[is_late(text)]}")
    found = _SYMBOLS.match(text)
    if found:
        error.library, error.reason = found[1], found[2]
    if isinstance(error, ssl.SSLCertVerificationError):
        error.verify_message = text.partition("certificate verify failed: ")[2]
    return error


def is_timeout(text: str) -> bool:
    return text.startswith("RetriesExceeded(") and text.endswith("original=timed out)")


def exception_of(text: str) -> Exception:
    """The exception that `text` (_native.Response.error) is the repr of; its cause where the text is
    of a client that wraps it. RuntimeError where nobody knows it."""
    if is_timeout(text):
        return TimeoutError("timed out")
    match = _FORM.match(text)
    if match is None or match[1] not in _CLASSES:
        return RuntimeError(text)
    try:
        arguments = ast.literal_eval(f"({match[2]},)" if match[2] else "()")
    except (ValueError, SyntaxError):
        return RuntimeError(text)
    if match[1] == "error" and str(arguments[0]).startswith("brotli"):
        import brotli

        return brotli.error(*arguments)
    if match[1].startswith("SSL") and len(arguments) == 2:
        return tls_error(match[1], *arguments)
    error = _CLASSES[match[1]](*arguments)
    assert isinstance(error, Exception)
    return error
