"""Two user classes of unequal weight, told apart by the names of their requests."""

from locust import FastHttpUser, task


class Alpha(FastHttpUser):
    weight = 1

    @task
    def hello(self):
        self.client.get("/hello/", name="alpha")


class Beta(FastHttpUser):
    weight = 2

    @task
    def hello(self):
        self.client.get("/hello/", name="beta")
