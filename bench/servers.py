"""The servers that take the load. Each counts the requests that it has answered itself."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Callable, Optional

from bench.process import Process, accepts, free_port, wait_until
from bench.settings import BenchError, Settings

NGINX_CONFIG = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
worker_rlimit_nofile {descriptors};
events {{ worker_connections {connections}; }}
http {{
  access_log off;
  keepalive_requests 2000000000;
  keepalive_timeout 1h;
  keepalive_time 24h;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{ return 200; }}
    location = /checked {{ return 200 "hello\\n"; }}
    location = /stats/ {{ stub_status; }}
    location /bodies/ {{ root {folder}; }}
    location = /bodies/gzip {{ root {folder}; add_header Content-Encoding gzip; }}
  }}
  {more}
}}
"""

# TLS 1.3 with the cipher that both sides like best: then all generators do the same arithmetic.
NGINX_TLS = """\
server {{
    listen 127.0.0.1:{port} ssl backlog=4096;
    ssl_protocols TLSv1.3;
    ssl_certificate {folder}/tls.pem;
    ssl_certificate_key {folder}/tls.key;
    location / {{ return 200; }}
  }}
"""


class Server:
    """A running server. `requests()` is asked over one connection kept open from the start, so
    that it is answered even where each connection holds a thread."""

    def __init__(
        self,
        process: Process,
        port: int,
        count: Callable[[str], int],
        counter_path: str,
        tls_port: Optional[int] = None,
    ) -> None:
        self.process = process
        self.port = port  # of the counter, and of the load unless there is one for TLS
        self.host = f"https://127.0.0.1:{tls_port}" if tls_port else f"http://127.0.0.1:{port}"
        self.url = f"{self.host}/hello/"
        self._count = count
        self._counter_path = counter_path
        self._connection: Optional[http.client.HTTPConnection] = None
        wait_until("the server's port", lambda: accepts(port), process)
        self.requests()

    def requests(self) -> int:
        return self._count(self.counter_page())

    def counter_page(self) -> str:
        for attempt in (1, 2):  # an idle connection may have been closed by the server
            try:
                if self._connection is None:
                    self._connection = http.client.HTTPConnection(
                        "127.0.0.1", self.port, timeout=30
                    )
                self._connection.request("GET", self._counter_path)
                answer = self._connection.getresponse()
                text = answer.read().decode()
                if answer.status != 200:
                    raise BenchError(f"{self.url}: {self._counter_path} answers {answer.status}")
                return text
            except (OSError, http.client.HTTPException) as error:
                self._connection = None
                if attempt == 2:
                    raise BenchError(f"{self.process.name} gives no counter: {error}") from error
        raise AssertionError("unreachable")

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection is not None:
            self._connection.close()
        self.process.stop()


def start(settings: Settings, name: str, cores: str | int | None) -> Server:
    return {
        "nginx": nginx,
        "hello-target": hello_target,
        "httplib-alone": httplib_alone,
        "django": django,
    }[name](settings, cores)


def nginx_tls(settings: Settings, cores: str | int | None) -> Server:
    folder = settings.work / "nginx"
    folder.mkdir(parents=True, exist_ok=True)
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
    command += ["-nodes", "-subj", "/CN=localhost", "-days", "30"]
    command += ["-keyout", str(folder / "tls.key"), "-out", str(folder / "tls.pem")]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise BenchError(f"openssl makes no certificate: {error}") from error
    return nginx(settings, cores, tls_port=free_port())


def _write_bodies(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    text = "".join(f"line {number} of a page that compresses as pages do\n" for number in range(9999))
    (folder / "1k").write_text(text[:1024])
    (folder / "100k").write_text(text[:102400])
    (folder / "gzip").write_bytes(gzip.compress(text[:102400].encode(), 6))


def nginx(
    settings: Settings,
    cores: str | int | None,
    connections: int = 19000,
    tls_port: Optional[int] = None,
) -> Server:
    port = settings.port or free_port()
    folder = settings.work / "nginx"
    folder.mkdir(parents=True, exist_ok=True)
    _write_bodies(folder / "bodies")
    more = NGINX_TLS.format(port=tls_port, folder=folder) if tls_port else ""
    config = folder / "nginx.conf"
    config.write_text(
        NGINX_CONFIG.format(
            folder=folder,
            port=port,
            connections=connections,
            descriptors=connections + 100,
            more=more,
        )
    )
    command = ["nginx", "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(config)]
    process = Process(settings, "nginx", command, cores=cores)
    return Server(process, port, stub_status_requests, "/stats/", tls_port)


def nginx_connections(page: str) -> int:
    found = re.search(r"Active connections: (\d+)", page)
    return int(found.group(1)) if found else 0


def stub_status_requests(page: str) -> int:
    return int(page.splitlines()[2].split()[2])


def hello_target(
    settings: Settings, cores: str | int | None, threads: Optional[int] = None
) -> Server:
    """By itself it takes as many threads as it may use cores."""
    port = settings.port or free_port()
    command: list[str | Path] = [settings.binary("hello-target"), "--host", "127.0.0.1"]
    command += ["--port", str(port), *(["--threads", str(threads)] if threads else [])]
    process = Process(settings, "hello-target", command, cores=cores)
    return Server(process, port, _json_requests, "/stats/")


def httplib_alone(settings: Settings, cores: str | int | None) -> Server:
    port = settings.port or free_port()
    flags = ["pkg-config", "--cflags", "--libs", "cpp-httplib"]  # as its library was built
    found = subprocess.run(flags, capture_output=True, text=True).stdout.split()
    program = build(settings, "httplib_alone.cpp", [*found, "-pthread"])
    process = Process(settings, "httplib-alone", [program, str(port)], cores=cores)
    return Server(process, port, _json_requests, "/stats/")


def django(settings: Settings, cores: str | int | None) -> Server:
    """One uWSGI process behind its HTTP router, with uWSGI's defaults: no keep-alive, a log line each."""
    venv = settings.work / "django"
    uwsgi = venv / "bin" / "uwsgi"
    if not uwsgi.is_file():
        raise BenchError(
            f"no Django at {venv}: python3 -m venv {venv} && {venv}/bin/pip install django uwsgi"
        )
    port = settings.port or free_port()
    command: list[str | Path] = [uwsgi, "--http", f"127.0.0.1:{port}"]
    command += ["--master", "--processes", "1", "--module", "wsgi"]
    command += ["--venv", venv, "--chdir", settings.root / "bench" / "django_hello", "--need-app"]
    command += ["--so-keepalive", "--listen", "100", "--die-on-term"]
    process = Process(settings, "django", command, cores=cores)
    return Server(process, port, _json_requests, "/stats/")


def _json_requests(page: str) -> int:
    return int(json.loads(page)["total"])


def build(settings: Settings, name: str, flags: list[str]) -> Path:
    """A small program of the bench itself, compiled where its source is newer."""
    source = settings.root / "bench" / name
    program = settings.work / source.stem.replace("_", "-")
    if program.is_file() and program.stat().st_mtime > source.stat().st_mtime:
        return program
    compiler = os.environ.get("CXX", "g++")
    command = [compiler, "-std=c++20", "-O2", "-o", str(program), str(source), *flags]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except OSError as error:
        raise BenchError(f"no compiler for {source.name}: {error}") from error
    except subprocess.CalledProcessError as error:
        raise BenchError(f"{source.name} does not compile:\n{error.stderr}") from error
    return program
