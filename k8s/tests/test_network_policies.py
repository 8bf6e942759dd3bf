"""Who may connect to whom, of the plain manifests and of the optional node port."""

import pytest

import objects
from objects import MASTER, TARGET, WORKER
from policy import admits, lets_out

POLICIES = objects.policies(objects.plain())
WITH_NODE_PORT = POLICIES + objects.policies(objects.plain("optional"))
LABELS = {
    name: objects.pod(each)["metadata"]["labels"]
    for name, each in objects.deployments(objects.plain()).items()
}
PROXY = {"app": "login", "django-scaling-load-tests/web-client": "true"}
STRANGER = {"app": "other"}


@pytest.mark.parametrize("policies", [POLICIES, WITH_NODE_PORT], ids=["plain", "node-port"])
def test_port_5557_is_for_workers_alone(policies):
    assert admits(policies, LABELS[MASTER], 5557, LABELS[WORKER])
    for labels in (LABELS[TARGET], LABELS[MASTER], PROXY, STRANGER, {}):
        assert not admits(policies, LABELS[MASTER], 5557, labels)
    assert not admits(policies, LABELS[MASTER], 5557, LABELS[WORKER], namespace="other")
    for address in ("203.0.113.7", "10.1.2.3", "192.168.1.1"):
        assert not admits(policies, LABELS[MASTER], 5557, address=address)


def test_the_web_interface_is_for_labelled_pods_alone():
    assert admits(POLICIES, LABELS[MASTER], 8000, PROXY)
    for labels in (LABELS[WORKER], LABELS[TARGET], STRANGER):
        assert not admits(POLICIES, LABELS[MASTER], 8000, labels)
    assert not admits(POLICIES, LABELS[MASTER], 8000, PROXY, namespace="other")
    assert not admits(POLICIES, LABELS[MASTER], 8000, address="192.168.1.1")


def test_the_node_port_lets_private_addresses_in():
    for address in ("10.1.2.3", "172.20.0.1", "192.168.1.1"):
        assert admits(WITH_NODE_PORT, LABELS[MASTER], 8000, address=address)
    for address in ("203.0.113.7", "172.32.0.1"):
        assert not admits(WITH_NODE_PORT, LABELS[MASTER], 8000, address=address)


def test_nothing_comes_in_to_a_worker():
    for port in (80, 5557, 8000, 8089):
        assert not admits(POLICIES, LABELS[WORKER], port, LABELS[MASTER])


def test_the_target_is_for_everybody_on_its_one_port():
    assert admits(POLICIES, LABELS[TARGET], 8000)
    assert admits(POLICIES, LABELS[TARGET], 8000, LABELS[WORKER])
    assert not admits(POLICIES, LABELS[TARGET], 8001, LABELS[WORKER])


def test_only_workers_open_connections():
    assert lets_out(POLICIES, LABELS[WORKER])
    assert not lets_out(POLICIES, LABELS[MASTER])
    assert not lets_out(POLICIES, LABELS[TARGET])


def test_other_pods_of_the_namespace_are_left_alone():
    assert admits(POLICIES, STRANGER, 1234)
    assert lets_out(POLICIES, STRANGER)
