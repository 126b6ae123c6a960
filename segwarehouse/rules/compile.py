"""From a card to SQL: syntax trees only, never text.

What comes out for one department, shortened (`sql/targeting/department_view.sql` is the frame)::

    WITH members AS (
      SELECT customer_id, <activity> AS activity, CASE WHEN "purchases_produce" >= 3 THEN 1 ELSE 0 END AS r1, ...
      FROM features.customers AS f
      WHERE NOT EXISTS (<bought here before>) AND (("purchases_produce" >= 3 AND "recency_days" < 30) OR ...)
    ), ...
    SELECT customer_id, <probability of these points> AS score, ROW_NUMBER() OVER (ORDER BY points DESC, ...) ...

In: domain objects. Out: sqlglot trees, identifiers quoted, inside the subset of SQL that engines agree on. Checking
them before they run is left to `validate.py`, comparing them with Python to `prove.py`.

Why it is hard: a threshold must be the same double in SQL as in Python. A whole number below 2**53 is written as
such (``>= 3``): the engine compares a DOUBLE column with it as DOUBLE, exactly. Any other double is written as
Python's shortest text that reads back the same, with an exponent (``1.5e0``), which makes it a DOUBLE literal; a
bare ``1.5`` is a DECIMAL. The exponent form was chosen over ``CAST('1.5' AS DOUBLE)`` because it is a literal, shorter
to read, and both read back exactly. NULL needs no guard: a comparison with NULL is NULL, which neither WHERE nor
CASE WHEN takes for true. NaN needs none either: it is above every number, as in Python's half (`domain.Condition`).
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import cast

import sqlglot
from sqlglot import exp

from segwarehouse.domain import ACTIVITY_LIMIT, Activity, Card, Condition, Feature, Operator, Rule
from segwarehouse.errors import StatementRefused
from segwarehouse.rules import nodes
from segwarehouse.rules.describe import describe_rule
from segwarehouse.rules.simplify import stricter_rules
from segwarehouse.templates import TEMPLATE_DIALECT, TemplateFolder
from segwarehouse.warehouse import Relation

RUN = Relation("targeting", "run")
CUSTOMERS = Relation("features", "customers")
"""One row a customer: `customer_id`, and features as DOUBLE."""

DEPARTMENT_COUNTS = Relation("features", "department_counts")
"""One row for each customer and department where the customer bought: `customer_id`, `department_key`, …"""

VIEW_COLUMNS = (
    "customer_id",
    "score",
    "rank",
    "in_budget",
    "arm",
    "rules_matched",
    "reasons",
    "nearest_missed",
    "as_of",
    "run_id",
)
"""The columns of a department's view, in order. BI depends on them."""

MAX_RULES = 200
"""A card with more rules is refused: nobody reads it, and the text of its reasons grows with the square."""

_REASONS = 3
_TEMPLATE = "targeting/department_view.sql"


@dataclass(frozen=True, slots=True)
class ViewSpec:
    """What one department's view is compiled from.

    Attributes
    ----------
    card
        The card; see `simplify`.
    features
        The features that its rules read, by name: they give the words.
    department_key
        Key of the department; its buyers are left out.
    budget
        How many customers of the target arm are to be contacted.
    control_share
        Share of members held back as control group, 0 or more and below 1.
    salt
        Decides together with the id who is in the control group; the same salt gives the same people in every run.
    as_of
        The day up to which everything was known.
    run_id
        The run that learned the card.
    """

    card: Card
    features: Mapping[str, Feature]
    department_key: int
    budget: int
    control_share: float
    salt: str
    as_of: dt.date
    run_id: str

    def __post_init__(self) -> None:
        if not 0.0 <= self.control_share < 1.0:
            raise StatementRefused(f"a control share of {self.control_share!r} is not 0 or more and below 1")
        if self.budget < 0:
            raise StatementRefused(f"a budget of {self.budget!r} is below 0")
        if len(self.card.rules) > MAX_RULES:
            raise StatementRefused(
                f"a card of {len(self.card.rules)} rules is too long", f"{MAX_RULES} is the most; learn fewer"
            )

    @property
    def words(self) -> tuple[str, ...]:
        """The rules in words, in the order of the card. Raises `UnknownName`."""
        return tuple(describe_rule(rule, self.features) for rule in self.card.rules)

    @property
    def by_points(self) -> tuple[int, ...]:
        """Positions of the rules with most points first; the card's order among equals."""
        rules = self.card.rules
        return tuple(sorted(range(len(rules)), key=lambda position: -rules[position].points))


def department_view(spec: ViewSpec, *, with_points: bool = False) -> exp.Select:
    """Return the query of a department's view: one row a member, best first by `rank`.

    Parameters
    ----------
    spec
        What to compile.
    with_points
        Add `points` and `activity` (BIGINT) as last columns, for the proof.

    Raises
    ------
    StatementRefused
        If a name or number can't be written, or sums could leave exact arithmetic.
    UnknownName
        If a rule reads a feature that `audience.features` does not describe.
    """
    card = spec.card
    matched = [rule_flag(position).eq(1) for position in range(len(card.rules))]
    filling = {
        "activity": compile_activity(card.activity),
        "department_key": nodes.whole(spec.department_key),
        "membership": compile_membership(card),
        "points": compile_points(card, activity=nodes.column("activity"), matched=matched),
        "arm": compile_arm(spec.salt, spec.control_share),
        "rules_matched": compile_rules_matched(matched),
        "reasons": compile_reasons(spec),
        "nearest_missed": compile_nearest_missed(spec),
        "score": compile_score(card.probabilities, nodes.column("points")),
        "budget": nodes.whole(spec.budget),
        "as_of": exp.cast(nodes.text(spec.as_of.isoformat()), "date"),
        "run_id": nodes.text(spec.run_id),
    }
    view = cast("exp.Select", _template().transform(_fill, filling, rule_columns(card)))
    return view.select(nodes.column("points"), nodes.column("activity")) if with_points else view


def naming_its_run(view: exp.Select) -> exp.Select:
    """Return a department's view with `as_of` and `run_id` read from the one row of `targeting.run`.

    That is the form that is published: the text of a view then depends on nothing but its card, so two runs that
    learn the same publish the same views, to the letter.
    """
    published = view.copy()
    for projection in published.selects:
        if projection.alias in {"as_of", "run_id"}:
            read = exp.select(nodes.column(projection.alias)).from_(RUN.table())
            projection.set("this", exp.Subquery(this=read))
    return published


def compile_condition(condition: Condition) -> exp.Expr:
    """Return ``"feature" >= threshold`` or ``"feature" < threshold``.

    >>> compile_condition(Condition("days since", Operator.BELOW, 30.0)).sql("duckdb")
    '"days since" < 30'
    >>> compile_condition(Condition("price", Operator.AT_LEAST, 0.1)).sql("duckdb")
    '"price" >= 0.1e0'
    """
    node = exp.GTE if condition.operator is Operator.AT_LEAST else exp.LT
    return node(this=nodes.column(condition.feature), expression=nodes.number(condition.threshold))


def compile_rule(rule: Rule) -> exp.Expr:
    """Return the conditions of a rule joined by AND."""
    return nodes.joined([compile_condition(condition) for condition in rule.conditions], exp.And)


def compile_membership(card: Card) -> exp.Expr:
    """Return the rules joined by OR, which is the WHERE clause of the view; FALSE for a card without rules."""
    if not card.rules:
        return exp.false()
    rules = [(len(rule.conditions) > 1, compile_rule(rule)) for rule in card.rules]
    alone = len(rules) == 1
    return nodes.joined([exp.Paren(this=node) if many and not alone else node for many, node in rules], exp.Or)


def compile_activity(activity: Activity) -> exp.Expr:
    """Return the activity (BIGINT): whole weights times whole features, exact on every engine.

    A feature that is NULL, NaN or outside 0 .. `ACTIVITY_LIMIT` fails the range test and counts as 0.

    Raises
    ------
    StatementRefused
        If the sum could leave the whole numbers that a double holds exactly.
    """
    reach = int(ACTIVITY_LIMIT) * sum(abs(term.weight) for term in activity.terms) + abs(activity.floor)
    if reach + activity.unit * (activity.cap + 1) >= nodes.EXACT:
        raise StatementRefused(f"activity can reach {reach}, beyond exact arithmetic", "scale the weights down")
    total: exp.Expr | None = None
    for term in activity.terms:
        value = nodes.column(term.feature)
        usable = nodes.joined(
            [
                exp.GTE(this=value, expression=nodes.whole(0)),
                exp.LTE(this=value.copy(), expression=nodes.number(ACTIVITY_LIMIT)),
            ],
            exp.And,
        )
        counted = exp.cast(exp.Floor(this=nodes.case([(usable, value.copy())], nodes.whole(0))), "bigint")
        if total is None:
            total = exp.Mul(this=nodes.whole(term.weight), expression=counted)
        else:
            node = exp.Add if term.weight >= 0 else exp.Sub
            total = node(this=total, expression=exp.Mul(this=nodes.whole(abs(term.weight)), expression=counted))
    return total or exp.cast(nodes.whole(0), "bigint")


def compile_points(
    card: Card, *, activity: exp.Expr | None = None, matched: Sequence[exp.Expr] | None = None
) -> exp.Expr:
    """Return the points (BIGINT): those of activity, and those of every rule that matches.

    Parameters
    ----------
    card
        The card.
    activity
        Where the activity can be read; computed from the features when left out.
    matched
        One test a rule, for instance ``"r1" = 1``; the rules themselves when left out.

    Raises
    ------
    StatementRefused
        If the points of all rules do not fit 31 bits.
    """
    if sum(rule.points for rule in card.rules) + card.activity.cap >= 2**31:
        raise StatementRefused("the points of all rules together are beyond 2**31", "scale the points down")
    tests = [compile_rule(rule) for rule in card.rules] if matched is None else matched
    terms = [_activity_points(card.activity, activity or exp.Paren(this=compile_activity(card.activity)))]
    for rule, test in zip(card.rules, tests, strict=True):
        terms.append(nodes.case([(test.copy(), nodes.whole(rule.points))], nodes.whole(0)))
    return exp.cast(nodes.joined(terms, exp.Add), "bigint")


def _activity_points(activity: Activity, value: exp.Expr) -> exp.Expr:
    """Return ``max(0, min(cap, floor((activity - floor) / unit)))``, the division in DOUBLE as in Python."""
    if activity.cap == 0:
        return nodes.whole(0)
    node = exp.Sub if activity.floor >= 0 else exp.Add
    above = node(this=value, expression=nodes.whole(abs(activity.floor)))
    steps = exp.Div(this=exp.cast(above, "double"), expression=nodes.whole(activity.unit), typed=False, safe=False)
    first = exp.LT(this=value.copy(), expression=nodes.whole(activity.floor + activity.unit))
    last = exp.GTE(this=value.copy(), expression=nodes.whole(activity.floor + activity.unit * activity.cap))
    ends = [(first, nodes.whole(0)), (last, nodes.whole(activity.cap))]
    return nodes.case(ends, exp.cast(exp.Floor(this=steps), "bigint"))


def compile_score(probabilities: Sequence[float], points: exp.Expr) -> exp.Expr:
    """Return the probability (DOUBLE) of these points: a lookup, totals of equal probability in one step.

    >>> compile_score((0.0, 0.25, 0.25, 0.5), exp.column("points")).sql("duckdb")
    'CASE WHEN points < 1 THEN 0e0 WHEN points < 3 THEN 0.25e0 ELSE 0.5e0 END'
    """
    steps: list[tuple[exp.Expr, exp.Expr]] = []
    for total, (probability, following) in enumerate(pairwise(probabilities), start=1):
        if probability != following:
            steps.append((exp.LT(this=points.copy(), expression=nodes.whole(total)), nodes.double(probability)))
    last = nodes.double(probabilities[-1])
    return nodes.case(steps, last) if steps else last


def compile_rules_matched(matched: Sequence[exp.Expr]) -> exp.Expr:
    """Return the names of the rules that match as text, ``R1, R4``."""
    return nodes.listing([(test, f"R{position}") for position, test in enumerate(matched, start=1)], ", ")


def compile_reasons(spec: ViewSpec) -> exp.Expr:
    """Return the words of the matched rules with most points, at most 3, as text joined by ``; ``.

    A rule that follows from another matched one is not said again.
    """
    words = spec.words
    pieces: list[tuple[exp.Expr, str]] = []
    stricter = stricter_rules(spec.card.rules)
    before: list[exp.Expr] = []
    for position in spec.by_points:
        test: exp.Expr = rule_flag(position).eq(1)
        for other in stricter[position]:
            test = exp.And(this=test, expression=rule_flag(other).eq(0))
        if len(before) >= _REASONS:
            so_far = nodes.joined([each.copy() for each in before], exp.Add)
            pieces.append(
                (exp.And(this=test, expression=exp.LT(this=so_far, expression=nodes.whole(_REASONS))), words[position])
            )
        else:
            pieces.append((test, words[position]))
        shown = (
            nodes.case([(test.copy(), nodes.whole(1))], nodes.whole(0)) if stricter[position] else rule_flag(position)
        )
        before.append(shown)
    return nodes.listing(pieces, "; ")


def compile_nearest_missed(spec: ViewSpec) -> exp.Expr:
    """Return the words of the rule with most points that does not match, as text; NULL when every rule matches."""
    words = spec.words
    missed = [(rule_flag(position).eq(0), nodes.text(words[position])) for position in spec.by_points]
    return nodes.case(missed, None) if missed else exp.cast(exp.null(), "text")


def compile_arm(salt: str, control_share: float, customer_id: exp.Expr | None = None) -> exp.Expr:
    """Return ``control`` or ``target``: the first 8 hexadecimal digits of an MD5 hash, compared with the share.

    The hash is of ``<salt>:<id as text>``, so a customer stays in her arm from run to run and on every engine.

    Parameters
    ----------
    salt
        Any text.
    control_share
        0 or more and below 1; applied in steps of 2**-32.
    customer_id
        Where the id can be read; the column `customer_id` when left out.

    Examples
    --------
    >>> print(compile_arm("s", 0.25).sql("duckdb"))  # doctest: +NORMALIZE_WHITESPACE
    CASE WHEN SUBSTRING(MD5('s:' || CAST("customer_id" AS TEXT)), 1, 8) < '40000000'
    THEN 'control' ELSE 'target' END
    """
    key = exp.DPipe(
        this=nodes.text(f"{salt}:"), expression=exp.cast(customer_id or nodes.column("customer_id"), "text"), safe=True
    )
    draw = exp.Substring(this=exp.MD5(this=key), start=nodes.whole(1), length=nodes.whole(8))
    control = exp.LT(this=draw, expression=nodes.text(f"{control_limit(control_share):08x}"))
    return nodes.case([(control, nodes.text("control"))], nodes.text("target"))


def control_limit(control_share: float) -> int:
    """Return the whole number below 2**32 that a draw is compared with; below it is the control group."""
    return int(control_share * 2**32)


def rule_flag(position: int) -> exp.Column:
    """Return the column that says whether the rule at this position matches: ``r1`` for the first."""
    return nodes.column(f"r{position + 1}")


def rule_columns(card: Card) -> list[exp.Expr]:
    """Return one column of 0 and 1 for each rule."""
    flags: list[exp.Expr] = []
    for position, rule in enumerate(card.rules):
        value = nodes.case([(compile_rule(rule), nodes.whole(1))], nodes.whole(0))
        flags.append(exp.Alias(this=value, alias=rule_flag(position).this))
    return flags


@cache
def _template() -> exp.Select:
    text = TemplateFolder.of("sql").render(_TEMPLATE, {})
    return sqlglot.parse_one(text, read=TEMPLATE_DIALECT, into=exp.Select)


def _fill(node: exp.Expr, filling: Mapping[str, exp.Expr], rules: Sequence[exp.Expr]) -> exp.Expr:
    """Replace one node of the template: a placeholder, an unquoted identifier."""
    if isinstance(node, exp.Select):
        columns = [c for c in node.expressions if not (isinstance(c, exp.Placeholder) and c.name == "rules")]
        if len(columns) < len(node.expressions):
            node.set("expressions", [*columns, *(rule.copy() for rule in rules)])
    elif isinstance(node, exp.Placeholder):
        return filling[node.name].copy()
    elif isinstance(node, exp.Identifier):
        return exp.to_identifier(node.name, quoted=True)
    return node
