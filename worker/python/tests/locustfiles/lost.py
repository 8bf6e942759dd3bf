"""A worker whose master is lost: how long it waits for it, and a target of its own."""

import os

import locust.runners
from locust import FastHttpUser, constant, task

if os.environ.get("MASTER_TIMEOUT"):
    locust.runners.MASTER_HEARTBEAT_TIMEOUT = float(os.environ["MASTER_TIMEOUT"])


class LostUser(FastHttpUser):
    wait_time = constant(0.1)

    @task
    def hello(self):
        self.client.get(os.environ.get("TARGET", "") + "/hello/", name="hello")
