"""Rows of the HTTP client: TLS and bodies beside wrk, and what a check on each response costs."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from typing import Iterator, Optional

from bench import servers
from bench.generators import Job, worker, wrk, wrk_summary
from bench.master import Master
from bench.measure import Round, median_cpu, median_rate, window
from bench.process import Process
from bench.report import Row
from bench.settings import BenchError, Settings

CONNECTIONS = 64
HEADER = ("", "CPU us/request", "of the first", "requests/s", "core used", "server us/request")


@dataclass(frozen=True)
class Case:
    name: str
    path: str
    check: Optional[str] = None  # of the native worker; None: wrk

    def job(self) -> Job:
        env = {"BENCH_PATH": self.path, "BENCH_CHECK": self.check or ""}
        return Job(
            "web", CONNECTIONS, CONNECTIONS, program="bench-worker", variables=tuple(env.items())
        )


def tls(settings: Settings) -> Row:
    row = Row(
        "tls",
        f"{CONNECTIONS} kept connections to nginx with TLS 1.3, one cipher; pinned as in hello",
        HEADER,
    )
    cases = (Case("wrk", "/hello/"), Case("native", "/hello/", ""))
    cost = _compare(settings, row, "tls", cases, secure=True)
    if len(cost) == 2:
        of_wrk = cost["native"] / cost["wrk"]
        row.goal("native / wrk over TLS", of_wrk, of_wrk <= 1.25, "at most 1.25", " x")
    return row


def bodies(settings: Settings) -> Row:
    row = Row(
        "bodies",
        "1 KB, 100 KB, and 100 KB of text with gzip (which wrk does not decode), from nginx",
        HEADER,
    )
    for name in ("1k", "100k", "gzip"):
        path = f"/bodies/{name}"
        cases = (Case(f"wrk, {name}", path), Case(f"native, {name}", path, ""))
        _compare(settings, row, name, cases)
    return row


def checks(settings: Settings) -> Row:
    row = Row("checks", "this worker, with a check on each response to a hello of six bytes", HEADER)
    kinds = ("", "status", "header", "contains", "matches")
    cases = tuple(Case(kind or "no check", "/checked", kind) for kind in kinds)
    cost = _compare(settings, row, "checks", cases)
    for kind in kinds[1:]:
        if kind in cost and "no check" in cost:
            ratio = cost[kind] / cost["no check"]
            row.goal(f"{kind} / no check", ratio, ratio <= 1.10, "at most 1.10", " x")
    return row


@contextmanager
def _load(
    settings: Settings, case: Case, master: Master, server: servers.Server
) -> Iterator[Process]:
    core = settings.cores[0]
    if case.check is None:
        url = server.host + case.path
        with wrk(settings, url, CONNECTIONS, threads=1, cores=core) as process:
            yield process
    else:
        with worker(
            settings, "native", case.job(), master, server, threads=1, cores=core
        ) as process:
            yield process


def _compare(
    settings: Settings, row: Row, label: str, cases: tuple[Case, ...], secure: bool = False
) -> dict[str, float]:
    """Takes the cases in turn; what each costs, by its name."""
    taken: dict[str, list[Round]] = {}
    left = list(cases)
    start = servers.nginx_tls if secure else servers.nginx
    env = {"BENCH_PATH": cases[0].path}
    with start(settings, settings.cores[1]) as server:
        row.commands[f"nginx ({label})"] = server.process.shown
        with Master(settings, "web.py", settings.cores[1], env) as master:
            for number in range(settings.rounds):
                for case in tuple(left):
                    try:
                        done = _one_round(settings, row, case, master, server)
                    except BenchError as error:
                        row.problems.append(f"{case.name}: {error}")
                        left.remove(case)
                        continue
                    taken.setdefault(case.name, []).append(done)
                    row.rounds.append({"case": case.name, "round": number, **done.as_json()})
    return _summarise(row, label, taken)


def _one_round(
    settings: Settings, row: Row, case: Case, master: Master, server: servers.Server
) -> Round:
    with _load(settings, case, master, server) as process:
        watched = {"generator": process, "master": master.process}
        done = window(server, watched, settings.seconds)
    row.commands[case.name] = process.shown
    if case.check is None:
        done.note.update(wrk_summary(process))
    else:
        done.note["failures"] = int(master.total()["Failure Count"])
        if done.note["failures"]:
            row.problems.append(f"{case.name}: {done.note['failures']} failures")
    return done


def _summarise(row: Row, label: str, taken: dict[str, list[Round]]) -> dict[str, float]:
    cost = {name: median_cpu(rounds, "generator") for name, rounds in taken.items()}
    first = next(iter(cost.values()), 0.0)
    for name, rounds in taken.items():
        row.table.append(
            (
                name,
                f"{cost[name]:.2f}",
                f"{cost[name] / first:.2f}",
                f"{median_rate(rounds):,.0f}",
                f"{median(item.cores_used['generator'] for item in rounds):.0%}",
                f"{median_cpu(rounds, 'server'):.2f}",
            )
        )
    row.summary[label] = {
        name: {
            "cpu_us_per_request": round(cost[name], 3),
            "requests_per_second": round(median_rate(rounds), 1),
        }
        for name, rounds in taken.items()
    }
    return cost
