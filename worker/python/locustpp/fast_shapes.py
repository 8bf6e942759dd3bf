"""What Locust's code would send is found out once for each kind of request (its shape), by letting it
run up to the point of sending; the next of the kind differ in path and body only."""

from __future__ import annotations

import re
import time
from json import dumps
from typing import Any
from urllib.parse import urlencode

import locust.contrib.fasthttp as stock
from locust.user import User

from .fast_agent import LocustUserAgent
from .fast_client import CAPTURE, Captured
from .fast_clock import Clock
from .fast_response import ResponseContextManager
from .rebinding import with_names

_STOCK_CONTEXT = User.context
# Locust's own request() around native exchanges.
stock_request = with_names(stock.FastHttpSession.request, time=Clock, ResponseContextManager=ResponseContextManager)

# A path that stays as it is on its way into a request, whatever it is appended to.
_SIMPLE = re.compile(r"/(?!/)[\w.~!$&'()*+,=:@/-]*(?:\?[\w.~!$&'()*+,=:@/?-]+)?\Z", re.ASCII)
_SIMPLE_BASE = re.compile(r"https?://[\w.:\[\]-]+(?:/[\w.~-]+)*\Z", re.ASCII | re.IGNORECASE)
MOST_CACHED = 4096
_MOST_SHARED = 256
_shared: dict[Any, dict[Any, Any]] = {}  # caches of sessions without cookies, by what they were made with


def body_of(data: Any, json: Any) -> tuple[str, bytes | None, dict[str, Any]] | None:
    """Its kind, what is sent, and arguments that stand for all of the kind. None where that is for
    Locust's code to find out."""
    if data:
        if isinstance(data, str):
            return type(data).__name__, data.encode(), {"data": "x"}
        if isinstance(data, bytes):
            return type(data).__name__, data, {"data": b"x"}
        return ("dict", urlencode(data).encode(), {"data": {"x": "y"}}) if type(data) is dict else None
    if json is not None:
        return "json", dumps(json).encode(), {"json": "x"}
    return ("", None, {}) if data is None else None


class Shaping:
    """For FastHttpSession: how requests are prepared for the short ways."""

    # Locust's, the native session's, and FastHttpSession's.
    user: Any
    client: Any
    base_url: Any
    auth_header: Any
    _cache: Any
    _cache_until: float
    _cache_shared: bool
    _forget: Any
    _in_engine_thread: Any
    _shortens: bool
    _reason: str | None

    def _can_shorten(self) -> bool:
        client = self.client
        if not self._shortens or self._reason is not None or type(client) is not LocustUserAgent:
            return False
        return client.altered is None and self._in_engine_thread()

    def _own_context(self) -> Any:
        """What user.context() says where it is the user's own."""
        if self.user is None:
            return None
        context = self.user.context
        return None if getattr(context, "__func__", None) is _STOCK_CONTEXT else context()

    def _shaped(self, method: str, url: str, data: Any, headers: Any, auth: Any, json: Any) -> Any:
        """The request that Locust would send; None where that is not known."""
        found = body_of(data, json)
        if found is None:
            return None
        kind, body, sample = found
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
            if self._cache is None:
                self._cache = {}
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
        if len(self._cache) >= MOST_CACHED:
            self._cache.clear()
        self._cache[key] = shape
        self._cache_until = self.client.cookiejar.holds_until()
        return shape

    def _capture(self, method: str, url: str, **kwargs: Any) -> Any:
        """What Locust would send for this: the exception that carries it, or None."""
        self.client.clientpool.primed = CAPTURE
        try:
            stock_request(self, method, url, **kwargs)
        except Captured as captured:
            return captured if hasattr(captured, "native") else None
        finally:
            self.client.clientpool.primed = None
        return None
