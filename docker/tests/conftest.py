"""The images, each built once; and a master with its target in a network of their own."""

from __future__ import annotations

import os
import time

import pytest
from base_images import ROOT, build, forget_old_layers, make_debian, make_official
from containers import Pod, needed_programs

LOCUST_VERSION = os.environ.get("LOCUST_VERSION", "2.47.0")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: builds images and runs them (minutes, as root)")


@pytest.fixture(scope="session")
def debian() -> str:
    assert os.geteuid() == 0, "building images needs root here: run as root, or leave out with -m 'not slow'"
    missing = needed_programs()
    assert not missing, f"install these first: apt-get install buildah crun curl debootstrap iproute2 ({missing})"
    forget_old_layers()
    return make_debian()


def _image(name: str, debian: str, *arguments: str) -> str:
    tag = f"{name}:test"
    build(ROOT / "docker" / f"{name.removeprefix('locustpp-')}.Dockerfile", tag, debian, *arguments)
    return tag


@pytest.fixture(scope="session")
def worker_image(debian: str) -> str:
    return _image("locustpp-worker", debian, "--build-arg", f"LOCUST_VERSION={LOCUST_VERSION}")


@pytest.fixture(scope="session")
def native_image(debian: str) -> str:
    return _image("locustpp-worker-native", debian)


@pytest.fixture(scope="session")
def target_image(debian: str) -> str:
    return _image("locustpp-target", debian, "--build-arg", "REVISION=0123abc")


@pytest.fixture(scope="session")
def extended_image(debian: str) -> str:
    """The official image with locustpp in it."""
    return _image("locustpp-on-locustio", make_official(debian, LOCUST_VERSION))


@pytest.fixture
def pod(tmp_path):
    with Pod(tmp_path, names=("target", "master", "django-scaling-load-tests-master-api")) as pod:
        yield pod


def eventually(what, seconds: float = 60):
    """The first true value of it."""
    end = time.monotonic() + seconds
    while True:
        value = what()
        if value or time.monotonic() > end:
            assert value, f"not within {seconds} s"
            return value
        time.sleep(0.2)
