"""What a user does in its life, told to the master as samples: on_start, tasks by weight, on_stop,
a user that ends by itself, and one that cannot start."""

import gevent
from locust import User, between, task
from locust.exception import StopUser


class LifeUser(User):
    wait_time = between(0.001, 0.003)

    def report(self, name, time=1, length=0, error=None):
        self.environment.events.request.fire(
            request_type="LIFE",
            name=name,
            response_time=time,
            response_length=length,
            exception=error,
            context={},
        )

    def on_start(self):
        self.report("on_start")

    def on_stop(self):
        self.report("on_stop")

    @task(9)
    def often(self):
        gevent.sleep(0.005)
        self.report("often", 5, 64)

    @task(1)
    def seldom(self):
        gevent.sleep(0.005)
        self.report("seldom", 5, 0, "seldom fails")


class ShortUser(User):
    @task
    def once(self):
        self.environment.events.request.fire(
            request_type="LIFE",
            name="once",
            response_time=None,
            response_length=0,
            exception=None,
            context={},
        )
        raise StopUser()


class UnbornUser(User):
    def on_start(self):
        raise RuntimeError("no start")

    @task
    def never(self):
        pass
