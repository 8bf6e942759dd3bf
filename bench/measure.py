"""One measurement window: CPU time from /proc over requests counted by the server."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any, Callable, Iterable, Mapping

from bench.machine import busy_seconds, cpu_seconds
from bench.process import Process
from bench.servers import Server
from bench.settings import BenchError

QUIET = 0.15  # cores; the kernel's own work and the bench stay below it


@dataclass
class Round:
    seconds: float
    requests: int
    cpu_us: dict[str, float]  # per request, for each process watched
    cores_used: dict[str, float]  # 1.0 is one core wholly busy
    others: float  # cores used by everything that is not watched: it should be near 0
    note: dict[str, Any] = field(default_factory=dict)

    @property
    def per_second(self) -> float:
        return self.requests / self.seconds

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "requests_per_second": round(self.per_second, 1)}


def window(
    server: Server,
    watched: Mapping[str, Process],
    seconds: float,
    cpu_of: Callable[[int], float] = cpu_seconds,
) -> Round:
    """Counts first, clocks next to it: on a busy core the counter's answer is what takes time."""
    watched = {**watched, "server": server.process}
    requests = server.requests()
    began, busy = time.monotonic(), busy_seconds()
    cpu = {name: cpu_of(process.pid) for name, process in watched.items()}
    time.sleep(seconds)
    done = server.requests() - requests
    lasted, busy = time.monotonic() - began, busy_seconds() - busy
    for process in watched.values():
        process.check()
    used = {name: cpu_of(process.pid) - cpu[name] for name, process in watched.items()}
    if done < 10:
        raise BenchError(f"only {done} requests reached {server.process.name} in {lasted:.1f} s")
    if not used.get("generator", 1.0):
        raise BenchError(f"{lasted:.1f} s are too short for the kernel's clock of CPU time: measure longer")
    return Round(
        seconds=round(lasted, 4),
        requests=done,
        cpu_us={name: round(value / done * 1e6, 3) for name, value in used.items()},
        cores_used={name: round(value / lasted, 3) for name, value in used.items()},
        others=round(max(0.0, busy - sum(used.values())) / lasted, 3),
    )


def disturbance(rounds: Iterable[Mapping[str, Any]]) -> str:
    """A sentence where other programs (or the host) took part in the measurement."""
    most = max((item.get("others", 0.0) for item in rounds), default=0.0)
    if most < QUIET:
        return ""
    return f"disturbed: other programs used up to {most:.2f} cores during a window; measure again"


def median_cpu(rounds: Iterable[Round], name: str) -> float:
    return median(item.cpu_us[name] for item in rounds)


def median_rate(rounds: Iterable[Round]) -> float:
    return median(item.per_second for item in rounds)
