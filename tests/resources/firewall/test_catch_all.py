"""Sets and maps with an element for everything else (`*`), and words that no rule is known to use.

A drop that matches every packet must not be read as one that matches none. Tried with real packets
on nft 1.0.6: each of these rules stops everything, or everything of one family.
"""

from typing import Any

import pytest

from tests.resources.firewall.test_firewall import (
    ACCEPT,
    ALLOW_22,
    DENY_22,
    DROP,
    TCP22,
    meta,
    nft,
    observed,
    outcome,
)


def ct(key: str, right: Any, op: str = "==") -> dict[str, Any]:
    return {"match": {"op": op, "left": {"ct": {"key": key}}, "right": right}}


def concat(right: Any) -> dict[str, Any]:
    keys = [{"payload": {"protocol": "ip", "field": "saddr"}}, {"meta": {"key": "l4proto"}}]
    return {"match": {"op": "==", "left": {"concat": keys}, "right": right}}


COUNTED = {"elem": {"val": "*", "counter": {"packets": 0, "bytes": 0}}}


@pytest.mark.parametrize(
    "condition",
    [
        meta("protocol", {"set": ["arp", "*"]}),
        meta("nfproto", {"set": ["*"]}),
        meta("nfproto", {"set": ["*"]}, "!="),
        meta("pkttype", {"set": ["broadcast", "*"]}),
        meta("pkttype", {"set": ["broadcast", COUNTED]}),
        meta("l4proto", {"set": ["icmp", "*"]}),
        meta("iifname", {"set": ["eth7", "*"]}),
        meta("mark", {"set": [7, "*"]}),
        ct("state", {"set": ["established", "*"]}),
        ct("direction", {"set": ["reply", "*"]}),
        concat({"set": [{"concat": ["192.0.2.1", "tcp"]}, "*"]}),
        meta("protocol", "0x88b5"),
        meta("pkttype", "6"),
        ct("direction", 1),
        ct("status", 0, "in"),
        ct("state", 0, "in"),
    ],
    ids=str,
)
@pytest.mark.parametrize("verdict", [DROP, ACCEPT], ids=["drop", "accept"])
def test_it_may_match_every_packet(condition: dict[str, Any], verdict: dict[str, Any]) -> None:
    """Before a rule that decides otherwise."""
    other = ACCEPT if verdict is DROP else DROP
    node = observed(nft=nft([condition, verdict], [TCP22, other]))
    assert {outcome(ALLOW_22, node), outcome(DENY_22, node)} <= {"unknown", "drift"}


def test_what_is_no_packet_of_ip_matches_none() -> None:
    condition = meta("protocol", {"set": ["arp", "vlan", "8021ad"]})
    node = observed(nft=nft([condition, DROP], [TCP22, ACCEPT]))
    assert outcome(ALLOW_22, node) == "compliant"


@pytest.mark.parametrize(
    ("other", "allowed"),
    [
        (COUNTED, "drift"),
        ({"elem": {"val": "*", "comment": "the rest"}}, "drift"),
        ({"elem": {"val": "*", "limit": {"rate": 1, "per": "second"}}}, "unknown"),
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "key", [meta("protocol", ""), meta("nfproto", "")], ids=["protocol", "nfproto"]
)
def test_the_key_for_everything_else_of_a_map_may_have_a_counter(
    key: dict[str, Any], other: Any, allowed: str
) -> None:
    """IPv4 alone is dropped by the key for everything else."""
    entries = [
        [{"elem": {"val": "ip6" if "protocol" in str(key) else "ipv6"}}, ACCEPT],
        [other, DROP],
    ]
    rule = {"vmap": {"key": key["match"]["left"], "data": {"set": entries}}}
    node = observed(nft=nft([rule], [TCP22, ACCEPT]))
    assert outcome(ALLOW_22, node) == allowed
