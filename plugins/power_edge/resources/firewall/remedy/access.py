"""Whether the operator can still get in after commands have closed the rest.

A rule counts if it is declared. A rule on file counts if no declaration could lead another remedy
to remove it: the commands of all items are run, one after the other.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence, Set

from power_edge.model.generated.resources.firewall_schema import Firewall, Rule
from power_edge.resources.firewall import queries, traffic
from power_edge.resources.firewall.packets.dimension import DADDR, FAMILY, SADDR, Dimension
from power_edge.resources.firewall.packets.program import ALLOW, OPENINGS, Key
from power_edge.resources.firewall.packets.sets import (
    Box,
    Numbers,
    interface,
    meet,
    numbers,
    subtract_all,
)
from power_edge.resources.firewall.ruleset import Ruleset
from power_edge.resources.firewall.ssh_access import TCP, OrderedRule, lets_in

OTHERS = "other rules than those of {} decide on these connections: change them"


def lets_through(others: Ruleset, rule: Rule, verdicts: Set[str]) -> bool:
    """Return whether the rules of others do nothing else with a declared rule's packets."""
    return all(
        each.verdict in verdicts for regions in queries.trace_rule(others, rule) for each in regions
    )


def closed(
    firewall: Firewall, observed: Ruleset, on_file: Sequence[OrderedRule], others: Ruleset
) -> str | None:
    """Return why the operator would be locked out, as a sentence; None: they get in.

    `on_file`: the provider's rules for incoming connections as they will be, in their order.
    `others`: the node without the rules that the commands load.
    """
    tunnel = observed.ssh_access.tunnel()
    if tunnel is not None:
        return (
            f"the connection in use comes through the VPN at {tunnel}, which this might close: "
            "make sure that you can get in without it, then change the rules by hand"
        )
    declared = ordered_rules(firewall.rules or ())
    for family, port, needed in _needs(observed):
        rule = f"{{port: {port}, proto: tcp, action: allow}}"
        about = [each for each in declared if _concerns(each, port)]
        named = lets_in(needed, declared)
        if not named and any(each.action != ALLOW for each in about):
            return (
                f"the declaration closes ssh (port {port}) over IPv{family}: first declare a rule "
                "that allows it from your address"
            )
        if not named and (about or firewall.exclusive or not lets_in(needed, on_file)):
            return f"declare {rule} first: this would close ssh over IPv{family}"
        if not lets_in(needed, on_file):
            return f"another rule stops ssh (port {port}): remove it first"
        if not _gets_through(others, needed):
            return f"rules of another tool stop ssh (port {port}): change them first"
    return None


def _needs(observed: Ruleset) -> Iterator[tuple[int, int, Box]]:
    """Yield family, port and packets of what must get in.

    These are connections like those in use. For a family without one, it is ssh from somewhere, if
    it gets in now.
    """
    used = set()
    for each in observed.ssh_access.connections:
        used.add(each.family)
        yield each.family, each.port, each.box()
    for family in queries.judged_families(observed, ALLOW):
        for port in observed.ssh_access.ports if family not in used else ():
            needed = {
                Dimension.PROTO: TCP,
                Dimension.DPORT: ((port, port),),
                SADDR[family]: traffic.UNICAST[family],
            }
            needed |= {Dimension.IIF: _outside(observed)}
            if _gets_through(observed, needed):
                yield family, port, needed


def _outside(observed: Ruleset) -> Numbers:
    """Return the interfaces of default routes; without any, those of the node."""
    return (
        numbers(interface(name) for name in observed.network.outside)
        or observed.network.existing
        or traffic.EXTERNAL
    )


def ordered_rules(rules: Iterable[Rule]) -> list[OrderedRule]:
    """Return the declared rules about ports, in their order."""
    return [
        OrderedRule(ALLOW if rule.action in OPENINGS else rule.action, _box(rule, family))
        for rule in rules
        if rule.port is not None and not rule.routed
        for family in sorted(traffic.named_families(rule)) or traffic.FAMILIES
    ]


def allowed_now(observed: Ruleset, own: Callable[[Key | None], bool]) -> list[OrderedRule]:
    """Return what the rules of some chains let in now. `own`: whether a chain is one of these."""
    return [
        OrderedRule(ALLOW, {name: some for name, some in each.box.items() if _matters(name, some)})
        for family in traffic.FAMILIES
        for each in queries.open_regions(observed, family)
        if each.sure and own(each.chain)
    ]


def covered(rule: Rule, open_now: Sequence[OrderedRule]) -> bool:
    """Return whether these let in all connections of a declared opening."""
    boxes = [each.box for each in ordered_rules([rule])]
    return not subtract_all(boxes, [each.box for each in open_now])


def _matters(name: Dimension, some: Numbers) -> bool:
    return (
        name in {Dimension.PROTO, Dimension.DPORT}
        or name in FAMILY
        or (name == Dimension.IIF and some != traffic.EXTERNAL)
    )


def _box(rule: Rule, family: int) -> Box:
    box: Box = {**traffic.protocol_of(rule, family), **traffic.arrival(rule)}
    for end, place in zip((SADDR, DADDR), traffic.ends(rule), strict=True):
        box = {**box, end[family]: place[1] if place else traffic.UNICAST[family]}
    return box


def _concerns(each: OrderedRule, port: int) -> bool:
    return (
        meet(each.box, {Dimension.PROTO: ((6, 6),), Dimension.DPORT: ((port, port),)}) is not None
    )


def _gets_through(others: Ruleset, needed: Box) -> bool:
    """Return whether these rules let a needed connection through; of many, some."""
    (family,) = {FAMILY[name] for name in needed if name in FAMILY}
    box = meet(traffic.incoming(family), needed)
    traces = queries.trace(others, family, [box] if box is not None else [])
    return all(
        any(each.verdict == ALLOW and not traffic.unusual(others, each.box) for each in regions)
        for regions in traces
    )
