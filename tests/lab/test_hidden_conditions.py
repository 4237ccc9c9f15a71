"""Conditions that nft does not print, judged, against real packets."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from power_edge.model import Outcome
from power_edge.model.generated.resources.firewall_schema import Firewall, Rule
from power_edge.resources.firewall.judge import Declared, judge
from power_edge.resources.firewall.observation import parse
from power_edge.resources.firewall.ruleset import Ruleset
from tests.lab.test_packets import ROOTS
from tests.support.lab.nodes import Lab, Node
from tests.support.lab.packets import Packet, Wire, wired
from tests.support.scripts import body

pytestmark = pytest.mark.lab

PORTS = (53, 80)
SOURCES = {4: "10.77.5.5", 6: "fd77::5"}
BODY = body("firewall", "resources")
CONFORMS, DRIFTS, UNKNOWN = Outcome.COMPLIANT, Outcome.DRIFT, Outcome.UNKNOWN


class State(NamedTuple):
    """Rules of a table, what they are said to do with a declared rule, and what is hidden."""

    rules: str
    rule: Rule
    outcome: Outcome
    family: str = "inet"
    policy: str = "drop"
    hook: str = "input priority 0"


def declared(action: str, port: int = 80, proto: str = "tcp") -> Rule:
    return Rule(proto=proto, port=port, action=action)  # type: ignore[arg-type]


ALLOW, DENY, REJECT = map(declared, ("allow", "deny", "reject"))
EARLY = {"policy": "accept", "hook": "prerouting priority -300"}
"""Before connections are looked up: no packet has one."""
STATES = [
    State("tcp dport 80 drop", DENY, CONFORMS, **EARLY),
    State("ct state invalid tcp dport 80 drop", DENY, CONFORMS, **EARLY),
    State("ct direction original tcp dport 80 drop", DENY, DRIFTS, **EARLY),
    State("ct direction != reply tcp dport 80 drop", DENY, DRIFTS, **EARLY),
    State("ct status != dnat tcp dport 80 drop", DENY, DRIFTS, **EARLY),
    State("ct mark != 1 tcp dport 80 drop", DENY, DRIFTS, **EARLY),
    State("tcp dport 80 ct mark set ct mark or 4 drop", DENY, DRIFTS, **EARLY),
    State("tcp dport 80 meta mark set ct mark drop", DENY, DRIFTS, **EARLY),
    State("tcp dport 80 ct mark set 4 drop", DENY, CONFORMS, **EARLY),
    State("tcp dport 80 ct mark vmap { 1 : accept, * : drop }", DENY, DRIFTS, **EARLY),
    State("tcp dport 80 ct state vmap { new : accept, * : drop }", DENY, CONFORMS, **EARLY),
    State("tcp dport 80 meta skuid vmap { * : drop }", DENY, UNKNOWN, **EARLY),
    State("ct direction original tcp dport 80 drop", DENY, CONFORMS, policy="accept"),
    State("tcp dport 80 ct mark set ct mark or 4 drop", DENY, CONFORMS, policy="accept"),
    State("ct l3proto ipv4 tcp dport 80 accept", ALLOW, UNKNOWN),
    State("ct l3proto ipv6 tcp dport { 80, 81 } drop", DENY, UNKNOWN, policy="accept"),
    State("ct l3proto ipv4 tcp dport vmap { 80 : accept, 81 : drop }", ALLOW, UNKNOWN),
    State("ct original l3proto ipv4 tcp dport 80 accept", ALLOW, UNKNOWN),
    State("ct l3proto ipv4 tcp dport 80 jump other", ALLOW, UNKNOWN),
    State("ct l3proto ipv4 tcp dport 81 accept\ntcp dport 80 accept", ALLOW, CONFORMS),
    State("ct l3proto ipv4 tcp dport 80 accept\ntcp dport 80 accept", ALLOW, CONFORMS),
    State("ct protocol tcp th dport 53 accept", declared("allow", 53, "udp"), UNKNOWN),
    State("meta iiftype ether ip saddr 0.0.0.0/0 tcp dport 80 accept\nip6 saddr ::/0 tcp dport 80 accept", ALLOW, UNKNOWN),
    State("ether type ip tcp dport 80 accept\nether type ip6 tcp dport 80 accept", ALLOW, UNKNOWN),
    State("meta nfproto ipv4 tcp dport 80 reject with tcp reset", REJECT, DRIFTS),
    State("meta nfproto ipv4 reject with tcp reset", REJECT, DRIFTS),
    State("meta protocol ip tcp dport 80 reject with tcp reset", REJECT, DRIFTS),
    State("meta nfproto ipv6 tcp dport 80 reject with tcp reset\ntcp dport 80 accept", ALLOW, DRIFTS),
    State("meta nfproto ipv4 tcp dport 80 reject with tcp reset\nmeta nfproto ipv6 tcp dport 80 reject with tcp reset", REJECT, CONFORMS),
    State("tcp dport 80 reject with tcp reset", REJECT, CONFORMS),
    State("meta l4proto esp th dport 80 accept", ALLOW, DRIFTS),
    State("meta l4proto esp th dport 80 drop", DENY, DRIFTS, policy="accept"),
    State("meta l4proto { tcp, udp } th dport 80 accept", ALLOW, CONFORMS),
    State("ip protocol tcp tcp dport 80 accept\nip6 nexthdr tcp tcp dport 80 accept", ALLOW, CONFORMS),
    State("ip6 nexthdr tcp tcp dport 80 drop", DENY, DRIFTS, "ip6", policy="accept"),
    State("tcp dport 80 drop", DENY, DRIFTS, "ip6", policy="accept"),
    State("meta mark set 1 meta nfproto ipv4 tcp dport 80 reject with tcp reset", REJECT, DRIFTS),
    State("meta mark set 1 meta nfproto ipv4 reject with tcp reset", REJECT, DRIFTS),
    State("meta mark set 1 meta nfproto ipv4 tcp dport 81 reject with tcp reset\nmeta mark 1 tcp dport 80 accept", ALLOW, CONFORMS),
    State("meta nfproto ipv4 meta mark set 1 tcp dport 81 reject with tcp reset\nmeta mark 1 tcp dport 80 accept", ALLOW, DRIFTS),
    State("meta mark set 1 meta nfproto ipv4 meta mark set 2 tcp dport 81 reject with tcp reset\nmeta mark 1 tcp dport 80 accept", ALLOW, DRIFTS),
    State("meta nfproto ipv4 notrack tcp dport 81 reject with tcp reset\nct state new tcp dport 80 accept", ALLOW, CONFORMS),
    State("meta nfproto vmap { ipv4 : jump other, ipv6 : jump other }", ALLOW, CONFORMS),
    State("meta nfproto ipv4 tcp dport 80 accept\nmeta nfproto ipv6 tcp dport 80 accept", ALLOW, CONFORMS),
    State("ip saddr 0.0.0.0/0 tcp dport 80 accept\nip6 saddr ::/0 tcp dport 80 accept", ALLOW, CONFORMS),
]  # fmt: skip


@pytest.fixture(scope="module", params=ROOTS)
def bench(lab: Lab, request: pytest.FixtureRequest) -> Iterator[tuple[Node, Wire]]:
    with lab.node("hidden", root=request.param) as node:
        node.sh("systemctl stop ssh")
        with wired(lab, node, PORTS) as wire:
            yield node, wire


@pytest.mark.parametrize("state", STATES, ids=lambda state: f"{state.family}: {state.rules}")
def test_a_verdict_is_what_packets_meet(bench: tuple[Node, Wire], state: State) -> None:
    node, wire = bench
    node.sh(f"""nft -f - <<'END'
flush ruleset
table {state.family} t {{
    chain other {{ tcp dport 80 accept; }}
    chain in {{
        type filter hook {state.hook}; policy {state.policy};
        meta l4proto {{ icmp, ipv6-icmp }} accept
        ct state established accept
        {state.rules}
    }}
}}
END
""")
    observed = parse(node.run("/bin/sh", "-c", BODY, "pe").stdout.encode())[""]
    assert isinstance(observed, Ruleset)
    rule = state.rule
    findings = list(judge(Declared("rule", rule, Firewall(rules=[rule])), observed))
    found = next((finding for finding in findings if finding.outcome is not CONFORMS), findings[-1])
    met = wire.fates(
        Packet(rule.proto, source, wire.targets[family][0], 40_000, int(rule.port or 0), "host0")
        for family, source in SOURCES.items()
    )
    assert found.outcome is state.outcome, (found, met)
    if found.outcome is not UNKNOWN:
        assert (set(met.values()) == {rule.action}) is (found.outcome is CONFORMS), (found, met)
