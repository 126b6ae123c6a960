"""Which optional features are worth their time: product categories, trend, channels, promotions.

    python -m benchmarks.signals
    python -m benchmarks.signals --jobs 2 --cache signals.cache      what was ranked before is not learned again

Complete Journey at two cut-offs. At each, every eligible department is learned without any optional feature, with each
family of them alone and with all, by the published rules and by the black box, and its candidates are ranked.
Everything is measured on who buys within the outcome window that follows; every difference is paired, and its interval
comes from 500 resamples of customers, drawn once for all departments and cut-offs. Nothing on or after 2017-10-01 is
read. A family is on by default where the rules' AUC is higher with it and the interval lies above zero.
"""

import argparse
import datetime as dt
import json
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np

from benchmarks.targeting import CUTOFFS, UNSEEN_FROM
from benchmarks.worlds import complete_journey, opened
from segwarehouse.domain import Feature, FloatArray
from segwarehouse.evaluate.bootstrap import RESAMPLES, Estimate
from segwarehouse.evaluate.intervals import Quality, Sample, compare_samples
from segwarehouse.evaluate.judge import BASELINE, BLACK_BOX, RULES, Past, as_published, learn
from segwarehouse.evaluate.settings import Settings
from segwarehouse.features.catalogue import BEHAVIOUR
from segwarehouse.table import DepartmentTable

NONE, ALL = "no optional feature", "all four"
FAMILIES = ("categories", "trend", "channels", "promotions")
VARIANTS = (NONE, *FAMILIES, ALL)
LEARNERS = (RULES, BLACK_BOX)
_NEEDS = {"trend": "trend", "channel": "channels", "promotion": "promotions", "discount": "promotions"}
_KINDS = {"category": "categories", "channel": "channels"}
_METRICS = ("auc", "lift at 10 percent", "lift at 20 percent")


def main() -> None:
    options = _arguments()
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        project = complete_journey(Path(folder), all_signals=True)
        with opened(project, options.cutoffs, 50_000, options.seed, all_signals=True) as world:
            pasts = [past for cutoff in options.cutoffs for past in world.departments_at(cutoff).values()]
    _print_features(pasts[0])
    work = [(past.table, past.settings, variant, options.cache) for past in pasts for variant in VARIANTS]
    ranked = joblib.Parallel(n_jobs=options.jobs, return_as="list")(joblib.delayed(rankings)(*each) for each in work)
    samples = []
    for at, past in enumerate(pasts):
        candidates = ~past.table.buyers
        found = ranked[at * len(VARIANTS) : (at + 1) * len(VARIANTS)]
        together = {name: values for part in found for name, values in part.items()}
        samples.append(Sample(together, past.table.outcomes[candidates], past.customers[candidates]))
    facts = report(samples, [past.settings.cutoff for past in pasts], options.seed)
    print(f"\n{time.perf_counter() - started:.0f} s")
    if options.json:
        options.json.write_text(json.dumps(facts, indent=2), encoding="utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cutoffs", type=dt.date.fromisoformat, nargs="+", metavar="DATE")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument(
        "--cache", type=Path, metavar="FOLDER", help="keep rankings there; empty it when learning changes"
    )
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    options = parser.parse_args()
    options.cutoffs = sorted(options.cutoffs or CUTOFFS["complete-journey"])
    ends = max(options.cutoffs) + dt.timedelta(days=91)
    if ends > UNSEEN_FROM:
        parser.error(f"an outcome window ends on {ends}: nothing from {UNSEEN_FROM} on is read here")
    return options


def family_of(feature: Feature) -> str | None:
    """Return the family that an optional feature belongs to, None for one that is always there."""
    if feature.kind != "behaviour":
        return _KINDS.get(feature.kind)
    needs = BEHAVIOUR[feature.name][1].split()
    return next((_NEEDS[need] for need in needs if need in _NEEDS), None)


def with_families(table: DepartmentTable, families: Sequence[str]) -> DepartmentTable:
    """Return the table as it would be if only these optional features were configured."""
    kept = [at for at, feature in enumerate(table.features) if family_of(feature) in (None, *families)]
    return replace(
        table,
        features=tuple(table.features[at] for at in kept),
        values=np.ascontiguousarray(table.values[:, kept]),
    )


def rankings(table: DepartmentTable, settings: Settings, variant: str, cache: Path | None) -> dict[str, FloatArray]:
    """Return the candidates' rankings by rules and black box, and with no optional feature by activity too."""
    families = {NONE: (), ALL: FAMILIES}.get(variant, (variant,))
    chosen = with_families(table, families)
    kept = cache / f"{joblib.hash((chosen, settings))}.joblib" if cache else None
    if kept and kept.exists():
        found: tuple[FloatArray, FloatArray, FloatArray] = joblib.load(kept)
    else:
        found = _rank(chosen, settings)
        if kept:
            kept.parent.mkdir(parents=True, exist_ok=True)
            joblib.dump(found, kept)
    names = [f"{learner}, {variant}" for learner in LEARNERS] + ([BASELINE] if variant == NONE else [])
    return dict(zip(names, found[: len(names)], strict=True))


def _rank(table: DepartmentTable, settings: Settings) -> tuple[FloatArray, FloatArray, FloatArray]:
    learned = learn(table, settings, explain=False)
    scored = table.score(learned.card)
    rows = ~table.buyers
    return as_published(scored)[rows], learned.propensity.probability[rows], scored.activity[rows].astype(np.float64)


def _print_features(past: Past) -> None:
    for family in FAMILIES:
        names = [feature.name for feature in past.table.features if family_of(feature) == family]
        print(f"{family}: {len(names)} features, {', '.join(names[:6])}{', ...' if len(names) > 6 else ''}")


# -- tables -----------------------------------------------------------------------------------------------------------


def report(samples: Sequence[Sample], cutoffs: Sequence[dt.date | None], seed: int) -> dict[str, object]:
    """Print how good each learner is with each family, and what the family adds; return the figures."""
    facts: dict[str, object] = {}
    for title, part in _parts(samples, cutoffs):
        pairs = [(f"{learner}, {variant}", f"{learner}, {NONE}") for learner in LEARNERS for variant in VARIANTS[1:]]
        found = compare_samples(part, seed=seed, resamples=RESAMPLES, baseline=BASELINE, pairs=pairs)
        print(f"\n## {title}: {len(part)} department-cut-offs\n")
        print("| ranking | AUC | lift at 10% | lift at 20% |\n| --- | --- | --- | --- |")
        for name in (BASELINE, *(f"{learner}, {variant}" for learner in LEARNERS for variant in VARIANTS)):
            print(f"| {name} | {' | '.join(f'{each.value:.3f}' for each in _figures(found.qualities[name]))} |")
        print(f"\n| minus {NONE} | AUC | lift at 10% | lift at 20% |\n| --- | --- | --- | --- |")
        for first, second in pairs:
            print(f"| {first} | {' | '.join(map(_signed, _figures(found.pairs[first, second])))} |")
        facts[title] = {
            first: dict(zip(_METRICS, map(_facts, _figures(found.pairs[first, second])), strict=True))
            for first, second in pairs
        }
    return facts


def _parts(samples: Sequence[Sample], cutoffs: Sequence[dt.date | None]) -> Iterator[tuple[str, Sequence[Sample]]]:
    yield "all cut-offs", samples
    for cutoff in sorted({each for each in cutoffs if each is not None}):
        yield str(cutoff), [sample for sample, each in zip(samples, cutoffs, strict=True) if each == cutoff]


def _figures(quality: Quality) -> tuple[Estimate, Estimate, Estimate]:
    return quality.auc, quality.at(0.1).lift, quality.at(0.2).lift


def _signed(estimate: Estimate) -> str:
    return f"{estimate.value:+.4f} ({estimate.low:+.4f} to {estimate.high:+.4f})"


def _facts(estimate: Estimate) -> dict[str, float]:
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high}


if __name__ == "__main__":
    main()
