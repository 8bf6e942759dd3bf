"""Whom the clients believe, and who they say they are: native ones beside Locust's own, with an authority
of the tests' own."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from typing import Any

import fast_sessions
import http_sessions
import pytest
from geventhttpclient.connectionpool import SSLConnectionPool
from harness import catch, get, steps
from locustpp.errors import exception_of

Use = Callable[[Any, Any, Any], Any]  # of a session, the certificates and the server


# ---- FastHttpUser, insecure = False ----

FAST: dict[str, tuple[int | str, Callable[[Any], Any]]] = {
    "trusted": (0, get("/echo")),
    "trusted and again": (0, steps(get("/hello/"), get("/hello/"))),
    "trusted, posted": (0, lambda s: s.post("/echo", json={"a": 1})),
    "trusted, redirected": (0, get("/redirect/302/2")),
    "trusted, by name": (0, lambda s: s.get(s.base_url.replace("127.0.0.1", "localhost") + "/hello/")),
    "of another host": (1, get("/hello/")),
    "of another host, caught": (1, lambda s: catch(s.get("/hello/", catch_response=True))),
    "of nobody": ("tls_url", get("/hello/")),
    "that wants a certificate": (2, get("/hello/")),
    "without TLS": ("url", lambda s: s.get(s.base_url.replace("http:", "https:") + "/hello/")),
    "plain": ("url", get("/hello/")),
}


@pytest.mark.parametrize("case", FAST)
@pytest.mark.parametrize("listen", [True, False])
def test_fast_session_that_verifies(
    case: str, listen: bool, secure_server: Any, certificates: Any, monkeypatch: Any, told: Any
) -> None:
    monkeypatch.setitem(SSLConnectionPool.default_options, "ca_certs", certificates.path("ca.pem"))
    which, call = FAST[case]
    url = getattr(secure_server, which) if isinstance(which, str) else secure_server.secure[which]
    fast_sessions.check(f"verifying {case}", url, call, listen=listen, insecure=False)
    assert told() == []


def test_fast_session_believes_nobody_else(secure_server: Any, told: Any) -> None:
    fast_sessions.check("unknown authority", secure_server.secure[0], get("/hello/"), insecure=False)
    assert told() == []


# ---- HttpUser: verify and cert ----


def with_settings(call: Callable[[Any], Any] = get("/hello/"), **names: Any) -> Use:
    """`call` after these attributes of the session have been set, files by their names."""

    def use(session: Any, certificates: Any, server: Any) -> Any:
        for attribute, value in names.items():
            setattr(session, attribute, files(value, certificates))
        return call(session)

    return use


def files(value: Any, certificates: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return type(value)(files(one, certificates) for one in value)
    return certificates.path(value) if isinstance(value, str) else value


def per_call(**names: Any) -> Use:
    return lambda session, certificates, server: session.get(
        "/hello/", **{name: files(value, certificates) for name, value in names.items()}
    )


def in_turns(session: Any, certificates: Any, server: Any) -> Any:
    """The same session believes now this and now that."""
    seen = []
    for verify in ("ca.pem", "alone.pem", "hashed", "empty", "ca.pem"):
        session.verify = certificates.path(verify)
        seen.append(session.get("/hello/").status_code)
        seen.append(session.get("/hello/", verify=False).status_code)
    return seen


PAIR = ("client.pem", "client.key")
HTTP: dict[str, tuple[int | str, Use]] = {
    "file": (0, with_settings(verify="ca.pem")),
    "file and again": (0, with_settings(steps(get("/hello/"), get("/echo"), get("/hello/")), verify="ca.pem")),
    "file, posted": (0, with_settings(lambda s: s.post("/echo", json={"a": 1}), verify="ca.pem")),
    "file, redirected": (0, with_settings(get("/redirect/302/2"), verify="ca.pem")),
    "file, caught": (0, with_settings(lambda s: catch(s.get("/hello/", catch_response=True)), verify="ca.pem")),
    "file of the call": (0, per_call(verify="ca.pem")),
    "folder": (0, with_settings(verify="hashed")),
    "folder and again": (0, with_settings(steps(get("/hello/"), get("/echo"), get("/hello/")), verify="hashed")),
    "folder of the call": (0, per_call(verify="hashed")),
    "folder without anybody": (0, with_settings(verify="empty")),
    "others": (0, with_settings(verify="alone.pem")),
    "nobody known": (0, get_with_defaults := with_settings()),
    "in turns": (0, in_turns),
    "of another host": (1, with_settings(verify="ca.pem")),
    "of another host, unverified": (1, with_settings(verify=False)),
    "of nobody": ("tls_url", get_with_defaults),
    "plain": ("url", with_settings(verify="ca.pem", cert=PAIR)),
    "without TLS": ("url", lambda s, c, server: s.get(s.base_url.replace("http:", "https:") + "/hello/")),
    **{
        f"{kind}, TLS 1.{version}": (which, use)
        for which, version in ((2, 2), (3, 3))
        for kind, use in {
            "pair": with_settings(verify="ca.pem", cert=PAIR),
            "pair and again": with_settings(steps(get("/hello/"), get("/echo")), verify="ca.pem", cert=PAIR),
            "one file": with_settings(verify="ca.pem", cert="client-both.pem"),
            "pair, unverified": with_settings(verify=False, cert=PAIR),
            "pair of the call": per_call(verify="ca.pem", cert=PAIR),
            "no certificate": with_settings(verify="ca.pem"),
            "unknown certificate": with_settings(verify="ca.pem", cert=("alone.pem", "alone.key")),
        }.items()
    },
}
# Said by requests and urllib3 themselves.
UNUSABLE: dict[str, Use] = {
    "missing": with_settings(verify="nowhere.pem"),
    "garbage": with_settings(verify="garbage.pem"),
    "missing certificate": with_settings(verify="ca.pem", cert="nowhere.pem"),
    "garbage for a certificate": with_settings(verify="ca.pem", cert="garbage.pem"),
    "key of another": with_settings(verify="ca.pem", cert=("client.pem", "alone.key")),
    "list": with_settings(verify="ca.pem", cert=list(PAIR)),
    "missing key": with_settings(verify="ca.pem", cert=("client.pem", "nowhere.key")),
}


@pytest.mark.parametrize("case", HTTP)
@pytest.mark.parametrize("listen", [True, False])
@pytest.mark.filterwarnings("ignore")
def test_http_session(case: str, listen: bool, secure_server: Any, certificates: Any, told: Any) -> None:
    which, use = HTTP[case]
    url = getattr(secure_server, which) if isinstance(which, str) else secure_server.secure[which]
    http_sessions.check(f"tls of HttpUser {case}", url, lambda s: use(s, certificates, secure_server), listen=listen)
    assert told() == []


@pytest.mark.parametrize("case", UNUSABLE)
def test_http_session_with_files_of_no_use(case: str, secure_server: Any, certificates: Any, told: Any) -> None:
    url = secure_server.secure[0]
    http_sessions.check(f"unusable {case}", url, lambda s: UNUSABLE[case](s, certificates, secure_server))
    assert told() == ["HttpSession: Locust's own client for its proxy or its certificates"]


@pytest.mark.parametrize("variable", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
@pytest.mark.parametrize("name", ["ca.pem", "hashed", "alone.pem"])
def test_http_session_that_trusts_the_environment(
    variable: str, name: str, secure_server: Any, certificates: Any, monkeypatch: Any, told: Any
) -> None:
    monkeypatch.setenv(variable, certificates.path(name))
    http_sessions.check(f"{variable} {name}", secure_server.secure[0], get("/hello/"), trust_env=True)
    assert told() == []


# ---- the engine's OpenSSL need not be the one of Python's ssl ----


def in_words_of_python(name: str, text: str, error: ssl.SSLError) -> None:
    told = exception_of(f"{name}(1, {text!r})")
    assert (type(told), str(told)) == (type(error), str(error))
    assert isinstance(told, ssl.SSLError) and (told.library, told.reason) == (error.library, error.reason)


@pytest.mark.parametrize("words", ["sslv3 alert", "ssl/tls alert"])
def test_alert_in_the_words_of_another_openssl(words: str) -> None:
    answer = ssl.MemoryBIO()
    answer.write(bytes([21, 3, 3, 0, 2, 2, 40]))  # fatal handshake_failure: RFC 5246, 6.2.1 and 7.2
    client = ssl.create_default_context().wrap_bio(answer, ssl.MemoryBIO(), server_hostname="nowhere")
    with pytest.raises(ssl.SSLError) as raised:
        client.do_handshake()
    in_words_of_python("SSLError", f"[SSL: SSLV3_ALERT_HANDSHAKE_FAILURE] {words} handshake failure", raised.value)


@pytest.mark.parametrize("words", ["self signed", "self-signed"])
def test_certificate_in_the_words_of_another_openssl(words: str, secure_server: Any) -> None:
    port = int(secure_server.tls_url.rpartition(":")[2])
    with socket.create_connection(("127.0.0.1", port)) as connection, pytest.raises(ssl.SSLError) as raised:
        ssl.create_default_context().wrap_socket(connection, server_hostname="127.0.0.1")
    text = f"[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: {words} certificate"
    in_words_of_python("SSLCertVerificationError", text, raised.value)
