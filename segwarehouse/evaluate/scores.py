"""What the scores of all departments say: the chance to buy within the outcome window, and how true it was.

In: evaluations of all departments, each with its `Conversions`. Out: the same with a `Conversion`, by which scores are
made today, and with the calibration of scores that were made in just that way at the latest cut-off, from what was
known before it. Where customers were held out there is no outcome: a score is then the chance of being a buyer, and
its calibration that of the held-out half.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from segwarehouse.domain import BoolArray, Card, FloatArray
from segwarehouse.evaluate.calibration import Calibration, calibration
from segwarehouse.evaluate.judge import Evaluation
from segwarehouse.learn.calibrate import OutcomeMap
from segwarehouse.learn.conversion import Conversion, Conversions, ExpectedShare, Pool, fit_conversions
from segwarehouse.workers import in_parallel

LOOK_ALIKE = "look-alike"
"""What a score rests on where there are no times: on who has bought, not on who will."""


@dataclass(frozen=True)
class Outcome:
    """How today's probabilities of being a buyer become scores, and the share of the candidates who will buy."""

    outcome_map: OutcomeMap
    expected_share: ExpectedShare


def with_scores(
    evaluations: Mapping[str, Evaluation], pool: Pool | None, *, seed: int, least: int, jobs: int
) -> dict[str, Evaluation]:
    """Return the evaluations with what all departments together say of scores.

    Parameters
    ----------
    evaluations
        By department.
    pool
        What all departments have in common, where only some of them are evaluated.
    seed
        Of the resamples of calibration.
    least
        Candidates in a bin of calibration.
    jobs
        Over how many processes to measure calibration.
    """
    pasts = {name: found.conversions for name, found in evaluations.items() if found.conversions}
    if not pasts:
        return dict(evaluations)
    conversions = fit_conversions(pasts, pool)
    scored = _scored_at_latest(pasts)
    measured = {name for name in scored if evaluations[name].comparison is not None}
    work = [(*scored[name], seed, least) for name in sorted(measured)]
    calibrations = dict(zip(sorted(measured), in_parallel(_calibration, work, jobs), strict=True)) if work else {}
    return {
        name: replace(found, conversion=conversions.get(name), calibration=calibrations.get(name, found.calibration))
        for name, found in evaluations.items()
    }


def pool_to_json(evaluations: Iterable[Evaluation]) -> str | None:
    """Return what all departments have in common as JSON; None where there are no outcomes."""
    known = (found.conversion.pool for found in evaluations if found.conversion is not None)
    pool = next(known, None)
    return json.dumps(asdict(pool)) if pool else None


def pool_from_json(text: str | None) -> Pool | None:
    """Return what `pool_to_json` wrote."""
    return Pool(**json.loads(text)) if text else None


def current_outcome(conversion: Conversion, probability: FloatArray, foreseen: float | None) -> Outcome:
    """Return how the probabilities of today's candidates (n,) become scores.

    `foreseen` is the share of them whom waiting times foresee; None where these can't be fitted.
    """
    return Outcome(conversion.outcome_map(probability, foreseen), conversion.expected_share(probability, foreseen))


def with_outcome(card: Card, outcome_map: OutcomeMap) -> Card:
    """Return the card with its probabilities of being a buyer mapped to those of buying in the outcome window."""
    mapped = outcome_map.apply(np.array(card.probabilities, dtype=np.float64))
    return Card(card.rules, card.activity, tuple(float(p) for p in mapped))


def _scored_at_latest(pasts: Mapping[str, Sequence[Conversions]]) -> dict[str, tuple[FloatArray, BoolArray]]:
    """Return scores (n,) and outcomes (n,) of the candidates of the latest cut-off, by department.

    Scores are made from the cut-offs before it; where there is none, those of each half of the customers from the
    other half, of all departments.
    """
    earlier = {name: parts[1:] for name, parts in pasts.items()}
    if any(each.total for parts in earlier.values() for each in parts):
        known = [(fit_conversions(earlier), {name: parts[0] for name, parts in pasts.items()})]
    else:
        known = [
            (
                fit_conversions({name: [parts[0].of_half(1 - half)] for name, parts in pasts.items()}),
                {name: parts[0].of_half(half) for name, parts in pasts.items()},
            )
            for half in (0, 1)
        ]
    found: dict[str, tuple[FloatArray, BoolArray]] = {}
    for name in pasts:
        parts = [_scored(conversions[name], latest[name]) for conversions, latest in known]
        scores, outcomes = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        if len(outcomes):
            found[name] = scores, outcomes
    return found


def _scored(conversion: Conversion, latest: Conversions) -> tuple[FloatArray, BoolArray]:
    probability, outcomes = latest.expanded()
    if len(probability) == 0:
        return probability, outcomes
    return conversion.outcome_map(probability, latest.foreseen).apply(probability), outcomes


def _calibration(scores: FloatArray, outcomes: BoolArray, seed: int, least: int) -> Calibration:
    """Measure how true scores were. It runs in a worker process."""
    return calibration(scores, outcomes, seed=seed, least=least)
