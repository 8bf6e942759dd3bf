"""A shape that ends the test by itself."""

from locust import FastHttpUser, HttpUser, LoadTestShape, constant, task


class Stages(LoadTestShape):
    stages = ((2, 2), (4, 4))

    def tick(self):
        for until, users in self.stages:
            if self.get_run_time() < until:
                return users, 10
        return None


class FastUser(FastHttpUser):
    wait_time = constant(0.05)

    @task
    def hello(self):
        self.client.get("/hello/", name="fast")


class SlowUser(HttpUser):
    wait_time = constant(0.05)

    @task
    def hello(self):
        self.client.get("/hello/", name="slow")
