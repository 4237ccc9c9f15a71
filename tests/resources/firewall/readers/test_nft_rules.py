"""What single rules of nft do: the statements of a rule, and which packets reach the end of it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from power_edge.json_value import Json
from power_edge.model.generated.resources.firewall_schema import Firewall
from power_edge.model.generated.resources.firewall_schema import Rule as Declared
from power_edge.resources.firewall.packets import marks, rates
from power_edge.resources.firewall.packets.dimension import Dimension
from power_edge.resources.firewall.packets.program import Action, Effort, FilterRule, Undecidable
from power_edge.resources.firewall.packets.sets import FALSE
from power_edge.resources.firewall.readers.nft_conditions import RuleContext
from power_edge.resources.firewall.readers.nft_objects import Rule, objects
from power_edge.resources.firewall.readers.nft_rules import rules_of
from power_edge.resources.firewall.readers.nft_values import NamedSet
from tests.resources.firewall.test_firewall import ct, match, meta, nft, observed, results

ACCEPT: dict[str, Json]
DROP: dict[str, Json]
ACCEPT, DROP, REJECT = {"accept": None}, {"drop": None}, {"reject": None}
MARK, CONNMARK, ZONE = {"meta": {"key": "mark"}}, {"ct": {"key": "mark"}}, {"ct": {"key": "zone"}}
TCP22 = match("tcp", "dport", 22)
LIMIT = {"limit": {"rate": 2, "per": "minute"}}
SETS = {
    ("inet", "t", "s"): NamedSet(["192.0.2.1"], changing=False),
    ("inet", "t", "soon"): NamedSet(
        ["192.0.2.1", {"elem": {"val": "192.0.2.2", "timeout": 9}}], False, expiring=True
    ),
    ("inet", "t", "m"): NamedSet([[22, ACCEPT], ["*", DROP]], changing=False),
    ("inet", "t", "later"): NamedSet(
        [[{"elem": {"val": 22, "timeout": 9}}, ACCEPT], ["*", DROP]], False, expiring=True
    ),
    ("inet", "t", "changing"): NamedSet([[22, ACCEPT]], changing=True),
}


def read(
    *expr: Any, family: str = "inet", room: int = 1000, **context: Any
) -> list[tuple[int, FilterRule]]:
    place = {"family": family, "table": "t", "chain": "in", "handle": 9}
    (printed,) = objects(json.dumps({"nftables": [{"rule": {**place, "expr": list(expr)}}]}))
    assert isinstance(printed, Rule)
    where = RuleContext(SETS, Effort(1000), **context)
    return list(rules_of(printed, where, None, {}, Effort(room)))


def of_ipv4(*expr: Any, **context: Any) -> list[FilterRule]:
    return [rule for family, rule in read(*expr, **context) if family == 4]


def effects(*expr: Any) -> list[tuple[Action, bool]]:
    """What becomes of IPv4's packets, and whether it is certain which of them."""
    return [(rule.effect.action, rule.opaque is None) for rule in of_ipv4(*expr)]


def set_to(value: Any, key: Any = MARK) -> dict[str, Any]:
    return {"mangle": {"key": key, "value": value}}


def vmap(key: Any, data: Any) -> dict[str, Any]:
    return {"vmap": {"key": key, "data": data}}


def entries(*some: Sequence[Any]) -> dict[str, Any]:
    return {"set": list(some)}


@pytest.mark.parametrize(
    ("family", "families"),
    [
        ("ip", [4]),
        ("ip6", [6]),
        ("inet", [4, 6]),
        ("netdev", [4, 6]),
        ("bridge", [4, 6]),
        ("arp", [4, 6]),
    ],
)
def test_a_rule_is_one_of_each_family_of_its_table(family: str, families: list[int]) -> None:
    assert [each for each, _ in read(DROP, family=family)] == families


def test_rules_are_counted() -> None:
    assert len(read(DROP, room=4)) == 2
    with pytest.raises(Undecidable):
        read(DROP, room=1)


def test_its_text() -> None:
    assert [rule.text for rule in of_ipv4(DROP)] == ["nft inet t in handle 9"]


ALLOW, DENY, UNKNOWN, NEXT = Action.ALLOW, Action.DENY, Action.UNKNOWN, Action.NEXT
SURE, UNSURE = True, False


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([ACCEPT], [(ALLOW, SURE)]),
        ([DROP], [(DENY, SURE)]),
        ([REJECT], [(Action.REJECT, SURE)]),
        ([{"return": None}], [(Action.RETURN, SURE)]),
        ([{"continue": None}], [(NEXT, SURE)]),
        ([{"jump": {"target": "c"}}], [(Action.JUMP, SURE)]),
        ([{"goto": {"target": "c"}}], [(Action.GOTO, SURE)]),
        ([{"jump": {"target": 5}}], [(UNKNOWN, SURE)]),
        ([{"queue": None}], [(UNKNOWN, SURE)]),
        (["words that nft cannot print", ACCEPT], [(UNKNOWN, SURE)]),
        ([{"notrack": None}, ACCEPT], [(Action.NOTRACK, SURE), (ALLOW, SURE)]),
        ([{"counter": {"packets": 1}}], []),
        ([{"counter": {"packets": 1}}, DROP], [(DENY, SURE)]),
        ([{"counter": {"map": {"key": 1, "data": "@m"}}}, DROP], [(DENY, UNSURE)]),
        ([{"masquerade": None}, DROP], [(DENY, SURE)]),
        ([{"flow": {"op": "add", "flowtable": "@f"}}, ACCEPT], [(ALLOW, UNSURE)]),
        ([set_to(5), {"flow": {"op": "add", "flowtable": "@f"}}, DROP], [(NEXT, SURE), (DENY, UNSURE)]),
        ([{"set": {"op": "add", "elem": 1, "set": "@s"}}, DROP], [(DENY, UNSURE)]),
        ([{"map": {"op": "add", "elem": 1, "map": "@m"}}, DROP], [(DENY, UNSURE)]),
        ([{"reset": {"tcp option": {"name": "fastopen"}}}, DROP], [(DENY, UNSURE)]),
        ([{"quota": {"val": 9}}, DROP], [(DENY, UNSURE)]),
        ([{"limit": "named"}, DROP], [(DENY, UNSURE)]),
        ([{"ct count": "named"}, DROP], [(DENY, UNSURE)]),
        ([LIMIT], []),
        ([{"xt": {"type": "match", "name": "comment"}}, DROP], [(DENY, SURE)]),
        ([{"xt": {"type": "match", "name": "nosuch"}}, DROP], [(DENY, UNSURE)]),
        ([{"xt": {"type": "match", "name": "nosuch"}}], []),
        ([{"xt": {"type": "match", "name": ""}}], [(NEXT, UNSURE)]),
        ([{"xt": {"type": "match", "name": "recent"}}], [(NEXT, UNSURE)]),
        ([{"xt": None}, DROP], [(UNKNOWN, SURE)]),
        ([{"xt": {"type": "target", "name": "LOG"}}, DROP], [(NEXT, SURE)]),
        ([{"xt": {"type": "target", "name": "REDIRECT"}}], [(UNKNOWN, SURE)]),
        ([{"xt": {"type": "watcher", "name": "log"}}, DROP], [(UNKNOWN, SURE)]),
        ([LIMIT, DROP], [(DENY, SURE)]),
        ([{"ct count": {"val": 9}}, DROP], [(DENY, SURE)]),
        ([meta("skuid", 0), DROP], [(DENY, UNSURE)]),
        ([meta("nfproto", "ipv6"), DROP], []),
        ([{"reject": {"type": "icmpv6"}}], []),
        ([{"reject": {"type": "icmp"}}], [(Action.REJECT, SURE)]),
        ([{"reject": {"type": "icmpx"}}], [(Action.REJECT, SURE)]),
        ([{"dnat": {"addr": "192.0.2.1"}}], [(UNKNOWN, SURE)]),
        # values that every packet has, or not
        ([set_to(5, {"meta": {"key": "priority"}}), DROP], [(DENY, SURE)]),
        ([set_to(MARK, {"meta": {"key": "priority"}}), DROP], [(DENY, SURE)]),
        ([set_to({"&": [MARK, 5]}, {"meta": {"key": "nftrace"}}), DROP], [(DENY, SURE)]),
        ([set_to({"|": [{">>": [MARK, 5]}, 1]}, {"meta": {"key": "priority"}}), DROP], [(DENY, SURE)]),
        ([set_to({"^": [{"<<": [MARK, 5]}, 1]}, {"meta": {"key": "priority"}}), DROP], [(DENY, SURE)]),
        ([set_to({">>": [{"meta": {"key": "cpu"}}, 5]}, {"meta": {"key": "priority"}}), DROP], [(DENY, UNSURE)]),
        ([set_to(CONNMARK, {"meta": {"key": "priority"}}), DROP], [(DENY, UNSURE)]),
        ([set_to(["low", "high"], {"meta": {"key": "priority"}}), DROP], [(DENY, UNSURE)]),
        ([set_to(1, {"ct": {"key": "label"}}), DROP], [(DENY, SURE)]),
        ([set_to("host", {"meta": {"key": "pkttype"}}), DROP], [(UNKNOWN, SURE)]),
        ([set_to(64, {"payload": {"protocol": "ip", "field": "ttl"}}), DROP], [(DENY, SURE)]),
        ([set_to(9, {"payload": {"protocol": "ip", "field": "dscp"}}), DROP], [(DENY, SURE)]),
        ([set_to(9, {"payload": {"protocol": "ip", "field": "ecn"}}), DROP], [(DENY, SURE)]),
        ([set_to(9, {"payload": {"protocol": "ip6", "field": "hoplimit"}}), DROP], []),
        ([set_to(9, {"payload": {"protocol": "ip6", "field": "flowlabel"}}), DROP], []),
        ([set_to(9, {"payload": {"protocol": "tcp", "field": "dport"}}), DROP], [(UNKNOWN, SURE)]),
        ([set_to(9, {"tcp option": {"name": "maxseg", "field": "size"}}), DROP], [(UNKNOWN, SURE)]),
        # marks: what is set before the rule may end is set whatever follows
        ([set_to(5), DROP], [(DENY, SURE)]),
        ([set_to(5)], [(NEXT, SURE)]),
        ([set_to(5), meta("skuid", 0), DROP], [(NEXT, SURE), (DENY, UNSURE)]),
        ([set_to(5), TCP22, DROP], [(NEXT, SURE), (DENY, SURE)]),
        ([set_to(5), LIMIT, DROP], [(NEXT, SURE), (DENY, SURE)]),
        ([set_to(5), {"notrack": None}, DROP], [(NEXT, SURE), (Action.NOTRACK, SURE), (DENY, SURE)]),
        ([set_to(5), set_to(CONNMARK), DROP], [(NEXT, SURE), (DENY, SURE)]),
        ([set_to({"meta": {"key": "cpu"}}), DROP], [(DENY, UNSURE)]),
        ([set_to(ZONE, CONNMARK), DROP], [(DENY, UNSURE)]),
        # maps of verdicts
        ([vmap(TCP22["match"]["left"], "@changing")], [(UNKNOWN, UNSURE)]),
        ([vmap(MARK, entries([1, ACCEPT], [2, {"jump": {"target": "c"}}], ["*", DROP]))],
         [(ALLOW, SURE), (Action.JUMP, SURE), (DENY, SURE)]),
        ([vmap(MARK, entries([1, "accept"], [2, "return"]))], [(ALLOW, SURE), (Action.RETURN, SURE)]),
        ([vmap(MARK, entries(["odd", ACCEPT], [1, ACCEPT], ["*", DROP]))], [(ALLOW, UNSURE), (ALLOW, SURE), (DENY, UNSURE)]),
        ([vmap(MARK, entries([1, "queue"]))], [(UNKNOWN, SURE)]),
        ([vmap({"meta": {"key": "skuid"}}, entries(["*", DROP]))], [(DENY, UNSURE)]),
        ([vmap({"meta": {"key": "iifgroup"}}, entries(["*", DROP]))], [(DENY, UNSURE)]),
        ([vmap(ZONE, entries(["*", DROP]))], [(DENY, UNSURE)]),
        ([vmap({"fib": {"result": "type", "flags": ["daddr"]}}, entries(["*", DROP]))], [(DENY, UNSURE)]),
        ([vmap({"meta": {"key": "iifname"}}, entries(["*", DROP]))], [(DENY, SURE)]),
        ([vmap({"ct": {"key": "state"}}, entries(["*", DROP]))], [(DENY, SURE)]),
        ([vmap({"ct": {"key": "state"}}, entries(["*", {"elem": {"val": "x"}}]))], [(UNKNOWN, SURE)]),
        ([meta("skuid", 0), vmap(MARK, entries([1, ACCEPT], ["*", DROP]))], [(ALLOW, UNSURE), (DENY, UNSURE)]),
        ([vmap(MARK, entries([{"elem": {"val": "*", "limit": {}}}, DROP]))], [(DENY, UNSURE)]),
    ],
    ids=str,
)  # fmt: skip
def test_what_a_rule_does(statements: list[Any], expected: list[tuple[Action, bool]]) -> None:
    assert effects(*statements) == expected


@pytest.mark.parametrize(
    "statement",
    [{word: None} for word in ("log", "comment", "last", "secmark", "ct helper", "ct timeout", "snat")],
    ids=str,
)  # fmt: skip
def test_statements_after_which_the_rule_goes_on(statement: Any) -> None:
    assert effects(statement, DROP) == [(DENY, SURE)]


def test_connections_at_once_have_no_rate() -> None:
    (rule,) = of_ipv4({"ct count": {"val": 9}}, DROP)
    assert rule.rates == (rates.unknown(rates.AT_ONCE),)


def test_a_jump_leads_to_a_chain_of_the_same_table() -> None:
    for jump in ("jump", "goto"):
        (rule,) = of_ipv4({jump: {"target": "c"}})
        assert rule.effect == (Action(jump), ("inet", "t", "c"))


@pytest.mark.parametrize(
    ("statements", "tracked_alone"),
    [
        ([ct("mark", 0, "=="), DROP], True),
        ([ct("direction", "original", "=="), DROP], True),
        ([ct("status", "dnat", "!="), DROP], True),
        ([ct("state", "established", "!="), DROP], False),
        ([set_to(CONNMARK), DROP], True),
        ([set_to({"|": [CONNMARK, 4]}), DROP], True),
        ([set_to({"|": [CONNMARK, 4]}, CONNMARK), DROP], True),
        ([set_to({"^": [CONNMARK, CONNMARK]}, CONNMARK), DROP], True),
        ([set_to({"<<": [CONNMARK, 4]}, CONNMARK), DROP], True),
        ([set_to({"map": {"key": CONNMARK, "data": "@m"}}), DROP], True),
        ([set_to(4, CONNMARK), DROP], False),
        ([set_to(MARK, CONNMARK), DROP], False),
        ([vmap(CONNMARK, entries(["*", DROP]))], True),
        ([vmap({"ct": {"key": "status"}}, entries(["*", DROP]))], True),
        ([vmap({"ct": {"key": "direction"}}, entries(["reply", ACCEPT], ["*", DROP]))], True),
        ([vmap({"ct": {"key": "state"}}, entries(["*", DROP]))], False),
        ([vmap(MARK, entries(["*", DROP]))], False),
    ],
    ids=str,
)  # fmt: skip
def test_a_rule_ends_for_packets_without_a_connection_where_it_looks_at_one(
    statements: list[Any], tracked_alone: bool
) -> None:
    (rule,) = (rule for rule in of_ipv4(*statements) if rule.effect.action is DENY)
    assert all(box.get(Dimension.CONNTRACK) == FALSE for box in rule.boxes) is tracked_alone
    assert rule.boxes


@pytest.mark.parametrize("prio", [-300, -150])
@pytest.mark.parametrize(
    "condition",
    [
        [ct("direction", "original", "==")],
        [ct("direction", "reply", "!=")],
        [ct("status", "dnat", "!=")],
        [set_to({"|": [CONNMARK, 4]}, CONNMARK)],
        [vmap(CONNMARK, entries(["*", DROP]))],
    ],
    ids=str,
)
def test_what_looks_at_a_connection_stops_nothing_before_there_is_one(
    condition: list[Any], prio: int
) -> None:
    node = observed(nft=nft([*condition, DROP], policy="accept", hook="prerouting", prio=prio))
    rule = Declared(proto="tcp", port=22, action="deny")
    (found,) = results(Firewall(rules=[rule]), node).values()
    assert found.outcome == ("drift" if prio == -300 else "compliant")


def test_changes_of_marks_are_in_the_order_of_their_statements() -> None:
    five, four = marks.Change(marks.PACKET, 0, 0, 5), marks.Change(marks.PACKET, 0, 0, 4)
    assert [rule.changes for rule in of_ipv4(set_to(5), set_to(4), DROP)] == [(five, four)]
    assert [rule.changes for rule in of_ipv4(set_to(5), TCP22, DROP)] == [(five,), ()]
    both = of_ipv4(set_to(5), TCP22, set_to(4))
    assert [(rule.changes, rule.boxes) for rule in both] == [
        ((five,), ({},)),
        ((four,), ({Dimension.PROTO: ((6, 6),), Dimension.DPORT: ((22, 22),)},)),
    ]


def boxes(rule: FilterRule) -> list[Mapping[Dimension, Any]]:
    return list(rule.boxes)


def test_the_key_for_everything_else_is_for_no_packet_with_a_key_of_its_own() -> None:
    key = {"meta": {"key": "l4proto"}}
    tcp, udp, rest = of_ipv4(vmap(key, entries(["*", DROP], ["tcp", ACCEPT], ["udp", "continue"])))
    assert boxes(tcp) == [{Dimension.PROTO: ((6, 6),)}]
    assert (boxes(udp), udp.effect.action) == ([{Dimension.PROTO: ((17, 17),)}], NEXT)
    assert boxes(rest) == [{Dimension.PROTO: ((0, 5), (7, 16), (18, 255))}]
    families = of_ipv4(vmap({"meta": {"key": "nfproto"}}, entries(["ipv6", ACCEPT], ["*", DROP])))
    assert [(rule.effect.action, boxes(rule)) for rule in families] == [(DENY, [{}])]
    one, others = of_ipv4(vmap(SOURCE, entries(["192.0.2.1", ACCEPT], ["*", DROP])))
    assert (boxes(one), others.opaque) == ([{Dimension.SADDR4: LASTING}], "any other key")
    first, *_ = of_ipv4(meta("l4proto", "tcp"), vmap(MARK, entries([1, ACCEPT], ["*", DROP])))
    assert first.boxes[0][Dimension.PROTO] == ((6, 6),)


@pytest.mark.parametrize(
    ("statement", "left"),
    [
        ({"reject": {"type": "tcp reset"}}, [{Dimension.PROTO: ((6, 6),)}]),
        ({"reject": {"type": "icmpx", "expr": "port-unreachable"}}, [{}]),
        ({"reject": None}, [{}]),
        (set_to(64, {"payload": {"protocol": "ip", "field": "ttl"}}), [{}]),
    ],
    ids=str,
)
def test_a_reset_is_of_tcp(statement: Any, left: list[Any]) -> None:
    (rule,) = of_ipv4(statement, DROP)
    assert boxes(rule) == left


@pytest.mark.parametrize(
    "part", [None, {"type": "watcher", "name": "x"}, {"type": "match", "name": "recent"}], ids=str
)
def test_a_part_of_iptables_that_may_keep_a_list_has_any_memory(part: Any) -> None:
    (rule,) = of_ipv4({"xt": part})
    assert [rate.memory for rate in rule.rates] == [rates.ANY_MEMORY]


SOURCE = {"payload": {"protocol": "ip", "field": "saddr"}}
LASTING, EXPIRING = ((0xC0000201, 0xC0000201),), ((0xC0000201, 0xC0000202),)


def test_elements_that_expire_make_a_second_rule_which_is_passing() -> None:
    staying, passing = of_ipv4(match("ip", "saddr", "@soon"), DROP)
    assert (boxes(staying), staying.passing) == ([{Dimension.SADDR4: LASTING}], False)
    assert (boxes(passing), passing.passing) == ([{Dimension.SADDR4: EXPIRING}], True)
    (only,) = of_ipv4(match("ip", "saddr", "@s"), DROP)
    assert (boxes(only), only.passing) == ([{Dimension.SADDR4: LASTING}], False)
    assert len(of_ipv4(match("ip", "saddr", "@gone"), DROP)) == 1


def test_the_key_for_everything_else_of_a_map_that_expires_is_uncertain() -> None:
    rules = of_ipv4(vmap(TCP22["match"]["left"], "@later"))
    assert [(rule.effect.action, rule.passing) for rule in rules] == [
        (DENY, False),
        (ALLOW, True),
        (DENY, True),
    ]
    assert all(rule.opaque for rule in rules if rule.effect.action is DENY)
