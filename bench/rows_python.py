"""Python locustfiles on the native engine beside stock Locust and wrk (python_*)."""

from __future__ import annotations

from statistics import median

from bench import servers
from bench.generators import Job, python_env, stock_command, worker
from bench.machine import family_cpu_seconds, rss_bytes
from bench.master import Master
from bench.measure import Round, median_cpu, median_rate, window
from bench.process import Process, wait_until
from bench.report import Row
from bench.rows_load import TEST_SAMPLE, side_by_side
from bench.settings import Settings
from bench.wire import Wire

GENERATORS = ("wrk", "python", "stock")
HELLO = Job("hello", users=64, connections=64)
HTTP_USER = Job("hello_http_user", users=64, connections=64)
COLUMNS = ("", "CPU us/request", "of wrk", "requests/s", "core used", "server us/request")
IDLE_USERS = 2000


def hello(settings: Settings) -> Row:
    row = Row("python_hello", "hello.py (FastHttpUser), 64 users, pinned as in hello", COLUMNS)
    cost = side_by_side(settings, row, HELLO, "nginx", GENERATORS)
    if cost.keys() >= set(GENERATORS):
        of_wrk, fewer = cost["python"] / cost["wrk"], cost["stock"] / cost["python"]
        row.goal("python / wrk", of_wrk, of_wrk <= 2.0, "at most 2.0", " x")
        row.goal("stock / python", fewer, fewer >= 9, "at least 9", " x")
    return row


def http_user(settings: Settings) -> Row:
    row = Row("python_http_user", "the same with HttpUser", COLUMNS)
    cost = side_by_side(settings, row, HTTP_USER, "nginx", GENERATORS)
    if cost.keys() >= {"python", "stock"}:
        fewer = cost["stock"] / cost["python"]
        row.goal("stock / python", fewer, fewer >= 25, "at least 25", " x")
    return row


def sample(settings: Settings) -> Row:
    row = Row("python_sample", "test_sample.py: a gevent pool of ten for each task", COLUMNS)
    cost = side_by_side(settings, row, TEST_SAMPLE, "hello-target", GENERATORS)
    if cost.keys() >= {"python", "stock"}:
        fewer = cost["stock"] / cost["python"]
        row.goal("stock / python", fewer, fewer >= 5, "at least 5", " x")
    return row


def processes(settings: Settings) -> Row:
    row = Row(
        "python_processes",
        "hello.py, one process and --processes 2, everything on two cores",
        ("", "CPU us/request", "requests/s", "cores used"),
    )
    cost = {}
    with servers.start(settings, "nginx", settings.both_cores) as server:
        with Master(settings, "hello.py", settings.both_cores) as master:
            taken: dict[int, list[Round]] = {0: [], 2: []}
            for number in range(settings.rounds):
                for count, rounds in taken.items():
                    with worker(
                        settings, "python", HELLO, master, server, threads=1,
                        cores=settings.both_cores, processes=count,
                    ) as process:
                        watched = {"generator": process, "master": master.process}
                        done = window(server, watched, settings.seconds, family_cpu_seconds)
                    rounds.append(done)
                    row.rounds.append({"processes": count, "round": number, **done.as_json()})
                    row.commands[f"{count or 1} process(es)"] = process.shown
    for count, rounds in taken.items():
        cost[count] = median_cpu(rounds, "generator")
        used = median(item.cores_used["generator"] for item in rounds)
        name = f"--processes {count}" if count else "one process"
        row.table.append((name, f"{cost[count]:.2f}", f"{median_rate(rounds):,.0f}", f"{used:.2f}"))
        row.summary[name] = {"cpu_us_per_request": round(cost[count], 3)}
    ratio = cost[2] / cost[0]
    row.goal("two / one", ratio, ratio <= 1.1, "at most 1.1", " x")
    return row


def start(settings: Settings) -> Row:
    row = Row(
        "python_start",
        "from exec to client_ready at a master that is already there",
        ("", "median ms", "fastest ms", "slowest ms", "starts"),
    )
    taken: dict[str, list[float]] = {"python": [], "stock": []}
    with Wire(settings) as wire:
        for _ in range(settings.starts):
            for kind, times in taken.items():
                module = "locustpp" if kind == "python" else "locust"
                locustfile = settings.locustfile("hello.py")
                command = stock_command(settings, locustfile, wire.port, module)
                env = python_env(settings) if kind == "python" else {}
                with Process(settings, kind, command, env=env) as process:
                    ready = wire.wait_for("client_ready", process, process.started)
                    times.append((ready - process.started) * 1000)
                    row.commands[kind] = process.shown
    for kind, times in taken.items():
        row.rounds += [{"worker": kind, "milliseconds": round(value, 2)} for value in times]
        row.table.append(
            (kind, f"{median(times):.0f}", f"{min(times):.0f}", f"{max(times):.0f}", str(len(times)))
        )
        row.summary[kind] = {"median_ms": round(median(times), 1)}
    over = median(taken["python"]) - median(taken["stock"])
    row.goal("python - stock", over, over <= 200, "at most 200", " ms")
    return row


def idle(settings: Settings) -> Row:
    row = Row(
        "python_idle",
        f"memory of {IDLE_USERS:,} FastHttpUsers that have made one request and wait",
        ("", "users", "RSS before MB", "RSS after MB", "bytes/user"),
    )
    each = {kind: _idle_bytes(settings, row, kind) for kind in ("python", "stock")}
    ratio = each["python"] / each["stock"]
    row.goal("python / stock", ratio, ratio <= 1.0, "at most 1.0", " x")
    return row


def _idle_bytes(settings: Settings, row: Row, kind: str) -> float:
    with servers.nginx(settings, None, connections=3 * IDLE_USERS) as server, Wire(settings) as wire:
        module = "locustpp" if kind == "python" else "locust"
        command = stock_command(settings, settings.locustfile("idle_user.py"), wire.port, module)
        env = python_env(settings) if kind == "python" else {}
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
            after = rss_bytes(process.pid)
            row.commands[kind] = process.shown
    each = (after - before) / IDLE_USERS
    row.rounds.append({"worker": kind, "rss_before": before, "rss_after": after})
    row.table.append(
        (kind, f"{IDLE_USERS:,}", f"{before / 1e6:.1f}", f"{after / 1e6:.1f}", f"{each:,.0f}")
    )
    row.summary[kind] = {"bytes_per_user": round(each)}
    return each
