"""Whether two published states say the same: relations, columns, comments, views, and every value to the last bit.

    python -m benchmarks.compare_states before/warehouse.duckdb after/warehouse.duckdb

In: the files of two states, read only. Out: a line for each relation of schemas `targeting` and `features`, with what
differs below it, and a summary. The exit status is 1 where anything differs, 0 where nothing does.

A change of the code that must not change what is published is compared like this: refresh the same data with the same
seed before and after, with the same number of previous runs. Rows are compared as multisets and values as text, which
is exact: DuckDB writes the shortest digits that read back as the same double, -0.0 is not 0.0, NaN is NaN, NULL is
NULL. Run ids become the same word everywhere; what else may differ is in `ASIDE`. Of tables of several runs only the
rows of the state's own run are compared; which steps it took is a note. Ids of customers are shown with --ids alone.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from types import MappingProxyType

from sqlglot import exp

from segwarehouse.errors import SegwarehouseError
from segwarehouse.warehouse import DuckDB, Place, Relation, connect, relation

ASIDE = MappingProxyType(
    {
        "started_at": "when a run began",
        "finished_at": "when it ended",
        "written_at": "when its tables were written",
        "seconds": "how long it took",
        "versions": "of the libraries: a state before and one after may well have been made with different ones",
    }
)
"""Columns that two runs over the same data can't have in common, with the reason."""

SCHEMAS = ("targeting", "features")
STEPS = relation("targeting.run_steps")
OF_SEVERAL_RUNS = frozenset((STEPS, *map(relation, ("targeting.runs", "targeting.cleaning"))))
RUN_ID = r"\d{8}T\d{6}Z-[0-9a-f]{4}"
CUSTOMER_ID = "customer_id"
SIDES = ("before", "after")
COUNTS = BEFORE, AFTER = ("_rows_before", "_rows_after")
UNEQUAL = Relation("main", "unequal_rows")
EXAMPLES, FIRST_COLUMNS, DIFFERING_COLUMNS, LONGEST = 3, 4, 6, 80


@dataclass
class Described:
    """What a catalogue knows of a relation: table or view, comment, a view's SQL, columns in order."""

    kind: str
    comment: str | None
    sql: str | None
    types: dict[str, str] = field(default_factory=dict)
    comments: dict[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """How a relation differs, in lines; none where it is equal. Notes are no differences."""

    relation: Relation
    row_count: int
    differences: Sequence[str]
    notes: Sequence[str] = ()


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare two states, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("--ids", action="store_true", help="show customers' ids in the examples")
    chosen = parser.parse_args(arguments)
    try:
        findings = list(compare(chosen.before, chosen.after, with_ids=chosen.ids))
    except SegwarehouseError as error:
        parser.error(f"{error.message}; {error.hint}" if error.hint else error.message)
    for finding in findings:
        says = "differs" if finding.differences else "equal"
        print(f"{finding.relation!s:<44} {says:<8} {finding.row_count:>10,} rows")
        for line in (*finding.differences, *(f"note: {note}" for note in finding.notes)):
            print(f"    {line}")
    different = sum(bool(finding.differences) for finding in findings)
    print(f"{len(findings)} relations: {len(findings) - different} equal, {different} different")
    return 1 if different else 0


def compare(before: Path, after: Path, *, with_ids: bool = False) -> Iterator[Finding]:
    """Yield what each relation of either state comes to, in order of their names.

    Raises
    ------
    WarehouseError
        If a file can't be read.
    """
    with connect(None) as warehouse:
        for side, path in zip(SIDES, (before, after), strict=True):
            alias = exp.alias_(exp.Literal.string(str(path)), side, quoted=True)
            warehouse.execute(exp.Attach(this=alias, expressions=[exp.AttachOption(this=exp.var("READ_ONLY"))]))
        old, new = (describe(warehouse, side) for side in SIDES)
        for target in sorted(old.keys() | new.keys()):
            if target in old and target in new:
                yield _compare_relation(warehouse, target, old[target], new[target], with_ids=with_ids)
            else:
                side, there = ("before", old) if target in old else ("after", new)
                yield Finding(target, 0, [f"this {there[target].kind} is only there {side}"])


def describe(warehouse: DuckDB, side: str) -> dict[Relation, Described]:
    """Return what the catalogue of a state knows of its relations."""
    found: dict[Relation, Described] = {}
    for kind, sql in (("table", exp.null()), ("view", _without_runs(exp.column("sql")))):
        query = _catalogue(side, f"duckdb_{kind}s").select(
            exp.column(f"{kind}_name").as_("name"), _without_runs(exp.column("comment")).as_("comment"), sql.as_("sql")
        )
        for row in warehouse.fetch(query).to_pylist():
            found[Relation(row["schema_name"], row["name"])] = Described(kind, row["comment"], row["sql"])
    query = _catalogue(side, "duckdb_columns").select("table_name", "column_name", "data_type", "comment")
    for row in warehouse.fetch(query.order_by("schema_name", "table_name", "column_index")).to_pylist():
        described = found[Relation(row["schema_name"], row["table_name"])]
        described.types[row["column_name"]] = row["data_type"]
        described.comments[row["column_name"]] = row["comment"]
    return found


def _catalogue(side: str, function: str) -> exp.Select:
    here = exp.column("database_name").eq(exp.Literal.string(side))
    ours = exp.column("schema_name").isin(*(exp.Literal.string(schema) for schema in SCHEMAS))
    return exp.select("schema_name").from_(exp.Table(this=exp.Anonymous(this=function))).where(here, ours)


def _without_runs(text: exp.Expr) -> exp.Expr:
    """Return a text with the same word in the place of every run id."""
    pattern, word, everywhere = (exp.Literal.string(each) for each in (RUN_ID, "<run>", "g"))
    return exp.RegexpReplace(this=text, expression=pattern, replacement=word, modifiers=everywhere)


def _compare_relation(
    warehouse: DuckDB, target: Relation, old: Described, new: Described, *, with_ids: bool
) -> Finding:
    differences = list(_catalogue_differences(old, new))
    if target == STEPS:
        old_steps, new_steps = (
            set(warehouse.fetch(_rows(STEPS, side).select("step"))["step"].to_pylist()) for side in SIDES
        )
        only = zip(SIDES, (old_steps - new_steps, new_steps - old_steps), strict=True)
        notes = [f"steps only {side}: {', '.join(sorted(steps))}" for side, steps in only if steps]
        return Finding(target, len(new_steps), differences, notes)
    shared = [name for name in old.types if name in new.types and name not in ASIDE]
    before, after = (exp.Sum(this=exp.column(name)) for name in COUNTS)
    unequal = _multiset(target, shared).having(before.neq(after))
    warehouse.execute(exp.Create(this=UNEQUAL.table(), kind="TABLE", replace=True, expression=unequal))
    count = warehouse.fetch(_rows(target, "after").select(exp.Count(this=exp.Star()).as_("n")))
    differences += _row_differences(warehouse, shared, with_ids=with_ids)
    return Finding(target, count["n"][0].as_py(), differences)


def _catalogue_differences(old: Described, new: Described) -> Iterator[str]:
    if old.kind != new.kind:
        yield f"a {old.kind} before, a {new.kind} after"
    if old.comment != new.comment:
        yield f"comment {_apart(old.comment, new.comment)}"
    if old.sql != new.sql:
        yield f"SQL of the view {_apart(old.sql, new.sql)}"
    for side, names in (("before", old.types.keys() - new.types), ("after", new.types.keys() - old.types)):
        if names:
            yield f"columns only {side}: {', '.join(sorted(names))}"
    both = [name for name in old.types if name in new.types]
    if both != [name for name in new.types if name in old.types]:
        yield "columns are in another order"
    for name in both:
        if old.types[name] != new.types[name]:
            yield f"type of {name} before: {old.types[name]}, after: {new.types[name]}"
        if old.comments[name] != new.comments[name]:
            yield f"comment of {name} {_apart(old.comments[name], new.comments[name])}"


def _rows(target: Relation, side: str) -> exp.Select:
    """Return the query of a relation's rows, without a select list yet; of several runs only those of its own run."""
    rows = exp.select().from_(Place(*target, side).table("t"))
    if target in OF_SEVERAL_RUNS:
        rows = rows.where(exp.column("run_id").isin(query=_rows(relation("targeting.run"), side).select("run_id")))
    return rows


def _multiset(target: Relation, columns: Sequence[str]) -> exp.Select:
    """Return each distinct row of either state as text, with how often it is there before and after."""
    values = [exp.cast(exp.column(name, table="t", quoted=True), "text") for name in columns]
    texts = [_without_runs(value).as_(name, quoted=True) for name, value in zip(columns, values, strict=True)]
    sides = []
    for side in SIDES:
        counts = [exp.Literal.number(int(each == side)).as_(name) for each, name in zip(SIDES, COUNTS, strict=True)]
        sides.append(_rows(target, side).select(*texts, *counts))
    sums = [exp.Sum(this=exp.column(name)).as_(name) for name in COUNTS]
    names = _columns(columns)
    return exp.select(*names, *sums).from_(exp.union(*sides, distinct=False).subquery("b")).group_by(*names)


def _columns(names: Sequence[str]) -> list[exp.Column]:
    return [exp.column(name, quoted=True) for name in names]


def _row_differences(warehouse: DuckDB, columns: Sequence[str], *, with_ids: bool) -> Iterator[str]:
    """Yield how many rows are only on one side, which columns differ, each by itself, and a few such rows."""
    before, after = (exp.column(name) for name in COUNTS)
    examples: list[str] = []
    counts: list[str] = []
    differing = [name for name in columns if _differs(warehouse, name)]
    shown = [*columns[:FIRST_COLUMNS], *differing[:DIFFERING_COLUMNS]]
    names = [name for name in dict.fromkeys(shown) if with_ids or name != CUSTOMER_ID]
    for side, surplus in zip(SIDES, (before - after, after - before), strict=True):
        rows = exp.select().from_(UNEQUAL.table()).where(exp.GT(this=surplus, expression=exp.Literal.number(0)))
        count = warehouse.fetch(rows.select(exp.Sum(this=surplus).as_("n")))["n"][0].as_py() or 0
        counts.append(f"{int(count):,} only {side}")
        few = warehouse.fetch(rows.select(*_columns(names)).order_by(*_columns(columns)).limit(EXAMPLES)).to_pylist()
        texts = (", ".join(f"{name}={_short(value)}" for name, value in row.items()) for row in few)
        examples += [f"only {side}: {text}" for text in texts]
    if examples:
        yield f"rows: {', '.join(counts)}; by columns: {', '.join(differing) or 'none alone'}"
    yield from examples


def _differs(warehouse: DuckDB, name: str) -> bool:
    before, after = (exp.Sum(this=exp.column(each)) for each in COUNTS)
    values = exp.select(exp.Literal.number(1)).from_(UNEQUAL.table()).group_by(*_columns([name]))
    return bool(warehouse.fetch(values.having(before.neq(after)).limit(1)).num_rows)


def _apart(old: str | None, new: str | None) -> str:
    """Return two texts from shortly before they part."""
    same = list(takewhile(lambda pair: pair[0] == pair[1], zip(old or "", new or "", strict=False)))
    return f"before: {_short(old, len(same))}, after: {_short(new, len(same))}"


def _short(text: str | None, at: int = 0) -> str:
    if text is None:
        return "NULL"
    start = max(0, at - LONGEST // 4)
    part = text[start : start + LONGEST]
    return f"{'...' * bool(start)}{part}{'...' * (start + len(part) < len(text))}"


if __name__ == "__main__":
    sys.exit(main())
