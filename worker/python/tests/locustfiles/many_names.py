"""More request names in one report than the native recorder keeps apart."""

from locust import User, constant, task


class ManyNames(User):
    wait_time = constant(1)

    @task
    def fire(self):
        for number in range(15000):
            self.environment.events.request.fire(
                request_type="GET", name=f"/{number}", response_time=1, response_length=0, exception=None, context={}
            )
