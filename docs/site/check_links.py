"""Checks every link of a built site, anchors and pictures included: check_links.py SITE. Dead ones are
said on stderr, and make the exit code 1; addresses outside the site go to stdout, unvisited."""

from __future__ import annotations

import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class Page(HTMLParser):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("id", "name"):
                self.anchors.add(value or "")
            elif name in ("href", "src") and value is not None and tag != "base":
                self.links.add(value)


def check(site: Path) -> tuple[list[str], list[str]]:
    """What is dead, and what leads out of the site."""
    # The page for "not found" is shown at any address, so its links are those of a web server's root.
    paths = [path for path in site.rglob("*.html") if path != site / "404.html"]
    pages = {path: Page(path) for path in paths}
    dead: list[str] = []
    outside: set[str] = set()
    for path, page in pages.items():
        for link in sorted(page.links):
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                outside.add(link)
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if target.is_dir():
                target = target / "index.html"
            anchor = unquote(parts.fragment)
            if not target.is_file():
                dead.append(f"{path.relative_to(site)}: {link}")
            elif anchor and target in pages and anchor not in pages[target].anchors:
                dead.append(f"{path.relative_to(site)}: {link} (no such anchor)")
    return dead, sorted(outside)


def main() -> int:
    site = Path(sys.argv[1]).resolve()
    if not (site / "index.html").is_file():
        sys.exit(f"{site} holds no site")
    dead, outside = check(site)
    print(*outside, sep="\n")
    for link in dead:
        print(f"dead link: {link}", file=sys.stderr)
    return 1 if dead else 0


if __name__ == "__main__":
    sys.exit(main())
