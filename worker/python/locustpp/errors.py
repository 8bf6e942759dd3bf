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


def _refusal(incoming: bytes, method: str) -> str:
    """What this Python's ssl says when a server answers with these bytes."""
    answer = ssl.MemoryBIO()
    answer.write(incoming)
    connection = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).wrap_bio(answer, ssl.MemoryBIO(), server_hostname="x")
    try:
        getattr(connection, method)()
    except ssl.SSLError as error:
        return str(error)
    return ""


@functools.cache
def _places() -> tuple[str, str]:
    """ "(_ssl.c:992)": what this Python's ssl puts at the end of what went wrong in a handshake, and
    later."""
    texts = (_refusal(b"no TLS at all", method) for method in ("do_handshake", "read"))
    handshake, later = (text[text.rfind("(") :] for text in texts)
    return handshake, later


@functools.cache
def _words() -> tuple[tuple[str, str], ...]:
    """Of the words that OpenSSL has changed, those of others and those of this Python's: the engine
    may be linked to another OpenSSL."""
    alert = ["sslv3 alert", "ssl/tls alert"]
    if alert[1] not in _refusal(b"\x15\3\3\0\2\2\x28", "do_handshake"):  # handshake_failure (RFC 5246, 7.2)
        alert.reverse()
    certificate = [("self signed", "self-signed"), ("unsupported certificate purpose", "unsuitable certificate purpose")]
    if ssl.OPENSSL_VERSION_INFO < (3,):
        certificate = [(old, new) for new, old in certificate]
    return (alert[0], alert[1]), *certificate


def is_late(text: str) -> bool:
    """Whether it is heard instead of a response, after the handshake: in TLS 1.3 only."""
    return "CERTIFICATE_REQUIRED" in text


def tls_error(name: str, number: int, text: str) -> ssl.SSLError:
    """As Python's ssl raises it."""
    for others, ours in _words():
        text = text.replace(others, ours)
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
