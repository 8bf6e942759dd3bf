"""Containers of the images, started by the commands of ECS, Kubernetes and docker compose, at work."""

from __future__ import annotations

import json
import re
import signal
import sys
import time
from pathlib import Path

import pytest
from base_images import ROOT, run
from conftest import LOCUST_VERSION, eventually
from containers import Pod, Running

pytestmark = pytest.mark.slow

TARGET = {"TARGET_PORT": "32003"}
API = {"API_URL": "http://127.0.0.1:32003"}
SHELLS = ("bin/sh", "bin/bash", "usr/bin/sh", "usr/bin/bash", "usr/bin/dash")


def process_of(container: Running) -> int:
    """Its process 1, as the machine numbers it."""
    return int(container.state()["pid"])


def is_native(container: Running) -> bool:
    maps = Path(f"/proc/{process_of(container)}/maps").read_text()
    if "this is stock Locust" in container.text():
        return False
    return "/locustpp/_native" in maps or "/locust-worker" in maps


class Test:
    """A master's web interface, as the person at it uses it."""

    __test__ = False

    def __init__(self, pod: Pod, port: int) -> None:
        self._pod = pod
        self._url = f"http://127.0.0.1:{port}"

    def state(self) -> dict:
        return json.loads(self._pod.get(f"{self._url}/stats/requests"))

    def workers(self) -> list[str]:
        return [each["state"] for each in self.state().get("workers", []) if each["state"] != "missing"]

    def wait_for_workers(self, number: int) -> None:
        eventually(lambda: len(self.workers()) == number)

    def start(self, users: int) -> None:
        self._pod.get(f"{self._url}/swarm", f"user_count={users}&spawn_rate={users}&host=http://unused")
        eventually(lambda: self.state()["state"] == "running" and self.total()["num_requests"] > 100)

    def stop(self) -> dict:
        post = tuple(map(int, LOCUST_VERSION.split("."))) >= (2, 47)
        self._pod.get(f"{self._url}/stop", "" if post else None)
        eventually(lambda: self.state()["state"] == "stopped")
        return self.total()

    def total(self) -> dict:
        return next(each for each in self.state()["stats"] if each["name"] == "Aggregated")


def served(pod: Pod) -> int:
    """Of /hello/, by the target's own count."""
    return json.loads(pod.get("http://127.0.0.1:32003/stats/"))["requests"].get("GET /hello/", 0)


def run_a_test(pod: Pod, web_port: int, workers: list[Running]) -> None:
    """Both sides count the same, and the workers leave as they are told to."""
    test = Test(pod, web_port)
    test.wait_for_workers(len(workers))
    test.start(users=4)
    for worker in workers:
        assert worker.health()[0] == 0
    time.sleep(3)
    total = test.stop()
    assert total["num_failures"] == 0
    # Without a stop timeout what was under way at the stop was served and is not counted.
    assert 0 <= served(pod) - total["num_requests"] <= 40
    assert [worker.stop() for worker in workers] == [0] * len(workers)
    eventually(lambda: not test.workers())


def start_target(pod: Pod, image: str) -> Running:
    target = pod.start(image, None, environment=TARGET)
    target.wait_healthy()
    return target


def test_as_ecs_starts_them(pod: Pod, worker_image: str, target_image: str) -> None:
    """Commands of the tests stack: the master has an entry point of its own, workers a bare command."""
    target = start_target(pod, target_image)
    master = pod.start(
        worker_image, ["-f", "test_sample.py", "--master", "--web-port", "8000"], entrypoint=["locust"], environment=API
    )
    command = ["locust", "-f", "test_sample.py", "--worker", "--master-host", "127.0.0.1"]
    workers = [pod.start(worker_image, command, environment=API) for _ in range(2)]
    for container in (master, *workers):
        container.wait_healthy()
    assert [is_native(container) for container in (master, *workers)] == [False, True, True]
    run_a_test(pod, 8000, workers)
    assert master.stop() == 0
    assert target.stop() == 0


def test_as_kubernetes_starts_them(pod: Pod, worker_image: str, target_image: str) -> None:
    """`command: [locust]` takes the entry point's place; images without any shell."""
    start_target(pod, target_image)
    settings = {"entrypoint": ["locust"], "environment": API, "without": SHELLS}
    master = pod.start(worker_image, ["-f", "test_sample.py", "--master", "--web-port", "8000"], **settings)
    arguments = ["-f", "test_sample.py", "--worker", "--master-host", "django-scaling-load-tests-master-api"]
    workers = [pod.start(worker_image, arguments, **settings) for _ in range(2)]
    for container in (master, *workers):
        container.wait_healthy()
    assert all(is_native(worker) for worker in workers)
    run_a_test(pod, 8000, workers)


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["--worker", "--master-host", "master"], id="official_image"),
        pytest.param(["--worker", "--master-port=5557", "--master-host=master"], id="operator"),
        pytest.param(["-f", "-", "--worker", "--master-host", "master"], id="file_from_master"),
    ],
)
def test_as_operators_start_them(pod: Pod, worker_image: str, target_image: str, arguments: list[str]) -> None:
    """Only arguments, for the image's own entry point."""
    start_target(pod, target_image)
    master = pod.start(worker_image, ["-f", "test_sample.py", "--master"], environment=API)
    variables = API if "-f" in arguments else {**API, "LOCUST_LOCUSTFILE": "test_sample.py"}
    worker = pod.start(worker_image, arguments, environment=variables, tmpfs=("/tmp",))
    master.wait_healthy()
    worker.wait_healthy()
    assert is_native(worker)
    run_a_test(pod, 8089, [worker])


def compose_services() -> dict:
    compose = Path(sys.executable).parent / "docker-compose"
    text = run(compose, "-f", ROOT / "docker" / "compose.yaml", "config", "--format", "json")
    return json.loads(text)["services"]


def test_as_compose_starts_them(pod: Pod, worker_image: str, target_image: str) -> None:
    """Its commands, variables and file systems; ports as they are, since the services share a network here."""
    images = {"locustpp-worker": worker_image, "locustpp-target": target_image}
    services = compose_services()
    # Names are all the same address here, and the target's port is what compose.yaml says.
    containers = {}
    for name in ("target", "master", "worker"):
        service = services[name]
        for number in range(service.get("scale") or 1):
            containers[f"{name}-{number}"] = pod.start(
                images[service["image"]],
                service.get("command"),
                environment=service.get("environment"),
                tmpfs=tuple(service["tmpfs"]),
            )
        containers[f"{name}-0"].wait_healthy()
    assert set(containers) == {"target-0", "master-0", "worker-0", "worker-1"}
    test = Test(pod, 8089)
    test.wait_for_workers(2)
    test.start(users=2)
    total = test.stop()
    count = json.loads(pod.get("http://127.0.0.1:8000/stats/"))["requests"]["GET /hello/"]
    assert total["num_failures"] == 0
    assert 0 <= count - total["num_requests"] <= 20


def test_native_image(pod: Pod, worker_image: str, native_image: str, target_image: str) -> None:
    """User classes in C++: by the Python worker's command, by `locust` as entry point, and by arguments alone."""
    start_target(pod, target_image)
    pod.start(worker_image, ["-f", "test_sample.py", "--master"], environment=API).wait_healthy()
    arguments = ["-f", "test_sample.cpp", "--worker", "--master-host", "master"]
    workers = [
        pod.start(native_image, ["locust", "-f", "test_sample.py", *arguments[2:]], environment=API),
        pod.start(native_image, arguments, entrypoint=["locust"], environment=API),
        pod.start(native_image, arguments, environment=API),
    ]
    for worker in workers:
        worker.wait_healthy()
    run_a_test(pod, 8089, workers)


def test_native_image_says_that_it_has_no_python(pod: Pod, native_image: str) -> None:
    worker = pod.start(native_image, ["-f", "shop.py", "--worker"])
    assert worker.process.wait(30) == 1
    assert "python3" in worker.text()


@pytest.mark.parametrize("prefix", [[], ["locust"]])
def test_other_commands_are_stock(pod: Pod, worker_image: str, prefix: list[str]) -> None:
    version = pod.start(worker_image, [*prefix, "--version"])
    assert version.process.wait(60) == 0
    assert version.text().startswith(f"locust {LOCUST_VERSION} ")
    local = pod.start(worker_image, [*prefix, "-f", "hello.py", "--list"])
    assert local.process.wait(60) == 0
    assert "HelloUser" in local.text()


@pytest.mark.parametrize(
    ("name", "content"),
    [("locust.conf", "worker = true\nlocustfile = hello.py\n"), ("variable", "")],
)
def test_a_worker_by_other_means_is_native(
    pod: Pod, worker_image: str, name: str, content: str
) -> None:
    """A configuration file and a variable make a worker as the option does."""
    variables = {"LOCUST_MODE_WORKER": "true", "LOCUST_LOCUSTFILE": "hello.py"}
    files = {f"home/locust/{name}": content} if content else {}
    worker = pod.start(worker_image, [], environment={} if content else variables, files=files)
    eventually(lambda: worker.state().get("status") == "running" and is_native(worker))


def test_stock_on_request(pod: Pod, worker_image: str) -> None:
    pod.start(worker_image, ["-f", "hello.py", "--master"]).wait_healthy()
    command = ["-f", "hello.py", "--worker", "--master-host", "master"]
    worker = pod.start(worker_image, command, environment={"LOCUSTPP_NATIVE": "0"})
    worker.wait_healthy()
    assert "LOCUSTPP_NATIVE=0, this is stock Locust" in worker.text()


def test_official_image_with_the_wheel(pod: Pod, extended_image: str, target_image: str) -> None:
    """Stock master and native worker, by the official image's own ways."""
    start_target(pod, target_image)
    file = {"home/locust/locustfile.py": (ROOT / "locustfiles" / "test_sample.py").read_text()}
    master = pod.start(extended_image, ["--master"], environment=API, files=file)
    workers = [
        pod.start(extended_image, ["--worker", "--master-host", "master"], environment=API, files=file),
        pod.start(extended_image, ["--worker", "--master-host=master"], entrypoint=["locust"], environment=API, files=file),
    ]
    for container in (master, *workers):
        container.wait_healthy()
    assert [is_native(container) for container in (master, *workers)] == [False, True, True]
    run_a_test(pod, 8089, workers)


# ---- as process 1 ----


@pytest.mark.parametrize("delay", [0.0, 0.05, 0.2, 0.5, 3.0])
def test_sigterm_ends_a_worker_that_waits_for_its_master(pod: Pod, worker_image: str, delay: float) -> None:
    """At any moment: process 1 must ask for the signal before it is sent one."""
    worker = pod.start(worker_image, ["-f", "hello.py", "--worker", "--master-host", "master"])
    eventually(lambda: worker.state().get("status") == "running")
    time.sleep(delay)
    assert worker.stop(10) in (0, 128 + signal.SIGTERM)


def test_sigterm_ends_a_native_worker_that_waits(pod: Pod, native_image: str) -> None:
    worker = pod.start(native_image, ["--worker", "-f", "hello.cpp", "--master-host", "master"])
    eventually(lambda: "Starting" in worker.text())
    assert worker.stop(10) == 128 + signal.SIGTERM  # as a stock worker
    assert "Shutting down (exit code 143)" in worker.text()


# ---- health ----


@pytest.mark.parametrize("image", ["worker_image", "native_image"])
def test_health_of_a_worker(pod: Pod, image: str, worker_image: str, request: pytest.FixtureRequest) -> None:
    stem = "hello.cpp" if image == "native_image" else "hello.py"
    name = request.getfixturevalue(image)
    worker = pod.start(name, ["-f", stem, "--worker", "--master-host", "master"])
    eventually(lambda: worker.health("--alive")[0] == 0)
    code, said = worker.health()
    assert code == 1
    assert re.search(r"is not connected to its master master:5557$", said)
    # It opens no port of its own.
    assert run("ip", "netns", "exec", pod.name, "ss", "-Hltn").strip() == ""
    pod.start(worker_image, ["-f", "hello.py", "--master"]).wait_healthy()
    worker.wait_healthy()
    worker.signal(signal.SIGSTOP)
    code, said = worker.health("--alive")
    assert (code, said.endswith(" is suspended")) == (1, True)
    worker.signal(signal.SIGCONT)
    worker.wait_healthy()


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"command": ["uwsgi", "--ini", "x.ini", "--show-config"]}, id="program"),
        pytest.param({"command": ["--ini", "x.ini", "--show-config"]}, id="options"),
        pytest.param({"entrypoint": ["uwsgi", "--ini", "x.ini"]}, id="entry_point"),
    ],
)
def test_the_target_takes_a_python_applications_place(pod: Pod, target_image: str, settings: dict) -> None:
    """A container definition that names uWSGI stays as it is when the image is exchanged."""
    target = pod.start(target_image, **{"command": None, **settings})
    target.wait_healthy()
    assert target.health() == (0, "hello-target on port 8000 answers 200")
    assert target.stop() == 0


def test_the_target_refuses_other_arguments(pod: Pod, target_image: str) -> None:
    target = pod.start(target_image, ["--no-such-option"])
    assert target.process.wait(30) == 2
    assert "--no-such-option" in target.text()


def test_health_of_a_target(pod: Pod, target_image: str) -> None:
    target = pod.start(target_image, ["--port", "8001", "--drain", "20"])
    target.wait_healthy()
    assert target.health() == (0, "hello-target on port 8001 answers 200")
    target.signal(signal.SIGTERM)
    eventually(lambda: target.health() == (1, "hello-target on port 8001 answers 503"))
    target.signal(signal.SIGSTOP)
    assert target.health() == (1, "hello-target on port 8001 does not answer")


def test_master_with_headless_run(pod: Pod, worker_image: str, target_image: str) -> None:
    """run to its end by the command line, its exit code that of Locust."""
    start_target(pod, target_image)
    host = "http://127.0.0.1:32003"
    command = ["-f", "hello.py", "--master", "--headless", "--expect-workers", "1", "-u", "2", "-t", "5s", "-H", host]
    master = pod.start(worker_image, command)
    worker = pod.start(worker_image, ["-f", "hello.py", "--worker", "--master-host", "master"])
    assert master.process.wait(90) == 0, master.text()
    assert worker.process.wait(30) == 0
    assert served(pod) > 100
    assert "Aggregated" in master.text()
