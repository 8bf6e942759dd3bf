"""Users that have made one request and wait."""

from locust import FastHttpUser, constant, task


class IdleUser(FastHttpUser):
    wait_time = constant(3600)

    @task
    def once(self):
        self.client.get("/hello/")
