"""The pinned rows: load generators side by side (hello, test_sample, clients, users)."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Any, Sequence

from bench import foreign, servers
from bench.generators import PERCENTILES, Job, cpu_of, load, wrk_percentiles, wrk_summary
from bench.master import Master
from bench.measure import Round, median_cpu, median_rate, window
from bench.report import Row
from bench.settings import BenchError, Settings

GENERATORS = ("wrk", "native", "stock")
ALL_CLIENTS = ("wrk", "native", "python", "stock")
COLUMNS = ("", "CPU us/request", "of wrk", "requests/s", "core used", "server us/request")
USERS = (1, 8, 64, 512, 4096)
HELLO = Job("hello", users=64, connections=64)
HTTP_USER = Job("hello_http_user", users=64, connections=64)
TEST_SAMPLE = Job("test_sample", users=6, connections=60)


def hello(settings: Settings) -> Row:
    row = Row(
        "hello",
        "64 users (wrk: 64 connections), load on one core, server and master on the other",
        COLUMNS,
    )
    for server_name in ("nginx", "hello-target"):
        side_by_side(settings, row, HELLO, server_name)
    return row


def test_sample(settings: Settings) -> Row:
    row = Row(
        "test_sample",
        "6 users, 10 requests at a time each (wrk: 60 connections), pinned as in hello",
        COLUMNS,
    )
    side_by_side(settings, row, TEST_SAMPLE, "hello-target")
    return row


def clients(settings: Settings) -> Row:
    row = Row("clients", "every client in turn, 64 users against nginx, pinned as in hello", COLUMNS)
    cases = {kind: Case(kind, HELLO) for kind in (*ALL_CLIENTS, *foreign.KINDS)}
    cases |= {f"{kind}, HttpUser": Case(kind, HTTP_USER) for kind in ("python", "stock")}
    taken = take_turns(settings, row, "nginx", list(cases.values()))
    _summarise(row, "nginx", {name: taken[case] for name, case in cases.items() if case in taken})
    return row


def users(settings: Settings) -> Row:
    row = Row(
        "users",
        "hello with 1 to 4,096 users against nginx, pinned as in hello: rate and response times",
        ("", "users", "requests/s", "CPU us/request", *(f"{each} ms" for each in PERCENTILES)),
    )
    cases = [Case(kind, Job("hello", count, count)) for count in USERS for kind in ALL_CLIENTS]
    for case, rounds in take_turns(settings, row, "nginx", cases).items():
        users, rate = case.job.users, median_rate(rounds)
        cost = median_cpu(rounds, "generator")
        times = {
            each: median(item.note["latency_ms"][each] for item in rounds) for each in PERCENTILES
        }
        shown = [f"{times[each]:.3g}" for each in PERCENTILES]
        row.table.append((case.kind, f"{users:,}", f"{rate:,.0f}", f"{cost:.2f}", *shown))
        of_kind: dict[str, Any] = row.summary.setdefault(case.kind, {})
        of_kind[str(users)] = {
            "requests_per_second": round(rate, 1),
            "cpu_us_per_request": round(cost, 3),
            "latency_ms": times,
        }
    return row


@dataclass(frozen=True)
class Case:
    kind: str
    job: Job


def take_turns(
    settings: Settings, row: Row, server_name: str, cases: Sequence[Case]
) -> dict[Case, list[Round]]:
    """All rounds of all cases, alternating; one that cannot be measured is said and left out. The
    cases' locustfiles are those of the first."""
    taken: dict[Case, list[Round]] = {}
    left = list(cases)
    try:
        server = servers.start(settings, server_name, settings.cores[1])
    except BenchError as error:
        row.problems.append(f"{server_name}: {error}")
        return {}
    with server:
        job = cases[0].job
        with Master(settings, f"{job.stem}.py", settings.cores[1], job.env(server)) as master:
            row.commands[server_name] = server.process.shown
            row.commands[f"master ({server_name})"] = master.process.shown
            for number in range(settings.rounds):
                for case in tuple(left):
                    try:
                        done = _one_round(settings, row, case, master, server)
                    except BenchError as error:
                        row.problems.append(f"{case.kind} against {server_name}: {error}")
                        left.remove(case)
                        continue
                    taken.setdefault(case, []).append(done)
                    about = {"server": server_name, "generator": case.kind, "users": case.job.users}
                    row.rounds.append({**about, "round": number, **done.as_json()})
    return taken


def side_by_side(
    settings: Settings,
    row: Row,
    job: Job,
    server_name: str,
    generators: Sequence[str] = GENERATORS,
) -> dict[str, float]:
    """Adds the rounds and their medians to the row; the CPU us/request of each generator."""
    taken = take_turns(settings, row, server_name, [Case(kind, job) for kind in generators])
    return _summarise(row, server_name, {case.kind: rounds for case, rounds in taken.items()})


def _one_round(
    settings: Settings, row: Row, case: Case, master: Master, server: servers.Server
) -> Round:
    kind = case.kind
    with load(settings, kind, case.job, master, server) as process:
        watched = {"generator": process, "master": master.process}
        done = window(server, watched, settings.seconds, cpu_of(kind))
    row.commands[f"{kind} ({server.process.name})"] = process.shown
    if kind == "wrk":
        done.note.update(wrk_summary(process))
        done.note["latency_ms"] = wrk_percentiles(process)
    elif kind not in foreign.KINDS:
        total = master.total()
        done.note["latency_ms"] = {name: float(total[name]) for name in PERCENTILES}
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
