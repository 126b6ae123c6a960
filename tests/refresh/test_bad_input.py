"""Every kind of bad input: one line of error, one of hint, a status of its own, and the published state as it was."""

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from segwarehouse.api import Project
from segwarehouse.cli import main
from segwarehouse.refresh import RefreshReport
from tests.conftest import write_project

Spoil = Callable[[Path], None]


def transactions_of(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / "data" / "transactions.parquet")


def store(folder: Path, frame: pd.DataFrame) -> None:
    frame.to_parquet(folder / "data" / "transactions.parquet")


def edit(folder: Path, old: str, new: str) -> None:
    config = folder / "segwarehouse.toml"
    text = config.read_text(encoding="utf-8")
    assert old in text
    config.write_text(text.replace(old, new), encoding="utf-8")


def missing_file(folder: Path) -> None:
    (folder / "data" / "transactions.parquet").unlink()


def missing_column(folder: Path) -> None:
    edit(folder, 'department = "department"', 'department = "departement"')


def wrong_type(folder: Path) -> None:
    store(folder, transactions_of(folder).assign(amount="a lot"))


def nested_type(folder: Path) -> None:
    frame = transactions_of(folder)
    nested = np.array([{"name": name} for name in frame["department"]], dtype=object)
    store(folder, frame.assign(department=nested))


def unparseable_dates(folder: Path) -> None:
    frame = transactions_of(folder)
    texts = frame["occurred_at"].astype(str).to_numpy(dtype=object)
    texts[::3] = "yesterday"
    store(folder, frame.assign(occurred_at=texts))


def empty_table(folder: Path) -> None:
    store(folder, transactions_of(folder).iloc[:0])


def one_department(folder: Path) -> None:
    store(folder, transactions_of(folder).assign(department="Bread"))


def too_few_buyers(folder: Path) -> None:
    edit(folder, "min_buyers = 40", "min_buyers = 4000")


def no_known_customer(folder: Path) -> None:
    write_project(folder, customers=pd.DataFrame({"customer_id": ["x1", "x2"], "age": [1.0, 2.0]}))


def repeated_customers(folder: Path) -> None:
    write_project(folder, customers=pd.DataFrame({"customer_id": [1, 1, 2], "age": [1.0, 2.0, 3.0]}))


def store_with_nan(folder: Path, frame: pd.DataFrame) -> None:
    """Pandas writes NaN as NULL; here NaN stays NaN."""
    amounts = pa.array(frame["amount"].to_numpy(), from_pandas=False)
    table = pa.Table.from_pandas(frame.drop(columns="amount"), preserve_index=False).append_column("amount", amounts)
    pq.write_table(table, folder / "data" / "transactions.parquet")


def nan_amounts(folder: Path) -> None:
    frame = transactions_of(folder)
    store_with_nan(folder, frame.assign(amount=np.where(frame.index % 50 == 0, np.nan, frame["amount"])))


def infinite_amounts(folder: Path) -> None:
    frame = transactions_of(folder)
    store(folder, frame.assign(amount=np.where(frame.index % 50 == 0, np.inf, frame["amount"])))


def misspelt_key(folder: Path) -> None:
    edit(folder, "min_buyers = 40", "min_buyer = 40")


def bad_url(folder: Path) -> None:
    edit(folder, "duckdb:///warehouse.duckdb", "postgres://somewhere/else")


def broken_model(folder: Path) -> None:
    own = folder / "models" / "staging"
    own.mkdir(parents=True)
    (own / "transactions.sql").write_text(
        "select\n    customer_id,\n    department department\nfrm source.transactions\n"
    )


def model_with_unknown_column(folder: Path) -> None:
    own = folder / "models" / "staging"
    own.mkdir(parents=True)
    (own / "transactions.sql").write_text(
        "select\n    customer_id,\n    departmant as department\nfrom source.transactions\n"
    )


def model_with_unknown_name(folder: Path) -> None:
    own = folder / "models" / "staging"
    own.mkdir(parents=True)
    (own / "transactions.sql").write_text(
        "select\n    {{ colum.customer_id | ident }} as customer_id\nfrom source.transactions\n"
    )


def unknown_department(folder: Path) -> None:
    edit(folder, "min_buyers = 40", 'min_buyers = 40\ndepartments = ["Bred"]')


def published_name_is_a_folder(folder: Path) -> None:
    edit(folder, "duckdb:///published/warehouse.duckdb", "duckdb:///elsewhere/warehouse.duckdb")
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere" / "somebody's.txt").write_text("mine")


def truncated_file(folder: Path) -> None:
    path = folder / "data" / "transactions.parquet"
    path.write_bytes(path.read_bytes()[:1000])


CASES: list[tuple[Spoil, int, tuple[str, ...]]] = [
    (missing_file, 4, ("no file matches", "transactions.parquet")),
    (missing_column, 4, ("source.department", "departement", "did you mean 'department'")),
    (wrong_type, 4, ("source.amount", "not numbers", "bad_amounts")),
    (nested_type, 4, ("department", "STRUCT")),
    (unparseable_dates, 4, ("source.occurred_at", "can't be read as dates", "unparseable_dates")),
    (empty_table, 4, ("source.transactions is empty",)),
    (one_department, 4, ("only one department", "Bread")),
    (too_few_buyers, 4, ("no department has 4000 buyers", "learning.min_buyers")),
    (no_known_customer, 4, ("source.customers", "none of its customers has a transaction")),
    (repeated_customers, 4, ("staging.customers", "customer_id @unique", "1 row")),
    (nan_amounts, 4, ("source.amount", "NaN")),
    (infinite_amounts, 4, ("source.amount", "infinite")),
    (misspelt_key, 3, ("learning.min_buyer", "did you mean 'min_buyers'")),
    (bad_url, 3, ("warehouse.url", "duckdb:///")),
    (broken_model, 5, ("models/staging/transactions.sql:4", "'frm'")),
    (model_with_unknown_column, 5, ("models/staging/transactions.sql:3", "departmant")),
    (model_with_unknown_name, 5, ("models/staging/transactions.sql:2", "colum")),
    (unknown_department, 10, ("there is no department 'Bred'", "did you mean 'Bread'")),
    (published_name_is_a_folder, 9, ("elsewhere", "publish.url")),
    (truncated_file, 4, ("source.transactions", "can't be read")),
]


def fingerprint(folder: Path) -> tuple[str, str]:
    """Where the published link points to, and what it holds."""
    file = folder / "published" / "warehouse.duckdb"
    return str(file.parent.readlink()), hashlib.sha256(file.read_bytes()).hexdigest()


def run(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert isinstance(stopped.value.code, int)
    return stopped.value.code, capsys.readouterr().err


@pytest.mark.parametrize(("spoil", "status", "said"), CASES, ids=[spoil.__name__ for spoil, _, _ in CASES])
def test_bad_input_is_explained_and_nothing_published_changes(
    published: tuple[Path, RefreshReport],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    spoil: Spoil,
    status: int,
    said: tuple[str, ...],
) -> None:
    folder = tmp_path / "project"
    shutil.copytree(published[0], folder, symlinks=True)
    before = fingerprint(folder)
    spoil(folder)
    code, complaint = run(["refresh", "--project", str(folder)], capsys)
    lines = [line for line in complaint.splitlines() if line.startswith(("error:", "hint:"))]
    assert code == status, complaint
    assert [line.split(":")[0] for line in lines] == ["error", "hint"]
    assert "Traceback" not in complaint
    for words in said:
        assert words in "\n".join(lines)
    assert fingerprint(folder) == before
    assert not list((folder / "runs").glob(".staging-*"))


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Another process that has the database open."""
    script = f"import duckdb, sys; held = duckdb.connect({str(path)!r}); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        try:
            yield
        finally:
            process.communicate()


def test_a_locked_database_is_named_with_its_holder(
    published: tuple[Path, RefreshReport], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "project"
    shutil.copytree(published[0], folder, symlinks=True)
    before = fingerprint(folder)
    with held(folder / "warehouse.duckdb"):
        code, complaint = run(["refresh", "--project", str(folder)], capsys)
    assert code == 11
    assert "is held by process" in complaint
    assert "hint: wait" in complaint
    assert fingerprint(folder) == before


def test_an_unknown_department_of_an_audience_is_named(
    published: tuple[Path, RefreshReport], capsys: pytest.CaptureFixture[str]
) -> None:
    code, complaint = run(["audience", "Gardn", "--project", str(published[0])], capsys)
    assert code == 10
    assert "did you mean 'Garden'?" in complaint


def test_bad_rows_are_counted_instead_where_the_configuration_says_so(
    published: tuple[Path, RefreshReport], tmp_path: Path
) -> None:
    folder = tmp_path / "project"
    shutil.copytree(published[0] / "data", folder / "data")
    frame = transactions_of(folder)
    texts = frame["occurred_at"].astype(str).to_numpy(dtype=object)
    texts[:7] = "never"
    amounts = frame["amount"].to_numpy(copy=True)
    amounts[7:12] = np.inf
    amounts[-4:] = np.nan
    quantities = frame["quantity"].to_numpy(copy=True)
    quantities[12:15] = -1
    customers = frame["customer_id"].astype("Int64").where((frame.index < 15) | (frame.index >= 17))
    departments = frame["department"].to_numpy(dtype=object)
    departments[17:18] = " "
    changed = frame.assign(
        occurred_at=texts, amount=amounts, quantity=quantities, customer_id=customers, department=departments
    )
    write_project(folder, changed, tables='[cleaning]\nunparseable_dates = "drop"\nbad_amounts = "drop"')
    found = {str(row["reason"]): row["rows"] for row in Project(folder).check().cleaning}
    assert found == {
        "kept": len(frame) - 23,
        "unreadable date": 7,
        "unusable amount": 5,
        "kept without amount": 3,
        "kept duplicate": 2,  # of a line of the world, and of one that has lost its amount
        "return": 3,
        "no customer": 2,
        "no department": 1,
    }
