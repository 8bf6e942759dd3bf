"""The other of two files."""

from locust import HttpUser, constant, task


class SecondUser(HttpUser):
    wait_time = constant(0.02)

    @task
    def hello(self):
        self.client.get("/hello/", name="second")
