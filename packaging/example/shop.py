"""For the master beside shop-worker: the names of the user classes and their shares."""

from locust import HttpUser, task


class Visitor(HttpUser):
    weight = 3

    @task
    def in_shop_cpp(self):
        pass


class Passer(HttpUser):
    weight = 1

    @task
    def in_shop_cpp(self):
        pass
