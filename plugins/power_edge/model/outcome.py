"""The outcome of an item, and the finding about each declared field."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple, TypeAlias

Value: TypeAlias = "str | int | float | bool | Sequence[Value] | Mapping[str, Value] | None"
"""A declared or observed value of one field: what JSON can hold."""


class Outcome(StrEnum):
    """The five outcomes. They are never merged."""

    COMPLIANT = "compliant"
    DRIFT = "drift"
    UNKNOWN = "unknown"
    BLOCKED = "blocked"
    WAIVED = "waived"


class Finding(NamedTuple):
    """One judged field of a declaration.

    `actual` is the observed value, None if it could not be observed. `why` is a sentence for
    people: always given for unknown, else if the two values do not explain the outcome. `secret`:
    the values are not shown, only whether they are equal. `text` is an observed text, if a person
    may see how it differs from `declared_text`: for the terminal alone, no report has them.
    """

    field: str
    outcome: Outcome
    expected: Value
    actual: Value = None
    why: str | None = None
    secret: bool = False
    text: str | None = None
    declared_text: str | None = None


def agrees(field: str, expected: Value, actual: Value, why: str | None = None) -> Finding:
    """Return a finding of compliant."""
    return Finding(field, Outcome.COMPLIANT, expected, actual, why)


def drifts(field: str, expected: Value, actual: Value, why: str | None = None) -> Finding:
    """Return a finding of drift."""
    return Finding(field, Outcome.DRIFT, expected, actual, why)


def undecided(field: str, expected: Value, why: str, actual: Value = None) -> Finding:
    """Return a finding of unknown, with the reason."""
    return Finding(field, Outcome.UNKNOWN, expected, actual, why)


def finding(
    field: str, expected: Value, actual: Value, ok: bool | None, why: str | None = None
) -> Finding:
    """Return the finding for a field that is as declared (`ok` is True), that is not (False), or
    that cannot be decided (None; then `why` is needed).
    """
    if ok is None:
        return Finding(field, Outcome.UNKNOWN, expected, actual, why)
    return Finding(field, Outcome.COMPLIANT if ok else Outcome.DRIFT, expected, actual, why)


def compare(field: str, expected: Value, actual: Value, why: str | None = None) -> Finding:
    """Return a finding of compliant if both values are equal, else of drift."""
    return Finding(
        field, Outcome.COMPLIANT if expected == actual else Outcome.DRIFT, expected, actual, why
    )
