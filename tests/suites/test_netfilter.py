"""What a packet filter does with a flow, by rulesets of a real router and what its packets did."""

import json
import re
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from power_edge.suites.netfilter import (
    Flow,
    Ruleset,
    Verdict,
    masquerade,
    needs_saved,
    passes,
    with_hidden,
)
from power_edge.suites.netfilter import ruleset as read

CASES = Path(__file__).parent / "masquerade"
"""See its README.md."""
NAMES = sorted(file.name.removesuffix(".real") for file in CASES.glob("*.real"))
YES, NO, PART, UNKNOWN = Verdict.YES, Verdict.NO, Verdict.PART, Verdict.UNKNOWN
NOT_UNDERSTOOD = {"ipt-policy", "nft-vmap"}
"""The packet arrived, and the rule is one that the walk does not know."""
PART_OF_IT = {"ipt-half", "ipt-mark"}
CLIENTS, LAN, ALL = (ip_network(each) for each in ("10.8.0.0/24", "192.168.1.0/24", "0.0.0.0/0"))
OWN = (ip_network("192.168.1.1"),)
OUT = Flow(CLIENTS, LAN, "tun0", "eth0", "new", OWN)
BACK = Flow(LAN, CLIENTS, "eth0", "tun0", "established", OWN, answer=True)
LATER = OUT._replace(state="established")


def recorded(name: str) -> Ruleset:
    nft = json.loads((CASES / f"{name}.nft.json").read_text())
    _, saved, legacy, tables = re.split(r"(?m)^==\n", (CASES / f"{name}.txt").read_text())
    old = {"ip": legacy} if "nat" in tables.split() else {}
    return read(nft, {"ip": saved}, old)


@pytest.mark.parametrize("name", NAMES)
def test_the_verdict_is_what_the_packet_did(name: str) -> None:
    rules = recorded(name)
    clients = ip_network("10.8.5.0/24") if name.startswith("fd-") else CLIENTS
    out, back = OUT._replace(source=clients), BACK._replace(destination=clients)
    translated = masquerade(rules, out).verdict
    flows = (out, back, LATER._replace(source=clients))
    passed = [passes(rules, each).verdict for each in flows]
    if name in NOT_UNDERSTOOD:
        assert translated is UNKNOWN
    elif name in PART_OF_IT:
        assert translated is PART
    elif (CASES / f"{name}.real").read_text().strip() == "ok":
        assert [translated, *passed] == [YES] * 4
    else:
        assert NO in (translated, *passed)


def nft(*rules: list[Any], hook: str = "postrouting", type: str = "nat", **table: Any) -> Any:
    """A table of the family ip with one base chain of these rules."""
    chain: dict[str, Any] = {"family": "ip", "table": "t", "name": "c", "type": type, "hook": hook}
    chain |= {"prio": table.pop("prio", 0)}
    extra = table.pop("also", [])
    return {
        "nftables": [
            {"metainfo": {}},
            {"table": {"family": "ip", "name": "t", **table}},
            {"chain": {**chain, "policy": table.pop("policy", "accept")}},
            *extra,
            *(
                {"rule": {"family": "ip", "table": "t", "chain": "c", "expr": each}}
                for each in rules
            ),
        ]
    }


def saddr(value: Any, op: str = "==") -> dict[str, Any]:
    return {
        "match": {
            "op": op,
            "left": {"payload": {"protocol": "ip", "field": "saddr"}},
            "right": value,
        }
    }


def meta(key: str, value: Any, op: str = "==") -> dict[str, Any]:
    return {"match": {"op": op, "left": {"meta": {"key": key}}, "right": value}}


MASQUERADE: dict[str, Any] = {"masquerade": None}
PREFIX = {"prefix": {"addr": "10.8.0.0", "len": 24}}
HALF = {"prefix": {"addr": "10.8.0.0", "len": 25}}
OTHER = {"prefix": {"addr": "10.8.0.128", "len": 25}}


@pytest.mark.parametrize(
    ("document", "verdict"),
    [
        (nft([MASQUERADE]), YES),
        (nft(), NO),
        (nft([MASQUERADE], hook="output"), NO),
        (nft([MASQUERADE], hook="input"), NO),
        # nft 1.0.6 prints a dormant table so.
        (nft([MASQUERADE], flags="t"), UNKNOWN),
        (nft([saddr(PREFIX), MASQUERADE]), YES),
        (nft([saddr(PREFIX, "!="), MASQUERADE]), NO),
        (nft([saddr({"set": [HALF, OTHER]}), MASQUERADE]), YES),
        (nft([saddr({"range": ["10.8.0.0", "10.8.0.255"]}), MASQUERADE]), YES),
        (nft([saddr(HALF), MASQUERADE]), PART),
        (nft([saddr(HALF), MASQUERADE], [saddr(OTHER), MASQUERADE]), UNKNOWN),
        (nft([saddr("10.8.0.7"), {"accept": None}], [MASQUERADE]), PART),
        (nft([{"accept": None}], [MASQUERADE]), NO),
        (nft([{"drop": None}], [MASQUERADE]), UNKNOWN),
        (nft([meta("oifname", "eth0"), MASQUERADE]), YES),
        (nft([meta("oifname", "eth*"), MASQUERADE]), YES),
        (nft([meta("oifname", "eth1"), MASQUERADE]), NO),
        (nft([meta("oif", 7), MASQUERADE]), UNKNOWN),
        (nft([meta("l4proto", "tcp"), MASQUERADE]), PART),
        (nft([meta("mark", 7), MASQUERADE]), PART),
        (nft([meta("mark", 0), MASQUERADE]), UNKNOWN),
        (nft([meta("nfproto", "ipv6"), MASQUERADE]), NO),
        (nft([{"snat": {"addr": "192.168.1.1"}}]), YES),
        # Answers to an address of another place may not come back.
        (nft([{"snat": {"addr": "192.0.2.7"}}]), UNKNOWN),
        (nft([{"xt": {"type": "target", "name": "SNAT"}}]), UNKNOWN),
        (nft([{"snat": {"addr": {"map": {}}}}]), UNKNOWN),
        (nft([{"vmap": {}}]), UNKNOWN),
        (nft([{"limit": {"rate": 1}}, MASQUERADE]), UNKNOWN),
        (nft([{"xt": {"type": "match", "name": "policy"}}, MASQUERADE]), UNKNOWN),
        (nft([{"xt": {"type": "target", "name": "MASQUERADE"}}]), YES),
        (nft([{"xt": {"type": "target", "name": "FROMTHEFUTURE"}}]), UNKNOWN),
        (nft([MASQUERADE], [{"notrack": None}]), UNKNOWN),
        (nft([{"jump": {"target": "nowhere"}}], [MASQUERADE]), UNKNOWN),
        (
            nft(
                [saddr("@s"), MASQUERADE],
                also=[
                    {
                        "set": {
                            "family": "ip",
                            "table": "t",
                            "name": "s",
                            "elem": [PREFIX],
                            "flags": ["interval"],
                        }
                    }
                ],
            ),
            YES,
        ),
        (
            nft(
                [saddr("@s"), MASQUERADE],
                also=[
                    {
                        "set": {
                            "family": "ip",
                            "table": "t",
                            "name": "s",
                            "elem": [PREFIX],
                            "flags": ["timeout"],
                        }
                    }
                ],
            ),
            UNKNOWN,
        ),
    ],
)
def test_masquerade(document: Any, verdict: Verdict) -> None:
    assert masquerade(read(document), OUT).verdict is verdict


def test_ipv6_is_another_family() -> None:
    flow = Flow(ip_network("fd00::/64"), ip_network("::/0"), "tun0", "eth0", "new")
    assert masquerade(read(nft([MASQUERADE])), flow).verdict is NO


@pytest.mark.parametrize(
    ("document", "verdict"),
    [
        (nft(hook="forward", type="filter"), YES),
        (nft(hook="forward", type="filter", policy="drop"), NO),
        (
            nft(
                [meta("iifname", "tun0"), {"accept": None}],
                hook="forward",
                type="filter",
                policy="drop",
            ),
            YES,
        ),
        (
            nft(
                [meta("l4proto", "tcp"), {"accept": None}],
                hook="forward",
                type="filter",
                policy="drop",
            ),
            PART,
        ),
        (nft([{"reject": None}], hook="forward", type="filter"), NO),
        (nft([{"fib": {}}, {"drop": None}], hook="forward", type="filter"), UNKNOWN),
        (nft([{"drop": None}], hook="prerouting", type="filter"), UNKNOWN),
        (nft([{"drop": None}], hook="input", type="filter"), YES),
        (
            nft(hook="forward", type="filter", also=[{"flowtable": {"family": "ip", "name": "f"}}]),
            UNKNOWN,
        ),
    ],
)
def test_the_filter(document: Any, verdict: Verdict) -> None:
    assert passes(read(document), OUT).verdict is verdict


SAVED = (
    "*{table}\n:FORWARD {policy} [0:0]\n:POSTROUTING ACCEPT [0:0]\n:own - [0:0]\n{rules}\nCOMMIT\n"
)


@pytest.mark.parametrize(
    ("policy", "rules", "verdict"),
    [
        ("ACCEPT", "", YES),
        ("DROP", "", NO),
        ("DROP", "-A FORWARD -i tun0 -o eth0 -j ACCEPT", YES),
        ("DROP", "-A FORWARD ! -i tun0 -j ACCEPT", NO),
        ("DROP", "-A FORWARD -i tun+ -m conntrack --ctstate NEW,RELATED -j ACCEPT", YES),
        ("DROP", "-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT", NO),
        ("DROP", "-A FORWARD -s 10.8.0.0/24 -p tcp -m tcp --dport 80 -j ACCEPT", PART),
        ("DROP", "-A FORWARD -j own\n-A own -i tun0 -j ACCEPT", YES),
        ("ACCEPT", "-A FORWARD -j own\n-A own -j RETURN\n-A FORWARD -j DROP", NO),
        ("ACCEPT", "-A FORWARD -g own\n-A FORWARD -j DROP", YES),
        ("ACCEPT", "-A FORWARD -m set --match-set s src -j DROP", UNKNOWN),
        ("ACCEPT", "-A FORWARD -m future --flag -j DROP", UNKNOWN),
        ("ACCEPT", "-A FORWARD -j FUTURE", UNKNOWN),
        # It is translated, when it is.
        ("ACCEPT", "-A FORWARD -m conntrack --ctstate SNAT -j DROP", UNKNOWN),
        ("ACCEPT", "-A FORWARD -m conntrack --ctstate DNAT -j DROP", YES),
        ("ACCEPT", "-A FORWARD -m addrtype --dst-type LOCAL -j DROP", YES),
        ("ACCEPT", "-A FORWARD -m addrtype --dst-type UNICAST -j DROP", UNKNOWN),
        ("ACCEPT", '-A FORWARD -m comment --comment "-j DROP" -j LOG --log-prefix "-j DROP"', YES),
    ],
)
def test_a_table_of_iptables_legacy(policy: str, rules: str, verdict: Verdict) -> None:
    text = SAVED.format(table="filter", policy=policy, rules=rules)
    found = passes(read({"nftables": []}, legacy={"ip": text}), OUT)
    assert found.verdict is verdict, found.why


def test_what_nft_does_not_print_is_read_from_the_text() -> None:
    opaque = nft(
        [{"xt": {"type": "match", "name": "conntrack"}}, {"drop": None}],
        hook="forward",
        type="filter",
    )
    assert needs_saved(opaque)
    assert passes(read(opaque), OUT).verdict is UNKNOWN
    saved = "*t\n:c ACCEPT [0:0]\n-A c -m conntrack --ctstate INVALID -j DROP\nCOMMIT\n"
    assert passes(read(opaque, {"ip": saved}), OUT).verdict is YES


def test_of_other_rules_of_that_table_the_text_says_too_little() -> None:
    """iptables-save prints `ip saddr @s accept` as `-j ACCEPT` (1.8.9 and 1.8.11)."""
    by_iptables = [{"xt": {"type": "match", "name": "conntrack"}}, {"accept": None}]
    by_nft = [saddr("192.0.2.0/24"), {"accept": None}]
    whole = nft(by_iptables, by_nft, hook="forward", type="filter", policy="drop")
    first = "-A c -m conntrack --ctstate ESTABLISHED -j ACCEPT\n"
    for text, verdict in (
        ("-A c -j ACCEPT\n", NO),
        ("", UNKNOWN),
        (2 * "-A c -j ACCEPT\n", UNKNOWN),
    ):
        saved = f"*t\n:c DROP [0:0]\n{first}{text}COMMIT\n"
        assert passes(read(whole, {"ip": saved}), OUT).verdict is verdict


@pytest.mark.parametrize(
    ("instruction", "verdict"),
    [
        ("[ meta load l4proto => reg 1 ]", YES),
        ("[ ct load state => reg 1 ]", YES),
        ("[ ct load l3protocol => reg 1 ]", UNKNOWN),
        ("[ ct load protocol => reg 1 , dir original ]", UNKNOWN),
        ("[ meta load iiftype => reg 1 ]", UNKNOWN),
        ("[ payload load 2b @ link header + 12 => reg 1 ]", UNKNOWN),
        ("[ not whole", UNKNOWN),
    ],
)
def test_what_nft_does_not_print_of_its_own_rules(instruction: str, verdict: Verdict) -> None:
    rules = read(nft([{"accept": None}], hook="forward", type="filter", policy="drop"))
    text = f"ip t c 3\n  {instruction}\nip other c 4 3\n  [ ct load l3protocol => reg 1 ]\n"
    for printed in (text, text.replace("3\n", "3 \n")):  # as libnftnl before 1.2
        assert passes(with_hidden(rules, printed), OUT).verdict is verdict
    with pytest.raises(ValueError, match="no instructions"):
        with_hidden(rules, "table ip t {\n\tchain c {\n")
    with pytest.raises(ValueError, match="outside of a rule"):
        with_hidden(rules, text.replace("ip t c 3", "ip t c three"))
    with pytest.raises(ValueError, match="outside of a rule"):
        with_hidden(rules, text.replace("ip other c 4 3", "ip other c four"))


ACCEPT, DROP = {"accept": None}, {"drop": None}


def ct(value: Any) -> dict[str, Any]:
    return {"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": value}}


def daddr(value: Any) -> dict[str, Any]:
    return {**saddr(value)["match"], "left": {"payload": {"protocol": "ip", "field": "daddr"}}}


def mangle(**key: Any) -> dict[str, Any]:
    return {"mangle": {"key": key, "value": 7}}


TUNNEL = meta("iifname", "tun0")
EARLY = {"hook": "prerouting", "type": "filter", "policy": "drop"}


@pytest.mark.parametrize(
    ("document", "flow", "verdict"),
    [
        # The first packet and the answers pass; what follows does not.
        (nft([TUNNEL, ct("established"), DROP], hook="forward", type="filter"), LATER, NO),
        (nft([TUNNEL, ct("established"), DROP], hook="forward", type="filter"), OUT, YES),
        # Before the route is known there is no outgoing interface.
        (nft([meta("oifname", "eth0"), ACCEPT], prio=-150, **EARLY), OUT, UNKNOWN),
        (nft([meta("iifname", "tun0"), ACCEPT], prio=-150, **EARLY), OUT, YES),
        # Before conntrack there is no state.
        (nft([ct(["new", "established"]), ACCEPT], prio=-300, **EARLY), OUT, UNKNOWN),
        (nft([ct(["new", "established"]), ACCEPT], prio=-150, **EARLY), OUT, YES),
        (
            nft([ct(["new", "established"]), ACCEPT], [{"notrack": None}], prio=-150, **EARLY),
            OUT,
            UNKNOWN,
        ),
        # NAT leads elsewhere, or drops.
        (nft([TUNNEL, {"redirect": None}], hook="prerouting"), OUT, UNKNOWN),
        (nft([TUNNEL, {"dnat": {"addr": "127.0.0.1"}}], hook="prerouting"), OUT, UNKNOWN),
        (nft([TUNNEL, DROP], hook="prerouting"), OUT, UNKNOWN),
        (nft([TUNNEL, DROP], hook="prerouting"), LATER, YES),
        (nft([meta("iifname", "eth9"), {"redirect": None}], hook="prerouting"), OUT, YES),
        # What is written into packets.
        (
            nft(
                [mangle(payload={"protocol": "ip", "field": "daddr"})],
                hook="forward",
                type="filter",
            ),
            OUT,
            UNKNOWN,
        ),
        (
            nft(
                [mangle(payload={"protocol": "ip", "field": "ttl"})], hook="forward", type="filter"
            ),
            OUT,
            UNKNOWN,
        ),
        (nft([mangle(meta={"key": "pkttype"})], hook="forward", type="filter"), OUT, UNKNOWN),
        (nft([mangle(meta={"key": "mark"})], hook="forward", type="filter"), OUT, YES),
        (
            nft([mangle(**{"tcp option": {"name": "maxseg"}})], hook="forward", type="filter"),
            OUT,
            YES,
        ),
        # Translated packets bear the node's own address.
        (
            nft(
                [{"match": daddr("192.168.1.1")}, DROP], hook="prerouting", type="filter", prio=-150
            ),
            BACK,
            UNKNOWN,
        ),
        (
            nft(
                [{"match": daddr("192.168.1.9")}, DROP], hook="prerouting", type="filter", prio=-150
            ),
            BACK,
            YES,
        ),
        (
            nft([saddr("192.168.1.1"), DROP], hook="postrouting", type="filter", prio=300),
            LATER,
            UNKNOWN,
        ),
        # What is forwarded is for no address of the node.
        (
            nft(
                [
                    {
                        "match": {
                            "op": "==",
                            "left": {"fib": {"result": "type", "flags": ["daddr"]}},
                            "right": "local",
                        }
                    },
                    {"redirect": None},
                ],
                hook="prerouting",
            ),
            OUT,
            YES,
        ),
    ],
)
def test_where_packets_are_when_a_chain_sees_them(
    document: Any, flow: Flow, verdict: Verdict
) -> None:
    found = passes(read(document), flow)
    assert found.verdict is verdict, found.why


@pytest.mark.parametrize(
    ("family", "hook", "rule", "verdict"),
    [
        ("arp", "input", [DROP], UNKNOWN),
        ("arp", "output", [DROP], UNKNOWN),
        ("arp", "input", [], YES),
        # A packet that is routed comes in by a port of a bridge, whose name IP does not see.
        ("bridge", "input", [DROP], UNKNOWN),
        ("bridge", "input", [meta("iifname", "port1"), DROP], UNKNOWN),
        ("bridge", "forward", [DROP], YES),
        ("netdev", "ingress", [meta("iifname", "port1"), DROP], UNKNOWN),
        ("netdev", "egress", [DROP], UNKNOWN),
    ],
)
def test_chains_below_ip(family: str, hook: str, rule: list[Any], verdict: Verdict) -> None:
    document = nft(rule, hook=hook, type="filter")
    for entry in document["nftables"]:
        for body in entry.values():
            body.update({"family": family} if body else {})
    assert passes(read(document), OUT).verdict is verdict


def test_policies_of_ipsec() -> None:
    rules = read({"nftables": []})
    for policy in ((CLIENTS, ALL), (LAN, ip_network("10.0.0.0/8"))):
        found = [passes(rules._replace(policies=(policy,)), each).verdict for each in (OUT, BACK)]
        assert UNKNOWN in found
    other = (ip_network("10.9.0.0/24"), ALL)
    assert passes(rules._replace(policies=(other,)), OUT).verdict is YES


@pytest.mark.parametrize(
    ("document", "marks"),
    [
        (nft([mangle(meta={"key": "mark"})]), True),
        (nft([{"xt": {"type": "target", "name": "CONNMARK"}}]), True),
        (nft([mangle(ct={"key": "mark"})]), False),
    ],
)
def test_marks(document: Any, marks: bool) -> None:
    assert read(document).marks is marks


@pytest.mark.parametrize("text", ["nonsense", "*filter\n:FORWARD DROP [0:0]\n"])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="iptables"):
        read({"nftables": []}, legacy={"ip": text})


@pytest.mark.parametrize("document", [[], {}, {"nftables": [{"chain": {}}]}, {"nftables": 7}, None])
def test_another_document_is_refused(document: Any) -> None:
    with pytest.raises(ValueError, match="not the ruleset of nft"):
        read(document)
