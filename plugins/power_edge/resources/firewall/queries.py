"""What happens to the packets that a declaration is about in a ruleset."""

from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, wraps
from typing import Any, NamedTuple, ParamSpec, TypeVar

from power_edge.model.generated.resources.firewall_schema import Rule
from power_edge.resources.firewall.packets import marks
from power_edge.resources.firewall.packets.chain_order import orders
from power_edge.resources.firewall.packets.dimension import DADDR, Dimension
from power_edge.resources.firewall.packets.program import (
    ALLOW,
    DENY,
    FORWARDED,
    INCOMING,
    LIMIT,
    OUTGOING,
    QUESTION_STEPS,
    REJECT,
    SURVEY_STEPS,
    Action,
    Effort,
    Region,
    Undecidable,
)
from power_edge.resources.firewall.packets.sets import (
    FALSE,
    Box,
    Numbers,
    both,
    numbers,
    size,
    subtract_all,
    without,
)
from power_edge.resources.firewall.packets.walk import walk
from power_edge.resources.firewall.rate_sides import beyond_rates, within_rates
from power_edge.resources.firewall.ruleset import Ruleset
from power_edge.resources.firewall.traffic import (
    CARRIERS,
    EXTERNAL,
    FAMILIES,
    FROM_RESERVED,
    LINK_LOCAL,
    NO_INTERFACE,
    NOT_ICMP,
    forwarded,
    hooks_of,
    incoming,
    named_families,
    outgoing,
    packets,
    unusual,
)

P = ParamSpec("P")
T = TypeVar("T")


def _cached(answer: Callable[P, T]) -> Callable[P, T]:
    """Cache a function's answers, the answer Undecidable included."""

    @lru_cache(maxsize=16)
    def remembered(*args: Any, **kwargs: Any) -> T | Undecidable:
        try:
            return answer(*args, **kwargs)
        except Undecidable as error:
            return error

    @wraps(answer)
    def cached(*args: P.args, **kwargs: P.kwargs) -> T:
        found = remembered(*args, **kwargs)  # type: ignore[arg-type]
        if isinstance(found, Undecidable):
            raise Undecidable(str(found))
        return found

    return cached


def trace(
    ruleset: Ruleset, family: int, boxes: Iterable[Box], hooks: tuple[str, ...] = INCOMING
) -> list[list[Region]]:
    """Return what happens to packets: a list of regions for each order in which the kernel may run
    chains.

    Left out is what is irrelevant (`is_irrelevant`). Undecidable as `walk`.
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
            if not is_irrelevant(ruleset, region)
        ]
        for regions in every
    ]


def _marked(ruleset: Ruleset, boxes: list[Box], hooks: tuple[str, ...]) -> Iterator[Region]:
    """Yield the packets with the marks that they may have on arrival.

    They have none, unless a tunnel or, for outgoing ones, a program of the node set one.
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
                doubt="a tunnel may keep the mark of the packet that carried it",
            )
            for box in boxes
        )


@_cached
def _carried(ruleset: Ruleset) -> tuple[Box, ...]:
    """Return the marks that rules give to packets in which a tunnel may carry others.

    What comes out of the tunnel may keep them.
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


@_cached
def trace_all(ruleset: Ruleset, family: int, *, outward: bool) -> list[list[Region]]:
    """Return what happens to everything but ICMP, incoming or (`outward`) outgoing."""
    box = {**(outgoing(family) if outward else incoming(family)), Dimension.PROTO: NOT_ICMP}
    return _trace(ruleset, family, [box], OUTGOING if outward else INCOMING, Effort(SURVEY_STEPS))


@_cached
def open_to_reserved(ruleset: Ruleset) -> list[Box]:
    """Return what certainly lets in those whose address no host should have, but for ICMP."""
    box = {**incoming(4), **FROM_RESERVED, Dimension.PROTO: NOT_ICMP}
    every = _trace(ruleset, 4, [box], INCOMING, Effort(SURVEY_STEPS))
    return [
        region.box
        for regions in every
        for region in regions
        if region.verdict == ALLOW and region.sure and interface_exists(ruleset, region)
    ]


def families_of(ruleset: Ruleset, rule: Rule) -> list[int]:
    """Return the families in which a declared rule is judged."""
    return sorted(named_families(rule)) or judged_families(ruleset, rule.action)


def trace_rule(ruleset: Ruleset, rule: Rule) -> Iterator[list[Region]]:
    """Yield what happens to a declared rule's packets, for each family and each order of its
    chains."""
    for family in families_of(ruleset, rule):
        box = packets(rule, family)
        yield from trace(ruleset, family, [box] if box is not None else [], hooks_of(rule))


class Demand(NamedTuple):
    """What a declared rule demands of a node: its packets must meet one of some verdicts.

    `beyond`: it is about connections that come faster than any rate allows.
    """

    ruleset: Ruleset
    verdicts: frozenset[Action]
    beyond: bool = False


def demands(ruleset: Ruleset, rule: Rule, family: int) -> list[Demand]:
    """Return the demands of a rule in one family. A limit has two: the first connections are
    accepted, and those beyond all rates are not.

    Over IPv6 the first one counts as for `allow`: where the node has more than link-local
    addresses, or the rule names one.
    """
    if rule.action != LIMIT:
        return [Demand(ruleset, frozenset({Action(rule.action)}))]
    beyond = Demand(beyond_rates(ruleset), frozenset({DENY, REJECT}), beyond=True)
    if family in (sorted(named_families(rule)) or judged_families(ruleset, ALLOW)):
        return [Demand(within_rates(ruleset), frozenset({ALLOW})), beyond]
    return [beyond]


def trace_demands(ruleset: Ruleset, rule: Rule) -> Iterator[tuple[Demand, list[Region]]]:
    """Yield each demand of a rule, and what happens to its packets, as `trace_rule`."""
    for family in families_of(ruleset, rule):
        box = packets(rule, family)
        for demand in demands(ruleset, rule, family):
            boxes = [box] if box is not None else []
            for regions in trace(demand.ruleset, family, boxes, hooks_of(rule)):
                yield demand, regions


def judged_families(ruleset: Ruleset, action: str) -> list[int]:
    """Return the families in which a rule from any to any is judged.

    IPv6 counts only where the node has IPv6 addresses; for `allow`, others than link-local ones.
    """
    if ruleset.network.inet6 is None:
        return [4, 6]
    addresses = numbers((number, number) for number in ruleset.network.inet6)
    return [4, 6] if (without(addresses, LINK_LOCAL) if action == ALLOW else addresses) else [4]


def is_irrelevant(ruleset: Ruleset, region: Region) -> bool:
    """Return whether a region says nothing for or against a verdict: unusual packets, stopped.

    No host connects from TCP port 0 (RFC 6335 reserves it; bind(2) takes it for any port), so a
    firewall may refuse it where `allow` is declared. Linux accepts such a packet, so it must not
    get in where `deny` is declared. UDP has such packets (RFC 768). The same holds for the others
    in `UNUSUAL` (by packets on Linux 6.18).
    """
    return region.verdict != ALLOW and unusual(ruleset, region.box)


def applies(ruleset: Ruleset, region: Region) -> bool:
    """Return whether a region is about an interface and an address that the node has."""
    return interface_exists(ruleset, region) and address_exists(ruleset, region)


def address_exists(ruleset: Ruleset, region: Region) -> bool:
    """Return whether a region is about an address that the node has; if it is forwarded, always."""
    return region.box.get(Dimension.DLOCAL) == FALSE or all(
        both(region.box.get(DADDR[family], own), own)
        for family, own in ruleset.network.addresses.items()
    )


SIDES = (Dimension.IIF, Dimension.OIF)


def interface_exists(ruleset: Ruleset, region: Region, named: Iterable[Dimension] = ()) -> bool:
    """Return whether a region is about interfaces that the node has. `named`: the sides (IIF, OIF)
    that do not count, since a rule names an interface there.
    """
    reaches = (region.box[side] for side in SIDES if side not in named)
    return all(
        reach in {EXTERNAL, NO_INTERFACE} or both(reach, ruleset.network.existing)
        for reach in reaches
    )


def most_interfaces(region: Region) -> bool:
    """Return whether a region is about nearly all names that an interface could have."""
    reach = region.box[Dimension.IIF]
    return size(reach) > size(without(EXTERNAL, reach))


@_cached
def trace_forwarded(ruleset: Ruleset, family: int) -> list[list[Region]]:
    """Return what happens to everything but ICMP that the node forwards."""
    box = {**forwarded(family), Dimension.PROTO: NOT_ICMP}
    return _trace(ruleset, family, [box], FORWARDED, Effort(SURVEY_STEPS))


def open_regions(ruleset: Ruleset, family: int) -> Iterator[Region]:
    """Yield what is let in, but for ICMP.

    A region is sure if every order of chains lets it in. Undecidable as `walk`.
    """
    every = trace_all(ruleset, family, outward=False)
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
