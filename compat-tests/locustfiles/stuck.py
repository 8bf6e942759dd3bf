"""A task that never yields, beside what a Python worker's link has to carry all the same: keys that a
locustfile adds to reports, and constants that it changes."""

import locust.runners
from locust import User, constant, events, task

locust.runners.WORKER_REPORT_INTERVAL = 1.0


@events.report_to_master.add_listener
def on_report(client_id, data, **_kwargs):
    data["pages"] = PoliteUser.pages
    PoliteUser.pages = 0


class PoliteUser(User):
    pages = 0
    wait_time = constant(0.01)

    @task
    def page(self):
        PoliteUser.pages += 1
        self.environment.events.request.fire(
            request_type="GET", name="/page", response_time=2, response_length=3, exception=None, context={}
        )


class StuckUser(User):
    @task
    def never_yields(self):
        while True:
            pass
