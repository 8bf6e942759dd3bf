"""The rows about the target: beside other servers, evenness, threads, memory, and Django."""

from __future__ import annotations

import json
import time
from statistics import median
from typing import Any, Callable, Sequence

from bench import servers
from bench.generators import wrk, wrk_summary
from bench.machine import cpu_seconds, family_cpu_seconds, rss_bytes, thread_seconds
from bench.measure import Round, median_cpu, median_rate, window
from bench.process import Process, wait_until
from bench.report import Row
from bench.settings import BenchError, Settings, descriptor_limit

SERVERS = ("nginx", "hello-target", "httplib-alone")
CONNECTIONS = (8, 64, 1000, 10_000)
HTTPLIB_MOST = 1000  # it serves 64 of them
OF_NGINX = 1.7
SLOWEST = 3.0  # median of the connections' answers over the fewest
OF_ONE_THREAD = 1.1
IDLE = 10_000
IDLE_BYTES = 4096
OF_DJANGO = 25
HEADER = ("", "CPU us/request", "of nginx", "requests/s", "core used", "slowest answer")


def target(settings: Settings) -> Row:
    row = Row("target", "CPU of the server alone on its core, wrk on the other", HEADER)
    for connections in CONNECTIONS:
        try:
            _check_descriptors(connections)
            names = [n for n in SERVERS if n != "httplib-alone" or connections <= HTTPLIB_MOST]
            taken = _in_turns(settings, row, names, connections)
        except BenchError as error:
            row.problems.append(str(error))
            continue
        cost = _show_servers(row, connections, taken, "nginx")
        if "nginx" in cost and "hello-target" in cost:
            ratio = cost["hello-target"] / cost["nginx"]
            reached = ratio <= OF_NGINX
            row.goal(f"of nginx, {connections:,}", ratio, reached, f"at most {OF_NGINX}", " x")
    return row


def django(settings: Settings) -> Row:
    row = Row(
        "django",
        "Django on uWSGI (one process and its router) and the target, each alone on a core, wrk -c64",
        ("", "CPU us/request", "of Django", "requests/s", "core used", "slowest answer"),
    )
    taken = _in_turns(settings, row, ["django", "hello-target"], 64, family_cpu_seconds)
    cost = _show_servers(row, 64, taken, "django")
    if len(cost) == 2:
        fewer = cost["django"] / cost["hello-target"]
        row.goal("Django / target", fewer, fewer >= OF_DJANGO, f"at least {OF_DJANGO}", " x")
    return row


def _check_descriptors(connections: int) -> None:
    if descriptor_limit() < connections + 200:
        raise BenchError(
            f"{connections:,} connections need {connections + 200:,} descriptors, the limit is "
            f"{descriptor_limit():,}: ulimit -n"
        )


def _in_turns(
    settings: Settings,
    row: Row,
    names: Sequence[str],
    connections: int,
    cpu_of: Callable[[int], float] = cpu_seconds,
) -> dict[str, list[Round]]:
    taken: dict[str, list[Round]] = {}
    left = list(names)
    for number in range(settings.rounds):
        for name in tuple(left):
            try:
                done = _serve(settings, row, name, connections, cpu_of)
            except BenchError as error:
                row.problems.append(f"{name}, {connections:,} connections: {error}")
                left.remove(name)
                continue
            taken.setdefault(name, []).append(done)
            row.rounds.append(
                {"server": name, "connections": connections, "round": number, **done.as_json()}
            )
    return taken


def _serve(
    settings: Settings, row: Row, name: str, connections: int, cpu_of: Callable[[int], float]
) -> Round:
    """A fresh server each time, so that no round inherits the connections of another."""
    with servers.start(settings, name, settings.cores[1]) as server:
        load = wrk(settings, server.url, connections, threads=1, cores=settings.cores[0])
        with load as process:
            done = window(server, {"wrk": process}, settings.seconds, cpu_of)
        row.commands[name] = server.process.shown
        row.commands[f"wrk, {connections} connections"] = process.shown
    done.note.update(wrk_summary(process))
    errors = [done.note[key] for key in ("socket_errors", "bad_status") if key in done.note]
    if errors and name == "hello-target":
        row.problems.append(f"{name}, {connections:,} connections: {', '.join(errors)}")
    return done


def _show_servers(
    row: Row, connections: int, taken: dict[str, list[Round]], base: str
) -> dict[str, float]:
    cost = {name: median_cpu(rounds, "server") for name, rounds in taken.items()}
    for name, rounds in taken.items():
        ratio = f"{cost[name] / cost[base]:.2f}" if base in cost else "-"
        busy = median(item.cores_used["server"] for item in rounds)
        slowest = rounds[-1].note.get("latency", "").split()[2:3]  # average, deviation, maximum
        row.table.append(
            (
                f"{name}, {connections:,} connections",
                f"{cost[name]:.2f}",
                ratio,
                f"{median_rate(rounds):,.0f}",
                f"{busy:.0%}",
                slowest[0] if slowest else "-",
            )
        )
    row.summary[str(connections)] = {
        name: {
            "cpu_us_per_request": round(cost[name], 3),
            "requests_per_second": round(median_rate(rounds), 1),
        }
        for name, rounds in taken.items()
    }
    return cost


def even(settings: Settings) -> Row:
    row = Row(
        "target_even",
        f"answers that each keep-alive connection got in {settings.seconds:.0f} s, pinned as target",
        ("", "fewest", "median", "most", "median/fewest", "broken", "requests/s"),
    )
    client = servers.build(settings, "even_client.cpp", [])
    for connections in CONNECTIONS:
        _check_descriptors(connections)
        with servers.hello_target(settings, settings.cores[1]) as server:
            command = [client, str(server.port), str(connections), str(settings.seconds)]
            with Process(settings, "even-client", command, cores=settings.cores[0]) as process:
                found = _json_from(process, settings.seconds + 30)
            row.commands["target"] = server.process.shown
            row.commands[f"client, {connections}"] = process.shown
        row.rounds.append({"connections": connections, **found})
        uneven = found["median"] / max(found["fewest"], 0.1)
        row.table.append(
            (
                f"{connections:,} connections",
                f"{found['fewest']:,}",
                f"{found['median']:,}",
                f"{found['most']:,}",
                f"{uneven:.2f}",
                str(found["broken"]),
                f"{found['requests'] / found['seconds']:,.0f}",
            )
        )
        reached = uneven <= SLOWEST and found["broken"] == 0
        goal = f"at most {SLOWEST}, none broken"
        row.goal(f"median / fewest, {connections:,}", uneven, reached, goal, " x")
    return row


def _json_from(process: Process, seconds: float) -> dict[str, Any]:
    """What a program prints at its end."""
    deadline = time.monotonic() + seconds
    while not process.out.read_text().endswith("}\n"):
        if time.monotonic() > deadline:
            raise BenchError(f"{process.name} does not end: {process.last_words()}")
        if "even-client:" in process.err.read_text():
            raise BenchError(process.last_words())
        time.sleep(0.1)
    found: dict[str, Any] = json.loads(process.out.read_text().splitlines()[-1])
    return found


def threads(settings: Settings) -> Row:
    row = Row(
        "target_threads",
        "the target with one and with two threads, wrk -t2 -c64, all on the same two cores",
        ("", "CPU us/request", "of one thread", "requests/s", "work of each thread"),
    )
    taken: dict[int, list[Round]] = {1: [], 2: []}
    for number in range(settings.rounds):
        for count in taken:
            done = _with_threads(settings, row, count)
            taken[count].append(done)
            row.rounds.append({"threads": count, "round": number, **done.as_json()})
    cost = {count: median_cpu(rounds, "server") for count, rounds in taken.items()}
    for count, rounds in taken.items():
        shares = [median(item.note["shares"][i] for item in rounds) for i in range(count)]
        row.table.append(
            (
                f"{count} thread{'s' if count > 1 else ''}",
                f"{cost[count]:.2f}",
                f"{cost[count] / cost[1]:.2f}",
                f"{median_rate(rounds):,.0f}",
                " ".join(f"{share:.0%}" for share in shares),
            )
        )
    ratio = cost[2] / cost[1]
    goal = f"at most {OF_ONE_THREAD}"
    row.goal("two threads of one", ratio, ratio <= OF_ONE_THREAD, goal, " x")
    largest = max(item.note["shares"][0] for item in taken[2])
    row.goal("largest share of two", largest, largest <= 0.6, "at most 0.6")
    row.summary["cpu_us_per_request"] = {str(count): round(value, 3) for count, value in cost.items()}
    return row


def _with_threads(settings: Settings, row: Row, count: int) -> Round:
    with servers.hello_target(settings, settings.both_cores, threads=count) as server:
        load = wrk(settings, server.url, 64, threads=2, cores=settings.both_cores)
        with load as process:
            before = thread_seconds(server.process.pid)
            done = window(server, {"wrk": process}, settings.seconds)
            after = thread_seconds(server.process.pid)
        row.commands[f"{count} thread(s)"] = server.process.shown
        row.commands["wrk"] = process.shown
    used = sorted((after[one] - before.get(one, 0.0) for one in after), reverse=True)
    done.note["shares"] = [value / sum(used) for value in used]
    return done


def idle(settings: Settings) -> Row:
    row = Row(
        "target_idle",
        f"memory of {IDLE:,} keep-alive connections that have each made one request and wait",
        ("", "RSS before MB", "RSS after MB", "bytes/connection"),
    )
    _check_descriptors(IDLE)
    client = servers.build(settings, "even_client.cpp", [])
    with servers.hello_target(settings, None) as server:
        time.sleep(1)
        before = rss_bytes(server.process.pid)
        command = [client, str(server.port), str(IDLE), "0"]
        with Process(settings, "even-client", command, commands_from_us=True) as process:
            wait_until("its answers", lambda: "ready" in process.out.read_text(), process, 60)
            time.sleep(1)
            after = rss_bytes(server.process.pid)
        row.commands["target"] = server.process.shown
        row.commands["client"] = process.shown
    each = (after - before) / IDLE
    row.rounds.append({"connections": IDLE, "rss_before": before, "rss_after": after})
    row.table.append(("hello-target", f"{before / 1e6:.1f}", f"{after / 1e6:.1f}", f"{each:,.0f}"))
    row.summary = {"bytes_per_connection": round(each)}
    row.goal("bytes for a connection", each, each <= IDLE_BYTES, f"at most {IDLE_BYTES:,}")
    return row
