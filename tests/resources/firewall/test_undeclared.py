"""What is open and not declared: which packets count, and the words for them."""

from dataclasses import replace
from typing import Any

import pytest

from power_edge.model.generated.resources.firewall_schema import Firewall, Rule
from power_edge.resources.firewall import undeclared
from power_edge.resources.firewall.undeclared import MANY_EXTRAS, Extra, extras, networks, openings
from tests.resources.firewall.test_firewall import (
    ACCEPT,
    ALLOW_22,
    DENY_22,
    DROP,
    match,
    meta,
    nft,
    observed,
)

USER = meta("skuid", 0)
"""A condition that is not understood."""


def tcp(port: Any, *more: Any, proto: str = "tcp", end: Any = ACCEPT) -> list[Any]:
    return [match(proto, "dport", port), *more, end]


def source(*places: str, op: str = "==", header: str = "ip") -> dict[str, Any]:
    """A condition on the source: one of some addresses and networks."""
    some: list[Any] = []
    for place in places:
        name, slash, length = place.partition("/")
        some.append({"prefix": {"addr": name, "len": int(length)}} if slash else name)
    return match(header, "saddr", {"set": some}, op)


def on(name: Any, op: str = "==", end: Any = ACCEPT) -> list[Any]:
    return [meta("iifname", name, op), *tcp(22, end=end)]


def found(
    *rules: list[Any], declared: Any = (), policy: str = "drop", **readings: str
) -> list[Extra]:
    firewall = Firewall(enabled=True, rules=list(declared))
    return extras(firewall, observed(nft=nft(*rules, policy=policy), **readings))


IPV4 = {"inet6": ""}
ODD = [2 * number + 1 for number in range(17)]
HAND = "only packets made by hand"
NO_WAY_BACK = {"match": {"op": "==", "left": {"fib": {"result": "oif", "flags": ["saddr", "iif"]}}, "right": False}}  # fmt: skip


@pytest.mark.parametrize(
    ("rules", "texts"),
    [
        ([tcp(22)], ["22/tcp from any to any"]),
        ([[ACCEPT]], ["everything from any to any"]),
        # families
        ([tcp(22, meta("nfproto", "ipv4"))], ["22/tcp from 0.0.0.0/0 to any"]),
        ([tcp(22, meta("nfproto", "ipv6"))], ["22/tcp from ::/0 to any"]),
        # addresses
        ([tcp(22, match("ip", "daddr", "192.0.2.7"))], ["22/tcp from any to 192.0.2.7"]),
        ([tcp(22, source("10.0.0.1", "10.0.0.3", "10.0.0.5", "10.0.0.7"))], ["22/tcp from 10.0.0.1,10.0.0.3,10.0.0.5,10.0.0.7 to any"]),
        ([tcp(22, source("10.0.0.1", "10.0.0.3", "10.0.0.5", "10.0.0.7", "10.0.0.9"))],
         ["22/tcp from 10.0.0.1,10.0.0.3,10.0.0.5,10.0.0.7,... to any"]),
        ([tcp(22, source("10.0.0.0/8", op="!="))], ["22/tcp from any but 10.0.0.0/8 to any"]),
        ([tcp(22, source("fd00::/8", header="ip6"))], ["22/tcp from fd00::/8 to any"]),
        # ports
        ([tcp({"set": [1, 3, 5]})], ["1/tcp from any to any", "3/tcp from any to any", "5/tcp from any to any"]),
        ([tcp({"set": ODD[:16]})], [f"{port}/tcp from any to any" for port in ODD[:16]]),
        ([tcp({"set": ODD})], ["1,3,5,7,9,11,13,15,.../tcp from any to any"]),
        ([tcp({"range": [0, 9]})], ["1-9/tcp from any to any"]),
        ([tcp(0)], []),
        ([tcp({"range": [6000, 6007]}), tcp(6003, end=DROP)], ["6000-6007/tcp from any to any"]),
        ([tcp(6003, end=DROP), tcp({"range": [6000, 6007]})], ["6000-6002/tcp from any to any", "6004-6007/tcp from any to any"]),
        # protocols
        ([[meta("l4proto", {"set": ["tcp", "udp", 200]}), ACCEPT]], [f"{name} from any to any" for name in ("200", "tcp", "udp")]),
        ([[meta("l4proto", {"range": [200, 207]}), ACCEPT]], ["200/201/202/203/204/205/206/207 from any to any"]),
        ([[meta("l4proto", {"range": [200, 208]}), ACCEPT]], ["all other protocols from any to any"]),
        ([[meta("l4proto", {"set": ["icmp", "ipv6-icmp"]}), ACCEPT]], []),
        ([tcp(22, end=DROP), [ACCEPT]], ["everything but 22/tcp from any to any"]),
        ([tcp(22, end=DROP), tcp(53, proto="udp", end=DROP), [ACCEPT]], ["everything but 22/tcp, 53/udp from any to any"]),
        ([[meta("l4proto", "gre"), DROP], [ACCEPT]], ["everything but gre from any to any"]),
        ([[meta("l4proto", "udp"), DROP], [ACCEPT]], ["everything but 1-65535/udp from any to any"]),
        ([tcp({"set": ODD}, end=DROP), [ACCEPT]], None),
        # ports of the source, and what somebody makes by hand
        ([tcp(22, match("tcp", "sport", {"range": [1024, 65535]}))], ["22/tcp from any to any source port 1024-65535"]),
        ([tcp(22, match("tcp", "sport", 0))], ["22/tcp from any to any source port 0"]),
        ([tcp(53, match("udp", "sport", 53), proto="udp")], ["53/udp from any to any source port 53"]),
        ([tcp(7000, meta("pkttype", "broadcast"), proto="udp")], [f"7000/udp from any to any {HAND}"]),
        ([tcp(7000, NO_WAY_BACK)], [f"7000/tcp from any to any {HAND}"]),
        ([tcp(7000, match("tcp", "flags", "psh", "in"))], [f"7000/tcp from any to any {HAND}"]),
        # a part of another opening is no other opening
        ([tcp(22, source("10.0.0.0/8")), tcp(22, source("10.1.0.0/16"))], ["22/tcp from 10.0.0.0/8 to any"]),
        ([tcp(22, source("10.1.0.0/16")), tcp(22, source("10.0.0.0/8"))], ["22/tcp from 10.0.0.0/8 to any"]),
        ([tcp(80, source("10.0.0.0/8"), end=DROP), tcp({"range": [6000, 6007]}), tcp(80)],
         ["6000-6007/tcp from any to any", "80/tcp from any but 10.0.0.0/8 to any", "80/tcp from ::/0 to any"]),
        # answers to a client of DHCP
        ([tcp(68, match("udp", "sport", 67), meta("nfproto", "ipv4"), proto="udp")], []),
        ([tcp(68, match("udp", "sport", 67), meta("nfproto", "ipv6"), proto="udp")], ["68/udp from ::/0 to any source port 67"]),
        ([tcp(68, proto="udp")], ["68/udp from any to any"]),
    ],
    ids=str,
)  # fmt: skip
def test_its_words(rules: list[Any], texts: list[str] | None) -> None:
    some = found(*rules)
    assert all(extra.sure for extra in some)
    if texts is None:  # many ranges are closed: what is open is listed
        assert some
        assert not any("everything but" in extra.text for extra in some)
    else:
        assert [extra.text for extra in some] == [f"allow {text}" for text in texts]


def test_on_a_node_with_one_family_it_is_from_any() -> None:
    (extra,) = found(tcp(22, meta("nfproto", "ipv4")), **IPV4)
    assert extra.text == "allow 22/tcp from any to any"


@pytest.mark.parametrize(
    ("rules", "where"),
    [
        ([on("eth0")], "on eth0"),
        ([on({"set": ["eth0", "eth2", "wg0"]})], "on eth0, eth2, wg0"),
        ([on({"set": ["a", "b", "c", "d"]})], "on a, b, c, d"),
        ([on({"set": ["a", "b", "c", "d", "e"]})], "on a, b, c, d, ..."),
        ([on("eth0", "!=")], "on all interfaces but eth0"),
        ([on("eth*")], "on eth*"),
        ([on("eth0", end=DROP), on("eth*")], "on eth* but eth0"),
        ([on({"set": ["eth0", "eth2"]}, end=DROP), on("eth*")], "on eth* but eth0 and eth2"),
        ([on({"set": ["eth0", "eth2"]}, end=DROP), on({"set": ["eth*", "wg0"]})], "on eth* but eth0 and eth2, wg0"),
        # the kernel takes nearly any name
        ([on("wanX")], "on wanX"),
        ([on("e{0}")], "on e{0}"),
        ([on("e\udcff")], r"on e\xff"),
    ],
    ids=str,
)  # fmt: skip
def test_interfaces(rules: list[Any], where: str) -> None:
    (extra,) = found(*rules, interfaces="lo\neth0\neth1\neth2\nwg0")
    assert extra == Extra(f"allow 22/tcp from any to any {where}", sure=True)


@pytest.mark.parametrize(
    ("declared", "texts"),
    [
        ([], ["20-30/tcp from any to any"]),
        ([ALLOW_22], ["20-21/tcp from any to any", "23-30/tcp from any to any"]),
        ([replace(ALLOW_22, action="limit")], ["20-21/tcp from any to any", "23-30/tcp from any to any"]),
        ([Rule(proto="tcp", port="20-30", action="allow")], []),
        ([DENY_22], ["20-30/tcp from any to any"]),
        ([replace(ALLOW_22, from_="10.0.0.0/8")], ["20-30/tcp from any to any"]),
        ([replace(ALLOW_22, interface="eth0")], ["20-30/tcp from any to any"]),
        ([replace(ALLOW_22, proto="udp")], ["20-30/tcp from any to any"]),
        ([Rule(proto="tcp", port="20-30", action="allow", from_="10.0.0.0/8")], ["20-30/tcp from any to any"]),
        ([Rule(proto="tcp", port="20-30", action="allow", from_=every) for every in ("0.0.0.0/0", "::/0")], []),
        ([Rule(proto="tcp", port="20-30", action="allow", from_="0.0.0.0/0")], ["20-30/tcp from ::/0 to any"]),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_declared_is_left_out(declared: list[Rule], texts: list[str]) -> None:
    some = found(tcp({"range": [20, 30]}), declared=declared)
    assert [extra.text for extra in some] == [f"allow {text}" for text in texts]


def test_where_all_is_declared_open_nothing_is_left() -> None:
    what = observed(nft=nft(tcp(22)))
    assert list(openings(Firewall(default_incoming="allow"), what)) == []
    for default in ("deny", "reject", None):
        assert [each.sure for each in openings(Firewall(default_incoming=default), what)] == [
            True
        ] * 2


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([tcp(22, USER)], [("22/tcp from any to any", False)]),
        ([tcp(22, USER, end=DROP), tcp(22)], [("22/tcp from any to any", False)]),
        ([tcp(22), tcp(80, USER)], [("22/tcp from any to any", True), ("80/tcp from any to any", False)]),
        # what is perhaps open to some hides nothing that is open to others
        ([tcp(22, source("240.0.0.1")), tcp(22, USER, source("10.0.0.0/8"))],
         [("22/tcp from 10.0.0.0/8 to any", False), ("22/tcp from 240.0.0.1 to any", True)]),
        ([tcp(22, USER, meta("nfproto", "ipv4")), tcp(22, meta("nfproto", "ipv6"))],
         [("22/tcp from 0.0.0.0/0 to any", False), ("22/tcp from ::/0 to any", True)]),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_perhaps_open(rules: list[Any], expected: list[tuple[str, bool]]) -> None:
    some = found(*rules)
    assert some == [Extra(f"allow {text}", sure) for text, sure in expected]
    assert [extra.label for extra in some] == [
        f"allow {text}{'' if sure else ' (perhaps)'}" for text, sure in expected
    ]


def many(count: int) -> list[list[Any]]:
    return [tcp(2 * number + 1, source(f"10.0.{number}.0/24")) for number in range(count)]


@pytest.mark.parametrize(
    ("more", "last"),
    [
        ([], None),
        ([tcp(7000)], Extra("and 1 more", sure=True)),
        ([tcp(7000, USER)], Extra("and 1 more", sure=False)),
        ([tcp(7000), tcp(7001, USER, source("10.9.0.0/24"))], Extra("and 2 more", sure=True)),
    ],
)
def test_the_first_of_many(more: list[Any], last: Extra | None) -> None:
    some = found(*many(MANY_EXTRAS), *more, **IPV4)
    assert len(some) == MANY_EXTRAS + (last is not None)
    assert some[0].text == "allow 1/tcp from 10.0.0.0/24 to any"
    assert last is None or some[-1] == last


def test_openings_beside_too_many_others_are_listed_as_they_are_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rules = [tcp(22, source("10.1.0.0/16")), tcp(22, source("10.0.0.0/8"))]
    whole = found(*rules, **IPV4)
    monkeypatch.setattr(undeclared, "MANY", 0)
    pieces = found(*rules, **IPV4)
    assert [extra.sure for extra in pieces] == [True] * len(pieces)
    assert len(pieces) >= len(whole) == 1


@pytest.mark.parametrize(
    ("some", "family", "texts"),
    [
        (((0x0A000000, 0x0A0000FF),), 4, ["10.0.0.0/24"]),
        (((0x0A000001, 0x0A000001), (0x0A000004, 0x0A000005)), 4, ["10.0.0.1", "10.0.0.4/31"]),
        (((1, 1), (4, 7)), 6, ["::1", "::4/126"]),
    ],
)
def test_addresses_as_networks(some: Any, family: int, texts: list[str]) -> None:
    assert list(networks(some, family)) == texts
