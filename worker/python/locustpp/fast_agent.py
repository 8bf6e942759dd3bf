"""The user agent of a FastHttpSession: Locust's own with a native pool beneath, which tells when
something is changed that prepared requests were made with."""

from __future__ import annotations

import weakref
from typing import Any

import locust.contrib.fasthttp as stock
from geventhttpclient.client import HTTPClientPool
from geventhttpclient.header import Headers

from .cookies import forget
from .fast_client import Pool
from .fast_response import FastResponse


def _telling(name: str) -> Any:
    """The method of Headers, which then makes the session forget."""
    change = getattr(Headers, name)

    def changing(self: Any, *arguments: Any, **named: Any) -> Any:
        # Headers takes over as they are, with the case of the names, only those of its own class.
        alike = (type(self)(list(one.items())) if type(one) is Headers else one for one in arguments)
        try:
            return change(self, *alike, **named)
        finally:
            forget(getattr(self, "_session", None))

    return changing


class _WatchedHeaders(Headers):
    """The headers of all requests; their copies are plain ones."""

    __slots__ = ("_session",)  # a weak reference, once it is attached

    def attach(self, session: Any) -> None:
        self._session = session

    __setitem__, __delitem__, __ior__ = _telling("__setitem__"), _telling("__delitem__"), _telling("__ior__")
    add, extend, update, setdefault = _telling("add"), _telling("extend"), _telling("update"), _telling("setdefault")
    clear, popitem = _telling("clear"), _telling("popitem")

    def copy(self) -> Headers:
        return Headers(list(self.items()))


# Set by Locust itself for allow_redirects=False; and what is set here.
_HARMLESS = {"redirect_response_codes", "redirect_resonse_codes", "altered", "session"}


class LocustUserAgent(stock.LocustUserAgent):
    response_type = FastResponse
    clientpool: Any
    default_headers: Any

    # Once it is attached: None where nothing but what the short way knows has been changed in it.
    altered: str | None = "it is not of this session"
    session: Any = None  # a weak reference

    def attach(self, session: Any) -> None:
        reference = weakref.ref(session)
        headers = _WatchedHeaders(list(self.default_headers.items()))
        headers.attach(reference)
        self.default_headers = headers
        pool = self.clientpool
        if type(pool) is HTTPClientPool:  # which has just been made, and is empty
            self.clientpool = Pool(reference, pool.client_args)
            self.altered = None
        self.session = reference

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if self.session is None or name in _HARMLESS:
            return
        forget(self.session)
        if name not in ("max_redirects", "max_retries", "retry_delay"):
            self.altered = f"its user agent's {name} has been set"
