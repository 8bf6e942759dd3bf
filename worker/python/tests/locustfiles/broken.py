"""Meets servers that are down or talk nonsense, a fixed number of times."""

import gevent
from locust import FastHttpUser, HttpUser, constant, task


class Broken(FastHttpUser):
    wait_time = constant(0)
    fixed_count = 1

    @task
    def all_of_them(self):
        runs(self)


class BrokenHttp(HttpUser):
    wait_time = constant(0)
    fixed_count = 1

    @task
    def all_of_them(self):
        runs(self)


ended = []


def runs(user):
    for _ in range(3):
        for path in ("reset", "garbage", "close-at-once", "status/503", "bad-chunk", "hello"):
            try:
                user.client.get(f"/{path}", name=f"{type(user).__name__} {path}")
            except Exception as error:  # old clients let some out
                print(type(user).__name__, path, "raised", type(error).__name__)
        user.client.get("http://127.0.0.1:1/", name=f"{type(user).__name__} down")
        user.client.get("http://no-such-host.invalid/", name=f"{type(user).__name__} nowhere")
    ended.append(user)
    if len(ended) == 2:
        gevent.spawn_later(2.5, user.environment.runner.quit)
    gevent.sleep(30)
