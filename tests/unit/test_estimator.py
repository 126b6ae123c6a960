"""`CardClassifier`: scikit-learn's checks, planted rules, SQL that scores as Python does, and a proof that notices."""

import math
import pickle
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
import sqlglot
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import estimator_checks_generator
from sqlglot import exp

from segwarehouse.domain import Condition, Operator
from segwarehouse.errors import ProofFailed, SegwarehouseError, StatementRefused, UnknownName
from segwarehouse.estimator import CardClassifier
from segwarehouse.learn.card import CardParameters
from segwarehouse.learn.department import DepartmentParameters, learn_department
from segwarehouse.learn.selection import SelectionParameters
from segwarehouse.rules import compile as rules_compile
from segwarehouse.rules.render import DIALECTS

ROWS = 1500
AT_LEAST, BELOW = Operator.AT_LEAST, Operator.BELOW
PLANTED = (Condition("Recency_days", BELOW, 30.0), Condition("visits of 'fish'", AT_LEAST, 3.0))
ACTIVITY = "activity of all"

QUICK = CardClassifier(rulefit=False)  # each check fits once or more, and RuleFit is most of the time of small data
DOES_NOT_APPLY = {"check_array_api_input": "it takes numpy arrays and pandas data frames, not those of GPU libraries"}
CHECKS = [check for _, check in estimator_checks_generator(QUICK)]


def name_of(check: Any) -> str:
    return str(getattr(check, "func", check).__name__)


@pytest.mark.parametrize("check", [each for each in CHECKS if name_of(each) not in DOES_NOT_APPLY], ids=name_of)
def test_what_scikit_learn_expects(check: Callable[[Any], None]) -> None:
    check(clone(QUICK))


def test_only_checks_of_scikit_learn_are_left_out() -> None:
    names = {name_of(each) for each in CHECKS}
    assert set(DOES_NOT_APPLY) <= names
    assert len(names) > 40


@cache
def frame() -> pd.DataFrame:
    generator = np.random.default_rng(5)
    level = generator.normal(size=ROWS)
    return pd.DataFrame(
        {
            "visits of 'fish'": generator.poisson(np.exp(0.7 + 0.5 * level)),
            "visits of meat": generator.poisson(np.exp(0.7 + 0.5 * level)),
            "Recency_days": np.floor(generator.exponential(40.0, ROWS)),
            "spent_amount": np.round(np.exp(3.0 + level), 2),
            "ratio": generator.normal(size=ROWS),
            "member": generator.random(ROWS) < 0.3,
            ACTIVITY: np.floor(1000.0 * np.log1p(np.exp(2.0 + level))),
        }
    )


@cache
def labels() -> pd.Series:
    planted = (frame()["Recency_days"] < 30) & (frame()["visits of 'fish'"] >= 3)
    log_odds = -3.0 + 0.0005 * (frame()[ACTIVITY] - 2000) + 3.5 * planted
    chance = 1.0 / (1.0 + np.exp(-log_odds))
    return pd.Series(np.where(np.random.default_rng(6).random(ROWS) < chance, "yes", "no"), name="buys")


@cache
def fitted() -> CardClassifier:
    return CardClassifier(activity=[ACTIVITY]).fit(frame(), labels())


def scored_in_duckdb(model: CardClassifier, rows: pd.DataFrame, columns: str = "*") -> pd.DataFrame:
    """Run the SQL on a table of whole numbers, doubles and booleans, as pandas hands them over."""
    sql = model.to_sql(table="main.my rows", key="id")
    with duckdb.connect() as connection:
        connection.register("handed_over", rows.assign(id=np.arange(len(rows))))
        connection.execute('create table "my rows" as select * from handed_over').fetchall()
        return connection.execute(f"select {columns} from ({sql}) order by id").df()


def test_a_planted_rule_comes_back_on_top_of_activity() -> None:
    card = fitted().card_
    assert card.rules[0].conditions == PLANTED
    assert [term.feature for term in card.activity.terms] == [ACTIVITY]
    assert all(condition.feature != ACTIVITY for rule in card.rules for condition in rule.conditions)
    first = fitted().rules_.iloc[0]
    assert first["words"] == "Recency_days is less than 30 days and has 3 or more visits of 'fish'"
    assert first["sql"] == '"Recency_days" < 30 AND "visits of \'fish\'" >= 3'
    planted = (frame()["Recency_days"] < 30) & (frame()["visits of 'fish'"] >= 3)
    assert first["matched_count"] == planted.sum()
    assert first["positive_share"] == (labels()[planted] == "yes").mean()


def test_probabilities_are_calibrated_and_rank_the_classes() -> None:
    probability = fitted().predict_proba(frame())
    assert fitted().classes_.tolist() == ["no", "yes"]
    assert probability[:, 1].mean() == pytest.approx((labels() == "yes").mean(), abs=0.01)
    assert fitted().score(frame(), labels()) > 0.8
    assert (fitted().predict(frame()) == np.where(probability[:, 1] > 0.5, "yes", "no")).all()


def test_sql_in_duckdb_scores_as_python_does_to_the_last_bit() -> None:
    answer = scored_in_duckdb(fitted(), frame())
    assert answer.columns.tolist() == ["id", "points", "probability", "selected"]
    assert (answer["probability"].to_numpy() == fitted().predict_proba(frame())[:, 1]).all()
    assert 0 < answer["selected"].sum() < ROWS
    assert answer["points"].nunique() > 3


@pytest.mark.parametrize("dialect", DIALECTS)
def test_sql_of_every_dialect_reads_back(dialect: str) -> None:
    text = fitted().to_sql(dialect)
    back = sqlglot.parse_one(text, read=dialect)
    assert isinstance(back, exp.Select)
    assert back.named_selects == ["customer_id", "points", "probability", "selected"]
    native = sqlglot.parse_one(fitted().to_sql(), read="duckdb")
    thresholds = sorted(node.name for node in native.find_all(exp.Literal))
    assert sorted(node.name for node in back.find_all(exp.Literal)) == thresholds


def test_the_proof_counts_rows_and_boundary_values() -> None:
    proof = fitted().prove(frame())
    assert proof.holds
    assert proof.rows > ROWS + 2000
    assert 0 < proof.selected < proof.rows


@pytest.mark.parametrize("towards", [-math.inf, math.inf])
def test_a_threshold_that_is_off_by_a_hair_is_noticed(monkeypatch: pytest.MonkeyPatch, towards: float) -> None:
    def off(condition: Condition) -> exp.Expr:
        return honest(replace(condition, threshold=math.nextafter(condition.threshold, towards)))

    honest = rules_compile.compile_condition
    monkeypatch.setattr(rules_compile, "compile_condition", off)
    with pytest.raises(ProofFailed, match="CardClassifier: SQL and Python disagree") as failed:
        fitted().prove(frame())
    assert {item.aspect for item in failed.value.facts["differences"]} >= {"points", "probability"}  # type: ignore[attr-defined]  # facts are plain objects


def test_another_probability_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    other = replace(fitted().card_, probabilities=tuple(math.nextafter(p, 1.0) for p in fitted().card_.probabilities))
    model = pickle.loads(pickle.dumps(fitted()))  # noqa: S301  # its own
    honest = type(fitted().card_).apply
    monkeypatch.setattr(type(other), "apply", lambda _self, columns, count: honest(other, columns, count))
    with pytest.raises(ProofFailed, match=r"probability \("):
        model.prove(frame())


def test_it_is_copied_pickled_and_configured_as_an_estimator() -> None:
    model = CardClassifier(max_conditions=3, units={"x": "days"})
    copy = clone(model).set_params(max_rule_conditions=1)
    assert copy.get_params() == {**model.get_params(), "max_rule_conditions": 1}
    again = pickle.loads(pickle.dumps(fitted()))  # noqa: S301  # its own
    assert again.card_ == fitted().card_
    assert (again.predict_proba(frame()) == fitted().predict_proba(frame())).all()


def test_limits_are_kept() -> None:
    model = CardClassifier(max_conditions=2, max_rule_conditions=1, rulefit=False).fit(frame(), labels())
    assert 1 <= model.card_.condition_count <= 2
    assert all(len(rule.conditions) == 1 for rule in model.card_.rules)


def test_an_array_has_made_names_and_units_decide_the_words() -> None:
    values = frame().drop(columns=[ACTIVITY]).to_numpy(dtype=np.float64)
    model = CardClassifier(rulefit=False, units={"x2": "days"}, max_conditions=4).fit(values, labels())
    assert set(model.card_.features) <= {f"x{at}" for at in range(6)}
    assert "x2 is less than 30 days" in " ".join(model.rules_["words"])


def test_too_few_rows_of_a_class_give_a_card_without_rules() -> None:
    model = CardClassifier().fit([[1.0], [2.0], [3.0]], [0, 0, 1])
    assert model.rules_.empty
    assert len(set(model.predict_proba([[0.0], [9.0]])[:, 1])) == 1
    assert model.prove([[1.0]]).selected == 0
    answer = scored_in_duckdb(model, pd.DataFrame({"x0": [5.0, 6.0]}))
    assert answer["selected"].tolist() == [False, False]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"max_conditions": 0}, "max_conditions is 0"),
        ({"max_rule_conditions": 1.5}, "max_rule_conditions is 1.5"),
        ({"target": "sellers"}, "target is 'sellers'"),
        ({"activity": ["ratio"]}, "activity column 'ratio' holds -"),
        ({"activity": list(frame().columns)}, "at least one has to be left"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(parameters: dict[str, Any], message: str) -> None:
    rows = frame() if parameters.get("activity") != list(frame().columns) else frame().abs().round()
    with pytest.raises(ValueError, match=message):
        CardClassifier(**parameters).fit(rows.astype(float), labels())


@pytest.mark.parametrize(
    "parameters", [{"activity": ["visit"]}, {"units": {"ratios": "count"}}, {"units": {"ratio": "m"}}]
)
def test_unknown_columns_and_units_are_named(parameters: dict[str, Any]) -> None:
    with pytest.raises(UnknownName):
        CardClassifier(**parameters).fit(frame(), labels())


def test_missing_values_and_other_classes_are_refused_as_scikit_learn_does() -> None:
    with pytest.raises(ValueError, match="contains NaN"):
        CardClassifier().fit(frame().assign(ratio=np.nan), labels())
    with pytest.raises(ValueError, match="Only binary classification is supported"):
        CardClassifier().fit(frame(), np.arange(ROWS) % 3)
    with pytest.raises(ValueError, match="one class only"):
        CardClassifier().fit(frame(), np.zeros(ROWS))
    with pytest.raises(NotFittedError):
        CardClassifier().to_sql()


def test_names_that_an_engine_could_mix_up_are_refused() -> None:
    model = CardClassifier(rulefit=False).fit(pd.DataFrame({"points": frame()["ratio"]}), frame()["ratio"] > 0.5)
    with pytest.raises(StatementRefused, match="would be called 'points'"):
        model.to_sql()
    for asked in ({"key": "RECENCY_DAYS"}, {"key": ""}, {"table": "a.b.c"}, {"table": "scored"}, {"table": "a."}):
        with pytest.raises(StatementRefused):
            fitted().to_sql(**asked)
    with pytest.raises(UnknownName, match="no dialect"):
        fitted().to_sql("mysql")


def test_a_refresh_learns_with_the_same_parameters_through_it() -> None:
    card = CardParameters(selection=SelectionParameters(max_conditions=3), rulefit=False)
    parameters = DepartmentParameters(balance=True, card=card, least_selected=0.3, min_segment=30)
    names = [name for name in frame().columns if name != ACTIVITY]
    model = CardClassifier.of(parameters, 7)
    model.n_features_in_, model.feature_names_in_ = len(names), np.array(names, dtype=object)
    table = model._table(frame()[names].to_numpy(dtype=np.float64), (labels() == "yes").to_numpy())
    learned = model.learn_table(table, least_selected=0.3, min_segment=30)
    expected = learn_department(table, seed=7, explain=False, parameters=parameters)
    assert learned.card == expected.card
    assert (learned.propensity.log_odds == expected.propensity.log_odds).all()
    with pytest.raises(SegwarehouseError, match="no parameter for all"):
        CardClassifier.of(replace(parameters, card=replace(card, point=0.5)), 7)
