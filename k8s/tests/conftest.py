"""Where the tests find helm and the programs of the images."""

import os
import pathlib
import shutil

import pytest

import objects


def pytest_addoption(parser):
    build = objects.ROOT / "build"
    parser.addoption(
        "--locust-env",
        type=pathlib.Path,
        default=build / "venvs" / "deploy",
        help="virtual environment with locust and the locustpp package, for the slow tests",
    )
    parser.addoption(
        "--programs",
        type=pathlib.Path,
        default=build / "release" / "bin",
        help="folder of hello-target and locust-worker, for the slow tests",
    )


@pytest.fixture(scope="session")
def helm():
    """$HELM, the one that make_helm.sh has built, or one on PATH."""
    for candidate in (os.environ.get("HELM"), objects.ROOT / "build/tools/helm", "helm"):
        found = shutil.which(candidate) if candidate else None
        if found:
            return found
    pytest.fail("no helm found: run k8s/tests/make_helm.sh, or set HELM", pytrace=False)
