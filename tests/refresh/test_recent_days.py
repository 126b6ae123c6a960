"""How far back "recent" looks is a setting: whatever it is, the words of rules, reasons and columns say that number."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from segwarehouse.api import Project
from segwarehouse.features.catalogue import RECENT
from segwarehouse.state.published import PublishedState
from tests.conftest import DAYS, START, make_transactions, write_project
from tests.engines import ask

RECENT_DAYS = 91


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A project in which whoever bought toys within the last 91 days, or will, buys little else of late."""
    frame = make_transactions(300)
    random = np.random.default_rng(1)
    often = frame["customer_id"] % 2 == 0
    late = frame["occurred_at"] >= START + pd.Timedelta(days=DAYS - RECENT_DAYS)
    frame = frame[~(late & ~often)]
    is_toys = (frame["customer_id"] % 2 == 0) & (random.random(len(frame)) < 0.3)
    frame["department"] = frame["department"].where(~frame["department"].eq("Toys"), "Bread").mask(is_toys, "Toys")
    folder = write_project(
        tmp_path_factory.mktemp("recent") / "project",
        frame,
        learning=f'departments = ["Toys"]\nrecent_days = {RECENT_DAYS}\ntrend = true\ncutoffs = 1',
    )
    config = folder / "segwarehouse.toml"
    config.write_text(config.read_text(encoding="utf-8").replace("refits = 1", "refits = 0"), encoding="utf-8")
    project = Project(folder)
    project.refresh()
    return project


def numbers_of_days(text: str) -> set[str]:
    return set(re.findall(r"last ([\d,]+ )?days?\b", text))


def test_every_word_on_recent_activity_says_the_number_that_is_set(published: Project) -> None:
    rules, audience = published.rules("Toys"), published.audience("Toys", in_budget=False)
    said = "\n".join([*rules["words"], *audience["reasons"], *audience["nearest_missed"].dropna()])
    assert f"in the last {RECENT_DAYS} days" in "\n".join(rules["words"])
    assert f"in the last {RECENT_DAYS} days" in "\n".join(audience["reasons"])
    report = published.report(published.config.directory / "report.html").path.read_text(encoding="utf-8")
    summary = json.dumps(published.summary(["Toys"]), default=str, ensure_ascii=False)
    for text in (said, report, summary):
        assert f"last {RECENT_DAYS} days" in text
        assert numbers_of_days(text) <= {f"{RECENT_DAYS} "}
    assert "recently" not in said


def test_the_features_and_their_comments_say_it_too(published: Project) -> None:
    features = ask(published, "select name, phrase, recent_days from targeting.features").set_index("name")
    comments = ask(
        published,
        "select column_name as name, column_comment as words from information_schema.columns "
        "where table_schema = 'features' and table_name = 'customers'",
    )
    recent = features[features.index.isin(RECENT)]
    assert set(recent.index) == RECENT
    assert (recent["recent_days"] == RECENT_DAYS).all()
    assert recent["phrase"].str.contains(f"last {RECENT_DAYS} days").all()
    assert (features.drop(index=recent.index)["recent_days"] == 0).all()
    said = comments.set_index("name")["words"]
    assert said["recent_monetary_amount"] == f"spend in the last {RECENT_DAYS} days"


def test_the_published_views_are_proved_with_these_words(published: Project) -> None:
    assert all(item.proved for item in published.verify())
    with PublishedState.open(published.config) as state:
        audience = state.specs["Toys"]
    assert audience.features["recent_frequency_count"].recent_days == RECENT_DAYS
