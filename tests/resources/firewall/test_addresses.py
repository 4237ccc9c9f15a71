"""Rules about single addresses of the node.

What holds for all its present addresses is neither a drift nor a pass, since others may come.
"""

from pathlib import Path
from typing import Any

import pytest

from power_edge.model.generated.resources.firewall_schema import Firewall, Rule
from tests.resources.firewall.readers.test_ufw_files import probed
from tests.resources.firewall.test_firewall import (
    ACCEPT,
    ALLOW_22,
    DENY_22,
    DROP,
    TCP22,
    match,
    nft,
    observed,
    results,
)

LO4 = "127.0.0.0/8\n127.0.0.1"
ONE = f"{LO4}\n192.0.2.7"
TWO = f"{ONE}\n192.0.2.8"
TO_OWN = match("ip", "daddr", "192.0.2.7")


def outcome(
    rule: Rule, addresses: str | None, *rules: list[Any], policy: str = "drop", **more: str
) -> str:
    readings = {"inet6": "", **({} if addresses is None else {"addresses": addresses}), **more}
    (result,) = results(
        Firewall(rules=[rule]), observed(nft=nft(*rules, policy=policy), **readings)
    ).values()
    return str(result.outcome)


@pytest.mark.parametrize(
    ("addresses", "allowed", "denied"),
    [
        (ONE, "unknown", "unknown"),
        (TWO, "drift", "drift"),
        (f"{LO4}\n192.0.2.0/24", "drift", "drift"),  # a route of type local for a whole network
        (None, "drift", "drift"),
        ("192.0.2.7", "drift", "drift"),  # without 127.0.0.1 the list is incomplete
    ],
)
def test_a_rule_for_the_only_address(addresses: str | None, allowed: str, denied: str) -> None:
    assert outcome(ALLOW_22, addresses, [TO_OWN, TCP22, ACCEPT]) == allowed
    assert outcome(DENY_22, addresses, [TO_OWN, TCP22, DROP], policy="accept") == denied


def test_what_is_declared_for_it_passes() -> None:
    to = Rule(proto="tcp", port=22, action="allow", to="192.0.2.7")
    assert outcome(to, ONE, [TO_OWN, TCP22, ACCEPT]) == "compliant"
    assert outcome(to, ONE, [TCP22, ACCEPT]) == "compliant"  # it is open to no other address
    assert outcome(to, TWO, [TCP22, ACCEPT]) == "drift"


def test_an_address_that_the_node_has_not_got_is_judged_as_if_it_had_it() -> None:
    elsewhere = Rule(proto="tcp", port=22, action="allow", to="198.51.100.1")
    assert outcome(elsewhere, ONE, policy="accept") == "drift"
    assert outcome(elsewhere, ONE) == "drift"
    assert (
        outcome(elsewhere, ONE, [match("ip", "daddr", "198.51.100.1"), TCP22, ACCEPT])
        == "compliant"
    )


def test_what_is_stopped_for_foreign_addresses_is_no_firewall() -> None:
    what = observed(
        nft=nft([match("ip", "daddr", "198.51.100.1"), DROP], policy="accept"),
        inet6="",
        addresses=ONE,
    )
    assert results(Firewall(enabled=True), what)["enabled"].outcome == "drift"


def test_ipv6_is_believed_where_all_of_its_addresses_are_listed() -> None:
    inet6 = "20010db8000000000000000000000002 02 40 00 82 eth0"
    to = match("ip6", "daddr", "2001:db8::2")
    allowed = Rule(proto="tcp", port=22, action="allow", from_="::/0")
    assert (
        outcome(allowed, f"{LO4}\n::1\n2001:db8::2", [to, TCP22, ACCEPT], inet6=inet6) == "unknown"
    )
    assert outcome(allowed, f"{LO4}\n::1", [to, TCP22, ACCEPT], inet6=inet6) == "drift"


IP = """#!/bin/sh
case "$*" in
"-4 route show table all type local") printf 'local %s dev lo table local\\n' 127.0.0.0/8 127.0.0.1 192.0.2.7 ;;
"-6 route show table all type local") echo 'local ::1 dev lo table local'; echo 'local default dev lo table 100' ;;
"-6 route show table all type anycast") echo 'anycast 2001:db8:: dev eth0' ;;
*) exit 1 ;;
esac
"""


@pytest.mark.shell
def test_they_are_read_from_the_routes(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/ip").write_text(IP)
    (tmp_path / "bin/ip").chmod(0o755)
    found = probed(tmp_path).network.addresses
    assert found[4][0] == (0xC0000207, 0xC0000207) or found[4][1] == (0xC0000207, 0xC0000207)
    assert found[6] == ((0, (1 << 128) - 1),)
