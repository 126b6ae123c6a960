"""Hostile names through every door: nothing executes, nothing is lost, and names come back as they came."""

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from segwarehouse.api import Project
from segwarehouse.cli import main
from segwarehouse.errors import DataError, ModelError, SegwarehouseError, WarehouseError
from segwarehouse.refresh import RefreshReport
from segwarehouse.rules.compile import VIEW_COLUMNS
from segwarehouse.warehouse import connect
from tests.conftest import make_transactions, write_project

ATTACKS = (
    "'); DROP TABLE canary; --",
    '"; DROP SCHEMA targeting CASCADE; --',
    "x' OR '1'='1",
    "a/*comment*/b -- c",
    "{{ 7 * 7 }}{% raw %}",
    "$membership $points",
    '=HYPERLINK("http://x","y")',
    "<script>alert(1)</script>&amp;",
    "../../etc/passwd",
    "select",
    "SELECT",
    "rules",
    "\u202eevil\u202c \u200bwidth",
    "раураl",  # Cyrillic letters that look like Latin ones
    "paypal",
    "back\\slash \t tab \n line",
    "🐟" * 20,
    "n" * 5_000,
    " leading and trailing ",
    "%s %(x)s {0} \\u0041",
    "`backticks` [brackets] «guillemets» “curly” ’apostrophe‘ ＂full width＂",
    "$$ dollar $tag$ quotes $tag$ $$",
    "'' \"\" ''' \\' \\\"",
    "x; ATTACH 'evil.duckdb' AS evil; COPY t TO 'evil.csv'; --",
    "{{ ''.__class__.__mro__ }}{# comment #}",
    "/etc/passwd",
    "data/transactions.parquet",
    "C:\\windows\\nul.txt",
    "null",
    "customer_id",
    "caf\u00e9",
    "cafe\u0301",  # the same to the eye
    "line\u2028separator\u2029 \r\n \x1b[2J",
    "+1",
    "@SUM(A1)",
    "\t=1+1",
    "－1",
    "\u2066isolated\u2069\u200d\ufeff",
)
LEARNED = ATTACKS[:2]
FOLDER = 'it\'s a "folder"; -- 🐟'
FILE = "t'; drop table canary; --.parquet"
ID = re.compile(r"#\d{5}")
COLUMN = 'cust"omer; --'
SALT = 'it\'s "salt"; --'


def hostile_ids(customers: np.ndarray) -> list[str]:
    """Ids that any search finds again: an attack, and five digits after a #."""
    return [f"{ATTACKS[customer % len(ATTACKS)][:30]}#{customer:05d}" for customer in customers]


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RefreshReport, pd.DataFrame]:
    random = np.random.default_rng(5)
    frame = make_transactions(400)
    frame["department"] = np.array(ATTACKS, dtype=object)[random.integers(0, len(ATTACKS), len(frame))]
    frame["customer_id"] = hostile_ids(frame["customer_id"].to_numpy())
    customers = pd.DataFrame({COLUMN: sorted(set(frame["customer_id"]))})
    for position, attack in enumerate(ATTACKS[:6]):
        customers[attack] = np.array(ATTACKS, dtype=object)[(np.arange(len(customers)) + position) % 3]
    frame = frame.rename(columns={"customer_id": COLUMN, "department": ATTACKS[0]})
    folder = write_project(tmp_path_factory.mktemp("attacked") / FOLDER, frame, customers=customers)
    (folder / "data" / "transactions.parquet").rename(folder / "data" / FILE)
    config = folder / "segwarehouse.toml"
    text = config.read_text(encoding="utf-8")
    text = text.replace("data/transactions.parquet", f"data/{FILE}")
    text = text.replace('customer_id = "customer_id"', f"customer_id = {json.dumps(COLUMN)}")
    text = text.replace('department = "department"', f"department = {json.dumps(ATTACKS[0])}")
    text = text.replace("budget = 30", f"budget = 30\nsalt = {json.dumps(SALT)}")
    config.write_text(text.replace("min_buyers = 40", "min_buyers = 20"), encoding="utf-8")
    with duckdb.connect(str(folder / "warehouse.duckdb")) as connection:
        connection.execute("create table canary as select 1 as alive").fetchall()
    told: list[str] = []
    report = Project(folder).refresh(
        departments=LEARNED, progress=lambda moment: told.append(f"{moment.step} {moment.subject} {moment.note}")
    )
    (folder / "progress.log").write_text("\n".join(told), encoding="utf-8")
    return folder, report, frame


def ask(file: Path, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(file), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_names_come_back_as_they_came(attacked: tuple[Path, RefreshReport, pd.DataFrame]) -> None:
    folder, _, frame = attacked
    published = folder / "published" / "warehouse.duckdb"
    names = {str(name) for (name,) in ask(published, "select department from targeting.departments")}
    assert names == set(ATTACKS)
    ids = {str(customer) for (customer,) in ask(published, "select customer_id from features.customers")}
    assert ids == set(frame[COLUMN])


def test_nothing_executes(attacked: tuple[Path, RefreshReport, pd.DataFrame]) -> None:
    folder, _, _ = attacked
    assert ask(folder / "warehouse.duckdb", "select alive from canary") == [(1,)]
    tables = "select table_schema from information_schema.tables where table_catalog = current_database()"
    assert {schema for (schema,) in ask(folder / "published" / "warehouse.duckdb", tables)} == {"features", "targeting"}


def test_views_have_plain_unique_names_and_are_proved(attacked: tuple[Path, RefreshReport, pd.DataFrame]) -> None:
    folder, report, _ = attacked
    views = [str(row["view_name"]) for row in report.departments]
    assert len({view.casefold() for view in views}) == len(LEARNED)
    assert all(view.replace("_", "").isalnum() for view in views)
    assert all(proof.proved for proof in Project(folder).verify())
    for department in LEARNED:
        audience = Project(folder).audience(department)
        assert len(audience) == 30
        assert audience["reasons"].str.len().gt(0).all()


def test_the_report_holds_no_id_and_no_markup_from_data(attacked: tuple[Path, RefreshReport, pd.DataFrame]) -> None:
    folder, report, frame = attacked
    assert report.report == folder / "published" / "report.html"
    text = report.report.read_text(encoding="utf-8")
    assert "<script>alert" not in text
    numbers = {customer.rpartition("#")[2] for customer in frame[COLUMN]}
    assert len(numbers) > 300
    assert set(re.findall(r"#(\d{5})(?![0-9a-f])", text)) & numbers == set()  # a sixth digit makes it a colour


def test_no_log_report_or_table_but_the_targeting_ones_holds_an_id(
    attacked: tuple[Path, RefreshReport, pd.DataFrame], capsys: pytest.CaptureFixture[str]
) -> None:
    folder, report, _ = attacked
    project = Project(folder)
    with pytest.raises(SystemExit) as ended:
        main(["check", "--project", str(folder)])
    assert ended.value.code == 0
    said = {
        "progress": (folder / "progress.log").read_text(encoding="utf-8"),
        "report": repr(report.as_dict()),
        "runs": project.runs().to_csv(),
        "departments": project.departments().to_csv(),
        "rules": project.rules().to_csv(),
        "verify": repr([item.as_dict() for item in project.verify()]),
        "check": "".join(capsys.readouterr()),
        "toml": (folder / "segwarehouse.toml").read_text(encoding="utf-8"),
    }
    assert {name for name, text in said.items() if ID.search(text)} == set()
    assert "learn" in said["progress"]
    published = folder / "published" / "warehouse.duckdb"
    columns = "select table_schema, table_name, column_name from information_schema.columns where data_type = 'VARCHAR'"
    for schema, table, column in ask(published, columns):
        found = ask(
            published, f"""select count(*) from "{schema}"."{table}" where regexp_matches("{column}", '#[0-9]{{5}}')"""
        )
        assert found == [(0,)] or column == "customer_id", (table, column)


MODELS: dict[str, Callable[[str], str]] = {
    "cast": lambda column: f"cast({column} as integer)",
    "date": lambda column: f"cast({column} as date)",
    "list": lambda column: f"cast({column} as integer[])",
    "parse": lambda column: f"strptime({column}, '%Y')",
}


@pytest.mark.parametrize("name", MODELS)
def test_an_error_of_the_engine_names_no_id(
    attacked: tuple[Path, RefreshReport, pd.DataFrame], tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    frame = attacked[2].rename(columns={COLUMN: "customer_id", ATTACKS[0]: "department"})
    folder = write_project(tmp_path / "project", frame)
    own = folder / "models" / "staging"
    own.mkdir(parents=True)
    wrong = MODELS[name]("customer_id")
    (own / "transactions.sql").write_text(
        f"-- materialized: table\nselect {wrong} as customer_id, department, occurred_at from source.transactions\n",
        encoding="utf-8",
    )
    with pytest.raises(SystemExit) as ended:
        main(["refresh", "--debug", "--project", str(folder)])
    assert ended.value.code == 5
    said = "".join(capsys.readouterr()) + Project(folder).runs().to_csv()
    assert "…" in said
    assert not ID.search(said)
    with pytest.raises(SegwarehouseError) as stopped:
        Project(folder).check()
    assert not ID.search(repr(stopped.value.facts))


@pytest.mark.parametrize("department", LEARNED)
def test_a_spreadsheet_finds_no_formula_and_the_export_has_the_columns_that_help_names(
    attacked: tuple[Path, RefreshReport, pd.DataFrame],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    department: str,
) -> None:
    folder, _, frame = attacked
    target = tmp_path / "audience.csv"
    with pytest.raises(SystemExit) as ended:
        main(["audience", department, "--all", "--project", str(folder), "--csv", str(target)])
    assert ended.value.code == 0
    with target.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    assert tuple(rows[0]) == VIEW_COLUMNS
    assert not [cell for row in rows[1:] for cell in row if cell.startswith(tuple("=+-@\t\r\n＝＋－＠"))]
    known = set(frame[COLUMN])
    ids = {row[0] if row[0] in known else row[0].removeprefix("'") for row in rows[1:]}
    assert len(ids) == len(rows) - 1
    assert ids <= known
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main(["audience", "--help"])
    assert ", ".join(VIEW_COLUMNS) in " ".join(capsys.readouterr().out.split())


READS = {
    "read_csv": "select *, (select max(a) from read_csv('{secret}')) as stolen from source.transactions",
    "read_text": "select *, (select max(content) from read_text('/etc/passwd')) as stolen from source.transactions",
    "glob": "select *, (select max(file) from glob('/etc/*')) as stolen from source.transactions",
    "by name": "select *, (select max(a) from '{secret}') as stolen from source.transactions",
    "sniff_csv": "select *, (select max(Delimiter) from sniff_csv('{secret}')) as stolen from source.transactions",
    "httpfs": "select *, (select max(a) from 'https://example.com/x.parquet') as stolen from source.transactions",
    "query": "select *, (select max(a) from query('from read_csv(''{secret}'')')) as stolen from source.transactions",
}


@pytest.mark.parametrize("name", READS)
def test_the_working_connection_can_reach_nothing_but_its_sources(tmp_path: Path, name: str) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n", encoding="utf-8")
    folder = write_project(tmp_path / "project", make_transactions(120))
    own = folder / "models" / "staging"
    own.mkdir(parents=True)
    (own / "transactions.sql").write_text(READS[name].format(secret=secret), encoding="utf-8")
    with pytest.raises((ModelError, WarehouseError), match=r"disabled|not exist|Permission|could not be loaded"):
        Project(folder).check()


TEMPLATES = {
    "a bare value": ("select {{ column.customer_id }} as customer_id, department from source.transactions", "filter"),
    "Python": (
        "select {{ cycler.__init__.__globals__.os.popen('touch {mark}').read() | literal }} as a",
        "nothing else",
    ),
    "a class": ("select {{ ''.__class__.__mro__[1].__subclasses__() | literal }} as a", "nothing else"),
    "a file": ("select 1 as a {% include '/etc/passwd' %}", "no /etc/passwd"),
    "a file above": ("select 1 as a {% include '../../segwarehouse.toml' %}", "no ../../segwarehouse.toml"),
    "two statements": ("select 1 as a; drop table canary", "one SELECT"),
    "no SELECT": ("copy (select 1) to '{mark}'", "one SELECT"),
    "ATTACH": ("attach '{mark}' as other", "one SELECT"),
    "SET": ("set enable_external_access = true", "one SELECT"),
}


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_model_of_the_projects_own_can_do_nothing_but_select(tmp_path: Path, name: str) -> None:
    text, said = TEMPLATES[name]
    mark = tmp_path / "mark"
    folder = write_project(tmp_path / "project", make_transactions(120))
    own = folder / "models" / "staging"
    own.mkdir(parents=True)
    (own / "transactions.sql").write_text(text.replace("{mark}", str(mark)), encoding="utf-8")
    with pytest.raises(ModelError, match=said):
        Project(folder).check()
    assert not mark.exists()


def test_a_locked_connection_changes_no_setting_and_writes_no_file(tmp_path: Path) -> None:
    source = tmp_path / "in" / "t.parquet"
    source.parent.mkdir()
    make_transactions(50).to_parquet(source)
    out = tmp_path / "out"
    with connect(tmp_path / "w.duckdb") as warehouse:
        warehouse.lock_down([str(source)], tmp_path / "runs")
        raw = warehouse._connection  # the attacker is past the adapter
        assert raw.execute(f"select count(*) > 0 from read_parquet('{source}')").fetchall() == [(True,)]
        for attack in (
            "set enable_external_access = true",
            "set lock_configuration = false",
            "set autoload_known_extensions = true",
            "set allowed_directories = ['/']",
            "reset allowed_directories",
            "pragma enable_logging",
            "install httpfs",
            "load httpfs",
            f"load '{out}.duckdb_extension'",
            f"copy (select 1) to '{out}.csv'",
            f"copy (select 1) to '{tmp_path}/runs/../out.csv'",
            f"export database '{out}'",
            f"import database '{out}'",
            "create temporary table t as select * from read_text('/etc/hostname')",
            "select * from read_blob('/etc/hostname')",
            "select * from glob('/etc/*')",
            "select * from parquet_metadata('/etc/hostname')",
            "select * from query('select * from read_text(''/etc/hostname'')')",
            "create secret (type s3, key_id 'a', secret 'b')",
            f"attach '{out}.duckdb' as other",
            "attach 'https://example.com/x.duckdb' as other",
        ):
            with pytest.raises(duckdb.Error):
                raw.execute(attack).fetchall()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "w.duckdb"]


def test_a_name_with_nul_is_refused_in_words(tmp_path: Path) -> None:
    frame = make_transactions(120)
    frame.loc[frame["department"] == "Toys", "department"] = "To\0ys"
    with pytest.raises(DataError, match="NUL"):
        Project(write_project(tmp_path, frame)).check()
