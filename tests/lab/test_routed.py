"""Rules about forwarded connections, judged, against packets that a node forwards or does not.

The node forwards from host0 to host1. The packets are for addresses behind host1, which nobody has:
what comes out there is all that counts.
"""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from power_edge.model import Outcome
from power_edge.model.generated.resources.firewall_schema import Firewall, Rule
from power_edge.resources.firewall import name
from power_edge.resources.firewall.judge import Declared, judge
from power_edge.resources.firewall.observation import parse
from power_edge.resources.firewall.ruleset import Ruleset
from tests.lab.test_limits import CLEAN, ON
from tests.support.lab.nodes import Lab, Node
from tests.support.lab.packets import ALLOW, DENY, REJECT, Packet, Wire, wired
from tests.support.scripts import body

pytestmark = pytest.mark.lab

BODY = body("firewall", "resources")
BEHIND = {4: "10.9.0.77", 6: "fd10:9::77"}
SOURCES = {4: ("10.77.5.5", "192.0.2.9"), 6: ("fd77::5", "fd78::5")}
PORTS = (80, 443)
CONFORMS, DRIFTS, UNKNOWN = Outcome.COMPLIANT, Outcome.DRIFT, Outcome.UNKNOWN


def routed(action: str, port: int | None = 443, **more: str) -> Rule:
    proto = "any" if port is None else "tcp"
    more = {"from_": more.pop("source", "any"), **more}
    return Rule(proto=proto, port=port, action=action, routed=True, **more)  # type: ignore[arg-type]


WEB, NO_WEB = routed("allow"), routed("deny")
IN_OUT = routed("allow", interface="host0", out_interface="host1")
OUT_IN = routed("allow", interface="host1", out_interface="host0")
ALL = routed("allow", None, interface="host0", out_interface="host1")
NOTHING = routed("deny", None)
LIMIT = routed("limit")
NET = routed("allow", source="10.77.0.0/16")


class State(NamedTuple):
    name: str
    script: str
    verdicts: tuple[tuple[Rule, Outcome], ...]


def both(rules: str) -> str:
    return f"for t in iptables ip6tables; do\n{rules}\ndone\n"


def nft(*rules: str, policy: str = "drop", hook: str = "forward") -> str:
    text = "\n".join(rules)
    return (
        "nft -f - <<'END'\ntable inet t {\nchain c {\n"
        f"type filter hook {hook} priority 0; policy {policy};\n"
        f"ct state established,related accept\n{text}\n}}\n}}\nEND\n"
    )


MASQUERADE = "iptables -t nat -A POSTROUTING -o host1 -j MASQUERADE\n"
EGRESS = """nft -f - <<'END'
table netdev e {{
    chain c {{
        type filter hook egress device host1 priority 0;
        {}
        tcp dport 443 counter
    }}
}}
END
"""
STATES = [
    State("nothing", "true", ((WEB, DRIFTS), (NO_WEB, DRIFTS), (NOTHING, DRIFTS), (LIMIT, DRIFTS))),
    State("ufw on", ON, ((WEB, DRIFTS), (NO_WEB, CONFORMS), (NOTHING, CONFORMS), (routed("reject"), DRIFTS))),
    State("ufw allow is not routed", f"ufw allow 443/tcp\n{ON}", ((WEB, DRIFTS), (NO_WEB, CONFORMS))),
    State("ufw route", f"ufw route allow proto tcp from any to any port 443\n{ON}", ((WEB, CONFORMS), (IN_OUT, CONFORMS), (OUT_IN, CONFORMS), (NO_WEB, DRIFTS), (ALL, DRIFTS), (NET, CONFORMS), (LIMIT, DRIFTS))),
    State("ufw route in and out", f"ufw route allow in on host0 out on host1\n{ON}", ((ALL, CONFORMS), (IN_OUT, CONFORMS), (OUT_IN, DRIFTS), (WEB, DRIFTS), (NOTHING, DRIFTS))),
    State("ufw route the other way", f"ufw route allow in on host1 out on host0\n{ON}", ((ALL, DRIFTS), (IN_OUT, DRIFTS), (OUT_IN, CONFORMS))),
    State("ufw route, IPv4 alone", f"ufw route allow proto tcp from 0.0.0.0/0 to any port 443\n{ON}", ((WEB, DRIFTS), (routed("allow", source="0.0.0.0/0"), CONFORMS))),
    State("ufw route from a net", f"ufw route allow proto tcp from 10.77.0.0/16 to any port 443\n{ON}", ((NET, CONFORMS), (WEB, DRIFTS))),
    State("ufw route limit", f"ufw route limit proto tcp from any to any port 443\n{ON}", ((LIMIT, CONFORMS), (WEB, DRIFTS))),
    State("ufw route behind a deny", f"ufw route deny from 10.77.0.0/16\nufw route allow proto tcp from any to any port 443\n{ON}", ((WEB, DRIFTS), (NET, DRIFTS))),
    State("ufw default allow routed", f"ufw default allow routed\n{ON}", ((NO_WEB, DRIFTS), (NOTHING, DRIFTS), (WEB, CONFORMS))),
    State("ufw default reject routed", f"ufw default reject routed\n{ON}", ((routed("reject"), CONFORMS), (NO_WEB, DRIFTS))),
    State("an accept before ufw", f"{ON}iptables -I FORWARD -o host1 -j ACCEPT\n", ((NO_WEB, DRIFTS), (NOTHING, DRIFTS))),
    State("iptables", both("$t -P FORWARD DROP; $t -A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT; $t -A FORWARD -i host0 -p tcp --dport 443 -j ACCEPT"), ((IN_OUT, CONFORMS), (WEB, DRIFTS), (NOTHING, DRIFTS))),
    State("legacy drops, nft accepts", both("$t-legacy -P FORWARD DROP") + nft("tcp dport 443 accept"), ((WEB, DRIFTS), (NO_WEB, CONFORMS))),
    State("nft", nft("tcp dport 443 accept"), ((WEB, CONFORMS), (NO_WEB, DRIFTS))),
    State("nft input alone", nft("tcp dport 443 accept", hook="input"), ((WEB, DRIFTS), (NO_WEB, DRIFTS))),
    State("nft prerouting drops", nft("tcp dport 80 accept", "meta l4proto { icmp, ipv6-icmp } accept", hook="prerouting"), ((WEB, DRIFTS), (NO_WEB, CONFORMS))),
    State("nft postrouting drops", nft("tcp dport 443 drop", policy="accept", hook="postrouting"), ((WEB, DRIFTS), (NO_WEB, CONFORMS))),
    State("nft prerouting asks where it goes", nft("oifname host1 tcp dport 443 drop", policy="accept", hook="prerouting"), ((NO_WEB, UNKNOWN),)),
    State("nft prerouting lets in by where it goes", nft("tcp dport 443 accept") + nft("oifname host1 tcp dport 443 accept", "meta l4proto { icmp, ipv6-icmp } accept", hook="prerouting").replace("table inet t", "table inet u"), ((WEB, UNKNOWN), (IN_OUT, UNKNOWN), (NO_WEB, UNKNOWN))),
    State("a filter behind masquerading, by source", nft("tcp dport 443 accept") + MASQUERADE + EGRESS.format("ip saddr 10.77.0.0/16 drop"), ((routed("deny", source="10.77.0.0/16", out_interface="host1"), UNKNOWN), (NO_WEB, DRIFTS))),
    State("a filter behind masquerading, by port", nft("tcp dport 443 accept") + MASQUERADE + EGRESS.format("tcp dport 443 drop"), ((routed("deny", out_interface="host1"), CONFORMS), (NO_WEB, DRIFTS))),
    State("a filter before masquerading, by source", nft("ip saddr 10.77.0.0/16 drop", "tcp dport 443 accept") + MASQUERADE, ((routed("deny", source="10.77.0.0/16"), CONFORMS),)),
    State("nft rejects", nft("tcp dport 443 reject"), ((routed("reject"), CONFORMS), (NO_WEB, DRIFTS))),
    State("nft limit", nft("tcp dport 443 limit rate 3/minute accept"), ((LIMIT, CONFORMS), (WEB, DRIFTS))),
    State("an address of the node is sent elsewhere", nft("tcp dport 443 accept") + "iptables -t nat -A PREROUTING -d 10.9.0.2 -p tcp --dport 443 -j DNAT --to 10.9.0.78\n", ((WEB, CONFORMS), (NO_WEB, DRIFTS))),
    State("untracked and limited", f"ufw route limit proto tcp from any to any port 443\n{ON}iptables -t raw -A PREROUTING -p tcp --dport 443 -j NOTRACK\n", ((LIMIT, UNKNOWN),)),
    State("sent elsewhere", nft("tcp dport 443 accept") + "iptables -t nat -A PREROUTING -p tcp --dport 443 -j DNAT --to 10.9.0.78\n", ((WEB, UNKNOWN), (NO_WEB, DRIFTS))),
]  # fmt: skip


@pytest.fixture(scope="module")
def router(lab: Lab) -> Iterator[tuple[Node, Wire]]:
    with lab.node("router") as node:
        node.sh("systemctl stop ssh")
        with wired(lab, node, PORTS) as wire:
            mac = (
                lab.run("ip", "-o", "link", "show", "dev", "lab1")
                .stdout.split("link/ether ")[1]
                .split()[0]
            )
            for address in BEHIND.values():
                node.sh(f"ip neigh replace {address} lladdr {mac} dev host1 nud permanent")
            node.sh(
                "echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding"
            )
            yield node, wire


def packets() -> list[Packet]:
    return [
        Packet("tcp", source, BEHIND[family], 40_000 + number, port, "host0")
        for family, sources in SOURCES.items()
        for source in sources
        for number, port in enumerate(PORTS)
    ]


def outcome(observed: Ruleset, rule: Rule) -> tuple[Outcome, str]:
    findings = list(judge(Declared("rule", rule, Firewall(rules=[rule])), observed))
    worst = next(
        one
        for one in (Outcome.DRIFT, Outcome.UNKNOWN, Outcome.COMPLIANT)
        if one in {finding.outcome for finding in findings}
    )
    return worst, "; ".join(finding.why or "" for finding in findings)


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
def test_a_verdict_is_what_forwarded_packets_meet(router: tuple[Node, Wire], state: State) -> None:
    node, wire = router
    node.sh(CLEAN + "ufw default deny routed >/dev/null\n")
    node.sh(state.script)
    node.sh("echo 1 >/proc/sys/net/ipv4/ip_forward; echo 1 >/proc/sys/net/ipv6/conf/all/forwarding")
    observed = parse(node.run("/bin/sh", "-c", BODY, "pe").stdout.encode())[""]
    assert isinstance(observed, Ruleset)
    met = wire.forwarded(packets(), "host1")
    for rule, expected in state.verdicts:
        found, why = outcome(observed, rule)
        assert found is expected, (name(rule), why, met)
        mine = [
            packet
            for packet in met
            if rule.port in {None, packet.dport}
            and rule.interface in {None, "host0"}
            and (
                rule.from_ == "any"
                or (
                    packet.family == 4
                    and (rule.from_ == "0.0.0.0/0" or packet.source.startswith("10.77."))
                )
            )
        ]
        if found is CONFORMS and rule.action in {ALLOW, DENY, REJECT}:
            assert {met[packet] for packet in mine} <= {rule.action}, (name(rule), met)
