"""What `cmake --install` puts into a prefix is enough for a worker of one's own, outside the tree."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import run
from load import ROOT, Load

EXAMPLE = ROOT / "packaging/example"
ROUTES = {"/hello/": "GET /hello/", "/item": "GET /metadata/", "/": "GET /"}


def make_worker(prefix: Path, folder: Path, *options: str) -> Path:
    """The example's worker, built outside the tree."""
    shutil.copytree(EXAMPLE, folder / "shop")
    run("cmake", "-S", folder / "shop", "-B", folder / "build", f"-DCMAKE_PREFIX_PATH={prefix}", *options)
    run("cmake", "--build", folder / "build")
    return folder / "build/shop-worker"


def test_the_project_of_a_user_is_four_lines() -> None:
    assert len((EXAMPLE / "CMakeLists.txt").read_text().splitlines()) == 4


def test_worker_of_ones_own(prefix: Path, tmp_path: Path, load: Load, version: str) -> None:
    worker = make_worker(prefix, tmp_path)
    assert version in run(worker, "--version")
    load.run([prefix / "bin/hello-target"], [worker], EXAMPLE / "shop.py", ROUTES)


def test_another_compiler_without_optimization(prefix: Path, tmp_path: Path, version: str) -> None:
    worker = make_worker(prefix, tmp_path, "-DCMAKE_CXX_COMPILER=clang++-14", "-DCMAKE_BUILD_TYPE=Debug")
    assert version in run(worker, "--version")


def test_moved_prefix(prefix: Path, tmp_path: Path) -> None:
    """The package finds its files wherever it lies, and asks for the version that it is."""
    shutil.copytree(prefix, tmp_path / "moved")
    for wanted, found in (("0.1", True), ("0.0.1", False), ("7.0", False)):
        folder = tmp_path / f"project-{wanted}"
        folder.mkdir()
        (folder / "CMakeLists.txt").write_text(
            f"cmake_minimum_required(VERSION 3.25)\nproject(x LANGUAGES CXX)\nfind_package(locustpp {wanted} REQUIRED)\n"
            "if(NOT TARGET locustpp::cli OR NOT COMMAND locustpp_add_worker)\n message(FATAL_ERROR missing)\nendif()\n"
        )
        done = subprocess.run(
            ["cmake", "-S", folder, "-B", folder / "build", f"-DCMAKE_PREFIX_PATH={tmp_path / 'moved'}"],
            text=True, capture_output=True, check=False,
        )  # fmt: skip
        assert (done.returncode == 0) == found, done.stdout + done.stderr


@pytest.mark.parametrize("folder", ["include", "lib"])
def test_nothing_names_where_it_was_built(prefix: Path, folder: str) -> None:
    for path in (prefix / folder).rglob("*"):
        if path.is_file():
            assert str(ROOT).encode() not in path.read_bytes(), path


def test_only_what_is_ours_to_hand_out(prefix: Path) -> None:
    headers = {str(path.relative_to(prefix / "include/locustpp")) for path in prefix.rglob("*.h")}
    assert {"locust.h", "cli/worker_main.h", "user/user_class.h"} <= headers
    assert not [name for name in headers if "test" in name or "fuzz" in name or name.startswith("python")]
    assert {path.name for path in (prefix / "bin").iterdir()} == {"locust-worker", "hello-target"}
