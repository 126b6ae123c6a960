"""What one should know or change before a refresh: sentences, each from a figure of the check.

In: a configuration and what the data has. Out: sentences for people, the gravest first; none where all is well.
"""

import unicodedata
from collections.abc import Iterator, Mapping

from segwarehouse.config import Config
from segwarehouse.evaluate.splits import STEPPING_BACK, choose_protocol
from segwarehouse.features import Catalogue, Staged
from segwarehouse.features.staging import ROW_HASH
from segwarehouse.ledger.forecast import Size, expected_seconds
from segwarehouse.ledger.pace import span
from segwarehouse.refresh.choose import nearest

MANY_LEFT_OUT = 0.05
"""A reason that leaves out more than this share of the lines is worth a sentence."""

FEW_BUYERS = 400
"""With fewer buyers, rules seldom beat activity beyond doubt. Measured on Complete Journey."""

MANY_ALIKE = 0.5
"""Where more than this share of the customers bought in the same number of departments, totals say too much."""

LONG_SECONDS = 1_800.0
"""Where a refresh takes longer than this, what makes it shorter is said too."""

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
    config: Config,
    staged: Staged,
    catalogue: Catalogue,
    why: Mapping[int, str],
    breadth: Mapping[str, int],
    *,
    is_dated: bool,
) -> list[str]:
    """Return what stands out.

    Parameters
    ----------
    why
        For each department's key, why it would be left out; empty for those that would be learned.
    breadth
        The number of departments in which most customers have bought, `department_count`, and how many these are,
        `customer_count`.
    is_dated
        Whether the user asked for a certain day; else lines after it lie in the future.
    """
    return [
        *_about_departments(config, catalogue, why),
        *_about_totals(catalogue, breadth),
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


def _about_totals(catalogue: Catalogue, breadth: Mapping[str, int]) -> Iterator[str]:
    """Point out lists of a fixed length: in the number of the others each item leaves a trace."""
    number, customers = breadth["department_count"], catalogue.departments[0].customers
    if 1 < number < len(catalogue.departments) and breadth["customer_count"] > MANY_ALIKE * customers:
        yield (
            f"{breadth['customer_count'] / customers:.0%} of the customers have bought in exactly {number:,} "
            "departments, as in lists of a fixed length. How much somebody bought elsewhere then gives away who bought "
            "in a department; such measures are not used where they do."
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
    """Say how long a refresh takes and, where that is long, what makes it shorter."""
    size = Size.of(config, staged, catalogue, sum(not reason for reason in why.values()))
    if not size.learned:
        return
    seconds = sum(expected_seconds(size).values())
    shorter = (
        " Shorter: a smaller learning.max_customers, rules.refits = 0, or the departments that matter alone "
        "(learning.departments)."
    )
    departments = _counted(size.learned, "department")
    yield (
        f"A refresh would take {span(seconds)}: {departments} from {size.customers:,} customers and "
        f"{size.features:,} features, on {_counted(size.processes, 'core')}."
        f"{shorter if seconds > LONG_SECONDS else ''}"
    )


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
