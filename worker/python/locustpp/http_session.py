"""HttpSession on the native engine: what locust.clients.HttpSession does. Names, events, failures
and with-blocks are decided by Locust's own code, redirects, cookies and everything else about a
prepared request by requests' own; only the exchanges are native. A request without special wishes
whose answer is a plain success meets neither (session_type.cpp)."""

from __future__ import annotations

import math
import threading
import time
from typing import Any

import requests
from locust.clients import HttpSession as StockHttpSession
from requests.adapters import DEFAULT_POOLSIZE

from . import _native
from .http_response import (
    PLAIN_CLASS,
    CaughtContextManager,
    NativeContextManager,
    NativeResponse,
    SentRequest,
    response_of,
)
from .http_route import Route
from .http_transport import (
    HOOKABLE,
    NativeAdapter,
    build,
    is_final,
    logger,
    native_adapters,
    state_of,
)
from .http_watch import WatchedDict, WatchedList, adopt, made
from .http_wire import limit_of
from .rebinding import with_names

# Attributes that requests depend on.
_WATCHED = HOOKABLE | frozenset(
    "headers cookies auth params verify cert proxies hooks stream trust_env adapters base_url".split()
)
# Prepared requests that a session keeps; those of random URLs come and go.
_MOST_KEPT = 200


class _Clock(threading.local):
    """Stands for the module `time` in Locust's code, so that a response time is what the I/O thread
    has measured, not when Python came to look."""

    started = 0.0  # the last reading of perf_counter()
    begun: float | None = None  # what time() says next, for a request that has been sent already
    reading: float | None = None  # what perf_counter() says next

    def time(self) -> float:
        self.reading = None
        begun, self.begun = self.begun, None
        return time.time() if begun is None else begun

    def perf_counter(self) -> float:
        reading, self.reading = self.reading, None
        if reading is not None:
            return reading
        self.started = time.perf_counter()
        return self.started

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


_clock = _Clock()


_stock_request = with_names(StockHttpSession.request, time=_clock, ResponseContextManager=NativeContextManager)
# What a request may have besides its method, URL and name and still be a plain one.
_SHORT = frozenset("data json headers params auth timeout allow_redirects verify".split())
NO_CONTEXT: dict[str, Any] = {}


class _Transport(requests.Session):
    """Where Locust's code comes out: beneath it in the order of HttpSession's bases."""

    def request(self, method: Any, url: Any, _given: Any = None, **kwargs: Any) -> Any:
        """`_given`: the first exchange, where it has been made already."""
        entered = _clock.started
        before = _given.elapsed if _given is not None else 0.0
        try:
            response = self._plain(method, url, _given, **kwargs)
            if response is None:
                response = super().request(method, url, **kwargs)
        except (requests.exceptions.MissingSchema, requests.exceptions.InvalidSchema, requests.exceptions.InvalidURL):
            raise
        except requests.RequestException:
            _clock.reading = time.perf_counter() + before
            raise
        natives = [one.__dict__.get("_native") for one in (*response.history, response)]
        if None not in natives:
            _clock.reading = entered + sum(native.elapsed for native in natives)
        return response

    def _plain(self: Any, method: Any, url: Any, given: Any, headers: Any = None, params: Any = None, data: Any = None,
               json: Any = None, auth: Any = None, timeout: Any = None, allow_redirects: bool = True,
               verify: Any = None, **others: Any) -> Any:  # fmt: skip
        """Without requests' preparing; None where it has to."""
        believed = self.verify if verify is None else verify
        if given is None:
            if any(others.values()) or type(url) is not str or type(method) is not str or not _native._in_engine_thread():
                return None
            state = state_of(self)
            if state is None:
                return None
            channel = self if self._owns(url, believed) else self._channel(Route.of(url, believed, self.cert, self.proxies))
            try:
                wire = build(
                    self, state, method, url,
                    headers=headers, params=params, data=data, json=json, auth=auth, timeout=limit_of(timeout),
                )  # fmt: skip
            except (KeyError, ValueError, TypeError):
                return None
            if wire is None or channel is None:
                return None
            given = channel._send(wire)
        request = SentRequest(given.request.method, given.request.info, self.cookies)
        if is_final(given):
            return response_of(given, request, self)
        request.__dict__["_given"] = given
        return self.send(
            request, timeout=timeout, allow_redirects=allow_redirects, stream=False, verify=believed,
            cert=self.cert, proxies={**self.proxies},
        )  # fmt: skip


def _open(session: Any, settings: dict[str, Any]) -> None:
    session._open(
        connection_timeout=math.inf, network_timeout=math.inf, concurrency=1_000_000, most_origins=DEFAULT_POOLSIZE,
        **settings,
    )  # fmt: skip


class HttpSession(_native.Session, StockHttpSession, _Transport):  # type: ignore[misc]
    __doc__ = StockHttpSession.__doc__
    _hooked = False
    _known = False  # after __init__

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls._hooked = any(getattr(cls, name) is not getattr(HttpSession, name) for name in HOOKABLE)

    def __init__(self, base_url: Any, request_event: Any, user: Any, *args: Any, **kwargs: Any) -> None:
        self._cache = {}
        self._channels: dict[Any, Any] | None = None
        self._route: Route | None = None  # of the session's own connections
        self._response_class = PLAIN_CLASS
        self._verdict_class = CaughtContextManager
        self._links_responses = PLAIN_CLASS is not NativeResponse
        super().__init__(base_url, request_event, user, *args, **kwargs)
        environment = getattr(user, "environment", None)
        self._recorder = getattr(getattr(environment, "stats", None), "recorder", None)
        self._listen()
        if kwargs.get("pool_manager") is None:
            self.__dict__.pop("adapters", None)  # made when they are needed
        else:
            logger.debug("HttpSession: Locust's own client for a session with a pool_manager")
        self._known = True

    # ---- what the user may change at any time ----

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "explicit_name":  # set by every request, and nothing that a prepared one depends on
            self.__dict__[name] = value
            return
        cache = self._cache
        if name in _WATCHED and cache is not None:
            if "base_url" not in self.__dict__ and name in ("params", "proxies", "hooks"):
                # What requests itself begins with; an object of the user's stays that object.
                value = self._own(name, value)
            else:
                adopt(value, cache)
            cache.clear()
        _native.Session.__setattr__(self, name, value)
        if name == "request_event":
            self._listen()

    def _own(self, name: str, value: dict[str, Any]) -> Any:
        if name == "hooks":
            value = {key: made(WatchedList, self._cache, one) for key, one in value.items()}
        return made(WatchedDict, self._cache, value)

    def __getattr__(self, name: str) -> Any:
        if name != "adapters":
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")
        adapters = native_adapters(self)
        self.__dict__["adapters"] = adapters
        return adapters

    def mount(self, prefix: str, adapter: Any) -> None:
        super().mount(prefix, adapter)
        self._cache.clear()
        if self._known and not isinstance(adapter, NativeAdapter):
            logger.debug("HttpSession: Locust's own client for what is mounted at %s", prefix)

    def _listen(self) -> None:
        """Which hooks a request fires: in 2.13 two more, by way of a listener of Locust's own."""
        event = self.__dict__.get("request_event")
        events = getattr(getattr(self.__dict__.get("user"), "environment", None), "events", None)
        old = (getattr(events, name, None) for name in ("request_success", "request_failure"))
        self._events = tuple(hook for hook in (event, *old) if hook is not None)

    # ---- connections ----

    def _settle_route(self) -> bool:
        """Lets the session's own connections be those for its base_url; False where they cannot be."""
        route = Route.of(self.base_url or "", self.verify, self.cert, self.proxies)._replace(verify=self.verify)
        if route != self._route:
            settings = route.settings()
            if settings is None:
                return False
            self._route = route
            _open(self, settings)
        return True

    def _owns(self, url: str, verify: Any) -> bool:
        """Whether the session's own connections, when they are settled, are for this URL."""
        own: Any = self._route
        if not self.proxies and (verify is own.verify or not url.startswith("https")):
            return True
        return own.serves(Route.of(url, verify, self.cert, self.proxies))

    def _channel(self, route: Route) -> Any:
        """Whose connections are for it; None where the native client has none like that."""
        if self._route is not None and self._route.serves(route):
            return self
        settings = route.settings()
        if settings is None:
            return None
        channels = self._channels = self._channels or {}
        if route not in channels:
            channels[route] = _native.Session()
            _open(channels[route], settings)
        return channels[route]

    def _close_channels(self) -> None:
        self._close()
        for channel in (self._channels or {}).values():
            channel._close()

    def close(self) -> None:
        self._close_channels()
        if "adapters" in self.__dict__:
            super().close()

    # ---- called from C ----

    def _prepare(self, method: str, url: str) -> Any:
        state = state_of(self)
        if state is None or not _native._in_engine_thread():
            return None
        whole = self._build_url(url)
        if not self._owns(whole, self.verify):
            return None
        request = build(self, state, method, whole)
        if request is not None and state.kept and self._cache.get(None) is state:
            of_method = self._cache.setdefault(method, {})
            if len(of_method) >= _MOST_KEPT:
                of_method.clear()
            of_method[url] = request
        return request

    def _interrupted(self, error: BaseException, *others: Any) -> Any:
        raise error  # as it does from requests: gevent.Timeout is nothing that Locust records here

    def _settle(self, native: Any, method: str, url: str, name: Any, caught: bool = False) -> Any:
        return self._go_on(native, method, url, None if name is native.request.name else name, caught)

    def _request(self, method: Any, url: Any, name: Any = None, catch_response: bool = False, context: Any = NO_CONTEXT,
                 **kwargs: Any) -> Any:  # fmt: skip
        """With arguments that C does not know: a short way for those of a plain request."""
        given = None
        if _SHORT.issuperset(kwargs) and type(url) is str and type(method) is str and (catch_response or not context):
            request = self._built(method, self._build_url(url), **kwargs)
            if request is not None:
                row = name or self.request_name or request.name
                given = self._exchange(request, method, url, row, bool(catch_response), context)
                if type(given) is not _native.Response:
                    return given
        if given is None:
            if context is not NO_CONTEXT:
                kwargs["context"] = context
            return _stock_request(self, method, url, name, catch_response, **kwargs)
        return self._go_on(given, method, url, name, catch_response, context, **kwargs)

    def _built(self, method: str, url: str, allow_redirects: Any = True, timeout: Any = None, verify: Any = None,
               **kwargs: Any) -> Any:  # fmt: skip
        state = state_of(self)
        if state is None or not _native._in_engine_thread():
            return None
        try:
            if not self._owns(url, self.verify if verify is None else verify):
                return None
            return build(self, state, method, url, timeout=limit_of(timeout), **kwargs)
        except (KeyError, ValueError, TypeError):
            return None  # requests will say what is wrong

    def _go_on(self, native: Any, method: str, url: str, name: Any, caught: Any, context: Any = NO_CONTEXT,
               **kwargs: Any) -> Any:  # fmt: skip
        """Locust's own code, for a request whose first exchange has been made."""
        if context is not NO_CONTEXT:
            kwargs["context"] = context
        _clock.begun = native.ended - native.elapsed
        return _stock_request(self, method, url, name, caught, _given=native, **kwargs)

    _get = StockHttpSession.get
    _options = StockHttpSession.options
    _head = StockHttpSession.head
    _post = StockHttpSession.post
    _put = StockHttpSession.put
    _patch = StockHttpSession.patch
    _delete = StockHttpSession.delete
    # It follows no redirects, which a request by that method name does.
    head = StockHttpSession.head
