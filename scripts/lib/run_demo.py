"""Runs target, stock master and worker, watches them, and stops them in the right order.

Called by demo.sh, which has built and installed everything; needs nothing but Python itself.
"""

import argparse
import errno
import http.client
import json
import os
import re
import signal
import socket
import sys
import time
import urllib.request

from process import Process

HOST = "127.0.0.1"
STOP_SECONDS = {"worker": 15, "master": 15, "target": 10}
STOP_ORDER = ["worker", "master", "target"]


class DemoError(Exception):
    """One sentence for the user."""


class Stopped(Exception):
    """Ctrl-C, SIGTERM or a closed terminal."""


def on_signal(number, _frame):
    # Once is enough: whatever comes later must not disturb the stopping.
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    raise Stopped(128 + number)


def parse_options(arguments):
    parser = argparse.ArgumentParser()
    for name in ("root", "run-dir", "locust", "worker", "target"):
        parser.add_argument("--" + name, default="")
    for name in ("web-port", "master-port", "target-port"):
        parser.add_argument("--" + name, type=int, required=True)
    parser.add_argument("--headless", type=int)
    parser.add_argument("--users", type=int, default=6)
    parser.add_argument("--threads", type=int)
    parser.add_argument("--only-check-ports", action="store_true")
    return parser.parse_args(arguments)


def check_ports(options):
    """Every port must be free, before anything is started."""
    ports = {"target": options.target_port, "master": options.master_port}
    if not options.headless:
        ports["web"] = options.web_port
    if len(set(ports.values())) < len(ports):
        raise DemoError(
            "the ports must differ: " + ", ".join(f"--{n}-port {p}" for n, p in ports.items())
        )
    for name, port in ports.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("", port))
            except OSError as error:
                in_use = error.errno == errno.EADDRINUSE
                why = "is in use" if in_use else f"cannot be used ({error.strerror})"
                raise DemoError(
                    f"port {port} {why}: choose another with --{name}-port PORT"
                ) from error


def fetch(port, path):
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with direct.open(f"http://{HOST}:{port}{path}", timeout=5) as answer:
        return answer.read()


def answers(port, path):
    try:
        fetch(port, path)
        return True
    except (OSError, http.client.HTTPException):
        return False


def accepts(port):
    try:
        socket.create_connection((HOST, port), timeout=1).close()
        return True
    except OSError:
        return False


class Demo:
    def __init__(self, options):
        self.options = options
        self.processes = {}
        self.shown = 0  # how much of the master's output has been printed
        self.counts_path = os.path.join(options.run_dir, "final_counts.json")
        self.env = {k: v for k, v in os.environ.items() if not k.startswith(("LOCUST_", "TARGET_"))}
        self.env["API_URL"] = f"http://{HOST}:{options.target_port}"
        self.env["DEMO_FINAL_COUNTS"] = self.counts_path
        self.env["PYTHONUNBUFFERED"] = "1"

    def start(self, name, command):
        log = os.path.join(self.options.run_dir, name + ".log")
        self.processes[name] = Process(name, command, log, self.env, self.options.run_dir)

    def start_target(self):
        port = self.options.target_port
        self.start("target", [self.options.target, "--host", HOST, "--port", str(port)])
        self.wait_until("the target answers", 10, lambda: answers(port, "/"))

    def start_master(self):
        options = self.options
        files = [os.path.join(options.root, "locustfiles", "test_sample.py")]
        command = ["--master", "--master-bind-host", HOST]
        command += ["--master-bind-port", str(options.master_port)]
        if options.headless:
            files.append(os.path.join(options.root, "scripts", "lib", "final_counts.py"))
            command += ["--headless", "-u", str(options.users), "-r", str(options.users)]
            command += ["-t", f"{options.headless}s", "-s", "5", "--only-summary"]
            command += ["--expect-workers", "1", "--expect-workers-max-wait", "30"]
        else:
            command += ["--web-host", HOST, "--web-port", str(options.web_port)]
        self.start("master", [options.locust, "-f", ",".join(files)] + command)
        self.wait_until("the master listens", 30, lambda: accepts(options.master_port))
        if not options.headless:
            self.wait_until("the web page answers", 30, lambda: answers(options.web_port, "/"))

    def start_worker(self):
        options = self.options
        command = [options.worker, "-f", "test_sample.cpp", "--worker"]
        command += ["--master-host", HOST, "--master-port", str(options.master_port)]
        if options.threads:
            command += ["--threads", str(options.threads)]
        self.start("worker", command)
        if not options.headless:
            self.wait_until("the worker is known to the master", 15, self.worker_is_ready)

    def worker_is_ready(self):
        try:
            workers = json.loads(fetch(self.options.web_port, "/stats/requests"))["workers"]
            # Somebody may have been quick to start a test: any state but that of a lost one.
            return any(worker["state"] in ("ready", "spawning", "running") for worker in workers)
        except (OSError, http.client.HTTPException, ValueError, KeyError):
            return False

    def check_alive(self, allowed=()):
        for process in self.processes.values():
            if process.name not in allowed and process.poll():
                raise DemoError(
                    f"the {process.name} {process.how_it_ended()}; the last lines of "
                    f"{process.log}:\n{process.last_lines()}"
                )

    def wait_until(self, what, seconds, condition):
        deadline = time.monotonic() + seconds
        while True:
            self.check_alive()
            if condition():
                return
            if time.monotonic() > deadline:
                newest = list(self.processes.values())[-1]
                raise DemoError(
                    f"waited {seconds} s in vain until {what}; the last lines of "
                    f"{newest.log}:\n{newest.last_lines()}"
                )
            time.sleep(0.05)

    def run_in_browser(self):
        options = self.options
        self.start_target()
        self.start_master()
        self.start_worker()
        print(
            f"\n  Locust's web page:  http://{HOST}:{options.web_port}\n"
            f"  Type there:         users {options.users}, ramp up {options.users}, "
            f"host http://{HOST}:{options.target_port}; then Start\n"
            f"  Logs:               {options.run_dir}\n"
            "  Ctrl-C stops worker, master and target.\n",
            flush=True,
        )
        while True:
            self.check_alive()
            time.sleep(0.2)

    def show_master(self):
        """Passes on what Locust has printed since the last call."""
        with open(self.processes["master"].log, "rb") as log:
            log.seek(self.shown)
            text = log.read()
        self.shown += len(text)
        sys.stdout.write(text.decode("utf-8", "replace"))
        sys.stdout.flush()

    def run_headless(self):
        options = self.options
        if os.path.exists(self.counts_path):
            os.remove(self.counts_path)
        self.start_target()
        self.start_master()
        self.start_worker()
        master, worker = self.processes["master"], self.processes["worker"]
        deadline = time.monotonic() + options.headless + 60
        while not master.poll():
            # A worker that ends well just before its master has been told to quit: judged below.
            quit_well = worker.poll() and worker.exit_code == 0
            self.check_alive(allowed=("master", "worker") if quit_well else ("master",))
            self.show_master()
            if time.monotonic() > deadline:
                raise DemoError(f"the master did not end within {options.headless + 60} s")
            time.sleep(0.1)
        self.show_master()
        problems = []
        if not worker.wait(10):
            problems.append("the worker went on after its master had ended")
            worker.stop(5)
        elif worker.exit_code != 0:
            problems.append(f"the worker {worker.how_it_ended()}:\n{worker.last_lines()}")
        problems += self.judge_logs()
        problems += self.judge_counts()
        self.print_usage()
        if problems:
            raise DemoError("; ".join(problems))

    def judge_logs(self):
        with open(self.processes["worker"].log, encoding="utf-8", errors="replace") as log:
            errors = [line for line in log if re.search(r"/(ERROR|CRITICAL)/", line)]
        if not errors:
            return []
        return [f"the worker logged {len(errors)} error(s), the first: {errors[0].strip()}"]

    def judge_counts(self):
        master = self.processes["master"]
        try:
            with open(self.counts_path, encoding="utf-8") as text:
                self.counts = json.load(text)
        except (OSError, ValueError):
            self.counts = None
            return [f"the master {master.how_it_ended()} without final counts"]
        problems = []
        if master.exit_code != 0:
            problems.append(f"the master {master.how_it_ended()}")
        if self.counts["requests"] == 0:
            problems.append("no request was made")
        for kind in ("failures", "exceptions"):
            if self.counts[kind]:
                problems.append(f"{self.counts[kind]} {kind}")
        try:
            stats = json.loads(fetch(self.options.target_port, "/stats/"))
            served = int(stats["requests"]["GET /hello/"])
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
            return problems + [f"the target's counter cannot be read ({error})"]
        if served != self.counts["requests"]:
            problems.append(
                f"the target served {served} requests, the master counted "
                f"{self.counts['requests']}"
            )
        return problems

    def print_usage(self):
        self.processes["target"].stop(STOP_SECONDS["target"])
        parts = [
            f"{name} {self.processes[name].cpu_seconds:.2f} s CPU, "
            f"{self.processes[name].peak_mb:.0f} MB"
            for name in STOP_ORDER
        ]
        if self.counts and self.counts["requests"]:
            each = self.processes["worker"].cpu_seconds / self.counts["requests"] * 1e6
            parts.append(
                f"{self.counts['requests']:,} requests, "
                f"{self.counts['requests_per_second']:,.0f} requests/s, "
                f"{each:.1f} us of worker CPU per request"
            )
        print("Used: " + "; ".join(parts), flush=True)

    def stop(self):
        """Worker, master, target: in this order the last report still finds its master."""
        obeyed = True
        for name in STOP_ORDER:
            process = self.processes.get(name)
            if process and not process.stop(STOP_SECONDS[name]):
                obeyed = False
                print(f"demo.sh: the {name} did not stop in time and was killed", file=sys.stderr)
        return obeyed


def main():
    options = parse_options(sys.argv[1:])
    try:
        check_ports(options)
    except DemoError as error:
        print(f"demo.sh: {error}", file=sys.stderr)
        return 1
    if options.only_check_ports:
        return 0
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, on_signal)
    demo = Demo(options)
    code = 0
    try:
        try:
            demo.run_headless() if options.headless else demo.run_in_browser()
        finally:
            for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(each, signal.SIG_IGN)
            obeyed = demo.stop()
    except Stopped as stopped:
        # Ctrl-C is how the demo with a browser ends; anything else was cut short.
        interrupted = stopped.args[0]
        code = 0 if interrupted == 130 and not options.headless and obeyed else interrupted
        print("\ndemo.sh: stopped", flush=True)
    except (DemoError, OSError) as error:
        print(f"demo.sh: {error}", file=sys.stderr)
        code = 1
    return code


if __name__ == "__main__":
    sys.exit(main())
