"""What the kernel compares in nft's rules, and nft need not print.

nft leaves a condition out where it takes it for implied by another one, as text and as JSON (seen
with 1.0.6 and 1.1.3): `ct l3proto`, `ct protocol`, `meta iiftype` and `ether type` before a
condition on an inner header, the family before `reject with tcp reset`, the protocol before `th`
and in tables of one family. `nft --debug=netlink` prints the kernel's own instructions.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from power_edge.resources.firewall.packets import marks
from power_edge.resources.firewall.packets.dimension import Dimension
from power_edge.resources.firewall.packets.program import VERDICTS, Action, Effect, FilterRule
from power_edge.resources.firewall.packets.sets import FALSE, Box, both, meet, within
from power_edge.resources.firewall.readers.nft_objects import Rule
from power_edge.resources.firewall.readers.nft_values import EXTENSIONS

FAMILIES: Mapping[bytes, int] = {
    b"\x02": 4,
    b"\x0a": 6,
    b"\x08": 4,
    b"\x86\xdd": 6,
    b"\xdd\x86": 6,
}
"""NFPROTO_IPV4, NFPROTO_IPV6, ETH_P_IP and ETH_P_IPV6 without zeros, in either order of bytes."""
ENDS = frozenset({*VERDICTS, Action.RETURN, Action.JUMP, Action.GOTO})
"""Actions that stand last in a rule, behind all of its comparisons."""
STATEMENT = "statement"
"""Stands among the comparisons for a statement that changes something before the rule ends."""
NOT_READ = "?"
"""Stands among the comparisons for an instruction that the probe does not know in this form."""
HIDDEN = "nft does not print all of its conditions"
UNREAD = "what the kernel compares could not be read (nft --debug=netlink list ruleset)"


class Comparison(NamedTuple):
    """A condition of a rule: what is compared, and the value that it must have.

    `what`: in nft's words. `value`: its bytes without zeros; of use for the family and the protocol
    alone.
    """

    what: str
    value: bytes


Comparisons = Mapping[str, Sequence[Comparison]]
"""The comparisons of each rule, by `FAMILY TABLE CHAIN HANDLE`."""


def read(text: str) -> Comparisons:
    """Return what the probe printed of the kernel's instructions.

    A line for each rule: its place, and its conditions behind tabs. ValueError for other text.
    """
    found = defaultdict[str, list[Comparison]](list)
    for line in text.split("\n"):
        place, *conditions = line.split("\t")
        # In all but the first rule of a chain a position follows the handle.
        for key in (place, place.rpartition(" ")[0]):
            found[key] += map(_comparison, conditions)
    return dict(found)


def _comparison(text: str) -> Comparison:
    what, _, value = text.partition("=")
    digits = (value or "0").removeprefix("0x")
    return Comparison(
        what, bytes(filter(None, bytes.fromhex(digits.zfill(-(-len(digits) // 2) * 2))))
    )


def compared(
    rules: Iterable[FilterRule], printed: Rule, family: int, comparisons: Comparisons
) -> Iterator[FilterRule]:
    """Yield what a rule amounts to in one family, narrowed to packets that meet its comparisons.

    A part with a condition that nothing here reads becomes opaque.
    """
    found = comparisons.get(" ".join((*printed.key, printed.handle)))
    for rule in rules:
        if rule.effect.action is Action.UNKNOWN:  # it may do anything, nothing included
            yield rule
        elif found is None:
            yield rule._replace(opaque=rule.opaque or UNREAD)
        else:
            ends = rule.effect.action in ENDS and not rule.changes
            before, between = (found, ()) if ends else _around_statements(found)
            boxes, doubt = _met(rule.boxes, before, family)
            some, unclear = _met(boxes, between, family)
            if some != boxes or unclear:
                doubt = doubt or unclear or HIDDEN
            if boxes:
                narrowed = rule._replace(boxes=boxes, opaque=rule.opaque or doubt)
                yield from _ended(narrowed, _behind_statements(found), family)


def _ended(
    rule: FilterRule, comparisons: Sequence[Comparison], family: int
) -> Iterator[FilterRule]:
    """Yield a rule that sets a mark, and its end apart where comparisons between the two narrow
    the end alone.
    """
    if rule.effect.action not in ENDS or not rule.changes:
        yield rule
        return
    boxes, doubt = _met(rule.boxes, comparisons, family)
    if boxes == rule.boxes and doubt is None:
        yield rule
        return
    yield rule._replace(effect=Effect(Action.NEXT))
    if boxes:
        if marks.looked_at(boxes):
            doubt = doubt or HIDDEN
            boxes = tuple(marks.without(box) for box in boxes)
        yield rule._replace(boxes=boxes, changes=(), opaque=rule.opaque or doubt)


def _behind_statements(found: Sequence[Comparison]) -> Sequence[Comparison]:
    """Return the comparisons behind the last statement that acts before the rule ends."""
    last = max((place for place, each in enumerate(found) if each.what == STATEMENT), default=-1)
    return found[last + 1 :]


def _around_statements(
    found: Sequence[Comparison],
) -> tuple[Sequence[Comparison], Sequence[Comparison]]:
    """Return the comparisons before the first statement that acts before the rule ends, and those
    between it and the last one. Without one all come before what the rule does (a target of
    iptables).
    """
    places = [place for place, each in enumerate(found) if each.what == STATEMENT]
    return (found[: places[0]], found[places[0] : places[-1]]) if places else (found, ())


def _met(
    boxes: tuple[Box, ...], comparisons: Iterable[Comparison], family: int
) -> tuple[tuple[Box, ...], str | None]:
    """Return which of these packets meet the comparisons, and why some comparison is not known."""
    doubt = None
    for each in comparisons:
        needed = _needed(each, family)
        if needed is None:
            doubt = doubt or (UNREAD if each.what == NOT_READ else f"{HIDDEN} ({each.what})")
        else:
            boxes = tuple(
                box
                for own in boxes
                for one in needed
                if (box := own if within(own, one) else meet(own, one)) is not None
            )
    return boxes, doubt


def _needed(comparison: Comparison, family: int) -> list[Box] | None:
    """Return the packets of a family that meet a comparison; None where that is not known."""
    what, value = comparison
    number = int.from_bytes(value, "big")
    match what:
        case _ if what == STATEMENT:
            return [{}]
        case "meta nfproto" | "meta protocol":
            return [{}] if FAMILIES.get(value) == family else []
        case "meta l4proto":
            return [{Dimension.PROTO: ((number, number),)}]
        case "ip protocol" if family == 4:
            return [{Dimension.PROTO: ((number, number),)}]
        case "ip6 nexthdr" if family == 6 and not both(((number, number),), EXTENSIONS):
            return [{Dimension.PROTO: ((number, number),), Dimension.EXT: FALSE}]
    return None
