"""The Debian packages: what is in them and what they say of themselves. That they can be installed
and removed is for test_clean_root.py."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from conftest import run
from load import ROOT, Load


def fields(deb: Path) -> dict[str, str]:
    return dict(re.findall(r"^(\S+): (.*)$", run("dpkg-deb", "--field", deb), re.MULTILINE))


def contents(deb: Path) -> set[str]:
    lines = run("dpkg-deb", "--contents", deb).splitlines()
    return {line.split()[5].removeprefix(".") for line in lines if not line.startswith("d")}


@pytest.fixture
def unpacked(debs: dict[str, Path], tmp_path: Path) -> Path:
    for deb in debs.values():
        run("dpkg-deb", "--extract", deb, tmp_path / "root")
    return tmp_path / "root"


def test_one_version(debs: dict[str, Path], unpacked: Path, version: str) -> None:
    assert set(debs) == {"locustpp", "locustpp-dev"}
    for deb in debs.values():
        assert fields(deb)["Version"] == f"{version}-1"
    for program in ("locust-worker", "hello-target"):
        assert version in run(unpacked / "usr/bin" / program, "--version")
    (package_file,) = unpacked.glob("usr/lib/*/cmake/locustpp/locustppConfigVersion.cmake")
    assert f'set(PACKAGE_VERSION "{version}")' in package_file.read_text()


def test_files(debs: dict[str, Path]) -> None:
    programs, library = contents(debs["locustpp"]), contents(debs["locustpp-dev"])
    assert {"/usr/bin/locust-worker", "/usr/bin/hello-target", "/usr/libexec/locustpp/locustpp-health"} <= programs
    for program in ("locust-worker", "hello-target"):
        for place in ("man/man1/{}.1.gz", "bash-completion/completions/{}", "zsh/vendor-completions/_{}",
                      "fish/vendor_completions.d/{}.fish"):  # fmt: skip
            assert f"/usr/share/{place.format(program)}" in programs
    assert not [name for name in programs if name.endswith((".a", ".h", ".cmake"))]
    assert "/usr/include/locustpp/locust.h" in library
    assert not [name for name in library if name.startswith("/usr/bin")]
    for package, names in (("locustpp", programs), ("locustpp-dev", library)):
        for document in ("copyright", "changelog.gz", "changelog.Debian.gz", "THIRD_PARTY.md"):
            assert f"/usr/share/doc/{package}/{document}" in names
    # Both can be installed at once.
    assert not programs & library


def test_dependencies_are_those_that_are_linked(debs: dict[str, Path]) -> None:
    depends = fields(debs["locustpp"])["Depends"]
    for package in ("libc6", "libstdc++6", "libzmq5", "libssl3", "libfmt9", "libspdlog1.10", "libcpp-httplib0.11"):
        assert re.search(rf"(^|, ){re.escape(package)}\b", depends), depends


def test_runs_from_where_it_was_unpacked(unpacked: Path, load: Load) -> None:
    programs = unpacked / "usr/bin"
    load.run([programs / "hello-target"], [programs / "locust-worker", "-f", "hello"],
             ROOT / "locustfiles/hello.py", {"/hello/": "GET /hello/"})  # fmt: skip


def test_lintian(debs: dict[str, Path]) -> None:
    if not shutil.which("lintian"):
        pytest.fail("install it first: apt-get install lintian")
    # Not uploaded to Debian: no bug number to close there.
    said = run("lintian", "--allow-root", "--fail-on", "error,warning", "--suppress-tags", "initial-upload-closes-no-bugs",
               *debs.values())  # fmt: skip
    assert not re.search(r"^[EW]: ", said, re.MULTILINE), said
