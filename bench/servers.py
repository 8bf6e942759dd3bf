"""The servers that take the load. Each counts the requests that it has answered itself."""

from __future__ import annotations

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
    location = /stats/ {{ stub_status; }}
  }}
}}
"""


class Server:
    """A running server. `requests()` is asked over one connection kept open from the start, so
    that it is answered even where each connection holds a thread."""

    def __init__(
        self, process: Process, port: int, count: Callable[[str], int], counter_path: str
    ) -> None:
        self.process = process
        self.port = port
        self.host = f"http://127.0.0.1:{port}"
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
    return {"nginx": nginx, "hello-target": hello_target, "httplib-alone": httplib_alone}[name](
        settings, cores
    )


def nginx(settings: Settings, cores: str | int | None, connections: int = 19000) -> Server:
    port = settings.port or free_port()
    folder = settings.work / "nginx"
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / "nginx.conf"
    config.write_text(
        NGINX_CONFIG.format(
            folder=folder, port=port, connections=connections, descriptors=connections + 100
        )
    )
    command = ["nginx", "-p", str(folder), "-e", str(folder / "error.log"), "-c", str(config)]
    process = Process(settings, "nginx", command, cores=cores)
    return Server(process, port, stub_status_requests, "/stats/")


def nginx_connections(page: str) -> int:
    found = re.search(r"Active connections: (\d+)", page)
    return int(found.group(1)) if found else 0


def stub_status_requests(page: str) -> int:
    return int(page.splitlines()[2].split()[2])


def hello_target(settings: Settings, cores: str | int | None) -> Server:
    port = settings.port or free_port()
    command: list[str | Path] = [settings.binary("hello-target"), "--host", "127.0.0.1", "--port", str(port)]
    process = Process(settings, "hello-target", command, cores=cores)
    return Server(process, port, _json_requests, "/stats/")


def httplib_alone(settings: Settings, cores: str | int | None) -> Server:
    port = settings.port or free_port()
    process = Process(settings, "httplib-alone", [_build_httplib(settings), str(port)], cores=cores)
    return Server(process, port, _json_requests, "/stats/")


def _json_requests(page: str) -> int:
    return int(json.loads(page)["total"])


def _build_httplib(settings: Settings) -> Path:
    source = settings.root / "bench" / "httplib_alone.cpp"
    program = settings.work / "httplib-alone"
    if program.is_file() and program.stat().st_mtime > source.stat().st_mtime:
        return program
    compiler = os.environ.get("CXX", "g++")
    command = [compiler, "-std=c++20", "-O2", "-o", str(program), str(source)]
    command += ["-lcpp-httplib", "-pthread"]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except OSError as error:
        raise BenchError(f"no compiler for {source.name}: {error}") from error
    except subprocess.CalledProcessError as error:
        raise BenchError(f"{source.name} does not compile:\n{error.stderr}") from error
    return program
