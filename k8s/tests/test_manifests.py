"""The plain manifests: valid, named and commanded as the deployment they replace, safe."""

import kubernetes_validate
import pytest

import objects
from objects import MASTER, TARGET, WORKER

PLAIN = objects.plain()
OPTIONAL = objects.plain("optional")
DEPLOYMENTS = objects.deployments(PLAIN)
SERVICES = objects.services(PLAIN)

# The oldest and the newest whose schemas there are, and some between.
API_VERSIONS = ["1.25", "1.27", "1.29", "1.31", "1.33", "1.35", "1.37"]


def name_of(item):
    return "-".join(objects.key(item))


@pytest.mark.parametrize("version", API_VERSIONS)
@pytest.mark.parametrize("item", PLAIN + OPTIONAL, ids=name_of)
def test_valid_for_kubernetes(item, version):
    assert kubernetes_validate.validate(item, version, strict=True) == version


def test_the_validator_notices_a_misspelled_field():
    wrong = {**PLAIN[0], "metadata": {"nam": "demo"}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, API_VERSIONS[-1], strict=True)


def test_everything_lives_in_the_namespace_that_comes_first():
    assert objects.key(PLAIN[0]) == ("Namespace", "demo")
    assert {item["metadata"]["namespace"] for item in PLAIN[1:] + OPTIONAL} == {"demo"}


def test_names_of_the_original_deployment():
    assert set(DEPLOYMENTS) == {TARGET, MASTER, WORKER}
    assert {name: objects.container(each)["name"] for name, each in DEPLOYMENTS.items()} == {
        TARGET: "django-scaling",
        MASTER: "django-scaling-load-tests",
        WORKER: "django-scaling-load-tests",
    }
    assert set(SERVICES) == {TARGET, f"{MASTER}-web", f"{MASTER}-api"}
    assert {name: each["spec"]["replicas"] for name, each in DEPLOYMENTS.items()} == {
        TARGET: 1,
        MASTER: 1,
        WORKER: 3,
    }


# Written out here, not derived: this is the contract with the images.
COMMANDS = {
    MASTER: ["locust", "-f", "test_sample.py", "--master", "--web-port", "8000"],
    WORKER: ["locust", "-f", "test_sample.py", "--worker"]
    + ["--master-host", "django-scaling-load-tests-master-api"],
    TARGET: [],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_commands_of_the_original_deployment(name):
    container = objects.container(DEPLOYMENTS[name])
    assert container.get("command", []) + container.get("args", []) == COMMANDS[name]
    # ["locust"] alone: the rest are arguments, as before.
    assert container.get("command", ["locust"]) == ["locust"]


def test_workers_and_master_are_told_the_target():
    assert objects.environment(DEPLOYMENTS[MASTER])["API_URL"] == "http://django-scaling:8000"
    assert objects.environment(DEPLOYMENTS[WORKER])["API_URL"] == "http://django-scaling:8000"


def test_ports_of_the_original_deployment():
    ports = {name: each["spec"]["ports"][0] for name, each in SERVICES.items()}
    assert {name: port["port"] for name, port in ports.items()} == {
        TARGET: 8000,
        f"{MASTER}-web": 8000,
        f"{MASTER}-api": 5557,
    }
    assert ports[TARGET]["nodePort"] == 32003
    optional = objects.services(OPTIONAL)[f"{MASTER}-web"]
    assert optional["spec"]["ports"][0]["nodePort"] == 32001


@pytest.mark.parametrize(
    "service", list(SERVICES.values()) + list(objects.services(OPTIONAL).values()), ids=name_of
)
def test_services_lead_to_one_deployment_and_a_port_that_it_opens(service):
    chosen = [
        each
        for each in DEPLOYMENTS.values()
        if objects.matches(
            {"matchLabels": service["spec"]["selector"]}, objects.pod(each)["metadata"]["labels"]
        )
    ]
    assert len(chosen) == 1
    for port in service["spec"]["ports"]:
        assert objects.port_number(chosen[0], port["targetPort"]) == port["port"]


def test_the_web_interface_is_not_opened_to_the_world():
    assert SERVICES[f"{MASTER}-web"]["spec"]["type"] == "ClusterIP"
    assert SERVICES[f"{MASTER}-api"]["spec"]["type"] == "ClusterIP"
    optional = objects.services(OPTIONAL)[f"{MASTER}-web"]["spec"]
    # Without Local the policy would see the node's address in the caller's place.
    assert optional["externalTrafficPolicy"] == "Local"


def test_a_second_master_never_runs_and_a_busy_one_keeps_its_workers():
    assert DEPLOYMENTS[MASTER]["spec"]["strategy"] == {"type": "Recreate"}
    assert DEPLOYMENTS[MASTER]["spec"]["replicas"] == 1
    assert SERVICES[f"{MASTER}-api"]["spec"]["publishNotReadyAddresses"] is True


@pytest.mark.parametrize("deployment", DEPLOYMENTS.values(), ids=name_of)
def test_selector_takes_the_pods_of_its_own_deployment_alone(deployment):
    labels = {name: objects.pod(each)["metadata"]["labels"] for name, each in DEPLOYMENTS.items()}
    taken = [
        name for name in labels if objects.matches(deployment["spec"]["selector"], labels[name])
    ]
    assert taken == [deployment["metadata"]["name"]]


@pytest.mark.parametrize("deployment", DEPLOYMENTS.values(), ids=name_of)
def test_pods_satisfy_the_restricted_pod_security_standard(deployment):
    spec = objects.pod(deployment)["spec"]
    pod, container = spec["securityContext"], objects.container(deployment)["securityContext"]
    assert pod["runAsNonRoot"] is True
    assert (pod["runAsUser"], pod["runAsGroup"]) == (10001, 10001)
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["allowPrivilegeEscalation"] is False
    assert container["privileged"] is False
    assert container["capabilities"] == {"drop": ["ALL"]}
    assert container["readOnlyRootFilesystem"] is True
    for key in ("hostNetwork", "hostPID", "hostIPC", "serviceAccountName"):
        assert key not in spec
    for volume in spec.get("volumes", []):
        assert set(volume) <= {"name", "emptyDir", "configMap"}
    # The only one here of those that the standard calls safe.
    assert {each["name"] for each in pod.get("sysctls", [])} <= {"net.ipv4.ip_local_port_range"}


@pytest.mark.parametrize("deployment", DEPLOYMENTS.values(), ids=name_of)
def test_pods_get_nothing_from_kubernetes_that_they_do_not_need(deployment):
    spec = objects.pod(deployment)["spec"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False


@pytest.mark.parametrize("deployment", DEPLOYMENTS.values(), ids=name_of)
def test_requests_and_limits(deployment):
    resources = objects.container(deployment)["resources"]
    for kind in ("requests", "limits"):
        assert set(resources[kind]) == {"cpu", "memory"}


@pytest.mark.parametrize("deployment", DEPLOYMENTS.values(), ids=name_of)
def test_probes_ask_what_is_there(deployment):
    container = objects.container(deployment)
    assert {"readinessProbe", "livenessProbe"} <= set(container)
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        probe = container.get(name, {})
        if "httpGet" in probe:
            objects.port_number(deployment, probe["httpGet"]["port"])
        elif probe:
            assert probe["exec"]["command"][0] == "locustpp-health"


def test_a_restart_by_the_liveness_probe_is_slow():
    """It ends a run: two minutes of silence at the master, one at the rest."""
    for name, least in {MASTER: 120, WORKER: 60, TARGET: 60}.items():
        probe = objects.container(DEPLOYMENTS[name])["livenessProbe"]
        assert probe["periodSeconds"] * probe["failureThreshold"] >= least


def test_there_is_time_for_what_happens_at_sigterm():
    spec = objects.pod(DEPLOYMENTS[WORKER])["spec"]
    stop_timeout = int(objects.environment(DEPLOYMENTS[WORKER])["LOCUST_STOP_TIMEOUT"])
    assert spec["terminationGracePeriodSeconds"] >= stop_timeout + 10
    # The master's is the one that counts in a run: it goes to the workers with each spawn message.
    assert objects.environment(DEPLOYMENTS[MASTER])["LOCUST_STOP_TIMEOUT"] == str(stop_timeout)
    target = DEPLOYMENTS[TARGET]
    drain = int(objects.environment(target)["TARGET_DRAIN"])
    readiness = objects.container(target)["readinessProbe"]
    assert drain >= readiness["periodSeconds"] * readiness["failureThreshold"]
    assert objects.pod(target)["spec"]["terminationGracePeriodSeconds"] > drain + 3


def test_kustomization_names_every_manifest_and_image():
    (kustomization,) = objects.parse((objects.K8S / "kustomization.yaml").read_text())
    files = sorted((objects.K8S / "manifests").glob("*.yaml"))
    assert kustomization["resources"] == [f"manifests/{file.name}" for file in files]
    images = {objects.container(each)["image"].split(":")[0] for each in DEPLOYMENTS.values()}
    assert {each["name"] for each in kustomization["images"]} == images
