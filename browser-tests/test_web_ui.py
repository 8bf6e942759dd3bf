"""Stock masters' pages in a real browser: what a person does there, and sees."""

from __future__ import annotations

import csv
import re
import socket

import pytest
from conftest import Scene
from web_page import WebPage

USERS_CHART = 2  # the charts have no names in the document: requests/s, response times, users
SHOWN_USERS = re.compile(r"Users:\s*(\d+)")


def requests_of(page: WebPage, name: str = "Aggregated") -> int:
    return page.statistics().get(name, (0, 0))[0]


def start(page: WebPage, scene: Scene, users: int, classes: set[str] | None = None) -> None:
    page.start(users, users, scene.fleet.target_url, classes)
    page.wait_for(f"{users} users run", lambda: (page.status(), page.users()) == ("running", users))
    assert page.host() == scene.fleet.target_url


def stop(page: WebPage, scene: Scene) -> None:
    """And wait for the workers, which are ready again when the stop timeout is over."""
    page.stop()
    page.wait_for("the page knows of the stop", lambda: page.status() in ("stopping", "stopped"))
    wanted = ("stopped", ["ready"] * scene.workers)
    page.wait_with_reloads("all workers are ready", "Workers", lambda: (page.status(), [row[1] for row in page.workers()]) == wanted)


def see_numbers_move(page: WebPage, scene: Scene) -> None:
    page.open_tab("Statistics")
    before = page.wait_for("requests", lambda: requests_of(page))
    shown = page.wait_for("more requests", lambda: requests_of(page) > before and requests_of(page))
    assert shown <= scene.fleet.served()["GET /hello/"]


def see_charts_move(page: WebPage, users: int) -> None:
    page.open_tab("Charts")
    pictures = page.wait_for("three charts", lambda: len(page.chart_pictures()) == 3 and page.chart_pictures())
    for index in range(3):
        value = page.wait_for("a value", lambda index=index: page.chart_value(index))
        page.wait_for("a newer value", lambda index=index, value=value: page.chart_value(index) not in ("", value))
    assert all(new != old for new, old in zip(page.chart_pictures(), pictures))
    page.wait_for(f"{users} users in the chart", lambda: users_in_chart(page) == users)


def users_in_chart(page: WebPage) -> int | None:
    found = SHOWN_USERS.search(page.chart_value(USERS_CHART))
    return int(found[1]) if found else None


def see_workers(page: WebPage, scene: Scene, users: int) -> list[str]:
    page.open_tab("Workers")
    rows = page.wait_for(
        f"{users} users on {scene.workers} workers",
        lambda: len(page.workers()) == scene.workers and sum(row[2] for row in page.workers()) == users and page.workers(),
    )
    shares = [row[2] for row in rows]
    assert max(shares) - min(shares) <= 1, "users are dealt evenly, to whatever kind of worker"
    for identity, state, _, cpu, memory in rows:
        assert re.fullmatch(rf"{re.escape(socket.gethostname())}_[0-9a-f]{{32}}", identity)
        assert state == "running"
        assert re.fullmatch(r"\d+(\.\d)?%?", cpu)
        assert re.fullmatch(r"[1-9]\d*(\.\d+)? MB", memory)
    return [row[0] for row in rows]


def see_nothing_wrong(page: WebPage) -> None:
    for tab in ("Failures", "Exceptions"):
        page.open_tab(tab)
        assert page.rows() == []
    page.open_tab("Statistics")
    page.wait_for("the statistics", lambda: requests_of(page))
    assert all(failures == 0 for _, failures in page.statistics().values())


def see_counts(page: WebPage, scene: Scene, already_served: int = 0) -> dict[str, tuple[int, int]]:
    """After a stop the page shows what the target has counted."""

    def shown_is_served() -> bool:
        served = scene.fleet.served()["GET /hello/"] - already_served
        return requests_of(page) == served > 0

    page.wait_with_reloads("what the target has served", "Statistics", shown_is_served)
    rows = page.statistics()
    total = rows["Aggregated"]
    assert total[0] == sum(count for name, (count, _) in rows.items() if name != "Aggregated")
    return rows


def read_csv(page: WebPage, scene: Scene, link: str, pattern: str) -> list[dict[str, str]]:
    page.download(link)
    with scene.browser.downloaded(pattern).open(newline="") as file:
        return list(csv.DictReader(file))


def see_downloads(page: WebPage, scene: Scene, rows: dict[str, tuple[int, int]]) -> None:
    """The CSV, the report in its tab of the browser, and the report as a file: the page's own numbers."""
    table = read_csv(page, scene, page.requests_csv, "*requests*.csv")
    assert {row["Name"]: (int(row["Request Count"]), int(row["Failure Count"])) for row in table} == rows
    page.open_report()
    page.wait_for("the report's numbers", lambda: page.rows() and page.statistics() == rows)
    page.download_open_report()
    scene.browser.driver.get(scene.browser.downloaded("*.html").as_uri())
    page.wait_for("the same in the file", lambda: page.rows() and page.statistics() == rows)
    scene.picture("report")
    page.close_report()


def test_run(scene: Scene) -> None:
    page = scene.open("classes", "--class-picker")
    assert page.offered_classes() == ["Alpha", "Beta"]
    scene.picture("start")
    start(page, scene, 4, {"Alpha"})
    assert page.tab_names() == list(page.tabs)
    see_numbers_move(page, scene)
    scene.picture("statistics")
    see_charts_move(page, 4)

    page.edit(7, 7)
    page.wait_for("7 users", lambda: page.users() == 7)
    page.wait_for("7 users in the chart", lambda: users_in_chart(page) == 7)
    scene.picture("charts")
    identities = see_workers(page, scene, 7)
    scene.picture("workers")
    see_nothing_wrong(page)
    page.open_tab(page.ratio_tab)
    page.wait_for("the tasks' ratio", lambda: "100.0% Alpha" in page.text())
    if "Logs" in page.tabs:
        page.open_tab("Logs")
        for identity in identities:
            page.wait_for("the worker's log", lambda identity=identity: any("Starting" in line for line in page.log_lines(identity)))
        scene.picture("logs")

    stop(page, scene)
    rows = see_counts(page, scene)
    assert set(rows) == {"alpha", "Aggregated"}
    see_downloads(page, scene, rows)

    page.new_test()
    start(page, scene, 4, {"Alpha", "Beta"})
    page.open_tab("Statistics")
    page.wait_for("both classes", lambda: set(page.statistics()) == {"alpha", "beta", "Aggregated"})
    stop(page, scene)
    see_counts(page, scene, already_served=rows["Aggregated"][0])


@pytest.mark.parametrize("workers", ["cpp", "python"], indirect=True)
def test_what_goes_wrong(scene: Scene) -> None:
    page = scene.open("failing")
    start(page, scene, 4)
    page.open_tab("Exceptions")
    page.wait_for("an exception that came twice", lambda: page.exceptions() and page.exceptions()[0][0] >= 2)
    [(_, text)] = page.exceptions()
    assert "broken on purpose" in text
    scene.picture("exceptions")
    page.open_tab("Failures")
    page.wait_for("failures", page.failures)
    scene.picture("failures")

    stop(page, scene)
    missed = scene.fleet.served()["other"]
    page.wait_with_reloads("what the target has refused", "Failures", lambda: page.failures() and page.failures()[0][0] == missed)
    [(_, name, error)] = page.failures()
    assert name == "/missing/" and "404" in error
    page.open_tab("Statistics")
    page.wait_for("nothing but failures", lambda: page.statistics() == {"/missing/": (missed, missed), "Aggregated": (missed, missed)})

    [failure] = read_csv(page, scene, "Download failures CSV", "*failures*.csv")
    assert (failure["Name"], int(failure["Occurrences"])) == ("/missing/", missed)
    [exception] = read_csv(page, scene, "Download exceptions CSV", "*exceptions*.csv")
    assert exception["Message"] == "broken on purpose" and int(exception["Count"]) >= 2
