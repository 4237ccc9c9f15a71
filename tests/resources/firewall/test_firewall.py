"""The firewall's parts: what the rules of each tool match, the items of a declaration, extras and
commands.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise, permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from power_edge.checking.evaluate import judge
from power_edge.model import NotObserved, Outcome, Result
from power_edge.model.generated.resources.firewall_schema import Firewall, Rule
from power_edge.report.record import as_json, record
from power_edge.report.shell_line import shell_line
from power_edge.resources.firewall import RESOURCE
from power_edge.resources.firewall.observation import parse
from power_edge.resources.firewall.packets.chain_order import orders
from power_edge.resources.firewall.packets.dimension import Dimension
from power_edge.resources.firewall.packets.program import INCOMING, QUESTION_STEPS, Effort
from power_edge.resources.firewall.packets.sets import (
    Box,
    _merged,
    interface,
    meet,
    merge,
    network,
    numbers,
    subtract,
    without,
)
from power_edge.resources.firewall.readers.ufw_files import Settings
from power_edge.resources.firewall.ruleset import Ruleset, Ufw
from tests.support.cases import RECORDINGS, verdict_of
from tests.support.firewalls import unexpected_conditions
from tests.support.items import item_of

TCP22 = {
    "match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 22}
}
ACCEPT, DROP = {"accept": None}, {"drop": None}
ALLOW_22 = Rule(proto="tcp", port=22, action="allow")
DENY_22 = Rule(proto="tcp", port=22, action="deny")


END = "= end 0"
"""The last line of an answer."""


def answer(**readings: str | tuple[int | str, str]) -> bytes:
    """What the probe prints: a reading by name, with its status where that is not 0.

    A node with eth0 and docker0, and IPv6.
    """
    usual = {
        "interfaces": "lo\neth0\ndocker0",
        "routes": "eth0",
        "inet6": "20010db8000000000000000000000002 02 40 00 82 eth0",
    }
    lines = []
    for name, reading in {**usual, **readings}.items():
        status, text = reading if isinstance(reading, tuple) else (0, reading)
        lines += [
            f"= {name.replace('_', '-')} {status}",
            *(f" {line}" for line in text.split("\n") if text),
        ]
    return "\n".join([*lines, END, ""]).encode(errors="surrogateescape")


def nft(*rules: Sequence[Any], policy: str = "drop", more: Sequence[Any] = (), **chain: Any) -> str:
    """One table inet t with a chain `in` of these rules."""
    base = {
        "family": "inet",
        "table": "t",
        "name": "in",
        "type": "filter",
        "hook": "input",
        "prio": 0,
        "policy": policy,
        **chain,
    }
    some = [
        {
            "rule": {
                "family": base["family"],
                "table": "t",
                "chain": "in",
                "handle": 9,
                "expr": list(rule),
            }
        }
        for rule in rules
    ]
    return json.dumps(
        {
            "nftables": [
                {"table": {"family": base["family"], "name": "t"}},
                {"chain": base},
                *more,
                *some,
            ]
        }
    )


def vmap(key: str, *entries: Sequence[Any]) -> Mapping[str, Any]:
    return {"vmap": {"key": {"meta": {"key": key}}, "data": {"set": list(entries)}}}


def save(*rules: str, policy: str = "DROP", chains: Sequence[str] = ()) -> str:
    return "\n".join(
        [
            "*filter",
            f":INPUT {policy} [0:0]",
            *(f":{chain} - [0:0]" for chain in chains),
            *(f"-A {rule}" for rule in rules),
            "COMMIT",
        ]
    )


def observed(**readings: str | tuple[int | str, str]) -> Ruleset:
    """The rules of ufw in the readings stand without the lines for iptables-restore."""
    lines = {
        each.replace("rules", "lines"): "" for each in readings if each.startswith("ufw_rules")
    }
    found = parse(answer(**lines | readings))[""]
    assert isinstance(found, Ruleset), found
    return found


def legacy(
    *rules: str, v6: Sequence[str] | None = None, policy: str = "DROP", chains: Sequence[str] = ()
) -> Ruleset:
    """A node with legacy iptables, with the same rules in both families or others in IPv6."""
    texts = {
        "ip_legacy": save(*rules, policy=policy, chains=chains),
        "ip6_legacy": save(*(rules if v6 is None else v6), policy=policy, chains=chains),
    }
    return observed(
        nft='{"nftables": []}', ip_legacy_tables="filter", ip6_legacy_tables="filter", **texts
    )


def results(firewall: Firewall, what: Ruleset | NotObserved) -> dict[str, Result]:
    items = [item_of(RESOURCE, entry.name, entry.declared) for entry in RESOURCE.items_of(firewall)]
    return {item.name: judge(RESOURCE, item, {"": what}) for item in items}


def outcome(rule: Rule, what: Ruleset | NotObserved) -> str:
    (result,) = results(Firewall(rules=[rule]), what).values()
    return str(result.outcome)


def match(protocol: str, field: str, right: Any, op: str = "==") -> dict[str, Any]:
    return {
        "match": {
            "op": op,
            "left": {"payload": {"protocol": protocol, "field": field}},
            "right": right,
        }
    }


def meta(key: str, right: Any, op: str = "==") -> dict[str, Any]:
    return {"match": {"op": op, "left": {"meta": {"key": key}}, "right": right}}


def ct(key: str, right: Any, op: str = "in") -> dict[str, Any]:
    return {"match": {"op": op, "left": {"ct": {"key": key}}, "right": right}}


def masked(field: str, mask: int, right: int, op: str = "==") -> dict[str, Any]:
    return {
        "match": {
            "op": op,
            "left": {"&": [{"payload": {"protocol": "tcp", "field": field}}, mask]},
            "right": right,
        }
    }


def priority(value: Any) -> dict[str, Any]:
    return {"mangle": {"key": {"meta": {"key": "priority"}}, "value": value}}


FIB = {"fib": {"result": "oif", "flags": ["saddr", "iif"]}}
FLAGS = {
    "&": [{"payload": {"protocol": "tcp", "field": "flags"}}, {"|": ["fin", "syn", "rst", "ack"]}]
}


@pytest.mark.parametrize(
    ("expr", "allowed"),
    [
        ([TCP22, ACCEPT], "compliant"),
        ([match("tcp", "dport", {"set": [22, 80]}), ACCEPT], "compliant"),
        ([match("tcp", "dport", {"range": [20, 30]}), ACCEPT], "compliant"),
        ([match("tcp", "dport", 23, "<"), ACCEPT], "compliant"),
        ([match("tcp", "dport", 22, "<"), ACCEPT], "drift"),
        ([match("tcp", "dport", 22, ">="), ACCEPT], "compliant"),
        ([match("tcp", "dport", 21, ">"), ACCEPT], "compliant"),
        ([match("tcp", "dport", 22, ">"), ACCEPT], "drift"),
        ([match("tcp", "dport", 22, "<="), ACCEPT], "compliant"),
        ([match("tcp", "dport", 0, "<"), ACCEPT], "drift"),
        ([match("tcp", "dport", 80, "!="), ACCEPT], "compliant"),
        ([match("tcp", "dport", 22, "!="), ACCEPT], "drift"),
        ([match("tcp", "dport", "ssh"), ACCEPT], "unknown"),
        ([match("udp", "dport", 22), ACCEPT], "drift"),
        ([match("th", "dport", 22), ACCEPT], "compliant"),
        ([meta("l4proto", "udp"), match("th", "dport", 22), ACCEPT], "drift"),
        ([match("tcp", "sport", 22), ACCEPT], "drift"),
        ([{"match": {"op": "==", "left": {"payload": {"base": "th", "offset": 16, "len": 16}}, "right": 22}}, ACCEPT], "unknown"),
        ([TCP22, ct("state", "new"), ACCEPT], "drift"),
        ([TCP22, ct("state", ["established", "related"]), ACCEPT], "drift"),
        ([TCP22, ct("state", {"set": ["established", "new"]}, "=="), ACCEPT], "compliant"),
        ([TCP22, ct("state", "invalid", "!="), ACCEPT], "compliant"),
        ([TCP22, ct("state", ["new", "established"], "!="), ACCEPT], "unknown"),
        ([TCP22, ct("state", "new", "!"), ACCEPT], "unknown"),
        ([TCP22, ct("status", "dnat", "!"), ACCEPT], "unknown"),
        ([TCP22, ct("status", "dnat"), ACCEPT], "drift"),
        ([TCP22, ct("status", "dnat", "!="), ACCEPT], "compliant"),
        ([TCP22, meta("nfproto", "arp", "!="), ACCEPT], "compliant"),
        ([TCP22, ct("direction", "original", "=="), ACCEPT], "compliant"),
        ([TCP22, ct("mark", 1, "=="), ACCEPT], "drift"),
        ([TCP22, match("tcp", "window", 1, "!="), ACCEPT], "unknown"),
        ([match("ip", "protocol", "udp"), ACCEPT], "drift"),
        ([TCP22, match("ip", "protocol", "udp"), DROP], "drift"),
        ([TCP22, meta("iifname", "eth0"), ACCEPT], "drift"),
        ([TCP22, meta("iifname", {"set": ["eth*", "docker0"]}), ACCEPT], "unknown"),
        ([TCP22, meta("iifname", "lo", "!="), ACCEPT], "compliant"),
        ([TCP22, meta("iif", 7), ACCEPT], "unknown"),
        ([TCP22, meta("pkttype", "host"), ACCEPT], "compliant"),
        ([TCP22, meta("nfproto", "ipv4"), ACCEPT], "drift"),
        ([TCP22, meta("protocol", {"set": ["ip", "ip6"]}), ACCEPT], "compliant"),
        ([TCP22, meta("skuid", 0), ACCEPT], "unknown"),
        ([TCP22, match("ip", "saddr", {"prefix": {"addr": "0.0.0.0", "len": 0}}), ACCEPT], "drift"),
        ([TCP22, {"match": {"op": "==", "left": FLAGS, "right": "syn"}}, ACCEPT], "drift"),
        ([TCP22, {"match": {"op": "!=", "left": FLAGS, "right": "syn"}}, ACCEPT], "drift"),
        ([TCP22, match("tcp", "flags", "syn"), ACCEPT], "unknown"),
        ([TCP22, match("tcp", "flags", "syn", "in"), ACCEPT], "drift"),
        ([TCP22, match("tcp", "flags", "ack", "in"), ACCEPT], "drift"),
        ([TCP22, {"match": {"op": "==", "left": {"exthdr": {"name": "rt"}}, "right": True}}, ACCEPT], "drift"),
        ([TCP22, {"match": {"op": "==", "left": {"exthdr": {"name": "rt"}}, "right": False}}, ACCEPT], "unknown"),
        ([TCP22, {"match": {"op": "==", "left": FIB, "right": True}}, ACCEPT], "compliant"),
        ([TCP22, {"match": {"op": "==", "left": FIB, "right": "eth0"}}, ACCEPT], "unknown"),
        ([masked("dport", 0xFFF0, 0x10), ACCEPT], "compliant"),
        ([masked("dport", 0xFFF0, 0x20), ACCEPT], "drift"),
        ([masked("dport", 1, 0), ACCEPT], "compliant"),
        ([masked("dport", 0xFFF0, 0x20, "!="), ACCEPT], "compliant"),
        ([masked("window", 0xFFF0, 0x20), ACCEPT], "unknown"),
        ([TCP22, {"match": {"op": "==", "left": {"fib": {"result": "type", "flags": ["daddr"]}}, "right": "local"}}, ACCEPT], "compliant"),
        ([TCP22, {"match": {"op": "!=", "left": {"fib": {"result": "type", "flags": "daddr"}}, "right": {"set": ["local"]}}}, ACCEPT], "drift"),
        ([TCP22, {"match": {"op": "==", "left": {"socket": {"key": "transparent"}}, "right": 1}}, ACCEPT], "unknown"),
        ([TCP22, {"counter": {"packets": 1, "bytes": 2}}, {"log": None}, ACCEPT], "compliant"),
        ([TCP22, {"mangle": {"key": {"meta": {"key": "mark"}}, "value": 1}}, ACCEPT], "compliant"),
        ([TCP22, {"mangle": {"key": {"payload": {"protocol": "tcp", "field": "dport"}}, "value": 1}}, ACCEPT], "unknown"),
        ([TCP22, {"limit": {"rate": 2, "per": "minute"}}, ACCEPT], "drift"),
        ([TCP22, {"ct count": {"val": 9}}, ACCEPT], "drift"),
        ([TCP22, {"quota": {"val": 9}}, ACCEPT], "unknown"),
        ([TCP22, "a statement that nft cannot print", ACCEPT], "unknown"),
        ([TCP22, priority(1), ACCEPT], "compliant"),
        ([TCP22, priority({"map": {"key": 1, "data": "@m"}}), ACCEPT], "unknown"),
        ([TCP22, priority(["low", "high"]), ACCEPT], "unknown"),
        ([TCP22, priority({"meta": {"key": "mark"}}), ACCEPT], "compliant"),
        ([TCP22, priority({"|": [{"meta": {"key": "mark"}}, 4]}), ACCEPT], "compliant"),
        ([TCP22, priority({"|": [{"meta": {"key": "iifgroup"}}, 4]}), ACCEPT], "unknown"),
        ([TCP22, priority({"ct": {"key": "mark"}}), ACCEPT], "unknown"),
        ([TCP22, priority({"ct": {"key": "zone"}}), ACCEPT], "unknown"),
        ([TCP22, priority({"payload": {"protocol": "ip", "field": "ttl"}}), ACCEPT], "unknown"),
        ([TCP22, {"set": {"op": "add", "set": "@s", "elem": 1, "stmt": [{"limit": {"rate": 2}}]}}, ACCEPT], "unknown"),
        ([TCP22, {"mangle": {"key": {"payload": {"protocol": "ip", "field": "dscp"}}, "value": "cs1"}}, ACCEPT], "drift"),
        ([TCP22, {"mangle": {"key": {"meta": {"key": "mark"}}, "value": {"|": [{"meta": {"key": "mark"}}, 4]}}}, ACCEPT], "compliant"),
        ([TCP22, {"mangle": {"key": {"meta": {"key": "mark"}}, "value": {"map": {"key": 1, "data": "@m"}}}}, ACCEPT], "unknown"),
        ([{"match": {"op": "!=", "left": {"&": [{"payload": {"protocol": "ip", "field": "frag-off"}}, 8191]}, "right": 0}}, DROP], "drift"),
        ([TCP22, {"mangle": {"key": {"tcp option": {"name": "maxseg", "field": "size"}}, "value": 1400}}, ACCEPT], "unknown"),
        ([TCP22, {"counter": {"map": {"key": 1, "data": "@m"}}}, ACCEPT], "unknown"),
        ([TCP22, {"notrack": None}, ct("state", "untracked"), ACCEPT], "drift"),
        ([TCP22, {"vmap": {"key": {"payload": {"protocol": "ip", "field": "saddr"}}, "data": {"set": [["*", ACCEPT]]}}}], "unknown"),
        ([{"vmap": {"key": {"meta": {"key": "iifname"}}, "data": {"set": [["lo", DROP], ["*", ACCEPT]]}}}], "compliant"),
        ([vmap("iifname", ["eth0", {"continue": None}], ["*", ACCEPT])], "drift"),
        ([vmap("l4proto", ["tcp", {"continue": None}], ["*", ACCEPT])], "drift"),
        ([vmap("l4proto", ["tcp", {"continue": None}], ["udp", {"continue": None}], ["*", ACCEPT])], "drift"),
        ([vmap("skuid", [1, {"continue": None}], ["*", ACCEPT])], "unknown"),
        ([meta("skuid", 0), vmap("l4proto", ["tcp", ACCEPT])], "unknown"),
        ([{"limit": {"rate": 2, "per": "minute"}}, vmap("l4proto", ["tcp", ACCEPT])], "drift"),
        ([{"limit": {"rate": 2, "per": "minute"}}, match("th", "dport", 22), ACCEPT], "drift"),
        ([TCP22, {"limit": {"rate": 2, "per": "minute"}}, {"match": {"op": "==", "left": {"exthdr": {"name": "rt"}}, "right": False}}, ACCEPT], "drift"),
        ([vmap("mark", [1, DROP], ["*", ACCEPT])], "compliant"),
        ([vmap("skuid", [1, DROP], ["*", ACCEPT])], "unknown"),
        ([TCP22, {"mangle": {"key": {"meta": {"key": "pkttype"}}, "value": "other"}}, ACCEPT], "unknown"),
        ([TCP22, match("tcp", "flags", ["syn", "ack"], "!"), ACCEPT], "drift"),
        ([TCP22, match("tcp", "flags", "ack", "!"), ACCEPT], "drift"),
        ([TCP22, match("tcp", "dport", 80, "!"), ACCEPT], "unknown"),
        ([TCP22, {"match": {"op": "==", "left": FIB, "right": "0"}}, ACCEPT], "drift"),
        ([TCP22, "xt match foo", ACCEPT], "unknown"),
        ([TCP22, {"xt": None}], "unknown"),
        ([TCP22, {"queue": None}], "unknown"),
        ([TCP22, {"dnat": {"addr": "10.0.0.1"}}], "unknown"),
        ([TCP22, {"nosuch": None}], "unknown"),
        ([TCP22, {"reject": {"type": "tcp reset"}}], "drift"),
        ([TCP22, {"return": None}], "drift"),
        ([{"match": {"op": "==", "left": {"concat": [{"meta": {"key": "l4proto"}}, {"payload": {"protocol": "th", "field": "dport"}}]},
                     "right": {"set": [{"concat": ["tcp", 22]}, {"concat": ["udp", 53]}]}}}, ACCEPT], "compliant"),
        ([{"match": {"op": "!=", "left": {"concat": [{"meta": {"key": "l4proto"}}, {"payload": {"protocol": "th", "field": "dport"}}]},
                     "right": {"set": [{"concat": ["tcp", 80]}]}}}, ACCEPT], "unknown"),
        ([{"vmap": {"key": {"payload": {"protocol": "tcp", "field": "dport"}}, "data": {"set": [["*", DROP], [22, ACCEPT]]}}}], "compliant"),
        ([TCP22, {"vmap": {"key": {"ct": {"key": "state"}}, "data": {"set": [["established", DROP], ["new", ACCEPT]]}}}], "drift"),
        ([TCP22, {"vmap": {"key": {"meta": {"key": "mark"}}, "data": {"set": [[1, ACCEPT]]}}}], "drift"),
        ([TCP22, {"vmap": {"key": {"payload": {"protocol": "tcp", "field": "dport"}}, "data": "@nosuch"}}], "unknown"),
    ],
    ids=str,
)  # fmt: skip
def test_nft_rule(expr: list[Any], allowed: str) -> None:
    try:
        what: Ruleset | NotObserved = observed(nft=nft(expr))
    except ValueError as error:
        what = NotObserved(str(error))
    assert outcome(ALLOW_22, what) == allowed


@pytest.mark.parametrize(
    ("body", "allowed"),
    [
        ({"elem": [22]}, "compliant"),
        ({"elem": [{"elem": {"val": 22, "comment": "ssh"}}]}, "compliant"),
        ({"elem": [{"elem": {"val": 22, "timeout": 60}}]}, "unknown"),
        ({"elem": [22], "flags": ["timeout"]}, "compliant"),
        ({"elem": [22], "flags": "dynamic"}, "unknown"),
        ({"elem": [22], "stmt": [{"limit": {"rate": 1}}]}, "unknown"),
        ({"elem": [22], "stmt": [{"counter": None}]}, "compliant"),
        ({}, "drift"),
    ],
)
def test_nft_set(body: Mapping[str, Any], allowed: str) -> None:
    ports = {
        "set": {"family": "inet", "table": "t", "name": "ports", "type": "inet_service", **body}
    }
    assert (
        outcome(
            ALLOW_22, observed(nft=nft([match("tcp", "dport", "@ports"), ACCEPT], more=[ports]))
        )
        == allowed
    )


def test_a_set_that_packets_change_is_unknown_whatever_its_flags() -> None:
    ports = {
        "set": {
            "family": "inet",
            "table": "t",
            "name": "ports",
            "type": "inet_service",
            "elem": [22],
        }
    }
    adding = [match("tcp", "dport", 99), {"set": {"op": "add", "elem": 1, "set": "@ports"}}]
    assert (
        outcome(
            ALLOW_22,
            observed(nft=nft(adding, [match("tcp", "dport", "@ports"), ACCEPT], more=[ports])),
        )
        == "unknown"
    )


def test_before_connections_are_looked_up_every_packet_is_invalid() -> None:
    invalid = [ct("state", "invalid"), DROP]
    early, late = (
        nft(invalid, policy="accept", hook="prerouting", prio=priority) for priority in (-300, -150)
    )
    assert outcome(DENY_22, observed(nft=early)) == "compliant"
    assert outcome(DENY_22, observed(nft=late)) == "drift"


def test_chains_at_a_device_are_of_its_packets() -> None:
    assert (
        outcome(DENY_22, observed(nft=nft([DROP], family="netdev", hook="ingress", dev="eth0")))
        == "drift"
    )
    both = nft([DROP], family="netdev", hook="ingress", dev=["eth0", "docker0"])
    assert outcome(DENY_22, observed(nft=both)) == "unknown"
    of_one = nft(
        [ct("state", "invalid"), DROP], policy="accept", family="netdev", hook="ingress", dev="eth0"
    )
    assert outcome(DENY_22, observed(nft=of_one, interfaces="lo\neth0")) == "unknown"
    assert outcome(DENY_22, observed(nft=of_one)) == "drift"


@pytest.mark.parametrize(
    ("line", "denied"),
    [
        ('device "eth0" priority filter; policy accept;', "drift"),
        ("device eth0 priority 0; policy accept;", "drift"),
        ("devices = { eth0, docker0 } priority filter; policy accept;", "unknown"),
        ("priority filter; policy accept;", "unknown"),
    ],
)
def test_the_devices_of_a_chain_that_nft_does_not_have_in_json(line: str, denied: str) -> None:
    """nft 1.0.6 prints the devices as text alone. Where the text cannot be read, it is unknown
    whose packets the chain sees.
    """
    bare = nft([DROP], family="netdev", hook="ingress")
    devices = f"table netdev t {{\n\tchain in {{\n\t\ttype filter hook ingress {line}"
    assert outcome(DENY_22, observed(nft=bare, devices=devices)) == denied
    assert outcome(DENY_22, observed(nft=bare, devices=devices, moved="yes")) == "unknown"
    assert outcome(DENY_22, observed(nft=bare)) == "unknown"


def test_chains_of_equal_priority_run_in_an_order_of_their_own() -> None:
    first, second = (
        json.loads(nft([TCP22, end], policy="accept"))["nftables"]
        for end in (DROP, {"reject": None})
    )
    for entry in second:
        next(iter(entry.values()))["table" if "table" not in entry else "name"] = "u"
    what = observed(nft=json.dumps({"nftables": first + second}))
    assert [outcome(rule, what) for rule in (ALLOW_22, DENY_22)] == ["drift", "unknown"]


def tied(*ends: str, hooks: Sequence[str] = (), **chain: Any) -> Ruleset:
    """A table for each letter, with a base chain that drops (d), rejects (r), stops tracking (n) or
    accepts (a) connections to 22.
    """
    effect = {"d": [DROP], "r": [{"reject": None}], "n": [{"notrack": None}], "a": [ACCEPT]}
    objects = []
    for number, end in enumerate(ends):
        place = {"hook": hooks[number]} if hooks else {}
        text = nft([TCP22, *effect[end]], policy="accept", **{**chain, **place}).replace(
            '"t"', f'"t{number}"'
        )
        objects += json.loads(text)["nftables"]
    return observed(nft=json.dumps({"nftables": objects}))


def test_three_chains_of_one_priority_are_tried_in_every_order() -> None:
    """By packets: registered as c, a, b, the last of them runs first, and 22 is rejected."""
    for ends in permutations("ddr"):
        what = tied(*ends)
        assert [
            outcome(rule, what)
            for rule in (ALLOW_22, DENY_22, Rule(proto="tcp", port=22, action="reject"))
        ] == ["drift", "unknown", "unknown"]


def test_chains_that_end_a_packet_in_one_way_need_no_order() -> None:
    what = tied(*"d" * 9, *"a" * 3)
    assert [outcome(rule, what) for rule in (ALLOW_22, DENY_22)] == ["drift", "compliant"]
    assert len([*orders(what.program, INCOMING, 4, Effort(QUESTION_STEPS))]) == 1


def test_chains_of_two_hooks_are_not_reversed_together() -> None:
    """Two pairs of equal priority: the order of the second pair does not depend on that of the
    first.
    """
    what = tied("d", "r", "d", "r", hooks=("prerouting", "prerouting", "input", "input"))
    assert (
        len(
            {
                tuple(base.chain for base in program.bases)
                for program in orders(what.program, INCOMING, 4, Effort(QUESTION_STEPS))
            }
        )
        == 4
    )


def test_orders_are_tried_as_far_as_they_differ_and_are_not_too_many() -> None:
    assert len([*orders(tied(*"dddddr").program, INCOMING, 4, Effort(QUESTION_STEPS))]) == 2**5
    assert len([*orders(tied(*"rrrnd").program, INCOMING, 4, Effort(QUESTION_STEPS))]) == 2 * 3**3
    for many in ("d" * 7 + "r", "drdrdrdrdr", "nnnnnn"):
        assert outcome(DENY_22, tied(*many)) == "unknown"


def test_where_tracking_stops_order_matters_too() -> None:
    untracked = json.loads(
        nft(
            [ct("state", "untracked"), DROP], policy="accept", hook="prerouting", prio=-300
        ).replace('"t"', '"u"')
    )["nftables"]
    stops = json.loads(
        nft([TCP22, {"notrack": None}], policy="accept", hook="prerouting", prio=-300)
    )["nftables"]
    for objects in (untracked + stops, stops + untracked):
        assert outcome(DENY_22, observed(nft=json.dumps({"nftables": objects}))) == "unknown"


def test_a_tie_of_one_family_is_not_one_of_the_other() -> None:
    texts = [
        nft([TCP22, DROP], policy="accept"),
        nft([TCP22, {"reject": None}], policy="accept", family="ip"),
    ]
    what = observed(
        nft=json.dumps(
            {"nftables": [entry for text in texts for entry in json.loads(text)["nftables"]]}
        )
    )
    assert [
        outcome(replace(DENY_22, from_=source), what) for source in ("10.0.0.0/8", "fd00::/8")
    ] == ["unknown", "compliant"]


@pytest.mark.parametrize(
    ("statement", "action", "v4", "v6"),
    [
        ({"reject": {"type": "icmp", "expr": "port-unreachable"}}, "reject", "compliant", "drift"),
        (
            {"reject": {"type": "icmpv6", "expr": "port-unreachable"}},
            "reject",
            "drift",
            "compliant",
        ),
        (
            {"reject": {"type": "icmpx", "expr": "port-unreachable"}},
            "reject",
            "compliant",
            "compliant",
        ),
        (
            {"mangle": {"key": {"payload": {"protocol": "ip", "field": "ttl"}}, "value": 9}},
            "allow",
            "compliant",
            "drift",
        ),
        (
            {"mangle": {"key": {"payload": {"protocol": "ip6", "field": "hoplimit"}}, "value": 9}},
            "allow",
            "drift",
            "compliant",
        ),
    ],
)
def test_a_statement_about_one_family_ends_the_rule_for_the_other(
    statement: Any, action: Any, v4: str, v6: str
) -> None:
    what = observed(nft=nft([TCP22, statement, ACCEPT]))
    assert [
        outcome(Rule(proto="tcp", port=22, action=action, from_=source), what)
        for source in ("0.0.0.0/0", "::/0")
    ] == [v4, v6]


@pytest.mark.parametrize(
    ("condition", "allowed"),
    [
        (match("icmp", "type", "echo-request"), "compliant"),
        (match("icmp", "type", {"set": ["echo-request"]}, "in"), "compliant"),
        (match("icmp", "type", "echo-request", "in"), "unknown"),
        (match("icmp", "type", 8), "compliant"),
        (match("icmp", "type", 9, "<"), "unknown"),
        (match("icmp", "type", 9, "!="), "compliant"),
        (match("icmp", "type", 8, "!="), "drift"),
        (match("icmp", "code", 8), "unknown"),
        (match("icmp", "code", 8, "!="), "unknown"),
        (match("icmp", "id", 8), "unknown"),
    ],
    ids=str,
)
def test_conditions_about_icmp(condition: Any, allowed: str) -> None:
    node = observed(nft=nft([condition, ACCEPT]), inet6="")
    assert outcome(Rule(proto="icmp", action="allow"), node) == allowed


@pytest.mark.parametrize("kind", ["set", "map"])
def test_what_a_statement_changes_is_not_read(kind: str) -> None:
    """Older kernels do not flag it as dynamic."""
    key = {"meta": {"key": "l4proto"}}
    named = {"family": "inet", "table": "t", "name": "m", "elem": [["tcp", ACCEPT]]}
    changes = {kind: {"op": "update", "elem": key, kind: "@m"}}
    rules = [meta("l4proto", "udp"), changes], [{"vmap": {"key": key, "data": "@m"}}]
    assert outcome(ALLOW_22, observed(nft=nft(rules[1], more=[{"map": named}]))) == "compliant"
    assert outcome(ALLOW_22, observed(nft=nft(*rules, more=[{"map": named}]))) == "unknown"


def test_a_chain_at_egress_of_devices_that_could_not_be_read() -> None:
    text = nft([DROP], policy="accept", family="netdev", hook="egress")
    found = results(Firewall(default_outgoing="deny"), observed(nft=text))["default_outgoing"]
    assert found.outcome is Outcome.UNKNOWN


def test_a_rule_of_a_nat_chain_opens_nothing() -> None:
    text = nft([TCP22, ACCEPT], policy="accept", type="nat", prio=100)
    assert outcome(ALLOW_22, observed(nft=text)) == "drift"


def under_mask(left: Any, mask: Any, right: Any, op: str = "==") -> dict[str, Any]:
    return {"match": {"op": op, "left": {"&": [left, mask]}, "right": right}}


FRAGMENT = {"payload": {"protocol": "ip", "field": "frag-off"}}
GROUP = {"meta": {"key": "iifgroup"}}
TCP_FLAGS = {"payload": {"protocol": "tcp", "field": "flags"}}


@pytest.mark.parametrize(
    ("condition", "end", "allowed"),
    [
        (under_mask(FRAGMENT, 0x1FFF, 0), DROP, "drift"),
        (under_mask(FRAGMENT, 0x1FFF, 0, "!="), DROP, "compliant"),
        (under_mask(FRAGMENT, 0x1FFF, 0, "<"), DROP, "unknown"),
        (under_mask(FRAGMENT, 0x1FFF, 1), DROP, "unknown"),
        (under_mask(FRAGMENT, 0x2000, 0), DROP, "unknown"),
        (under_mask(GROUP, 1, 0), DROP, "unknown"),
        (match("tcp", "flags", "ack"), DROP, "drift"),
        (match("tcp", "flags", "ack", "!="), DROP, "drift"),
        (match("tcp", "flags", "ecn", "in"), DROP, "unknown"),
        (match("tcp", "flags", {"|": ["syn", "psh"]}), DROP, "unknown"),
        (match("tcp", "flags", {"|": ["syn", "ecn"]}), DROP, "unknown"),
        (under_mask(TCP_FLAGS, 0x3F, {"set": ["ack", "fin"]}), DROP, "drift"),
        (under_mask(TCP_FLAGS, 0x3F, {"set": ["ack", "syn"]}), DROP, "drift"),
        (masked("dport", 0x1FFF, 0), DROP, "compliant"),
        (masked("dport", 0x1FFF, 22), DROP, "drift"),
    ],
    ids=str,
)
def test_conditions_under_a_mask(condition: Any, end: Any, allowed: str) -> None:
    node = observed(nft=nft([condition, end], [TCP22, ACCEPT]), inet6="")
    assert outcome(ALLOW_22, node) == allowed


def test_packets_with_more_flags_may_be_let_in() -> None:
    flags = under_mask(TCP_FLAGS, 0x3F, {"|": ["syn", "psh"]})
    assert outcome(DENY_22, observed(nft=nft([TCP22, flags, ACCEPT]))) == "drift"


def together(parts: Sequence[tuple[str, str]], *values: Any) -> dict[str, Any]:
    left = [{"payload": {"protocol": header, "field": field}} for header, field in parts]
    some = [{"concat": list(value)} for value in values]
    return {"match": {"op": "==", "left": {"concat": left}, "right": {"set": some}}}


FROM4, FROM6 = ([(family, "saddr"), ("tcp", "dport")] for family in ("ip", "ip6"))
LIMIT = {"limit": {"rate": 2, "per": "minute"}}


@pytest.mark.parametrize(
    ("statements", "v4", "v6"),
    [
        ([together(FROM4, ["192.0.2.1", 22])], "drift", "drift"),
        ([together(FROM4, [{"prefix": {"addr": "0.0.0.0", "len": 0}}, 22])], "compliant", "drift"),
        ([together(FROM6, ["2001:db8::9", 22])], "drift", "drift"),
        ([together(FROM6, [{"prefix": {"addr": "::", "len": 0}}, 22])], "drift", "compliant"),
        (
            [LIMIT, together(FROM4, [{"prefix": {"addr": "0.0.0.0", "len": 0}}, 22])],
            "drift",
            "drift",
        ),
        ([TCP22, together(FROM4, ["192.0.2.1"])], "unknown", "unknown"),
    ],
    ids=str,
)
def test_conditions_about_several_fields(statements: list[Any], v4: str, v6: str) -> None:
    what = observed(nft=nft([*statements, ACCEPT]))
    assert [
        outcome(Rule(proto="tcp", port=22, action="allow", from_=source), what)
        for source in ("0.0.0.0/0", "::/0")
    ] == [v4, v6]


def test_ports_among_several_fields_are_those_of_protocols_that_have_ports() -> None:
    every_port = together([("th", "dport"), ("th", "sport")], [{"range": [0, 65535]}] * 2)
    stops = observed(nft=nft([every_port, DROP], policy="accept"), inet6="")
    assert outcome(DENY_22, stops) == "compliant"
    found = results(Firewall(exclusive=True), stops)["exclusive"]
    assert found.outcome is Outcome.UNKNOWN


def test_a_way_back_by_any_interface_is_not_one_by_the_same() -> None:
    def has_way_back(flags: list[str], right: bool) -> dict[str, Any]:
        left = {"fib": {"result": "oif", "flags": flags}}
        return {"match": {"op": "==", "left": left, "right": right}}

    same, any_ = has_way_back(["saddr", "iif"], True), has_way_back(["saddr"], False)
    open_by_others = observed(nft=nft([same, DROP], [any_, DROP], policy="accept"))
    assert outcome(DENY_22, open_by_others) == "drift"
    closed = nft(
        [has_way_back(["saddr"], True), DROP],
        [has_way_back(["saddr", "iif"], False), DROP],
        policy="accept",
    )
    assert outcome(DENY_22, observed(nft=closed)) == "compliant"


SOON = {"timeout": 60, "expires": 9}


@pytest.mark.parametrize(
    ("flags", "key", "allowed"),
    [
        ([], "tcp", "drift"),
        ([], "udp", "compliant"),
        (["dynamic"], "udp", "unknown"),
        (["timeout"], {"elem": {"val": "tcp", **SOON}}, "unknown"),
        (["timeout"], {"elem": {"val": "udp", **SOON}}, "unknown"),
        (["timeout"], {"elem": {"val": "udp", "expires": 9}}, "unknown"),
        (["timeout"], {"elem": {"val": "udp", "timeout": 60}}, "unknown"),
    ],
    ids=str,
)
def test_a_map_of_verdicts_for_any_other_key(flags: list[str], key: Any, allowed: str) -> None:
    """The packets with the key go on to the policy."""
    named = {
        "family": "inet",
        "table": "t",
        "name": "m",
        "type": "inet_proto",
        "map": "verdict",
        "flags": flags,
        "elem": [[key, {"continue": None}], ["*", ACCEPT]],
    }
    rule = {"vmap": {"key": {"meta": {"key": "l4proto"}}, "data": "@m"}}
    assert outcome(ALLOW_22, observed(nft=nft([rule], more=[{"map": named}]))) == allowed


@pytest.mark.parametrize("family", ["ip", "inet"])
def test_a_table_may_have_the_name_of_a_family(family: str) -> None:
    text = nft([TCP22, ACCEPT], family=family).replace('"t"', '"ip6"')
    assert outcome(DENY_22, observed(nft=text, inet6="")) == "drift"


def test_legacy_chains_tie_with_those_of_nftables() -> None:
    texts = {
        name: save("INPUT -p tcp -m tcp --dport 22 -j REJECT", policy="ACCEPT")
        for name in ("ip_legacy", "ip6_legacy")
    }
    what = observed(
        nft=nft([TCP22, DROP], policy="accept"),
        ip_legacy_tables="filter",
        ip6_legacy_tables="filter",
        **texts,
    )
    assert [outcome(rule, what) for rule in (ALLOW_22, DENY_22)] == ["drift", "unknown"]


def test_chains_of_two_devices_do_not_tie() -> None:
    ends = (("eth0", DROP), ("docker0", {"reject": None}))
    texts = [
        nft([TCP22, end], policy="accept", family="netdev", hook="ingress", dev=device)
        for device, end in ends
    ]
    what = observed(
        nft=json.dumps(
            {"nftables": [entry for text in texts for entry in json.loads(text)["nftables"]]}
        )
    )
    assert len([*orders(what.program, INCOMING, 4, Effort(QUESTION_STEPS))]) == 1
    assert outcome(DENY_22, what) == "drift"


def test_what_is_open_in_some_orders_only_is_perhaps_open() -> None:
    stops = json.loads(
        nft([TCP22, {"notrack": None}], policy="accept", hook="prerouting", prio=-300)
    )["nftables"]
    untracked = json.loads(
        nft(
            [ct("state", "untracked"), DROP], policy="accept", hook="prerouting", prio=-300
        ).replace('"t"', '"u"')
    )["nftables"]
    what = observed(nft=json.dumps({"nftables": stops + untracked}))
    found = results(
        Firewall(exclusive=True, rules=[Rule(proto="udp", port=1, action="allow")]), what
    )["exclusive"]
    assert found.outcome is Outcome.DRIFT
    assert "everything but 22/tcp" in (found.why or "")
    office = Rule(proto="tcp", port=22, action="allow", from_="10.0.0.0/8")
    assert outcome(office, what) == "unknown"


def test_one_region_that_no_rule_accepts_is_open_by_accident() -> None:
    """Policy accept, and a rule that accepts some sources: the rest is open because nothing
    filters.
    """
    net = match("ip", "saddr", {"prefix": {"addr": "10.0.0.0", "len": 8}})
    assert (
        outcome(ALLOW_22, observed(nft=nft([net, TCP22, ACCEPT], policy="accept"), inet6=""))
        == "drift"
    )
    assert (
        outcome(ALLOW_22, observed(nft=nft([TCP22, ACCEPT], policy="accept"), inet6=""))
        == "compliant"
    )


def test_open_because_nothing_filters_differs_from_allowed() -> None:
    (result,) = results(Firewall(rules=[ALLOW_22]), observed(nft='{"nftables": []}')).values()
    assert result.outcome is Outcome.DRIFT
    assert [
        (finding.expected, finding.actual)
        for finding in result.findings
        if finding.field == "action"
    ] == [("allow", "allow (unfiltered)")]


def test_conditions_that_multiply_are_not_followed() -> None:
    concat = [{"meta": {"key": "l4proto"}}, {"payload": {"protocol": "th", "field": "dport"}}]
    elements = {"set": [{"concat": ["tcp", port]} for port in range(100)]}
    many = {"match": {"op": "==", "left": {"concat": concat}, "right": elements}}
    assert outcome(ALLOW_22, observed(nft=nft([many, ACCEPT]))) == "compliant"
    assert outcome(ALLOW_22, observed(nft=nft([many, many, ACCEPT]))) == "unknown"


def test_what_is_not_tracked_is_not_new() -> None:
    untracked = json.loads(
        nft([TCP22, {"notrack": None}], policy="accept", hook="prerouting", prio=-300)
    )["nftables"]
    stateful = json.loads(nft([ct("state", {"set": ["new", "established"]}, "=="), ACCEPT]))[
        "nftables"
    ]
    for entry in untracked:
        next(iter(entry.values()))["table" if "table" not in entry else "name"] = "raw"
    assert outcome(ALLOW_22, observed(nft=json.dumps({"nftables": stateful}))) == "compliant"
    assert (
        outcome(ALLOW_22, observed(nft=json.dumps({"nftables": untracked + stateful}))) == "drift"
    )


def test_a_refusal_by_icmp_is_of_one_family() -> None:
    assert (
        outcome(
            Rule(proto="tcp", port=22, action="reject", from_="::/0"),
            observed(nft=nft([{"reject": {"type": "icmp"}}])),
        )
        == "drift"
    )
    assert (
        outcome(
            Rule(proto="tcp", port=22, action="reject"),
            observed(nft=nft([{"reject": {"type": "icmpx"}}])),
        )
        == "compliant"
    )


@pytest.mark.parametrize(
    ("flags", "dormant", "allowed"),
    [
        ("dormant", None, "drift"),
        (["dormant"], None, "drift"),
        ("owner", None, "compliant"),
        ("filter", None, "unknown"),
        ("filter", (1, "no"), "unknown"),
        ("filter", "", "compliant"),
        ("filter", "table inet t {", "drift"),
        ("filter", "table ip other {\ntable inet t {", "drift"),
    ],
)
def test_a_dormant_table_filters_nothing(flags: Any, dormant: Any, allowed: str) -> None:
    text = nft([TCP22, ACCEPT]).replace(
        '"name": "t"}', f'"name": "t", "flags": {json.dumps(flags)}}}', 1
    )
    assert (
        outcome(ALLOW_22, observed(nft=text, **({} if dormant is None else {"dormant": dormant})))
        == allowed
    )


def test_rules_about_arp_may_hide_the_node_from_ipv4() -> None:
    open_22 = [
        {
            "rule": {
                "family": "inet",
                "table": "u",
                "chain": "in",
                "handle": 1,
                "expr": [TCP22, ACCEPT],
            }
        }
    ]
    inet = [
        {
            "chain": {
                "family": "inet",
                "table": "u",
                "name": "in",
                "type": "filter",
                "hook": "input",
                "prio": 0,
                "policy": "drop",
            }
        },
        *open_22,
    ]
    closed = observed(nft=nft(family="arp", more=inet))
    assert outcome(ALLOW_22, closed) == "unknown"
    assert (
        outcome(Rule(proto="tcp", port=22, action="allow", from_="fd00::/8"), closed) != "unknown"
    )
    idle = observed(nft=nft(family="arp", policy="accept", more=inet))
    assert outcome(ALLOW_22, idle) == "compliant"


def test_bridge_rules_make_it_unknown() -> None:
    bridge = nft([DROP], family="bridge", hook="input")
    both = json.dumps(
        {"nftables": json.loads(bridge)["nftables"] + json.loads(nft([TCP22, ACCEPT]))["nftables"]}
    )
    assert outcome(ALLOW_22, observed(nft=both)) == "unknown"
    idle = nft([ACCEPT], family="bridge", hook="input", policy="accept")
    both = json.dumps(
        {"nftables": json.loads(idle)["nftables"] + json.loads(nft([TCP22, ACCEPT]))["nftables"]}
    )
    assert outcome(ALLOW_22, observed(nft=both)) == "compliant"


@pytest.mark.parametrize(
    ("rule", "allowed"),
    [
        ("INPUT -p tcp -m tcp --dport 22 -j ACCEPT", "compliant"),
        ("INPUT -p tcp -j ACCEPT", "compliant"),
        ("INPUT -p udp -m udp --dport 22 -j ACCEPT", "drift"),
        ("INPUT ! -p udp -j ACCEPT", "compliant"),
        ("INPUT ! -p tcp -j ACCEPT", "drift"),
        ("INPUT -p tcp -m tcp ! --dport 80 -j ACCEPT", "compliant"),
        ("INPUT -p tcp -m tcp --dport 20:30 -j ACCEPT", "compliant"),
        ("INPUT -p tcp -m multiport --dports 80,20:30 -j ACCEPT", "compliant"),
        ("INPUT -p tcp -m multiport ! --dports 80,20:30 -j ACCEPT", "drift"),
        ("INPUT -p tcp -m multiport --ports 22 -j ACCEPT", "compliant"),
        ("INPUT -p tcp -m tcp --sport 22 -j ACCEPT", "drift"),
        (
            "INPUT -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT",
            "compliant",
        ),
        ("INPUT -p tcp -m tcp --dport 22 -m conntrack ! --ctstate INVALID -j ACCEPT", "compliant"),
        ("INPUT -p tcp -m tcp --dport 22 -m state --state ESTABLISHED -j ACCEPT", "drift"),
        ("INPUT -p tcp -m tcp --dport 22 --tcp-flags FIN,SYN,RST,ACK SYN -j ACCEPT", "drift"),
        ("INPUT -p tcp -m tcp --dport 22 ! --tcp-flags FIN,SYN,RST,ACK SYN -j ACCEPT", "drift"),
        ("INPUT -p tcp -m tcp --dport 22 --tcp-option 7 -j ACCEPT", "unknown"),
        ("INPUT -i eth0 -p tcp -m tcp --dport 22 -j ACCEPT", "drift"),
        ("INPUT -i + -p tcp -m tcp --dport 22 -j ACCEPT", "compliant"),
        ("INPUT -o eth0 -p tcp -j ACCEPT", "drift"),
        ("INPUT -f -j ACCEPT", "drift"),
        ("INPUT ! -f -j ACCEPT", "compliant"),
        ("INPUT -m addrtype --dst-type LOCAL -j ACCEPT", "compliant"),
        ("INPUT -m addrtype ! --dst-type LOCAL -j ACCEPT", "drift"),
        ("INPUT -m addrtype --dst-type LOCAL --limit-iface-in -j ACCEPT", "unknown"),
        ("INPUT -m addrtype --src-type UNREACHABLE -j ACCEPT", "unknown"),
        ("INPUT -m pkttype --pkt-type unicast -j ACCEPT", "compliant"),
        ("INPUT -m pkttype --pkt-type broadcast -j ACCEPT", "drift"),
        ("INPUT -m rpfilter -j ACCEPT", "compliant"),
        ("INPUT -m rpfilter --invert -j ACCEPT", "drift"),
        ("INPUT -m rt --rt-type 0 -j ACCEPT", "drift"),
        ("INPUT -m socket -j ACCEPT", "unknown"),
        ("INPUT -m mark --mark 0x1 -j ACCEPT", "drift"),
        ("INPUT -m set --match-set good src -j ACCEPT", "unknown"),
        ("INPUT -m limit --limit 3/min -j ACCEPT", "drift"),
        ("INPUT -m hashlimit --hashlimit-upto 2/min --hashlimit-name x -j ACCEPT", "drift"),
        (
            "INPUT -m recent --update --seconds 30 --hitcount 6 --name D --mask 255.255.255.255 --rsource -j ACCEPT",
            "drift",
        ),
        ("INPUT -m recent --rcheck --name KNOCKED --rsource -j ACCEPT", "unknown"),
        ("INPUT -m recent --set --name D --rsource -j ACCEPT", "compliant"),
        ('INPUT -m comment --comment "a \\" -j DROP" -j ACCEPT', "compliant"),
        ("INPUT -m comment --comment ssh -j ACCEPT", "compliant"),
        ("INPUT -m string --string -j --algo bm -j ACCEPT", "unknown"),
        ('INPUT -m comment --comment "two\n-A INPUT -j ACCEPT\nlines" -j DROP', "drift"),
        ("INPUT -p tcp -m tcp --dport 22 -j LOG --log-prefix ACCEPT", "drift"),
        ("INPUT -p tcp -m tcp --dport 22 -j NFQUEUE --queue-num 0", "unknown"),
        ("INPUT -p tcp -m tcp --dport 22 -j NOSUCH", "unknown"),
        ("INPUT -p tcp -m tcp --dport 22", "drift"),
        ("INPUT -p 300x -j ACCEPT", "unknown"),
        ("INPUT -m", "drift"),
        ("INPUT -p tcp -j", "drift"),
        # a comment that looks like an option
        ("INPUT -m comment --comment --dport -j ACCEPT", "compliant"),
        ("INPUT -m comment --comment -m -j ACCEPT", "compliant"),
    ],
)
def test_iptables_rule(rule: str, allowed: str) -> None:
    assert outcome(ALLOW_22, legacy(rule)) == allowed


def test_an_argument_may_look_like_a_target() -> None:
    unknown_match = "INPUT -m nosuch --nosuch -j ACCEPT -j DROP"
    assert (
        outcome(ALLOW_22, legacy(unknown_match, "INPUT -p tcp -m tcp --dport 22 -j ACCEPT"))
        == "unknown"
    )


def test_a_negation_is_of_one_option() -> None:
    home = Rule(proto="tcp", port=22, action="deny", from_="192.168.0.0/16")
    assert (
        outcome(
            home,
            legacy(
                "INPUT ! -s 10.0.0.0/8 -p tcp -m tcp --dport 22 -j DROP", v6=[], policy="ACCEPT"
            ),
        )
        == "compliant"
    )


def test_text_of_the_node_is_made_printable() -> None:
    escape = "\x1b[31m\udcff"
    what = observed(
        nft=nft([meta("iifname", f"e{escape}"), ACCEPT], [TCP22, {"jump": {"target": f"c{escape}"}}], more=[
            {"chain": {"family": "inet", "table": "t", "name": f"c{escape}"}},
            {"rule": {"family": "inet", "table": "t", "chain": f"c{escape}", "handle": 1, "expr": [meta(f"m{escape}", 1), DROP]}},
            {"rule": {"family": "inet", "table": "t", "chain": f"c{escape}", "handle": 2, "expr": [DROP]}},
        ])
    )  # fmt: skip
    found = results(
        Firewall(enabled=True, rules=[ALLOW_22, Rule(proto="tcp", port=80, action="reject")]), what
    ).values()
    texts = [str(as_json(record(result))) for result in found]
    failed = parse(answer(nft=(1, escape)))[""]
    assert isinstance(failed, NotObserved)
    texts += [why for why in (failed.why, *(result.why for result in found)) if why]
    assert all(text.isascii() and text.isprintable() for text in texts)


def test_a_condition_whose_reading_fails_is_counted() -> None:
    ruleset = observed(nft=nft([match("tcp", "dport", {"range": None}), ACCEPT]))
    assert outcome(ALLOW_22, ruleset) == "unknown"
    assert len(unexpected_conditions(ruleset)) == 2  # one for each family


def test_jump_returns_and_goto_does_not() -> None:
    jump = ("INPUT -j c", "INPUT -j ACCEPT", "c -p udp -j DROP")
    assert outcome(ALLOW_22, legacy(*jump, chains=["c"])) == "compliant"
    for goto in ("INPUT -g c", "INPUT -p tcp -g c"):
        assert outcome(ALLOW_22, legacy(goto, *jump[1:], chains=["c"])) == "drift"


def test_a_log_that_nobody_understands_decides_nothing() -> None:
    rules = (
        "INPUT -m mark --mark 0x1 -j c",
        "INPUT -j ACCEPT",
        "c -m limit --limit 3/min -j RETURN",
        "c -j LOG",
    )
    assert outcome(ALLOW_22, legacy(*rules, chains=["c"])) == "compliant"


def test_iptables_save_of_another_kind_is_not_understood() -> None:
    for text in (
        "iptables v1.8.9: error",
        "*filter\n:INPUT DROP [0:0]\n-A NOSUCH -j ACCEPT",
        "*filter\n:INPUT DROP [0:0]\n-I INPUT -j ACCEPT\nCOMMIT",
        "*broute\n:INPUT ACCEPT [0:0]",
        "*filter\n:INPUT ? [0:0]",
    ):
        with pytest.raises(ValueError, match=r"iptables|policy"):
            observed(nft='{"nftables": []}', ip_legacy_tables="filter", ip_legacy=text)


@pytest.mark.parametrize(
    ("readings", "why"),
    [
        ({}, "does not say"),
        (
            {"nft": (1, "sudo: a password is required")},
            "could not be read: sudo: a password is required",
        ),
        ({"nft": ("absent", "")}, "neither nft nor iptables-save"),
        (
            {"nft": '{"nftables": []}', "ip_legacy_tables": (1, "Permission denied")},
            "legacy iptables",
        ),
        (
            {"nft": '{"nftables": []}', "ip_legacy_tables": "filter", "ip_legacy": ("absent", "")},
            "legacy iptables",
        ),
    ],
)
def test_what_could_not_be_read_is_unseen(readings: Any, why: str) -> None:
    found = parse(answer(**readings))[""]
    assert isinstance(found, NotObserved)
    assert why in found.why


def test_without_nft_rules_of_nftables_are_possible() -> None:
    texts: dict[str, Any] = {
        "nft": ("absent", ""),
        "ip_legacy_tables": "filter",
        "ip6_legacy_tables": "filter",
        "ip_legacy": save(),
        "ip6_legacy": save(),
    }
    allowing = texts | {
        name: save("INPUT -p tcp -m tcp --dport 22 -j ACCEPT")
        for name in ("ip_legacy", "ip6_legacy")
    }
    assert outcome(ALLOW_22, observed(**allowing, nf_tables="perhaps")) == "unknown"
    assert outcome(ALLOW_22, observed(**allowing, nf_tables="no")) == "compliant"
    assert outcome(DENY_22, observed(**texts, nf_tables="no")) == "compliant"


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", '{"nftables": [{}]}', '{"nftables": [{"rule": {}}]}', '{"nftables": [{"chain": {"family": 1}}]}', "[" * 9999,
        nft(name=5), nft(hook=5), nft(hook=["input"]), nft(prio=1e999),
        nft(more=[{"chain": {"family": "inet", "table": "t", "name": 5}}]),
        nft(more=[{"chain": {"family": "inet", "table": ["t"], "name": "c"}}]),
        nft(more=[{"set": {"family": "inet", "table": "t", "name": None}}]),
    ],
)  # fmt: skip
def test_what_is_no_ruleset_is_not_understood(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        parse(answer(nft=text))


def test_content_cannot_pass_for_a_block() -> None:
    forged = "x\n= nft 0\n {}"
    found = observed(nft=nft([TCP22, ACCEPT]), ufw_rules=forged, ufw_rules6="", ufw="yes")
    assert outcome(ALLOW_22, found) == "compliant"
    with pytest.raises(ValueError, match="not a line"):
        parse(b"loose\n" + answer(nft=nft([TCP22, ACCEPT])))


@pytest.mark.parametrize("end", [0, 1, -1, -len(END), -len(END) - 1, 100])
def test_an_answer_that_was_cut_short_is_refused(end: int) -> None:
    with pytest.raises(ValueError, match="cut short"):
        parse(answer(nft=nft([TCP22, ACCEPT]))[:end])


RECORDED = [(RECORDINGS / area / name / "section").read_bytes() for area, name in (
    ("ufw", "limit"), ("firewalld", "source-zone-trusted"), ("nftables", "verdict-map"), ("iptables", "recent-limit"))]  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(RECORDED), st.data())
def test_no_broken_answer_ends_in_a_traceback(recorded: bytes, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(recorded)))
    length = data.draw(st.integers(0, 60))
    junk = data.draw(
        st.sampled_from(
            [
                b"",
                b"{}",
                b"[]",
                b"null",
                b'"',
                b"\n",
                b"\xff",
                b"99999999999",
                b"-1",
                b"-j",
                b" = nft 0",
                b'{"set": 1}',
                b"*",
            ]
        )
    )
    try:
        found = parse(recorded[:start] + junk + recorded[start + length :])[""]
    except ValueError:
        return
    everything = Firewall(
        enabled=True,
        default_incoming="deny",
        default_outgoing="allow",
        exclusive=True,
        rules=[ALLOW_22, Rule(proto="icmp", action="allow")],
    )
    assert results(everything, found)


@pytest.mark.parametrize("target", [5, None, {}, []])
def test_a_jump_to_what_is_no_name_is_unknown(target: Any) -> None:
    (result,) = results(
        Firewall(rules=[ALLOW_22]),
        observed(nft=nft([{"jump": {"target": target}}], [TCP22, ACCEPT])),
    ).values()
    assert result.outcome is Outcome.UNKNOWN
    assert "not understood" in (result.why or "")


def test_loops_and_endless_rulesets_are_undecidable() -> None:
    assert outcome(ALLOW_22, legacy("INPUT -j c", "c -j c", chains=["c"])) == "unknown"
    rules = [
        f"INPUT -s 10.{number % 256}.{number // 256}.0/25 -p tcp -m tcp --sport {number} -m nosuch -j ACCEPT"
        for number in range(2500)
    ]
    walled = results(Firewall(default_incoming="deny"), legacy(*rules))["default_incoming"]
    assert walled.outcome is Outcome.UNKNOWN
    assert "the ruleset is too complex to be followed" in (walled.why or "")


def test_items_of_a_section() -> None:
    rules = [ALLOW_22, Rule(proto="icmp", action="deny", from_="10.0.0.0/8")]
    section = Firewall(
        enabled=False,
        default_incoming="deny",
        default_outgoing="allow",
        exclusive=True,
        rules=rules,
    )
    assert {entry.name: entry.path for entry in RESOURCE.items_of(section)} == {
        "enabled": ("enabled",),
        "default_incoming": ("default_incoming",),
        "default_outgoing": ("default_outgoing",),
        "allow 22/tcp from any to any": ("rules", 0),
        "deny icmp from 10.0.0.0/8 to any": ("rules", 1),
        "exclusive": ("exclusive",),
    }
    assert list(RESOURCE.items_of(Firewall(exclusive=False))) == []
    asserted = [RESOURCE.asserts(entry.declared) for entry in RESOURCE.items_of(section)]
    assert asserted[3:5] == [
        {"proto": "tcp", "port": 22, "action": "allow", "from": "any", "to": "any"},
        {"proto": "icmp", "action": "deny", "from": "10.0.0.0/8", "to": "any"},
    ]


def ssh(action: str = "allow", **rest: Any) -> dict[str, Any]:
    return {"port": 22, "proto": "tcp", "action": action, **rest}


@pytest.mark.parametrize(
    ("rules", "verdict"),
    [
        ([ssh(**{"from": "10.0.0.9/8"}), ssh(**{"from": "10.0.0.0/8"})], "invalid"),
        ([ssh(), ssh("deny")], "invalid"),
        ([ssh(**{"from": "10.0.0.0/33"})], "invalid"),
        ([ssh(**{"from": "10.0.0.256"})], "invalid"),
        ([ssh(**{"from": "127.0.0.0/8"})], "invalid"),
        ([ssh(**{"from": "10.0.0.1", "to": "fd00::1"})], "invalid"),
        ([ssh(), ssh("deny", proto="udp")], "pass"),
    ],
)
def test_declarations_that_are_refused(rules: list[dict[str, Any]], verdict: str) -> None:
    found = parse(answer(nft=nft([TCP22, ACCEPT])))
    assert verdict_of({"firewall": {"rules": rules}}, {"firewall": found})[0] == verdict


def test_the_first_declared_rule_speaks_for_its_packets() -> None:
    what = observed(
        nft=nft(
            [match("ip", "saddr", {"prefix": {"addr": "10.0.0.0", "len": 8}}), TCP22, DROP],
            [TCP22, ACCEPT],
        )
    )
    denied = Rule(proto="tcp", port=22, action="deny", from_="10.0.0.0/8")
    assert {
        name: str(result.outcome)
        for name, result in results(Firewall(rules=[denied, ALLOW_22]), what).items()
    } == {
        "deny 22/tcp from 10.0.0.0/8 to any": "compliant",
        "allow 22/tcp from any to any": "compliant",
    }
    assert outcome(ALLOW_22, what) == "drift"


def test_a_source_that_another_rule_declares_is_not_wider() -> None:
    nets = [
        {"prefix": {"addr": "10.0.0.0", "len": 8}},
        {"prefix": {"addr": "192.168.0.0", "len": 16}},
    ]
    what = observed(nft=nft([match("ip", "saddr", {"set": nets}), TCP22, ACCEPT]))
    office, home = (
        Rule(proto="tcp", port=22, action="allow", from_=net)
        for net in ("10.0.0.0/8", "192.168.0.0/16")
    )
    assert outcome(office, what) == "drift"
    both = results(Firewall(rules=[office, home]), what)
    assert {str(result.outcome) for result in both.values()} == {"compliant"}


def test_ipv6_counts_where_the_node_has_it() -> None:
    only_ip = nft([TCP22, ACCEPT], family="ip")
    link_local = "fe800000000000000000000000000001 02 40 20 80 eth0"
    assert outcome(DENY_22, observed(nft=nft(family="ip"))) == "drift"
    assert outcome(DENY_22, observed(nft=nft(family="ip"), inet6=link_local)) == "drift"
    assert (
        outcome(
            DENY_22,
            observed(nft=nft(family="ip"), inet6="00000000000000000000000000000001 01 80 10 80 lo"),
        )
        == "compliant"
    )
    assert outcome(ALLOW_22, observed(nft=only_ip)) == "drift"
    assert outcome(ALLOW_22, observed(nft=only_ip, inet6=link_local)) == "compliant"


ECHO = match("icmp", "type", "echo-request"), match("icmpv6", "type", "echo-request")


@pytest.mark.parametrize(
    ("what", "allowed", "denied"),
    [
        (nft(), "drift", "compliant"),
        (nft([ECHO[0], ACCEPT], [ECHO[1], ACCEPT]), "compliant", "drift"),
        (nft([ECHO[0], ACCEPT]), "drift", "drift"),
        (nft([ECHO[0], DROP], [ECHO[1], DROP], policy="accept"), "drift", "unknown"),
        (
            nft([ECHO[0], {"reject": None}], [ECHO[1], {"reject": None}], policy="accept"),
            "drift",
            "unknown",
        ),
        (
            nft([match("th", "dport", 2048), DROP], [ECHO[0], ACCEPT], [ECHO[1], ACCEPT]),
            "unknown",
            "drift",
        ),
    ],
)
def test_icmp_is_allowed_by_answering_and_denied_by_no_answer_at_all(
    what: str, allowed: str, denied: str
) -> None:
    assert [
        outcome(Rule(proto="icmp", action=action), observed(nft=what))
        for action in ("allow", "deny")
    ] == [allowed, denied]


@pytest.mark.parametrize(
    ("key", "entry"),
    [
        ("l4proto", ["tcp", {"continue": None}]),
        ("nfproto", [{"set": ["ipv4", "ipv6"]}, {"jump": {"target": "more"}}]),
        ("iifname", ["eth*", {"continue": None}]),
    ],
)
def test_what_has_a_key_of_its_own_never_meets_the_catchall(key: str, entry: Sequence[Any]) -> None:
    more = [{"chain": {"family": "inet", "table": "t", "name": "more"}}]
    found = observed(
        nft=nft([vmap(key, entry, ["*", DROP])], [TCP22, ACCEPT], more=more), interfaces="lo\neth0"
    )
    assert outcome(DENY_22, found) == "drift"


def test_what_a_nat_chain_drops_need_not_be_dropped() -> None:
    """It is not called where nothing makes the kernel track connections, nor for untracked ones
    (tried on Linux 6.18).
    """
    for hook, prio in (("prerouting", -100), ("input", 100)):
        for what in (
            nft([TCP22, DROP], policy="accept", type="nat", hook=hook, prio=prio),
            nft(type="nat", hook=hook, prio=prio),
        ):
            assert outcome(DENY_22, observed(nft=what)) == "unknown"
            assert outcome(ALLOW_22, observed(nft=what)) == "unknown"
    harmless = nft(
        [match("tcp", "dport", 80), {"redirect": {"port": 8080}}],
        policy="accept",
        type="nat",
        hook="prerouting",
        prio=-100,
    )
    assert outcome(Rule(proto="tcp", port=22, action="deny"), observed(nft=harmless)) == "drift"


def test_echo_is_not_answered_where_sysctl_forbids_it() -> None:
    rules = nft([ECHO[0], ACCEPT], [ECHO[1], ACCEPT])
    for family, source in ((4, "10.0.0.0/8"), (6, "fd00::/8")):
        silent = observed(
            nft=rules,
            echo_ignored=(
                "/proc/sys/net/ipv4/icmp_echo_ignore_all",
                "/proc/sys/net/ipv6/icmp/echo_ignore_all",
            )[family == 6],
        )
        assert outcome(Rule(proto="icmp", action="allow"), silent) == "drift"
        assert outcome(Rule(proto="icmp", action="allow", from_=source), silent) == "drift"


def test_ufw_is_not_in_force_behind_a_rule_that_accepts_everything() -> None:
    ufw = (
        "INPUT -j ufw-before-input",
        "INPUT -j ufw6-before-input",
        "ufw-before-input -j DROP",
        "ufw6-before-input -j DROP",
    )
    chains = ["ufw-before-input", "ufw6-before-input"]
    for rules, expected in (
        (ufw, "compliant"),
        (("INPUT -p tcp -j ACCEPT", *ufw), "compliant"),
        (("INPUT -j ACCEPT", *ufw), "drift"),
    ):
        found = results(Firewall(enabled=True), legacy(*rules, policy="ACCEPT", chains=chains))[
            "enabled"
        ]
        assert found.outcome.value == expected


@pytest.mark.parametrize(
    ("readings", "on", "off"),
    [
        ({"nft": nft()}, "compliant", "drift"),
        ({"nft": nft(policy="accept")}, "drift", "compliant"),
        ({"nft": nft(hook="forward")}, "drift", "compliant"),
        ({"nft": nft(family="ip")}, "drift", "drift"),
        (
            {"nft": nft([match("ip", "saddr", "192.0.2.1"), DROP], policy="accept")},
            "unknown",
            "unknown",
        ),
        ({"nft": nft(), "firewalld": 's "RUNNING"'}, "drift", "drift"),
        (
            {"nft": nft().replace('"t"', '"firewalld"'), "firewalld": 's "RUNNING"'},
            "compliant",
            "drift",
        ),
        (
            {"nft": nft().replace('"t"', '"firewalld"'), "firewalld": "running"},
            "compliant",
            "drift",
        ),
        (
            {"nft": nft(policy="accept").replace('"t"', '"firewalld"'), "firewalld": "running"},
            "unknown",
            "drift",
        ),
        (
            {"nft": nft().replace('"t"', '"firewalld"'), "firewalld": (252, "not running")},
            "unknown",
            "drift",
        ),
        (
            {"nft": nft().replace('"t"', '"firewalld"'), "firewalld": (253, "not authorised")},
            "unknown",
            "drift",
        ),
        (
            {
                "nft": nft(
                    [match("ip", "saddr", "192.0.2.1"), DROP],
                    [meta("nfproto", "ipv6"), DROP],
                    policy="accept",
                ).replace('"t"', '"firewalld"'),
                "firewalld": "running",
            },
            "unknown",
            "drift",
        ),
        ({"nft": nft(), "ufw": "yes"}, "unknown", "drift"),
        ({"nft": nft(hook="output")}, "drift", "drift"),
        (
            {"nft": nft([match("ip", "daddr", "192.0.2.1"), DROP], policy="accept", hook="output")},
            "drift",
            "unknown",
        ),
        ({"nft": nft(policy="accept"), "ufw": "yes"}, "drift", "drift"),
        ({"nft": nft(policy="accept"), "ufw": "no"}, "drift", "compliant"),
    ],
)
def test_enabled(readings: Any, on: str, off: str) -> None:
    found = [
        results(Firewall(enabled=enabled), observed(**readings))["enabled"]
        for enabled in (True, False)
    ]
    assert [str(result.outcome) for result in found] == [on, off]


def test_ufw_in_one_family_only_is_not_enabled() -> None:
    ufw = ("INPUT -j ufw-before-input", "ufw-before-input -i lo -j ACCEPT")
    chains = ["ufw-before-input"]
    half = observed(
        nft='{"nftables": []}',
        ip_legacy_tables="filter",
        ip_legacy=save(*ufw, chains=chains),
        ufw="yes",
        ufw_rules="",
    )
    assert (
        results(Firewall(enabled=True), half)["enabled"].why
        == "enabled: ufw is active, but nothing filters IPv6"
    )
    closed = observed(
        nft='{"nftables": []}',
        ip_legacy_tables="filter",
        ip_legacy=save(*ufw, chains=chains),
        ip6_legacy_tables="filter",
        ip6_legacy=save(),
        ufw="yes",
        ufw_rules="",
    )
    assert results(Firewall(enabled=True), closed)["enabled"].outcome is Outcome.COMPLIANT


@pytest.mark.parametrize(("ipv6", "expected"), [("yes", "drift"), ("no", "compliant")])
def test_ipv6_goes_through_ufw_unless_its_settings_exclude_it(ipv6: str, expected: str) -> None:
    chains = ["ufw-before-input", "ufw-user-input"]
    what = observed(
        nft='{"nftables": []}', ip_legacy_tables="filter", ip6_legacy_tables="filter", ip6_legacy=save(), ufw="yes",
        ip_legacy=save("INPUT -j ufw-before-input", "ufw-before-input -j ufw-user-input", chains=chains),
        ufw_rules="", ufw_rules6="", ufw_settings=f"IPV6={ipv6}\nDEFAULT_INPUT_POLICY=DROP",
    )  # fmt: skip
    assert str(results(Firewall(enabled=True), what)["enabled"].outcome) == expected


def test_ufw_that_stops_one_source_alone_is_not_said_to_be_in_force() -> None:
    rules = [
        rule.format(mark)
        for mark in ("", "6")
        for rule in ("INPUT -j ufw{0}-before-input", "ufw{0}-before-input -j ufw{0}-user-input")
    ]
    drop = "ufw-user-input -s 192.0.2.1/32 -j DROP"
    chains = [f"ufw{mark}-{chain}-input" for mark in ("", "6") for chain in ("before", "user")]
    v6 = [*rules, "ufw6-user-input -s 2001:db8::1/128 -j DROP"]
    what = legacy(*rules, drop, v6=v6, policy="ACCEPT", chains=chains)
    assert results(Firewall(enabled=True), what)["enabled"].outcome is Outcome.UNKNOWN


def test_a_user_chain_that_nothing_leads_to_is_half_of_ufw() -> None:
    rules = [f"INPUT -j ufw{mark}-before-input" for mark in ("", "6")] + [
        f"ufw{mark}-before-input -i lo -j ACCEPT" for mark in ("", "6")
    ]
    chains = [f"ufw{mark}-{chain}-input" for mark in ("", "6") for chain in ("before", "user")]
    found = results(Firewall(enabled=True), legacy(*rules, chains=chains))["enabled"]
    assert found.outcome is Outcome.DRIFT
    assert "in part" in (found.why or "")


def test_rules_that_changed_while_they_were_read_are_not_judged() -> None:
    what = parse(answer(nft=nft([TCP22, ACCEPT]), firewalld='s "RUNNING"', firewalld_moved="yes"))[
        ""
    ]
    assert isinstance(what, NotObserved)
    assert "check again" in what.why


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        ('s "RUNNING"', "compliant"),
        ("running", "compliant"),
        ('s "INIT"', "unknown"),
        ('s "FAILED"', "unknown"),
    ],
)
def test_firewalld_that_is_not_ready_is_not_said_to_be_in_force(state: str, outcome: str) -> None:
    chain = nft([TCP22, ACCEPT]).replace('"t"', '"firewalld"')
    found = results(Firewall(enabled=True), observed(nft=chain, firewalld=state))["enabled"]
    assert (
        found.outcome,
        state in {'s "RUNNING"', "running"} or "not ready" in (found.why or ""),
    ) == (outcome, True)


UFW_CHAINS = [f"ufw{mark}-{chain}-input" for mark in ("", "6") for chain in ("before", "user")]
UFW_ON = Ufw(Settings(enabled=True, incoming="deny", ipv6=True))


@pytest.mark.parametrize(
    ("into_ufw", "into_user", "expected"),
    [
        ("", "", "compliant"),
        ("-p tcp", "", "drift"),
        ("-s 10.0.0.0/8", "", "drift"),
        ("-m nosuch", "", "drift"),
        ("-m limit --limit 1/sec", "", "drift"),
        ("", "-p tcp", "drift"),
        ("", "-m nosuch", "drift"),
        ("", "-m limit --limit 1/sec", "drift"),
    ],
)
def test_a_conditional_jump_does_not_lead_into_ufw(
    into_ufw: str, into_user: str, expected: str
) -> None:
    rules = [
        f"INPUT {into_ufw} -j ufw-before-input",
        f"ufw-before-input {into_user} -j ufw-user-input",
        "ufw-user-input -p udp -m udp --dport 53 -j ACCEPT",
    ]
    v6 = [rule.replace("ufw-", "ufw6-").replace("10.0.0.0/8", "fd00::/8") for rule in rules]
    what = replace(legacy(*rules, v6=v6, chains=UFW_CHAINS), ufw=UFW_ON)
    assert str(results(Firewall(enabled=True), what)["enabled"].outcome) == expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("-m nosuch", Outcome.UNKNOWN),
        ("-p tcp -m tcp --dport 80 -m nosuch", Outcome.UNKNOWN),
        ("-p tcp -m tcp --dport 80", Outcome.DRIFT),
    ],
)
def test_what_is_perhaps_open_is_not_exclusive(condition: str, expected: Outcome) -> None:
    found = results(Firewall(exclusive=True), legacy(f"INPUT {condition} -j ACCEPT"))["exclusive"]
    assert found.outcome is expected
    assert str(found.why).count("perhaps") == (expected is Outcome.UNKNOWN)
    assert results(Firewall(exclusive=True), legacy())["exclusive"].outcome is Outcome.COMPLIANT


def default_incoming(action: Any, what: Ruleset) -> str:
    return str(results(Firewall(default_incoming=action), what)["default_incoming"].outcome)


@pytest.mark.parametrize(
    ("rules", "denied"),
    [
        ([], "compliant"),
        ([[ACCEPT]], "drift"),
        ([[match("tcp", "dport", {"range": [1024, 65535]}), ACCEPT]], "drift"),
        ([[match("tcp", "dport", {"range": [10000, 20000]}), ACCEPT]], "compliant"),
        (
            [
                [match("tcp", "dport", {"range": [1, 20000]}), ACCEPT],
                [match("tcp", "dport", {"range": [20001, 40000]}), ACCEPT],
            ],
            "drift",
        ),
        ([[match("ip", "saddr", {"prefix": {"addr": "10.0.0.0", "len": 8}}), ACCEPT]], "compliant"),
        (
            [
                [match("ip", "saddr", {"prefix": {"addr": f"{half}.0.0.0", "len": 1}}), ACCEPT]
                for half in (0, 128)
            ],
            "drift",
        ),
        (
            [
                [match("ip", "saddr", {"prefix": {"addr": f"{part}.0.0.0", "len": 8}}), ACCEPT]
                for part in range(20, 40)
            ],
            "drift",
        ),
        ([[match("ip6", "saddr", {"prefix": {"addr": "2000::", "len": 3}}), ACCEPT]], "drift"),
        ([[meta("iifname", "eth0"), ACCEPT]], "drift"),
        ([[meta("iifname", "docker0"), ACCEPT]], "compliant"),
        ([[match("udp", "sport", 53), ACCEPT]], "compliant"),
        ([[match("ip", "daddr", "192.0.2.1"), ACCEPT]], "unknown"),
        ([[meta("skuid", 1), ACCEPT]], "unknown"),
        ([[meta("l4proto", {"set": ["tcp", "udp"]}), DROP], [ACCEPT]], "drift"),
        ([[meta("l4proto", "tcp"), {"reject": {"type": "tcp reset"}}]], "drift"),
    ],
    ids=str,
)
def test_default_incoming(rules: list[Any], denied: str) -> None:
    assert default_incoming("deny", observed(nft=nft(*rules))) == denied


def test_where_no_route_leads_out_every_interface_counts() -> None:
    bound = nft([meta("iifname", "docker0"), ACCEPT])
    assert default_incoming("deny", observed(nft=bound, routes="")) == "drift"
    assert default_incoming("deny", observed(nft=bound, routes="", interfaces="lo")) == "drift"


def test_nothing_is_extra_where_all_is_declared_open() -> None:
    open_ = observed(nft=nft([match("tcp", "dport", 23), DROP], policy="accept"))
    assert results(Firewall(enabled=True, default_incoming="allow"), open_)["enabled"].extra == ()
    assert results(Firewall(enabled=True), open_)["enabled"].extra != ()


def test_extras_have_the_words_of_rules() -> None:
    what = observed(
        nft=nft(
            [TCP22, ACCEPT],
            [match("tcp", "dport", {"range": [6000, 6007]}), ACCEPT],
            [
                match("udp", "dport", 53),
                match("ip", "saddr", {"prefix": {"addr": "10.0.0.0", "len": 8}}),
                ACCEPT,
            ],
            [meta("iifname", "docker0"), ACCEPT],
            [meta("nfproto", "ipv4"), match("udp", "sport", 67), match("udp", "dport", 68), ACCEPT],
            [
                match("tcp", "dport", 9090),
                match("ip6", "saddr", {"prefix": {"addr": "fd00::", "len": 8}}, "!="),
                ACCEPT,
            ],
            [
                match("tcp", "dport", 5432),
                match("ip", "saddr", {"range": ["10.0.0.1", "10.0.0.6"]}),
                ACCEPT,
            ],
            [match("tcp", "dport", 6003), ACCEPT],
            [meta("l4proto", {"set": ["icmp", "ipv6-icmp"]}), ACCEPT],
            [match("tcp", "dport", 443), meta("skuid", 1), ACCEPT],
        )
    )
    firewall = Firewall(enabled=True, default_incoming="deny", rules=[ALLOW_22])
    texts = results(firewall, what)
    assert sorted(texts["enabled"].extra) == [
        "allow 443/tcp from any to any (perhaps)",
        "allow 53/udp from 10.0.0.0/8 to any",
        "allow 5432/tcp from 10.0.0.1,10.0.0.2/31,10.0.0.4/31,10.0.0.6 to any",
        "allow 6000-6007/tcp from any to any",
        "allow 9090/tcp from any but fd00::/8 to any",
        "allow everything from any to any on docker0",
    ]
    assert {name: str(result.outcome) for name, result in texts.items()} == {
        "enabled": "compliant", "default_incoming": "compliant", "allow 22/tcp from any to any": "compliant",
    }  # fmt: skip
    exclusive = results(Firewall(enabled=True, exclusive=True, rules=[ALLOW_22]), what)
    assert exclusive["exclusive"].outcome is Outcome.DRIFT
    assert exclusive["enabled"].extra == ()
    assert "allow 6000-6007/tcp" in (exclusive["exclusive"].why or "")


@pytest.mark.parametrize(
    ("rules", "extra"),
    [
        (("INPUT -i eth0 -j ACCEPT",), "allow everything from any to any on eth0"),
        (
            ("INPUT -p tcp --dport 23 -j DROP", "INPUT -i eth0 -j ACCEPT"),
            "allow everything but 22-23/tcp from any to any on eth0",
        ),
        (
            (
                "INPUT -p tcp --dport 23 -j DROP",
                "INPUT -p udp --dport 139 -j DROP",
                "INPUT -i eth0 -j ACCEPT",
            ),
            "allow everything but 139/udp, 22-23/tcp from any to any on eth0",
        ),
    ],
)
def test_an_opening_is_one_line_whatever_is_closed_in_it(
    rules: tuple[str, ...], extra: str
) -> None:
    what = legacy(*rules, "INPUT -p tcp --dport 22 -j ACCEPT")
    assert results(Firewall(enabled=True, rules=[ALLOW_22]), what)["enabled"].extra == (extra,)


NOTHING_PENDING = "= firewalld-pending 0\n= firewalld-stored 0\n zone public\n service ssh\n"


def recorded(area: str, name: str, more: str = "") -> Ruleset:
    section = (RECORDINGS / area / name / "section").read_text()
    found = parse(section.replace(END, f"{more}{END}").encode())[""]
    assert isinstance(found, Ruleset)
    return found


@pytest.mark.parametrize(
    ("area", "name", "section", "command"),
    [
        ("ufw", "inactive", Firewall(enabled=True), "ufw --force enable"),
        ("ufw", "basic-22-tcp", Firewall(enabled=False), "ufw disable"),
        ("ufw", "conf-enabled-not-started", Firewall(enabled=False), "ufw disable"),
        ("ufw", "default-reject", Firewall(default_incoming="deny"), "ufw default deny incoming"),
        ("ufw", "default-deny-outgoing", Firewall(default_outgoing="allow"), "ufw default allow outgoing"),
        ("ufw", "rule-inserted-before-ufw", Firewall(default_incoming="deny"), None),
        ("ufw", "basic-22-tcp", Firewall(rules=[Rule(proto="tcp", port=80, action="allow")]), "ufw allow 80/tcp"),
        ("ufw", "basic-22-tcp", Firewall(rules=[Rule(proto="tcp", port=22, action="deny")]), None),
        ("ufw", "basic-22-tcp", Firewall(rules=[Rule(proto="udp", port=22, action="reject")]), "ufw reject 22/udp"),
        ("ufw", "limit", Firewall(rules=[ALLOW_22]), "ufw allow 22/tcp"),
        ("ufw", "user-rules-edited-not-loaded", Firewall(rules=[Rule(proto="tcp", port=80, action="allow", from_="0.0.0.0/0")]), "ufw reload"),
        ("ufw", "partly-shadowed", Firewall(rules=[ALLOW_22]), "ufw delete allow 22/tcp && ufw prepend allow 22/tcp"),
        ("ufw", "basic-22-tcp", Firewall(rules=[Rule(proto="tcp", port=22, action="allow", from_="10.0.0.0/8")]), None),
        ("ufw", "basic-22-tcp", Firewall(exclusive=True), None),
        ("ufw", "inactive", Firewall(enabled=True, rules=[ALLOW_22]), "ufw --force enable"),
        ("ufw", "inactive", Firewall(rules=[ALLOW_22]), None),
        ("ufw", "inactive", Firewall(default_incoming="reject", enabled=True, rules=[ALLOW_22, Rule(proto="udp", port=1194, action="allow")]),
         "ufw allow 1194/udp && ufw --force enable"),
        ("ufw", "list", Firewall(exclusive=True), None),
        ("ufw", "basic-22-tcp", Firewall(rules=[Rule(proto="icmp", action="deny")]), None),
        ("firewalld", "public-default", Firewall(enabled=False), "systemctl disable --now firewalld"),
        ("firewalld", "flushed-behind-its-back", Firewall(enabled=True), "systemctl restart firewalld && firewall-cmd --state"),
        ("firewalld", "killed-rules-remain", Firewall(enabled=False), "systemctl disable --now firewalld && nft delete table inet firewalld"),
        ("firewalld", "public-default", Firewall(default_incoming="deny"),
         "firewall-cmd --permanent --zone=public --set-target=DROP && firewall-cmd --reload"),
        ("firewalld", "public-default", Firewall(rules=[Rule(proto="tcp", port=80, action="allow")]),
         "firewall-cmd --zone=public --add-port=80/tcp && firewall-cmd --permanent --zone=public --add-port=80/tcp"),
        ("firewalld", "interface-in-other-zone", Firewall(rules=[ALLOW_22]),
         "firewall-cmd --zone=drop --add-port=22/tcp && firewall-cmd --permanent --zone=drop --add-port=22/tcp"),
        ("firewalld", "foreign-nft-table-drops", Firewall(rules=[ALLOW_22]), None),
        ("firewalld", "rich-reject-beats-service", Firewall(rules=[ALLOW_22]), None),
        ("nftables", "inet-policy-drop", Firewall(rules=[Rule(proto="tcp", port=80, action="allow")]), None),
    ],
)  # fmt: skip
def test_commands_that_mend(area: str, name: str, section: Firewall, command: str | None) -> None:
    *_, result = results(section, recorded(area, name, NOTHING_PENDING)).values()
    assert result.outcome is Outcome.DRIFT
    assert shell_line(result.remedy) == command
    assert (result.advice is None) is (command is not None)


OFFICE = "way 192.0.2.7 198.51.100.1 22 eth0"
OFFICE6 = "way 2001:db8::7 2001:db8::2 22 eth0"
ALLOWED_BY_UFW = "ufw default deny incoming"


@pytest.mark.parametrize(
    ("way", "rules", "kept"),
    [
        (["port 22"], [ALLOW_22], True),
        (["port 22"], [], True),  # the rule on file stays
        (["port 2222"], [ALLOW_22], False),
        (["port 2222"], [Rule(proto="tcp", port=2222, action="allow")], True),
        (["unknown"], [DENY_22], False),
        ([], [DENY_22], False),
        ([OFFICE, "port 22"], [ALLOW_22], True),
        ([OFFICE, "port 22"], [Rule(proto="tcp", port=22, action="allow", from_="192.0.2.0/24"),
                               Rule(proto="tcp", port=22, action="allow", from_="2001:db8::/32")], True),
        ([OFFICE, "port 22"], [Rule(proto="tcp", port=22, action="allow", from_="192.0.2.0/24")], False),
        ([OFFICE, OFFICE6, "port 22"], [Rule(proto="tcp", port=22, action="allow", from_="192.0.2.0/24")], False),
        ([OFFICE, "port 22"], [Rule(proto="tcp", port=22, action="allow", from_="10.0.0.0/8")], False),
        ([OFFICE, "port 22"], [Rule(proto="tcp", port=22, action="deny", from_="192.0.2.7"), ALLOW_22], False),
        ([OFFICE, "port 22"], [ALLOW_22, Rule(proto="tcp", port=22, action="deny", from_="192.0.2.7")], True),
        ([OFFICE, "port 22"], [Rule(proto="udp", port=22, action="allow")], True),
        (["way 192.0.2.7 198.51.100.1 443 eth0"], [ALLOW_22], False),
        (["tunnel wg0", "way 192.0.2.7 198.51.100.1 22 wg0", "port 22"], [ALLOW_22], False),
        (["way 127.0.0.1 127.0.0.1 22 lo", "port 22"], [ALLOW_22], True),
    ],
)  # fmt: skip
def test_a_remedy_that_closes_locks_nobody_out(
    way: list[str], rules: list[Rule], kept: bool
) -> None:
    on_file = "### tuple ### allow tcp 22 {0} any {0} in"
    ufw = (
        "INPUT -j {0}-before-input",
        "{0}-before-input -j {0}-user-input",
        "{0}-user-input -p tcp -m tcp --dport 22 -j ACCEPT",
    )
    texts = {
        f"ip{mark}_legacy": save(*(rule.format(f"ufw{mark}") for rule in ufw), policy="ACCEPT",
                                 chains=[f"ufw{mark}-before-input", f"ufw{mark}-user-input"])
        for mark in ("", "6")
    }  # fmt: skip
    what = observed(
        nft='{"nftables": []}', ip_legacy_tables="filter", ip6_legacy_tables="filter", ufw="yes", way="\n".join(way), **texts,
        ufw_rules=on_file.format("0.0.0.0/0"), ufw_rules6=on_file.format("::/0"), ufw_settings="IPV6=yes\nDEFAULT_INPUT_POLICY=ACCEPT",
    )  # fmt: skip
    found = results(Firewall(default_incoming="deny", rules=rules), what)["default_incoming"]
    assert found.outcome is Outcome.DRIFT
    if kept:
        assert (shell_line(found.remedy) or "").endswith(ALLOWED_BY_UFW), found.advice
        assert found.mend_cuts
    else:
        assert shell_line(found.remedy) is None
        assert found.advice is not None
    exclusive = results(Firewall(default_incoming="deny", exclusive=True, rules=rules), what)[
        "default_incoming"
    ]
    if not any(
        rule.port in {22, 2222} and rule.proto == "tcp" and rule.action == "allow" for rule in rules
    ):
        assert (
            shell_line(exclusive.remedy) is None
        )  # another item's remedy would remove the rule on file


def test_networks_and_interfaces_are_ranges() -> None:
    assert network("10.0.0.9/8") == (4, (10 << 24, (11 << 24) - 1))
    assert network("10.0.0.0/255.0.0.0") == network("10.0.0.0/8")
    assert network("fd00::/8") == (6, (0xFD << 120, (0xFE << 120) - 1))
    assert network("0.0.0.0/0") == (4, (0, (1 << 32) - 1))
    for bad in (
        "10.0.0.0/33",
        "10.0.0.0/255.0.255.0",
        "10.0.0",
        "",
        "::/129",
        "10.0.0.0/-1",
        "10.0.0.0/ffff::",
        "10.0.0.0/٣",
    ):
        with pytest.raises(ValueError, match="not a"):
            network(bad)
    low, high = interface("eth*")
    assert low <= interface("eth0")[0] <= high < interface("lo")[0]
    for bad in ("", "x" * 16):
        with pytest.raises(ValueError, match="not an interface"):
            interface(bad)


SETS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 9)), max_size=6).map(
    lambda pairs: numbers((low, low + more) for low, more in pairs)
)


def members(some: Any) -> set[int]:
    return {number for low, high in some for number in range(low, high + 1)}


@given(SETS, SETS)
def test_sets_of_numbers(left: Any, right: Any) -> None:
    assert members(without(left, right)) == members(left) - members(right)
    assert _merged(left, right) == without(left, right)  # the way for long sets
    assert all(high + 1 < low for (_, high), (low, _) in pairwise(left))
    met = meet({Dimension.DPORT: left}, {Dimension.DPORT: right}) if left and right else None
    assert members(met[Dimension.DPORT] if met else ()) == members(left) & members(right)


DIMENSIONS = (Dimension.PROTO, Dimension.DPORT, Dimension.SPORT)
BOXES = st.fixed_dictionaries(
    {},
    optional=dict.fromkeys(DIMENSIONS, SETS.filter(bool)),
)


def points(box: Box) -> set[tuple[int, ...]]:
    chosen = [
        [
            number
            for number in (0, 3, 9, 20, 33, 60)
            if name not in box or number in members(box[name])
        ]
        for name in DIMENSIONS
    ]
    return {
        (proto, dport, sport) for proto in chosen[0] for dport in chosen[1] for sport in chosen[2]
    }


@settings(deadline=None)
@given(BOXES, BOXES)
def test_boxes(left: Box, right: Box) -> None:
    pieces = [points(piece) for piece in subtract(left, right)]
    assert set().union(*pieces) == points(left) - points(right)
    assert sum(map(len, pieces)) == len(points(left) - points(right))
    merged = merge([left, right], DIMENSIONS)
    assert set().union(*map(points, merged)) == points(left) | points(right)


@pytest.mark.parametrize("enabled", [True, False])
def test_why_it_is_not_known_whether_a_firewall_is_in_force(enabled: bool) -> None:
    unread = observed(
        nft=("absent", ""),
        nf_tables="yes",
        iptables=save(policy="ACCEPT"),
        ip6tables=save(policy="ACCEPT"),
    )
    (result,) = results(Firewall(enabled=enabled), unread).values()
    assert (result.outcome, result.why) == (
        "unknown",
        "enabled: the rules of nftables could not be read (no nft on the node)",
    )


def test_rules_that_cannot_be_read_are_the_reason_of_each_field() -> None:
    unread = observed(
        nft=("absent", ""),
        nf_tables="yes",
        iptables=save(policy="ACCEPT"),
        ip6tables=save(policy="ACCEPT"),
    )
    declared = Firewall(
        enabled=True,
        default_incoming="deny",
        default_outgoing="allow",
        exclusive=True,
        rules=[ALLOW_22],
    )
    found = results(declared, unread)
    assert {str(each.why).partition(": ")[2] for each in found.values()} == {
        "the rules of nftables could not be read (no nft on the node)"
    }
    assert {each.outcome.value for each in found.values()} == {"unknown"}
    assert len(found) == 5


IPV4_22 = nft([meta("nfproto", "ipv4"), TCP22, ACCEPT])
RULESETS = {
    "22 open": {"nft": nft([TCP22, ACCEPT])},
    "shut": {"nft": nft()},
    "unfiltered": {"nft": nft(policy="accept")},
    "22 open in IPv4": {"nft": IPV4_22},
    "22 open in IPv4, IPv6 link-local": {
        "nft": IPV4_22,
        "inet6": "fe800000000000000000000000000002 02 40 20 80 eth0",
    },
    "22 open to the office": {
        "nft": nft(
            [TCP22, match("ip", "saddr", {"prefix": {"addr": "10.0.0.0", "len": 8}}), ACCEPT]
        )
    },
    "perhaps 22 open": {"nft": nft([TCP22, meta("skuid", 0), ACCEPT])},
    "perhaps open": {"nft": nft([meta("skuid", 0), ACCEPT])},
    "half refused": {
        "nft": nft(
            [match("tcp", "dport", {"range": [0, 30000]}), {"reject": None}],
            [match("tcp", "dport", {"range": [30001, 65535]}), DROP],
            policy="accept",
        )
    },
    "no echo in IPv4": {
        "nft": nft([ECHO[0], ACCEPT], [ECHO[1], ACCEPT]),
        "echo_ignored": "/proc/sys/net/ipv4/icmp_echo_ignore_all",
    },
    "timestamps told": {"nft": nft([match("icmp", "type", "timestamp-request"), ACCEPT])},
    "broken": {"nft": nft([{"jump": {"target": "x"}}])},
}
DOUBT = "nft inet t in handle 9: meta skuid match"
NO_ADDRESSES = "no connection from another machine has these addresses"
KINDS = "IPv4: kinds of ICMP are treated differently"
SILENT = "the kernel answers no echo request: /proc/sys/net/ipv4/icmp_echo_ignore_all is not 0"
PING = Rule(proto="icmp", action="allow")
UNSURE = (
    "it depends on rules that cannot be interpreted, or on rules for single or broadcast addresses"
)
BY_RULE, BY_POLICY = "by nft inet t in handle 9", "by the default policy"
ACCIDENT = "reachable only because nothing filters: no rule allows it"
NOBODY_FILTERS = "nothing filters incoming connections"
LOST = "chain x is not in the ruleset"
OFFICE_22 = replace(ALLOW_22, from_="10.0.0.0/8")


@pytest.mark.parametrize(
    ("ruleset", "section", "field", "expected"),
    [
        ("shut", Firewall(enabled=True), "enabled", ("compliant", True, True, None)),
        ("shut", Firewall(enabled=False), "enabled", ("drift", False, True, None)),
        ("unfiltered", Firewall(enabled=True), "enabled", ("drift", True, False, NOBODY_FILTERS)),
        (
            "unfiltered",
            Firewall(enabled=False),
            "enabled",
            ("compliant", False, False, NOBODY_FILTERS),
        ),
        ("broken", Firewall(enabled=True), "enabled", ("unknown", True, None, LOST)),
        (
            "shut",
            Firewall(default_incoming="deny"),
            "default_incoming",
            ("compliant", "deny", "deny", None),
        ),
        (
            "shut",
            Firewall(default_incoming="allow"),
            "default_incoming",
            ("drift", "allow", "deny", None),
        ),
        (
            "shut",
            Firewall(default_outgoing="allow"),
            "default_outgoing",
            (
                "drift",
                "allow",
                "allow",
                "the answers to these connections are dropped: accept established connections",
            ),
        ),
        (
            "shut",
            Firewall(default_outgoing="deny"),
            "default_outgoing",
            ("drift", "deny", "allow", None),
        ),
        (
            "broken",
            Firewall(default_incoming="deny"),
            "default_incoming",
            ("unknown", "deny", None, LOST),
        ),
        (
            "22 open",
            Firewall(exclusive=True),
            "exclusive",
            ("drift", True, False, "open and not declared: allow 22/tcp from any to any"),
        ),
        (
            "22 open",
            Firewall(exclusive=True, rules=[ALLOW_22]),
            "exclusive",
            ("compliant", True, True, None),
        ),
        ("broken", Firewall(exclusive=True), "exclusive", ("unknown", True, None, LOST)),
        ("22 open", Firewall(rules=[ALLOW_22]), "proto", ("compliant", "tcp", "tcp", None)),
        ("22 open", Firewall(rules=[ALLOW_22]), "port", ("compliant", 22, 22, None)),
        ("22 open", Firewall(rules=[ALLOW_22]), "action", ("compliant", "allow", "allow", None)),
        ("22 open", Firewall(rules=[ALLOW_22]), "from", ("compliant", "any", "any", None)),
        ("22 open", Firewall(rules=[ALLOW_22]), "to", ("compliant", "any", "any", None)),
        (
            "22 open",
            Firewall(rules=[DENY_22]),
            "action",
            ("drift", "deny", "allow", f"allow {BY_RULE}"),
        ),
        ("22 open", Firewall(rules=[OFFICE_22]), "action", ("compliant", "allow", "allow", None)),
        (
            "22 open",
            Firewall(rules=[OFFICE_22]),
            "from",
            ("drift", "10.0.0.0/8", "wider", f"IPv4 is open wider than declared, {BY_RULE}"),
        ),
        ("22 open", Firewall(rules=[OFFICE_22]), "to", ("compliant", "any", "any", None)),
        (
            "unfiltered",
            Firewall(default_incoming="allow", rules=[OFFICE_22]),
            "from",
            ("compliant", "10.0.0.0/8", "10.0.0.0/8", None),
        ),
        (
            "shut",
            Firewall(rules=[OFFICE_22]),
            "from",
            ("compliant", "10.0.0.0/8", "10.0.0.0/8", None),
        ),
        (
            "unfiltered",
            Firewall(rules=[OFFICE_22]),
            "from",
            ("drift", "10.0.0.0/8", "wider", "IPv4 is open wider than declared, by default"),
        ),
        (
            "shut",
            Firewall(rules=[ALLOW_22]),
            "action",
            ("drift", "allow", "deny", f"deny {BY_POLICY}"),
        ),
        ("shut", Firewall(rules=[DENY_22]), "action", ("compliant", "deny", "deny", BY_POLICY)),
        (
            "shut",
            Firewall(rules=[replace(DENY_22, action="reject")]),
            "action",
            ("drift", "reject", "deny", f"deny {BY_POLICY}"),
        ),
        (
            "unfiltered",
            Firewall(rules=[ALLOW_22]),
            "action",
            ("drift", "allow", "allow (unfiltered)", ACCIDENT),
        ),
        (
            "unfiltered",
            Firewall(rules=[DENY_22]),
            "action",
            ("drift", "deny", "allow", f"allow {BY_POLICY}"),
        ),
        (
            "22 open in IPv4",
            Firewall(rules=[ALLOW_22]),
            "action",
            ("drift", "allow", "IPv4: allow, IPv6: deny", f"IPv6: deny {BY_POLICY}"),
        ),
        (
            "22 open in IPv4",
            Firewall(rules=[DENY_22]),
            "action",
            ("drift", "deny", "IPv4: allow, IPv6: deny", f"IPv4: allow {BY_RULE}"),
        ),
        (
            "22 open in IPv4",
            Firewall(rules=[replace(DENY_22, action="reject")]),
            "action",
            (
                "drift",
                "reject",
                "IPv4: allow, IPv6: deny",
                f"IPv4: allow {BY_RULE}; IPv6: deny {BY_POLICY}",
            ),
        ),
        (
            "22 open in IPv4, IPv6 link-local",
            Firewall(rules=[ALLOW_22]),
            "action",
            ("compliant", "allow", "allow", None),
        ),
        (
            "22 open in IPv4, IPv6 link-local",
            Firewall(rules=[DENY_22]),
            "action",
            ("drift", "deny", "IPv4: allow, IPv6: deny", f"IPv4: allow {BY_RULE}"),
        ),
        (
            "22 open to the office",
            Firewall(rules=[ALLOW_22]),
            "action",
            (
                "drift",
                "allow",
                "IPv4: allow or deny, IPv6: deny",
                f"IPv4: in part deny {BY_POLICY}; IPv6: deny {BY_POLICY}",
            ),
        ),
        (
            "22 open to the office",
            Firewall(rules=[OFFICE_22]),
            "from",
            ("compliant", "10.0.0.0/8", "10.0.0.0/8", None),
        ),
        (
            "perhaps 22 open",
            Firewall(rules=[ALLOW_22]),
            "action",
            ("unknown", "allow", "allow or deny", DOUBT),
        ),
        (
            "perhaps 22 open",
            Firewall(rules=[DENY_22]),
            "action",
            ("unknown", "deny", "allow or deny", DOUBT),
        ),
        (
            "perhaps 22 open",
            Firewall(exclusive=True),
            "exclusive",
            ("unknown", True, None, "perhaps open and not declared: allow 22/tcp from any to any"),
        ),
        (
            "perhaps 22 open",
            Firewall(rules=[OFFICE_22]),
            "from",
            ("unknown", "10.0.0.0/8", None, f"IPv6 may be open wider than declared: {DOUBT}"),
        ),
        ("perhaps open", Firewall(enabled=True), "enabled", ("unknown", True, None, DOUBT)),
        ("perhaps open", Firewall(enabled=False), "enabled", ("unknown", False, None, DOUBT)),
        (
            "perhaps open",
            Firewall(default_incoming="deny"),
            "default_incoming",
            ("unknown", "deny", None, UNSURE),
        ),
        (
            "perhaps open",
            Firewall(default_incoming="allow"),
            "default_incoming",
            ("unknown", "allow", None, UNSURE),
        ),
        (
            "half refused",
            Firewall(default_incoming="deny"),
            "default_incoming",
            ("drift", "deny", None, "there is no single default"),
        ),
        (
            "no echo in IPv4",
            Firewall(rules=[PING]),
            "action",
            ("drift", "allow", "IPv4: deny, IPv6: allow", f"IPv4: {SILENT}"),
        ),
        (
            "no echo in IPv4",
            Firewall(rules=[replace(PING, from_="10.0.0.0/8")]),
            "action",
            ("drift", "allow", "deny", SILENT),
        ),
        (
            "no echo in IPv4",
            Firewall(rules=[replace(PING, from_="fd00::/8")]),
            "action",
            ("compliant", "allow", "allow", None),
        ),
        (
            "22 open",
            Firewall(rules=[DENY_22, replace(ALLOW_22, from_="10.0.0.0/8")]),
            "action",
            (
                "unknown",
                "allow",
                None,
                "earlier declared rules already decide about all of its connections",
            ),
        ),
        (
            "shut",
            Firewall(rules=[replace(DENY_22, from_="224.0.0.1")]),
            "action",
            ("unknown", "deny", None, NO_ADDRESSES),
        ),
        (
            "two chains of one priority",
            Firewall(rules=[DENY_22]),
            "action",
            ("unknown", "deny", None, "chains have equal priority"),
        ),
        (
            "timestamps told",
            Firewall(rules=[replace(PING, action="deny")]),
            "action",
            ("unknown", "deny", "deny", KINDS),
        ),
        ("broken", Firewall(rules=[ALLOW_22]), "action", ("unknown", "allow", None, LOST)),
        (
            "shut",
            Firewall(rules=[Rule(proto="icmp", action="deny")]),
            "action",
            ("compliant", "deny", "deny", BY_POLICY),
        ),
        (
            "shut",
            Firewall(rules=[Rule(proto="icmp", action="allow")]),
            "action",
            ("drift", "allow", "deny", f"deny {BY_POLICY}"),
        ),
    ],
)
def test_what_a_finding_shows(
    ruleset: str, section: Firewall, field: str, expected: tuple[object, ...]
) -> None:
    """Of the last item, where there are several."""
    what = observed(**RULESETS[ruleset]) if ruleset in RULESETS else tied("d", "r")
    *_, last = results(section, what).values()
    (finding,) = (finding for finding in last.findings if finding.field == field)
    assert (finding.outcome.value, finding.expected, finding.actual, finding.why) == expected


@pytest.mark.parametrize(
    ("arp", "verdict"),
    [
        ({"arp_legacy_tables": ""}, "compliant"),
        ({"arp_legacy_tables": "filter", "arp_legacy": "*filter\n:INPUT ACCEPT\n:OUTPUT ACCEPT"}, "compliant"),
        ({"arp_legacy_tables": "filter", "arp_legacy": "*filter\n:INPUT DROP\n:OUTPUT ACCEPT"}, "unknown"),
        ({"arp_legacy_tables": "filter", "arp_legacy": "*filter\n:INPUT DROP [0:0]"}, "unknown"),
        ({"arp_legacy_tables": "filter", "arp_legacy": "*filter\n:INPUT ACCEPT\n-A INPUT -j DROP"}, "unknown"),
        ({"arp_legacy_tables": "filter", "arp_legacy": ("absent", "")}, "unknown"),
        ({"arp_legacy_tables": "filter", "arp_legacy": (1, "no")}, "unknown"),
        ({"arp_legacy_tables": (1, "no")}, "unknown"),
    ],
)  # fmt: skip
def test_legacy_arptables_may_hide_every_ipv4_address(arp: dict[str, Any], verdict: str) -> None:
    answers = [ct("state", ["established", "related"]), ACCEPT]
    four = observed(nft=nft(answers, [TCP22, ACCEPT]), inet6="", **arp)
    assert outcome(ALLOW_22, four) == verdict
    outgoing = results(Firewall(default_outgoing="allow"), four)["default_outgoing"]
    assert outgoing.outcome == verdict


@pytest.mark.parametrize(
    "cut",
    [
        "",
        "# Generated",
        save("INPUT -j DROP").removesuffix("COMMIT"),
        f"{save('INPUT -j DROP').removesuffix('COMMIT')}*nat\n:INPUT ACCEPT [0:0]\nCOMMIT",
        "*nat\n:INPUT ACCEPT [0:0]\nCOMMIT",
    ],
)
@pytest.mark.parametrize("family", ["ip", "ip6"])
def test_a_listing_of_legacy_rules_that_was_cut_is_none(cut: str, family: str) -> None:
    readings = {f"{family}_legacy_tables": "filter", f"{family}_legacy": cut}
    try:
        found = parse(answer(nft='{"nftables": []}', **readings))[""]
    except ValueError:
        return
    assert isinstance(found, NotObserved)
