"""Packets that no host sends and somebody may make by hand.

What is closed must be closed to them, and what is allowed need not be open to them. Tried with real
packets (Linux 6.18): it accepts a SYN with PSH or URG, UDP and ICMP that were sent to all on the
link, and extension headers. It does not accept a SYN with FIN, nor TCP that was sent to all.
"""

from typing import Any

import pytest

from power_edge.model.generated.resources.firewall_schema import Firewall, Rule
from tests.resources.firewall.test_firewall import (
    ACCEPT,
    ALLOW_22,
    DENY_22,
    DROP,
    TCP22,
    ct,
    legacy,
    match,
    meta,
    nft,
    observed,
    outcome,
    results,
)

UDP22 = match("udp", "dport", 22)
ONE: dict[str, str] = {"interfaces": "lo\neth0"}
TWO: dict[str, str] = {}
SYN_ALONE = {
    "match": {
        "op": "==",
        "left": {"&": [{"payload": {"protocol": "tcp", "field": "flags"}}, 63]},
        "right": "syn",
    }
}
NOT_SYN_ALONE = {"match": {**SYN_ALONE["match"], "op": "!="}}


def fib(flags: list[str], result: str, right: Any, op: str = "==") -> dict[str, Any]:
    return {
        "match": {"op": op, "left": {"fib": {"result": result, "flags": flags}}, "right": right}
    }


def exthdr(right: bool) -> dict[str, Any]:
    return {"match": {"op": "==", "left": {"exthdr": {"name": "hbh"}}, "right": right}}


STOPPED_BY = {
    "syn-alone": SYN_ALONE,
    "sent-to-the-node": meta("pkttype", "host"),
    "not-broadcast": meta("pkttype", "broadcast", "!="),
    "answers-by-the-interface": fib(["saddr", "iif"], "oif", True),
    "answers-by-any-interface": fib(["saddr"], "oif", True),
    "no-extension-header": exthdr(False),
}
LETS_IN = {
    "syn-and-more": NOT_SYN_ALONE,
    "sent-to-all": meta("pkttype", "host", "!="),
    "multicast": meta("pkttype", "multicast"),
    "answers-by-another-interface": fib(["saddr", "iif"], "oif", False),
    "an-extension-header": exthdr(True),
}


def rule(action: str, name: str) -> Rule:
    return Rule(proto="tcp" if "syn" in name else "udp", port=22, action=action)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", STOPPED_BY)
def test_what_is_closed_to_hosts_alone_is_not_closed(name: str) -> None:
    port = TCP22 if "syn" in name else UDP22
    node = observed(nft=nft([port, STOPPED_BY[name], DROP], policy="accept"))
    assert outcome(rule("deny", name), node) == "drift"
    assert outcome(rule("allow", name), node) == "drift"


@pytest.mark.parametrize("name", LETS_IN)
def test_a_port_open_to_packets_made_by_hand_is_not_closed(name: str) -> None:
    port = TCP22 if "syn" in name else UDP22
    node = observed(nft=nft([port, LETS_IN[name], ACCEPT]))
    assert outcome(rule("deny", name), node) == "drift"
    found = results(Firewall(exclusive=True), node)["exclusive"]
    assert (found.outcome, "made by hand" in str(found)) == ("drift", True)


@pytest.mark.parametrize("name", [*STOPPED_BY, *LETS_IN])
def test_an_allowed_port_need_not_be_open_to_packets_made_by_hand(name: str) -> None:
    port = TCP22 if "syn" in name else UDP22
    rules = (
        [[STOPPED_BY[name], port, ACCEPT]]
        if name in STOPPED_BY
        else [[LETS_IN[name], DROP], [port, ACCEPT]]
    )
    if name == "no-extension-header":
        rules = [[meta("nfproto", "ipv4"), port, ACCEPT], *rules]
    node = observed(nft=nft([ct("state", "established"), ACCEPT], *rules))
    assert outcome(rule("allow", name), node) == "compliant"
    assert (
        results(Firewall(default_incoming="deny"), node)["default_incoming"].outcome == "compliant"
    )


@pytest.mark.parametrize(
    ("only", "stopped"),
    [
        ("-p tcp -m tcp --dport 22 --tcp-flags FIN,SYN,RST,PSH,ACK,URG SYN", "tcp"),
        ("-p udp -m pkttype --pkt-type unicast -m udp --dport 22", "udp"),
        ("-p udp -m pkttype ! --pkt-type broadcast -m udp --dport 22", "udp"),
        ("-p udp -m rpfilter -m udp --dport 22", "udp"),
        ("-p udp -m rpfilter --loose -m udp --dport 22", "udp"),
    ],
)
def test_the_same_in_the_words_of_iptables(only: str, stopped: str) -> None:
    closed = Rule(proto=stopped, port=22, action="deny")  # type: ignore[arg-type]
    opened = Rule(proto=stopped, port=22, action="allow")  # type: ignore[arg-type]
    assert outcome(closed, legacy(f"INPUT {only} -j DROP", policy="ACCEPT")) == "drift"
    established = "INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT"
    assert outcome(opened, legacy(established, f"INPUT {only} -j ACCEPT")) == "compliant"


def test_packets_that_an_interface_gets_for_another_one() -> None:
    """They come where a node has several interfaces, and not where it has one."""
    local = fib(["daddr", "iif"], "type", "local")
    strict = nft([{"match": {**local["match"], "op": "!="}}, DROP], [TCP22, ACCEPT])
    loose = nft([local, TCP22, DROP], policy="accept")
    assert [outcome(ALLOW_22, observed(nft=strict, **some)) for some in (ONE, TWO)] == [
        "compliant",
        "drift",
    ]
    assert [outcome(DENY_22, observed(nft=loose, **some)) for some in (ONE, TWO)] == [
        "drift",
        "drift",
    ]
    assert (
        outcome(ALLOW_22, observed(nft=nft([fib(["daddr"], "type", "local"), TCP22, ACCEPT])))
        == "compliant"
    )


def test_the_next_header_of_ipv6() -> None:
    tcp = {
        "match": {
            "op": "==",
            "left": {"payload": {"protocol": "ip6", "field": "nexthdr"}},
            "right": "tcp",
        }
    }
    other = {"match": {**tcp["match"], "op": "!="}}
    v6 = Rule(proto="tcp", port=22, action="deny", from_="::/0")
    assert outcome(v6, observed(nft=nft([tcp, TCP22, DROP], policy="accept"))) == "drift"
    assert outcome(v6, observed(nft=nft([other, ACCEPT]))) == "drift"
    assert (
        outcome(
            Rule(proto="tcp", port=22, action="allow", from_="::/0"),
            observed(nft=nft([tcp, TCP22, ACCEPT])),
        )
        == "compliant"
    )
    hop = {"match": {**tcp["match"], "right": 0}}
    assert outcome(v6, observed(nft=nft([hop, ACCEPT]))) == "unknown"


@pytest.mark.parametrize(
    "only",
    [
        [match("tcp", "sport", 0), DROP],
        [LETS_IN["sent-to-all"], DROP],
        [LETS_IN["an-extension-header"], DROP],
        [LETS_IN["syn-and-more"], DROP],
    ],
)
def test_what_stops_packets_that_nobody_sends_is_no_firewall(only: list[Any]) -> None:
    found = results(
        Firewall(enabled=True, rules=[ALLOW_22]), observed(nft=nft(only, policy="accept"))
    )
    assert {name: result.outcome for name, result in found.items()} == {
        "enabled": "drift",
        "allow 22/tcp from any to any": "drift",
    }


@pytest.mark.parametrize(
    ("rules", "default"),
    [
        ([[match("tcp", "sport", {"range": [32768, 65535]}), ACCEPT]], "drift"),
        (
            [
                [match("tcp", "sport", {"range": [1, 32767]}), ACCEPT],
                [match("tcp", "sport", {"range": [32768, 65535]}), ACCEPT],
            ],
            "drift",
        ),
        (
            [
                [match("tcp", "sport", {"range": [49152, 54000]}), ACCEPT],
                [match("tcp", "sport", {"range": [54001, 60999]}), ACCEPT],
            ],
            "drift",
        ),
        ([[match("tcp", "sport", {"range": [1, 1023]}), ACCEPT]], "compliant"),
        ([[match("udp", "sport", 53), ACCEPT]], "compliant"),
    ],
)
def test_what_is_open_to_the_ports_that_clients_use_is_a_default(
    rules: list[list[Any]], default: str
) -> None:
    assert (
        results(Firewall(default_incoming="deny"), observed(nft=nft(*rules)))[
            "default_incoming"
        ].outcome
        == default
    )


def test_a_default_in_several_rules_is_one() -> None:
    """Half of the ports each, from many small networks."""

    def part(network: int, ports: list[int]) -> list[Any]:
        return [
            match("ip", "saddr", {"prefix": {"addr": f"{network}.0.0.0", "len": 8}}),
            match("tcp", "dport", {"range": ports}),
            ACCEPT,
        ]

    rules = [
        part(network, ports) for network in (1, 3, 5, 7) for ports in ([1, 20000], [20001, 40000])
    ]
    assert (
        results(Firewall(default_incoming="deny"), observed(nft=nft(*rules)))[
            "default_incoming"
        ].outcome
        == "drift"
    )


def test_an_opening_is_said_once() -> None:
    """ufw drops packets with a routing header of IPv6 before its rules."""
    rules = nft(
        [exthdr(True), DROP],
        [meta("pkttype", "multicast"), DROP],
        [SYN_ALONE, TCP22, ACCEPT],
        [UDP22, ACCEPT],
        [match("tcp", "sport", {"range": [32768, 65535]}), ACCEPT],
    )
    found = results(Firewall(exclusive=True), observed(nft=rules))["exclusive"].findings[0].why
    allowed = (
        "22/tcp from any to any",
        "22/udp from any to any",
        "tcp from any to any source port 32768-65535",
    )
    assert found == f"open and not declared: {'; '.join(f'allow {each}' for each in allowed)}"


@pytest.mark.parametrize("family", ["inet", "netdev"])
@pytest.mark.parametrize(
    ("condition", "decided"),
    [
        ({"op": "==", "left": {"exthdr": {"name": "hbh"}}, "right": False}, False),
        ({"op": "!=", "left": {"exthdr": {"name": "hbh"}}, "right": True}, False),
        ({"op": "==", "left": {"exthdr": {"name": "hbh"}}, "right": True}, True),
        ({"op": "!=", "left": {"exthdr": {"name": "mh"}}, "right": False}, True),
        (
            {"op": "==", "left": {"exthdr": {"name": "frag", "field": "nexthdr"}}, "right": "tcp"},
            True,
        ),
        ({"op": "!=", "left": {"exthdr": {"name": "rt", "field": "type"}}, "right": 0}, True),
    ],
)
def test_ipv4_has_no_extension_headers(
    family: str, condition: dict[str, Any], decided: bool
) -> None:
    """Whether a header is missing from a packet of IPv4 depends on the kernel. No other condition
    on headers matches one.
    """
    where: dict[str, Any] = (
        {}
        if family == "inet"
        else {"family": "netdev", "hook": "ingress", "dev": ["eth0", "docker0"]}
    )
    lets_in = observed(
        nft=nft([meta("nfproto", "ipv4"), {"match": condition}, TCP22, ACCEPT], **where)
    )
    stops = observed(nft=nft([{"match": condition}, TCP22, DROP], policy="accept", **where))
    denied = Rule(proto="tcp", port=22, action="deny", from_="0.0.0.0/0")
    allowed = Rule(proto="tcp", port=22, action="allow", from_="0.0.0.0/0")
    closed = "compliant" if family == "inet" else "unknown"  # another interface may come
    assert (outcome(denied, lets_in), outcome(allowed, lets_in)) == (
        (closed, "drift") if decided else ("unknown", "unknown")
    )
    assert outcome(denied, stops) == ("drift" if decided else "unknown")


def test_an_extension_header_in_a_concatenation_is_one_of_several() -> None:
    """A rule for one kind of header does not match packets with another kind."""
    key = {
        "concat": [
            {"exthdr": {"name": "hbh", "field": "nexthdr"}},
            {"payload": {"protocol": "udp", "field": "dport"}},
        ]
    }
    both = {"match": {"op": "==", "left": key, "right": {"set": [{"concat": [17, 22]}]}}}
    node = observed(nft=nft([both, DROP], [exthdr(False), UDP22, DROP], policy="accept"))
    assert outcome(Rule(proto="udp", port=22, action="deny", from_="::/0"), node) == "drift"


def test_options_of_ipv4_are_not_decided() -> None:
    option = {"match": {"op": "==", "left": {"ip option": {"name": "lsrr"}}, "right": False}}
    for family in ("0.0.0.0/0", "::/0"):
        assert (
            outcome(
                Rule(proto="tcp", port=22, action="allow", from_=family),
                observed(nft=nft([option, TCP22, ACCEPT])),
            )
            == "unknown"
        )


BOGONS = [
    {"prefix": {"addr": "0.0.0.0", "len": 8}},
    {"prefix": {"addr": "240.0.0.0", "len": 4}},
]


def saddr_in(right: Any) -> dict[str, Any]:
    return match("ip", "saddr", right)


@pytest.mark.parametrize("bogon", [{"set": BOGONS}, BOGONS[0], BOGONS[1], "240.1.2.3", "0.1.2.3"])
def test_addresses_that_no_host_should_have(bogon: Any) -> None:
    """Linux 6.18 accepts connections from 0.0.0.0/8 and 240.0.0.0/4 (tried with TCP)."""
    closed = nft([saddr_in(bogon), DROP], [TCP22, ACCEPT])
    assert outcome(ALLOW_22, observed(nft=closed, inet6="")) == "compliant"
    opened = observed(nft=nft([saddr_in(bogon), ACCEPT]), inet6="")
    assert outcome(DENY_22, opened) == "drift"
    assert results(Firewall(exclusive=True), opened)["exclusive"].outcome == "drift"
    refused = nft([saddr_in(bogon), DROP], [TCP22, {"reject": None}], policy="accept")
    reject = Rule(proto="tcp", port=22, action="reject")
    assert outcome(reject, observed(nft=refused, inet6="")) == "compliant"
    everybody = observed(nft=nft([TCP22, ACCEPT]), inet6="")
    only_22 = Firewall(exclusive=True, rules=[ALLOW_22])
    assert results(only_22, everybody)["exclusive"].outcome == "compliant"
