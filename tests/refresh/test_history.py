"""Runs are kept and compared by causes that are taken for real; new rules that change too much are held back."""

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from segwarehouse.api import Project
from segwarehouse.domain import Column
from segwarehouse.ledger.history import Run
from segwarehouse.ledger.ledger import open_ledger
from segwarehouse.refresh import RefreshReport
from segwarehouse.rules.compile import ViewSpec, control_limit
from segwarehouse.state.folders import states_on_disk
from segwarehouse.state.published import PublishedState
from segwarehouse.templates import TemplateFolder
from segwarehouse.working import stage_sources, working_warehouse
from tests.conftest import DEPARTMENTS, write_project
from tests.engines import LEDGER, PUBLISHED, WORKING, ask, open_file

BUDGET = 45


def configure(folder: Path, **lines: tuple[str, str]) -> None:
    """Put the second text of each pair in the place of the first."""
    path = folder / "segwarehouse.toml"
    text = path.read_text(encoding="utf-8")
    for old, new in lines.values():
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


def store(folder: Path, frame: pd.DataFrame) -> None:
    frame.to_parquet(folder / "data" / "transactions.parquet")


class Chain:
    """A project with four runs behind it."""

    def __init__(self, folder: Path, first: RefreshReport, whole: pd.DataFrame) -> None:
        self.folder = folder
        self.reports = [first]
        known = whole[whole["occurred_at"] < "2025-12-01"]
        left = known[known["customer_id"] % 50 != 3]
        self.customers = set(left["customer_id"])
        store(folder, left)
        configure(
            folder,
            budget=("budget = 30", f'budget = {BUDGET}\nsalt = "another"'),
            learning=("jobs = 1", "jobs = 1\nmax_conditions = 5"),
            rules=("refits = 1", "refits = 0\nwarm_start = false"),  # cards are to change
        )
        self.refresh()  # 1: data, rules and budget at once
        store(folder, whole)
        self.refresh(departments=["Toys"])  # 2: new data, one department learned anew
        configure(folder, gate=("[audience]", "[gate]\nmax_changed_share = 0.0\n[audience]"))
        self.refresh()  # 3: whatever new rules would exchange anything is held back
        self.held = [str(row["department"]) for row in self.reports[3].held_back]
        self.refresh(departments=self.held[:1], accept=True)  # 4

    def refresh(self, departments: list[str] | None = None, *, accept: bool = False) -> None:
        self.reports.append(Project(self.folder).refresh(departments=departments or (), accept=accept))

    def run(self, number: int) -> str:
        return self.reports[number].run_id

    def state(self, number: int) -> Path:
        return self.folder / "runs" / self.run(number) / PUBLISHED.name

    def ask(self, number: int, query: str) -> pd.DataFrame:
        return ask(self.state(number), query)

    def log(self, query: str) -> pd.DataFrame:
        return ask(self.folder / LEDGER, query)

    def audiences(self, number: int) -> dict[str, ViewSpec]:
        with PublishedState.of_file(self.state(number)) as state:
            return dict(state.specs)

    def contacts(self, number: int, department: str) -> set[str]:
        query = f"select customer_id from targeting.audiences where in_budget and department = '{department}'"
        return set(self.ask(number, query)["customer_id"].astype(str))


@pytest.fixture(scope="module")
def chain(
    published: tuple[Path, RefreshReport], transactions: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory
) -> Chain:
    folder = tmp_path_factory.mktemp("chain") / "project"
    shutil.copytree(published[0], folder, symlinks=True)
    return Chain(folder, published[1], transactions)


def contacts_by_hand(chain: Chain, number: int, card: ViewSpec, settings: ViewSpec, department: str) -> set[str]:
    """Whom a card selects on the data of a run with the budget of another, worked out without the warehouse's SQL."""
    features = chain.ask(number, "select * from features.customers order by customer_id")
    key = chain.audiences(number)[department].department_key
    bought = chain.ask(number, f"select customer_id from features.department_counts where department_key = {key}")
    columns = {name: Column.complete(features[name].to_numpy(dtype=np.float64)) for name in card.card.features}
    scored = card.card.apply(columns, len(features))
    ids = features["customer_id"].to_numpy()
    limit = control_limit(settings.control_share)
    draws = [int(hashlib.md5(f"{settings.salt}:{i}".encode(), usedforsecurity=False).hexdigest()[:8], 16) for i in ids]
    inside = scored.selected & ~np.isin(ids, bought["customer_id"].to_numpy()) & (np.array(draws) >= limit)
    order = np.lexsort((ids, -scored.activity, -scored.points))
    return {str(ids[at]) for at in order if inside[at]} & {
        str(ids[at]) for at in [a for a in order if inside[a]][: settings.budget]
    }


@pytest.mark.parametrize("department", DEPARTMENTS)
def test_each_cause_is_what_its_step_alone_changes(chain: Chain, department: str) -> None:
    before, after = chain.audiences(0)[department], chain.audiences(1)[department]
    steps = [
        chain.contacts(0, department),
        contacts_by_hand(chain, 1, before, before, department),
        contacts_by_hand(chain, 1, after, before, department),
        contacts_by_hand(chain, 1, after, after, department),
    ]
    assert steps[3] == chain.contacts(1, department)
    expected = {}
    for customer in steps[0] ^ steps[3]:
        last = max(step for step in range(3) if (customer in steps[step]) != (customer in steps[step + 1]))
        expected[customer] = ("entered" if customer in steps[3] else "left", ("data", "rules", "budget")[last])
    rows = chain.ask(1, f"select * from targeting.changes where department = '{department}'")
    found = {str(row.customer_id): (row.change, row.cause) for row in rows.itertuples()}
    assert found == expected


def test_all_three_causes_are_there_and_add_up(chain: Chain) -> None:
    found = Project(chain.folder).diff(chain.run(0), chain.run(1))
    assert [row["department"] for row in found.departments] == sorted(DEPARTMENTS, key=lambda name: name.encode())
    total = dict.fromkeys(("data", "rules", "budget"), 0)
    for row in found.departments:
        counts = {key: int(str(value)) for key, value in row.items() if key != "department"}
        old, new = (chain.contacts(number, str(row["department"])) for number in (0, 1))
        assert (counts["before"], counts["after"]) == (len(old), len(new))
        assert (counts["entered"], counts["left"]) == (len(new - old), len(old - new))
        for change in ("entered", "left"):
            assert counts[change] == sum(counts[f"{change}_by_{cause}"] for cause in total)
        for cause in total:
            total[cause] += counts[f"entered_by_{cause}"] + counts[f"left_by_{cause}"]
    assert all(total.values()), total


def test_reasons_name_facts_that_are_so(chain: Chain) -> None:
    rows = chain.ask(1, "select * from targeting.changes")
    gone = rows[rows["reason"] == "is no longer in the data"]
    assert len(gone) > 0
    assert set(gone["customer_id"]) & chain.customers == set()
    assert (gone["cause"] == "data").all()
    assert set(rows.loc[rows["cause"] == "budget", "reason"]) == {
        "the budget went from 30 to 45 and the control group was drawn anew"
    }


def test_departments_that_were_not_learned_change_by_data_alone(chain: Chain) -> None:
    rows = chain.ask(2, "select department, cause from targeting.changes")
    others = rows[rows["department"] != "Toys"]
    assert len(others) > 0
    assert set(others["cause"]) == {"data"}


def test_runs_further_apart_are_joined_by_those_between(chain: Chain) -> None:
    project = Project(chain.folder)
    for before, after in ((0, 2), (2, 0), (0, 4), (4, 1)):
        for row in project.diff(chain.run(before), chain.run(after)).departments:
            old, new = (chain.contacts(number, str(row["department"])) for number in (before, after))
            assert (row["entered"], row["left"]) == (len(new - old), len(old - new))
            assert "left_by_unknown" not in row


def test_without_runs_the_published_state_is_compared_with_the_one_before(chain: Chain) -> None:
    found = Project(chain.folder).diff()
    assert (found.before, found.after) == (chain.run(3), chain.run(4))


def test_memberships_are_kept_down_to_the_budget(chain: Chain) -> None:
    kept = chain.log(f"select * from history.memberships where run_id = '{chain.run(1)}'")
    rows = chain.ask(
        1, "select department, cast(customer_id as varchar) as customer_id, rank, in_budget from targeting.audiences"
    )
    columns = ["department", "rank", "customer_id", "in_budget"]
    pd.testing.assert_frame_equal(
        kept[columns].sort_values(columns, ignore_index=True), rows[columns].sort_values(columns, ignore_index=True)
    )
    assert (kept["points"] > 0).all()


def test_new_rules_that_change_too_much_are_held_back_and_said_to_be(chain: Chain) -> None:
    assert chain.held
    report = chain.reports[3]
    said = {str(row["department"]): str(row["remark"]) for row in report.departments}
    cards = [
        chain.ask(number, "select department, card from targeting.cards").set_index("department")["card"]
        for number in (2, 3)
    ]
    log = chain.log(f"select status, departments_kept, message from history.runs where run_id = '{report.run_id}'")
    for department in chain.held:
        assert said[department].startswith("keeps the rules of the run before: new rules would exchange")
        assert cards[0][department] == cards[1][department]
        assert department in log["message"][0]
        rows = chain.ask(3, f"select cause from targeting.changes where department = '{department}'")
        assert set(rows["cause"]) <= {"data"}
    assert log["departments_kept"][0] == len(chain.held)
    assert log["status"][0] == "published"
    assert set(chain.ask(3, "select department from targeting.cards")["department"]) == set(DEPARTMENTS)
    origins = chain.log(f"select department, origin from history.cards where run_id = '{report.run_id}'")
    assert set(origins.loc[origins["origin"] == "kept", "department"]) == set(chain.held)


def test_accepted_rules_are_published_and_the_others_keep_what_they_have(chain: Chain) -> None:
    first, report = chain.held[0], chain.reports[4]
    assert report.held_back == []
    said = {str(row["department"]): str(row["remark"] or "") for row in report.departments}
    assert "keeps the rules" not in said[first]
    card = "select card from targeting.cards where department = "
    assert chain.ask(4, f"{card}'{first}'")["card"][0] != chain.ask(3, f"{card}'{first}'")["card"][0]
    assert all(proof.proved for proof in Project(chain.folder).verify())


def test_equal_data_has_an_equal_hash_in_any_order(chain: Chain, transactions: pd.DataFrame, tmp_path: Path) -> None:
    runs = Project(chain.folder).runs().set_index("run_id")
    hashes = [str(runs.loc[chain.run(number), "data_hash"]) for number in range(5)]
    assert hashes[0] == hashes[2] == hashes[3] != hashes[1]
    lines = [int(str(runs.loc[chain.run(number), "data_lines"])) for number in range(2)]
    assert lines[1] < lines[0] == len(transactions)
    assert runs["is_comparable"].all()


def test_what_is_kept_no_longer_is_forgotten_but_for_states_on_disk(chain: Chain, tmp_path: Path) -> None:
    folder = tmp_path / "project"
    shutil.copytree(chain.folder, folder, symlinks=True)
    shutil.rmtree(folder / "runs" / chain.run(0))
    configure(folder, history=("[gate]", "[history]\nruns_kept = 2\n[gate]"))
    config = Project(folder).config
    with open_file(folder / WORKING) as warehouse, open_ledger(config) as ledger:
        Run(ledger, warehouse, config, None).forget(config.history.runs_kept, states_on_disk(config))
    runs = Project(folder).runs().set_index("run_id")["is_comparable"]
    assert not runs[chain.run(0)]
    assert all(runs[chain.run(number)] for number in (1, 2, 3, 4))
    assert len(runs) == 6


def test_a_hash_sees_any_change_of_a_line(transactions: pd.DataFrame, tmp_path: Path) -> None:
    """Small changes that leave every count and sum as it is."""
    swapped = transactions.copy()
    swapped.loc[[0, 1], "amount"] = transactions.loc[[1, 0], "amount"].to_numpy()
    assert swapped["amount"][0] != transactions["amount"][0]
    shuffled = transactions.sample(frac=1.0, random_state=1)
    hashes = [fingerprint(tmp_path / str(at), each) for at, each in enumerate((transactions, shuffled, swapped))]
    assert hashes[0] == hashes[1]
    assert hashes[0] != hashes[2]


def fingerprint(folder: Path, frame: pd.DataFrame) -> str:
    config = Project(write_project(folder, frame)).config
    with working_warehouse(config) as (warehouse, ledger):
        run = Run(ledger, warehouse, config, None)
        stage_sources(config, warehouse, TemplateFolder.of("models"), None, run)
        run.take_fingerprint()
    return str(Project(folder).runs()["data_hash"][0])
