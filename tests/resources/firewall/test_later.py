"""Packets of a connection behind the first one."""

from typing import Any

import pytest

from power_edge.model.generated.resources.firewall_schema import Firewall, Rule
from tests.resources.firewall.test_firewall import (
    ACCEPT,
    ALLOW_22,
    DENY_22,
    DROP,
    TCP22,
    ct,
    legacy,
    match,
    meta,
    nft,
    observed,
    outcome,
    results,
)

NEW, ESTABLISHED = ct("state", "new"), ct("state", ["established", "related"])
ROUTED = Rule(proto="tcp", port=22, action="allow", routed=True)
SYN_ACK = {
    "match": {
        "op": "==",
        "left": {"&": [{"payload": {"protocol": "tcp", "field": "flags"}}, {"|": ["syn", "ack"]}]},
        "right": {"|": ["syn", "ack"]},
    }
}
ZONE = {"mangle": {"key": {"ct": {"key": "zone"}}, "value": 5}}
MARKED = {"mangle": {"key": {"ct": {"key": "mark"}}, "value": 1}}


def chain(hook: str, *rules: list[Any], policy: str = "accept", prio: int = 0) -> list[Any]:
    """A second base chain, with its rules."""
    place = {"family": "inet", "table": "t", "name": hook}
    made: list[Any] = [
        {"chain": {**place, "type": "filter", "hook": hook, "prio": prio, "policy": policy}}
    ]
    rule = {"family": "inet", "table": "t", "chain": hook}
    made += [
        {"rule": {**rule, "handle": 50 + number, "expr": expr}} for number, expr in enumerate(rules)
    ]
    return made


@pytest.mark.parametrize(
    ("rules", "more", "expected"),
    [
        ([[NEW, TCP22, ACCEPT]], [], "drift"),
        ([[ESTABLISHED, ACCEPT], [NEW, TCP22, ACCEPT]], [], "compliant"),
        ([[NEW, TCP22, ACCEPT], [ESTABLISHED, ACCEPT]], [], "compliant"),
        ([[TCP22, ACCEPT]], [], "compliant"),
        ([[ESTABLISHED, DROP], [TCP22, ACCEPT]], [], "drift"),
        ([[ESTABLISHED, meta("skuid", 0), DROP], [TCP22, ACCEPT]], [], "unknown"),
        ([[ESTABLISHED, meta("iifname", "nosuch"), DROP], [TCP22, ACCEPT]], [], "compliant"),
        ([[ct("direction", "reply", "=="), DROP], [TCP22, ACCEPT]], [], "compliant"),
        # The first packet marks the connection. Later packets are recognised by the mark.
        ([[ct("mark", 1, "=="), ACCEPT], [NEW, TCP22, MARKED, ACCEPT]], [], "compliant"),
        ([[ct("mark", 2, "=="), ACCEPT], [NEW, TCP22, MARKED, ACCEPT]], [], "drift"),
        # Zones of connection tracking.
        ([[ESTABLISHED, ACCEPT], [TCP22, ACCEPT]], chain("prerouting", [ZONE], prio=-300), "unknown"),
        # Answers.
        ([[ESTABLISHED, ACCEPT], [TCP22, ACCEPT]], chain("output", policy="drop"), "drift"),
        ([[ESTABLISHED, ACCEPT], [TCP22, ACCEPT]], chain("output", [ESTABLISHED, ACCEPT], policy="drop"), "compliant"),
        ([[ESTABLISHED, ACCEPT], [TCP22, ACCEPT]], chain("output", [match("tcp", "sport", 22), ACCEPT], policy="drop"), "compliant"),
        ([[ESTABLISHED, ACCEPT], [TCP22, ACCEPT]], chain("output", [match("tcp", "sport", 80), ACCEPT], policy="drop"), "drift"),
        ([[ESTABLISHED, ACCEPT], [TCP22, ACCEPT]], chain("output", [NEW, DROP]), "compliant"),
        ([[ESTABLISHED, ACCEPT], [TCP22, ACCEPT]], chain("output", [ct("direction", "reply", "=="), DROP]), "drift"),
        ([[ESTABLISHED, ACCEPT], [TCP22, ACCEPT]], chain("output", [SYN_ACK, DROP]), "drift"),
        ([[ESTABLISHED, ACCEPT], [TCP22, ACCEPT]], chain("output", [meta("skuid", 0), DROP]), "unknown"),
    ],
    ids=str,
)  # fmt: skip
def test_an_opening_is_one_that_a_connection_can_use(
    rules: list[Any], more: list[Any], expected: str
) -> None:
    node = observed(nft=nft(*rules, more=more))
    assert outcome(ALLOW_22, node) == expected
    assert outcome(DENY_22, node) == "drift"


def test_the_reason_says_which_packet_meets_what() -> None:
    (found,) = results(Firewall(rules=[ALLOW_22]), observed(nft=nft([NEW, TCP22, ACCEPT]))).values()
    assert found.why == (
        "action: the first packet of a connection is accepted, but the next packet meets deny by the "
        "default policy: accept established connections"
    )
    assert "accept established connections" in (found.advice or "")


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["INPUT -p tcp -m tcp --dport 22 -m state --state NEW -j ACCEPT"], "drift"),
        (["INPUT -p tcp -m tcp --dport 22 --tcp-flags SYN SYN -j ACCEPT"], "drift"),
        (["INPUT -m conntrack --ctdir ORIGINAL -j ACCEPT"], "compliant"),
        (["INPUT -p tcp -m tcp --syn -j ACCEPT", "INPUT -p tcp -m tcp ! --syn -j ACCEPT"], "compliant"),
    ],
)  # fmt: skip
def test_the_same_in_the_words_of_iptables(lines: list[str], expected: str) -> None:
    assert outcome(ALLOW_22, legacy(*lines)) == expected


def test_a_zone_of_iptables_is_one_of_connection_tracking() -> None:
    rule = "PREROUTING -p tcp -m tcp --dport 22 -j CT --zone 3"
    established = "INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT"
    opened = "INPUT -p tcp -m tcp --dport 22 -j ACCEPT"
    raw = f"*raw\n:PREROUTING ACCEPT [0:0]\n-A {rule}\nCOMMIT\n"
    text = f"{raw}*filter\n:INPUT DROP [0:0]\n-A {established}\n-A {opened}\nCOMMIT\n"
    node = observed(
        nft='{"nftables": []}', **{"ip-legacy-tables": "raw\nfilter", "ip-legacy": text}, inet6=""
    )
    assert outcome(ALLOW_22, node) == "unknown"
    assert outcome(DENY_22, node) == "drift"


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([[NEW, TCP22, ACCEPT]], "drift"),
        ([[TCP22, ACCEPT]], "drift"),
        ([[TCP22, ACCEPT], [ESTABLISHED, ACCEPT]], "compliant"),
        ([[TCP22, ACCEPT], [match("tcp", "sport", 22), ACCEPT]], "compliant"),
    ],
)
def test_what_is_forwarded_is_answered(rules: list[Any], expected: str) -> None:
    node = observed(nft=nft(*rules, hook="forward"))
    assert outcome(ROUTED, node) == expected


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([[TCP22, ACCEPT]], "drift"),
        ([[TCP22, ACCEPT], [ESTABLISHED, ACCEPT]], "compliant"),
        ([[meta("skuid", 0), ACCEPT]], "unknown"),
        ([[meta("l4proto", "udp"), ACCEPT]], "drift"),
        ([[ct("direction", "reply", "=="), ACCEPT]], "compliant"),
        ([[ct("direction", "original", "=="), ACCEPT]], "drift"),
        ([[match("tcp", "sport", 80), DROP], [ESTABLISHED, ACCEPT]], "compliant"),
    ],
)
def test_a_default_for_outgoing_connections_is_about_ones_that_are_answered(
    rules: list[Any], expected: str
) -> None:
    node = observed(nft=nft(*rules))
    found = results(Firewall(default_outgoing="allow"), node)["default_outgoing"]
    assert found.outcome == expected
    if expected == "drift":
        assert "accept established connections" in (found.why or "")
        assert "established" in (found.advice or "")


def test_answers_that_take_too_long_to_follow_are_unknown() -> None:
    """The first packet meets few rules; its answer more cases than are followed."""
    sources: list[list[Any]] = [
        [match("ip", "daddr", f"10.{n}.0.0/16"), meta("skuid", n), match("tcp", "sport", 22), DROP]
        for n in range(255)
    ]
    marks = [
        [
            {"match": {"op": "==", "left": {"meta": {"key": "mark"}}, "right": n}},
            meta("skuid", n),
            DROP,
        ]
        for n in range(255)
    ]
    more = chain("output", *sources, *marks)
    accepted: list[list[Any]] = [[ESTABLISHED, ACCEPT], [TCP22, ACCEPT]]
    node = observed(nft=nft(*accepted, more=more))
    (found,) = results(Firewall(rules=[ALLOW_22]), node).values()
    assert found.outcome == "unknown"
    assert "too" in (found.why or "")
    loop = chain("output", [{"jump": {"target": "output"}}])
    assert outcome(ALLOW_22, observed(nft=nft(*accepted, more=loop))) == "unknown"
    defaults = results(Firewall(default_outgoing="allow"), observed(nft=nft(*accepted, more=more)))
    assert defaults["default_outgoing"].outcome == "unknown"
