"""The workflows of hosted CI: valid, thin, and everything they call exists."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from conftest import run
from load import ROOT

WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def test_all_are_there() -> None:
    assert {path.stem for path in WORKFLOWS} == {"test", "release", "weekly"}


def test_schema() -> None:
    run(Path(sys.executable).with_name("check-jsonschema"), "--builtin-schema", "vendor.github-workflows", *WORKFLOWS)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_calls_the_projects_own_scripts(path: Path) -> None:
    text = path.read_text()
    scripts = re.findall(r"run: (scripts/\S+)(.*)", text)
    assert scripts
    for script, arguments in scripts:
        usage = run(ROOT / script, "--help")
        for option in re.findall(r"--\S+", arguments):
            assert option in usage
    for action in re.findall(r"uses: (\S+)", text):
        assert re.fullmatch(r"[\w./-]+@v\d+\.\d+\.\d+", action), f"{action}: pin a whole version"
