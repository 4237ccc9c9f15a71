"""Each labelled change gets its verdict, and each rule is needed by one of them."""

from collections import Counter

import pytest

from power_edge.release import changes, containment
from power_edge.release.changes import Verdict, compare
from power_edge.release.counterexample import with_counterexamples
from power_edge.release.meaning import notes
from power_edge.release.schema_set import Place
from tests.schema_changes.rows import Row, rows
from tests.support.reference_validator import Reference

FACTS, RULES = rows("facts"), rows("rules")
ALL = [pytest.param(row, id=row.name) for row in (*FACTS, *RULES)]


def test_the_facts_are_all_there() -> None:
    assert Counter(row.verdict for row in FACTS) == {"MAJOR": 26, "MINOR": 15, "PATCH": 8}


def test_few_are_too_strict_and_none_is_missed() -> None:
    too_strict = [row.name for row in FACTS if row.shown != row.verdict]
    assert len(too_strict) <= 3
    assert all(row.shown == "MAJOR" for row in (*FACTS, *RULES) if row.shown != row.verdict)


@pytest.mark.parametrize("row", ALL)
def test_a_change_has_its_verdict(row: Row) -> None:
    assert compare(*row.sets()).verdict.name == row.shown


@pytest.mark.parametrize("row", ALL)
def test_the_other_way_round_nothing_is_missed(row: Row) -> None:
    """What is wider one way is narrower the other way."""
    old, new = row.sets()
    turned = compare(new, old).verdict
    if row.verdict == "PATCH":
        assert turned is Verdict.PATCH or row.shown != row.verdict
    if row.verdict == "MINOR" and "deprecated" not in row.name:
        is_new_default = "new field with a default" in row.name
        assert turned is Verdict.MAJOR or is_new_default


@pytest.mark.parametrize(
    "row", [row for row in (*FACTS, *RULES) if row.verdict == "MAJOR"], ids=lambda row: row.name
)
def test_a_counterexample_was_valid_and_is_not(row: Row) -> None:
    old, new = row.sets()
    for change in with_counterexamples(compare(old, new), old, new).changes:
        if change.counterexample is not None:
            first, second = (new, old) if change.is_output else (old, new)
            assert Reference(first).is_valid(change.root, change.counterexample)
            if "only Python" not in row.name:  # the reference uses Python's patterns
                assert not Reference(second).is_valid(change.root, change.counterexample)


def test_most_changes_have_a_counterexample() -> None:
    found = 0
    for row in FACTS:
        if row.verdict == "MAJOR" and not row.name.startswith("default"):
            old, new = row.sets()
            shown = with_counterexamples(compare(old, new), old, new)
            found += any(change.counterexample is not None for change in shown.changes)
    assert found == 24


@pytest.mark.parametrize("rule", sorted(containment.RULES))
def test_a_broken_rule_is_noticed(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(containment.RULES, rule, lambda *_: ())
    assert any(compare(*row.sets()).verdict.name != row.shown for row in (*RULES, *FACTS))


@pytest.mark.parametrize("keyword", ["default", "deprecated"])
def test_a_meaning_that_is_not_looked_at_is_noticed(
    keyword: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        changes,
        "notes",
        lambda *sets: (note for note in notes(*sets) if note.keyword != keyword),
    )
    assert any(compare(*row.sets()).verdict.name != row.shown for row in (*FACTS, *RULES))


def test_a_place_is_a_pointer() -> None:
    place = Place("a.yaml").at("x/y", 0, "~")
    assert place.pointer == "/x~1y/0/~0"
    assert Place("a.yaml").of_pointer(place.pointer) == place
