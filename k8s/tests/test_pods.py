"""The manifests' commands as processes: target, master and workers run tests with each other."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

import pytest

import objects
import pods
from objects import MASTER, TARGET, WORKER

pytestmark = pytest.mark.slow


def need(path, what):
    if not path.exists():
        pytest.fail(f"{path} is missing: {what}", pytrace=False)
    return path


def outside(folders, *seen):
    """Those that are not seen anyway; an interpreter that is not Debian's may lie where user 10001 does
    not come."""
    return [each for each in folders if not any(map(pathlib.Path(each).is_relative_to, seen))]


@pytest.fixture(scope="module")
def images(request, tmp_path_factory):
    """What the images hold, from docker/ and the build: folders of programs, and where they start."""
    if os.geteuid() != 0:
        pytest.fail("these tests make network namespaces: run them as root", pytrace=False)
    environment = need(request.config.getoption("--locust-env").absolute(), "see --locust-env")
    need(environment / "bin" / "locustpp", "install the locustpp package there")
    # Where its Python and its packages lie, which may be those of another environment.
    code = "import sys; print(sys.base_prefix, *(p for p in sys.path if 'site-packages' in p), sep='\\n')"
    folders = subprocess.run(
        [environment / "bin" / "python", "-c", code],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout.split()
    programs = need(request.config.getoption("--programs").absolute(), "build the release preset")
    folder = tmp_path_factory.mktemp("images")
    for name in ("worker", "native", "target"):
        (folder / name).mkdir()
    health = folder / "locustpp-health"
    source = objects.ROOT / "docker" / "health" / "health.cpp"
    subprocess.run(["g++", "-std=c++20", "-O1", source, "-o", health], check=True, timeout=300)
    for name in ("worker", "native", "target"):
        shutil.copy(health, folder / name)
    shutil.copy(objects.ROOT / "docker" / "locust", folder / "worker" / "locust")
    (folder / "worker" / "locust").chmod(0o755)
    shutil.copy(need(programs / "hello-target", "build the release preset"), folder / "target")
    shutil.copy(
        need(programs / "locust-worker", "build the release preset"), folder / "native" / "locust"
    )
    for path in (folder, folder / "worker", folder / "native", folder / "target"):
        path.chmod(0o755)
    locustfiles = objects.ROOT / "locustfiles"
    return {
        "locustpp-worker": {
            "path": [folder / "worker", environment / "bin"],
            "show": [
                folder / "worker",
                environment,
                locustfiles,
                *outside(folders, "/usr", environment),
            ],
            "workdir": locustfiles,
            "entrypoint": ["locust"],
        },
        "locustpp-worker-native": {
            "path": [folder / "native"],
            "show": [folder / "native", locustfiles],
            "workdir": locustfiles,
            "entrypoint": ["locust-worker"],
        },
        "locustpp-target": {
            "path": [folder / "target"],
            "show": [folder / "target"],
            "workdir": "/",
            "entrypoint": ["hello-target"],
        },
    }


@pytest.fixture
def cluster(images, tmp_path):
    tmp_path.chmod(0o755)
    made = pods.Cluster(tmp_path, images)
    try:
        yield made
    finally:
        made.close()


def wait_for(what, condition, seconds=30):
    deadline = time.monotonic() + seconds
    last = None
    while time.monotonic() < deadline:
        last = condition()
        if last:
            return last
        time.sleep(0.5)
    raise AssertionError(f"not within {seconds} s: {what}")


def start_all(cluster, items, workers=2):
    """In the order in which `kubectl apply` names them, but each waits for the one before."""
    deployments, services = objects.deployments(items), objects.services(items)
    config_maps = [item for item in items if item["kind"] == "ConfigMap"]
    started = {}
    for name, count in ((TARGET, 1), (MASTER, 1), (WORKER, workers)):
        started[name] = [
            cluster.start(deployments[name], services, config_maps) for _ in range(count)
        ]
        for pod in started[name]:
            pod.wait_started()
    return started[TARGET][0], started[MASTER][0], started[WORKER]


def served(cluster, target):
    status, body = cluster.http(f"http://{target.address}:8000/stats/")
    assert status == 200
    return json.loads(body)["requests"].get("GET /hello/", 0)


def total(stats):
    return next(entry for entry in stats["stats"] if entry["name"] == "Aggregated")


def stop(cluster, target, master):
    """Ends the run; the master's final figures, which must be those of the target."""
    status, _ = cluster.http(f"http://{master.address}:8000/stop", {})
    if status == 405:  # until 2.46 it was a GET
        status, _ = cluster.http(f"http://{master.address}:8000/stop")
    assert status == 200
    wait_for("the end", lambda: pods.stats(cluster, master)["state"] == "stopped")
    count = served(cluster, target)

    def all_counted():
        figures = pods.stats(cluster, master)
        return figures if total(figures)["num_requests"] >= count else None

    # The last report comes up to 3 s after the stop, later on a busy machine.
    figures = wait_for(f"{count} requests are counted", all_counted, 20)
    assert total(figures)["num_requests"] == served(cluster, target) > 0
    assert total(figures)["num_failures"] == 0
    return figures


def run_test(cluster, target, master, workers, users=20):
    """A short run by the web interface. Returns the master's final figures."""
    wait_for(
        "all workers are there",
        lambda: len(pods.stats(cluster, master).get("workers", [])) == workers,
    )
    order = {"user_count": users, "spawn_rate": users, "host": "http://django-scaling:8000"}
    status, body = cluster.http(f"http://{master.address}:8000/swarm", order)
    assert status == 200, body
    wait_for("all users", lambda: pods.stats(cluster, master)["user_count"] == users)
    wait_for(
        "requests in the web interface",
        lambda: total(pods.stats(cluster, master))["num_requests"] > 100,
    )
    return stop(cluster, target, master)


def check_probes(every_pod):
    for pod in every_pod:
        for name in ("startupProbe", "readinessProbe", "livenessProbe"):
            if name in pod.container:
                passed, said = pod.probe(name)
                assert passed, f"{pod.name}: {name}: {said}\n{pod.output()}"


def test_plain_manifests(cluster):
    target, master, workers = start_all(cluster, objects.plain())
    check_probes([target, master, *workers])

    figures = run_test(cluster, target, master, workers=2)
    assert figures["errors"] == []
    names = {entry["name"] for entry in figures["stats"]} - {"Aggregated"}
    assert names == {"http://django-scaling:8000/hello/"}
    assert (
        "locustpp" in pathlib.Path(f"/proc/{workers[0].pid}/maps").read_text()
    )  # the native engine

    # A suspended worker fails its liveness probe; it is well again afterwards.
    workers[0].signal(signal.SIGSTOP)
    wait_for("it is found suspended", lambda: not workers[0].probe("livenessProbe")[0])
    workers[0].signal(signal.SIGCONT)
    wait_for("it is found alive", lambda: workers[0].probe("livenessProbe")[0])

    # Without its master a worker is not ready, but nobody restarts it.
    code, _ = master.terminate()
    assert code == 0, master.output()
    wait_for("it is not ready", lambda: not workers[0].probe("readinessProbe")[0])
    assert workers[0].probe("livenessProbe")[0]

    for worker in workers:
        code, seconds = worker.terminate()
        assert code == 0, worker.output()
        assert seconds < 15

    # The target says that it is going, and serves on until nobody sends any more.
    assert target.probe("readinessProbe")[0]
    target.signal(signal.SIGTERM)
    wait_for("the readiness probe fails", lambda: not target.probe("readinessProbe")[0], 5)
    assert cluster.http(f"http://{target.address}:8000/hello/")[0] == 200
    code = target.process.wait(target.spec["terminationGracePeriodSeconds"])
    assert code == 0, target.output()


def test_scaling_in_loses_nothing(cluster):
    """A worker that is taken away in mid-run has reported all that it has done."""
    target, master, workers = start_all(cluster, objects.plain())
    wait_for("both workers", lambda: len(pods.stats(cluster, master).get("workers", [])) == 2)
    order = {"user_count": 10, "spawn_rate": 10, "host": "http://django-scaling:8000"}
    assert cluster.http(f"http://{master.address}:8000/swarm", order)[0] == 200
    wait_for("requests", lambda: served(cluster, target) > 1000)
    code, _ = workers[0].terminate()
    assert code == 0, workers[0].output()
    wait_for(
        "one worker is left with all users", lambda: pods.stats(cluster, master)["user_count"] == 10
    )
    assert stop(cluster, target, master)["errors"] == []


def test_chart_with_a_locustfile_of_your_own(cluster, helm):
    locustfile = objects.ROOT / "locustfiles" / "hello.py"
    items = objects.render(
        helm, "--set-file", f"locustfile.content={locustfile}", "--set", "locustfile.name=hello.py"
    )
    target, master, workers = start_all(cluster, items, workers=1)
    check_probes([target, master, *workers])
    figures = run_test(cluster, target, master, workers=1)
    assert {entry["name"] for entry in figures["stats"]} == {"/hello/", "Aggregated"}


def test_chart_with_native_user_classes(cluster, helm):
    """The master loads the Python file, the workers their C++ twin from an image without Python."""
    values = "worker.image.repository=locustpp-worker-native,worker.locustfile=test_sample.cpp"
    target, master, workers = start_all(cluster, objects.render(helm, "--set", values), workers=1)
    check_probes([target, master, *workers])
    run_test(cluster, target, master, workers=1)
