"""The page of Locust 2.13.0: jQuery, all forms and tabs in the document from the beginning."""

from __future__ import annotations

from selenium.webdriver.common.by import By
from selenium.webdriver.support.select import Select
from web_page import WebPage, number


class Page213(WebPage):
    tabs = ("Statistics", "Charts", "Failures", "Exceptions", "Current ratio", "Download Data", "Workers")
    ratio_tab = "Current ratio"
    requests_csv = "Download request statistics CSV"
    _tab = "ul.tabs a"
    _tab_link = "//ul[contains(@class, 'tabs')]//a[normalize-space()='{}']"
    _chart = ".charts-container .chart"

    def status(self) -> str:
        return self._text("status_text").lower()

    def users(self) -> int:
        return number(self._text("userCount"))

    def worker_count(self) -> int:
        return number(self._text("workerCount"))

    def host(self) -> str:
        return self._text("host_url_link")

    def offered_classes(self) -> list[str]:
        return [option.text for option in self._picker().options]

    def start(self, users: int, ramp: int, host: str, classes: set[str] | None = None) -> None:
        self.fill(By.ID, "user_count", users)
        self.fill(By.ID, "spawn_rate", ramp)
        self.fill(By.ID, "host", host)
        if classes is not None:
            for option in self._picker().options:
                if option.is_selected() != (option.text in classes):
                    option.click()
        self.click(By.CSS_SELECTOR, "#swarm_form button")

    def edit(self, users: int, ramp: int) -> None:
        self.click(By.ID, "edit-test")
        self.fill(By.ID, "new_user_count", users)
        self.fill(By.ID, "new_spawn_rate", ramp)
        self.click(By.CSS_SELECTOR, "#edit_form button")

    def stop(self) -> None:
        self.click(By.CSS_SELECTOR, "a.stop-button")

    def new_test(self) -> None:
        self.click(By.ID, "new-test")

    def exceptions(self) -> list[tuple[int, str]]:
        return [(int(row[0]), row[1]) for row in self.rows()]

    def _picker(self) -> Select:
        return Select(self.driver.find_element(By.ID, "user-classes"))

    def _text(self, identity: str) -> str:
        return self.driver.find_element(By.ID, identity).get_attribute("textContent").strip()
