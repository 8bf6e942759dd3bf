"""hello.py with HttpUser, the client that most locustfiles use."""

from locust import HttpUser, task


class HelloUser(HttpUser):
    @task
    def hello(self):
        self.client.get("/hello/")
