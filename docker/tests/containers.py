"""Starts containers of the built images by an OCI runtime, as Docker, ECS and Kubernetes do.

Each has the settings of a locked-down container: a process namespace of its own (the program is
process 1), a read-only root, no capabilities, no new privileges, the image's user. The containers
of a `Pod` share one network of their own, in which they talk over loopback and have names.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import time
import uuid
from pathlib import Path

from base_images import STORE, Container, image_of, run

READY_SECONDS = 60


class Pod:
    """A network namespace with its loopback, and /etc/hosts for it."""

    def __init__(self, folder: Path, names: tuple[str, ...] = ()) -> None:
        self.folder = folder
        self.name = f"locustpp-{uuid.uuid4().hex[:8]}"
        self.names = names
        self._running: list[Running] = []

    def __enter__(self) -> Pod:
        run("ip", "netns", "add", self.name)
        run("ip", "-n", self.name, "link", "set", "lo", "up")
        self.hosts = self.folder / "hosts"
        self.hosts.write_text(f"127.0.0.1 localhost {' '.join(self.names)}\n::1 localhost\n")
        return self

    def __exit__(self, *_: object) -> None:
        for running in reversed(self._running):
            running.remove()
        run("ip", "netns", "delete", self.name)

    def start(self, image: str, command: list[str], **settings) -> Running:
        running = Running(self, image, command, **settings)
        self._running.append(running)
        return running

    def get(self, url: str, data: str | None = None, timeout: float = 10) -> str:
        """From within the network."""
        words = ["curl", "-sS", "--fail", "--max-time", str(timeout), url]
        return run("ip", "netns", "exec", self.name, *words, *(["-d", data] if data is not None else []))


class Running:
    """One container. `command` and `entrypoint` are as in a task definition: None is the image's."""

    def __init__(
        self,
        pod: Pod,
        image: str,
        command: list[str] | None = None,
        *,
        entrypoint: list[str] | None = None,
        environment: dict[str, str] | None = None,
        tmpfs: tuple[str, ...] = (),
        without: tuple[str, ...] = (),
        files: dict[str, str] | None = None,
    ) -> None:
        self.name = f"locustpp-{uuid.uuid4().hex[:8]}"
        self.config = image_of(image)["Docker"]["config"]
        # As Docker has it: a new entry point leaves the image's command out.
        default = [] if entrypoint is not None else self.config.get("Cmd") or []
        first = entrypoint if entrypoint is not None else self.config.get("Entrypoint") or []
        self.arguments = [*first, *(command if command is not None else default)]
        self.environment = dict(entry.split("=", 1) for entry in self.config["Env"])
        self.environment.update(environment or {})
        self._container = Container(image)
        self.rootfs = self._container.__enter__()
        for path in without:
            (self.rootfs / path).unlink(missing_ok=True)
        for path, content in (files or {}).items():
            (self.rootfs / path).write_text(content)
        for mount_point in ("proc", "dev", "etc", *(path.strip("/") for path in tmpfs)):
            (self.rootfs / mount_point).mkdir(exist_ok=True)
        for file in ("hosts", "resolv.conf"):
            (self.rootfs / "etc" / file).touch()
        self.folder = pod.folder / self.name
        self.folder.mkdir()
        (self.folder / "config.json").write_text(json.dumps(self._bundle(pod, tmpfs)))
        self.log = self.folder / "log"
        self._crun = [*_outside_cgroups(), "crun", "--root", str(STORE / "crun"), "--cgroup-manager=disabled"]
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [*self._crun, "run", "--bundle", self.folder, self.name],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            )  # fmt: skip

    def _bundle(self, pod: Pod, tmpfs: tuple[str, ...]) -> dict:
        user, group = self._user()
        none: list[str] = []
        files = min(65535, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        sets = ("bounding", "effective", "permitted", "inheritable", "ambient")
        mounts = [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]},
            {"destination": "/dev/shm", "type": "tmpfs", "source": "shm", "options": ["mode=1777"]},
            {"destination": "/etc/hosts", "type": "bind", "source": str(pod.hosts), "options": ["bind", "ro"]},
        ]
        mounts += [
            {"destination": path, "type": "tmpfs", "source": "tmpfs", "options": ["mode=1777"]} for path in tmpfs
        ]
        return {
            "ociVersion": "1.0.2",
            "root": {"path": str(self.rootfs), "readonly": True},
            "hostname": self.name,
            "process": {
                "user": {"uid": user, "gid": group},
                "args": self.arguments,
                "env": [f"{key}={value}" for key, value in self.environment.items()],
                "cwd": self.config.get("WorkingDir") or "/",
                "capabilities": {each: none for each in sets},
                "noNewPrivileges": True,
                "rlimits": [{"type": "RLIMIT_NOFILE", "soft": files, "hard": files}],
            },
            "mounts": mounts,
            "linux": {
                "namespaces": [
                    {"type": "pid"},
                    {"type": "mount"},
                    {"type": "ipc"},
                    {"type": "uts"},
                    {"type": "network", "path": f"/run/netns/{pod.name}"},
                ],
            },
        }

    def _user(self) -> tuple[int, int]:
        user, _, group = self.config["User"].partition(":")
        if user.isdigit():
            return int(user), int(group or user)
        lines = (line.split(":") for line in (self.rootfs / "etc/passwd").read_text().splitlines())
        return next((int(fields[2]), int(fields[3])) for fields in lines if fields[0] == user)

    def text(self) -> str:
        return self.log.read_text(errors="replace")

    def state(self) -> dict:
        """What the runtime says: "status", and "pid" as the machine numbers it. Empty before it is created."""
        result = subprocess.run([*self._crun, "state", self.name], capture_output=True, text=True)
        return json.loads(result.stdout) if result.returncode == 0 else {}

    def execute(self, *command: str) -> subprocess.CompletedProcess:
        """As `docker exec` and a health check do."""
        user = ":".join(map(str, self._user()))
        return subprocess.run(
            [*self._crun, "exec", "--user", user, "--no-new-privs", self.name, *command],
            capture_output=True, text=True, timeout=60,
        )

    def health(self, *options: str) -> tuple[int, str]:
        """By the image's own check."""
        kind, *check = self.config["Healthcheck"]["Test"]
        assert kind == "CMD", "a check by a shell"
        result = self.execute(*check, *options)
        return result.returncode, result.stdout.strip() + result.stderr.strip()

    def wait_healthy(self) -> None:
        end = time.monotonic() + READY_SECONDS
        while True:
            code, said = self.health()
            if code == 0:
                return
            if self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"{self.arguments}: {said}\n{self.text()[-3000:]}")
            time.sleep(0.2)

    def signal(self, number: signal.Signals) -> None:
        run(*self._crun, "kill", self.name, str(int(number)))

    def stop(self, seconds: float = 30) -> int:
        """SIGTERM, and its exit code; whatever is not gone in that time fails the test."""
        self.signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def remove(self) -> None:
        if self.process.poll() is None:
            subprocess.run([*self._crun, "delete", "--force", self.name], check=False)
            self.process.wait(10)
        self._container.__exit__()


def _outside_cgroups() -> list[str]:
    """crun refuses a machine with both versions of cgroups, even where it shall use neither."""
    both = Path("/sys/fs/cgroup/unified")
    if not both.is_mount():
        return []
    return ["unshare", "--mount", "--propagation", "slave", "sh", "-c", f'umount {both} && exec "$@"', "sh"]


def needed_programs() -> list[str]:
    paths = os.environ.get("PATH", "").split(os.pathsep)
    names = ("buildah", "crun", "curl", "debootstrap", "ip")
    return [name for name in names if not any(os.access(f"{path}/{name}", os.X_OK) for path in paths)]
