"""README.md's commands, and those of the pages that begin with a clone, typed in a fresh Debian 12."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess

import pages
import pytest
import typist
from fresh_debian import FreshDebian
from test_commands import ELSEWHERE, NEWEST, TYPED, WITHOUT_ENGINE, clone, program  # noqa: F401

PAGES = ("README.md", "docs/cpp-users.md")
TARGET = "build/release/bin/hello-target"


@pytest.fixture(scope="module")
def debian(tmp_path_factory, clone):  # noqa: F811
    """With a clone in it, and in an environment the Locust that its reader has."""
    if os.geteuid():
        pytest.fail("only root can make a fresh Debian")
    fresh = FreshDebian(tmp_path_factory.mktemp("debian"))
    origin = fresh.root / "origin"
    shutil.copytree(clone, origin, symlinks=True, ignore=shutil.ignore_patterns("build"))
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@example.org", "-C", origin]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "all of it"]):
        subprocess.run([*git, *words], check=True)
    fresh.run("git clone -q /origin ~/locustpp", limit=600)
    fresh.run(f"python3 -m venv ~/env && ~/env/bin/pip install -q locust=={NEWEST}", limit=1800)
    yield fresh
    shutil.rmtree(fresh.root, ignore_errors=True)


def free_ports(number):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@pytest.mark.slow
def test_a_reader_on_a_fresh_machine(debian):
    # The first demo installs and builds, which wants the network, where its usual ports may be taken;
    # below it is typed as it stands, in a network of its own.
    master, target = free_ports(2)
    command = f"./scripts/demo.sh --headless 5 --master-port {master} --target-port {target}"
    said = debian.run(command, limit=typist.LONG)
    assert "requests" in said
    for block in [each for name in PAGES for each in TYPED if each.page == pages.ROOT / name]:
        commands = [each for each in block.commands() if program(each) not in ELSEWHERE]
        own_network = any(map(typist.goes_on, commands)) or "target" in block.how
        print(f"{block.name}: {commands}", flush=True)
        said = debian.type(
            commands, target=TARGET if "target" in block.how else "", network=not own_network,
            limit=typist.LONG,
        )
        assert WITHOUT_ENGINE not in said, said
