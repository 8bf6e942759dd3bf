"""Locust's web page as a person uses it: what both generations of it have in common."""

from __future__ import annotations

import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from fleet import eventually
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement

# The page redraws its tables all the time, so one is read at one go.
READ_TABLE = """
const table = [...document.querySelectorAll('table')].find(each => each.offsetParent !== null);
return table ? [...table.tBodies].flatMap(body => [...body.rows]).map(row => [...row.cells].map(cell => cell.innerText)) : [];
"""
DRAW_CHARTS = "return [...document.querySelectorAll(arguments[0])].map(canvas => canvas.toDataURL())"
Row = list[str]


class WebPage(ABC):
    """A page of one master. What is read is what stands there now; `wait_for` waits until it is as expected."""

    tabs: tuple[str, ...]  # in their order
    ratio_tab: str
    requests_csv: str  # the text of its link in the tab "Download Data"
    _tab: str  # CSS
    _tab_link: str  # XPath with a place for the name
    _chart: str  # CSS

    def __init__(self, driver: WebDriver, url: str) -> None:
        self.driver = driver
        driver.get(url)

    # ---- what a person reads ----

    @abstractmethod
    def status(self) -> str: ...

    @abstractmethod
    def users(self) -> int: ...

    @abstractmethod
    def worker_count(self) -> int: ...

    @abstractmethod
    def host(self) -> str: ...

    @abstractmethod
    def offered_classes(self) -> list[str]:
        """The class picker of the form that is open."""

    def tab_names(self) -> list[str]:
        return [tab.get_attribute("textContent").strip() for tab in self.driver.find_elements(By.CSS_SELECTOR, self._tab)]

    def rows(self) -> list[Row]:
        """The table of the open tab."""
        return self.driver.execute_script(READ_TABLE)

    def statistics(self) -> dict[str, tuple[int, int]]:
        """{name: (requests, failures)} of the tab with that name."""
        return {row[1]: (int(row[2]), int(row[3])) for row in self.rows()}

    def failures(self) -> list[tuple[int, str, str]]:
        """[(occurrences, name of the request, error)] of the tab with that name."""
        return [(int(row[0]), row[2], row[3]) for row in self.rows()]

    @abstractmethod
    def exceptions(self) -> list[tuple[int, str]]:
        """[(occurrences, message and traceback)] of the tab with that name."""

    def workers(self) -> list[tuple[str, str, int, str, str]]:
        """[(identity, state, users, CPU, memory)] of the tab with that name."""
        return [(row[0], row[1], int(row[2]), row[3], row[4]) for row in self.rows()]

    def text(self) -> str:
        return self.driver.find_element(By.TAG_NAME, "body").text

    def chart_pictures(self) -> list[str]:
        return self.driver.execute_script(DRAW_CHARTS, f"{self._chart} canvas")

    def chart_value(self, index: int) -> str:
        """What the chart says when the mouse points at its newest value, or nothing yet."""
        chart = self.driver.find_elements(By.CSS_SELECTOR, self._chart)[index]
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", chart)
        right = chart.size["width"] // 2 - 45
        for step in (8, 0):  # a mouse that comes from somewhere
            ActionChains(self.driver, duration=0).move_to_element_with_offset(chart, right - step, 0).perform()
        return chart.find_element(By.XPATH, "./div[last()]").get_attribute("innerText")

    # ---- what a person does ----

    def open_tab(self, name: str) -> None:
        self.driver.execute_script("scrollTo(0, 0)")  # the top bar lies over what is scrolled beneath it
        self.click(By.XPATH, self._tab_link.format(name))

    def download(self, link: str) -> None:
        self.open_tab("Download Data")
        self.click(By.LINK_TEXT, link)

    def open_report(self) -> None:
        """It opens in a tab of the browser."""
        before = set(self.driver.window_handles)
        self.download("Download Report")
        self.driver.switch_to.window(self.wait_for("the report", lambda: next(iter(set(self.driver.window_handles) - before), None)))

    def download_open_report(self) -> None:
        self.click(By.CSS_SELECTOR, "a[href*='download=1']")

    def close_report(self) -> None:
        self.driver.close()
        self.driver.switch_to.window(self.driver.window_handles[0])

    @abstractmethod
    def start(self, users: int, ramp: int, host: str, classes: set[str] | None = None) -> None:
        """Fills in the form that is open; with a class picker, ticks just these classes."""

    @abstractmethod
    def edit(self, users: int, ramp: int) -> None: ...

    @abstractmethod
    def stop(self) -> None: ...

    @abstractmethod
    def new_test(self) -> None: ...

    def click(self, by: str, what: str) -> WebElement:
        """As soon as it is there, in sight and at rest."""
        refused: list[WebDriverException] = []

        def clicked() -> WebElement | None:
            try:
                element = self.driver.find_element(by, what)
                element.click()
                return element
            except WebDriverException as error:
                refused.append(error)
                return None

        return eventually(f"a click on {what}", clicked, lambda: refused[-1])

    def fill(self, by: str, what: str, value: object) -> None:
        self.click(by, what).send_keys(Keys.CONTROL, "a", Keys.NULL, str(value))

    def wait_for(self, what: str, look: Callable[[], Any]) -> Any:
        return eventually(what, look, self.text)

    def wait_with_reloads(self, what: str, tab: str, look: Callable[[], Any]) -> Any:
        """Once a test stops, the newer page asks for no more news: then a person reloads it from time to time."""
        reloaded = 0.0

        def seen() -> Any:
            nonlocal reloaded
            if time.monotonic() - reloaded > 3:
                self.driver.refresh()
                self.open_tab(tab)
                reloaded = time.monotonic()
            return look()

        return self.wait_for(what, seen)


def number(text: str) -> int:
    found = re.search(r"\d+", text)
    return int(found[0]) if found else 0
