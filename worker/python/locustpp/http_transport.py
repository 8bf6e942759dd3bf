"""Beneath HttpSession, where requests would use urllib3: what goes over the native client and what
does not, for a plain request and for one that requests has prepared."""

from __future__ import annotations

import logging
import math
import re
import time
import weakref
from typing import Any

import requests
from locust.clients import LocustHttpAdapter
from requests import PreparedRequest
from requests.auth import HTTPBasicAuth, _basic_auth_str
from requests.models import REDIRECT_STATI
from urllib3.util import parse_url

from . import _native
from .hosts import can_be_resolved
from .http_failure import raise_failure
from .http_response import SentRequest, response_of, sets_cookies
from .http_route import Route
from .http_watch import WatchedAdapters, watches
from .http_wire import OLD_URLLIB3, body_of, encode_params, limit_of, on_the_wire, set_header

logger = logging.getLogger("locustpp")

try:
    from urllib3.util.request import SKIP_HEADER
except ImportError:
    SKIP_HEADER = ""
# URLs that requests leaves as they are: origin, then target.
_SEGMENT = r"[\w~:@!$&'()*+,;=-][\w.~:@!$&'()*+,;=-]*"
SIMPLE_URL = re.compile(
    rf"(https?://[^/?#@\s]+)(/(?:{_SEGMENT}(?:/{_SEGMENT})*/?)?(?:\?[\w.~:@!$&'()*+,;=/?-]+)?)", re.ASCII
)
SIMPLE_VALUE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?", re.ASCII)
SIMPLE_NAME = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)
# Headers that say how the body goes, or that cookies and auth take part in.
DECIDING = frozenset(("content-length", "transfer-encoding", "host"))

STOCK_CODE = {name: getattr(requests.Session, name) for name in ("send", "request", "prepare_request")}

_origins: dict[str, bool] = {}


def is_simple_origin(origin: str) -> bool:
    known = _origins.get(origin)
    if known is None:
        if len(_origins) > 10_000:
            _origins.clear()
        probe = PreparedRequest()
        try:
            probe.prepare_url(origin + "/", None)
            known = probe.url == origin + "/" and can_be_resolved(parse_url(origin).host or "")
        except (requests.RequestException, ValueError):
            known = False
        _origins[origin] = known
    return known


class State:
    """What of a session goes into every request, as long as nobody changes the session."""

    __slots__ = ("headers", "authorization", "has_cookies", "one_path", "cookie_headers", "expires", "kept")

    def __init__(self, session: Any) -> None:
        self.headers = {name.lower(): (name, value) for name, value in session.headers.items() if value is not None}
        self.authorization = authorization(session.auth)
        self.has_cookies = False
        self.one_path = True
        self.expires = math.inf
        now = time.time()
        for cookie in session.cookies:
            self.has_cookies = True
            if cookie.path != "/" or cookie.port is not None:
                self.one_path = False
            if cookie.expires and now < cookie.expires < self.expires:
                self.expires = float(cookie.expires)
        self.cookie_headers: dict[str, str | None] = {}
        cache = session._cache
        self.kept = all(watches(one, cache) for one in (session.headers, session.cookies, session.params, session.proxies))

    def cookie_header(self, session: Any, origin: str, url: str) -> str | None:
        key = origin if self.one_path else url
        if key not in self.cookie_headers:
            if len(self.cookie_headers) > 1000:
                self.cookie_headers.clear()
            request = SentRequest("GET", (url, [], None, "GET"))
            self.cookie_headers[key] = requests.cookies.get_cookie_header(session.cookies.copy(), request)
        return self.cookie_headers[key]


def authorization(auth: Any) -> str | None:
    """The header of Basic authentication; KeyError where it is something else."""
    if auth is None:
        return None
    if type(auth) is HTTPBasicAuth:
        return _basic_auth_str(auth.username, auth.password)
    if type(auth) is tuple and len(auth) == 2 and all(type(part) is str for part in auth):
        return _basic_auth_str(*auth)
    raise KeyError(auth)


def state_of(session: Any) -> State | None:
    """None: every request of this session is for requests to prepare."""
    state = session._cache.get(None, False)
    if state is not False and (state is None or state.expires == math.inf or state.expires > time.time()):
        return state
    session._cache.clear()
    state = None
    if (
        not session.trust_env
        and not session._hooked
        and HOOKABLE.isdisjoint(session.__dict__)
        and all(getattr(requests.Session, name) is code for name, code in STOCK_CODE.items())
        and not (session.params or session.stream)
        and not any((session.hooks or {}).values())
        and are_native(session.__dict__.get("adapters"))
        and session._settle_route()
    ):
        try:
            state = State(session)
        except (KeyError, AttributeError, TypeError):
            state = None
        if state is not None and not are_simple(state.headers):
            state = None
    watched = (session.headers, session.cookies, session.params, session.proxies, session.hooks)
    if all(watches(one, session._cache) for one in watched):
        session._cache[None] = state
        session._cache_until = state.expires if state else math.inf
    return state


def are_native(adapters: Any) -> bool:
    return adapters is None or (
        set(adapters) == {"https://", "http://"}
        and all(type(one) is NativeAdapter and not one.retries for one in adapters.values())
    )


def are_simple(headers: dict[str, Any]) -> bool:
    return all(
        type(name) is str
        and type(value) is str
        and low not in DECIDING
        and SIMPLE_NAME.fullmatch(name)
        and SIMPLE_VALUE.fullmatch(value)
        for low, (name, value) in headers.items()
    )


# What a subclass or an object may have of its own that must be asked then.
HOOKABLE = frozenset(
    "send prepare_request get_adapter merge_environment_settings rebuild_auth rebuild_method rebuild_proxies "
    "resolve_redirects get_redirect_target should_strip_auth _send_request_safe_mode _build_url _request".split()
)


def build(session: Any, state: State, method: str, url: str, *, headers: Any = None, params: Any = None, data: Any = None,
          json: Any = None, auth: Any = None, timeout: float | None = None) -> Any:  # fmt: skip
    """The native request that requests' own would come to, or None where it is not plain enough to
    be sure of that."""
    found = SIMPLE_URL.fullmatch(url)
    if not found or not is_simple_origin(found[1]):
        return None
    if params:
        if not isinstance(params, (dict, list, tuple)):
            return None
        query = encode_params(params)
        if query:
            url += ("&" if "?" in url else "?") + query
    wanted = dict(state.headers)
    if headers:
        if not isinstance(headers, dict):
            return None
        for name, value in headers.items():
            if type(name) is not str:
                return None
            if value is None:
                wanted.pop(name.lower(), None)
            elif type(value) is str and SIMPLE_NAME.fullmatch(name) and SIMPLE_VALUE.fullmatch(value):
                wanted[name.lower()] = (name, value)
            else:
                return None
        if not DECIDING.isdisjoint(wanted):
            return None
    if state.has_cookies:
        cookie = state.cookie_header(session, found[1], url)
        if cookie is not None:
            set_header(wanted, "Cookie", cookie)
    body = body_of(data, json)
    if body is None:
        return None
    shown, encoded, kind = body
    upper = method.upper()
    if encoded is not None:
        set_header(wanted, "Content-Length", str(len(encoded)))
        if kind and "content-type" not in wanted:
            set_header(wanted, "Content-Type", kind)
    elif upper not in ("GET", "HEAD"):
        set_header(wanted, "Content-Length", "0")
    basic = state.authorization if auth is None else authorization(auth)
    if basic:
        set_header(wanted, "Authorization", basic)
    return _native.Request(
        upper, url, on_the_wire(upper, wanted, encoded), encoded, timeout, url[len(found[1]) :],
        (url, list(wanted.values()), shown, method),
    )  # fmt: skip


def is_final(native: Any) -> bool:
    """Whether there is nothing in the answer for requests to decide."""
    return native.error is None and native.status not in REDIRECT_STATI and not sets_cookies(native)


# ---- what requests has prepared ----


class NativeAdapter(LocustHttpAdapter):
    """Where requests gives its prepared requests to."""

    _retries: Any = None
    retries = False  # as somebody wants, which urllib3 does

    def __init__(self, session: Any) -> None:
        self._session = weakref.ref(session)
        super().__init__(pool_manager=None)

    @property
    def max_retries(self) -> Any:
        return self._retries

    @max_retries.setter
    def max_retries(self, retries: Any) -> None:
        if self._retries is not None:  # it has been made: this is the user's
            self.retries = True
            session = self._session()
            if session is not None:
                session._cache.clear()
        self._retries = retries

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        # Only made where urllib3 is needed.
        self._pool_arguments = (args, kwargs)
        self.__dict__.pop("poolmanager", None)

    def __getattr__(self, name: str) -> Any:
        if name != "poolmanager" or "_pool_arguments" not in self.__dict__:
            raise AttributeError(name)
        self.__dict__["poolmanager"] = None
        args, kwargs = self._pool_arguments
        super().init_poolmanager(*args, **kwargs)
        return self.__dict__["poolmanager"]

    def close(self) -> None:
        session = self._session()
        if session is not None:
            session._close_channels()
        if "poolmanager" in self.__dict__:
            super().close()

    def send(self, request: PreparedRequest, stream: bool = False, timeout: Any = None, verify: Any = True,
             cert: Any = None, proxies: Any = None) -> Any:  # fmt: skip
        native = request.__dict__.pop("_given", None)
        session: Any = self._session()
        settings = {"timeout": timeout, "verify": verify, "cert": cert, "proxies": proxies}
        if native is None:
            wire: Any = None
            channel: Any = None
            reason = "a session that is gone" if session is None else why_stock(self, request, stream, settings)
            if reason is None:
                channel = session._channel(Route.of(request.url or "", verify, cert, proxies))
                wire = wire_request(self, request, settings)
                if channel is None:
                    reason = "its proxy or its certificates"
                elif wire is None:
                    reason = "a request of unusual form"
            if reason is not None:
                logger.debug("HttpSession: Locust's own client for %s", reason)
                return super().send(request, stream=stream, **settings)
            native = channel._send(wire)
        if native.error is not None:
            raise_failure(native.error, self, request, stream=stream, **settings)
        response = response_of(native, request, session)
        response.connection = self
        return response


def why_stock(adapter: NativeAdapter, request: PreparedRequest, stream: bool, settings: dict[str, Any]) -> str | None:
    """In the words of the DEBUG line, what the native client does not do."""
    if stream:
        return "stream=True"
    if adapter.retries:
        return "an adapter's max_retries"
    if not _native._in_engine_thread():
        return "a thread of its own"
    try:
        limit_of(settings["timeout"])
    except (ValueError, TypeError):
        return f"timeout={settings['timeout']!r}"
    if not (request.body is None or isinstance(request.body, (bytes, str))):
        return "a body that is read while it is sent"
    return None


def wire_request(adapter: NativeAdapter, request: PreparedRequest, settings: dict[str, Any]) -> Any:
    """None where it is for urllib3 to send, or to refuse."""
    url = parse_url(request.url)
    if url.scheme not in ("http", "https") or not url.host or not can_be_resolved(url.host):
        return None
    headers = {name.lower(): (name, value) for name, value in request.headers.items()}
    body = request.body
    if "transfer-encoding" in headers or SKIP_HEADER in (value for _, value in headers.values()):
        return None
    if isinstance(body, str):
        if OLD_URLLIB3 and not body.isascii():
            return None
        body = body.encode("utf-8")
    length = headers.get("content-length")
    if length is not None and length[1] != str(len(body or b"")):
        return None
    path = adapter.request_url(request, None)
    if not path.startswith("/"):
        return None
    target = parse_url(f"http://host{path}")  # by itself, "//path" is a host to it
    port = f":{url.port}" if url.port else ""
    try:
        for name, value in headers.values():
            for part in (name, value):
                if isinstance(part, str):
                    part.encode("latin-1")
        return _native.Request(
            request.method,
            f"{url.scheme}://{url.host}{port}{target.request_uri}",
            on_the_wire(request.method or "", headers, body),
            body,
            limit_of(settings["timeout"]),
            None,
            None,
        )
    except (ValueError, TypeError):
        return None


def native_adapters(session: Any) -> Any:
    adapters = WatchedAdapters()
    adapters._cache = session._cache
    for prefix in ("https://", "http://"):
        adapters[prefix] = NativeAdapter(session)
    return adapters
