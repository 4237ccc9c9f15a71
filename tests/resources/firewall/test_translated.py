"""Connections that a rule sends to another port or address, or that a program decides on.

These are DNAT, REDIRECT and tproxy. A later rule about the old port does not apply to them: the
answer is unknown, also for `exclusive` and for the sources beside a rule.
"""

import pytest

from power_edge.model.generated.resources.firewall_schema import Firewall, Rule
from tests.resources.firewall.test_firewall import (
    ACCEPT,
    ct,
    legacy,
    match,
    meta,
    nft,
    observed,
    results,
    save,
)

ANY_NODE = {"inet6": ""}
ALLOW_8080 = Rule(proto="tcp", port=8080, action="allow")
TO_8080 = {"redirect": {"port": 8080}}
CHAIN = {
    "family": "ip",
    "table": "n",
    "name": "p",
    "type": "nat",
    "hook": "prerouting",
    "prio": -100,
    "policy": "accept",
}


def before(*steps: object) -> list[object]:
    """A chain of prerouting with one rule."""
    return [
        {"chain": CHAIN},
        {"rule": {"family": "ip", "table": "n", "chain": "p", "handle": 3, "expr": list(steps)}},
    ]


@pytest.mark.parametrize(
    "end",
    [TO_8080, {"dnat": {"addr": "10.0.0.1"}}, {"tproxy": {"port": 8080}}, {"queue": None}, {"fwd": {"dev": "lo"}},
     {"mangle": {"key": {"payload": {"protocol": "tcp", "field": "dport"}}, "value": 8080}}],
    ids=lambda end: next(iter(end)),
)  # fmt: skip
def test_a_port_that_is_sent_elsewhere_may_be_open(end: object) -> None:
    node = observed(
        nft=nft([match("tcp", "dport", 8080), ACCEPT], more=before(match("tcp", "dport", 22), end)),
        **ANY_NODE,
    )
    result = results(Firewall(exclusive=True, rules=[ALLOW_8080]), node)["exclusive"]
    assert (result.outcome, result.why) == (
        "unknown",
        "exclusive: perhaps open and not declared: allow 22/tcp from any to any",
    )


def test_published_ports_of_containers_are_not_exclusive() -> None:
    nat = "*nat\n:PREROUTING ACCEPT [0:0]\n:DOCKER - [0:0]\n-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER\n"
    nat += "-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80\nCOMMIT\n"
    node = observed(
        nft='{"nftables": []}',
        ip_legacy_tables="filter\nnat",
        ip_legacy=save() + "\n" + nat,
        **ANY_NODE,
    )
    assert results(Firewall(exclusive=True), node)["exclusive"].outcome == "unknown"


def test_sources_beside_the_declared_ones_may_be_let_in() -> None:
    rules = nft(
        [match("ip", "saddr", {"prefix": {"addr": "10.0.0.0", "len": 8}}), match("tcp", "dport", 22), ACCEPT], [match("tcp", "dport", 8080), ACCEPT],
        more=before(match("ip", "saddr", {"prefix": {"addr": "10.0.0.0", "len": 8}}, "!="), match("tcp", "dport", 22), TO_8080),
    )  # fmt: skip
    (result,) = results(
        Firewall(rules=[Rule(proto="tcp", port=22, action="allow", from_="10.0.0.0/8")]),
        observed(nft=rules, **ANY_NODE),
    ).values()
    assert result.outcome == "unknown"


def test_an_allowed_port_that_is_sent_elsewhere_is_unknown() -> None:
    node = legacy("INPUT -p tcp -m tcp --dport 8080 -j ACCEPT")
    redirected = nft(
        [match("tcp", "dport", 8080), ACCEPT], more=before(match("tcp", "dport", 22), TO_8080)
    )
    (result,) = results(
        Firewall(rules=[Rule(proto="tcp", port=22, action="allow")]),
        observed(nft=redirected, **ANY_NODE),
    ).values()
    assert result.outcome == "unknown"
    (result,) = results(Firewall(rules=[Rule(proto="tcp", port=22, action="allow")]), node).values()
    assert result.outcome == "drift"


@pytest.mark.parametrize(
    "end",
    [{"notrack": None}, {"mangle": {"key": {"meta": {"key": "mark"}}, "value": 1}}],
    ids=lambda end: next(iter(end)),
)
def test_what_a_chain_beside_the_lookup_of_connections_changes_may_keep_a_later_rule_from_a_packet(
    end: object,
) -> None:
    """It is unknown whether it runs before the lookup or after, and so whether the packet has a
    connection.
    """
    beside = {
        "family": "ip",
        "table": "n",
        "name": "p",
        "type": "filter",
        "hook": "prerouting",
        "prio": -200,
        "policy": "accept",
    }
    early = [
        {"chain": beside},
        {
            "rule": {
                "family": "ip",
                "table": "n",
                "chain": "p",
                "handle": 3,
                "expr": [match("tcp", "dport", 22), end],
            }
        },
    ]
    late = [[ct("state", "new"), meta("mark", 0), {"drop": None}]]
    node = observed(nft=nft(*late, policy="accept", more=early), **ANY_NODE)
    assert results(Firewall(exclusive=True), node)["exclusive"].outcome == "unknown"
