"""Every column that a result table declares is filled in by a refresh."""

from pathlib import Path

import pytest

from segwarehouse.refresh import RefreshReport
from segwarehouse.results.declaration import bounded
from segwarehouse.results.tables import TABLES
from segwarehouse.state.published import PublishedState
from tests.engines import PUBLISHED

WITHOUT_UPLIFT = {
    "departments": {"best_budget", *bounded("best_profit")},
    "profit": set(TABLES["profit"].names),
}
"""What is empty where no `audience.expected_uplift` is set."""


@pytest.mark.parametrize("name", sorted(TABLES))
def test_every_declared_column_is_made(published: tuple[Path, RefreshReport], name: str) -> None:
    folder, _ = published
    with PublishedState.of_file(folder / PUBLISHED) as state:
        rows = state.table(name)
    declared = TABLES[name].schema(rows.schema.field("customer_id").type if TABLES[name].has_customers else None)
    assert rows.select(list(TABLES[name].names)).schema.equals(declared)
    empty = {column for column in TABLES[name].names if rows[column].null_count == rows.num_rows}
    assert empty == WITHOUT_UPLIFT.get(name, set())
