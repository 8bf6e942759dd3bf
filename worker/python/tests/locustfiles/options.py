"""An argument and messages of the locustfile's own; tells in the log who runs it, and what with."""

import logging

from locust import FastHttpUser, constant, events, tag, task
from locust.runners import MasterRunner, WorkerRunner

SENT = {"numbers": [1, -2, 2.5, 2**40], "nested": {"text": "Grüße", "none": None, "list": [[], ["a"]]}}


@events.init_command_line_parser.add_listener
def on_parser(parser):
    parser.add_argument("--flavour", type=str, env_var="LOCUST_FLAVOUR", default="vanilla", help="of the test")


@events.init.add_listener
def on_init(environment, **kwargs):
    runner = environment.runner
    logging.info("runner %s of %s", type(runner).__name__, type(runner).__module__)
    logging.info("statistics of %s", type(environment.stats).__module__)
    if isinstance(runner, WorkerRunner):
        runner.register_message("question", on_question)
    elif isinstance(runner, MasterRunner):
        runner.register_message("answer", on_answer)


@events.test_start.add_listener
def on_test_start(environment, **kwargs):
    if isinstance(environment.runner, MasterRunner):
        environment.runner.send_message("question", SENT)
    else:
        logging.info("flavour %s", environment.parsed_options.flavour)


def on_question(environment, msg, **kwargs):
    environment.runner.send_message("answer", msg.data)


def on_answer(environment, msg, **kwargs):
    logging.info("the answer from %s is %s", msg.node_id.rsplit("_", 1)[0], "whole" if msg.data == SENT else msg.data)


class OptionsUser(FastHttpUser):
    wait_time = constant(0.02)

    def on_start(self):
        logging.info("client of %s", type(self.client).__module__)

    @tag("one", "both")
    @task
    def one(self):
        self.client.get("/hello/", name="one")

    @tag("two", "both")
    @task
    def two(self):
        self.client.get("/hello/", name="two")

    @task
    def none(self):
        self.client.get("/hello/", name="none")
