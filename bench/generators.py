"""The load generators that are compared: wrk, our workers, Locust's own, and others' programs."""

from __future__ import annotations

import re
import signal
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Iterator, Optional

from bench import foreign
from bench.machine import cpu_seconds, family_cpu_seconds
from bench.master import Master
from bench.process import Process, wait_until
from bench.servers import Server
from bench.settings import Settings


@dataclass(frozen=True)
class Job:
    """What the workers of a row do: a pair of locustfiles with one stem, and how many users."""

    stem: str
    users: int
    connections: int  # of wrk, for the same number of requests in flight
    program: str = "locust-worker"
    variables: tuple[tuple[str, str], ...] = ()

    def env(self, server: Server) -> Optional[dict[str, str]]:
        if self.stem == "test_sample":
            return {"API_URL": server.host}
        return dict(self.variables) or None


@contextmanager
def wrk(
    settings: Settings, url: str, connections: int, *, threads: int, cores: str | int | None
) -> Iterator[Process]:
    """wrk, running until the block ends; an interrupt makes it print its summary."""
    command = ["wrk", f"-t{threads}", f"-c{connections}", "-d1h", "--latency", url]
    process = Process(settings, "wrk", command, cores=cores, stop_signal=signal.SIGINT)
    with process:
        time.sleep(settings.warm_up)
        process.check()
        yield process


@contextmanager
def _foreign(settings: Settings, kind: str, job: Job, server: Server) -> Iterator[Process]:
    command = foreign.command(settings, kind, server.host, job.users)
    began = server.requests()
    with Process(settings, kind, command, cores=settings.cores[0], stop_signal=signal.SIGINT) as process:
        # Some take seconds to make their users.
        wait_until("its requests", lambda: server.requests() - began > 1000, process, 60)
        time.sleep(settings.warm_up)
        yield process


@contextmanager
def load(
    settings: Settings, kind: str, job: Job, master: Master, server: Server
) -> Iterator[Process]:
    """Any of them on the first core: wrk and the programs of others by themselves, workers at that
    master. What follows --processes in the kind is for Locust's option of that name."""
    core = settings.cores[0]
    if kind == "wrk":
        running = wrk(settings, server.url, job.connections, threads=1, cores=core)
    elif kind in foreign.KINDS:
        running = _foreign(settings, kind, job, server)
    else:
        name, _, count = kind.partition(" --processes ")
        running = worker(
            settings, name, job, master, server, threads=1, cores=core, processes=int(count or 0)
        )
    with running as process:
        yield process


def cpu_of(kind: str) -> Callable[[int], float]:
    return family_cpu_seconds if "--processes" in kind else cpu_seconds


PERCENTILES = ("50%", "75%", "90%", "99%")
UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60000.0}


def wrk_percentiles(process: Process) -> dict[str, float]:
    """Response times in ms."""
    found = re.findall(r"^ +(\d+%) +([\d.]+)(us|ms|s|m)$", process.out.read_text(), re.MULTILINE)
    return {name: round(float(value) * UNITS[unit], 4) for name, value, unit in found}


def wrk_summary(process: Process) -> dict[str, str]:
    """What wrk said at its end, as it said it: latency line and socket errors."""
    text = process.out.read_text()
    found = {}
    for key, pattern in (
        ("latency", r"^ *Latency +(.*)$"),
        ("socket_errors", r"^ *Socket errors: (.*)$"),
        ("bad_status", r"^ *Non-2xx or 3xx responses: (.*)$"),
    ):
        match = re.search(pattern, text, re.MULTILINE)
        if match:
            found[key] = match.group(1).strip()
    return found


def native_command(
    settings: Settings,
    locustfile: str,
    port: int,
    threads: int = 0,
    program: str = "locust-worker",
) -> list[str]:
    command = [str(settings.binary(program)), "-f", locustfile, "--worker"]
    command += ["--master-host", "127.0.0.1", "--master-port", str(port)]
    return command + (["--threads", str(threads)] if threads else [])


def stock_command(
    settings: Settings, locustfile: Path, port: int, module: str = "locust", processes: int = 0
) -> list[str]:
    command = [str(settings.python), "-m", module, "-f", str(locustfile), "--worker"]
    command += ["--master-host", "127.0.0.1", "--master-port", str(port)]
    return command + (["--processes", str(processes)] if processes else [])


def python_env(settings: Settings) -> dict[str, str]:
    """Where the package locustpp is found as it was built."""
    return {"PYTHONPATH": str(settings.build / "python")}


@contextmanager
def worker(
    settings: Settings,
    kind: str,
    job: Job,
    master: Master,
    server: Server,
    *,
    threads: int,
    cores: str | int | None,
    processes: int = 0,
) -> Iterator[Process]:
    """A worker at that master with all its users running, warmed up; `kind` is native (C++ user
    classes), python (a Python locustfile on the native engine) or stock."""
    env = dict(job.env(server) or {})
    if kind == "native":
        command = native_command(settings, f"{job.stem}.cpp", master.port, threads, job.program)
    else:
        module = "locustpp" if kind == "python" else "locust"
        locustfile = settings.locustfile(f"{job.stem}.py")
        command = stock_command(settings, locustfile, master.port, module, processes)
        env.update(python_env(settings) if kind == "python" else {})
    wait_until("the last worker's farewell", lambda: master.worker_count() == 0, master.process)
    with Process(settings, kind, command, cores=cores, env=env) as process:
        workers = max(1, processes)
        wait_until("its registration", lambda: master.worker_count() == workers, process)
        master.swarm(job.users, server.host)
        wait_until("its users", lambda: master.user_count() == job.users, process)
        time.sleep(settings.warm_up)
        yield process
        master.stop()
