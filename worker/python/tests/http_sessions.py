"""HttpSession, Locust's own and the native one, for the side-by-side tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness import HTTP, StockHttpSession, checker
from locustpp.http_session import HttpSession

ATTRIBUTES = (*HTTP, "raw.status", "raw.reason", "raw.version", "raw.headers", "raw.read()", "__bool__()", "__repr__()")


class User:
    def __init__(self, environment: Any) -> None:
        self.environment = environment

    def context(self) -> dict[str, Any]:
        return {"of": "the user"}


def maker(kind: type, base_url: str, trust_env: bool = False, user: bool = True, **kwargs: Any) -> Callable[[Any], Any]:
    def make(environment: Any) -> Any:
        session = kind(base_url, environment.events.request, User(environment) if user else None, **kwargs)
        session.trust_env = trust_env
        return session

    return make


check = checker(maker, StockHttpSession, HttpSession, ATTRIBUTES)


def state_of(session: Any) -> Any:
    cookies = sorted(
        (c.name, c.value, c.domain, c.path, c.secure, c.expires) if hasattr(c, "name") else (c,) for c in session.cookies
    )
    return {"cookies": cookies, "headers": session.headers, "jar": type(session.cookies).__name__}
