"""Compare the declared with the observed: one item in, one result out."""

from collections.abc import Iterable
from typing import Any

from power_edge.model import (
    NOTHING,
    Finding,
    Item,
    NotObserved,
    Observations,
    Outcome,
    ResourceType,
    Result,
    undecided,
)


def judge(
    kind: ResourceType[Any, Any], item: Item, observations: Observations | NotObserved
) -> Result:
    """Return the result of an item from the observations of its type.

    `observations` is NotObserved if the probe as a whole could not look. Raises nothing: an error
    in a type's functions makes the item unknown.
    """
    if isinstance(observations, NotObserved):
        return unknown(item, observations.why)
    key = "" if kind.whole else item.key
    if key not in observations and not kind.lists_all:
        return unknown(item, "the node's answer does not mention it")
    observed = observations.get(key)
    if isinstance(observed, NotObserved):
        return unknown(item, observed.why)
    try:
        return _judged(kind, item, observed)
    # A fault of ours must not end the run of fifty nodes, and must never pass as compliance.
    except Exception as error:
        return unknown(item, f"judging failed: {type(error).__name__}: {error}")


def _judged(kind: ResourceType[Any, Any], item: Item, observed: object) -> Result:
    findings = tuple(_complete(item, kind.judge(item.declared, observed)))
    drifts = [finding for finding in findings if finding.outcome is Outcome.DRIFT]
    remedy = kind.remedy(item.declared, observed, drifts) if drifts else NOTHING
    extra = tuple(kind.extra(item.declared, observed)) if kind.extra is not None else ()
    return Result(
        item,
        _outcome(findings),
        findings,
        _why(findings),
        remedy,
        extra,
    )


def _complete(item: Item, findings: Iterable[Finding]) -> Iterable[Finding]:
    """Yield the findings, and one of unknown for each declared field that `judge` left out."""
    judged = set()
    for finding in findings:
        judged.add(finding.field)
        yield finding
    for field, expected in item.expected.items():
        if field not in judged:
            yield undecided(field, expected, _NOT_JUDGED)


_NOT_JUDGED = "was not judged"


def _outcome(findings: tuple[Finding, ...]) -> Outcome:
    observed = {finding.outcome for finding in findings}
    for outcome in (Outcome.DRIFT, Outcome.UNKNOWN):
        if outcome in observed:
            return outcome
    return Outcome.COMPLIANT if findings else Outcome.UNKNOWN


def _why(findings: tuple[Finding, ...]) -> str | None:
    """Return the reasons of all findings, None if there are none.

    "was not judged" is left out if another finding has a reason.
    """
    explained = [finding for finding in findings if finding.why]
    explained = [finding for finding in explained if finding.why != _NOT_JUDGED] or explained
    return (
        "; ".join(dict.fromkeys(f"{finding.field}: {finding.why}" for finding in explained)) or None
    )


def unknown(item: Item, why: str) -> Result:
    """Return the result of an item that could not be judged."""
    return Result(item, Outcome.UNKNOWN, (), why)
