"""What a refresh asks the engine for grows with the departments by little: on a distant engine each statement waits."""

from collections import Counter
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from segwarehouse.config import load_config
from segwarehouse.refresh import refresh
from segwarehouse.warehouse import DuckDB
from tests.conftest import DEPARTMENTS, Rehearsal, write_project

SENDING = ("execute", "fetch", "batches", "load")
MOST_FOR_EACH = 15


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the engine is asked for something, by method, on whatever connection."""
    counts: Counter[str] = Counter()

    def counting(honest: Any, name: str, engine: DuckDB, *arguments: Any) -> Any:
        counts[name] += 1
        return honest(engine, *arguments)

    for name in SENDING:
        honest = getattr(DuckDB, name)
        monkeypatch.setattr(DuckDB, name, _method(partial(counting, honest, name)))
    return counts


def _method(work: Any) -> Any:
    def method(engine: DuckDB, *arguments: Any) -> Any:
        return work(engine, *arguments)

    return method


def test_each_further_department_costs_few_statements(
    tmp_path: Path, transactions: pd.DataFrame, rehearsal: Rehearsal, sent: Counter[str]
) -> None:
    totals = []
    for number in (2, len(DEPARTMENTS)):
        names = ", ".join(f'"{name}"' for name in DEPARTMENTS[:number])
        folder = write_project(tmp_path / str(number), transactions, learning=f"departments = [{names}]")
        for _ in ("first", "after a state"):
            sent.clear()
            report = refresh(load_config(folder), worker=rehearsal.worker)
            assert len(report.departments) == number
            totals.append(sum(sent.values()))
    first, second = (totals[2] - totals[0], totals[3] - totals[1])
    further = len(DEPARTMENTS) - 2
    assert first <= MOST_FOR_EACH * further, totals
    assert second <= MOST_FOR_EACH * further, totals
