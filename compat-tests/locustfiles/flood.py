"""A task that does nothing but raise, without a pause."""

from locust import FastHttpUser, task


class FloodUser(FastHttpUser):
    @task
    def broken(self):
        raise ValueError("broken without a pause")
