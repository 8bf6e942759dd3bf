"""A short run of programs that were installed somewhere: a stock master, one worker, hello-target."""

from __future__ import annotations

import json
import os
import socket
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts/lib"))
from process import Process  # noqa: E402

LOCUST = Path(os.environ.get("LOCUSTPP_VENVS", ROOT / "build/venvs")) / "2.47.0/bin/locust"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(url: str, seconds: float = 60) -> bytes:
    """What is there, once it answers."""
    end = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return answer.read()
        except urllib.error.URLError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


class Load:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._running: list[Process] = []

    def close(self) -> None:
        for process in reversed(self._running):
            process.stop(5)

    def start(self, name: str, *command: str | Path) -> Process:
        process = Process(name, [str(each) for each in command], self._folder / f"{name}.log", cwd=self._folder)
        self._running.append(process)
        return process

    def run(self, target: list, worker: list, locustfile: Path, routes: dict[str, str]) -> None:
        """Three seconds of load. In the end the master must have counted, name by name, what the
        target has: ROUTES says which name stands for what there."""
        port, master_port = str(free_port()), str(free_port())
        self.start("target", *target, "--host", "127.0.0.1", "--port", port)
        get(f"http://127.0.0.1:{port}/stats/")
        master = self.start(
            "master", LOCUST, "-f", locustfile, "--master", "--headless", "--expect-workers", "1", "--json",
            "-u", "8", "-r", "8", "-t", "3", "--stop-timeout", "20", "--host", f"http://127.0.0.1:{port}",
            "--master-bind-host", "127.0.0.1", "--master-bind-port", master_port,
        )  # fmt: skip
        joined = self.start("worker", *worker, "--master-host", "127.0.0.1", "--master-port", master_port)
        ended = master.wait(120) and joined.wait(60)
        told = Path(master.log).read_text()
        said = f"{told}\n{Path(joined.log).read_text()}"
        assert ended and (master.exit_code, joined.exit_code) == (0, 0), said
        rows, _ = json.JSONDecoder().raw_decode(told, told.index("[\n"))
        served = json.loads(get(f"http://127.0.0.1:{port}/stats/"))["requests"]
        assert {row["name"]: row["num_requests"] for row in rows} == {
            name: served.get(route, 0) for name, route in routes.items()
        }, said
        assert all(row["num_requests"] > 10 and row["num_failures"] == 0 for row in rows), said
