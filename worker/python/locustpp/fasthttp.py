"""FastHttpSession on the native engine.

Locust's own code and geventhttpclient's decide everything, as it is installed; only the bottom of it,
a request that goes out and a response that comes back, is exchanged. A request takes one of three ways:

1. get(url) and its like whose answer is a plain success never leave C (session_short.cpp), but for
   _prepare() the first time.
2. With data, json, headers … _request() sends what is known to be sent for that kind (fast_shapes.py),
   and _settle() or _hand_over() deal with the answer.
3. Everything else, and every answer that is not a success: _resume() runs Locust's own request(),
   whose exchanges are native (fast_client.py) or, where the engine cannot, geventhttpclient's.
"""

from __future__ import annotations

import functools
import inspect
import logging
import math
import ssl
import time
from typing import Any

import locust.contrib.fasthttp as stock
from geventhttpclient.connectionpool import ConnectionPool, SSLConnectionPool
from greenlet import GreenletExit, getcurrent

from . import _native
from .cookies import CookieJar
from .fast_agent import LocustUserAgent
from .fast_clock import WHOLE_MILLISECONDS, spend
from .fast_response import FastResponse, ResponseContextManager
from .fast_shapes import MOST_CACHED, Shaping, stock_request
from .fast_wire import is_fine
from .rebinding import with_names

logger = logging.getLogger("locustpp")

_Session = stock.FastHttpSession  # Locust's own, before install()

# What the engine does not do, for all of a session: constructor arguments.
_KNOWN_ARGUMENTS = {"network_timeout", "connection_timeout", "max_redirects", "max_retries", "retry_delay", "concurrency"}
_KNOWN_ARGUMENTS |= {"headers", "insecure", "base_url", "request_event", "environment", "user", "self"}
_PROXY_ARGUMENTS = ("proxy_host", "proxy_port", "proxy_user", "proxy_password")
# The older ones ask for a tunnel for everything, and then the server for absolute URLs.
PROXIES_ARE_NATIVE = hasattr(ConnectionPool, "_proxy_connect_request")

_stock_init = with_names(_Session.__init__, LocustUserAgent=LocustUserAgent, CookieJar=CookieJar)
_init_signature = inspect.signature(_Session.__init__)


@functools.lru_cache(16)
def _once(*hooks: Any) -> tuple[Any, ...]:
    """The same tuple for all sessions of an environment."""
    return hooks


@functools.cache
def _verifying(ca_file: str) -> dict[str, Any]:
    """With these certificates, as strictly as this Python does."""
    flags = int(ssl.create_default_context(cafile=ca_file).verify_flags)
    return {"verify": True, "ca_file": ca_file, "verify_flags": flags}


def _limit(timeout: float | None) -> float:
    return math.inf if timeout is None else timeout


class FastHttpSession(_native.Session, Shaping, _Session):  # type: ignore[misc, valid-type]
    _in_engine_thread = staticmethod(_native._in_engine_thread)
    _reason: str | None = None  # why it goes by Locust's own client
    _shortens = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _stock_init(self, *args, **kwargs)
        given = _init_signature.bind(self, *args, **kwargs).arguments
        given.update(given.pop("kwargs", {}))
        self._response_class = FastResponse
        self._verdict_class = ResponseContextManager
        self._whole_milliseconds = WHOLE_MILLISECONDS
        self._events = self._hooks()
        self._recorder = getattr(self.user.environment.stats, "recorder", None) if self.user else None
        reason = self._why_stock(given)
        if reason is None:
            self.client.attach(self)
            self.cookiejar.session = self.client.session
            self._open(
                connection_timeout=_limit(given.get("connection_timeout", 5.0)),
                network_timeout=_limit(given.get("network_timeout", 5.0)),
                concurrency=given.get("concurrency", 1),
                **({} if given.get("insecure", True) else _verifying(SSLConnectionPool.default_options["ca_certs"])),
                **{name: given[name] for name in _PROXY_ARGUMENTS if given.get(name) is not None},
            )
        else:
            self._reason = reason
            logger.debug("A FastHttpSession goes by Locust's own client: %s", reason)
        own = type(self)
        if own._build_url is not _Session._build_url or own._send_request_safe_mode is not _Session._send_request_safe_mode:
            self._shortens = False

    def _hooks(self) -> tuple[Any, ...]:
        if hasattr(self, "request_event"):
            return _once(self.request_event)
        events = self.environment.events
        old = (getattr(events, name, None) for name in ("request_success", "request_failure"))
        return _once(events.request, *(hook for hook in old if hook is not None))

    @staticmethod
    def _why_stock(given: dict[str, Any]) -> str | None:
        for name, value in given.items():
            if name not in _KNOWN_ARGUMENTS and name not in _PROXY_ARGUMENTS and value is not None:
                return f"it has the argument {name}"
        if given.get("proxy_host") is None:
            return None
        if not (PROXIES_ARE_NATIVE and given["proxy_host"] and type(given.get("proxy_port")) is int):
            return "this geventhttpclient has its own way with proxies"
        return None

    # ---- asked by the native session: the first way, and the second ----

    def _prepare(self, method: str, url: str) -> Any:
        if not self._can_shorten() or self._own_context() is not None:
            return None
        request = self._shaped(method, url, None, None, None, None)
        if request is not None:
            of_method = self._cache.setdefault(method, {})
            if len(of_method) >= MOST_CACHED:
                of_method.clear()
            of_method[url] = request
        return request

    def _settle(self, native: Any, method: str, url: str, name: str, caught: bool = False) -> Any:
        if not is_fine(native):
            return self._resume(native, method, url, name=name, catch_response=caught)
        return self._hand_over(native, method, url, name, caught, {})

    def _hand_over(self, native: Any, method: str, url: str, name: str, caught: Any, context: Any) -> Any:
        kind = ResponseContextManager if caught else FastResponse
        response: Any = kind.__new__(kind)
        response._native = native
        if not native.plain:
            self.client.cookiejar.extract_cookies(response, response.request)
        if caught:
            response._call = (self, method, url, name, context)
        else:
            self._report(native, response, method, url, name, context)
        return response

    def _interrupted(
        self, error: BaseException, seconds: float, method: str, url: str, name: str, caught: bool = False
    ) -> Any:
        spend(seconds)
        return self._resume(error, method, url, name=name, catch_response=caught)

    _get, _head, _options, _delete = _Session.get, _Session.head, _Session.options, _Session.delete
    _post, _put, _patch = _Session.post, _Session.put, _Session.patch

    def _request(
        self,
        method: str,
        url: str,
        name: str | None = None,
        data: Any = None,
        catch_response: bool = False,
        stream: bool = False,
        headers: Any = None,
        auth: Any = None,
        json: Any = None,
        allow_redirects: bool = True,
        context: Any = {},  # noqa: B006 (as in Locust)
        **kwargs: Any,
    ) -> Any:
        shaped = None
        if not kwargs and not stream and self._can_shorten():
            shaped = self._shaped(method, url, data, headers, auth, json)
        if shaped is None:
            kwargs.update(name=name, data=data, catch_response=catch_response, stream=stream, headers=headers)
            kwargs.update(auth=auth, json=json, allow_redirects=allow_redirects, context=context)
            return self._resume(None, method, url, **kwargs)
        own_context = self._own_context()
        if own_context is not None:
            context = {**own_context, **context}
        label = name or self.request_name or url
        began = time.perf_counter()
        try:
            native = self._exchange(shaped, method, url, label, catch_response, context)
        except GreenletExit:
            raise
        except BaseException as error:
            native = error
            spend(time.perf_counter() - began)
        else:
            if type(native) is not _native.Response:
                return native
            if is_fine(native):
                return self._hand_over(native, method, url, label, catch_response, context)
        return self._resume(
            native, method, url, name=label, data=data, catch_response=catch_response, headers=headers, auth=auth,
            json=json, allow_redirects=allow_redirects, context=context,
        )  # fmt: skip

    # ---- the third way: Locust's own code ----

    def _resume(self, primed: Any, method: str, url: str, **kwargs: Any) -> Any:
        """request() as Locust has it; its first exchange has been made already where `primed` is
        what came of it."""
        if self._reason is not None:
            return _Session.request(self, method, url, **kwargs)
        if kwargs.get("stream"):
            current = getcurrent()
            current._locustpp_stock = True
            try:
                return _Session.request(self, method, url, **kwargs)
            finally:
                del current._locustpp_stock
        if primed is not None:
            self.client.clientpool.primed = primed
        return stock_request(self, method, url, **kwargs)

    # ---- events and statistics ----

    def _meta(self, native: Any, method: str, url: str, name: str, context: Any, response: Any = None) -> dict[str, Any]:
        if response is None:
            response = FastResponse.__new__(FastResponse)
            response._native = native
        milliseconds = native.elapsed * 1000
        return {
            "request_type": method,
            "name": name,
            "context": {**context},
            "response": response,
            "exception": None,
            "start_time": native.ended - native.elapsed,
            "url": self._build_url(url),
            "response_length": native.length,
            "response_time": int(milliseconds) if WHOLE_MILLISECONDS else milliseconds,
        }

    def _report(self, native: Any, response: Any, method: str, url: str, name: str, context: Any) -> None:
        if self._audience() == 2:
            self._events[0].fire(**self._meta(native, method, url, name, context, response))
        else:
            self._record(native, method, name, None)

    def _record(self, native: Any, method: str, name: str, error: Exception | None) -> None:
        if self._audience() == 0:
            return
        milliseconds = native.elapsed * 1000
        if WHOLE_MILLISECONDS:
            milliseconds = math.floor(milliseconds)
        stats = self.user.environment.stats
        stats.log_request(method, name, milliseconds, native.length)
        if error is not None:
            stats.log_error(method, name, error)
