"""Side by side: a call on Locust's own client and the same call on the native one, against the same
server, and everything that can be seen of them compared.

    observation = observe(side, lambda: side.session.get("/hello/"), FAST)
    compare("get hello", lambda: observation_of_stock, lambda: observation_of_native)

An observation is made of plain dicts, lists and scalars; times are told by type and sign only."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import locust.clients
import locust.contrib.fasthttp
from locust import __version__ as locust_version
from locust.env import Environment

# Before install() exchanges them.
StockFastHttpSession = locust.contrib.fasthttp.FastHttpSession
StockHttpSession = locust.clients.HttpSession

import locustpp  # noqa: E402

locustpp.install()

VERSION = tuple(int(part) for part in locust_version.split(".")[:3])

# What is looked at of a response, by name; a name with () is called without arguments.
FAST = (
    "status_code", "ok", "text", "content", "headers", "url", "encoding", "elapsed", "history", "json()",
    "request.url", "request.method", "request.headers", "request.body", "request.payload",
    "raise_for_status()", "error", "__len__()", "info()", "read()", "status", "data", "isclosed()",
)  # fmt: skip
HTTP = (
    "status_code", "ok", "reason", "text", "content", "headers", "url", "encoding", "apparent_encoding", "elapsed",
    "history", "json()", "cookies", "is_redirect", "is_permanent_redirect", "links", "next", "raise_for_status()",
    "request.url", "request.method", "request.headers", "request.body", "request.path_url", "error", "request_meta",
)  # fmt: skip


def plain(value: Any, deep: int = 6) -> Any:
    """`value` as dicts, lists and scalars."""
    if deep == 0:
        return "…"
    if value is None or isinstance(value, (bool, str, bytes)):
        return value
    if isinstance(value, (int, float)):
        return value
    if isinstance(value, datetime.timedelta):
        return "a duration" if value >= datetime.timedelta(0) else "a negative duration"
    if isinstance(value, BaseException):
        return exception(value)
    if isinstance(value, Mapping) or hasattr(value, "items"):
        # Headers and other multi-maps as the pairs that they are made of.
        return {
            "type": type(value).__name__,
            "items": [
                [plain(k, deep - 1), time_seen(v) if k in ("response_time", "start_time") else plain(v, deep - 1)]
                for k, v in value.items()
            ],
        }
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item, deep - 1) for item in value]
    if hasattr(value, "status_code"):
        return {"type": type(value).__name__, "status_code": value.status_code, "url": masked(str(value.url))}
    return masked(repr(value))


def time_seen(value: Any) -> str:
    return f"{type(value).__name__}, {'negative' if value < 0 else 'not negative'}"


def masked(text: str) -> str:
    """Without what differs from run to run: addresses of objects, ports of clients."""
    return re.sub(r"0x[0-9a-f]{6,}", "0x…", text)


def exception(error: BaseException) -> dict[str, Any]:
    # The class's own name; subclasses that a native client needs must hide behind the stock name.
    seen = {"raised": type(error).__name__}
    for how in (str, repr):
        try:
            seen[how.__name__] = masked(how(error))
        except Exception as fault:  # some of geventhttpclient's cannot
            seen[how.__name__] = f"{how.__name__} raises {fault!r}"
    return seen


def attribute(value: Any, path: str) -> Any:
    """What is seen of `path`: its value, or the exception that it raises."""
    try:
        for name in path.split("."):
            value = getattr(value, name.removesuffix("()"))
            if name.endswith("()"):
                value = value()
    except Exception as error:
        return exception(error)
    return plain(value)


def describe(value: Any, attributes: Iterable[str]) -> Any:
    """A response by its attributes, another value by itself."""
    if not hasattr(value, "status_code"):
        return plain(value)
    return {"type": type(value).__name__, **{path: attribute(value, path) for path in attributes}}


TIMES = {"response_time": (int, float), "start_time": (float,)}


class Side:
    """One of the two: a session with an environment of its own, and what its events and statistics
    have seen. `make(environment)` makes the session."""

    def __init__(self, make: Callable[[Environment], Any], listen: bool = True) -> None:
        self.environment = Environment()
        self.runner = self.environment.create_local_runner()
        self.events: list[Any] = []
        if listen:
            self.environment.events.request.add_listener(self._on_request)
        if listen and VERSION < (2, 15):
            self.environment.events.request_success.add_listener(self._old("request_success"))
            self.environment.events.request_failure.add_listener(self._old("request_failure"))
        self.session = make(self.environment)

    def _on_request(self, **kwargs: Any) -> None:
        self.events.append({"event": "request", **{key: self._argument(key, value) for key, value in kwargs.items()}})

    def _old(self, name: str) -> Callable[..., None]:
        def listener(**kwargs: Any) -> None:
            seen = {key: self._argument(key, value) for key, value in kwargs.items()}
            self.events.append({"event": name, **seen})

        return listener

    @staticmethod
    def _argument(key: str, value: Any) -> Any:
        if key in TIMES and value is not None:
            return f"{type(value).__name__}, {'negative' if value < 0 else 'not negative'}"
        if key == "response" and value is not None:
            return {"type": type(value).__name__, "status_code": attribute(value, "status_code")}
        return plain(value)

    def statistics(self) -> Any:
        """The rows and the failures, whichever way they were recorded; times left out."""
        read = getattr(self.environment.stats, "update_from_recorder", None)
        if read:
            read()
        stats = self.environment.stats
        rows = sorted(
            [row.method, row.name, row.num_requests, row.num_failures, row.num_none_requests, row.total_content_length]
            for row in stats.entries.values()
        )
        failures = sorted([str(e.method), str(e.name), failure_text(e.error), e.occurrences] for e in stats.errors.values())
        return {"rows": rows, "failures": failures}

    def close(self) -> None:
        self.runner.quit()


def failure_text(error: Any) -> str:
    """As the failures tab shows it."""
    return masked(error) if isinstance(error, str) else exception(error)["repr"]


def observe(side: Side, call: Callable[[], Any], attributes: Iterable[str] = ()) -> dict[str, Any]:
    """Runs `call` and tells all that is to be seen of it. BaseException goes through, but for
    gevent's Timeout and the like, which tests want to compare."""
    seen: dict[str, Any] = {}
    try:
        value = call()
    except BaseException as error:
        if isinstance(error, (KeyboardInterrupt, SystemExit)):
            raise
        seen["exception"] = exception(error)
    else:
        seen["result"] = describe(value, attributes)
    seen["events"] = list(side.events)
    seen["statistics"] = side.statistics()
    return seen


def flat(value: Any, path: str = "") -> dict[str, Any]:
    """{path: scalar} of an observation."""
    if isinstance(value, dict):
        pairs = value.items()
    elif isinstance(value, list):
        pairs = ((str(i), item) for i, item in enumerate(value))
    else:
        return {path: value}
    found = {}
    for key, item in pairs:
        found.update(flat(item, f"{path}.{key}" if path else str(key)))
    return found or {path: "empty"}


MISSING = "(missing)"


def compare(case: str, stock: Callable[[], Any], native: Callable[[], Any]) -> None:
    """Runs both and fails where what they return differs, but for what differences.py allows."""
    from differences import differences_of, is_excused

    ours, theirs = flat(native()), flat(stock())
    unequal = {
        path: (theirs.get(path, MISSING), ours.get(path, MISSING))
        for path in {**theirs, **ours}
        if theirs.get(path, MISSING) != ours.get(path, MISSING)
        or type(theirs.get(path, MISSING)) is not type(ours.get(path, MISSING))
    }
    for one in differences_of(case):
        excused = [path for path in unequal if is_excused(path, one, theirs)]
        assert excused or not one.always, f"no longer a difference, take it off the list: {one}"
        for path in excused:
            del unequal[path]
    report = "".join(f"\n  {path}\n    stock  {a!r}\n    native {b!r}" for path, (a, b) in sorted(unequal.items()))
    assert not unequal, f"{case}:{report}"


def compare_sessions(
    case: str,
    make_stock: Callable[[Environment], Any],
    make_native: Callable[[Environment], Any],
    call: Callable[[Any], Any],
    attributes: Iterable[str] = (),
    listen: bool = True,
    after: Callable[[Any], Any] | None = None,
) -> None:
    """`call(session)` on a new session of each side; `after(session)` adds to what is compared."""

    def run(make: Callable[[Environment], Any]) -> Callable[[], Any]:
        def both() -> Any:
            side = Side(make, listen)
            try:
                seen = observe(side, lambda: call(side.session), attributes)
                if after:
                    seen["after"] = plain(after(side.session))
                return seen
            finally:
                side.close()

        return both

    compare(case, run(make_stock), run(make_native))


def checker(maker: Callable[..., Any], stock: type, native: type, attributes: Iterable[str]) -> Callable[..., None]:
    """`check()` for two classes of sessions; `maker(class, base_url, **kwargs)` makes what makes one."""

    def check(
        case: str, base_url: str, call: Callable[[Any], Any], after: Any = None, listen: bool = True, **kwargs: Any
    ) -> None:
        makers = (maker(kind, base_url, **kwargs) for kind in (stock, native))
        compare_sessions(case, *makers, call, attributes, listen, after)

    return check


# ---- what is done with a session ----

Call = Callable[[Any], Any]


class Cases(dict[str, Call]):
    def add(self, name: str, call: Call) -> None:
        assert name not in self, name
        self[name] = call


def get(url: str, **kwargs: Any) -> Call:
    return lambda session: session.get(url, **kwargs)


def steps(*calls: Call) -> Call:
    """One after the other; the last one's result counts."""

    def call(session: Any) -> Any:
        for one in calls:
            result = one(session)
        return result

    return call


def catch(manager: Any, body: Call | None = None) -> Any:
    """A `with` block, and what it has been given."""
    with manager as response:
        if body:
            body(response)
    return response


def raising(error: BaseException) -> Call:
    def body(response: Any) -> Any:
        raise error

    return body
