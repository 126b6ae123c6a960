"""From the plain dictionary of `summarise` to one HTML file that needs nothing else: no network, no other file.

In: a published state. Out: a file below `MOST_BYTES`. Text from data reaches the page in two ways only: through Jinja
with autoescape, and as JSON in which no character can end a script. A content security policy lets nothing run but
the page's own scripts, by their hash, and lets nothing be loaded. The charts' library is Vega with Vega-Lite, embedded
as vl-convert-python ships it; its expressions are interpreted, not compiled, so that the policy need not allow `eval`.
"""

import base64
import hashlib
import json
import math
import os
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from segwarehouse.errors import WarehouseError
from segwarehouse.report import charts, numbers
from segwarehouse.report.pictures import Detail
from segwarehouse.report.summarise import RANKINGS, summarise
from segwarehouse.report.words import ADVICE, VERDICTS
from segwarehouse.state.published import PublishedState

MOST_BYTES = 5_000_000
"""No report is larger."""

LONGEST_NAME = 120
"""A longer text from data is cut where it is shown."""

_GLOBALS = "window.vegaEmbed = vegaEmbed;"
"""What the library leaves for the page's script."""

MOST_PLAIN = 40
"""So many departments stand in the page as they are; more are packed."""

_PLANS = ((False, 0, MOST_PLAIN), (True, 0, 400), (True, 1, 400), (True, 3, 400), (True, 0, 100), (True, 0, 0))
"""What is tried in turn: whether departments are packed, the level of detail, how many are shown in detail at most."""

_IN_SCRIPT = {ord(sign): f"\\u{ord(sign):04x}" for sign in "<>&\u2028\u2029"}
_DIRECTIONS = (0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_CONTROLS = dict.fromkeys([*range(32), *range(127, 160), *_DIRECTIONS])


@dataclass(frozen=True)
class Report:
    """A report that was written: where, how large, and how many departments it tells of."""

    path: Path
    size_bytes: int
    departments: int

    def as_dict(self) -> dict[str, Any]:
        """Return the same as plain values."""
        return {"path": str(self.path), "size_bytes": self.size_bytes, "departments": self.departments}


def write_report(state: PublishedState, path: Path, departments: Sequence[str] = (), project: str = "") -> Report:
    """Write the report of a published state to a file, in one step.

    Parameters
    ----------
    state
        The state.
    path
        The file; one that is there is replaced.
    departments
        Tell of these in detail; empty: of all that have a view.
    project
        What the project is called at the head of printed pages.

    Raises
    ------
    WarehouseError
        If the state can't be read, or the file can't be written.
    """
    text, detailed = fitting(state, departments, project)
    written = text.encode("utf-8")
    temporary = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as stream:
            stream.write(written)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise WarehouseError(f"{path} can't be written: {error.strerror}", "name another file") from error
    return Report(path, len(written), detailed)


def fitting(state: PublishedState, departments: Sequence[str] = (), project: str = "") -> tuple[str, int]:
    """Return a report below `MOST_BYTES`, with as much detail as fits, and how many departments it tells of.

    Up to `MOST_PLAIN` departments stand in the page as they are. More are packed, with fewer points the more they
    are; in the end only the largest are shown in detail.

    Raises
    ------
    WarehouseError
        If even the overview alone would be larger.
    """
    views = [row["view_name"] for row in state.departments.values() if row["view_name"]]
    size, count = 0, len(departments) or len(views)
    for packed, level, most in _PLANS:
        if not packed and count > MOST_PLAIN:
            continue
        detailed = min(count, most)
        text = render(summarise(state, departments, Detail.at(detailed, level), most), packed=packed, project=project)
        size = len(text.encode("utf-8"))
        if size <= MOST_BYTES:
            return text, detailed
    raise WarehouseError(
        f"the overview alone has {size:,} bytes, and {MOST_BYTES:,} is the most a report may have",
        "name departments: segwarehouse report --department NAME",
    )


def render(summary: Mapping[str, Any], *, packed: bool = False, project: str = "") -> str:
    """Return the page of what `summarise` found; `packed`: departments are compressed until they are opened."""
    environment = _environment()
    scripts = {"library": _library(), "page": _asset("report.js")}
    detailed = {part["key"] for part in summary["departments"]}
    shared = {
        "specs": charts.SPECS,
        "config": charts.CONFIG,
        "rankings": RANKINGS,
        "profit": summary["profit"],
        "customers": summary["customers_map"],
        "correlations": summary["correlations"],
    }
    context = {
        **summary,
        "rankings": RANKINGS,
        "styles": charts.RANKING_STYLES,
        "verdicts": {word: f"The rules are {meaning}. {ADVICE[word]}" for word, meaning in _MEASURED.items()}
        | {word: ADVICE[word] for word in VERDICTS if word not in _MEASURED},
        "fmt": {name: getattr(numbers, name) for name in ("count", "few", "share", "ratio", "signed", "signed_few")},
    }
    department = environment.get_template("department.html")
    articles = [
        _article(part, department.render(**context, part=part, payload=_payload(part)), packed=packed)
        for part in summary["departments"]
    ]
    return environment.get_template("report.html").render(
        **context,
        articles=articles,
        detailed=detailed,
        brief=sum(row["view"] is not None for row in summary["overview"]) - len(detailed) if summary["whole"] else 0,
        packed=packed,
        project=project,
        shared=shared,
        vega=_vega(),
        scripts={name: Markup(text) for name, text in scripts.items()},  # noqa: S704 - our own files
        style=Markup(_asset("report.css")),  # noqa: S704 - our own file
        policy=_policy(scripts.values()),
        forest=_Forest(summary["overview"]),
    )


def _article(part: Mapping[str, Any], text: str, *, packed: bool) -> dict[str, Any]:
    named = {"key": part["key"], "name": part["name"]}
    if packed:
        return {**named, "packed": base64.b64encode(zlib.compress(text.encode("utf-8"), 9)).decode("ascii")}
    return {**named, "html": Markup(text)}  # noqa: S704 - rendered with autoescape the moment before


_MEASURED = {word: VERDICTS[word] for word in ("beats activity", "ties", "trails")}

_DRAWN = ("curves", "profit", "map", "mixture", "drivers")
_COLUMNS = {
    "reliability": ("candidates", "predicted", "observed", "observed_low", "observed_high"),
    "personas": ("segment_id", "name"),
    "scores": ("number", "silhouette", "stability", "is_chosen"),
}


def _payload(part: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page's script needs to know of a department."""
    best = part["best_contacts"]
    return {
        **{name: part[name] for name in _DRAWN},
        **{
            name: [{c: row[c] for c in columns if c in row} for row in part[name]] for name, columns in _COLUMNS.items()
        },
        **{name: part["figures"][name] for name in ("candidates", "contactable", "contacts", "judged_contacts")},
        "best_contacts": best["contacts"] if best else None,
    }


class _Forest:
    """Places lifts on the small scale that a row of the overview draws: 0 to `width`, one for all departments."""

    width = 150

    def __init__(self, overview: Sequence[Mapping[str, Any]]) -> None:
        bounds: list[float | None] = [
            row[f"lift_at_budget{end}"] for row in overview for end in ("_low", "_high") if row["view"]
        ]
        known = [bound for bound in bounds if bound is not None]
        self.low: float = min([0.9, *known])
        self.high: float = max([2.0, *known])
        step = max(1, math.ceil(self.high / 5.0))
        self.ticks = range(1, math.floor(self.high) + 1, step)

    def x(self, lift: float) -> float:
        """Return where a lift lies."""
        return round(4 + (self.width - 8) * (lift - self.low) / (self.high - self.low), 1)


def _policy(scripts: Any) -> str:
    hashes = [base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii") for text in scripts]
    allowed = " ".join(f"'sha256-{each}'" for each in hashes)
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; "
        "form-action 'none'"
    )


@cache
def _library() -> str:
    """Return Vega, Vega-Lite and Vega-Embed as one script, with the notice that its licence asks for."""
    import vl_convert

    notice = (
        f"/*! Vega {_vega()}, Vega-Lite {vl_convert.get_vegalite_versions()[-1]}, Vega-Embed "
        f"{vl_convert.get_vega_embed_version()}. Copyright (c) University of Washington Interactive Data Lab and "
        "contributors. BSD 3-Clause License: https://github.com/vega/vega/blob/main/LICENSE */\n"
    )
    return notice + vl_convert.javascript_bundle(_GLOBALS).replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _vega() -> str:
    import vl_convert

    return str(vl_convert.get_vega_version())


def _asset(name: str) -> str:
    return (Path(__file__).parent / "templates" / name).read_text(encoding="utf-8")


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent / "templates"),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    named = (
        numbers.count,
        numbers.few,
        numbers.share,
        numbers.ratio,
        numbers.signed,
        numbers.signed_few,
        numbers.money,
        numbers.plural,
    )
    environment.filters.update({each.__name__: each for each in (*named, as_json, in_css, shown)})
    return environment


def as_json(value: object) -> Markup:
    r"""Return JSON that can stand in a script element: nothing in it can end one.

    >>> print(as_json({"name": "</script><b>"}))
    {"name":"\u003c/script\u003e\u003cb\u003e"}
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Markup(text.translate(_IN_SCRIPT))  # noqa: S704 - escaped the line before


def in_css(text: str) -> Markup:
    r"""Return a string of CSS that can stand in a style element: nothing in it can end one, or the string.

    >>> print(in_css("Fish</style>"))
    "Fish\3c \2f style\3e "
    """
    escaped = (c if c.isascii() and c.isalnum() else f"\\{ord(c):x} " for c in text)
    return Markup(f'"{"".join(escaped)}"')  # noqa: S704 - escaped the line before


def shown(text: object, longest: int = LONGEST_NAME) -> str:
    r"""Return text from data as it is shown: without control characters and marks of direction, cut where too long.

    >>> shown("SEA\u202eFOOD\x1b"), shown("x" * 200, 5)
    ('SEAFOOD', 'xxxx…')
    """
    clean = str(text).replace("\n", " ").replace("\t", " ").translate(_CONTROLS)
    return clean if len(clean) <= longest else f"{clean[: longest - 1]}…"
