"""The command line of local runs: the same files, numbers, log lines and exit codes as Locust's own."""

from __future__ import annotations

import csv
import re
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import locustpp
import pytest
from harness import VERSION
from processes import FILES, Place, Process, Web, eventually, files, free_port, scenario

NATIVE_CLIENT = "client of locustpp.fasthttp"
STOCK_CLIENT = "client of locust.contrib.fasthttp"


def rows(file: Path, *columns: str) -> list[tuple[str, ...]]:
    with file.open(newline="") as text:
        return sorted(tuple(re.sub(r"0x[0-9a-f]+|port=\d+", "…", row[name]) for name in columns) for row in csv.DictReader(text))


def results(place: Place, prefix: str) -> dict[str, Any]:
    """What --csv leaves, without times."""
    return {
        "stats": rows(place.path / f"{prefix}_stats.csv", "Type", "Name", "Request Count", "Failure Count"),
        "lengths": rows(place.path / f"{prefix}_stats.csv", "Name", "Average Content Size"),
        "failures": rows(place.path / f"{prefix}_failures.csv", "Method", "Name", "Error", "Occurrences"),
        "exceptions": rows(place.path / f"{prefix}_exceptions.csv", "Message", "Count"),
        "header": (place.path / f"{prefix}_stats.csv").read_text().splitlines()[0],
        "history": (place.path / f"{prefix}_stats_history.csv").read_text().splitlines()[0],
    }


def lines(process: Process) -> list[str]:
    """The log without times, and without the tables of numbers."""
    found = re.findall(r"^\[\S+ \S+\] [^/\n]+/(\w+/[^\n]*)$", process.log, re.M)
    return [re.sub(r"locust(pp)?\.(contrib\.)?\w+$", "…", line) for line in found]


@scenario
@pytest.mark.parametrize("listen", ["", "1"], ids=["", "listener"])
def test_everything_a_locustfile_does_counts_as_in_locust(place: Place, listen: str) -> None:
    target = place.target()
    runs = {
        module: place.headless(
            *(module, "counted.py", "--users", "3", "--spawn-rate", "3", "--host", target.url),
            *("--csv", module, "--csv-full-history", "--html", f"{module}.html"),
            env={"LISTEN": listen},
        )
        for module in ("locust", "locustpp")
    }
    assert {module: process.ended() for module, process in runs.items()} == {"locust": 1, "locustpp": 1}, runs["locustpp"].log
    stock, native = (results(place, module) for module in runs)
    assert native == stock
    assert lines(runs["locustpp"]) == lines(runs["locust"])
    assert "a client of locustpp.fasthttp" in runs["locustpp"].log and "a client of locustpp.http_session" in runs["locustpp"].log
    assert [row[2] for row in native["stats"] if row[1] == "fast pool"] == ["200"]
    assert ("heard {'good': 0" in runs["locustpp"].log) == (not listen)
    report = (place.path / "locustpp.html").read_text()
    assert "fast pool" in report and "http verdict" in report and "not good enough" in report


@scenario
def test_error_report_is_in_the_order_of_time(place: Place) -> None:
    runs = {module: place.headless(module, "fails.py", "--users", "1") for module in ("locust", "locustpp")}
    seen = {}
    for module, process in runs.items():
        assert process.ended() == 1
        seen[module] = re.findall(r"GET +/(\w+): ", process.log.partition("Error report")[2])
    assert seen["locustpp"] == seen["locust"] and len(seen["locust"]) == 8, runs["locustpp"].log


def written(place: Place, prefix: str, process: Process) -> set[str]:
    """The names in the file of --csv, when there are some: it is written once a second."""
    file = place.path / f"{prefix}_stats.csv"

    def names() -> set[str]:
        assert process.process.poll() is None, process.log
        return {row[0] for row in rows(file, "Name")} if file.exists() else set()

    return eventually("rows in the file of --csv", lambda: len(names()) > 1 and names(), tell=lambda: process.log)


def total(process: Process) -> int:
    """Of the table at the end."""
    return int(re.findall(r"Aggregated +(\d+) +\d+\(", process.log)[-1])


@scenario
def test_exit_codes(place: Place) -> None:
    target = place.target()
    options = ("--users", "1", "--host", target.url, "--only-summary")
    good = {"PATHS": "/hello/ / /metadata/ /hello/"}
    runs = {
        "good": place.headless("locustpp", "exits.py", *options, env=good),
        "bad": place.headless("locustpp", "exits.py", *options),
        "chosen": place.headless("locustpp", "exits.py", *options, "--exit-code-on-error", "7"),
        "own": place.headless("locustpp", "exits.py", *options, env={"LIMIT": "0.7"}),
        "stock": place.headless("locust", "exits.py", *options, env={"LIMIT": "0.7"}),
        "no file": place.headless("locustpp", "absent.py", *options),
        "no class": place.headless("locustpp", "folder/first.py", "NoSuchUser", *options),
        "no such option": place.headless("locustpp", "folder/first.py", "--no-such-option"),
    }
    codes = {what: process.ended() for what, process in runs.items()}
    expected = {"good": 0, "bad": 1, "chosen": 7, "own": 3, "stock": 3, "no file": 1, "no class": 1, "no such option": 2}
    assert codes == expected, "\n".join(process.log for process in runs.values())
    assert "Shutting down (exit code 7)" in runs["chosen"].log
    assert "Unknown User(s): NoSuchUser" in runs["no class"].log


@scenario
@pytest.mark.parametrize(
    "arguments,expected",
    [
        (("options.py", "--tags", "one"), {"one"}),
        (("options.py", "--exclude-tags", "both"), {"none"}),
        (("options.py", "--tags", "both", "--exclude-tags", "one"), {"two"}),
        (("folder/first.py,folder/second.py",), {"first", "second"}),
        (("folder",), {"first", "second"}),
        (("folder", "SecondUser"), {"second"}),
    ],
    ids=["tags", "exclude-tags", "both", "files", "folder", "class"],
)
def test_tags_files_and_folders(place: Place, arguments: tuple[str, ...], expected: set[str]) -> None:
    target = place.target()
    process = place.headless("locustpp", *arguments, "--users", "2", "--spawn-rate", "10", "--host", target.url, "--csv", "x")
    assert written(place, "x", process) == {*expected, "Aggregated"}
    process.signal(signal.SIGTERM)
    assert process.ended() == 0
    assert 0 <= target.total() - total(process) <= 2, "each user may have had one request under way at the end"


@scenario
def test_config_file_and_environment_variables(place: Place) -> None:
    target = place.target()
    (place.path / "test.conf").write_text(
        f"locustfile = {FILES / 'options.py'}\nheadless = true\nusers = 2\nspawn-rate = 10\nflavour = peach\n"
        f"host = http://127.0.0.1:1\ntags = one\n"
    )
    environment = {"LOCUST_HOST": target.url, "LOCUST_RUN_TIME": "10", "LOCUST_CSV": "found"}
    process = place.run("locustpp", "--config", "test.conf", env=environment)
    assert written(place, "found", process) == {"Aggregated", "one"}
    process.wait_for("--run-time limit reached")
    assert process.ended() == 0, process.log
    assert "flavour peach" in process.log and NATIVE_CLIENT in process.log


@scenario
def test_shape(place: Place) -> None:
    target = place.target()
    process = place.headless("locustpp", "shape.py", "--host", target.url, "--csv", "shape")
    assert process.ended() == 0, process.log
    assert "Shape test stopping" in process.log
    assert "(2 total users)" in process.log and "(4 total users)" in process.log
    assert {row[0] for row in rows(place.path / "shape_stats.csv", "Name")} == {"fast", "slow", "Aggregated"}
    assert 0 <= target.total() - total(process) <= 4


@scenario
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_signal_in_the_middle_of_a_run(place: Place, number: int) -> None:
    target = place.target("--delay", "0.2")
    runs = {}
    for module in ("locust", "locustpp"):
        options = ("--users", "5", "--spawn-rate", "50", "--host", target.url, "--csv", module)
        runs[module] = place.headless(module, "folder", *options)
    for module, process in runs.items():
        written(place, module, process)
        process.signal(number)
    assert {module: process.ended(15) for module, process in runs.items()} == {"locust": 0, "locustpp": 0}
    said = {module: [line for line in lines(process) if "All users" not in line] for module, process in runs.items()}
    assert said["locustpp"] == said["locust"]
    assert "Aggregated" in runs["locustpp"].log
    assert rows(place.path / "locustpp_stats.csv", "Name") == rows(place.path / "locust_stats.csv", "Name")


@scenario
def test_web_interface_of_a_local_run_and_its_class_picker(place: Place) -> None:
    target = place.target()
    port = free_port()
    arguments = ("--class-picker", "--web-host", "127.0.0.1", "--web-port", port)
    web = Web(place.run("locustpp", *files("folder"), *arguments), port)
    web.swarm(3, target.url, user_classes=["SecondUser"])
    stats = web.wait_for_requests(20)
    assert stats["user_count"] == 3 and stats["state"] == "running"
    assert web.get("/tasks")["per_class"].keys() == {"SecondUser"}
    web.stop()
    assert web.settled().keys() == {"second", "Aggregated"}
    assert 0 <= target.total() - web.settled()["Aggregated"][0] <= 3
    first = web.settled()["Aggregated"][0]
    web.swarm(2, target.url, user_classes=["FirstUser", "SecondUser"])  # a new test: from nothing
    web.wait_until("both classes", lambda stats: len(stats["stats"]) == 3 and stats["user_count"] == 2)
    web.stop()
    rows = web.settled()
    assert rows.keys() == {"first", "second", "Aggregated"}
    assert 0 <= target.total() - first - rows["Aggregated"][0] <= 5
    web.process.signal(signal.SIGTERM)
    assert web.process.ended() == 0


@scenario
def test_native_parts_turned_off(place: Place) -> None:
    target = place.target()
    options = ("options.py", "--users", "1", "--host", target.url)
    process = place.headless("locustpp", *options, env={"LOCUSTPP_NATIVE": "0"})
    process.wait_for("client of")
    process.signal(signal.SIGTERM)
    assert process.ended() == 0, process.log
    assert STOCK_CLIENT in process.log and "statistics of locust.stats" in process.log
    assert "this is stock Locust" in process.log.splitlines()[0]


@scenario
@pytest.mark.parametrize("native", [None, b"", b"\x7fELF no library"], ids=["absent", "empty", "garbage"])
def test_native_module_that_cannot_be_loaded(place: Place, native: bytes | None) -> None:
    """One sentence, and Locust as it is."""
    package = place.path / "python" / "locustpp"
    package.mkdir(parents=True)
    for file in Path(locustpp.__file__).parent.glob("*.py"):
        shutil.copy(file, package)
    if native is not None:
        (package / "_native.so").write_bytes(native)
    target = place.target()
    options = ("options.py", "--users", "1", "--host", target.url)
    process = place.headless("locustpp", *options, env={"PYTHONPATH": str(package.parent)})
    process.wait_for("client of")
    process.signal(signal.SIGTERM)
    assert process.ended() == 0, process.log
    first, second = process.log.splitlines()[:2]
    assert re.fullmatch(r"locustpp: the native engine cannot be loaded \(.*\); this is stock Locust", first), first
    assert second.startswith("["), second
    assert STOCK_CLIENT in process.log


@scenario
def test_single_user(place: Place) -> None:
    """What run_single_user() prints, but for times."""
    target = place.target()
    program = f"import sys; sys.path.insert(0, {str(FILES)!r}); {{}}import single; single.main({target.url!r})"
    runs = {
        "stock": place.python("stock", "-c", program.format("")),
        "native": place.python("native", "-c", program.format("import locustpp; locustpp.install(); ")),
        "late": place.python("late", "-c", program.format("import locust.user.users, locustpp; locustpp.install(); ")),
    }
    seen = {}
    for name, process in runs.items():
        assert process.ended() == runs["stock"].ended(), process.log
        text = re.sub(r"\x1b\[\d+m", "", process.log)
        seen[name] = re.sub(r"\d+(\.\d+)? *\t|\[\S+ \S+\]|by locust\S+|0x\w+|locustpp/\w+.py.*", "…", text).split("Traceback")[0]
    assert seen["native"] == seen["stock"] and seen["late"] == seen["stock"]
    assert "by locustpp.fasthttp" in runs["native"].log and "by locustpp.fasthttp" in runs["late"].log


@scenario
def test_says_which_locust_it_is(place: Place) -> None:
    runs = {module: place.run(module, "--version") for module in ("locust", "locustpp")}
    assert [process.ended() for process in runs.values()] == [0, 0]
    assert runs["locustpp"].log.splitlines()[0] == runs["locust"].log.strip()
    assert ".".join(map(str, VERSION)) in runs["locustpp"].log and sys.version.split()[0] in runs["locustpp"].log
    tasks = {module: place.run(module, *files("folder"), "--show-task-ratio-json", "--users", "4") for module in runs}
    assert [process.ended() for process in tasks.values()] == [0, 0]
    said = {module: re.sub(r"\[\S+ \S+\]", "", process.log) for module, process in tasks.items()}
    assert said["locustpp"] == said["locust"] and "FirstUser" in said["locust"]
