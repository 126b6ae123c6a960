"""The report on paper: all is drawn without being looked at first, nothing is cut off, a department has four pages."""

import base64
import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from segwarehouse.report.html import render
from tests.browser import logged
from tests.report.conftest import Open

pytestmark = pytest.mark.browser

PAPERS = {"A4": (8.27, 11.69), "US Letter": (8.5, 11.0)}
"""Width and height in inches."""
MOST_PAGES = 4
"""Of a department."""
LEAST_MARKS = 8
"""An axis with its grid alone has fewer."""
MARGINS = 2 * 12.0 / 25.4
"""Of the width, in inches."""

PICTURES = {
    # what stands in a chart, and how its finding begins
    "curve": ("customers contacted", r"Contacting [\d,]+, the rules find"),
    "reliability": ("predicted to buy", r"Of [\d,]+ customers the scores promised"),
    "swarm": ("less likely to buy", r"What moves the chance to buy most:"),
    "force": ("push towards buying", r"(Several measures together|Mostly one measure alone) decide"),
    "scores": ("score, at most 1", r"groups? of buyers (was|were) chosen"),
}

HEADINGS = {
    "Overview", "Who is in: the rules", "How stable the rules are", "How many to contact", "Why people are in",
    "Can the scores be believed", "What moves the chance to buy", "Kinds of customers", "All customers",
    "By where they buy most", "What goes together", "Data and run", "How long each step took", "Versions",
}  # fmt: skip

WATCH = """
window.paper = [];
window.addEventListener('afterprint', () => {
  const marks = (chart) => chart.querySelectorAll('path[d]:not([d=""]), line, rect, text').length;
  window.paper = [...document.querySelectorAll('.on-paper')].map((chart) =>
    [chart.closest('[data-part]')?.id ?? '', chart.dataset.chart, marks(chart)]);
}, { capture: true });
"""
"""Notes what was on the pages the moment before it is cleared away."""

TOO_WIDE = """
const [widest, root] = [arguments[0], document.documentElement];
const seen = [...document.body.querySelectorAll('*')].filter((each) => !(each instanceof SVGElement)
  && each.checkVisibility() && !each.closest('.visually-hidden, .tip'));
const cut = (each) => getComputedStyle(each).overflowX !== 'visible' && each.scrollWidth > each.clientWidth + 1;
return [seen.length, seen.filter((each) => each.getBoundingClientRect().right > widest + 1 || cut(each))
  .map((each) => each.outerHTML.slice(0, 120))];
"""


def printed(browser: webdriver.Chrome, paper: str = "A4") -> "Pages":
    """Print as the browser's own command does."""
    width, height = PAPERS[paper]
    size = {"paperWidth": width, "paperHeight": height, "printBackground": True, "preferCSSPageSize": True}
    data: str = browser.execute_cdp_cmd("Page.printToPDF", size)["data"]
    return Pages(base64.b64decode(data))


class Pages:
    """The pages of a PDF: their text, and their pixels."""

    def __init__(self, data: bytes) -> None:
        self._document = pypdfium2.PdfDocument(data)
        self.texts: list[str] = [page.get_textpage().get_text_bounded() for page in self._document]

    def __len__(self) -> int:
        return len(self.texts)

    def pixels(self) -> Iterator[Any]:
        """Yield each page as an array of rows, columns and red, green and blue."""
        for page in self._document:
            yield page.render(scale=1, rev_byteorder=True).to_numpy()[:, :, :3].astype(int)

    def named(self, name: str) -> list[int]:
        """Return the pages that have a department's name at their head."""
        return [at for at, text in enumerate(self.texts) if re.search(rf"as of \S+\s+{re.escape(name)}\s", text[:300])]


def on_paper(browser: webdriver.Chrome) -> None:
    """Show on the screen what would be on paper."""
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    browser.execute_async_script("window.dispatchEvent(new Event('beforeprint')); setTimeout(arguments[0], 50)")


def visible(browser: webdriver.Chrome, selector: str) -> list[str]:
    return [each.text for each in browser.find_elements(By.CSS_SELECTOR, selector) if each.is_displayed()]


def press(browser: webdriver.Chrome, which: str) -> Pages:
    """Press a button that prints, and print when it asks the browser to."""
    browser.execute_script("window.asked = 0; window.print = () => { window.asked += 1; };")
    browser.find_element(By.CSS_SELECTOR, f"[data-print='{which}']").click()
    WebDriverWait(browser, 60).until(lambda _: browser.execute_script("return window.asked") == 1)
    return printed(browser)


def crowded(summary: dict[str, Any]) -> dict[str, Any]:
    """Return the same with as many rules, groups and departments as there may be, in long words."""
    full = copy.deepcopy(summary)
    part = full["departments"][0]
    words = "bought 10 or more times in SOAP - LIQUID & BAR PRODUCTS and shopped in at least 10 departments"
    part["rules"] = [{**part["rules"][0], "rule": f"R{n}", "position": n, "words": words} for n in range(1, 13)]
    part["reasons"]["rows"] = [{"rule": f"R{n}", "words": words, "customers": 20} for n in range(1, 13)]
    for kind in ("personas", "components"):
        part[kind] = [{**part[kind][0], "segment_id": n, "name": words} for n in range(8)]
    full["departments"] = [part]
    full["overview"] = [{**full["overview"][n % 2], "name": f"Department {n}"} for n in range(90)]
    return full


@pytest.fixture(scope="module", params=PAPERS)
def whole(request: pytest.FixtureRequest, chromium: webdriver.Chrome, page: Path) -> tuple[Pages, Any, list[str]]:
    """The whole report as it is printed right after it was opened, what was on it, and what the browser said."""
    chromium.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})
    watch = chromium.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH})
    chromium.get(page.as_uri())
    logged(chromium, "browser")
    pages = printed(chromium, request.param)
    chromium.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", watch)
    complaints = [each["message"] for each in logged(chromium, "browser")]
    return pages, chromium.execute_script("return window.paper"), complaints


def test_every_chart_of_every_department_is_drawn_without_scrolling(
    whole: tuple[Pages, Any, list[str]], summary: dict[str, Any]
) -> None:
    pages, charts, complaints = whole
    drawn = {
        f"d{part['key']}": {name for owner, name, _ in charts if owner == f"d{part['key']}"}
        for part in summary["departments"]
    }
    assert len(drawn) == len(summary["departments"]) > 1
    assert all(found >= {*PICTURES, "groups", "truth", "mixture"} for found in drawn.values()), drawn
    assert {name for owner, name, _ in charts if not owner} == {"customers", "correlations"}
    assert [(owner, name) for owner, name, marks in charts if marks < LEAST_MARKS] == []
    for inside, finding in PICTURES.values():
        assert sum(inside in text for text in pages.texts) == len(drawn)
        # a chart and its finding are on the same page: nothing is split
        assert [inside in text for text in pages.texts] == [
            re.search(finding, text) is not None for text in pages.texts
        ]
    assert complaints == []


def test_the_overview_has_one_page_and_a_department_four_at_most(
    whole: tuple[Pages, Any, list[str]], summary: dict[str, Any]
) -> None:
    pages, *_ = whole
    places = {part["name"]: pages.named(part["name"]) for part in summary["departments"] if part["name"].isascii()}
    assert len(places) > 1
    assert {name: len(found) for name, found in places.items() if not 1 < len(found) <= MOST_PAGES} == {}
    assert min(at for found in places.values() for at in found) == 1  # the overview is on the page before it
    assert "the rules, with their 95% interval" in pages.texts[0]
    for at, text in enumerate(pages.texts, 1):
        assert f"targeting report, as of {summary['run']['as_of']}" in text
        assert f"{at} of {len(pages)}" in text


def test_no_heading_is_left_alone_at_the_end_of_a_page(visit: Open, page: Path) -> None:
    """Whatever stands above it: a gap moves all of a department down the page, step by step."""
    browser = visit(page)
    seen: set[str] = set()
    for gap in range(0, 900, 60):
        browser.execute_script(
            "document.documentElement.dataset.paper = 'department';"
            "document.querySelector('article:not([hidden])').style.paddingTop = `${arguments[0]}px`",
            gap,
        )
        texts = printed(browser, "US Letter").texts
        assert {ending(text) for text in texts} & HEADINGS == set(), gap
        seen |= {heading for heading in HEADINGS if any(heading in text for text in texts)}
    assert len(seen) > 5


def ending(text: str) -> str:
    """Return the last line of a page, foot and head aside."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return next(
        line
        for line in reversed(lines)
        if not re.search(r"^\d+ of \d+$|segwarehouse, run|targeting report, as of", line)
    )


@pytest.mark.parametrize("paper", PAPERS)
def test_crowded_departments_and_long_overviews_fit_too(
    visit: Open, summary: dict[str, Any], tmp_path: Path, paper: str
) -> None:
    file = tmp_path / "crowded.html"
    file.write_text(render(crowded(summary), project="the shop"), encoding="utf-8")
    pages = printed(visit(file), paper)
    assert 1 < len(pages.named(summary["departments"][0]["name"])) <= MOST_PAGES
    overview = [text for text in pages.texts if re.search(r"^Department \d+ ", text, re.MULTILINE)]
    assert len(overview) > 1
    assert all("Lift at the budget" in text and "Verdict" in text for text in overview)  # tables repeat their heads
    assert all("the shop · targeting report" in text for text in pages.texts)
    told = " ".join(" ".join(pages.texts).split())
    assert told.count("What is typical of each is left out on paper.") == 2
    assert told.count("On paper, the six that most satisfy.") == 1


@pytest.mark.parametrize("paper", PAPERS)
def test_nothing_is_wider_than_the_page(visit: Open, summary: dict[str, Any], tmp_path: Path, paper: str) -> None:
    file = tmp_path / "crowded.html"
    file.write_text(render(crowded(summary)), encoding="utf-8")
    width = int(96 * (PAPERS[paper][0] - MARGINS))
    browser = visit(file, width=width)
    browser.execute_script("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    on_paper(browser)
    elements, wide = browser.execute_script(TOO_WIDE, width)
    assert elements > 500
    assert wide == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width


def test_what_is_folded_away_is_not_printed_and_what_was_opened_is(visit: Open, page: Path) -> None:
    browser = visit(page)
    assert not any("SELECT" in text for text in printed(browser).texts)
    label, query = browser.execute_script(
        "const details = document.querySelector('article:not([hidden]) td details'); details.open = true;"
        "return [details.querySelector('summary').textContent, details.querySelector('code').textContent]"
    )
    texts = printed(browser).texts
    assert sum("SELECT" in text for text in texts) == 1
    shown = next(text for text in texts if "SELECT" in text)
    assert label in shown
    assert "".join(query.split()) in "".join(shown.split())
    assert browser.execute_script("return document.querySelectorAll('details[open]').length") == 1


def test_controls_are_left_out_and_what_they_are_set_to_is_said(visit: Open, page: Path) -> None:
    browser = visit(page)
    browser.execute_script(
        "const part = document.querySelector('article:not([hidden])');"
        "const number = part.querySelector('input[type=number]');"
        "number.value = 1234; number.dispatchEvent(new Event('change')); number.value = 57;"
        "number.dispatchEvent(new Event('change'));"
        "part.querySelector('input[value=recall]').click();"
        "document.getElementById('find').value = 'chips';"
        "document.getElementById('find').dispatchEvent(new Event('input'));"
        "document.querySelector('#highlight button').click();"
    )
    pages = printed(browser)
    bread = " ".join(pages.texts[at] for at in pages.named("Bread"))
    assert re.search(r"Contacts\s+57\s", bread)
    assert "Drawn: share of all buyers found." in bread
    assert re.search(r"Only departments with “chips” in their names: 1 of \d+ departments\.", pages.texts[0])
    assert any(text.count("Brought forward: ") == 1 for text in pages.texts)
    fish = " ".join(pages.texts[at] for at in pages.named("Fish & Chips"))
    assert re.search(r"Contacts\s+30\s", fish)  # what was never opened has the budget
    assert "Drawn: times as many as by chance." in fish
    assert browser.execute_script("return document.querySelectorAll('.stated, .on-paper').length") == 0
    on_paper(browser)
    controls = (
        "button:not(th button, .legend button), input, select, fieldset, .bar, .tools, .chips, .copy, .skip, .tip"
    )
    assert len(browser.find_elements(By.CSS_SELECTOR, controls)) > 20
    assert visible(browser, controls) == []


def test_a_button_prints_the_open_department_alone(visit: Open, page: Path, summary: dict[str, Any]) -> None:
    part = next(part for part in summary["departments"] if part["name"] == "Fish & Chips")
    browser = visit(page, f"#d{part['key']}")
    pages = press(browser, "department")
    assert pages.named("Fish & Chips") == list(range(len(pages)))
    assert 1 < len(pages) <= MOST_PAGES
    assert not any("Overview" in text or "Data and run" in text for text in pages.texts)
    assert len(printed(browser)) > len(pages)  # the next time, the browser's own command prints all
    assert len(press(browser, "whole")) > len(pages)


def test_packed_departments_are_printed_by_the_button(visit: Open, summary: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "packed.html"
    file.write_text(render(summary, packed=True), encoding="utf-8")
    names = [part["name"] for part in summary["departments"] if part["name"].isascii()]
    browser = visit(file)
    WebDriverWait(browser, 20).until(lambda _: visible(browser, "article h2"))
    pages = printed(browser)
    assert [bool(pages.named(name)) for name in names] == [True, *[False] * (len(names) - 1)]
    packed = len(summary["departments"]) - 1
    assert f"{packed} of {packed + 1} departments are packed and not printed" in " ".join(pages.texts[0].split())
    pages = press(browser, "whole")
    assert all(1 <= len(pages.named(name)) <= MOST_PAGES for name in names)
    assert not any("packed" in text for text in pages.texts)


def test_paper_is_light_in_dark_mode(visit: Open, page: Path) -> None:
    browser = visit(page)
    dark = {"media": "", "features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", dark)
    browser.execute_script("document.documentElement.dataset.theme = 'dark'")
    assert browser.execute_script("return getComputedStyle(document.body).backgroundColor") == "rgb(17, 21, 26)"
    for pixels in printed(browser).pixels():
        assert np.median(pixels) == 255
        assert (pixels.max(axis=2) < 128).any()  # dark ink
