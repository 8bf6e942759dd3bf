"""What the command line of `locustpp` has besides Locust's own: a URL in place of a locustfile, its help,
completion in real shells, and the manual page."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from processes import Place, Process, eventually, files, free_port, scenario

ROOT = Path(__file__).parents[3]


def told(process: Process) -> tuple[int, int]:
    """Requests and failures in the last table of numbers."""
    found = re.findall(r"^\s*Aggregated\s+(\d+)\s+(\d+)\(", process.log, re.M)
    assert found, process.log
    return int(found[-1][0]), int(found[-1][1])


# ---- a URL ----


@scenario
@pytest.mark.parametrize("native", ["1", "0"])
def test_a_url_is_enough(place: Place, native: str) -> None:
    target = place.target()
    process = place.run("locustpp", f"{target.url}/hello/?of=it", env={"LOCUSTPP_NATIVE": native})
    assert process.ended(90) == 0, process.log
    log = process.log
    assert log.count("10 users, all at once") == 1 and "(10 total users)" in log
    assert "Run time limit set to 10 seconds" in log and "--run-time limit reached" in log
    assert len(re.findall(r"^\s*Aggregated +\d+ +\d+\(", log, re.M)) > 3, f"live tables:\n{log}"
    assert re.search(r"^GET +/hello/\?of=it +\d+ +0\(0.00%\)", log, re.M), log
    assert "Response time percentiles" in log and "Error report" not in log
    requests, failures = told(process)
    assert failures == 0 and requests > 0
    assert 0 <= target.total() - requests <= 10, "each user may have had one request under way at the end"
    assert ("stock Locust" in log) == (native == "0")


@scenario
def test_users_rate_and_time_are_those_of_the_command_line_and_the_environment(place: Place) -> None:
    target = place.target()
    process = place.run(
        *("locustpp", "-u", "3", f"{target.url}/hello/", "-r", "2"),
        # LOCUST_HOST is for locustfiles: the URL says where to.
        env={"LOCUST_RUN_TIME": "4", "LOCUST_HOST": "http://127.0.0.1:1"},
    )
    assert process.ended() == 0, process.log
    assert f"3 users, 2 more each second, request {target.url}/hello/ for 4 s" in process.log
    assert "Ramping to 3 users at a rate of 2.00 per second" in process.log and "(3 total users)" in process.log
    assert told(process)[0] > 0 and "Run time limit set to 4 seconds" in process.log


@scenario
def test_ends_early_with_the_summary(place: Place) -> None:
    target = place.target()
    # Whatever the tests themselves are told to ignore.
    command = ("env", "--default-signal=INT", sys.executable, "-m", "locustpp")
    process = place.start("interrupted", *command, f"{target.url}/hello/", "-t", "1h")
    process.wait_for("All users spawned")
    eventually("requests", lambda: target.total() > 20, tell=lambda: process.log)
    process.signal(signal.SIGINT)
    assert process.ended() == 0, process.log
    assert told(process)[0] > 20 and "Response time percentiles" in process.log


@scenario
@pytest.mark.parametrize("more, code", [((), 1), (("--exit-code-on-error", "7"), 7)], ids=["", "of its own"])
def test_failures_make_the_exit_code(place: Place, more: tuple[str, ...], code: int) -> None:
    target = place.target()
    process = place.run("locustpp", f"{target.url}/nowhere", "-u", "2", "-t", "2", *more)
    assert process.ended() == code, process.log
    requests, failures = told(process)
    assert requests == failures > 0
    assert "Error report" in process.log and re.search(r"GET /nowhere: .*404", process.log), process.log


@scenario
def test_a_target_that_never_answers_is_no_success(place: Place) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=100) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
        process = place.run("locustpp", url, "-t", "2")
        assert process.ended() == 1, process.log
    assert f"{url} has not answered at all" in process.log and told(process) == (0, 0)


@scenario
def test_a_url_for_a_master_and_its_worker(place: Place) -> None:
    target, port = place.target(), free_port()
    url = f"{target.url}/hello/"
    master = place.run(
        *("locustpp", url, "--master", "--expect-workers", "1", "-t", "3", "-u", "2"),
        *("--master-bind-host", "127.0.0.1", "--master-bind-port", port),
        name="master",
    )
    worker = place.run("locustpp", url, "--worker", "--master-port", port, name="worker")
    assert master.ended(90) == 0 and worker.ended() == 0, f"{master.log}\n{worker.log}"
    requests, failures = told(master)
    assert requests > 0 and failures == 0
    assert "has not answered" not in worker.log and "users, all at once" not in worker.log


OWN_OPTION = """
from locust import User, constant, events, task

@events.init_command_line_parser.add_listener
def on_parser(parser):
    parser.add_argument("--api-url", default="")
    parser.add_argument("--web", action="store_true", help="short of what Locust has several of")
    parser.add_argument("--equal", help="short of what has no value")

@events.init.add_listener
def on_init(environment, **_):
    options = environment.parsed_options
    print(f"the url is {options.api_url}, web {options.web}, equal {options.equal}")

class Idle(User):
    wait_time = constant(1)

    @task
    def nothing(self):
        pass
"""


@scenario
def test_a_url_that_is_the_value_of_an_option_is_left_to_the_locustfile(place: Place) -> None:
    (place.path / "locustfile.py").write_text(OWN_OPTION)
    for words in ("--api-url http://127.0.0.1:1/", "Idle --web --api-url http://127.0.0.1:1/", "--equal a.b -t 1 Idle"):
        process = place.run("locustpp", "--headless", "-t", "1", *words.split(), name=f"own{len(words)}")
        assert process.ended() == 0, process.log
        url = "http://127.0.0.1:1/" if "http" in words else ""
        assert f"the url is {url}, web {'--web' in words}, equal {'a.b' if '--equal' in words else None}\n" in process.log


# ---- mistakes ----

MISTAKES = {
    "http://": "'http://' is no URL; write one as in http://localhost:8080/path",
    "http://:80/": "is no URL",
    "http://localhost:99999/": "is no URL",
    "http://local host/": "is no URL",
    "http://[::1/": "is no URL",
    "localhost:8080/hello": "to request a URL, write http://localhost:8080/hello",
    "ftp://localhost/": "to request a URL, write http://localhost/",
    "-f mine.py http://localhost:8080": "for the host of mine.py, write --host http://localhost:8080",
    "http://one/ http://two/": "to request more than that, write a locustfile",
    "http://one/ MyUser": "to request more than that, write a locustfile",
    "-u many http://localhost/": "--users",
    "http://localhost/ --run-tim3 5": "unrecognized arguments: --run-tim3",
    "--print-completion tcsh": "argument --print-completion: invalid choice: 'tcsh'",
}


@scenario
@pytest.mark.parametrize("words", MISTAKES)
def test_a_mistake_is_told_in_one_sentence(place: Place, words: str) -> None:
    arguments = [words] if words.startswith("http://local host") else words.split()
    process = place.run("locustpp", *arguments)
    code = process.ended()
    assert code == 2, process.log
    said = process.log.strip().splitlines()
    assert said[0].startswith("locustpp: error: ") and MISTAKES[words] in said[0], process.log
    assert len(said) <= 2, "at most Locust's question whether another option was meant"


# ---- what it says of itself ----


@scenario
def test_version_and_help(place: Place) -> None:
    stock, version = (place.run(module, "--version") for module in ("locust", "locustpp"))
    assert stock.ended() == version.ended() == 0
    assert version.log.startswith(stock.log) and stock.log
    assert re.fullmatch(r"locustpp \d+\.\d+\.\d+ with its native engine\n", version.log[len(stock.log) :]), version.log
    without = place.run("locustpp", "--version", name="without", env={"LOCUSTPP_NATIVE": "0"})
    assert without.ended() == 0 and without.log.endswith("\nlocustpp without its native engine\n"), without.log

    stock, help = (place.run(module, "--help", name=f"{module}-help") for module in ("locust", "locustpp"))
    assert stock.ended() == help.ended() == 0
    options = set(re.findall(r"^ +(-[^ ,]+)", stock.log, re.M))
    assert len(options) > 30 and options <= set(re.findall(r"^ +(-[^ ,]+)", help.log, re.M))
    for word in ("locustpp URL", "--print-completion", "LOCUSTPP_NATIVE", "LOCUSTPP_EXIT_ON_MASTER_LOSS", "Exit status"):
        assert word in help.log, word
    assert "\x1b" not in help.log


@scenario
def test_manual_page(place: Place) -> None:
    environment = installed(place)
    script = ROOT / "packaging/man/locustpp.sh"
    made = place.start("page", str(script), env=environment)
    assert made.ended() == 0, made.log
    shown = place.start("shown", "man", "--warnings", "-l", "page.log", env={**environment, "MANWIDTH": "150", "LC_ALL": "C.UTF-8"})
    assert shown.ended() == 0, shown.log
    text = re.sub(r"\x1b\[[\d;]*m|.\x08", "", shown.log)
    assert "warning" not in text, text
    for heading in ("NAME", "SYNOPSIS", "DESCRIPTION", "ENVIRONMENT"):
        assert re.search(f"^{heading}$", text, re.M), text
    assert "locustpp URL" in text and "--master-host" in text and "LOCUSTPP_NATIVE" in text


# ---- completion ----


def installed(place: Place, **more: str) -> dict[str, str]:
    """The environment in which `locustpp` is a command, and the package that makes completions is there."""
    command = place.path / "bin/locustpp"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m locustpp "$@"\n')
    command.chmod(0o755)
    found = list((ROOT / "build/venvs/completion/lib").glob("python3.*/site-packages"))
    path = os.pathsep.join([*map(str, found), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {"PATH": f"{command.parent}:{os.environ['PATH']}", "PYTHONPATH": path, "TERM": "xterm", **more}


class Shell:
    """An interactive shell in a terminal."""

    # How it starts without what the machine's users have set up, and what makes it complete as it says in --help.
    KINDS = {
        "bash": ("bash --norc --noprofile -i", ". /usr/share/bash-completion/bash_completion"),
        "zsh": ("zsh -f -i", "fpath=(~/.zfunc $fpath); autoload -U compinit; compinit -u -D"),
        "fish": ("fish -i", "set fish_greeting"),
    }

    def __init__(self, place: Place, kind: str, environment: dict[str, str]) -> None:
        command, setup = self.KINDS[kind]
        self.process = place.start(kind, "script", "-qec", command, "/dev/null", stdin=subprocess.PIPE, env=environment)
        # What has been completed is told, not run.
        tell = "function locustpp; echo \"<$argv>\"; end" if kind == "fish" else 'locustpp() { echo "<$*>"; }'
        self.type(f"{setup}\n{tell}\necho rea''dy\n")
        self.process.wait_for("ready", 60)

    def type(self, keys: str) -> None:
        assert self.process.process.stdin
        self.process.process.stdin.write(keys.encode())
        self.process.process.stdin.flush()

    def completes(self, line: str, to: str) -> None:
        self.type(f"{line}\t\n")
        self.process.wait_for(f"<{to}>", 60)


@scenario
@pytest.mark.parametrize("kind", Shell.KINDS)
def test_completion(place: Place, kind: str) -> None:
    environment = installed(place)
    help = place.run("locustpp", "--help", name="help", env={"COLUMNS": "80"})
    assert help.ended() == 0
    install = re.search(rf"^ +\$ (locustpp --print-completion {kind} > ~/(\S+))$", help.log, re.M)
    assert install, help.log
    (place.path / install[2]).parent.mkdir(parents=True)
    made = place.start("made", "sh", "-c", install[1], env=environment)
    assert made.ended() == 0 and made.log == "", made.log
    (place.path / "my_locustfile.py").touch()

    shell = Shell(place, kind, environment)
    shell.completes("locustpp --master-h", "--master-host")
    shell.completes("locustpp --worker --run-", "--worker --run-time")
    shell.completes("locustpp --print-completion z", "--print-completion zsh")
    shell.completes("locustpp -f my_l", "-f my_locustfile.py")
    shell.type("exit\n")
    assert shell.process.ended() == 0


@scenario
def test_completion_says_what_it_needs(place: Place) -> None:
    (place.path / "shtab.py").write_text("raise ImportError('it is not installed')\n")
    process = place.run("locustpp", "--print-completion", "bash")
    assert process.ended() == 2
    assert process.log == "locustpp: error: --print-completion is made by the package shtab: pip install 'shtab>=1.13'\n"


# ---- a worker in a terminal ----


@scenario
def test_worker_in_a_terminal_tells_how_it_goes(place: Place) -> None:
    target = place.target()
    master = place.master("options.py", "--host", target.url)
    arguments = " ".join(("-f", *files("options.py")[1:], "--worker", "--master-port", str(master.link_port)))
    in_terminal = ("script", "-qec", f"stty rows 20 columns 150; exec {sys.executable} -m locustpp {arguments}", "/dev/null")
    worker = place.start("worker", *in_terminal, env={"TERM": "xterm"})
    mute = [
        place.start("no-status", *in_terminal, env={"TERM": "xterm", "LOCUSTPP_NO_STATUS": "1"}),
        place.start("dumb", *in_terminal, env={"TERM": "dumb"}),
        place.worker(master, "options.py", name="plain"),
    ]
    master.wait_for_workers(4)
    link = rf"master 127\.0\.0\.1:{master.link_port} connected"
    eventually("the idle line", lambda: re.search(rf"0 users \|.*{link}", worker.log), tell=lambda: worker.log)
    master.swarm(8, target.url)
    busy = rf"2 users \| (?!0\.0)[\d.]+ req/s \| 0 failures \(0\.00%\) \| p50 \d+ ms, p95 \d+ ms \| {link}"
    eventually("the line of a run", lambda: re.search(busy, worker.log), tell=lambda: worker.log)
    master.process.signal(signal.SIGTERM)
    assert worker.ended() == 0, worker.log
    assert "\x1b[r" in worker.log, "the whole terminal is the shell's again"
    # Between saving the cursor and restoring it is the line's: what remains is whole log lines.
    rest = re.sub(r"\x1b7.*?\x1b8|\x1b\[[AJ]", "", worker.log, flags=re.S).strip().splitlines()
    assert all(re.match(r"\[\S+ \S+\] \S+/(INFO|WARNING)/\S+: [^|\x1b]+$", line) for line in rest if line), rest
    assert sum(line.endswith("client of locustpp.fasthttp") for line in rest) == 2, rest
    for process in mute:
        assert process.ended() == 0 and "client of" in process.log, process.log
        assert "req/s" not in process.log and "\x1b" not in process.log
