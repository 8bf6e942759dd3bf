"""What the tests share: AWS's stand-in, an environment that reaches it and nothing else, and the
scripts run as a user would."""

import os
import pathlib
import subprocess
import sys
import urllib.request

import boto3
import own_network
import pytest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TOOLS = pathlib.Path(sys.executable).parent
REGIONS = ("eu-central-1", "eu-west-2", "eu-west-1")


class Cloud:
    """AWS as the scripts see it."""

    def __init__(self, address, home):
        self.address = address
        self.environment = {
            "PATH": f"{TOOLS}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": str(home),
            "AWS_ENDPOINT_URL": address,
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_MAX_ATTEMPTS": "1",
            "AWS_PAGER": "",
            "POLL_SECONDS": "1",
        }

    def reset(self):
        urllib.request.urlopen(
            urllib.request.Request(self.address + "/moto-api/reset", method="POST"), timeout=30
        ).read()

    def run(self, command, environment=None, **options):
        return subprocess.run(
            [str(word) for word in command],
            env={**self.environment, **(environment or {})},
            capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL, **options,
        )  # fmt: skip

    def script(self, name, *arguments, **options):
        return self.run([ROOT / "scripts" / name, *arguments], **options)

    def client(self, service, region):
        return boto3.client(
            service, region_name=region, endpoint_url=self.address, aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )  # fmt: skip

    def create_stack(self, name, template, region, **parameters):
        self.client("cloudformation", region).create_stack(
            StackName=name,
            TemplateBody=pathlib.Path(template).read_text(encoding="utf-8"),
            Capabilities=["CAPABILITY_IAM"],
            Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()],
        )

    def stacks(self, region):
        stacks = self.client("cloudformation", region).describe_stacks()["Stacks"]
        return {stack["StackName"]: stack["StackStatus"] for stack in stacks}

    def describe_stack(self, name, region):
        return self.client("cloudformation", region).describe_stacks(StackName=name)["Stacks"][0]

    def parameters(self, name, region):
        stack = self.describe_stack(name, region)
        return {entry["ParameterKey"]: entry["ParameterValue"] for entry in stack["Parameters"]}

    def output(self, name, key, region):
        outputs = self.describe_stack(name, region)["Outputs"]
        return next(entry["OutputValue"] for entry in outputs if entry["OutputKey"] == key)

    def service(self, cluster, service, region):
        return self.client("ecs", region).describe_services(cluster=cluster, services=[service])["services"][0]

    def container(self, service, region):
        """The container that a service's tasks consist of."""
        definition = self.client("ecs", region).describe_task_definition(taskDefinition=service["taskDefinition"])
        return definition["taskDefinition"]["containerDefinitions"][0]


def succeeded(done):
    """Whether a command did what it should; if not, what it says is in the failure."""
    assert (done.returncode, done.stderr) == (0, ""), f"exit code {done.returncode}: {done.stderr}\n{done.stdout}"
    return True


@pytest.fixture(scope="session")
def fake_aws(tmp_path_factory):
    # Nothing of this can reach the real one, nor what else runs on this machine.
    own_network.enter(tmp_path_factory.mktemp("network"))
    with open(tmp_path_factory.mktemp("aws") / "log", "wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-B", str(HERE / "fake_aws.py")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
        )  # fmt: skip
    try:
        address = process.stdout.readline().strip()
        assert address, "AWS's stand-in did not start"
        yield address
    finally:
        process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture
def cloud(fake_aws, tmp_path):
    cloud = Cloud(fake_aws, tmp_path)
    cloud.reset()
    return cloud


@pytest.fixture
def no_cloud(tmp_path):
    """Nothing that could answer, and no credentials."""
    cloud = Cloud("http://127.0.0.1:9", tmp_path)
    del cloud.environment["AWS_ACCESS_KEY_ID"], cloud.environment["AWS_SECRET_ACCESS_KEY"]
    return cloud


def pytest_configure(config):
    os.umask(0o022)
