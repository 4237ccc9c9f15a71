"""Sets of whole numbers as ranges."""

from collections.abc import Iterable

Ranges = tuple[tuple[int, int], ...]
"""Closed ranges, ascending; none overlaps or touches the next."""


def merged(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Return the set of numbers in some closed ranges, which may overlap and come in any order.

    ValueError: a range ends before it begins.
    """
    result: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if low > high:
            raise ValueError(f"a range from {low} to {high}")
        if result and low <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(high, result[-1][1]))
        else:
            result.append((low, high))
    return tuple(result)
