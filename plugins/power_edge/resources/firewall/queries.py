"""What is asked of a ruleset: the packets that a declaration speaks of, and how they fare."""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, wraps
from typing import Any, ParamSpec, TypeVar

from power_edge.resources.firewall import marks
from power_edge.resources.firewall.chain_order import orders
from power_edge.resources.firewall.dimension import DADDR, Dimension
from power_edge.resources.firewall.observation import Ruleset
from power_edge.resources.firewall.packet_filter import (
    ALLOW,
    INCOMING,
    OUTGOING,
    QUESTION_STEPS,
    SURVEY_STEPS,
    Effort,
    Region,
    Undecidable,
)
from power_edge.resources.firewall.packet_sets import (
    Box,
    Numbers,
    both,
    numbers,
    subtract_all,
    without,
)
from power_edge.resources.firewall.packet_walk import walk
from power_edge.resources.firewall.traffic import (
    CARRIERS,
    EXTERNAL,
    FAMILIES,
    LINK_LOCAL,
    NOT_ICMP,
    incoming,
    outgoing,
    unusual,
)

P = ParamSpec("P")
T = TypeVar("T")


def _cached(answer: Callable[P, T]) -> Callable[P, T]:
    """Answer a question that many others need once, also where the answer is that it is
    undecidable.
    """

    @lru_cache(maxsize=16)
    def kept(*args: Any, **kwargs: Any) -> T | Undecidable:
        try:
            return answer(*args, **kwargs)
        except Undecidable as error:
            return error

    @wraps(answer)
    def once(*args: P.args, **kwargs: P.kwargs) -> T:
        found = kept(*args, **kwargs)  # type: ignore[arg-type]
        if isinstance(found, Undecidable):
            raise Undecidable(str(found))
        return found

    return once


def trace(
    ruleset: Ruleset, family: int, boxes: Iterable[Box], hooks: tuple[str, ...] = INCOMING
) -> list[list[Region]]:
    """How the packets fare: a list of regions for each order in which the kernel may run chains of
    equal priority. Undecidable as `walk`.

    Without what no host sends and is stopped (`tells_nothing`).
    """
    return _trace(ruleset, family, boxes, hooks, Effort(QUESTION_STEPS))


def _trace(
    ruleset: Ruleset, family: int, boxes: Iterable[Box], hooks: tuple[str, ...], effort: Effort
) -> list[list[Region]]:
    start = list(_marked(ruleset, list(boxes), hooks))
    every = [
        walk(program, hooks, family, start, effort)
        for program in orders(ruleset.program, hooks, family, effort)
    ]
    return [
        [
            region._replace(box=marks.without(region.box))
            for region in regions
            if not tells_nothing(ruleset, region)
        ]
        for regions in every
    ]


def _marked(ruleset: Ruleset, boxes: list[Box], hooks: tuple[str, ...]) -> Iterator[Region]:
    """The packets with the marks that they bring: none, if no tunnel or program of the node's own
    gave them one.
    """
    bits = ruleset.program.bits
    clear = marks.clear(bits)
    yield from (Region({**box, **clear}) for box in boxes)
    if not bits:
        return
    if hooks == OUTGOING:
        free = {
            dimension: some
            for dimension, some in clear.items()
            if dimension not in marks.only(clear, marks.PACKET)
        }
        yield from (
            Region({**box, **free}, sure=False, doubt="a program of the node may have set a mark")
            for box in boxes
        )
        return
    for carried in _carried(ruleset):
        yield from (
            Region(
                {**box, **clear, **carried},
                sure=False,
                doubt="a tunnel may keep the mark of what carried it",
            )
            for box in boxes
        )


@_cached
def _carried(ruleset: Ruleset) -> tuple[Box, ...]:
    """The marks other than none that rules give to packets in which others may be wrapped: what
    comes out of a tunnel may keep them.
    """
    program, found = ruleset.program, dict[tuple[tuple[str, Numbers], ...], Box]()
    if not any(
        rule.changes
        for chain in program.chains.values()
        for some in chain.values()
        for rule in some
    ):
        return ()
    clear = marks.clear(program.bits)
    for family in FAMILIES:
        effort = Effort(SURVEY_STEPS)
        start = [Region({**incoming(family), Dimension.PROTO: CARRIERS, **clear})]
        for order in orders(program, INCOMING, family, effort):
            for region in walk(order, INCOMING, family, start, effort):
                mark = marks.only(region.box, marks.PACKET)
                if region.verdict == ALLOW and mark != marks.only(clear, marks.PACKET):
                    found.setdefault(tuple(sorted(mark.items())), mark)
    return tuple(found.values())


def trace_all(ruleset: Ruleset, family: int, outward: bool = False) -> list[list[Region]]:
    """How everything but ICMP fares, incoming or outgoing."""
    return _trace_all(ruleset, family, outward)


@_cached
def _trace_all(ruleset: Ruleset, family: int, outward: bool) -> list[list[Region]]:
    box = {**(outgoing(family) if outward else incoming(family)), Dimension.PROTO: NOT_ICMP}
    return _trace(ruleset, family, [box], OUTGOING if outward else INCOMING, Effort(SURVEY_STEPS))


def judged_families(ruleset: Ruleset, action: str) -> list[int]:
    """The families in which `any` is judged: IPv6 only where the node has addresses of it; to
    allow, more than link-local ones.
    """
    if ruleset.inet6 is None:
        return [4, 6]
    addresses = numbers((number, number) for number in ruleset.inet6)
    return [4, 6] if (without(addresses, LINK_LOCAL) if action == ALLOW else addresses) else [4]


def tells_nothing(ruleset: Ruleset, region: Region) -> bool:
    """Whether a region is of packets that no host sends, and they are stopped: then it speaks for
    and against nothing.

    No host connects from TCP port 0 (it is reserved, RFC 6335; bind(2) takes it for any port), so
    it may be refused where all is declared allowed. Linux takes such a packet, so whoever makes one
    by hand must not get in where it is declared closed. UDP has such packets (RFC 768). The same is
    true of the others in `UNUSUAL` (by packets on Linux 6.18).
    """
    return region.verdict != ALLOW and unusual(ruleset, region.box)


def applies(ruleset: Ruleset, region: Region) -> bool:
    """Whether the region speaks of an interface and an address that the node has."""
    return interface_exists(ruleset, region) and all(
        both(region.box.get(DADDR[family], own), own) for family, own in ruleset.addresses.items()
    )


def interface_exists(ruleset: Ruleset, region: Region) -> bool:
    """Whether the region speaks of an interface that the node has."""
    reach = region.box.get(Dimension.IIF, EXTERNAL)
    return reach == EXTERNAL or bool(both(reach, ruleset.existing))


def open_regions(ruleset: Ruleset, family: int) -> Iterator[Region]:
    """What is let in, but for ICMP.

    Sure is what every order of chains lets in. Undecidable as `walk`.
    """
    every = trace_all(ruleset, family)
    effort = Effort(QUESTION_STEPS)
    for number, regions in enumerate(every):
        others = [
            region for place, other in enumerate(every) if place != number for region in other
        ]
        doubtful = [region.box for region in others if region.verdict != ALLOW or not region.sure]
        for region in regions:
            if region.verdict != ALLOW:
                continue
            effort.spend(len(doubtful))
            certain = subtract_all([region.box], doubtful) if region.sure else []
            if number == 0:
                yield from (region._replace(box=box) for box in certain)
            for box in subtract_all([region.box], certain) if certain != [region.box] else []:
                yield region._replace(
                    box=box, sure=False, doubt=region.doubt or "chains have equal priority"
                )
