"""Debian's Chromium, headless: what it downloads, and what it complains about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fleet import PATIENCE, eventually
from selenium import webdriver

WIDTH, HEIGHT = 1280, 900
# The page must do without the world outside: no name but these addresses resolves.
OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    f"--window-size={WIDTH},{HEIGHT}",
)


class Browser:
    def __init__(self, downloads: Path) -> None:
        self.downloads = downloads
        options = webdriver.ChromeOptions()
        options.binary_location = "/usr/bin/chromium"
        for option in OPTIONS:
            options.add_argument(option)
        options.add_experimental_option("prefs", {"download.default_directory": str(downloads)})
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options, webdriver.ChromeService("/usr/bin/chromedriver"))
        self.driver.set_page_load_timeout(PATIENCE)
        self.driver.set_script_timeout(PATIENCE)

    def downloaded(self, pattern: str) -> Path:
        """The file that was asked for last, when it is complete: meanwhile it has another name."""
        return eventually(f"a download {pattern}", lambda: next(self.downloads.glob(pattern), None))

    def complaints(self) -> list[Any]:
        """What pages have written to the console as errors; a report that is opened as a file misses its icon."""
        lines = [line for line in self.driver.get_log("browser") if line["level"] == "SEVERE"]
        return [line for line in lines if not (line["source"] == "network" and line["message"].startswith("file:"))]

    def close(self) -> None:
        self.driver.quit()
