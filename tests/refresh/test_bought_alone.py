"""A department whose buyers buy nothing else, or are too few to learn from, is left out by name, and others go on."""

import hashlib
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from segwarehouse import api
from segwarehouse.api import Project
from segwarehouse.errors import TooFewBuyers
from segwarehouse.refresh import refresh
from tests.conftest import Rehearsal, Stored, make_transactions, write_project
from tests.engines import ask, ask_rows

FASTER = 'departments = ["Toys", "Fuel", "Lamps"]\nmax_customers = 100\ncutoffs = 1'


def with_department(frame: pd.DataFrame, name: str, customers: list[int]) -> pd.DataFrame:
    """Return transactions in which these customers buy once more, in a department of their own."""
    rows = frame.iloc[: len(customers)].assign(department=name, customer_id=customers)
    return pd.concat([frame, rows.assign(transaction_id=np.arange(len(rows)) + 10**7)], ignore_index=True)


def departments_of(folder: Path) -> dict[str, dict[str, object]]:
    return {str(row["department"]): dict(row) for row in Project(folder).check().departments}


def test_buyers_who_bought_nowhere_else_are_not_counted(tmp_path: Path, transactions: pd.DataFrame) -> None:
    frame = with_department(transactions, "Fuel", [*range(10_000, 10_147), 1, 2, 3])
    frame = with_department(frame, "Lamps", [*range(60), *range(20_000, 20_030)])
    found = departments_of(write_project(tmp_path, frame))
    assert (found["Fuel"]["buyers"], found["Fuel"]["learnable_buyers"]) == (150, 3)
    assert not found["Fuel"]["eligible"]
    assert str(found["Fuel"]["why"]).startswith("150 buyers, of whom fewer than 40 bought in other departments too")
    assert (found["Lamps"]["buyers"], found["Lamps"]["learnable_buyers"], found["Lamps"]["eligible"]) == (90, 60, True)
    several = frame.groupby("customer_id")["department"].transform("nunique") > 1
    expected = frame[several].groupby("department")["customer_id"].nunique()
    assert {name: row["learnable_buyers"] for name, row in found.items()} == expected.to_dict()


@pytest.mark.parametrize(
    ("elsewhere", "alone", "words"),
    [(0, 45, "of whom none bought"), (25, 20, "of whom only 25 bought"), (38, 4, "of whom fewer than 40 bought")],
)
def test_the_reason_counts_no_few_customers_out(
    tmp_path: Path, transactions: pd.DataFrame, elsewhere: int, alone: int, words: str
) -> None:
    frame = with_department(transactions, "Fuel", [*range(elsewhere), *range(10_000, 10_000 + alone)])
    found = departments_of(write_project(tmp_path, frame))
    assert words in str(found["Fuel"]["why"])


def test_where_all_departments_are_bought_alone_the_hint_is_right(tmp_path: Path, transactions: pd.DataFrame) -> None:
    frame = transactions.assign(customer_id=transactions["department"] + transactions["customer_id"].astype(str))
    with pytest.raises(TooFewBuyers, match="no department has 40 buyers who bought elsewhere too") as stopped:
        Project(write_project(tmp_path, frame)).refresh()
    assert "with 0 and" in stopped.value.message
    assert "raise" not in stopped.value.hint


def test_others_are_learned_and_published(tmp_path: Path) -> None:
    """Fuel is bought alone; of Lamps, which has buyers enough, next to none are in the sample that is learned from."""
    frame = with_department(make_transactions(1_500), "Fuel", list(range(10_000, 10_060)))
    buyers = np.unique(frame["customer_id"])
    folder = write_project(tmp_path, frame, learning=FASTER)
    config = folder / "segwarehouse.toml"
    text = config.read_text(encoding="utf-8").replace("min_buyers = 40", "min_buyers = 10")
    config.write_text(text.replace("refits = 1", "refits = 0"), encoding="utf-8")
    lamps = [int(each) for each in buyers if not is_sampled(each, 100 / len(buyers)) and each < 10_000][:20]
    with_department(frame, "Lamps", lamps).to_parquet(folder / "data" / "transactions.parquet")
    assert departments_of(folder)["Lamps"]["eligible"]
    report = Project(folder).refresh()
    assert [row["department"] for row in report.departments] == ["Toys"]
    why = {str(row["department"]): str(row["why"]) for row in report.refused}
    assert why["Fuel"].startswith("60 buyers, of whom none bought in other departments too")
    assert why["Lamps"].startswith("too few to learn from: 0 buyers and ")
    assert len(Project(folder).audience("Toys")) > 0


def is_sampled(customer: int, share: float) -> bool:
    """Say whether a refresh would learn from a customer, as `features.sampled` decides by her id alone."""
    hashed = hashlib.md5(f"learn 42:{customer}".encode(), usedforsecurity=False).hexdigest()
    return hashed[:8] < f"{int(share * 16**8):08x}"


def test_a_department_none_of_whose_buyers_is_on_the_map_is_published_without_a_mixture(
    unpublished: Project, rehearsal: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The map holds 1,500 customers: of a million, the buyers of a small department may all be missing."""

    results = dict(rehearsal.worker.results)
    garden = results["Garden"]
    segments = garden.tables["segments"]
    maps = garden.tables["department_maps"]
    for name in ("mixture_component", "mixture_distance"):
        at = maps.column_names.index(name)
        maps = maps.set_column(at, name, pa.nulls(maps.num_rows, maps[name].type))
    personas = segments.filter(pc.equal(segments["kind"], "persona"))
    tables = {
        **garden.tables,
        "mixtures": garden.tables["mixtures"].slice(0, 0),
        "segments": personas,
        "department_maps": maps,
    }
    results["Garden"] = replace(garden, tables=tables)
    monkeypatch.setattr(api, "refresh", partial(refresh, worker=Stored(rehearsal.worker.stored_map, results)))
    for _ in ("first", "after a state that has none"):
        report = unpublished.refresh(accept=True)
        assert report.report is not None, report.report_failure
        mixtures = ask_rows(unpublished, "select distinct department from targeting.mixtures")
        maps = ask(unpublished, "select * from targeting.department_maps where department = 'Garden'")
        assert mixtures == [("Toys",)]
        assert len(maps) > 0
        assert maps[["mixture_component", "mixture_distance"]].isna().all(axis=None)
