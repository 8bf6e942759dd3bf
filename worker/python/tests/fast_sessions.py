"""FastHttpSession, Locust's own and the native one, for the side-by-side tests."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from harness import FAST, StockFastHttpSession, checker
from locust.contrib.fasthttp import FastHttpUser
from locustpp.fasthttp import FastHttpSession

TAKES_ENVIRONMENT = "environment" in inspect.signature(StockFastHttpSession.__init__).parameters
DEFAULTS: dict[str, Any] = {
    name: getattr(FastHttpUser, name)
    for name in ("network_timeout", "connection_timeout", "max_redirects", "max_retries", "insecure", "concurrency")
} | {"network_timeout": 5.0, "connection_timeout": 5.0}


def maker(kind: type, base_url: str, user: Any = None, **kwargs: Any) -> Callable[[Any], Any]:
    kwargs = {**DEFAULTS, **kwargs}

    def make(environment: Any) -> Any:
        if TAKES_ENVIRONMENT:
            return kind(environment, base_url, user, **kwargs)
        return kind(base_url, environment.events.request, user, **kwargs)

    return make


check = checker(maker, StockFastHttpSession, FastHttpSession, FAST)


def cookies_of(session: Any) -> Any:
    return sorted((c.name, c.value, c.domain, c.path, c.secure) for c in session.cookiejar)
