"""The scripts of the flow against AWS's stand-in, with AWS's own command line."""

import botocore.exceptions
import pytest
from conftest import REGIONS, ROOT, succeeded

TEMPLATES = ROOT / "cloudformation"
IMAGES = ("--app-image", "app:v1", "--tests-image", "tests:v1")
REGION1, REGION2, TESTS_REGION = REGIONS

pytestmark = pytest.mark.slow


@pytest.fixture
def installed(cloud):
    """The load test's region alone."""
    cloud.create_stack("django-scaling-vpc", TEMPLATES / "vpc.yml", TESTS_REGION)
    cloud.create_stack(
        "django-scaling-ecs-tests", TEMPLATES / "ecs-tests.yml", TESTS_REGION, Image="tests:v1",
        LoadBalancerDNSName="http://first.example.com", TaskCount="1",
    )  # fmt: skip
    return cloud


def workers(cloud):
    return cloud.service("djangoscalingtests", "django-scaling-tests-slave-service", TESTS_REGION)


def application(cloud, region):
    return cloud.service("djangoscaling", "django-scaling-service", region)


def test_the_whole_flow(cloud):
    done = cloud.script("install.sh", *IMAGES, "--tasks", "2", "--workers", "1", *REGIONS)
    assert succeeded(done)
    there = {"django-scaling-vpc": "CREATE_COMPLETE", "django-scaling-ecs": "CREATE_COMPLETE"}
    assert cloud.stacks(REGION1) == cloud.stacks(REGION2) == there
    assert cloud.stacks(TESTS_REGION) == {
        "django-scaling-vpc": "CREATE_COMPLETE",
        "django-scaling-ecs-tests": "CREATE_COMPLETE",
    }
    assert application(cloud, REGION2)["desiredCount"] == 2
    assert workers(cloud)["desiredCount"] == 1
    url = cloud.output("django-scaling-ecs", "LoadBalancerDNSName", REGION1)
    assert url.startswith("http://") and REGION1 in url
    assert cloud.parameters("django-scaling-ecs-tests", TESTS_REGION)["LoadBalancerDNSName"] == url
    assert f"scripts/shutdown.sh {REGION1} {REGION2} {TESTS_REGION}" in done.stdout

    done = cloud.script("update_ecs_region1.sh", "7", environment={"APP_REGION1": REGION1})
    assert succeeded(done)
    assert application(cloud, REGION1)["desiredCount"] == 7
    assert application(cloud, REGION2)["desiredCount"] == 2
    assert cloud.parameters("django-scaling-ecs", REGION1)["Image"] == "app:v1"
    done = cloud.script("update_ecs_region2.sh", environment={"APP_REGION2": REGION2})
    assert succeeded(done)
    assert application(cloud, REGION2)["desiredCount"] == 1
    done = cloud.script("update_ecs_tests.sh", "--web-cidr", "203.0.113.7/32", "10",
                        environment={"TESTS_REGION": TESTS_REGION})  # fmt: skip
    assert succeeded(done)
    assert workers(cloud)["desiredCount"] == 10

    # Again: what is not named stays.
    done = cloud.script("install.sh", *IMAGES, *REGIONS)
    assert succeeded(done)
    assert done.stdout.count("nothing to change") == 6
    assert "with 10 worker(s)" in done.stdout
    done = cloud.script("update_ecs_tests.sh", "--target", "http://mine.example", "10",
                        environment={"TESTS_REGION": TESTS_REGION})  # fmt: skip
    assert succeeded(done)
    done = cloud.script("install.sh", *IMAGES, "--workers", "4", *REGIONS)
    assert succeeded(done)
    assert done.stdout.count("nothing to change") == 5
    assert "tests http://mine.example with 4 worker(s)" in done.stdout
    assert application(cloud, REGION1)["desiredCount"] == 7
    parameters = cloud.parameters("django-scaling-ecs-tests", TESTS_REGION)
    assert (parameters["WebCidr"], parameters["TaskCount"]) == ("203.0.113.7/32", "4")

    done = cloud.script("shutdown.sh", "--yes", *REGIONS)
    assert succeeded(done)
    for region in REGIONS:
        assert cloud.stacks(region) == {}
    again = cloud.script("shutdown.sh", "--yes", *REGIONS)
    assert succeeded(again)
    assert again.stdout.count("not there") == 7


def test_an_update_without_changes_is_a_success(installed, tmp_path):
    done = installed.script("update_ecs_tests.sh", "--region", TESTS_REGION, "1", cwd=tmp_path)
    assert succeeded(done)
    assert "nothing to change" in done.stdout
    assert workers(installed)["desiredCount"] == 1


@pytest.mark.parametrize("wanted", ["1", "2"], ids=["nothing else changes", "the workers change"])
def test_tasks_that_a_schedule_has_stopped_come_back(installed, wanted):
    """An update leaves the master's service alone, as CloudFormation does: the number in the stack is the same."""
    services = ("django-scaling-tests-master-service", "django-scaling-tests-slave-service")
    for service in services:
        installed.client("ecs", TESTS_REGION).update_service(
            cluster="djangoscalingtests", service=service, desiredCount=0
        )
    done = installed.script("update_ecs_tests.sh", "--region", TESTS_REGION, "--masters", "1", wanted)
    assert succeeded(done)
    assert "django-scaling-tests-master-service in eu-west-1: from 0 to 1 tasks" in done.stdout
    master, workers = (installed.service("djangoscalingtests", service, TESTS_REGION) for service in services)
    assert (master["desiredCount"], workers["desiredCount"]) == (1, int(wanted))


def test_a_master_that_is_not_wanted_stays_away(installed):
    assert succeeded(installed.script("update_ecs_tests.sh", "--region", TESTS_REGION, "--masters", "0", "1"))
    assert succeeded(installed.script("update_ecs_tests.sh", "--region", TESTS_REGION, "1"))
    master = installed.service("djangoscalingtests", "django-scaling-tests-master-service", TESTS_REGION)
    assert master["desiredCount"] == 0


def test_parameters_of_the_load_test(installed):
    done = installed.script(
        "update_ecs_tests.sh", "--region", TESTS_REGION, "--target", "http://hello.example.com",
        "--image", "repository/tests:v2", "--worker-image", "repository/native:v2", "--worker-locustfile",
        "test_sample.cpp", "--master-ip", "10.0.3.4", "--masters", "0", "--stop-schedule",
        "cron(0 19 ? * MON,FRI *)", "5",
    )  # fmt: skip
    assert succeeded(done)
    container = installed.container(workers(installed), TESTS_REGION)
    assert container["image"] == "repository/native:v2"
    assert container["command"] == [
        "locust", "-f", "test_sample.cpp", "--worker", "--master-host", "10.0.3.4",
    ]  # fmt: skip
    assert {"name": "API_URL", "value": "http://hello.example.com"} in container["environment"]
    parameters = installed.parameters("django-scaling-ecs-tests", TESTS_REGION)
    assert parameters["MasterTaskCount"] == "0"
    assert parameters["StopSchedule"] == "cron(0 19 ? * MON,FRI *)"
    back = installed.script("update_ecs_tests.sh", "--region", TESTS_REGION, "--master-ip", "", "5")
    assert succeeded(back)
    container = installed.container(workers(installed), TESTS_REGION)
    assert container["command"][-1] == "master.djangoscalingtests.local"


def test_a_name_over_both_regions(cloud):
    route53 = cloud.client("route53", REGION1)
    zone = route53.create_hosted_zone(Name="example.com", CallerReference="x")["HostedZone"]["Id"]
    zone = zone.removeprefix("/hostedzone/")
    done = cloud.script("install.sh", *IMAGES, "--hosted-zone", zone, "--record-name", "hello.example.com",
                        "--worker-image", "native:v1", "--worker-locustfile", "test_sample.cpp",
                        REGION1, REGION2, REGION1)  # fmt: skip
    assert succeeded(done)
    service = cloud.service("djangoscalingtests", "django-scaling-tests-slave-service", REGION1)
    container = cloud.container(service, REGION1)
    assert (container["image"], container["command"][2]) == ("native:v1", "test_sample.cpp")
    records = [
        record
        for record in route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
        if record["Type"] == "CNAME"
    ]
    assert [(r["SetIdentifier"], r["Weight"], r["TTL"]) for r in records] == [
        ("region1", 50, 10),
        ("region2", 50, 10),
    ]
    for record, region in zip(records, (REGION1, REGION2)):
        assert record["ResourceRecords"] == [
            {"Value": cloud.output("django-scaling-ecs", "LoadBalancerHost", region)}
        ]
    target = cloud.parameters("django-scaling-ecs-tests", REGION1)["LoadBalancerDNSName"]
    assert target == "http://hello.example.com"
    # The load test shares the first region.
    assert len(cloud.stacks(REGION1)) == 4
    done = cloud.script("shutdown.sh", "--yes", REGION1, REGION2, REGION1)
    assert succeeded(done)
    assert cloud.stacks(REGION1) == cloud.stacks(REGION2) == {}


def test_a_stack_of_older_templates_can_be_updated(cloud, tmp_path):
    """It lacks parameters that the present template has: those take their defaults."""
    old = (TEMPLATES / "ecs-tests.yml").read_text(encoding="utf-8")
    start, end = old.index("  LogRetentionDays:"), old.index("  StopSchedule:")
    template = tmp_path / "old.yml"
    template.write_text((old[:start] + old[end:]).replace("!Ref LogRetentionDays", "1"), encoding="utf-8")
    cloud.create_stack("django-scaling-vpc", TEMPLATES / "vpc.yml", TESTS_REGION)
    cloud.create_stack("django-scaling-ecs-tests", template, TESTS_REGION, Image="tests:v1",
                       LoadBalancerDNSName="http://first.example.com")  # fmt: skip
    done = cloud.script("update_ecs_tests.sh", "--region", TESTS_REGION, "2")
    assert succeeded(done)
    parameters = cloud.parameters("django-scaling-ecs-tests", TESTS_REGION)
    assert (parameters["Image"], parameters["LogRetentionDays"]) == ("tests:v1", "14")


def test_without_a_target_no_load_test_starts(cloud):
    """Outside the application's regions it must be told what to test."""
    cloud.create_stack("django-scaling-vpc", TEMPLATES / "vpc.yml", TESTS_REGION)
    with pytest.raises(botocore.exceptions.ClientError, match="No export named"):
        cloud.create_stack("django-scaling-ecs-tests", TEMPLATES / "ecs-tests.yml", TESTS_REGION, Image="i:1")


# --- what can be wrong ----------------------------------------------------------------------------


def test_update_of_a_stack_that_is_not_there(cloud):
    for name in ("update_ecs_region1.sh", "update_ecs_region2.sh", "update_ecs_tests.sh"):
        done = cloud.script(name, "--region", REGION1, "3")
        assert done.returncode == 1
        assert "does not exist in eu-central-1" in done.stderr and "Next: " in done.stderr
    assert cloud.stacks(REGION1) == {}


def test_a_region_that_does_not_exist(cloud):
    done = cloud.script("update_ecs_tests.sh", "--region", "eu-nowhere-9", "3")
    assert done.returncode == 1
    assert "eu-nowhere-9" in done.stderr and "Next: " in done.stderr


def test_no_master_is_running(installed):
    done = installed.script("run_tests.sh", "--region", TESTS_REGION, "--show-master")
    assert done.returncode == 1
    assert "No master is running in eu-west-1" in done.stderr and "Next: " in done.stderr
