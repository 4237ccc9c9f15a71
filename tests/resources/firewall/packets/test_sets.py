"""Sets of numbers, against sets of Python."""

from itertools import combinations
from random import Random

import pytest

from power_edge.resources.firewall.packets import sets
from power_edge.resources.firewall.packets.sets import Numbers, both, interface, numbers, without

LAST = 40
RANDOM = Random(8)
SETS = [
    numbers((number, number) for number in range(LAST) if RANDOM.random() < part)
    for part in (0, 0.1, 0.3, 0.5, 0.7, 0.9, 1)
    for _ in range(8)
]


def members(some: Numbers) -> set[int]:
    return {number for low, high in some for number in range(low, high + 1)}


@pytest.mark.parametrize("few", [0, 8, LAST])
def test_both_and_without(monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    """`few`: up to how many ranges are cut out one by one."""
    monkeypatch.setattr(sets, "FEW", few)
    for left, right in combinations(SETS, 2):
        for one, other in ((left, right), (right, left)):
            for found, expected in (
                (both(one, other), members(one) & members(other)),
                (without(one, other), members(one) - members(other)),
            ):
                assert members(found) == expected
                assert found == numbers(found), "ranges ascend, with gaps between them"


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [
        ("eth0", b"eth0", b"eth0"),
        ("eth*", b"eth", b"eth" + b"\xff" * 13),
        ("\udcff*", b"\xff", b"\xff" * 16),
        ("*", b"", b"\xff" * 16),
    ],
)
def test_the_numbers_of_interfaces(name: str, first: bytes, last: bytes) -> None:
    low, high = (int.from_bytes(some.ljust(16, b"\0")) for some in (first, last))
    assert interface(name) == (low, high)
