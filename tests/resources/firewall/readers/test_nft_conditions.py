"""What single conditions of nft match, as packets beside each other: one that meets a condition,
and one that differs in what it asks for.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import pytest

from power_edge.resources.firewall.packets import rates
from power_edge.resources.firewall.packets.dimension import BITS, LIMITS, Dimension, Mark
from power_edge.resources.firewall.packets.program import Effort
from power_edge.resources.firewall.packets.rule_match import Match
from power_edge.resources.firewall.packets.sets import address, interface
from power_edge.resources.firewall.readers.nft_conditions import ConditionReader, RuleContext
from power_edge.resources.firewall.readers.nft_values import NamedSet
from tests.resources.firewall.test_firewall import ct, masked, match, meta, under_mask


class Packet(NamedTuple):
    family: int
    numbers: Mapping[Dimension, int]


USUAL = dict.fromkeys(LIMITS, 0) | {
    Dimension.PROTO: 6,
    Dimension.SPORT: 40_000,
    Dimension.DPORT: 22,
    Dimension.SADDR4: address("192.0.2.1")[1],
    Dimension.DADDR4: address("198.51.100.1")[1],
    Dimension.SADDR6: address("2001:db8::1")[1],
    Dimension.DADDR6: address("2001:db8::2")[1],
    Dimension.IIF: interface("eth0")[0],
    Dimension.DLOCAL: 1,
    Dimension.HOME: 1,
    Dimension.PATH: 2,
}
"""The first packet of a connection to port 22 of the node. It comes by eth0."""


def packet(*, family: int = 4, mark: int = 0, ctmark: int = 0, **fields: Any) -> Packet:
    """A packet that differs from the usual one in some fields."""
    own = dict(USUAL)
    for name, value in fields.items():
        number = value
        if isinstance(value, str):
            number = address(value)[1] if name[1:5] == "addr" else interface(value)[0]
        own[Dimension(name)] = number
    for which, bits in ((Mark.PACKET, mark), (Mark.CONNECTION, ctmark)):
        own |= {dimension: bits >> bit & 1 for bit, dimension in enumerate(BITS[which])}
    return Packet(family, own)


SETS = {
    ("inet", "t", "ports"): NamedSet([22, {"range": [80, 90]}], changing=False),
    ("inet", "t", "changing"): NamedSet([22], changing=True),
    ("inet", "t", "soon"): NamedSet([{"elem": {"val": 22, "timeout": 9}}, 23], False, True),
    ("inet", "t", "every"): NamedSet([22, "*"], changing=False),
    ("inet", "u", "elsewhere"): NamedSet([22], changing=False),
}


def read(condition: Any, family: int, **context: Any) -> Match:
    found = Match({family})
    where = RuleContext(SETS, Effort(100), **context)
    ConditionReader(found, family, ("inet", "t"), where).condition(condition["match"])
    return found


def met(condition: Any, packet: Packet, **context: Any) -> bool | None:
    """Whether a packet meets a condition; None where that is not known."""
    found = read(condition, packet.family, **context)
    if found.opaque is not None:
        return None
    return packet.family in found.families and any(
        all(
            any(low <= packet.numbers[dimension] <= high for low, high in some)
            for dimension, some in box.items()
        )
        for box in found.boxes
    )


def fib(result: str, flags: Any, right: Any, op: str = "==") -> dict[str, Any]:
    return {
        "match": {"op": op, "left": {"fib": {"result": result, "flags": flags}}, "right": right}
    }


def header(right: Any, op: str = "==", **more: str) -> dict[str, Any]:
    return {"match": {"op": op, "left": {"exthdr": {"name": "rt", **more}}, "right": right}}


MARK, CONNMARK = {"meta": {"key": "mark"}}, {"ct": {"key": "mark"}}
FRAGMENT = {"payload": {"protocol": "ip", "field": "frag-off"}}
FLAGS = {"payload": {"protocol": "tcp", "field": "flags"}}
TCP, UDP, TCP6 = packet(), packet(proto=17), packet(family=6)
UNTRACKED, UNSEEN = packet(conntrack=1), packet(conntrack=2)
PSH, URG, BOTH = packet(psh=1), packet(urg=1), packet(psh=1, urg=1)
SYN_ALONE = under_mask(FLAGS, 0x3F, "syn")


def shown(value: Any) -> str:
    """A condition as the name of a test; packets would make it long."""
    return str(value["match"]) if isinstance(value, Mapping) else "-"


@pytest.mark.parametrize(
    ("condition", "some", "others"),
    [
        # ports
        (match("tcp", "dport", 22), [TCP, TCP6], [packet(dport=23), UDP, packet(sport=22, dport=1)]),
        (match("tcp", "sport", 40_000), [TCP, TCP6], [packet(sport=39_999), UDP]),
        (match("udp", "dport", 22), [UDP], [TCP]),
        (match("dccp", "dport", 22), [packet(proto=33)], [TCP, packet(proto=33, dport=21)]),
        (match("sctp", "dport", 22), [packet(proto=132)], [TCP]),
        (match("udplite", "sport", 40_000), [packet(proto=136)], [TCP, UDP]),
        (match("tcp", "dport", 22, "!="), [packet(dport=23)], [TCP, packet(proto=17, dport=23)]),
        (match("tcp", "dport", 22, "<"), [packet(dport=21), packet(dport=0)], [TCP]),
        (match("tcp", "dport", 22, "<="), [TCP, packet(dport=0)], [packet(dport=23)]),
        (match("tcp", "dport", 22, ">"), [packet(dport=23), packet(dport=65535)], [TCP]),
        (match("tcp", "dport", 22, ">="), [TCP, packet(dport=65535)], [packet(dport=21)]),
        (match("tcp", "dport", 0, ">="), [packet(dport=0)], [UDP]),
        (match("tcp", "dport", 1, "<"), [packet(dport=0)], [packet(dport=1), TCP]),
        (match("tcp", "dport", 0, ">"), [packet(dport=1)], [packet(dport=0)]),
        (match("tcp", "dport", {"range": [22, 23]}, "!="), [packet(dport=24)], [TCP]),
        (match("tcp", "dport", {"set": [22]}, "in"), [TCP], [packet(dport=23)]),
        (match("tcp", "dport", [22, 24]), [TCP], [packet(dport=23)]),
        (match("tcp", "dport", "@ports"), [TCP, packet(dport=85)], [packet(dport=91)]),
        (match("tcp", "dport", "@ports", "!="), [packet(dport=91)], [TCP, packet(dport=85)]),
        (match("th", "dport", 22), [TCP, UDP], [packet(dport=23)]),
        # under a mask
        (masked("dport", 0xFFF0, 0x10), [TCP, packet(dport=31)], [packet(dport=32), UDP]),
        (masked("dport", 0xFFF0, 0x10, "!="), [packet(dport=32)], [TCP, packet(proto=17, dport=32)]),
        (masked("sport", 0xFF00, 0x9C00), [TCP], [packet(sport=0x9D00), UDP]),
        (masked("dport", 0xFFFF, 65535), [packet(dport=65535)], [TCP]),
        (masked("dport", 0x1, 0x2), [], [TCP, packet(dport=2)]),
        (masked("dport", 0x1, 0x2, "!="), [TCP, packet(dport=2)], [UDP]),
        # addresses
        (match("ip", "saddr", "192.0.2.1"), [TCP], [packet(saddr4="192.0.2.2"), TCP6]),
        (match("ip", "daddr", "198.51.100.1"), [TCP], [packet(daddr4="192.0.2.1"), TCP6]),
        (match("ip", "saddr", "192.0.2.1", "!="), [packet(saddr4="192.0.2.2")], [TCP, TCP6]),
        (match("ip6", "saddr", "2001:db8::1"), [TCP6], [packet(family=6, saddr6="::2"), TCP]),
        (match("ip6", "daddr", "2001:db8::2", "!="), [packet(family=6, daddr6="::2")], [TCP6, TCP]),
        (match("ip6", "daddr", "2001:db8::2"), [TCP6], [packet(family=6, daddr6="::2"), TCP]),
        # protocols
        (match("ip", "protocol", "tcp"), [TCP], [UDP, TCP6]),
        (match("ip", "protocol", "tcp", "!="), [UDP], [TCP, TCP6, packet(family=6, proto=17)]),
        (match("ip6", "nexthdr", "tcp"), [TCP6], [packet(family=6, ext=1), packet(family=6, proto=17), TCP]),
        (match("ip6", "nexthdr", "tcp", "!="), [packet(family=6, ext=1), packet(family=6, proto=17)], [TCP6, UDP]),
        (match("ip6", "nexthdr", {"set": ["tcp", 17]}), [TCP6, packet(family=6, proto=17)], [packet(family=6, proto=58)]),
        (meta("l4proto", "tcp"), [TCP, TCP6, packet(family=6, ext=1)], [UDP]),
        (meta("l4proto", 17, "!="), [TCP, TCP6], [UDP]),
        (meta("l4proto", {"set": ["udp", "tcp"]}, "in"), [TCP, UDP], [packet(proto=1)]),
        # families
        (meta("nfproto", "ipv4"), [TCP], [TCP6]),
        (meta("nfproto", "ipv6"), [TCP6], [TCP]),
        (meta("nfproto", 2), [TCP], [TCP6]),
        (meta("nfproto", 10), [TCP6], [TCP]),
        (meta("nfproto", "ipv4", "!="), [TCP6], [TCP]),
        (meta("protocol", "ip"), [TCP], [TCP6]),
        (meta("protocol", "ip6", "!="), [TCP], [TCP6]),
        (meta("protocol", "vlan"), [], [TCP, TCP6]),
        (meta("protocol", {"set": ["ip", "ip6"]}, "!="), [], [TCP, TCP6]),
        # kinds of ICMP
        (match("icmp", "type", "echo-request"), [packet(proto=1, icmp=8 * 256), packet(proto=1, icmp=8 * 256 + 255)],
         [packet(proto=1, icmp=9 * 256), packet(proto=1, icmp=8 * 256 - 1), TCP, packet(family=6, proto=1, icmp=8 * 256)]),
        (match("icmp", "type", "8"), [packet(proto=1, icmp=8 * 256)], [packet(proto=1, icmp=0)]),
        (match("icmp", "type", {"set": ["echo-reply", {"range": [8, 9]}]}, "in"),
         [packet(proto=1, icmp=0), packet(proto=1, icmp=9 * 256 + 255)], [packet(proto=1, icmp=10 * 256)]),
        (match("icmp", "type", 8, "!="), [packet(proto=1, icmp=9 * 256)], [packet(proto=1, icmp=8 * 256), TCP]),
        (match("icmpv6", "type", "echo-request"), [packet(family=6, proto=58, icmp=128 * 256)],
         [packet(family=6, proto=58, icmp=8 * 256), packet(family=6, proto=1, icmp=128 * 256), packet(proto=58, icmp=128 * 256), TCP6]),
        (match("icmpv6", "type", {"set": ["nd-redirect", "mld2-listener-report"]}), [packet(family=6, proto=58, icmp=137 * 256)],
         [packet(family=6, proto=58, icmp=136 * 256)]),
        # interfaces
        (meta("iifname", "eth0"), [TCP], [packet(iif="eth1"), packet(oif="eth0", iif="lo")]),
        (meta("iifname", "eth*"), [TCP, packet(iif="eth1")], [packet(iif="lo")]),
        (meta("iifname", {"set": "eth0"}), [TCP], [packet(iif="e"), packet(iif="eth1")]),
        (meta("iifname", "eth0", "!="), [packet(iif="eth1")], [TCP]),
        (meta("iif", "eth0"), [TCP], [packet(iif="eth1")]),
        (meta("oif", "eth0"), [packet(oif="eth0", iif="lo")], [TCP]),
        (meta("oifname", {"set": ["eth0", "lo"]}), [packet(oif="lo")], [TCP, packet(oif="eth1")]),
        (meta("oifname", "lo", "!="), [TCP], [packet(oif="lo")]),
        # to whom it was sent on the link; TCP that is not for the node alone is never accepted
        (meta("pkttype", "host"), [TCP, UDP], [packet(proto=17, cast=1), packet(proto=17, cast=2)]),
        (meta("pkttype", "host", "!="), [packet(proto=17, cast=1), packet(proto=17, cast=2)], [TCP, UDP]),
        (meta("pkttype", "broadcast"), [packet(proto=17, cast=1)], [TCP, UDP, packet(proto=17, cast=2)]),
        (meta("pkttype", {"set": ["unicast", "multicast"]}), [TCP, UDP, packet(proto=17, cast=2)], [packet(proto=17, cast=1)]),
        (meta("pkttype", "other"), [], [TCP, UDP, packet(proto=17, cast=1)]),
        # connections
        (ct("state", "new"), [TCP], [UNTRACKED, UNSEEN]),
        (ct("state", ["new", "untracked"]), [TCP, UNTRACKED], [UNSEEN]),
        (ct("state", {"set": ["invalid", "new"]}, "=="), [TCP, UNSEEN], [UNTRACKED]),
        (ct("state", "new", "=="), [TCP], [UNTRACKED, UNSEEN]),
        (ct("state", "new", "!="), [UNTRACKED, UNSEEN], [TCP]),
        (ct("state", {"set": ["new", "untracked"]}, "!="), [UNSEEN], [TCP, UNTRACKED]),
        (ct("status", "dnat"), [], [TCP, UNTRACKED, UNSEEN]),
        (ct("status", "snat", "!="), [TCP], [UNTRACKED, UNSEEN]),
        (ct("status", {"set": ["snat", "dnat"]}, "!="), [TCP], [UNTRACKED, UNSEEN]),
        (ct("direction", "original", "=="), [TCP], [UNTRACKED, UNSEEN]),
        (ct("direction", "reply", "!="), [TCP], [UNTRACKED, UNSEEN]),
        (ct("direction", "reply", "=="), [], [TCP, UNTRACKED, UNSEEN]),
        (ct("direction", "original", "!="), [], [TCP, UNTRACKED, UNSEEN]),
        (ct("direction", {"set": ["reply", "original"]}, "=="), [TCP], [UNSEEN]),
        # marks
        (meta("mark", 5), [packet(mark=5)], [TCP, packet(mark=4), packet(ctmark=5)]),
        (meta("mark", "0x5"), [packet(mark=5)], [TCP]),
        (meta("mark", {"range": [5, 6]}), [packet(mark=6)], [packet(mark=7)]),
        (meta("mark", 5, "!="), [TCP], [packet(mark=5)]),
        (ct("mark", 5, "=="), [packet(ctmark=5)], [TCP, packet(mark=5), packet(ctmark=5, conntrack=1)]),
        (ct("mark", {"set": [5, 6]}, "!="), [TCP, packet(ctmark=7)], [packet(ctmark=5), UNTRACKED]),
        (under_mask(MARK, 0xF0, 0x20), [packet(mark=0x2F)], [packet(mark=0x30), packet(ctmark=0x20)]),
        (under_mask(MARK, 0xF0, 0x20, "!="), [packet(mark=0x30)], [packet(mark=0x2F)]),
        (under_mask(MARK, 0xF0, 0x21), [], [packet(mark=0x21), TCP]),
        (under_mask(CONNMARK, 1, 1), [packet(ctmark=3)], [packet(ctmark=2), packet(ctmark=3, conntrack=2)]),
        # what the routes say
        (fib("type", "daddr", "local"), [TCP, packet(proto=17)], [packet(dlocal=0), packet(proto=17, dlocal=2)]),
        (fib("type", ["daddr"], "local", "!="), [packet(dlocal=0)], [TCP]),
        (fib("type", ["saddr"], "local"), [packet(slocal=1)], [TCP]),
        (fib("type", ["saddr"], {"set": ["local", "broadcast"]}, "!="), [TCP], [packet(slocal=1), packet(slocal=2)]),
        (fib("type", ["daddr", "iif"], "local"), [TCP], [packet(home=0), packet(dlocal=0, home=0)]),
        (fib("type", ["daddr", "iif"], "broadcast"), [packet(proto=17, dlocal=2)], [packet(proto=17, dlocal=2, home=0), TCP6]),
        (fib("type", ["daddr", "iif"], "anycast"), [packet(family=6, proto=17, dlocal=2, home=0)],
         [packet(family=6, proto=17, home=0), TCP]),
        (fib("type", ["daddr", "iif"], "unicast"),
         [packet(home=0), packet(proto=17, dlocal=2, home=0), packet(family=6, proto=17, home=0),
          packet(family=6, dlocal=0, home=0), packet(family=6, proto=17, dlocal=0, home=0)],
         [TCP, TCP6, packet(proto=17, dlocal=2), packet(family=6, proto=17, dlocal=2, home=0)]),
        (fib("oif", ["saddr", "iif"], True), [TCP], [packet(path=1), packet(path=0)]),
        (fib("oif", ["saddr", "iif"], False), [packet(path=1), packet(path=0)], [TCP]),
        (fib("oif", ["saddr", "iif"], True, "!="), [packet(path=1), packet(path=0)], [TCP]),
        (fib("oif", ["saddr", "iif"], False, "!="), [TCP], [packet(path=1)]),
        (fib("oif", ["saddr", "iif"], "0"), [packet(path=1)], [TCP]),
        (fib("oif", ["saddr", "iif"], 0, "!="), [TCP], [packet(path=1)]),
        (fib("oif", "saddr", True), [TCP, packet(path=1)], [packet(path=0)]),
        (fib("oifname", ["saddr"], False), [packet(path=0)], [TCP, packet(path=1)]),
        # flags of TCP: the first packet has SYN, and may have PSH and URG
        (SYN_ALONE, [TCP, TCP6], [PSH, URG, BOTH, UDP]),
        (under_mask(FLAGS, 0x3F, "syn", "!="), [PSH, URG, BOTH], [TCP, UDP]),
        (under_mask(FLAGS, {"|": ["syn", "psh"]}, {"|": ["syn", "psh"]}), [PSH, BOTH], [TCP, URG]),
        (under_mask(FLAGS, "psh", 0), [TCP, URG], [PSH, BOTH, UDP]),
        (under_mask(FLAGS, 0x3F, {"set": ["ack", {"|": ["syn", "urg"]}]}), [URG], [TCP, PSH, BOTH]),
        (match("tcp", "flags", "syn", "in"), [TCP, PSH, BOTH], [UDP]),
        (match("tcp", "flags", ["urg", "fin"], "in"), [URG, BOTH], [TCP, PSH, UDP]),
        (match("tcp", "flags", "syn", "!"), [], [TCP, PSH, UDP]),
        (match("tcp", "flags", "psh", "!"), [TCP, URG], [PSH, BOTH, UDP]),
        (match("tcp", "flags", ["syn", "ecn"], "in"), [TCP, PSH], [UDP]),
        (match("tcp", "flags", {"|": ["syn", "ack"]}), [], [TCP, PSH, URG, UDP]),
        (match("tcp", "flags", {"|": ["fin", "psh"]}, "!="), [TCP, PSH, URG], [UDP, packet(proto=7)]),
        (under_mask(FLAGS, 0xFF, "fin", "!="), [TCP, PSH], [UDP, packet(proto=7)]),
        # fragments
        (under_mask(FRAGMENT, 0x1FFF, 0), [TCP, UDP], [TCP6]),
        (under_mask(FRAGMENT, 0x1FFF, 0, "!="), [], [TCP, TCP6]),
        # headers of extension, which IPv4 has not
        (header(right=True), [packet(family=6, ext=1)], [TCP6, TCP]),
        (header(right=False, op="!="), [packet(family=6, ext=1)], [TCP6, TCP]),
        (header(0, field="type"), [packet(family=6, ext=1)], [TCP6, TCP]),
        (header(0, "!=", field="type"), [packet(family=6, ext=1)], [TCP6, TCP]),
        (header(right=False, field="type"), [packet(family=6, ext=1)], [TCP6, TCP]),
    ],
    ids=shown,
)  # fmt: skip
def test_what_a_condition_matches(condition: Any, some: list[Packet], others: list[Packet]) -> None:
    assert [met(condition, each) for each in some] == [True] * len(some)
    assert [met(condition, each) for each in others] == [False] * len(others)


@pytest.mark.parametrize("condition", [header(right=False), header(right=True, op="!=")], ids=str)
def test_a_missing_header_of_extension_is_known_of_ipv6_alone(condition: Any) -> None:
    assert met(condition, TCP6)
    assert met(condition, packet(family=6, ext=1)) is False
    assert met(condition, TCP) is None


@pytest.mark.parametrize(
    "condition",
    [
        match("tcp", "dport", 22, "!"),
        match("tcp", "dport", 22, "in"),
        match("tcp", "dport", 22, "&"),
        match("tcp", "dport", {"range": [22, 23]}, "<"),
        match("tcp", "dport", {"range": [22, 23]}, ">="),
        match("tcp", "dport", {"set": [22, 24]}, ">"),
        match("tcp", "dport", True),
        match("tcp", "dport", "@gone"),
        match("tcp", "dport", "@ports", "in"),
        match("tcp", "dport", "@elsewhere"),
        match("tcp", "dport", "@changing"),
        match("tcp", "dport", "@changing", "!="),
        match("tcp", "dport", "@every"),
        match("tcp", "dport", {"set": [22, {"elem": {"val": 23, "limit": {"rate": 1}}}]}),
        match("tcp", "dport", "@soon", "!="),
        match("tcp", "sequence", 1),
        match("udp", "length", 1),
        match("esp", "dport", 22),
        match("ip", "ttl", 9),
        match("ip", "length", 9),
        match("ip", "protocol", "tcp", "in"),
        match("ip", "protocol", "nosuch"),
        match("ip6", "hoplimit", 9),
        match("ip6", "nexthdr", "ipv6-frag"),
        match("ip6", "nexthdr", "ipv6-frag", "!="),
        match("ip6", "nexthdr", {"set": ["tcp", 0]}),
        match("ip6", "nexthdr", "tcp", "<"),
        match("ip6", "nexthdr", "tcp", "in"),
        match("icmp", "code", 0),
        match("icmp", "type", 8, "<"),
        match("icmp", "type", 8, "in"),
        match("icmp", "type", "nosuch"),
        match("icmpv6", "type", "source-quench"),
        match("icmpv6", "id", 1),
        match("ether", "saddr", "00:00:00:00:00:01"),
        {"match": {"op": "==", "left": {"payload": {"base": "th", "offset": 16, "len": 16}}, "right": 22}},
        {"match": {"op": "==", "left": {"rt": {"key": "nexthop"}}, "right": "192.0.2.1"}},
        meta("l4proto", "tcp", "in"),
        meta("nfproto", "ipv4", "<"),
        meta("nfproto", "ipv4", "in"),
        meta("protocol", 0x0800),
        meta("iifname", "eth0", "in"),
        meta("iifname", "eth0", ">"),
        meta("iif", 7),
        meta("iifname", "x" * 16),
        meta("pkttype", "host", "in"),
        meta("pkttype", "loopback"),
        meta("mark", 5, "<"),
        meta("mark", 5, "in"),
        meta("iifgroup", 5),
        meta("cpu", 0, "!="),
        ct("state", ["new", "established"], "=="),
        ct("state", ["new", "established"], "!="),
        ct("state", "snat"),
        ct("status", ["snat", "dnat"], "!="),
        ct("status", "confirmed"),
        ct("direction", "original", "in"),
        ct("direction", "original", "<"),
        ct("direction", 0, "=="),
        ct("zone", 1, "=="),
        ct("mark", 5, ">"),
        ct("mark", 5, "in"),
        under_mask(MARK, 1, 1, "<"),
        under_mask(MARK, 1, "1"),
        under_mask(MARK, "1", 1),
        under_mask(MARK, CONNMARK, 1),
        under_mask({"meta": {"key": "cpu"}}, 1, 1),
        under_mask({"ct": {"key": "state"}}, 1, 1),
        under_mask(FRAGMENT, 0x1FFF, 1),
        under_mask(FRAGMENT, 0x2000, 0),
        under_mask(FRAGMENT, 0x1FFF, 0, "<"),
        under_mask({"payload": {"protocol": "ip6", "field": "frag-off"}}, 0x1FFF, 0),
        under_mask({"payload": {"protocol": "ip", "field": "saddr"}}, 1, 1),
        under_mask(FLAGS, 0x3F, "syn", "<"),
        under_mask(FLAGS, 0x3F, "nosuch"),
        under_mask({"payload": {"protocol": "tcp", "field": "dport"}}, {"|": [1, 2]}, 1),
        under_mask({"payload": {"protocol": "tcp", "field": "dport"}}, 1, "1"),
        masked("dport", 0xFFF0, 0x10, "<"),
        masked("dport", 0x1, 0x2, "<"),
        fib("type", ["saddr", "daddr"], "local"),
        fib("type", ["saddr", "iif"], "local"),
        fib("type", ["daddr", "oif"], "local"),
        fib("type", ["daddr"], "nosuch"),
        fib("type", ["daddr"], "local", "in"),
        fib("oif", ["daddr"], True),
        fib("oif", ["daddr", "iif"], True),
        fib("oif", ["saddr"], "eth0"),
        fib("oif", ["saddr"], 1),
        fib("oif", ["saddr"], True, "in"),
        fib("mark", ["saddr"], True),
        match("tcp", "flags", "syn"),
        match("tcp", "flags", "syn", "!="),
        match("tcp", "flags", {"|": ["syn", "ecn", "urg"]}),
        match("tcp", "flags", {"|": ["syn", "cwr", "psh"]}, "!="),
        match("tcp", "flags", {"set": ["syn", "fin"]}, "in"),
        match("tcp", "flags", "ecn", "in"),
        match("tcp", "flags", ["ecn", "fin"], "!"),
        match("tcp", "flags", "syn", "<"),
        match("udp", "flags", "syn"),
    ],
    ids=str,
)  # fmt: skip
def test_conditions_that_are_not_understood(condition: Any) -> None:
    assert {met(condition, each) for each in (TCP, TCP6)} in ({None}, {None, False})


def test_an_element_that_expires_is_left_out_of_what_stays() -> None:
    condition = match("tcp", "dport", "@soon")
    assert [met(condition, packet(dport=port)) for port in (22, 23)] == [True, True]
    later = [met(condition, packet(dport=port), permanent=True) for port in (22, 23)]
    assert later == [False, True]


def test_elements_count_as_work() -> None:
    found = Match({4})
    where = RuleContext(SETS, Effort(1))
    ConditionReader(found, 4, ("inet", "t"), where).condition(
        match("tcp", "dport", "@ports")["match"]
    )
    assert found.opaque == "the ruleset is too complex to be followed"


TH, PROTO = {"payload": {"protocol": "th", "field": "dport"}}, {"meta": {"key": "l4proto"}}
HEADER = {"exthdr": {"name": "rt", "field": "type"}}
SOURCE4 = {"payload": {"protocol": "ip", "field": "saddr"}}


def together(parts: list[Any], *values: list[Any], op: str = "==") -> dict[str, Any]:
    some = [{"concat": value} for value in values]
    return {"match": {"op": op, "left": {"concat": parts}, "right": {"set": some}}}


@pytest.mark.parametrize("op", ["==", "in"])
def test_several_fields(op: str) -> None:
    both = together([PROTO, TH], ["tcp", 22], ["udp", 53], op=op)
    assert read(both, 4).any_transport
    assert met(both, TCP)
    assert met(both, packet(proto=17, dport=53))
    assert met(both, UDP) is False
    assert met(together([SOURCE4, PROTO], ["192.0.2.1", "tcp"], op=op), TCP)
    assert met(together([SOURCE4, PROTO], ["192.0.2.1", "tcp"], op=op), TCP6) is False
    rate = read(together([HEADER, PROTO], [0, "tcp"], op=op), 6)
    assert rate.varies
    assert len(rate.rates) == 1


def test_what_is_known_of_a_rule_before_several_fields_stays_known() -> None:
    before = Match({4}, any_transport=True)
    before.rate(rates.EITHER)
    fields = together([SOURCE4, PROTO], ["192.0.2.1", "tcp"])["match"]
    ConditionReader(before, 4, ("inet", "t"), RuleContext({}, Effort(1))).condition(fields)
    assert (before.any_transport, before.varies, before.rates) == (True, True, [rates.EITHER])


@pytest.mark.parametrize(
    "condition",
    [
        together([PROTO, TH], ["tcp", 22], op="!="),
        together([PROTO, TH], ["tcp", "ssh"]),
        together([PROTO, TH], ["tcp", 22], ["udp", "ssh"]),
        together([PROTO, TH], ["tcp"]),
        together([PROTO, TH], ["tcp", 22, 23]),
        together([PROTO, TH], ["tcp", {"elem": {"val": 22, "limit": {}}}]),
        together([PROTO, {"meta": {"key": "skuid"}}], ["tcp", 0]),
    ],
    ids=str,
)  # fmt: skip
def test_several_fields_that_are_not_understood(condition: Any) -> None:
    assert met(condition, TCP) is None
