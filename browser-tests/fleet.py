"""The processes of one case: target, stock master and workers, on free ports of 127.0.0.1, in a folder of its own."""

from __future__ import annotations

import json
import os
import re
import socket
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from process import Process

ROOT = Path(__file__).resolve().parents[1]
VENVS = Path(os.environ.get("LOCUSTPP_VENVS", ROOT / "build/venvs"))
PROGRAMS = Path(os.environ.get("LOCUSTPP_BIN", ROOT / "build/release/bin"))
PACKAGE = Path(os.environ.get("LOCUSTPP_PYTHON_PATH", PROGRAMS.parent / "python"))
HOST = "127.0.0.1"
PATIENCE = 90  # seconds: the machine may be busy with other things

Seen = TypeVar("Seen")


def eventually(what: str, look: Callable[[], Seen | None], tell: Callable[[], object] = lambda: "") -> Seen:
    """Looks until it sees something true, and returns that."""
    end = time.monotonic() + PATIENCE
    while not (seen := look()):
        assert time.monotonic() < end, f"not within {PATIENCE} s: {what}; {tell()}"
        time.sleep(0.1)
    return seen


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def fetch(url: str) -> str:
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=30) as response:
        return response.read().decode()


class Fleet:
    """One master and what it needs around it; `locust` is its version. Target first, then the master, then workers."""

    def __init__(self, folder: Path, locust: str) -> None:
        self.folder, self.locust = folder, locust
        self.target_url = self.page = ""
        self._file = Path()
        self.logs: dict[str, Path] = {}
        self._processes: list[Process] = []
        self._link = free_port()

    def start_target(self, *options: str) -> None:
        log = self._start("target", [PROGRAMS / "hello-target", "--host", HOST, "--port", "0", *options])
        self.target_url = eventually(
            "the target listens", lambda: next(iter(re.findall(r"listening on (http://\S+)", log.read_text())), None), log.read_text
        )

    def start_master(self, file: Path, *options: str) -> None:
        """With the locustfile that its workers have as well."""
        self._file = file
        web = free_port()
        self.page = f"http://{HOST}:{web}"
        bind = ["--master-bind-host", HOST, "--master-bind-port", self._link, "--web-host", HOST, "--web-port", web]
        log = self._start("master", [self._python("locust"), "-f", self._file, "--master", *bind, *options])
        eventually("the web page answers", lambda: self._answers(self.page), log.read_text)

    def start_native_worker(self, program: str = "compat-worker", *options: str) -> None:
        """C++ user classes: the twin of the locustfile that is built into `program`."""
        self._start_worker([PROGRAMS / program, "-f", f"{self._file.stem}.cpp", *options])

    def start_python_worker(self) -> None:
        self._start_worker([self._python("python"), "-m", "locustpp", "-f", self._file], {"PYTHONPATH": str(PACKAGE)})

    def start_stock_worker(self) -> None:
        self._start_worker([self._python("locust"), "-f", self._file])

    def served(self) -> dict[str, int]:
        """What the target has answered, by route."""
        return json.loads(fetch(f"{self.target_url}/stats/"))["requests"]

    def stop(self) -> None:
        for process in reversed(self._processes):  # workers first: their last report still finds its master
            process.stop(15)

    def _python(self, program: str) -> Path:
        return VENVS / self.locust / "bin" / program

    def _start_worker(self, command: list[object], env: dict[str, str] | None = None) -> None:
        self._start(f"worker{len(self._processes)}", [*command, "--worker", "--master-host", HOST, "--master-port", self._link], env)

    def _start(self, name: str, command: list[object], env: dict[str, str] | None = None) -> Path:
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("LOCUST", "TARGET_"))}
        own = {"API_URL": self.target_url, "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1", **(env or {})}
        log = self.logs[name] = self.folder / f"{name}.log"
        self._processes.append(Process(name, [str(part) for part in command], log, {**clean, **own}, self.folder))
        return log

    @staticmethod
    def _answers(url: str) -> bool:
        try:
            return bool(fetch(url))
        except OSError:
            return False
