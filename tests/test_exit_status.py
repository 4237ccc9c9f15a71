"""One number for one meaning, and the first of 12, 11, 1, 10, 0 wins."""

from itertools import combinations

import pytest

from power_edge import exit_status


def test_the_worst_status_wins() -> None:
    order = (12, 11, 1, 10, 0)
    for worse, better in combinations(order, 2):
        assert exit_status.worst([better, worse, better]) == worse
    assert exit_status.worst([]) == 0
    assert [exit_status.worst([status]) for status in order] == list(order)


@pytest.mark.parametrize(
    ("status", "replaceable", "incomplete"),
    [
        (0, True, False),
        (1, True, False),
        (2, False, True),
        (3, False, True),
        (4, False, True),
        (5, True, True),
        (10, False, False),
        (12, False, False),
    ],
)
def test_what_a_status_of_pytest_allows(status: int, replaceable: bool, incomplete: bool) -> None:
    assert exit_status.replaceable(status) is replaceable
    assert exit_status.is_incomplete(status) is incomplete


@pytest.mark.parametrize(
    ("status", "turns"),
    [
        *((status, True) for status in (0, 1, 10)),
        *((status, False) for status in (2, 4, 5, 11, 12)),
    ],
)
def test_a_report_that_is_missing_is_no_success(status: int, turns: bool) -> None:
    assert exit_status.turns_into_internal_error(status) is turns
