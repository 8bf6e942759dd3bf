"""One of two files."""

from locust import FastHttpUser, constant, task


class FirstUser(FastHttpUser):
    wait_time = constant(0.02)

    @task
    def hello(self):
        self.client.get("/hello/", name="first")
