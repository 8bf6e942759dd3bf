"""A message of the locustfile's own, from the master to each worker and back unchanged."""

import datetime
import logging

import locust.rpc.protocol
from locust import FastHttpUser, constant, events, task
from locust.runners import MasterRunner, WorkerRunner

SENT = {
    "numbers": [1, -2, 2.5, 2**40],
    "nested": {"text": "Grüße", "yes": True, "nothing": None, "empty": {}, "list": [[], ["a"]]},
}
# Locust can pack it since 2.20.0.
if hasattr(locust.rpc.protocol, "datetime"):
    SENT["when"] = datetime.datetime(2024, 2, 29, 12, 34, 56, 789)


def on_question(environment, msg, **_kwargs):
    environment.runner.send_message("compat_answer", msg.data)


def on_answer(environment, msg, **_kwargs):
    if msg.data == SENT:
        logging.info("the message came back whole from %s", msg.node_id)
    else:
        logging.error("sent %r, but %r came back", SENT, msg.data)


@events.init.add_listener
def on_init(environment, **_kwargs):
    if isinstance(environment.runner, WorkerRunner):
        environment.runner.register_message("compat_question", on_question)
    elif isinstance(environment.runner, MasterRunner):
        environment.runner.register_message("compat_answer", on_answer)


@events.test_start.add_listener
def on_test_start(environment, **_kwargs):
    if isinstance(environment.runner, MasterRunner):
        environment.runner.send_message("compat_question", SENT)


class MessageUser(FastHttpUser):
    wait_time = constant(0.1)

    @task
    def hello(self):
        self.client.get("/hello/")
