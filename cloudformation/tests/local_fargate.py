"""What Fargate does with the services of a cluster, on this machine: for each task that a service wants, a
real process with the command and environment of its task definition; SIGTERM when a task is not wanted
any more, SIGKILL when its stop timeout is over.

An image is a folder here: its `bin` comes first in PATH, and its file `entrypoint`, if any, is the
entry point; tasks start in its folder `home`. Not imitated: networks of their own for tasks (they share one loopback, so that a service
has an address), users, read-only file systems, memory limits.
"""

import os
import pathlib
import resource
import signal
import subprocess
import threading
import time


class Task:
    def __init__(self, definition, container, command, environment, image, folder, number):
        self.definition = definition
        self.stop_timeout = container.get("stopTimeout", 30)
        self.log = folder / f"task-{number}.log"
        self.stopping_since = None
        self.killed = False
        limits = {limit["name"]: limit for limit in container.get("ulimits", [])}

        def set_limits():
            highest = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
            if "nofile" in limits:
                wanted = [min(limits["nofile"][key], highest) for key in ("softLimit", "hardLimit")]
                resource.setrlimit(resource.RLIMIT_NOFILE, tuple(wanted))

        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=image / "home",
                start_new_session=True, preexec_fn=set_limits,
            )  # fmt: skip

    def poll(self):
        code = self.process.poll()
        if code is None and self.stopping_since is not None:
            if time.monotonic() - self.stopping_since > self.stop_timeout and not self.killed:
                self.killed = True
                os.killpg(self.process.pid, signal.SIGKILL)
        return code

    def stop(self):
        if self.stopping_since is None:
            self.stopping_since = time.monotonic()
            self.process.send_signal(signal.SIGTERM)

    def is_native(self):
        """Whether the process runs the native engine, by the files that it has mapped."""
        maps = pathlib.Path(f"/proc/{self.process.pid}/maps").read_text(encoding="utf-8")
        return "/locustpp/_native" in maps or "/locust-worker" in maps

    def text(self):
        return self.log.read_text(encoding="utf-8", errors="replace")


class LocalFargate:
    """Follows services until closed. `images` are folders by image name."""

    def __init__(self, cloud, folder, images):
        self.cloud = cloud
        self.folder = pathlib.Path(folder)
        self.images = images
        self.services = {}  # (region, cluster, service) → extra environment
        self.tasks = {}
        self.stopped = []
        self.failure = None
        self.count = 0
        self.lock = threading.Lock()
        self.closing = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def follow(self, region, cluster, service, **environment):
        """`environment` is what the network would be: such as the address to listen at."""
        with self.lock:
            key = (region, cluster, service)
            self.services[key] = environment
            return self.tasks.setdefault(key, [])

    def _run(self):
        clients = {}
        try:
            while not self.closing.is_set():
                with self.lock:
                    for key in self.services:
                        self._settle(key, clients)
                self.closing.wait(0.2)
        except Exception as error:  # noqa: BLE001: told by whoever waits
            self.failure = error

    def _settle(self, key, clients):
        region, cluster, name = key
        if region not in clients:
            clients[region] = self.cloud.client("ecs", region)
        found = clients[region].describe_services(cluster=cluster, services=[name])["services"]
        active = [one for one in found if one["status"] == "ACTIVE"]
        wanted = active[0]["desiredCount"] if active else 0
        definition = active[0]["taskDefinition"] if active else None
        tasks = self.tasks[key]
        for task in list(tasks):
            if task.poll() is not None:
                tasks.remove(task)
                self.stopped.append((key, task))
        for task in tasks:
            if task.definition != definition:
                task.stop()
        running = [task for task in tasks if task.stopping_since is None]
        for task in running[wanted:]:
            task.stop()
        # A service at 0/100 % starts a task only when the old ones have gone.
        room = wanted if len(tasks) == len(running) else wanted - len(tasks)
        for _ in range(room - len(running)):
            tasks.append(self._start(clients[region], definition, self.services[key]))

    def _start(self, client, definition, network):
        described = client.describe_task_definition(taskDefinition=definition)["taskDefinition"]
        (container,) = described["containerDefinitions"]
        image = self.images[container["image"]]
        for control in container.get("systemControls", []):
            path = pathlib.Path("/proc/sys") / control["namespace"].replace(".", "/")
            path.write_text(control["value"], encoding="ascii")
        entry_point = container.get("entryPoint") or image_entry_point(image)
        command = [*entry_point, *container.get("command", [])]
        environment = {entry["name"]: entry["value"] for entry in container.get("environment", [])}
        path = f"{image}/bin:/usr/bin:/bin"
        environment = {"PATH": path, "HOME": str(self.folder), **environment, **network}
        program = next(
            (f"{place}/{command[0]}" for place in path.split(":") if os.access(f"{place}/{command[0]}", os.X_OK)),
            command[0],
        )
        self.count += 1
        return Task(definition, container, [program, *command[1:]], environment, image, self.folder, self.count)

    def close(self):
        self.closing.set()
        self.thread.join()
        tasks = [task for tasks in self.tasks.values() for task in tasks]
        for task in tasks:
            if task.process.poll() is None:
                task.process.terminate()
        deadline = time.monotonic() + 15
        for task in tasks:
            try:
                task.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                os.killpg(task.process.pid, signal.SIGKILL)
                task.process.wait()


def image_entry_point(image):
    path = image / "entrypoint"
    return path.read_text(encoding="utf-8").split() if path.exists() else []
