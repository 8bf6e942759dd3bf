"""Draws the code blocks in the language "dot" by Graphviz, in the colours of the page."""

from __future__ import annotations

import re
import subprocess
from typing import Any


def fence(source: str, *_: Any, **__: Any) -> str:
    """A formatter for pymdownx.superfences."""
    looks = [
        "-Gbgcolor=transparent",
        "-Nfontname=sans-serif",
        "-Efontname=sans-serif",
        "-Nshape=box",
        "-Nstyle=rounded",
        "-Nfontsize=13",
        "-Efontsize=11",
    ]
    drawn = subprocess.run(
        ["dot", "-Tsvg", *looks], input=source, capture_output=True, text=True, check=True
    ).stdout
    drawn = drawn[drawn.index("<svg") :].replace('"black"', '"currentColor"')
    drawn = re.sub(r"<text ", '<text fill="currentColor" ', drawn)
    drawn = re.sub(r"<title>.*?</title>\n?|<!--.*?-->\n?", "", drawn, flags=re.DOTALL)
    return f'<div class="picture">{drawn}</div>'
