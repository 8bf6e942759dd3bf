"""The server of the tests, and the two kinds of sessions."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

# First of all: it patches what pytest and its plugins have not used yet.
import harness  # noqa: E402, F401
from certificates import Certificates  # noqa: E402


class Server:
    def __init__(self, plain: int, tls: int, *secure: int) -> None:
        self.url = f"http://127.0.0.1:{plain}"
        self.localhost = f"http://localhost:{plain}"  # another host of the same server
        self.tls_url = f"https://127.0.0.1:{tls}"
        self.port = plain
        self.tls_port = tls
        # https://127.0.0.1:PORT for each of server.SECURE: trusted, for another host, and two that want a certificate.
        self.secure = [f"https://127.0.0.1:{port}" for port in secure]


@contextmanager
def serving(*arguments: str) -> Iterator[Server]:
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).parent / "server.py"), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin and process.stdout
    yield Server(*(int(port) for port in process.stdout.readline().split()))
    process.stdin.close()
    process.wait(10)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def secure_server(certificates: Certificates) -> Iterator[Server]:
    with serving(str(certificates.folder)) as running:
        yield running


@pytest.fixture
def told(caplog: Any) -> Callable[[], list[str]]:
    """What has gone by Locust's own client."""
    caplog.set_level(logging.DEBUG, "locustpp")
    return lambda: [record.getMessage() for record in caplog.records if "own client" in record.getMessage()]
