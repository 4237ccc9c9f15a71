"""The kernel's rules one by one, as far as a declared rule can say the same."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice, product
from typing import NamedTuple

from power_edge.model.generated.resources.firewall_schema import Rule
from power_edge.resources.firewall import traffic
from power_edge.resources.firewall.dimension import DADDR, FAMILY, SADDR, Dimension
from power_edge.resources.firewall.packet_filter import (
    INCOMING,
    VERDICTS,
    Action,
    Effect,
    Key,
    Program,
)
from power_edge.resources.firewall.packet_sets import (
    Box,
    Numbers,
    both,
    meet,
    size,
    within,
    without,
)
from power_edge.resources.firewall.rule_match import PROTOCOLS
from power_edge.resources.firewall.undeclared import networks

MANY = 5_000
"""Rules beyond these are not read one by one."""
PORTS = 16
"""Ports of one rule that are declared one by one. No person would write a longer list."""
PEERS = 4
ANY = "any"


class Statement(NamedTuple):
    """A rule that decides or leads on, with the conditions of its callers.

    `chains`: the chains that lead to it, its own last.
    """

    box: Box
    effect: Effect
    chains: tuple[Key, ...]


def statements(program: Program, family: int) -> Iterator[Statement]:
    """Yield the rules about new connections to the node, in the kernel's order.

    Policies and rate limits are left out.
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
        if rule.varies or rule.effect.action not in {*VERDICTS, Action.JUMP, Action.GOTO}:
            continue
        for mine in rule.boxes:
            if (narrowed := meet(box, mine)) is not None:
                yield Statement(narrowed, rule.effect, chains)
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


def _services(box: Box, protocols: Numbers, family: int) -> Iterator[tuple[str, int | None]]:
    ports = box.get(Dimension.DPORT)
    if ports is not None and size(ports) <= PORTS:
        for proto in ("tcp", "udp"):
            if both(protocols, ((PROTOCOLS[proto], PROTOCOLS[proto]),)):
                yield from (
                    (proto, port) for low, high in ports for port in range(max(low, 1), high + 1)
                )
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

    Rules about one service follow each other, in their order. What one family alone says of any is
    said of 0.0.0.0/0 or ::/0. `judged`: action -> the families in which a rule about any is judged.
    """
    services: dict[tuple[str, int | None], dict[int, list[Rule]]] = {}
    for family in traffic.FAMILIES:
        for rule in dict.fromkeys(by_family.get(family, ())):
            services.setdefault((rule.proto, rule.port), {}).setdefault(family, []).append(rule)
    return [
        rule
        for some in services.values()
        for rule in _merged(some.get(4, []), some.get(6, []), judged)
    ]


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
