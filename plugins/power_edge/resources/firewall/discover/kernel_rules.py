"""The kernel's rules one by one, as far as a declared rule can say the same."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice, product
from typing import NamedTuple

from power_edge.model.generated.resources.firewall_schema import Rule
from power_edge.resources.firewall import traffic
from power_edge.resources.firewall.packets.dimension import DADDR, FAMILY, SADDR, Dimension
from power_edge.resources.firewall.packets.program import (
    INCOMING,
    VERDICTS,
    Action,
    Effect,
    Key,
    Program,
)
from power_edge.resources.firewall.packets.rule_match import PROTOCOLS
from power_edge.resources.firewall.packets.sets import (
    Box,
    Numbers,
    both,
    meet,
    size,
    within,
    without,
)
from power_edge.resources.firewall.undeclared import networks

MANY = 5_000
"""Rules beyond these are not read one by one."""
RANGES = 16
"""Ports and ranges of one rule that are declared. No person would write a longer list."""
MOST_PORTS = 32_768
"""A rule about more ports than these is about all but some, which no person would declare so."""
PEERS = 4
ANY = "any"


class Statement(NamedTuple):
    """A rule that decides or leads on, with the conditions of its callers.

    `chains`: the chains that lead to it, its own last. `limited`: it has a condition on the rate of
    connections, and lets in those that meet it.
    """

    box: Box
    effect: Effect
    chains: tuple[Key, ...]
    limited: bool = False


def statements(program: Program, family: int) -> Iterator[Statement]:
    """Yield the rules about new connections to the node, in the kernel's order.

    Policies are left out, and so are rate limits but for those that let somebody in.
    """
    return islice(_statements(program, family), MANY)


def _statements(program: Program, family: int) -> Iterator[Statement]:
    start = {
        dimension: some
        for dimension, some in traffic.incoming(family).items()
        if dimension not in FAMILY
    }
    for base in program.path(INCOMING, family):
        if base.chain is None or base.nat:
            continue
        for box in base.boxes:
            if (narrowed := meet(start, box)) is not None:
                yield from _chain(program, family, (base.chain,), narrowed)


def _chain(program: Program, family: int, chains: tuple[Key, ...], box: Box) -> Iterator[Statement]:
    for rule in program.chains.get(chains[-1], {}).get(family, ()):
        limited = rule.varies and rule.effect.action is Action.ALLOW
        if (rule.varies and not limited) or rule.effect.action not in {
            *VERDICTS,
            Action.JUMP,
            Action.GOTO,
        }:
            continue
        for mine in rule.boxes:
            if (narrowed := meet(box, mine)) is not None:
                yield Statement(narrowed, rule.effect, chains, limited)
                if rule.effect.target is not None and rule.effect.target not in chains:
                    yield from _chain(program, family, (*chains, rule.effect.target), narrowed)


def rules(box: Box, verdict: str, family: int) -> list[Rule]:
    """Return the packets as rules, each with a port, a source and a target.

    Empty where rules cannot say it. Interfaces are left to judging.
    """
    sport, protocols = box.get(Dimension.SPORT), box.get(Dimension.PROTO)
    if (
        protocols is None
        or (sport is not None and size(sport) < 65536)
        or within(box, traffic.DHCP[family])
    ):
        return []
    ends = [_peers(box.get(side[family]), family) for side in (SADDR, DADDR)]
    declared_rules = [
        Rule(proto=proto, port=port, action=str(verdict), from_=source, to=target)  # type: ignore[arg-type]
        for (proto, port), source, target in product(_services(box, protocols, family), *ends)
    ]
    return [rule for rule in declared_rules if traffic.packets(rule, family) is not None]


def declarable(ports: Numbers) -> Iterator[int | str]:
    """Yield ports as rules declare them. Two neighbours are a list of two (137, 138), and no range.

    Port 0 is left out.
    """
    for first, high in ports:
        low = max(first, 1)
        if high - low > 1:
            yield traffic.port_text(low, high)
        else:
            yield from range(low, high + 1)


def _services(box: Box, protocols: Numbers, family: int) -> Iterator[tuple[str, int | str | None]]:
    ports = box.get(Dimension.DPORT)
    if ports is not None and len(ports) <= RANGES and size(ports) <= MOST_PORTS:
        for proto in ("tcp", "udp"):
            if both(protocols, ((PROTOCOLS[proto], PROTOCOLS[proto]),)):
                yield from ((proto, port) for port in declarable(ports))
    echo = traffic.ECHO[family]
    if ports is None and all(
        not without(some, box.get(dimension, some)) for dimension, some in echo.items()
    ):
        yield "icmp", None


def _peers(some: Numbers | None, family: int) -> list[str]:
    """Return the addresses as a rule can name them; empty where it would take too many.

    All but a few are any; the few are then exceptions.
    """
    beside = () if some is None else without(traffic.UNICAST[family], some)
    if some is None or not beside:
        return [ANY]
    texts, others = (list(islice(networks(each, family), PEERS + 1)) for each in (some, beside))
    return texts if len(texts) <= PEERS else [ANY] if len(others) <= PEERS else []


def merged(by_family: Mapping[int, list[Rule]], judged: Mapping[str, list[int]]) -> list[Rule]:
    """Return the rules of both families as one list.

    Rules about some of the same ports follow each other, in their order. What one family alone says
    of any is said of 0.0.0.0/0 or ::/0. `judged`: action -> the families in which a rule about any
    is judged.
    """
    groups = _groups([rule for rules in by_family.values() for rule in rules])
    services: dict[tuple[str, int], dict[int, list[Rule]]] = {}
    for family in traffic.FAMILIES:
        for rule in dict.fromkeys(by_family.get(family, ())):
            group = groups[rule.proto, rule.port]
            services.setdefault(group, {}).setdefault(family, []).append(rule)
    return [
        rule
        for some in services.values()
        for rule in _merged(some.get(4, []), some.get(6, []), judged)
    ]


def _groups(some: list[Rule]) -> dict[tuple[str, int | str | None], tuple[str, int]]:
    """Return a group for the service of each rule. Services that share a port are in one."""
    found: dict[tuple[str, int | str | None], tuple[str, int]] = {}
    start, last, proto = 0, -1, ""
    for service in sorted({(rule.proto, rule.port) for rule in some}, key=_in_order):
        _, low, high = _in_order(service)
        if service[0] != proto or low > last:
            proto, start, last = service[0], low, high
        last = max(last, high)
        found[service] = (proto, start)
    return found


def _in_order(service: tuple[str, int | str | None]) -> tuple[str, int, int]:
    proto, port = service
    low, high = traffic.ports(port) if port is not None else (0, 0)
    return proto, low, high


def _merged(left: list[Rule], right: list[Rule], judged: Mapping[str, list[int]]) -> Iterator[Rule]:
    for rule in left:
        if _anywhere(rule) and rule in right:
            at = right.index(rule)
            yield from (_of_family(other, 6) for other in right[:at])
            right = right[at + 1 :]
            yield rule
        else:
            yield _of_family(rule, 4) if 6 in judged[rule.action] else rule
    yield from (_of_family(other, 6) for other in right)


def _anywhere(rule: Rule) -> bool:
    return rule.from_ == rule.to == ANY


def _of_family(rule: Rule, family: int) -> Rule:
    return replace(rule, from_={4: "0.0.0.0/0", 6: "::/0"}[family]) if _anywhere(rule) else rule
