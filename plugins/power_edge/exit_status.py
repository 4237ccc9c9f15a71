"""The exit statuses of a run, of `power-edge`, and of a gate: one number for one meaning.

2, 3, 4 and 5 mean what pytest means by them.
"""

from collections.abc import Iterable
from typing import Final

COMPLIANT: Final = 0
DRIFT: Final = 1
"""An item drifted, or an operator's own test failed."""
INTERRUPTED: Final = 2
"""Ctrl-C; of `power-edge` also the end of input at a question."""
INTERNAL_ERROR: Final = 3
"""A fault of ours, or a report that could not be written."""
USAGE_ERROR: Final = 4
"""Unusable options or configuration."""
NOTHING_SELECTED: Final = 5
UNKNOWN: Final = 10
"""An item could not be looked at."""
UNREACHABLE: Final = 11
"""A node did not answer."""
WRONG_MACHINE: Final = 12
"""A node is another machine than the one on file, or its identity is not known."""
_PRECEDENCE: Final = (WRONG_MACHINE, UNREACHABLE, DRIFT, UNKNOWN)


def worst(statuses: Iterable[int]) -> int:
    """Return the status that a run ends with, from those of its parts: the first of 12, 11, 1, 10
    that occurs, else 0.
    """
    present = set(statuses)
    return next((status for status in _PRECEDENCE if status in present), COMPLIANT)


def replaceable(status: int) -> bool:
    """Whether results may replace pytest's own status. 2, 3 and 4 stay."""
    return status in (COMPLIANT, DRIFT, NOTHING_SELECTED)


def turns_into_internal_error(status: int) -> bool:
    """Whether a report that could not be written changes this status to 3.

    0, 1 and 10 change, because nobody would read the missing report. Other statuses stay.
    """
    return status in (COMPLIANT, DRIFT, UNKNOWN)


def is_incomplete(status: int) -> bool:
    """Whether a status says that the run did not check what it should have: 2 to 5."""
    return 2 <= status <= NOTHING_SELECTED
