"""What is typical of a segment, in words."""

import pytest

from segwarehouse.domain import Feature, Typical
from segwarehouse.errors import UnknownName
from segwarehouse.features.catalogue import BEHAVIOUR
from segwarehouse.rules.typical import describe_typical

FEATURES = {
    feature.name: feature
    for feature in (
        Feature("purchases_produce", "department", "purchases in PRODUCE", "count", "PRODUCE"),
        Feature("channel_store_1", "channel", "purchases in store 1", "count", "store 1"),
        Feature("customer_age", "customer", "age", "number"),
        Feature("customer_age_known", "customer", "age is known", "flag"),
        Feature("customer_city_koln", "customer", "city", "flag", "Köln\n"),
        *(Feature(name, "behaviour", phrase, unit, "store") for name, (unit, _, phrase) in BEHAVIOUR.items()),
    )
}


@pytest.mark.parametrize(
    ("feature", "value", "words"),
    [
        ("purchases_produce", 0.0, "never bought in PRODUCE"),
        ("purchases_produce", 1.0, "bought once in PRODUCE"),
        ("purchases_produce", 1234.0, "bought 1,234 times in PRODUCE"),
        ("channel_store_1", 2.5, "bought 3 times in store 1"),
        ("breadth_count", 1.0, "shops in 1 department"),
        ("channel_count", 2.0, "bought in 2 stores"),
        ("monetary_amount", 1234.56, "spent 1,200"),
        ("discount_share", 0.0712, "saved 7.1% of the full price"),
        ("customer_age", 41.5, "age 42"),
        ("customer_age_known", 1.0, "age is known: yes"),
        ("customer_city_koln", 0.0, "city is not Köln"),
    ],
)
def test_a_median_reads_like_a_person_says_it(feature: str, value: float, words: str) -> None:
    assert describe_typical([Typical(feature, value)], FEATURES) == f"typically {words}"


@pytest.mark.parametrize("name", BEHAVIOUR)
def test_every_behaviour_has_words_of_its_own(name: str) -> None:
    words = describe_typical([Typical(name, 3.0)], FEATURES)
    assert words != f"typically {BEHAVIOUR[name][2]} 3"
    assert words.startswith("typically ")
    assert "3" in words
    assert "{" not in words


def test_nothing_typical_says_nothing_and_an_unknown_feature_is_refused() -> None:
    assert describe_typical([], FEATURES) == ""
    with pytest.raises(UnknownName, match="purchases_produc"):
        describe_typical([Typical("purchases_produc", 1.0)], FEATURES)
