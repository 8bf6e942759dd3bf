"""A task that keeps its thread for seconds, as a slow computation would."""

from gevent import monkey
from locust import FastHttpUser, task

block = monkey.get_original("time", "sleep")


class BlockingUser(FastHttpUser):
    @task
    def compute(self):
        block(4)
