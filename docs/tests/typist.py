"""Types the commands of one block, as a reader would, in a network of its own: typist.py < job.json.

What goes on until it is stopped (masters, workers, targets) is started in the background; when all
commands were typed, a short test is run with them, its counts are compared with the target's, and
each is ended by Ctrl-C. The exit code says whether all went well.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, Callable

MASTER, TARGET = "127.0.0.1", "127.0.0.1:8000"
WEB = "http://127.0.0.1:8089"
LIMIT = 300.0  # seconds for anything at all; machines may be busy
# A fresh machine downloads and compiles.
LONG = 7200.0


def substitute(text: str) -> str:
    return re.sub(r"\bTARGET\b", TARGET, re.sub(r"\bMASTER\b", MASTER, text))


def goes_on(command: str) -> bool:
    words = shlex.split(command, comments=True)
    program = next((word for word in words if "=" not in word), "").rsplit("/", 1)[-1]
    if program in ("locust", "locustpp", "locust-worker"):
        return bool({"--master", "--worker"} & set(words))
    return program == "hello-target" or (program == "demo.sh" and "--headless" not in words)


class Typist:
    def __init__(self) -> None:
        self.state: list[str] = []  # cd and variables, for the commands after them
        self.running: list[tuple[str, subprocess.Popen[bytes]]] = []

    def type(self, command: str, limit: float) -> None:
        print(f"$ {command}", flush=True)
        first = shlex.split(command, comments=True)[0]
        if first in ("cd", "export", ".", "source") or re.fullmatch(r"\w+=.*", command):
            self.state.append(command)
            return
        if goes_on(command):
            self.start(command, limit)
            return
        script = "\n".join(["set -e", *self.state, command])
        subprocess.run(["bash", "-c", script], check=True, timeout=limit, stdin=subprocess.DEVNULL)

    def start(self, command: str, limit: float) -> None:
        before = len(workers())
        script = "\n".join(["set -e", *self.state, f"exec {command}"])
        # Also where these tests were started in a script by &: that has Ctrl-C ignored, and whoever is
        # started from there inherits it.
        process = subprocess.Popen(["env", "--default-signal=INT", "bash", "-c", script], start_new_session=True)
        self.running.append((command, process))

        def ready() -> bool:
            if "--worker" in command:
                return len(workers()) > before
            if "demo.sh" in command:
                return len(workers()) > 0
            return answers(8089 if "--master" in command else 8000)

        self.wait(f"{command} to be ready", ready, limit)

    def wait(self, what: str, condition: Callable[[], bool], limit: float = LIMIT) -> None:
        deadline = time.monotonic() + limit
        while not condition():
            for command, process in self.running:
                if process.poll() is not None:
                    raise SystemExit(f"{command} ended with {process.returncode}")
            if time.monotonic() > deadline:
                raise SystemExit(f"waited in vain for {what}")
            time.sleep(0.1)

    def run_a_test(self) -> None:
        """What the reader does next in the web UI; the target is where the master's --host says."""
        print("a test, by the web UI", flush=True)
        call("/swarm", {"user_count": "5", "spawn_rate": "5"})
        self.wait("users", lambda: stats()["user_count"] == 5)
        self.wait("requests", lambda: total()["num_requests"] > 20)
        call("/stop", {})
        self.wait("the end of the test", lambda: stats()["user_count"] == 0)
        counted, served = total()["num_requests"], target_total()
        print(f"the master counts {counted}, the target {served}", flush=True)
        if total()["num_failures"] or served < counted:
            raise SystemExit("failures, or requests that the target has not seen")

    def stop(self) -> None:
        for command, process in reversed(self.running):
            process.send_signal(signal.SIGINT)
            code = process.wait(60)
            if code:
                raise SystemExit(f"{command} ended with {code} at Ctrl-C")


def answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def call(path: str, form: dict[str, str] | None = None) -> str:
    data = urllib.parse.urlencode(form).encode() if form is not None else None
    try:
        with urllib.request.urlopen(WEB + path, data=data, timeout=60) as answer:
            return str(answer.read().decode())
    except urllib.error.HTTPError as error:
        if error.code == 405 and data is not None:  # /stop wants POST in new versions, GET in old ones
            return call(path)
        raise


def stats() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(call("/stats/requests"))
    return found


def total() -> dict[str, Any]:
    found: dict[str, Any] = stats()["stats"][-1]
    return found


def workers() -> list[Any]:
    try:
        return [each for each in stats().get("workers", []) if each["state"] == "ready"]
    except OSError:
        return []


def target_total() -> int:
    with urllib.request.urlopen(f"http://{TARGET}/stats/", timeout=60) as answer:
        return int(json.load(answer)["total"])


def main() -> None:
    job = json.load(sys.stdin)
    if job["network"]:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    typist = Typist()
    limit = LONG if job["long"] else LIMIT
    if job["target"]:
        typist.start(f"{job['target']} --port 8000", limit)
    for command in job["commands"]:
        typist.type(substitute(command), limit)
    if workers():
        typist.run_a_test()
    typist.stop()


if __name__ == "__main__":
    os.environ.pop("LOCUSTPP_NATIVE", None)
    main()
