"""HttpSession: every public method and argument, the native one beside Locust's own."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import gevent
import pytest
import requests
from harness import VERSION, Call, Cases, StockHttpSession, catch, compare_sessions, get, raising, steps
from http_sessions import check, maker, state_of
from locust.exception import ResponseError
from locustpp.http_session import HttpSession
from requests.auth import AuthBase, HTTPBasicAuth, HTTPDigestAuth
from urllib3.util.retry import Retry

CASES = Cases()
add = CASES.add


def told(response: Any) -> Any:
    """What the server of /echo has received, as it was."""
    return response.json()


VERBS = ("get", "post", "put", "patch", "delete", "head", "options")
for verb in VERBS:
    add(f"{verb} hello", lambda s, v=verb: getattr(s, v)("/hello/"))
    add(f"{verb} echo", lambda s, v=verb: getattr(s, v)("/echo?a=b&c=d"))
    add(f"{verb} echo twice", lambda s, v=verb: [getattr(s, v)("/echo").status_code for _ in range(3)] and getattr(s, v)("/echo"))
    add(f"{verb} named", lambda s, v=verb: getattr(s, v)("/echo", name="a name"))
    add(f"{verb} empty name", lambda s, v=verb: getattr(s, v)("/echo", name=""))
    add(f"{verb} data", lambda s, v=verb: getattr(s, v)("/echo", data={"a": 1, "b": ["x", "ü"]}))
    add(f"{verb} json", lambda s, v=verb: getattr(s, v)("/echo", json={"a": [1, None, "ü"]}))
    add(f"request {verb}", lambda s, v=verb: s.request(v.upper(), "/echo"))
    add(f"request lower {verb}", lambda s, v=verb: s.request(v, "/echo"))
    add(f"request {verb} positional", lambda s, v=verb: s.request(v.upper(), "/echo", "a name", False, {"a": "context"}))
    for code in (200, 201, 204, 226, 299, 300, 304, 400, 401, 404, 418, 500, 503, 599):
        add(f"{verb} status {code}", lambda s, v=verb, c=code: getattr(s, v)(f"/status/{c}"))
    for code in (404, 500):
        add(f"{verb} status {code} named", lambda s, v=verb, c=code: getattr(s, v)(f"/status/{c}?x=1", name="a name"))
    for code in (301, 302, 303, 307, 308):
        add(f"{verb} redirect {code}", lambda s, v=verb, c=code: getattr(s, v)(f"/redirect/{c}/1"))
        add(f"{verb} redirect {code} with data", lambda s, v=verb, c=code: getattr(s, v)(f"/redirect/{c}/2", data={"a": "b"}))
        add(f"{verb} redirect {code} not allowed", lambda s, v=verb, c=code: getattr(s, v)(f"/redirect/{c}/1", allow_redirects=False))
    for code in (200, 302, 404):
        add(f"{verb} catch {code}", lambda s, v=verb, c=code: catch(getattr(s, v)(f"/status/{c}", catch_response=True)))

BODIES: dict[str, Any] = {
    "bytes": b"some bytes\x00\xff",
    "text": "some text",
    "umlauts": "Grüße",
    "beyond latin": "€ and ☃",
    "empty text": "",
    "empty bytes": b"",
    "form": {"a": "1", "b": "x y&z=ü"},
    "form of lists": {"a": ["1", "2"], "b": ()},
    "pairs": [("a", "1"), ("a", "2")],
    "tuple of pairs": (("a", "1"),),
    "none in a form": {"a": None, "b": "1"},
    "empty form": {},
    "bytearray": bytearray(b"array"),
    "number": 7,
}
for kind, body in BODIES.items():
    add(f"post {kind}", lambda s, b=body: s.post("/echo", data=b))
    add(f"post {kind} positional", lambda s, b=body: s.post("/echo", b))
    add(f"post {kind} with a type", lambda s, b=body: s.post("/echo", data=b, headers={"Content-Type": "x/y"}))
add("post file", lambda s: s.post("/echo", data=io.BytesIO(b"of a file")))
add("post text file", lambda s: s.post("/echo", data=io.StringIO("of a file")))
add("post generator", lambda s: s.post("/echo", data=(b"%d" % i for i in range(3))))
for kind, value in {"object": {"a": 1.5}, "list": [1], "text": "t", "zero": 0, "false": False, "empty": {}, "umlaut": "ü"}.items():
    add(f"json {kind}", lambda s, j=value: s.post("/echo", json=j))
    add(f"json {kind} positional", lambda s, j=value: s.post("/echo", None, j) if VERSION < (2, 14) else s.post("/echo", None, json=j))
add("json and data", lambda s: s.post("/echo", json={"a": 1}, data={"b": 2}))
add("json and empty data", lambda s: s.post("/echo", json={"a": 1}, data={}))
add("json nan", lambda s: s.post("/echo", json=float("nan")))
add("json unserializable", lambda s: s.post("/echo", json={1, 2}))
add("json with a type", lambda s: s.post("/echo", json={"a": 1}, headers={"content-type": "application/vnd.api+json"}))
FILES: dict[str, Any] = {
    "bytes": {"f": b"content"},
    "name and bytes": {"f": ("name.txt", b"content")},
    "type": {"f": ("name.txt", b"content", "text/x", {"X-Part": "1"})},
    "object": {"f": ("name.txt", "text content")},
    "list": [("f", ("a", b"1")), ("f", ("b", b"2"))],
}


def without_boundary(response: Any) -> Any:
    seen = told(response)
    kind = dict(seen["headers"])["Content-Type"]
    boundary = kind.partition("boundary=")[2]
    return seen["body"].replace(boundary, "B"), [[k, v.replace(boundary, "B")] for k, v in seen["headers"]], response.status_code


for kind, files in FILES.items():
    add(f"files {kind}", lambda s, f=files: without_boundary(s.post("/echo", files=f, data={"field": "value"})))
PARAMS: dict[str, Any] = {
    "dict": {"a": 1, "b": "x y", "c": "ü/ä?&=", "d": "~-._"},
    "lists": {"a": ["1", "2"]},
    "none": {"a": None},
    "empty": {},
    "pairs": [("a", "1"), ("b", "2")],
    "text": "a=b&c=d e",
    "bytes": b"a=b",
    "percent": {"a": "100%", "+": "+"},
}
for kind, params in PARAMS.items():
    add(f"params {kind}", lambda s, p=params: s.get("/echo", params=p))
    add(f"params {kind} after a query", lambda s, p=params: s.get("/echo?x=y", params=p))
HEADERS: dict[str, Any] = {
    "one": {"X-One": "1"},
    "replaced": {"user-agent": "mine", "ACCEPT": "text/x"},
    "removed": {"User-Agent": None, "Accept-Encoding": None, "Accept": None, "Connection": None},
    "close": {"Connection": "close"},
    "host": {"Host": "other.example"},
    "cookie": {"Cookie": "a=b"},
    "bytes": {"X-Bytes": b"bytes"},
    "bytes name": {b"X-Bytes": "text"},
    "number": {"X-Number": 5},
    "latin": {"X-Latin": "gr\xfc\xdfe"},
    "beyond latin": {"X-Snow": "☃"},
    "newline": {"X-Bad": "a\r\nX-Other: b"},
    "leading blank": {"X-Blank": " a"},
    "trailing blank": {"X-Blank": "a "},
    "empty": {"X-Empty": ""},
    "length": {"Content-Length": "3"},
    "expect": {"Expect": "100-continue"},
    "authorization": {"Authorization": "Bearer x"},
    "none": {},
    "case insensitive": requests.structures.CaseInsensitiveDict({"x-a": "b"}),
    "bad name": {"X Bad": "1"},
}
for kind, headers in HEADERS.items():
    if kind != "length":  # the server would wait for a body
        add(f"headers {kind}", lambda s, h=headers: s.get("/echo", headers=h))
        add(f"session headers {kind}", lambda s, h=headers: [s.get("/echo").status_code, s.headers.update(h)] and s.get("/echo"))
    add(f"post headers {kind}", lambda s, h=headers: s.post("/echo", data="abc", headers=h))


def replaced(name: str, value: Any) -> Call:
    def call(session: Any) -> Any:
        session.get("/echo")
        setattr(session, name, value)
        return session.get("/echo?a=1")

    return call


class Token(AuthBase):
    def __init__(self) -> None:
        self.count = 0

    def __call__(self, request: Any) -> Any:
        self.count += 1
        request.headers["X-Token"] = f"{self.count} {request.method} {request.path_url}"
        return request


SETTINGS: dict[str, tuple[str, Any]] = {
    "dict headers": ("headers", {"X-Only": "this"}),
    "new headers": ("headers", requests.structures.CaseInsensitiveDict({"X-Only": "this"})),
    "auth tuple": ("auth", ("ana", "secret")),
    "auth basic": ("auth", HTTPBasicAuth("ana", "sécret")),
    "auth list": ("auth", ["ana", "secret"]),
    "auth none": ("auth", None),
    "params": ("params", {"key": "of the session"}),
    "empty params": ("params", {}),
    "cookies": ("cookies", requests.cookies.cookiejar_from_dict({"a": "b"})),
    "dict cookies": ("cookies", {"a": "b"}),
    "base_url": ("base_url", "http://127.0.0.1:1"),
    "base_url without scheme": ("base_url", "127.0.0.1"),
    "verify": ("verify", False),
    "max_redirects": ("max_redirects", 1),
    "proxies": ("proxies", {"http": "http://127.0.0.1:1"}),
    "no proxies": ("proxies", {"ftp": "http://127.0.0.1:1"}),
    "stream": ("stream", True),
    "cert": ("cert", "/nowhere.pem"),
    "hooks": ("hooks", {"response": [lambda response, *args, **kwargs: setattr(response, "reason", "hooked")]}),
    "trust_env": ("trust_env", True),
    "request_name": ("request_name", "renamed"),
}
add("set auth callable", lambda s: replaced("auth", Token())(s))
for kind, (name, value) in SETTINGS.items():
    add(f"set {kind}", replaced(name, value))


ECHO = get("/echo")
add("header set", steps(ECHO, lambda s: s.headers.__setitem__("X-A", "1"), ECHO))
add("header deleted", steps(ECHO, lambda s: s.headers.pop("Accept"), ECHO))
add("headers cleared", steps(ECHO, lambda s: s.headers.clear(), ECHO))
add("header of a dict of the user's", steps(lambda s: setattr(s, "headers", {"A": "1"}), ECHO, lambda s: s.headers.update(B="2"), ECHO))
add("params set later", steps(ECHO, lambda s: s.params.update(a="b"), ECHO))
add("hook added later", steps(ECHO, lambda s: s.hooks["response"].append(lambda r, *a, **k: setattr(r, "seen", 1)), ECHO))
add("cookies set", steps(ECHO, lambda s: s.cookies.set("a", "b"), ECHO))
add("cookies set twice", steps(lambda s: s.cookies.set("a", "b"), ECHO, lambda s: s.cookies.set("a", "c"), ECHO))
add("cookies cleared", steps(lambda s: s.cookies.set("a", "b"), ECHO, lambda s: s.cookies.clear(), ECHO))
add("cookies of another domain", steps(lambda s: s.cookies.set("a", "b", domain="example.org"), ECHO))
add("cookies of a path", steps(lambda s: s.cookies.set("a", "b", path="/other"), ECHO, get("/other/x")))
add("cookies updated", steps(lambda s: s.cookies.update({"a": "b", "c": "d e"}), ECHO))
add("cookies expired", steps(lambda s: s.cookies.set("a", "b", expires=1), ECHO))
add("cookies argument", get("/echo", cookies={"a": "b"}))
add("cookies argument and jar", steps(lambda s: s.cookies.set("x", "y"), get("/echo", cookies={"a": "b"})))
add("cookies argument and afterwards", steps(get("/echo", cookies={"a": "b"}), ECHO))
add("server's cookies", steps(get("/cookies/set?a=b&c=d"), ECHO))
add("server's cookies seen", get("/cookies/set?a=b&c=d"))
add("server's cookies again", steps(get("/cookies/set?a=b"), get("/cookies/set?a=b"), ECHO))
add("server's cookies replaced", steps(get("/cookies/set?a=b"), ECHO, get("/cookies/set?a=c"), ECHO))
add("server's cookies deleted", steps(get("/cookies/set?a=b&c=d"), ECHO, get("/delete-cookie/a"), ECHO))
add("cookies with a redirect", get("/cookies/set?a=b&to=/echo"))
for kind, cookie in {
    "quoted": 'a="b c"', "attributes": "a=b; Path=/odd-cookie; HttpOnly; Secure", "max-age": "a=b; Max-Age=1000000",
    "expired": "a=b; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "domain": "a=b; Domain=example.org", "nameless": "abc", "empty": "a=",
}.items():  # fmt: skip
    add(f"cookie {kind}", steps(get("/odd-cookie?" + requests.utils.quote(cookie)), ECHO))
add("auth argument", get("/echo", auth=("ana", "secret")))
add("auth argument basic", get("/echo", auth=HTTPBasicAuth("ana", "secret")))
add("auth argument over the session's", steps(lambda s: setattr(s, "auth", ("x", "y")), get("/echo", auth=("ana", "secret"))))
add("auth argument callable", lambda s: s.get("/echo", auth=Token()))
add("auth argument function", get("/echo", auth=lambda r: r.headers.update(X="f") or r))
add("auth argument digest", lambda s: s.get("/basic", auth=HTTPDigestAuth("ana", "secret")))
add("auth needed", get("/basic"))
add("auth in the url", lambda s: s.get(s.base_url.replace("//", "//ana:secret@") + "/basic"))
add("auth kept on redirect", get("/redirect/302/1", auth=("ana", "secret")))
add("auth dropped on another host", lambda s: s.get(f"/redirect-to?to={s.base_url.replace('127.0.0.1', 'localhost')}/echo", auth=("a", "b")))
REDIRECTS = {
    "relative": "/redirect-to?to=echo", "dots": "/redirect-to?to=../a/../echo", "query": "/redirect-to?to=%3Fa%3Db%26to%3D/echo",
    "fragment": "/redirect-to?to=/echo%23part", "no scheme": "/redirect-to?to=//127.0.0.1:1/x", "other scheme": "/redirect-to?to=ftp://x/y",
    "mailto": "/redirect-to?to=mailto:a", "broken": "/redirect-to?to=http://", "umlaut": "/redirect-to?to=/echo/%C3%BC", "blank": "/redirect-to?to=/echo%20x",
    "refused": "/redirect-to?to=http://127.0.0.1:1/x", "nowhere": "/redirect-nowhere", "loop": "/loop", "many": "/redirect/302/5", "to 404": "/redirect-to?to=/status/404",
}  # fmt: skip
for kind, url in REDIRECTS.items():
    add(f"redirect {kind}", get(url))
    add(f"redirect {kind} named", get(url, name="a name"))
    add(f"redirect {kind} caught", lambda s, u=url: catch(s.get(u, catch_response=True)))
    add(f"redirect {kind} not allowed", get(url, allow_redirects=False))
add("redirect limit", steps(lambda s: setattr(s, "max_redirects", 2), get("/redirect/302/3")))
add("redirect limit reached", steps(lambda s: setattr(s, "max_redirects", 2), get("/redirect/302/2")))
add("redirect with headers", get("/redirect/307/1", headers={"X-A": "b"}))
add("redirect history", lambda s: [(r.status_code, r.url, r.headers["Location"], r.text, type(r).__name__, r.request.method) for r in s.get("/redirect/301/3").history])
URLS = {
    "absolute": "{base}/echo", "upper scheme": "HTTP://127.0.0.1:{port}/echo", "localhost": "http://localhost:{port}/echo", "fragment": "/echo#part",
    "fragment and query": "/echo?a=b#part", "umlaut": "/echo/ü?ü=ä", "blank": "/echo/a b?c d", "percent": "/echo/%7euser%2f?a=%7e%zz", "bare percent": "/echo/100%",
    "double slash": "//echo", "double slash and query": "//echo?a=//b", "three slashes": "///echo", "inner double slash": "/echo//x", "dots": "/a/../echo/./x", "dot file": "/echo/.hidden", "query only": "?a=b", "empty": "",
    "empty query": "/echo?", "question marks": "/echo?a?b", "colon": "/echo/a:b@c,d;e=f", "quotes": "/echo/'\"<>", "braces": "/echo/{{a}}|\\^`", "plus": "/echo?a+b",
    "star": "/echo/*", "no scheme": "echo", "other scheme": "ftp://x/y", "no host": "http:///x", "bad port": "http://127.0.0.1:x/", "bad label": "http://.example/", "empty label": "http://a..b/", "long label": "http://" + "a" * 64 + "/",
    "ipv6": "http://[::1]:1/x", "unknown host": "http://no-such-host.invalid/x", "refused": "http://127.0.0.1:1/x", "trailing": "/echo/", "brackets": "/echo?a[]=1",
    "long": "/echo?" + "x" * 3000, "leading blank": " /echo", "port 80": "http://127.0.0.1:80/x", "user only": "http://ana@127.0.0.1:{port}/basic",
}  # fmt: skip
for kind, url in URLS.items():
    add(f"url {kind}", lambda s, u=url: s.get(u.format(base=s.base_url, port=s.base_url.rpartition(":")[2])))
    add(f"url {kind} posted", lambda s, u=url: s.post(u.format(base=s.base_url, port=s.base_url.rpartition(":")[2]), json={}))
for kind, url in {"none": None, "bytes": b"/echo", "number": 5}.items():
    add(f"url {kind}", lambda s, u=url: s.get(u))


def below_a_base(session: Any) -> Any:
    """As with a --host that ends with a slash."""
    session.base_url += "/"
    return [session.get(path).text for path in ("/echo", "echo", "/status/404")]


add("base URL ends with a slash", below_a_base)
ANSWERS = (
    "empty json not-json headers large/100000 lines binary chunked trailers interim connection-close until-close http10 encoded/gzip encoded/deflate "
    "encoded/raw-deflate encoded/br encoded/identity encoded/upper encoded/empty-gzip charset/utf-8 charset/latin-1 charset/utf-16 charset/cp1252 "
    "charset/utf-8?type= charset/utf-8?type=text/plain charset/latin-1?type=text/html;%20charset=nonsense charset/utf-8?type=application/json status/404?x#y"
).split()
BROKEN = (
    "close-at-once close-in-head close-in-body close-in-chunk reset garbage bad-chunk encoded/bad-gzip encoded/short-gzip encoded/unknown "
).split()
for path in (*ANSWERS, *BROKEN):
    add(f"http answer {path}", get(f"/{path}"))
    add(f"http answer {path} caught", lambda s, p=path: catch(s.get(f"/{p}", catch_response=True)))
for path in ANSWERS:
    if path == "interim":  # the server has but the interim response for HEAD
        continue
    add(f"answer {path} head", lambda s, p=path: s.head(f"/{p}"))
add("iter_content", lambda s: [*s.get("/large/1000").iter_content(300)])
add("iter_lines", lambda s: [*s.get("/lines").iter_lines()])
add("iter", lambda s: [*s.get("/large/1000")])
add("encoding set", lambda s: [setattr(r := s.get("/charset/utf-8"), "encoding", "latin-1"), r.text])
add("close", lambda s: [r := s.get("/hello"), r.close(), s.close(), s.get("/hello").text][-1])
add("stream", lambda s: b"".join(s.get("/large/1000", stream=True).iter_content(100)))
add("stream lines", lambda s: [*s.get("/lines", stream=True).iter_lines()])
add("stream caught", lambda s: catch(s.get("/large/1000", stream=True, catch_response=True), lambda r: r.content))
add("session with", lambda s: [s.__enter__().get("/hello").text, s.__exit__()][0])
add("response with", lambda s: catch(s.get("/hello")))
add("dict and next", lambda s: (r := s.get("/hello"), r.next, r.links, r.is_redirect)[1:])
add("flaky reused", lambda s: [s.get("/hello").status_code, s.get("/connection-close").status_code, s.get("/hello").status_code])
add("timeout", get("/hello", timeout=5))
add("timeout tuple", get("/hello", timeout=(5, 6)))
add("timeout none", get("/hello", timeout=(None, None)))
add("timeout over", get("/slow?s=0.5", timeout=0.1))
add("timeout over tuple", get("/slow?s=0.5", timeout=(5, 0.1)))
add("timeout over named", get("/slow?s=0.5", timeout=0.1, name="n"))
add("timeout over caught", lambda s: catch(s.get("/slow?s=0.5", timeout=0.1, catch_response=True)))
add("timeout zero", get("/hello", timeout=0))
add("timeout text", get("/hello", timeout="1"))
add("timeout triple", get("/hello", timeout=(1, 2, 3)))
add("timeout bool", get("/hello", timeout=True))
add("timeout urllib3", get("/hello", timeout=requests.adapters.TimeoutSauce(connect=1, read=2)))
add("proxies", get("/hello", proxies={"http": "http://127.0.0.1:1"}))
add("proxies for others", get("/hello", proxies={"https": "http://127.0.0.1:1"}))
add("hooks", get("/hello", hooks={"response": lambda r, *a, **k: setattr(r, "reason", "hooked")}))
add("unknown argument", get("/hello", nonsense=1))
add("verify false", get("/hello", verify=False))
add("verify nowhere", get("/hello", verify="/nowhere"))
add("cert", get("/hello", cert="/nowhere"))
add("context", get("/hello", context={"a": 1}))
add("context over the user's", get("/hello", context={"of": "the call"}))
add("context caught", lambda s: catch(s.get("/hello", catch_response=True, context={"a": 1})))
add("name with a query", get("/echo?a=b", name="n"))
add("rename", lambda s: [s.rename_request("renamed").__enter__(), s.get("/hello")][-1])


def renamed(session: Any) -> Any:
    with session.rename_request("inside"):
        session.get("/hello")
        session.get("/status/404")
        session.get("/hello", name="own")
    return session.get("/hello")


add("rename and back", renamed)
add("rename caught", lambda s: [s.rename_request("renamed").__enter__(), catch(s.get("/status/404", catch_response=True))][-1])


BLOCKS: dict[str, Callable[[Any], Any]] = {
    "success": lambda r: r.success(),
    "failure": lambda r: r.failure("no good"),
    "failure exception": lambda r: r.failure(ValueError("no good")),
    "failure number": lambda r: r.failure(5),
    "success then failure": lambda r: [r.success(), r.failure("after all")],
    "failure then success": lambda r: [r.failure("no"), r.success()],
    "response error": raising(ResponseError("mine")),
    "assertion": raising(AssertionError("mine")),
    "success then raise": lambda r: [r.success(), raising(ValueError("later"))(r)],
    "failure then raise": lambda r: [r.failure("no"), raising(ValueError("later"))(r)],
    "changed name": lambda r: r.request_meta.__setitem__("name", "changed"),
    "changed time": lambda r: r.request_meta.__setitem__("response_time", 5),
    "text": lambda r: r.failure(r.text),
    "raise for status": lambda r: r.raise_for_status(),
    "ok": lambda r: r.failure(f"{r.ok} {r.status_code} {r.url}"),
    "header": lambda r: r.failure(r.headers.get("content-length", "none")),
}
for kind, block in BLOCKS.items():
    for path in ("hello", "status/404", "close-at-once", "redirect/302/1"):
        add(f"catch {path} {kind}", lambda s, b=block, p=path: catch(s.get(f"/{p}", catch_response=True), b))
        add(f"catch {path} {kind} named", lambda s, b=block, p=path: catch(s.get(f"/{p}", name="n", catch_response=True), b))
add("success outside", lambda s: s.get("/hello", catch_response=True).success())
add("failure outside", lambda s: s.get("/hello", catch_response=True).failure("x"))
add("success without catch", lambda s: s.get("/hello").success())
add("failure without catch", lambda s: s.get("/hello").failure("x"))
add("catch never entered", lambda s: s.get("/hello", catch_response=True))
add("failure keeps the url", lambda s: s.get("/status/404", name="n").url)


def under_timeout(session: Any) -> Any:
    with gevent.Timeout(0.1):
        return session.get("/slow?s=0.5")


def killed(session: Any) -> Any:
    one = gevent.spawn(session.get, "/slow?s=0.5")
    gevent.sleep(0.1)
    one.kill()
    return [type(one.value).__name__, session.get("/hello").text]


def together(session: Any) -> Any:
    greenlets = [gevent.spawn(session.get, "/echo", name="n") for _ in range(20)]
    return [g.get().json()["target"] for g in greenlets]


def in_thread(session: Any) -> Any:
    return gevent.get_hub().threadpool.apply(lambda: session.get("/hello").text)


add("gevent timeout", under_timeout)
add("killed", killed)
add("together", together)
add("in another thread", in_thread)


@pytest.mark.parametrize("case", CASES)
def test_same(server: Any, case: str) -> None:
    check(case, server.url, CASES[case], after=state_of)


# The short way in C is taken where nobody else listens.
QUIET = [case for case in CASES if not case.startswith(("url", "params", "json", "files", "redirect"))]


@pytest.mark.parametrize("case", QUIET)
def test_same_without_listeners(server: Any, case: str) -> None:
    check(case, server.url, CASES[case], listen=False, after=state_of)


FEW = ["get hello", "post json", "redirect relative", "get status 404", "auth needed", "server's cookies", "get echo twice"]


@pytest.mark.parametrize("case", [c for c in FEW if c in CASES])
def test_same_that_trusts_the_environment(server: Any, case: str, monkeypatch: Any) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    check(case, server.url, CASES[case], trust_env=True)


@pytest.mark.parametrize("case", [c for c in FEW if c in CASES])
def test_same_without_user(server: Any, case: str) -> None:
    check(case, server.url, CASES[case], user=False)


@pytest.mark.parametrize("base", ["http://ana:secret@127.0.0.1:{}", "http://ana:s%40cret@127.0.0.1:{}/echo", "http://127.0.0.1:{}/echo/"])
def test_same_base_url(server: Any, base: str) -> None:
    check(f"base {base}", base.format(server.port), lambda s: [s.get("/echo").json(), s.base_url, s.get("").text, s.auth.username if s.auth else None])


@pytest.mark.parametrize("case", ["get hello", "get status 404", "redirect relative"])
def test_same_with_a_pool_manager(server: Any, case: str) -> None:
    import urllib3

    check(case, server.url, CASES[case], pool_manager=urllib3.PoolManager())


TLS: dict[str, Call] = {
    "unverified": get("/hello", verify=False),
    "unverified echo": get("/echo", verify=False),
    "session unverified": steps(lambda s: setattr(s, "verify", False), get("/hello")),
    "verified": get("/hello"),
    "verified then not": steps(get("/hello"), lambda s: setattr(s, "verify", False), get("/hello")),
    "redirect": get("/redirect/302/2", verify=False),
    "not tls": lambda s: s.get(s.base_url.replace("https", "http") + "/hello"),
    "verified by nothing": get("/hello", verify="/nowhere"),
}


@pytest.mark.parametrize("case", TLS)
@pytest.mark.filterwarnings("ignore")
def test_same_over_tls(server: Any, case: str) -> None:
    check(f"http tls {case}", server.tls_url, TLS[case])


def test_a_large_body_that_is_decoded(server: Any) -> None:
    check("large gzip", server.url, lambda s: len(s.get("/zeros/70").content), listen=False)


@pytest.mark.parametrize("case", ["at once", "later"])
def test_retries_of_the_adapter_that_is_there(server: Any, case: str) -> None:
    def call(session: Any) -> Any:
        before = session.get("/hello/").status_code if case == "later" else None
        session.get_adapter(server.url).max_retries = Retry(3, status_forcelist=[503])
        return [before, session.get("/flaky/own-retries/503/2").text, session.get("/echo").status_code]

    check(f"adapter's max_retries {case}", server.url, call)


def overriding(base: type, name: str) -> type:
    """A subclass of the user's, which has something of its own there."""

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        self.headers["X-Overridden"] = name
        return getattr(super(made, self), name)(*args, **kwargs)

    made: type = type("Mine", (base,), {name: method})
    return made


@pytest.mark.parametrize("name", ["request", "get", "send", "prepare_request", "get_adapter", "_build_url", "resolve_redirects"])
@pytest.mark.parametrize("url", ["/echo", "/redirect/302/1", "/status/404"])
def test_same_with_a_subclass(server: Any, name: str, url: str) -> None:
    compare_sessions(
        f"subclass {name} {url}",
        maker(overriding(StockHttpSession, name), server.url),
        maker(overriding(HttpSession, name), server.url),
        lambda s: [s.get(url).status_code, s.post(url, json=1).status_code, s.get("/echo").json()],
        listen=False,
    )


@pytest.mark.parametrize("name", ["send", "prepare_request", "request"])
def test_same_with_a_method_of_the_object(server: Any, name: str) -> None:
    def call(session: Any) -> Any:
        session.get("/echo")
        own = getattr(session, name)
        calls = []
        setattr(session, name, lambda *args, **kwargs: calls.append(name) or own(*args, **kwargs))
        return [session.get("/echo").json(), session.post("/echo", json=1).json(), calls]

    check(f"object's {name}", server.url, call, listen=False)
