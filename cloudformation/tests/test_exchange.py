"""Who runs the original stacks exchanges the two images and nothing else: by the commands of docs/deploy.md, with
what results as real processes."""

import pathlib
import re

import pytest
from conftest import HERE, ROOT, succeeded
from fleet import REGION1, REGISTRY, TARGETS, TESTS_REGION, open_fleet

pytestmark = pytest.mark.slow

MASTER = "127.0.0.2"
# moto runs no task that could be asked for its address.
PLAYED = f"""
aws() {{
  case "$1 $2" in
    "ecs list-tasks") echo task ;;
    "ecs describe-tasks") echo {MASTER} ;;
    *) command aws "$@" ;;
  esac
}}
"""
VALUES = {
    "your-first-region": REGION1,
    "your-third-region": TESTS_REGION,
    "repositoryUri-of-djangoscalingtests": f"{REGISTRY}/tests",
    "repositoryUri-of-djangoscaling": f"{REGISTRY}/app",
    "http://your-load-balancer": f"http://{TARGETS[REGION1]}:8000",
}


def documented():
    text = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    block = re.search(r"^### Exchange the two images\n.*?```bash\n(.*?)```", text, re.DOTALL | re.MULTILINE).group(1)
    for name, value in VALUES.items():
        assert name in block
        block = block.replace(name, value)
    return block


@pytest.fixture
def fleet(fake_aws, tmp_path):
    with open_fleet(fake_aws, tmp_path, "v2") as fleet:
        for name, region, counts in (
            ("ecs", REGION1, {"TaskCount": "1"}),
            ("ecs-tests", TESTS_REGION, {"MasterTaskCount": "1", "TaskCount": "2"}),
        ):
            template = HERE / "original" / f"{name}.yml"
            fleet.cloud.create_stack(f"django-scaling-{name}", template, region, Image="old:v1", **counts)
        yield fleet


def test_the_two_images_are_exchanged(fleet, tmp_path):
    deploy = pathlib.Path(tmp_path / "scripts" / "deploy_aws.sh")
    deploy.parent.mkdir()
    deploy.write_text("#!/bin/sh\n# The images are there.\n", encoding="utf-8")
    deploy.chmod(0o755)
    before = {name: fleet.cloud.parameters(f"django-scaling-{name}", region)
              for name, region in (("ecs", REGION1), ("ecs-tests", TESTS_REGION))}  # fmt: skip
    done = fleet.cloud.run(["bash", "-euo", "pipefail", "-c", PLAYED + documented()], cwd=tmp_path)
    assert succeeded(done)
    after = fleet.cloud.parameters("django-scaling-ecs", REGION1)
    assert after == {**before["ecs"], "Image": f"{REGISTRY}/app:v2"}
    after = fleet.cloud.parameters("django-scaling-ecs-tests", TESTS_REGION)
    named = {"LoadBalancerDNSName": VALUES["http://your-load-balancer"], "MasterIp": MASTER, "TaskCount": "1"}
    assert after == {**before["ecs-tests"], "Image": f"{REGISTRY}/tests:v2", **named}

    fleet.fargate.follow(REGION1, "djangoscaling", "django-scaling-service", TARGET_HOST=TARGETS[REGION1])
    fleet.place_master(MASTER)
    crew = fleet.fargate.follow(TESTS_REGION, "djangoscalingtests", "django-scaling-tests-slave-service")
    fleet.eventually("the master's web interface", lambda: fleet.state()["state"] == "ready")
    fleet.start_run(4, workers=1)
    fleet.eventually("requests", lambda: fleet.total()["num_requests"] > 500)
    assert not fleet.masters[0].is_native()
    assert crew[0].is_native()
    fleet.stop_run()
    assert fleet.total()["num_failures"] == 0
    served = fleet.served_by(TARGETS[REGION1] + ":8000")
    # Without a stop timeout what was under way at the stop is served and not counted.
    assert 0 <= served - fleet.total()["num_requests"] <= 4 * 10
