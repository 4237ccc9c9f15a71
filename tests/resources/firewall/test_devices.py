"""Devices that are above others: bridges, bonds, VLANs.

Tried with a bridge on a real node (Linux 6.18).
"""

import json
from dataclasses import replace
from typing import Any

import pytest

from power_edge.model.generated.resources.firewall_schema import Firewall, Rule
from power_edge.resources.firewall import entries
from power_edge.resources.firewall.judge import judge
from power_edge.resources.firewall.readers.nftables import devices
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
    results,
)

BRIDGE = {"interfaces": "lo\neth0\nbr0", "stacked": "port eth0 br0"}
VLAN = {"interfaces": "lo\neth0\neth0.7", "stacked": "above eth0 eth0.7"}
SOURCES_4 = Rule(proto="tcp", port=22, action="allow", from_="0.0.0.0/0")


def ingress(*steps: Any, policy: str = "accept") -> list[Any]:
    chain = {
        "family": "netdev",
        "table": "n",
        "name": "c",
        "type": "filter",
        "hook": "ingress",
        "prio": 0,
        "policy": policy,
        "dev": "eth0",
    }
    return [
        {"chain": chain},
        {
            "rule": {
                "family": "netdev",
                "table": "n",
                "chain": "c",
                "handle": 2,
                "expr": list(steps),
            }
        },
    ]


@pytest.mark.parametrize(
    ("node", "allowed"),
    [
        (BRIDGE, "unknown"),
        (VLAN, "drift"),  # what comes by the card itself is dropped
        (
            {
                "interfaces": "lo\neth0\nbr0\nbr0.7",
                "stacked": "port eth0 br0\nabove br0 br0.7",
            },
            "unknown",
        ),
    ],
)
def test_a_chain_of_the_device_below_may_stop_what_comes_by_the_one_above(
    node: dict[str, str], allowed: str
) -> None:
    routes = node["interfaces"].split()[-1]
    rules = nft(policy="accept", more=ingress(DROP))
    assert (
        results(Firewall(default_incoming="allow"), observed(nft=rules, routes=routes, **node))[
            "default_incoming"
        ].outcome
        == "unknown"
    )
    node_of_both = observed(nft=nft([TCP22, ACCEPT], more=ingress(TCP22, DROP)), **node)
    assert outcome(ALLOW_22, node_of_both) == allowed


def test_one_that_stops_nothing_makes_no_difference() -> None:
    rules = nft([TCP22, ACCEPT], more=ingress({"counter": {"packets": 0, "bytes": 0}}))
    assert outcome(ALLOW_22, observed(nft=rules, **BRIDGE)) == "compliant"


def test_a_port_gets_no_packets_itself() -> None:
    rules = nft([meta("iifname", "br0"), TCP22, ACCEPT])
    assert (
        outcome(ALLOW_22, observed(nft=rules, **BRIDGE)) == "unknown"
    )  # other interfaces may come
    assert outcome(ALLOW_22, observed(nft=rules, **{**BRIDGE, "stacked": ""})) == "drift"
    assert (
        outcome(ALLOW_22, observed(nft=nft([meta("iifname", "eth0"), TCP22, ACCEPT]), **VLAN))
        == "drift"
    )


def test_marks_that_a_bridge_sets_are_not_known() -> None:
    chain = {
        "family": "bridge",
        "table": "b",
        "name": "c",
        "type": "filter",
        "hook": "prerouting",
        "prio": -300,
        "policy": "accept",
    }
    mark = {"mangle": {"key": {"meta": {"key": "mark"}}, "value": 1}}
    marking = [
        {"chain": chain},
        {"rule": {"family": "bridge", "table": "b", "chain": "c", "handle": 2, "expr": [mark]}},
    ]
    rules = nft([meta("mark", 1), TCP22, DROP], [TCP22, ACCEPT], more=marking)
    assert outcome(ALLOW_22, observed(nft=rules)) == "unknown"


def test_an_ipv6_address_of_lo_is_one_of_the_node() -> None:
    rules = nft([TCP22, ACCEPT], family="ip")
    lo = "00000000000000000000000000000001 01 80 10 80 lo"
    assert outcome(ALLOW_22, observed(nft=rules, inet6=lo)) == "compliant"
    assert (
        outcome(
            ALLOW_22,
            observed(nft=rules, inet6=f"{lo}\n20010db8000000000000000000000001 01 80 00 80 lo"),
        )
        == "drift"
    )


def test_devices_in_quotes() -> None:
    text = 'table netdev n {\n\tchain c {\n\t\ttype filter hook ingress devices = { "eth0", "wl*" } priority filter; policy drop;\n\t}\n}'
    assert devices(text) == {("netdev", "n", "c"): ["eth0", "wl*"]}
    answer = json.loads(nft([TCP22, ACCEPT], more=ingress(TCP22, DROP)))
    del answer["nftables"][2]["chain"]["dev"]
    what = observed(
        nft=json.dumps(answer), devices=text.replace("drop", "accept"), interfaces="lo\neth0"
    )
    assert (
        results(Firewall(rules=[SOURCES_4]), what)["allow 22/tcp from 0.0.0.0/0 to any"].outcome
        == "drift"
    )


def test_what_rules_of_a_bridge_do_to_packets_that_they_let_by_counts() -> None:
    """A mark that is set, or tracking that is switched off, beside or without an accept."""
    mark = {"mangle": {"key": {"meta": {"key": "mark"}}, "value": 1}}
    stateful = {
        "match": {
            "op": "==",
            "left": {"ct": {"key": "state"}},
            "right": {"set": ["new", "established"]},
        }
    }
    opened = [stateful, meta("mark", 0), TCP22, ACCEPT]
    for statements, expected in (
        ([mark, ACCEPT], "unknown"),
        ([{"notrack": None}], "unknown"),
        ([{"notrack": None}, ACCEPT], "unknown"),
        ([{"reject": None}], "unknown"),
        ([{"queue": None}], "unknown"),
        ([{"counter": None}, ACCEPT], "compliant"),
        ([{"return": None}], "compliant"),
    ):
        chain = {
            "family": "bridge",
            "table": "b",
            "name": "c",
            "type": "filter",
            "hook": "prerouting",
            "prio": -300,
            "policy": "accept",
        }
        rule = {"family": "bridge", "table": "b", "chain": "c", "handle": 2, "expr": statements}
        what = observed(nft=nft(opened, more=[{"chain": chain}, {"rule": rule}]))
        assert outcome(ALLOW_22, what) == expected, statements


def test_a_node_that_does_not_show_its_devices_may_have_ipv6() -> None:
    rules = nft([TCP22, ACCEPT], family="ip")
    assert outcome(ALLOW_22, observed(nft=rules, inet6="", interfaces="lo")) == "compliant"
    assert outcome(ALLOW_22, observed(nft=rules, inet6="", interfaces="")) == "drift"


@pytest.mark.parametrize(
    ("early", "verdict"),
    [
        ("", "compliant"),
        ("xdp lo", "compliant"),
        ("xdp eth0", "unknown"),
        ("tc eth0", "unknown"),
        ("unread", "unknown"),
    ],
)
def test_what_sees_packets_before_the_packet_filter(early: str, verdict: str) -> None:
    node = observed(nft=nft([TCP22, ACCEPT]), interfaces="lo\neth0", early=early)
    assert outcome(ALLOW_22, node) == verdict
    at_the_device = nft([DROP], family="netdev", hook="ingress", dev="eth0")
    closed = observed(nft=at_the_device, interfaces="lo\neth0", early=early)
    for source in ("0.0.0.0/0", "::/0"):
        rule = replace(DENY_22, interface="eth0", from_=source)
        assert outcome(rule, closed) == verdict


def test_filters_of_tc_on_hundreds_of_devices_are_not_too_complex_for_the_others() -> None:
    names = [f"lxc{number}" for number in range(300)]
    some = observed(
        nft=nft([meta("iifname", "eth0"), TCP22, ACCEPT]),
        interfaces="\n".join(("lo", "eth0", *names)),
        early="\n".join(f"tc {name}" for name in names),
    )
    why = "filters of tc on lxc0, lxc1, lxc2 and 297 more cannot be followed"
    for name, action in (("eth0", None), ("lxc299", why)):
        rule = Rule(proto="tcp", port=22, action="allow", interface=name)
        (entry,) = entries(Firewall(rules=[rule]))
        found = {finding.field: finding for finding in judge(entry.declared, some)}
        assert found["action"].why == action
