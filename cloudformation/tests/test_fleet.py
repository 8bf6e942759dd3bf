"""The commands of README.md in three regions, and what Fargate would run by them, as real processes: a stock
master, native workers, targets. In a network namespace of its own."""

import json
import os
import pathlib
import re
import shutil
import time
import types
import urllib.parse
import urllib.request

import own_network
import pytest
from conftest import REGIONS, ROOT, Cloud, succeeded
from local_fargate import LocalFargate

REGION1, REGION2, TESTS_REGION = REGIONS
BIN = pathlib.Path(os.environ.get("LOCUSTPP_BIN", ROOT / "build" / "release" / "bin"))
VENVS = pathlib.Path(os.environ.get("LOCUSTPP_VENVS", ROOT / "build" / "venvs"))
LOCUST = VENVS / "2.47.0" / "bin" / "locust"
MASTER_NAME = "master.djangoscalingtests.local"
RECORD = "hello.example.com"
TARGETS = {REGION1: "127.0.1.1", REGION2: "127.0.2.1"}

# As the images' own: a leading `locust` is dropped, workers are native, all else is stock.
LOCUST_OF_THE_IMAGE = """#!/bin/sh
[ "$1" != locust ] || shift
case " $* " in
  *" --worker "*) exec {bin}/locust-worker "$@" ;;
  *) exec {locust} "$@" ;;
esac
"""

pytestmark = pytest.mark.slow


def documented(name):
    """A block of commands of README.md."""
    text = (ROOT / "cloudformation" / "README.md").read_text(encoding="utf-8")
    return re.search(rf"<!-- run: {name} -->\n```sh\n(.*?)```", text, re.DOTALL).group(1)


def make_images(folder):
    application, tests = folder / "application", folder / "tests"
    for image in (application, tests):
        (image / "bin").mkdir(parents=True)
        (image / "home").mkdir()
    shutil.copy(BIN / "hello-target", application / "bin")
    (application / "entrypoint").write_text("hello-target", encoding="utf-8")
    shutil.copy(BIN / "locust-worker", tests / "bin")
    program = tests / "bin" / "locust"
    program.write_text(LOCUST_OF_THE_IMAGE.format(bin=tests / "bin", locust=LOCUST), encoding="utf-8")
    program.chmod(0o755)
    (tests / "entrypoint").write_text("locust", encoding="utf-8")
    shutil.copy(ROOT / "locustfiles" / "test_sample.py", tests / "home")
    return {"registry.example.com/app:v1": application, "registry.example.com/tests:v1": tests}


def get(url, form=None):
    data = urllib.parse.urlencode(form).encode() if form else None
    with urllib.request.urlopen(url, data, timeout=20) as answer:
        return json.load(answer)


class Fleet:
    """The deployment: its commands, its tasks, and its master as a browser sees it."""

    def __init__(self, cloud, fargate, names):
        self.cloud, self.fargate, self.names = cloud, fargate, names
        self.variables = {
            "APP_REGION1": REGION1, "APP_REGION2": REGION2, "TESTS_REGION": TESTS_REGION,
            "APP_IMAGE": "registry.example.com/app:v1", "TESTS_IMAGE": "registry.example.com/tests:v1",
            "WORKER_LOCUSTFILE": "test_sample.cpp", "TARGET": f"http://{RECORD}", "RECORD_NAME": RECORD,
            "WEIGHT1": "70", "WEIGHT2": "30", "TTL": "0",
        }  # fmt: skip

    def run(self, block, **variables):
        done = self.cloud.run(
            ["bash", "-euo", "pipefail", "-c", documented(block)],
            environment={**self.variables, **variables}, cwd=ROOT / "cloudformation",
        )  # fmt: skip
        assert succeeded(done)

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
        return [get(f"http://{TARGETS[region]}/stats/")["requests"].get("GET /hello/", 0) for region in (REGION1, REGION2)]

    def eventually(self, what, holds, seconds=60):
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


@pytest.fixture(scope="module")
def fleet(fake_aws, tmp_path_factory):
    folder = tmp_path_factory.mktemp("fleet")
    cloud = Cloud(fake_aws, folder)
    cloud.reset()
    names = own_network.NameServer({})
    fargate = LocalFargate(cloud, folder, make_images(folder))
    try:
        yield Fleet(cloud, fargate, names)
    finally:
        fargate.close()
        names.close()


@pytest.fixture(scope="module")
def deployed(fleet):
    """By the commands of README.md, up to ten workers at the master."""
    fleet.run("application")
    route53 = fleet.cloud.client("route53", REGION1)
    zone = route53.create_hosted_zone(Name="example.com", CallerReference="x")["HostedZone"]["Id"]
    fleet.run("names", HOSTED_ZONE=zone.removeprefix("/hostedzone/"))
    read_names(fleet, route53, zone)
    for region, address in TARGETS.items():
        # Port 80 is the load balancer's, and half a second makes every user equally fast.
        fleet.fargate.follow(region, "djangoscaling", "django-scaling-service",
                             TARGET_HOST=address, TARGET_PORT="80", TARGET_DELAY="0.5")  # fmt: skip
    fleet.run("tests")
    fleet.place_master("127.0.0.2")
    fleet.crew = fleet.fargate.follow(TESTS_REGION, "djangoscalingtests", "django-scaling-tests-slave-service")
    fleet.eventually("the master's web interface", lambda: fleet.state()["state"] == "ready")
    fleet.run("scale", WORKERS="10")
    fleet.eventually("ten workers", lambda: len(fleet.workers()) == 10)
    fleet.eventually("both targets", lambda: fleet.served() == [0, 0])
    return fleet


def read_names(fleet, route53, zone):
    """The name server answers by what Route 53 has; a load balancer's name is its address here."""
    weighted = {}
    for record in route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]:
        if record["Type"] == "CNAME":
            choices = weighted.setdefault(record["Name"].rstrip("."), (record["TTL"], []))[1]
            choices.append((record["ResourceRecords"][0]["Value"].lower(), record["Weight"]))
    fleet.names.records.update(weighted)
    for region, address in TARGETS.items():
        host = fleet.cloud.output("django-scaling-ecs", "LoadBalancerHost", region).lower()
        fleet.names.records[host] = (60, [(address, 1)])


def test_ten_workers_start_as_the_definition_says(deployed):
    assert len(deployed.crew) == 10
    for task in deployed.crew:
        assert task.stop_timeout == 60
        assert task.process.args[1:] == [
            "locust", "-f", "test_sample.cpp", "--worker", "--master-host", MASTER_NAME,
        ]  # fmt: skip
        limits = pathlib.Path(f"/proc/{task.process.pid}/limits").read_text(encoding="ascii")
        assert int(re.search(r"Max open files +(\d+)", limits).group(1)) >= 16384
    ports = pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text(encoding="ascii")
    assert ports.split() == ["1024", "65535"]


def test_both_regions_get_their_share(deployed, tmp_path):
    """A run by the script, whose report counts what the targets have served."""
    before = deployed.served()
    done = deployed.cloud.script(
        "run_tests.sh", "--master", deployed.web, "--users", "200", "--spawn-rate", "50", "--seconds", "20",
        "--workers", "10", "--out", tmp_path / "report",
    )  # fmt: skip
    assert succeeded(done)
    served = [after - at_first for after, at_first in zip(deployed.served(), before)]
    report = json.loads((tmp_path / "report" / "stats.json").read_text(encoding="utf-8"))
    assert report["stats"][-1]["num_failures"] == 0
    assert report["stats"][-1]["num_requests"] == sum(served) > 1000
    assert f"http://{RECORD}/hello/" in (tmp_path / "report" / "requests.csv").read_text(encoding="utf-8")
    assert "<html" in (tmp_path / "report" / "report.html").read_text(encoding="utf-8").lower()
    assert 0.6 <= served[0] / sum(served) <= 0.8, served


def test_seven_leave_in_the_middle_of_a_run_and_nothing_is_lost(deployed):
    before = sum(deployed.served())
    deployed.start_run(50, workers=10)
    gone = len(deployed.fargate.stopped)
    deployed.run("scale", WORKERS="3")
    deployed.eventually("seven to leave", lambda: len(deployed.fargate.stopped) == gone + 7)
    for _, task in deployed.fargate.stopped[gone:]:
        assert (task.process.returncode, task.killed) == (0, False), task.text()
    deployed.eventually("three workers", lambda: len(deployed.workers()) == 3 == len(deployed.crew))
    # A stock master does not always deal out the users of several workers that leave at once.
    left = deployed.total()["num_requests"]
    deployed.eventually("the others to go on", lambda: deployed.total()["num_requests"] > left + 500)
    deployed.stop_run()
    total = deployed.total()
    assert (total["num_requests"], total["num_failures"]) == (sum(deployed.served()) - before, 0)


def test_a_new_master_is_followed(deployed):
    """Its task is replaced and has another address; no worker is touched."""
    pids = sorted(task.process.pid for task in deployed.crew)
    masters = list(deployed.masters)
    deployed.place_master("127.0.0.3")
    ecs = deployed.cloud.client("ecs", TESTS_REGION)
    service = {"cluster": "djangoscalingtests", "service": "django-scaling-tests-master-service"}
    ecs.update_service(**service, desiredCount=0)
    deployed.eventually("the old master to end", lambda: not deployed.masters)
    assert masters[0].process.returncode == 0
    ecs.update_service(**service, desiredCount=1)
    deployed.eventually("workers at the new master", lambda: len(deployed.workers()) == 3, 120)
    assert sorted(task.process.pid for task in deployed.crew) == pids
    before = sum(deployed.served())
    deployed.start_run(30, workers=3)
    deployed.eventually("requests", lambda: deployed.total()["num_requests"] > 500)
    deployed.stop_run()
    total = deployed.total()
    assert (total["num_requests"], total["num_failures"]) == (sum(deployed.served()) - before, 0)
