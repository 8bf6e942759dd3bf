"""Makes the pictures of the README and docs/report.html: a stock master, locust-worker and hello-target on this machine,
driven through the page. Says what the target has counted, and fails when the page shows something else.

    build/venvs/browser/bin/python browser-tests/headline.py [--seconds 60]
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "scripts/lib"))

from browser import WIDTH, Browser
from fleet import ROOT, Fleet
from page_2_47 import Page247

LOCUST = "2.47.0"
USERS = 6
AT_LEAST = 42_000  # requests/s: what a fleet of ten stock workers has reached
DOCS = ROOT / "docs"


def run(browser: Browser, fleet: Fleet, seconds: int) -> None:
    fleet.start_target()
    fleet.start_master(ROOT / "locustfiles/test_sample.py", "-s", "5")
    fleet.start_native_worker("locust-worker")
    page = Page247(browser.driver, fleet.page)
    page.wait_for("the worker", lambda: page.worker_count() == 1)
    page.start(USERS, USERS, fleet.target_url)
    page.wait_for("all users", lambda: page.users() == USERS)
    time.sleep(seconds)
    page.open_tab("Statistics")
    row = page.wait_for("the row", lambda: next((row for row in page.rows() if row[0] == "GET"), None))
    page.open_tab("Charts")
    page.wait_for("three charts", lambda: len(page.chart_pictures()) == 3)
    picture(browser, fleet.folder / "run.png", height=1260)
    page.open_tab("Workers")
    page.wait_for("its users", lambda: [worker[2] for worker in page.workers()] == [USERS])
    picture(browser, fleet.folder / "workers.png", height=450)
    page.stop()
    page.wait_for("the page knows of the stop", lambda: page.status() in ("stopping", "stopped"))

    def shown_is_served() -> int:
        served = fleet.served()["GET /hello/"]
        return served if page.statistics().get("Aggregated") == (served, 0) else 0

    served = page.wait_with_reloads("what the target has served", "Statistics", shown_is_served)
    page.open_report()
    page.download_open_report()
    report = browser.downloaded("*.html").read_text()
    shown = float(row[11])
    print(f"{served:,} requests, all of them on the page, none failed; {shown:,.0f} requests/s shown")
    assert shown > AT_LEAST, "slower than the picture is meant to show; is the machine busy?"
    (DOCS / "images").mkdir(parents=True, exist_ok=True)
    for image in fleet.folder.glob("*.png"):
        shutil.copy(image, DOCS / "images")
    # Its icons are where only a master serves them.
    (DOCS / "report.html").write_text(re.sub(r"\s*<link[^>]*favicon[^>]*>", "", report))


def picture(browser: Browser, file: Path, height: int) -> None:
    """Of the page as it is, in a window of that height: when it has been drawn in its new size."""
    browser.driver.set_window_size(WIDTH, height)
    browser.driver.execute_async_script("setTimeout(arguments[0], 2000)")  # the charts grow gently
    browser.driver.save_screenshot(str(file))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="how long it runs (default %(default)s)")
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as folder:
        fleet = Fleet(Path(folder), LOCUST)
        browser = Browser(Path(folder) / "downloads")
        try:
            run(browser, fleet, seconds)
        finally:
            browser.close()
            fleet.stop()


if __name__ == "__main__":
    main()
