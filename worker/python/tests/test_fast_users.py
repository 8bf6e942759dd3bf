"""FastHttpUser and its session in use: users, many greenlets, timeouts, kills, changes of what requests
are made with, fallbacks, memory."""

from __future__ import annotations

import gc
import logging
import math
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import gevent
import gevent.pool
import gevent.ssl
import harness
import locust.contrib.fasthttp
import pytest
from fast_sessions import check, cookies_of, maker
from geventhttpclient.client import HTTPClientPool
from geventhttpclient.header import Headers
from harness import FAST, VERSION, Side, StockFastHttpSession, compare, observe, plain
from locust import FastHttpUser
from locust.env import Environment
from locustpp import _native, fast_clock, fast_response
from locustpp.fasthttp import FastHttpSession


@contextmanager
def session_class(kind: type) -> Iterator[None]:
    module: Any = locust.contrib.fasthttp
    before, module.FastHttpSession = module.FastHttpSession, kind
    try:
        yield
    finally:
        module.FastHttpSession = before


def check_user(case: str, url: str, call: Callable[[Any], Any], listen: bool = True, **attributes: Any) -> None:
    """`call(user)` for a FastHttpUser with these class attributes."""

    def run(kind: type) -> Callable[[], Any]:
        def both() -> Any:
            def make(environment: Environment) -> Any:
                user_class = type("ShopUser", (FastHttpUser,), {"host": url, "network_timeout": 5.0, **attributes})
                with session_class(kind):
                    return user_class(environment)

            side = Side(make, listen)
            try:
                return observe(side, lambda: call(side.session), FAST)
            finally:
                side.close()

        return both

    compare(case, run(StockFastHttpSession), run(FastHttpSession))


# ---- users ----


def rest(path: str, body: Callable[[Any], Any] | None = None, method: str = "GET", **kwargs: Any) -> Callable[[Any], Any]:
    def call(user: Any) -> Any:
        with user.rest(method, path, **kwargs) as response:
            if body:
                body(response)
        return plain(response.js)

    return call


def fails_with(kind: type[BaseException], *arguments: Any) -> Callable[[Any], Any]:
    def body(response: Any) -> Any:
        raise kind(*arguments)

    return body


REST: dict[str, Callable[[Any], Any]] = {
    "json": rest("/json"),
    "not json": rest("/not-json"),
    "text": rest("/hello/"),
    "empty": rest("/empty"),
    "404": rest("/status/404"),
    "nobody there": rest("/close-at-once"),
    "post": rest("/echo", method="POST", json={"a": 1}),
    "own headers": rest("/echo", headers={"Accept": "text/x", "Content-Type": "text/y"}),
    "fails": rest("/json", lambda r: r.failure("no")),
    "asserts": rest("/json", fails_with(AssertionError, "not as expected")),
    "asserts with comma": rest("/json", fails_with(AssertionError, "not as expected,")),
    "asserts nothing": rest("/json", fails_with(AssertionError)),
    "raises": rest("/json", fails_with(KeyError, "oh")),
    "looks": rest("/json", lambda r: r.js["a"][2]["b"]),
    "named": rest("/json", name="x"),
}


@pytest.mark.parametrize("case", REST)
@pytest.mark.parametrize("listen", [True, False])
def test_rest(case: str, listen: bool, server: Any) -> None:
    check_user(f"rest {case}", server.url, REST[case], listen)


def test_rest_with_time(server: Any) -> None:
    def call(user: Any) -> Any:
        with user.rest_("GET", "/json") as response:
            return response.js

    def named(user: Any) -> Any:
        with user.rest_("GET", "/json?a=b", name="x") as response:
            return response.js

    check_user("rest_", server.url, call, listen=False)
    check_user("rest_ named", server.url, named, listen=False)


USERS: dict[str, tuple[dict[str, Any], Callable[[Any], Any]]] = {
    "plain": ({}, lambda u: u.client.get("/echo")),
    "default headers": ({"default_headers": {"X-All": "1", "User-Agent": "me"}}, lambda u: u.client.get("/echo")),
    "default and own headers": (
        {"default_headers": {"X-All": "1"}},
        lambda u: u.client.get("/echo", headers={"x-all": "2"}),
    ),
    "own context": ({"context": lambda self: {"user": "ana"}}, lambda u: u.client.get("/hello/", context={"a": 1})),
    "own context alone": ({"context": lambda self: {"user": "ana"}}, lambda u: u.client.get("/hello/")),
    "own context caught": ({"context": lambda self: {"user": "ana"}}, lambda u: caught(u.client)),
    "max_redirects": ({"max_redirects": 2}, lambda u: u.client.get("/redirect/302/4")),
    "max_retries": ({"max_retries": 2, "network_timeout": 0.2}, lambda u: u.client.get("/slow?s=1")),
    "network_timeout": ({"network_timeout": 0.2}, lambda u: u.client.get("/slow?s=1")),
    "network_timeout caught": ({"network_timeout": 0.2}, lambda u: caught(u.client, "/slow?s=1")),
    "network_timeout post": ({"network_timeout": 0.2}, lambda u: u.client.post("/slow?s=1", json={"a": 1})),
    "no network_timeout": ({"network_timeout": None}, lambda u: u.client.get("/slow?s=0.3")),
    "no connection_timeout": ({"connection_timeout": None}, lambda u: u.client.get("/slow?s=0.3")),
    "infinite timeouts": (
        {"network_timeout": math.inf, "connection_timeout": 1e10}, lambda u: u.client.get("/slow?s=0.3"),
    ),
    "many requests": ({}, lambda u: [u.client.get(f"/echo?{i}", name="echo").status_code for i in range(30)]),
}


def caught(client: Any, path: str = "/hello/") -> Any:
    with client.get(path, catch_response=True) as response:
        pass
    return response


@pytest.mark.parametrize("case", USERS)
@pytest.mark.parametrize("listen", [True, False])
def test_users(case: str, listen: bool, server: Any) -> None:
    attributes, call = USERS[case]
    check_user(f"user {case}", server.url, call, listen, **attributes)


def test_credentials_in_the_host(server: Any) -> None:
    url = server.url.replace("http://", "http://ana:secret@")
    check_user("credentials", url, lambda u: u.client.get("/echo"))
    check_user("credentials and auth", url, lambda u: u.client.get("/echo", auth=("b", "c")))


def test_host_with_path(server: Any) -> None:
    for path in ("/echo", "/echo/", "/", "/echo?a="):
        check_user(f"host with {path}", server.url + path, lambda u: u.client.get("/more?x=y"))


def test_tls(server: Any) -> None:
    check_user("tls", server.tls_url, lambda u: u.client.get("/echo"))


def test_other_origin(server: Any) -> None:
    check_user("other origin", server.url, lambda u: u.client.get(f"{server.localhost}/echo"))
    target = f"/redirect-to?to={server.localhost}/echo"
    check_user("redirect to other origin", server.url, lambda u: u.client.get(target, auth=("a", "b")))


def test_rename_request(server: Any) -> None:
    def call(user: Any) -> Any:
        with user.client.rename_request("renamed"):
            user.client.get("/hello/")
            user.client.get("/hello/", name="own name")
            user.client.post("/echo", json={"a": 1})
            caught(user.client)
        return user.client.get("/hello/")

    check_user("rename_request", server.url, call)
    check_user("rename_request without listeners", server.url, call, listen=False)


# What this Locust has not got needs no test.
if not hasattr(FastHttpUser, "rest"):
    del test_rest, test_rest_with_time
if not hasattr(StockFastHttpSession, "rename_request"):
    del test_rename_request


# ---- what requests are made with changes ----


def changing(session: Any) -> Any:
    seen = []

    def look() -> None:
        answer = session.get("/echo").json()
        seen.append((answer["target"], [pair for pair in answer["headers"] if pair[0] != "Host"]))

    look()
    look()
    session.client.default_headers["X-New"] = "1"
    look()
    session.client.default_headers.update({"X-Newer": "2"})
    look()
    del session.client.default_headers["X-New"]
    look()
    session.client.default_headers.update(Headers({"X-Newer": "3"}))
    look()
    session.client.default_headers.update(type(session.client.default_headers)({"X-Newest": "4"}))
    look()
    session.client.default_headers.clear()
    look()
    session.auth_header = "Bearer x"
    look()
    session.get("/cookies/set?a=1")
    look()
    session.cookiejar.clear()
    look()
    session.base_url += "/echo"
    look()
    return seen


def test_changes_are_seen(server: Any) -> None:
    check("changes", server.url, changing)


def test_sessions_share_no_cookies(server: Any) -> None:
    sides = [Side(maker(FastHttpSession, server.url)) for _ in range(3)]
    sides[0].session.get("/cookies/set?a=1")
    sides[1].session.client.default_headers["X-Own"] = "1"
    seen = [sorted(name.lower() for name, _ in side.session.get("/echo").json()["headers"]) for side in sides]
    for side in sides:
        side.close()
    common = ["accept-encoding", "host", "user-agent"]
    assert seen == [sorted([*common, "cookie"]), sorted([*common, "x-own"]), common]


def test_redirect_codes_and_limits_can_be_set(server: Any) -> None:
    def call(session: Any) -> Any:
        session.client.valid_response_codes = frozenset([404])
        session.client.max_redirects = 1
        return [session.get(path).status_code for path in ("/status/404", "/hello/", "/redirect/302/3")]

    check("user agent", server.url, call)


def test_cookie_that_ends(server: Any) -> None:
    def call(session: Any) -> Any:
        session.get("/odd-cookie?a=b;%20Max-Age=1;%20Path=/")
        first = session.get("/echo").text
        time.sleep(1.1)
        return [first, session.get("/echo").text]

    check("cookie ends", server.url, call)


# ---- greenlets ----


def test_many_greenlets_share_a_session(server: Any) -> None:
    def call(session: Any) -> Any:
        pool = gevent.pool.Pool(10)
        for i in range(100):
            pool.spawn(session.get, "/echo" if i % 3 else "/hello/", name="both")
            pool.spawn(session.post, "/echo", json={"a": 1}, name="both")
        pool.join()

    check("pool", server.url, call, listen=False)
    check("pool of three connections", server.url, call, listen=False, concurrency=3)


def test_timeout_around_a_request(server: Any) -> None:
    def silent(session: Any) -> Any:
        with gevent.Timeout(0.1, False):
            return session.get("/slow?s=1")

    def loud(session: Any) -> Any:
        with gevent.Timeout(0.1):
            return session.get("/slow?s=1")

    def own(session: Any) -> Any:
        with gevent.Timeout(0.1, KeyError("too slow")):
            return session.post("/slow?s=1", data="x")

    def caught_one(session: Any) -> Any:
        with gevent.Timeout(0.1):
            return caught(session, "/slow?s=1")

    for name, call in {"silent": silent, "loud": loud, "own": own, "caught": caught_one}.items():
        check(f"timeout {name}", server.url, call)


def test_kill_in_the_middle(server: Any) -> None:
    def call(session: Any) -> Any:
        greenlet = gevent.spawn(session.get, "/slow?s=5")
        gevent.sleep(0.05)
        greenlet.kill()
        other = gevent.spawn(session.post, "/slow?s=5", json={"a": 1})
        gevent.sleep(0.05)
        other.kill()
        return session.get("/hello/").text

    check("kill", server.url, call)


def test_kills_at_any_time(server: Any) -> None:
    """What is killed is not counted, what has returned is; wherever the kill has met it."""
    side = Side(maker(FastHttpSession, server.url), listen=False)
    returned = 0
    for round_ in range(150):
        greenlets = [gevent.spawn(side.session.get, "/hello/") for _ in range(8)]
        gevent.sleep(0.0002 * (round_ % 8))
        gevent.killall(greenlets)
        returned += sum(not isinstance(greenlet.value, gevent.GreenletExit) for greenlet in greenlets)
    side.session.get("/hello/")
    assert side.statistics()["rows"][0][2] == returned + 1
    side.close()


def test_response_time_is_the_engines(server: Any) -> None:
    """Python is busy while the response comes; the response time is true all the same."""
    side = Side(maker(FastHttpSession, server.url))
    times: list[float] = []
    side.environment.events.request.add_listener(lambda response_time, **_: times.append(response_time))
    side.session.get("/hello/")
    waiting = gevent.spawn(side.session.get, "/slow?s=0.2")
    gevent.sleep(0)
    end = time.perf_counter() + 0.6
    while time.perf_counter() < end:
        pass
    waiting.get()
    side.close()
    assert 190 <= times[1] < 500


# ---- subclasses and wrappers ----


def test_subclass_overrides_request(server: Any) -> None:
    def derived(kind: type) -> type:
        class Session(kind):  # type: ignore[misc, valid-type]
            def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
                kwargs.setdefault("headers", {})["X-Signed"] = f"{method} {url}"
                return super().request(method, url, *args, **kwargs)

        return Session

    def call(session: Any) -> Any:
        with session.get("/echo", catch_response=True) as response:
            response.success()
        return [session.get("/echo").text, session.post("/echo", json={"a": 1}).text, session.delete("/echo").text]

    def run(kind: type) -> Callable[[], Any]:
        side = Side(maker(derived(kind), server.url))
        return lambda: observe(side, lambda: call(side.session))

    compare("overrides request", run(StockFastHttpSession), run(FastHttpSession))


def test_wrapped_on_the_instance(server: Any) -> None:
    def call(session: Any) -> Any:
        calls = []
        inner = session.request

        def request(method: str, url: str, **kwargs: Any) -> Any:
            calls.append((method, url))
            return inner(method, url, **kwargs)

        session.request = request
        return [session.get("/hello/").text, session.put("/echo", data="x").text, calls]

    check("wrapped", server.url, call)


# ---- connections, fallbacks ----


def test_closing_the_pool_makes_new_connections(server: Any) -> None:
    def call(session: Any) -> Any:
        first = int(session.get("/connections").text)
        same = int(session.get("/connections").text)
        session.client.clientpool.close()
        other = int(session.get("/connections").text)
        return same - first, other - first

    check("close", server.url, call, listen=False)


FALLBACKS: dict[str, Callable[[Any], dict[str, Any]]] = {
    "client_pool": lambda server: {"client_pool": HTTPClientPool(concurrency=2)},
    "ssl_context_factory": lambda server: {"ssl_context_factory": gevent.ssl._create_unverified_context},
}


@pytest.mark.parametrize("case", FALLBACKS)
def test_falls_back_for_a_session(case: str, server: Any, caplog: Any) -> None:
    caplog.set_level(logging.DEBUG, "locustpp")
    check(f"fallback {case}", server.url, lambda s: s.get("/echo"), **FALLBACKS[case](server))
    check(f"fallback {case} 404", server.url, lambda s: caught(s, "/status/404"), **FALLBACKS[case](server))
    check(f"fallback {case} tls", server.tls_url, lambda s: s.get("/status/201").status_code, **FALLBACKS[case](server))
    assert any(record.name == "locustpp" and "own client" in record.message for record in caplog.records)


def test_falls_back_for_a_call(server: Any, caplog: Any) -> None:
    caplog.set_level(logging.DEBUG, "locustpp")
    side = Side(maker(FastHttpSession, server.url))
    side.session.get("/lines", stream=True)
    side.session.post("/echo", data=b"x", headers={"Transfer-Encoding": "identity"})
    side.session.get("/hello/")
    side.close()
    told = [record.getMessage() for record in caplog.records if record.name == "locustpp"]
    assert told == [
        "GET /lines goes by Locust's own client: its response is streamed",
        "POST /echo goes by Locust's own client: its body is sent in another way",
    ]


def test_another_thread(server: Any) -> None:
    """gevent's pool of threads, each of which has a hub of its own."""
    side = Side(maker(FastHttpSession, server.url), listen=False)
    assert side.session.get("/hello/").text == "Hello, World!"
    found = gevent.get_hub().threadpool.apply(lambda: (side.session.get("/hello/").text, threading.get_ident()))
    side.close()
    assert found[0] == "Hello, World!"


def test_header_that_is_not_utf8(server: Any) -> None:
    """Some geventhttpclients crash at it."""
    side = Side(maker(FastHttpSession, server.url), listen=False)
    assert side.session.get("/latin-header").headers["X-Latin"] == "grüße"
    side.close()


def test_no_listener_means_no_event(server: Any) -> None:
    """A success of which only Locust's recorder hears leaves the statistics as they would be."""
    check("quiet", server.url, lambda s: [s.get("/hello/").status_code for _ in range(5)], listen=False)


def test_listener_that_comes_later(server: Any) -> None:
    def call(session: Any) -> Any:
        heard: list[Any] = []
        hook = session.environment.events.request if hasattr(session, "environment") else session.request_event
        session.get("/hello/")

        def listener(**kwargs: Any) -> None:
            heard.append((kwargs["request_type"], kwargs["name"], kwargs["response_length"]))

        hook.add_listener(listener)
        session.get("/hello/")
        caught(session)
        hook.remove_listener(listener)
        session.get("/hello/")
        return heard

    check("later listener", server.url, call, listen=False)


# ---- memory ----

ROUNDS = 3400  # some 10,000 requests


def one_round(session: Any) -> None:
    session.get("/hello/").text
    session.post("/echo", json={"a": 1}, name="echo")
    with session.get("/hello/", catch_response=True) as response:
        response.failure("x")


def test_no_objects_are_left_behind(server: Any) -> None:
    side = Side(maker(FastHttpSession, server.url), listen=False)
    for _ in range(200):
        one_round(side.session)
    gc.collect()
    before, responses, references = len(gc.get_objects()), live_responses(), sys.getrefcount(side.session)
    none = sys.getrefcount(None)
    for _ in range(ROUNDS):
        one_round(side.session)
    uncollected = len(gc.get_objects()) - before
    gc.collect()
    left = len(gc.get_objects()) - before, live_responses() - responses
    references -= sys.getrefcount(side.session)
    none -= sys.getrefcount(None)
    side.close()
    assert uncollected < 200, "garbage is left to the collector"
    assert left[0] < 200
    assert left[1] == 0
    assert references == 0
    assert abs(none) < 1000


def live_responses() -> int:
    return sum(isinstance(thing, (_native.Response, fast_response._Parts)) for thing in gc.get_objects())


def test_failures_leave_nothing_behind(server: Any) -> None:
    side = Side(maker(FastHttpSession, server.url), listen=False)

    def fail() -> None:
        side.session.post("/close-at-once", data="x")
        side.session.get("/status/404")
        side.session.get("/redirect/302/1")
        side.session.get("/cookies/set?a=1")
        with gevent.Timeout(0.0005, False):
            side.session.get("/slow?s=0.01")

    for _ in range(20):
        fail()
    gc.collect()
    before = len(gc.get_objects())
    rounds = 600  # the last failure's frames, and Locust's statistics of each second, are some 250 objects
    for _ in range(rounds):
        fail()
    gc.collect()
    side.close()
    assert len(gc.get_objects()) - before < rounds


def test_sessions_are_freed(server: Any) -> None:
    import weakref

    environment = Environment()
    session = maker(FastHttpSession, server.url)(environment)
    session.get("/hello/")
    gone = weakref.ref(session)
    del session
    gc.collect()
    assert gone() is None


def test_versions_are_told_apart() -> None:
    assert fast_clock.WHOLE_MILLISECONDS == (VERSION < (2, 21))
    assert harness.StockFastHttpSession is not FastHttpSession
    assert cookies_of
