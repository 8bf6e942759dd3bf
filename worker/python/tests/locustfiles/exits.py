"""Ends by itself, and decides its exit code by what the statistics say."""

import os

from locust import HttpUser, constant, events, task


@events.quitting.add_listener
def on_quitting(environment, **kwargs):
    assert environment.stats.total.num_requests == 12 and environment.stats.total.avg_response_time > 0
    if environment.stats.total.fail_ratio > float(os.environ.get("LIMIT", "2")):
        environment.process_exit_code = 3


class ExitUser(HttpUser):
    wait_time = constant(0)
    rounds = 0

    @task
    def three_of_four_fail(self):
        for path in os.environ.get("PATHS", "/missing/ /missing/ /hello/ /missing/").split():
            self.client.get(path)
        self.rounds += 1
        if self.rounds == 3:
            self.environment.runner.quit()
