"""The images as they lie there: built from their Dockerfiles, then looked through."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from base_images import ROOT, Container, build, image_of, run
from conftest import LOCUST_VERSION
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

pytestmark = pytest.mark.slow

IMAGES = ("worker_image", "native_image", "target_image")
SCRATCH = ("native_image", "target_image")
THIRD_PARTY = (ROOT / "THIRD_PARTY.md").read_text()


@pytest.fixture
def image(request: pytest.FixtureRequest) -> str:
    return request.getfixturevalue(request.param)


@pytest.fixture
def rootfs(image: str):
    with Container(image) as folder:
        yield folder


def programs(rootfs: Path) -> set[str]:
    found = set()
    for folder in ("bin", "sbin", "usr/bin", "usr/sbin", "usr/local/bin", "opt/locust/bin"):
        found |= {path.name for path in (rootfs / folder).glob("*")}
    return found


@pytest.mark.parametrize("image", IMAGES, indirect=True)
def test_settings(image: str) -> None:
    config = image_of(image)["Docker"]["config"]
    assert config["User"] == "10001:10001"
    assert config["Healthcheck"]["Test"] == ["CMD", "locustpp-health"]
    labels = config["Labels"]
    assert labels["org.opencontainers.image.title"] == image.split(":")[0]
    version = re.search(r"project\(locustpp VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text())
    assert labels["org.opencontainers.image.version"] == version[1]
    assert {"description", "revision", "source", "licenses"} <= {name.split(".")[-1] for name in labels}


def test_entry_points(worker_image: str, native_image: str, target_image: str) -> None:
    images = (worker_image, native_image, target_image)
    found = [image_of(image)["Docker"]["config"] for image in images]
    assert [config["Entrypoint"] for config in found] == [["locust"], ["locust-worker"], ["start-target"]]
    assert not any(config.get("Cmd") for config in found)


def test_labels_from_arguments(target_image: str) -> None:
    labels = image_of(target_image)["Docker"]["config"]["Labels"]
    assert labels["org.opencontainers.image.revision"] == "0123abc"


@pytest.mark.parametrize("image", IMAGES, indirect=True)
def test_nothing_to_build_with(rootfs: Path) -> None:
    names = programs(rootfs)
    unwanted = re.compile(r"(.*-)?(gcc|g\+\+|cc|c\+\+|cpp|clang|ld|as|make|cmake|ninja|ccache)(-\d+)?$")
    assert [name for name in names if unwanted.match(name)] == []
    assert not (rootfs / "usr/include").exists() or not list((rootfs / "usr/include").rglob("*.h"))
    assert not (rootfs / "src").exists() and not (rootfs / "out").exists()


@pytest.mark.parametrize("image", SCRATCH, indirect=True)
def test_images_without_distribution(rootfs: Path) -> None:
    target = {"hello-target", "start-target", "uwsgi"}
    expected = {"locust-worker", "locust"} if "locust-worker" in programs(rootfs) else target
    assert programs(rootfs) == expected | {"locustpp-health"}
    for status in (rootfs / "var/lib/dpkg/status.d").glob("*[!s]"):
        if status.suffix != ".md5sums":
            assert (rootfs / "usr/share/doc" / status.name / "copyright").is_file()


@pytest.mark.parametrize("image", IMAGES, indirect=True)
def test_licences_are_there(rootfs: Path) -> None:
    folder = rootfs / "usr/local/share/doc/locustpp"
    assert {path.name for path in folder.iterdir()} == {"LICENSE", "THIRD_PARTY.md"}


def test_user_and_locustfiles(worker_image: str) -> None:
    with Container(worker_image) as rootfs:
        assert "locust:x:10001:10001:" in (rootfs / "etc/passwd").read_text()
        assert {"hello.py", "test_sample.py"} <= {path.name for path in (rootfs / "home/locust").iterdir()}


def test_wheel_alone(worker_image: str, debian: str) -> None:
    """Layers are those of the worker image."""
    tag = "locustpp-wheel:test"
    version = f"LOCUST_VERSION={LOCUST_VERSION}"
    build(ROOT / "docker" / "worker.Dockerfile", tag, debian, "--build-arg", version, "--target", "wheel")
    with Container(tag) as rootfs:
        files = [path.name for path in rootfs.rglob("*") if path.is_file()]
    assert len(files) == 1
    assert re.fullmatch(r"locustpp-[0-9.]+-cp\d+-cp\d+-linux_\w+\.whl", files[0])


@pytest.mark.parametrize(("image", "megabytes"), [*zip(IMAGES, (350, 40, 40))], indirect=["image"])
def test_size(image: str, rootfs: Path, megabytes: int) -> None:
    size = int(run("du", "-sm", rootfs).split()[0])
    print(f"{image}: {size} MB")
    assert size < megabytes


# ---- the bill of materials ----


def bill_of(rootfs: Path, image: str) -> dict:
    text = run(sys.executable, ROOT / "scripts" / "sbom", rootfs, "--name", image, "--version", "1")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    return json.loads(text)


def by_use(bill: dict, use: str) -> set[str]:
    found = set()
    for component in bill["components"]:
        properties = {each["name"]: each["value"] for each in component.get("properties", [])}
        if properties.get("locustpp:use") == use:
            found.add(component["name"])
    return found


def loaded_packages(rootfs: Path, programs_to_load: list[str]) -> set[str]:
    """By the dynamic linker of the image itself, and the lists of its packages."""
    loader = next(path for path in ("/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1")
                  if (rootfs / path[1:]).exists())  # fmt: skip
    names = set()
    for program in programs_to_load:
        text = run("chroot", rootfs, loader, "--list", program)
        names |= {Path(path).name for path in re.findall(r"(?:=> |^\s*)(/\S+)", text, re.MULTILINE)}
    owners = set()
    for sums in [*rootfs.glob("var/lib/dpkg/info/*.list"), *rootfs.glob("var/lib/dpkg/status.d/*.md5sums")]:
        package = sums.stem.split(":")[0]
        lines = {line.split()[-1].rsplit("/", 1)[-1] for line in sums.read_text().splitlines() if line}
        if any(name in lines or any(line.startswith(f"{name}.") for line in lines) for name in names):
            owners.add(package)
    return owners


@pytest.mark.parametrize("image", SCRATCH, indirect=True)
def test_bill_of_what_is_linked(image: str, rootfs: Path) -> None:
    bill = bill_of(rootfs, image)
    ours = [f"/usr/local/bin/{name}" for name in programs(rootfs)]
    linked = by_use(bill, "linked")
    assert linked == loaded_packages(rootfs, ours)
    assert {"libc6", "libstdc++6", "libfmt9"} <= linked
    assert by_use(bill, "installed") == {"ca-certificates"}


def test_bill_of_the_native_worker(native_image: str) -> None:
    with Container(native_image) as rootfs:
        bill = bill_of(rootfs, native_image)
    assert {"libzmq5", "libssl3", "libspdlog1.10", "libc-ares2", "libpsl5"} <= by_use(bill, "linked")
    compiled_in = {"libboost1.74-dev", "libmsgpack-cxx-dev", "libcli11-dev", "nlohmann-json3-dev"}
    assert compiled_in <= by_use(bill, "compiled in")
    depends = {each["ref"]: set(each.get("dependsOn", [])) for each in bill["dependencies"]}
    assert "deb:libzmq5" in depends["file:usr/local/bin/locust-worker"]
    assert "deb:libsodium23" in depends["deb:libzmq5"]


def test_bill_of_the_worker(worker_image: str) -> None:
    with Container(worker_image) as rootfs:
        bill = bill_of(rootfs, worker_image)
        extension = next(rootfs.glob("opt/locust/lib/python3*/site-packages/locustpp/_native*.so"))
        owners = loaded_packages(rootfs, [f"/{extension.relative_to(rootfs)}"])
    assert owners <= by_use(bill, "linked")
    pypi = [each for each in bill["components"] if each.get("purl", "").startswith("pkg:pypi/")]
    python = {each["name"].lower(): each["version"] for each in pypi}
    assert python["locust"] == LOCUST_VERSION
    assert {"locustpp", "gevent", "pyzmq", "requests"} <= set(python)
    assert "libboost1.74-dev" in by_use(bill, "compiled in")


# Names in THIRD_PARTY.md by Debian's packages; libc6 is the system's.
LIBRARIES = {
    "libbrotli1": "Brotli", "libc-ares2": "c-ares", "libcpp-httplib0.11": "cpp-httplib", "libfmt9": "fmt",
    "libgcc-s1": "GCC's runtime", "libpsl5": "libpsl", "libspdlog1.10": "spdlog", "libssl3": "OpenSSL",
    "libstdc++6": "GCC's runtime", "libtomlplusplus3": "toml++", "libzmq5": "libzmq", "libzstd1": "Zstandard",
    "zlib1g": "zlib",
}  # fmt: skip


def test_third_party_names_what_is_linked(worker_image: str, native_image: str, target_image: str) -> None:
    """All that our own programs load themselves, and nothing else."""
    loaded = set()
    for image in (worker_image, native_image, target_image):
        with Container(image) as rootfs:
            bill = bill_of(rootfs, image)
        for each in bill["dependencies"]:
            if re.search(r"^file:.*/(locust-worker|hello-target|locustpp/_native[^/]*)$", each["ref"]):
                loaded |= {ref.removeprefix("deb:") for ref in each["dependsOn"]}
    rows = [line.split(" | ") for line in THIRD_PARTY.splitlines() if line.startswith("| ")]
    linked = {
        re.split(r" \(|, with", name.removeprefix("| "))[0]
        for name, _, _, how, where, *_ in rows
        if "linked" in how and not where.startswith("only ")
    }
    assert {LIBRARIES[package] for package in loaded - {"libc6"}} == linked


def test_bill_is_the_same_each_time(target_image: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    with Container(target_image) as rootfs:
        assert bill_of(rootfs, target_image) == bill_of(rootfs, target_image)


def test_bill_of_nothing(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "scripts" / "sbom"), "--name", "x", "--version", "1"]
    empty = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True)
    assert (empty.returncode, empty.stderr.count("\n")) == (1, 1)
    assert "no program" in empty.stderr
    missing = subprocess.run([*command, str(tmp_path / "x")], capture_output=True, text=True)
    assert missing.returncode == 1
    assert "is no folder: unpack or mount the image first" in missing.stderr
