"""Reads the manifests and the rendered chart as lists of Kubernetes objects; takes them apart."""

import pathlib
import subprocess

import yaml

K8S = pathlib.Path(__file__).resolve().parent.parent
ROOT = K8S.parent
CHART = K8S / "chart"

TARGET = "django-scaling"
MASTER = "django-scaling-load-tests-master"
WORKER = "django-scaling-load-tests-slave"


class UniqueKeyLoader(yaml.SafeLoader):
    """YAML forbids a key twice in one mapping; PyYAML takes the last without a word."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = {key for key in keys if keys.count(key) > 1}
        if twice:
            raise ValueError(f"{node.start_mark}: twice in one mapping: {twice}")
        return super().construct_mapping(node, deep)


def parse(text):
    return [each for each in yaml.load_all(text, UniqueKeyLoader) if each is not None]


def plain(folder="manifests"):
    files = sorted((K8S / folder).glob("*.yaml"))
    assert files, f"no manifests in {folder}"
    return [each for file in files for each in parse(file.read_text())]


def render(helm, *options, kube_version="1.31.0", namespace="demo"):
    """The chart's objects, or a CalledProcessError with helm's complaint in stderr."""
    command = [helm, "template", "load-tests", str(CHART), "-n", namespace]
    command += ["--kube-version", kube_version, *options]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
    return parse(done.stdout)


def key(item):
    return item["kind"], item["metadata"]["name"]


def by_key(items):
    found = {key(item): item for item in items}
    assert len(found) == len(items), "two objects of one kind and name"
    return found


def deployments(items):
    return {item["metadata"]["name"]: item for item in items if item["kind"] == "Deployment"}


def services(items):
    return {item["metadata"]["name"]: item for item in items if item["kind"] == "Service"}


def policies(items):
    return [item for item in items if item["kind"] == "NetworkPolicy"]


def pod(deployment):
    return deployment["spec"]["template"]


def container(deployment):
    (only,) = pod(deployment)["spec"]["containers"]
    return only


def environment(deployment):
    return {each["name"]: each["value"] for each in container(deployment)["env"]}


def matches(selector, labels):
    """Whether a label selector, of matchLabels alone, takes these labels."""
    assert set(selector) <= {"matchLabels"}, selector
    return selector.get("matchLabels", {}).items() <= labels.items()


def port_number(deployment, port):
    """A container port by its name or number."""
    for each in container(deployment).get("ports", []):
        if port in (each["name"], each["containerPort"]):
            return each["containerPort"]
    raise AssertionError(f"{deployment['metadata']['name']} opens no port {port}")
