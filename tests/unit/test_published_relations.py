"""The published relations are documented, and no department's view can take the name of one."""

from pathlib import Path

from segwarehouse.features.catalogue import RESERVED_VIEW_NAMES
from segwarehouse.templates import packaged

ROOT = Path(__file__).parents[2]
PUBLISHED = {path.stem for path in packaged("models").glob("targeting/*.sql")} | {"audiences", "changes"}


def test_every_published_relation_is_reserved() -> None:
    assert len(PUBLISHED) > 15
    assert PUBLISHED <= RESERVED_VIEW_NAMES


def test_every_published_relation_is_documented() -> None:
    record = (ROOT / "docs" / "decisions" / "0006-the-published-relations.md").read_text(encoding="utf-8")
    assert {name for name in PUBLISHED if f"`{name}`" not in record} == set()
