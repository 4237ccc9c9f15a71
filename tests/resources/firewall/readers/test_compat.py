"""Rules of iptables-nft: only what nft shows as `xt` is taken from iptables-save, rule by rule.

The texts are what nft 1.0.6 and iptables 1.8.9 print, unless noted.
"""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from power_edge.model.generated.resources.firewall_schema import Firewall, Rule
from power_edge.resources.firewall.ruleset import Ruleset
from tests.resources.firewall import test_firewall
from tests.resources.firewall.test_firewall import (
    ALLOW_22,
    DENY_22,
    match,
    meta,
    nft,
    outcome,
    results,
    save,
)

ACCEPT, DROP = {"accept": None}, {"drop": None}
COUNTER = {"counter": {"packets": 0, "bytes": 0}}
ESTABLISHED = "INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"
TCP22 = match("tcp", "dport", 22)


def observed(**readings: Any) -> Ruleset:
    """A node without IPv6."""
    return test_firewall.observed(**{"inet6": "", **readings})


def xt(name: str, kind: str = "match") -> dict[str, Any]:
    return {"xt": {"type": kind, "name": name}}


def table(*rules: Sequence[Any], policy: str = "accept", chains: Sequence[str] = ()) -> str:
    """iptables' table filter, for IPv4 alone, with these rules in a chain INPUT."""
    more = [{"chain": {"family": "ip", "table": "t", "name": name}} for name in chains]
    text = nft(*rules, family="ip", policy=policy, more=more)
    return text.replace('"t"', '"filter"').replace('"in"', '"INPUT"')


def both(native: Sequence[Any], printed: str, *, end: str = "ACCEPT", **readings: Any) -> Ruleset:
    """A conntrack rule of iptables, and behind it a rule of nft that iptables-save prints so."""
    rules = [[xt("conntrack"), COUNTER, ACCEPT], native]
    return observed(
        nft=table(*rules), iptables=save(ESTABLISHED, f"INPUT {printed}", policy=end), **readings
    )


TELNET = Rule(proto="tcp", port=8080, action="deny")


@pytest.mark.parametrize(
    ("native", "printed", "open_port", "closed_port"),
    [
        ([match("tcp", "dport", {"set": [23, 445]}), DROP], "-p tcp -j DROP", 8080, 23),
        ([{"vmap": {"key": {"payload": {"protocol": "tcp", "field": "dport"}}, "data": {"set": [[23, DROP]]}}}],
         "-p tcp", 8080, 23),
        ([match("tcp", "dport", {"range": [10, 20]}), DROP], "-p tcp -m tcp --dport 10:20 -j DROP", 8080, 15),
        ([meta("l4proto", {"set": ["udp"]}), DROP], "-j DROP", 8080, None),
        ([match("ip", "saddr", {"range": ["10.0.0.1", "10.0.0.9"]}), DROP], "-s 10.0.0.9/32 -j DROP", None, None),
        ([match("tcp", "dport", {"set": [23]}), {"reject": None}], "-p tcp -j REJECT", 8080, None),
        ([match("tcp", "dport", 9, "!="), match("tcp", "dport", 8080, "!="), DROP], "-p tcp -m tcp ! --dport 8080 -j DROP",
         9, 23),
    ],
    ids=str,
)  # fmt: skip
def test_a_rule_of_nftables_is_never_read_from_iptables_save(
    native: Sequence[Any], printed: str, open_port: int | None, closed_port: int | None
) -> None:
    what = both(native, printed)
    for port, expected in ((open_port, "drift"), (closed_port, "compliant")):
        if port is not None:
            assert outcome(Rule(proto="tcp", port=port, action="deny"), what) == expected


def test_a_bit_mask_is_not_the_port_that_iptables_save_makes_of_it() -> None:
    left = {"&": [{"payload": {"protocol": "tcp", "field": "dport"}}, 0xFF00]}
    what = both(
        [{"match": {"op": "==", "left": left, "right": 0x1F00}}, DROP],
        "-p tcp -m tcp --dport 7936 -j DROP",
    )
    for port, expected in (
        (7935, "drift"),
        (7936, "compliant"),
        (7937, "compliant"),
        (8192, "drift"),
    ):
        assert outcome(Rule(proto="tcp", port=port, action="deny"), what) == expected


def test_a_base_chain_that_iptables_save_leaves_out_filters() -> None:
    """A chain of another name in a table of iptables, which has a line for INPUT, FORWARD and
    OUTPUT alone.
    """
    mine = {
        "chain": {
            "family": "ip",
            "table": "filter",
            "name": "mine",
            "type": "filter",
            "hook": "input",
            "prio": -5,
            "policy": "drop",
        }
    }
    text = json.loads(table([xt("comment"), COUNTER, ACCEPT]))
    text["nftables"].append(mine)
    what = observed(
        nft=json.dumps(text),
        iptables=save("INPUT -m comment --comment c -j ACCEPT", policy="ACCEPT"),
    )
    assert outcome(Rule(proto="tcp", port=22, action="allow"), what) == "drift"
    assert outcome(Rule(proto="tcp", port=22, action="deny"), what) == "compliant"


def accepts(expr: Sequence[Any], printed: str | None, policy: str = "drop", **readings: Any) -> str:
    """The outcome of `allow 22/tcp` from IPv4 where this is the only rule."""
    saved = {} if printed is None else {"iptables": save(f"INPUT {printed}", policy=policy.upper())}
    what = observed(nft=table([*expr], policy=policy), **saved, **readings)
    return outcome(Rule(proto="tcp", port=22, action="allow"), what)


@pytest.mark.parametrize(
    ("expr", "printed", "allowed"),
    [
        ([TCP22, xt("conntrack"), COUNTER, ACCEPT], "-p tcp -m tcp --dport 22 -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT", "compliant"),
        ([TCP22, xt("conntrack"), COUNTER, ACCEPT], "-p tcp -m tcp --dport 22 -m conntrack --ctstate INVALID -j ACCEPT", "drift"),
        ([match("tcp", "dport", {"set": [22, 80]}), xt("conntrack"), ACCEPT], "-p tcp -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT", "compliant"),
        ([match("tcp", "dport", {"set": [80]}), xt("conntrack"), ACCEPT], "-p tcp -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT", "drift"),
        ([meta("l4proto", "tcp"), xt("multiport"), COUNTER, ACCEPT], "-p tcp -m multiport --dports 22,80 -j ACCEPT", "compliant"),
        ([meta("l4proto", "tcp"), xt("multiport"), COUNTER, ACCEPT], None, "unknown"),
        ([xt("comment"), COUNTER, ACCEPT], None, "compliant"),
        ([TCP22, COUNTER, xt("REJECT", "target")], "-p tcp -m tcp --dport 22 -j REJECT --reject-with tcp-reset", "drift"),
        ([TCP22, COUNTER, xt("LOG", "target")], None, "drift"),
        ([TCP22, COUNTER, xt("NFQUEUE", "target")], "-p tcp -m tcp --dport 22 -j NFQUEUE --queue-num 0", "unknown"),
        ([TCP22, COUNTER, xt("NFQUEUE", "target")], None, "unknown"),
        ([TCP22, COUNTER, xt("REJECT", "target")], None, "unknown"),
        ([TCP22, COUNTER, xt("x", "watcher")], "-p tcp -m tcp --dport 22 -j x", "unknown"),
        ([meta("l4proto", "tcp"), xt("rpfilter"), COUNTER, ACCEPT], "-p tcp -m rpfilter -j ACCEPT", "compliant"),
        # the two tools print different rules
        ([TCP22, xt("conntrack"), COUNTER, ACCEPT], "-p tcp -m addrtype --dst-type LOCAL -j ACCEPT", "unknown"),
        ([TCP22, xt("conntrack"), COUNTER, ACCEPT], "-p tcp -m conntrack --ctstate NEW -j DROP", "unknown"),
        ([TCP22, xt("conntrack"), COUNTER, ACCEPT], "-p tcp -m conntrack --ctstate NEW", "unknown"),
        ([TCP22, xt("addrtype"), xt("conntrack"), ACCEPT],
         "-m conntrack --ctstate NEW -m addrtype --dst-type LOCAL -j ACCEPT", "unknown"),
        ([TCP22, xt("tcp"), ACCEPT], "-p tcp -m tcp --dport 22 -m tcp --tcp-option 7 -j ACCEPT", "unknown"),
        ([TCP22, COUNTER, xt("REJECT", "target")], "-p tcp -m tcp --dport 22 -j ACCEPT", "unknown"),
        # a comment that looks like options
        ([TCP22, xt("comment"), COUNTER, ACCEPT], "-p tcp -m tcp --dport 22 -m comment --comment -j -j ACCEPT", "compliant"),
        ([TCP22, xt("comment"), xt("conntrack"), ACCEPT],
         "-p tcp -m tcp --dport 22 -m comment --comment -m -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT", "compliant"),
        ([TCP22, xt("comment"), xt("conntrack"), COUNTER, ACCEPT],
         "-p tcp -m tcp --dport 22 -m comment --comment -j -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT", "compliant"),
        ([TCP22, xt("conntrack"), xt("comment"), COUNTER, ACCEPT],
         "-p tcp -m tcp --dport 22 -m conntrack --ctstate NEW,ESTABLISHED -m comment --comment --dport -j ACCEPT", "compliant"),
    ],
    ids=str,
)  # fmt: skip
def test_parts_of_one_rule(expr: Sequence[Any], printed: str | None, allowed: str) -> None:
    assert accepts(expr, printed) == allowed


@pytest.mark.parametrize(
    ("expr", "printed", "allowed"),
    [
        ([meta("l4proto", "tcp"), {"xt": None}, {"xt": None}, ACCEPT], "-p tcp -m tcp --dport 22 -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT", "compliant"),
        ([meta("l4proto", "tcp"), {"xt": None}, {"xt": None}], "-p tcp -m tcp --dport 22 -j REJECT --reject-with tcp-reset", "drift"),
        ([meta("l4proto", "tcp"), {"xt": None}, ACCEPT], '-p tcp -m tcp --dport 22 -m comment --comment "of 1.8.7" -j ACCEPT', "compliant"),
        ([meta("l4proto", "tcp"), {"xt": None}, ACCEPT], '-p tcp -m tcp --dport 23 -m comment --comment "of 1.8.7" -j ACCEPT', "drift"),
        ([{"xt": None}, ACCEPT], "-m conntrack --ctstate ESTABLISHED -m comment --comment c -j ACCEPT", "drift"),
        ([{"xt": None}, {"xt": None}, ACCEPT], "-m comment --comment -m -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT", "compliant"),
        ([{"limit": {"rate": 3, "burst": 5, "per": "minute"}}, {"xt": None}, ACCEPT],
         "-m limit --limit 3/min -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT", "drift"),
        ([match("ip", "saddr", "10.0.0.1"), {"xt": None}, ACCEPT], "-s 10.0.0.1/32 -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT", "drift"),
        ([match("tcp", "dport", {"set": [22]}), {"xt": None}, ACCEPT], "-p tcp -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT", "unknown"),
        ([meta("l4proto", "tcp"), {"xt": None}, ACCEPT], "-p tcp -m tcp --dport 22 -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT", "unknown"),
        ([meta("l4proto", "tcp"), {"xt": None}, ACCEPT], None, "unknown"),
    ],
    ids=str,
)  # fmt: skip
def test_parts_that_an_old_nft_does_not_name(
    expr: Sequence[Any], printed: str | None, allowed: str
) -> None:
    assert accepts(expr, printed) == allowed


@pytest.mark.parametrize(
    ("printed", "allowed"),
    [
        ("INPUT -p tcp -m tcp --dport 22 -j MARK --set-xmark 0x1/0xffffffff", "drift"),
        ("INPUT -p tcp -m tcp --dport 22 -j MARK --set-xmark 0x2/0xffffffff", "compliant"),
        (None, "unknown"),
    ],
)
def test_a_target_that_sets_a_mark(printed: str | None, allowed: str) -> None:
    text = table([TCP22, COUNTER, xt("MARK", "target")], [meta("mark", 1), DROP], [ACCEPT])
    lines = ["INPUT -m mark --mark 0x1 -j DROP", "INPUT -j ACCEPT"]
    saved = {} if printed is None else {"iptables": save(printed, *lines, policy="ACCEPT")}
    assert outcome(ALLOW_22, observed(nft=text, **saved)) == allowed


@pytest.mark.parametrize(
    ("printed", "denied"), [("--notrack", "drift"), ("--zone 1", "compliant"), (None, "unknown")]
)
def test_a_target_that_stops_tracking(printed: str | None, denied: str) -> None:
    early = nft(
        [COUNTER, xt("CT", "target")], family="ip", hook="prerouting", prio=-300, policy="accept"
    )
    late = nft(
        [{"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": "untracked"}}, ACCEPT],
    )
    raw = early.replace('"t"', '"raw"').replace('"in"', '"PREROUTING"')
    objects = [entry for text in (raw, late) for entry in json.loads(text)["nftables"]]
    line = f"*raw\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -j CT {printed}\nCOMMIT"
    saved = {} if printed is None else {"iptables": line}
    assert outcome(DENY_22, observed(nft=json.dumps({"nftables": objects}), **saved)) == denied


def test_a_chain_that_does_not_have_the_same_number_of_rules_is_not_believed() -> None:
    rules = [[TCP22, xt("conntrack"), ACCEPT], [TCP22, xt("conntrack"), DROP]]
    lines = ["INPUT -p tcp -m tcp --dport 22 -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT"]
    assert (
        outcome(
            Rule(proto="tcp", port=22, action="allow"),
            observed(nft=table(*rules, policy="drop"), iptables=save(*lines)),
        )
        == "unknown"
    )


def test_rules_that_changed_while_they_were_read_are_not_believed() -> None:
    expr, printed = (
        [TCP22, xt("conntrack"), COUNTER, ACCEPT],
        "-p tcp -m tcp --dport 22 -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT",
    )
    assert accepts(expr, printed) == "compliant"
    assert accepts(expr, printed, moved="yes") == "unknown"


def test_a_rule_has_the_text_of_iptables_only_where_that_says_the_same() -> None:
    def why(expr: Sequence[Any], printed: str) -> str:
        what = observed(nft=table(expr), iptables=save(f"INPUT {printed}", policy="ACCEPT"))
        (result,) = results(
            Firewall(rules=[Rule(proto="tcp", port=22, action="allow")]), what
        ).values()
        return result.why or ""

    assert "iptables -A INPUT -p tcp -m tcp --dport 22 -j DROP" in why(
        [TCP22, COUNTER, DROP], "-p tcp -m tcp --dport 22 -j DROP"
    )
    assert "nft ip filter INPUT handle 9" in why(
        [match("tcp", "dport", {"set": [22, 23]}), DROP], "-p tcp -j DROP"
    )


def test_without_nft_nothing_that_iptables_says_is_a_pass() -> None:
    """iptables-nft-save is then the only source, and it leaves out conditions that it cannot
    express and whole tables.
    """
    for modules in ("no", "yes", "perhaps"):
        what = observed(
            nft=("absent", ""),
            nf_tables=modules,
            iptables=save("INPUT -p tcp -m tcp --dport 22 -j ACCEPT"),
            ip6tables=save(),
        )
        for rule in (ALLOW_22, DENY_22, Rule(proto="tcp", port=80, action="deny")):
            assert outcome(rule, what) == "unknown"
