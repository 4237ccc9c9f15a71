"""Results for people: plain text for 80 columns that needs no colour."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import takewhile
from textwrap import wrap
from typing import NamedTuple

from power_edge.model import Finding, Outcome, Result, Value
from power_edge.report.shell_line import shell_line
from power_edge.report.text_diff import text_diff
from power_edge.text import printable

WIDTH = 80
_LONGEST = 400
"""Characters of one value. The JSON report has all of it."""

TOGETHER = 5
"""Nodes with equal counts that have a line each; if there are more, they share one."""
_SHORT = 36
"""Characters of a value where one line shows all of an item."""
_CONTEXT = 8
"""Characters shown before the first one that differs, where a common beginning is cut."""


def value(observed: Value) -> str:
    """Return a declared or observed value for display: text as it is, all else as JSON."""
    if observed is None:
        return "-"
    text = printable(
        observed
        if isinstance(observed, str)
        else json.dumps(observed, ensure_ascii=False, default=str)
    )
    if observed == "":
        text = '""'
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}... ({len(text)} characters)"


def shortened(text: str, width: int = WIDTH - 2) -> str:
    """Return text cut to one line of the terminal."""
    text = printable(text[: width + 1])  # which is never shorter
    return text if len(text) <= width else f"{text[: width - 3].rstrip()}..."


def headline(result: Result) -> str:
    """Return a result in one line, for summaries: what differs, or why it is unknown."""
    if result.outcome is Outcome.DRIFT:
        drifts = (finding for finding in result.findings if finding.outcome is Outcome.DRIFT)
        return "; ".join(
            f"{finding.field}: {_reason(finding) or _expected_and_observed(finding)}"
            for finding in drifts
        )
    why = printable(result.why or "")
    return f"{result.outcome.value}: {why}" if why else result.outcome.value


def differences(result: Result) -> tuple[str, ...]:
    """Return what is wrong in a few words: `state: running -> stopped` for each field that drifts,
    or `unknown: needs root`. Nothing is known of a compliant result.
    """
    if result.outcome is Outcome.DRIFT:
        return tuple(
            f"{printable(finding.field)}:"
            f" {_reason(finding) or _change(finding.expected, finding.actual)}"
            for finding in result.findings
            if finding.outcome is Outcome.DRIFT
        )
    return () if result.outcome is Outcome.COMPLIANT else (headline(result),)


def diff(result: Result) -> tuple[str, ...]:
    """Return how the texts that drift differ. For the terminal alone: no report has a content."""
    return tuple(
        line
        for finding in result.findings
        if finding.text is not None and finding.declared_text is not None
        for line in text_diff(finding.declared_text, finding.text)
    )


def _expected_and_observed(finding: Finding) -> str:
    return f"{value(finding.expected)} expected, {value(finding.actual)} observed"


def _reason(finding: Finding) -> str | None:
    """Return why a field drifts, if its declared and its observed value do not differ: nothing else
    shows what is wrong.
    """
    if finding.why is None or finding.expected != finding.actual:
        return None
    return printable(finding.why)


def _change(expected: Value, actual: Value) -> str:
    """Return `EXPECTED -> ACTUAL`, each shortened. Where both begin alike, so that this would show
    no difference, a common beginning is cut first.
    """
    texts = value(expected), value(actual)
    shown = [shortened(each, _SHORT) for each in texts]
    if shown[0] == shown[1] and texts[0] != texts[1]:
        equal = takewhile(lambda pair: pair[0] == pair[1], zip(*texts, strict=False))
        same = max(0, sum(1 for _ in equal) - _CONTEXT)
        shown = [shortened(f"...{each[same:]}", _SHORT) for each in texts]
    return " -> ".join(shown)


def block(result: Result) -> str:
    """Return a result that is not compliant as a block of lines: the place of the declaration, each
    field, the reason, and the command that ends the drift.
    """
    lines = [f"{result.item.source}: {result.outcome.value}"]
    width = max((len(finding.field) for finding in result.findings), default=0)
    for finding in result.findings:
        name = f"  {finding.field:<{width}}  "
        if finding.outcome is Outcome.DRIFT:
            lines += [
                f"{name}expected  {value(finding.expected)}",
                f"{' ' * len(name)}actual    {value(finding.actual)}",
            ]
        elif finding.outcome is Outcome.UNKNOWN:
            lines.append(f"{name}unknown   {value(finding.expected)} expected")
    for each in result.item.reasons:
        text = f"{each.text} ({each.source}, {each.path})"
        lines += folded("demand", printable(text))
    if result.why:
        lines += folded("why", printable(result.why))
    if result.extra:
        lines += [f"  extra    {printable(extra)}" for extra in result.extra]
    if (command := shell_line(result.remedy)) is not None:
        lines.append(f"  mend     {printable(command)}")  # on one line: it is to be pasted
    if result.mend_cuts:
        lines += folded(
            "careful",
            "this could cut your own connection: keep a console at hand, and try a new connection"
            " before you close this one",
        )
    if result.advice:
        lines += folded("by hand" if command is None else "note", printable(result.advice))
    return "\n".join(lines)


def folded(label: str, text: str) -> list[str]:
    """Return a label and its text as lines of a block."""
    first, *rest = wrap(text, WIDTH - 11, break_long_words=False, break_on_hyphens=False) or [""]
    return [f"  {label:<7}  {first}", *(f"{' ' * 11}{line}" for line in rest)]


class NodeLine(NamedTuple):
    """The line about a node at the end, and the notes below it."""

    nodes: str
    """Its name, or the number of nodes that share the line."""
    counts: Mapping[str, int]
    """The number of items by outcome."""
    notes: Sequence[str]
    not_declared: Sequence[str] = ()
    """The resource types that it declares nothing of."""
    each: bool = False
    """Whether the counts are those of each of several nodes."""
    cause: str = ""
    """Why its gate is shut, without what is the node's own: see `blocked_cause.cause`."""


def unusable(name: str) -> NodeLine:
    """Return the line of a node whose configuration cannot be used."""
    return NodeLine(name, {}, ("its configuration cannot be used: run power-edge validate",))


def together(lines: Iterable[NodeLine]) -> list[NodeLine]:
    """Return the lines. Nodes that are blocked for one cause share a line. So do more than TOGETHER
    nodes that are alike.
    """
    alike: dict[tuple[object, ...], list[NodeLine]] = {}
    for line in lines:
        same: tuple[object, ...] = (*line.counts.items(), *line.notes, *line.not_declared)
        if line.cause:
            same = (Outcome.BLOCKED, line.cause)
        alike.setdefault(same, []).append(line)
    found: list[NodeLine] = []
    for equal in alike.values():
        if equal[0].cause and len(equal) > 1:
            found.append(_blocked(equal))
        elif len(equal) > TOGETHER:
            names = ", ".join(each.nodes for each in equal)
            notes = (names, *equal[0].notes)
            found.append(equal[0]._replace(nodes=f"{len(equal)} nodes", notes=notes, each=True))
        else:
            found += equal
    return found


def _blocked(lines: Sequence[NodeLine]) -> NodeLine:
    first = lines[0]
    counts = {key: sum(each.counts[key] for each in lines) for key in first.counts}
    names = ", ".join(each.nodes for each in lines)
    return first._replace(nodes=f"{len(lines)} nodes", counts=counts, notes=(names, *first.notes))


def node_lines(of: NodeLine) -> Iterator[str]:
    """Yield the lines about a node: its counts by outcome, worst first, then the notes."""
    line = f"{printable(of.nodes)}: {', '.join(counted(of.counts)) or 'no item was checked'}"
    line += " each" if of.each else ""
    line += f"; not declared: {', '.join(of.not_declared)}" if of.not_declared else ""
    yield from wrap(
        line, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )
    for note in of.notes:
        yield from (
            f"  {line}"
            for line in wrap(
                printable(note),
                WIDTH - 2,
                subsequent_indent="  ",
                break_long_words=False,
                break_on_hyphens=False,
            )
        )


def colour(counts: Mapping[str, int]) -> str | None:
    """Return the colour of a node's line by its counts: a markup of pytest's terminal, or None.

    Without any counts the node is unusable.
    """
    if any(counts.get(each) for each in (Outcome.BLOCKED, Outcome.DRIFT, OWN_FAILED)):
        return "red"
    if counts.get(Outcome.UNKNOWN):
        return "purple"
    if counts.get(Outcome.COMPLIANT):
        return "green"
    return None if counts else "red"


def counted(counts: Mapping[str, int]) -> list[str]:
    """Return counts by outcome in words, worst first: `2 drift`, `1 own test failed`."""
    return [f"{counts[each]} {_counted(each, counts[each])}" for each in _ORDER if counts.get(each)]


def _counted(key: str, count: int) -> str:
    if key != OWN_FAILED:
        return key
    return "own test failed" if count == 1 else "own tests failed"


OWN_FAILED = "own_failed"
"""The key of the number of own tests that failed, beside the numbers of items by outcome."""
_ORDER = (
    Outcome.BLOCKED,
    Outcome.DRIFT,
    OWN_FAILED,
    Outcome.UNKNOWN,
    Outcome.WAIVED,
    Outcome.COMPLIANT,
)
