"""Reads the commands out of README.md and docs/: each shell block is one case.

A comment before a block says how it is run: `<!-- run: -->` as it stands, `target` with hello-target
running, `long` and `fresh` only among the slow tests, `fresh` in a fresh Debian. A block without the
comment is not run, and test_commands.py must name each of its commands and the reason.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
WORDS = {"target", "long", "fresh"}

_FENCE = re.compile(
    r"^(?:<!-- run:(?P<how>[a-z ]*)-->\n)?^```(?P<language>\w*)(?P<rest>[^\n]*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_TITLE = re.compile(r'title="([^"]+)"')
# An indented block counts where it looks like commands: pictures and sums are indented too.
_INDENTED = re.compile(r"(?:^    .*\n)+", re.MULTILINE)
_LOOKS = re.compile(
    r"^(\./|scripts/|bench/|build/|docs/|locust|pip |python|cmake|git |docker |kubectl |helm |aws |apt)"
)


@dataclass(frozen=True)
class Block:
    page: Path
    line: int
    how: frozenset[str] | None  # None: not run
    text: str

    @property
    def name(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    def commands(self) -> list[str]:
        """Its lines, continued ones joined; comments and empty ones left out."""
        joined = re.sub(r"\\\n\s*", "", self.text)
        lines = [re.sub(r"\s+#\s.*$", "", line).strip() for line in joined.splitlines()]
        return [line for line in lines if line and not line.startswith("#")]


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    found = []

    def add(at: int, how: frozenset[str] | None, body: str) -> None:
        found.append(Block(page, text.count("\n", 0, at) + 1, how, body))

    for match in _FENCE.finditer(text):
        if match["language"] in ("bash", "sh", "shell", "console"):
            how = match["how"]
            add(match.start(), None if how is None else frozenset(how.split()), match["text"])
    without_fences = _FENCE.sub(lambda match: re.sub(r"[^\n]", "", match[0]), text)
    for match in _INDENTED.finditer(without_fences):
        body = textwrap.dedent(match[0])
        if any(_LOOKS.match(line) for line in body.splitlines()):
            add(text.find(match[0]), None, body)
    return found


def files(page: Path) -> dict[str, str]:
    """The files that the page shows, by the names that it gives them."""
    found = {}
    for match in _FENCE.finditer(page.read_text(encoding="utf-8")):
        title = _TITLE.search(match["rest"])
        if title:
            found[title[1]] = match["text"]
    return found


def inline_scripts(page: Path) -> list[str]:
    """Commands of ours in running text, with their options."""
    text = page.read_text(encoding="utf-8").replace("\n", " ")
    return re.findall(r"`(?:\./)?((?:scripts|bench|docs/site)/[a-z0-9_]+\.sh[^`]*)`", text)
