"""How old an answer may be."""

import pytest

from power_edge.checking import answer_age


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("90", 90),
        ("90s", 90),
        ("30m", 1800),
        ("24h", 86_400),
        ("7d", 604_800),
        ("999999999", 999_999_999),
        ("9999999999", None),
        ("", None),
        ("h", None),
        ("-1", None),
        ("1.5h", None),
        ("1w", None),
        ("1H", None),
        ("1 h", None),
        ("1h\n", None),
        ("1h30m", None),
        ("٣h", None),
    ],
)
def test_an_age_as_a_person_writes_it(text: str, seconds: int | None) -> None:
    assert answer_age.seconds(text) == seconds


def test_what_counts_where_nothing_is_said() -> None:
    assert answer_age.seconds(answer_age.DEFAULT) == 86_400
