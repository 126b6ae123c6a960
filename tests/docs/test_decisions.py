"""The index of decisions names every record once, under a subject, and its links lead to the records."""

import re
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "docs" / "decisions"
INDEX = (FOLDER / "README.md").read_text(encoding="utf-8")
RECORDS = sorted(path.name for path in FOLDER.glob("*.md") if path.name != "README.md")
LINK = re.compile(r"\[([^\]]*)\]\(([^)#]+)(?:#[^)]*)?\)")


def test_every_record_is_in_the_index_once() -> None:
    assert len(RECORDS) > 40
    assert sorted(target for _, target in LINK.findall(INDEX)) == RECORDS


def test_the_index_calls_a_record_by_its_number() -> None:
    assert {label: target[:4] for label, target in LINK.findall(INDEX)} == {name[:4]: name[:4] for name in RECORDS}


def test_no_number_is_used_twice() -> None:
    assert len({name[:4] for name in RECORDS}) == len(RECORDS)


def test_every_subject_lists_its_records_in_order() -> None:
    subjects = re.split(r"^## ", INDEX, flags=re.MULTILINE)
    assert LINK.findall(subjects[0]) == []
    for subject in subjects[1:]:
        targets = [target for _, target in LINK.findall(subject)]
        assert targets
        assert targets == sorted(targets)


def test_a_link_of_a_record_leads_to_a_file() -> None:
    targets = {
        (FOLDER / target).resolve()
        for name in RECORDS
        for _, target in LINK.findall((FOLDER / name).read_text("utf-8"))
        if "://" not in target
    }
    assert len(targets) > 3
    assert {str(target) for target in targets if not target.is_file()} == set()


def test_a_record_says_context_choice_and_cost() -> None:
    lacking = {
        name
        for name in RECORDS
        for part in ("Context:", "Choice", "Cost:")
        if f"\n{part}" not in (FOLDER / name).read_text("utf-8")
    }
    assert lacking == set()
