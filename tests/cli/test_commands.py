"""What each command asks of the Python API and how it shows the answer, with an API of a few lines in its place."""

import datetime as dt
import io
import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pandas as pd
import pytest

from segwarehouse.cli import main
from segwarehouse.cli.render import VERDICTS, print_table
from segwarehouse.errors import ConfigError, UnknownName, WarehouseLocked
from segwarehouse.evaluate.bootstrap import Estimate
from segwarehouse.initialise import Initialised
from segwarehouse.initialise.guess import Guess
from segwarehouse.ledger.status import Moment, Progress
from segwarehouse.measure.campaign import Campaign
from segwarehouse.measure.contacts import Contacts
from segwarehouse.refresh.plan import PlannedRelation
from segwarehouse.refresh.summary import DISPLAYED, strongest
from segwarehouse.rules.prove import Discrepancy, Proof
from segwarehouse.state.export import Exported
from segwarehouse.state.proof import Verified

FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx")


@dataclass
class Report:
    facts: dict[str, Any]

    def as_dict(self) -> dict[str, Any]:
        return self.facts


MOMENTS = (
    Moment("learn", "SEAFOOD", 0.2, 0.5),
    Moment("learn", "SEAFOOD", 0.3, 0.6, 240.0, "1 department to learn"),
    Moment("publish", "", 1.0, 1.0, 0.0),
)
PARTS = (
    Guess("customer_id", "cust", "sure", "2 different values"),
    Guess("department", "shelf", "please check", "no name says so"),
)
INITIALISED = Initialised(
    Path("p/segwarehouse.toml"),
    PARTS,
    {"amount": ""},
    {"decimal_comma": True},
    {"outcome_days": 40},
    12_345,
    pd.DataFrame({"cust": ["007"], "other": ["unused"], "shelf": ["Fish"]}),
)


@dataclass
class Written:
    path: Path
    size_bytes: int = 2_900_000
    departments: int = 20


@dataclass
class FakeProject:
    """Answers every call with fixed values, and remembers the calls."""

    directory: Path
    calls: list[tuple[Any, ...]] = field(default_factory=list)
    proved: bool = True
    report_failure: str = ""
    held_back: list[dict[str, str]] = field(default_factory=list)
    failure: BaseException | None = None

    def _called(self, *call: object) -> None:
        self.calls.append(call)
        if self.failure is not None:
            raise self.failure

    def check(self, as_of: dt.date | None = None) -> Report:
        self._called("check", as_of)
        return Report(
            {
                "source": {"transactions": "data/t.parquet", "rows": 1200},
                "columns": [{"key": "customer_id", "column": "hh"}],
                "ignored_columns": {"note": "too many values"},
                "advice": ["8% of the lines have no customer."],
                "cleaning": [{"reason": "no customer", "rows": 3, "share": 0.0025}],
                "departments": [
                    {"department": "SEAFOOD", "buyers": 300, "candidates": 700, "eligible": True, "why": ""},
                    {"department": "[red]木", "buyers": 3, "candidates": 997, "eligible": False, "why": "too few"},
                ],
                "as_of": "2017-10-02",
                "protocol": "back in time",
            }
        )

    def refresh(
        self,
        *,
        as_of: dt.date | None = None,
        departments: Sequence[str] = (),
        accept: bool = False,
        wait_seconds: float = 0.0,
        progress: Progress | None = None,
    ) -> Report:
        self._called("refresh", as_of, tuple(departments), wait_seconds, *(("accept",) if accept else ()))
        assert progress is not None
        for moment in MOMENTS:
            progress(moment)
        return Report(
            {
                "run_id": "r1",
                "as_of": "2017-10-02",
                "published": "/p/published/warehouse.duckdb",
                "departments": [
                    {
                        "department": "SEAFOOD",
                        "view_name": "seafood",
                        "buyers": 300,
                        "candidates": 700,
                        "rule_count": 5,
                        "auc": 0.6789,
                        "lift": float("nan"),
                        "verdict": "ties",
                    }
                ],
                "refused": [{"department": "TINY", "why": "3 buyers"}],
                "held_back": [] if accept else self.held_back,
                "seconds": 12.3,
                "report": None if self.report_failure else "/p/published/report.html",
                "report_failure": self.report_failure,
            }
        )

    def plan(self, as_of: dt.date | None = None, departments: Sequence[str] = ()) -> list[PlannedRelation]:
        self._called("plan", as_of, tuple(departments))
        return [
            PlannedRelation("staging.transactions", "SELECT 1;"),
            PlannedRelation("targeting.seafood", "CREATE VIEW x AS SELECT 2"),
        ]

    def rules(self, department: str | None = None) -> pd.DataFrame:
        self._called("rules", department)
        words, sql, lift = ["3 or more"], ['"a" >= 3'], [float("nan")]
        return pd.DataFrame({"rule": ["R1"], "words": words, "condition_sql": sql, "learned_lift": lift})

    def audience(self, department: str, *, limit: int | None = None, in_budget: bool = True) -> pd.DataFrame:
        self._called("audience", department, limit, in_budget)
        frame = pd.DataFrame(
            {
                "customer_id": ["007", "\x1b[2Jx", *FORMULAS],
                "score": [0.5] * 8,
                "rank": range(1, 9),
                "=reasons": ["-5 or more"] * 8,
            }
        )
        return frame.head(limit) if limit else frame

    def verify(self) -> list[Verified]:
        self._called("verify")
        difference = () if self.proved else (Discrepancy("rank", 3),)
        return [Verified("SEAFOOD", "seafood", Proof(9, 4, difference), Proof(2000, 900))]

    def export(self, departments: Sequence[str] = (), dialect: str = "duckdb") -> list[Exported]:
        self._called("export", tuple(departments), dialect)
        sql = "/* transpiled, not executed */ CREATE VIEW x;"
        return [Exported("SEAFOOD", "seafood", dialect, "transpiled, not executed", sql)]

    def report(self, output: Path | None = None, departments: Sequence[str] = ()) -> Written:
        self._called("report", output, tuple(departments))
        return Written(output or Path("/p/report.html"))

    def summary(self, departments: Sequence[str] = ()) -> dict[str, Any]:
        self._called("summary", tuple(departments))
        return {"overview": [{"name": "SEAFOOD"}]}

    def rollback(self, run_id: str | None = None, *, wait_seconds: float = 0.0) -> Report:
        self._called("rollback", run_id, wait_seconds)
        return Report({"run_id": "r3", "restored_run_id": run_id or "r1", "replaced_run_id": "r2"})

    def diff(self, before: str | None = None, after: str | None = None) -> Report:
        self._called("diff", before, after)
        rows = [{"department": "SEAFOOD", "before": 30, "after": 31, "entered": 4, "left": 3, "entered_by_data": 4}]
        return Report(
            {"before": "r1", "after": "r2", "departments": rows, "only_before": ["TINY"], "only_after": ["[red]NEW"]}
        )

    def measure(
        self, run_id: str | None = None, *, contacted: Path | None = None, as_planned: bool = False
    ) -> Campaign:
        self._called("measure", run_id, contacted, as_planned)
        return Campaign(
            run_id=run_id or "r1",
            since=dt.date(2026, 1, 1),
            until=dt.date(2026, 4, 2),
            is_complete=True,
            departments=[{"department": "SEAFOOD", "contacts": 450, "bought": 60, "controls": 50}],
            added_buyers=Estimate(24.0, 3.0, 45.0, 10.7),
            uplift=Estimate(0.12, 0.03, 0.21, 0.05),
            smallest_visible=0.724,
            planned=450,
            took_place=None if as_planned else 200,
            controls=50,
            controls_contacted=None if as_planned else 1,
            contacts=None if as_planned else Contacts(260, 240, 9, 201, 0, 0, 0, has_department=True),
            cost=0.5,
            value=20.0,
        )

    def changes(self, before: str | None = None, after: str | None = None) -> pd.DataFrame:
        self._called("changes", before, after)
        row = {"department": "=SEA", "customer_id": "+007", "change": "left", "cause": "data", "reason": "-1"}
        return pd.DataFrame([row])

    def runs(self) -> pd.DataFrame:
        self._called("runs")
        stamps = [pd.Timestamp("2026-01-02"), pd.NaT]
        return pd.DataFrame({"run_id": ["r2", "r1"], "started_at": stamps, "rows": [7, 8]})


@pytest.fixture
def project(monkeypatch: pytest.MonkeyPatch) -> FakeProject:
    fake = FakeProject(Path())

    def opened(directory: str | Path = ".") -> FakeProject:
        fake.directory = Path(directory)
        return fake

    def init(directory: str | Path, transactions: str | Path, columns: dict[str, str]) -> Initialised:
        fake._called("init", Path(directory), str(transactions), columns)
        return INITIALISED

    api = ModuleType("segwarehouse.api")
    vars(api).update(Project=opened, init=init)
    monkeypatch.setitem(sys.modules, "segwarehouse.api", api)
    return fake


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Terminal]:
    """Return a function that puts a colour terminal of 60 columns in the place of a stream."""

    def in_place_of(stream: str) -> Terminal:
        screen = Terminal()
        monkeypatch.setattr(sys, stream, screen)
        return screen

    for name, value in {"TERM": "xterm-256color", "COLUMNS": "60"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)
    return in_place_of


@dataclass
class Outcome:
    status: int
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*arguments: str) -> Outcome:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        captured = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Outcome(ended.value.code, captured.out, captured.err)

    return call


def test_refresh_passes_its_options_on_and_prints_only_the_result(project: FakeProject, run: Run) -> None:
    given = ("--project", "p", "--as-of", "2017-10-02", "--department", "A", "--department", "B & C", "--wait", "60")
    outcome = run("refresh", *given)
    assert outcome.status == 0
    assert project.directory == Path("p")
    assert project.calls == [("refresh", dt.date(2017, 10, 2), ("A", "B & C"), 60.0)]
    assert "seafood" in outcome.out
    assert "0.679" in outcome.out
    assert "3 buyers" in outcome.out
    assert "Published in /p/published/warehouse.duckdb" in outcome.out
    assert "Report in /p/published/report.html" in outcome.out
    assert "learn" not in outcome.out


def test_a_report_that_could_not_be_made_is_no_failed_run(project: FakeProject, run: Run) -> None:
    project.report_failure = "KeyError: 'lift'"
    outcome = run("refresh")
    assert outcome.status == 0
    assert "Report in" not in outcome.out
    assert "no report: KeyError: 'lift'; make it with: segwarehouse report" in outcome.err


def test_report_writes_a_file_and_says_where(project: FakeProject, run: Run) -> None:
    outcome = run("report", "--output", "here.html", "--department", "A", "--department", "B")
    assert project.calls == [("report", Path("here.html"), ("A", "B"))]
    assert outcome.out == "Wrote here.html: 20 departments, 2.9 MB.\n"


def test_report_prints_what_it_says_as_json(project: FakeProject, run: Run) -> None:
    outcome = run("report", "--json")
    assert project.calls == [("summary", ())]
    assert json.loads(outcome.out) == {"overview": [{"name": "SEAFOOD"}]}
    assert run("report", "--json", "--output", "x.html").status == 2


def test_progress_is_one_line_a_step_with_its_time_and_the_share_of_the_whole(project: FakeProject, run: Run) -> None:
    lines = [line.split(" ", 1) for line in run("refresh").err.splitlines()]
    assert [text for _, text in lines] == [" 50% learn SEAFOOD", "1 department to learn", "100% publish"]
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", stamp) for stamp, _ in lines)


def test_the_time_that_is_left_is_said_where_it_is_known(
    project: FakeProject, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = (Moment("learn", "A", 0.1, 0.4), Moment("learn", "B", 0.2, 0.5, 240.0))
    monkeypatch.setattr(sys.modules[__name__], "MOMENTS", moments)
    first, second = run("refresh").err.splitlines()
    assert first.endswith(" 40% learn A")
    assert second.endswith(" 50% learn B (about 4 minutes left)")


def test_progress_on_a_terminal_names_department_and_step(
    project: FakeProject, run: Run, terminal: Callable[[str], Terminal]
) -> None:
    screen = terminal("stderr")
    assert run("refresh", "--json").status == 0
    assert "learn" in screen.getvalue()
    assert "publish" in screen.getvalue()


def test_a_log_for_machines_is_one_object_a_line(
    project: FakeProject, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [json.loads(line) for line in run("refresh", "--log-format", "json").err.splitlines()]
    assert [(line["event"], line["step"], line["subject"], line["step_share"], line["share"]) for line in lines] == [
        ("progress", "learn", "SEAFOOD", 0.2, 0.5),
        ("progress", "learn", "SEAFOOD", 0.3, 0.6),
        ("progress", "publish", "", 1.0, 1.0),
    ]
    assert [line["seconds_left"] for line in lines] == [None, 240, 0]
    assert [line.get("note") for line in lines] == [None, "1 department to learn", None]
    assert all(dt.datetime.fromisoformat(line["time"]).utcoffset() == dt.timedelta(0) for line in lines)
    assert all(line["seconds"] >= 0 for line in lines)
    project.failure = ConfigError("learning.sed is wrong", hint="did you mean 'seed'?")
    monkeypatch.setenv("SEGWAREHOUSE_LOG_FORMAT", "json")
    failed = json.loads(run("refresh").err)
    assert (failed["event"], failed["exit_status"], failed["hint"]) == ("error", 3, "did you mean 'seed'?")
    misused = json.loads(run("--log-format", "json", "refresh", "--nope").err)
    assert (misused["event"], misused["exit_status"]) == ("error", 2)


@pytest.mark.parametrize("command", ["check", "refresh", "rules", "audience SEAFOOD", "verify", "runs", "init t.csv"])
def test_quiet_leaves_the_exit_status_and_what_was_asked_for_in_a_form(
    project: FakeProject, run: Run, command: str
) -> None:
    before, behind = run("--quiet", *command.split()), run(*command.split(), "-q")
    assert (before.status, before.out, before.err) == (0, "", "")
    assert behind == before
    assert json.loads(run(*command.split(), "--quiet", "--json").out)
    project.failure = ConfigError("learning.sed is wrong")
    assert run(*command.split(), "--quiet").err == "error: learning.sed is wrong\n"


def test_a_table_fits_the_terminal_and_says_what_it_left_out(
    project: FakeProject, run: Run, terminal: Callable[[str], Terminal]
) -> None:
    screen = terminal("stdout")
    run("refresh", "--quiet")
    assert screen.getvalue() == ""
    run("refresh")
    shown = re.sub(r"\x1b\[[0-9;]*m", "", screen.getvalue())
    table, _, rest = shown.partition("Not shown for want of width: ")
    assert max(map(len, table.splitlines())) <= 60
    assert "SEAFOOD" in table
    assert rest.startswith("auc, view name; --json has all.")


def test_department_and_verdict_are_seen_at_80_columns_however_long_the_names(
    project: FakeProject, run: Run, terminal: Callable[[str], Terminal], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "FROZEN READY MEALS AND SNACKS 木木木木木木木木"
    row = {"department": name, "view_name": "v" * 60, "buyers": 1_234_567, "candidates": 7_654_321, "rule_count": 12}
    row |= {"lift_at_budget": 2.345, "verdict": "beats activity", "auc": 0.7, "activity_auc": 0.6, "remark": "r" * 90}
    row |= {"verdict_at_budget": "beats activity", "extra_buyers": 12.34, "contacts": 500}
    monkeypatch.setenv("COLUMNS", "80")
    screen = terminal("stdout")
    print_table([row], DISPLAYED, marks=VERDICTS)
    shown = re.sub(r"\x1b\[[0-9;]*m", "", screen.getvalue())
    heading = shown.splitlines()[1:4]
    assert "department" in " ".join(heading)
    assert "verdict" in " ".join(heading)
    assert "beats activity" in shown
    assert "".join(line[:20].strip() for line in shown.splitlines()).find("FROZEN READY") >= 0
    assert max(map(len, shown.partition("Not shown")[0].splitlines())) <= 80


def test_colours_mark_news_on_a_terminal_alone_and_not_with_no_color(
    project: FakeProject, run: Run, terminal: Callable[[str], Terminal], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "\x1b" not in run("check").out
    screen = terminal("stdout")
    run("check")
    assert "\x1b[31m" in screen.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    plain, errors = terminal("stdout"), terminal("stderr")
    run("check")
    project.failure = ConfigError("learning.sed is wrong")
    run("check")
    assert not re.search(r"\x1b\[(3[0-7]|9[0-7])m", plain.getvalue())
    assert errors.getvalue() == "error: learning.sed is wrong\n"


def test_export_prints_sql_that_says_what_it_is(project: FakeProject, run: Run) -> None:
    outcome = run("export", "SEAFOOD", "--dialect", "postgres")
    assert project.calls == [("export", ("SEAFOOD",), "postgres")]
    assert outcome.out == "/* transpiled, not executed */ CREATE VIEW x;\n"
    assert json.loads(run("export", "--json").out)[0]["label"] == "transpiled, not executed"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_that_asks_this_program(run: Run, shell: str) -> None:
    script = run("completion", shell)
    assert script.status == 0
    assert f"_SEGWAREHOUSE_COMPLETE={shell}_complete" in script.out


def test_a_shell_that_asks_gets_commands_and_options(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_SEGWAREHOUSE_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "segwarehouse refresh --dry")
    monkeypatch.setenv("COMP_CWORD", "2")
    assert run().out == "plain,--dry-run\n"


def test_json_is_all_that_standard_output_gets_and_nan_is_null(project: FakeProject, run: Run) -> None:
    outcome = run("refresh", "--json")
    report = json.loads(outcome.out)
    assert report["run_id"] == "r1"
    assert report["departments"][0]["lift"] is None


def test_a_dry_run_prints_the_sql_and_refreshes_nothing(project: FakeProject, run: Run) -> None:
    outcome = run("refresh", "--dry-run", "--department", "A")
    assert project.calls == [("plan", None, ("A",))]
    assert outcome.out == ("-- staging.transactions\nSELECT 1;\n\n-- targeting.seafood\nCREATE VIEW x AS SELECT 2;\n\n")
    planned = json.loads(run("refresh", "--dry-run", "--json").out)
    assert planned[1] == {"step": "targeting.seafood", "sql": "CREATE VIEW x AS SELECT 2"}


def test_check_shows_what_would_be_learned_and_what_is_set_aside(project: FakeProject, run: Run) -> None:
    outcome = run("check")
    assert "back in time" in outcome.out
    assert "no customer" in outcome.out
    assert "too many values" in outcome.out
    assert "[red]木" in outcome.out
    assert "A refresh would learn 1 of 2 departments." in outcome.out
    assert "- 8% of the lines have no customer." in outcome.out
    assert outcome.out.splitlines()[-1] == "Next: segwarehouse refresh"
    assert json.loads(run("check", "--json").out)["cleaning"][0]["rows"] == 3


def test_rules_show_words_or_sql(project: FakeProject, run: Run) -> None:
    words, sql = run("rules", "SEAFOOD"), run("rules", "--sql")
    assert project.calls == [("rules", "SEAFOOD"), ("rules", None)]
    assert "3 or more" in words.out
    assert "3 or more" not in sql.out
    assert '"a" >= 3' in sql.out
    assert json.loads(run("rules", "--json").out)[0]["learned_lift"] is None


def test_an_audience_is_short_on_the_screen_and_whole_in_a_file(project: FakeProject, run: Run, tmp_path: Path) -> None:
    shown = run("audience", "SEAFOOD")
    assert "007" in shown.out
    run("audience", "SEAFOOD", "--all", "--limit", "3")
    run("audience", "SEAFOOD", "--parquet", str(tmp_path / "a.parquet"))
    assert project.calls == [
        ("audience", "SEAFOOD", 20, True),
        ("audience", "SEAFOOD", 3, False),
        ("audience", "SEAFOOD", None, True),
    ]
    assert list(pd.read_parquet(tmp_path / "a.parquet")["customer_id"])[:1] == ["007"]
    assert [path.name for path in tmp_path.iterdir()] == ["a.parquet"]


def test_text_from_data_can_not_steer_the_terminal(project: FakeProject, run: Run) -> None:
    outcome = run("audience", "SEAFOOD")
    assert "\x1b" not in outcome.out
    assert r"\x1b[2Jx" in outcome.out


def test_csv_is_guarded_against_formulas_and_numbers_stay_numbers(
    project: FakeProject, run: Run, tmp_path: Path
) -> None:
    target = tmp_path / "a.csv"
    assert run("audience", "SEAFOOD", "--csv", str(target)).status == 0
    written = pd.read_csv(target, dtype={"customer_id": str})
    assert list(written["customer_id"]) == ["007", "\x1b[2Jx", *(f"'{text}" for text in FORMULAS)]
    assert list(written["'=reasons"]) == ["'-5 or more"] * 8
    assert written["score"].dtype == float
    assert run("audience", "SEAFOOD", "--csv", "-").out.startswith('"customer_id","score","rank"')


def test_a_file_that_can_not_be_written_is_named(project: FakeProject, run: Run, tmp_path: Path) -> None:
    outcome = run("audience", "SEAFOOD", "--csv", str(tmp_path / "none" / "a.csv"))
    assert outcome.status == 1
    assert outcome.err.startswith(f"error: can't write {tmp_path / 'none' / 'a.csv'}")


def test_two_outputs_at_once_are_wrong_usage(project: FakeProject, run: Run) -> None:
    assert run("audience", "SEAFOOD", "--csv", "-", "--json").status == 2
    assert project.calls == []


def test_verify_exits_8_when_a_view_is_not_proved(project: FakeProject, run: Run) -> None:
    assert run("verify").status == 0
    project.proved = False
    outcome = run("verify", "--json")
    assert outcome.status == 8
    assert json.loads(outcome.out)[0]["differences"] == ["rank (3)"]
    assert "error: SQL and Python disagree in 1 of 1 departments: SEAFOOD" in outcome.err


def test_rules_that_are_held_back_are_shown_and_have_an_exit_status_of_their_own(
    project: FakeProject, run: Run
) -> None:
    project.held_back = [{"department": "SEAFOOD", "why": "new rules would exchange 62% of the audience"}]
    outcome = run("refresh")
    assert outcome.status == 20
    assert "Published in" in outcome.out
    assert "new rules would exchange 62% of the audience" in outcome.out
    assert "error: published, but 1 of 1 departments keep the rules of the run before: SEAFOOD" in outcome.err
    assert "refresh --accept" in outcome.err
    assert json.loads(run("refresh", "--json").out)["held_back"][0]["department"] == "SEAFOOD"
    assert run("refresh", "--accept").status == 0
    assert project.calls[-1] == ("refresh", None, (), 0.0, "accept")


def test_a_campaign_is_told_in_buyers_and_in_money(project: FakeProject, run: Run) -> None:
    shown = run("measure", "r2", "--as-planned")
    assert shown.status == 0
    assert "SEAFOOD" in shown.out
    assert "Run r2, bought from 2026-01-01 up to and without 2026-04-02: the whole outcome window." in shown.out
    assert (
        "supposed, and not known, that all 450 planned contacts took place, and that none of 50 controls" in shown.out
    )
    assert "Buyers added by 450 planned contacts, whoever was reached, all departments: 24 (3 to 45)." in shown.out
    assert "50 controls, all departments: only an effect of at least +72% could be seen." in shown.out
    assert "set audience.expected_uplift = 0.12 (0.03 to 0.21)." in shown.out
    assert "Profit, with 450 contacts paid for, if all went as planned: 255 (-165 to 675)." in shown.out
    told = json.loads(run("measure", "--as-planned", "--json").out)
    assert (told["added_buyers"], told["profit_low"], told["is_supposed"]) == (24.0, -165.0, True)
    assert project.calls == [("measure", "r2", None, True), ("measure", None, None, True)]


def test_a_list_of_contacts_is_told_by_what_took_place(project: FakeProject, run: Run, tmp_path: Path) -> None:
    path = tmp_path / "contacts.csv"
    path.write_text("customer_id\n007\n", encoding="utf-8")
    shown = run("measure", "--contacted", str(path))
    assert "200 of 450 planned contacts took place (44%), and 1 of 50 controls was contacted by mistake." in shown.out
    assert "9 of 240 customers in the list of contacts are unknown" in shown.out
    assert "Profit, with 201 contacts paid for: 380 (-40 to 800)." in shown.out
    assert json.loads(run("measure", "--contacted", str(path), "--json").out)["contacts"]["made"] == 201
    assert project.calls[0] == ("measure", None, path, False)


def test_a_difference_is_counted_on_the_screen_and_whole_in_a_file(
    project: FakeProject, run: Run, tmp_path: Path
) -> None:
    shown = run("diff", "r1", "r2")
    assert shown.status == 0
    assert "From run r1 to run r2." in shown.out
    assert all(words in shown.out for words in ("SEAFOOD", "entered by data", "TINY", "[red]NEW"))
    assert "007" not in shown.out
    assert json.loads(run("diff", "--json").out)["departments"][0]["entered"] == 4
    target = tmp_path / "changes.csv"
    assert run("diff", "--csv", str(target)).status == 0
    written = target.read_text(encoding="utf-8").splitlines()
    assert written[0] == '"department","customer_id","change","cause","reason"'
    assert written[1] == '"\'=SEA","\'+007","left","data","\'-1"'
    assert project.calls == [("diff", "r1", "r2"), ("diff", None, None), ("changes", None, None)]
    assert run("diff", "r1").status == 2
    assert run("diff", "--csv", "-", "--json").status == 2


def test_runs_are_listed_and_missing_times_are_null(project: FakeProject, run: Run) -> None:
    listed = json.loads(run("runs", "--json").out)
    assert [row["started_at"] for row in listed] == ["2026-01-02T00:00:00", None]
    assert "r1" not in run("runs", "--limit", "1").out


def test_init_shows_what_was_guessed_how_sure_it_is_and_what_comes_next(project: FakeProject, run: Run) -> None:
    outcome = run("init", "data/t.csv", "--project", "p", "--column", "department=shelf")
    assert project.calls == [("init", Path("p"), "data/t.csv", {"department": "shelf"})]
    assert "outcome_days = 40: a third of the history" in outcome.out
    lines = {line.split()[0]: line for line in outcome.out.splitlines() if line.strip()}
    assert lines["customer_id"].split()[1:3] == ["cust", "sure"]
    assert "please check" in lines["department"]
    assert "none found" in lines["amount"]
    assert "12,345 rows" in outcome.out
    assert "customer id (cust)" in outcome.out
    assert "007" in outcome.out
    assert "unused" not in outcome.out
    assert "Please check department" in outcome.out
    assert outcome.out.splitlines()[-1] == "Next: segwarehouse check --project p"
    assert json.loads(run("init", "data/t.csv", "--json").out)["guesses"]["customer_id"] == "cust"


@pytest.mark.parametrize(
    ("failure", "status"),
    [
        (ConfigError("learning.sed is wrong", hint="did you mean 'seed'?"), 3),
        (WarehouseLocked("the database is held by another process", hint="wait"), 11),
        (UnknownName("no department\n'SEA\x1b[2J'", hint="did you mean 'SEAFOOD'?"), 10),
    ],
)
def test_an_error_is_one_line_and_a_hint_with_its_exit_status(
    project: FakeProject, run: Run, failure: ConfigError, status: int
) -> None:
    project.failure = failure
    outcome = run("rules")
    assert outcome.status == status
    first, second = outcome.err.splitlines()
    assert first.startswith("error: ")
    assert second == f"hint: {failure.hint}"
    assert "\x1b" not in outcome.err
    assert outcome.out == ""


def test_an_unexpected_error_is_one_line_and_its_traceback_comes_on_request(project: FakeProject, run: Run) -> None:
    project.failure = ZeroDivisionError("division by zero")
    outcome = run("rules")
    assert outcome.status == 1
    assert outcome.err.splitlines() == [
        "error: ZeroDivisionError: division by zero",
        "hint: for the traceback add --debug",
    ]
    for arguments in (("rules", "--debug"), ("--debug", "rules")):
        assert "Traceback (most recent call last)" in run(*arguments).err


def test_ctrl_c_exits_130_and_says_that_nothing_changed(project: FakeProject, run: Run) -> None:
    project.failure = KeyboardInterrupt()
    outcome = run("refresh")
    assert outcome.status == 130
    assert "the published state is as it was" in outcome.err


def test_sigterm_exits_143_and_leaves_the_handler_as_it_was(
    project: FakeProject, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = signal.getsignal(signal.SIGTERM)

    def stopped() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)

    monkeypatch.setattr(project, "verify", stopped)
    outcome = run("verify")
    assert outcome.status == 143
    assert outcome.err.splitlines()[-2] == "error: stopped"
    assert signal.getsignal(signal.SIGTERM) is before


def test_rollback_takes_a_run_or_goes_to_the_one_before(project: FakeProject, run: Run) -> None:
    assert "restored run id  r1" in run("rollback").out
    assert json.loads(run("rollback", "r0", "--wait", "5", "--json").out)["restored_run_id"] == "r0"
    assert project.calls == [("rollback", None, 0.0), ("rollback", "r0", 5.0)]


@pytest.mark.parametrize("arguments", [("refresh", "--as-of", "2.10.2017"), ("rfresh",), ("audience",), ("--nope",)])
def test_wrong_usage_exits_2(project: FakeProject, run: Run, arguments: tuple[str, ...]) -> None:
    assert run(*arguments).status == 2
    assert project.calls == []


def test_results_survive_an_output_that_knows_no_unicode(
    project: FakeProject, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = io.BytesIO()
    narrow = io.TextIOWrapper(screen, encoding="ascii")
    monkeypatch.setattr(sys, "stdout", narrow)
    assert run("check").status == 0
    narrow.flush()
    assert rb"\u6728" in screen.getvalue()


def test_the_department_to_look_at_next_has_the_strongest_evidence() -> None:
    def row(name: str, verdict: str, low: float | None) -> dict[str, object]:
        return {"department": name, "verdict": "ties", "verdict_at_budget": verdict, "extra_buyers_low": low}

    rows = [row("A", "ties", 0.02), row("B", "beats activity", 0.01), row("C", "beats activity", 0.03)]
    rows += [row("D", "trails", 0.5), row("E", "not evaluated", None), row("F", "beats activity", float("nan"))]
    assert strongest(rows)["department"] == "C"
    assert strongest(rows[4:])["department"] == "F"
    assert strongest([row("X", "ties", None), row("Y", "ties", -0.2)])["department"] == "Y"


@pytest.mark.parametrize(
    ("command", "hint"),
    [
        ("audience A --csv a.xlsx", "spreadsheets open CSV too: name it a.csv"),
        ("audience A --csv a.parquet", "name it a.csv"),
        ("audience A --csv a.CSV.gz", "pack it afterwards"),
        ("audience A --parquet a.csv", "name it a.parquet"),
        ("diff --csv a.json", "name it a.csv"),
        ("report --output a.pdf", "name it a.html"),
    ],
)
def test_an_ending_that_says_another_format_is_refused_before_anything_is_read(
    project: FakeProject, run: Run, command: str, hint: str
) -> None:
    outcome = run(*command.split())
    assert (outcome.status, project.calls) == (2, [])
    assert hint in outcome.err


@pytest.mark.parametrize("name", ["a.csv", "a.txt", "a.CSV", "a", "a.2026-01-01"])
def test_endings_that_say_csv_or_nothing_are_written(project: FakeProject, run: Run, tmp_path: Path, name: str) -> None:
    assert run("audience", "A", "--csv", str(tmp_path / name)).status == 0
    assert (tmp_path / name).read_text(encoding="utf-8").startswith('"customer_id"')


def test_an_error_of_the_system_names_the_file_and_no_class(project: FakeProject, run: Run) -> None:
    project.failure = PermissionError(13, "Permission denied", "/p/report.html")
    outcome = run("report")
    assert outcome.status == 1
    assert outcome.err.splitlines()[0] == "error: /p/report.html: Permission denied"
