"""The site builds without a warning, all its links lead somewhere, and the check would notice if not."""

from __future__ import annotations

import os
import subprocess
import sys

import pages
import pytest

sys.path.insert(0, str(pages.ROOT / "docs" / "site"))
import check_links  # noqa: E402


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("docs")
    done = subprocess.run(
        [pages.ROOT / "docs" / "site" / "build.sh"], capture_output=True, text=True, timeout=600,
        env={**os.environ, "DOCS_OUTPUT": str(folder), "DOCS_PYTHON": sys.executable},
    )
    assert done.returncode == 0, done.stderr
    return folder / "site"


def test_links(site):
    dead, outside = check_links.check(site)
    assert not dead and outside


def test_every_page_is_there(site):
    for page in pages.PAGES:
        name = page.relative_to(pages.ROOT).with_suffix("")
        assert (site / ("index.html" if name.name == "README" else f"{name}/index.html")).is_file()


@pytest.mark.parametrize("name", ["CMakeLists.txt", "shop.cpp", "shop.py"])
def test_files_of_the_example_are_shown_as_they_are(name):
    text = (pages.ROOT / "packaging" / "example" / name).read_text()
    assert f"\n{text}```\n" in (pages.ROOT / "docs" / "cpp-users.md").read_text()


def test_pictures_are_drawn(site):
    text = (site / "docs" / "how-it-works" / "index.html").read_text()
    assert text.count("<svg") >= 4 and "digraph" not in text


@pytest.mark.parametrize(
    ("link", "dead"),
    [("other.html", False), ("other.html#here", False), ("other.html#gone", True), ("gone.html", True),
     ("#self", False), ("#none", True), ("gone.png", True)],
)
def test_the_check_finds_what_is_dead(tmp_path, link, dead):
    (tmp_path / "index.html").write_text(f'<p id="self"><a href="{link}">x</a>')
    (tmp_path / "other.html").write_text('<p id="here">')
    assert bool(check_links.check(tmp_path)[0]) is dead


def test_a_folder_without_a_site_is_no_success(tmp_path):
    script = pages.ROOT / "docs" / "site" / "check_links.py"
    assert subprocess.run([sys.executable, script, tmp_path], capture_output=True).returncode != 0
