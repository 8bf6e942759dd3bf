"""Locust's runners with native parts beneath them.

A worker's runner stays Locust's own. What it speaks to its master through is exchanged: heartbeats,
reports, registration and what to do when a master is lost belong to a native thread (WorkerLink),
and what the runner still has to do reaches it as messages, as if the master had sent them.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
import weakref
from types import CodeType, FrameType, SimpleNamespace
from typing import Any

import gevent
import gevent.monkey
import gevent.socket
import locust
import locust.log
import locust.runners
import msgpack
from gevent.event import Event
from gevent.queue import Queue
from locust.env import Environment
from locust.rpc import Message, protocol, zmqrpc
from locust.runners import LocalRunner, WorkerRunner
from locust.user.task import TaskSet
from locust.user.users import User

from . import _native
from .stats import NativeRequestStats, native_statistics_possible

logger = logging.getLogger("locustpp")

_start_thread = gevent.monkey.get_original("_thread", "start_new_thread")
_allocate_lock = gevent.monkey.get_original("_thread", "allocate_lock")
_thread_ident = gevent.monkey.get_original("_thread", "get_ident")

# Messages that the installed version's runner would call unknown.
_UNKNOWN_TO_RUNNER = {
    name
    for name, known in {
        "heartbeat": hasattr(WorkerRunner, "heartbeat_timeout_checker"),  # 2.19.0 on
        "update_user_class": hasattr(Environment, "update_user_class"),  # 2.25.0 on
        "spawning_complete": hasattr(WorkerRunner, "spawning_complete"),  # 2.29.0 on
    }.items()
    if not known
}
# What the listeners of report_to_master find in a report, and what the link sends by itself.
_OWN_KEYS = {"stats", "stats_total", "errors", "user_classes_count", "user_count"}
_SECONDS_BETWEEN_COUNTS = 3


def _pack(value: Any) -> bytes:
    return msgpack.dumps((value,), default=getattr(protocol, "encode", None))


def _unpack(data: bytes) -> Any:
    return msgpack.loads(data, raw=False, strict_map_key=False, object_hook=getattr(protocol, "decode", None))


class NativeClient:
    """What a WorkerRunner uses as its rpc.Client."""

    def __init__(self, runner: NativeWorkerRunner, host: str, port: int, identity: str) -> None:
        environment = runner.environment
        options = environment.parsed_options
        self._runner = weakref.proxy(runner)
        self._identity = identity
        self._messages: Queue = Queue()
        self.runner_is_made = Event()
        self._job = 0  # of the last spawn
        self._seconds = 0
        self._forked = False  # the link is the parent's
        if hasattr(zmqrpc.BaseSocket, "ipv4_only"):  # says that a name cannot be resolved; the engine tries on
            zmqrpc.BaseSocket.ipv4_only(self, host, port)
        self._stats: NativeRequestStats = environment.stats
        self._main_thread = _thread_ident()
        self._link = _native.WorkerLink(
            identity,
            host,
            port,
            self._stats.recorder,
            self._user_classes(),
            locust.__version__,
            additional_wait=float(os.getenv("LOCUST_WORKER_ADDITIONAL_WAIT_BEFORE_READY_AFTER_STOP", 0)),
            exit_on_master_loss=os.getenv("LOCUSTPP_EXIT_ON_MASTER_LOSS", "0") not in ("", "0"),
            log_level=getattr(options, "loglevel", None) or "INFO",
            logfile=getattr(options, "logfile", None),
            # Not where Locust is used as a library; and of several processes each would show its own figures.
            status_line=options is not None
            and not getattr(options, "processes", None)
            and os.getenv("LOCUSTPP_NO_STATUS", "0") in ("", "0"),
        )
        logger.debug("This worker is native")
        _clients.add(self)
        self._tune()
        self._greenlets = [gevent.spawn(self._pump), gevent.spawn(self._tune_every_second)]
        self._watching = _allocate_lock()  # held as long as the thread runs
        self._watching.acquire()
        _start_thread(self._watch_python, (self._link, self._main_thread, self._watching))

    # ---- rpc.Client ----

    def send(self, message: Message) -> None:
        if self._forked:
            return
        handler = self._HANDLERS.get(message.type)
        if handler is None:
            self._link.send(message.type, _pack(message.data))
        else:
            handler(self, message.data)

    def recv(self) -> Message:
        while True:
            message, job = self._messages.get()
            if message.type == "quit":
                # Not before the runner is whole: it would miss what is started afterwards.
                self.runner_is_made.wait()
            if message.type == "spawn":
                self._job = job
                self._tune()
            elif message.type == "stop":
                if message.data["at_once"]:
                    self._runner.environment.stop_timeout = 0.0
                message.data = None
            elif message.type == "update_user_class" and not self._has_class(message.data):
                continue
            return message

    def close(self, linger: Any = None) -> None:
        self._close(0)

    # ---- what the runner sends ----

    def _ignore(self, data: Any) -> None:
        """The native side does it by itself."""

    def _on_spawning_complete(self, data: dict[str, Any]) -> None:
        self._link.users_spawned(self._job, data["user_classes_count"])

    def _on_client_stopped(self, data: Any) -> None:
        self._link.users_stopped(self._runner.user_classes_count)

    def _on_stats(self, data: dict[str, Any]) -> None:
        """The last report, when the users have been stopped for good."""
        self._stats.freeze(reported=True)
        self._link.users_stopped(self._runner.user_classes_count, _pack(_extra(data)))

    def _on_exception(self, data: dict[str, Any]) -> None:
        self._link.user_error(str(data["msg"]), str(data["traceback"]))

    def _on_logs(self, data: dict[str, Any]) -> None:
        self._link.send_logs(data["logs"])

    def _on_quit(self, data: Any) -> None:
        self._stats.freeze(reported=False)
        self._link.leave()

    _HANDLERS = {
        "client_ready": _ignore,
        "spawning": _ignore,
        "heartbeat": _ignore,
        "spawning_complete": _on_spawning_complete,
        "client_stopped": _on_client_stopped,
        "stats": _on_stats,
        "exception": _on_exception,
        "logs": _on_logs,
        "quit": _on_quit,
    }

    # ---- for the runner ----

    def users_are_gone(self) -> None:
        if not self._forked:
            self._link.users_stopped(self._runner.user_classes_count)

    def cpu_percent(self) -> float:
        return 0.0 if self._forked else self._link.cpu_percent()

    # ---- greenlets and threads ----

    def _pump(self) -> None:
        while True:
            gevent.socket.wait_read(self._link.fileno())
            for kind, *item in self._link.take():
                if kind == "message":
                    self._deliver(*item)
                elif kind == "log":
                    level, name, text = item
                    logging.getLogger(name).log(getattr(logging, level), "%s", text)
                else:
                    gevent.spawn(self._visit, *item)

    def _deliver(self, kind: str, data: bytes, job: int) -> None:
        if kind not in _UNKNOWN_TO_RUNNER:
            self._messages.put((Message(kind, _unpack(data), self._identity), job))

    def _visit(self, ticket: int, report: dict[str, Any]) -> None:
        data: dict[str, Any] = {}
        with self._stats.showing(report):
            self._runner.environment.events.report_to_master.fire(client_id=self._identity, data=data)
        self._link.answer_report(ticket, _pack(_extra(data)))

    def _tune_every_second(self) -> None:
        while True:
            gevent.sleep(1)
            try:
                self._tune()
                self._seconds += 1
                if self._seconds % _SECONDS_BETWEEN_COUNTS == 0:
                    self._link.set_user_counts(self._runner.user_classes_count)
            except ReferenceError:  # the runner is gone, and nobody has closed this
                return

    def _tune(self) -> None:
        values = locust.runners
        self._link.tune(
            float(values.HEARTBEAT_INTERVAL),
            float(values.WORKER_REPORT_INTERVAL),
            float(getattr(values, "MASTER_HEARTBEAT_TIMEOUT", 60)),
            float(values.CONNECT_TIMEOUT),
            self._user_classes(),
            any(map(_is_foreign, self._runner.environment.events.report_to_master._handlers)),
        )

    @staticmethod
    def _watch_python(link: _native.WorkerLink, thread: int, running: Any) -> None:
        """A thread that sleeps until a task keeps Python for itself, and then says which."""
        while link.wait_for_question():
            link.set_blocker(_who_runs(sys._current_frames().get(thread)))
        running.release()

    def _user_classes(self) -> list[str]:
        return [user_class.__name__ for user_class in self._runner.environment.user_classes]

    def _has_class(self, settings: dict[str, Any]) -> bool:
        known = self._runner.environment.available_user_classes or {}
        if settings.get("user_class_name") in known:
            return True
        logger.warning("The master changes a user class that this worker does not have: %s", settings)
        return False

    def _close(self, patience: float) -> None:
        self._link.close(patience)
        if patience > 0:  # not into Python's own end
            self._watching.acquire(True, 1.0)
        for greenlet in self._greenlets:
            greenlet.kill(block=False)

    def _after_fork(self) -> None:
        self._forked = True
        self._link.after_fork()
        self._stats.recorder.after_fork()
        for greenlet in self._greenlets:
            greenlet.kill(block=False)


class NativeWorkerRunner(WorkerRunner):
    client: NativeClient

    def __new__(cls, environment: Environment, *args: Any, **kwargs: Any) -> Any:
        # Statistics of the user's own, or buckets: everything stays as it is in Locust.
        if type(environment.stats) in _KNOWN_STATISTICS and native_statistics_possible():
            return super().__new__(cls)
        logger.debug("The statistics are not Locust's own: this worker runs without native parts")
        return WorkerRunner(environment, *args, **kwargs)

    def __init__(self, environment: Environment, master_host: str, master_port: int) -> None:
        NativeRequestStats.adopt(environment.stats, in_worker=True)
        _connecting.append(self)
        try:
            super().__init__(environment, master_host, master_port)
            self.client.runner_is_made.set()
        finally:
            if self in _connecting:
                _connecting.remove(self)

    # The native thread sends these.
    def heartbeat(self) -> None:  # type: ignore[override]
        return

    def heartbeat_timeout_checker(self) -> None:  # type: ignore[override]
        return

    def stats_reporter(self) -> None:  # type: ignore[override]
        return

    def worker(self) -> None:  # type: ignore[override]
        while True:
            try:
                super().worker()
            except Exception as error:
                if isinstance(error, _CONTROL_FLOW):
                    raise
                # Locust's runner, deaf from then on, would leave its master waiting.
                logging.getLogger("locust.runners").critical("Unhandled exception in greenlet", exc_info=True)
                locust.log.unhandled_greenlet_exception = True

    def stop(self) -> None:
        # A spawn that has not begun leaves the state of the test before it, by which Locust would
        # take the users that are about to start for stopped.
        spawning = self.spawning_greenlet
        if spawning is not None and not spawning.ready() and self.state == locust.runners.STATE_STOPPED:
            self.update_state(locust.runners.STATE_SPAWNING)
        super().stop()

    def quit(self) -> None:
        try:
            super().quit()
        finally:  # it may have ended the greenlet that runs it
            self.client.users_are_gone()

    # As Locust has it, but for the busiest thread: a hundred percent are one core.
    @property
    def current_cpu_usage(self) -> float:  # type: ignore[override]
        client = self.__dict__.get("client")
        return client.cpu_percent() if client is not None else 0.0

    @current_cpu_usage.setter
    def current_cpu_usage(self, value: float) -> None:
        pass


class NativeLocalRunner(LocalRunner):
    def __init__(self, environment: Environment) -> None:
        adopted = NativeRequestStats.adopt(environment.stats)
        super().__init__(environment)
        if adopted:
            _local_statistics.add(environment.stats)
            self.greenlet.spawn(self._update_statistics)

    def _update_statistics(self) -> None:
        while True:
            gevent.sleep(1)
            self.environment.stats.update()


_KNOWN_STATISTICS = (locust.stats.RequestStats, NativeRequestStats)
_CONTROL_FLOW = tuple(
    getattr(locust.exception, name) for name in ("StopTest",) if hasattr(locust.exception, name)
)
_connecting: list[NativeWorkerRunner] = []
_clients: weakref.WeakSet[NativeClient] = weakref.WeakSet()
_local_statistics: weakref.WeakSet[NativeRequestStats] = weakref.WeakSet()


def _client(host: str, port: int, identity: str) -> Any:
    """rpc.Client of locust.runners: native for the runner that is being made."""
    if _connecting:
        return NativeClient(_connecting.pop(), host, port, identity)
    return zmqrpc.Client(host, port, identity)


# For locust.runners.rpc.
rpc = SimpleNamespace(**{**vars(zmqrpc), "Client": _client})


def _is_foreign(listener: Any) -> bool:
    return getattr(listener, "__module__", None) not in ("locust.stats", "locust.runners")


def _extra(data: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key not in _OWN_KEYS}


def _who_runs(frame: FrameType | None) -> str:
    """The user class whose task has this frame, and where it is."""
    if frame is None:
        return ""
    code: CodeType = frame.f_code
    place = f"{code.co_filename}:{frame.f_lineno}, in {code.co_name}"
    while frame is not None:
        for value in list(frame.f_locals.values()):
            if isinstance(value, TaskSet):
                value = value.user
            if isinstance(value, User):
                return f"a task of {type(value).__name__} ({place})"
        frame = frame.f_back
    return place


def _close_all() -> None:
    for client in list(_clients):
        try:
            client._close(3.0)
        except KeyboardInterrupt:  # one more Ctrl-C while it ends: what is on its way leaves nevertheless
            client._close(1.0)


def _forget_all() -> None:
    for client in list(_clients):
        client._after_fork()
    for stats in list(_local_statistics):
        stats.recorder.after_fork()


atexit.register(_close_all)
os.register_at_fork(after_in_child=_forget_all)
