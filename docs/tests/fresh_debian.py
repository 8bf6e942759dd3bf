"""A Debian 12 as it comes from its archive, with git and nothing else, in which commands are typed."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from pathlib import Path

MIRROR = os.environ.get("DEBIAN_MIRROR", "http://deb.debian.org/debian")
SOURCES = f"deb {MIRROR} bookworm main\ndeb {MIRROR} bookworm-updates main\n"
TYPIST = Path(__file__).with_name("typist.py")
HOME = "/root"
ENVIRONMENT = {
    "PATH": f"{HOME}/env/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": HOME,
    "LANG": "C.UTF-8",
}


class FreshDebian:
    def __init__(self, folder: Path) -> None:
        self.root = folder
        subprocess.run(
            ["debootstrap", "--variant=minbase", "--include=git,ca-certificates,iproute2,python3-venv",
             "bookworm", folder, MIRROR],
            check=True, capture_output=True, timeout=3600,
        )  # fmt: skip
        (folder / "etc/apt/sources.list").write_text(SOURCES)
        shutil.copy("/etc/resolv.conf", folder / "etc/resolv.conf")
        # What this machine needs to reach the Python Package Index, where there is something between.
        for path in Path("/usr/local/share/ca-certificates").glob("*.crt"):
            shutil.copy(path, folder / "usr/local/share/ca-certificates")
        self.run("update-ca-certificates", limit=600)
        (folder / "etc/pip.conf").write_text("[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n")
        shutil.copy(TYPIST, folder / "typist.py")

    def run(self, command: str, *, limit: float, network: bool = True, text: str = "") -> str:
        """Runs it by a shell in the clone, if there is one; its own network has nothing but itself. All
        that it leaves running or mounted is gone when it ends."""
        root = shlex.quote(str(self.root))
        inside = f"cd {HOME}/locustpp 2>/dev/null || cd; {command}"
        script = (
            f"mount -t proc proc {root}/proc && mount --rbind /dev {root}/dev && "
            f"exec chroot {root} bash -c {shlex.quote(inside)}"
        )
        own = [] if network else ["--net"]
        done = subprocess.run(
            ["unshare", *own, "--mount", "--pid", "--fork", "--kill-child", "bash", "-c", script],
            env=ENVIRONMENT, input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=limit,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}:\n{done.stdout[-6000:]}"
        return done.stdout

    def type(self, commands: list[str], *, target: str, network: bool, limit: float) -> str:
        job = {"commands": commands, "target": target, "long": True, "network": not network}
        return self.run("python3 /typist.py", limit=limit, network=network, text=json.dumps(job))
