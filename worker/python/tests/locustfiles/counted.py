"""Every kind of request, event and failure that locustfiles make, a fixed number of times: a run of it
can be compared with another one's, number by number. Run locally it ends by itself."""

import logging
import os
import random

import gevent
import gevent.pool
import requests
from geventhttpclient import HTTPClient
from locust import FastHttpUser, HttpUser, User, constant, events, task
from locust.exception import RescheduleTask, StopUser
from locust.runners import LocalRunner

ROUNDS = 10
finished = []
heard = {"good": 0, "bad": 0}

if os.environ.get("LISTEN"):

    @events.request.add_listener
    def on_request(request_type, name, response_time, response_length, exception, context, **kwargs):
        heard["bad" if exception else "good"] += 1


@events.quitting.add_listener
def on_quitting(environment, **kwargs):
    logging.info("heard %s", heard)


def finish(user):
    finished.append(type(user).__name__)  # --csv writes once a second, and not at the end
    if len(finished) == 3 and isinstance(user.environment.runner, LocalRunner):
        gevent.spawn_later(2.5, user.environment.runner.quit)
    raise StopUser()


class Client:
    """What the two HTTP users have in common."""

    wait_time = constant(0)
    fixed_count = 1

    def on_start(self):
        logging.info("a client of %s", type(self.client).__module__)
        self.client.get("/hello/", name=f"{self.kind} on_start")
        self.rounds = 0

    def on_stop(self):
        self.client.get("/hello/", name=f"{self.kind} on_stop")

    def everything(self):
        self.rounds += 1
        if self.rounds > ROUNDS:
            finish(self)
        get = self.client.get
        get("/hello/", name=f"{self.kind} plain")
        get("/hello/?q=%d" % random.randrange(1000), name=f"{self.kind} query")
        get("/missing/", name=f"{self.kind} missing")
        get("http://127.0.0.1:1/", name=f"{self.kind} refused")
        self.client.post("/hello/", {"a": "b"}, name=f"{self.kind} post")
        with get("/hello/", name=f"{self.kind} verdict", catch_response=True) as response:
            response.failure("not good enough")
        with get("/missing/", name=f"{self.kind} pardon", catch_response=True) as response:
            response.success()
        with get("/metadata/", name=f"{self.kind} text", catch_response=True) as response:
            if "TASK_ID" in response.text and response.headers["Content-Type"]:
                response.request_meta["context"] = {"seen": True}
        pool = gevent.pool.Pool(10)
        for number in range(20):
            pool.spawn(get, f"/hello/?n={number}", name=f"{self.kind} pool")
        pool.join()
        try:
            with get("/hello/", name=f"{self.kind} raised", catch_response=True) as response:
                raise RescheduleTask()
        except RescheduleTask:
            pass


class Fast(Client, FastHttpUser):
    kind = "fast"
    tasks = [Client.everything]


class Http(Client, HttpUser):
    kind = "http"
    tasks = [Client.everything]


class Own(User):
    """Without Locust's clients."""

    fixed_count = 1

    def fire(self, name, length=0, error=None):
        self.environment.events.request.fire(
            request_type="OWN", name=name, response_time=3.5, response_length=length, exception=error, context={}
        )

    @task
    def everything(self):
        client = HTTPClient.from_url(self.host)
        for number in range(ROUNDS):
            self.fire("by hand", 10)
            self.fire("by hand", 0, ValueError(f"wrong {number % 2}"))
            response = requests.get(f"{self.host}/hello/", timeout=10)
            self.fire("requests", len(response.content), None if response.ok else RuntimeError("no"))
            answer = client.get("/metadata/")
            self.fire("geventhttpclient", int(answer.read() == b""), None)
        client.close()
        finish(self)
