"""A user that asks once and then waits, with its connection open: what an idle user costs."""

from locust import FastHttpUser, constant, task


class IdleUser(FastHttpUser):
    wait_time = constant(3600)

    @task
    def hello(self):
        self.client.get("/hello/")
