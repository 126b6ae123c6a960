"""Small projects to run whole: transactions that a test makes, in a folder of their own."""

import fcntl
import os
import pickle
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from selenium import webdriver

from segwarehouse import api
from segwarehouse.api import Project
from segwarehouse.config import load_config
from segwarehouse.features import FeatureTable
from segwarehouse.refresh import RefreshReport, refresh
from segwarehouse.refresh.task import DepartmentResult, DepartmentTask, Worker
from segwarehouse.results.maps import CustomersMap
from segwarehouse.warehouse import SourceEngine
from tests import browser
from tests.engines import ENGINES, PUBLISHED, WORKING, OpenEngine

START = pd.Timestamp("2025-01-01")
DAYS = 365
DEPARTMENTS = ("Bread", "Fish & Chips", "Garden", "Toys", "海鲜")

MakeProject = Callable[..., Path]

FEW = 'departments = ["Toys", "Garden"]'


def make_transactions(customers: int = 500, seed: int = 7) -> pd.DataFrame:
    """Return a year of transactions: activity differs, and whoever buys bread often also buys fish."""
    random = np.random.default_rng(seed)
    activity = random.gamma(2.0, 3.0, customers)
    taste = random.random((customers, len(DEPARTMENTS))) ** 2
    taste[:, 1] = np.where(taste[:, 0] > 0.4, taste[:, 1] + 0.6, taste[:, 1] * 0.15)
    baskets = random.poisson(activity) + 1
    who = np.repeat(np.arange(customers), baskets)
    when = START + pd.to_timedelta(random.integers(0, DAYS * 24 * 3600, len(who)), unit="s")
    lines = random.integers(1, 4, len(who))
    rows = np.repeat(np.arange(len(who)), lines)
    chances = taste[who[rows]] / taste[who[rows]].sum(axis=1, keepdims=True)
    where = (chances.cumsum(axis=1) < random.random((len(rows), 1))).sum(axis=1).clip(0, len(DEPARTMENTS) - 1)
    return pd.DataFrame(
        {
            "customer_id": who[rows],
            "department": np.array(DEPARTMENTS, dtype=object)[where],
            "occurred_at": when[rows],
            "transaction_id": rows,
            "quantity": random.integers(1, 4, len(rows)),
            "amount": random.integers(50, 2000, len(rows)) / 100.0,
        }
    )


CONFIG = """
[warehouse]
url = "duckdb:///warehouse.duckdb"
[publish]
url = "duckdb:///published/warehouse.duckdb"
[source]
transactions = "data/transactions.parquet"
customer_id = "customer_id"
department = "department"
occurred_at = "occurred_at"
transaction_id = "transaction_id"
quantity = "quantity"
amount = "amount"
{source}
[learning]
outcome_days = 60
min_buyers = 40
jobs = 1
{learning}
[rules]
refits = 1
[audience]
budget = 30
{tables}
"""


def write_project(
    folder: Path,
    transactions: pd.DataFrame | None = None,
    *,
    customers: pd.DataFrame | None = None,
    source: str = "",
    learning: str = "",
    tables: str = "",
    drop: tuple[str, ...] = (),
) -> Path:
    """Write a project: its data and its configuration, without the lines that begin with a key in `drop`."""
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    (make_transactions() if transactions is None else transactions).to_parquet(data / "transactions.parquet")
    if customers is not None:
        customers.to_parquet(data / "customers.parquet")
        source += '\ncustomers = "data/customers.parquet"'
    text = CONFIG.format(source=source, learning=learning, tables=tables)
    kept = [line for line in text.splitlines() if line.split(" =")[0] not in drop]
    (folder / "segwarehouse.toml").write_text("\n".join(kept), encoding="utf-8")
    return folder


def publish_in_place(folder: Path) -> None:
    """Let a project that was written publish its views in the working database."""
    config = folder / "segwarehouse.toml"
    text = config.read_text(encoding="utf-8")
    assert str(PUBLISHED) in text
    config.write_text(text.replace(str(PUBLISHED), WORKING), encoding="utf-8")


@pytest.fixture(scope="session", params=list(ENGINES.values()), ids=list(ENGINES))
def open_engine(request: pytest.FixtureRequest) -> OpenEngine:
    """What opens an empty engine, of each kind; whoever opens it closes it."""
    opens: OpenEngine = request.param
    return opens


@pytest.fixture
def engine(open_engine: OpenEngine) -> Iterator[SourceEngine]:
    """An empty engine, of each kind."""
    with closing(open_engine()) as opened:
        yield opened


@pytest.fixture(scope="session")
def transactions() -> pd.DataFrame:
    """A year of transactions of 500 customers in five departments."""
    return make_transactions()


class Recorder(Worker):
    """Learns, and keeps what it has learned."""

    def __init__(self) -> None:
        self.customers_map: CustomersMap | None = None
        self.results: dict[str, DepartmentResult] = {}

    def map_customers(self, table: FeatureTable, seed: int) -> CustomersMap:
        self.customers_map = super().map_customers(table, seed)
        return self.customers_map

    def learn(self, task: DepartmentTask) -> DepartmentResult:
        self.results[task.department.name] = super().learn(task)
        return self.results[task.department.name]


class Stored(Worker):
    """Returns at once what was learned of the same transactions before."""

    def __init__(self, customers_map: CustomersMap, results: Mapping[str, DepartmentResult]) -> None:
        self.stored_map, self.results = customers_map, results

    def map_customers(self, table: FeatureTable, seed: int) -> CustomersMap:
        return self.stored_map

    def learn(self, task: DepartmentTask) -> DepartmentResult:
        return self.results[task.department.name]


@dataclass(frozen=True)
class Rehearsal:
    """A project that was refreshed, the report, and a worker that returns what was learned."""

    folder: Path
    report: RefreshReport
    worker: Stored

    def play(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Put the stored results in the worker's place, for every refresh of a `Project`."""
        monkeypatch.setattr(api, "refresh", partial(refresh, worker=self.worker))


@pytest.fixture(scope="session")
def rehearsal(tmp_path_factory: pytest.TempPathFactory, transactions: pd.DataFrame) -> Rehearsal:
    """A project that was refreshed, with what it learned: once, whichever of the processes of tests comes first."""
    folder = tmp_path_factory.mktemp("published")
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return rehearse(write_project(folder, transactions))
    shared = tmp_path_factory.getbasetemp().parent / "rehearsal"
    shared.mkdir(exist_ok=True)
    kept = shared / "kept.pickle"
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            made = rehearse(write_project(shared / "project", transactions))
            kept.write_bytes(pickle.dumps((made.report, made.worker)))
    report, worker = pickle.loads(kept.read_bytes())  # noqa: S301 - tests have written it
    own = shutil.copytree(shared / "project", folder / "project", symlinks=True)
    moved = {
        "published": own / report.published.relative_to(shared / "project"),
        "report": own / "published" / "report.html",
    }
    return Rehearsal(own, replace(report, **moved), worker)


def rehearse(folder: Path) -> Rehearsal:
    """Refresh a project, and keep what it learned."""
    recorder = Recorder()
    report = refresh(load_config(folder), worker=recorder)
    assert recorder.customers_map is not None
    return Rehearsal(folder, report, Stored(recorder.customers_map, recorder.results))


@pytest.fixture(scope="session")
def published(rehearsal: Rehearsal) -> tuple[Path, RefreshReport]:
    """A project and the report of its refresh."""
    return rehearsal.folder, rehearsal.report


@pytest.fixture(scope="session")
def refreshed(rehearsal: Rehearsal, tmp_path_factory: pytest.TempPathFactory, transactions: pd.DataFrame) -> Path:
    """A project of two departments that was refreshed once, to be copied."""
    folder = write_project(tmp_path_factory.mktemp("refreshed") / "project", transactions, learning=FEW)
    with pytest.MonkeyPatch.context() as patch:
        rehearsal.play(patch)
        Project(folder).refresh()
    return folder


@pytest.fixture
def project(refreshed: Path, rehearsal: Rehearsal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project that was refreshed once. Further refreshes take a second or two: all is done anew but the learning."""
    rehearsal.play(monkeypatch)
    return Project(shutil.copytree(refreshed, tmp_path / "project", symlinks=True))


@pytest.fixture
def unpublished(
    rehearsal: Rehearsal, tmp_path: Path, transactions: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> Project:
    """The same before its first refresh."""
    rehearsal.play(monkeypatch)
    return Project(write_project(tmp_path / "project", transactions, learning=FEW))


@pytest.fixture(scope="session")
def chromium() -> Iterator[webdriver.Chrome]:
    """A real browser."""
    started = browser.start()
    yield started
    started.quit()
