"""Locust as a library, in this very process and in programs of their own; sessions by themselves."""

from __future__ import annotations

import inspect
from typing import Any

import gevent
import locust
import locust.contrib.fasthttp
import locustpp
import pytest
from harness import StockFastHttpSession
from locust import FastHttpUser, HttpUser, constant, task
from locust.env import Environment
from locustpp.fasthttp import FastHttpSession
from locustpp.http_session import HttpSession
from locustpp.runner import NativeLocalRunner, NativeWorkerRunner
from processes import Place, eventually, free_port, scenario


def user_of(base: type, host: str) -> Any:
    class LibraryUser(base):  # type: ignore[misc]
        wait_time = constant(0.01)

        @task
        def hello(self) -> None:
            self.client.get("/hello", name="hello")

        @task
        def missing(self) -> None:
            self.client.get("/status/404", name="missing")

    LibraryUser.host = host
    return LibraryUser


@pytest.mark.parametrize("base", [FastHttpUser, HttpUser])
def test_local_runner(server: Any, base: type) -> None:
    environment = Environment(user_classes=[user_of(base, server.url)])
    runner = environment.create_local_runner()
    assert isinstance(runner, NativeLocalRunner)
    runner.start(3, spawn_rate=100)
    eventually("requests", lambda: environment.stats.total.num_requests > 40)
    runner.stop()
    hello, missing = (environment.stats.get(name, "GET") for name in ("hello", "missing"))
    assert hello.num_failures == 0 and missing.num_failures == missing.num_requests > 0
    assert hello.num_requests + missing.num_requests == environment.stats.total.num_requests
    assert hello.avg_content_length == len("Hello, World!") and hello.min_response_time >= 0
    assert [error.occurrences for error in environment.stats.errors.values()] == [missing.num_requests]
    environment.stats.reset_all()
    assert environment.stats.total.num_requests == 0 and not environment.stats.errors
    runner.start(1, spawn_rate=100)
    eventually("more requests", lambda: environment.stats.total.num_requests > 5)
    runner.quit()


def test_master_and_worker_in_one_process(server: Any) -> None:
    port = free_port()
    user = user_of(FastHttpUser, server.url)
    masters, workers = (Environment(user_classes=[user]) for _ in range(2))
    heard = []
    masters.events.worker_report.add_listener(lambda client_id, data, **kwargs: heard.append(data))
    master = masters.create_master_runner("127.0.0.1", port)
    worker = workers.create_worker_runner("127.0.0.1", port)
    assert isinstance(worker, NativeWorkerRunner) and type(master) is locust.runners.MasterRunner
    try:
        eventually("the worker", lambda: len(master.clients.ready) == 1)
        master.start(2, spawn_rate=100)
        eventually("requests", lambda: masters.stats.total.num_requests > 20)
        assert master.user_count == 2 and set(masters.stats.entries) == {("hello", "GET"), ("missing", "GET")}
        master.stop()
        eventually("stopped", lambda: worker.user_count == 0)
        assert {"stats", "stats_total", "errors", "user_count"} <= heard[-1].keys()
    finally:
        master.quit()
    eventually("the worker has left", lambda: len(worker.greenlet) == 0)


@pytest.mark.parametrize("make", ["fast", "http"])
def test_session_by_itself(server: Any, make: str) -> None:
    """With an environment that has no runner: only events tell of it."""
    environment = Environment()
    heard: list[Any] = []
    environment.events.request.add_listener(lambda **kwargs: heard.append((kwargs["name"], kwargs["exception"] is None)))
    if make == "http":
        session: Any = locust.clients.HttpSession(server.url, environment.events.request, None)
        assert type(session) is HttpSession
    else:
        first = list(inspect.signature(StockFastHttpSession.__init__).parameters)[1]
        arguments = (environment, server.url) if first == "environment" else (server.url, environment.events.request)
        session = locust.contrib.fasthttp.FastHttpSession(*arguments, None)
        assert type(session) is FastHttpSession
    assert session.get("/hello").text == "Hello, World!"
    with session.get("/status/500", name="bad", catch_response=True) as response:
        assert response.status_code == 500
        response.success()
    gevent.joinall([gevent.spawn(session.get, "/hello", name="pool") for _ in range(20)], raise_error=True)
    assert heard == [("/hello", True), ("bad", True), *[("pool", True)] * 20]


def test_install_again_changes_nothing() -> None:
    before = locust.clients.HttpSession, locust.contrib.fasthttp.FastHttpSession, locust.env.WorkerRunner, locust.runners.rpc
    locustpp.install()
    assert before == (
        *(locust.clients.HttpSession, locust.contrib.fasthttp.FastHttpSession),
        *(locust.env.WorkerRunner, locust.runners.rpc),
    )


PROGRAM = """
import sys
{install}
import gevent
from locust import FastHttpUser, HttpUser, constant, task
from locust.env import Environment
from locust.stats import stats_printer, stats_history

class Fast(FastHttpUser):
    wait_time = constant(0.02)
    host = sys.argv[1]
    @task
    def hello(self):
        self.client.get("/hello/", name=type(self).__name__)

class Http(HttpUser):
    wait_time = constant(0.02)
    host = sys.argv[1]
    tasks = [Fast.hello]

env = Environment(user_classes=[Fast, Http])
runner = env.create_local_runner()
web = env.create_web_ui("127.0.0.1", int(sys.argv[2]))
env.events.init.fire(environment=env, runner=runner, web_ui=web)
gevent.spawn(stats_printer(env.stats))
gevent.spawn(stats_history, env.runner)
runner.start(4, spawn_rate=10)
gevent.spawn_later(5, runner.quit)
runner.greenlet.join()
web.stop()
total = env.stats.total
print("end", type(runner).__name__, sorted(name for name, _ in env.stats.entries), total.num_requests, total.num_failures)
"""


@scenario
@pytest.mark.parametrize("when", ["never", "before", "after"])
def test_program(place: Place, when: str) -> None:
    """The example of Locust's documentation, with install() before Locust is imported, after, and without."""
    target = place.target()
    install = {"never": "", "before": "import locustpp; locustpp.install()"}.get(
        when, "import locust, locustpp, locust.env, locust.contrib.fasthttp; locustpp.install()"
    )
    process = place.python("program", "-c", PROGRAM.format(install=install), target.url, free_port())
    assert process.ended() == 0, process.log
    words = process.log[process.log.rindex("end ") :].split()
    assert words[1] == ("LocalRunner" if when == "never" else "NativeLocalRunner")
    assert words[2:4] == ["['Fast',", "'Http']"] and words[5] == "0"
    assert 0 <= target.total() - int(words[4]) <= 4 and int(words[4]) > 40


@scenario
@pytest.mark.parametrize("how", ["off", "broken"])
def test_program_without_the_native_parts(place: Place, how: str) -> None:
    """install() says so, and leaves Locust as it is."""
    program = "import locustpp; locustpp.install(); import locust.clients; print('by', locust.clients.HttpSession.__module__)"
    if how == "broken":
        program = "import sys; sys.modules['locustpp._native'] = None; " + program
    process = place.python("program", "-c", program, env={"LOCUSTPP_NATIVE": "0"} if how == "off" else {})
    assert process.ended() == 0, process.log
    said, by = process.log.splitlines()
    assert said.startswith("locustpp: ") and said.endswith("this is stock Locust") and by == "by locust.clients"


@scenario
def test_pytest_of_a_user(place: Place) -> None:
    """A test of the user's own, in a pytest that knows nothing of locustpp but install()."""
    target = place.target()
    (place.path / "conftest.py").write_text("import locustpp\nlocustpp.install()\n")
    (place.path / "test_user.py").write_text(
        "from locust import HttpUser, FastHttpUser\nfrom locust.env import Environment\nimport pytest\n\n"
        "@pytest.mark.parametrize('base', [HttpUser, FastHttpUser])\ndef test_hello(base):\n"
        f"    user = type('U', (base,), {{'host': {target.url!r}}})(Environment())\n"
        "    assert type(user.client).__module__.startswith('locustpp')\n"
        "    assert user.client.get('/hello/').status_code == 200\n"
    )
    process = place.python("pytest", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", place.path, place.path)
    assert process.ended() == 0 and "2 passed" in process.log, process.log
    assert target.total() == 2
