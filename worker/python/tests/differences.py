"""Where the native clients deliberately differ from Locust's own, in one list.

A case that is named here is compared all the same, but for the parts of the observation that are
named; a part that turns out to be equal is an error, so that the list cannot grow stale."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from locust import __version__ as locust_version


@dataclass(frozen=True)
class Difference:
    cases: str  # a pattern for names of cases, as fnmatch takes it
    parts: tuple[str, ...]  # patterns for paths in the observation, e.g. "result.text", "events.*"
    reason: str
    versions: tuple[str, ...] = ()  # of Locust; empty: all
    always: bool = True  # False: may be equal by chance (timing)
    stock: str = ""  # a pattern: only where what is looked at raises this in stock; empty: wherever


def is_excused(path: str, difference: Difference, stock: Mapping[str, Any]) -> bool:
    """`stock`: all of the observation of stock."""
    looked_at = ".".join(path.split(".")[:2])
    raised = str(stock.get(f"{looked_at}.str", ""))
    return any(fnmatchcase(path, part) for part in difference.parts) and fnmatchcase(raised, difference.stock or "*")


DIFFERENCES: list[Difference] = [
    Difference(
        "http answer interim*",
        ("*",),
        "http.client takes 103 Early Hints for the response itself; the engine waits for the final one",
    ),
    Difference(
        "http answer close-in-*",
        ("*",),
        "a failure whatever the version, without the count of bytes; urllib3 1.x takes the half of a response for a whole one",
        always=False,  # Locust 2.32.10 raises an AttributeError then, whatever the text
    ),
    Difference("http answer garbage*", ("*",), "BadStatusLine with the parser's reason instead of the line"),
    Difference("http answer bad-chunk*", ("*",), "the failure does not quote the chunk's length", always=False),
    Difference(
        "http answer encoded/short-gzip*", ("*",), "a body whose end is missing is a failure; urllib3 hides that it is"
    ),
    Difference(
        "http answer encoded/unknown*", ("*",), "a coding that nobody asked for is a failure; urllib3 shows it undecoded"
    ),
    Difference(
        "tls of HttpUser of another host",
        ("*",),
        "urllib3 1.x compares the names itself, in words of its own",
        ("2.13.0",),
    ),
    Difference(
        "tls of HttpUser in turns",
        ("*",),
        "older requests go on using a connection whatever `verify` has become meanwhile (CVE-2024-35195)",
        ("2.13.0",),
    ),
    Difference(
        "tls of HttpUser unknown certificate, TLS 1.3",
        ("*",),
        "an alert that TLS 1.3 brings after the handshake is told as one of the handshake: it names another line of CPython's _ssl.c",
    ),
    Difference(
        "*close-in-*",
        ("result.content*", "result.data*", "result.text*", "result.encoding", "result.json*", "result.__len__*"),
        "of a body that was cut off nothing is kept; stock shows what came of it, to whoever asks again",
        always=False,
    ),
    Difference(
        "get /interim*",
        ("*",),
        "these geventhttpclients take 103 Early Hints for the response itself; the engine waits for the final one",
        ("2.13.0", "2.32.10", "2.43.4", "2.46.3"),
    ),
    Difference(
        "*",
        ("result.elapsed*", "result.history*"),
        "Locust's ResponseContextManager and ErrorResponse have not got what geventhttpclient 2.6 looks for there",
        always=False,
        stock="* object has no attribute '_*'",
    ),
]


def differences_of(case: str) -> list[Difference]:
    return [
        one
        for one in DIFFERENCES
        if fnmatchcase(case, one.cases) and (not one.versions or locust_version in one.versions)
    ]
