"""Who would enter and who would leave each audience, and by which of three causes.

In: the previous state, and the cards of the new one. Out: tables `learned.audience_steps` and `learned.changes`, and
how much of each audience new rules exchange. An audience goes from what it was to what it will be in three steps, each
taken for real in the warehouse:

0. as it was published;
1. the previous card over the new data, with the previous settings: what changes here is due to the data;
2. the new card over the new data, with the previous settings: due to the rules;
3. the new card over the new data, with the new budget, control share and salt: due to the budget cut.

A customer who is in one of the two audiences and not in the other has exactly one cause, the last step that moved her
or him, so causes add up to the whole change. What is done about a change is left to `gate.py`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pyarrow as pa
from sqlglot import exp

from segwarehouse.features import Catalogue, Staged
from segwarehouse.project import read_query, run_script
from segwarehouse.refresh.previous import Previous, Reread, reread
from segwarehouse.rules.compile import CUSTOMERS, ViewSpec, department_view
from segwarehouse.rules.validate import validate_view
from segwarehouse.templates import TemplateFolder
from segwarehouse.warehouse import Engine, Relation

STEPS = Relation("learned", "audience_steps")
PREVIOUS = Relation("learned", "previous_audiences")
COMPARED = Relation("learned", "compared")
NEW_DATA, NEW_RULES, NEW_SETTINGS = 1, 2, 3

LEARNED, CARRIED, KEPT = "learned", "carried over", "kept"


@dataclass(frozen=True)
class Churn:
    """How many customers the previous rules select, the new ones, and both: same data, same budget."""

    by_previous_rules: int
    by_new_rules: int
    by_both: int

    @property
    def share(self) -> float:
        """The share of the audience that new rules exchange: of those who leave or of those who enter, the larger.

        Nothing is exchanged where one of the two selects nobody.

        >>> Churn(30, 30, 15).share, Churn(10, 40, 10).share, Churn(0, 30, 0).share
        (0.5, 0.75, 0.0)
        """
        fewest, most = sorted((self.by_previous_rules, self.by_new_rules))
        return 1.0 - self.by_both / most if fewest else 0.0


@dataclass(frozen=True)
class Compared:
    """The new audiences next to the previous ones.

    Attributes
    ----------
    previous_run
        The run that the previous state comes from; None where there is none.
    reread
        The previous cards over the new data, by department.
    churn
        What new rules exchange, by department; for departments that were learned anew and have a previous card.
    """

    previous_run: str | None
    reread: Mapping[str, Reread]
    churn: Mapping[str, Churn]


def compare(
    warehouse: Engine,
    previous: Previous | None,
    fresh: Mapping[str, ViewSpec],
    catalogue: Catalogue,
    staged: Staged,
    run_id: str,
) -> Compared:
    """Take the three steps for every department that was learned, and the first for every one that has a previous card.

    Parameters
    ----------
    warehouse
        The working database, with the new features.
    previous
        The previous state, if there is one.
    fresh
        What the views of the departments that were learned are compiled from, by department.
    """
    sql = TemplateFolder.of("sql")
    run_script(warehouse, sql, "compare/create.sql", {})
    steps = _Steps(warehouse, sql, warehouse.columns(CUSTOMERS))
    named = {department.name: department for department in catalogue.departments}
    again: dict[str, Reread] = {}
    if previous:
        warehouse.load(PREVIOUS, previous.members)
        run_script(warehouse, sql, "compare/add_previous.sql", {})
        for name in previous.specs.keys() & named.keys():
            again[name] = reread(previous.specs[name], named[name], catalogue, staged, run_id)
            steps.take(name, NEW_DATA, again[name].spec)
    for name, spec in fresh.items():
        if name in again:
            steps.take_two(name, again[name].spec, spec)
        else:
            steps.take(name, NEW_SETTINGS, spec)
    rows = warehouse.fetch(read_query(sql, "compare/churn.sql", {})).to_pylist()
    return Compared(
        previous_run=previous.run_id if previous else None,
        reread=again,
        churn={
            row["department"]: Churn(row["by_previous_rules"], row["by_new_rules"], row["by_both"])
            for row in rows
            if row["department"] in fresh and row["department"] in again
        },
    )


def record_changes(
    warehouse: Engine,
    compared: Compared,
    specs: Mapping[str, ViewSpec],
    origins: Mapping[str, str],
    id_type: str,
) -> None:
    """Write down what is published after all, who enters and leaves by it, and why.

    Parameters
    ----------
    specs
        What every published view is compiled from, by department.
    origins
        `LEARNED`, `CARRIED` or `KEPT`, by department. Where it is not learned, only the data has changed.
    id_type
        The engine's name for the type of customer ids.
    """
    sql = TemplateFolder.of("sql")
    for name, origin in origins.items():
        if origin != LEARNED:
            for step in (NEW_DATA, NEW_RULES):
                run_script(warehouse, sql, "compare/copy_step.sql", {"department": name, "step": step})
    rows = [_described(name, origins[name], compared.reread.get(name), spec) for name, spec in specs.items()]
    schema = pa.schema([(name, pa.bool_() if name == "is_compared" else pa.string()) for name in rows[0]])
    warehouse.load(COMPARED, pa.Table.from_pylist(rows, schema=schema))
    run_script(warehouse, sql, "compare/changes.sql", {"id_type": id_type})


def _described(name: str, origin: str, before: Reread | None, now: ViewSpec) -> dict[str, object]:
    return {
        "department": name,
        "origin": origin,
        "is_compared": before is not None,
        "budget_reason": _budget_reason(before.spec, now) if before else None,
        "missing": ", ".join(before.missing) or None if before else None,
    }


def _budget_reason(before: ViewSpec, now: ViewSpec) -> str:
    """Say what moved the budget cut."""
    reasons = []
    if before.budget != now.budget:
        reasons.append(f"the budget went from {before.budget:,} to {now.budget:,}")
    if before.control_share != now.control_share:
        reasons.append(f"the control group went from {before.control_share:.0%} to {now.control_share:.0%}")
    if before.salt != now.salt:
        reasons.append("the control group was drawn anew")
    return " and ".join(reasons) or "the budget cut is where it was"


@dataclass(frozen=True)
class _Steps:
    """Takes steps, in the working database; `columns` are those of the feature relation."""

    warehouse: Engine
    sql: TemplateFolder
    columns: Mapping[str, str]

    def take_two(self, name: str, before: ViewSpec, now: ViewSpec) -> None:
        """Take the step to the new card, then the one to the new settings; a step that changes nothing is copied."""
        kept = replace(now, budget=before.budget, control_share=before.control_share, salt=before.salt)
        for step, spec, is_same in (
            (NEW_RULES, kept, before.card == now.card),
            (NEW_SETTINGS, now, kept == now),
        ):
            if is_same:
                context = {"department": name, "step": step - 1}
                run_script(self.warehouse, self.sql, "compare/copy_step.sql", context)
            else:
                self.take(name, step, spec)

    def take(self, name: str, step: int, spec: ViewSpec) -> None:
        """Add an audience as it is after a step."""
        view = department_view(spec, with_points=True)
        validate_view(view, self.columns, dialect=self.warehouse.dialect)
        rows = read_query(self.sql, "compare/audience_rows.sql", {"department": name, "step": step}).with_(
            "audience", as_=view, copy=False
        )
        names: Sequence[str] = ("department", "step", "customer_id", "rank", "points", "in_budget")
        target = exp.Schema(this=STEPS.table(), expressions=[exp.to_identifier(each, quoted=True) for each in names])
        self.warehouse.execute(exp.Insert(this=target, expression=rows))
