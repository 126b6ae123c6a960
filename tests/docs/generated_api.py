"""The page of the Python API, from signatures and docstrings."""

import inspect
import re
from collections.abc import Iterator
from types import FunctionType

import segwarehouse
from segwarehouse import errors
from segwarehouse.estimator import CardClassifier
from segwarehouse.initialise import Initialised
from segwarehouse.ledger.difference import Difference
from segwarehouse.ledger.status import Status
from segwarehouse.measure.campaign import Campaign
from segwarehouse.refresh import PlannedRelation, RefreshReport, RollbackReport
from segwarehouse.refresh.preflight import CheckReport
from segwarehouse.report import Report
from segwarehouse.rules.prove import Proof
from segwarehouse.state.export import Exported
from segwarehouse.state.proof import Verified

RETURNED: tuple[type, ...] = (
    *(Initialised, CheckReport, PlannedRelation, RefreshReport, RollbackReport, Report),
    *(Status, Difference, Campaign, Verified, Proof, Exported),
)
"""What the methods of a project return, besides data frames and plain values."""

_UNDERLINED = re.compile(r"^(\w[\w ]*)\n-+$", flags=re.MULTILINE)


def api_page() -> str:
    """Return the page."""
    lines = [
        "# Python API",
        "",
        "What `import segwarehouse` offers, from its docstrings. Methods of a project return pandas DataFrames, or the "
        "dataclasses below, most with `as_dict()` for JSON and with tables for notebooks.",
        "",
        "## init",
        "",
        *_callable("segwarehouse.init", segwarehouse.init),
        "## Project",
        "",
        *_callable("segwarehouse.Project", segwarehouse.Project),
        *_methods("project", segwarehouse.Project),
        "## CardClassifier",
        "",
        *_callable("segwarehouse.CardClassifier", CardClassifier),
        *_methods("model", CardClassifier),
        "## What is returned",
        "",
    ]
    for kind in RETURNED:
        lines += [f"### {kind.__name__}", "", *_prose(kind), *_properties(kind)]
    lines += [
        "## Errors",
        "",
        "All can be imported from `segwarehouse`. The number is the exit status of the command line.",
        "",
        *("```text", inspect.cleandoc(errors.__doc__ or "").split("::")[1].split("\n\n")[1], "```"),
    ]
    return "\n".join(line.rstrip() for line in "\n".join(lines).splitlines()) + "\n"


def _methods(subject: str, kind: type) -> Iterator[str]:
    """Yield the public methods that a class defines itself, in the order of its text."""
    for name, value in vars(kind).items():
        if isinstance(value, FunctionType) and not name.startswith("_"):
            yield from (f"### {subject}.{name}", "", *_callable(f"{subject}.{name}", value))


def _properties(kind: type) -> Iterator[str]:
    found = {name: value for name, value in vars(kind).items() if isinstance(value, property)}
    if found:
        yield from ("**Properties**", "")
        yield from (f"- `{name}`: {_cell(inspect.getdoc(value) or '')}" for name, value in found.items())
        yield ""


def _callable(name: str, value: object) -> Iterator[str]:
    yield from ("```text", _signature(name, value), "```", "", *_prose(value))


def _signature(name: str, value: object) -> str:
    """Return the call with its parameters and their defaults, without types, on lines of at most 96 signs."""
    assert callable(value)
    parameters = [
        each.replace(annotation=inspect.Parameter.empty)
        for each in inspect.signature(value).parameters.values()
        if each.name != "self"
    ]
    call = f"{name}{inspect.Signature(parameters)}"
    return (
        call if len(call) <= 96 else call.replace("(", "(\n    ", 1).replace(", ", ",\n    ").removesuffix(")") + "\n)"
    )


def _prose(value: object) -> Iterator[str]:
    """Yield a numpydoc docstring as Markdown; examples are left to doctest."""
    text = inspect.getdoc(value) or ""
    body, *sections = _UNDERLINED.split(text)
    yield from (_paragraphs(body), "")
    for heading, content in zip(sections[::2], sections[1::2], strict=True):
        if heading == "Examples":
            continue
        yield from (f"**{heading}**", "")
        yield from (_definitions(content) if "\n    " in content else [_paragraphs(content)])
        yield ""


def _definitions(content: str) -> Iterator[str]:
    """Yield `name` lines with an indented explanation as a list."""
    for found in re.finditer(r"^(\S.*)\n((?:(?: {4}.*)?\n?)*)", content.strip() + "\n", flags=re.MULTILINE):
        names = ", ".join(f"`{name}`" for name in found[1].split(", "))
        yield f"- {names}: {_cell(inspect.cleandoc(found[2]))}"


def _paragraphs(text: str) -> str:
    return "\n\n".join(_cell(paragraph) for paragraph in text.strip().split("\n\n"))


def _cell(text: str) -> str:
    """Return text on one line; double backticks of reStructuredText are single ones in Markdown."""
    return " ".join(text.replace("``", "`").split())
