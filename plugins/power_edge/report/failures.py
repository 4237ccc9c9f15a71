"""What is wrong, in groups: equal drift of several nodes, drifts that follow from another one, and
items that are unknown for one reason. For people alone: every other report has each item.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from power_edge.model import Outcome
from power_edge.model.generated import report_schema
from power_edge.report.terminal import WIDTH, folded, shortened
from power_edge.text import printable

ITEMS_SHOWN = 5
"""Items named if more are unknown for one reason."""
_NAMES = 36
"""Characters of the nodes' names at the beginning of a line, if there are several."""
_LEAST = 30
"""Characters of a reason that are always shown, however long the text before it is."""
_ORDER = (Outcome.BLOCKED, Outcome.DRIFT, Outcome.UNKNOWN)

Piece = tuple[str, str]
"""Text and its colour: the name of a markup of pytest's terminal, or nothing."""
COLOURS = {Outcome.BLOCKED: "red", Outcome.DRIFT: "red", Outcome.UNKNOWN: "purple"}
"""Outcome -> its colour. No yellow, which a light terminal hardly shows."""


class Failure(NamedTuple):
    """An item that is not compliant."""

    record: report_schema.Item
    differences: tuple[str, ...]
    """What differs, or why it is unknown, each in a few words: see `terminal.differences`."""
    block: tuple[str, ...]
    """The lines of `terminal.block`."""
    diff: tuple[str, ...] = ()
    """The lines of `terminal.diff`."""
    cause: str = ""
    """For a shut gate: the reason, without the node's own names. See `blocked_cause.cause`."""


class Group(NamedTuple):
    """Failures that are shown as one."""

    outcome: Outcome
    members: tuple[Failure, ...]
    """The same on each of the nodes; the first one is shown."""
    nodes: tuple[str, ...]
    names: tuple[str, ...]
    """Names of the items: several if they are unknown for one reason, on one node or on several."""
    followers: tuple[Failure, ...]
    """Drifts of the first node that follow from this one."""

    @property
    def first(self) -> Failure:
        """What is shown."""
        return self.members[0]


def groups(failures: Iterable[Failure], lead: Callable[[str], str | None]) -> list[Group]:
    """Return the groups: shut gates first, then drift, then what is unknown.

    `lead` takes a resource type. It returns the name of the item that decides about all others of
    the type: while it drifts, their drifts follow from it. None if there is no such item.
    """
    rest = sorted(failures, key=_place)  # workers of xdist end in any order
    leading = {
        (each.record.node, each.record.type)
        for each in rest
        if _outcome(each) is Outcome.DRIFT and each.record.name == lead(each.record.type)
    }
    following: dict[tuple[str, str], list[Failure]] = defaultdict(list)
    alike: dict[tuple[object, ...], list[Failure]] = defaultdict(list)
    for each in rest:
        of, outcome = (each.record.node, each.record.type), _outcome(each)
        if of in leading and outcome is Outcome.DRIFT and each.record.name != lead(of[1]):
            following[of].append(each)
        else:
            # Many of one node are unknown for one reason; a drift is its own.
            key = _why(each) if outcome is Outcome.UNKNOWN else each.record.name
            alike[(*of, outcome, key)].append(each)
    equal: dict[tuple[object, ...], list[Group]] = defaultdict(list)
    for members in alike.values():
        record = members[0].record
        outcome = _outcome(members[0])
        followers = (
            following[record.node, record.type]
            if outcome is Outcome.DRIFT and record.name == lead(record.type)
            else []
        )
        names = tuple(each.record.name for each in members)
        group = Group(outcome, tuple(members), (record.node,), names, tuple(followers))
        equal[_content(group)].append(group)
    found = [
        same[0]._replace(
            members=tuple(member for group in same for member in group.members),
            nodes=tuple(dict.fromkeys(group.nodes[0] for group in same)),
            names=tuple(dict.fromkeys(name for group in same for name in group.names)),
        )
        for same in equal.values()
    ]
    return sorted(found, key=lambda group: _ORDER.index(group.outcome))


def line(group: Group, width: int | None = WIDTH) -> list[Piece]:
    """Return one line: the nodes, the item, and what differs. `na services[docker] state: running
    -> stopped`.

    What differs is cut at `width` columns, the first field never; None: nothing is cut, but the
    reason of a shut gate, which the line of its node has in full.
    """
    start, more = f"{heading(group)} ", len(group.followers)
    end = f"; {more} more follow{'s' if more == 1 else ''}" if more else ""
    room = (WIDTH if width is None else width) - len(start) - len(end)
    if group.outcome is Outcome.UNKNOWN:
        shown = f"{group.outcome.value}: {_why(group.first)}" if _why(group.first) else "unknown"
        shown = printable(shown) if width is None else shortened(shown, max(room, _LEAST))
    elif group.outcome is not Outcome.DRIFT:
        shown = shortened("; ".join(group.first.differences), max(room, _LEAST))
    elif width is None:
        shown = "; ".join(_without_field(group.first))
    else:
        shown, *others = _without_field(group.first)
        for index, each in enumerate(others):
            left = len(others) - index
            rest = f"; and {left} more"
            if len(f"{shown}; {each}") + (len(rest) if left > 1 else 0) > room:
                shown += rest
                break
            shown += f"; {each}"
    return [(start, "bold"), (shown, COLOURS[group.outcome]), (end, "")]


def heading(group: Group) -> str:
    """Return the nodes and the item: `na services[docker]`, `na files (700 items)`."""
    names, record = ", ".join(group.nodes), group.first.record
    if len(group.nodes) > 1 and len(names) > _NAMES:
        names = f"{group.nodes[0]} and {len(group.nodes) - 1} more:"
    if record.type == "node":
        item = ""
    elif len(group.names) > 1:
        item = f" {record.type} ({len(group.names)} items)"
    else:
        item = f" {record.type}[{record.name}]"
    return printable(f"{names}{item}")


def block(group: Group) -> Iterator[list[Piece]]:
    """Yield the lines about a group."""
    first, *lines = group.first.block
    place, _, outcome = first.rpartition(": ")
    others = len(group.members) - 1
    more = f" and {others} more" if others else ""
    yield [(f"{place}{more}: ", ""), (outcome, COLOURS[group.outcome])]
    if len(group.nodes) > 1:
        yield from _plain(folded("nodes", ", ".join(map(printable, group.nodes))))
    if not _is_uniform(group):
        why = printable(_why(group.first))
        if group.outcome is Outcome.BLOCKED:
            why += f" (for {printable(group.nodes[0])}; -v shows each)"
        yield from _plain(folded("why", why))
    if len(group.names) > 1 or (group.outcome is Outcome.UNKNOWN and not _is_uniform(group)):
        shown = ", ".join(map(printable, group.names[:ITEMS_SHOWN]))
        left = len(group.names) - ITEMS_SHOWN
        shown += f" and {left} more (-v shows each)" if left > 0 else ""
        yield from _plain(folded("items", shown))
    elif _is_uniform(group):
        yield from map(_coloured, lines)
    if group.first.diff:
        yield [("  diff     ", ""), ("- declared", "green"), (", ", ""), ("+ observed", "red")]
        for text in group.first.diff:
            yield [(f"    {text}", {"-": "green", "+": "red"}.get(text[0], ""))]
    label = "follows"
    for each in group.followers:
        text = printable(f"{each.record.name}: {'; '.join(_without_field(each))}")
        yield from _plain(folded(label, text))
        label = ""


def _without_field(failure: Failure) -> Sequence[str]:
    """Return what differs; without the field if that is the item's name (firewall)."""
    return [each.removeprefix(f"{failure.record.name}: ") for each in failure.differences]


def _plain(lines: Iterable[str]) -> Iterator[list[Piece]]:
    return ([(each, "")] for each in lines)


def _coloured(text: str) -> list[Piece]:
    for label, colour in (("expected  ", "green"), ("actual    ", "red")):
        before, found, after = text.partition(label)
        # A value may hold the label as well, or the text of a reason.
        if found and before.startswith("  ") and len(before.split()) < 2:
            return [(f"{before}{found}", ""), (after, colour)]
    if text.startswith("  mend     "):
        return [(text[:11], ""), (text[11:], "bold")]
    return [(text, "")]


def _outcome(failure: Failure) -> Outcome:
    return Outcome(failure.record.outcome)


def _place(failure: Failure) -> tuple[str, str, int, str, str]:
    record = failure.record
    file, _, line = (record.source or "").rpartition(":")
    return record.node, file, int(line or 0), record.type, record.name


def _why(failure: Failure) -> str:
    """Return why an item is unknown, without why it is demanded, and without the field if there is
    but one: these are its own.
    """
    record = failure.record
    demands = "; ".join(dict.fromkeys(each.reason for each in record.reasons or ()))
    why = (record.why or "").removeprefix(demands).removeprefix("; ")
    fields = [field for field in record.expected or () if f"{field}: " in why]
    return why.removeprefix(f"{fields[0]}: ") if len(fields) == 1 else why


def _is_uniform(group: Group) -> bool:
    """Whether the first failure shows all that there is to say of the others."""
    contents = {repr(_without_places(each)) for each in group.members}
    return len(group.names) == 1 and len(contents) == 1


def _content(group: Group) -> tuple[object, ...]:
    """Return what two groups must have in common to be shown as one: all but the nodes. For what
    is blocked or unknown that is the cause alone.
    """
    record = group.first.record
    if group.outcome is Outcome.UNKNOWN:
        return group.outcome, record.type, _why(group.first)
    if group.first.cause:
        return group.outcome, record.type, group.first.cause
    return (
        group.outcome,
        record.type,
        record.name,
        group.first.differences,
        group.first.diff,
        _without_places(group.first),
        tuple((each.record.name, each.differences) for each in group.followers),
    )


def _without_places(failure: Failure) -> Sequence[object]:
    record = failure.record
    demands = tuple((each.path, each.reason) for each in record.reasons or ())
    values = (repr(record.expected), repr(record.actual))
    return *values, record.why, record.mend, record.advice, tuple(record.extra or ()), demands
