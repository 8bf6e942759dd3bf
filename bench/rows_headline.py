"""The rows "headline" and "headline_150": the whole system on two cores for a minute, and wrk right after it."""

from __future__ import annotations

import time

from bench import servers
from bench.generators import Job, worker, wrk
from bench.master import Master
from bench.measure import Round, window
from bench.report import Row
from bench.rows_load import TEST_SAMPLE
from bench.settings import Settings

SLOW_DAY = 0.75  # of wrk in the same minute, where the machine is slow
REPORT_INTERVAL = 3.0


CROWD = Job("test_sample", users=150, connections=1500)


def headline(settings: Settings) -> Row:
    return _headline(settings, "headline", TEST_SAMPLE, 42_000)


def headline_150(settings: Settings) -> Row:
    return _headline(settings, "headline_150", CROWD, 50_000)


def _headline(settings: Settings, name: str, job: Job, goal: int) -> Row:
    row = Row(
        name,
        f"stock master {settings.locust} + worker + target together on two cores, nothing pinned; "
        f"test_sample, {job.users} users, {settings.headline_seconds:.0f} s",
        ("", "requests", "requests/s", "worker us/req", "target us/req", "master us/req"),
    )
    with servers.hello_target(settings, settings.both_cores) as server:
        system = _system(settings, row, job, server)
        alone = _wrk(settings, row, job, server)
    beside = f"wrk -c{job.connections} + target"
    for what, done in (("master + worker + target", system), (beside, alone)):
        generator = done.cpu_us.get("worker", done.cpu_us.get("wrk", 0.0))
        row.table.append(
            (
                what,
                f"{done.requests:,}",
                f"{done.per_second:,.0f}",
                f"{generator:.2f}",
                f"{done.cpu_us['server']:.2f}",
                f"{done.cpu_us['master']:.2f}" if "master" in done.cpu_us else "-",
            )
        )
    ratio = system.per_second / alone.per_second
    failures = int(row.summary["master"]["failures"])
    row.summary["of_wrk"] = round(ratio, 4)
    row.goal(
        f"{ratio:.2f} x wrk; requests/s",
        system.per_second,
        system.per_second >= goal or ratio >= SLOW_DAY,
        f"at least {goal:,}, or {SLOW_DAY} x wrk on a slow day of the machine",
    )
    row.goal("failures", failures, failures == 0, "none")
    return row


def _system(settings: Settings, row: Row, job: Job, server: servers.Server) -> Round:
    cores = settings.both_cores
    with Master(settings, f"{job.stem}.py", cores, job.env(server)) as master:
        before = server.requests()
        running = worker(settings, "native", job, master, server, threads=0, cores=cores)
        with running as process:
            watched = {"worker": process, "master": master.process}
            done = window(server, watched, settings.headline_seconds)
            master.stop()
            time.sleep(REPORT_INTERVAL + 1)  # the last samples come with the next report
            total = master.total()
            # Also counted: reading the counter itself, each time.
            served = server.requests() - before
        row.commands["master"] = master.process.shown
    row.commands["target"] = server.process.shown
    row.commands["worker"] = process.shown
    row.summary["master"] = {
        "requests": int(total["Request Count"]),
        "failures": int(total["Failure Count"]),
        "requests_per_second": float(total["Requests/s"]),
        "average_ms": float(total["Average Response Time"]),
        **{f"p{p}_ms": total[f"{p}%"] for p in ("50", "95", "99")},
        "max_ms": float(total["Max Response Time"]),
    }
    row.summary["target"] = {"requests_in_all": served, "window_per_second": done.per_second}
    row.rounds.append({"generator": "native", **done.as_json()})
    master_says = row.summary["master"]
    row.verdicts.append(
        f"the master reports {master_says['requests']:,} requests, "
        f"{master_says['requests_per_second']:,.0f} requests/s, {master_says['failures']} failures, "
        f"average {master_says['average_ms']:.2f} ms, p95 {master_says['p95_ms']}, "
        f"p99 {master_says['p99_ms']}; the target counts {served:,}"
    )
    return done


def _wrk(settings: Settings, row: Row, job: Job, server: servers.Server) -> Round:
    """wrk's usual two threads; a sixth of the time, so that both fit in one minute."""
    load = wrk(settings, server.url, job.connections, threads=2, cores=settings.both_cores)
    with load as process:
        done = window(server, {"wrk": process}, max(settings.seconds, settings.headline_seconds / 6))
    row.commands["wrk"] = process.shown
    row.rounds.append({"generator": "wrk", **done.as_json()})
    return done
