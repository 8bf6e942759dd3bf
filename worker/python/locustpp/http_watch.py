"""The containers of a session that notice when they are changed, so that prepared requests can be
kept until then: each clears the session's cache. They are what Locust's users know, by name too."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from http.cookiejar import Cookie
from typing import Any

from requests.cookies import RequestsCookieJar
from requests.structures import CaseInsensitiveDict

# What a container clears that no session watches (a copy of one).
NOBODY: dict[Any, Any] = {}


def named_as(stock: type) -> Callable[[type], type]:
    """For a class that stands in for another: shows that one's name."""

    def rename(cls: type) -> type:
        cls.__name__, cls.__qualname__, cls.__module__ = stock.__name__, stock.__qualname__, stock.__module__
        return cls

    return rename


@named_as(CaseInsensitiveDict)
class WatchedHeaders(CaseInsensitiveDict):  # type: ignore[type-arg]
    _cache = NOBODY

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, value)
        self._cache.clear()

    def __delitem__(self, key: str) -> None:
        super().__delitem__(key)
        self._cache.clear()


@named_as(RequestsCookieJar)
class WatchedJar(RequestsCookieJar):
    _cache = NOBODY

    def set_cookie(self, cookie: Cookie, *args: Any, **kwargs: Any) -> Any:
        before = self._cookies.get(cookie.domain, {}).get(cookie.path, {}).get(cookie.name)  # type: ignore[attr-defined]
        result = super().set_cookie(cookie, *args, **kwargs)
        # A server that sets the same cookie with every response changes nothing.
        if before is None or vars(before) != vars(cookie):
            self._cache.clear()
        return result

    def clear(self, *args: Any, **kwargs: Any) -> None:
        super().clear(*args, **kwargs)
        self._cache.clear()


def _clearing(base: type, name: str) -> Callable[..., Any]:
    method = getattr(base, name)

    def changed(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return method(self, *args, **kwargs)
        finally:
            self._cache.clear()

    changed.__name__ = name
    return changed


def _watched(base: type, names: str) -> type:
    members: dict[str, Any] = {name: _clearing(base, name) for name in names.split() if hasattr(base, name)}
    return named_as(base)(type(base.__name__, (base,), {"__slots__": ("_cache",), **members}))


_OF_DICTS = "__setitem__ __delitem__ __ior__ pop popitem clear update setdefault"
WatchedDict = _watched(dict, _OF_DICTS)
WatchedList = _watched(
    list, "__setitem__ __delitem__ __iadd__ __imul__ append extend insert remove pop clear sort reverse"
)
WatchedAdapters = _watched(OrderedDict, _OF_DICTS + " move_to_end")


def made(kind: type, cache: dict[Any, Any], content: Any) -> Any:
    """A watched dict or list with this content."""
    new: Any = kind.__new__(kind)  # type: ignore[call-overload]
    new._cache = cache
    (new.extend if isinstance(new, list) else new.update)(content)
    return new


def adopt(value: Any, cache: dict[Any, Any]) -> None:
    """Lets headers or cookies that a user has assigned be watched, as the objects that they are."""
    for stock, watched in ((CaseInsensitiveDict, WatchedHeaders), (RequestsCookieJar, WatchedJar)):
        if type(value) is stock:
            value.__class__ = watched
            value._cache = cache


def watches(value: Any, cache: dict[Any, Any]) -> bool:
    """Whether a change of `value` clears `cache`."""
    return getattr(value, "_cache", None) is cache
