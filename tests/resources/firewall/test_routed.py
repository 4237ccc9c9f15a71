"""Rules about connections that the node forwards."""

from typing import Any

import pytest

from power_edge.model import Outcome
from power_edge.model.generated.resources.firewall_schema import Firewall, Rule
from power_edge.report.shell_line import shell_line
from power_edge.resources.firewall import canonical, name, problems
from power_edge.resources.firewall.judge import Declared
from power_edge.resources.firewall.observation import parse
from power_edge.resources.firewall.readers.ufw_files import routes
from power_edge.resources.firewall.ruleset import Ruleset
from tests.resources.firewall.test_firewall import (
    ACCEPT,
    ALLOW_22,
    DENY_22,
    DROP,
    TCP22,
    ct,
    meta,
    observed,
    outcome,
    results,
)
from tests.resources.firewall.test_firewall import nft as any_nft
from tests.support.cases import RECORDINGS
from tests.support.firewalls import discovered

FORWARD = {"hook": "forward"}
ESTABLISHED = ct("state", ["established", "related"])
LIMITED = {"limit": {"rate": 3, "burst": 5, "per": "minute"}}
IN, OUT = meta("iifname", "eth0"), meta("oifname", "docker0")


def rule(action: str, port: int | None = 22, **more: Any) -> Rule:
    proto: Any = "any" if port is None else "tcp"
    return Rule(proto=proto, port=port, action=action, routed=True, **more)  # type: ignore[arg-type]


ALLOW, DENY = rule("allow"), rule("deny")
THROUGH = rule("allow", interface="eth0", out_interface="docker0")
BACK = rule("allow", interface="docker0", out_interface="eth0")
NAME = "allow 22/tcp from any to any on eth0 out docker0 routed"


def nft(*rules: Any, **chain: Any) -> str:
    """A table, in which forwarded connections are answered."""
    some = [[ESTABLISHED, ACCEPT], *rules] if chain.get("hook") == "forward" else rules
    return any_nft(*some, **chain)


def recorded(case: str) -> Ruleset:
    found = parse((RECORDINGS / case / "section").read_bytes())[""]
    assert isinstance(found, Ruleset)
    return found


def test_its_name() -> None:
    assert name(THROUGH) == NAME
    assert canonical(NAME) == NAME
    assert name(rule("deny", None)) == "deny any from any to any routed"
    alike = [f"allow 22/tcp from {end} to any routed" for end in ("10.0.0.9/8", "10.0.0.0/8")]
    assert canonical(alike[0]) == canonical(alike[1]) != canonical(alike[1].removesuffix(" routed"))


@pytest.mark.parametrize(
    ("rules", "chain", "declared", "expected"),
    [
        ([[TCP22, ACCEPT]], FORWARD, ALLOW, "compliant"),
        ([[TCP22, ACCEPT]], FORWARD, DENY, "drift"),
        ([], FORWARD, ALLOW, "drift"),
        ([], FORWARD, DENY, "compliant"),
        ([], FORWARD, rule("reject"), "drift"),
        ([[TCP22, {"reject": None}]], FORWARD, rule("reject"), "compliant"),
        ([[TCP22, ACCEPT]], {"hook": "input"}, ALLOW, "drift"),
        ([[TCP22, ACCEPT]], {"hook": "input"}, DENY, "drift"),
        ([[TCP22, ACCEPT]], {"hook": "output"}, DENY, "drift"),
        ([[TCP22, DROP]], {"hook": "prerouting", "policy": "accept"}, DENY, "compliant"),
        ([[TCP22, DROP]], {"hook": "postrouting", "policy": "accept"}, DENY, "compliant"),
        ([[OUT, TCP22, DROP]], {"hook": "prerouting", "policy": "accept"}, DENY, "unknown"),
        ([[IN, TCP22, DROP]], {"hook": "postrouting", "policy": "accept"}, DENY, "unknown"),
        ([[IN, OUT, TCP22, ACCEPT]], FORWARD, THROUGH, "compliant"),
        ([[IN, OUT, TCP22, ACCEPT]], FORWARD, BACK, "drift"),
        ([[IN, OUT, TCP22, ACCEPT]], FORWARD, ALLOW, "drift"),
        ([[IN, TCP22, ACCEPT]], FORWARD, THROUGH, "compliant"),
        ([[OUT, TCP22, ACCEPT]], FORWARD, THROUGH, "compliant"),
        ([[IN, OUT, TCP22, DROP], [TCP22, ACCEPT]], FORWARD, THROUGH, "drift"),
        ([[OUT, ACCEPT]], FORWARD, THROUGH, "compliant"),
        ([[TCP22, LIMITED, ACCEPT]], FORWARD, rule("limit"), "compliant"),
        ([[TCP22, LIMITED, ACCEPT]], FORWARD, ALLOW, "drift"),
        ([[TCP22, ACCEPT]], FORWARD, rule("limit"), "drift"),
        ([[IN, OUT, ACCEPT]], FORWARD, rule("allow", None, interface="eth0", out_interface="docker0"), "compliant"),
        ([[IN, OUT, TCP22, ACCEPT]], FORWARD, rule("allow", None, interface="eth0", out_interface="docker0"), "drift"),
        ([], FORWARD, rule("deny", None), "compliant"),
        ([[TCP22, ACCEPT]], FORWARD, rule("deny", None), "drift"),
        ([[{"dnat": {"addr": "10.0.0.1"}}]], {"hook": "prerouting", "prio": -100, "type": "nat", "policy": "accept"}, DENY, "unknown"),
        ([[TCP22, ACCEPT]], FORWARD, rule("allow", interface="wg0"), "unknown"),
        ([[TCP22, ACCEPT]], FORWARD, rule("allow", out_interface="wg0"), "unknown"),
        ([], FORWARD, rule("allow", out_interface="wg0"), "drift"),
    ],
)  # fmt: skip
def test_the_chains_of_forwarded_packets_decide(
    rules: list[list[Any]], chain: dict[str, Any], declared: Rule, expected: str
) -> None:
    assert outcome(declared, observed(nft=nft(*rules, **chain))) == expected


def test_a_rule_for_the_node_itself_is_not_about_them() -> None:
    node = observed(nft=nft([TCP22, ACCEPT], **FORWARD))
    assert outcome(ALLOW_22, node) == "drift"
    assert outcome(Rule(proto="tcp", port=22, action="deny"), node) == "drift"


def test_nothing_filters() -> None:
    node = observed(nft=nft([TCP22, ACCEPT], hook="input"))
    (found,) = results(Firewall(rules=[ALLOW]), node).values()
    assert found.findings[2].actual == "allow (unfiltered)"


def test_earlier_rules_are_exceptions() -> None:
    node = observed(nft=nft([TCP22, ACCEPT], **FORWARD))
    found = results(Firewall(rules=[ALLOW, rule("deny", None)]), node)
    assert {str(each.outcome) for each in found.values()} == {"compliant"}
    apart = [Rule(proto="tcp", port=22, action="allow"), rule("deny", None)]
    found = results(Firewall(rules=apart), node)
    assert found["deny any from any to any routed"].outcome is Outcome.DRIFT


def test_they_are_no_openings_of_the_node() -> None:
    firewall = Firewall(rules=[ALLOW], exclusive=True)
    assert (
        results(firewall, observed(nft=nft([TCP22, ACCEPT])))["exclusive"].outcome is Outcome.DRIFT
    )
    alone = results(firewall, observed(nft=nft([TCP22, ACCEPT], **FORWARD)))["exclusive"]
    assert "allow everything" in (alone.why or "")  # nothing filters what comes in


def test_a_port_of_a_bridge() -> None:
    node = observed(nft=nft([TCP22, ACCEPT], **FORWARD), stacked="port eth0 docker0")
    assert outcome(rule("allow", out_interface="eth0"), node) == "unknown"


def test_addresses_of_the_node_are_not_forwarded_to() -> None:
    own = {"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "daddr"}}, "right": "10.0.0.2"}}  # fmt: skip
    sent = nft([own, TCP22, {"dnat": {"addr": "10.0.0.9"}}], [TCP22, ACCEPT], **FORWARD)
    assert outcome(ALLOW, observed(nft=sent, addresses="127.0.0.1\n10.0.0.2")) == "compliant"
    assert outcome(ALLOW, observed(nft=sent, addresses="127.0.0.1\n10.0.0.3")) == "unknown"
    mine = rule("allow", to="10.0.0.2")
    assert outcome(mine, observed(nft=sent, addresses="127.0.0.1\n10.0.0.2")) == "unknown"


def test_one_address_behind_the_node_counts() -> None:
    other = {"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "daddr"}}, "right": "10.5.5.5"}}  # fmt: skip
    node = observed(
        nft=nft([other, DROP], [TCP22, ACCEPT], **FORWARD), addresses="127.0.0.1\n10.0.0.2"
    )
    assert outcome(ALLOW, node) == "drift"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        (Rule(proto="tcp", port=22, action="allow", out_interface="eth0"), "out_interface"),
        (Rule(proto="any", action="allow"), "proto"),
        (rule("allow", None, from_="127.0.0.1"), "from"),
        (Rule(proto="any", port=22, action="allow", routed=True), "proto"),
        (rule("allow", out_interface="lo"), "out_interface"),
        (rule("allow", from_="fe80::1"), "from"),
    ],
)
def test_what_a_rule_cannot_say(wrong: Rule, field: str) -> None:
    (found,) = problems(Declared("rule", wrong, Firewall(rules=[wrong])))
    assert found[0] == field


@pytest.mark.parametrize(
    ("case", "declared", "expected"),
    [
        ("ufw/route-rules", Rule(proto="tcp", port=443, action="allow", to="10.1.2.3", routed=True), "compliant"),
        ("ufw/route-rules", rule("allow", 443), "drift"),
        ("ufw/route-rules", rule("allow", 80, interface="host0", out_interface="eth9"), "unknown"),
        ("ufw/routed-allow", rule("deny", None), "drift"),
        ("ufw/basic-22-tcp", rule("deny", None), "compliant"),
        ("ufw/basic-22-tcp", ALLOW, "drift"),
    ],
)  # fmt: skip
def test_on_recorded_nodes(case: str, declared: Rule, expected: str) -> None:
    assert outcome(declared, recorded(case)) == expected


@pytest.mark.parametrize(
    ("case", "declared", "mend"),
    [
        ("ufw/basic-22-tcp", rule("allow", 443), "ufw route allow proto tcp from any to any port 443"),
        ("ufw/basic-22-tcp", rule("allow", None, interface="host0", out_interface="eth9"), "ufw route allow in on host0 out on eth9 from any to any"),
        ("ufw/basic-22-tcp", rule("limit", 443, from_="10.0.0.0/8"), "ufw route limit proto tcp from 10.0.0.0/8 to any port 443"),
        ("ufw/basic-22-tcp", Rule(proto="icmp", action="deny", routed=True), None),
        ("ufw/route-rules", rule("deny", 443, to="10.1.2.3"), None),
        ("ufw/routed-allow", rule("deny", 443), "ufw route deny proto tcp from any to any port 443"),
        ("nftables/inet-policy-drop", rule("deny", 443), None),
        ("firewalld/public-default", rule("allow", 443), None),
    ],
)  # fmt: skip
def test_remedies(case: str, declared: Rule, mend: str | None) -> None:
    (found,) = results(Firewall(rules=[declared]), recorded(case)).values()
    assert found.outcome is Outcome.DRIFT
    assert found.remedy is not None
    assert (shell_line(found.remedy), bool(found.remedy.advice)) == (mend, mend is None)


def test_discovery_writes_ufws() -> None:
    section = discovered((RECORDINGS / "ufw/route-rules/section").read_bytes()).value
    assert section["rules"] == [
        {"port": 22, "proto": "tcp", "action": "allow"},
        {"port": 443, "proto": "tcp", "action": "allow", "to": "10.1.2.3", "routed": True},
    ]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("route:allow tcp 80 0.0.0.0/0 any 0.0.0.0/0 in_eth0!out_eth1", ("allow", "tcp", "80", "0.0.0.0/0", "0.0.0.0/0", "eth0", "eth1")),
        ("route:deny_log any any ::/0 any ::/0 out_wg0 comment=6162", ("deny", "any", "any", "::/0", "::/0", "", "wg0")),
        ("route:allow tcp 80 0.0.0.0/0 53 0.0.0.0/0 in", None),
        ("allow tcp 80 0.0.0.0/0 any 0.0.0.0/0 in", None),
        ("route:allow tcp", None),
    ],
)  # fmt: skip
def test_a_line_of_ufws_files(line: str, found: tuple[str, ...] | None) -> None:
    assert [tuple(each) for each in routes([f"### tuple ### {line}"])] == ([found] if found else [])


def hops(field: str, value: Any, protocol: str = "ip") -> dict[str, Any]:
    key = {"payload": {"protocol": protocol, "field": field}}
    return {"mangle": {"key": key, "value": value}}


@pytest.mark.parametrize(
    ("change", "allowed", "denied"),
    [
        (hops("ttl", 1), "unknown", "drift"),
        (hops("ttl", 63), "unknown", "drift"),
        (hops("ttl", {"numgen": {"mode": "inc", "mod": 2}}), "unknown", "drift"),
        (hops("ttl", 64), "compliant", "drift"),
        (hops("hoplimit", 1, "ip6"), "unknown", "drift"),
        (hops("hoplimit", 255, "ip6"), "compliant", "drift"),
        (hops("dscp", 1), "compliant", "drift"),
    ],
)
@pytest.mark.parametrize("separate", [False, True])
def test_a_forwarded_packet_with_few_hops_left_may_not_arrive(
    change: dict[str, Any], allowed: str, denied: str, separate: bool
) -> None:
    rules = [[change] if separate else [TCP22, change, ACCEPT], [TCP22, ACCEPT]]
    node = observed(nft=nft(*rules, **FORWARD))
    assert outcome(ALLOW, node) == allowed
    assert outcome(DENY, node) == denied
    closed = observed(nft=nft([change], [TCP22, DROP], **FORWARD))
    assert outcome(DENY, closed) == "compliant"
    inward = observed(nft=any_nft([change], [TCP22, ACCEPT]))
    assert outcome(ALLOW_22, inward) == "compliant"
    filtering = observed(nft=any_nft([change], policy="accept"))
    assert results(Firewall(enabled=True), filtering)["enabled"].outcome == "drift"


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("TTL --ttl-set 1", "unknown"),
        ("TTL --ttl-dec 1", "unknown"),
        ("TTL --ttl-inc 1", "compliant"),
        ("TTL --ttl-set 64", "compliant"),
        ("HL --hl-set 1", "unknown"),
        ("HL --hl-inc 1", "compliant"),
        ("TTL", "unknown"),
        ("DSCP --set-dscp 0x01", "compliant"),
    ],
)
def test_few_hops_in_the_words_of_iptables(target: str, expected: str) -> None:
    lines = [
        "*mangle",
        ":PREROUTING ACCEPT [0:0]",
        f"-A PREROUTING -p tcp -j {target}",
        "COMMIT",
        "*filter",
        ":FORWARD DROP [0:0]",
        "-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT",
        "-A FORWARD -p tcp -m tcp --dport 22 -j ACCEPT",
        "COMMIT",
    ]
    tables = {"ip-legacy-tables": "mangle\nfilter", "ip-legacy": "\n".join(lines)}
    node = observed(nft='{"nftables": []}', inet6="", **tables)
    assert outcome(ALLOW, node) == expected


@pytest.mark.parametrize(
    ("early", "routed", "inward", "outgoing"),
    [
        ("", "compliant", "compliant", "compliant"),
        ("tc-egress eth0", "unknown", "unknown", "unknown"),
        ("tc-egress lo", "compliant", "compliant", "compliant"),
    ],
)
def test_filters_of_tc_for_outgoing_packets_cannot_be_followed(
    early: str, routed: str, inward: str, outgoing: str
) -> None:
    through = observed(nft=nft([TCP22, ACCEPT], **FORWARD), early=early)
    assert outcome(ALLOW, through) == routed
    node = observed(nft=any_nft([ESTABLISHED, ACCEPT], [TCP22, ACCEPT]), early=early)
    assert outcome(ALLOW_22, node) == inward
    assert outcome(DENY_22, node) == "drift"
    found = results(Firewall(default_outgoing="allow"), node)["default_outgoing"]
    assert found.outcome == outgoing
