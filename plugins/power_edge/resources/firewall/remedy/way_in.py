"""Whether the operator could still get in when commands have closed the rest.

A rule counts where it is declared, or where it is on file and nothing that is declared could lead
another remedy to remove it: the commands of all items are run, one after the other.
"""

from collections.abc import Iterable, Iterator, Sequence, Set

from power_edge.model.generated.resources.firewall_schema import Firewall, Rule
from power_edge.resources.firewall import queries
from power_edge.resources.firewall.observation import Ruleset
from power_edge.resources.firewall.packet_filter import ALLOW
from power_edge.resources.firewall.packet_sets import (
    Box,
    Numbers,
    interface,
    meet,
    numbers,
    subtract_all,
)
from power_edge.resources.firewall.way import TCP, Verdict, keeps

OTHERS = "other rules than {}'s decide on these connections: change those"


def lets_through(others: Ruleset, rule: Rule, verdicts: Set[str]) -> bool:
    """Whether the rules of others do nothing else with a declared rule's packets."""
    for family in sorted(queries.named_families(rule)) or queries.judged_families(
        others, rule.action
    ):
        box = queries.packets(rule, family)
        for regions in queries.fare(others, family, [box] if box is not None else []):
            if any(each.verdict not in verdicts for each in regions):
                return False
    return True


def closed(
    firewall: Firewall, observed: Ruleset, on_file: Sequence[Verdict], others: Ruleset
) -> str | None:
    """Why the way in would be closed, as a sentence for people; None: it stays open.

    `on_file`: the provider's rules for incoming connections as they will be, in their order.
    `others`: the node without what the commands load.
    """
    tunnel = observed.way.tunnel()
    if tunnel is not None:
        return (
            f"the connection in use comes through the VPN at {tunnel}, and what that needs is not "
            "known: make sure of another way in, then do it by hand"
        )
    declared = verdicts(firewall.rules or ())
    for family, port, need in _needs(observed):
        rule = f"{{port: {port}, proto: tcp, action: allow}}"
        about = [each for each in declared if _concerns(each, port)]
        named = keeps(need, declared)
        if not named and any(each.action != ALLOW for each in about):
            return f"the declaration itself closes ssh (port {port}) over IPv{family}: allow it from where you are first"
        if not named and (about or firewall.exclusive or not keeps(need, on_file)):
            return f"declare {rule} first: otherwise ssh over IPv{family} would be closed"
        if not keeps(need, on_file):
            return f"another rule keeps ssh (port {port}) from getting in: remove that first"
        if not _gets_through(others, need):
            return f"rules of others stop ssh (port {port}): change these first"
    return None


def _needs(observed: Ruleset) -> Iterator[tuple[int, int, Box]]:
    """Family, port and packets of what must get in: connections like those in use, and where none
    of a family is, ssh from somewhere, if it gets in now.
    """
    used = set()
    for each in observed.way.connections:
        used.add(each.family)
        yield each.family, each.port, each.box()
    for family in queries.judged_families(observed, ALLOW):
        for port in observed.way.ports if family not in used else ():
            need = {
                "proto": TCP,
                "dport": ((port, port),),
                f"saddr{family}": queries.UNICAST[family],
            }
            need |= {"iif": _outside(observed)}
            if _gets_through(observed, need):
                yield family, port, need


def _outside(observed: Ruleset) -> Numbers:
    """The interfaces of default routes, without any the node's own."""
    return (
        numbers(interface(name) for name in observed.outside) or observed.existing or queries.OUTER
    )


def verdicts(rules: Iterable[Rule]) -> list[Verdict]:
    """Declared rules about ports, as they decide one after the other."""
    return [
        Verdict(rule.action, _box(rule, family))
        for rule in rules
        if rule.port is not None
        for family in sorted(queries.named_families(rule)) or queries.FAMILIES
    ]


def allowed_now(observed: Ruleset, by: str) -> list[Verdict]:
    """What rules whose text holds `by` let in now."""
    return [
        Verdict(ALLOW, {name: some for name, some in each.box.items() if _matters(name, some)})
        for family in queries.FAMILIES
        for each in queries.open_regions(observed, family)
        if each.sure and by in each.by
    ]


def covered(rule: Rule, open_now: Sequence[Verdict]) -> bool:
    """Whether these let in all that a declared opening speaks of."""
    boxes = [each.box for each in verdicts([rule])]
    return not subtract_all(boxes, [each.box for each in open_now])


def _matters(name: str, some: Numbers) -> bool:
    return name in {"proto", "dport"} or "addr" in name or (name == "iif" and some != queries.OUTER)


def _box(rule: Rule, family: int) -> Box:
    box: Box = queries.protocol_of(rule, family)
    for end, place in zip(("saddr", "daddr"), queries.ends(rule).values(), strict=True):
        box = {**box, f"{end}{family}": place[1] if place else queries.UNICAST[family]}
    return box


def _concerns(each: Verdict, port: int) -> bool:
    return meet(each.box, {"proto": ((6, 6),), "dport": ((port, port),)}) is not None


def _gets_through(others: Ruleset, need: Box) -> bool:
    """Whether these rules let a needed connection through, or some of them if many."""
    (family,) = {int(name[-1]) for name in need if "addr" in name}
    box = meet(queries.incoming(family), need)
    ways = queries.fare(others, family, [box] if box is not None else [])
    return all(
        any(each.verdict == ALLOW and not queries.odd(others, each.box) for each in regions)
        for regions in ways
    )
