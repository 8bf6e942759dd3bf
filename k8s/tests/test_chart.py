"""The Helm chart: its defaults are the plain manifests; values do what they say or are refused."""

import json
import shutil
import subprocess

import kubernetes_validate
import pytest

import objects
from objects import MASTER, TARGET, WORKER
from policy import admits

DIGEST = "sha256:" + "0123456789abcdef" * 4


def without_helm_labels(item):
    labels = item["metadata"].get("labels", {})
    for label in list(labels):
        if label.startswith(("app.kubernetes.io/", "helm.sh/")):
            del labels[label]
    return item


def test_lint(helm):
    done = subprocess.run(
        [helm, "lint", "--strict", objects.CHART], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_defaults_are_the_plain_manifests(helm):
    rendered = objects.by_key([without_helm_labels(item) for item in objects.render(helm)])
    plain = objects.by_key(objects.plain())
    del plain["Namespace", "demo"]  # helm's --create-namespace makes it
    for policy in (item for item in plain.values() if item["kind"] == "NetworkPolicy"):
        policy["metadata"].pop("labels", None)
    for policy in (item for item in rendered.values() if item["kind"] == "NetworkPolicy"):
        policy["metadata"].pop("labels", None)
    assert rendered.keys() == plain.keys()
    for key, item in plain.items():
        assert rendered[key] == item, key


def test_the_node_port_of_the_chart_is_the_optional_manifest(helm):
    cidrs = "web.allowedCidrs={10.0.0.0/8,172.16.0.0/12,192.168.0.0/16}"
    rendered = objects.by_key(
        [
            without_helm_labels(item)
            for item in objects.render(helm, "--set", "web.nodePort=32001", "--set", cidrs)
        ]
    )
    for key, item in objects.by_key(objects.plain("optional")).items():
        assert rendered[key] == item, key


MANY_VALUES = {
    "name": "shop-tests",
    "image": {"repository": "registry.example/load", "digest": DIGEST, "pullPolicy": "Always"},
    "imagePullSecrets": [{"name": "registry"}],
    "locustfile": {
        "name": "shop.py",
        "content": 'print("a: b")\n# {{ not a template }}\n\tx = "\\n<é>"\n',
    },
    "apiUrl": "https://shop.example:8443",
    "stopTimeout": 30,
    "env": {"LOCUST_TAGS": "a b", "NUMBER": 5000000, "PART": 0.25, "YES": True},
    "master": {"webPort": 8089, "extraArgs": ["--class-picker"], "nodeSelector": {"pool": "quiet"}},
    "worker": {
        "replicas": 7,
        "image": {"repository": "registry.example/native", "digest": "", "tag": "v2"},
        "locustfile": "shop.cpp",
        "extraArgs": ["--threads", "2"],
        "terminationGracePeriodSeconds": 90,
        "tolerations": [{"key": "load", "operator": "Exists"}],
    },
    "web": {"nodePort": 30001, "allowedCidrs": ["192.168.7.0/24"]},
    "target": {"enabled": False},
}


@pytest.fixture
def many(helm, tmp_path):
    def render(version="1.31.0", **more):
        values = tmp_path / "values.json"
        values.write_text(json.dumps({**MANY_VALUES, **more}))
        return objects.render(helm, "-f", str(values), kube_version=version, namespace="shop")

    return render


@pytest.mark.parametrize("version", ["1.25", "1.31", "1.37"])
def test_every_value_set_is_still_valid_for_kubernetes(many, version):
    target = {
        "enabled": True,
        "name": "shop",
        "env": {"TARGET_DELAY": 0.1},
        "nodePort": 0,
        "replicas": 2,
    }
    for items in (many(version + ".0"), many(version + ".0", target=target)):
        for item in items:
            kubernetes_validate.validate(item, version, strict=True)


def test_values_arrive(many):
    items = many()
    deployments, services = objects.deployments(items), objects.services(items)
    assert set(deployments) == {"shop-tests-master", "shop-tests-slave"}
    assert set(services) == {"shop-tests-master-web", "shop-tests-master-api"}
    assert {item["metadata"]["namespace"] for item in items} == {"shop"}
    master, worker = (
        objects.container(deployments[f"shop-tests-{role}"]) for role in ("master", "slave")
    )
    assert master["image"] == f"registry.example/load@{DIGEST}"
    assert worker["image"] == "registry.example/native:v2"
    assert worker["imagePullPolicy"] == "Always"
    assert master["args"] == [
        "-f",
        "/mnt/locustfiles/shop.py",
        "--master",
        "--web-port",
        "8089",
        "--class-picker",
    ]
    assert worker["args"] == (
        [
            "-f",
            "/mnt/locustfiles/shop.cpp",
            "--worker",
            "--master-host",
            "shop-tests-master-api",
            "--threads",
            "2",
        ]
    )
    expected = {
        "API_URL": "https://shop.example:8443",
        "LOCUST_STOP_TIMEOUT": "30",
        "LOCUST_TAGS": "a b",
        "NUMBER": "5000000",
        "PART": "0.25",
        "YES": "true",
    }
    assert objects.environment(deployments["shop-tests-slave"]) == expected
    assert objects.environment(deployments["shop-tests-master"]) == expected
    spec = objects.pod(deployments["shop-tests-slave"])["spec"]
    assert deployments["shop-tests-slave"]["spec"]["replicas"] == 7
    assert spec["terminationGracePeriodSeconds"] == 90
    assert spec["tolerations"] == [{"key": "load", "operator": "Exists"}]
    assert spec["imagePullSecrets"] == [{"name": "registry"}]
    assert objects.pod(deployments["shop-tests-master"])["spec"]["nodeSelector"] == {
        "pool": "quiet"
    }


def test_a_locustfile_of_your_own_arrives_letter_by_letter(many):
    (config_map,) = (item for item in many() if item["kind"] == "ConfigMap")
    assert config_map["data"] == {"shop.py": MANY_VALUES["locustfile"]["content"]}
    for deployment in objects.deployments(many()).values():
        spec = objects.pod(deployment)["spec"]
        volume = {"name": "locustfiles", "configMap": {"name": config_map["metadata"]["name"]}}
        assert volume in spec["volumes"]
        mount = {"name": "locustfiles", "mountPath": "/mnt/locustfiles", "readOnly": True}
        assert mount in objects.container(deployment)["volumeMounts"]


def test_another_locustfile_replaces_the_pods(many):
    def checksums(**more):
        return {
            objects.pod(each)["metadata"]["annotations"]["checksum/locustfile"]
            for each in objects.deployments(many(**more)).values()
        }

    first = checksums()
    assert len(first) == 1
    assert checksums() == first
    assert checksums(locustfile={"name": "shop.py", "content": "other"}) != first


def test_a_config_map_of_your_own(helm):
    items = objects.render(helm, "--set", "locustfile.configMap=mine,locustfile.name=my.py")
    assert not [item for item in items if item["kind"] == "ConfigMap"]
    worker = objects.deployments(items)[WORKER]
    assert objects.container(worker)["args"][1] == "/mnt/locustfiles/my.py"
    assert {"name": "locustfiles", "configMap": {"name": "mine"}} in objects.pod(worker)["spec"][
        "volumes"
    ]


def test_policies_follow_the_values(many):
    policies = objects.policies(many())
    master, worker = {"app": "shop-tests-master"}, {"app": "shop-tests-slave"}
    assert admits(policies, master, 5557, worker)
    assert not admits(policies, master, 5557, {"app": WORKER})
    assert not admits(policies, master, 8000, address="192.168.7.9")
    assert admits(policies, master, 8089, address="192.168.7.9")
    assert not admits(policies, master, 8089, address="192.168.8.9")
    assert not admits(policies, master, 5557, address="192.168.7.9")


@pytest.fixture
def notes(helm, tmp_path):
    """What an installation prints. Helm shows it to a cluster alone, so it is rendered as an object."""
    chart = tmp_path / "chart"
    shutil.copytree(objects.CHART, chart)
    text = (chart / "templates" / "NOTES.txt").read_text()
    (chart / "templates" / "_notes.tpl").write_text('{{ define "notes" }}' + text + "{{ end }}")
    (chart / "templates" / "notes.yaml").write_text(
        'kind: Notes\ntext: {{ include "notes" . | toJson }}\n'
    )

    def render(*options):
        command = [helm, "template", "load-tests", chart, "-n", "demo", "--kube-version", "1.31.0"]
        command += ["--show-only", "templates/notes.yaml", *options]
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
        return objects.parse(done.stdout)[0]["text"]

    return render


def test_the_notes_say_how_to_open_the_web_interface(notes):
    assert f"kubectl -n demo port-forward service/{MASTER}-web 8000:8000" in notes()
    assert "3 worker(s)" in notes()
    assert "WARNING" not in notes()


def test_without_network_policies_there_are_none_and_a_warning(helm, notes):
    assert not objects.policies(objects.render(helm, "--set", "networkPolicy.enabled=false"))
    assert "WARNING: without network policies" in notes("--set", "networkPolicy.enabled=false")


def test_without_the_target_nothing_of_it_is_left(helm):
    items = objects.render(helm, "--set", "target.enabled=false,apiUrl=http://mine.example")
    assert TARGET not in objects.deployments(items)
    assert TARGET not in objects.services(items)
    assert [each for each in objects.policies(items) if each["metadata"]["name"] == TARGET] == []
    assert (
        objects.environment(objects.deployments(items)[MASTER])["API_URL"] == "http://mine.example"
    )


@pytest.mark.parametrize(
    "settings, image",
    [
        ("", f"registry.example/load@{DIGEST}"),
        ("worker.image.repository=reg/native,worker.image.tag=v1", "reg/native:v1"),
        ("worker.image.tag=v1", "registry.example/load:v1"),
        (f"worker.image.repository=reg/native,worker.image.digest={DIGEST}", f"reg/native@{DIGEST}"),
    ],
)
def test_the_master_s_digest_is_not_that_of_the_workers_own_image(helm, settings, image):
    master = f"image.repository=registry.example/load,image.digest={DIGEST}"
    items = objects.deployments(objects.render(helm, "--set", f"{master},{settings}".strip(",")))
    assert objects.container(items[MASTER])["image"] == f"registry.example/load@{DIGEST}"
    assert objects.container(items[WORKER])["image"] == image


REFUSED = {
    "worker.replica=2": "'replica' not allowed",
    "worker.replicas=-1": "minimum",
    "worker.replicas=many": "want integer",
    "apiUrl=shop.example": "does not match pattern",
    "image.digest=sha256:12": "does not match pattern",
    "name=Shop_Tests": "does not match pattern",
    "target.name=no": "/target/name",
    "web.nodePort=32001": "name who may come in by web.allowedCidrs",
    "web.nodePort=32001,networkPolicy.enabled=false": "name who may come in by web.allowedCidrs",
    "web.nodePort=32001,networkPolicy.enabled=false,web.allowedCidrs={10.0.0.0/8}": "open to everybody",
    "web.nodePort=32001,web.allowedCidrs={10.0.0.0/8,0.0.0.0/0}": "names everybody by 0.0.0.0/0",
    "web.nodePort=32001,web.allowedCidrs={::/0}": "names everybody by ::/0",
    "target.enabled=false": "set apiUrl: test_sample.py sends its requests there",
    "locustfile.content=x,locustfile.configMap=y": "not both",
    "stopTimeout=60": "at least stopTimeout + 10",
    "locustfile.name=../x.py": "does not match pattern",
}


@pytest.mark.parametrize("setting", REFUSED)
def test_wrong_values_are_refused_with_a_reason(helm, setting):
    with pytest.raises(subprocess.CalledProcessError) as refusal:
        objects.render(helm, "--set", setting)
    assert REFUSED[setting] in refusal.value.stderr
