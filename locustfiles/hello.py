"""The simplest user there can be: no wait, one request. Its native twin is hello.cpp."""

from locust import FastHttpUser, task


class HelloUser(FastHttpUser):
    @task
    def hello(self):
        self.client.get("/hello/")
