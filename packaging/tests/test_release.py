"""What release.sh refuses, on a repository of its own; and that all versions come from one place."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import run
from load import ROOT


@pytest.fixture
def tree(tmp_path: Path, version: str) -> Path:
    """A repository that may be released."""
    tree = tmp_path / "tree"
    tree.mkdir()
    for name in ("scripts", "packaging/requirements"):
        shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "CMakeLists.txt", tree)
    (tree / "CHANGELOG.md").write_text(f"# Changes\n\n## {version} - 2026-01-02\n")
    run("git", "init", "-q", tree)
    commit(tree)
    return tree


def commit(tree: Path) -> None:
    run("git", "-C", tree, "add", "-A")
    run("git", "-C", tree, "-c", "user.name=Test", "-c", "user.email=test@localhost", "commit", "-q", "-m", "x")


def refusal(tree: Path, *arguments: str) -> str:
    done = subprocess.run(
        [tree / "scripts/release.sh", "--dry-run", *arguments], text=True, capture_output=True, check=False
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stderr


def test_says_what_it_would_build(tree: Path, version: str) -> None:
    head = run("git", "-C", tree, "rev-parse", "HEAD")[:12]
    assert f"locustpp {version} of commit {head}" in run(tree / "scripts/release.sh", "--dry-run", version)
    assert not (tree / "build").exists()


def test_uncommitted_changes(tree: Path) -> None:
    (tree / "new").touch()
    assert "uncommitted changes" in refusal(tree)


def test_no_entry_in_the_changelog(tree: Path, version: str) -> None:
    (tree / "CHANGELOG.md").write_text(f"# Changes\n\n## Unreleased\n\n## {version}9 - 2026-01-02\n")
    commit(tree)
    assert f"no entry for {version}" in refusal(tree)


def test_another_version(tree: Path) -> None:
    assert "not 9.9.9" in refusal(tree, "9.9.9")


def test_a_version_that_was_released_already(tree: Path, version: str) -> None:
    run("git", "-C", tree, "tag", f"v{version}")
    run(tree / "scripts/release.sh", "--dry-run")
    (tree / "new").touch()
    commit(tree)
    assert "is tagged already" in refusal(tree)


def test_no_second_place_states_the_version(version: str) -> None:
    stated = re.compile(rf"^\s*(project\(.*|version\s*=\s*|__version__\s*=\s*).*{re.escape(version)}", re.MULTILINE)
    for path in (ROOT / "pyproject.toml", *(ROOT / "worker/python/locustpp").glob("*.py")):
        assert not stated.search(path.read_text()), path
