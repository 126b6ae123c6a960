"""Every number in every sentence of the report is one that the published relations hold."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.report.sentences import Sentence, sentences


@pytest.fixture(scope="module")
def said(state: Path) -> list[Sentence]:
    return list(sentences(state))


def test_every_number_in_every_sentence_is_that_of_the_relations(said: list[Sentence]) -> None:
    assert len({sentence.name for sentence in said}) >= 12
    assert sum(len(sentence.expected) for sentence in said) > 100
    wrong = [(each.department, each.name, each.text, each.expected) for each in said if not each.is_true]
    assert wrong == []


def test_a_number_that_is_changed_is_found(said: list[Sentence]) -> None:
    headline = next(each for each in said if each.name == "headline" and each.expected)
    number = headline.expected[1]
    changed = Sentence(headline.department, headline.name, headline.text.replace(number, "12345"), headline.expected)
    assert headline.is_true
    assert not changed.is_true


def test_what_is_said_of_the_budget_is_the_same_everywhere(state: Path) -> None:
    """One source for each number: departments, curves, evaluation, differences, and the views themselves."""
    with duckdb.connect(str(state), read_only=True) as connection:

        def ask(query: str) -> list[tuple[Any, ...]]:
            return connection.execute(query).fetchall()

        departments = ask(
            "select department, view_name, selected, contactable, contacts, judged_contacts, expected_buyers, "
            "extra_buyers, candidates, budget from targeting.departments where view_name is not null"
        )
        assert len(departments) >= 4
        for name, view, selected, contactable, contacts, judged, expected, extra, candidates, budget in departments:
            (counted,) = ask(
                f"select count(*), count(*) filter (arm = 'target'), count(*) filter (in_budget) from targeting.{view}"
            )
            told = [(now, then) for now, then in zip((selected, contactable, contacts), counted, strict=True)]
            assert all(now is None or now == then for now, then in told), name
            assert counted[1] <= candidates
            assert counted[2] == min(budget, counted[1])
            where = f"department = '{name}' and metric = 'expected buyers' and budget = {judged}"
            assert ask(
                f"select expected_buyers from targeting.curves where department = '{name}' and ranking = 'rules' "
                f"and contacts = {judged}"
            ) == [(pytest.approx(expected),)]
            assert ask(
                f"select value from targeting.evaluation where {where} and ranking = 'rules' and evaluated_at is null"
            ) == [(pytest.approx(expected),)]
            assert ask(f"select value from targeting.differences where {where} and minus = 'activity'") == [
                (pytest.approx(extra),)
            ]
