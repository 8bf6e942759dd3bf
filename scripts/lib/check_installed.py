"""A short run of an installed package: `locustpp --version`, and a worker of it with a stock master and
a target of Python's own, both of the same environment.

check_installed.py BIN native|stock: ends with 0 when the master has counted requests and the worker
says what it is."""

import http.server
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading

LOCUSTFILE = """
from locust import FastHttpUser, HttpUser, constant, task

class Fast(FastHttpUser):
    wait_time = constant(0.05)

    @task
    def hello(self):
        self.client.get("/fast")

class Plain(HttpUser):
    wait_time = constant(0.05)

    @task
    def hello(self):
        self.client.get("/plain")
"""
SENTENCE = "the native engine cannot be loaded"


class Target(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    seen = set()

    def do_GET(self):
        Target.seen.add(self.path)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def check(right, what, *texts):
    if not right:
        for text in texts:
            print(text)
        sys.exit(f"wrong: {what}")


def main():
    programs, kind = os.path.abspath(sys.argv[1]), sys.argv[2]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("PYTHONPATH", None)

    version = subprocess.run(
        [f"{programs}/locustpp", "--version"], env=environment, text=True, capture_output=True, timeout=60, check=True
    )
    check(version.stdout.startswith("locust "), "--version", version.stdout, version.stderr)
    # One sentence where the engine is missing, else nothing.
    check(
        version.stderr.count("\n") == (kind == "stock") and (SENTENCE in version.stderr) == (kind == "stock"),
        "what is said of the engine",
        version.stderr,
    )

    target = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Target)
    target.handle_error = lambda *_: None  # a user that is stopped closes its connection
    threading.Thread(target=target.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as folder:
        with open(f"{folder}/locustfile.py", "w", encoding="utf-8") as file:
            file.write(LOCUSTFILE)
        port = str(free_port())
        common = dict(cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        master = subprocess.Popen(
            [f"{programs}/python", "-m", "locust", "--master", "--headless", "--expect-workers", "1", "-u", "4", "-r", "4", "-t", "3",
             "--host", f"http://127.0.0.1:{target.server_port}", "--master-bind-port", port],
            **common,
        )  # fmt: skip
        worker = subprocess.Popen([f"{programs}/locustpp", "--worker", "--master-port", port], **common)
        try:
            told, said = master.communicate(timeout=60)[0], worker.communicate(timeout=30)[0]
        finally:
            master.kill()
            worker.kill()
    counted = re.findall(r"^\s*Aggregated\s+(\d+)\s+0\(0.00%\)", told, re.MULTILINE)
    check(master.returncode == 0 and worker.returncode == 0, "exit codes", told, said)
    check(counted and int(counted[-1]) > 10, "what the master has counted", told, said)
    check(Target.seen == {"/fast", "/plain"}, "what the target has seen", told, said)
    check((SENTENCE in said) == (kind == "stock"), "what the worker is", said)


if __name__ == "__main__":
    main()
