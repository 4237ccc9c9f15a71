"""What most connections meet: the default policy, and whether anything filters at all.

docs/verdicts/firewall.md, "Defaults", has what "most" means and why.
"""

from power_edge.resources.firewall import later
from power_edge.resources.firewall.packets.dimension import DADDR, SADDR, Dimension
from power_edge.resources.firewall.packets.program import (
    ALLOW,
    Region,
)
from power_edge.resources.firewall.packets.rule_match import PORTED
from power_edge.resources.firewall.packets.sets import (
    Box,
    Numbers,
    both,
    everything,
    interface,
    meet,
    merge,
    numbers,
    size,
    within,
    without,
)
from power_edge.resources.firewall.queries import (
    address_exists,
    applies,
    trace_all,
    trace_forwarded,
)
from power_edge.resources.firewall.ruleset import Ruleset
from power_edge.resources.firewall.traffic import (
    CLIENTS,
    EXTERNAL,
    LINK_BROADCAST,
    NOT_ICMP,
    PUBLIC,
    TO_BROADCAST,
    UNICAST,
    unusual,
)

MOST_PORTS = 2
""""Most ports" are more than one in this many.

docs/verdicts/firewall.md, "Defaults", has the reason.
"""
MOST_PEERS = 64
""""Most peers" are more than one in this many public addresses (the same page)."""
CLASSES: tuple[tuple[str, Numbers], ...] = (
    ("tcp", ((6, 6),)),
    ("udp", ((17, 17),)),
    ("other protocols", without(NOT_ICMP, numbers([(6, 6), (17, 17)]))),
)
"""The protocols that are counted each by themselves (the same page)."""


def default(ruleset: Ruleset, family: int, action: str, *, outward: bool = False) -> bool | None:
    """Return whether most new connections meet `action`; None where that cannot be decided.

    Only the interfaces of default routes count. What differs for fewer connections than `_most`
    says is a rule, and shows up as an extra.
    """
    answers = {
        _default(ruleset, family, action, regions, outward)
        for regions in trace_all(ruleset, family, outward=outward)
    }
    return answers.pop() if len(answers) == 1 else None


def _default(
    ruleset: Ruleset, family: int, action: str, regions: list[Region], outward: bool
) -> bool | None:
    side, peer, own = (Dimension.OIF, DADDR, SADDR) if outward else (Dimension.IIF, SADDR, DADDR)
    outside = _outside(ruleset)
    verdict: bool | None = True
    for _, protocols in CLASSES:
        kind, total = (
            (Dimension.DPORT, everything(Dimension.DPORT))
            if not without(protocols, PORTED)
            else (Dimension.PROTO, protocols)
        )
        certain, possible = list[Box](), list[Box]()
        for region in regions:
            box = meet(region.box, {Dimension.PROTO: protocols, side: outside, **CLIENTS})
            to_all = within(region.box, TO_BROADCAST) or within(region.box, LINK_BROADCAST)
            if (
                region.verdict == action
                or box is None
                or (unusual(ruleset, region.box) and not to_all)
            ):
                continue
            entry = {
                Dimension.SPORT: box[Dimension.SPORT],
                kind: box.get(kind, total),
                Dimension.PEER: box[peer[family]],
            }
            possible.append(entry)
            if region.sure and not to_all and 2 * size(box[own[family]]) > size(UNICAST[family]):
                certain.append(entry)
        if _most(certain, kind, family, size(total)):
            return False
        if _most(possible, kind, family, size(total)):
            verdict = None
    return verdict


def answered(ruleset: Ruleset, family: int) -> bool | None:
    """Return whether the firewall accepts most answers to connections that the node opens, for TCP
    and for UDP. Return None if that cannot be decided.
    """
    classes = [
        {
            _answered(ruleset, family, regions)
            for regions in later.to_own_connections(ruleset, family, {Dimension.PROTO: protocols})
        }
        for _, protocols in CLASSES[:2]
    ]
    if {False} in classes:
        return False
    return True if all(verdicts == {True} for verdicts in classes) else None


def _answered(ruleset: Ruleset, family: int, regions: list[Region]) -> bool | None:
    certain, possible = list[Box](), list[Box]()
    for region in regions:
        box = meet(region.box, {Dimension.IIF: _outside(ruleset)})
        if region.verdict == ALLOW or box is None or not address_exists(ruleset, region):
            continue
        # The port of the node is the client's, so the two ports are swapped.
        entry = {
            Dimension.SPORT: box[Dimension.DPORT],
            Dimension.DPORT: box.get(Dimension.SPORT, everything(Dimension.SPORT)),
            Dimension.PEER: box[SADDR[family]],
        }
        possible.append(entry)
        if region.sure:
            certain.append(entry)
    if _most(certain, Dimension.DPORT, family, 1 << 16):
        return False
    return None if _most(possible, Dimension.DPORT, family, 1 << 16) else True


def _outside(ruleset: Ruleset) -> Numbers:
    """Return the interfaces to which a default applies."""
    return (
        numbers(interface(name) for name in ruleset.network.outside)
        or ruleset.network.existing
        or EXTERNAL
    )


def _most(entries: list[Box], kind: Dimension, family: int, total: int) -> bool:
    """Return whether these packets are too many to be exceptions from a default.

    They are when most ports differ for most peers, from most of the clients' ports. `kind`: the
    dimension that is counted as ports; `total`: how many there are.
    """
    # Several rules that together open a range count as one.
    merged = [
        box
        for box in merge(entries, (Dimension.SPORT, kind, Dimension.PEER))
        if most_ports(box[Dimension.SPORT], size(CLIENTS[Dimension.SPORT]))
    ]
    sources = numbers(
        pair
        for box in merged
        if most_ports(box.get(kind, everything(kind)), total)
        for pair in box[Dimension.PEER]
    )
    ports = numbers(
        pair
        for box in merged
        if broad(box[Dimension.PEER], family)
        for pair in box.get(kind, everything(kind))
    )
    return broad(sources, family) or most_ports(ports, total)


def most_ports(ports: Numbers, total: int = 1 << 16) -> bool:
    """Return whether these are most of `total` ports."""
    return MOST_PORTS * size(ports) > total


def broad(peers: Numbers, family: int) -> bool:
    """Return whether these addresses are most peers."""
    return MOST_PEERS * size(both(peers, PUBLIC[family])) > size(PUBLIC[family])


def filters(ruleset: Ruleset, family: int) -> bool | None:
    """Return whether something stops incoming connections, whoever opens them.

    None: only connections from some sources are stopped, or it cannot be decided.
    """
    answers = {
        _filters(ruleset, family, regions) for regions in trace_all(ruleset, family, outward=False)
    }
    return answers.pop() if len(answers) == 1 else None


def filters_forwarded(ruleset: Ruleset, family: int) -> bool | None:
    """Return what `filters` returns, for connections that the node forwards."""
    answers = {_filters(ruleset, family, regions) for regions in trace_forwarded(ruleset, family)}
    return answers.pop() if len(answers) == 1 else None


def _filters(ruleset: Ruleset, family: int, regions: list[Region]) -> bool | None:
    stopped = [region for region in regions if region.verdict != ALLOW and applies(ruleset, region)]
    if any(region.sure and broad(region.box[SADDR[family]], family) for region in stopped):
        return True
    return None if stopped else False


def why_unsure(ruleset: Ruleset, family: int) -> str | None:
    """Return why `filters` cannot decide; None where it can, or where only some sources are
    stopped.
    """
    stopped = (
        region
        for regions in trace_all(ruleset, family, outward=False)
        for region in regions
        if region.verdict != ALLOW and applies(ruleset, region)
    )
    return next(
        (
            region.doubt
            for region in stopped
            if region.doubt and broad(region.box[SADDR[family]], family)
        ),
        None,
    )
