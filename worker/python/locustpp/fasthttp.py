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

import inspect
import logging
import math
import time
from typing import Any

import locust.contrib.fasthttp as stock
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

_stock_init = with_names(_Session.__init__, LocustUserAgent=LocustUserAgent, CookieJar=CookieJar)
_init_signature = inspect.signature(_Session.__init__)


class FastHttpSession(_native.Session, Shaping, _Session):  # type: ignore[misc, valid-type]
    _in_engine_thread = staticmethod(_native._in_engine_thread)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        _stock_init(self, *args, **kwargs)
        given = _init_signature.bind(self, *args, **kwargs).arguments
        given.update(given.pop("kwargs", {}))
        self._response_class = FastResponse
        self._verdict_class = ResponseContextManager
        self._whole_milliseconds = WHOLE_MILLISECONDS
        self._events = self._hooks()
        self._recorder = getattr(self.user.environment.stats, "recorder", None) if self.user else None
        self._reason = self._why_stock(given)
        if self._reason is None:
            self.client.attach(self)
            self.cookiejar.session = self.client.session
            self._open(
                connection_timeout=given.get("connection_timeout", 5.0),
                network_timeout=given.get("network_timeout", 5.0),
                concurrency=given.get("concurrency", 1),
                verify=not given.get("insecure", True),
            )
        else:
            logger.debug("A FastHttpSession goes by Locust's own client: %s", self._reason)
        own = type(self)
        self._shortens = (
            self._reason is None
            and own._build_url is _Session._build_url
            and own._send_request_safe_mode is _Session._send_request_safe_mode
        )
        self._forget()

    def _hooks(self) -> tuple[Any, ...]:
        if hasattr(self, "request_event"):
            return (self.request_event,)
        events = self.environment.events
        old = (getattr(events, name, None) for name in ("request_success", "request_failure"))
        return (events.request, *(hook for hook in old if hook is not None))

    @staticmethod
    def _why_stock(given: dict[str, Any]) -> str | None:
        for name, value in given.items():
            if name not in _KNOWN_ARGUMENTS and value is not None:
                return f"it has the argument {name}"
        if not given.get("insecure", True):
            return "it verifies certificates"
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
