"""The marks of packets and of connections, bit by bit.

A packet arrives with mark 0, and a connection begins with mark 0, until a rule sets it (skb->mark,
nf_conn->mark). Each bit that a rule looks at is a dimension of its own: a test under a mask is then
a box, and setting a mark gives a box other numbers.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from power_edge.json_value import Json, an_object
from power_edge.resources.firewall.packets.dimension import BITS, MARK_BITS, Dimension, Mark
from power_edge.resources.firewall.packets.sets import FALSE, TRUE, Box, Numbers

ALL = (1 << MARK_BITS) - 1
PACKET, CONNECTION = Mark.PACKET, Mark.CONNECTION
OTHER: Mapping[Mark, Mark] = {PACKET: CONNECTION, CONNECTION: PACKET}
NUMBER: Mapping[Dimension, int] = {
    dimension: bit for bits in BITS.values() for bit, dimension in enumerate(bits)
}
"""Dimension -> the bit of a mark that it stands for. Other dimensions are missing."""


class Change(NamedTuple):
    """A mark that a rule sets to `(own & keep) ^ (other & copy) ^ flip`.

    `own` is this mark and `other` the one that `OTHER` names. `keep` is None where the new value is
    unknown. `tracked`: nothing changes where the packet has no connection.
    """

    which: Mark
    keep: int | None
    copy: int = 0
    flip: int = 0
    tracked: bool = False


def equal(which: Mark, value: int, mask: int = ALL) -> list[Box]:
    """Return the packets whose mark, under a mask, has a value."""
    if value & ~mask:
        return []
    return [
        {
            dimension: TRUE if value >> bit & 1 else FALSE
            for bit, dimension in enumerate(BITS[which])
            if mask >> bit & 1
        }
    ]


def among(which: Mark, some: Numbers) -> Iterator[Box]:
    """Yield the packets whose mark is one of some numbers.

    There is a box for each run of numbers that begin with the same bits.
    """
    for low, high in some:
        start = low
        while start <= high:
            size = start & -start or 1 << MARK_BITS
            while start + size - 1 > high:
                size >>= 1
            yield from equal(which, start, ALL ^ (size - 1))
            start += size


def looked_at(boxes: Iterable[Box]) -> set[int]:
    """Return the bits that conditions name, of either mark: one may be copied to the other."""
    return {NUMBER[dimension] for box in boxes for dimension in box if dimension in NUMBER}


def clear(bits: Iterable[int]) -> Box:
    """Return the marks of what arrives: none."""
    return {BITS[mark][bit]: FALSE for bit in bits for mark in Mark}


def without(box: Box) -> Box:
    """Return a box without its marks."""
    return {dimension: some for dimension, some in box.items() if dimension not in NUMBER}


def only(box: Box, which: Mark) -> Box:
    """Return the bits of one mark in a box."""
    return {dimension: some for dimension, some in box.items() if dimension in BITS[which]}


def changed(box: Box, change: Change, bits: Iterable[int]) -> tuple[Box, bool]:
    """Return the box after a change, and whether all bits in it are still known.

    `bits`: those that some rule looks at.
    """
    new, all_known = dict(box), True
    for bit in bits:
        name = BITS[change.which][bit]
        value = _value(box, change, bit)
        if value is None:
            all_known = all_known and name not in new
            new.pop(name, None)
        else:
            new[name] = TRUE if value else FALSE
    return new, all_known


def _value(box: Box, change: Change, bit: int) -> int | None:
    if change.keep is None:
        return None
    value = change.flip >> bit & 1
    for which, mask in ((change.which, change.keep), (OTHER[change.which], change.copy)):
        if mask >> bit & 1:
            known_bit = box.get(BITS[which][bit])
            if known_bit not in (TRUE, FALSE):
                return None
            value ^= known_bit == TRUE
    return value


def computed(which: Mark, value: Json) -> Change:
    """Return what `meta mark set` or `ct mark set` does with a value in nft's JSON."""
    masks = _masks(value)
    if masks is None:
        return Change(which, None)
    packet, connection, flip = masks
    keep, copy = (packet, connection) if which == PACKET else (connection, packet)
    return Change(which, keep, copy, flip, which == CONNECTION)


def _masks(value: Json) -> tuple[int, int, int] | None:
    """Return a value as bits of the packet's mark, of the connection's and of a constant.

    The three are joined by xor. None for a value of another form.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return 0, 0, value
    if not isinstance(value, dict) or len(value) != 1:
        return None
    ((kind, what),) = value.items()
    if kind in {"meta", "ct"}:
        if an_object(what).get("key") != "mark":
            return None
        return (ALL, 0, 0) if kind == "meta" else (0, ALL, 0)
    if kind not in {"|", "&", "^"} or not isinstance(what, list) or len(what) != 2:
        return None
    left, right = map(_masks, what)
    if left is None or right is None:
        return None
    if kind == "^":
        return left[0] ^ right[0], left[1] ^ right[1], left[2] ^ right[2]
    if any(left[:2]):
        left, right = right, left
    if any(left[:2]):
        return None
    constant, (packet, connection, flip) = left[2], right
    if kind == "&":
        return packet & constant, connection & constant, flip & constant
    return packet & ~constant, connection & ~constant, flip | constant
