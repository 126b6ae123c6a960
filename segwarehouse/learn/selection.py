"""Which rules a card takes, and what each is worth in log-odds.

In: candidates as columns of 0 and 1, the log-odds of activity, a soft label that guides the choice and the plain label
that sets the weights. Out: the choice after each step. How many steps are worth taking, and whole points, are left to
`card.py`.

A step takes the candidate with the largest net gain: the drop in deviance (a Newton step of a logistic regression
on the soft label, beside activity and the rules already taken) less a price for each condition. The price is what
makes a single condition win over a pair that is hardly better, and a pair over two singles where the pair is what
matters. Where several candidates are nearly as good, it takes the one that halves of the customers choose most often:
who has to explain a rule wants to see it again tomorrow. A conjunction never reuses a side of a feature that the card
has already, so that later rules don't patch earlier ones; single conditions may form a staircase (3 or more, 10 or
more).
"""

from dataclasses import dataclass

import numpy as np

from segwarehouse.domain import BoolArray, FloatArray, IntArray, Operator
from segwarehouse.learn.log_odds import probability_of
from segwarehouse.learn.pool import Conjunction

_BELOW_COST = 1.5
_ITERATIONS = 200
_LEAST_ACTIVITY = 0.5
_LEAST_NEAR = 1.0


@dataclass(frozen=True, slots=True)
class SelectionParameters:
    """How rules are chosen.

    Attributes
    ----------
    max_conditions
        Of the whole card.
    price
        What a condition must bring, in deviance of the soft label.
    ridge
        Half of it times the squared weight of each rule is added to the log loss.
    most_alike
        A candidate whose customers have a higher Jaccard index with a chosen rule's is left out, and counts as the
        same rule where it is asked how often a rule is chosen.
    near
        Candidates whose net gain is within this share of the best one's count as nearly as good.
    halvings
        How often the customers are split in halves to see which rules each half chooses; 0: never.
    """

    max_conditions: int = 12
    price: float = 4.0
    ridge: float = 12.0
    most_alike: float = 0.7
    near: float = 0.1
    halvings: int = 5


@dataclass(frozen=True, slots=True)
class Candidates:
    """m candidate rules on n customers.

    Attributes
    ----------
    masks
        float64 (n, m): 1 where a rule holds.
    lengths
        int64 (m,): conditions of each.
    costs
        float64 (m,): the same, but a condition "below" on anything other than days counts 1.5: "fewer than 3
        purchases in MEAT" is a poor reason to write to somebody.
    sides
        bool (m, s): which sides of which features a rule uses.
    """

    masks: FloatArray
    lengths: IntArray
    costs: FloatArray
    sides: BoolArray

    def of(self, rows: IntArray) -> "Candidates":
        """Return the same candidates on some of the customers."""
        return Candidates(self.masks[rows], self.lengths, self.costs, self.sides)


@dataclass(frozen=True, slots=True)
class Step:
    """The rules taken so far, in order, and the weights: intercept, activity, then each rule (log-odds)."""

    chosen: tuple[int, ...]
    weights: FloatArray


def candidates_of(rules: tuple[Conjunction, ...], masks: BoolArray, units: dict[str, str]) -> Candidates:
    """Return the candidates of rules with masks (m, n); `units` has the unit of each feature."""
    names = sorted({(condition.feature, condition.operator) for rule in rules for condition in rule})
    place = {side: at for at, side in enumerate(names)}
    sides = np.zeros((len(rules), len(names)), dtype=np.bool_)
    costs = np.zeros(len(rules), dtype=np.float64)
    for row, rule in enumerate(rules):
        for condition in rule:
            sides[row, place[condition.feature, condition.operator]] = True
            odd = condition.operator is Operator.BELOW and units[condition.feature] != "days"
            costs[row] += _BELOW_COST if odd else 1.0
    lengths = np.array([len(rule) for rule in rules], dtype=np.int64)
    return Candidates(np.ascontiguousarray(masks.T, dtype=np.float64), lengths, costs, sides)


def forward_steps(
    candidates: Candidates,
    activity: FloatArray,
    soft: FloatArray,
    labels: BoolArray,
    parameters: SelectionParameters,
    frequency: FloatArray | None = None,
) -> list[Step]:
    """Take rules one by one until none is worth its price or the conditions are spent.

    Parameters
    ----------
    candidates
        m rules on n customers.
    activity
        float64 (n,): out-of-fold log-odds of activity alone.
    soft
        float64 (n,), 0 to 1: the label that guides the choice.
    labels
        bool (n,): the label that the weights are fitted to.
    parameters
        See `SelectionParameters`.
    frequency
        float64 (m,): how often halves of the customers choose each (`frequency_of`); decides between candidates that
        are nearly as good.

    Returns
    -------
    list of Step
        The first has no rule. The first rule is taken for any gain at all, price or not.

    Notes
    -----
    Forward stagewise selection by the score statistic, as in Friedman and Popescu (2008) with a fit instead of the
    Lasso; the weights are refitted after each step, none of them below zero.
    """
    plain = labels.astype(np.float64)
    design = np.column_stack([np.ones_like(activity), activity])
    guide = fit_weights(design, soft, np.array([0.0, 1.0]), parameters.ridge)
    weights = fit_weights(design, plain, guide, parameters.ridge)
    steps = [Step((), weights)]
    free = np.ones(len(candidates.lengths), dtype=np.bool_)
    spent = 0
    while free.any():
        price = parameters.price if steps[-1].chosen else 0.0
        gain = _gains(candidates.masks, design, soft, guide, parameters.ridge)
        net = gain - parameters.price * candidates.costs
        possible = free & (candidates.lengths <= parameters.max_conditions - spent)
        possible &= gain > price * candidates.costs
        if not possible.any():
            break
        taken = _best(np.where(possible, net, -np.inf), frequency, parameters.near)
        spent += int(candidates.lengths[taken])
        free &= ~_in_the_way(candidates, taken, parameters.most_alike)
        design = np.column_stack([design, candidates.masks[:, taken]])
        guide = fit_weights(design, soft, np.append(guide, 0.0), parameters.ridge)
        weights = fit_weights(design, plain, np.append(weights, 0.0), parameters.ridge)
        steps.append(Step((*steps[-1].chosen, taken), weights))
    return steps


def chosen_by_halves(
    candidates: Candidates,
    activity: FloatArray,
    soft: FloatArray,
    labels: BoolArray,
    parameters: SelectionParameters,
    *,
    seed: int,
) -> tuple[tuple[int, ...], ...]:
    """Return which candidates the forward selection takes from each of many halves of the customers.

    Parameters
    ----------
    candidates, activity, soft, labels, parameters
        As in `forward_steps`.
    seed
        Of the halves.

    Returns
    -------
    tuple of tuple of int
        Two for each of `parameters.halvings`: a half, and the other half.

    Notes
    -----
    Stability selection with complementary pairs (Meinshausen and Buehlmann 2010; Shah and Samworth 2013), with the
    forward selection in the place of the Lasso.
    """
    count = len(labels)
    generator = np.random.default_rng(seed)
    chosen = []
    for _ in range(parameters.halvings):
        order = generator.permutation(count)
        for half in (np.sort(order[: count // 2]), np.sort(order[count // 2 :])):
            steps = forward_steps(candidates.of(half), activity[half], soft[half], labels[half], parameters)
            chosen.append(steps[-1].chosen)
    return tuple(chosen)


def frequency_of(
    masks: FloatArray, candidates: Candidates, chosen: tuple[tuple[int, ...], ...], most_alike: float
) -> FloatArray:
    """Return how often each rule, or one that selects nearly the same customers, is among the chosen.

    Parameters
    ----------
    masks
        float64 (n, k): of k rules on the customers of `candidates`.
    chosen
        From `chosen_by_halves`.
    most_alike
        `SelectionParameters.most_alike`.

    Returns
    -------
    numpy.ndarray
        float64 (k,), 0 to 1.
    """
    taken = sorted({at for half in chosen for at in half})
    often = np.zeros(masks.shape[1], dtype=np.float64)
    if not taken:
        return often
    theirs = candidates.masks[:, taken]
    both = masks.T @ theirs
    alike = both >= most_alike * (masks.sum(axis=0)[:, None] + theirs.sum(axis=0) - both)
    place = {at: column for column, at in enumerate(taken)}
    for half in chosen:
        often += alike[:, [place[at] for at in half]].any(axis=1)
    return often / len(chosen)


def fit_weights(design: FloatArray, target: FloatArray, start: FloatArray, ridge: float) -> FloatArray:
    """Return the weights (q,) of a logistic regression: rules at least 0, activity at least 0.5.

    Activity keeps half of what it is worth alone: its log-odds are out of fold and those of the rules are not, so
    that the rules would take over all of it where they can.

    Parameters
    ----------
    design
        float64 (n, q): ones, activity, rules.
    target
        float64 (n,), 0 to 1.
    start
        float64 (q,).
    ridge
        On rules only.

    Notes
    -----
    L-BFGS-B (Byrd, Lu, Nocedal and Zhu 1995) as in scipy.
    """
    from scipy.optimize import minimize

    width = design.shape[1]
    penalty = np.where(np.arange(width) < 2, 0.0, ridge)

    def loss(weights: FloatArray) -> tuple[float, FloatArray]:
        log_odds = design @ weights
        value = np.sum(np.logaddexp(0.0, log_odds) - target * log_odds) + 0.5 * np.sum(penalty * weights**2)
        return float(value), design.T @ (probability_of(log_odds) - target) + penalty * weights

    bounds = [(None, None), (_LEAST_ACTIVITY, None)] + [(0.0, None)] * (width - 2)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": _ITERATIONS})
    return np.asarray(found.x, dtype=np.float64)


def log_odds_with(candidates: Candidates, activity: FloatArray, step: Step) -> FloatArray:
    """Return the log-odds (n,) that a step gives to the customers of `candidates`."""
    rules = candidates.masks[:, list(step.chosen)] @ step.weights[2:]
    return np.asarray(step.weights[0] + step.weights[1] * activity + rules, dtype=np.float64)


def _gains(masks: FloatArray, design: FloatArray, target: FloatArray, weights: FloatArray, ridge: float) -> FloatArray:
    """Return how far each candidate (m,) would lower the deviance; 0 where its weight would be negative."""
    probability = probability_of(design @ weights)
    curvature = probability * (1.0 - probability)
    rest = target - probability
    weighted = design * curvature[:, None]
    gram = design.T @ weighted + 1e-9 * np.eye(design.shape[1])
    products = masks.T @ np.column_stack([rest, weighted])
    cross = products[:, 1:]
    solved = np.linalg.solve(gram, np.column_stack([design.T @ rest, cross.T]))
    slope = products[:, 0] - cross @ solved[:, 0]
    spread = products[:, 1] - np.einsum("ij,ji->i", cross, solved[:, 1:])
    useful = (slope > 0.0) & (spread > 1e-6)
    return np.where(useful, slope**2 / (np.maximum(spread, 0.0) + ridge), 0.0)


def _best(net: FloatArray, frequency: FloatArray | None, near: float) -> int:
    """Return the candidate with the largest net gain, or of those nearly as good the one most often chosen."""
    best = float(net.max())
    if frequency is None:
        return int(np.argmax(net))
    close = net >= best - max(near * abs(best), _LEAST_NEAR)
    often = close & (frequency >= frequency[close].max())
    return int(np.argmax(np.where(often, net, -np.inf)))


def _in_the_way(candidates: Candidates, taken: int, most_alike: float) -> BoolArray:
    """Return the candidates (m,) that nobody needs once `taken` is on the card."""
    sizes = candidates.masks.sum(axis=0)
    both = candidates.masks.T @ candidates.masks[:, taken]
    alike = both > most_alike * (sizes + sizes[taken] - both)
    shared = candidates.sides[:, candidates.sides[taken]].any(axis=1)
    conjunction = (candidates.lengths > 1) | (candidates.lengths[taken] > 1)
    return np.asarray(alike | (shared & conjunction), dtype=np.bool_)
