"""How packets fare: the families that count, and orders of chains that let in different packets."""

import json
from dataclasses import replace
from typing import Any

from power_edge.model.generated.resources.firewall_schema import Firewall, Rule
from power_edge.resources.firewall.queries import trace_rule
from power_edge.resources.firewall.ruleset import Ruleset
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


def without_addresses(ruleset: Ruleset) -> Ruleset:
    return replace(ruleset, network=replace(ruleset.network, inet6=None))


def test_both_families_count_where_the_addresses_are_not_known() -> None:
    for family in "ip", "ip6":
        assert outcome(DENY_22, without_addresses(observed(nft=nft(family=family)))) == "drift"
    assert outcome(DENY_22, without_addresses(observed(nft=nft()))) == "compliant"


def test_a_rule_about_no_connection_has_no_packets() -> None:
    nobody = Rule(proto="tcp", port=22, action="allow", from_="0.0.0.0/8")
    assert [*trace_rule(observed(nft=nft()), nobody)] == [[]]
