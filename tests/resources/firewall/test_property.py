"""Random small firewalls, judged, against a simulator that sends packet after packet through them.

The simulator uses no sets: it walks chains with one packet, and at an opaque rule or a rate limit
it tries both ways. A pass is wrong if any packet of the declaration could fare otherwise, and a
drift if none does.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby, permutations, product
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from power_edge.model import Outcome
from power_edge.model.generated.resources.firewall_schema import Firewall, Rule
from power_edge.resources.firewall.judge import Declared, judge
from power_edge.resources.firewall.observation import parse
from power_edge.resources.firewall.ruleset import Ruleset
from tests.support.firewalls import unexpected_conditions

INTERFACES = ("eth0", "eth1", "wg0")
SOURCES = {
    4: ("9.255.255.255", "10.0.0.1", "10.1.0.0", "10.1.255.255", "10.2.0.1", "11.0.0.0"),
    6: ("fd00::1", "fd01::1", "2001:db8::1"),
}
NETWORKS = {4: ("10.0.0.0/8", "10.1.0.0/16"), 6: ("fd00::/16",)}
MEMBERS = {"10.0.0.0/8": ("10.",), "10.1.0.0/16": ("10.1.",), "fd00::/16": ("fd00:",)}
PORTS = (21, 22, 23, 79, 80, 443)

ENDS = {"accept": "allow", "drop": "deny", "reject": "reject"}


class Packet(NamedTuple):
    family: int
    proto: str
    port: int
    source: str
    interface: str
    mark: int = 0
    state: str = "new"


@dataclass(frozen=True)
class Step:
    """A rule, as little as it takes. A condition that is None holds for all packets.

    `blind`: a condition that nobody can interpret. `mark`: (value, mask) that the packet's mark
    must have. `sets`: the mark that it gets; iptables has no rule that sets one and ends.
    """

    action: str
    target: int = 0
    proto: str | None = None
    ports: tuple[int, int] | None = None
    network: str | None = None
    negated: bool = False
    interface: str | None = None
    state: str | None = None
    blind: bool = False
    limited: bool = False
    mark: tuple[int, int] | None = None
    sets: int | None = None
    over: bool = False

    def matches(self, packet: Packet) -> bool:
        if self.network is not None:
            family = 6 if ":" in self.network else 4
            if (
                packet.family != family
                or packet.source.startswith(MEMBERS[self.network]) is self.negated
            ):
                return False
        return (
            self.proto in {None, packet.proto}
            and (self.ports is None or self.ports[0] <= packet.port <= self.ports[1])
            and (
                self.interface is None
                or packet.interface == self.interface
                or (self.interface == "eth*" and packet.interface.startswith("eth"))
            )
            and (self.state is None or packet.state in self.state.split(","))
            and (self.mark is None or packet.mark & self.mark[1] == self.mark[0])
        )


class Chain(NamedTuple):
    """The first chains of a firewall are base chains; steps jump to later ones only."""

    steps: tuple[Step, ...]
    hook: str = ""
    priority: int = 0
    policy: str = "accept"


def outcomes(
    chains: tuple[Chain, ...], packet: Packet, seeing: frozenset[tuple[int, int]]
) -> set[str]:
    """Return what may become of a packet, if just the blind rules in `seeing` match.

    Several outcomes come from rate limits, or from the order of chains.
    """

    def place(one: tuple[int, Chain]) -> tuple[bool, int]:
        return one[1].hook != "prerouting", one[1].priority

    bases = sorted((one for one in enumerate(chains) if one[1].hook), key=place)
    groups = [permutations(number for number, _ in group) for _, group in groupby(bases, place)]
    return {
        outcome
        for order in product(*groups)
        for outcome in _through(
            [number for some in order for number in some], chains, packet, seeing
        )
    }


def _through(
    bases: list[int], chains: tuple[Chain, ...], packet: Packet, seeing: frozenset[tuple[int, int]]
) -> set[str]:
    if not bases:
        return {"allow"}
    found = set()
    for end, after in _run(bases[0], 0, chains, packet, seeing):
        verdict = chains[bases[0]].policy if end == "return" else end
        found |= (
            _through(bases[1:], chains, after, seeing) if verdict == "accept" else {ENDS[verdict]}
        )
    return found


def _run(
    number: int,
    at: int,
    chains: tuple[Chain, ...],
    packet: Packet,
    seeing: frozenset[tuple[int, int]],
) -> set[tuple[str, Packet]]:
    """Return how a packet may leave a chain, and with what mark."""
    steps = chains[number].steps
    if at == len(steps):
        return {("return", packet)}
    step = steps[at]
    matches = step.matches(packet) and (not step.blind or (number, at) in seeing)
    found = set()
    if not matches or step.limited:
        found |= _run(number, at + 1, chains, packet, seeing)
    if not matches:
        return found
    marked = packet if step.sets is None else packet._replace(mark=step.sets)
    if step.action in {"jump", "goto"}:
        for end, after in _run(step.target, 0, chains, marked, seeing):
            found |= (
                {(end, after)}
                if end != "return" or step.action == "goto"
                else _run(number, at + 1, chains, after, seeing)
            )
    elif step.action == "continue":
        found |= _run(number, at + 1, chains, marked, seeing)
    else:
        found.add((step.action, marked))
    return found


def every_fate(chains: tuple[Chain, ...], packet: Packet) -> Iterator[set[str]]:
    blind = [
        (number, at)
        for number, chain in enumerate(chains)
        for at, step in enumerate(chain.steps)
        if step.blind
    ]
    for choice in product((False, True), repeat=len(blind)):
        yield outcomes(
            chains,
            packet,
            frozenset(place for place, sees in zip(blind, choice, strict=True) if sees),
        )


def as_nft(chains: tuple[Chain, ...]) -> bytes:
    objects: list[dict[str, Any]] = [{"table": {"family": "inet", "name": "t", "handle": 1}}]
    for number, chain in enumerate(chains):
        body: dict[str, Any] = {
            "family": "inet",
            "table": "t",
            "name": f"c{number}",
            "handle": number,
        }
        if chain.hook:
            body |= {
                "type": "filter",
                "hook": chain.hook,
                "prio": chain.priority,
                "policy": chain.policy,
            }
        objects.append({"chain": body})
    for number, chain in enumerate(chains):
        for step in chain.steps:
            objects.append(
                {
                    "rule": {
                        "family": "inet",
                        "table": "t",
                        "chain": f"c{number}",
                        "handle": 1,
                        "expr": list(_nft(step)),
                    }
                }
            )
    return json.dumps({"nftables": objects}).encode()


def _match(left: Any, right: Any, op: str = "==") -> dict[str, Any]:
    return {"match": {"op": op, "left": left, "right": right}}


def _nft(step: Step) -> Iterator[Any]:
    if step.network is not None:
        address, _, length = step.network.partition("/")
        left = {"payload": {"protocol": "ip6" if ":" in address else "ip", "field": "saddr"}}
        yield _match(
            left, {"prefix": {"addr": address, "len": int(length)}}, "!=" if step.negated else "=="
        )
    if step.interface is not None:
        yield _match({"meta": {"key": "iifname"}}, step.interface)
    if step.state is not None:
        yield _match({"ct": {"key": "state"}}, step.state.split(","), "in")
    if step.ports is not None:
        low, high = step.ports
        yield _match(
            {"payload": {"protocol": step.proto, "field": "dport"}},
            low if low == high else {"range": [low, high]},
        )
    elif step.proto is not None:
        yield _match({"meta": {"key": "l4proto"}}, step.proto)
    if step.blind:
        yield _match({"meta": {"key": "skuid"}}, 1)
    if step.mark is not None:
        yield _match({"&": [{"meta": {"key": "mark"}}, step.mark[1]]}, step.mark[0])
    if step.limited:
        yield {"limit": {"rate": 2, "burst": 2, "per": "minute", "inv": step.over}}
    if step.sets is not None:
        yield {"mangle": {"key": {"meta": {"key": "mark"}}, "value": step.sets}}
    if step.action == "continue":
        return
    yield {step.action: {"target": f"c{step.target}"} if step.action in {"jump", "goto"} else None}


def as_iptables(chains: tuple[Chain, ...], family: int) -> bytes:
    """What iptables can say: one base chain, in the table filter."""
    names = ["INPUT", *(f"c{number}" for number in range(1, len(chains)))]
    policies = [chains[0].policy.upper(), *("-" for _ in chains[1:])]
    lines = [
        "*filter",
        *(f":{name} {policy} [0:0]" for name, policy in zip(names, policies, strict=True)),
    ]
    for name, chain in zip(names, chains, strict=True):
        lines += [
            f"-A {name}{_iptables(step)}"
            for step in chain.steps
            if step.network is None or (":" in step.network) is (family == 6)
        ]
    return "\n".join([*lines, "COMMIT"]).encode()


def _iptables(step: Step) -> str:
    text = ""
    if step.network is not None:
        text += f"{' !' if step.negated else ''} -s {step.network}"
    if step.interface is not None:
        text += f" -i {step.interface.replace('*', '+')}"
    if step.proto is not None:
        text += f" -p {step.proto}"
    if step.ports is not None:
        low, high = step.ports
        text += f" -m {step.proto} --dport {low}" + (f":{high}" if high != low else "")
    if step.state is not None:
        text += f" -m conntrack --ctstate {step.state.upper()}"
    if step.blind:
        text += ' -m string --string "-j ACCEPT" --algo bm'
    if step.mark is not None:
        text += f" -m mark --mark {step.mark[0]}/{step.mark[1]}"
    if step.limited:
        text += " -m limit --limit 2/min"
    if step.sets is not None:
        return f"{text} -j MARK --set-xmark {step.sets:#x}/0xffffffff"
    action = {"jump": f"-j c{step.target}", "goto": f"-g c{step.target}"}
    return f"{text} {action.get(step.action, f'-j {step.action.upper()}')}"


def answer(**sections: bytes) -> bytes:
    """What the probe prints on a node with these readings."""
    devices = "\n".join(("lo", *INTERFACES)).encode()
    have = {
        **sections,
        "interfaces": devices,
        "routes": b"",
        "inet6": b"20010db8000000000000000000000002 02 40 00 82 eth0",
    }
    have = {name.replace("_", "-"): text for name, text in have.items()}
    return (
        b"".join(
            b"= %s 0\n" % name.encode() + b"".join(b" %s\n" % line for line in text.split(b"\n"))
            for name, text in have.items()
        )
        + b"= end 0\n"
    )


def observed_by_nft(chains: tuple[Chain, ...]) -> Ruleset:
    observed = parse(answer(nft=as_nft(chains)))[""]
    assert isinstance(observed, Ruleset)
    assert not unexpected_conditions(observed)
    return observed


def observed_by_iptables(chains: tuple[Chain, ...]) -> Ruleset:
    readings = {
        f"{name}_legacy": as_iptables(chains, family) for name, family in (("ip", 4), ("ip6", 6))
    }
    names = {f"{name}_legacy_tables": b"filter" for name in ("ip", "ip6")}
    observed = parse(answer(nft=b'{"nftables": []}', **names, **readings))[""]
    assert isinstance(observed, Ruleset)
    return observed


MARKS = st.sampled_from([(1, 1), (2, 3), (0, 2), (4, 4)])


def marking(step: Step) -> Step:
    """A step that sets a mark ends nothing, as in iptables."""
    return step if step.sets is None else replace(step, action="continue")


def steps(last: int, first_target: int) -> st.SearchStrategy[Step]:
    """Rules of a chain that may jump to the chains from `first_target` to `last`."""
    actions = ["accept", "drop", "reject", "return"] + (
        ["jump", "goto"] if first_target <= last else []
    )
    ports = st.sampled_from([(22, 22), (22, 23), (80, 80), (1, 79), (0, 65535)])
    return st.builds(
        lambda with_ports, **rest: Step(ports=with_ports if rest["proto"] else None, **rest),
        with_ports=st.none() | ports,
        action=st.sampled_from(actions),
        target=st.integers(first_target, max(last, first_target)),
        proto=st.sampled_from([None, "tcp", "tcp", "udp"]),
        network=st.sampled_from([None, None, None, *NETWORKS[4], *NETWORKS[6]]),
        negated=st.booleans(),
        interface=st.sampled_from([None, None, None, "eth0", "eth*", "lo"]),
        state=st.sampled_from([None, None, None, "established,related", "new", "invalid"]),
        blind=st.sampled_from([False] * 6 + [True]),
        limited=st.sampled_from([False] * 8 + [True]),
        mark=st.sampled_from([None] * 5) | MARKS,
        sets=st.sampled_from([None] * 7 + [1, 2, 6]),
    ).map(marking)


@st.composite
def firewalls(draw: st.DrawFn, bases: int) -> tuple[Chain, ...]:
    last = draw(st.integers(bases - 1, bases + 1))
    chains = []
    for number in range(last + 1):
        some = tuple(draw(st.lists(steps(last, max(number + 1, bases)), max_size=4)))
        if number < bases:
            hook = draw(st.sampled_from(["input", "input", "prerouting"])) if bases > 1 else "input"
            chains.append(
                Chain(
                    some,
                    hook,
                    draw(st.sampled_from([0, 0, 10, -5])) if bases > 1 else 0,
                    draw(st.sampled_from(["accept", "drop", "drop"])),
                )
            )
        else:
            chains.append(Chain(some))
    if bases > 1 and {chain.hook for chain in chains[:bases]} == {"prerouting"}:
        chains[0] = chains[0]._replace(hook="input")
    return tuple(chains)


SPANS: dict[int | str | None, tuple[int, int]] = {
    22: (22, 22),
    80: (80, 80),
    "22-23": (22, 23),
    "21-80": (21, 80),
}
"""What is declared about ports, and what it means."""
RULES = st.builds(
    lambda action, proto, port, source, interface: Rule(
        action=action, proto=proto, port=port, from_=source, interface=interface
    ),
    action=st.sampled_from(["allow", "allow", "deny", "reject"]),
    proto=st.sampled_from(["tcp", "udp"]),
    port=st.sampled_from(list(SPANS)),
    source=st.sampled_from(["any", "any", "10.0.0.0/8", "10.1.0.0/16", "fd00::/16"]),
    interface=st.sampled_from([None, None, "eth0", "wg0"]),
)
NEW = "zz9"
"""An interface that the node does not have now. What is open there is open beside a rule about
another one.
"""


def packets(rule: Rule, *, beside: bool = False) -> list[Packet]:
    """The packets of a rule, or those for the same port that come from elsewhere."""
    low, high = SPANS[rule.port]
    everyone = [
        Packet(family, rule.proto, port, source, interface)
        for port in PORTS
        if low <= port <= high
        for family in (4, 6)
        for source in SOURCES[family]
        for interface in (*INTERFACES, *([NEW] if rule.interface else []))
    ]
    return [
        packet
        for packet in everyone
        if (
            (rule.from_ == "any" or packet.source.startswith(MEMBERS[rule.from_]))
            and rule.interface in {None, packet.interface}
        )
        is not beside
    ]


def worst(declared: Declared, observed: Ruleset) -> Outcome:
    found = {finding.outcome for finding in judge(declared, observed)}
    return next(
        outcome
        for outcome in (Outcome.DRIFT, Outcome.UNKNOWN, Outcome.COMPLIANT)
        if outcome in found
    )


def hold_rule(chains: tuple[Chain, ...], rule: Rule, observed: Ruleset) -> None:
    outcome = worst(Declared("rule", rule, Firewall(rules=[rule])), observed)
    may = [list(every_fate(chains, packet)) for packet in packets(rule)]
    beside = (
        [list(every_fate(chains, packet)) for packet in packets(rule, beside=True)]
        if rule.action == "allow"
        else []
    )
    right = {rule.action}
    if outcome is Outcome.COMPLIANT:
        assert all(fate == right for fates in may for fate in fates)
        assert not any("allow" in fate for fates in beside for fate in fates)
        assert rule.action != "allow" or not stopped_later(chains, rule)
    elif outcome is Outcome.DRIFT:
        all_right = all(any(fate == right for fate in fates) for fates in may) and not any(
            all("allow" in fate for fate in fates) for fates in beside
        )
        if rule.action == "allow" and stopped_later(chains, rule):
            return
        unfiltered = rule.action == "allow" and not any(
            step.action in {"drop", "reject"} for chain in chains for step in chain.steps
        )
        assert not all_right or unfiltered or _barely_filters(chains)
    else:
        one_base = sum(bool(chain.hook) for chain in chains) == 1
        certain = (
            not any(step.sets for chain in chains for step in chain.steps)
            and not any(step.blind for chain in chains for step in chain.steps)
            and not any(step.interface for chain in chains for step in chain.steps)
        )
        assert not (certain and one_base) or _barely_filters(chains)


def stopped_later(chains: tuple[Chain, ...], rule: Rule) -> bool:
    """Return whether connections may be stopped after their first packet: that is a drift, too."""
    return any(
        fate != {"allow"}
        for packet in packets(rule)
        for fate in every_fate(chains, packet._replace(state="established"))
    )


def _barely_filters(chains: tuple[Chain, ...]) -> bool:
    """Return whether nothing stops packets of just anybody: an allow by default is then no pass."""
    public = [Packet(family, proto, port, source, interface) for family, source in ((4, "11.0.0.0"), (6, "2001:db8::1")) for proto in ("tcp", "udp")
              for port in PORTS for interface in INTERFACES]  # fmt: skip
    stopped = {
        packet.family
        for packet in public
        if all(fate - {"allow"} for fate in every_fate(chains, packet))
    }
    return stopped != {4, 6}


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 3).flatmap(firewalls), RULES)
def test_a_rule_passes_only_if_every_packet_fares_so_nft(
    chains: tuple[Chain, ...], rule: Rule
) -> None:
    hold_rule(chains, rule, observed_by_nft(chains))


def on_side(chains: tuple[Chain, ...], *, beyond: bool) -> tuple[Chain, ...]:
    """The chains within all rates, or beyond them."""
    return tuple(
        chain._replace(
            steps=tuple(
                Step("continue")
                if step.limited and step.over is not beyond
                else replace(step, limited=False)
                for step in chain.steps
            )
        )
        for chain in chains
    )


def limiting(step: Step, limited: bool, over: bool) -> Step:
    return replace(step, limited=limited, over=over)


LIMITING = st.builds(
    limiting, steps(1, 1), st.sampled_from([True, True, False]), st.sampled_from([False, True])
)


@st.composite
def limiters(draw: st.DrawFn) -> tuple[Chain, ...]:
    base = tuple(draw(st.lists(LIMITING, max_size=4)))
    called = [each for each in draw(st.lists(LIMITING, max_size=3)) if each.action not in {"jump", "goto"}]  # fmt: skip
    policy = draw(st.sampled_from(["drop", "drop", "accept"]))
    first = Step("accept", proto="tcp", ports=(22, 22), limited=True)
    some = draw(st.sampled_from([(), (), (first,)]))
    return Chain((*base, *some), "input", 0, policy), Chain(tuple(called))


@settings(max_examples=400, deadline=None)
@given(limiters(), st.sampled_from(["any", "10.0.0.0/8"]))
def test_a_limit_passes_only_if_the_first_get_in_and_those_beyond_do_not(
    chains: tuple[Chain, ...], source: str
) -> None:
    rule = Rule(action="limit", proto="tcp", port=22, from_=source)
    declared = Declared("rule", rule, Firewall(rules=[rule]))
    outcome = worst(declared, observed_by_nft(chains))
    fates = {
        beyond: [list(every_fate(on_side(chains, beyond=beyond), each)) for each in packets(rule)]
        for beyond in (False, True)
    }
    beside = [list(every_fate(chains, packet)) for packet in packets(rule, beside=True)]
    if outcome is Outcome.COMPLIANT:
        assert all(fate == {"allow"} for some in fates[False] for fate in some)
        assert not any("allow" in fate for some in fates[True] for fate in some)
        assert not any("allow" in fate for some in beside for fate in some)
    elif outcome is Outcome.DRIFT and not stopped_later(chains, rule):
        assert not (
            all(any(fate == {"allow"} for fate in some) for some in fates[False])
            and all(any("allow" not in fate for fate in some) for some in fates[True])
            and not any(all("allow" in fate for fate in some) for some in beside)
        )


BY_PORT = st.builds(
    Step,
    action=st.sampled_from(["accept", "drop"]),
    proto=st.just("tcp"),
    ports=st.sampled_from([(22, 22), (22, 23), (80, 80), (1, 79), (23, 65535)]),
    interface=st.sampled_from([None, None, "eth0", "wg0"]),
)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(BY_PORT, min_size=1, max_size=4),
    st.sampled_from(["accept", "drop"]),
    st.sampled_from(["allow", "deny"]),
    st.sampled_from(["22-23", "21-80"]),
    st.sampled_from([None, "eth0"]),
)
def test_a_range_passes_only_if_every_port_fares_so(
    steps: list[Step], policy: str, action: Any, port: str, interface: str | None
) -> None:
    """Rules that differ in port and interface alone: many ranges fare alike in part."""
    chains = (Chain(tuple(steps), "input", 0, policy),)
    rule = Rule(action=action, proto="tcp", port=port, interface=interface)
    hold_rule(chains, rule, observed_by_nft(chains))


BY_STATE = st.builds(
    Step,
    action=st.sampled_from(["accept", "accept", "drop"]),
    proto=st.just("tcp"),
    ports=st.sampled_from([None, (22, 22)]),
    state=st.sampled_from([None, "new", "established,related"]),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(BY_STATE, min_size=1, max_size=3))
def test_an_opening_passes_only_if_its_connections_can_go_on(steps: list[Step]) -> None:
    chains = (Chain(tuple(steps), "input", 0, "drop"),)
    hold_rule(chains, Rule(action="allow", proto="tcp", port=22), observed_by_nft(chains))


@settings(max_examples=150, deadline=None)
@given(firewalls(1), RULES)
def test_a_rule_passes_only_if_every_packet_fares_so_iptables(
    chains: tuple[Chain, ...], rule: Rule
) -> None:
    hold_rule(chains, rule, observed_by_iptables(chains))


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 3).flatmap(firewalls), st.sampled_from(["allow", "deny", "reject"]))
def test_a_default_passes_only_if_it_is_what_unnamed_ports_meet(
    chains: tuple[Chain, ...], action: Any
) -> None:
    observed = observed_by_nft(chains)
    outcome = worst(
        Declared("default_incoming", action, Firewall(default_incoming=action)), observed
    )
    generic = [Packet(family, proto, port, source, interface) for family, source in ((4, "11.0.0.0"), (6, "2001:db8::1")) for proto in ("tcp", "udp")
               for port in (40000, 443) for interface in INTERFACES]  # fmt: skip
    fates = [fate for packet in generic for fate in every_fate(chains, packet)]
    if outcome is Outcome.COMPLIANT:
        assert all(fate == {action} for fate in fates)
    elif outcome is Outcome.DRIFT:
        other = [
            Packet(packet.family, "sctp", 0, packet.source, packet.interface) for packet in generic
        ]
        assert not all(
            fate == {action}
            for fate in fates + [fate for packet in other for fate in every_fate(chains, packet)]
        )


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 3).flatmap(firewalls), st.lists(RULES, max_size=2))
def test_exclusive_passes_only_if_nothing_else_is_open(
    chains: tuple[Chain, ...], rules: list[Rule]
) -> None:
    outcome = worst(
        Declared("exclusive", True, Firewall(exclusive=True, rules=rules)), observed_by_nft(chains)
    )
    declared = {packet for rule in rules if rule.action == "allow" for packet in packets(rule)}
    everyone = [Packet(family, proto, port, source, interface) for family in (4, 6) for proto in ("tcp", "udp") for port in PORTS
                for source in SOURCES[family] for interface in INTERFACES]  # fmt: skip
    others = [packet for packet in everyone if packet not in declared]
    if outcome is Outcome.COMPLIANT:
        assert not any("allow" in fate for packet in others for fate in every_fate(chains, packet))
    elif outcome is Outcome.DRIFT:
        elsewhere = [packet._replace(proto=proto, port=port, interface="zz9") for packet in everyone for proto in ("tcp", "udp", "sctp")
                     for port in (*PORTS, 40000)]  # fmt: skip
        assert any(
            all("allow" in fate for fate in every_fate(chains, packet))
            for packet in [*others, *elsewhere]
        )
