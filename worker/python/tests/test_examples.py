"""The files of Locust's documentation (the folder examples/ of its source distribution, where it is in there): each
run by stock Locust, by the native engine, and by a native worker of a stock master counts the same things."""

from __future__ import annotations

import csv
import json
import os
import re
import signal
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from gevent.pywsgi import WSGIServer
from harness import VERSION
from processes import FILES, Place, Process, eventually, free_port, scenario

# The last that has them is 2.29.0; later ones are run with those.
RELEASE = "2.13.0" if VERSION < (2, 20) else "2.29.0"
FOLDER = Path(__file__).resolve().parents[3] / "build" / "examples"

NOT_RUN = {
    "browse_docs_test.py": "needs pyquery, and Locust's own site",
    "browse_docs_sequence_test.py": "needs pyquery, and Locust's own site",
    "custom_xmlrpc_client/server.py": "no locustfile",
    "dispatch_test_scripts/locustfile.py": "users that wait for ten minutes each",
    "extend_web_ui/extend.py": "only its master has something to show",
    "grpc": "gRPC and its compiler",
    "sdk_session_patching/session_patch_locustfile.py": "needs archivist",
    "use_as_lib.py": "no locustfile",
    "worker_index.py": "needs locust-plugins",
}
if VERSION < (2, 20):
    NOT_RUN["manual_stats_reporting.py"] = "its events are not what 2.13.0 demands"
# Their place is taken by a server of the test's own.
SITES = re.compile(r"https?://(example|facebook|google|microsoft|postman-echo)\.com(:\d+)?")
# What they print is compared: they make no requests, or end before their numbers are written.
PRINTED = {"add_command_line_argument.py", "custom_messages.py", "stop_on_threshold.py"}
# The server of the XML-RPC example, on a port of its own.
XMLRPC = """
import runpy, socketserver, sys, xmlrpc.server
class Server(socketserver.ThreadingMixIn, xmlrpc.server.SimpleXMLRPCServer):
    def __init__(self, address, *more, **options):
        super().__init__(("127.0.0.1", int(sys.argv[2])), *more, **options)
xmlrpc.server.SimpleXMLRPCServer = Server
runpy.run_path(sys.argv[1], run_name="__main__")
"""


def fetch() -> Path:
    """Once for all runs of these tests, of which there may be several at a time."""
    there = FOLDER / f"locust-{RELEASE}"
    if not there.is_dir():
        FOLDER.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
            where = ("--no-binary", "locust", "--no-deps", "-d", folder, f"locust=={RELEASE}")
            subprocess.run([sys.executable, "-m", "pip", "download", "-q", *where], check=True, timeout=300)
            with tarfile.open(f"{folder}/{there.name}.tar.gz") as archive:
                wanted = [one for one in archive if "/examples/" in one.name and one.isreg() and ".." not in one.name]
                archive.extractall(folder, wanted)
            if not there.is_dir():
                os.rename(f"{folder}/{there.name}", there)
    return there / "examples"


EXAMPLES = fetch()
NAMES = sorted(str(file.relative_to(EXAMPLES)) for file in EXAMPLES.rglob("*.py"))
RUN = [name for name in NAMES if name not in NOT_RUN and name.split("/")[0] not in NOT_RUN]


def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    """An echo of what was asked; paths that sound like a fault are one."""
    path, body = environ["PATH_INFO"], environ["wsgi.input"].read()
    status = "404 Not Found" if "not_exist" in path else "500 Internal Server Error" if "error" in path else "200 OK"
    query = dict(parse_qsl(environ["QUERY_STRING"]))
    try:
        data = json.loads(body)
    except ValueError:
        data = body.decode()
    start(status, [("Content-Type", "application/json"), *query.items()])
    return [json.dumps({"args": query, "data": data, "method": environ["REQUEST_METHOD"]}).encode()]


_site: list[WSGIServer] = []


def site() -> str:
    if not _site:
        _site.append(WSGIServer(("127.0.0.1", 0), answer, log=None))
        _site[0].start()
    return f"http://127.0.0.1:{_site[0].server_port}"


def table(file: Path, *columns: str) -> set[tuple[str, ...]]:
    if not file.exists():
        return set()
    with file.open(newline="") as text:
        found = [tuple(row.get(column) or "" for column in columns) for row in csv.DictReader(text)]
    # Names that hold a time; and 2.13.0's masters quote the errors of their workers once more.
    return {tuple(re.sub(r"\d\d:\d\d\.\d+", "…", value.strip('"').replace("\\'", "'")) for value in row) for row in found}


def counted(place: Place, name: str) -> dict[str, Any]:
    failures = table(place.path / f"{name}_failures.csv", "Method", "Name", "Error")
    return {"rows": table(place.path / f"{name}_stats.csv", "Type", "Name"), "failures": failures}


def plain(text: str) -> str:
    """Without addresses and numbers, and what shows whose runner it is."""
    return re.sub(r"0x[0-9a-f]+|\d+", "9", text.replace("Native", ""))


def printed(*processes: Process) -> set[str]:
    """But for log lines and tables."""
    text = plain("\n".join(process.log for process in processes))
    return set(re.findall(r"^(?!Type|Response|Traceback)[A-Za-z_][\w\t .,:=!']*$", text, re.M))


def errors(process: Process) -> set[str]:
    return set(re.findall(r"/(?:ERROR|CRITICAL)/[\w.]+: .*", plain(process.log)))


class Example:
    """One file's runs, all at once."""

    def __init__(self, place: Place, file: str) -> None:
        self.place = place
        host = site()
        if file.startswith("custom_xmlrpc_client"):
            port = free_port()
            place.python("xmlrpc", "-c", XMLRPC, EXAMPLES / "custom_xmlrpc_client/server.py", port)
            host = f"http://127.0.0.1:{port}/"
        (place.path / "example.py").write_text(SITES.sub(site(), (EXAMPLES / file).read_text()))
        self.files = ("-f", f"{FILES / 'hurry.py'},{place.path / 'example.py'}")
        self.load = ("--headless", "--users", "4", "--spawn-rate", "10", "--host", host)
        self.more: dict[str, Any] = {"env": {"API_HOST": site()}}
        self.runs: dict[str, Process] = {}  # whose numbers are in {name}_stats.csv
        self.workers: dict[str, Process] = {}
        for module in ("locust", "locustpp"):
            self.run(f"{module}-run", module)
        self.distribute("locustpp")

    def run(self, name: str, module: str, *options: Any) -> None:
        self.runs[name] = self.place.run(module, *self.files, *self.load, "--csv", name, *options, name=name, **self.more)

    def distribute(self, module: str) -> None:
        """A stock master and a worker."""
        port = free_port()
        where = ("--master-bind-host", "127.0.0.1", "--master-bind-port", port)
        self.run(f"{module}-master", "locust", "--master", *where, "--expect-workers", 1)
        where = ("--master-host", "127.0.0.1", "--master-port", port)
        self.workers[module] = self.place.run(module, *self.files, "--worker", *where, name=f"{module}-worker", **self.more)

    def same_rows(self) -> bool:
        first, *others = (counted(self.place, name) for name in self.runs)
        return len(first["rows"]) > 1 and all(other == first for other in others)

    def same_prints(self) -> bool:
        stock, native = (printed(self.runs[f"{m}-run"]) for m in ("locust", "locustpp"))
        of_stock, of_native = (printed(self.runs[f"{m}-master"], self.workers[m]) for m in ("locust", "locustpp"))
        return stock == native and of_stock == of_native != set()

    def end(self) -> dict[str, int]:
        for process in self.runs.values():
            if process.process.poll() is None:
                process.signal(signal.SIGTERM)
        codes = {name: process.ended(60) for name, process in self.runs.items()}
        for name, process in self.workers.items():
            # It has just died: Locust prepares masters without users for no signal. And a stock worker that has
            # heard of the end before its runner is whole stays for ever.
            if name == "locust" or codes[f"{name}-master"] < 0:
                process.signal(signal.SIGTERM)
            codes[name] = process.ended(60)
        return codes

    def tell(self) -> str:
        logs = [f"{process.file.name}:\n{process.log[:1500]}" for process in (*self.runs.values(), *self.workers.values())]
        return "\n".join([*(f"{name}: {counted(self.place, name)}" for name in self.runs), *logs])


@scenario
@pytest.mark.parametrize("file", RUN)
def test_example(place: Place, file: str) -> None:
    example = Example(place, file)
    if file in PRINTED:
        example.distribute("locust")
        eventually("the same lines", example.same_prints, 90, example.tell)
    else:
        eventually("the same rows", example.same_rows, 90, example.tell)
    codes = example.end()
    assert codes["locustpp-run"] == codes["locust-run"], example.tell()
    assert codes["locustpp"] == 0, example.tell()
    assert errors(example.runs["locustpp-run"]) == errors(example.runs["locust-run"])


def test_what_is_not_run_is_there() -> None:
    """And the rest is more than a few."""
    there = {*NAMES, *(name.split("/")[0] for name in NAMES)}
    assert len(RUN) >= 20
    assert len(there & NOT_RUN.keys()) >= 8
