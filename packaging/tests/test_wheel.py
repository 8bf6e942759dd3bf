"""The repaired wheel: it brings along what it links, says so, and has the licences of it."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import pytest


@pytest.fixture
def names(wheel: Path) -> list[str]:
    return zipfile.ZipFile(wheel).namelist()


def test_name(wheel: Path, version: str) -> None:
    # Not linux_x86_64: package indexes take only wheels that state the glibc that they need.
    assert re.fullmatch(rf"locustpp-{re.escape(version)}-cp3\d+-cp3\d+-manylinux_2_\d+_\w+\.whl", wheel.name)


def test_libraries(names: list[str]) -> None:
    libraries = {re.match(r"locustpp\.libs/(lib\w+)", name)[1] for name in names if name.startswith("locustpp.libs/")}
    assert {"libzmq", "libssl", "libcrypto", "libfmt", "libspdlog", "libcares", "libzstd"} <= libraries
    # Those that every Linux has stay outside, or there would be two of them in one process.
    assert not libraries & {"libc", "libm", "libpthread", "libstdc", "libgcc_s", "libpython3"}


def test_licences(names: list[str], wheel: Path, version: str) -> None:
    place = f"locustpp-{version}.dist-info/licenses"
    assert {f"{place}/LICENSE", f"{place}/THIRD_PARTY.md"} <= set(names)
    packages = {name.split("/")[-2] for name in names if name.startswith(f"{place}/bundled/")}
    assert {"libzmq5", "libssl3", "libsodium23", "libfmt9", "libspdlog1.10"} <= packages
    with zipfile.ZipFile(wheel) as files:
        assert "LGPL" in files.read(f"{place}/bundled/libzmq5/copyright").decode()
