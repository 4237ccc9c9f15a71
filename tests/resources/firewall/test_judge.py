"""Verdicts on rules for interfaces that the node does not have."""

from tests.resources.firewall.test_firewall import (
    ACCEPT,
    DENY_22,
    meta,
    nft,
    observed,
    outcome,
)


def test_a_zone_of_an_interface_that_the_node_does_not_have_opens_nothing() -> None:
    """In firewalld each interface has its zone, whether the node has the interface now or not."""
    text = nft([meta("iifname", "eth9"), ACCEPT])
    assert outcome(DENY_22, observed(nft=text)) == "unknown"
    of_firewalld = text.replace('"t"', '"firewalld"')
    assert outcome(DENY_22, observed(nft=of_firewalld)) == "compliant"
    assert outcome(DENY_22, observed(nft=of_firewalld, interfaces="lo")) == "unknown"
