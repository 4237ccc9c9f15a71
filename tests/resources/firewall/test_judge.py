"""Verdicts on rules: interfaces that the node does not have, and what other rules leave to one."""

from dataclasses import replace

from power_edge.model.generated.resources.firewall_schema import Firewall
from tests.resources.firewall.test_firewall import (
    ACCEPT,
    ALLOW_22,
    DENY_22,
    DROP,
    TCP22,
    match,
    meta,
    nft,
    observed,
    outcome,
    results,
)


def test_a_zone_of_an_interface_that_the_node_does_not_have_opens_nothing() -> None:
    """In firewalld each interface has its zone, whether the node has the interface now or not."""
    text = nft([meta("iifname", "eth9"), ACCEPT])
    assert outcome(DENY_22, observed(nft=text)) == "unknown"
    of_firewalld = text.replace('"t"', '"firewalld"')
    assert outcome(DENY_22, observed(nft=of_firewalld)) == "compliant"
    assert outcome(DENY_22, observed(nft=of_firewalld, interfaces="lo")) == "unknown"


def test_an_earlier_rule_of_the_same_action_leaves_all_connections_to_a_later_one() -> None:
    """Each is judged by itself: somebody may look at one of them alone."""
    narrow = replace(ALLOW_22, from_="10.0.0.0/8")
    source = match("ip", "saddr", {"prefix": {"addr": "10.0.0.0", "len": 8}})
    shut = observed(nft=nft([source, DROP], [TCP22, ACCEPT]))
    found = results(Firewall(rules=[narrow, ALLOW_22]), shut)
    assert [str(each.outcome) for each in found.values()] == ["drift", "drift"]
