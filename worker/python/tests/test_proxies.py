"""Through Debian's tinyproxy: the native clients beside Locust's own."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fast_sessions
import http_sessions
import pytest
from geventhttpclient.connectionpool import SSLConnectionPool
from harness import Call, catch, get, steps
from locustpp import fasthttp


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def tinyproxy(folder: Path, *lines: str) -> Iterator[int]:
    port = free_port()
    configuration = folder / f"{port}.conf"
    configuration.write_text("\n".join([f"Port {port}", "Listen 127.0.0.1", "Timeout 60", "MaxClients 100", *lines, ""]))
    with (folder / f"{port}.log").open("w") as log:
        process = subprocess.Popen(["tinyproxy", "-d", "-c", str(configuration)], stdout=log, stderr=log)
        try:
            until_it_listens(port)
            yield port
        finally:
            process.terminate()
            process.wait(30)


def until_it_listens(port: int) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            assert time.monotonic() < end, "tinyproxy does not start"
            time.sleep(0.05)


class Place:
    """The proxies, the servers behind them, and the authority of these."""

    def __init__(self, server: Any, certificates: Any, opens: int, asks: int) -> None:
        self.plain, self.tls, self.other_tls = server.url, server.secure[0], server.tls_url
        self.authority = certificates.path("ca.pem")
        self.opens, self.asks = opens, asks
        self.proxy = f"http://127.0.0.1:{opens}"
        self.with_password = f"http://ana:%73ecret@127.0.0.1:{asks}"
        self.wrong_password = f"http://ana:wrong@127.0.0.1:{asks}"
        self.no_password = f"http://127.0.0.1:{asks}"


@pytest.fixture(scope="module")
def place(secure_server: Any, certificates: Any, tmp_path_factory: Any) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("proxies")
    # But not to the server's other ports. Older geventhttpclients want a tunnel for plain HTTP, too.
    tunnels = [f"ConnectPort {url.rpartition(':')[2]}" for url in (secure_server.secure[0], secure_server.url)]
    with tinyproxy(folder, *tunnels) as opens, tinyproxy(folder, *tunnels, "BasicAuth ana secret") as asks:
        yield Place(secure_server, certificates, opens, asks)


# ---- HttpUser ----

Use = Callable[[Any, Place], Any]


def through(name: str, call: Call) -> Use:
    """`call` with the proxy of that name for everything."""

    def use(session: Any, place: Place) -> Any:
        proxy = getattr(place, name)
        session.proxies = {"http": proxy, "https": proxy}
        return call(session)

    return use


def with_proxies(proxies: Callable[[Place], Any], call: Call = get("/hello/")) -> Use:
    def use(session: Any, place: Place) -> Any:
        session.proxies.update(proxies(place))
        return call(session)

    return use


def of_the_call(session: Any, place: Place) -> Any:
    return [
        session.get("/echo", proxies={"http": place.proxy, "https": place.proxy}).json(),
        session.get("/echo").json(),
        session.post("/echo", json={"a": 1}, proxies={"all": place.proxy}).json(),
    ]


def changed(session: Any, place: Place) -> Any:
    """With, without, and with another one."""
    seen = [session.get("/echo").json()]
    for proxies in ({"all": place.proxy}, {}, {"all": place.with_password}, {"all": place.wrong_password}):
        session.proxies.clear()
        session.proxies.update(proxies)
        response = session.get("/echo")
        seen.append(response.json() if response.status_code == 200 else response.status_code)
    return seen


def to_tls(session: Any, place: Place) -> Any:
    session.proxies = {"http": place.proxy, "https": place.with_password}
    session.verify = place.authority
    return session.get(f"{place.plain}/redirect-to?to={place.tls}/echo")


HTTP: dict[str, Use] = {
    "get": through("proxy", get("/hello/")),
    "get and again": through("proxy", steps(get("/hello/"), get("/echo"), get("/hello/"))),
    "seen by the server": through("proxy", get("/echo?a=b&c=d%20e")),
    "root": through("proxy", get("/")),
    "posted": through("proxy", lambda s: s.post("/echo", json={"a": 1})),
    "redirected": through("proxy", get("/redirect/302/2")),
    "caught": through("proxy", lambda s: catch(s.get("/status/404", catch_response=True))),
    "404": through("proxy", get("/status/404")),
    "cookies": through("proxy", steps(get("/cookies/set?a=b"), get("/echo"))),
    "authorized": through("proxy", get("/echo", auth=("ana", "x"))),
    "password": through("with_password", get("/echo")),
    "password, redirected": through("with_password", get("/redirect/302/2")),
    "wrong password": through("wrong_password", get("/hello/", name="n")),
    "no password": through("no_password", get("/hello/", name="n")),
    "of the call": of_the_call,
    "changed": changed,
    "all": with_proxies(lambda place: {"all": place.proxy}, get("/echo")),
    "of one host": with_proxies(lambda place: {"http://127.0.0.1": place.proxy, "https://127.0.0.1": place.proxy}, get("/echo")),
    "of another host": with_proxies(lambda place: {"http://localhost": place.proxy, "https://localhost": place.proxy}, get("/echo")),
    "without a scheme": with_proxies(lambda place: {"all": place.proxy.replace("http://", "")}, get("/echo")),
    "of none": with_proxies(lambda place: {"http": None, "https": ""}, get("/echo")),
    "that is not there": with_proxies(lambda place: {"all": "http://127.0.0.1:1"}),
    "that is not there, caught": with_proxies(
        lambda place: {"all": "http://127.0.0.1:1"}, lambda s: catch(s.get("/hello/", catch_response=True))
    ),
    "of an unknown name": with_proxies(lambda place: {"all": "http://no-such-host.invalid:3128"}),
    "that hangs up": with_proxies(lambda place: {"all": place.plain.replace("http://", "http://x:y@") + "/close-at-once"}),
    "to nobody": through("proxy", lambda s: s.get("http://127.0.0.1:1/", name="n").status_code),
    "to TLS": to_tls,
}
# What urllib3 does instead, or says itself.
STOCK: dict[str, Use] = {
    "in TLS": with_proxies(lambda place: {"all": "https://127.0.0.1:1"}),
    "SOCKS": with_proxies(lambda place: {"all": "socks5://127.0.0.1:1"}),
    "nonsense": with_proxies(lambda place: {"all": "http://"}),
    "port of nonsense": with_proxies(lambda place: {"all": "http://127.0.0.1:x"}),
}


WAYS = pytest.mark.parametrize(("scheme", "listen"), [("plain", True), ("plain", False), ("tls", False)])


@pytest.mark.parametrize("case", HTTP)
@WAYS
def test_http_session(case: str, scheme: str, listen: bool, place: Place, told: Any) -> None:
    def call(session: Any) -> Any:
        session.verify = place.authority
        return HTTP[case](session, place)

    http_sessions.check(f"proxy {case} {scheme}", getattr(place, scheme), call, listen=listen)
    assert told() == []


@pytest.mark.parametrize("case", STOCK)
@pytest.mark.parametrize("scheme", ["plain", "tls"])
def test_http_session_with_another_proxy(case: str, scheme: str, place: Place, told: Any) -> None:
    http_sessions.check(f"another proxy {case}", getattr(place, scheme), lambda s: STOCK[case](s, place))
    assert told() == ["HttpSession: Locust's own client for its proxy or its certificates"]


@pytest.mark.parametrize("verify", [True, False])
def test_http_session_and_failures_in_the_tunnel(verify: bool, place: Place, told: Any) -> None:
    def call(session: Any) -> Any:
        session.proxies = {"https": place.proxy}
        session.verify = verify
        return session.get("/hello/")

    http_sessions.check(f"nobody vouches {verify}", place.tls, call)
    http_sessions.check(f"no tunnel there {verify}", place.other_tls, call)
    assert told() == []


ENVIRONMENTS: dict[str, Callable[[Place], dict[str, str]]] = {
    "both": lambda place: {"http_proxy": place.proxy, "https_proxy": place.proxy},
    "upper case": lambda place: {"HTTP_PROXY": place.proxy, "HTTPS_PROXY": place.proxy},
    "all": lambda place: {"ALL_PROXY": place.proxy},
    "password": lambda place: {"http_proxy": place.with_password, "https_proxy": place.with_password},
    "no_proxy": lambda place: {"http_proxy": place.proxy, "https_proxy": place.proxy, "no_proxy": "localhost,127.0.0.1"},
    "no_proxy for others": lambda place: {"http_proxy": place.proxy, "https_proxy": place.proxy, "no_proxy": "localhost"},
    "no_proxy network": lambda place: {"http_proxy": place.proxy, "https_proxy": place.proxy, "NO_PROXY": "127.0.0.0/8"},
}


@pytest.mark.parametrize("case", ENVIRONMENTS)
@pytest.mark.parametrize(("scheme", "trust_env"), [("plain", True), ("tls", True), ("plain", False)])
def test_http_session_and_the_environment(
    case: str, scheme: str, trust_env: bool, place: Place, monkeypatch: Any, told: Any
) -> None:
    for name, value in ENVIRONMENTS[case](place).items():
        monkeypatch.setenv(name, value)

    def call(session: Any) -> Any:
        session.verify = place.authority
        return [session.get("/redirect/302/1").json(), session.post("/echo", data="x").json(), session.get("/status/404").status_code]

    http_sessions.check(f"environment {case} {scheme}", getattr(place, scheme), call, trust_env=trust_env)
    assert told() == []


# ---- FastHttpUser ----

FAST: dict[str, Call] = {
    "get": get("/hello/"),
    "get and again": steps(get("/hello/"), get("/echo"), get("/hello/")),
    "posted": lambda s: s.post("/hello/", json={"a": 1}),
    "redirected": get("/redirect-to?to=/hello/"),
    "caught": lambda s: catch(s.get("/status/404", catch_response=True)),
    "cookies": steps(get("/cookies/set?a=b"), lambda s: "a=b" in s.get("/echo").text),
    "what passed the proxy": lambda s: s.get("/hello/").headers.get("Via"),
}


@pytest.mark.parametrize("case", FAST)
@WAYS
def test_fast_session(case: str, scheme: str, listen: bool, place: Place, monkeypatch: Any, told: Any) -> None:
    monkeypatch.setitem(SSLConnectionPool.default_options, "ca_certs", place.authority)
    settings = {"insecure": False, "proxy_host": "127.0.0.1", "proxy_port": place.opens}
    fast_sessions.check(f"proxy of FastHttpUser {case}", getattr(place, scheme), FAST[case], listen=listen, **settings)
    assert bool(told()) is not fasthttp.PROXIES_ARE_NATIVE


FAST_FAILURES: dict[str, tuple[str, Callable[[Place], dict[str, Any]]]] = {
    "not there": ("plain", lambda place: {"proxy_port": 1}),
    "not there for TLS": ("tls", lambda place: {"proxy_port": 1}),
    "of an unknown name": ("plain", lambda place: {"proxy_host": "no-such-host.invalid", "proxy_port": 1}),
    "without a port": ("plain", lambda place: {"proxy_port": None}),
    "that asks": ("plain", lambda place: {"proxy_port": place.asks}),
    "that asks, for TLS": ("tls", lambda place: {"proxy_port": place.asks}),
    "that refuses the tunnel": ("other_tls", lambda place: {"proxy_port": place.opens}),
}


@pytest.mark.parametrize("case", FAST_FAILURES)
def test_fast_session_and_failures(case: str, place: Place, told: Any) -> None:
    scheme, settings = FAST_FAILURES[case]
    fast_sessions.check(
        f"proxy of FastHttpUser {case}",
        getattr(place, scheme),
        lambda s: [(r := s.get("/hello/", name="n")).status_code, r.headers and r.headers.get("Via"), str(getattr(r, "error", None))],
        **{"proxy_host": "127.0.0.1", **settings(place)},
    )
    assert bool(told()) is not (fasthttp.PROXIES_ARE_NATIVE and case != "without a port")


PASSWORDS = {"right": ("ana", "secret"), "wrong": ("ana", "x"), "user only": ("ana", None), "none": (None, None)}


@pytest.mark.parametrize("case", PASSWORDS)
@pytest.mark.parametrize("scheme", ["plain", "tls"])
def test_fast_session_with_a_password(case: str, scheme: str, place: Place) -> None:
    user, password = PASSWORDS[case]
    settings = {"proxy_host": "127.0.0.1", "proxy_port": place.asks, "proxy_user": user, "proxy_password": password}
    fast_sessions.check(f"password {case}", getattr(place, scheme), lambda s: s.get("/hello/").status_code, **settings)


if not fasthttp.PROXIES_ARE_NATIVE:  # nor has geventhttpclient passwords then, and its failures quote what came first
    del test_fast_session_with_a_password, test_fast_session_and_failures
