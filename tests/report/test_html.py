"""The page is one file, lets nothing run but its own scripts, and can be read."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from segwarehouse.refresh import RefreshReport
from segwarehouse.report import html, reporting
from segwarehouse.report.html import as_json, in_css, render, shown
from segwarehouse.report.reporting import Reporting
from segwarehouse.state.published import PublishedState

TEXT_PAIRS = (("ink", "bg"), ("ink-2", "bg"), ("ink-2", "surface"), ("accent", "bg"), ("accent-ink", "accent"),
              ("warn", "bg"))  # fmt: skip
MARK_PAIRS = (("black-box", "bg"), ("activity", "bg"), ("single", "bg"), ("random", "bg"), ("accent", "surface"))
LEAST_FOR_TEXT, LEAST_FOR_MARKS = 4.5, 3.0
"""WCAG 2.2, success criteria 1.4.3 and 1.4.11."""


class Page(HTMLParser):
    """Scripts, loaded addresses, ids, and the elements that name others as their label."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.labels: list[str] = []
        self.policy = ""
        self.handlers: list[str] = []
        self._in_script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.handlers += [name for name in given if name.startswith("on")]
        self.addresses += [given[name] for name in ("src", "href", "action", "data", "srcset") if name in given]
        self.ids += [given["id"]] if "id" in given else []
        self.labels += [given["aria-labelledby"]] if "aria-labelledby" in given else []
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"]
        self._in_script = tag == "script" and given.get("type", "") != "application/json"
        if self._in_script:
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.scripts[-1] += data

    def handle_endtag(self, tag: str) -> None:
        self._in_script = self._in_script and tag != "script"


@pytest.fixture(scope="module")
def parsed(page: Path) -> Page:
    return Page(page.read_text(encoding="utf-8"))


def test_nothing_is_loaded_from_anywhere(parsed: Page) -> None:
    assert len(parsed.addresses) > 5
    assert [address for address in parsed.addresses if not address.startswith("#")] == []


def test_the_policy_allows_the_two_scripts_of_the_page_and_no_other(parsed: Page) -> None:
    hashes = [
        base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii") for script in parsed.scripts
    ]
    assert len(hashes) == 2
    allowed = re.search(r"script-src ([^;]*)", parsed.policy)
    assert allowed is not None
    assert allowed.group(1) == " ".join(f"'sha256-{each}'" for each in hashes)
    assert "default-src 'none'" in parsed.policy
    assert parsed.handlers == []


def test_every_label_is_there_once(parsed: Page) -> None:
    assert len(parsed.ids) == len(set(parsed.ids))
    assert len(parsed.labels) > 20
    assert set(parsed.labels) <= set(parsed.ids)


def test_every_picture_has_a_finding_as_its_text_alternative(summary: dict[str, Any]) -> None:
    for part in summary["departments"]:
        assert {name for name, text in part["words"].items() if not text} == set()
    assert all(summary["words"].values())


def test_printed_pages_are_headed_by_the_project(published: tuple[Path, RefreshReport]) -> None:
    folder, _ = published
    styles = (folder / "published" / "report.html").read_text(encoding="utf-8")
    heads = re.findall(r"@top-left \{ content: (.*?); \}", styles)
    assert len(heads) == 1
    assert heads[0].startswith(str(in_css(f"{folder.name} · targeting report, as of"))[:-1])


def test_the_library_keeps_its_notice(page: Path) -> None:
    assert re.search(r"Vega [\d.]+, Vega-Lite [\d.]+, .*BSD 3-Clause", page.read_text(encoding="utf-8"))


def test_json_in_a_script_can_not_end_it() -> None:
    value = {"</script>": ["<!--", "&amp;", "\u2028", "<script>"]}
    text = str(as_json(value))
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == value


def test_marks_of_direction_are_not_shown() -> None:
    assert shown("\u202eabc\u2066\x00") == "abc"


def test_text_from_data_is_escaped_wherever_it_stands(summary: dict[str, Any]) -> None:
    attack = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'"
    page = Page(render(infected(summary, attack), project=attack))
    assert len(page.scripts) == 2
    assert page.handlers == []
    assert [address for address in page.addresses if not address.startswith("#")] == []


def infected(value: Any, attack: str, key: str = "") -> Any:
    """Return the same with an attack in every text, but for SQL, which is not from data."""
    if isinstance(value, dict):
        return {name: infected(item, attack, str(name)) for name, item in value.items()}
    if isinstance(value, list):
        return [infected(item, attack, key) for item in value]
    return f"{attack}{value}" if isinstance(value, str) else value


def colours(theme: str) -> dict[str, str]:
    css = (Path(html.__file__).parent / "templates" / "report.css").read_text(encoding="utf-8")
    start = css.index(":root {") if theme == "light" else css.index(':root[data-theme="dark"]')
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", css[start : css.index("}", start)]))


def luminance(colour: str) -> float:
    """Return the relative luminance as WCAG 2.2 defines it."""
    channels = [int(colour[at : at + 2], 16) / 255.0 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_have_contrast(theme: str) -> None:
    known = colours(theme)
    for pairs, least in ((TEXT_PAIRS, LEAST_FOR_TEXT), (MARK_PAIRS, LEAST_FOR_MARKS)):
        for front, back in pairs:
            high, low = sorted((luminance(known[front]), luminance(known[back])), reverse=True)
            assert (high + 0.05) / (low + 0.05) >= least, (front, back)


def test_dark_by_choice_is_dark_by_system() -> None:
    css = (Path(html.__file__).parent / "templates" / "report.css").read_text(encoding="utf-8")
    by_system = css[css.index("prefers-color-scheme: dark") :]
    assert dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", by_system[: by_system.index("}")])) == colours("dark")


def test_a_report_that_fails_says_why_and_raises_nothing(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("lift")

    monkeypatch.setattr(reporting, "write_report", broken)
    made = Reporting()
    with PublishedState.of_file(state) as published:
        made.write(published, tmp_path)
    assert (made.written, made.failure) == (False, "KeyError: 'lift'")
