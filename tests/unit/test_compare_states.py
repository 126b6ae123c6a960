"""`benchmarks.compare_states` finds whatever differs between two states, and nothing where only the run differs."""

from pathlib import Path

import pytest
import sqlglot

from benchmarks.compare_states import main
from tests.engines import DIALECT, PUBLISHED, change

RUN, OTHER_RUN = "20261123T081500Z-3f9c", "20261124T091600Z-0a1b"
STATE = """
create schema features;
create schema targeting;
create table features.customers as
select * from (
    values (4711, 1.5::double, 'nan'::double, null), (4712, 0.1::double, 2, 'x'), (4712, 0.1::double, 2, 'x')
) as rows (customer_id, amount, share, remark);
create view targeting.bread as
select customer_id, amount, '{run}' as run_id from features.customers where amount > 0;
comment on column features.customers.amount is 'spent';
comment on view targeting.bread is 'who buys bread';
create table targeting.run as select '{run}' as run_id, timestamp '{at}' as started_at;
create table targeting.runs as
select '{former}' as run_id, 7 as seed, null as compared_with, timestamp '2026-01-01' as finished_at
union all
select '{run}', 42, '{former}', timestamp '{at}';
create table targeting.run_steps as select '{run}' as run_id, 'learn' as step, {seconds} as seconds;
"""
OF_RUN = {"run": RUN, "former": "20261101T081500Z-aaaa", "at": "2026-11-23 08:15:00", "seconds": "1.5"}
OF_OTHER_RUN = {"run": OTHER_RUN, "former": "20261102T081500Z-bbbb", "at": "2026-11-24 09:16:00", "seconds": "2.5"}


def write(path: Path, text: str, values: dict[str, str]) -> Path:
    change(path, *filter(None, sqlglot.parse(text.format(**values), dialect=DIALECT)))
    return path


@pytest.fixture
def before(tmp_path: Path) -> Path:
    return write(tmp_path / "before" / PUBLISHED, STATE, OF_RUN)


def after(tmp_path: Path, was: str = "", becomes: str = "", values: dict[str, str] = OF_OTHER_RUN) -> Path:
    text = STATE.replace(was, becomes) if was else STATE
    assert (text != STATE) == bool(was)
    return write(tmp_path / "after" / PUBLISHED, text, values)


def different(printed: str) -> set[str]:
    """Return the relations that are reported as different."""
    return {line.split()[0] for line in printed.splitlines() if " differs " in line}


def test_only_the_run_differs(before: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "(4712, 0.1::double, 2, 'x')"
    other = after(
        tmp_path,
        f"(4711, 1.5::double, 'nan'::double, null), {rows}, {rows}",
        f"{rows}, {rows}, (4711, 1.5::double, 'nan'::double, null)",
    )
    assert main([str(before), str(other)]) == 0
    printed = capsys.readouterr().out
    assert different(printed) == set()
    assert "5 relations: 5 equal, 0 different" in printed
    assert "note" not in printed


@pytest.mark.parametrize(
    ("was", "becomes", "where", "what"),
    [
        (
            "1.5::double",
            "1.5000000000000002::double",
            "customers bread",
            "rows: 1 only before, 1 only after; by columns: amount",
        ),
        ("0.1::double, 2, 'x'), (", "-0.0::double, 2, 'x'), (", "customers bread", "amount=-0.0"),
        ("'nan'::double", "null", "customers", "share=NULL"),
        ("(4712, 0.1::double, 2, 'x'), (4712", "(4712", "customers bread", "rows: 1 only before, 0 only after"),
        ("'x')\n", "'x')\n, (4713, 0, 0, '')", "customers", "rows: 0 only before, 1 only after"),
        ("is 'spent'", "is 'spent in all'", "customers", "comment of amount before: spent, after: spent in all"),
        ("comment on column features.customers.amount is 'spent';", "", "customers", "before: spent, after: NULL"),
        ("who buys bread", "who buys fish", "bread", "comment before: who buys bread, after: who buys fish"),
        ("amount > 0", "amount >= 0.01", "bread", "SQL of the view before: "),
        ("create view", "create table", "bread", "a view before, a table after"),
        ("42", "42::bigint", "runs", "type of seed before: INTEGER, after: BIGINT"),
        ("42", "43", "runs", "seed=43"),
        ("'{former}', timestamp", "null, timestamp", "runs", "compared_with=NULL"),
        ("select customer_id, amount,", "select amount, customer_id,", "bread", "columns are in another order"),
        ("as started_at", "as started_at, 1 as protocol", "run", "columns only after: protocol"),
        (
            "create table targeting.run_steps",
            "create table targeting.steps",
            "run_steps steps",
            "this table is only there",
        ),
    ],
)
def test_a_difference_is_found(
    was: str, becomes: str, where: str, what: str, before: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = after(tmp_path, was, becomes)
    assert main([str(before), str(other)]) == 1
    printed = capsys.readouterr().out
    assert {name.partition(".")[2] for name in different(printed)} == set(where.split())
    assert what in printed


def test_the_steps_of_a_run_are_a_note(before: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(before), str(after(tmp_path, "'learn'", "'learn and judge'"))]) == 0
    printed = capsys.readouterr().out
    assert "note: steps only before: learn\n" in printed
    assert "note: steps only after: learn and judge\n" in printed


def test_ids_are_shown_when_asked_for(before: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [str(before), str(after(tmp_path, "4711", "4710"))]
    assert main(files) == 1
    hidden = capsys.readouterr().out
    assert "by columns: customer_id" in hidden
    assert "471" not in hidden
    assert main([*files, "--ids"]) == 1
    assert "customer_id=4710" in capsys.readouterr().out


def test_a_file_that_is_no_state(before: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([str(before), str(tmp_path / "none")])
