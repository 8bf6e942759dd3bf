"""FastHttpSession: every public method and argument, the native one beside Locust's own."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import locust.contrib.fasthttp
import pytest
from fast_sessions import check, cookies_of, maker
from geventhttpclient.response import HTTPParseError
from geventhttpclient.useragent import CompatResponse
from harness import VERSION, Cases, Side, StockFastHttpSession, catch, plain, raising
from locust.exception import ResponseError
from locustpp import fast_wire
from locustpp.fasthttp import FastHttpSession

CASES = Cases()
add = CASES.add

VERBS = ("get", "post", "put", "patch", "delete", "head", "options")
for verb in VERBS:
    add(f"{verb} hello", lambda s, v=verb: getattr(s, v)("/hello/"))
    add(f"{verb} echo", lambda s, v=verb: getattr(s, v)("/echo?a=b&c=d"))
    add(f"{verb} echo twice", lambda s, v=verb: [getattr(s, v)("/echo").status_code for _ in range(3)] and getattr(s, v)("/echo"))
    add(f"{verb} named", lambda s, v=verb: getattr(s, v)("/echo", name="a name"))
    add(f"{verb} empty name", lambda s, v=verb: getattr(s, v)("/echo", name=""))
    add(f"request {verb}", lambda s, v=verb: s.request(v.upper(), "/echo"))
    add(f"request lower {verb}", lambda s, v=verb: s.request(v, "/echo"))
    add(f"request {verb} positional", lambda s, v=verb: s.request(v.upper(), "/echo", "name", "data"))
    for code in (200, 201, 204, 226, 299, 300, 304, 400, 401, 404, 418, 500, 503):
        add(f"{verb} status {code}", lambda s, v=verb, c=code: getattr(s, v)(f"/status/{c}"))
    for code in (301, 302, 303, 307, 308):
        add(f"{verb} redirect {code}", lambda s, v=verb, c=code: getattr(s, v)(f"/redirect/{c}/1"))
        add(f"{verb} redirect {code} not allowed", lambda s, v=verb, c=code: getattr(s, v)(f"/redirect/{c}/1", allow_redirects=False))
    for code in (200, 404):
        add(f"{verb} catch {code}", lambda s, v=verb, c=code: catch(getattr(s, v)(f"/status/{c}", catch_response=True)))

BODIES: dict[str, dict[str, Any]] = {
    "text": {"data": "some text"},
    "unicode": {"data": "grüße €"},
    "empty text": {"data": ""},
    "bytes": {"data": b"\x00\x01\xff"},
    "empty bytes": {"data": b""},
    "form": {"data": {"a": "1", "b": "ü &="}},
    "form with list": {"data": {"a": [1, 2]}},
    "empty form": {"data": {}},
    "json": {"json": {"a": [1, None, "ü"]}},
    "json list": {"json": [1]},
    "json empty": {"json": {}},
    "json zero": {"json": 0},
    "json none": {"json": None},
    "json and data": {"json": {"a": 1}, "data": "wins"},
    "json and empty data": {"json": {"a": 1}, "data": ""},
    "json with headers": {"json": {"a": 1}, "headers": {"Content-Type": "application/x-other", "Accept": "text/x"}},
    "json with lower headers": {"json": {"a": 1}, "headers": {"content-type": "application/x-other", "accept": "text/x"}},
    "text with type": {"data": "a;b", "headers": {"Content-Type": "text/csv"}},
    "bytes with type": {"data": b"ab", "headers": {"Content-Type": "image/x"}},
    "form with type": {"data": {"a": "b"}, "headers": {"Content-Type": "application/x-form"}},
    "headers": {"headers": {"X-One": "1", "x-two": "zwei", "User-Agent": "me", "Host": "elsewhere"}},
    "accept-encoding": {"headers": {"Accept-Encoding": "identity"}},
    "lower accept-encoding": {"headers": {"accept-encoding": "identity"}},
    "auth": {"auth": ("ana", "secret")},
    "auth and header": {"auth": ("ana", "secret"), "headers": {"Authorization": "Bearer x"}},
    "auth bytes": {"auth": (b"ana", b"secret")},
    "context": {"context": {"trace": 1}},
    "params": {"params": {"q": "ü &", "n": 1}},
    "params list": {"params": [("a", "1"), ("a", "2")]},
    "unknown keyword": {"timeout": 0.1},
    "max_retries": {"max_retries": 2},
    "max_redirects": {"max_redirects": 1},
    "bytearray": {"data": bytearray(b"abc")},
    "number header": {"headers": {"X-Number": 5}},
    "own length": {"data": "abc", "headers": {"Content-Length": "3"}},
    "header with newline": {"headers": {"X-Bad": "a\r\nX-Worse: b"}},
    "latin header": {"headers": {"X-Latin": "grüße"}},
    "unicode header": {"headers": {"X-Euro": "5 €"}},
    "list header": {"headers": {"X-Two": ["a", "b"]}},
    "tuple header": {"headers": {"X-Two": ("a", "b")}},
    "number body": {"data": 5},
    "list body": {"data": [1, 2]},
}  # fmt: skip
for verb in ("get", "post", "put", "patch", "delete"):
    for name, arguments in BODIES.items():
        if verb in ("patch", "put") and name in ("unknown keyword",):
            continue
        add(f"{verb} {name}", lambda s, v=verb, a=arguments: s.request(v.upper(), "/echo", **a))
for name, arguments in BODIES.items():
    add(f"post {name} to redirect 307", lambda s, a=arguments: s.post("/redirect/307/2", **a))
    add(f"post {name} to redirect 302", lambda s, a=arguments: s.post("/redirect/302/2", **a))
    add(f"post {name} to 500", lambda s, a=arguments: s.post("/status/500", **a))
    add(f"post {name} caught", lambda s, a=arguments: catch(s.post("/echo", catch_response=True, **a)))
    add(f"post {name} twice", lambda s, a=arguments: (s.post("/echo", **a), s.post("/echo", **a))[1])

for kind in ("gzip", "deflate", "raw-deflate", "br", "identity", "upper", "bad-gzip", "short-gzip", "unknown", "empty-gzip"):
    add(f"encoded {kind}", lambda s, k=kind: s.get(f"/encoded/{k}"))
    add(f"encoded {kind} caught", lambda s, k=kind: catch(s.get(f"/encoded/{k}", catch_response=True)))
    add(f"encoded {kind} head", lambda s, k=kind: s.head(f"/encoded/{k}"))
for kind in ("utf-8", "latin-1", "cp1252", "utf-16", "iso-8859-15"):
    add(f"charset {kind}", lambda s, k=kind: s.get(f"/charset/{k}"))
for kind in ("", "text/plain", "application/json", "application/octet-stream", "text/html; charset=nonsense", 'text/html; charset="utf-8"'):
    add(f"type {kind!r}", lambda s, k=kind: s.get("/charset/utf-8?type=" + k.replace(" ", "%20").replace('"', "%22")))
    add(f"latin as type {kind!r}", lambda s, k=kind: s.get("/charset/latin-1?type=" + k.replace(" ", "%20").replace('"', "%22")))
BROKEN = (
    "close-at-once", "close-in-head", "close-in-body", "close-in-chunk", "reset", "garbage", "bad-chunk", "nowhere"
)  # fmt: skip
for kind in BROKEN:
    add(f"broken {kind}", lambda s, k=kind: s.get(f"/{k}"))
    add(f"broken {kind} post", lambda s, k=kind: s.post(f"/{k}", json={"a": 1}))
    add(f"broken {kind} caught", lambda s, k=kind: catch(s.get(f"/{k}", catch_response=True)))
    add(f"broken {kind} caught success", lambda s, k=kind: catch(s.get(f"/{k}", catch_response=True), lambda r: r.success()))
for path in (
    "/empty", "/json", "/not-json", "/headers", "/large/100000", "/large/2000000", "/binary", "/chunked", "/trailers",
    "/interim", "/connection-close", "/until-close", "/http10", "/basic", "/redirect-nowhere", "/lines",
):  # fmt: skip
    add(f"get {path}", lambda s, p=path: s.get(p))
    if path != "/interim":
        add(f"head {path}", lambda s, p=path: s.head(p))
    add(f"get {path} caught", lambda s, p=path: catch(s.get(p, catch_response=True)))
ODD_URLS = (
    "/echo?x=a b", "/echo?x=ü", "/echo?x=%41%20", "/echo/../echo", "/echo?", "/echo#part", "/echo?a#part", "/echo;p?q",
    "//echo", "", "?a=b", "echo", "/echo?u=http://x/", "/echo?[]={}|", "/echo?%", "/echo?%zz", "/echo?a=1&a=2", "/e\tcho",
)  # fmt: skip
for url in ODD_URLS:
    add(f"odd url {url!r}", lambda s, u=url: s.get(u))
    add(f"odd url {url!r} named", lambda s, u=url: s.get(u, name="odd"))
for code in (301, 302, 303, 307, 308):
    add(f"redirect {code} five", lambda s, c=code: s.get(f"/redirect/{c}/4"))
    add(f"redirect {code} fragment", lambda s, c=code: s.get(f"/redirect-to?code={c}&to=/echo%23part"))
    add(f"redirect {code} relative", lambda s, c=code: s.get(f"/redirect-to?code={c}&to=echo"))
    add(f"redirect {code} to 404", lambda s, c=code: s.get(f"/redirect-to?code={c}&to=/status/404"))
    add(f"redirect {code} to nobody", lambda s, c=code: s.get(f"/redirect-to?code={c}&to=http://127.0.0.1:9/"))
    add(f"redirect {code} caught", lambda s, c=code: catch(s.get(f"/redirect/{c}/2", catch_response=True)))
    add(f"redirect {code} authorization", lambda s, c=code: s.get(f"/redirect/{c}/2", auth=("a", "b")))
add("redirect loop", lambda s: s.get("/loop"))
add("redirect loop one", lambda s: s.get("/loop", max_redirects=1))
add("redirect none", lambda s: s.get("/redirect/302/1", max_redirects=0))
add("redirect with cookies", lambda s: s.get("/cookies/set?a=1&to=/echo"))


def session_of_requests(session: Any) -> Any:
    session.get("/cookies/set?a=1&b=zwei")
    session.get("/echo")
    session.get("/echo")
    session.get("/cookies/set?a=2")
    session.get("/delete-cookie/b")
    return session.get("/echo", name="last")


add("cookies", session_of_requests)
for text in (
    "a=b", "a=b; Path=/elsewhere", "a=b; Secure", "a=b; HttpOnly", "a=b; Domain=127.0.0.1", "a=b; Domain=example.com",
    "a=b; Max-Age=1000", "a=b; Max-Age=0", "a=b; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "a", "=b", 'a="b c"', "a=b; Path=/odd-cookie",
    "a=b; Expires=Fri, 01 Jan 2100 00:00:00 GMT",
):  # fmt: skip
    add(f"cookie {text!r}", lambda s, t=text: (s.get("/odd-cookie?" + t.replace(" ", "%20")), s.get("/echo"), s.get("/odd-cookie/x"))[1])


def flow(verdict: Callable[[Any], Any]) -> Callable[[Any, str], Any]:
    return lambda s, path: catch(s.get(path, catch_response=True), verdict)


def last_wins(response: Any) -> None:
    response.success()
    response.failure("first")
    response.failure("second")


VERDICTS: dict[str, Callable[[Any], Any]] = {
    "nothing": lambda r: None,
    "success": lambda r: r.success(),
    "failure": lambda r: r.failure("not good"),
    "failure with quotes": lambda r: r.failure("it's \"not\" good"),
    "failure exception": lambda r: r.failure(ValueError("bad value")),
    "failure none": lambda r: r.failure(None),
    "failure number": lambda r: r.failure(5),
    "last wins": last_wins,
    "failure then success": lambda r: (r.failure("x"), r.success()),
    "raise": raising(KeyError("oh")),
    "raise ResponseError": raising(ResponseError("bad response")),
    "assert": raising(AssertionError("assertion")),
    "success then raise": lambda r: (r.success(), raising(KeyError("oh"))(r)),
    "failure then raise": lambda r: (r.failure("x"), raising(KeyError("oh"))(r)),
    "raise_for_status": lambda r: r.raise_for_status(),
    "failure then raise_for_status": lambda r: (r.failure("x"), r.raise_for_status()),
    "changes meta": lambda r: r.request_meta.update(name="changed", response_length=7),
    "changes meta and fails": lambda r: (r.request_meta.update(name="changed"), r.failure("x")),
    "reads": lambda r: (r.text, r.content, r.headers, r.url, r.request.headers),
    "sets attribute": lambda r: setattr(r, "js", {"a": 1}),
    "sets encoding": lambda r: setattr(r, "encoding", "latin-1"),
}
for name, verdict in VERDICTS.items():
    for path in ("/hello/", "/status/404", "/status/500", "/redirect/302/1", "/close-at-once", "/json", "/close-in-body"):
        add(f"verdict {name} on {path}", lambda s, v=verdict, p=path: flow(v)(s, p))
add("success outside", lambda s: s.get("/hello/", catch_response=True).success())
add("failure outside", lambda s: s.get("/hello/", catch_response=True).failure("x"))
add("success without catch", lambda s: s.get("/hello/").success())
add("failure without catch", lambda s: s.get("/hello/").failure())
add("with without catch", lambda s: catch(s.get("/hello/")))
add("catch never entered", lambda s: s.get("/hello/", catch_response=True))
add("catch named", lambda s: catch(s.get("/hello/", catch_response=True, name="x"), lambda r: r.failure("y")))
add("catch with context", lambda s: catch(s.get("/hello/", catch_response=True, context={"a": 1})))


def files(**more: Any) -> dict[str, Any]:
    return {"files": {"f": ("name.txt", io.BytesIO(b"content"), "text/plain", {}, "boundary")}, **more}


if VERSION >= (2, 32):
    add("files", lambda s: s.post("/echo", **files()))
    add("files and form", lambda s: s.post("/echo", **files(data={"a": "b"})))
add("file body", lambda s: s.post("/echo", data=io.BytesIO(b"a file")))
add("stream", lambda s: s.get("/lines", stream=True).content)
add("stream chunked", lambda s: s.get("/chunked", stream=True).read())
add("stream caught", lambda s: catch(s.get("/lines", stream=True, catch_response=True)))
if hasattr(StockFastHttpSession, "iter_lines"):
    add("iter_lines", lambda s: list(s.iter_lines("/lines")))
    add("iter_lines post", lambda s: list(s.iter_lines("/lines", method="POST")))
    add("iter_lines of 404", lambda s: list(s.iter_lines("/status/404")))
add("flaky close", lambda s: s.get("/flaky/a/close/1"))
add("flaky close post", lambda s: [s.post("/flaky/b/close/1", data="x") for _ in range(2)][1])
add("flaky close thrice", lambda s: s.get("/flaky/c/close/3"))
add("flaky reset", lambda s: s.get("/flaky/d/reset/1"))
add("flaky 503", lambda s: (s.get("/flaky/e/503/1"), s.get("/flaky/e/503/1"))[1])
add("missing url", lambda s: s.get())
add("unknown argument type", lambda s: s.get(5))
add("None url", lambda s: s.get(None))
add("bytes url", lambda s: s.get(b"/hello/"))
add("absolute elsewhere", lambda s: s.get("http://127.0.0.1:9/"))
add("unknown host", lambda s: s.get("http://no-such-host.invalid/"))
add("bad port", lambda s: s.get("http://127.0.0.1:99999/"))
add("absolute ftp", lambda s: s.get("ftp://127.0.0.1/"))
ODD_HOSTS = {
    "nothing": "http:///x", "port only": "http://:5900/", "empty label": "http://a..b/", "long label": f"http://{'a' * 64}/",
    "double slash": "//echo", "three slashes": "///echo",
}  # fmt: skip
for kind, url in ODD_HOSTS.items():
    add(f"host of {kind}", lambda s, u=url: s.get(u))
    add(f"host of {kind} caught", lambda s, u=url: catch(s.get(u, catch_response=True)))
    add(f"host of {kind} posted", lambda s, u=url: s.post(u, data="x"))
add("bad method", lambda s: s.request("GE T", "/hello/"))
add("own method", lambda s: s.request("PURGE", "/echo"))
if fast_wire._HEAD_IS_LATIN:  # stock crashes otherwise
    add("latin header", lambda s: s.get("/latin-header"))


@pytest.mark.parametrize("case", CASES)
def test_alike(case: str, server: Any) -> None:
    check(case, server.url, CASES[case], after=cookies_of)


@pytest.mark.parametrize("case", [case for case in CASES if "flaky" not in case][::5])
def test_alike_without_listeners(case: str, server: Any) -> None:
    """The statistics alone, as they are in most runs."""
    check(case, server.url, CASES[case], after=cookies_of, listen=False)


def test_a_large_body_that_is_decoded(server: Any) -> None:
    check("large gzip", server.url, lambda s: len(s.get("/zeros/70").content), listen=False)


if HTTPParseError in locust.contrib.fasthttp.FAILURE_EXCEPTIONS:  # else it is the task's, as what the parser refuses

    def test_what_the_engine_alone_refuses_is_counted(server: Any) -> None:
        """More lines in a head than it takes."""
        side = Side(maker(FastHttpSession, server.url), True)
        response = side.session.get("/many-headers/300")
        assert (response.status_code, type(response.error)) == (0, HTTPParseError)
        assert side.environment.stats.total.num_failures == 1


if hasattr(CompatResponse, "history"):  # geventhttpclient 2.6

    @pytest.mark.parametrize("listen", (True, False))
    def test_caught_responses_know_their_history(server: Any, listen: bool) -> None:
        """Nothing to compare with: stock raises AttributeError."""
        side = Side(maker(FastHttpSession, server.url), listen)
        for path in ("/hello/", "/redirect/302/2", "/status/404"):
            uncaught = side.session.get(path)
            caught = catch(side.session.get(path, catch_response=True))
            assert plain([caught.history, caught.elapsed]) == plain([uncaught.history, uncaught.elapsed]), path
        failed = catch(side.session.get("/close-at-once", catch_response=True))
        assert (failed.history, failed.elapsed) == ([], None)
        side.close()
