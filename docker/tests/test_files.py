"""What can be said of the files without building anything."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DOCKER = ROOT / "docker"
DOCKERFILES = sorted(DOCKER.glob("*.Dockerfile"))
BIN = Path(sys.executable).parent


def run(*command: str | Path, **options) -> subprocess.CompletedProcess:
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda path: path.name)
def test_hadolint_finds_nothing(file: Path) -> None:
    result = run(BIN / "hadolint", file)
    assert result.returncode == 0, result.stdout


def test_shellcheck_finds_nothing() -> None:
    result = run("shellcheck", *sorted((DOCKER / "build").glob("*.sh")))
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize("script", sorted((DOCKER / "build").glob("*.sh")), ids=lambda path: path.name)
def test_build_scripts_say_how_they_are_called(script: Path) -> None:
    result = run(script, "--help")
    assert result.returncode == 2
    assert result.stderr.startswith(f"usage: {script.name}")


def first_stage(file: Path) -> str:
    text = file.read_text()
    return text[text.index("FROM ${BASE} AS tools") : text.index("FROM tools AS build")]


def test_the_images_share_their_first_layers() -> None:
    own = [DOCKER / f"{name}.Dockerfile" for name in ("worker", "worker-native", "target")]
    assert len({first_stage(file) for file in own}) == 1


@pytest.mark.parametrize("file", DOCKERFILES, ids=lambda path: path.name)
def test_dockerfiles_name_no_base_but_by_argument(file: Path) -> None:
    for image in re.findall(r"^FROM (\S+)", file.read_text(), re.MULTILINE):
        assert image in ("${BASE}", "tools", "scratch")


def test_what_dockerfiles_copy_reaches_the_builder() -> None:
    """.dockerignore lists what may; a folder or file that is copied has its line there."""
    allowed = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    for file in DOCKERFILES:
        for sources in re.findall(r"^COPY (?!--from)(.*) \S+$", file.read_text(), re.MULTILINE):
            for source in sources.split():
                parts = source.removesuffix("/*.py").split("/")
                prefixes = {"/".join(parts[: i + 1]) for i in range(len(parts))}
                below = any(each.startswith(f"{source}/") for each in allowed)
                assert prefixes & allowed or below, f"{file.name} copies {source}"


@pytest.fixture(scope="module")
def compose() -> dict:
    result = run(BIN / "docker-compose", "-f", DOCKER / "compose.yaml", "config", "--format", "json")
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)["services"]


def test_compose_starts_a_target_a_master_and_two_workers(compose: dict) -> None:
    assert set(compose) == {"target", "master", "worker"}
    assert compose["worker"]["scale"] == 2
    for service in compose.values():
        assert (ROOT / service["build"]["dockerfile"]).is_file()
        assert service["build"]["context"] == str(ROOT)


def test_compose_locks_its_containers_down(compose: dict) -> None:
    for service in compose.values():
        assert service["read_only"] and service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
    ports = [port for service in compose.values() for port in service.get("ports", [])]
    assert [port["host_ip"] for port in ports] == ["127.0.0.1"]


# ---- locustpp-health, in a process namespace where nothing else runs ----

FAKE = """\
import socket, sys, time
with socket.create_connection(("127.0.0.1", int(sys.argv[-1]))) as connection:
    while True:
        time.sleep(0.3)
"""


@pytest.fixture(scope="module")
def health(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if run("unshare", "--pid", "--fork", "--mount-proc", "true").returncode != 0:
        pytest.fail("the tests of locustpp-health need root (unshare)")
    program = tmp_path_factory.mktemp("health") / "locustpp-health"
    flags = "-std=c++20 -O1 -Wall -Wextra -Wconversion -Wshadow -Werror".split()
    result = run("g++", *flags, DOCKER / "health" / "health.cpp", "-o", program)
    assert result.returncode == 0, result.stderr
    return program


@pytest.fixture
def check(health: Path, tmp_path: Path):
    """Runs a shell script in a namespace of its own; returns what the checks in it said, in order."""

    def run_script(script: str, *, environment: dict[str, str] | None = None) -> list[str]:
        text = f'check() {{ "{health}" "$@" && echo = || echo "= unhealthy"; }}\n{script}\n'
        result = run(
            "unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", "-c", text,
            cwd=tmp_path, timeout=60, env={**os.environ, **(environment or {})},
        )  # fmt: skip
        said = [entry.strip().replace("\n", " ") for entry in re.findall(r"(.*\n=.*)\n", result.stdout)]
        assert said, result.stdout + result.stderr
        return said

    return run_script


@pytest.fixture
def fake_locust(tmp_path: Path):
    """A process that looks like `python3 …/locust …`, connected to a port of ours."""
    (tmp_path / "locust").write_text(FAKE)
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"{sys.executable} {tmp_path}/locust", server.getsockname()[1]


def test_health_of_nothing(check) -> None:
    assert check("check") == ["neither Locust nor hello-target runs here = unhealthy"]


def test_health_of_a_connected_worker(check, fake_locust) -> None:
    command, port = fake_locust
    said = check(f"{command} --worker --master-host x --master-port {port} & sleep 1; check; check --alive")
    assert said == [f"locust is connected to its master x:{port} =", "locust is alive ="]


def test_health_takes_the_port_from_the_environment(check, fake_locust) -> None:
    command, port = fake_locust
    variables = {"LOCUST_MASTER_NODE_PORT": str(port), "LOCUST_MODE_WORKER": "true"}
    said = check(f"{command} {port} & sleep 1; check", environment=variables)
    assert said == [f"locust is connected to its master 127.0.0.1:{port} ="]


def test_health_of_a_worker_that_waits_for_its_master(check, fake_locust) -> None:
    command, port = fake_locust
    said = check(f"{command} --worker --master-port=5557 {port} & sleep 1; check; check --alive")
    assert said == ["locust is not connected to its master 127.0.0.1:5557 = unhealthy", "locust is alive ="]


def test_health_of_a_suspended_worker(check, fake_locust) -> None:
    command, port = fake_locust
    said = check(f"{command} --worker --master-port {port} & sleep 1; kill -STOP $!; check --alive; kill -KILL $!")
    assert said == ["locust is suspended = unhealthy"]


def test_health_of_a_hanging_worker(check, tmp_path: Path) -> None:
    (tmp_path / "locust").write_text("import signal\nsignal.sigwait([signal.SIGUSR1])\n")
    said = check(f"{sys.executable} {tmp_path}/locust --worker & sleep 1; check --alive")
    assert said == ["locust hangs: none of its threads has moved = unhealthy"]


def free_ports(number: int) -> list[int]:
    servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [server.getsockname()[1] for server in servers]
    for server in servers:
        server.close()
    return ports


def test_health_of_a_master(check, tmp_path: Path) -> None:
    (tmp_path / "locust").write_text(
        "import socket, sys, time\n"
        "servers = [socket.create_server(('127.0.0.1', int(port))) for port in sys.argv[-1].split(',')]\n"
        "while True: time.sleep(0.3)\n"
    )
    bind, web = free_ports(2)
    command = f"{sys.executable} {tmp_path}/locust --master --master-bind-port {bind}"
    said = check(
        f"{command} --web-port={web} {bind},{web} & sleep 1; check; kill $!; wait $!\n"
        f"{command} --web-port={web} {bind} & sleep 1; check; kill $!; wait $!\n"
        f"{command} --headless {bind} & sleep 1; check; kill $!; wait $!\n"
        f"{command} --headless {web} & sleep 1; check"
    )
    assert said == [
        f"locust listens on port {web} =",
        f"locust does not listen on port {web} = unhealthy",
        f"locust listens on port {bind} =",
        f"locust does not listen on port {bind} = unhealthy",
    ]
