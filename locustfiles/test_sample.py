"""Ten requests at once, again and again, to API_URL. Its native twin is test_sample.cpp.

The host of the web interface is only shown: requests go to API_URL, and the whole URL is their name.
"""

import os

from gevent.pool import Pool
from locust import FastHttpUser, task

API_URL = os.environ.get("API_URL", "http://127.0.0.1:32003")


class TestSample(FastHttpUser):
    host = API_URL
    weight = 3

    @task
    def ten_at_once(self):
        pool = Pool(10)
        for _ in range(10):
            pool.spawn(self.client.get, f"{API_URL}/hello/")
        pool.join()
