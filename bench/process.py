"""Child processes that are gone when the bench is, however the bench ends.

Each child gets a process group of its own (Ctrl-C on the terminal reaches only the bench, which
then stops them in order) and dies by the kernel's hand should the bench be killed outright.
"""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Callable, Optional, Sequence

from bench.settings import BenchError, Settings

SETTINGS = ("LOCUST", "TARGET_", "API_URL")

_running: list["Process"] = []


class Process:
    def __init__(
        self,
        settings: Settings,
        name: str,
        command: Sequence[str | Path],
        *,
        cores: str | int | None = None,
        env: Optional[dict[str, str]] = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        commands_from_us: bool = False,
    ) -> None:
        words = [str(word) for word in command]
        if cores is not None:
            words = ["taskset", "-c", str(cores), *words]
        self.name = name
        self.shown = " ".join(
            [f"{key}={shlex.quote(value)}" for key, value in (env or {}).items()]
            + [shlex.quote(word) for word in words]
        )
        self._stop_signal = stop_signal
        self._group_signalled = False
        logs = settings.work / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        self.out = logs / f"{name}-{time.monotonic_ns()}.out"
        self.err = self.out.with_suffix(".err")
        # A user's own settings in the environment must not change what is measured.
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(SETTINGS)}
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.started = time.monotonic()
            self._popen = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *words],
                stdin=subprocess.PIPE if commands_from_us else subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env={**inherited, **(env or {})},
                start_new_session=True,
            )
        _running.append(self)

    @property
    def pid(self) -> int:
        return self._popen.pid

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def send_line(self, line: str) -> None:
        assert self._popen.stdin is not None
        self._popen.stdin.write(line.encode() + b"\n")
        self._popen.stdin.flush()

    def check(self) -> None:
        """Throws when the process has ended by itself, with the last thing that it said."""
        code = self._popen.poll()
        if code is None:
            return
        raise BenchError(f"{self.name} ended with code {code}: {self.last_words()}")

    def last_words(self) -> str:
        lines = (self.err.read_text(errors="replace") + self.out.read_text(errors="replace")).strip()
        return lines.splitlines()[-1] if lines else "it printed nothing"

    def stop(self, patience: float = 10.0) -> None:
        """Asks, waits, and then insists. Also ends what the process itself has started."""
        if self._popen.poll() is None:
            self._signal(self._stop_signal)
            try:
                self._popen.wait(patience)
            except subprocess.TimeoutExpired:
                pass
        self._signal(signal.SIGKILL)
        self._popen.wait()
        if self._popen.stdin is not None:
            try:
                self._popen.stdin.close()
            except OSError:
                pass
        if self in _running:
            _running.remove(self)

    def _signal(self, which: signal.Signals) -> None:
        try:
            os.killpg(self.pid, which)
        except ProcessLookupError:
            pass


def stop_everything() -> None:
    for process in reversed(list(_running)):
        process.stop(patience=2.0)


def wait_until(
    what: str, condition: Callable[[], bool], process: Process, seconds: float = 30.0
) -> None:
    """Polls; fails in one sentence when time is up or the process ends meanwhile."""
    deadline = time.monotonic() + seconds
    while not condition():
        process.check()
        if time.monotonic() > deadline:
            raise BenchError(
                f"{process.name}: {what} did not come within {seconds:.0f} s; "
                f"its last line: {process.last_words()}"
            )
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
    except OSError:
        return False
    return True
