"""Draws the figures of a run (build/bench.json) as SVG: CPU per request, requests/s against users,
response times. The pictures follow the reader's choice of a light or dark background."""

from __future__ import annotations

import json
import math
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterable, Mapping, Optional, Sequence
from xml.sax.saxutils import escape

from bench.settings import BenchError

WIDTH = 760
# What the bar of a generator in the row "clients" is called, and its colour.
BARS = {
    "native": ("locust-worker, C++ users", "native"),
    "wrk": ("wrk", "wrk"),
    "python": ("locustpp, FastHttpUser", "python"),
    "python, HttpUser": ("locustpp, HttpUser", "python"),
    "boomer": ("boomer (Go)", "other"),
    "goose": ("Goose (Rust)", "other"),
    "k6": ("k6 (Go, JavaScript)", "other"),
    "stock": ("Locust, FastHttpUser", "stock"),
    "stock, HttpUser": ("Locust, HttpUser", "stock"),
}
LINES = {
    "wrk": "wrk",
    "native": "locust-worker",
    "python": "locustpp",
    "stock": "stock Locust",
}
STYLE = """
text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: #1f2328 }
.title { font-weight: 600; font-size: 15px } .small { font-size: 12px; fill: #59636e }
.end { text-anchor: end } .middle { text-anchor: middle }
.grid { stroke: #d1d9e0; stroke-width: 1 } path { fill: none; stroke-width: 2.5 }
.native { --c: #0969da } .python { --c: #1a7f37 } .wrk { --c: #818b98 } .stock { --c: #d1242f }
.other { --c: #bf8700 } rect, circle { fill: var(--c) } path { stroke: var(--c) }
@media (prefers-color-scheme: dark) {
text { fill: #f0f6fc } .small { fill: #9198a1 } .grid { stroke: #3d444d }
.native { --c: #4493f8 } .python { --c: #3fb950 } .wrk { --c: #9198a1 } .stock { --c: #f85149 }
.other { --c: #d29922 } }
"""


def draw(figures: Path, folder: Path) -> list[Path]:
    """Writes the pictures for which there are rows; says which."""
    try:
        run = json.loads(figures.read_text())
    except (OSError, ValueError) as error:
        raise BenchError(f"no figures to draw from: {error}") from error
    made = {
        "bench-cpu.svg": _cpu(run),
        "bench-users.svg": _users(run),
        "bench-latency.svg": _latency(run),
    }
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, picture in made.items():
        if picture:
            (folder / name).write_text(picture)
            written.append(folder / name)
    if not written:
        raise BenchError(f"{figures} has none of the rows that are drawn: clients, users")
    return written


def _number(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _text(x: float, y: float, text: str, kind: str = "") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" class="{kind}">{escape(text)}</text>'


def _picture(run: Mapping[str, Any], title: str, note: str, parts: Iterable[str], height: int) -> str:
    machine = run["machine"]
    kernel = ".".join(machine["kernel"].split(".")[:2])
    notes = textwrap.wrap(f"{note} {machine['cpu_model']}, {kernel}, {machine['date'][:10]}.", 115)
    lines = [_text(0, height + 18 * number, line, "small") for number, line in enumerate(notes, 1)]
    total = height + 18 * len(notes) + 8
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {total}" role="img" '
            f'aria-label="{escape(title)}">',
            f"<style>{STYLE}</style>",
            _text(0, 18, title, "title"),
            *parts,
            *lines,
            "</svg>\n",
        ]
    )


def _cpu(run: Mapping[str, Any]) -> Optional[str]:
    measured = run["rows"].get("clients", {}).get("summary", {}).get("nginx", {})
    bars = sorted((measured[kind]["cpu_us_per_request"], *BARS[kind]) for kind in BARS.keys() & measured)
    if not bars:
        return None
    left, most = 190, max(value for value, _, _ in bars)
    parts = []
    for number, (value, label, colour) in enumerate(bars):
        y = 36 + 30 * number
        length = max(2.0, value / most * (WIDTH - left - 70))
        parts += [
            _text(left - 10, y + 15, label, "end"),
            f'<rect x="{left}" y="{y}" width="{length:.1f}" height="20" rx="3" class="{colour}"/>',
            _text(left + length + 8, y + 15, f"{_number(value)} µs"),
        ]
    note = "64 users, empty GETs to nginx, one core for the load; statistics on (wrk has none by name)."
    title = "CPU per request: shorter is better"
    return _picture(run, title, note, parts, 36 + 30 * len(bars))


@dataclass
class Line:
    kind: str
    values: Sequence[float]


def _lines(lines: Sequence[Line], ticks: Sequence[str], unit: str, x_title: str) -> list[str]:
    """Values over evenly spaced ticks, on a logarithmic scale; a line is named at its end."""
    left, right, top, bottom = 70, WIDTH - 110, 52, 312
    values = [value for line in lines for value in line.values if value > 0]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    high = max(high, low + 1)

    def at(number: int, value: float) -> tuple[float, float]:
        share = (math.log10(max(value, 10**low)) - low) / (high - low)
        x = left + (right - left) * number / max(1, len(ticks) - 1)
        return x, bottom - share * (bottom - top)

    parts = [_text(left - 8, top - 10, unit, "small end")]
    for power in range(low, high + 1):
        y = at(0, 10.0**power)[1]
        parts.append(f'<line x1="{left}" x2="{right}" y1="{y:.0f}" y2="{y:.0f}" class="grid"/>')
        parts.append(_text(left - 8, y + 4, _number(10.0**power), "small end"))
    for number, tick in enumerate(ticks):
        parts.append(_text(at(number, 1)[0], bottom + 20, tick, "small middle"))
    parts.append(_text((left + right) / 2, bottom + 40, x_title, "small middle"))
    label_at: list[float] = []
    for line in sorted(lines, key=lambda each: each.values[-1]):
        points = [at(number, value) for number, value in enumerate(line.values)]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
        dots = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>' for x, y in points)
        y = min([points[-1][1] + 4, *(each - 16 for each in label_at)])
        label_at.append(y)
        parts.append(f'<g class="{line.kind}"><path d="M{path}"/>{dots}</g>')
        parts.append(_text(right + 12, y, LINES[line.kind]))
    return parts


def _users(run: Mapping[str, Any]) -> Optional[str]:
    found = run["rows"].get("users", {}).get("summary", {})
    counts = _common(found)
    if not counts:
        return None
    lines = [
        Line(kind, [found[kind][count]["requests_per_second"] for count in counts])
        for kind in LINES
        if kind in found
    ]
    ticks = [f"{int(count):,}" for count in counts]
    parts = _lines(lines, ticks, "requests/s", "users (wrk: connections)")
    note = "Empty GETs to nginx, no waiting between them, one core for the load."
    return _picture(run, "Requests per second against users: higher is better", note, parts, 357)


def _latency(run: Mapping[str, Any], users: str = "512") -> Optional[str]:
    found = run["rows"].get("users", {}).get("summary", {})
    if users not in _common(found):
        return None
    lines = []
    ticks: list[str] = []
    for kind in LINES:
        if kind in found:
            times = found[kind][users]["latency_ms"]
            ticks = list(times)
            lines.append(Line(kind, list(times.values())))
    parts = _lines(lines, ticks, "ms", "percentile")
    note = (
        f"{users} users as in the picture of requests/s: each client at its own full speed. Locust's "
        "statistics are in whole milliseconds."
    )
    return _picture(run, "Response times: lower is better", note, parts, 357)


def _common(found: Mapping[str, Any]) -> list[str]:
    """The numbers of users that were measured with every client."""
    kinds = [set(found[kind]) for kind in LINES if kind in found]
    return sorted(set.intersection(*kinds), key=int) if kinds else []
