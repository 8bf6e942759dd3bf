"""Failures of names that no order but that of time has put in this order."""

from locust import FastHttpUser, task


class Fails(FastHttpUser):
    host = "http://127.0.0.1:1"

    @task
    def all_of_them(self):
        for name in ("pear", "apple", "plum", "cherry", "quince", "fig", "lime", "date"):
            self.client.get(f"/{name}")
        self.environment.runner.quit()
