"""A real browser, found on the PATH, and what it has logged."""

import json
import os
import shutil
from collections.abc import Callable
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip


def start() -> webdriver.Chrome:
    """Start Chromium with its driver.

    Not every developer's machine has one: there the tests that need it are left out, and say so. Continuous integration
    installs one and sets SEGWAREHOUSE_BROWSER=required, and then its absence is a failure.
    """
    binary = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    driver = shutil.which("chromedriver")
    if binary is None or driver is None:
        reason = "no chromium with chromedriver on the PATH (Debian: apt-get install chromium chromium-driver)"
        if os.environ.get("SEGWAREHOUSE_BROWSER") == "required":
            pytest.fail(reason)
        pytest.skip(reason)  # a browser can't be installed by pip
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for flag in FLAGS:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options=options, service=Service(driver))


def logged(browser: webdriver.Chrome, kind: str) -> list[dict[str, Any]]:
    """Return what the browser has logged since it was asked last."""
    entries: list[dict[str, Any]] = browser.execute("getLog", {"type": kind})["value"]
    return entries


def complaints(browser: webdriver.Chrome) -> list[str]:
    """Return what the console has logged since it was asked last."""
    return [entry["message"] for entry in logged(browser, "browser")]


def requests(browser: webdriver.Chrome) -> set[str]:
    """Return the addresses that were asked for since the browser was asked last."""
    messages = [json.loads(entry["message"])["message"] for entry in logged(browser, "performance")]
    sent = [message["params"] for message in messages if message["method"] == "Network.requestWillBeSent"]
    return {each["request"]["url"] for each in sent if not each["request"]["url"].startswith("data:")}


def wait(browser: webdriver.Chrome, condition: Callable[[webdriver.Chrome], object]) -> None:
    """Wait until a condition holds, for 20 seconds at most."""
    WebDriverWait(browser, 20).until(condition)
