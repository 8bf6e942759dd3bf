"""The bench's end of fake_master.py: gives it orders, reads what arrived and when."""

from __future__ import annotations

import json
import time
from typing import Any, Optional

from bench.process import Process, wait_until
from bench.settings import Settings


class Wire:
    def __init__(self, settings: Settings) -> None:
        script = settings.root / "bench" / "fake_master.py"
        self.process = Process(
            settings, "fake-master", [settings.python, script], commands_from_us=True
        )
        try:
            wait_until("its port", lambda: bool(self.events("_listening")), self.process)
        except BaseException:
            self.process.stop()
            raise
        self.port = int(self.events("_listening")[0]["port"])
        self._last_timestamp = 0.0

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stop()

    def events(self, kind: str, since: float = 0.0) -> list[dict[str, Any]]:
        found = []
        for line in self.process.out.read_text().splitlines(keepends=True):
            if line.endswith("\n"):  # else it is still being written
                event = json.loads(line)
                if event["type"] == kind and event.get("at", since) >= since:
                    found.append(event)
        return found

    def wait_for(self, kind: str, sender: Process, since: float, seconds: float = 30.0) -> float:
        """When the first such message after `since` arrived."""
        wait_until(f"its {kind}", lambda: bool(self.events(kind, since)), sender, seconds)
        return float(self.events(kind, since)[0]["at"])

    def spawn(self, users: dict[str, int], host: Optional[str]) -> None:
        self._last_timestamp = max(time.time(), self._last_timestamp + 1e-3)
        data = {
            "timestamp": self._last_timestamp,
            "user_classes_count": users,
            "host": host,
            "stop_timeout": 0.0,
            "parsed_options": {},
        }
        self.process.send_line(json.dumps({"type": "spawn", "data": data}))
