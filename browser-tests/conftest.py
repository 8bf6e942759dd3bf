"""A scene: one master with its workers and the target, and a browser that has its page open."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Browser
from fleet import ROOT, Fleet
from page_2_13 import Page213
from page_2_47 import Page247
from web_page import WebPage

PAGES: dict[str, type[WebPage]] = {"2.13.0": Page213, "2.47.0": Page247}
WORKERS = {
    "cpp": (Fleet.start_native_worker,),
    "python": (Fleet.start_python_worker,),
    "beside": (Fleet.start_native_worker, Fleet.start_stock_worker),
}
LOCUSTFILES = ROOT / "compat-tests/locustfiles"
PICTURES = ROOT / "build/browser"
NOT_WANTED = re.compile(r"/(ERROR|CRITICAL)/|Traceback")


class Scene:
    def __init__(self, folder: Path, locust: str, workers: str) -> None:
        self.name, self.workers, self._page = f"{locust}-{workers}", len(WORKERS[workers]), PAGES[locust]
        self._start_workers = WORKERS[workers]
        self.fleet = Fleet(folder, locust)
        self.browser = Browser(folder / "downloads")

    def open(self, locustfile: str, *master_options: str) -> WebPage:
        """Everything is started, and the page shows that the workers are there."""
        # Each request takes a while, which bounds the load; the stop waits for it, so that it is counted.
        self.fleet.start_target("--delay", "0.02")
        self.fleet.start_master(LOCUSTFILES / f"{locustfile}.py", "-s", "5", *master_options)
        for start in self._start_workers:
            start(self.fleet)
        page = self._page(self.browser.driver, self.fleet.page)
        page.wait_for("all workers", lambda: page.worker_count() == self.workers)
        return page

    def picture(self, of: str) -> None:
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.browser.driver.save_screenshot(str(PICTURES / f"{self.name}-{of}.png"))

    def judge(self) -> None:
        """What nobody looks at by himself: the console of the browser, the log of the master."""
        assert self.browser.complaints() == []
        log = self.fleet.logs["master"].read_text()
        assert not NOT_WANTED.search(log), log

    def close(self) -> None:
        try:
            self.picture("end")
        finally:
            self.browser.close()
            self.fleet.stop()
            for log in self.fleet.logs.values():  # shown when the case fails
                print(f"---- {log.name}\n{log.read_text()[-3000:]}")


@pytest.fixture(params=PAGES)
def locust(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=WORKERS)
def workers(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def scene(tmp_path: Path, locust: str, workers: str) -> Iterator[Scene]:
    scene = Scene(tmp_path, locust, workers)
    try:
        yield scene
        scene.judge()
    finally:
        scene.close()
