"""How many customers a department needs to be learned from.

    python -m benchmarks.sample_size

In a planted world each department is learned from samples of 5,000 customers and more, every sample a part of the next
larger one. All cards then rank the same candidates: customers of none of the samples, who had not bought there by the
cut-off, judged by who buys in the outcome window after it. Intervals come from resamples of these customers; every
difference is paired. The seconds are of one core, one after the other in one process: read them as ratios.
"""

import argparse
import datetime as dt
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.worlds import opened, planted
from segwarehouse.domain import BoolArray, FloatArray
from segwarehouse.evaluate.bootstrap import Estimate
from segwarehouse.evaluate.intervals import Sample, compare_samples
from segwarehouse.evaluate.judge import Past, as_published, learn

CUTOFF = dt.date(2025, 10, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--sizes", type=int, nargs="+", default=[5_000, 10_000, 20_000, 50_000], metavar="N")
    parser.add_argument("--departments", type=int, default=4, help="so many of them")
    parser.add_argument("--seed", type=int, default=42)
    options = parser.parse_args()
    sizes = sorted(options.sizes)
    if options.customers < 2 * sizes[-1]:
        parser.error("as many customers again as the largest sample holds are needed to judge on")
    spent = dict.fromkeys(sizes, 0.0)
    samples: list[Sample] = []
    with tempfile.TemporaryDirectory() as folder:
        project = planted(Path(folder), options.customers, options.seed)
        with opened(project, [CUTOFF], options.customers, options.seed) as world:
            pasts = world.departments_at(CUTOFF)
    for name in sorted(pasts)[: options.departments]:
        samples.append(_judge(pasts[name], sizes, options.seed, spent))
        print(f"{name}: {len(samples)} of {options.departments}", flush=True)
    _report(samples, sizes, spent)


def _judge(past: Past, sizes: list[int], seed: int, spent: dict[int, float]) -> Sample:
    """Learn a department from samples of each size, and rank the same other customers by each card."""
    table = past.table
    count = len(table.buyers)
    order = np.random.default_rng(seed).permutation(count)
    judged: BoolArray = np.zeros(count, dtype=np.bool_)
    judged[order[sizes[-1] :]] = True
    judged &= ~table.buyers
    rankings: dict[str, FloatArray] = {}
    for size in sizes:
        part = np.zeros(count, dtype=np.bool_)
        part[order[:size]] = True
        started = time.perf_counter()
        card = learn(table.subset(part), past.settings, explain=False).card
        spent[size] += time.perf_counter() - started
        rankings[f"{size:,}"] = as_published(table.score(card))[judged]
    return Sample(rankings, table.outcomes[judged], past.customers[judged])


def _report(samples: list[Sample], sizes: list[int], spent: dict[int, float]) -> None:
    largest = f"{sizes[-1]:,}"
    pairs = [(f"{size:,}", largest) for size in sizes[:-1]]
    found = compare_samples(samples, seed=0, baseline=largest, pairs=pairs)
    average = f"{found.candidates:,} candidates and {found.buyers:,} outcome buyers on average"
    print(f"\n{len(samples)} departments; {average}")
    print(f"\n| learned from | time | AUC | lift at 10% | minus {largest}: AUC | lift at 10% |")
    print("| --- | --- | --- | --- | --- | --- |")
    for size in sizes:
        name = f"{size:,}"
        quality = found.qualities[name]
        figures = [f"{quality.auc.value:.3f}", f"{quality.at(0.1).lift.value:.2f}"]
        if name != largest:
            difference = found.differences[name]
            figures += [_signed(difference.auc, 3), _signed(difference.at(0.1).lift, 2)]
        print(f"| {name} | {spent[size] / spent[sizes[-1]]:.2f} | {' | '.join(figures)} |")


def _signed(estimate: Estimate, digits: int) -> str:
    return f"{estimate.value:+.{digits}f} ({estimate.low:+.{digits}f} to {estimate.high:+.{digits}f})"


if __name__ == "__main__":
    main()
