"""Load generators of others, built from bench/others: boomer (Go), Goose (Rust) and k6 (Go)."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from bench.settings import BenchError, Settings

KINDS = ("boomer", "goose", "k6")
K6 = "go.k6.io/k6@v1.3.0"


def command(settings: Settings, kind: str, host: str, users: int) -> list[str]:
    """Runs it until it is interrupted; it is built first where that is due."""
    return {"boomer": _boomer, "goose": _goose, "k6": _k6}[kind](settings, host, str(users))


def _boomer(settings: Settings, host: str, users: str) -> list[str]:
    program = settings.work / "others" / "boomer"
    _build(settings, "boomer", program, ["go", "build", "-o", str(program), "."])
    return [str(program), host, users]


def _goose(settings: Settings, host: str, users: str) -> list[str]:
    folder = settings.work / "others" / "goose-target"
    program = folder / "release" / "goose-hello"
    build = ["cargo", "build", "--release", "--locked"]
    _build(settings, "goose", program, build, CARGO_TARGET_DIR=str(folder))
    return [str(program), "--host", host, "--users", users, "--hatch-rate", users, "--no-print-metrics"]


def _k6(settings: Settings, host: str, users: str) -> list[str]:
    program = settings.work / "others" / "k6"
    _build(settings, "k6", program, ["go", "install", K6], GOBIN=str(program.parent))
    script = settings.root / "bench" / "others" / "hello.js"
    options = ["--quiet", "--no-usage-report", "--vus", users, "--duration", "1h"]
    return [str(program), "run", *options, "--env", f"HOST={host}", str(script)]


def _build(settings: Settings, name: str, program: Path, build: list[str], **env: str) -> None:
    """Makes the program where it is missing or its source is newer."""
    source = settings.root / "bench" / "others" / name
    newest = max((path.stat().st_mtime for path in source.rglob("*")), default=0.0)
    if program.is_file() and program.stat().st_mtime > newest:
        return
    if not shutil.which(build[0]):
        raise BenchError(f"{build[0]} is not installed, and {name} not built")
    program.parent.mkdir(parents=True, exist_ok=True)
    folder = source if source.is_dir() else settings.work
    done = subprocess.run(
        build, cwd=folder, env={**os.environ, **env}, capture_output=True, text=True
    )
    if done.returncode:
        raise BenchError(f"{name} cannot be built: {(done.stderr.strip() or '?').splitlines()[-1]}")
