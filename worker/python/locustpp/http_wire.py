"""How requests, urllib3 and http.client write a request's head and body, and take its timeout."""

from __future__ import annotations

from typing import Any

import urllib3
from requests import PreparedRequest
from requests.compat import json as complexjson

OLD_URLLIB3 = urllib3.__version__.startswith("1.")
try:
    from urllib3.connection import _get_default_user_agent

    USER_AGENT = _get_default_user_agent()
except ImportError:
    USER_AGENT = f"python-urllib3/{urllib3.__version__}"

Header = tuple[str, str]

encode_params = PreparedRequest._encode_params


def set_header(headers: dict[str, Header], name: str, value: str) -> None:
    headers[name.lower()] = (name, value)


def on_the_wire(method: str, headers: dict[str, Any], body: bytes | None) -> list[Any]:
    """What http.client and urllib3 add to requests' headers, where they add it."""
    pairs = []
    if "accept-encoding" not in headers:
        pairs.append(("Accept-Encoding", "identity"))
    if "content-length" not in headers and (body is not None or method in ("POST", "PUT", "PATCH")):
        pairs.append(("Content-Length", str(len(body or b""))))
    if "user-agent" in headers:
        return pairs + list(headers.values())
    agent = ("User-Agent", USER_AGENT)
    return [*pairs, *headers.values(), agent] if OLD_URLLIB3 else [*pairs, agent, *headers.values()]


def body_of(data: Any, json: Any) -> tuple[Any, bytes | None, str | None] | None:
    """Body as requests has it, as bytes, and its type. None: not for here."""
    if not data:
        if json is None:
            return None, None, None
        text = complexjson.dumps(json, allow_nan=False)
        encoded = text.encode("utf-8")
        return encoded, encoded, "application/json"
    if type(data) is bytes:
        return data, data, None
    if type(data) is str:
        if OLD_URLLIB3 and not data.isascii():
            return None
        return data, data.encode("utf-8"), None
    if isinstance(data, (dict, list, tuple)):
        form = encode_params(data)
        return form, form.encode("ascii"), "application/x-www-form-urlencoded"
    return None


def limit_of(timeout: Any) -> float | None:
    """Seconds for the whole exchange; ValueError where the native client has no such limit."""
    if timeout is None:
        return None
    if isinstance(timeout, tuple):
        connect, read = timeout
        if connect is not None and read is None:
            raise ValueError(timeout)
        timeout = read
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or timeout <= 0:
        raise ValueError(timeout)
    return float(timeout)
