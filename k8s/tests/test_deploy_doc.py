"""docs/deploy.md and the README here: what they name exists, and the arithmetic is right."""

import functools
import os
import re
import shlex
import subprocess

import pytest
import yaml

import objects

DOCUMENTS = {
    path.name: path for path in (objects.ROOT / "docs/deploy.md", objects.K8S / "README.md")
}
DEPLOY = DOCUMENTS["deploy.md"].read_text()


class Template(yaml.SafeLoader):
    """CloudFormation's short forms, such as !Ref, become plain values."""


Template.add_multi_constructor(
    "!",
    lambda loader, _, node: (
        loader.construct_scalar(node)
        if isinstance(node, yaml.ScalarNode)
        else loader.construct_sequence(node)
        if isinstance(node, yaml.SequenceNode)
        else loader.construct_mapping(node)
    ),
)


def blocks(language, text=DEPLOY):
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands_of(text):
    """Each command of the shell examples, as words: continued lines joined, comments left out."""
    found = []
    for block in blocks("bash", text):
        for line in re.sub(r"\\\n\s*", "", block).splitlines():
            words = shlex.split(re.sub(r"\$\((.*)\)$", r"\1", line), comments=True)
            # A variable in front: X=y, or what $(…) above has left of TARGET=$(aws …).
            while words and re.match(r"^[A-Z_0-9]+=", words[0]):
                value = words.pop(0).split("=", 1)[1]
                words[:0] = [value] if value == "aws" else []
            if words and words[0] != "export":
                found.append(words)
    return found


COMMANDS = commands_of(DEPLOY)


def calls(*start):
    return [words for words in COMMANDS if words[: len(start)] == list(start)]


def inline_commands():
    """Commands of ours in running text, with their options."""
    found = re.findall(r"`(scripts/[a-z0-9_]+\.sh[^`]*)`", DEPLOY.replace("\n", " "))
    return [shlex.split(each.replace("…", "x")) for each in found]


@functools.cache
def help_of(script):
    done = subprocess.run(
        [objects.ROOT / script, "--help"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, f"{script} --help: {done.stderr}"
    return done.stdout


def parameters_of(template):
    text = (objects.ROOT / "cloudformation" / template).read_text()
    return yaml.load(text, Template)["Parameters"]


def test_there_are_examples():
    """The tests below would pass on an empty page."""
    assert len(blocks("bash")) >= 10 and len(blocks("yaml")) == 2 and len(COMMANDS) > 25


@pytest.mark.parametrize("block", blocks("bash"))
def test_shell_examples_are_shell(block):
    done = subprocess.run(["bash", "-n"], input=block, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and not done.stderr, done.stderr


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(name):
    path = DOCUMENTS[name]
    links = re.findall(r"\]\(([^)]+)\)", path.read_text())
    assert links
    for link in links:
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        assert target.exists(), link
        if anchor:
            titles = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)
            anchors = {
                re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in titles
            }
            assert anchor in anchors, link


@pytest.mark.parametrize("name", DOCUMENTS)
def test_files_that_are_named_exist(name):
    text = DOCUMENTS[name].read_text()
    pattern = r"(?<![\w./-])((?:scripts|docker|cloudformation|k8s|locustfiles)/[\w./-]*[\w/])"
    names = set(re.findall(pattern, text))
    assert names
    for each in sorted(names):
        assert (objects.ROOT / each).exists(), each


@pytest.mark.parametrize(
    "words",
    [words for words in COMMANDS + inline_commands() if words[0].startswith("scripts/")],
    ids=" ".join,
)
def test_scripts_know_the_options_that_are_shown(words):
    assert os.access(objects.ROOT / words[0], os.X_OK)
    options = [word for word in words[1:] if word.startswith("--")]
    for option in options:
        assert re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", help_of(words[0])), (
            f"{words[0]} {option}"
        )


@pytest.mark.parametrize(
    "words",
    [w for w in calls("aws", "cloudformation") if "--template-body" in w],
    ids=lambda words: words[2],
)
def test_parameters_of_the_stacks_exist(words):
    template = words[words.index("--template-body") + 1].removeprefix("file://cloudformation/")
    given = {
        word.split(",")[0].removeprefix("ParameterKey=")
        for word in words
        if word.startswith("ParameterKey=")
    }
    known = parameters_of(template)
    assert given and given <= set(known)
    if words[2] == "create-stack":
        required = {name for name, each in known.items() if "Default" not in each}
        assert required <= given, "a parameter without a default is missing"
    # Only templates with roles ask for it, and nothing asks for more.
    has_roles = "AWS::IAM::" in (objects.ROOT / "cloudformation" / template).read_text()
    if has_roles:
        assert words[words.index("--capabilities") + 1] == "CAPABILITY_IAM"
    assert "--region" in words


@pytest.mark.parametrize("words", [w for w in calls("aws") if "--use-previous-template" in w])
def test_the_original_stacks_get_parameters_that_they_have(words):
    """Those of the original, written out; the last two always where the tests are meant."""
    stacks = {
        "django-scaling-ecs": {"Region", "Image", "TaskCount"},
        "django-scaling-ecs-tests": {"Region", "Image", "MasterTaskCount", "TaskCount"}
        | {"LoadBalancerDNSName", "MasterIp"},
    }
    known = stacks[words[words.index("--stack-name") + 1]]
    keys = [
        word.removeprefix("ParameterKey=") for word in words if word.startswith("ParameterKey=")
    ]
    given = dict(key.split(",ParameterValue=") for key in keys)
    assert set(given) <= known and "Image" in given
    if "LoadBalancerDNSName" in known:
        assert "LoadBalancerDNSName" in given
        # Without workers nobody needs the master's address.
        assert "MasterIp" in given or given["TaskCount"] == "0"


def test_every_set_up_of_the_tests_names_its_target():
    for words in COMMANDS:
        if "file://cloudformation/ecs-tests.yml" in words:
            assert any(word.startswith("ParameterKey=LoadBalancerDNSName,") for word in words)


def test_the_steps_can_be_pasted_one_after_another():
    """In one shell, in the project's folder; what the scripts read from the environment is in it."""
    assert not re.search(r"^cd ", "\n".join(blocks("bash")), re.MULTILINE)
    steps = DEPLOY[DEPLOY.index("### Step by step") : DEPLOY.index("### Clean up")]
    for region in ("APP_REGION1", "APP_REGION2", "TESTS_REGION"):
        assert f"export {region}=" in steps
    assert steps.index("TARGET=http://$NAME") < steps.index("ParameterKey=LoadBalancerDNSName")
    waits = sum(words[:3] == ["aws", "cloudformation", "wait"] for words in commands_of(steps))
    assert waits == sum("--template-body" in words for words in commands_of(steps))


def test_waits_fit_what_they_wait_for():
    """An update never ends by the waiter of a creation."""
    for before, words in zip(COMMANDS, COMMANDS[1:], strict=False):
        if words[:3] == ["aws", "cloudformation", "wait"]:
            assert words[3] == f"stack-{before[2].split('-')[0]}-complete"
            stack = words.index("--stack-name") + 1
            assert words[stack] == before[before.index("--stack-name") + 1]


def test_outputs_that_are_named_exist():
    text = (objects.ROOT / "cloudformation" / "ecs.yml").read_text()
    outputs = yaml.load(text, Template)["Outputs"]
    assert {"LoadBalancerDNSName", "LoadBalancerHost"} <= set(outputs)


def test_objects_that_kubectl_is_given_exist():
    plain = objects.by_key(objects.plain())
    kinds = {"deployment": "Deployment", "service": "Service"}
    named = re.findall(r"\b(deployment|service)/([a-z-]+)", DEPLOY)
    assert len(named) >= 4
    for kind, name in named:
        assert (kinds[kind], name) in plain
    for words in calls("kubectl", "-n"):
        assert words[2] == "demo"
        if words[3:5] == ["set", "image"]:
            deployment = plain["Deployment", words[5].removeprefix("deployment/")]
            container, image = words[6].split("=")
            assert objects.container(deployment)["name"] == container
            assert objects.container(deployment)["image"] == image
    built = [words[words.index("-t") + 1] for words in calls("docker", "build")]
    assert set(built) == {
        objects.container(each)["image"] for each in objects.deployments(plain.values()).values()
    }


@pytest.mark.parametrize("words", calls("helm", "install"))
def test_helm_examples_render(helm, words):
    options = words[words.index("--create-namespace") + 1 :]
    command = [helm, "template", *words[2:4], "--kube-version", "1.31.0", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=objects.ROOT)
    assert done.returncode == 0, done.stderr
    assert len(objects.parse(done.stdout)) > 5


def test_operators_get_what_their_resources_have():
    """Written out from their documentation; neither operator is at hand."""
    first, second = (objects.parse(block)[0] for block in blocks("yaml"))
    assert (first["apiVersion"], first["kind"]) == ("locust.cloud/v1", "LocustTest")
    assert set(first["spec"]) <= {
        "image",
        "workers",
        "args",
        "env",
        "locustfile",
        "master",
        "worker",
    }
    assert set(first["spec"]["locustfile"]) in ({"configMap"}, {"content"})
    assert isinstance(first["spec"]["workers"], int) and isinstance(first["spec"]["args"], str)
    assert (second["apiVersion"], second["kind"]) == ("locust.io/v2", "LocustTest")
    assert {"image", "master", "worker"} <= set(second["spec"])
    assert isinstance(second["spec"]["worker"]["replicas"], int)
    for section in ("master", "worker"):
        assert "/test_sample.py" in second["spec"][section]["command"]
    assert (objects.ROOT / "locustfiles" / "test_sample.py").exists()


def rows(first_column):
    """The body of the table whose first heading this is."""
    match = re.search(rf"^\| {first_column} \|.*\n\|[-|]+\n((?:\|.*\n)+)", DEPLOY, re.MULTILINE)
    assert match, first_column
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in match[1].splitlines()]


PRICES = {row[0]: float(row[1]) for row in rows("price")}
SIZE = re.compile(r"(?:(\d+) × )?([\d.]+) vCPU, ([\d.]+) GB")


@pytest.mark.parametrize("row", rows("set-up"), ids=lambda row: row[0])
def test_costs_are_added_up_right(row):
    regions = int(row[1])
    tasks = vcpus = memory = 0
    for cell, factor in ((row[2], regions), (row[3], 1), (row[4], 1)):
        count, vcpu, gigabytes = SIZE.fullmatch(cell).groups()
        number = int(count or 1) * factor
        tasks += number
        vcpus += number * float(vcpu)
        memory += number * float(gigabytes)
    assert vcpus == float(row[5])
    cost = vcpus * PRICES["vcpu"] + memory * PRICES["gb"]
    cost += regions * PRICES["alb"] + (tasks + 2 * regions) * PRICES["ip"]
    assert f"{cost:.2f}" == row[6]


def test_the_row_written_out_is_the_third():
    assert "4 × (1 × 0.04048 + 2 × 0.004445) = 0.19748" in DEPLOY
    assert round(4 * (PRICES["vcpu"] + 2 * PRICES["gb"]), 5) == 0.19748
    assert rows("set-up")[2][0] == "the original's load" and rows("set-up")[2][6] == "0.28"


def test_traffic_is_multiplied_right():
    found = re.findall(
        r"([\d,]+) × \((\d+) \+ (\d+)\) × 3,600 / 10\^9 += ([\d.]+) GB an hour × ([\d.]+) += ([\d.]+) USD",
        DEPLOY,
    )
    assert len(found) == 2
    for rate, out, back, gigabytes, price, cost in found:
        amount = float(rate.replace(",", "")) * (int(out) + int(back)) * 3600 / 1e9
        assert f"{amount:.1f}" == gigabytes
        assert f"{amount * float(price):.2f}" == cost
    assert [float(each[4]) for each in found] == [PRICES["lcu"], PRICES["transfer"]]
    # Two headers of 52 bytes are all that the second has more.
    assert [int(each[1]) for each in found] == [175, 175 + 52]
    assert [int(each[2]) for each in found] == [200, 200 + 52]


def test_then_and_now_is_divided_right():
    table = {
        row[0]: [cell.split(" ")[0].replace(",", "") for cell in row[1:]]
        for row in rows("measured")
    }
    then, now = (float(cell) for cell in table["requests/s"])
    cpus_then, cpus_now = (float(cell) for cell in table["vCPU, generators and application"])
    assert [int(cell) for cell in table["requests/s for each vCPU"]] == [
        int(then / cpus_then),
        int(now / cpus_now),
    ]
    per_core = int(now / cpus_now)
    assert f"{42000 / per_core:.2f}" == table["vCPU for 42,000 requests/s"][1]


def test_the_python_file_s_share_is_multiplied_right():
    cost = re.search(r"`test_sample.py`, .*\| ([\d.]+) / ", (objects.ROOT / "docs/comparison.md").read_text())
    assert f"1 / {cost[1]} µs = {1e6 / float(cost[1]) // 1000:.0f},000 requests/s" in DEPLOY
    found = re.findall(r"42,000 × ([\d.]+) µs = ([\d.]+)", DEPLOY)
    assert [each[0] for each in found] == [cost[1], "9"]
    for microseconds, cpus in found:
        assert f"{42000 * float(microseconds) / 1e6:.2f}" == cpus
    assert f"together {sum(float(each[1]) for each in found):.2f}" in DEPLOY


def test_our_figures_are_those_of_the_readme():
    readme = (objects.ROOT / "README.md").read_text()
    ours = dict((row[0], row[2]) for row in rows("measured"))["requests/s"]
    assert f"{ours} requests/s" in readme
