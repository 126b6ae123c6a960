"""How much stays when a department is learned again, and that it is measured against the right thing."""

import numpy as np
import pytest

from segwarehouse.domain import Activity, Card, Condition, Operator, Rule
from segwarehouse.evaluate.judge import begins_share, budget_share, contacts_among
from segwarehouse.evaluate.refits import REFIT_SHARE, best_candidates, measure_stability, refit_parts, sides
from tests.refresh.test_honesty import shuffled_past

CARD = Card((Rule((Condition("purchases_a", Operator.AT_LEAST, 3.0),), 2),), Activity(), (0.1, 0.2, 0.3))


def test_refits_see_a_part_of_the_customers_each_another_one() -> None:
    parts = refit_parts(10_000, seed=3, refits=3)
    assert [part.mean() for part in parts] == pytest.approx([REFIT_SHARE] * 3, abs=0.02)
    assert (parts[0] != parts[1]).mean() > 0.3
    assert all((a == b).all() for a, b in zip(parts, refit_parts(10_000, seed=3, refits=3), strict=True))


def test_the_best_candidates_are_those_that_the_card_selects_within_the_budget() -> None:
    past = shuffled_past(0)
    table = past.table
    chosen = best_candidates(table, past.settings, CARD)
    share = budget_share(past.settings, table.department)
    assert len(chosen) == contacts_among(share, int((~table.buyers).sum()))
    assert not table.buyers[chosen].any()
    values = table.values[:, [feature.name for feature in table.features].index("purchases_a")]
    selected = (values >= 3.0) & ~table.buyers
    assert selected[chosen].sum() == min(int(selected.sum()), len(chosen))


def test_noise_does_not_stay() -> None:
    past = shuffled_past(1)
    found = measure_stability(past.table, past.settings, CARD, refits=2)
    assert found is not None
    assert found.refits == 2
    assert ((found.audience_jaccard >= 0.0) & (found.audience_jaccard < 0.6)).all()
    assert sides(CARD) == {("purchases_a", Operator.AT_LEAST)}


def test_too_few_buyers_say_nothing_of_stability() -> None:
    past = shuffled_past(2)
    few = past.table.subset(~past.table.buyers | (np.cumsum(past.table.buyers) <= 20))
    assert measure_stability(few, past.settings, CARD, refits=2) is None


def test_without_times_nothing_is_foreseen() -> None:
    past = shuffled_past(3)
    assert begins_share(past.table, 60) is None
