"""Ctrl-C once more, at the very moment at which the worker's link is closed."""

import atexit
import os
import signal

from locust import FastHttpUser, constant, task
from locustpp.runner import NativeClient


class Hits(FastHttpUser):
    wait_time = constant(0.02)

    @task
    def hello(self):
        self.client.get("/hello/", name="hello")


def close(self, patience, close=NativeClient._close):
    NativeClient._close = close
    os.kill(os.getpid(), signal.SIGINT)
    close(self, patience)


@atexit.register
def interrupt():
    NativeClient._close = close
