"""Runs what a Deployment describes as processes: a poor man's kubelet, without images.

A pod gets a network namespace with an address of its own, so the commands run unchanged with their
fixed ports; Services are names in its /etc/hosts. The program runs as user 10001 without
capabilities, on a file system that it can only read, as its security context says. Probes are
performed as the manifest describes them. Memory and CPU limits are not applied. Needs root.
"""

import json
import os
import pathlib
import signal
import subprocess
import time
import urllib.parse

import objects

HERE = pathlib.Path(__file__).resolve().parent


def run(*command, **options):
    return subprocess.run([str(each) for each in command], check=True, timeout=60, **options)


class Cluster:
    """Namespaces on one bridge. Closing it ends every pod."""

    def __init__(self, folder, images):
        self.folder = folder
        self.images = (
            images  # name of an image: folders of programs, working directory, entry point
        )
        self.prefix = f"k8s{os.getpid()}"
        self.hub = f"{self.prefix}-hub"
        self.pods = []
        self.namespaces = []
        self._add_namespace(self.hub)
        run("ip", "-n", self.hub, "link", "add", "bridge", "type", "bridge")
        run("ip", "-n", self.hub, "addr", "add", "10.77.0.1/24", "dev", "bridge")
        run("ip", "-n", self.hub, "link", "set", "bridge", "up")

    def _add_namespace(self, name):
        run("ip", "netns", "add", name)
        self.namespaces.append(name)
        run("ip", "-n", name, "link", "set", "lo", "up")

    def connect(self, number):
        """A new namespace with the address 10.77.0.NUMBER."""
        name, outer = f"{self.prefix}-{number}", f"veth{number}"
        self._add_namespace(name)
        run(
            "ip",
            "link",
            "add",
            outer,
            "netns",
            self.hub,
            "type",
            "veth",
            "peer",
            "name",
            "eth0",
            "netns",
            name,
        )
        run("ip", "-n", self.hub, "link", "set", outer, "master", "bridge", "up")
        run("ip", "-n", name, "addr", "add", f"10.77.0.{number}/24", "dev", "eth0")
        run("ip", "-n", name, "link", "set", "eth0", "up")
        return name

    def close(self):
        for pod in self.pods:
            pod.kill()
        for name in self.namespaces:
            subprocess.run(["ip", "netns", "del", name], check=False, timeout=60)

    def start(self, deployment, services, config_maps=()):
        """One pod of it. Services whose selector takes it are then known to pods started later."""
        number = len(self.pods) + 2
        pod = Pod(self, deployment, number, config_maps)
        for service in services.values():
            labels = objects.pod(deployment)["metadata"]["labels"]
            if objects.matches({"matchLabels": service["spec"]["selector"]}, labels):
                pod.services.append(service["metadata"]["name"])
        self.pods.append(pod)
        pod.start()
        return pod

    def hosts(self):
        lines = ["127.0.0.1 localhost"]
        lines += [f"{pod.address} {' '.join(pod.services)}" for pod in self.pods if pod.services]
        return "\n".join(lines) + "\n"

    def http(self, url, data=None, timeout=5):
        """Status and body, asked for from the hub; 0 and the reason where no answer came."""
        command = ["ip", "netns", "exec", self.hub, "curl", "-sS", "-m", str(timeout), "-o", "-"]
        command += ["-w", "\n%{http_code}"]
        if data is not None:
            command += ["-d", urllib.parse.urlencode(data)]
        done = subprocess.run([*command, url], capture_output=True, text=True, timeout=timeout + 30)
        if done.returncode != 0:
            return 0, done.stderr.strip()
        body, _, status = done.stdout.rpartition("\n")
        return int(status), body


class Pod:
    def __init__(self, cluster, deployment, number, config_maps):
        self.cluster = cluster
        self.deployment = deployment
        self.container = objects.container(deployment)
        self.spec = objects.pod(deployment)["spec"]
        self.name = f"{deployment['metadata']['name']}-{number}"
        self.address = f"10.77.0.{number}"
        self.number = number
        self.services = []
        self.config_maps = {item["metadata"]["name"]: item["data"] for item in config_maps}
        self.log = cluster.folder / f"{self.name}.log"
        self.pid = None

    def start(self):
        self.namespace = self.cluster.connect(self.number)
        for each in self.spec["securityContext"].get("sysctls", []):
            path = "/proc/sys/" + each["name"].replace(".", "/")
            run("ip", "netns", "exec", self.namespace, "sh", "-c", f"echo {each['value']} >{path}")
        self._check_security()
        image = self.cluster.images[self.container["image"].split(":")[0]]
        command = self.container.get("command", image["entrypoint"]) + self.container.get(
            "args", []
        )
        environment = {
            "PATH": ":".join([*map(str, image["path"]), "/usr/bin", "/bin"]),
            "HOME": "/home/locust",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUNBUFFERED": "1",
            **objects.environment(self.deployment),
        }
        hosts = self.cluster.folder / f"{self.name}.hosts"
        hosts.write_text(self.cluster.hosts())
        outer = ["ip", "netns", "exec", self.namespace, "unshare", "--mount", "--uts", "--ipc"]
        outer += ["--pid", "--fork", "--mount-proc", "--"]
        outer += ["sh", HERE / "run_container.sh", self.name, hosts, image["workdir"]]
        outer += [*self._file_system(image), "--"]
        outer += [
            "env",
            "-i",
            *(f"{name}={value}" for name, value in environment.items()),
            *command,
        ]
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                list(map(str, outer)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.pid = self._first_process()

    def _check_security(self):
        """What run_container.sh does is fixed; the manifest must ask for just that."""
        assert self.spec["securityContext"]["runAsUser"] == 10001
        own = self.container["securityContext"]
        assert own["readOnlyRootFilesystem"] and own["capabilities"] == {"drop": ["ALL"]}

    def _file_system(self, image):
        volumes = {each["name"]: each for each in self.spec.get("volumes", [])}
        options = []
        for folder in image["show"]:
            options += ["--bind", folder, folder]
        for mount in self.container.get("volumeMounts", []):
            volume = volumes[mount["name"]]
            if "emptyDir" in volume:
                options += ["--empty", mount["mountPath"]]
            else:
                folder = self.cluster.folder / f"{self.name}-{mount['name']}"
                folder.mkdir()
                for name, text in self.config_maps[volume["configMap"]["name"]].items():
                    (folder / name).write_text(text)
                options += ["--bind", folder, mount["mountPath"]]
        return options

    def _first_process(self):
        """The container's process 1, by its number outside. `unshare` forks it."""
        children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        for _ in range(500):
            # `ip netns exec` becomes `unshare`, which has one child.
            words = children.read_text().split() if self.process.poll() is None else []
            if words:
                return int(words[0])
            assert self.process.poll() is None, self.output()
            time.sleep(0.01)
        raise AssertionError(f"{self.name} did not start: {self.output()}")

    def output(self):
        return self.log.read_text(errors="replace")[-3000:]

    def probe(self, name):
        """One attempt, as the kubelet makes it: whether it passes, and what was said."""
        probe = self.container[name]
        timeout = probe.get("timeoutSeconds", 1)
        if "httpGet" in probe:
            port = objects.port_number(self.deployment, probe["httpGet"]["port"])
            status, body = self.cluster.http(
                f"http://{self.address}:{port}{probe['httpGet']['path']}", timeout=timeout
            )
            return 200 <= status < 400, f"{status} {body[:200]}"
        # As the kubelet's exec: in the container's namespaces, with its user and without capabilities.
        inside = [
            "nsenter",
            "-t",
            str(self.pid),
            "-m",
            "-p",
            "-n",
            "--root",
            "--wd",
            "setpriv",
            "--reuid",
            "10001",
        ]
        inside += [
            "--regid",
            "10001",
            "--clear-groups",
            "--no-new-privs",
            "--bounding-set=-all",
            "--inh-caps=-all",
        ]
        image = self.cluster.images[self.container["image"].split(":")[0]]
        path = ":".join([*map(str, image["path"]), "/usr/bin", "/bin"])
        inside += ["--", "env", "-i", f"PATH={path}", *probe["exec"]["command"]]
        try:
            done = subprocess.run(inside, capture_output=True, text=True, timeout=timeout)
        except subprocess.TimeoutExpired:
            return False, f"no answer within {timeout} s"
        return done.returncode == 0, done.stdout + done.stderr

    def wait_started(self):
        """By the startup probe, and by the readiness probe where there is none, within its limits."""
        name = "startupProbe" if "startupProbe" in self.container else "readinessProbe"
        probe = self.container[name]
        tries = probe["failureThreshold"] * probe["periodSeconds"]
        said = ""
        for _ in range(tries):
            assert self.process.poll() is None, f"{self.name} ended: {self.output()}"
            passed, said = self.probe(name)
            if passed:
                return
            time.sleep(1)
        raise AssertionError(f"{self.name}: {name} failed for {tries} s: {said}\n{self.output()}")

    def signal(self, number):
        os.kill(self.pid, number)

    def terminate(self):
        """SIGTERM, as the kubelet ends a pod: exit code and seconds. SIGKILL would be a failure."""
        began = time.monotonic()
        self.signal(signal.SIGTERM)
        try:
            code = self.process.wait(self.spec["terminationGracePeriodSeconds"])
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} would have been killed: {self.output()}") from None
        return code, time.monotonic() - began

    def kill(self):
        if self.pid is not None and self.process.poll() is None:
            # Its process 1, and with it all of its namespace: --kill-child does not reach it any more
            # once it has changed its user.
            os.kill(self.pid, signal.SIGKILL)
            self.process.wait(30)


def stats(cluster, master):
    """The master's own figures, as its web interface gets them."""
    status, body = cluster.http(f"http://{master.address}:8000/stats/requests")
    assert status == 200, body
    return json.loads(body)
