"""The commands of README.md in three regions, and what Fargate would run by them, as real processes: a stock
master, targets, and workers with a Python locustfile, then with its twin in C++. In a network namespace of its
own."""

import json
import pathlib
import re

import pytest
from conftest import ROOT, succeeded
from fleet import MASTER_NAME, RECORD, REGION1, REGION2, REGISTRY, TARGETS, TESTS_REGION, open_fleet

# What is set for the workers, by their locustfile.
ENGINES = {
    "test_sample.py": {},
    "test_sample.cpp": {"WORKER_IMAGE": f"{REGISTRY}/native:v1", "WORKER_LOCUSTFILE": "test_sample.cpp"},
}
VARIABLES = {
    "APP_REGION1": REGION1, "APP_REGION2": REGION2, "TESTS_REGION": TESTS_REGION,
    "APP_IMAGE": f"{REGISTRY}/app:v1", "TESTS_IMAGE": f"{REGISTRY}/tests:v1",
    "TARGET": f"http://{RECORD}", "RECORD_NAME": RECORD, "WEIGHT1": "70", "WEIGHT2": "30", "TTL": "0",
}  # fmt: skip

pytestmark = pytest.mark.slow


def documented(name):
    """A block of commands of README.md."""
    text = (ROOT / "cloudformation" / "README.md").read_text(encoding="utf-8")
    return re.search(rf"<!-- run: {name} -->\n```sh\n(.*?)```", text, re.DOTALL).group(1)


@pytest.fixture(scope="module", params=ENGINES)
def fleet(fake_aws, tmp_path_factory, request):
    with open_fleet(fake_aws, tmp_path_factory.mktemp("fleet"), "v1") as fleet:
        fleet.locustfile = request.param

        def run(block, **variables):
            environment = {**VARIABLES, **ENGINES[request.param], **variables}
            command = ["bash", "-euo", "pipefail", "-c", documented(block)]
            assert succeeded(fleet.cloud.run(command, environment=environment, cwd=ROOT / "cloudformation"))

        fleet.run = run
        yield fleet


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
            "locust", "-f", deployed.locustfile, "--worker", "--master-host", MASTER_NAME,
        ]  # fmt: skip
        assert task.is_native()
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
    # A stock master deals out the users of the first that leaves, and not those of the others until it is
    # told a number of users again: see docs/deploy.md.
    deployed.start_run(50, workers=3)
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
    deployed.eventually("workers at the new master", lambda: len(deployed.workers()) == 3)
    assert sorted(task.process.pid for task in deployed.crew) == pids
    before = sum(deployed.served())
    deployed.start_run(30, workers=3)
    deployed.eventually("requests", lambda: deployed.total()["num_requests"] > 500)
    deployed.stop_run()
    total = deployed.total()
    assert (total["num_requests"], total["num_failures"]) == (sum(deployed.served()) - before, 0)
