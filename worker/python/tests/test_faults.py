"""Faults of user code, of the target and of the master: what a stock worker makes of them, and a native one."""

from __future__ import annotations

import csv
import signal
import subprocess
import time
from typing import Any

import pytest
from harness import VERSION
from processes import FILES, Master, Place, Process, eventually, free_port, rows_of, scenario


def server(place: Place) -> str:
    """The misbehaving server of these tests."""
    process = place.python("server", FILES.parent / "server.py", stdin=subprocess.PIPE)
    text = eventually("the server's ports", lambda: process.log.split(), tell=lambda: process.log)
    return f"http://127.0.0.1:{text[0]}"


def states(stats: Any) -> list[str]:
    return [worker["state"] for worker in stats["workers"]]


def fleet(place: Place, *classes: str, env: dict[str, str] | None = None) -> tuple[Master, Process, Process]:
    """A master with a stock worker and a native one."""
    master = place.master("faults.py", *classes)
    stock = place.worker(master, "faults.py", *classes, module="locust", name="stock", env=env)
    native = place.worker(master, "faults.py", *classes, name="native", env=env)
    master.wait_for_workers(2)
    return master, stock, native


@scenario
@pytest.mark.parametrize("listener", ["", "1"], ids=["", "listener"])
def test_user_code_that_raises_everywhere(place: Place, listener: str) -> None:
    """The tab of exceptions shows each once, for both workers; and no request is lost."""
    target = place.target()
    classes = ("RaisesInStart", "RaisesInTask", "RaisesInStop")  # dealt out in turn: an odd number
    master, stock, native = fleet(place, *classes, env={"BAD_LISTENER": listener})
    master.swarm(6, target.url)
    master.wait_for_requests(60)

    def shown() -> dict[str, Any]:
        return {one["msg"].splitlines()[0][:60]: one for one in master.exceptions()}

    wanted = {"a fault in a task", "'a fault in a with block'"}
    if VERSION >= (2, 47):  # before, it goes to the log alone
        wanted |= {"a fault in on_start"}
    eventually("all exceptions", lambda: wanted <= {k for k, v in shown().items() if v["nodes"].count(",") == 1}, tell=shown)
    master.stop()
    rows = master.settled()
    assert rows["stop"][0] == 2
    found = shown()
    unjudged = found["'a fault in a with block'"]["count"]  # recorded by nobody, in Locust neither
    assert 0 <= target.total() - rows["Aggregated"][0] - unjudged <= 6
    assert any("recursion" in text for text in found), found
    assert not any(one["nodes"].count(",") != 1 for text, one in found.items() if "recursion" not in text), found
    assert ("a listener's fault" in native.log) == bool(listener)
    assert ("a fault in test_stop" in native.log) == ("a fault in test_stop" in stock.log)
    assert native.log.count("a fault in on_start") == stock.log.count("a fault in on_start") > 0
    assert native.log.count("a fault in on_stop") == stock.log.count("a fault in on_stop") > 0
    master.swarm(6, target.url)  # and again
    master.wait_for_requests(30)
    master.process.signal(signal.SIGTERM)
    assert native.ended() == stock.ended()


@scenario
def test_user_code_that_forks_and_uses_threads(place: Place) -> None:
    target = place.target()
    master = place.master("faults.py", "Forks", "Polite")
    worker = place.worker(master, "faults.py", "Forks", "Polite")
    master.wait_for_workers()
    master.swarm(4, target.url)
    master.wait_until("forks", lambda stats: rows_of(stats).get("of a thread", (0, 0))[0] >= 6)
    master.stop()
    rows = master.settled()
    assert len(master.stats()["workers"]) == 1
    assert rows["Aggregated"][1] == 0 and master.exceptions() == []
    assert 0 <= target.total() - rows["Aggregated"][0] <= 4
    master.process.signal(signal.SIGTERM)
    assert worker.ended() == 0, worker.log


@scenario
def test_a_child_that_makes_requests_of_its_own(place: Place) -> None:
    """What it records is nobody's; the parent goes on. (Stock workers' children hang now and then.)"""
    target = place.target()
    master = place.master("faults.py", "UsesItsFork")
    worker = place.worker(master, "faults.py", "UsesItsFork")
    master.wait_for_workers()
    master.swarm(1, target.url)
    worker.wait_for("the child ended with 0")
    master.wait_for_requests(2)
    master.stop()
    assert master.settled() == {"of a parent": (2, 0), "Aggregated": (2, 0)}
    assert target.counts() == {"GET /hello/": 2, "GET /metadata/": 2}
    assert "Traceback" not in worker.log, worker.log


@scenario
def test_user_code_that_kills_itself(place: Place) -> None:
    target = place.target()
    seen = {}
    for module in ("locust", "locustpp"):
        before = target.total()
        master = place.master("faults.py", "Kills")
        place.worker(master, "faults.py", "Kills", module=module)
        master.wait_for_workers()
        master.swarm(20, target.url)
        rows = {}
        for _ in range(15):
            time.sleep(0.5)
            rows = rows_of(master.stats())
            if rows["Aggregated"][0] >= 20:
                break
        stats = master.stats()
        seen[module] = stats["state"], states(stats), sorted({one["msg"] for one in master.exceptions()})
        master.stop()
        assert master.settled()["before the kill"] == (target.total() - before, 0)
        assert states(master.stats()) == ["ready"]
        master.process.signal(signal.SIGTERM)
        assert master.process.ended() == 0
    assert seen["locustpp"] == seen["locust"]


@scenario
@pytest.mark.parametrize("how,code", [("Exits", 5), ("ExitsAtOnce", 7), ("Dies", -9), ("Crashes", -11)])
def test_user_code_that_ends_the_process(place: Place, how: str, code: int) -> None:
    """The same exit codes; the master misses both and gives their users to the third."""
    target = place.target()
    master, stock, native = fleet(place, how)
    master.swarm(2, target.url)
    assert native.ended() == stock.ended()
    assert how == "Exits" or native.ended() == code
    master.wait_until("none left", lambda stats: all(state == "missing" for state in states(stats)))
    worker = place.worker(master, "faults.py", how, name="next")
    master.wait_for_workers(1)
    assert worker.process.poll() is None or worker.ended() == native.ended()


@scenario
def test_user_code_that_blocks(place: Place) -> None:
    """Heartbeats go on, the test can be stopped and begun again, and the worker leaves when it is told to."""
    target = place.target()
    master = place.master("faults.py", "Sleeps", "Polite")
    worker = place.worker(master, "faults.py", "Sleeps", "Polite")
    master.wait_for_workers()
    master.swarm(2, target.url)
    end = time.monotonic() + 9
    while time.monotonic() < end:
        assert states(master.stats()) in (["running"], ["spawning"], ["ready"]), master.process.log
        time.sleep(0.25)
    master.stop()
    rows = master.settled()
    assert rows["before the sleep"][0] >= 2 and rows["after the sleep"][0] >= 1
    assert 0 <= target.total() - rows["Aggregated"][0] <= 2
    assert "failed to send heartbeat" not in master.process.log
    master.wait_until("ready", lambda stats: states(stats) == ["ready"])
    master.process.signal(signal.SIGTERM)
    assert worker.ended() == 0


PAIRS = [(a, b) for a in (signal.SIGTERM, signal.SIGINT) for b in (signal.SIGTERM, signal.SIGINT)]


@scenario
def test_stuck_workers_end_by_a_second_signal(place: Place) -> None:
    """Whichever two they are, though the user never yields and catches KeyboardInterrupt too."""
    target = place.target()
    master = place.master("faults.py", "Stubborn")
    workers = [place.worker(master, "faults.py", "Stubborn", name=f"{a.name}-{b.name}") for a, b in PAIRS]
    master.wait_for_workers(4)
    master.swarm(4, target.url)
    for worker in workers:
        worker.wait_for("stuck from now on")
    time.sleep(1.5)
    for worker, (first, _) in zip(workers, PAIRS):
        worker.signal(first)
    time.sleep(3)
    assert all(worker.process.poll() is None for worker in workers), "\n".join(worker.log for worker in workers)
    assert "missing" not in states(master.stats())
    for worker, (_, second) in zip(workers, PAIRS):
        worker.signal(second)
    for worker in workers:
        assert worker.ended(15) == 1, worker.log
        assert "Got a second signal while Python is stuck" in worker.log
    master.wait_for_workers(0)


@scenario
def test_loop_of_python_ends_by_sigint(place: Place) -> None:
    """KeyboardInterrupt gets into it, after a SIGTERM that does not, as in Locust."""
    target = place.target()
    master, stock, native = fleet(place, "Blocks")
    master.swarm(2, target.url)
    for worker in (stock, native):
        worker.wait_for("stuck from now on")
        worker.signal(signal.SIGTERM)
    time.sleep(0.5)
    for worker in (stock, native):
        assert worker.process.poll() is None
        worker.signal(signal.SIGINT)
    code = native.ended(15)
    if VERSION >= (2, 15):  # a stock worker of 2.13.0 goes on now and then
        assert code == stock.ended(15), native.log + stock.log


@scenario
def test_target_that_is_down_resets_and_talks_nonsense(place: Place) -> None:
    """The same failures as in Locust, by text and number."""
    url = server(place)
    seen = {}
    runs = {}
    for module in ("locust", "locustpp"):
        options = ("--users", "2", "--spawn-rate", "2", "--host", url, "--csv", module)
        runs[module] = place.headless(module, "broken.py", *options)
    for module, process in runs.items():
        assert process.ended() == 1, process.log
        with (place.path / f"{module}_failures.csv").open(newline="") as text:
            seen[module] = {(row["Name"], row["Error"], row["Occurrences"]) for row in csv.DictReader(text)}
    for rows in seen.values():  # http.client and urllib3 quote what they have read (differences.py)
        quoting = {row for row in rows if row[0] in ("BrokenHttp garbage", "BrokenHttp bad-chunk")}
        rows -= quoting
        rows |= {(name, error[:21], number) for name, error, number in quoting if name.endswith("chunk")}
        rows |= {(name, error[:13], number) for name, error, number in quoting if name.endswith("garbage")}
    assert seen["locustpp"] == seen["locust"]
    assert len({name for name, _, _ in seen["locustpp"]}) >= 10, seen
    raised = {module: sorted(line for line in run.log.splitlines() if " raised " in line) for module, run in runs.items()}
    assert raised["locustpp"] == raised["locust"]


@scenario
def test_master_that_goes_and_comes_back(place: Place) -> None:
    target = place.target()
    master = place.master("options.py")
    worker = place.worker(master, "options.py")
    master.wait_for_workers()
    master.swarm(2, target.url)
    master.wait_for_requests(20)
    master.process.signal(signal.SIGKILL)
    master.process.ended()
    time.sleep(2)
    again = place.master("options.py", ports=(master.link_port, master.port))
    again.wait_until("the worker", lambda stats: states(stats) == ["ready"], 40)
    if VERSION >= (2, 32):
        eventually("the worker's log lines", lambda: again.get("/logs")["workers"])
    time.sleep(2.5)
    before = target.total()
    again.swarm(2, target.url)
    again.wait_for_requests(20)
    again.stop()
    assert 0 <= target.total() - before - again.settled()["Aggregated"][0] <= 2
    again.process.signal(signal.SIGTERM)
    assert worker.ended() == 0, worker.log


@scenario
@pytest.mark.parametrize("module", ["locust", "locustpp"])
def test_stop_in_the_middle_of_requests(place: Place, module: str) -> None:
    """With --stop-timeout they are finished and count; without, the users' last ones are nobody's."""
    target = place.target("--delay", "0.7")
    counts = {}
    for name, options in (("patient", ("--stop-timeout", "4")), ("at once", ())):
        before = target.total()
        master = place.master("folder", *options)
        worker = place.worker(master, "folder", module=module)
        master.wait_for_workers()
        master.swarm(20, target.url)
        master.wait_for_requests(20)
        master.stop()
        rows = master.settled()
        counts[name] = target.total() - before - rows["Aggregated"][0], rows["Aggregated"][1]
        assert rows["first"][0] >= 5 and rows["second"][0] >= 5
        master.wait_for_workers()  # it is ready again after the stop timeout only
        master.process.signal(signal.SIGTERM)
        assert worker.ended() == 0, worker.log
        assert VERSION < (2, 14) or "Traceback" not in worker.log, worker.log
    if module == "locustpp" or VERSION >= (2, 32):  # 2.13.0 loses some itself
        assert counts["patient"] == (0, 0)
    assert 0 <= counts["at once"][0] <= 20 and counts["at once"][1] == 0


@scenario
def test_master_that_is_gone_for_good(place: Place) -> None:
    """Users run on until it has been silent for MASTER_HEARTBEAT_TIMEOUT (60 s; less here, but for the one that is
    told to leave before). A stock worker ends then; a native one goes on trying, unless it is to end as well."""
    seconds = 15
    short = {"MASTER_TIMEOUT": str(seconds)}
    settings: dict[str, tuple[str, dict[str, str]]] = {
        "patient": ("locustpp", {}),
        "trying": ("locustpp", short),
        "ending": ("locustpp", {**short, "LOCUSTPP_EXIT_ON_MASTER_LOSS": "1"}),
    }
    if VERSION >= (2, 20):  # no such timeout in 2.13.0
        settings["stock"] = ("locust", short)
    master = place.master("lost.py")
    targets = {name: place.target() for name in settings}
    workers = {
        name: place.worker(master, "lost.py", module=module, name=name, env={**env, "TARGET": targets[name].url})
        for name, (module, env) in settings.items()
    }
    master.wait_for_workers(len(workers))
    master.swarm(len(workers), targets["patient"].url)
    for target in targets.values():
        eventually("requests", lambda target=target: target.total() > 5)
    master.process.signal(signal.SIGKILL)
    master.process.ended()
    time.sleep(2)
    before = {name: target.total() for name, target in targets.items()}
    for name, target in targets.items():
        eventually(f"more of {name}", lambda name=name, target=target: target.total() > before[name])

    lost = f"Didn't get heartbeat from master in over {seconds}"
    code = workers["ending"].ended(60)
    assert lost in workers["ending"].log and "Traceback" not in workers["ending"].log, workers["ending"].log
    if "stock" in workers:
        assert code == workers["stock"].ended(60), workers["stock"].log
        assert lost in workers["stock"].log
    workers["trying"].wait_for("Stopping the users, and trying to reach the master again", 60)

    def at_rest() -> bool:
        count = targets["trying"].total()
        time.sleep(1.5)
        return targets["trying"].total() == count

    eventually("the users stopped", at_rest, tell=lambda: workers["trying"].log)
    now = targets["patient"].total()
    eventually("the patient one's users running on", lambda: targets["patient"].total() > now + 5)
    for name in ("trying", "patient"):
        assert workers[name].process.poll() is None, workers[name].log
        workers[name].signal(signal.SIGTERM)
    for name in ("trying", "patient"):
        assert workers[name].ended(20) == 0, workers[name].log
        assert "Traceback" not in workers[name].log


@scenario
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_signal_to_a_worker_that_waits_for_its_master(place: Place, end: int) -> None:
    options = ("-f", FILES / "lost.py", "--worker", "--master-host", "127.0.0.1", "--master-port", free_port())
    workers = [place.run(module, *options, "-L", "DEBUG", name=module) for module in ("locust", "locustpp")]
    for worker in workers:
        worker.wait_for("Failed to connect to master", 60)
        worker.signal(end)
    assert workers[0].ended() == workers[1].ended(), workers[1].log
