"""The page of Locust 2.47.0: React, only what is open is in the document."""

from __future__ import annotations

from selenium.webdriver.common.by import By
from web_page import WebPage, number

READ_HEADER = """
const label = [...document.querySelectorAll('header p')].find(each => each.textContent === arguments[0]);
return label ? label.nextElementSibling.textContent : '';
"""
CLASS_ROWS = "//h2[contains(., 'Start new load test')]/..//table/tbody/tr"


class Page247(WebPage):
    tabs = ("Statistics", "Charts", "Failures", "Exceptions", "Current Ratio", "Download Data", "Logs", "Workers")
    ratio_tab = "Current Ratio"
    requests_csv = "Download requests CSV"
    _tab = "[role=tab]"
    _tab_link = "//*[@role='tab'][normalize-space()='{}']"
    _chart = "div[_echarts_instance_]"

    def status(self) -> str:
        return self._header("Status").lower()

    def users(self) -> int:
        return number(self._header("Users"))

    def worker_count(self) -> int:
        return number(self._header("Workers"))

    def host(self) -> str:
        return self._header("Host")

    def offered_classes(self) -> list[str]:
        return [row.find_elements(By.TAG_NAME, "td")[1].text for row in self.driver.find_elements(By.XPATH, CLASS_ROWS)]

    def start(self, users: int, ramp: int, host: str, classes: set[str] | None = None) -> None:
        self.fill(By.NAME, "userCount", users)
        self.fill(By.NAME, "spawnRate", ramp)
        self.fill(By.NAME, "host", host)
        if classes is not None:
            for name in self.offered_classes():
                box = f"{CLASS_ROWS}[td[normalize-space()='{name}']]//span[input]"  # the box itself is transparent
                if self.driver.find_element(By.XPATH, f"{box}/input").is_selected() != (name in classes):
                    self.click(By.XPATH, box)
        self._press("Start")

    def edit(self, users: int, ramp: int) -> None:
        self._press("Edit")
        self.fill(By.NAME, "userCount", users)
        self.fill(By.NAME, "spawnRate", ramp)
        self.click(By.XPATH, "//button[@type='submit']")

    def stop(self) -> None:
        self._press("Stop")

    def new_test(self) -> None:
        self._press("New")

    def exceptions(self) -> list[tuple[int, str]]:
        return [(int(row[0]), f"{row[2]}\n{row[1]}") for row in self.rows()]

    def log_lines(self, worker: str) -> list[str]:
        """Of the tab "Logs": what stands beneath the worker's name, when that is opened."""
        for heading in self.driver.find_elements(By.XPATH, "//h3[button]"):
            # The page takes the name for snake case and makes camel case of it.
            if heading.text.lower() == worker.replace("_", ""):
                if heading.find_element(By.TAG_NAME, "button").get_attribute("aria-expanded") == "false":
                    heading.click()
                return [line.text for line in heading.find_elements(By.XPATH, "./following-sibling::*//p")]
        return []

    def _press(self, button: str) -> None:
        self.click(By.XPATH, f"//button[normalize-space()='{button}']")

    def _header(self, label: str) -> str:
        return self.driver.execute_script(READ_HEADER, label)
