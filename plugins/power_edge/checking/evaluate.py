"""Declared against observed: one item in, one result out."""

import shlex
import string
from collections.abc import Iterable
from typing import Any

from power_edge.model import (
    NOTHING,
    Finding,
    Item,
    NotObserved,
    Observations,
    Outcome,
    Remedy,
    ResourceType,
    Result,
    undecided,
)


def judge(
    kind: ResourceType[Any, Any], item: Item, observations: Observations | NotObserved
) -> Result:
    """The result of an item, from what the probe of its type saw (NotObserved: the probe as a whole
    could not look).
    """
    if isinstance(observations, NotObserved):
        return unknown(item, observations.why)
    key = "" if kind.whole else item.key
    if key not in observations:
        return unknown(item, "the node's answer does not mention it")
    observed = observations[key]
    if isinstance(observed, NotObserved):
        return unknown(item, observed.why)
    try:
        return _judged(kind, item, observed)
    except Exception as error:  # a fault of ours must not end the run of fifty nodes, and still less be taken for compliance
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
        _shell_line(remedy),
        bool(remedy.commands) and remedy.cuts,
        remedy.advice,
        extra,
    )


def _shell_line(remedy: Remedy) -> str | None:
    """The commands of a remedy as one line to be pasted; None if there are none."""
    return " && ".join(" ".join(map(quoted, argv)) for argv in remedy.commands) or None


_PLAIN = frozenset(string.ascii_letters + string.digits + string.punctuation + " ") - {"'", "\\"}


def quoted(argument: str) -> str:
    """An argument for a shell, on one line that can be read and pasted.

    As shlex.quote does it, but for what a terminal would obey or not show: $'...' of bash, ksh, zsh
    and busybox, its bytes in octal.
    """
    if argument.isprintable():
        return shlex.quote(argument)
    escaped = (
        character
        if character in _PLAIN
        else "".join(f"\\{byte:03o}" for byte in character.encode("utf-8", "surrogateescape"))
        for character in argument
    )
    return f"$'{''.join(escaped)}'"


def _complete(item: Item, findings: Iterable[Finding]) -> Iterable[Finding]:
    """What was asserted and not judged is unknown: compliance is never had by silence."""
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
    """The reasons of all findings.

    That a field was not judged is left out where another finding says why.
    """
    given = [finding for finding in findings if finding.why]
    given = [finding for finding in given if finding.why != _NOT_JUDGED] or given
    return "; ".join(dict.fromkeys(f"{finding.field}: {finding.why}" for finding in given)) or None


def unknown(item: Item, why: str) -> Result:
    """The result of an item that could not be judged."""
    return Result(item, Outcome.UNKNOWN, (), why)
