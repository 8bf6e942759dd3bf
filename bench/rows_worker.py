"""The rows about the worker itself, at a fake master: heartbeat, idle and start."""

from __future__ import annotations

import subprocess
import time
from statistics import median
from typing import Any, Optional, Sequence

from bench import servers
from bench.generators import native_command, stock_command
from bench.machine import cpu_seconds, rss_bytes
from bench.process import Process
from bench.report import Row
from bench.settings import BenchError, Settings, descriptor_limit
from bench.wire import Wire

USERS_PER_THREAD = 64
IDLE_BYTES = 8 * 1024
IDLE_RAMP = 1000  # users a second, as a master would order them
LONGEST_GAP = 1.5
START_MS = 100
STARTS = (
    "from exec to client_ready at a master that is already there",
    ("", "median ms", "fastest ms", "slowest ms", "starts"),
)
MEMORY = ("", "users", "RSS before MB", "RSS after MB", "bytes/user")


def _compat_worker(settings: Settings, locustfile: str, port: int) -> list[str]:
    """The test suite's worker holds the user classes that no user should meet."""
    own = native_command(settings, locustfile, port)
    return [str(settings.binary("compat-worker")), *own[1:]]


def heartbeat(settings: Settings) -> Row:
    row = Row(
        "heartbeat",
        "gaps between heartbeats on the wire while every thread is busy",
        ("", "longest gap s", "median gap s", "heartbeats", "core used", "requests/s"),
    )
    users = USERS_PER_THREAD * len(set(settings.cores))
    cases: list[tuple[str, str, dict[str, int], Optional[float]]] = [
        ("native", "busy", {"HelloUser": users}, LONGEST_GAP),
        ("compat", "blocked", {}, LONGEST_GAP),
        ("stock", "busy", {"HelloUser": USERS_PER_THREAD}, None),
    ]
    for kind, state, classes, limit in cases:
        try:
            _beats(settings, row, kind, state, classes, limit)
        except BenchError as error:
            row.problems.append(f"{kind}, {state}: {error}")
    return row


def _blocking_users(settings: Settings) -> dict[str, int]:
    """One user a core of each class in blocking.cpp, as the worker's own list names them."""
    command = [str(settings.binary("compat-worker")), "-f", "blocking.cpp", "-l"]
    listed = subprocess.run(command, capture_output=True, text=True, timeout=30)
    classes = [line.strip() for line in listed.stdout.splitlines() if line.startswith(" ")]
    if not classes:
        raise BenchError("compat-worker has no blocking.cpp")
    return {name: len(set(settings.cores)) for name in classes}


def _beats(
    settings: Settings, row: Row, kind: str, state: str, users: dict[str, int], limit: Optional[float]
) -> None:
    cores = settings.both_cores
    with servers.nginx(settings, cores) as server, Wire(settings) as wire:
        if kind == "native":
            command = native_command(settings, "hello.cpp", wire.port)
        elif kind == "compat":
            users = _blocking_users(settings)
            command = _compat_worker(settings, "blocking.cpp", wire.port)
        else:
            command = stock_command(settings, settings.locustfile("hello.py"), wire.port)
        with Process(settings, kind, command, cores=cores) as process:
            wire.wait_for("client_ready", process, process.started)
            began = time.monotonic()
            wire.spawn(users, server.host)
            if state == "blocked":
                time.sleep(1)  # a blocked shard may well be unable to say that it has its users
            else:
                wire.wait_for("spawning_complete", process, began)
            began, cpu = time.monotonic(), cpu_seconds(process.pid)
            served = server.requests()
            time.sleep(settings.heartbeat_seconds)
            served = server.requests() - served
            process.check()
            ended = time.monotonic()
            used = (cpu_seconds(process.pid) - cpu) / (ended - began)
            times = [event["at"] for event in wire.events("heartbeat", began)]
    # The silence at both ends counts too: a worker that never spoke must not look perfect.
    edges = [began, *(at for at in times if at <= ended), ended]
    gaps = [later - earlier for earlier, later in zip(edges, edges[1:])]
    longest = max(gaps)
    name = f"{kind} worker, {state}"
    row.commands[name] = process.shown
    row.rounds.append({"worker": kind, "state": state, "users": users, "gaps": gaps, "cores": used})
    row.table.append(
        (
            name,
            f"{longest:.3f}",
            f"{median(gaps[1:-1] or gaps):.3f}",
            str(len(edges) - 2),
            f"{used:.0%}",
            f"{served / (ended - began):,.0f}",
        )
    )
    row.summary[name] = {"longest_gap_s": round(longest, 4), "cores_used": round(used, 3)}
    if limit is not None:
        row.goal(f"longest gap, {name}", longest, longest <= limit, f"at most {limit} s", " s")


def idle(settings: Settings) -> Row:
    users = settings.idle_users
    row = Row(
        "idle",
        f"memory of {users:,} users who have each made one request and wait, connection included",
        MEMORY,
    )
    if descriptor_limit() < users + 500:
        raise BenchError(
            f"{users:,} connections need {users + 500:,} descriptors, the limit is "
            f"{descriptor_limit():,}: ulimit -n, or fewer --idle-users"
        )
    # nginx closes idle connections once less than a sixteenth of its limit is free.
    limit = users + users // 10 + 1000
    with servers.nginx(settings, None, connections=limit) as server, Wire(settings) as wire:
        command = _compat_worker(settings, "idle.cpp", wire.port)
        with Process(settings, "compat", command) as process:
            wire.wait_for("client_ready", process, process.started)
            time.sleep(2)
            before = rss_bytes(process.pid)
            asked = server.requests()
            for wanted in [*range(IDLE_RAMP, users, IDLE_RAMP), users]:
                wire.spawn({"IdleUser": wanted}, server.host)
                time.sleep(1)
            _wait_for_everyone(server, users, asked, process)
            time.sleep(2)
            after = rss_bytes(process.pid)
            failures = sum(event["data"]["num_failures"] for event in wire.events("stats"))
    if failures:
        row.problems.append(f"{failures} of the requests failed")
    row.commands["nginx"] = server.process.shown
    each = show_memory(row, "native", process, users, before, after)
    row.goal("bytes for a user", each, each <= IDLE_BYTES, f"at most {IDLE_BYTES:,}")
    return row


def show_memory(
    row: Row, kind: str, process: Process, users: int, before: int, after: int
) -> float:
    """The bytes for each user."""
    each = (after - before) / users
    row.commands[kind] = process.shown
    row.rounds.append({"worker": kind, "users": users, "rss_before": before, "rss_after": after})
    row.table.append(
        (kind, f"{users:,}", f"{before / 1e6:.1f}", f"{after / 1e6:.1f}", f"{each:,.0f}")
    )
    row.summary[kind] = {"bytes_per_user": round(each), "users": users}
    return each


def _wait_for_everyone(
    server: servers.Server, users: int, asked: int, process: Process, seconds: float = 60.0
) -> None:
    """Until each user has made its request and holds its connection."""
    deadline = time.monotonic() + seconds
    while True:
        process.check()
        asked += 1  # nginx counts the reading of its counter
        page = server.counter_page()
        connected = servers.nginx_connections(page) - 1
        done = servers.stub_status_requests(page) - asked
        if connected >= users and done >= users:
            return
        if time.monotonic() > deadline:
            raise BenchError(
                f"of {users:,} users {connected:,} are connected and {done:,} requests are done "
                f"after {seconds:.0f} s; the worker's last line: {process.last_words()}"
            )
        time.sleep(0.2)


def start(settings: Settings) -> Row:
    row = Row("start", *STARTS)
    with Wire(settings) as wire:
        plans: list[tuple[str, Any, int]] = [
            ("native", lambda: native_command(settings, "hello.cpp", wire.port), settings.starts),
            (
                "stock",
                lambda: stock_command(settings, settings.locustfile("hello.py"), wire.port),
                max(1, settings.starts // 3),
            ),
        ]
        for kind, command, times in plans:
            try:
                taken = [one_start(settings, row, wire, kind, command()) for _ in range(times)]
            except BenchError as error:
                row.problems.append(f"{kind}: {error}")
                continue
            middle = show_starts(row, kind, taken)
            if kind == "native":
                row.goal("start", middle, middle < START_MS, f"under {START_MS} ms", " ms")
    return row


def one_start(
    settings: Settings,
    row: Row,
    wire: Wire,
    kind: str,
    command: Sequence[str],
    env: Optional[dict[str, str]] = None,
) -> float:
    with Process(settings, kind, command, env=env) as process:
        ready = wire.wait_for("client_ready", process, process.started)
        row.commands[kind] = process.shown
        return (ready - process.started) * 1000


def show_starts(row: Row, kind: str, taken: Sequence[float]) -> float:
    middle = median(taken)
    row.rounds += [{"worker": kind, "milliseconds": round(value, 2)} for value in taken]
    row.table.append(
        (kind, f"{middle:.1f}", f"{min(taken):.1f}", f"{max(taken):.1f}", str(len(taken)))
    )
    row.summary[kind] = {"median_ms": round(middle, 2)}
    return middle
