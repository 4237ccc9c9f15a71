"""How old a package list is, and what the probe's raw lines say of it."""

import re
from collections.abc import Sequence

import pytest

from power_edge.resources.packages.offers import (
    FRESH,
    age,
    blocks,
    clock_doubt,
    lists,
    now_of,
    status_of,
)

NOW = 1_800_000_000
FUTURE = "is from the future, by the node's clock"


@pytest.mark.parametrize(
    ("time", "why"),
    [
        (NOW, None),
        (NOW - FRESH, None),
        (NOW - FRESH - 1, "may be 7 days old; up to 7 are fresh"),
        (NOW - FRESH - 86400, "may be 8 days old; up to 7 are fresh"),
        (NOW + 3600, None),  # a server's clock may be ahead
        (NOW + 3601, FUTURE),
    ],
)
def test_the_age_of_a_list(time: int, why: str | None) -> None:
    assert age(time, {"now": [str(NOW)]}) == why


def test_without_a_clock_no_list_is_fresh() -> None:
    assert now_of({}) == 0
    assert age(NOW, {}) == FUTURE


@pytest.mark.parametrize(
    ("clock", "path"),
    [
        ((), None),
        ((f"{NOW} /run",), None),
        ((f"{NOW + 3600} /run",), None),
        ((f"{NOW + 3601} /run",), "/run"),
        ((f"{NOW} /run", f"{NOW + 9999} /var/a b"), "/var/a b"),
        (("x /run",), None),
    ],
)
def test_a_file_from_the_future_shows_that_the_clock_was_set_back(
    clock: Sequence[str], path: str | None
) -> None:
    doubt = clock_doubt({"now": [str(NOW)], "clock": clock})
    assert (doubt is None) == (path is None)
    assert path is None or f"was set back since {path} was written" in str(doubt)


def test_lists_by_the_names_of_their_files() -> None:
    given = ["1 /var/lib/apt/lists/a b", "x /var/lib/apt/lists/c", "2 d"]
    assert [*lists({"list": given})] == [("a b", 1), ("d", 2)]
    assert [*lists({})] == []


@pytest.mark.parametrize(
    ("output", "status"),
    [
        ((), "none"),
        (("a line", "status 100"), "100"),
        (("status 0", "a line"), "none"),
        (("no status 0",), "none"),
    ],
)
def test_the_status_of_a_command_is_its_last_line(output: Sequence[str], status: str) -> None:
    assert status_of({"policy": output}, "policy") == status
    assert status_of({"uri": output}, "policy") == "none"


def test_blocks() -> None:
    given = ["before", "a:", " 1", "b:", "c:", " 2", " 3: "]
    assert [*blocks(given, re.compile(r"(\S+):"))] == [
        ("a", [" 1"]),
        ("b", []),
        ("c", [" 2", " 3: "]),
    ]
    assert [*blocks(["a"], re.compile(r"(\S+):"))] == []
