"""A deployment on this machine: what its tasks are started from, and its master as a browser sees it."""

import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import time
import urllib.parse
import urllib.request

import own_network
from conftest import REGIONS, ROOT, Cloud
from local_fargate import LocalFargate

REGION1, REGION2, TESTS_REGION = REGIONS
BIN = pathlib.Path(os.environ.get("LOCUSTPP_BIN", ROOT / "build" / "release" / "bin"))
VENVS = pathlib.Path(os.environ.get("LOCUSTPP_VENVS", ROOT / "build" / "venvs"))
PYTHON = VENVS / "2.47.0" / "bin" / "python"
PACKAGE = os.environ.get("LOCUSTPP_PACKAGE", ROOT / "build" / "release" / "python")
MASTER_NAME = "master.djangoscalingtests.local"
RECORD = "hello.example.com"
TARGETS = {REGION1: "127.0.1.1", REGION2: "127.0.2.1"}

# By the image's own program: a leading `locust` is dropped, workers are native, all else is stock.
LOCUST_OF_THE_IMAGE = """#!/bin/sh
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH={package} exec {python} {root}/docker/locust "$@"
"""
REGISTRY = "registry.example.com"


def make_image(folder, entry_point):
    for part in ("bin", "home"):
        (folder / part).mkdir(parents=True)
    (folder / "entrypoint").write_text(entry_point, encoding="utf-8")
    return folder


def make_images(folder):
    application = make_image(folder / "application", "start-target")
    shutil.copy(BIN / "hello-target", application / "bin")
    compiler = [ROOT / "docker/build/small.sh", ROOT / "docker/start/start.cpp"]
    subprocess.run([*compiler, application / "bin" / "start-target"], check=True)
    native = make_image(folder / "native", "locust-worker")
    shutil.copy(BIN / "locust-worker", native / "bin")
    tests = make_image(folder / "tests", "locust")
    program = tests / "bin" / "locust"
    text = LOCUST_OF_THE_IMAGE.format(package=PACKAGE, python=PYTHON, root=ROOT)
    program.write_text(text, encoding="utf-8")
    program.chmod(0o755)
    shutil.copy(ROOT / "locustfiles" / "test_sample.py", tests / "home")
    return {"app": application, "tests": tests, "native": native}


def get(url, form=None):
    data = urllib.parse.urlencode(form).encode() if form else None
    with urllib.request.urlopen(url, data, timeout=20) as answer:
        return json.load(answer)


class Fleet:
    """The deployment: its commands, its tasks, and its master as a browser sees it."""

    def __init__(self, cloud, fargate, names):
        self.cloud, self.fargate, self.names = cloud, fargate, names

    def place_master(self, address):
        self.names.records[MASTER_NAME] = (5, [(address, 1)])
        self.web = f"http://{address}:8000"
        self.masters = self.fargate.follow(
            TESTS_REGION, "djangoscalingtests", "django-scaling-tests-master-service",
            LOCUST_MASTER_BIND_HOST=address, LOCUST_WEB_HOST=address,
        )  # fmt: skip

    def state(self):
        return get(self.web + "/stats/requests")

    def workers(self):
        return [one for one in self.state()["workers"] if one["state"] in ("ready", "spawning", "running")]

    def served(self):
        return [self.served_by(TARGETS[region]) for region in (REGION1, REGION2)]

    @staticmethod
    def served_by(address):
        """How many GET /hello/ a target has answered, as it counts itself."""
        return get(f"http://{address}/stats/")["requests"].get("GET /hello/", 0)

    def eventually(self, what, holds, seconds=180):
        deadline = time.monotonic() + seconds
        while True:
            assert self.fargate.failure is None, self.fargate.failure
            try:
                if holds():
                    return
            except OSError:
                pass
            assert time.monotonic() < deadline, f"{what}: not within {seconds} s\n{self.logs()}"
            time.sleep(0.2)

    def logs(self):
        tasks = [task for tasks in self.fargate.tasks.values() for task in tasks]
        return "\n".join(f"--- {task.log.name}\n{task.text()[-800:]}" for task in [*self.masters, *tasks[-3:]])

    def start_run(self, users, workers):
        # After a stop a worker is ready again when the stop timeout is over.
        self.eventually("workers to be ready", lambda: len(self.workers()) == workers)
        assert get(self.web + "/swarm", {"user_count": users, "spawn_rate": users})["success"]
        self.eventually("all users", lambda: self.state()["user_count"] == users)

    def stop_run(self):
        get(self.web + "/stop", {"": ""})
        self.eventually("the run to stop", lambda: self.state()["state"] == "stopped")
        time.sleep(1.5)  # the last reports

    def total(self):
        return self.state()["stats"][-1]


@contextlib.contextmanager
def open_fleet(fake_aws, folder, tag):
    """An empty cloud, whose registry has the images by this tag."""
    cloud = Cloud(fake_aws, folder)
    cloud.reset()
    images = {f"{REGISTRY}/{name}:{tag}": image for name, image in make_images(folder).items()}
    names = own_network.NameServer({})
    fargate = LocalFargate(cloud, folder, images)
    try:
        yield Fleet(cloud, fargate, names)
    finally:
        fargate.close()
        names.close()
