"""A result as the typed record that schemas/report.schema.yaml describes.

Every report format is made from these records.
"""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from typing import Any, Final

import msgspec

from power_edge.model import Finding, Outcome, Result, Value
from power_edge.model.generated import report_schema
from power_edge.report.shell_line import shell_line
from power_edge.text import readable

OUTCOMES: Final[Mapping[Outcome, report_schema.Outcome]] = {
    Outcome.COMPLIANT: "compliant",
    Outcome.DRIFT: "drift",
    Outcome.UNKNOWN: "unknown",
    Outcome.BLOCKED: "blocked",
    Outcome.WAIVED: "waived",
}


def record(result: Result) -> report_schema.Item:
    """Return the record of a result.

    Its texts are printable: bytes that are not UTF-8 are escaped (`\\xff`), since no report format
    can hold them.
    """
    item = result.item
    return report_schema.Item(
        node=item.node,
        type=item.type,
        name=readable(item.name),
        outcome=OUTCOMES[result.outcome],
        expected=_plain_fields(_expected(result)),
        actual=None if result.outcome is Outcome.BLOCKED else _plain_fields(_actual(result)),
        why=_text(explained(result)),
        source=str(item.source),
        mend=_text(shell_line(result.remedy)),
        mend_cuts=True if result.mend_cuts else None,
        advice=_text(result.advice),
        extra=[readable(extra) for extra in result.extra] or None,
        reasons=[
            report_schema.Reason(
                source=str(each.source),
                path=readable(each.path),
                role=each.role,
                reason=readable(each.text),
            )
            for each in item.reasons
        ]
        or None,
    )


def explained(result: Result) -> str | None:
    """Return why an item is demanded, where a role or section does so, and the reason for its
    outcome; None if there is neither.
    """
    texts = dict.fromkeys(each.text for each in result.item.reasons)
    return "; ".join([*texts, *([result.why] if result.why else [])]) or None


def as_json(item: report_schema.Item) -> dict[str, Any]:
    """Return a record as JSON has it: builtin types only, and no optional field that is not set."""
    values = {
        field.name: value
        for field in fields(item)
        if (value := getattr(item, field.name)) is not None or field.default is MISSING
    }
    return (
        values if item.reasons is None else values | msgspec.to_builtins({"reasons": item.reasons})
    )


def from_json(value: Mapping[str, Any]) -> report_schema.Item:
    """Return the record that `as_json` was called with.

    Raises msgspec.ValidationError for any other value.
    """
    return msgspec.convert(value, report_schema.Item)


def _expected(result: Result) -> dict[str, Value]:
    """Return what was declared, in a finding's words where there is one: they hide secrets."""
    return {**result.item.expected, **{each.field: each.expected for each in result.findings}}


def _actual(result: Result) -> dict[str, Value]:
    findings: tuple[Finding, ...] = result.findings
    return dict.fromkeys(result.item.expected) | {each.field: each.actual for each in findings}


def _text(text: str | None) -> str | None:
    return None if text is None else readable(text)


def _plain_fields(values: Mapping[str, Value]) -> dict[str, Value]:
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: Value) -> Value:
    """Return a value in builtin types, its texts printable."""
    if isinstance(value, str):
        return readable(str(value))
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, Sequence):
        return [_plain(inner) for inner in value]
    return value
