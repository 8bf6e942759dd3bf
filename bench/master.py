"""A stock Locust master, driven through its web API as a browser drives it."""

from __future__ import annotations

import csv
import io
import json
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any, Optional

from bench.process import Process, free_port, wait_until
from bench.settings import BenchError, Settings


class Master:
    def __init__(
        self,
        settings: Settings,
        locustfile: str,
        cores: str | int | None,
        env: Optional[dict[str, str]] = None,
    ) -> None:
        self.port = free_port()
        self._web = free_port()
        command: list[str | Path] = [settings.python, "-m", "locust", "--master"]
        command += ["-f", settings.locustfile(locustfile), "--master-bind-host", "127.0.0.1"]
        command += ["--master-bind-port", str(self.port)]
        command += ["--web-host", "127.0.0.1", "--web-port", str(self._web)]
        self.process = Process(settings, "master", command, cores=cores, env=env)
        try:
            wait_until("the master's web UI", self._answers, self.process, 60)
        except BaseException:
            self.process.stop()
            raise

    def __enter__(self) -> "Master":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stop()

    def worker_count(self) -> int:
        """Workers that are there; one that was killed stays listed as missing for a minute."""
        return sum(item["state"] != "missing" for item in self.stats().get("workers", []))

    def user_count(self) -> int:
        return int(self.stats()["user_count"])

    def stats(self) -> dict[str, Any]:
        """The web UI's own numbers; the master caches them for 2 s."""
        answer: dict[str, Any] = json.loads(self._call("/stats/requests"))
        return answer

    def swarm(self, users: int, host: str) -> None:
        form = {"user_count": str(users), "spawn_rate": str(users), "host": host}
        self._call("/swarm", form)

    def stop(self) -> None:
        try:
            self._call("/stop", {})
        except urllib.error.HTTPError as error:
            if error.code != 405:  # masters before 2.47 want GET
                raise
            self._call("/stop")

    def total(self) -> dict[str, str]:
        """The row "Aggregated" of the request statistics that the web UI offers for download."""
        rows = list(csv.DictReader(io.StringIO(self._call("/stats/requests/csv"))))
        if not rows:
            raise BenchError("the master's statistics are empty")
        return rows[-1]

    def _answers(self) -> bool:
        try:
            self._call("/stats/requests")
        except OSError:
            return False
        return True

    def _call(self, path: str, form: Optional[dict[str, str]] = None) -> str:
        data = urllib.parse.urlencode(form).encode() if form is not None else None
        url = f"http://127.0.0.1:{self._web}{path}"
        with urllib.request.urlopen(url, data=data, timeout=30) as answer:
            text: str = answer.read().decode()
        return text
