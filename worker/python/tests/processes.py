"""Whole processes: masters with their web interface, workers and local runs of the installed Locust, with
and without the native parts. A test marked as a scenario runs beside the others of its module, as most of its
time goes into waiting."""

from __future__ import annotations

import html
import inspect
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable
from itertools import count
from pathlib import Path
from typing import Any

import gevent
import gevent.pool
import locustpp
from harness import VERSION

FILES = Path(__file__).parent / "locustfiles"
SIDE_BY_SIDE = 6
CACHED = 2.1  # seconds for which a web interface repeats its statistics

_ports = count(10000 + os.getpid() * 50 % 20000)


def free_port() -> int:
    """Below what the system hands out by itself."""
    while True:
        port = 10000 + next(_ports) % 22000
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


def eventually(what: str, seen: Callable[[], Any], limit: float = 30, tell: Callable[[], Any] = lambda: "") -> Any:
    """Waits until `seen()` is true, and returns it."""
    end = time.monotonic() + limit
    while True:
        value = seen()
        if value:
            return value
        assert time.monotonic() < end, f"not within {limit} s: {what}; {tell()}"
        time.sleep(0.1)


class Process:
    def __init__(
        self, place: Path, name: str, command: list[str], env: dict[str, str] | None = None, stdin: int = subprocess.DEVNULL
    ) -> None:
        self.file = place / f"{name}.log"
        clean = {key: value for key, value in os.environ.items() if not key.startswith("LOCUST")}
        with self.file.open("ab") as log:
            self.process = subprocess.Popen(
                # SIGINT is ignored in what a script has started with &, and would be in what is started here.
                ["env", "--default-signal=INT", *command],
                stdin=stdin,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=place,
                env={**clean, "HOME": str(place), "PYTHONUNBUFFERED": "1", "COLUMNS": "200", **(env or {})},
                start_new_session=True,
            )

    @property
    def log(self) -> str:
        return self.file.read_text(errors="replace")

    def wait_for(self, text: str, limit: float = 30) -> str:
        """The log, when it has `text`."""
        eventually(
            f"{text!r} in {self.file.name}",
            lambda: text in self.log or self.process.poll() is not None,
            limit,
            lambda: self.log,
        )
        log = self.log
        assert text in log, f"ended ({self.process.returncode}) without {text!r}:\n{log}"
        return log

    def ended(self, limit: float = 40) -> int:
        """Its exit code."""
        try:
            return self.process.wait(limit)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.file.name} does not end:\n{self.log}") from None

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def close(self) -> None:
        try:
            os.killpg(self.process.pid, signal.SIGKILL)  # with children that it may have left
        except ProcessLookupError:
            pass
        self.process.wait(10)
        if self.process.stdin:
            self.process.stdin.close()


class Web:
    """A master or a local run by its web interface."""

    def __init__(self, process: Process, port: int) -> None:
        self.process, self.port = process, port
        eventually("the web interface", self._answers, tell=lambda: process.log)

    def _answers(self) -> bool:
        assert self.process.process.poll() is None, self.process.log
        try:
            return bool(self.get("/stats/requests"))
        except OSError:
            return False

    def get(self, path: str, data: dict[str, Any] | None = None) -> Any:
        body = urllib.parse.urlencode(data, doseq=True).encode() if data is not None else None
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{self.port}{path}", body, timeout=10) as response:
            return json.loads(response.read())

    def swarm(self, users: int, host: str, rate: float = 100, **more: Any) -> None:
        answer = self.get("/swarm", {"user_count": users, "spawn_rate": rate, "host": host, **more})
        assert answer["success"], answer

    def stop(self) -> None:
        self.get("/stop", {} if VERSION >= (2, 47) else None)
        self.wait_until("stopped", lambda stats: stats["state"] in ("stopped", "ready"))

    def reset(self) -> None:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        body = b"" if VERSION >= (2, 47) else None
        opener.open(f"http://127.0.0.1:{self.port}/stats/reset", body, timeout=10).close()
        time.sleep(CACHED)

    def stats(self) -> Any:
        return self.get("/stats/requests")

    def wait_until(self, what: str, predicate: Callable[[Any], Any], limit: float = 30) -> Any:
        def seen() -> Any:
            stats = self.stats()
            return stats if predicate(stats) else None

        return eventually(what, seen, limit, lambda: f"{self.stats()}\n{self.process.log}")

    def wait_for_workers(self, number: int = 1) -> Any:
        return self.wait_until(
            f"{number} workers",
            lambda stats: sum(worker["state"] in ("ready", "spawning", "running") for worker in stats["workers"]) == number,
        )

    def wait_for_requests(self, number: int) -> Any:
        return self.wait_until(f"{number} requests", lambda stats: stats["stats"][-1]["num_requests"] >= number)

    def settled(self) -> dict[str, tuple[int, int]]:
        """The rows when the last reports have come in."""
        last: Any = None
        for _ in range(20):
            rows = rows_of(self.stats())
            if rows == last:
                return rows
            last = rows
            time.sleep(CACHED)
        raise AssertionError(f"the numbers never settle: {last}")

    def exceptions(self) -> list[dict[str, Any]]:
        """Old releases answer them fit for HTML."""
        found = self.get("/exceptions")["exceptions"]
        return [{key: html.unescape(value) if isinstance(value, str) else value for key, value in one.items()} for one in found]


def rows_of(stats: Any) -> dict[str, tuple[int, int]]:
    """{name: (requests, failures)}"""
    return {row["name"]: (row["num_requests"], row["num_failures"]) for row in stats["stats"]}


class Target:
    """hello-target, which counts what it has answered."""

    def __init__(self, process: Process, port: int) -> None:
        self.process, self.url = process, f"http://127.0.0.1:{port}"
        eventually("the target", self._answers, tell=lambda: process.log)

    def _answers(self) -> bool:
        try:
            return self.total() >= 0
        except OSError:
            return False

    def counts(self) -> dict[str, int]:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(f"{self.url}/stats/", timeout=10) as response:
            return json.loads(response.read())["requests"]

    def total(self) -> int:
        return sum(self.counts().values())


class Place:
    """A folder of a scenario, and the processes that end with it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._processes: list[Process] = []
        self._target: Target | None = None

    def start(self, name: str, *command: str, **more: Any) -> Process:
        process = Process(self.path, name, list(command), **more)
        self._processes.append(process)
        return process

    def python(self, name: str, *arguments: Any, **more: Any) -> Process:
        return self.start(name, sys.executable, *map(str, arguments), **more)

    def run(self, module: str, *arguments: Any, name: str = "", **more: Any) -> Process:
        """`module` is locust or locustpp."""
        return self.python(name or f"{module}{len(self._processes)}", "-m", module, *arguments, **more)

    def headless(self, module: str, file: str, *arguments: Any, **more: Any) -> Process:
        return self.run(module, *files(file), "--headless", *arguments, **more)

    def master(
        self, file: str, *arguments: Any, module: str = "locust", ports: tuple[int, int] | None = None, **more: Any
    ) -> Master:
        port, web = ports or (free_port(), free_port())
        process = self.run(
            *(module, *files(file), "--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", port),
            *("--web-host", "127.0.0.1", "--web-port", web, *arguments),
            name="master",
            **more,
        )
        return Master(process, web, port)

    def worker(self, master: Master, file: str, *arguments: Any, module: str = "locustpp", name: str = "", **more: Any) -> Process:
        where = ("--master-host", "127.0.0.1", "--master-port", master.link_port)
        name = name or f"worker{len(self._processes)}"
        return self.run(module, *files(file), "--worker", *where, *arguments, name=name, **more)

    def target(self, *arguments: str) -> Target:
        port = free_port()
        folder = Path(os.environ.get("LOCUSTPP_TARGET_DIR", Path(locustpp.__file__).parents[2] / "bin"))
        command = (str(folder / "hello-target"), "--host", "127.0.0.1", "--port", str(port), "--threads", "1", *arguments)
        return Target(self.start(f"target{len(self._processes)}", *command), port)

    def close(self) -> None:
        for process in reversed(self._processes):
            process.close()


class Master(Web):
    def __init__(self, process: Process, web_port: int, link_port: int) -> None:
        self.link_port = link_port
        super().__init__(process, web_port)


def files(names: str) -> tuple[str, ...]:
    """-f for "one.py,two.py", "-" or "a-folder"."""
    return ("-f", ",".join(name if name == "-" else str(FILES / name) for name in names.split(",")))


# ---- scenarios ----

_running: dict[str, gevent.Greenlet] = {}


def scenario(function: Callable[..., None]) -> Callable[..., None]:
    """A test `function(place, …)`; what else it takes is parametrized, no fixtures."""

    def test(request: Any, **parameters: Any) -> None:
        name, module = request.node.nodeid, request.node.module
        if name not in _running:
            _start(item for item in request.session.items if item.module is module and item.nodeid not in _running)
        try:
            _running[name].get()
        except BaseException:
            del _running[name]  # a second try is a run of its own
            raise

    own = [
        inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        for name in ("request", *inspect.signature(function).parameters)
        if name != "place"
    ]
    test.__signature__ = inspect.Signature(own)  # type: ignore[attr-defined]
    test.__name__, test.__doc__, test.__module__ = function.__name__, function.__doc__, function.__module__
    test.pytestmark = getattr(function, "pytestmark", [])  # type: ignore[attr-defined]
    test.scenario = function  # type: ignore[attr-defined]
    return test


def _start(items: Iterable[Any]) -> None:
    pool = gevent.pool.Pool(SIDE_BY_SIDE)
    waiting = []
    for item in items:
        if hasattr(item.function, "scenario"):
            parameters = item.callspec.params if hasattr(item, "callspec") else {}
            greenlet = gevent.Greenlet(_run, item.function.scenario, parameters)
            _running[item.nodeid] = greenlet
            waiting.append(greenlet)
    gevent.spawn(lambda: [pool.start(greenlet) for greenlet in waiting])


def _run(function: Callable[..., None], parameters: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory(prefix="locustpp-") as folder:
        place = Place(Path(folder).resolve())
        try:
            function(place, **parameters)
        finally:
            place.close()
