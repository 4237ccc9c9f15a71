"""Marks from where they are set to where they are looked at, and other properties of packets.

Here are also: what a tunnel may keep; sets whose elements expire; packets that nobody sends; where
chains of type nat are called. Tried with packets on Linux 6.18 and nft 1.0.6.
"""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from power_edge.model.generated.resources.firewall_schema import Firewall, Rule
from power_edge.resources.firewall.packets import marks
from power_edge.resources.firewall.packets.dimension import BITS, Dimension, Mark
from power_edge.resources.firewall.packets.sets import FALSE, TRUE, Box
from tests.resources.firewall.test_firewall import (
    ALLOW_22,
    DENY_22,
    answer,
    ct,
    legacy,
    match,
    meta,
    nft,
    observed,
    outcome,
    results,
)
from tests.support.firewalls import discovered

ACCEPT, DROP, REJECT = {"accept": None}, {"drop": None}, {"reject": None}
MARK, CONNMARK = {"meta": {"key": "mark"}}, {"ct": {"key": "mark"}}
TCP22 = match("tcp", "dport", 22)


def set_to(value: Any, which: Any = MARK) -> dict[str, Any]:
    return {"mangle": {"key": which, "value": value}}


def has(value: Any, mask: int | None = None, op: str = "==", which: Any = MARK) -> dict[str, Any]:
    left = which if mask is None else {"&": [which, mask]}
    return {"match": {"op": op, "left": left, "right": value}}


def tables(*texts: str) -> str:
    """Several tables t as t0, t1, ..."""
    named = (
        json.loads(text.replace('"t"', f'"t{number}"'))["nftables"]
        for number, text in enumerate(texts)
    )
    return json.dumps({"nftables": [entry for some in named for entry in some]})


def early(*rules: Sequence[Any], **chain: Any) -> str:
    return nft(*rules, **{"policy": "accept", "hook": "prerouting", "prio": -150, **chain})


@pytest.mark.parametrize(
    ("setting", "looking", "denied"),
    [
        ([], [has(1)], "drift"),
        ([], [has(0)], "compliant"),
        ([], [has(1, op="!=")], "compliant"),
        ([[set_to(1)]], [has(1)], "compliant"),
        ([[set_to(1)]], [has(2)], "drift"),
        ([[set_to(1)]], [has(1, 1)], "compliant"),
        ([[set_to(6)]], [has(2, 3)], "compliant"),
        ([[set_to(6)]], [has(3, 1)], "drift"),
        ([[set_to(5)], [set_to({"|": [MARK, 2]})]], [has(7)], "compliant"),
        ([[set_to(5)], [set_to({"&": [MARK, 4]})]], [has(4)], "compliant"),
        ([[set_to(5)], [set_to({"^": [{"&": [MARK, 0xFFFFFFFE]}, 2]})]], [has(6)], "compliant"),
        ([[set_to(5)]], [has({"range": [3, 9]})], "compliant"),
        ([[set_to(10)]], [has({"range": [3, 9]})], "drift"),
        ([[set_to(5)]], [has({"set": [4, 5]})], "compliant"),
        ([[set_to(5)]], [has({"set": [4, 5]}, op="!=")], "drift"),
        ([[set_to(5)]], [has(4, op=">")], "unknown"),
        ([[set_to({"map": {"key": 1, "data": "@m"}})]], [has(5)], "unknown"),
        ([[set_to({"numgen": {"mode": "random", "mod": 2}})]], [has(5)], "unknown"),
        ([[TCP22, set_to(5)]], [has(5)], "compliant"),
        ([[match("tcp", "dport", 23), set_to(5)]], [has(5)], "drift"),
        ([[meta("skuid", 1), set_to(5)]], [has(5)], "unknown"),
        ([[has(0), set_to(5), ACCEPT]], [has(5)], "compliant"),
        ([[has(0), set_to(5), DROP]], [has(6)], "compliant"),
        ([[set_to(5), has(5), ACCEPT]], [has(5)], "compliant"),
        ([[set_to(5), match("tcp", "dport", 80), ACCEPT]], [has(5)], "compliant"),
        ([[set_to(5), meta("skuid", 0), ACCEPT]], [has(5)], "compliant"),
        ([[has(0), set_to(5), match("tcp", "dport", 80), ACCEPT]], [has(5)], "compliant"),
        ([[set_to(5), set_to(CONNMARK), ACCEPT]], [has(0)], "compliant"),
        ([[set_to(7, CONNMARK)]], [has(7, which=CONNMARK)], "compliant"),
        ([], [has(7, which=CONNMARK)], "drift"),
        ([], [has(0, 1, "!=")], "drift"),
        ([], [has(1, 1, "!=")], "compliant"),
        ([], [has(7, op="!=", which=CONNMARK)], "compliant"),
        ([[set_to(7, CONNMARK)], [set_to(CONNMARK)]], [has(7)], "compliant"),
        ([[set_to(7)], [set_to(MARK, CONNMARK)], [set_to(0)]], [has(7, which=CONNMARK)], "compliant"),
        ([[set_to(3)], [set_to(CONNMARK)]], [has(3)], "drift"),
    ],
    ids=str,
)  # fmt: skip
def test_marks_are_followed(setting: list[list[Any]], looking: list[Any], denied: str) -> None:
    what = observed(nft=tables(early(*setting), nft([*looking, DROP], policy="accept")))
    assert outcome(DENY_22, what) == denied


def test_before_connections_are_looked_up_there_is_no_mark_of_one() -> None:
    for rules in ([[set_to(7, CONNMARK)]], [[{"notrack": None}]]):
        what = observed(nft=tables(early(*rules, prio=-300), early([set_to(7, CONNMARK)]) if "notrack" in str(rules) else early(),
                               nft([has(7, which=CONNMARK), DROP], policy="accept")))  # fmt: skip
        assert outcome(DENY_22, what) == "drift"
    for condition in (
        has(7, op="!=", which=CONNMARK),
        has(1, 1, op="!=", which=CONNMARK),
        has(0, 1, which=CONNMARK),
    ):
        unequal = observed(nft=early([condition, DROP], prio=-300))
        assert outcome(DENY_22, unequal) == "drift"
    ends = observed(
        nft=tables(
            early([set_to(5)], [set_to(CONNMARK)], prio=-300), nft([has(5), DROP], policy="accept")
        )
    )
    assert outcome(DENY_22, ends) == "compliant"


@pytest.mark.parametrize(
    ("rules", "denied"),
    [
        (["INPUT -j MARK --set-xmark 0x1/0xffffffff", "INPUT -m mark --mark 0x1 -j DROP"], "compliant"),
        (["INPUT -j MARK --set-mark 0x1", "INPUT -j MARK --set-xmark 0x4/0x4", "INPUT -m mark --mark 0x5 -j DROP"], "compliant"),
        (["INPUT -j MARK --set-xmark 0x3/0xffffffff", "INPUT -j MARK --set-xmark 0x0/0x2", "INPUT -m mark --mark 0x1 -j DROP"], "compliant"),
        (["INPUT -j MARK --set-xmark 0x1/0x1", "INPUT -j MARK --set-xmark 0x1/0x0", "INPUT -m mark --mark 0x0/0x1 -j DROP"], "compliant"),
        (["INPUT -j MARK --nosuch 0x1", "INPUT -m mark --mark 0x1 -j DROP"], "unknown"),
        (["INPUT -m mark ! --mark 0x8000/0x8000 -j DROP"], "compliant"),
        (["INPUT -m mark --mark 0x8000/0x8000 -j DROP"], "drift"),
        (["INPUT -j MARK --set-xmark 0x3/0xffffffff", "INPUT -m mark --mark 0x3/0x1 -j DROP"], "drift"),
        (["INPUT -m connmark --mark 0x1 -j DROP"], "drift"),
        (["INPUT -j CONNMARK --set-xmark 0x1/0xffffffff", "INPUT -m connmark --mark 0x1 -j DROP"], "compliant"),
        (["INPUT -j MARK --set-xmark 0x6/0xffffffff", "INPUT -j CONNMARK --save-mark --nfmask 0x2 --ctmask 0xffffffff",
          "INPUT -m connmark --mark 0x2 -j DROP"], "compliant"),
        (["INPUT -j CONNMARK --set-mark 0x9", "INPUT -j CONNMARK --restore-mark --nfmask 0xff --ctmask 0x8",
          "INPUT -m mark --mark 0x8 -j DROP"], "compliant"),
        (["INPUT -j CONNMARK --restore-mark --left-shift-mark 1", "INPUT -m mark --mark 0x8 -j DROP"], "unknown"),
        (["INPUT -m mark --mark nonsense -j DROP"], "unknown"),
    ],
    ids=str,
)  # fmt: skip
def test_marks_of_iptables(rules: list[str], denied: str) -> None:
    assert outcome(DENY_22, legacy(*rules, policy="ACCEPT")) == denied


KUBERNETES = (
    "INPUT -m comment --comment firewall -j KUBE-FIREWALL",
    'KUBE-FIREWALL -m comment --comment "marked for dropping" -m mark --mark 0x8000/0x8000 -j DROP',
    "KUBE-MARK-DROP -j MARK --set-xmark 0x8000/0x8000",
    "KUBE-ROUTER-INPUT -m mark --mark 0x20000/0x20000 -j ACCEPT",
    "INPUT -j KUBE-ROUTER-INPUT",
    "INPUT -p tcp -m tcp --dport 22 -j ACCEPT",
)


def test_marks_of_kubernetes_leave_nothing_open() -> None:
    what = legacy(*KUBERNETES, chains=["KUBE-FIREWALL", "KUBE-MARK-DROP", "KUBE-ROUTER-INPUT"])
    assert [
        outcome(rule, what)
        for rule in (ALLOW_22, DENY_22, Rule(proto="tcp", port=80, action="deny"))
    ] == ["compliant", "drift", "compliant"]
    found = results(Firewall(default_incoming="deny", exclusive=True, rules=[ALLOW_22]), what)
    assert {item: str(result.outcome) for item, result in found.items()} == {
        "default_incoming": "compliant", "allow 22/tcp from any to any": "compliant", "exclusive": "compliant",
    }  # fmt: skip


@pytest.mark.parametrize("others", [["bridge"], ["bridge", "arp"], ["arp", "bridge"]])
def test_rules_of_bridge_and_arp_may_stop_anything(others: list[str]) -> None:
    texts = [nft([DROP], policy="accept", family=family) for family in others]
    what = observed(nft=tables(*texts, nft([TCP22, ACCEPT])))
    for source in ("0.0.0.0/0", "::/0"):
        rule = Rule(proto="tcp", port=22, action="allow", from_=source)
        assert outcome(rule, what) == "unknown"
    found = results(Firewall(default_outgoing="allow"), what)["default_outgoing"]
    assert found.outcome == "unknown"


@pytest.mark.parametrize("reverse", [False, True])
def test_marks_of_a_tunnel_depend_on_the_order_of_chains(reverse: bool) -> None:
    esp = meta("l4proto", "esp")
    chains = [early([esp, has(2), set_to(1)]), early([esp, set_to(2)])]
    inner = nft([has(1), ACCEPT], [esp, ACCEPT])
    what = observed(nft=tables(*(chains[::-1] if reverse else chains), inner))
    assert outcome(DENY_22, what) == "unknown"


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_a_tunnel_of_one_family_may_carry_the_other(family: str) -> None:
    esp = [meta("nfproto", family), meta("l4proto", "esp")]
    what = observed(nft=tables(early([*esp, set_to(1)]), nft([has(1), ACCEPT], [*esp, ACCEPT])))
    for source in ("0.0.0.0/0", "::/0"):
        assert outcome(Rule(proto="tcp", port=22, action="deny", from_=source), what) == "unknown"


def test_what_comes_out_of_a_tunnel_may_keep_the_mark_of_what_carried_it() -> None:
    """`mark ESP, then accept what is marked` lets in what comes out of the tunnel: new traffic
    without ESP.
    """
    esp = [meta("l4proto", "esp"), set_to(1)]
    inner = nft([has(1), ACCEPT], [meta("l4proto", {"set": ["esp"]}), ACCEPT])
    what = observed(nft=tables(early(esp), inner))
    assert outcome(DENY_22, what) == "unknown"
    assert outcome(ALLOW_22, what) == "drift"
    assert (
        outcome(
            DENY_22,
            observed(
                nft=tables(
                    early([meta("l4proto", "tcp"), set_to(1)]),
                    nft([has(1), match("tcp", "dport", 22), ACCEPT]),
                )
            ),
        )
        == "drift"
    )
    bits = observed(
        nft=tables(
            early(esp), nft([has(2, 2), ACCEPT], [meta("l4proto", {"set": ["esp"]}), ACCEPT])
        )
    )
    assert outcome(DENY_22, bits) == "compliant"
    tcp = [has(1), meta("l4proto", "tcp"), ACCEPT]
    assert (
        outcome(DENY_22, observed(nft=tables(early(esp), nft(tcp)))) == "compliant"
    )  # the carrier itself does not get in


@pytest.mark.parametrize("mark", [1, 2])
def test_each_tunnel_may_keep_its_own_mark(mark: int) -> None:
    setting = early(
        *([meta("l4proto", kind), set_to(own)] for kind, own in (("esp", 1), ("gre", 2)))
    )
    inner = nft([has(mark), TCP22, ACCEPT], [meta("l4proto", {"set": ["esp", "gre"]}), ACCEPT])
    assert outcome(DENY_22, observed(nft=tables(setting, inner))) == "unknown"


def test_programs_of_the_node_may_mark_what_they_send() -> None:
    out = nft([has(1), ACCEPT], hook="output")
    assert (
        str(
            results(Firewall(default_outgoing="deny"), observed(nft=out))[
                "default_outgoing"
            ].outcome
        )
        == "unknown"
    )


def test_chains_that_set_and_look_at_marks_may_run_in_any_order() -> None:
    what = observed(
        nft=tables(nft([set_to(1)], policy="accept"), nft([has(1), DROP], policy="accept"))
    )
    assert outcome(DENY_22, what) == "unknown"


@pytest.mark.parametrize("value", [0, 1, 5, 0x8000, marks.ALL])
@pytest.mark.parametrize("mask", [0, 1, 0x8001, marks.ALL])
def test_a_change_is_the_sum_of_its_parts(value: int, mask: int) -> None:
    start = {
        bit: TRUE if value >> number & 1 else FALSE for number, bit in enumerate(BITS[Mark.PACKET])
    } | dict.fromkeys(BITS[Mark.CONNECTION], TRUE)
    change = marks.Change(marks.PACKET, mask, marks.ALL ^ mask, 6)
    box, known = marks.changed(start, change, range(32))
    assert known
    assert (
        sum((box[bit] == TRUE) << number for number, bit in enumerate(BITS[Mark.PACKET]))
        == (value & mask) ^ (marks.ALL ^ mask) ^ 6
    )


def test_the_bits_of_marks_in_boxes() -> None:
    first, second = BITS[Mark.PACKET][:2]
    third = BITS[Mark.CONNECTION][2]
    box: Box = {first: TRUE, third: FALSE, Dimension.DPORT: ((22, 22),)}
    assert marks.looked_at([box, {second: TRUE}, {Dimension.PROTO: ((6, 6),)}]) == {0, 1, 2}
    assert marks.clear([0, 2]) == {
        BITS[mark][bit]: FALSE for mark in (Mark.PACKET, Mark.CONNECTION) for bit in (0, 2)
    }
    assert marks.without(box) == {Dimension.DPORT: ((22, 22),)}
    assert marks.only(box, Mark.PACKET) == {first: TRUE}
    assert marks.only(box, Mark.CONNECTION) == {third: FALSE}


def test_a_mark_under_a_mask() -> None:
    first, second, third = BITS[Mark.PACKET][:3]
    assert marks.equal(Mark.PACKET, 2, 3) == [{first: FALSE, second: TRUE}]
    assert marks.equal(Mark.PACKET, 0, 4) == [{third: FALSE}]
    assert marks.equal(Mark.PACKET, 0, 0) == [{}]
    assert marks.equal(Mark.PACKET, 4, 3) == []
    assert len(marks.equal(Mark.CONNECTION, 5)[0]) == 32


def test_a_bit_that_is_not_known_stays_so() -> None:
    own, other = BITS[Mark.PACKET], BITS[Mark.CONNECTION]
    set_, unknown = marks.Change(Mark.PACKET, 0, 0, 1), marks.Change(Mark.PACKET, None)
    kept, copied = (
        marks.Change(Mark.PACKET, marks.ALL, 0, 1),
        marks.Change(Mark.PACKET, 0, marks.ALL, 1),
    )
    for box, change, expected in (
        ({}, set_, ({own[0]: TRUE, own[1]: FALSE}, True)),
        ({own[0]: FALSE, own[1]: TRUE}, kept, ({own[0]: TRUE, own[1]: TRUE}, True)),
        ({own[0]: FALSE, own[1]: TRUE}, unknown, ({}, False)),
        ({own[0]: FALSE}, unknown, ({}, False)),
        ({}, unknown, ({}, True)),
        ({}, kept, ({}, True)),
        ({own[0]: ((0, 1),)}, kept, ({}, False)),
        ({own[0]: FALSE}, copied, ({}, False)),
        ({other[0]: TRUE, own[1]: TRUE}, copied, ({other[0]: TRUE, own[0]: FALSE}, False)),
        ({other[0]: TRUE, other[1]: FALSE}, copied, ({other[0]: TRUE, other[1]: FALSE, own[0]: FALSE, own[1]: FALSE}, True)),
    ):  # fmt: skip
        assert marks.changed(box, change, [0, 1]) == expected, (box, change)
    assert marks.changed({}, set_, []) == ({}, True)


@pytest.mark.parametrize("span", [(0, marks.ALL), (1, 6), (5, 5), (0x7FFF, 0x8001), (3, marks.ALL)])
def test_a_range_of_marks_is_a_set_of_boxes(span: tuple[int, int]) -> None:
    boxes = list(marks.among(marks.PACKET, (span,)))
    for value in {
        0,
        1,
        2,
        5,
        6,
        7,
        0x7FFE,
        0x7FFF,
        0x8000,
        0x8001,
        0x8002,
        marks.ALL - 1,
        marks.ALL,
    }:
        holds = [
            all(
                some == (TRUE if value >> int(name[4:]) & 1 else FALSE)
                for name, some in box.items()
            )
            for box in boxes
        ]
        assert sum(holds) == (span[0] <= value <= span[1])


def banned(
    *elements: Any,
    flags: Sequence[str] = ("timeout",),
    end: Any = DROP,
    policy: str = "accept",
    **more: Any,
) -> Any:
    """A node with a rule about the sources in a set.

    It comes before a rule that lets in 22 (or, with policy drop, before nothing).
    """
    body = {
        "set": {
            "family": "inet",
            "table": "t",
            "name": "s",
            "type": "ipv4_addr",
            "flags": list(flags),
            "elem": list(elements),
            **more,
        }
    }
    rest = [[TCP22, ACCEPT]] if policy == "accept" else []
    return observed(
        nft=nft([match("ip", "saddr", "@s"), end], *rest, policy="drop", more=[body]), inet6=""
    )


def expiring(value: Any) -> dict[str, Any]:
    return {"elem": {"val": value, "timeout": 14400, "expires": 1200}}


OFFICE = Rule(proto="tcp", port=22, action="allow", from_="10.0.0.0/8")
TELNET = Rule(proto="tcp", port=23, action="deny")


@pytest.mark.parametrize(
    ("what", "allowed", "office", "telnet"),
    [
        (banned(), "compliant", "drift", "compliant"),
        (banned(expiring("192.0.2.1")), "drift", "drift", "compliant"),
        (banned("192.0.2.1"), "drift", "drift", "compliant"),
        (
            banned(expiring({"prefix": {"addr": "192.0.2.0", "len": 24}})),
            "drift",
            "drift",
            "compliant",
        ),
        (
            banned(expiring("192.0.2.1"), flags=("timeout", "dynamic")),
            "unknown",
            "unknown",
            "compliant",
        ),
        # what gets in for a while is open now, and no pass for the time after
        (banned(expiring("192.0.2.1"), end=ACCEPT), "compliant", "drift", "drift"),
        (banned(expiring("192.0.2.1"), end=ACCEPT, policy="drop"), "drift", "drift", "drift"),
        (
            banned(expiring({"prefix": {"addr": "10.0.0.0", "len": 8}}), end=ACCEPT, policy="drop"),
            "drift",
            "unknown",
            "drift",
        ),
        (
            banned({"prefix": {"addr": "10.0.0.0", "len": 8}}, end=ACCEPT, policy="drop"),
            "drift",
            "compliant",
            "drift",
        ),
    ],
)
def test_elements_that_expire_count_for_drift_and_not_for_a_pass(
    what: Any, allowed: str, office: str, telnet: str
) -> None:
    assert [outcome(rule, what) for rule in (ALLOW_22, OFFICE, TELNET)] == [allowed, office, telnet]


def test_a_pass_does_not_hang_on_a_ban() -> None:
    ban = banned(expiring({"prefix": {"addr": "10.0.0.0", "len": 8}}))
    assert outcome(Rule(proto="tcp", port=22, action="deny", from_="10.0.0.0/8"), ban) == "unknown"
    lasting = banned({"prefix": {"addr": "10.0.0.0", "len": 8}})
    assert (
        outcome(Rule(proto="tcp", port=22, action="deny", from_="10.0.0.0/8"), lasting)
        == "compliant"
    )


def test_a_miss_of_a_set_that_expires_is_unknown() -> None:
    body = {
        "set": {
            "family": "inet",
            "table": "t",
            "name": "s",
            "type": "ipv4_addr",
            "flags": ["timeout"],
            "elem": [expiring("10.0.0.1")],
        }
    }
    what = observed(nft=nft([match("ip", "saddr", "@s", "!="), ACCEPT], more=[body]), inet6="")
    assert outcome(DENY_22, what) == "unknown"


def test_entries_of_a_map_that_expire() -> None:
    def of(entry: Any) -> Any:
        body = {
            "map": {
                "family": "inet",
                "table": "t",
                "name": "m",
                "type": "inet_service",
                "map": "verdict",
                "flags": ["timeout"],
                "elem": [entry],
            }
        }
        key = {"vmap": {"key": {"payload": {"protocol": "tcp", "field": "dport"}}, "data": "@m"}}
        return observed(nft=nft([key], more=[body]))

    assert [outcome(rule, of([expiring(22), ACCEPT])) for rule in (ALLOW_22, DENY_22)] == [
        "unknown",
        "drift",
    ]
    assert [outcome(rule, of([22, ACCEPT])) for rule in (ALLOW_22, DENY_22)] == [
        "compliant",
        "drift",
    ]


SYN = {
    "match": {
        "op": "==",
        "left": {
            "&": [
                {"payload": {"protocol": "tcp", "field": "flags"}},
                {"|": ["fin", "syn", "rst", "ack"]},
            ]
        },
        "right": "syn",
    }
}
NOBODY = [match("tcp", "sport", 0), SYN]


@pytest.mark.parametrize("end", [DROP, REJECT], ids=str)
def test_who_comes_from_port_0_may_be_refused_where_all_are_allowed(end: Any) -> None:
    """The rule of every Shorewall and Proxmox VE firewall."""
    what = observed(nft=nft([*NOBODY, end], [TCP22, ACCEPT]))
    assert outcome(ALLOW_22, what) == "compliant"
    assert outcome(DENY_22, what) == "drift"
    shut = observed(nft=nft([*NOBODY, end]))
    assert outcome(DENY_22, shut) == "compliant"
    refusing = observed(nft=nft([*NOBODY, end], [REJECT], policy="accept"))
    assert outcome(Rule(proto="tcp", port=22, action="reject"), refusing) == "compliant"
    found = results(Firewall(exclusive=True, default_incoming="deny", rules=[ALLOW_22]), what)
    assert {str(result.outcome) for result in found.values()} == {"compliant"}


def test_who_comes_from_port_0_must_not_get_in_where_none_may() -> None:
    """Linux accepts a SYN from port 0 (by packets), whoever makes it by hand."""
    assert outcome(DENY_22, observed(nft=nft([*NOBODY, ACCEPT]))) == "drift"
    found = results(Firewall(enabled=True), observed(nft=nft([*NOBODY, TCP22, ACCEPT])))
    assert found["enabled"].extra == ("allow 22/tcp from any to any source port 0",)


def test_udp_from_port_0_is_sent() -> None:
    """RFC 768: a sender that wants no answer."""
    what = observed(nft=nft([match("udp", "sport", 0), DROP], [match("udp", "dport", 53), ACCEPT]))
    assert outcome(Rule(proto="udp", port=53, action="allow"), what) == "drift"


def test_an_opening_behind_a_rule_about_port_0_is_reported_whole() -> None:
    for own in ([*NOBODY, DROP], [match("tcp", "dport", 0), DROP]):
        rules = nft(own, [TCP22, ACCEPT], [match("tcp", "dport", {"range": [8000, 8010]}), ACCEPT])
        assert sorted(results(Firewall(enabled=True), observed(nft=rules))["enabled"].extra) == [
            "allow 22/tcp from any to any",
            "allow 8000-8010/tcp from any to any",
        ]
        assert discovered(answer(nft=rules)).value["rules"] == [
            {"port": 22, "proto": "tcp", "action": "allow"}, {"port": "8000-8010", "proto": "tcp", "action": "allow"},
        ]  # fmt: skip


def test_nothing_listens_at_port_0() -> None:
    assert (
        results(
            Firewall(exclusive=True, rules=[ALLOW_22]),
            observed(nft=nft([match("tcp", "dport", {"set": [0, 22]}), ACCEPT])),
        )["exclusive"].outcome.value
        == "compliant"
    )


def test_a_chain_of_type_nat_is_called_where_addresses_are_translated() -> None:
    """Whatever its own priority: it rejects at -100 what a filter at -50 would have dropped (by
    packets).
    """
    refuses = early([ct("state", "new"), REJECT], type="nat", prio=0)
    assert outcome(DENY_22, observed(nft=tables(refuses, early([DROP], prio=-50)))) == "unknown"
    assert outcome(DENY_22, observed(nft=tables(refuses, early([DROP], prio=-120)))) == "compliant"
    assert (
        outcome(
            DENY_22,
            observed(
                nft=tables(
                    nft([REJECT], policy="accept", type="nat", prio=0),
                    nft([DROP], policy="accept", prio=50),
                )
            ),
        )
        == "compliant"
    )
    outgoing = {"hook": "output", "policy": "accept"}
    elsewhere = nft([{"redirect": {"port": 9}}], type="nat", prio=0, **outgoing)
    stopped = observed(nft=tables(elsewhere, nft([DROP], prio=-50, **outgoing)))
    denied = results(Firewall(default_outgoing="deny"), stopped)["default_outgoing"]
    assert denied.outcome == "unknown"
    marking = early([meta("l4proto", "tcp"), set_to(1)], type="nat", prio=-150)
    assert (
        outcome(DENY_22, observed(nft=tables(marking, early([has(1), DROP], prio=-120)))) == "drift"
    )
    assert (
        outcome(DENY_22, observed(nft=tables(marking, early([has(1), DROP], prio=-50))))
        == "unknown"
    )  # it need not be called


@pytest.mark.parametrize(
    ("value", "packet", "connection", "flip"),
    [
        (5, 0, 0, 5),
        (MARK, marks.ALL, 0, 0),
        (CONNMARK, 0, marks.ALL, 0),
        ({"&": [MARK, 6]}, 6, 0, 0),
        ({"&": [6, CONNMARK]}, 0, 6, 0),
        ({"|": [MARK, 6]}, marks.ALL ^ 6, 0, 6),
        ({"|": [CONNMARK, 6]}, 0, marks.ALL ^ 6, 6),
        ({"^": [MARK, 6]}, marks.ALL, 0, 6),
        ({"^": [MARK, CONNMARK]}, marks.ALL, marks.ALL, 0),
        ({"^": [{"^": [CONNMARK, 1]}, {"^": [CONNMARK, 2]}]}, 0, 0, 3),
        ({"^": [{"|": [CONNMARK, 4]}, {"&": [CONNMARK, 1]}]}, 0, marks.ALL ^ 5, 4),
        ({"&": [{"^": [CONNMARK, 5]}, 3]}, 0, 3, 1),
        ({"|": [{"^": [MARK, 5]}, 3]}, marks.ALL ^ 3, 0, 7),
    ],
    ids=str,
)
def test_values_of_marks(value: Any, packet: int, connection: int, flip: int) -> None:
    assert marks.computed(Mark.PACKET, value) == (Mark.PACKET, packet, connection, flip, False)
    assert marks.computed(Mark.CONNECTION, value) == (
        Mark.CONNECTION,
        connection,
        packet,
        flip,
        True,
    )


@pytest.mark.parametrize(
    "value",
    [
        True,
        {"&": [MARK, CONNMARK]},
        {"|": [MARK, MARK]},
        {"|": [MARK, 1, 2]},
        {"+": [1, 2]},
        {"meta": {"key": "priority"}},
        {"ct": {"key": "zone"}},
        {"^": [{"meta": {"key": "priority"}}, 1]},
    ],
    ids=str,
)
def test_values_of_marks_that_are_not_understood(value: Any) -> None:
    assert marks.computed(Mark.PACKET, value) == (Mark.PACKET, None, 0, 0, False)
