"""The server of the tests, and the two kinds of sessions."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

# First of all: it patches what pytest and its plugins have not used yet.
import harness  # noqa: E402, F401


class Server:
    def __init__(self, plain: int, tls: int) -> None:
        self.url = f"http://127.0.0.1:{plain}"
        self.localhost = f"http://localhost:{plain}"  # another host of the same server
        self.tls_url = f"https://127.0.0.1:{tls}"
        self.port = plain
        self.tls_port = tls


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).parent / "server.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin and process.stdout
    plain, tls = (int(port) for port in process.stdout.readline().split())
    yield Server(plain, tls)
    process.stdin.close()
    process.wait(10)
