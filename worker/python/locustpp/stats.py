"""RequestStats whose samples go into a native recorder.

In local runs what it gathers is added to Locust's own statistics every second and before each
read. In a worker the link's thread takes it for its reports; a read shows what is not reported yet,
as a stock worker's would.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import locust.stats as stock
from locust.stats import RequestStats, StatsEntry, StatsError

from . import _native

# Locustfiles may exchange it (2.43.4 on); the native recorder does not know what they put there.
_BUCKETS = getattr(stock, "bucket_response_time", None)


def native_statistics_possible() -> bool:
    return getattr(stock, "bucket_response_time", None) is _BUCKETS


# The statistics, too, from 2.44.0 on.
_UNSERIALIZE_TAKES_STATS = "stats" in inspect.signature(StatsEntry.unserialize).parameters


def _to_entry(row: dict[str, Any], stats: RequestStats) -> StatsEntry:
    return StatsEntry.unserialize(row, stats) if _UNSERIALIZE_TAKES_STATS else StatsEntry.unserialize(row)


def _new_entries(stats: RequestStats) -> dict[tuple[str, str], StatsEntry]:
    kind = getattr(stock, "EntriesDict", None)
    return kind(stats) if kind is not None else {}


class NativeRequestStats(RequestStats):
    recorder: _native.Recorder
    _in_worker: bool
    _held: bool  # reads see a certain report
    _errors_seen: dict[tuple[str, str, str], Exception]  # local runs keep the exception itself

    @classmethod
    def adopt(cls, stats: RequestStats, in_worker: bool = False) -> bool:
        """Makes it one, whoever has it already. False where it is a class of the user's own."""
        if type(stats) is not RequestStats or not native_statistics_possible():
            return isinstance(stats, cls)
        stats.__class__ = cls
        assert isinstance(stats, cls)
        stats.recorder = _native.Recorder()
        stats._in_worker = in_worker
        stats._held = False
        stats._errors_seen = {}
        return True

    # ---- samples ----

    def log_request(self, method: str, name: str, response_time: Any, content_length: Any) -> None:
        self.recorder.record(method, name, response_time, content_length)

    def log_error(self, method: str, name: str, error: Exception | str | None) -> None:
        text = StatsError.parse_error(error)
        self.recorder.record_error(method, name, text)
        if not self._in_worker and isinstance(error, Exception):
            self._errors_seen.setdefault((method, name, text), error)

    def reset_all(self) -> None:
        self.recorder.clear()
        self._errors_seen.clear()
        self._held = False
        super().reset_all()

    def clear_all(self) -> None:
        self.recorder.clear()
        self._errors_seen.clear()
        self._held = False
        super().clear_all()

    # ---- what Locust and locustfiles read ----

    @property
    def entries(self) -> dict[tuple[str, str], StatsEntry]:  # type: ignore[override]
        self.update()
        return self.__dict__["entries"]

    @entries.setter
    def entries(self, value: dict[tuple[str, str], StatsEntry]) -> None:
        self.__dict__["entries"] = value

    @property
    def errors(self) -> dict[str, StatsError]:  # type: ignore[override]
        self.update()
        return self.__dict__["errors"]

    @errors.setter
    def errors(self, value: dict[str, StatsError]) -> None:
        self.__dict__["errors"] = value

    @property
    def total(self) -> StatsEntry:  # type: ignore[override]
        self.update()
        return self.__dict__["total"]

    @total.setter
    def total(self, value: StatsEntry) -> None:
        self.__dict__["total"] = value

    def update(self) -> None:
        """Takes over what the native recorder has."""
        if self._held:
            return
        if self._in_worker:
            self._show(self.recorder.peek())
        elif self.recorder.dirty():
            self._add(self.recorder.take())

    @contextmanager
    def showing(self, report: dict[str, Any]) -> Iterator[None]:
        """Reads see this report instead of what is being recorded."""
        self._show(report)
        self._held = True
        try:
            yield
        finally:
            self._held = False

    def freeze(self, reported: bool) -> None:
        """Until a test begins, reads see what they would see in a stock worker that leaves: nothing
        where it has just reported, else what it has not. (Locust's exit code depends on it.)"""
        if not self._held:
            self._show(_native.Recorder().take() if reported else self.recorder.peek())
            self._held = True

    def _show(self, report: dict[str, Any]) -> None:
        values = self.__dict__
        values["entries"] = _new_entries(self)
        values["errors"] = {}
        values["total"] = StatsEntry(self, "Aggregated", "", self.use_response_times_cache)
        self._add(report)

    def _add(self, report: dict[str, Any]) -> None:
        values = self.__dict__
        entries, errors = values["entries"], values["errors"]
        for row in report["stats"]:
            key = (row["name"], row["method"])
            if key not in entries:
                entries[key] = StatsEntry(self, *key, self.use_response_times_cache)
            entries[key].extend(_to_entry(row, self))
        values["total"].extend(_to_entry(report["stats_total"], self))
        for key, row in report["errors"].items():
            seen = self._errors_seen.pop((row["method"], row["name"], row["error"]), None)
            if key in errors:
                errors[key].occurrences += row["occurrences"]
                if hasattr(errors[key], "last_seen"):  # 2.44.0 on
                    errors[key].last_seen = row["last_seen"]
                continue
            errors[key] = StatsError.unserialize(row)
            if seen is not None:
                errors[key].error = seen
