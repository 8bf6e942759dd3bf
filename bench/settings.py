"""What the command line decided: paths, cores, and how long each measurement takes."""

from __future__ import annotations

import os
import resource
from dataclasses import dataclass
from pathlib import Path


class BenchError(Exception):
    """A row cannot be measured; the text is the one sentence the user reads."""


@dataclass(frozen=True)
class Settings:
    root: Path
    build: Path  # holds bin/locust-worker and bin/hello-target
    work: Path  # our own scratch folder: configurations and logs
    locustfiles: Path
    venv: Path  # the virtual environment of the stock Locust
    locust: str  # its version
    seconds: float  # one measurement window
    warm_up: float
    rounds: int
    headline_seconds: float
    heartbeat_seconds: float
    idle_users: int
    starts: int
    port: int | None  # of the first server; None: a free one
    keep_logs: bool
    cores: tuple[int, int]  # load generator, server

    @property
    def worker(self) -> Path:
        return self.binary("locust-worker")

    @property
    def both_cores(self) -> str:
        return f"{self.cores[0]},{self.cores[1]}"

    def binary(self, name: str) -> Path:
        path = self.build / "bin" / name
        if not path.is_file():
            raise BenchError(
                f"{path} is not built: cmake --preset release && cmake --build --preset release"
            )
        return path

    @property
    def python(self) -> Path:
        path = self.venv / "bin" / "python"
        if not path.is_file():
            raise BenchError(
                f"no Locust {self.locust} at {self.venv}: python3 -m venv {self.venv} && "
                f"{self.venv}/bin/pip install locust=={self.locust} (or set LOCUSTPP_VENVS)"
            )
        return path

    def locustfile(self, name: str) -> Path:
        for folder in (self.locustfiles, self.root / "bench" / "locustfiles"):
            if (folder / name).is_file():
                return folder / name
        raise BenchError(f"{self.locustfiles / name} is missing")


def two_cores() -> tuple[int, int]:
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        raise BenchError("two cores are needed, one for the load and one for the server")
    return allowed[0], allowed[1]


def descriptor_limit() -> int:
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
