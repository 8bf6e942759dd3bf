"""The pinned rows: load generators side by side (hello, test_sample)."""

from __future__ import annotations

from contextlib import contextmanager
from statistics import median
from typing import Iterator, Sequence

from bench import servers
from bench.generators import Job, worker, wrk, wrk_summary
from bench.master import Master
from bench.measure import Round, median_cpu, median_rate, window
from bench.process import Process
from bench.report import Row
from bench.settings import BenchError, Settings

GENERATORS = ("wrk", "native", "stock")
HELLO = Job("hello", users=64, connections=64)
TEST_SAMPLE = Job("test_sample", users=6, connections=60)


def hello(settings: Settings) -> Row:
    row = Row(
        "hello",
        "64 users (wrk: 64 connections), load on one core, server and master on the other",
        ("", "CPU us/request", "of wrk", "requests/s", "core used", "server us/request"),
    )
    for server_name in ("nginx", "hello-target"):
        side_by_side(settings, row, HELLO, server_name)
    return row


def test_sample(settings: Settings) -> Row:
    row = Row(
        "test_sample",
        "6 users, 10 requests at a time each (wrk: 60 connections), pinned as in hello",
        ("", "CPU us/request", "of wrk", "requests/s", "core used", "server us/request"),
    )
    side_by_side(settings, row, TEST_SAMPLE, "hello-target")
    return row


@contextmanager
def _load(
    settings: Settings, kind: str, job: Job, master: Master, server: servers.Server
) -> Iterator[Process]:
    core = settings.cores[0]
    if kind == "wrk":
        with wrk(settings, server.url, job.connections, threads=1, cores=core) as process:
            yield process
    else:
        with worker(settings, kind, job, master, server, threads=1, cores=core) as process:
            yield process


def side_by_side(
    settings: Settings,
    row: Row,
    job: Job,
    server_name: str,
    generators: Sequence[str] = GENERATORS,
) -> dict[str, float]:
    """Adds the rounds and their medians to the row; the CPU us/request of each generator."""
    taken: dict[str, list[Round]] = {}
    left = list(generators)
    try:
        server = servers.start(settings, server_name, settings.cores[1])
    except BenchError as error:
        row.problems.append(f"{server_name}: {error}")
        return {}
    with server:
        env = job.env(server)
        with Master(settings, f"{job.stem}.py", settings.cores[1], env) as master:
            row.commands[server_name] = server.process.shown
            row.commands[f"master ({server_name})"] = master.process.shown
            for number in range(settings.rounds):
                for kind in tuple(left):
                    try:
                        done = _one_round(settings, row, kind, job, master, server)
                    except BenchError as error:
                        row.problems.append(f"{kind} against {server_name}: {error}")
                        left.remove(kind)
                        continue
                    taken.setdefault(kind, []).append(done)
                    row.rounds.append(
                        {"server": server_name, "generator": kind, "round": number, **done.as_json()}
                    )
    return _summarise(row, server_name, taken)


def _one_round(
    settings: Settings, row: Row, kind: str, job: Job, master: Master, server: servers.Server
) -> Round:
    with _load(settings, kind, job, master, server) as process:
        watched = {"generator": process, "master": master.process}
        done = window(server, watched, settings.seconds)
    row.commands[f"{kind} ({server.process.name})"] = process.shown
    if kind == "wrk":
        done.note.update(wrk_summary(process))
    else:
        total = master.total()
        done.note["failures"] = int(total["Failure Count"])
        done.note["master_requests_per_second"] = float(total["Requests/s"])
        if done.note["failures"]:
            row.problems.append(f"{kind}: the master counts {done.note['failures']} failures")
    return done


def _summarise(row: Row, server_name: str, taken: dict[str, list[Round]]) -> dict[str, float]:
    cost = {kind: median_cpu(rounds, "generator") for kind, rounds in taken.items()}
    for kind, rounds in taken.items():
        ratio = f"{cost[kind] / cost['wrk']:.2f}" if "wrk" in cost else "-"
        busy = median(item.cores_used["generator"] for item in rounds)
        row.table.append(
            (
                f"{kind} -> {server_name}",
                f"{cost[kind]:.2f}",
                ratio,
                f"{median_rate(rounds):,.0f}",
                f"{busy:.0%}",
                f"{median_cpu(rounds, 'server'):.2f}",
            )
        )
    row.summary[server_name] = {
        kind: {
            "cpu_us_per_request": round(cost[kind], 3),
            "requests_per_second": round(median_rate(rounds), 1),
            "server_cpu_us_per_request": round(median_cpu(rounds, "server"), 3),
        }
        for kind, rounds in taken.items()
    }
    if row.name == "hello" and "native" in cost:
        if "wrk" in cost:
            of_wrk = cost["native"] / cost["wrk"]
            row.goal(f"native / wrk, {server_name}", of_wrk, of_wrk <= 1.15, "at most 1.15", " x")
        if "stock" in cost:
            fewer = cost["stock"] / cost["native"]
            row.goal(f"stock / native, {server_name}", fewer, fewer >= 15, "at least 15", " x")
    return cost
