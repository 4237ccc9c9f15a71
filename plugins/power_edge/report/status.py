"""The status of a watch for people: plain text for 80 columns that needs no colour. Pure."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from textwrap import wrap

from power_edge.model import Outcome
from power_edge.model.generated.status_schema import Item, Node, Source, Status
from power_edge.report.terminal import OWN_FAILED, WIDTH, NodeLine, node_lines, shortened
from power_edge.text import counted

_MOST = 20
"""Items of a node, problems and sources that are shown. The JSON has all of them."""
_LONGEST = 1000
"""Characters of one text."""
_SHOWN = 12
"""Digits of a commit that are shown, as git does in a large repository."""


def lines(status: Status) -> Iterator[str]:
    """Yield the lines about a watch. Ages are counted from the time of the status itself: this
    machine's clock may differ.
    """
    now = _seconds(status.time)
    state = "healthy" if status.healthy else "not healthy"
    age = since(_seconds(status.started), now)
    yield from _folded(f"Power Edge {status.version} has watched for {age}: {state}")
    for problem in status.problems[:_MOST]:
        yield from _folded(problem, "  ")
    yield from _more(len(status.problems))
    # The worst first; among equals in the order of the watch.
    for name, node in sorted(status.nodes.items(), key=lambda each: _urgency(each[1])):
        yield ""
        yield from _node(name, node, now)


def _urgency(node: Node) -> int:
    """Return a number that is smaller for a node that needs a person sooner."""
    return (12, 11, 1, 10, 0).index(node.exit_status)


def _node(name: str, node: Node, now: float | None) -> Iterator[str]:
    counts = {outcome.value: getattr(node.items, outcome.value) for outcome in Outcome}
    notes = (shortened(note, _LONGEST) for note in _notes(node))
    yield from node_lines(
        NodeLine(shortened(name, _LONGEST), {**counts, OWN_FAILED: node.own_failed}, tuple(notes))
    )
    # A drift is certain, an unknown item may be as declared.
    listed = sorted(node.not_compliant, key=lambda item: item.outcome != "drift")
    for item in listed[:_MOST]:
        yield from _item(item, now)
    yield from _more(len(listed))
    yield from _checks(node, now)
    yield from _configuration(node, now)
    for source in sorted(node.sources, key=lambda source: source.up)[:_MOST]:
        yield from _source(source)
    yield from _more(len(node.sources))
    if not node.sources:
        yield "  no source of events: all items are checked at intervals"


def _more(count: int) -> Iterator[str]:
    if count > _MOST:
        yield f"  and {count - _MOST} more (/status has all)"


def _notes(node: Node) -> Iterator[str]:
    if node.gate is None:
        yield "it has not been checked yet"
    elif not node.gate.open:
        yield f"the gate is shut: {node.gate.why}"
    elif node.gate.why:
        yield f"gate: {node.gate.why}"
    if node.configuration.error is not None:
        yield f"checked by an older configuration; the present one: {node.configuration.error}"


def _item(item: Item, now: float | None) -> Iterator[str]:
    age = f" for {since(_seconds(item.since), now)}" if item.since is not None else ""
    yield from _folded(f"{item.outcome}  {item.type}[{item.name}]{age}", "  ")
    yield from _folded(item.summary.removeprefix(f"{item.outcome}: "), "    ")


def _checks(node: Node, now: float | None) -> Iterator[str]:
    last, full = _seconds(node.last_cycle), _seconds(node.last_full_check)
    if last is not None:
        of_all = f"{since(full, now)} ago" if full is not None else "not yet"
        yield f"  checked {since(last, now)} ago, all items {of_all}"
    if node.overdue_seconds >= 1:
        yield f"  a check is overdue for {_words(node.overdue_seconds)}"


def _configuration(node: Node, now: float | None) -> Iterator[str]:
    loaded = node.configuration
    commit = f", commit {loaded.commit[:_SHOWN]}" if loaded.commit is not None else ""
    age = since(_seconds(loaded.loaded), now)
    yield from _folded(f"configuration loaded {age} ago{commit}", "  ")


def _source(source: Source) -> Iterator[str]:
    # What never was up cannot have gone down: nothing is wrong then.
    state = "up" if source.up else f"{'down' if source.was_up else 'not up'}: {source.why}"
    lost = f", {source.lost} lost" if source.lost else ""
    counts = f"{counted(source.events, 'event')}{lost}"
    yield from _folded(f"{source.name:<9} {state} ({counts})", "  ")


def since(moment: float | None, now: float | None) -> str:
    """Return how long ago a moment was, in words; both in seconds since 1970.

    A moment in the future counts as now: the clock was set back.
    """
    if moment is None or now is None:
        return "an unknown time"
    return _words(now - moment)


def _words(seconds: float) -> str:
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1)):
        number = int(seconds // length)
        if number >= 2 or (unit == "second" and number == 1):
            return counted(number, unit)
    return "less than a second"


def _seconds(time: str | None) -> float | None:
    """Return a time of the status in seconds since 1970; None if it is not a time."""
    try:
        return datetime.fromisoformat(time).timestamp() if time is not None else None
    except (ValueError, OverflowError):
        return None


def _folded(text: str, indent: str = "") -> Iterable[str]:
    """Return the lines of a text, the first with an indent, the others with two blanks more."""
    return wrap(
        shortened(text, _LONGEST),
        WIDTH,
        initial_indent=indent,
        subsequent_indent=f"{indent}  ",
        break_long_words=False,
        break_on_hyphens=False,
    )
