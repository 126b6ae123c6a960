"""The example notebook's cells run in order, and its results show themselves as HTML."""

import ast
import json
import runpy
from pathlib import Path

import pytest

from segwarehouse.refresh import RefreshReport

NOTEBOOK = Path(__file__).parents[2] / "examples/notebook/tour.ipynb"


def as_script(notebook: Path) -> str:
    """Return the code cells as one program that keeps in `shown` what a notebook would show."""
    body: list[ast.stmt] = ast.parse("shown = []").body
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] != "code":
            continue
        assert cell["outputs"] == []
        *before, last = ast.parse("".join(cell["source"])).body
        if isinstance(last, ast.Expr):
            last = ast.parse(f"shown.append({ast.unparse(last)})").body[0]
        body += [*before, last]
    return ast.unparse(ast.Module(body, []))


def test_the_cells_run_and_their_results_are_rich(
    published: tuple[Path, RefreshReport], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGWAREHOUSE_PROJECT", str(published[0]))
    script = tmp_path / "tour.py"
    script.write_text(as_script(NOTEBOOK), encoding="utf-8")
    shown = [value._repr_html_() for value in runpy.run_path(str(script))["shown"]]
    assert len(shown) == 5
    assert all("<table" in html for html in shown)
    assert "Fish &amp; Chips" in shown[0]
    assert "Fish &amp; Chips" in published[1]._repr_html_()
