"""How well rules find tomorrow's buyers, next to all that a sceptic would use in their place.

    python -m benchmarks.targeting                                   Complete Journey
    python -m benchmarks.targeting --world planted --customers 100000
    python -m benchmarks.targeting --recipe 4                        with the published recipe, on 4 departments

At each cut-off a department is learned from what was known, and its candidates, the customers who had not bought
there, are ranked. Everything is measured on who buys within the outcome window that follows, at natural prevalence.
Figures are means over all eligible departments and cut-offs, and each interval comes from 500 resamples of customers,
drawn once for all departments and cut-offs together. Complete Journey's last cut-off is for one look at the end:
without --final, nothing on or after 2017-10-01 is read.
"""

import argparse
import datetime as dt
import json
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import numpy as np
from joblib import Parallel, delayed

from benchmarks.recipe import condition_count, fit_plain_rulefit, fit_recipe, recipe_features
from benchmarks.tuned import tuned_log_odds
from benchmarks.worlds import World, complete_journey, opened, planted
from segwarehouse.domain import BoolArray, FloatArray, IntArray
from segwarehouse.errors import SegwarehouseError
from segwarehouse.evaluate.bootstrap import RESAMPLES, Estimate
from segwarehouse.evaluate.calibration import calibration
from segwarehouse.evaluate.intervals import Comparison, Quality, Sample, compare_samples
from segwarehouse.evaluate.judge import (
    BASELINE,
    RULES,
    Past,
    as_published,
    begins_share,
    best_single_measure,
    learn,
    rankings_of,
)
from segwarehouse.evaluate.refits import REFIT_SHARE, refit_parts
from segwarehouse.learn.conversion import Conversions, fit_conversions
from segwarehouse.table import DepartmentTable

CUTOFFS = {
    "complete-journey": (dt.date(2017, 5, 1), dt.date(2017, 7, 2)),
    "planted": (dt.date(2025, 7, 2), dt.date(2025, 10, 1)),
}
FINAL = dt.date(2017, 10, 3)
UNSEEN_FROM = dt.date(2017, 10, 1)
PLAIN = "plain RuleFitRegressor"
TUNED = "tuned LightGBM"
RECIPE = "recipe as written"
SINGLES = {"breadth": "breadth_count", "frequency": "frequency_count", "spend": "monetary_amount"}
STABILITY_SHARE = 0.1


@dataclass(frozen=True)
class Judged:
    """One department at one cut-off.

    Attributes
    ----------
    department, cutoff
        Which.
    sample
        Rankings of its candidates, and who bought.
    conditions
        How many conditions each ranking by rules states.
    probability
        float64 (n,): of being a buyer, by the card.
    foreseen
        The share of the candidates who begin to buy, by how long people wait.
    earlier
        What became of the candidates of a window before, None where that has too little history.
    jaccard
        Of the customers in the best 10 percent, mean over pairs of refits, for each ranking by rules.
    """

    department: str
    cutoff: dt.date
    sample: Sample
    conditions: Mapping[str, int]
    probability: FloatArray
    foreseen: float | None
    earlier: Conversions | None
    jaccard: Mapping[str, float] = field(default_factory=dict)


def main() -> None:
    options = _arguments()
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        print(f"# {options.world}, cut-offs {', '.join(map(str, options.cutoffs))}, seed {options.seed}\n", flush=True)
        project = (
            complete_journey(Path(folder))
            if options.world == "complete-journey"
            else planted(Path(folder), options.customers, options.seed)
        )
        with opened(project, options.cutoffs, options.max_customers, options.seed) as world:
            judged = [item for cutoff in options.cutoffs for item in _judge_all(world, cutoff, options)]
    facts = report(judged, options.seed)
    print(f"\n{time.perf_counter() - started:.0f} s")
    if options.json:
        options.json.write_text(json.dumps(facts, indent=2), encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--world", choices=tuple(CUTOFFS), default="complete-journey")
    parser.add_argument("--customers", type=int, default=100_000, help="of the planted world")
    parser.add_argument("--cutoffs", type=dt.date.fromisoformat, nargs="+", metavar="DATE")
    parser.add_argument("--final", action="store_true", help=f"look at {FINAL} too; once, at the end")
    parser.add_argument("--departments", nargs="+", metavar="NAME", help="only these")
    parser.add_argument("--max-customers", type=int, default=50_000, help="learn from and judge a sample of so many")
    parser.add_argument("--refits", type=int, default=3, help="refits for stability at the last cut-off; 0: none")
    parser.add_argument("--recipe", type=int, default=0, help="the published recipe too, on so many departments")
    parser.add_argument("--tuned", action="store_true", help="a tuned LightGBM too")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    options = parser.parse_args()
    options.cutoffs = sorted(options.cutoffs or CUTOFFS[options.world])
    if options.world == "complete-journey":
        ends = max(options.cutoffs) + dt.timedelta(days=91)
        if ends > UNSEEN_FROM:
            parser.error(f"an outcome window ends on {ends}: from {UNSEEN_FROM} on only --final looks")
        if options.final:
            options.cutoffs.append(FINAL)
    elif options.final:
        parser.error("--final is a cut-off of Complete Journey")
    return options


# -- learning and ranking ---------------------------------------------------------------------------------------------


def _judge_all(world: World, cutoff: dt.date, options: argparse.Namespace) -> list[Judged]:
    """Rank the candidates of every eligible department at a cut-off."""
    before = cutoff - dt.timedelta(days=world.config.learning.outcome_days)
    earlier = world.departments_at(before, eligible=False) if world.has_history(before) else {}
    pasts = world.departments_at(cutoff)
    if options.departments:
        pasts = {name: past for name, past in pasts.items() if name in options.departments}
    largest = sorted(pasts, key=lambda name: -int(pasts[name].table.outcomes[~pasts[name].table.buyers].sum()))
    refits = options.refits if cutoff == max(CUTOFFS[options.world]) else 0
    work = [
        delayed(_judge)(
            name,
            past,
            earlier.get(name),
            with_recipe=name in largest[: options.recipe],
            tuned=options.tuned,
            refits=refits,
        )
        for name, past in pasts.items()
    ]
    judged = []
    for item in Parallel(n_jobs=options.jobs, return_as="generator")(work):
        judged.append(item)
        print(f"{cutoff} {item.department}: {len(judged)} of {len(work)}", flush=True)
    return judged


def _judge(name: str, past: Past, earlier: Past | None, *, with_recipe: bool, tuned: bool, refits: int) -> Judged:
    """Rank a department's candidates in every way. It runs in a worker process."""
    table, settings = past.table, past.settings
    rows = ~table.buyers
    learned = learn(table, settings, explain=False)
    scored = table.score(learned.card)
    plain = fit_plain_rulefit(table.values, table.buyers, seed=settings.seed)
    rankings = rankings_of(table, learned, scored, rows, best_single_measure(table))
    rankings |= _single_measures(table, rows)
    rankings[PLAIN] = np.asarray(plain.predict(table.values[rows]), dtype=np.float64)
    if tuned:
        rankings[TUNED] = tuned_log_odds(table.values, table.buyers, seed=settings.seed)[rows]
    conditions = {RULES: learned.card.condition_count, PLAIN: condition_count(plain)}
    if with_recipe:
        counts = table.values[:, recipe_features(table)]
        fitted = fit_recipe(counts, table.buyers, seed=settings.seed)
        rankings[RECIPE] = np.asarray(fitted.predict(counts[rows]), dtype=np.float64)
        conditions[RECIPE] = condition_count(fitted)
    if settings.cutoff is None:
        raise SegwarehouseError(f"{name} is judged without a cut-off")
    return Judged(
        department=name,
        cutoff=settings.cutoff,
        sample=Sample(rankings, table.outcomes[rows], past.customers[rows]),
        conditions=conditions,
        probability=scored.score[rows],
        foreseen=begins_share(table, settings.outcome_days),
        earlier=_conversions(earlier) if earlier is not None else None,
        jaccard=_stability(past, refits) if refits > 1 else {},
    )


def _single_measures(table: DepartmentTable, rows: BoolArray) -> dict[str, FloatArray]:
    names = [feature.name for feature in table.features]
    return {label: table.values[rows, names.index(name)] for label, name in SINGLES.items() if name in names}


def _conversions(earlier: Past) -> Conversions:
    """Return what a refresh at the cut-off would have known of how probabilities turn into purchases."""
    table, rows = earlier.table, ~earlier.table.buyers
    learned = learn(table, earlier.settings, explain=False)
    outcomes = table.outcomes[rows]
    half = np.zeros(len(outcomes), dtype=np.int64)
    return Conversions.of(
        table.score(learned.card).score[rows], outcomes, half, begins_share(table, earlier.settings.outcome_days)
    )


def outcome_scores(judged: Sequence[Judged]) -> list[tuple[FloatArray, Sample]]:
    """Return the scores (n,) that a refresh at each cut-off would have published, where a window before it is known."""
    found = []
    for cutoff in sorted({item.cutoff for item in judged}):
        items = [item for item in judged if item.cutoff == cutoff]
        known = fit_conversions({item.department: [item.earlier] for item in items if item.earlier is not None})
        for item in items:
            if (conversion := known.get(item.department)) is not None:
                outcome_map = conversion.outcome_map(item.probability, item.foreseen)
                found.append((outcome_map.apply(item.probability), item.sample))
    return found


def _stability(past: Past, refits: int) -> dict[str, float]:
    """Return how alike the best candidates are from refit to refit."""
    chosen: dict[str, list[IntArray]] = {RULES: [], PLAIN: []}
    candidates = np.flatnonzero(~past.table.buyers)
    most = max(1, round(STABILITY_SHARE * len(candidates)))
    for mask in refit_parts(len(past.table.buyers), past.settings.seed, refits):
        part = past.table.subset(mask)
        card = learn(part, past.settings, explain=False).card
        plain = fit_plain_rulefit(part.values, part.buyers, seed=past.settings.seed)
        for name, ranked in (
            (RULES, as_published(past.table.score(card))[candidates]),
            (PLAIN, plain.predict(past.table.values[candidates])),
        ):
            chosen[name].append(np.argsort(-ranked, kind="stable")[:most].astype(np.int64))
    return {
        name: float(np.mean([len(np.intersect1d(a, b)) / len(np.union1d(a, b)) for a, b in combinations(sets, 2)]))
        for name, sets in chosen.items()
    }


# -- tables -----------------------------------------------------------------------------------------------------------


def report(judged: Sequence[Judged], seed: int) -> dict[str, object]:
    """Print the tables, and return their figures."""
    facts: dict[str, object] = {}
    everything = [name for name in judged[0].sample.rankings if name != RECIPE]
    cutoffs = sorted({item.cutoff for item in judged})
    parts = [("all cut-offs", judged)]
    if len(cutoffs) > 1:
        parts += [(str(cutoff), [item for item in judged if item.cutoff == cutoff]) for cutoff in cutoffs]
    for title, items in parts:
        facts[title] = _comparison_table(title, items, everything, seed)
    with_recipe = [item for item in judged if RECIPE in item.sample.rankings]
    if with_recipe:
        title = "where the recipe was run"
        facts[title] = _comparison_table(title, with_recipe, [RULES, BASELINE, PLAIN, RECIPE], seed)
    facts["calibration"] = _calibration_table(outcome_scores(judged), seed)
    facts["conditions"] = _conditions_table(judged)
    return facts


def _comparison_table(title: str, items: Sequence[Judged], names: Sequence[str], seed: int) -> dict[str, object]:
    """Print quality and differences of rankings, averaged over departments and cut-offs."""
    samples = [
        Sample({name: item.sample.rankings[name] for name in names}, item.sample.outcomes, item.sample.customers)
        for item in items
    ]
    pairs = [(RULES, name) for name in names if name != RULES]
    found = compare_samples(samples, seed=seed, resamples=RESAMPLES, baseline=BASELINE, pairs=pairs)
    departments = len({item.department for item in items})
    print(f"\n## {title}: {departments} departments, {len(items)} department-cut-offs")
    print(f"candidates and outcome buyers, on average: {found.candidates:,} and {found.buyers:,}\n")
    print("| ranking | AUC | lift at 10% | lift at 20% |")
    print("| --- | --- | --- | --- |")
    for name in names:
        print(f"| {name} | {' | '.join(map(_interval, _figures(found.qualities[name])))} |")
    print("\n| rules minus | AUC | lift at 10% | lift at 20% | lift at 10%: ratio |")
    print("| --- | --- | --- | --- | --- |")
    for pair in pairs:
        print(f"| {pair[1]} | {' | '.join(map(_signed, _figures(found.pairs[pair])))} | {_ratio(found, pair[1]):.3f} |")
    measured = {name: _figures(found.qualities[name]) for name in names}
    minus = {f"{first} - {second}": _figures(found.pairs[first, second]) for first, second in pairs}
    return {
        "department_cutoffs": len(items),
        **{
            name: {metric: _facts(value) for metric, value in zip(_METRICS, values, strict=True)}
            for name, values in {**measured, **minus}.items()
        },
    }


_METRICS = ("auc", "lift at 10 percent", "lift at 20 percent")


def _figures(quality: Quality) -> tuple[Estimate, Estimate, Estimate]:
    return quality.auc, quality.at(0.1).lift, quality.at(0.2).lift


def _ratio(found: Comparison, other: str) -> float:
    return found.qualities[RULES].at(0.1).lift.value / found.qualities[other].at(0.1).lift.value


def _interval(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"


def _signed(estimate: Estimate) -> str:
    return f"{estimate.value:+.3f} ({estimate.low:+.3f} to {estimate.high:+.3f})"


def _facts(estimate: Estimate) -> dict[str, float]:
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high}


def _calibration_table(known: Sequence[tuple[FloatArray, Sample]], seed: int) -> dict[str, object]:
    """Print how true scores are: of all departments together, and of each on average."""
    if not known:
        print("\nNo cut-off has enough history before it to map probabilities to outcomes.")
        return {}
    together = calibration(
        np.concatenate([probability for probability, _ in known]),
        np.concatenate([sample.outcomes for _, sample in known]),
        customers=np.concatenate([sample.customers for _, sample in known]),
        seed=seed,
    )
    each = [calibration(probability, sample.outcomes, seed=seed, resamples=100) for probability, sample in known]
    error = float(np.mean([one.error.value for one in each]))
    chance = float(np.mean([one.error_by_chance for one in each]))
    brier = float(np.mean([one.brier.value for one in each]))
    print(f"\n## Calibration of the scores: {len(known)} department-cut-offs, 10 bins of equal size")
    print("Scores are those that a refresh at the cut-off would have published, from the window before.\n")
    print("| | expected calibration error | by chance alone | Brier score |")
    print("| --- | --- | --- | --- |")
    print(
        f"| all together | {together.error.value:.4f} | {together.error_by_chance:.4f} | {together.brier.value:.4f} |"
    )
    print(f"| mean of departments | {error:.4f} | {chance:.4f} | {brier:.4f} |")
    print("\n| predicted | observed | candidates |")
    print("| --- | --- | --- |")
    for row in together.bins:
        print(f"| {row.predicted:.3f} | {_interval(row.observed)} | {row.candidates:,} |")
    return {
        "together": {"error": together.error.value, "by chance": together.error_by_chance},
        "mean of departments": {"error": error, "by chance": chance},
    }


def _conditions_table(judged: Sequence[Judged]) -> dict[str, object]:
    """Print how much there is to read, and how much of it stays from refit to refit."""
    print("\n| ranking | conditions a department: mean | most | Jaccard of the best 10% between refits |")
    print("| --- | --- | --- | --- |")
    facts: dict[str, object] = {}
    for name in (RULES, PLAIN, RECIPE):
        counts = [item.conditions[name] for item in judged if name in item.conditions]
        alike = [item.jaccard[name] for item in judged if name in item.jaccard]
        if counts:
            jaccard = float(np.mean(alike)) if alike else None
            print(f"| {name} | {np.mean(counts):.1f} | {max(counts)} | {'' if jaccard is None else f'{jaccard:.3f}'} |")
            facts[name] = {"mean": float(np.mean(counts)), "most": max(counts), "jaccard": jaccard}
    print(
        f"Refits see {REFIT_SHARE:.1%} of the customers, each once: {sum(bool(i.jaccard) for i in judged)} departments."
    )
    return facts


if __name__ == "__main__":
    main()
