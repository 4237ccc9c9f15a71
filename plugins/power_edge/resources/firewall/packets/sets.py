"""Sets of packets.

A box holds a set of numbers for each dimension. A dimension that it does not name is unconstrained.
Names of interfaces are numbers too (16 bytes, as the kernel's IFNAMSIZ), so that a wildcard such as
`eth*` is a range.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping
from operator import itemgetter
from socket import AF_INET, AF_INET6, inet_pton

from power_edge.model.ranges import Ranges, merged
from power_edge.resources.firewall.packets.dimension import LIMITS, NAME_BYTES, Dimension

Numbers = Ranges
"""A set of numbers: closed ranges, ascending, with a gap between neighbours."""
Box = Mapping[Dimension, Numbers]
"""Dimension -> the numbers that are in the set. Treat it as immutable."""
TRUE: Numbers = ((1, 1),)
FALSE: Numbers = ((0, 0),)
NOTHING: Numbers = ()


def numbers(ranges: Iterable[tuple[int, int]]) -> Numbers:
    """Return ranges in any order, overlapping or not, as a set.

    ValueError for a range that ends before it begins.
    """
    return merged(ranges)


def everything(dimension: Dimension) -> Numbers:
    """Return all numbers of a dimension."""
    return ((0, LIMITS[dimension]),)


def both(left: Numbers, right: Numbers) -> Numbers:
    """Return the intersection of two sets."""
    if len(right) == 1:
        return _clip(left, *right[0])
    if len(left) == 1:
        return _clip(right, *left[0])
    found, i, j = [], 0, 0
    while i < len(left) and j < len(right):
        low, high = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if low <= high:
            found.append((low, high))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return tuple(found)


def without(left: Numbers, right: Numbers) -> Numbers:
    """Return the numbers in `left` that are not in `right`."""
    if not left:
        return left
    if len(right) > FEW:
        return _merged(left, right)
    start, last = left[0][0], left[-1][1]
    remaining: list[tuple[int, int]] = []
    for low, high in _clip(right, start, last):
        if low > start:
            remaining += _clip(left, start, low - 1)
        start = high + 1
    return (*remaining, *_clip(left, start, last)) if start <= last else tuple(remaining)


FEW = 8
"""A set with at most this many ranges is cut out range by range, with bisection. For more ranges,
one pass over both sets is faster.
"""


def _merged(left: Numbers, right: Numbers) -> Numbers:
    """Return what `without` returns, by one pass over both sets."""
    found: list[tuple[int, int]] = []
    place, end = 0, len(right)
    for low, high in left:
        start = low
        while place < end and right[place][1] < start:
            place += 1
        while place < end and right[place][0] <= high:
            if right[place][0] > start:
                found.append((start, right[place][0] - 1))
            start = right[place][1] + 1
            if start > high:
                break  # it may reach into the next range as well
            place += 1
        if start <= high:
            found.append((start, high))
    return tuple(found)


def _clip(some: Numbers, low: int, high: int) -> Numbers:
    """Return the part of a set that lies in one range.

    It uses bisection: sets can be long, and most rules cut out one number.
    """
    first = bisect_left(some, low, key=_end)
    last = bisect_right(some, high, key=_start)
    part = some[first:last]
    if part and (part[0][0] < low or part[-1][1] > high):
        ends = (max(part[0][0], low), part[0][1]), (part[-1][0], min(part[-1][1], high))
        return (
            ((ends[0][0], min(part[0][1], high)),)
            if len(part) == 1
            else (ends[0], *part[1:-1], ends[1])
        )
    return part


_start, _end = itemgetter(0), itemgetter(1)


def complement(some: Numbers, dimension: Dimension) -> Numbers:
    """Return all numbers of a dimension that are not in a set."""
    return without(everything(dimension), some)


def size(some: Numbers) -> int:
    """Return how many numbers a set has."""
    return sum(high - low + 1 for low, high in some)


def meet(left: Box, right: Box) -> Box | None:
    """Return the intersection of two boxes; None where it is empty."""
    narrowed = {}
    for dimension, some in right.items():
        current = left.get(dimension)
        narrowed[dimension] = some if current is None or current == some else both(current, some)
        if not narrowed[dimension]:
            return None
    return {**left, **narrowed}


def within(inner: Box, outer: Box) -> bool:
    """Return whether `outer` holds all of `inner`.

    It may say no where the truth is yes, never the reverse.
    """
    return all(
        dimension in inner and not without(inner[dimension], some)
        for dimension, some in outer.items()
    )


def subtract(box: Box, cut: Box) -> Iterator[Box]:
    """Yield what `box` holds and `cut` does not, as disjoint boxes."""
    rest = dict(box)
    for dimension, some in cut.items():
        current = rest.get(dimension, everything(dimension))
        outside = without(current, some)
        if outside:
            yield {**rest, dimension: outside}
        inside = both(current, some)
        if not inside:
            return
        rest[dimension] = inside


def subtract_all(boxes: Iterable[Box], cuts: Iterable[Box]) -> list[Box]:
    """Return what `boxes` hold and no cut does. Pieces of one box are disjoint."""
    remaining = list(boxes)
    for cut in cuts:
        # A box that a cut does not touch stays in one piece; otherwise hundreds of cuts would make
        # thousands of pieces.
        remaining = [
            piece
            for box in remaining
            for piece in (subtract(box, cut) if meet(box, cut) is not None else (box,))
        ]
    return remaining


def merge(boxes: Iterable[Box], dimensions: Iterable[Dimension]) -> list[Box]:
    """Return the same packets in fewer boxes: boxes that differ in one dimension become one.

    A dimension that holds everything is left out.
    """
    remaining = [
        {dimension: some for dimension, some in box.items() if some != everything(dimension)}
        for box in boxes
    ]
    before = -1
    order = list(dimensions)
    while len(remaining) != before:
        before = len(remaining)
        for dimension in order:
            grouped: dict[tuple[tuple[Dimension, Numbers], ...], Numbers] = {}
            for box in remaining:
                rest = tuple(
                    sorted((name, some) for name, some in box.items() if name != dimension)
                )
                grouped[rest] = numbers(
                    [*grouped.get(rest, ()), *box.get(dimension, everything(dimension))]
                )
            remaining = [
                {**dict(rest), **({dimension: some} if some != everything(dimension) else {})}
                for rest, some in grouped.items()
            ]
    return [dict(box) for box in remaining]


def address(text: str) -> tuple[int, int]:
    """Return an address as (family, number). ValueError for another text."""
    family = 6 if ":" in text else 4
    try:
        return family, int.from_bytes(inet_pton(AF_INET6 if family == 6 else AF_INET, text))
    except OSError:
        raise ValueError(f"not an address: {text!r}") from None


def network(text: str) -> tuple[int, tuple[int, int]]:
    """Return an address, or a network with a prefix length or a netmask, as (family, range).

    Bits below the prefix are ignored. ValueError for another text. `ipaddress` is not used here: it
    takes a mask 0.0.0.255 for a prefix of 24, knows no netmasks of IPv6 (ip6tables-save prints
    them), and is too slow for sets of 100,000 elements.
    """
    name, slash, mask = text.partition("/")
    family, number = address(name)
    width = 32 if family == 4 else 128
    if not slash:
        return family, (number, number)
    if mask.isdecimal() and mask.isascii() and len(mask) <= 3 and int(mask) <= width:
        length = int(mask)
    else:
        mask_family, bits = address(mask)
        length = bits.bit_count()
        if mask_family != family or bits != (1 << width) - (1 << width - length):
            raise ValueError(f"not a network: {text!r}")
    low = number >> width - length << width - length
    return family, (low, low + (1 << width - length) - 1)


def interface(name: str) -> tuple[int, int]:
    """Return the range of an interface's name; a name that ends in `*` is a prefix.

    ValueError for a name that the kernel cannot hold.
    """
    raw = name.removesuffix("*").encode("utf-8", "surrogateescape")
    if len(raw) >= NAME_BYTES or not name:
        raise ValueError(f"not an interface: {name!r}")
    low = int.from_bytes(raw.ljust(NAME_BYTES, b"\0"))
    return (low, low + (1 << 8 * (NAME_BYTES - len(raw))) - 1) if name.endswith("*") else (low, low)
