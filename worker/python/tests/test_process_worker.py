"""Workers of stock masters: every way to give them a locustfile, what travels both ways, and how they end."""

from __future__ import annotations

import os
import signal
import sys

import pytest
from harness import VERSION
from locust.rpc import zmqrpc
from processes import FILES, Place, Process, eventually, files, free_port, rows_of, scenario

NATIVE_RUNNER = "runner NativeWorkerRunner of locustpp.runner"
NATIVE_CLIENT = "client of locustpp.fasthttp"


def ended_well(process: Process) -> None:
    code = process.ended()
    assert code == 0 and "Traceback" not in process.log, f"exit code {code}\n{process.log}"


@scenario
def test_counts_are_those_of_a_stock_worker(place: Place) -> None:
    """Each with a master and a target of its own; with a listener of the locustfile's own and without."""
    seen = {}
    trios = {}
    for name, module, listen in (("stock", "locust", "1"), ("native", "locustpp", ""), ("listener", "locustpp", "1")):
        master = place.master("counted.py")
        worker = place.worker(master, "counted.py", module=module, name=name, env={"LISTEN": listen})
        trios[name] = master, worker, place.target()
    for master, _, target in trios.values():
        master.wait_for_workers()
        master.swarm(3, target.url)
    for name, (master, worker, target) in trios.items():
        master.wait_until("both on_stop", lambda stats: {"fast on_stop", "http on_stop"} <= rows_of(stats).keys())
        rows = master.settled()
        stats = master.stats()
        errors = {(e["method"], e["name"], e["error"].replace(target.url, "…"), e["occurrences"]) for e in stats["errors"]}
        lengths = {row["name"]: row["avg_content_length"] for row in stats["stats"]}
        master.stop()
        worker.signal(signal.SIGTERM)
        seen[name] = rows, errors, lengths, target.counts(), worker.ended()
    assert seen["native"] == seen["stock"]
    assert seen["listener"] == seen["stock"]
    assert seen["native"][0]["fast pool"] == (200, 0)


@scenario
def test_argument_messages_and_tags_of_the_master(place: Place) -> None:
    target = place.target()
    master = place.master("options.py", "--flavour", "cherry", "--tags", "both", "--exclude-tags", "two")
    worker = place.worker(master, "options.py", "--flavour", "mine")
    master.wait_for_workers()
    master.swarm(2, target.url)
    worker.wait_for("flavour cherry")
    master.wait_for_requests(20)
    master.process.wait_for("is whole")
    master.stop()
    rows = master.settled()
    assert rows.keys() == {"one", "Aggregated"}
    assert 0 <= target.total() - rows["one"][0] <= 2
    assert NATIVE_RUNNER in worker.log and NATIVE_CLIENT in worker.log
    master.swarm(1, target.url, flavour="from the form")
    worker.wait_for("flavour from the form")
    master.process.signal(signal.SIGTERM)
    assert master.process.ended() == 0
    ended_well(worker)


if VERSION >= (2, 32):

    @scenario
    def test_file_from_the_master(place: Place) -> None:
        target = place.target()
        master = place.master("options.py,folder")
        worker = place.worker(master, "-")
        master.wait_for_workers()
        master.swarm(3, target.url)
        names = {"one", "two", "none", "first", "second"}
        master.wait_until("all tasks", lambda stats: names <= rows_of(stats).keys())
        assert NATIVE_RUNNER in worker.wait_for(NATIVE_CLIENT)
        master.stop()
        assert 0 <= target.total() - master.settled()["Aggregated"][0] <= 3
        master.process.signal(signal.SIGINT)
        ended_well(worker)

    @scenario
    @pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
    def test_processes(place: Place, end: int) -> None:
        target = place.target()
        master = place.master("options.py")
        worker = place.worker(master, "options.py", "--processes", "2")
        stats = master.wait_for_workers(2)
        assert len({one["id"] for one in stats["workers"]}) == 2
        master.swarm(4, target.url)
        stats = master.wait_until("two each", lambda stats: [w["user_count"] for w in stats["workers"]] == [2, 2])
        assert worker.log.count(NATIVE_RUNNER) == 2
        master.wait_for_requests(100)
        master.stop()
        rows = master.settled()
        assert 0 <= target.total() - rows["Aggregated"][0] <= 4
        # To all of them, as a terminal or a container's end does it.
        os.killpg(worker.process.pid, end)
        worker.ended()
        master.wait_for_workers(0)
        assert "Traceback" not in worker.log, worker.log

    @scenario
    def test_master_with_processes_in_one_command(place: Place) -> None:
        """A local run that forks workers of its own."""
        target = place.target()
        options = ("--processes", "2", "--users", "4", "--spawn-rate", "4", "--run-time", "6", "--host", target.url)
        ports = ("--master-port", str(free_port()), "--master-bind-port")
        port = ports[1]
        process = place.headless("locustpp", "options.py", *options, *ports, port, "--csv", "forked")
        assert process.ended() == 0, process.log
        assert process.log.count(NATIVE_RUNNER) == 2 and "runner MasterRunner of locust.runners" in process.log
        counts = [line.split(",")[:3] for line in (place.path / "forked_stats.csv").read_text().splitlines()]
        total = int(counts[-1][2])
        assert total > 20 and 0 <= target.total() - total <= 4, process.log


@scenario
def test_several_files_and_the_class_picker(place: Place) -> None:
    target = place.target()
    master = place.master("folder/first.py,folder/second.py", "--class-picker")
    worker = place.worker(master, "folder")
    master.wait_for_workers()
    master.swarm(2, target.url, user_classes=["SecondUser"])
    master.wait_for_requests(10)
    master.stop()
    assert master.settled().keys() == {"second", "Aggregated"}
    master.swarm(2, target.url, user_classes=["FirstUser", "SecondUser"])
    master.wait_until("both", lambda stats: {"first", "second"} <= rows_of(stats).keys())
    master.process.signal(signal.SIGTERM)
    ended_well(worker)


@scenario
def test_shape_of_the_master(place: Place) -> None:
    target = place.target()
    master = place.master("shape.py")
    place.worker(master, "shape.py")
    master.wait_for_workers()
    master.get("/swarm", {"host": target.url})
    master.wait_until("the shape is over", lambda stats: stats["state"] == "stopped")
    # What the web interface shows is up to 2 s old: the stages are read in the log.
    assert "(2 total users)" in master.process.log and "(4 total users)" in master.process.log
    rows = master.settled()
    assert rows.keys() == {"fast", "slow", "Aggregated"}
    assert 0 <= target.total() - rows["Aggregated"][0] <= 4
    master.wait_for_workers()


@scenario
def test_ends_like_a_stock_worker(place: Place) -> None:
    """Exit codes and log lines for SIGTERM, SIGINT and the master's quit, in the middle of a test."""
    target = place.target()
    master = place.master("options.py")
    workers = {
        (module, end): place.worker(master, "options.py", module=module, name=f"{module}-{end}")
        for module in ("locust", "locustpp")
        for end in (signal.SIGTERM, signal.SIGINT, 0)
    }
    master.wait_for_workers(6)
    master.swarm(12, target.url)
    master.wait_until("all users", lambda stats: all(worker["user_count"] == 2 for worker in stats["workers"]))

    # One after the other: a stock worker that is told to take over users while it leaves answers
    # after its farewell, which breaks masters up to 2.46.3. They say so when they have dealt them out.
    gone = 0
    for (_, end), worker in workers.items():
        if end:
            worker.signal(end)
            worker.ended()
            gone += 1
            eventually("its users at the others", lambda: master.process.log.count(" quit. ") >= gone, tell=lambda: master.process.log)
    master.wait_for_workers(2)
    master.process.signal(signal.SIGTERM)
    codes = {key: worker.ended() for key, worker in workers.items()}
    for end in (signal.SIGTERM, signal.SIGINT, 0):
        assert codes["locustpp", end] == codes["locust", end], (end, workers["locustpp", end].log)
    for (module, end), worker in workers.items():
        assert ("Got SIGTERM signal" in worker.log) == (end == signal.SIGTERM), worker.log
        assert ("Got quit message from master" in worker.log) == (end == 0), worker.log
        assert "Shutting down (exit code" in worker.log, worker.log
        # KeyboardInterrupt is raised in whatever is running: now and then a user's greenlet, which says so.
        interrupted = end == signal.SIGINT and "KeyboardInterrupt" in worker.log
        assert interrupted or "Traceback" not in worker.log, f"{module}\n{worker.log}"


@scenario
def test_sigint_is_ignored_where_a_script_says_so(place: Place) -> None:
    """As a shell does for what it starts with & in a script: Python leaves it, and SIGTERM ends the worker."""
    target = place.target()
    master = place.master("options.py")
    where = ("--worker", "--master-host", "127.0.0.1", "--master-port", str(master.link_port))
    workers = [
        place.start(module, "bash", "-c", 'trap "" INT; exec "$@"', "bash", sys.executable, "-m", module, *files("options.py"), *where)
        for module in ("locust", "locustpp")
    ]
    master.wait_for_workers(2)
    for worker in workers:
        worker.signal(signal.SIGINT)
    master.swarm(2, target.url)
    master.wait_until("one user each", lambda stats: [one["user_count"] for one in stats["workers"]] == [1, 1])
    master.stop()
    for worker in workers:
        worker.signal(signal.SIGTERM)
        ended_well(worker)


@scenario
def test_one_more_sigint_while_it_ends(place: Place) -> None:
    """What it has counted arrives nevertheless."""
    target = place.target()
    master = place.master("interrupted_end.py")
    worker = place.worker(master, "interrupted_end.py")
    master.wait_for_workers()
    master.swarm(2, target.url)
    master.wait_for_requests(50)
    worker.signal(signal.SIGTERM)
    ended_well(worker)
    assert 0 <= target.total() - master.settled()["hello"][0] <= 2


# Each thread that comes back keeps Python for itself for its 0.1 s; most still wait for their turn when Python ends.
THREADS_AT_PYTHONS_END = """
import _thread, atexit, sys, time
from locustpp import _native

def busy(seconds, clock=time.monotonic):
    end = clock() + seconds
    while clock() < end:
        pass

class LastOfAll:
    def __del__(self, busy=busy):
        busy(1)

def come_back():
    link.wait_for_question()
    busy(60)

sys.last_of_all = LastOfAll()
link = _native.WorkerLink("one", "127.0.0.1", 1, _native.Recorder(), [], "2.47.0")
for _ in range(32):
    _thread.start_new_thread(come_back, ())
time.sleep(0.5)

@atexit.register
def end():
    sys.setswitchinterval(0.1)
    link.close(0.0)
"""


@scenario
def test_threads_that_come_back_at_pythons_end(place: Place) -> None:
    ended_well(place.python("threads", "-c", THREADS_AT_PYTHONS_END))


@scenario
def test_master_by_this_command_is_stock(place: Place) -> None:
    target = place.target()
    master = place.master("options.py", module="locustpp")
    native, stock = (place.worker(master, "options.py", module=module, name=module) for module in ("locustpp", "locust"))
    master.wait_for_workers(2)
    assert "runner MasterRunner of locust.runners" in master.process.log
    assert "statistics of locust.stats" in master.process.log
    master.swarm(4, target.url)
    master.wait_for_requests(50)
    master.stop()
    assert 0 <= target.total() - master.settled()["Aggregated"][0] <= 4
    master.process.signal(signal.SIGTERM)
    assert master.process.ended() == 0
    ended_well(native)
    ended_well(stock)


@scenario
def test_master_whose_name_nobody_knows(place: Place) -> None:
    arguments = ("-f", FILES / "options.py", "--worker", "--master-host", "nowhere.invalid", "--loglevel", "DEBUG")
    runs = [place.run(module, *arguments) for module in ("locust", "locustpp")]
    runs[1].wait_for("This worker is native")
    for process in runs:
        process.wait_for("retry 1/")
        process.signal(signal.SIGTERM)
    assert runs[0].ended() == runs[1].ended()
    # The older ones do not say it.
    told = [process.log.count("Error resolving address: ") for process in runs]
    assert told == [hasattr(zmqrpc.BaseSocket, "ipv4_only")] * 2


@scenario
def test_native_parts_turned_off_in_a_worker(place: Place) -> None:
    target = place.target()
    master = place.master("options.py")
    worker = place.worker(master, "options.py", env={"LOCUSTPP_NATIVE": "0"})
    master.wait_for_workers()
    master.swarm(2, target.url)
    worker.wait_for("client of locust.contrib.fasthttp")
    assert "runner WorkerRunner of locust.runners" in worker.log
    assert str(FILES) not in worker.log


@scenario
def test_headless_master_expects_a_worker(place: Place) -> None:
    """--headless on both sides; the report of the master counts what the target has answered."""
    target = place.target()
    port = free_port()
    options = ("--master", "--master-bind-port", port, "--expect-workers", "1", "--users", "3", "--run-time", "3")
    master = place.headless("locust", "folder", *options, "--host", target.url, "--csv", "headless", "--stop-timeout", "5")
    worker = place.run(
        *("locustpp", "-f", FILES / "folder", "--worker", "--master-host", "127.0.0.1", "--master-port", port), name="worker"
    )
    assert master.ended() == 0, master.log
    ended_well(worker)
    last = (place.path / "headless_stats.csv").read_text().splitlines()[-1].split(",")
    assert last[1] == "Aggregated" and int(last[2]) == target.total() > 20


if VERSION >= (2, 32):

    @scenario
    def test_log_lines_reach_the_master_as_those_of_a_stock_worker(place: Place) -> None:
        """Before any test is begun."""
        master = place.master("lost.py")
        for module in ("locust", "locustpp"):
            place.worker(master, "lost.py", module=module)

        def shown() -> list[list[str]]:
            return [[line.split("/", 1)[1] for line in lines] for lines in master.get("/logs")["workers"].values()]

        eventually("log lines", lambda: len(shown()) == 2 and all(shown()), tell=shown)
        first, second = shown()
        assert first == second and "INFO/locust.main: Starting Locust" in first[0]


@scenario
def test_log_lines_of_the_native_engine_are_locusts(place: Place) -> None:
    """They go where Locust's own go: the log file, and the master."""
    master = place.master("many_names.py")
    worker = place.worker(master, "many_names.py", "--logfile", "worker.txt")
    master.wait_for_workers()
    master.swarm(1, "")
    file = place.path / "worker.txt"
    said = "/WARNING/locust.stats: More than 10000 different request names"
    eventually("the warning in the log file", lambda: said in file.read_text(), 60, lambda: worker.log + file.read_text())
    if VERSION >= (2, 32):
        eventually("it at the master", lambda: said in str(master.get("/logs")["workers"]), 60)
    assert "different request names" not in worker.log, worker.log
    master.process.signal(signal.SIGTERM)
    ended_well(worker)
