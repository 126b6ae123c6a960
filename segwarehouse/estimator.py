"""A card as a scikit-learn classifier: fit, score, SQL and proof without a project.

In: a data frame of features and who is a buyer. Out: a fitted `CardClassifier`, whose card is a handful of rules with
whole points, and the SQL that scores a table as Python does. A refresh learns its departments through it too
(`learn_table`). How good a card is on rows that it never saw is left to `evaluate/`, or to scikit-learn's own tools.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

from segwarehouse.domain import ACTIVITY_LIMIT, Activity, BoolArray, Card, Column, Feature, FloatArray, Scored
from segwarehouse.errors import SegwarehouseError, TooFewBuyers
from segwarehouse.learn.card import CardParameters
from segwarehouse.learn.department import (
    DepartmentLearned,
    DepartmentParameters,
    Target,
    calibrated_card,
    learn_department,
)
from segwarehouse.learn.selection import SelectionParameters
from segwarehouse.lookup import find_name
from segwarehouse.rules.compile import compile_rule
from segwarehouse.rules.describe import describe_rule
from segwarehouse.rules.prove import Proof
from segwarehouse.rules.prove_scores import prove_scores
from segwarehouse.rules.render import DIALECTS, render
from segwarehouse.rules.scores import scores_query
from segwarehouse.table import DepartmentTable
from segwarehouse.warehouse import connect

UNITS = ("count", "days", "amount", "flag", "number")
"""What a column may hold; see `Feature`."""

_DEFAULTS = DepartmentParameters()
_LARGEST_SEED = 2**31 - 1


class CardClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A short card of rules with whole points, which runs as SQL and is proved to.

    A LightGBM, cross-fitted, guides the choice; RuleFit, boosted trees and quantiles bring the candidates; round
    thresholds are preferred. Probabilities are calibrated on the rows that are learned from, one for each total.

    Parameters
    ----------
    max_conditions
        At most so many conditions, over all rules.
    max_rule_conditions
        At most so many in one rule.
    balance
        Drop rows of the larger class before the LightGBM is fitted, and put the prior back.
    target
        What the rules describe: ``"buyers"``, the class ``classes_[1]``, or ``"clusters"``, who is in the cluster of
        SHAP values where it is likeliest.
    rulefit
        Take candidates from RuleFit too. Without it, a fit to a few hundred rows takes about a third of the time.
    activity
        Names of columns that say how active a row is at all. Points for them come first, and rules stand on top: what
        makes somebody likelier than others who are as active. They hold whole numbers from 0 to 1,000,000, for instance
        ``np.floor(1000 * np.log1p(visits))``, and are read by no rule. None: there is no such measure.
    units
        What columns hold, by name: ``"count"``, ``"days"``, ``"amount"``, ``"flag"`` or ``"number"``; it decides which
        thresholds are round, and the words. Columns left out: `flag` where all values are 0 or 1, `days` and `amount`
        where the name ends so, `count` where all are whole and none is below 0, else `number`.
    random_state
        The same rows and number give the same card, whatever the number of threads.

    Attributes
    ----------
    card_
        The `segwarehouse.domain.Card`: rules, activity, and the probability of each total.
    rules_
        A DataFrame, a row for each rule: ``rule``, ``points``, ``words``, ``sql``, and, of the rows that were learned
        from, ``matched_count`` and their ``positive_share``. Empty where no rule can be learned, as with fewer than
        two rows of a class: the probability is then the same for all.
    classes_
        The two classes, sorted; the second is the one whose probability the card gives.
    n_features_in_, feature_names_in_
        As in scikit-learn. An array's columns are called ``x0``, ``x1``, and so on.

    Examples
    --------
    >>> generator = np.random.default_rng(0)
    >>> X = pd.DataFrame({"visits": generator.poisson(4.0, 500), "age": generator.integers(20, 70, 500)})
    >>> y = (X["visits"] >= 5) & (generator.random(500) < 0.9)
    >>> model = CardClassifier(max_conditions=1).fit(X, y)
    >>> model.rules_["sql"].tolist()
    ['"visits" >= 5']
    >>> model.prove(X).holds
    True
    """

    def __init__(
        self,
        *,
        max_conditions: int = _DEFAULTS.card.selection.max_conditions,
        max_rule_conditions: int = _DEFAULTS.card.max_rule_conditions,
        balance: bool = _DEFAULTS.balance,
        target: Target = _DEFAULTS.target,
        rulefit: bool = _DEFAULTS.card.rulefit,
        activity: Sequence[str] | None = None,
        units: Mapping[str, str] | None = None,
        random_state: int | np.random.RandomState | None = 42,
    ) -> None:
        self.max_conditions = max_conditions
        self.max_rule_conditions = max_rule_conditions
        self.balance = balance
        self.target = target
        self.rulefit = rulefit
        self.activity = activity
        self.units = units
        self.random_state = random_state

    @classmethod
    def of(cls, parameters: DepartmentParameters, random_state: int) -> "CardClassifier":
        """Return the estimator that learns with these parameters, as a refresh is configured.

        Raises
        ------
        SegwarehouseError
            If they differ from the usual ones in something that the estimator has no parameter for.
        """
        made = cls(
            max_conditions=parameters.card.selection.max_conditions,
            max_rule_conditions=parameters.card.max_rule_conditions,
            balance=parameters.balance,
            target=parameters.target,
            rulefit=parameters.card.rulefit,
            random_state=random_state,
        )
        if made._parameters(parameters.least_selected, parameters.min_segment) != parameters:
            raise SegwarehouseError(f"CardClassifier has no parameter for all of {parameters}")
        return made

    def fit(self, X: npt.ArrayLike | pd.DataFrame, y: npt.ArrayLike) -> "CardClassifier":
        """Learn a card.

        Parameters
        ----------
        X
            Shape (n, p): numbers, finite.
        y
            Shape (n,): two classes.

        Raises
        ------
        ValueError
            If rows, columns or classes are not as they have to be, with scikit-learn's own messages where it has one.
        """
        self._require_usable_parameters()
        values, labels = validate_data(self, X, y, dtype=np.float64)
        self.classes_ = _two_classes(labels)
        positive = np.asarray(labels == self.classes_[1], dtype=np.bool_)
        table = self._table(values, positive)
        try:
            self.card_ = self.learn_table(table, least_selected=0.0).card
        except TooFewBuyers:
            self.card_ = calibrated_card((), Activity(), table)
        self.rules_ = _rules_frame(self.card_, table)
        return self

    def learn_table(
        self,
        table: DepartmentTable,
        *,
        least_selected: float = _DEFAULTS.least_selected,
        min_segment: int = _DEFAULTS.min_segment,
        explain: bool = False,
        previous: Card | None = None,
    ) -> DepartmentLearned:
        """Learn from a department's table, as a refresh does, and return all of it; the estimator stays as it is.

        Parameters
        ----------
        table
            Of n customers, with features and activity apart.
        least_selected
            The share of the others that the card selects at least; where it needs one, a rule is added for it.
        min_segment
            Customers of a segment at least.
        explain
            Also lay out and name segments; the card does not depend on it.
        previous
            The card that was published before, which stays unless the new one is better beyond chance.

        Raises
        ------
        TooFewBuyers
            If there are fewer than two buyers or fewer than two others.
        """
        return learn_department(
            table,
            seed=self._seed(),
            explain=explain,
            parameters=self._parameters(least_selected, min_segment),
            previous=previous,
        )

    def predict_proba(self, X: npt.ArrayLike | pd.DataFrame) -> FloatArray:
        """Return the probability of each class, float64 (n, 2)."""
        score = self._scored(X)[1].score
        return np.column_stack([1.0 - score, score])

    def predict(self, X: npt.ArrayLike | pd.DataFrame) -> npt.NDArray[Any]:
        """Return the likelier class of each row (n,); the first where both are as likely."""
        likelier = (self._scored(X)[1].score > 0.5).astype(np.int64)
        return np.asarray(self.classes_[likelier])

    def to_sql(self, dialect: str = "duckdb", *, table: str = "customers", key: str = "customer_id") -> str:
        """Return one SELECT over a table with the columns of `X`: key, ``points``, ``probability`` and ``selected``.

        ``probability`` is that of ``classes_[1]``, to the last bit what `predict_proba` gives; ``selected`` says
        whether any rule matches.

        Parameters
        ----------
        dialect
            An engine: one of `segwarehouse.rules.render.DIALECTS`. `prove` runs the text for DuckDB; the others are
            translated, and run nowhere.
        table
            `name` or `schema.name`.
        key
            The column that says which row is which.

        Raises
        ------
        UnknownName
            If there is no such dialect.
        StatementRefused
            If a name can't be written, or two columns would have one name.
        """
        check_is_fitted(self, "card_")
        query = scores_query(self.card_, table=table, key=key, columns=self._names())
        return render(query, find_name(dialect, DIALECTS, "dialect"))

    def prove(self, X: npt.ArrayLike | pd.DataFrame) -> Proof:
        """Run the SQL in a DuckDB in memory, and compare points, probability and membership with Python, row by row.

        The rows are those of `X` and a few thousand of boundary values: every threshold, the doubles beside it, zero,
        NULL, NaN, infinities.

        Returns
        -------
        Proof
            How many rows were compared, and how many of them a rule selects.

        Raises
        ------
        ProofFailed
            If SQL and Python differ in anything, with the number of rows.
        """
        columns, scored = self._scored(X)
        with connect(None) as scratch:
            proof = prove_scores(scratch, self.card_, columns, len(scored.points))
        proof.require(type(self).__name__, "do not use the SQL; please report this with it")
        return proof

    def __sklearn_tags__(self) -> Any:
        """Say that there are two classes, no more."""
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags

    def _require_usable_parameters(self) -> None:
        for name in ("max_conditions", "max_rule_conditions"):
            value = getattr(self, name)
            if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{name} is {value!r}: a whole number of 1 or more is needed")
        if self.target not in get_args(Target):
            raise ValueError(f"target is {self.target!r}: {' or '.join(map(repr, get_args(Target)))} is needed")

    def _parameters(self, least_selected: float, min_segment: int) -> DepartmentParameters:
        return DepartmentParameters(
            balance=self.balance,
            card=CardParameters(
                selection=SelectionParameters(max_conditions=self.max_conditions),
                max_rule_conditions=self.max_rule_conditions,
                rulefit=self.rulefit,
            ),
            target=self.target,
            min_segment=min_segment,
            least_selected=least_selected,
        )

    def _seed(self) -> int:
        if isinstance(self.random_state, int | np.integer):
            return int(self.random_state)
        return int(check_random_state(self.random_state).randint(_LARGEST_SEED))

    def _names(self) -> list[str]:
        """Return the names of the columns, given or made."""
        return [str(name) for name in getattr(self, "feature_names_in_", _made_names(self.n_features_in_))]

    def _table(self, values: FloatArray, positive: BoolArray) -> DepartmentTable:
        """Return what is learned from: columns for rules, and those of the activity measure."""
        names = self._names()
        activity = [find_name(name, names, "column") for name in self.activity or ()]
        units = {
            find_name(name, names, "column"): find_name(unit, UNITS, "unit")
            for name, unit in (self.units or {}).items()
        }
        places = [at for at, name in enumerate(names) if name not in activity]
        if not places:
            raise ValueError("all columns measure activity: at least one has to be left for the rules")
        measured = values[:, [names.index(name) for name in activity]]
        _require_whole(measured, activity)
        features = [
            Feature(names[at], "customer", names[at], units.get(names[at]) or _unit(names[at], values[:, at]))
            for at in places
        ]
        return DepartmentTable.of(values[:, places], features, positive, measured, activity)

    def _scored(self, X: npt.ArrayLike | pd.DataFrame) -> tuple[dict[str, Column], Scored]:
        """Return the columns by name, and what the card says of the rows."""
        check_is_fitted(self, "card_")
        values: FloatArray = validate_data(self, X, dtype=np.float64, reset=False)
        columns = {name: Column.complete(values[:, at]) for at, name in enumerate(self._names())}
        return columns, self.card_.apply(columns, len(values))


def _made_names(count: int) -> Iterator[str]:
    return (f"x{at}" for at in range(count))


def _two_classes(labels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the two classes, sorted."""
    check_classification_targets(labels)
    kind = type_of_target(labels, input_name="y", raise_unknown=True)
    if kind != "binary":
        raise ValueError(f"Only binary classification is supported. The type of the target is {kind}.")
    classes = np.unique(labels)
    if len(classes) < 2:
        raise ValueError(f"y has one class only, {classes[0]!r}: two are needed to tell one from the other")
    return classes


def _require_whole(measured: FloatArray, names: Sequence[str]) -> None:
    """Refuse an activity column that holds anything but what SQL and Python add up exactly."""
    for at, name in enumerate(names):
        column = measured[:, at]
        wrong = (column < 0.0) | (column > ACTIVITY_LIMIT) | (column != np.floor(column))
        if wrong.any():
            raise ValueError(
                f"activity column {name!r} holds {float(column[wrong][0])!r}: whole numbers from 0 to "
                f"{int(ACTIVITY_LIMIT):,} are needed, for instance np.floor(1000 * np.log1p(values))"
            )


def _unit(name: str, column: FloatArray) -> str:
    """Return what a column holds, by its values and the end of its name.

    >>> _unit("age", np.array([31.0, 42.0])), _unit("recency_days", np.array([3.0])), _unit("x0", np.array([-0.5]))
    ('count', 'days', 'number')
    """
    if np.isin(column, (0.0, 1.0)).all():
        return "flag"
    for unit in ("days", "amount"):
        if name.endswith(f"_{unit}"):
            return unit
    return "count" if (column >= 0.0).all() and (column == np.floor(column)).all() else "number"


def _rules_frame(card: Card, table: DepartmentTable) -> pd.DataFrame:
    """Return a card's rules as rows, with what became of them among the rows that were learned from."""
    features = {feature.name: feature for feature in table.features}
    matched = table.score(card).matched
    rows = [
        {
            "rule": f"R{at + 1}",
            "points": rule.points,
            "words": describe_rule(rule, features),
            "sql": compile_rule(rule).sql("duckdb"),
            "matched_count": int(matched[:, at].sum()),
            "positive_share": float(table.buyers[matched[:, at]].mean()),
        }
        for at, rule in enumerate(card.rules)
    ]
    return pd.DataFrame(rows, columns=["rule", "points", "words", "sql", "matched_count", "positive_share"])
