"""Python locustfiles on the native engine beside stock Locust and wrk (python_*)."""

from __future__ import annotations

from statistics import median
from typing import Optional, Sequence

from bench import servers
from bench.generators import Job, python_env, stock_command
from bench.machine import rss_bytes
from bench.process import Process, wait_until
from bench.report import Row
from bench.rows_load import COLUMNS, HELLO, HTTP_USER, TEST_SAMPLE, side_by_side
from bench.rows_worker import MEMORY, STARTS, one_start, show_memory, show_starts
from bench.settings import Settings
from bench.wire import Wire

ONE, TWO = "python", "python --processes 2"
IDLE_USERS = 2000


def hello(settings: Settings) -> Row:
    title = "hello.py (FastHttpUser), 64 users, pinned as in hello"
    return _beside_stock(settings, Row("python_hello", title, COLUMNS), HELLO, fewer=9, of_wrk=2.0)


def http_user(settings: Settings) -> Row:
    row = Row("python_http_user", "the same with HttpUser", COLUMNS)
    return _beside_stock(settings, row, HTTP_USER, fewer=25)


def sample(settings: Settings) -> Row:
    row = Row("python_sample", "test_sample.py: a gevent pool of ten for each task", COLUMNS)
    return _beside_stock(settings, row, TEST_SAMPLE, fewer=5, server="hello-target")


def _beside_stock(
    settings: Settings,
    row: Row,
    job: Job,
    *,
    fewer: int,
    of_wrk: Optional[float] = None,
    server: str = "nginx",
) -> Row:
    cost = side_by_side(settings, row, job, server, ("wrk", "python", "stock"))
    if of_wrk and cost.keys() >= {"python", "wrk"}:
        _ratio_goal(row, cost, "python", "wrk", of_wrk)
    if cost.keys() >= {"python", "stock"}:
        ratio = cost["stock"] / cost["python"]
        row.goal("stock / python", ratio, ratio >= fewer, f"at least {fewer}", " x")
    return row


def _ratio_goal(row: Row, cost: dict[str, float], above: str, below: str, most: float) -> None:
    ratio = cost[above] / cost[below]
    row.goal(f"{above} / {below}", ratio, ratio <= most, f"at most {most}", " x")


def processes(settings: Settings) -> Row:
    row = Row(
        "python_processes",
        "hello.py, one process and --processes 2, all of them on the one core of hello",
        COLUMNS,
    )
    cost = side_by_side(settings, row, HELLO, "nginx", (ONE, TWO))
    if len(cost) == 2:
        _ratio_goal(row, cost, TWO, ONE, 1.1)
    return row


def start(settings: Settings) -> Row:
    row = Row("python_start", *STARTS)
    taken: dict[str, list[float]] = {"python": [], "stock": []}
    with Wire(settings) as wire:
        for _ in range(settings.starts):
            for kind, times in taken.items():
                command, env = _worker(settings, kind, "hello.py", wire.port)
                times.append(one_start(settings, row, wire, kind, command, env))
    for kind, times in taken.items():
        show_starts(row, kind, times)
    over = median(taken["python"]) - median(taken["stock"])
    row.goal("python - stock", over, over <= 200, "at most 200", " ms")
    return row


def _worker(
    settings: Settings, kind: str, locustfile: str, port: int
) -> tuple[Sequence[str], dict[str, str]]:
    module, env = ("locustpp", python_env(settings)) if kind == "python" else ("locust", {})
    return stock_command(settings, settings.locustfile(locustfile), port, module), env


def idle(settings: Settings) -> Row:
    row = Row(
        "python_idle",
        f"memory of {IDLE_USERS:,} FastHttpUsers that have made one request and wait",
        MEMORY,
    )
    each = {kind: _idle_bytes(settings, row, kind) for kind in ("python", "stock")}
    _ratio_goal(row, each, "python", "stock", 1.0)
    return row


def _idle_bytes(settings: Settings, row: Row, kind: str) -> float:
    with servers.nginx(settings, None, connections=3 * IDLE_USERS) as server, Wire(settings) as wire:
        command, env = _worker(settings, kind, "idle_user.py", wire.port)
        with Process(settings, kind, command, env=env) as process:
            wire.wait_for("client_ready", process, process.started)
            before = rss_bytes(process.pid)
            asked = server.requests()
            wire.spawn({"IdleUser": IDLE_USERS}, server.host)

            def all_asked() -> bool:
                nonlocal asked
                asked += 1  # nginx counts the reading of its counter
                return server.requests() - asked >= IDLE_USERS

            wait_until("its users' requests", all_asked, process, 120)
            return show_memory(row, kind, process, IDLE_USERS, before, rss_bytes(process.pid))
