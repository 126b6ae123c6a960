"""What one should know or change before a refresh: sentences, each from a figure of the check.

In: a configuration and what the data has. Out: sentences for people, the gravest first; none where all is well.
"""

import unicodedata
from collections.abc import Iterator, Mapping

from segwarehouse.config import Config
from segwarehouse.features import Catalogue, Staged
from segwarehouse.features.staging import ROW_HASH
from segwarehouse.learn.propensity import LightGBMParameters
from segwarehouse.refresh.choose import STEPPING_BACK, choose_protocol, cutoffs, nearest
from segwarehouse.refresh.stability import REFIT_SHARE
from segwarehouse.refresh.workers import processes

MANY_LEFT_OUT = 0.05
"""A reason that leaves out more than this share of the lines is worth a sentence."""

FEW_BUYERS = 400
"""With fewer buyers, rules seldom beat activity beyond doubt. Measured on Complete Journey."""

LONG_SECONDS = 1_800.0
"""Learning that takes longer than this is worth a sentence."""

_REASONS: Mapping[str, str] = {
    "no customer": "have no customer; they can't be learned from, and if they are guests that is all right",
    "no department": "have no department; is source.department the right column?",
    "no date": "have no time; is source.occurred_at the right column?",
    "unreadable date": "have a time that can't be read; source.date_format says how times are written",
    "unusable amount": "have an amount that is no number; source.decimal_comma is for amounts such as 1.234,56",
    "unusable quantity": "have a quantity that is no number",
    "return": "are returns; cleaning.returns says what becomes of them",
    "duplicate": "equal another line in every column",
}


def advise(
    config: Config, staged: Staged, catalogue: Catalogue, why: Mapping[int, str], *, is_dated: bool
) -> list[str]:
    """Return what stands out.

    Parameters
    ----------
    why
        For each department's key, why it would be left out; empty for those that would be learned.
    is_dated
        Whether the user asked for a certain day; else lines after it lie in the future.
    """
    return [
        *_about_departments(config, catalogue, why),
        *_about_names([department.name for department in catalogue.departments]),
        *_about_time(config, staged),
        *_about_lines(staged, is_dated=is_dated),
        *_about_budget(config, catalogue, why),
        *_about_duration(config, staged, catalogue, why),
    ]


def _about_departments(config: Config, catalogue: Catalogue, why: Mapping[int, str]) -> Iterator[str]:
    learned = [department for department in catalogue.departments if not why[department.key]]
    if not learned:
        least = config.learning.min_buyers
        most = nearest(catalogue)
        yield (
            f"No department would be learned, and a refresh would stop: {most.name!r} comes nearest, with "
            f"{most.learnable_buyers:,} buyers who bought elsewhere too and {most.candidates:,} others, and "
            f"learning.min_buyers is {least:,}."
        )
    few = [department for department in learned if department.learnable_buyers < FEW_BUYERS]
    if few:
        yield (
            f"{_counted(len(few), 'department')} of {len(learned)} would be learned from fewer than {FEW_BUYERS} "
            "buyers: expect wide intervals, and the verdict 'ties'."
        )
    columns = config.learning.max_department_columns
    if len(catalogue.departments) > columns:
        yield (
            f"There are {len(catalogue.departments):,} departments; the {columns} largest get a feature each "
            "(learning.max_department_columns)."
        )


def _about_names(names: list[str]) -> Iterator[str]:
    alike: dict[str, list[str]] = {}
    for name in names:
        alike.setdefault("".join(unicodedata.normalize("NFKC", name).casefold().split()), []).append(name)
    several = [group for group in alike.values() if len(group) > 1]
    if several:
        shown = " and ".join(map(repr, several[0][:2]))
        yield (
            f"{_counted(sum(map(len, several)), 'department')} differ only in case, spaces or forms of letters, such "
            f"as {shown}: if they are the same, bring them together in models/staging/transactions.sql."
        )


def _about_time(config: Config, staged: Staged) -> Iterator[str]:
    if staged.first_at is None or staged.last_at is None:
        yield "There are no times: quality would be measured on held-out customers, not on a later period."
    elif choose_protocol(config, staged) != STEPPING_BACK:
        days = (staged.as_of.date() - staged.first_at.date()).days
        wanted = config.learning.outcome_days
        fitting = config.learning.fitting_outcome_days((staged.as_of - staged.first_at).days)
        better = f" With outcome_days = {fitting} it would be measured on a later period." if fitting != wanted else ""
        yield (
            f"{days} days of transactions are too few to step back by learning.outcome_days = {wanted}: quality would "
            f"be measured on held-out customers.{better}"
        )


def _about_lines(staged: Staged, *, is_dated: bool) -> Iterator[str]:
    total = sum(staged.cleaning.values())
    for reason, rows in sorted(staged.cleaning.items(), key=lambda item: -item[1]):
        if reason in _REASONS and rows > MANY_LEFT_OUT * total:
            yield f"{rows / total:.0%} of the lines {_REASONS[reason]}."
    yield from _about_duplicates(staged)
    future = staged.cleaning.get("on or after as_of", 0)
    if future and not is_dated:
        yield f"{_counted(future, 'line')} lie in the future and would be left out; are days and months read rightly?"


def _about_duplicates(staged: Staged) -> Iterator[str]:
    """Say how many copies of lines there are, and whether copies are all that is counted so."""
    kept = staged.cleaning.get("kept duplicate", 0)
    found = kept + staged.cleaning.get("duplicate", 0)
    fate = "are kept" if kept else "would be left out"
    if found and not staged.has[ROW_HASH]:
        yield (
            f"{_counted(found, 'line')} equal another line in every column of models/staging/transactions.sql and "
            f"{fate}. Lines that differ in another column of the source may be among them, unless that file "
            "also selects {{ source_columns | row_hash }} as row_hash."
        )
    elif kept:
        yield (
            f"{_counted(kept, 'line')} equal another line in every column of the source and {fate}. If they are "
            'copies, write duplicates = "drop" under [cleaning].'
        )


def _about_budget(config: Config, catalogue: Catalogue, why: Mapping[int, str]) -> Iterator[str]:
    budget = config.audience.budget
    small = [item for item in catalogue.departments if not why[item.key] and item.candidates <= budget]
    if small:
        least = min(small, key=lambda department: department.candidates)
        yield (
            f"audience.budget = {budget:,} takes in everyone in {_counted(len(small), 'department')} "
            f"({least.name!r} has {least.candidates:,} candidates): a smaller one makes the ranking count."
        )


def _about_duration(config: Config, staged: Staged, catalogue: Catalogue, why: Mapping[int, str]) -> Iterator[str]:
    """Say where learning takes long, and what makes it shorter."""
    learned = sum(not reason for reason in why.values())
    customers = min(catalogue.departments[0].customers, config.learning.max_customers)
    # Quality is measured on one learning a cut-off, or on one of half the customers; the last one is published.
    measured = float(len(cutoffs(config, staged))) or 0.5
    times = learned * (measured + 1.0 + REFIT_SHARE * config.rules.refits)
    at_once = min(processes(config), max(1, learned))
    seconds = times * seconds_of_learning(customers, len(catalogue.features)) / at_once
    if seconds > LONG_SECONDS:
        features = len(catalogue.features)
        yield (
            f"Learning {_counted(learned, 'department')} from {customers:,} customers and {features:,} features would "
            f"take roughly {_hours(seconds)} on {_counted(at_once, 'core')}. Shorter: a smaller "
            "learning.max_customers, rules.refits = 0, or the departments that matter alone (learning.departments)."
        )


def seconds_of_learning(customers: int, features: int) -> float:
    """Return about how long one core learns a department: measured from 5,000 x 250 to 50,000 x 60, on one machine."""
    repeats = LightGBMParameters().repeats_of(customers)
    return 2.0 + customers * features * (1.5e-6 + 2.5e-6 * repeats)


def _hours(seconds: float) -> str:
    """Return a duration, roughly.

    >>> _hours(2_000.0), _hours(5_000.0), _hours(40_000.0)
    ('half an hour', '1.5 hours', '11 hours')
    """
    if seconds < 2_700.0:
        return "half an hour"
    hours = seconds / 3_600.0
    halves = round(2.0 * hours) / 2.0
    return "an hour" if halves == 1.0 else f"{halves:g} hours" if hours < 4.0 else f"{hours:.0f} hours"


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
