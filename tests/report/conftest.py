"""One published state for the tests of the report."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from selenium import webdriver

from segwarehouse.refresh import RefreshReport
from segwarehouse.report import summarise, write_report
from segwarehouse.state.published import PublishedState
from tests.browser import logged

PROFIT = {1: 9.5, 20: 60.0, 50: 75.0, 100: 10.0}
"""Contacts and profit, as if costs had been configured; 50 contacts are the best."""

Open = Callable[..., webdriver.Chrome]


@pytest.fixture(scope="session")
def state(tmp_path_factory: pytest.TempPathFactory, published: tuple[Path, RefreshReport]) -> Path:
    """A copy of a published state, in which departments have a profit curve and changes since the last run."""
    file = tmp_path_factory.mktemp("report") / "warehouse.duckdb"
    shutil.copyfile(published[0] / "published" / "warehouse.duckdb", file)
    file.chmod(0o644)
    rows = ", ".join(
        f"({contacts / 400.0}, {contacts}, {profit}, {profit - 5}, {profit + 5}, {int(contacts == 50)}, null, null)"
        for contacts, profit in PROFIT.items()
    )
    with duckdb.connect(str(file)) as connection:
        for statement in (
            f"insert into targeting.profit select department_key, department, p.* from targeting.departments, "
            f"(values {rows}) as p(share, contacts, profit, low, high, is_best, least, most)",
            "update targeting.runs set settings = json_merge_patch(settings, "
            """'{"audience": {"cost_per_contact": 0.5, "value_per_conversion": 20.0}}')""",
            "insert into targeting.changes by name select 'Bread' as department, customer_id, 'entered' as change, "
            "'ranks higher' as reason from features.customers order by customer_id limit 12",
            "insert into targeting.changes by name select 'Bread' as department, customer_id, 'left' as change, "
            "'has bought there' as reason from features.customers order by customer_id limit 3",
        ):
            connection.execute(statement).fetchall()
    return file


@pytest.fixture(scope="session")
def summary(state: Path) -> dict[str, Any]:
    """What the report says of that state."""
    with PublishedState.of_file(state) as published:
        return summarise(published)


@pytest.fixture(scope="session")
def page(state: Path) -> Path:
    """The report of that state."""
    file = state.with_name("report.html")
    with PublishedState.of_file(state) as published:
        write_report(published, file)
    return file


@pytest.fixture
def visit(chromium: webdriver.Chrome) -> Open:
    """Open a file as a reader without a network would."""

    def opened(file: Path, anchor: str = "", width: int = 1280, media: str = "") -> webdriver.Chrome:
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        chromium.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        still = [{"name": "prefers-reduced-motion", "value": "reduce"}]
        chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": still})
        chromium.execute_cdp_cmd("Network.enable", {})
        offline = {"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0}
        chromium.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
        chromium.get("about:blank")
        logged(chromium, "browser")
        logged(chromium, "performance")
        chromium.get(f"{file.as_uri()}{anchor}")
        return chromium

    return opened
