"""The documentation as a site: it builds without a warning, every link leads somewhere, nothing comes from elsewhere.

In a real browser every page is whole, light and dark, wide and on a phone, opened from a folder or from a server.
"""

import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from tests.browser import complaints, logged, requests, wait

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "docs").rglob("*.md"))
DESKTOP, PHONE = 1440, 390
COLOURS = ("light", "dark")
TOGGLE = "[data-md-component=palette] label"

TOO_WIDE = """
    const sticksOut = (each) => each.getBoundingClientRect().right > window.innerWidth + 1;
    const blocks = [...document.querySelectorAll('article > *')].filter(sticksOut).map((each) => each.outerHTML);
    return document.scrollingElement.scrollWidth > window.innerWidth ? ['the page', ...blocks] : blocks;
"""
"""What is wider than the window: the page itself, or a block of it. What is wide inside a block scrolls there."""

FAINT = """
    const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    canvas.fillStyle = getComputedStyle(document.body).backgroundColor;
    canvas.fillRect(0, 0, 2, 1);
    const light = (at) => {
      const [red, green, blue] = [...canvas.getImageData(at, 0, 1, 1).data].map((value) => value / 255)
        .map((value) => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const contrast = (colour) => {
      canvas.fillStyle = colour;
      canvas.fillRect(1, 0, 1, 1);
      const [less, more] = [light(0), light(1)].sort((one, other) => one - other);
      return (more + 0.05) / (less + 0.05);
    };
    const written = [...document.querySelectorAll('article :is(h1, h2, p, li, th, td, td a, p a)')];
    const colours = new Set(written.map((each) => getComputedStyle(each).color));
    return [...colours].filter((colour) => contrast(colour) < 4.5);
"""
"""Colours of text that are too faint on the page: the contrast of WCAG 2.2, success criterion 1.4.3."""

PLAIN_TABLES = """
    return [...document.querySelectorAll('article table')].filter((table) => {
      const [head, cell] = ['th', 'tbody tr:last-child td'].map((each) => getComputedStyle(table.querySelector(each)));
      return parseFloat(cell.borderTopWidth) === 0 || parseFloat(cell.paddingLeft) < 8 || head.fontWeight < 600;
    }).map((table) => table.outerHTML);
"""
"""Tables without lines between their rows, room in their cells, or a head that stands out."""


BROKEN_NAMES = """
    return [...document.querySelectorAll('article td:first-child code')]
      .filter((each) => !each.textContent.includes(' ') && each.getClientRects().length > 1)
      .map((each) => each.textContent);
"""
"""Names at the head of a row that go on in a second line."""

PRESS = "[...document.querySelectorAll(arguments[0])].find((each) => each.checkVisibility()).click()"


class Page(HTMLParser):
    """What of a built page can be checked without a browser."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.anchors: set[str] = {""}
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.paragraphs: list[str] = []
        self._inside = False
        self.feed(file.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.anchors |= {values[name] for name in ("id", "name") if name in values}
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        else:
            self.loaded += [values[name] for name in ("href", "src") if name in values]
        if tag == "p":
            self.paragraphs.append("")
            self._inside = True

    def handle_endtag(self, tag: str) -> None:
        self._inside = self._inside and tag != "p"

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.paragraphs[-1] += data


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built from a copy of its sources as `make docs` builds it."""
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(ROOT / "docs", folder / "docs")
    shutil.copy(ROOT / "zensical.toml", folder)
    command = [sys.executable, "-m", "zensical", "build", "--strict"]
    built = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return folder / "site"


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[str, Page]:
    """Every page by its address in the site, without the one that a server shows for a wrong address."""
    files = sorted(file for file in site.rglob("*.html") if file.name != "404.html")
    return {file.relative_to(site).as_posix(): Page(file) for file in files}


def target(page: str, link: str) -> tuple[str, str]:
    """Return the file that a link of a page leads to, and the place in it; the file is empty where it is elsewhere."""
    parts = urlsplit(link)
    if parts.scheme:
        return "", ""
    return unquote(urljoin(page, parts.path)), unquote(parts.fragment)


def test_every_source_is_a_page_that_links_lead_to(pages: dict[str, Page]) -> None:
    reached, left = set[str](), ["index.html"]
    while left:
        address = left.pop()
        if address in pages and address not in reached:
            reached.add(address)
            left += [target(address, link)[0] for link in pages[address].links]
    sources = {source.relative_to(ROOT / "docs").with_suffix(".html").as_posix() for source in SOURCES}
    assert reached == {re.sub(r"README\.html$", "index.html", source) for source in sources}


def test_every_link_leads_somewhere(site: Path, pages: dict[str, Page]) -> None:
    astray = []
    for address, page in pages.items():
        for link in page.links + page.loaded:
            file, place = target(address, link)
            there = place in pages[file].anchors if file in pages else not file or (site / file).is_file()
            astray += [] if there else [(address, link)]
    assert astray == []


def test_nothing_is_loaded_from_elsewhere(site: Path, pages: dict[str, Page]) -> None:
    loaded = {link for page in [*pages.values(), Page(site / "404.html")] for link in page.loaded}
    assert {link for link in loaded if urlsplit(link).netloc or urlsplit(link).scheme} == set()
    styles = "".join(file.read_text(encoding="utf-8") for file in site.rglob("*.css"))
    assert re.findall(r"@import[^;]*|url\(\s*[\"']?(?:https?:)?//[^)]*", styles) == []


def test_every_list_and_table_is_one(pages: dict[str, Page]) -> None:
    """Without a blank line before it, Markdown takes a list or a table for more of the paragraph."""
    texts = [(address, text) for address, page in pages.items() for text in page.paragraphs]
    assert len(texts) > len(pages)
    assert [(address, text) for address, text in texts if re.search(r"\n(?:[-*] |\d+\. |\|)", text)] == []


@pytest.fixture(scope="module", params=["folder", "server"])
def base(request: pytest.FixtureRequest, site: Path) -> Iterator[str]:
    """The address of the site: a folder that is opened as it is, or a plain server of static files."""
    if request.param == "folder":
        yield site.as_uri()
        return
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(site))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class Quiet(SimpleHTTPRequestHandler):
    """A server of files that writes no log."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the standard library gives
        pass


def resize(browser: webdriver.Chrome, width: int) -> None:
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def arrive(browser: webdriver.Chrome, base: str, colours: str = "light", width: int = DESKTOP) -> None:
    """Open the first page as a reader who has never been there, on a machine with these colours."""
    resize(browser, width)
    features = [
        {"name": "prefers-color-scheme", "value": colours},
        {"name": "prefers-reduced-motion", "value": "reduce"},
    ]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": features})
    browser.execute_cdp_cmd("Network.enable", {})
    offline = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    browser.execute_cdp_cmd("Network.emulateNetworkConditions", offline)
    browser.get(f"{base}/index.html")
    browser.execute_script("localStorage.clear()")
    logged(browser, "browser")
    logged(browser, "performance")
    browser.get(f"{base}/index.html")


def visible(browser: webdriver.Chrome, selector: str) -> WebElement:
    """Return the first visible element, once there is one."""

    def found() -> list[WebElement]:
        return [each for each in browser.find_elements(By.CSS_SELECTOR, selector) if each.is_displayed()]

    wait(browser, lambda _: found())
    return found()[0]


def background(browser: webdriver.Chrome) -> str:
    return str(browser.execute_script("return getComputedStyle(document.body).backgroundColor"))


def elsewhere(addresses: set[str], base: str) -> set[str]:
    return {address for address in addresses if not address.startswith(f"{base}/")}


def is_dark(colour: str) -> bool:
    return sum(int(part) for part in re.findall(r"\d+", colour)[:3]) < 3 * 128


def has_colours(colours: str) -> Callable[[webdriver.Chrome], bool]:
    return lambda browser: is_dark(background(browser)) == (colours == "dark")


@pytest.mark.browser
def test_every_page_is_whole(chromium: webdriver.Chrome, base: str, pages: dict[str, Page]) -> None:
    """Each in both colours, between which its own toggle changes, and then on a phone."""
    arrive(chromium, base)
    assert len(pages) > 50
    for address in pages:
        chromium.get(f"{base}/{address}")
        for colours in COLOURS:
            assert has_colours(colours)(chromium), address
            for look in (FAINT, PLAIN_TABLES, TOO_WIDE):
                assert chromium.execute_script(look) == [], address
            chromium.execute_script(PRESS, TOGGLE)
        resize(chromium, PHONE)
        for look in (BROKEN_NAMES, TOO_WIDE):
            assert chromium.execute_script(look) == [], address
        resize(chromium, DESKTOP)
    assert complaints(chromium) == []
    asked = requests(chromium)
    assert {f"{base}/{address}" for address in pages} <= asked
    assert elsewhere(asked, base) == set()


@pytest.mark.browser
def test_a_wide_table_scrolls_inside_itself(chromium: webdriver.Chrome, base: str) -> None:
    arrive(chromium, base, width=PHONE)
    chromium.get(f"{base}/configuration.html")
    scrolled = chromium.execute_script(
        "return [...document.querySelectorAll('article .md-typeset__scrollwrap')].map((each) => {"
        "each.scrollLeft = 1000; return each.scrollLeft; })"
    )
    assert len(scrolled) == len(chromium.find_elements(By.CSS_SELECTOR, "article table"))
    assert max(scrolled) > 50


@pytest.mark.browser
@pytest.mark.parametrize("width", [DESKTOP, PHONE])
@pytest.mark.parametrize("colours", COLOURS)
def test_the_toggle_changes_the_colours_and_they_stay(
    chromium: webdriver.Chrome, base: str, colours: str, width: int
) -> None:
    arrive(chromium, base, colours, width)
    before = background(chromium)
    other = next(name for name in COLOURS if name != colours)
    for chosen in (other, colours):
        visible(chromium, TOGGLE).click()
        wait(chromium, has_colours(chosen))
        chromium.get(f"{base}/decisions/index.html")
        assert has_colours(chosen)(chromium)
    assert background(chromium) == before
    assert complaints(chromium) == []


@pytest.mark.browser
@pytest.mark.parametrize("width", [DESKTOP, PHONE])
def test_the_search_finds_a_word_of_a_page(chromium: webdriver.Chrome, base: str, width: int) -> None:
    arrive(chromium, base, width=width)
    visible(chromium, ".md-search__button, .md-header__button[for=__search]").click()
    wait(chromium, lambda browser: browser.execute_script("return document.activeElement.shadowRoot !== null"))
    dialog = chromium.switch_to.active_element.shadow_root
    field = dialog.find_element(By.CSS_SELECTOR, "input")
    field.send_keys("decimal comma")

    def results() -> dict[str, WebElement]:
        found = dialog.find_elements(By.CSS_SELECTOR, "a[href]")
        return {urlsplit(link.get_attribute("href") or "").path.rsplit("/", 1)[-1]: link for link in found}

    wait(chromium, lambda _: "0063-how-values-are-written.html" in results())
    assert field.get_property("value") == "decimal comma"
    assert "limits.html" not in results()
    results()["0063-how-values-are-written.html"].click()
    wait(chromium, lambda browser: "0063" in browser.title)
    assert "decimal" in visible(chromium, "article mark").text.lower()
    assert complaints(chromium) == []
    assert elsewhere(requests(chromium), base) == set()


@pytest.mark.browser
def test_code_is_coloured_and_can_be_copied(chromium: webdriver.Chrome, base: str) -> None:
    arrive(chromium, base)
    allowed = {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
    chromium.execute_cdp_cmd("Browser.grantPermissions", allowed)
    block = chromium.find_element(By.CSS_SELECTOR, ".language-sql.highlight, .highlight:has(.k)")
    kinds = (
        "return new Set([...arguments[0].querySelectorAll('span')].map((each) => getComputedStyle(each).color)).size"
    )
    assert chromium.execute_script(kinds, block) > 1
    chromium.execute_script("arguments[0].scrollIntoView({block: 'center'})", block)
    block.find_element(By.CSS_SELECTOR, "button").click()
    wait(chromium, lambda browser: browser.find_element(By.CSS_SELECTOR, ".md-dialog").text == "Copied to clipboard")
    copied = chromium.execute_async_script("navigator.clipboard.readText().then(arguments[0])")
    assert copied.strip() == str(block.find_element(By.CSS_SELECTOR, "code").get_property("textContent")).strip()
    assert copied.startswith("select customer_id")


@pytest.mark.browser
def test_the_menu_of_a_phone_leads_to_a_page(chromium: webdriver.Chrome, base: str) -> None:
    arrive(chromium, base, width=PHONE)
    visible(chromium, ".md-header__button[for=__drawer]").click()
    visible(chromium, ".md-nav--primary a[href='nightly.html'], .md-nav--primary a[href='./nightly.html']").click()
    wait(chromium, lambda browser: browser.title.startswith("Nightly batch"))
    assert complaints(chromium) == []
