"""scripts/run_tests.sh where a run does not go as it was asked for: it ends early, workers or the master are
lost, an answer is late. The master is played; a stock one, with the native worker, shows the same."""

import contextlib
import os
import signal
import socket
import subprocess
import threading
import time

import pytest
from conftest import ROOT, succeeded
from fleet import BIN, VENVS, get
from test_script_errors import Master, failed, master, stage, state  # noqa: F401 (fixtures)

STARTED = (200, {"success": True})
FILES = ["exceptions.csv", "failures.csv", "report.html", "requests.csv", "stats.json"]


def run(stage, master, tmp_path, *options):  # noqa: F811
    return stage.script("run_tests.sh", "--master", master, "--users", "1", "--out", tmp_path / "out", *options)


def paths():
    return [path.split("?")[0] for _, path, _ in Master.asked]


# --- the run ends before its time -----------------------------------------------------------------


@pytest.mark.parametrize("failures, told", [(0, False), (2, True)])
def test_a_run_that_ends_early_is_told_at_once_and_reported(stage, master, tmp_path, failures, told):  # noqa: F811
    Master.script = {
        "/stats/requests": [state("ready"), state("running", 5), state("stopped", 10, failures)],
        "/swarm": [STARTED],
    }
    began = time.monotonic()
    done = run(stage, master, tmp_path, "--seconds", "100")
    assert done.returncode == 4, done.stderr
    assert time.monotonic() - began < 30
    assert "of 100 seconds: its shape or run time was over, somebody has stopped it" in done.stdout
    assert sorted(os.listdir(tmp_path / "out")) == FILES
    assert ("2 of 10 requests have failed" in done.stdout) == told


def test_an_old_state_is_neither_an_end_nor_shown(stage, master, tmp_path):  # noqa: F811
    Master.script = {
        "/stats/requests": [state("ready"), state("stopped", 777), state("running", 5), state("running", 8),
                            state("stopped", 10)],
        "/swarm": [STARTED],
    }  # fmt: skip
    done = run(stage, master, tmp_path, "--seconds", "6")
    assert succeeded(done)
    assert "777" not in done.stdout
    assert [line.split()[0] for line in done.stdout.splitlines()] == [
        "master", "running", "running", "stopped", "report"]  # fmt: skip


def test_preparations_may_take_their_time(stage, master, tmp_path):  # noqa: F811
    Master.script = {
        "/stats/requests": [state("ready")] * 4 + [state("running", 5), state("stopped", 10)],
        "/swarm": [STARTED],
    }
    assert succeeded(run(stage, master, tmp_path, "--seconds", "8"))


def test_a_run_that_does_not_start(stage, master, tmp_path):  # noqa: F811
    """What the master shows is the run before it."""
    Master.script = {"/stats/requests": [state("stopped", 777)], "/swarm": [STARTED]}
    done = run(stage, master, tmp_path, "--seconds", "5")
    assert failed(done, "did not start within", "or was over at once", "master's log")
    assert done.returncode == 1
    assert "/stop" in paths()
    assert not (tmp_path / "out").exists()


def test_workers_that_are_lost(stage, master, tmp_path):  # noqa: F811
    Master.script = {
        "/stats/requests": [state("ready", workers=3), state("running", 5, workers=1), state("stopped", 10)],
        "/swarm": [STARTED],
    }
    done = run(stage, master, tmp_path, "--seconds", "2", "--workers", "3")
    assert done.returncode == 4, done.stderr
    assert "2 of 3 workers are gone" in done.stdout
    assert sorted(os.listdir(tmp_path / "out")) == FILES


# --- answers that are late or missing -------------------------------------------------------------


@pytest.fixture
def hurried(stage):  # noqa: F811
    """curl waits two seconds where it would wait twenty."""
    curl = (stage.folder / "curl").readlink()
    (stage.folder / "curl").unlink()
    (stage.folder / "curl").write_text(f'#!/bin/sh\nexec {curl} "$@" --max-time 2\n', encoding="ascii")
    (stage.folder / "curl").chmod(0o755)


@pytest.fixture
def late(monkeypatch):
    """Paths whose answer never comes."""
    answer, over = Master.answer, threading.Event()

    def wait(request):
        if request.path in request.late:
            request.asked.append((request.command, request.path, b""))
            over.wait(60)
            request.close_connection = True
        else:
            answer(request)

    for verb in ("do_GET", "do_POST"):
        monkeypatch.setattr(Master, verb, wait)
    monkeypatch.setattr(Master, "late", (), raising=False)
    yield
    over.set()


@pytest.mark.parametrize(
    "paths_without_answer, parts",
    [
        (("/swarm",), ("so it was stopped", "run it again")),
        (("/swarm", "/stop"), ("does not answer a stop either", "the run may be on: stop it in the web interface")),
    ],
)
def test_a_start_without_an_answer(stage, hurried, late, master, tmp_path, paths_without_answer, parts):  # noqa: F811
    Master.script = {"/stats/requests": [state("ready")]}
    Master.late = paths_without_answer
    assert failed(run(stage, master, tmp_path), *parts)
    assert "/stop" in paths()


def test_a_start_that_is_an_error(stage, master, tmp_path):  # noqa: F811
    Master.script = {"/stats/requests": [state("ready")], "/swarm": [(500, "no")]}
    assert failed(run(stage, master, tmp_path), "did not start the run", "500")
    assert "/stop" not in paths()


def test_a_master_that_goes_while_workers_are_awaited(stage, master, tmp_path):  # noqa: F811
    Master.script = {"/stats/requests": [state("ready"), (500, "gone")]}
    done = run(stage, master, tmp_path, "--workers", "2", "--wait-seconds", "3")
    assert failed(done, f"{master} has stopped answering", "500")


# --- folders, and what is said --------------------------------------------------------------------


def test_no_folder_is_left_where_there_was_no_run(stage, tmp_path):  # noqa: F811
    (tmp_path / "there").mkdir()
    done = stage.script("run_tests.sh", "--master", "http://127.0.0.1:9", "--users", "1", "--wait-seconds", "1",
                        "--out", tmp_path / "there" / "x" / "y")  # fmt: skip
    assert failed(done, "does not answer")
    assert os.listdir(tmp_path / "there") == []


def test_not_a_single_request(stage, master, tmp_path):  # noqa: F811
    Master.script = {"/stats/requests": [state("ready"), state("running"), state("stopped")], "/swarm": [STARTED]}
    assert failed(run(stage, master, tmp_path, "--seconds", "1"), "not a single request", "--host URL", "exceptions.csv")


def test_a_dry_run_names_every_file(stage):  # noqa: F811
    done = stage.script("run_tests.sh", "--dry-run", "--users", "1", "--out", "out")
    assert succeeded(done)
    for name in ("report.html", "requests.csv", "failures.csv", "exceptions.csv"):
        assert f"--output out/{name} " in done.stdout


# --- a stock master -------------------------------------------------------------------------------


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def stock(tmp_path):
    """A stock master with one native worker and a target → its address, and the worker's process."""
    web, bind, target = free_port(), free_port(), free_port()
    environment = {**os.environ, "TARGET_PORT": str(target), "TARGET_HOST": "127.0.0.1", "TARGET_DELAY": "0.05"}
    commands = [
        [BIN / "hello-target"],
        [VENVS / "2.47.0" / "bin" / "locust", "-f", ROOT / "locustfiles" / "hello.py", "--master",
         "--web-host", "127.0.0.1", "--web-port", web, "--master-bind-host", "127.0.0.1", "--master-bind-port", bind],
        [BIN / "locust-worker", "-f", "hello.cpp", "--worker", "--master-host", "127.0.0.1", "--master-port", bind],
    ]  # fmt: skip
    with open(tmp_path / "log", "wb") as log, contextlib.ExitStack() as stack:
        for command in commands:
            process = subprocess.Popen(
                [str(word) for word in command], env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
        yield f"http://127.0.0.1:{web}", process, f"http://127.0.0.1:{target}"


@pytest.mark.slow
@pytest.mark.parametrize("how", ["stopped by somebody", "worker killed"])
def test_a_stock_master_s_run_that_ends_early(no_cloud, stock, tmp_path, how):
    address, worker, target = stock

    def end():
        time.sleep(10)
        if how == "worker killed":
            worker.send_signal(signal.SIGKILL)
        else:
            get(address + "/stop", {"": ""})

    ender = threading.Thread(target=end)
    ender.start()
    try:
        done = no_cloud.script("run_tests.sh", "--master", address, "--users", "2", "--seconds", "40", "--host", target,
                               "--wait-seconds", "20", "--out", tmp_path / "out")  # fmt: skip
    finally:
        ender.join()
    assert done.returncode == 4, done.stdout + done.stderr
    assert "of 40 seconds" in done.stdout
    assert ("1 of 1 workers are gone" in done.stdout) == (how == "worker killed")
    assert sorted(os.listdir(tmp_path / "out")) == FILES
