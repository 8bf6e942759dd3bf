"""The pictures of the bench: what is drawn is what was measured, and the ones shown are pictures."""

from __future__ import annotations

import json
import re
import sys
from xml.etree import ElementTree

import pages
import pytest

sys.path.insert(0, str(pages.ROOT))
from bench import plot  # noqa: E402
from bench.settings import BenchError  # noqa: E402

SVG = "{http://www.w3.org/2000/svg}"
MACHINE = {"cpu_model": "A <fast> & small one", "kernel": "Linux 6.1.2-x y", "date": "2026-01-02T03:04:05"}


def drawn(folder, rows):
    figures = folder / "bench.json"
    figures.write_text(json.dumps({"machine": MACHINE, "rows": rows}))
    return {path.name: ElementTree.parse(path).getroot() for path in plot.draw(figures, folder / "pictures")}


def texts(picture):
    return [each.text for each in picture.iter(f"{SVG}text")]


def test_bars_are_as_long_as_what_was_measured(tmp_path):
    summary = {"nginx": {"native": {"cpu_us_per_request": 25.0}, "wrk": {"cpu_us_per_request": 100.0}}}
    pictures = drawn(tmp_path, {"clients": {"summary": summary}})
    assert set(pictures) == {"bench-cpu.svg"}
    picture = pictures["bench-cpu.svg"]
    lengths = [float(bar.get("width")) for bar in picture.iter(f"{SVG}rect")]
    assert len(lengths) == 2 and abs(lengths[1] / lengths[0] - 4) < 0.01
    found = texts(picture)
    assert "25 µs" in found and "100 µs" in found and "A <fast> & small one, Linux 6.1," in " ".join(found)


def users(**rates):
    return {
        kind: {
            count: {"requests_per_second": rate, "latency_ms": {"50%": rate / 10, "99%": rate}}
            for count, rate in zip(("1", "512"), of_kind)
        }
        for kind, of_kind in rates.items()
    }


def heights(picture, kind):
    (group,) = [each for each in picture.iter(f"{SVG}g") if each.get("class") == kind]
    return [float(dot.get("cy")) for dot in group.iter(f"{SVG}circle")]


def test_lines_are_logarithmic(tmp_path):
    rows = {"users": {"summary": users(wrk=(10, 1000), stock=(10, 100))}}
    pictures = drawn(tmp_path, rows)
    assert set(pictures) == {"bench-users.svg", "bench-latency.svg"}
    low, high = heights(pictures["bench-users.svg"], "wrk")
    assert heights(pictures["bench-users.svg"], "stock")[0] == low
    half = heights(pictures["bench-users.svg"], "stock")[1]
    assert abs((low - high) - 2 * (low - half)) < 0.2 and low > half > high  # one and two powers of ten
    assert {"wrk", "stock Locust", "1", "512"} <= set(texts(pictures["bench-users.svg"]))


def test_a_time_of_nothing_stays_on_the_picture(tmp_path):
    """Locust's statistics round to whole milliseconds."""
    rows = {"users": {"summary": users(wrk=(10, 1000), native=(10, 1000))}}
    rows["users"]["summary"]["native"]["512"]["latency_ms"]["50%"] = 0.0
    picture = drawn(tmp_path, rows)["bench-latency.svg"]
    box = [float(each) for each in picture.get("viewBox").split()]
    assert all(0 < y < box[3] for y in heights(picture, "native"))


def test_nothing_to_draw_is_said(tmp_path):
    with pytest.raises(BenchError, match="none of the rows"):
        drawn(tmp_path, {"start": {"summary": {}}})
    with pytest.raises(BenchError, match="no figures"):
        plot.draw(tmp_path / "gone.json", tmp_path)


@pytest.mark.parametrize("name", ["bench-cpu.svg", "bench-users.svg", "bench-latency.svg"])
def test_the_pictures_shown_fit_both_backgrounds(name):
    text = (pages.ROOT / "docs" / "images" / name).read_text()
    picture = ElementTree.fromstring(text)
    assert len(texts(picture)) > 5 and "prefers-color-scheme: dark" in text


def test_the_table_of_the_readme_has_the_figures_of_the_picture():
    picture = ElementTree.parse(pages.ROOT / "docs" / "images" / "bench-cpu.svg").getroot()
    bars = {re.sub(r" µs", "", each) for each in texts(picture) if each.endswith(" µs")}
    table = re.search(r"^\| one core.*?\n\n", pages.PAGES[0].read_text(), re.MULTILINE | re.DOTALL)[0]
    shown = {each for line in table.strip().splitlines()[2:] for each in re.findall(r"[\d.]+", line.split("|")[2])}
    assert shown and shown <= bars
