"""What judging comes to: an outcome per item, a finding per declared field."""

from enum import StrEnum
from typing import Any, NamedTuple


class Outcome(StrEnum):
    """The five outcomes; no two of them are ever merged."""

    COMPLIANT = "compliant"
    DRIFT = "drift"
    UNKNOWN = "unknown"
    BLOCKED = "blocked"
    WAIVED = "waived"


class Finding(NamedTuple):
    """One declared field, judged.

    `actual` is the value as seen, None when it could not be seen. `why` is a sentence for people:
    always there for unknown, elsewhere where the two values do not speak for themselves (a note on
    a compliant field, too). `secret`: the values are not shown, only whether they are equal.
    """

    field: str
    outcome: Outcome
    expected: Any
    actual: Any = None
    why: str | None = None
    secret: bool = False


def agrees(field: str, expected: Any, actual: Any, why: str | None = None) -> Finding:
    return Finding(field, Outcome.COMPLIANT, expected, actual, why)


def drifts(field: str, expected: Any, actual: Any, why: str | None = None) -> Finding:
    return Finding(field, Outcome.DRIFT, expected, actual, why)


def undecided(field: str, expected: Any, why: str, actual: Any = None) -> Finding:
    return Finding(field, Outcome.UNKNOWN, expected, actual, why)


def finding(
    field: str, expected: Any, actual: Any, ok: bool | None, why: str | None = None
) -> Finding:
    """Return the finding for a field that is as declared (`ok` is True), that is not (False), or
    that cannot be decided (None; then `why` is needed).
    """
    if ok is None:
        return Finding(field, Outcome.UNKNOWN, expected, actual, why)
    return Finding(field, Outcome.COMPLIANT if ok else Outcome.DRIFT, expected, actual, why)


def compare(field: str, expected: Any, actual: Any, why: str | None = None) -> Finding:
    """Compliant when both values are equal, drift otherwise."""
    return Finding(
        field, Outcome.COMPLIANT if expected == actual else Outcome.DRIFT, expected, actual, why
    )
