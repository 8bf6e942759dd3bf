"""User code that goes wrong in every way there is, a class for each."""

import ctypes
import logging
import os
import signal
import subprocess
import sys
import threading

import gevent
from gevent import monkey
from locust import FastHttpUser, HttpUser, User, constant, events, task

block = monkey.get_original("time", "sleep")

if os.environ.get("BAD_LISTENER"):

    @events.request.add_listener
    def on_request(**kwargs):
        raise LookupError("a listener's fault")

    @events.report_to_master.add_listener
    def on_report(client_id, data, **kwargs):
        data["own"] = 1

    @events.test_stop.add_listener
    def on_test_stop(**kwargs):
        raise LookupError("a fault in test_stop")


class Polite(FastHttpUser):
    wait_time = constant(0.05)

    @task
    def hello(self):
        self.client.get("/hello/", name="polite")


class RaisesInStart(HttpUser):
    wait_time = constant(0.3)

    def on_start(self):
        self.client.get("/hello/", name="start")
        raise RuntimeError("a fault in on_start")

    @task
    def never(self):
        self.client.get("/hello/", name="never")


class RaisesInTask(FastHttpUser):
    wait_time = constant(0.2)

    @task
    def fault(self):
        self.client.get("/hello/", name="before the fault")
        raise ValueError("a fault in a task")

    @task
    def within(self):
        with self.client.get("/hello/", name="within", catch_response=True):
            raise KeyError("a fault in a with block")

    @task
    def recursion(self):
        return self.recursion()


class RaisesInStop(FastHttpUser):
    wait_time = constant(0.1)

    def on_stop(self):
        self.client.get("/hello/", name="stop")
        raise OSError(5, "a fault in on_stop")

    @task
    def hello(self):
        self.client.get("/hello/", name="before stop")


class Forks(FastHttpUser):
    wait_time = constant(0.2)
    forked = 0

    @task
    def fork(self):
        self.client.get("/hello/", name="before the fork")
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
        self.client.get("/hello/", name="after the fork")
        subprocess.run([sys.executable, "-c", "pass"], check=True)
        thread = threading.Thread(target=self.client.get, args=("/hello/",), kwargs={"name": "of a thread"})
        thread.start()
        thread.join()
        Forks.forked += 1


class UsesItsFork(FastHttpUser):
    """The child makes requests of its own, which nobody counts."""

    wait_time = constant(1000)

    @task
    def fork(self):
        self.client.get("/hello/", name="of a parent")
        child = os.fork()
        if child == 0:
            code = 1
            try:
                # A new session, and one that has had a connection before the fork.
                for client in (type(self)(self.environment).client, self.client):
                    answer = client.get("/metadata/", name="of a child")
                    code = 0 if answer.status_code == 200 else 2
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        logging.info("the child ended with %s", os.WEXITSTATUS(status))
        self.client.get("/hello/", name="of a parent")


class Kills(FastHttpUser):
    """Itself, by all of gevent's and Locust's ways."""

    wait_time = constant(0.1)

    @task
    def greenlet(self):
        self.client.get("/hello/", name="before the kill")
        gevent.getcurrent().kill()

    @task
    def user(self):
        self.client.get("/hello/", name="before the kill")
        self.stop(force=True)

    @task
    def exit_of_greenlet(self):
        self.client.get("/hello/", name="before the kill")
        raise gevent.GreenletExit()


class Exits(User):
    @task
    def leave(self):
        sys.exit(5)


class ExitsAtOnce(User):
    @task
    def leave(self):
        os._exit(7)


class Dies(User):
    @task
    def die(self):
        os.kill(os.getpid(), signal.SIGKILL)


class Crashes(User):
    @task
    def crash(self):
        ctypes.string_at(0)


class Blocks(FastHttpUser):
    @task
    def never_yields(self):
        logging.info("stuck from now on")
        while True:
            pass


class Stubborn(FastHttpUser):
    @task
    def never_yields(self):
        logging.info("stuck from now on")
        while True:
            try:
                while True:
                    pass
            except KeyboardInterrupt:
                pass


class Sleeps(FastHttpUser):
    wait_time = constant(0.1)

    @task
    def sleep(self):
        self.client.get("/hello/", name="before the sleep")
        block(4)
        self.client.get("/hello/", name="after the sleep")
