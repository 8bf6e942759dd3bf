#!/usr/bin/env python3
"""Records what a stock Locust master and a stock worker say to each other, as golden bytes.

Run it with the interpreter of an installed Locust: it writes VERSION.json beside itself. Between the
two stands a forwarder of raw ZeroMQ frames; the master is driven through its web API.

The file holds a list of frames, each with
  from, name  who sent it, and which of its kind it is
  hex         the bytes as they were on the wire
  plain_hex   only for frames that a native worker may legally send otherwise, without the difference:
              counters by ascending integer key, errors by key and with first_seen and last_seen, the
              total's method as text; repacked by Python's msgpack
  value       what msgpack reads in plain_hex, else in hex; maps as {"map": [[key, value], ...]}, arrays as
              {"array": [...]}, bytes as {"bin": hex}
"""

import contextlib
import importlib.metadata
import json
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request

import msgpack
import zmq

HERE = pathlib.Path(__file__).resolve().parent
# Locust itself, but for this machine's name and folders, which have no place in the recording.
LOCUST = r"""
import re, socket, traceback
socket.gethostname = lambda: "golden"
format_tb = traceback.format_tb
traceback.format_tb = lambda tb: [re.sub(r'"/[^"]*/(?=locust/|scenario)', '"', line) for line in format_tb(tb)]
from locust.main import main
main()
"""
# No proxy of the environment stands between this and the master.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
# Not by importing locust, which would make this program's threads cooperative.
LOCUST_VERSION = importlib.metadata.version("locust")
VERSION = tuple(map(int, LOCUST_VERSION.split(".")[:2]))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Forwarder(threading.Thread):
    """A ROUTER for the workers, and for each of them a DEALER of its identity to the master."""

    def __init__(self, port, master_port):
        super().__init__(daemon=True)
        self.context = zmq.Context()
        self.front = self.context.socket(zmq.ROUTER)
        self.front.bind(f"tcp://127.0.0.1:{port}")
        self.master = f"tcp://127.0.0.1:{master_port}"
        self.backs = {}
        self.frames = []  # (who, bytes), in order
        self.inject = None  # bytes to send to the master in the name of the first worker
        self.ended = threading.Event()

    def run(self):
        while not self.ended.is_set():
            poller = zmq.Poller()
            poller.register(self.front, zmq.POLLIN)
            for back in self.backs.values():
                poller.register(back, zmq.POLLIN)
            ready = dict(poller.poll(50))
            if self.front in ready:
                identity, frame = self.front.recv_multipart()
                self.frames.append(("worker", frame))
                self.back(identity).send(frame)
            for identity, back in self.backs.items():
                if back in ready:
                    frame = back.recv()
                    self.frames.append(("master", frame))
                    self.front.send_multipart([identity, frame])
            if self.inject and self.backs:
                next(iter(self.backs.values())).send(self.inject)
                self.inject = None
        self.context.destroy(linger=0)

    def back(self, identity):
        if identity not in self.backs:
            back = self.context.socket(zmq.DEALER)
            back.setsockopt(zmq.IDENTITY, identity)
            back.connect(self.master)
            self.backs[identity] = back
        return self.backs[identity]


class Run:
    """One master and its workers, from start to quit."""

    def __init__(self, directory):
        self.directory = directory
        self.web = free_port()
        self.master_port, self.worker_port = free_port(), free_port()
        self.processes = []
        self.master = self.start(
            "-f", "scenario.py", "--master", "--master-bind-host", "127.0.0.1",
            "--master-bind-port", str(self.master_port), "--web-host", "127.0.0.1",
            "--web-port", str(self.web), *(["--class-picker"] if VERSION >= (2, 25) else []),
        )
        self.forwarder = Forwarder(self.worker_port, self.master_port)
        self.forwarder.start()

    def start(self, *arguments):
        log = open(pathlib.Path(self.directory) / f"{len(self.processes)}.log", "w")
        process = subprocess.Popen(
            [sys.executable, "-c", LOCUST, *arguments], cwd=self.directory, stdin=subprocess.DEVNULL,
            stdout=log, stderr=log,
        )
        self.processes.append(process)
        return process

    def start_worker(self, locustfile):
        return self.start(
            "-f", locustfile, "--worker", "--master-host", "127.0.0.1",
            "--master-port", str(self.worker_port),
        )

    def http(self, path, form=None, body=None):
        data = urllib.parse.urlencode(form).encode() if form is not None else body
        url = f"http://127.0.0.1:{self.web}{path}"
        headers = {"Content-Type": "application/json"} if body else {}
        with DIRECT.open(urllib.request.Request(url, data, headers), timeout=10) as answer:
            return answer.read()

    def swarm(self, users, rate):
        self.http("/swarm", {"user_count": users, "spawn_rate": rate, "host": "http://127.0.0.1:8000"})

    def wait_for(self, who, kind, count=1, limit=20):
        end = time.time() + limit
        while sum(w == who and msgpack_type(f) == kind for w, f in self.forwarder.frames) < count:
            if time.time() > end:
                raise SystemExit(f"no {kind} from the {who} within {limit} s, see {self.directory}")
            time.sleep(0.05)

    def end(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
        self.forwarder.ended.set()
        self.forwarder.join()


def msgpack_type(frame):
    return msgpack.loads(frame, raw=False, strict_map_key=False)[0]


def record(directory):
    run = Run(directory)
    try:
        for _ in range(200):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", run.web), 1).close()
                break
            time.sleep(0.1)
        run.start_worker("scenario.py")
        run.wait_for("master", "ack")
        run.wait_for("worker", "stats", 2)
        if VERSION >= (2, 23):
            other = run.start_worker("-")
            run.wait_for("master", "ack", 2)
            time.sleep(2)  # until it handles signals
            other.send_signal(signal.SIGTERM)
            run.wait_for("worker", "quit")
        run.swarm(6, 3)
        run.wait_for("worker", "spawning_complete", 2)
        run.wait_for("worker", "stats", 6)
        run.swarm(2, 100)
        run.wait_for("worker", "spawning_complete", 3)
        if VERSION >= (2, 25):
            settings = {"user_class_name": "BetaUser", "weight": 3, "host": None, "tasks": ["fail"]}
            run.http("/user", body=json.dumps(settings).encode())
            run.wait_for("master", "update_user_class")
        time.sleep(1.5)
        run.http("/stop", form={} if VERSION >= (2, 47) else None)
        run.wait_for("worker", "client_stopped")
        run.wait_for("master", "ack", 2)
        run.forwarder.inject = b"\x93\xa1\xff\xc0\xa1x"  # a type that is not UTF-8
        run.wait_for("master", "reconnect")
        time.sleep(1)
        run.master.send_signal(signal.SIGTERM)
        run.wait_for("master", "quit")
        time.sleep(2)
        return run.forwarder.frames
    finally:
        run.end()


def plain(message):
    """The message as a native worker would legally send it; see the top."""
    kind, data, node = message
    if kind == "stats":
        for entry in [*data["stats"], data["stats_total"]]:
            for counter in ("response_times", "num_reqs_per_sec", "num_fail_per_sec"):
                entry[counter] = {int(k): entry[counter][k] for k in sorted(entry[counter])}
        data["stats_total"]["method"] = data["stats_total"]["method"] or ""
        data["errors"] = dict(sorted(data["errors"].items()))
        for error in data["errors"].values():
            error.setdefault("first_seen", 0.0)
            error.setdefault("last_seen", 0.0)
    return [kind, data, node]


def as_json(value):
    if isinstance(value, dict):
        return {"map": [[as_json(k), as_json(v)] for k, v in value.items()]}
    if isinstance(value, list):
        return {"array": [as_json(v) for v in value]}
    if isinstance(value, bytes):
        return {"bin": value.hex()}
    return value


def name_of(who, message):
    """One frame is kept of each name."""
    kind, data, _ = message
    if (who, kind) == ("worker", "heartbeat"):
        return f"heartbeat_{data['state']}"
    if (who, kind) == ("worker", "stats"):
        return "stats" + ("_with_errors" if data["errors"] else "" if data["stats"] else "_idle")
    if kind == "spawn":
        return f"{kind}_{sum(data['user_classes_count'].values())}"
    return kind


def main():
    with tempfile.TemporaryDirectory() as directory:
        scenario = (HERE / "scenario.py").read_text()
        (pathlib.Path(directory) / "scenario.py").write_text(scenario)
        frames = record(directory)
    kept = {}  # of each name, the first one
    for who, frame in frames:
        message = msgpack.loads(frame, raw=False, strict_map_key=False)
        kept.setdefault((who, name_of(who, message)), frame)
    rows = []
    for (who, name), frame in sorted(kept.items()):
        value = msgpack.loads(frame, raw=False, strict_map_key=False)
        plain_frame = msgpack.dumps(plain(value)) if who == "worker" else frame
        value = msgpack.loads(plain_frame, raw=False, strict_map_key=False)
        row = {"from": who, "name": name, "hex": frame.hex()}
        if plain_frame != frame:
            row["plain_hex"] = plain_frame.hex()
        rows.append(row | {"value": as_json(value)})
    lines = ",\n".join(json.dumps(row, ensure_ascii=True, separators=(",", ":")) for row in rows)
    (HERE / f"{LOCUST_VERSION}.json").write_text(f"[\n{lines}\n]\n")
    print(f"{LOCUST_VERSION}: {', '.join(r['from'] + ' ' + r['name'] for r in rows)}")


if __name__ == "__main__":
    main()
