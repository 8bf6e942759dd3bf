"""Command line of the bench: measures the chosen rows, prints them, writes build/bench.json."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import traceback
from pathlib import Path
from typing import Any, Callable

from bench import machine, plot
from bench import rows_headline, rows_http, rows_load, rows_python, rows_target, rows_worker
from bench.measure import disturbance
from bench.process import stop_everything
from bench.report import Row, show
from bench.settings import BenchError, Settings, two_cores

ROWS: dict[str, Callable[[Settings], Row]] = {
    "hello": rows_load.hello,
    "test_sample": rows_load.test_sample,
    "users": rows_load.users,
    "clients": rows_load.clients,
    "target": rows_target.target,
    "target_even": rows_target.even,
    "target_threads": rows_target.threads,
    "target_idle": rows_target.idle,
    "django": rows_target.django,
    "tls": rows_http.tls,
    "bodies": rows_http.bodies,
    "checks": rows_http.checks,
    "python_hello": rows_python.hello,
    "python_http_user": rows_python.http_user,
    "python_sample": rows_python.sample,
    "python_processes": rows_python.processes,
    "python_start": rows_python.start,
    "python_idle": rows_python.idle,
    "headline": rows_headline.headline,
    "headline_150": rows_headline.headline_150,
    "heartbeat": rows_worker.heartbeat,
    "idle": rows_worker.idle,
    "start": rows_worker.start,
}


def parser() -> argparse.ArgumentParser:
    root = Path(__file__).resolve().parent.parent
    venvs = os.environ.get("LOCUSTPP_VENVS", str(root / "build" / "venvs"))
    made = argparse.ArgumentParser(
        prog="bench/run.sh", description="Measures side by side; bench/README.md explains the rows."
    )
    add = made.add_argument
    add("rows", nargs="*", metavar="row", help=f"any of {', '.join(ROWS)} (default: all)")
    add("--quick", action="store_true", help="short windows, one or two rounds: a trial run")
    add("--seconds", type=float, help="a measurement window (default 5)")
    add("--rounds", type=int, help="rounds, alternating (default 3)")
    add("--warm-up", type=float, help="seconds of load before a window (default 2)")
    add("--headline-seconds", type=float, help="length of the headline run (default 60)")
    add("--heartbeat-seconds", type=float, help="length of each heartbeat case (default 30)")
    add("--idle-users", type=int, help="users of the row idle (default 15000)")
    add("--starts", type=int, help="starts of the row start (default 10)")
    add("--locust", default="2.47.0", help="version of the stock Locust (default 2.47.0)")
    add("--venvs", default=venvs, help="folder of its virtual environments, one a version")
    add("--build", default=str(root / "build" / "release"), help="folder with bin/locust-worker")
    add("--locustfiles", default=str(root / "locustfiles"), help="folder with hello.py")
    add("--port", type=int, help="port of the server under load (default: a free one)")
    add("--output", default=str(root / "build" / "bench.json"), help="where the figures go")
    pictures = root / "docs" / "images"
    add("--plot", action="store_true", help="draw the figures; without rows, those of --output")
    add("--pictures", default=str(pictures), help="folder for bench-*.svg (docs/images)")
    add("--keep-logs", action="store_true", help="keep the programs' output in build/bench/logs")
    return made


def settings_from(options: argparse.Namespace) -> Settings:
    root = Path(__file__).resolve().parent.parent
    quick = bool(options.quick)

    def choose(name: str, usual: Any, short: Any) -> Any:
        given = getattr(options, name)
        if given is not None and given <= 0:
            raise BenchError(f"--{name.replace('_', '-')} must be above zero")
        return given if given is not None else (short if quick else usual)

    return Settings(
        root=root,
        build=Path(options.build).resolve(),
        work=root / "build" / "bench",
        locustfiles=Path(options.locustfiles).resolve(),
        venv=Path(options.venvs).resolve() / options.locust,
        locust=options.locust,
        seconds=choose("seconds", 5.0, 2.0),
        warm_up=choose("warm_up", 2.0, 1.0),
        rounds=choose("rounds", 3, 1),
        headline_seconds=choose("headline_seconds", 60.0, 10.0),
        heartbeat_seconds=choose("heartbeat_seconds", 30.0, 8.0),
        idle_users=choose("idle_users", 15000, 2000),
        starts=choose("starts", 10, 3),
        port=options.port,
        keep_logs=options.keep_logs,
        cores=two_cores(),
    )


def measure(settings: Settings, names: list[str]) -> list[Row]:
    rows = []
    for name in names:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        try:
            row = ROWS[name](settings)
        except BenchError as error:
            row = Row(name, "not measured", ())
            row.problems.append(str(error))
        except Exception as error:  # a fault of the bench: the other rows are still worth having
            traceback.print_exc()
            row = Row(name, "not measured", ())
            row.problems.append(f"{type(error).__name__}: {error}")
        stop_everything()
        disturbed = disturbance(row.rounds)
        if disturbed:
            row.verdicts.append(disturbed)
            row.summary["disturbed"] = disturbed
        print(show(row), flush=True)
        rows.append(row)
    return rows


def write(path: Path, settings: Settings, about: dict[str, object], rows: list[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    figures = {
        "machine": about,
        "command": ["bench/run.sh", *sys.argv[1:]],
        "settings": {key: _plain(value) for key, value in vars(settings).items()},
        "rows": {row.name: row.as_json() for row in rows},
    }
    path.write_text(json.dumps(figures, indent=1) + "\n")


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value


def draw(options: argparse.Namespace) -> int:
    for path in plot.draw(Path(options.output), Path(options.pictures)):
        print(f"drawn: {path}")
    return 0


def main() -> int:
    options = parser().parse_args()
    unknown = [name for name in options.rows if name not in ROWS]
    if unknown:
        print(f"bench: no row {unknown[0]!r}; there are {', '.join(ROWS)}", file=sys.stderr)
        return 2
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's "&" would have it ignored
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    signal.signal(signal.SIGHUP, lambda *_: sys.exit(129))
    try:
        if options.plot and not options.rows:
            return draw(options)
        settings = settings_from(options)
        settings.work.mkdir(parents=True, exist_ok=True)
        about = machine.describe(settings.build / "bin" / "locust-worker", settings.root)
        rows = measure(settings, list(dict.fromkeys(options.rows)) or list(ROWS))
        write(Path(options.output), settings, about, rows)
        print(f"\nevery round is in {options.output}")
        if options.plot:
            draw(options)
        if not settings.keep_logs and not any(row.problems for row in rows):
            shutil.rmtree(settings.work / "logs", ignore_errors=True)
        return 1 if any(row.problems for row in rows) else 0
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("bench: interrupted; everything is stopped, nothing was written", file=sys.stderr)
        return 130
    finally:
        stop_everything()


if __name__ == "__main__":
    sys.exit(main())
