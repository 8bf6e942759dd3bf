"""Images to build on, made here from Debian's archive: neither a registry nor an engine is needed.

buildah keeps all of it, and what is built, below build/docker.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STORE = Path(os.environ.get("LOCUSTPP_IMAGE_STORE", ROOT / "build" / "docker"))
MIRROR = os.environ.get("DEBIAN_MIRROR", "http://deb.debian.org/debian")
SUITE = "bookworm"
SOURCES = f"""\
deb {MIRROR} {SUITE} main
deb {MIRROR} {SUITE}-updates main
deb http://deb.debian.org/debian-security {SUITE}-security main
"""
# What the slim images of Debian leave out of each package.
SLIM = """\
path-exclude /usr/share/doc/*
path-include /usr/share/doc/*/copyright
path-exclude /usr/share/man/*
path-exclude /usr/share/locale/*
"""
MOST_LAYERS = 400
NO_SERVICES = "#!/bin/sh\nexit 101\n"


def run(*command: str | Path, log: Path | None = None, **options) -> str:
    """Its standard output; a failure shows the end of what it said."""
    result = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, errors="replace", **options
    )
    if log:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(result.stdout + result.stderr)
    if result.returncode:
        said = (result.stdout + result.stderr)[-4000:]
        raise RuntimeError(f"{command[0]} ended with {result.returncode}: {' '.join(map(str, command))}\n{said}")
    return result.stdout


def buildah(*arguments: str | Path, **options) -> str:
    STORE.mkdir(parents=True, exist_ok=True)
    policy = STORE / "policy.json"
    policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
    environment = {**os.environ, "BUILDAH_ISOLATION": "chroot", "TMPDIR": str(STORE)}
    where = ("--root", STORE / "storage", "--runroot", STORE / "run")
    name, *rest = arguments
    if name in ("build", "from", "commit"):
        rest = ["--signature-policy", policy, *rest]
    return run("buildah", *where, name, *rest, env=environment, **options)


def has_image(name: str) -> bool:
    images = json.loads(buildah("images", "--json") or "null") or []
    return any(f"localhost/{name}" in (image.get("names") or []) for image in images)


def image_of(name: str) -> dict:
    return json.loads(buildah("inspect", "--type", "image", f"localhost/{name}"))


class Container:
    """A working container of an image, mounted: `with Container("x:1") as rootfs`."""

    def __init__(self, image: str) -> None:
        self._image = image

    def __enter__(self) -> Path:
        self._name = buildah("from", "--pull-never", f"localhost/{self._image}").strip()
        return Path(buildah("mount", self._name).strip())

    def __exit__(self, *_: object) -> None:
        buildah("umount", self._name)
        buildah("rm", self._name)


def forget_old_layers() -> None:
    """Each change of the sources leaves the layers that were built before it."""
    layers = json.loads(buildah("images", "--all", "--json") or "null") or []
    if len(layers) > MOST_LAYERS:
        # What a run that was cut off has left: an image in use cannot be deleted.
        buildah("rm", "--all")
        buildah("rmi", "--prune")


def make_debian() -> str:
    """In the place of debian:bookworm-slim."""
    name = f"debian-{SUITE}-slim:local"
    if has_image(name):
        return name
    folder = STORE / "debootstrap"
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    run("debootstrap", "--variant=minbase", "--include=ca-certificates", SUITE, folder, MIRROR)
    _finish(folder)
    container = buildah("from", "scratch").strip()
    buildah("copy", "--quiet", container, folder, "/")
    buildah("config", "--cmd", "bash", container)
    buildah("commit", "--quiet", "--rm", container, f"localhost/{name}")
    shutil.rmtree(folder)
    return name


def _finish(folder: Path) -> None:
    (folder / "etc/apt/sources.list").write_text(SOURCES)
    (folder / "etc/dpkg/dpkg.cfg.d/docker").write_text(SLIM)
    policy = folder / "usr/sbin/policy-rc.d"
    policy.write_text(NO_SERVICES)
    policy.chmod(0o755)
    for part in ("usr/share/man", "usr/share/locale", "var/cache/apt", "var/lib/apt/lists", "var/log"):
        shutil.rmtree(folder / part, ignore_errors=True)
        (folder / part).mkdir(parents=True)
    for path in (folder / "usr/share/doc").rglob("*"):
        if path.is_file() and not path.is_symlink() and path.name != "copyright":
            path.unlink()
    # What this machine needs to reach the Python Package Index, where there is something between.
    for path in Path("/usr/local/share/ca-certificates").glob("*.crt"):
        shutil.copy(path, folder / "usr/local/share/ca-certificates")
    run("chroot", folder, "update-ca-certificates")
    (folder / "etc/pip.conf").write_text("[global]\ncert = /etc/ssl/certs/ca-certificates.crt\n")


def make_official(debian: str, locust_version: str) -> str:
    """In the place of locustio/locust: Locust by pip in /opt/venv, a user "locust", its entry point."""
    name = f"locust-official:{locust_version}"
    file = Path(__file__).with_name("official.Dockerfile")
    build(file, name, debian, "--build-arg", f"LOCUST_VERSION={locust_version}", context=ROOT / "compat-tests")
    return name


def build(dockerfile: str | Path, tag: str, base: str, *arguments: str, context: Path = ROOT) -> None:
    """Layers that were built before are taken over, as by any builder."""
    jobs = os.environ.get("LOCUSTPP_JOBS", str(os.cpu_count()))
    buildah(
        "build", "--pull-never", "--layers", "--format", "docker",
        "--build-arg", f"BASE=localhost/{base}", "--build-arg", f"JOBS={jobs}", *arguments,
        "-f", dockerfile, "-t", f"localhost/{tag}", context,
        log=STORE / "logs" / (tag.replace(":", "-") + ".log"),
    )  # fmt: skip
