"""Each script with what can be wrong: one sentence, a next step, not zero, nothing half done that is not
named. AWS and Docker are played by programs that answer by a list, and note what they are asked."""

import http.server
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest
from conftest import ROOT, succeeded

IMAGES = ("--app-image", "app:v1", "--tests-image", "tests:v1")
THREE = ("eu-central-1", "eu-west-2", "eu-west-1")
AWS_SCRIPTS = {
    "install.sh": (*IMAGES, *THREE),
    "update_ecs_region1.sh": ("--region", "eu-central-1", "2"),
    "update_ecs_region2.sh": ("--region", "eu-west-2", "2"),
    "update_ecs_tests.sh": ("--region", "eu-west-1", "2"),
    "shutdown.sh": ("--yes", *THREE),
    "run_tests.sh": ("--region", "eu-west-1", "--users", "1"),
}
ALL = {**AWS_SCRIPTS, "deploy_aws.sh": ("--image", "target", "repository/target", "v1")}

PLAYED = """#!%s -S
import json, pathlib, sys
folder = pathlib.Path(__file__).parent
asked = pathlib.Path(__file__).name + " " + " ".join(sys.argv[1:])
with open(folder / "asked", "a") as log:
    print(asked, file=log)
rules = json.loads((folder / "answers").read_text())
for rule in rules:
    if rule[0] in asked and rule[1]:
        code, text = rule[1][0]
        if len(rule[1]) > 1:
            del rule[1][0]
            (folder / "answers").write_text(json.dumps(rules))
        if text == "sleep":
            import signal, time
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            time.sleep(30)
        print(text, file=sys.stderr if code else sys.stdout)
        sys.exit(code)
"""


class Stage:
    """A PATH with the usual tools, and whatever is played."""

    def __init__(self, cloud, folder):
        self.cloud = cloud
        self.folder = folder
        folder.mkdir()
        for tool in ("bash env dirname awk sed grep tr cat mktemp timeout rm rmdir mkdir sleep date jq curl").split():
            (folder / tool).symlink_to(shutil.which(tool))

    def play(self, *answers, tools=("aws",)):
        """answers: (part of the command, (exit code, text), …); the last one is repeated."""
        usual = [["sts get-caller-identity", [[0, "1"]]], ["describe-availability-zones", [[0, "a b"]]]]
        rules = [[part, [list(one) for one in given]] for part, *given in answers] + usual
        (self.folder / "answers").write_text(json.dumps(rules), encoding="utf-8")
        for tool in tools:
            path = self.folder / tool
            path.write_text(PLAYED % sys.executable, encoding="utf-8")
            path.chmod(0o755)

    def asked(self):
        path = self.folder / "asked"
        return path.read_text(encoding="utf-8").splitlines() if path.exists() else []

    def changes(self):
        verbs = ("create-", "update-", "delete-", "push", "build")
        return [line for line in self.asked() if any(verb in line for verb in verbs)]

    def script(self, name, *arguments, **environment):
        return self.cloud.script(name, *arguments, environment={"PATH": str(self.folder), **environment})


    def said(self):
        return (self.folder / "said").read_text(encoding="utf-8")

    def interrupted(self, name, *arguments, by, when):
        """Ctrl-C, and what ends a whole job: all of its processes get the signal."""
        with open(self.folder / "said", "w", encoding="utf-8") as said:
            running = subprocess.Popen(
                [ROOT / "scripts" / name, *arguments], env={**self.cloud.environment, "PATH": str(self.folder)},
                stdin=subprocess.DEVNULL, stdout=said, stderr=subprocess.PIPE, text=True, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + 20
        while not when() and time.monotonic() < deadline:
            time.sleep(0.05)
        os.killpg(running.pid, by)
        errors = running.communicate(timeout=20)[1]
        errors = errors.removeprefix("Terminated\n")  # bash's own word on what it was waiting for
        return subprocess.CompletedProcess([name], running.returncode, self.said(), errors)


@pytest.fixture
def stage(no_cloud, tmp_path):
    return Stage(no_cloud, tmp_path / "bin")


def failed(done, *parts):
    """One sentence that says so, and a next step."""
    assert done.returncode not in (0, 126, 127), done.stdout
    lines = done.stderr.splitlines()
    assert len(lines) <= 3, done.stderr
    assert lines[1].startswith("  Next: "), done.stderr
    for part in parts:
        assert part in done.stderr, done.stderr
    assert "unbound variable" not in done.stderr and "syntax error" not in done.stderr
    return True


# --- no AWS needed --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_help(stage, name):
    done = stage.script(name, "--help")
    assert succeeded(done)
    assert done.stdout.startswith(f"usage: scripts/{name}")
    assert "--dry-run" in done.stdout
    for line in done.stdout.splitlines():
        assert len(line) <= 110, line


@pytest.mark.parametrize("name", ALL)
def test_unknown_option(stage, name):
    assert failed(stage.script(name, "--no-such-option"), "--no-such-option")


@pytest.mark.parametrize("name", AWS_SCRIPTS)
def test_no_aws_command(stage, name):
    assert failed(stage.script(name, *AWS_SCRIPTS[name]), "aws is not installed")


@pytest.mark.parametrize("tool", ["curl", "jq"])
def test_no_curl_or_jq(stage, tool):
    (stage.folder / tool).unlink()
    done = stage.script("run_tests.sh", "--master", "http://127.0.0.1:9", "--users", "1")
    assert failed(done, f"{tool} is not installed")


def test_no_docker(stage):
    assert failed(stage.script("deploy_aws.sh", *ALL["deploy_aws.sh"]), "docker is not installed")
    stage.play()
    done = stage.script("install.sh", "--version", "v1", *THREE)
    assert failed(done, "docker is not installed")
    assert stage.changes() == []


@pytest.mark.parametrize("name", ("install.sh", "update_ecs_region1.sh", "update_ecs_region2.sh",
                                  "update_ecs_tests.sh", "shutdown.sh", "run_tests.sh"))  # fmt: skip
def test_no_region(stage, name):
    options = {"install.sh": IMAGES, "shutdown.sh": ("--yes",), "run_tests.sh": ("--users", "1")}
    assert failed(stage.script(name, *options.get(name, ("3",))), "No region for")


@pytest.mark.parametrize(
    "name, arguments, part",
    [
        ("install.sh", THREE, "No image for the application"),
        ("install.sh", ("--app-image", "a:1", *THREE), "No image for the load test"),
        ("install.sh", ("--app-image", "a", "--tests-image", "b:1", *THREE), "not an image with a tag"),
        ("install.sh", (*IMAGES, "--version", "v1", *THREE), "either given or built"),
        ("install.sh", (*IMAGES, "eu-west-1"), "three regions or none"),
        ("install.sh", (*IMAGES, "eu-west-1", "eu-west-1", "eu-west-2"), "Both regions"),
        ("install.sh", (*IMAGES, "Ireland", "eu-west-1", "eu-west-2"), "not the name of a region"),
        ("install.sh", (*IMAGES, *THREE, "--tasks", "many"), "whole number"),
        ("install.sh", (*IMAGES, *THREE, "--workers", "-1"), "whole number"),
        ("install.sh", (*IMAGES, *THREE, "--workers"), "wants a value"),
        ("install.sh", (*IMAGES, *THREE, "--hosted-zone", "Z1"), "belong together"),
        ("install.sh", (*IMAGES, *THREE, "--target", "hello.example.com"), "must be a URL"),
        ("install.sh", (*IMAGES, *THREE, "--web-cidr", "0.0.0.0/0"), "not everybody"),
        ("install.sh", (*IMAGES, *THREE, "--web-cidr", "999.999.999.999/32"), "203.0.113.7/32"),
        ("install.sh", (*IMAGES, *THREE, "--web-cidr", "203.0.113.7"), "203.0.113.7/32"),
        ("install.sh", (*IMAGES, *THREE, "--stop-schedule", "nonsense"), "cron(0 19 * * ? *)"),
        ("install.sh", (*IMAGES, *THREE, "--stop-schedule", "cron(0 19)"), "six fields"),
        ("install.sh", (*IMAGES, *THREE, "--hosted-zone", "Z1", "--record-name", "a b"), "'a b'"),
        ("install.sh", (*IMAGES, *THREE, "--hosted-zone", "a/b", "--record-name", "a"), "'a/b'"),
        ("install.sh", (*THREE, "--version", "bad tag"), "not a tag"),
        ("install.sh", (*IMAGES, *THREE, "--architecture", "sparc"), "X86_64 or ARM64"),
        ("update_ecs_region1.sh", ("--region", "eu-west-1", "ten"), "whole number"),
        ("update_ecs_region1.sh", ("--region", "eu-west-1", "1", "2"), "one number of tasks"),
        ("update_ecs_region2.sh", ("--region", "eu-west-1", "--image", "x"), "not an image with a tag"),
        ("update_ecs_tests.sh", ("--region", "eu-west-1", "--masters", "2"), "from 0 to 1"),
        ("update_ecs_tests.sh", ("--region", "eu-west-1", "--master-ip", "a b"), "--master-ip"),
        ("update_ecs_tests.sh", ("--region", "eu-west-1", "--target", "http://a/b"), "without a path"),
        ("update_ecs_tests.sh", ("--region", "eu-west-1", "--stop-schedule", "19:00"), "six fields"),
        ("shutdown.sh", THREE, "Nobody is there to be asked"),
        ("run_tests.sh", (), "How many users"),
        ("run_tests.sh", ("--users", "0"), "whole number"),
        ("run_tests.sh", ("--users", "1", "--spawn-rate", "0"), "above 0"),
        ("run_tests.sh", ("--users", "1", "--master", "10.0.0.1"), "must be a URL"),
        ("deploy_aws.sh", ("repository",), "a REPOSITORY and a VERSION"),
        ("deploy_aws.sh", ("some/repository", "v1"), "Which image"),
        ("deploy_aws.sh", ("--image", "nothing", "r", "v1"), "no image 'nothing'"),
        ("deploy_aws.sh", ("djangoscaling", "a b"), "not a tag"),
        ("deploy_aws.sh", ("--platform", "windows", "djangoscaling", "v1"), "linux/amd64 or linux/arm64"),
    ],
)
def test_wrong_options(stage, name, arguments, part):
    """Nothing is asked of AWS before they are refused, and a dry run refuses them too."""
    stage.play(tools=("aws", "docker"))
    assert failed(stage.script(name, *arguments), part)
    assert stage.asked() == []
    if part != "Nobody is there to be asked":
        assert failed(stage.script(name, "--dry-run", *arguments), part)


@pytest.mark.parametrize("cpu, memory", [
    ("1000", "2048"), ("1024", ""), ("", "2048"), ("256", "1536"), ("1024", "1024"), ("1024", "2500"), ("8192", "17408"),
])  # fmt: skip
def test_sizes_that_fargate_does_not_have(stage, cpu, memory):
    stage.play()
    for name, who in (("install.sh", "worker"), ("install.sh", "master"), ("update_ecs_region1.sh", "task"),
                      ("update_ecs_tests.sh", "worker"), ("update_ecs_tests.sh", "master")):  # fmt: skip
        done = stage.script(name, f"--{who}-cpu", cpu, f"--{who}-memory", memory, *AWS_SCRIPTS[name])
        assert failed(done, f"give --{who}-")
    assert stage.asked() == []


def test_sizes_of_the_tasks(stage):
    done = stage.script("install.sh", "--dry-run", "--task-cpu", "1024", "--task-memory", "2048", "--worker-cpu", "256",
                        "--worker-memory", "512", "--master-cpu", "16384", "--master-memory", "122880",
                        *AWS_SCRIPTS["install.sh"])  # fmt: skip
    assert succeeded(done)
    for key, value in (("TaskCpu", 1024), ("TaskMemory", 2048), ("SlaveCpu", 256), ("SlaveMemory", 512),
                       ("MasterCpu", 16384), ("MasterMemory", 122880)):  # fmt: skip
        assert f'ParameterKey={key},ParameterValue="{value}"' in done.stdout
    assert done.stdout.count("cloudformation wait stack-create-complete") == 6


def test_another_size_of_workers_and_master(stage):
    done = stage.script("update_ecs_tests.sh", "--dry-run", "--worker-cpu", "2048", "--worker-memory", "4096", "--master-cpu",
                        "512", "--master-memory", "1024", *AWS_SCRIPTS["update_ecs_tests.sh"])  # fmt: skip
    assert succeeded(done)
    for key, value in (("SlaveCpu", 2048), ("SlaveMemory", 4096), ("MasterCpu", 512), ("MasterMemory", 1024)):
        assert f'ParameterKey={key},ParameterValue="{value}"' in done.stdout


@pytest.mark.parametrize("option, value", [
    ("--web-cidr", "203.0.113.7/32"), ("--web-cidr", "10.0.0.0/8"), ("--web-cidr", ""),
    ("--stop-schedule", "cron(0 19 ? * MON,FRI *)"), ("--stop-schedule", "cron(0/5 8-17 L * ? 2030)"),
    ("--stop-schedule", ""), ("--master-ip", "10.0.3.4"), ("--master-ip", ""),
])  # fmt: skip
def test_right_options(stage, option, value):
    stage.play()
    assert succeeded(stage.script("update_ecs_tests.sh", "--dry-run", "--region", "eu-west-1", option, value))


# --- AWS says no ----------------------------------------------------------------------------------

SAID = {
    "no credentials": 'Unable to locate credentials. You can configure credentials by running "aws configure".',
    "wrong credentials": "An error occurred (InvalidClientTokenId) when calling the GetCallerIdentity operation: "
    "The security token included in the request is invalid.",
    "old credentials": "An error occurred (ExpiredToken) when calling the GetCallerIdentity operation: The security "
    "token included in the request is expired",
}


@pytest.mark.parametrize("name", AWS_SCRIPTS)
@pytest.mark.parametrize("text", SAID.values(), ids=SAID)
def test_credentials(stage, name, text):
    stage.play(("sts ", (254, text)))
    done = stage.script(name, *AWS_SCRIPTS[name])
    assert failed(done, "does not accept your credentials", "aws configure")
    assert stage.changes() == []


@pytest.mark.parametrize("name", AWS_SCRIPTS)
def test_a_region_that_cannot_be_reached(stage, name):
    stage.play(("describe-availability-zones",
                (255, 'Could not connect to the endpoint URL: "https://ec2.eu-nowhere-1.amazonaws.com/"')))  # fmt: skip
    assert failed(stage.script(name, *AWS_SCRIPTS[name]), "cannot be reached")
    assert stage.changes() == []


@pytest.mark.parametrize("name", ("install.sh", "update_ecs_region1.sh", "update_ecs_tests.sh"))
@pytest.mark.parametrize(
    "status, part",
    [
        ("UPDATE_IN_PROGRESS", "is being changed just now"),
        ("ROLLBACK_COMPLETE", "delete-stack"),
        ("CREATE_FAILED", "delete-stack"),
        ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback"),
    ],
)
def test_a_stack_that_cannot_be_changed(stage, name, status, part):
    stage.play(("StackStatus", (0, status)))
    assert failed(stage.script(name, *AWS_SCRIPTS[name]), status, part)
    assert stage.changes() == []


def test_an_update_that_fails_tells_why(stage):
    stage.play(
        ("StackStatus", (0, "CREATE_COMPLETE"), (0, "UPDATE_IN_PROGRESS"), (0, "UPDATE_ROLLBACK_COMPLETE")),
        ("describe-stack-events", (0, "ECSService\tECS Deployment Circuit Breaker was triggered")),
        ("Parameters[].ParameterKey", (0, "TaskCount\tImage")),
    )
    done = stage.script("update_ecs_tests.sh", *AWS_SCRIPTS["update_ecs_tests.sh"])
    assert failed(done, "ended as UPDATE_ROLLBACK_COMPLETE", "Circuit Breaker",
                  "left as it is: stack django-scaling-ecs-tests in eu-west-1")  # fmt: skip


def test_a_creation_that_fails_names_what_is_there(stage):
    missing = (254, "An error occurred (ValidationError): Stack with id x does not exist")
    stage.play(
        ("django-scaling-vpc --query Stacks[0].StackStatus", missing, (0, "CREATE_COMPLETE")),
        ("django-scaling-ecs --query Stacks[0].StackStatus", missing, (0, "CREATE_IN_PROGRESS"),
         (0, "ROLLBACK_COMPLETE")),
        ("describe-stack-events", (0, "LoadBalancer\tlimit exceeded")),
    )  # fmt: skip
    done = stage.script("install.sh", *AWS_SCRIPTS["install.sh"])
    assert failed(done, "limit exceeded", "stack django-scaling-vpc in eu-central-1", "delete-stack")
    assert [line.split()[2] for line in stage.changes()] == ["create-stack", "create-stack"]


def test_a_deletion_that_fails(stage):
    stage.play(
        ("django-scaling-ecs-tests --query Stacks[0].StackStatus", (0, "UPDATE_COMPLETE"), (0, "DELETE_FAILED")),
        ("StackStatus", (254, "Stack with id x does not exist")),
        ("describe-stack-events", (0, "MasterSecurityGroup\thas a dependent object")),
    )
    done = stage.script("shutdown.sh", *AWS_SCRIPTS["shutdown.sh"])
    assert failed(done, "ended as DELETE_FAILED", "has a dependent object")
    assert len(stage.changes()) == 1  # neither the application nor the network was touched


def test_a_wait_has_a_limit(stage):
    """Time does not pass here: sleep is nothing, and a minute is one look."""
    (stage.folder / "sleep").unlink()
    (stage.folder / "sleep").write_text("#!/bin/sh\nkill -USR1 $PPID\n")
    (stage.folder / "sleep").chmod(0o755)
    hurried = stage.folder / "hurry"
    hurried.write_text("trap 'SECONDS=$((SECONDS + 61))' USR1\n", encoding="utf-8")
    stage.play(("StackStatus", (0, "UPDATE_COMPLETE"), (0, "UPDATE_IN_PROGRESS")), ("Parameters[].ParameterKey", (0, "Image")))
    done = stage.script("update_ecs_tests.sh", "--wait-minutes", "3", "--region", "eu-west-1", "2",
                        BASH_ENV=str(hurried))  # fmt: skip
    assert failed(done, "is still UPDATE_IN_PROGRESS after 3 minutes", "describe-stack-events")


MISSING = (254, "An error occurred (ValidationError): Stack with id x does not exist")


def test_an_aws_that_hangs(stage):
    """Even one that leaves something behind that keeps its output open."""
    hanging = stage.folder / "aws"
    hanging.write_text("#!/bin/sh\nsleep 30 &\nsleep 30\n", encoding="utf-8")
    hanging.chmod(0o755)
    for name, arguments in AWS_SCRIPTS.items():
        done = stage.script(name, *arguments, CALL_SECONDS="1")
        assert failed(done, "AWS does not answer", "within 1 seconds", "check the network")


@pytest.mark.parametrize("step", ["info", "build", "push"])
def test_a_docker_that_hangs(stage, step):
    """A minute is a second here."""
    stage.play(tools=("aws",))
    hanging = stage.folder / "docker"
    hanging.write_text(f'#!/bin/sh\n[ "$1" != {step} ] || exec sleep 30\n', encoding="utf-8")
    hanging.chmod(0o755)
    real = shutil.which("timeout")
    (stage.folder / "timeout").unlink()
    (stage.folder / "timeout").write_text(
        f'#!/bin/sh\n[ "$2" != --version ] || exit 0\nshift 3\nexec {real} --foreground 1 "$@"\n', encoding="utf-8")
    (stage.folder / "timeout").chmod(0o755)
    done = stage.script("deploy_aws.sh", "--wait-minutes", "3", "registry.example.com/djangoscaling", "v1")
    assert failed(done, "no engine answers" if step == "info" else f"docker {step} has not ended within 3 minutes")


def test_without_timeout_aws_s_own_limits_hold(stage):
    (stage.folder / "timeout").unlink()
    stage.play(("StackStatus", MISSING))
    assert failed(stage.script("update_ecs_tests.sh", *AWS_SCRIPTS["update_ecs_tests.sh"]), "does not exist in eu-west-1")
    assert all("--cli-read-timeout 30" in line for line in stage.asked())


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("name, status, doing", [
    ("install.sh", [MISSING, (0, "CREATE_IN_PROGRESS")], "stack django-scaling-vpc in eu-central-1 (being created)"),
    ("update_ecs_region1.sh", [(0, "CREATE_COMPLETE"), (0, "UPDATE_IN_PROGRESS")],
     "stack django-scaling-ecs in eu-central-1 (being updated)"),
    ("update_ecs_tests.sh", [(0, "CREATE_COMPLETE"), (0, "UPDATE_IN_PROGRESS")],
     "stack django-scaling-ecs-tests in eu-west-1 (being updated)"),
    ("shutdown.sh", [(0, "CREATE_COMPLETE"), (0, "DELETE_IN_PROGRESS")],
     "stack django-scaling-route53 in eu-central-1 (being deleted)"),
])  # fmt: skip
def test_interrupted_while_it_waits(stage, name, status, doing, number, code):
    stage.play(("StackStatus", *status), ("Parameters[].ParameterKey", (0, "Image")))
    done = stage.interrupted(name, *AWS_SCRIPTS[name], by=number, when=lambda: "IN_PROGRESS" in stage.said())
    assert done.returncode == code
    assert failed(done, f"{name}: Interrupted; AWS goes on", f"left as it is: {doing}.")


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_in_a_call(stage, number, code):
    stage.play(("create-stack", (0, "sleep")), ("StackStatus", MISSING))
    done = stage.interrupted("install.sh", *AWS_SCRIPTS["install.sh"], by=number, when=lambda: stage.changes())
    assert done.returncode == code
    assert failed(done, "(being created)")


@pytest.mark.parametrize("step", ["build", "push"])
def test_interrupted_in_docker(stage, step):
    stage.play((f"docker {step}", (0, "sleep")), ("repositoryUri", (0, "registry.example.com/djangoscaling")),
               tools=("aws", "docker"))  # fmt: skip
    asked = lambda: any(f"docker {step}" in line for line in stage.asked())  # noqa: E731
    done = stage.interrupted("deploy_aws.sh", "registry.example.com/djangoscaling", "v1", by=signal.SIGINT, when=asked)
    assert done.returncode == 130
    assert failed(done, "deploy_aws.sh: Interrupted")
    (stage.folder / "asked").unlink()
    done = stage.interrupted("install.sh", "--version", "v1", *THREE, by=signal.SIGINT, when=asked)
    assert done.returncode == 130
    assert "install.sh: Interrupted" in done.stderr and "did not get to" not in done.stderr


def test_a_failure_whose_reasons_may_not_be_read(stage):
    stage.play(
        ("StackStatus", MISSING, (0, "ROLLBACK_COMPLETE")),
        ("describe-stack-events", (254, "An error occurred (AccessDenied): User x is not authorized to perform: y")),
    )
    done = stage.script("install.sh", *AWS_SCRIPTS["install.sh"])
    assert failed(done, "ended as ROLLBACK_COMPLETE instead of CREATE_COMPLETE: the reasons could not be read",
                  "stack django-scaling-vpc in eu-central-1 (ROLLBACK_COMPLETE)")  # fmt: skip
    assert "being created" not in done.stderr


LOST = (255, 'Could not connect to the endpoint URL: "https://cloudformation.eu-west-1.amazonaws.com/"')


def test_a_wait_outlasts_a_lost_connection(stage):
    stage.play(
        ("StackStatus", (0, "CREATE_COMPLETE"), (0, "UPDATE_IN_PROGRESS"), LOST, LOST, (0, "UPDATE_COMPLETE")),
        ("Parameters[].ParameterKey", (0, "Image")), ("OutputValue", (0, "name")), ("ParameterValue |", (0, "2")),
        ("desiredCount", (0, "2")),
    )  # fmt: skip
    done = stage.script("update_ecs_tests.sh", *AWS_SCRIPTS["update_ecs_tests.sh"])
    assert succeeded(done)
    assert done.stdout.count("AWS does not answer; trying again") == 1


def test_a_wait_does_not_outlast_rights_that_are_missing(stage):
    stage.play(
        ("StackStatus", (0, "CREATE_COMPLETE"), (254, "An error occurred (AccessDenied): User x is not authorized")),
        ("Parameters[].ParameterKey", (0, "Image")),
    )
    done = stage.script("update_ecs_tests.sh", *AWS_SCRIPTS["update_ecs_tests.sh"])
    assert failed(done, "may not do this", "(being updated)")


def test_a_repository_that_cannot_be_deleted(stage):
    stage.play(("StackStatus", MISSING), ("repositoryUri", (0, "uri")),
               ("delete-repository --repository-name djangoscaling --force --region eu-west-2", (254, "no")))  # fmt: skip
    done = stage.script("shutdown.sh", "--with-repositories", *AWS_SCRIPTS["shutdown.sh"])
    assert failed(done, "AWS refused in eu-west-2: no", "deleted repository djangoscaling in eu-central-1.")


@pytest.mark.parametrize("name", AWS_SCRIPTS)
def test_no_mktemp(stage, name):
    stage.play()
    (stage.folder / "mktemp").unlink()
    assert failed(stage.script(name, *AWS_SCRIPTS[name]), "mktemp is not installed")
    assert stage.asked() == []


def test_rights_that_are_missing(stage):
    stage.play(("StackStatus", (0, "CREATE_COMPLETE")), ("Parameters[].ParameterKey", (0, "Image")),
               ("update-stack", (254, "An error occurred (AccessDenied): User x is not authorized to perform: "
                                      "cloudformation:UpdateStack")))  # fmt: skip
    done = stage.script("update_ecs_region1.sh", *AWS_SCRIPTS["update_ecs_region1.sh"])
    assert failed(done, "cloudformation:UpdateStack", "ask for the rights")


# --- order and commands ---------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL)
def test_a_dry_run_calls_nothing(stage, name, tmp_path):
    stage.play(tools=("aws", "docker"))
    out = ("--out", tmp_path / "out") if name == "run_tests.sh" else ()
    done = stage.script(name, "--dry-run", *out, *ALL[name])
    assert succeeded(done)
    assert stage.asked() == []
    assert not (tmp_path / "out").exists()
    assert any(line.startswith(("aws ", "docker ", "curl ")) for line in done.stdout.splitlines())


def test_what_uses_another_is_deleted_before_it(stage):
    stage.play()
    done = stage.script("shutdown.sh", "--dry-run", "--with-repositories", *THREE)
    assert succeeded(done)
    words = [line.split() for line in done.stdout.splitlines()]
    stacks = [(line[4], line[-1]) for line in words if line[2] == "delete-stack"]
    assert stacks == [
        ("django-scaling-route53", "eu-central-1"),
        ("django-scaling-ecs-tests", "eu-west-1"),
        ("django-scaling-ecs", "eu-central-1"),
        ("django-scaling-ecs", "eu-west-2"),
        ("django-scaling-vpc", "eu-west-1"),
        ("django-scaling-vpc", "eu-central-1"),
        ("django-scaling-vpc", "eu-west-2"),
    ]
    assert sum("delete-repository" in line for line in done.stdout.splitlines()) == 3


def test_the_master_s_addresses(stage):
    stage.play(
        ("ClusterName", (0, "djangoscalingtests")),
        ("MasterServiceName", (0, "django-scaling-tests-master-service")),
        ("WebPort", (0, "8000")),
        ("list-tasks", (0, "arn:task")),
        ("describe-tasks", (0, "eni-1")),
        ("describe-network-interfaces", (0, "10.0.3.4\t198.51.100.7"), (0, "10.0.3.4\tNone")),
    )
    done = stage.script("run_tests.sh", "--show-master", "--region", "eu-west-1")
    assert succeeded(done)
    assert done.stdout.split() == ["public", "198.51.100.7", "private", "10.0.3.4"]
    done = stage.script("run_tests.sh", "--users", "1", "--region", "eu-west-1")
    assert failed(done, "no public address", "--master http://10.0.3.4:8000")


def test_images_are_built_for_the_platform_and_pushed(stage):
    stage.play(("get-login-password", (0, "secret")), tools=("aws", "docker"))
    registry = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
    done = stage.script("deploy_aws.sh", "--platform", "linux/arm64", f"{registry}/djangoscalingtests", "v2")
    assert succeeded(done)
    assert done.stdout.splitlines()[-1] == f"{registry}/djangoscalingtests:v2"
    build, login, push = [line for line in stage.asked() if line.startswith("docker ") and "info" not in line]
    assert build == (f"docker build --platform linux/arm64 --file {ROOT}/docker/worker.Dockerfile "
                     f"--tag {registry}/djangoscalingtests:v2 {ROOT}")  # fmt: skip
    assert login == f"docker login --username AWS --password-stdin {registry}"
    assert push == f"docker push {registry}/djangoscalingtests:v2"
    assert "secret" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "step, part",
    [("info", "no engine answers"), ("build", "could not be built"), ("push", "built but not pushed")],
)
def test_docker_fails(stage, step, part):
    stage.play((f"docker {step}", (1, "")), tools=("docker",))
    done = stage.script("deploy_aws.sh", "registry.example.com/djangoscaling", "v1")
    assert done.returncode == 1
    assert part in done.stderr and "Next: " in done.stderr
    if step == "build":
        assert not any("push" in line for line in stage.asked())


# --- a run ----------------------------------------------------------------------------------------


class Master(http.server.BaseHTTPRequestHandler):
    """A master's web interface: `script` says what it answers."""

    script = {}

    def answer(self):
        path = self.path.split("?")[0]
        type(self).asked.append((self.command, self.path, self.rfile.read(int(self.headers["Content-Length"] or 0))))
        answers = self.script.get(path, [(200, {})])
        code, body = answers.pop(0) if len(answers) > 1 else answers[0]
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


@pytest.fixture
def master():
    Master.asked = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Master)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def state(name, requests=0, failures=0, workers=1):
    return (200, {
        "state": name, "user_count": 0, "total_rps": 1.5, "fail_ratio": 0,
        "workers": [{"id": str(n), "state": "ready"} for n in range(workers)],
        "stats": [{"name": "Aggregated", "num_requests": requests, "num_failures": failures}],
    })  # fmt: skip


def test_a_master_that_does_not_answer(stage):
    done = stage.script("run_tests.sh", "--master", "http://127.0.0.1:9", "--users", "1", "--wait-seconds", "1")
    assert failed(done, "http://127.0.0.1:9 does not answer")


def test_something_else_at_the_address(stage, master):
    Master.script = {"/stats/requests": [(200, "<html>hello</html>")]}
    done = stage.script("run_tests.sh", "--master", master, "--users", "1", "--wait-seconds", "1")
    assert failed(done, "does not answer as Locust does")


def test_a_run_is_under_way(stage, master):
    Master.script = {"/stats/requests": [state("running")]}
    assert failed(stage.script("run_tests.sh", "--master", master, "--users", "1"), "under way")
    assert not any(path == "/swarm" for _, path, _ in Master.asked)


def test_no_workers(stage, master):
    Master.script = {"/stats/requests": [state("ready", workers=1)]}
    done = stage.script("run_tests.sh", "--master", master, "--users", "1", "--workers", "2", "--wait-seconds", "1")
    assert failed(done, "1 of 2 workers")


def test_a_master_that_refuses_the_run(stage, master):
    Master.script = {"/stats/requests": [state("ready")],
                     "/swarm": [(200, {"success": False, "message": "No tasks"})]}  # fmt: skip
    assert failed(stage.script("run_tests.sh", "--master", master, "--users", "1"), "No tasks")


@pytest.mark.parametrize("requests, failures, code", [(10, 0, 0), (10, 2, 3), (0, 0, 1)])
def test_exit_codes_and_files(stage, master, tmp_path, requests, failures, code):
    Master.script = {
        "/stats/requests": [state("ready"), state("running", 1), state("stopped", requests, failures)],
        "/swarm": [(200, {"success": True})],
        "/stats/report": [(200, "<html>report</html>")],
    }
    out = tmp_path / "new" / "report"
    done = stage.script("run_tests.sh", "--master", master, "--users", "7", "--spawn-rate", "2.5", "--seconds", "1",
                        "--host", "http://hello.example.com", "--out", out)  # fmt: skip
    assert done.returncode == code, done.stderr
    assert sorted(os.listdir(out)) == ["exceptions.csv", "failures.csv", "report.html", "requests.csv", "stats.json"]
    assert (out / "report.html").read_text(encoding="utf-8") == "<html>report</html>"
    (swarm,) = [body for _, path, body in Master.asked if path == "/swarm"]
    assert swarm == b"user_count=7&spawn_rate=2.5&host=http%3A%2F%2Fhello.example.com"
    assert sum(path == "/stop" for _, path, _ in Master.asked) == 1
    again = stage.script("run_tests.sh", "--master", master, "--users", "1", "--out", out)
    assert failed(again, "holds a report already")


def test_a_folder_that_cannot_be_made(stage, master):
    done = stage.script("run_tests.sh", "--master", master, "--users", "1", "--out", "/proc/nothing/here")
    assert failed(done, "cannot be made")
    assert Master.asked == []
