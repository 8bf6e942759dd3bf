"""What the tests of the packages share: the release build, its Debian packages, a place where it is
installed, and runs of what they hold against a stock master."""

from __future__ import annotations

import contextlib
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from load import ROOT, Load


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--build", type=Path, default=ROOT / "build/release", help="folder of the release build")
    parser.addoption(
        "--wheel", type=Path, help="the repaired wheel of Debian's CPython (default: that in build/test/package)"
    )


def run(*command: str | Path, **options) -> str:
    """Its output; with that in the error when it fails."""
    done = subprocess.run(
        [str(each) for each in command], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **options
    )
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


@pytest.fixture(scope="session")
def version() -> str:
    """The one place that states it."""
    return re.search(r"^project\(locustpp VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text(), re.MULTILINE)[1]


@pytest.fixture(scope="session")
def build(request: pytest.FixtureRequest) -> Path:
    folder = request.config.getoption("build").resolve()
    assert (folder / "CPackConfig.cmake").exists(), f"make a release build first: cmake --build {folder}"
    return folder


@pytest.fixture(scope="session")
def wheel(request: pytest.FixtureRequest) -> Path:
    given = request.config.getoption("wheel")
    found = [given] if given else list((ROOT / "build/test/package/repaired").glob("*.whl"))
    assert len(found) == 1, f"one repaired wheel was expected (scripts/test.sh makes it), or --wheel: {found}"
    return found[0].resolve()


@pytest.fixture(scope="session")
def debs(build: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """By the name of the package."""
    folder = tmp_path_factory.mktemp("cpack")
    run("cpack", "--config", build / "CPackConfig.cmake", "-B", folder)
    return {path.name.split("_")[0]: path for path in folder.glob("*.deb")}


@pytest.fixture(scope="session")
def prefix(build: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where programs, headers and libraries are installed."""
    folder = tmp_path_factory.mktemp("prefix")
    run("cmake", "--install", build, "--prefix", folder)
    return folder


@pytest.fixture
def load(tmp_path: Path) -> Iterator[Load]:
    with contextlib.closing(Load(tmp_path)) as load:
        yield load
