"""Sets of numbers, against sets of Python."""

from itertools import combinations, product
from random import Random

import pytest

from power_edge.resources.firewall.packets import sets
from power_edge.resources.firewall.packets.dimension import Dimension
from power_edge.resources.firewall.packets.sets import (
    Box,
    Numbers,
    address,
    both,
    complement,
    everything,
    interface,
    meet,
    merge,
    network,
    numbers,
    size,
    subtract,
    subtract_all,
    within,
    without,
)

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


def test_several_ranges_are_cut_out_of_several() -> None:
    left = ((0, 9), (20, 29), (40, 49), (60, 69))
    assert without(left, ((5, 5), (25, 44), (65, 65))) == (
        (0, 4), (6, 9), (20, 24), (45, 49), (60, 64), (66, 69),
    )  # fmt: skip
    assert both(left, ((5, 64),)) == ((5, 9), (20, 29), (40, 49), (60, 64))
    assert both(((5, 64),), left) == ((5, 9), (20, 29), (40, 49), (60, 64))
    assert both(left, ((25, 45), (47, 47), (69, 80))) == ((25, 29), (40, 45), (47, 47), (69, 69))


def test_a_dimension_and_its_parts() -> None:
    assert everything(Dimension.DPORT) == ((0, 65535),)
    assert complement(((0, 21), (23, 65534)), Dimension.DPORT) == ((22, 22), (65535, 65535))
    assert [size(some) for some in ((), ((7, 7),), ((1, 3), (5, 9)))] == [0, 1, 8]


SMALL = (Dimension.HOME, Dimension.PATH, Dimension.CAST)
"""Dimensions of two or three numbers: all packets can be listed."""
NUMBERS: dict[Dimension, list[Numbers | None]] = {
    Dimension.HOME: [None, ((0, 0),), ((1, 1),)],
    Dimension.PATH: [None, ((1, 1),), ((0, 0), (2, 2)), ((1, 2),)],
    Dimension.CAST: [None, ((0, 0),), ((0, 1),)],
}
BOXES: list[Box] = [
    {dimension: some for dimension, some in zip(SMALL, chosen, strict=True) if some is not None}
    for chosen in product(*NUMBERS.values())
]
POINTS = list(product((0, 1), (0, 1, 2), (0, 1, 2)))


def points(*boxes: Box) -> list[tuple[int, ...]]:
    """The packets in some boxes; one that is in two of them comes twice."""
    return sorted(
        point
        for box in boxes
        for point in POINTS
        if all(
            dimension not in box or number in members(box[dimension])
            for dimension, number in zip(SMALL, point, strict=True)
        )
    )


def test_two_boxes() -> None:
    for left, right in product(BOXES, BOXES):
        first, second = set(points(left)), set(points(right))
        met = meet(left, right)
        assert points(*([] if met is None else [met])) == sorted(first & second)
        assert points(*subtract(left, right)) == sorted(first - second)
        assert points(*subtract_all([left], [right])) == sorted(first - second)
        assert within(left, right) is (set(right) <= set(left) and first <= second)


def test_many_boxes() -> None:
    for _ in range(200):
        boxes, cuts = RANDOM.sample(BOXES, 3), RANDOM.sample(BOXES, 2)
        left = subtract_all(boxes, cuts)
        assert set(points(*left)) == set(points(*boxes)) - set(points(*cuts))
        assert set(points(*merge(boxes, SMALL))) == set(points(*boxes))
        assert len(merge(boxes, SMALL)) <= len(boxes)


def test_a_cut_that_touches_nothing_leaves_a_box_in_one_piece() -> None:
    box: Box = {Dimension.DPORT: ((22, 22),), Dimension.PROTO: ((6, 6),)}
    assert subtract_all([box], [{Dimension.SPORT: ((1, 1),), Dimension.PROTO: ((17, 17),)}]) == [
        box
    ]
    assert list(subtract(box, {Dimension.SPORT: ((0, 9),), Dimension.DPORT: ((22, 22),)})) == [
        {**box, Dimension.SPORT: ((10, 65535),)}
    ]
    assert list(subtract(box, {Dimension.DPORT: ((23, 23),), Dimension.SPORT: ((0, 9),)})) == [box]


def test_boxes_that_differ_in_one_dimension_become_one() -> None:
    tcp: Box = {Dimension.PROTO: ((6, 6),), Dimension.DPORT: ((22, 22),)}
    some = [tcp, {**tcp, Dimension.DPORT: ((23, 23),)}, {**tcp, Dimension.DPORT: ((80, 80),)}]
    assert merge(some, [Dimension.DPORT]) == [{**tcp, Dimension.DPORT: ((22, 23), (80, 80))}]
    assert merge(some, [Dimension.PROTO]) == some
    whole: Box = {**tcp, Dimension.DPORT: ((0, 65535),)}
    assert merge([whole], ()) == [{Dimension.PROTO: ((6, 6),)}]
    halves = [{**tcp, Dimension.SPORT: half} for half in (((0, 9),), ((10, 65535),))]
    assert merge(halves, [Dimension.SPORT]) == [tcp]
    square: list[Box] = [
        {Dimension.HOME: ((home, home),), Dimension.CAST: ((cast, cast),)}
        for home in (0, 1)
        for cast in (0, 1, 2)
    ]
    assert merge(square, [Dimension.HOME, Dimension.CAST]) == [{}]
    assert merge(square, [Dimension.CAST, Dimension.HOME]) == [{}]


@pytest.mark.parametrize(
    ("text", "family", "first", "last"),
    [
        ("10.0.0.9", 4, 0x0A000009, 0x0A000009),
        ("10.0.0.9/32", 4, 0x0A000009, 0x0A000009),
        ("10.0.0.9/30", 4, 0x0A000008, 0x0A00000B),
        ("10.0.0.9/255.255.255.252", 4, 0x0A000008, 0x0A00000B),
        ("10.0.0.9/0.0.0.0", 4, 0, (1 << 32) - 1),
        ("10.0.0.9/0", 4, 0, (1 << 32) - 1),
        ("::9", 6, 9, 9),
        ("::9/128", 6, 9, 9),
        ("::9/127", 6, 8, 9),
        ("::9/ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", 6, 8, 9),
        ("::9/::", 6, 0, (1 << 128) - 1),
        ("::9/0", 6, 0, (1 << 128) - 1),
    ],
)
def test_networks(text: str, family: int, first: int, last: int) -> None:
    assert network(text) == (family, (first, last))
    assert address(text.partition("/")[0])[0] == family


@pytest.mark.parametrize(
    "text",
    ["10.0.0.9/33", "10.0.0.9/1000", "10.0.0.9/0032", "10.0.0.9/0.0.0.255", "10.0.0.9/", "::9/129", "::9/255.0.0.0", "10.0.0.9/ff00::"],
)  # fmt: skip
def test_what_is_no_network(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a network|not an address"):
        network(text)
