"""One request of BENCH_PATH after another; its native twin, web.cpp, can check the responses too."""

import os

from locust import FastHttpUser, task


class WebUser(FastHttpUser):
    @task
    def page(self):
        self.client.get(os.environ["BENCH_PATH"])
