"""What fills the exceptions tab and the failures tab: a task that raises, a page that is not there."""

from locust import FastHttpUser, constant, task


class RaisingUser(FastHttpUser):
    wait_time = constant(0.2)

    @task
    def broken(self):
        raise ValueError("broken on purpose")


class MissingUser(FastHttpUser):
    wait_time = constant(0.05)

    @task
    def missing(self):
        self.client.get("/missing/")
