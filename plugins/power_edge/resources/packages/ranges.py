"""A declared version that is a range: `>= 1.2`, or `>= 1.2, < 2` for both."""

import re
from collections.abc import Callable
from typing import NamedTuple

from power_edge.resources.packages import versions

_LIMIT = re.compile(r"(>=|<=|>|<)\s*(\S+)")


class Limit(NamedTuple):
    """One side of a range: `>=`, `<=`, `>` or `<`, and a version."""

    sign: str
    version: str


def limits(declared: str) -> tuple[Limit, ...]:
    """Return the limits of a range; none for an exact version. The schema has checked the form."""
    if not declared.startswith((">", "<")):
        return ()
    return tuple(
        Limit(match[1], match[2])
        for part in declared.split(",")
        if (match := _LIMIT.fullmatch(part.strip())) is not None
    )


def accepts(manager: str, declared: str, installed: str) -> bool:
    """Return whether an installed version is the declared one, or in the declared range, as the
    package manager compares versions.

    Raises ValueError for a range with a version that the manager (apk) cannot compare.
    """
    if not (found := limits(declared)):
        return versions.same(manager, declared, installed)
    return all(
        _holds(limit, versions.COMPARE[manager](installed, limit.version)) for limit in found
    )


def contradiction(declared: str) -> tuple[Limit, Limit] | None:
    """Return two limits of a range that no version is between, whatever the package manager; None
    if there may be one. A manager that cannot compare them (apk) finds none either.
    """
    found = limits(declared)
    lower = [limit for limit in found if limit.sign.startswith(">")]
    upper = [limit for limit in found if limit.sign.startswith("<")]
    return next(
        (
            (low, high)
            for low in lower
            for high in upper
            if all(_empty(compare, low, high) for compare in versions.COMPARE.values())
        ),
        None,
    )


def _empty(compare: Callable[[str, str], int], low: Limit, high: Limit) -> bool:
    try:
        order = compare(low.version, high.version)
    except ValueError:
        return True
    return order > 0 or (order == 0 and (low.sign, high.sign) != (">=", "<="))


def _holds(limit: Limit, order: int) -> bool:
    match limit.sign:
        case ">=":
            return order >= 0
        case "<=":
            return order <= 0
        case ">":
            return order > 0
        case _:
            return order < 0
