"""Names as they are typed: exact, or in another case where one alone can be meant."""

import pytest

from segwarehouse.errors import UnknownName
from segwarehouse.lookup import find_name


def test_an_exact_name_wins_over_others_that_differ_by_case() -> None:
    assert find_name("toys", ["Toys", "toys", "TOYS"]) == "toys"


def test_another_case_is_enough_where_one_alone_can_be_meant() -> None:
    assert find_name("fish & CHIPS", ["Fish & Chips", "Fish"]) == "Fish & Chips"
    assert find_name("STRASSE", ["Straße", "Weg"]) == "Straße"


def test_several_that_differ_only_by_case_are_all_named() -> None:
    with pytest.raises(UnknownName, match="may be any of the departments 'Toys', 'TOYS'") as refused:
        find_name("toys", ["Toys", "TOYS", "Bread"])
    assert refused.value.facts == {"name": "toys"}


def test_a_name_that_is_not_there_comes_with_the_nearest_one() -> None:
    with pytest.raises(UnknownName, match="there is no dialect 'snowflak'") as refused:
        find_name("snowflak", ["duckdb", "snowflake"], "dialect")
    assert refused.value.hint == "did you mean 'snowflake'?"
