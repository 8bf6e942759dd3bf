"""Which command lines the `locust` of the images takes for a worker's, by each version of Locust."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # needs an environment with each version

ROOT = Path(__file__).resolve().parents[2]
VENVS = Path(os.environ.get("LOCUSTPP_VENVS", ROOT / "build" / "venvs"))
VERSIONS = sorted(
    path.stem.removeprefix("locust-") for path in (ROOT / "compat-tests" / "requirements").glob("locust-*.txt")
)
ASK = """\
import json, runpy, sys
command = runpy.run_path(sys.argv[1], run_name="not_main")
print(json.dumps([command["is_worker"](arguments) for arguments in json.loads(sys.argv[2])]))
"""
ASK_LOCUST = """\
import json, sys
from locust.argument_parser import get_parser
print(json.dumps([get_parser().parse_known_args(arguments)[0].worker for arguments in json.loads(sys.argv[2])]))
"""


def are_workers(
    version: str, folder: Path, *lines: list[str], ask: str = ASK, **environment: str
) -> list[bool]:
    python = VENVS / version / "bin" / "python"
    assert python.exists(), f"Locust {version} is not in {VENVS}: scripts/setup.sh --tests installs it"
    result = subprocess.run(
        [python, "-c", ask, ROOT / "docker" / "locust", json.dumps(lines)],
        capture_output=True, text=True, cwd=folder, env={**os.environ, "HOME": str(folder), **environment},
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return json.loads(result.stdout)


@pytest.mark.parametrize("version", VERSIONS)
def test_by_arguments(version: str, tmp_path: Path) -> None:
    workers = (
        ["-f", "x.py", "--worker", "--master-host", "m"],
        ["--worker", "--master-port=5557", "--my-own-argument", "7"],
        ["--processes", "4", "--worker", "-L", "DEBUG", "UserClass"],
    )
    others = (
        ["-f", "x.py", "--master", "--expect-workers", "4"],
        ["-f", "x.py", "--headless", "-u", "1", "-t", "10s"],
        ["--version"],
        ["--help"],
        [],
    )
    assert are_workers(version, tmp_path, *workers) == [True] * len(workers)
    assert are_workers(version, tmp_path, *others) == [False] * len(others)


@pytest.mark.parametrize("version", VERSIONS)
def test_by_variable(version: str, tmp_path: Path) -> None:
    assert are_workers(version, tmp_path, ["-f", "x.py"], LOCUST_MODE_WORKER="true") == [True]
    assert are_workers(version, tmp_path, ["-f", "x.py"], LOCUST_MODE_WORKER="false") == [False]
    assert are_workers(version, tmp_path, ["-f", "x.py"], LOCUST_MODE_MASTER="true") == [False]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("mode", ["worker", "master"])
def test_by_configuration_file(version: str, mode: str, tmp_path: Path) -> None:
    """As that version reads it: 2.32.10 does not read one without a section."""
    (tmp_path / "locust.conf").write_text(f"{mode} = true\nusers = 5\n")
    lines: tuple[list[str], ...] = ([], ["--worker"])
    assert are_workers(version, tmp_path, *lines) == are_workers(version, tmp_path, *lines, ask=ASK_LOCUST)
