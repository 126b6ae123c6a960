"""The report in a real browser: it works offline, answers, copies SQL that runs, and executes nothing from data."""

import copy
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement

from segwarehouse.report.html import render
from tests.browser import complaints, requests, wait
from tests.report.conftest import PROFIT, Open
from tests.report.test_html import infected

pytestmark = pytest.mark.browser

PHONE = 380
ATTACKS = (
    '"><script>window.hacked = 1</script>',
    "<img src=x onerror='window.hacked = 1'>",
    "</script><script>window.hacked = 1</script>",
    "{{ 7 * 7 }}${window.hacked = 1}",
    "'; window.hacked = 1; //",
    "\u202egnol\u202c\u2066 \u200f",
    "&lt;b&gt; \\u003c \\",
    "n" * 3_000,
)

SHOWN = ("buyers", "precision", "lift")


def one(browser: webdriver.Chrome, selector: str) -> WebElement:
    """Return the first visible element."""
    return next(found for found in browser.find_elements(By.CSS_SELECTOR, selector) if found.is_displayed())


def out(browser: webdriver.Chrome, name: str) -> str:
    return one(browser, f'[data-out="{name}"]').text


def outs(browser: webdriver.Chrome, contacts: int) -> dict[str, str]:
    """Set the number of contacts, and return all that the slider then says."""
    found: dict[str, str] = browser.execute_script(
        "const article = document.querySelector('article:not([hidden])');"
        "const number = article.querySelector('input[type=number]');"
        "number.value = arguments[0]; number.dispatchEvent(new Event('input'));"
        "return Object.fromEntries([...article.querySelectorAll('[data-out]')]"
        ".map((each) => [each.dataset.out, each.textContent]))",
        contacts,
    )
    return found


def says(element: WebElement, text: str) -> Callable[[webdriver.Chrome], object]:
    return lambda _: element.text == text


def drawn(chart: WebElement) -> Callable[[webdriver.Chrome], object]:
    return lambda _: chart.get_attribute("data-drawn") == "yes"


def markup(element: WebElement) -> str:
    return element.get_attribute("innerHTML") or ""


def contacts_of(browser: webdriver.Chrome) -> int:
    return int(str(one(browser, 'article input[type="number"]').get_property("value")))


def go_to(browser: webdriver.Chrome, anchor: str) -> None:
    browser.execute_script("location.hash = arguments[0]", anchor)
    wait(browser, lambda _: browser.find_elements(By.CSS_SELECTOR, f"article{anchor}:not([hidden]) h2"))


def draw_all(browser: webdriver.Chrome) -> int:
    """Scroll through the page until every visible chart is drawn; return how many there are."""
    charts = [chart for chart in browser.find_elements(By.CSS_SELECTOR, ".chart") if chart.is_displayed()]
    for chart in charts:
        browser.execute_script("arguments[0].scrollIntoView()", chart)
        wait(browser, drawn(chart))
        assert chart.find_elements(By.TAG_NAME, "svg"), chart.get_attribute("data-chart")
    return len(charts)


def part_of(summary: dict[str, Any], name: str) -> dict[str, Any]:
    return next(part for part in summary["departments"] if part["name"] == name)


def choose(browser: webdriver.Chrome, name: str) -> None:
    option = browser.find_element(By.XPATH, f'//select[@id="choose"]/option[normalize-space()="{name}"]')
    option.click()
    wait(browser, lambda _: one(browser, "article h2").text == name)


def test_every_department_is_drawn_offline_without_a_complaint(
    visit: Open, page: Path, summary: dict[str, Any]
) -> None:
    browser = visit(page)
    for part in summary["departments"]:
        choose(browser, part["name"])
        assert draw_all(browser) >= 10
    assert complaints(browser) == []
    assert requests(browser) == {page.as_uri()}


@pytest.mark.parametrize("department", ["Bread", "海鲜"])
def test_the_slider_says_what_the_tables_say(
    visit: Open, page: Path, state: Path, summary: dict[str, Any], department: str
) -> None:
    browser = visit(page, f"#d{part_of(summary, department)['key']}")
    with duckdb.connect(str(state), read_only=True) as connection:
        table = connection.execute(
            "select contacts, share, expected_buyers, expected_buyers_low, expected_buyers_high, precision, "
            "precision_low, precision_high, lift, lift_low, lift_high from targeting.curves "
            "where ranking = 'rules' and department = ? order by contacts",
            [department],
        ).fetchall()
    row = part_of(summary, department)["figures"]
    candidates, most = row["candidates"], row["contactable"] or table[-1][0]
    everyone = candidates * table[-1][2] / table[-1][0]  # the control group is expected to buy alike
    for contacts, _, *expected in table:
        if contacts > most:
            continue
        said = outs(browser, contacts)
        for name, (value, low, high) in zip(SHOWN, zip(*[iter(expected)] * 3, strict=True), strict=True):
            assert near(said[name], [value])
            assert near(said[f"{name}-between"], [low, high])
        cells = [int(said[cell].replace(",", "")) for cell in ("tp", "fp", "fn", "tn")]
        assert cells[0] + cells[1] == pytest.approx(contacts, abs=1)
        assert cells[0] + cells[2] == pytest.approx(everyone, abs=1)
        assert sum(cells) == pytest.approx(candidates, abs=2)
        assert near(said["cost"], [contacts * 0.5])
    assert int(outs(browser, candidates + 1)["tp"].replace(",", "")) <= most
    between = (table[3][0] + table[4][0]) // 2
    part = (between - table[3][0]) / (table[4][0] - table[3][0])
    assert near(outs(browser, between)["buyers"], [table[3][2] + part * (table[4][2] - table[3][2])])
    for contacts, profit in PROFIT.items():
        if contacts > most:
            continue
        said = outs(browser, contacts)
        assert near(said["profit"], [profit])
        assert near(said["profit-between"], [profit - 5, profit + 5])
    part = (min(75, most) - 50) / 50
    assert near(outs(browser, min(75, most))["profit"], [75 + part * (10 - 75)])


def near(text: str, values: list[float]) -> bool:
    """Tell whether a text shows these numbers, each rounded to the digits that it shows."""
    shown = re.findall(r"([−\d,]+)(\.\d+)?(%?)", text)
    assert len(shown) == len(values), text
    for (whole, fraction, percent), value in zip(shown, values, strict=True):
        unit = 10.0 ** -max(0, len(fraction) - 1) * (0.01 if percent else 1.0)
        number = float(f"{whole}{fraction}".replace(",", "").replace("−", "-")) * (0.01 if percent else 1.0)
        if abs(number - value) > 0.501 * unit:
            return False
    return True


def test_moving_the_slider_moves_numbers_sql_and_the_line_on_the_curve(visit: Open, page: Path) -> None:
    browser = visit(page)
    draw_all(browser)
    slider = one(browser, 'article input[type="range"]')
    sql, curve = one(browser, "[data-sql]"), one(browser, '[data-chart="curve"]')
    before, shape = (out(browser, "buyers"), sql.text), markup(curve)
    for _ in range(30):
        slider.send_keys(Keys.ARROW_RIGHT)
    contacts = contacts_of(browser)
    assert contacts > 30
    assert sql.text.endswith(f"LIMIT {contacts}")
    assert (out(browser, "buyers"), sql.text) != before
    wait(browser, lambda _: markup(curve) != shape)
    shape = markup(curve)
    one(browser, 'article input[value="recall"]').click()
    wait(browser, lambda _: markup(curve) != shape and "100%" in curve.text)
    assert complaints(browser) == []


@pytest.mark.parametrize(("contactable", "most"), [(30, 30), (None, None)])
def test_the_slider_ends_where_the_view_does(
    visit: Open, page: Path, tmp_path: Path, summary: dict[str, Any], contactable: int | None, most: int | None
) -> None:
    """Where the size of the audience is kept back it goes on to all candidates, and nothing is said."""
    file = tmp_path / "report.html"
    text = re.sub(r'"contactable": ?(\d+|null)', f'"contactable":{json.dumps(contactable)}', page.read_text("utf-8"))
    file.write_text(text, "utf-8")
    browser = visit(file)
    draw_all(browser)
    everybody = summary["departments"][0]["curves"]["rules"]["contacts"][-1]
    said = outs(browser, 100_000)
    assert sum(int(said[cell].replace(",", "")) for cell in ("tp", "fp")) == (most or everybody)
    assert said["note"].startswith("The view holds no more") is (most is not None)


def test_copied_sql_runs_and_selects_as_many_as_were_chosen(visit: Open, page: Path, state: Path) -> None:
    browser = visit(page)
    browser.execute_cdp_cmd(
        "Browser.grantPermissions", {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
    )
    outs(browser, 17)
    for summary in browser.find_elements(By.CSS_SELECTOR, "article details > summary"):
        if summary.is_displayed():
            browser.execute_script("arguments[0].parentElement.open = true", summary)
    buttons = [
        button for button in browser.find_elements(By.CSS_SELECTOR, "article [data-copy]") if button.is_displayed()
    ]
    assert len(buttons) > 2
    counts = []
    with duckdb.connect(str(state), read_only=True) as connection:
        for button in buttons:
            browser.execute_script("arguments[0].scrollIntoView({block: 'center'})", button)
            button.click()
            wait(browser, says(button, "Copied"))
            copied = browser.execute_async_script("navigator.clipboard.readText().then(arguments[0])")
            counts.append(len(connection.execute(copied).fetchall()))
    assert counts[-1] == 17
    assert all(count > 0 for count in counts[:-1])


def test_30_departments_with_hostile_names_execute_nothing(
    visit: Open, summary: dict[str, Any], tmp_path: Path
) -> None:
    hostile = copy.deepcopy(summary)
    parts = hostile["departments"]
    hostile["departments"] = []
    for number in range(30):
        part = infected(copy.deepcopy(parts[number % len(parts)]), ATTACKS[number % len(ATTACKS)])
        hostile["departments"].append({**part, "key": 1000 + number})
    for name in ("overview", "cleaning", "steps", "runs", "correlations", "customers_map", "settings", "run"):
        hostile[name] = infected(hostile[name], ATTACKS[0])
    for packed in (False, True):
        file = tmp_path / f"hostile-{packed}.html"
        file.write_text(render(hostile, packed=packed), encoding="utf-8")
        browser = visit(file)
        for number in (0, 5) if packed else (2, 1, 7):
            go_to(browser, f"#d{1000 + number}")
            draw_all(browser)
            assert browser.execute_script("return document.documentElement.scrollWidth") <= 1280
        assert browser.execute_script("return window.hacked") is None
        assert (
            browser.execute_script("return document.querySelectorAll('img, iframe, object, embed, link').length") == 0
        )
        assert complaints(browser) == []
        assert requests(browser) == {file.as_uri()}


def test_the_keyboard_reaches_every_control(visit: Open, page: Path) -> None:
    browser = visit(page)
    controls = browser.execute_script(
        "return [...document.querySelectorAll('a[href], button, input, select, summary')]"
        ".filter((each) => each.checkVisibility()).map((each, at) => { each.dataset.control = at; return "
        "each.type === 'radio' && !each.checked ? null : String(at); }).filter((each) => each !== null)"
    )
    reached: list[str] = []
    body = browser.find_element(By.TAG_NAME, "body")
    for _ in range(len(controls) + 5):
        (browser.switch_to.active_element or body).send_keys(Keys.TAB)
        focused = browser.execute_script("return document.activeElement.dataset.control ?? null")
        if focused is not None:
            reached.append(focused)
    assert len(controls) > 30
    assert set(controls) - set(reached) == set()


@pytest.mark.parametrize("department", ["Bread", "Fish & Chips"])
def test_a_phone_shows_it_without_scrolling_sideways(
    visit: Open, page: Path, summary: dict[str, Any], department: str
) -> None:
    browser = visit(page, f"#d{part_of(summary, department)['key']}", width=PHONE)
    draw_all(browser)
    for details in browser.find_elements(By.TAG_NAME, "details"):
        browser.execute_script("arguments[0].open = true", details)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= PHONE
    assert complaints(browser) == []


@pytest.mark.parametrize("width", [641, 768, 960, 1440])
def test_no_table_is_cut_off_on_a_tablet(visit: Open, page: Path, width: int) -> None:
    browser = visit(page, width=width)
    assert one(browser, "#departments").is_displayed()
    cut = "[...document.querySelectorAll('.scroll')].filter((each) => each.scrollWidth > each.clientWidth)"
    assert browser.execute_script(f"return {cut}.map((each) => each.textContent.trim().slice(0, 80))") == []


def test_on_a_phone_what_belongs_to_a_label_stands_beside_it(visit: Open, page: Path) -> None:
    browser = visit(page, width=PHONE)
    cells = "[...document.querySelectorAll('td[data-label]')].filter((each) => each.checkVisibility())"
    wide = f"return {cells}.filter((each) => each.scrollWidth > each.clientWidth + 1).map((each) => each.textContent)"
    assert browser.execute_script(wide) == []
    inner = f"{cells}.flatMap((each) => [...each.querySelectorAll(':scope > small')])"
    left = "each.getBoundingClientRect().left - each.parentElement.getBoundingClientRect().left"
    indents = browser.execute_script(f"return {inner}.map((each) => {left})")
    assert len(indents) > 0
    assert min(indents) > 80


def test_tables_sort_and_filter(visit: Open, page: Path, summary: dict[str, Any]) -> None:
    browser = visit(page)

    def names() -> list[str]:
        rows = browser.find_elements(By.CSS_SELECTOR, "#departments tbody tr")
        return [row.find_element(By.CSS_SELECTOR, "th bdi").text for row in rows if row.is_displayed()]

    buyers = {row["name"]: row["buyers"] for row in summary["overview"]}
    head = one(browser, "#departments thead th:nth-child(2) button")
    head.click()
    assert names() == sorted(buyers, key=lambda name: -buyers[name])
    assert head.find_element(By.XPATH, "..").get_attribute("aria-sort") == "descending"
    head.click()
    assert names() == sorted(buyers, key=lambda name: buyers[name])
    one(browser, "#find").send_keys("chips")
    assert names() == ["Fish & Chips"]
    assert one(browser, "#found").text == f"1 of {len(buyers)} departments"


def test_light_and_dark_can_be_chosen(visit: Open, page: Path) -> None:
    browser = visit(page)
    seen = []
    for _ in range(3):
        one(browser, "#theme").click()
        time.sleep(0.05)
        seen.append(browser.execute_script("return getComputedStyle(document.body).backgroundColor"))
    assert seen[0] == "rgb(255, 255, 255)"
    assert seen[1] == "rgb(17, 21, 26)"
