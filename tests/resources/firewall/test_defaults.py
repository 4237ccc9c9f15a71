"""The default policy: what most connections meet."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from tests.resources.firewall.test_firewall import (
    ACCEPT,
    DROP,
    default_incoming,
    match,
    meta,
    nft,
    observed,
    vmap,
)

REJECT: Mapping[str, None] = {"reject": None}
GRE, ESP = "gre", "esp"


def source(network: str, length: int) -> dict[str, Any]:
    return match("ip", "saddr", {"prefix": {"addr": network, "len": length}})


def tied(*rules: Sequence[Any]) -> str:
    """A table with a chain of one rule for each of these, all at one priority."""
    texts = [
        nft(rule, policy="accept").replace('"t"', f'"t{number}"')
        for number, rule in enumerate(rules)
    ]
    return json.dumps(
        {"nftables": [part for text in texts for part in json.loads(text)["nftables"]]}
    )


@pytest.mark.parametrize("action", ["deny", "reject"])
def test_chains_that_stop_in_different_ways_are_no_single_default(action: str) -> None:
    """By which of them is called first, which the node does not show."""
    for rules in ([DROP], [REJECT]), ([REJECT], [DROP]):
        assert default_incoming(action, observed(nft=tied(*rules))) == "unknown"
    assert default_incoming("allow", observed(nft=tied([DROP], [REJECT]))) == "drift"


@pytest.mark.parametrize(
    ("rules", "denied"),
    [
        ([[meta("l4proto", GRE), ACCEPT]], "compliant"),
        ([[meta("l4proto", {"set": [GRE, ESP]}), ACCEPT]], "compliant"),
        ([[meta("l4proto", {"set": ["tcp", "udp"]}), DROP], [ACCEPT]], "drift"),
        # Each of these networks is less than a 64th of the addresses, both are more.
        ([[meta("l4proto", GRE, "!="), source("8.0.0.0", 7), ACCEPT]], "compliant"),
        (
            [
                [meta("l4proto", some, "!="), source(network, 7), ACCEPT]
                for some, network in ((GRE, "8.0.0.0"), (ESP, "20.0.0.0"))
            ],
            "drift",
        ),
        # Each of these networks is more than a 64th; each range is less than half, both are more.
        ([[meta("l4proto", {"range": [18, 100]}), source("8.0.0.0", 5), ACCEPT]], "compliant"),
        (
            [
                [meta("l4proto", {"range": list(span)}), source(network, 5), ACCEPT]
                for span, network in (((18, 100), "8.0.0.0"), ((101, 200), "16.0.0.0"))
            ],
            "drift",
        ),
    ],
    ids=str,
)
def test_other_protocols_are_counted_by_number(rules: list[Any], denied: str) -> None:
    """Not by ports, which they do not have."""
    rules = [[meta("l4proto", {"set": ["tcp", "udp"]}), DROP], *rules]
    assert default_incoming("deny", observed(nft=nft(*rules))) == denied


def test_a_rule_about_ports_may_stop_a_protocol_without_ports() -> None:
    """With and without a map of verdicts behind it."""
    ports = match("th", "dport", {"range": [0, 65535]})
    for end in (DROP, vmap("iifname", ["*", DROP])):
        assert (
            default_incoming("deny", observed(nft=nft([ports, end], policy="accept"))) == "unknown"
        )


@pytest.mark.parametrize(("last", "verdict"), [(32767, "compliant"), (32768, "drift")])
def test_half_of_the_ports_are_a_rule_and_more_are_a_default(last: int, verdict: str) -> None:
    opened = nft([match("tcp", "dport", {"range": [0, last]}), ACCEPT])
    assert default_incoming("deny", observed(nft=opened)) == verdict


@pytest.mark.parametrize(("length", "verdict"), [(9, "compliant"), (8, "drift")])
def test_a_64th_of_the_public_addresses_are_some_peers_and_more_are_most(
    length: int, verdict: str
) -> None:
    """2000::/3 is public."""
    some = match("ip6", "saddr", {"prefix": {"addr": "2000::", "len": length}})
    assert default_incoming("deny", observed(nft=nft([some, ACCEPT]))) == verdict


def test_a_default_of_allow_counts_in_ipv6_where_others_reach_the_node_over_it() -> None:
    node = nft(family="ip6")
    link_local = f"fe80{1:028x} 02 40 20 80 eth0"
    assert default_incoming("allow", observed(nft=node, inet6=link_local)) == "compliant"
    assert default_incoming("allow", observed(nft=node)) == "drift"
    assert default_incoming("deny", observed(nft=nft(family="ip"), inet6=link_local)) == "drift"
