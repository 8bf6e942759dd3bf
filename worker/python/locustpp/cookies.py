"""Python's cookie jar, which tells when what it sends has changed: prepared requests hold a Cookie
header."""

from __future__ import annotations

import http.cookiejar
import math
import threading
from typing import Any


# One for all jars, which hold it for moments: each having its own is a tenth of an idle user's memory.
_LOCK = threading.RLock()


def forget(session: Any) -> None:
    """What prepared requests were made with has changed. `session`: a weak reference, or None."""
    known = session and session()
    if known is not None:
        known._forget()


class CookieJar(http.cookiejar.CookieJar):
    """Its session forgets what it has prepared whenever a request may need another Cookie header than
    before."""

    session: Any = None  # a weak reference

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._cookies_lock = _LOCK

    def set_cookie(self, cookie: http.cookiejar.Cookie) -> None:
        old = self._cookies.get(cookie.domain, {}).get(cookie.path, {}).get(cookie.name)  # type: ignore[attr-defined]
        super().set_cookie(cookie)
        # Many servers send the same cookie again and again.
        if old is None or _without_age(old) != _without_age(cookie) or _end(old) > _end(cookie):
            forget(self.session)

    def clear(self, domain: str | None = None, path: str | None = None, name: str | None = None) -> None:
        super().clear(domain, path, name)
        forget(self.session)

    def holds_until(self) -> float:
        """When the first of its cookies ends: seconds since the epoch."""
        return min((_end(cookie) for cookie in self), default=math.inf)

    def same_for_all_paths(self) -> bool:
        return all(cookie.path == "/" and cookie.port is None for cookie in self)


def _end(cookie: http.cookiejar.Cookie) -> float:
    return math.inf if cookie.expires is None else cookie.expires


def _without_age(cookie: http.cookiejar.Cookie) -> dict[str, Any]:
    return {**vars(cookie), "expires": None}
