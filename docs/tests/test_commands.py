"""Every command of README.md and docs/ is typed, or is named here with the reason why it is not."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pages
import pytest
import typist

BUILD = Path(os.environ.get("LOCUSTPP_BUILD", pages.ROOT / "build" / "release")).resolve()
VENVS = Path(os.environ.get("LOCUSTPP_VENVS", pages.ROOT / "build" / "venvs")).resolve()
NEWEST = "2.47.0"

# First words of commands that are not run here, and why.
ELSEWHERE = {
    "docker": "needs a Docker engine; docker/tests build and run the images without one",
    "kubectl": "needs a cluster; k8s/tests run the manifests' commands as processes",
    "helm": "needs a cluster; k8s/tests render the chart",
    "aws": "needs an AWS account; cloudformation/tests run these against a stand-in",
    "scripts/install.sh": "needs an AWS account; as aws",
    "scripts/deploy_aws.sh": "needs an AWS account and a Docker engine; as aws",
    "scripts/run_tests.sh": "needs an AWS account; as aws",
    "scripts/shutdown.sh": "needs an AWS account; as aws",
    "./scripts/test.sh": "runs these tests themselves",
}
# Added to a command that would take half an hour, or write into the tree.
SHORTER = {"bench/run.sh": "--quick --seconds 4 --output build/bench.json --pictures build/pictures"}

# Everything works without the engine, too, but that is not what was typed.
WITHOUT_ENGINE = "the native engine cannot be loaded"

BLOCKS = [block for page in pages.PAGES for block in pages.blocks(page)]
TYPED = [block for block in BLOCKS if block.how is not None]


def program(command: str) -> str:
    """The word that says what runs: variables in front are left out, also where $(…) gives theirs."""
    command = re.sub(r"^\w+=\$\((.*)\)$", r"\1", command)
    words = shlex.split(command, comments=True)
    while words and re.match(r"\w+=", words[0]):
        words.pop(0)
    return words[0] if words else ""


def test_there_are_commands():
    """What follows would pass on empty pages."""
    assert len(TYPED) >= 10 and len(BLOCKS) >= len(TYPED) + 10
    assert {block.page.name for block in TYPED} >= {"README.md", "locust-users.md", "cpp-users.md"}


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.name)
def test_each_command_is_typed_or_listed(block):
    if block.how is not None:
        assert block.how <= pages.WORDS
        return
    for command in block.commands():
        word = program(command)
        if word not in ("", "cd", "export"):
            assert word in ELSEWHERE, f"{command}: say how it is run (pages.py), or why not (here)"


def test_the_list_names_nothing_else():
    used = {program(command) for block in BLOCKS for command in block.commands()}
    assert set(ELSEWHERE) <= used


@pytest.fixture(scope="session")
def clone(tmp_path_factory):
    """The tree as a fresh clone would have it, with what was built put in its place."""
    folder = tmp_path_factory.mktemp("clone")
    list_files = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(list_files, cwd=pages.ROOT, capture_output=True, check=True).stdout
    present = [name for name in names.split(b"\0") if name and (pages.ROOT / name.decode()).exists()]
    subprocess.run(
        ["cp", "--parents", "--no-dereference", "-t", folder, *present], cwd=pages.ROOT, check=True
    )
    (folder / "build").mkdir()
    (folder / "build" / "release").symlink_to(BUILD)
    (folder / "build" / "venvs").symlink_to(VENVS)
    return folder


@pytest.fixture(scope="session")
def environment(tmp_path_factory):
    """A shell in which Locust and locustpp are installed."""
    folder = tmp_path_factory.mktemp("bin")
    python = VENVS / NEWEST / "bin" / "python"
    for name, words in (("locust", "-m locust"), ("locustpp", "-m locustpp"), ("python", "")):
        path = f"PYTHONPATH={BUILD / 'python'} " if name != "locust" else ""
        script = f'#!/bin/sh\n{path}exec {python} {words} "$@"\n'
        (folder / name).write_text(script)
        (folder / name).chmod(0o755)
    kept = {key: os.environ[key] for key in ("LANG", "TMPDIR") if key in os.environ}
    home = tmp_path_factory.mktemp("home")
    path = f"{folder}:{os.environ['PATH']}:/usr/sbin:/sbin"
    return {**kept, "PATH": path, "HOME": str(home), "PYTHONDONTWRITEBYTECODE": "1"}


def in_a_network_of_its_own(*command):
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    return ["unshare", *user, "--net", "--pid", "--fork", "--kill-child", "--mount-proc", *command]


def shortened(command):
    return f"{command} {SHORTER[program(command)]}" if program(command) in SHORTER else command


def type_block(block, clone, environment):
    for name, text in pages.files(block.page).items():
        (clone / name).write_text(typist.substitute(text))
    job = {
        "commands": [shortened(each) for each in block.commands()],
        "target": str(BUILD / "bin" / "hello-target") if "target" in block.how else "",
        "long": "long" in block.how,
        "network": True,
    }
    done = subprocess.run(
        in_a_network_of_its_own(sys.executable, typist.__file__), input=json.dumps(job), cwd=clone,
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=typist.LONG if job["long"] else 3 * typist.LIMIT,
    )
    assert done.returncode == 0 and WITHOUT_ENGINE not in done.stdout, done.stdout[-6000:]


def cases(*, slow):
    marks = [pytest.mark.slow] if slow else []
    return [
        pytest.param(block, id=block.name, marks=marks)
        for block in TYPED
        if "fresh" not in block.how and ("long" in block.how) == slow
    ]


@pytest.mark.parametrize("block", cases(slow=False) + cases(slow=True))
def test_typed(block, clone, environment):
    type_block(block, clone, environment)


@pytest.mark.parametrize("page", pages.PAGES, ids=lambda page: page.name)
def test_scripts_in_running_text_exist_and_have_these_options(page):
    for words in map(shlex.split, pages.inline_scripts(page)):
        script = pages.ROOT / words[0]
        assert script.is_file(), words
        options = [word for word in words[1:] if word.startswith("--")]
        if options:
            done = subprocess.run([script, "--help"], capture_output=True, text=True, timeout=60)
            assert done.returncode == 0 and not [each for each in options if each not in done.stdout], words


def test_the_cpp_of_the_readme_compiles():
    """Against the headers of this tree; the examples of other pages are files that are built elsewhere."""
    (shown,) = re.findall(r"^```cpp\n(.*?)^```$", pages.PAGES[0].read_text(), re.MULTILINE | re.DOTALL)
    source = f'#include "locust.h"\nusing namespace locust;\n{shown}'
    command = ["g++", "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-I", pages.ROOT / "worker", "-x", "c++", "-"]
    done = subprocess.run(command, input=source, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
