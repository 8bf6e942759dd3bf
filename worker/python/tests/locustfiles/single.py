"""A user to look at in a debugger."""

from locust import FastHttpUser, HttpUser, constant, run_single_user, task
from locust.exception import StopUser


class SingleUser(FastHttpUser):
    wait_time = constant(0)

    @task
    def look(self):
        response = self.client.get("/hello/")
        print("status", response.status_code, "by", type(self.client).__module__)
        self.client.get("/missing/", name="missing")
        raise StopUser()


class OtherUser(HttpUser):
    look = SingleUser.look
    tasks = [SingleUser.look]


def main(host):
    for kind in (SingleUser, OtherUser):
        kind.host = host
        try:
            run_single_user(kind, loglevel="INFO")
        finally:
            print("done", kind.__name__)
