"""How packets fare: the families that count, and orders of chains that let in different packets."""

import json
from dataclasses import replace
from typing import Any

from power_edge.model.generated.resources.firewall_schema import Firewall, Rule
from power_edge.resources.firewall.queries import trace_rule
from tests.resources.firewall.test_firewall import (
    ACCEPT,
    DENY_22,
    DROP,
    TCP22,
    ct,
    nft,
    observed,
    outcome,
    results,
)


def test_what_one_order_of_chains_lets_in_is_unknown() -> None:
    """Of two chains of one priority one stops tracking, and the other drops what is not tracked."""
    early: dict[str, Any] = {"policy": "accept", "hook": "prerouting", "prio": -300}
    texts = [
        nft([TCP22, {"notrack": None}], **early),
        nft([ct("state", "untracked"), DROP], **early).replace('"t"', '"u"'),
    ]
    opened = nft([TCP22, ACCEPT]).replace('"t"', '"v"')
    office = Rule(proto="tcp", port=22, action="allow", from_="10.0.0.0/8")
    for some in texts, texts[::-1]:
        parts = [part for text in (*some, opened) for part in json.loads(text)["nftables"]]
        node = observed(nft=json.dumps({"nftables": parts}))
        found = results(Firewall(exclusive=True), node)
        assert str(found["exclusive"].outcome) == "unknown"
        assert outcome(office, node) == "unknown"


def test_both_families_count_where_the_addresses_are_not_known() -> None:
    for family in "ip", "ip6":
        what = observed(nft=nft(family=family))
        assert outcome(DENY_22, replace(what, inet6=None)) == "drift"
    assert outcome(DENY_22, replace(observed(nft=nft()), inet6=None)) == "compliant"


def test_a_rule_about_no_connection_has_no_packets() -> None:
    nobody = Rule(proto="tcp", port=22, action="allow", from_="0.0.0.0/8")
    assert [*trace_rule(observed(nft=nft()), nobody)] == [[]]
