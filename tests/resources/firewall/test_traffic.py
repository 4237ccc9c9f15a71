"""Which connections declarations are about: the tables of addresses, ports and protocols."""

from typing import Any

import pytest

from power_edge.model.generated.resources.firewall_schema import Firewall, Rule
from power_edge.resources.firewall.packets.sets import Numbers, address, both
from power_edge.resources.firewall.queries import judged_families
from power_edge.resources.firewall.traffic import PUBLIC, UNICAST
from tests.resources.firewall.packets.test_marks import early, has, set_to, tables
from tests.resources.firewall.test_firewall import (
    ACCEPT,
    DENY_22,
    TCP22,
    match,
    meta,
    nft,
    observed,
    outcome,
    results,
)

V4, V6 = meta("nfproto", "ipv4"), meta("nfproto", "ipv6")


def exclusive(*rules: Any) -> str:
    found = results(Firewall(exclusive=True), observed(nft=nft(*rules)))
    return str(found["exclusive"].outcome)


def held(text: str, some: dict[int, Numbers]) -> bool:
    family, number = address(text)
    return bool(both(some[family], ((number, number),)))


@pytest.mark.parametrize(
    ("last_before", "first", "last", "first_after"),
    [
        ("0.255.255.255", "1.0.0.0", "126.255.255.255", "127.0.0.0"),
        ("127.255.255.255", "128.0.0.0", "223.255.255.255", "224.0.0.0"),
        ("::1", "::2", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ff00::"),
    ],
)
def test_addresses_that_connections_are_made_between(
    last_before: str, first: str, last: str, first_after: str
) -> None:
    """All but this network, loopback, multicast and what is reserved (RFC 6890, RFC 4291)."""
    texts = last_before, first, last, first_after
    assert [held(text, {**UNICAST}) for text in texts] == [False, True, True, False]


@pytest.mark.parametrize(
    ("before", "first", "last", "after"),
    [
        ("9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"),
        ("100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0"),
        ("169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0"),
        ("172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0"),
        ("192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0"),
    ],
)
def test_private_addresses_are_not_public(before: str, first: str, last: str, after: str) -> None:
    """RFC 6890."""
    texts = before, first, last, after
    assert [held(text, {**PUBLIC}) for text in texts] == [True, False, False, True]


def test_public_addresses_of_ipv6() -> None:
    """RFC 4291, and IANA's list of what is assigned."""
    texts = "1fff:ffff::", "2000::", "3fff:ffff::", "4000::", "fc00::", "fe80::"
    assert [held(text, {**PUBLIC}) for text in texts] == [False, True, True, False, False, False]


@pytest.mark.parametrize(
    ("first", "families"), [("fe80", [4]), ("febf", [4]), ("fe7f", [4, 6]), ("fec0", [4, 6])]
)
def test_which_addresses_are_link_local(first: str, families: list[int]) -> None:
    """RFC 4291."""
    what = observed(nft=nft(), inet6=f"{first}{1:028x} 02 40 20 80 eth0")
    assert judged_families(what, "allow") == families
    assert judged_families(what, "deny") == [4, 6]


@pytest.mark.parametrize(
    ("number", "verdict"),
    [(1, "compliant"), (58, "compliant")] + [(n, "drift") for n in (0, 2, 57, 59, 255)],
)
def test_icmp_alone_is_no_extra(number: int, verdict: str) -> None:
    assert exclusive([meta("l4proto", number), ACCEPT]) == verdict


@pytest.mark.parametrize(
    ("family", "kind", "denied"),
    [
        *((4, kind, "unknown") for kind in (13, 15, 17)),
        *((4, kind, "compliant") for kind in (0, 3, 12, 14, 16, 18)),
        (6, 139, "unknown"),
        *((6, kind, "compliant") for kind in (129, 135, 138, 140)),
    ],
)
def test_requests_that_deny_icmp_is_about(family: int, kind: int, denied: str) -> None:
    """RFC 792, RFC 950, RFC 4620. Errors, answers and neighbour discovery are not."""
    condition = match("icmp" if family == 4 else "icmpv6", "type", kind)
    rule = Rule(proto="icmp", action="deny", from_="0.0.0.0/0" if family == 4 else "::/0")
    assert outcome(rule, observed(nft=nft([condition, ACCEPT]))) == denied


@pytest.mark.parametrize(
    ("source", "target", "verdict"),
    [(67, 68, "compliant")]
    + [(source, target, "drift") for source, target in ((66, 68), (68, 68), (67, 67), (67, 69))],
)
def test_answers_to_a_dhcp_client_of_ipv4_are_no_extra(
    source: int, target: int, verdict: str
) -> None:
    ports = match("udp", "sport", source), match("udp", "dport", target)
    assert exclusive([V4, *ports, ACCEPT]) == verdict
    assert exclusive([V6, *ports, ACCEPT]) == "drift"


@pytest.mark.parametrize(
    ("port", "network", "verdict"),
    [
        (546, "fe80::/10", "compliant"),
        (546, "fe80::/9", "drift"),
        (546, "fd00::/8", "drift"),
        (545, "fe80::/10", "drift"),
        (547, "fe80::/10", "drift"),
    ],
)
def test_answers_to_a_dhcp_client_of_ipv6_are_no_extra(
    port: int, network: str, verdict: str
) -> None:
    where, length = network.split("/")
    target = match("ip6", "daddr", {"prefix": {"addr": where, "len": int(length)}})
    assert exclusive([target, match("udp", "dport", port), ACCEPT]) == verdict
    assert exclusive([target, match("tcp", "dport", port), ACCEPT]) == "drift"


def test_nothing_listens_at_port_0() -> None:
    assert exclusive([match("tcp", "dport", 0), ACCEPT]) == "compliant"
    assert exclusive([match("tcp", "dport", {"range": [0, 1]}), ACCEPT]) == "drift"


@pytest.mark.parametrize("family", [V4, V6], ids=["4", "6"])
@pytest.mark.parametrize(
    ("carrier", "denied"),
    [
        *((n, "unknown") for n in (4, 17, 41, 47, 50, 51, 94, 97, 98, 108, 115, 136, 137)),
        *((n, "compliant") for n in (2, 46, 132)),
    ],
)
def test_what_a_tunnel_carries_may_keep_its_mark(carrier: int, denied: str, family: Any) -> None:
    """New TCP packets get in then by a mark that no rule gives to TCP."""
    of_tunnel = meta("l4proto", carrier)
    what = tables(
        early([family, of_tunnel, set_to(1)]), nft([has(1), TCP22, ACCEPT], [of_tunnel, ACCEPT])
    )
    assert outcome(DENY_22, observed(nft=what)) == denied
