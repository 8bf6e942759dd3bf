"""The small locustfile that record.py runs on a stock master and a stock worker: two user classes
whose requests are events with known numbers, so that no target is needed."""

import datetime
import logging

import locust
from locust import User, constant, events, task
from locust.exception import CatchResponseError
from locust.runners import MasterRunner, WorkerRunner

# Locust packs datetime values from 2.20.0 on.
DATETIMES = tuple(map(int, locust.__version__.split(".")[:2])) >= (2, 20)


def sample(user, name, response_time, exception=None, length=11):
    user.environment.events.request.fire(
        request_type="GET",
        name=name,
        response_time=response_time,
        response_length=length,
        exception=exception,
        context={},
    )


class AlphaUser(User):
    weight = 2
    wait_time = constant(0.5)

    @task
    def hello(self):
        sample(self, "/hello/", 12.25)
        sample(self, "/hello/", 145.5)
        sample(self, "/no time/", None, length=0)
        sample(self, "/bäd/", 3.75, CatchResponseError("status 500 – „oh“"))


class BetaUser(User):
    wait_time = constant(0.7)

    @task
    def fail(self):
        sample(self, "/hello/", 1234.5)
        raise ValueError("a task's own exception")


def greet(environment, msg, **_):
    """On the worker: answers the master's message with values of each kind."""
    logging.getLogger("scenario").info("greeted")
    data = {"text": "grüße", "numbers": [0, -1, 127, 128, -33, 65536, 2**63, 1.5], "raw": b"\x00\xff"}
    if DATETIMES:
        data["when"] = datetime.datetime(2026, 1, 31, 23, 59, 58, 7)
    environment.runner.send_message("greeting", data)
    environment.runner.send_message("greeting_without_data")


@events.init.add_listener
def on_init(environment, **_):
    if isinstance(environment.runner, MasterRunner):
        environment.runner.register_message("greeting", lambda **_: None)
        environment.runner.register_message("greeting_without_data", lambda **_: None)
    elif isinstance(environment.runner, WorkerRunner):
        environment.runner.register_message("greet", greet)


@events.test_start.add_listener
def on_test_start(environment, **_):
    if isinstance(environment.runner, MasterRunner):
        data = {"list": [1, {"nested": None}], 7: "an integer key", "raw": b"\x80", "big": 2**64 - 1}
        if DATETIMES:
            data["when"] = datetime.datetime(1969, 7, 20, 20, 17, 40, 250000)
        environment.runner.send_message("greet", data)
