"""What Locust's documentation shows most, in one file: sequences, nested task sets, weights, waits, the rest() method,
data shared by users, other systems than HTTP, listeners, a pool of greenlets, and a limit that stops the test."""

import itertools
import json
import logging
import os
import time
from xmlrpc.client import Fault, ServerProxy

import gevent
import gevent.pool
from locust import (
    FastHttpUser,
    HttpUser,
    SequentialTaskSet,
    TaskSet,
    User,
    between,
    constant,
    constant_pacing,
    constant_throughput,
    events,
    tag,
    task,
)
from locust.exception import RescheduleTask
from locust.runners import MasterRunner

accounts = itertools.count(1)


@events.init.add_listener
def on_locust_init(environment, **kwargs):
    if not isinstance(environment.runner, MasterRunner):
        environment.created = []


@events.test_start.add_listener
def on_test_start(environment, **kwargs):
    logging.info("A new test is starting")


@events.test_stop.add_listener
def on_test_stop(environment, **kwargs):
    logging.info("A new test is ending")


@events.request.add_listener
def my_request_handler(request_type, name, response_time, response_length, response, context, exception, **kwargs):
    if exception and context and context.get("tell"):
        logging.info("Request to %s failed with exception %s, %s", name, exception, response.status_code)


class Quickstart(HttpUser):
    wait_time = between(0.01, 0.05)

    def on_start(self):
        self.client.post("/echo", json={"username": "foo", "password": "bar"}, name="login")

    @task
    def hello_world(self):
        self.client.get("/hello", name="quickstart hello")
        self.client.get("/json", name="quickstart json")

    @task(3)
    def view_items(self):
        for item_id in range(3):
            self.client.get(f"/echo?id={item_id}", name="/item")
            time.sleep(0.01)

    @task
    def validated(self):
        with self.client.get("/json", catch_response=True, name="validated") as response:
            try:
                if response.json()["a"][0] != 2:
                    response.failure("Did not get expected value in a")
            except json.JSONDecodeError:
                response.failure("Response could not be decoded as JSON")
        with self.client.get("/status/404", catch_response=True, name="allowed") as response:
            if response.status_code == 404:
                response.success()
            else:
                raise RescheduleTask()
        with self.client.rename_request("/item?id=[id]"):
            self.client.get("/echo?id=7")
        self.client.get("/status/500", name="told", context={"tell": True})


class ForumSection(TaskSet):
    wait_time = constant(0.01)

    @task(10)
    def view_thread(self):
        self.client.get("/hello", name="forum thread")

    @task(1)
    def stop(self):
        self.interrupt()


class Ordered(SequentialTaskSet):
    @task
    def first_task(self):
        self.client.get("/cookies/set?step=1", name="ordered first")

    @task
    def second_task(self):
        answer = self.client.get("/echo", name="ordered second")
        assert "step=1" in answer.text, answer.text

    @task
    def done(self):
        self.interrupt(reschedule=False)


class Nested(FastHttpUser):
    wait_time = constant_pacing(0.02)
    tasks = {ForumSection: 2, Ordered: 1}

    @task
    def index(self):
        self.client.get("/hello", name="nested index")


class Rest(FastHttpUser):
    wait_time = constant_throughput(50)
    default_headers = {"X-Of": "the class"}

    def on_start(self):
        self.account = next(accounts)

    if hasattr(FastHttpUser, "rest"):  # not in 2.13.0

        @task
        @tag("rest")
        def call(self):
            with self.rest("POST", "/echo", json={"account": self.account}, name="rest post") as resp:
                if resp.js is None or json.loads(resp.js["body"])["account"] != self.account:
                    resp.failure(f"unexpected {resp.text}")
            with self.rest("GET", "/json", name="rest failed") as resp:
                if resp.js["c"] != "nothing":
                    raise AssertionError("c is not nothing")

    @task
    def concurrent(self):
        pool = gevent.pool.Pool()
        for number in range(5):
            pool.spawn(self.client.get, f"/echo?n={number}", name="concurrent")
        pool.join()


class XmlRpcClient(ServerProxy):
    def __init__(self, host, request_event):
        super().__init__(host)
        self._request_event = request_event

    def __getattr__(self, name):
        func = ServerProxy.__getattr__(self, name)

        def wrapper(*args, **kwargs):
            request_meta = {
                "request_type": "xmlrpc",
                "name": name,
                "start_time": time.time(),
                "response_length": 0,
                "response": None,
                "context": {},
                "exception": None,
            }
            start_perf_counter = time.perf_counter()
            try:
                request_meta["response"] = func(*args, **kwargs)
            except Fault as e:
                request_meta["exception"] = e
            request_meta["response_time"] = (time.perf_counter() - start_perf_counter) * 1000
            self._request_event.fire(**request_meta)
            return request_meta["response"]

        return wrapper


class XmlRpcUser(User):
    wait_time = constant(0.02)

    def __init__(self, environment):
        super().__init__(environment)
        self.client = XmlRpcClient(os.environ["XMLRPC"], request_event=environment.events.request)

    @task
    def add(self):
        assert self.client.add(2, 3) == 5

    @task
    def fault(self):
        self.client.fault()
