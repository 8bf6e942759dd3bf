"""The packages in a Debian that has nothing of ours and none of the libraries: the wheel brings its own,
apt fetches them for the Debian packages, and what was removed leaves no trace."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import run
from load import ROOT, Load

pytestmark = pytest.mark.slow

MIRROR = "http://deb.debian.org/debian"
# apt's and dpkg's own books, and what is made anew on any change.
BOOKS = ("proc/", "tmp/", "var/lib/apt/", "var/lib/dpkg/", "var/cache/", "var/log/", "etc/ld.so.cache")


class Root:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def command(self, *command: str) -> list[str]:
        """Whatever it starts ends with it, and its /proc is gone then."""
        return ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--root", str(self.folder), "--mount-proc",
                "/usr/bin/env", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "LC_ALL=C.UTF-8",
                "DEBIAN_FRONTEND=noninteractive", *command]  # fmt: skip

    def run(self, *command: str) -> str:
        return run(*self.command(*command))

    def apt(self, *arguments: str) -> None:
        self.run("apt-get", "-q", "-y", "--no-install-recommends", *arguments)

    def put(self, path: Path) -> str:
        """Copies a file there and says what it is called there."""
        shutil.copy(path, self.folder / "tmp")
        return f"/tmp/{path.name}"

    def files(self) -> set[str]:
        found = subprocess.run(
            ["find", ".", "-xdev", "-not", "-type", "d", "-printf", "%P\n"],
            cwd=self.folder, text=True, capture_output=True, check=True,
        ).stdout.split("\n")  # fmt: skip
        return {name for name in found if name and not name.startswith(BOOKS)}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Root]:
    assert os.geteuid() == 0, "a Debian of one's own needs root: run as root, or leave it out with -m 'not slow'"
    folder = tmp_path_factory.mktemp("debian") / "root"
    run("debootstrap", "--variant=minbase", "--include=ca-certificates,python3-venv", "bookworm", folder, MIRROR)
    # Names and certificates as this machine has them.
    for path in ("etc/resolv.conf", "etc/ssl/certs/ca-certificates.crt"):
        shutil.copy(f"/{path}", folder / path)
    yield Root(folder)
    shutil.rmtree(folder)


def test_wheel(root: Root, wheel: Path) -> None:
    assert not [name for name in root.files() if re.search(r"lib(zmq|fmt|spdlog|re2|cares|psl|sodium)\.so", name)]
    root.run("python3", "-m", "venv", "/venv")
    root.run("/venv/bin/python", "-m", "pip", "install", "--no-input", "--quiet", "--prefer-binary", root.put(wheel))
    check = root.put(ROOT / "scripts/lib/check_installed.py")
    root.run("/venv/bin/python", check, "/venv/bin", "native")


def test_programs_come_and_go(root: Root, debs: dict[str, Path], load: Load) -> None:
    root.apt("update")
    before = root.files()
    root.apt("install", root.put(debs["locustpp"]))
    added = root.files() - before
    assert "usr/bin/locust-worker" in added
    load.run(root.command("hello-target"), root.command("locust-worker", "-f", "hello"),
             ROOT / "locustfiles/hello.py", {"/hello/": "GET /hello/"})  # fmt: skip
    root.apt("purge", "--autoremove", "locustpp")
    assert root.files() == before


def test_worker_of_ones_own(root: Root, debs: dict[str, Path], version: str) -> None:
    """Built there, of the example that the -dev package has."""
    root.apt("update")
    root.apt("install", root.put(debs["locustpp-dev"]))
    root.run("cp", "-r", "/usr/share/doc/locustpp-dev/examples/example", "/tmp/shop")
    root.run("cmake", "-S", "/tmp/shop", "-B", "/tmp/shop/build")
    root.run("cmake", "--build", "/tmp/shop/build")
    assert version in root.run("/tmp/shop/build/shop-worker", "--version")
    root.apt("purge", "--autoremove", "locustpp-dev")
    assert not [name for name in root.files() if "locustpp" in name and not name.startswith("venv/")]
