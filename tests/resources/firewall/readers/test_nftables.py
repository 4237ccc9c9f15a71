"""A ruleset of nft as a program: its base chains, tables that are switched off, and what other
families do.
"""

import json
from typing import Any

import pytest

from power_edge.resources.firewall.packets.dimension import Dimension
from power_edge.resources.firewall.packets.program import (
    ALLOW,
    DENY,
    Action,
    BaseChain,
    Program,
)
from power_edge.resources.firewall.packets.sets import interface, numbers
from power_edge.resources.firewall.readers.nftables import devices, read

DROP = {"drop": None}
KEY = ("inet", "t", "c")


def table(
    *expr: Any, family: str = "inet", name: str = "t", flags: Any = (), **chain: Any
) -> list[Any]:
    """The objects of a table with a base chain, which has one rule if there are statements."""
    base = {"type": "filter", "hook": "input", "prio": 0, "policy": "accept", **chain}
    place = {"family": family, "table": name}
    rule = {"rule": {**place, "chain": "c", "handle": 1, "expr": list(expr)}}
    return [
        {"table": {"family": family, "name": name, "flags": list(flags)}},
        {"chain": {**place, "name": "c", **base}},
        *([rule] if expr else []),
    ]


def program(*objects: Any, **more: Any) -> Program:
    return read(json.dumps({"nftables": list(objects)}), **more)


def base(*expr: Any, **chain: Any) -> BaseChain:
    (found,) = program(*table(*expr, **chain)).bases
    return found


USUAL = BaseChain("input", 0, KEY, (4, 6), ALLOW, True, ({},), "nft inet t c")


@pytest.mark.parametrize(
    ("chain", "found"),
    [
        ({}, USUAL),
        ({"prio": -150}, USUAL._replace(priority=-150)),
        ({"policy": "drop"}, USUAL._replace(policy=DENY)),
        ({"hook": "output"}, USUAL._replace(hook="output")),
        ({"hook": "forward"}, USUAL._replace(hook="forward")),
        ({"hook": "prerouting"}, USUAL._replace(hook="prerouting", filters=False)),
        ({"type": "nat"}, USUAL._replace(filters=False, nat=True)),
        ({"type": "new"}, USUAL._replace(chain=None, filters=False, text="nft inet t c: its type is not known")),
        ({"type": "route", "hook": "output"}, USUAL._replace(hook="output", filters=False)),
        ({"family": "ip"}, USUAL._replace(chain=("ip", "t", "c"), families=(4,), text="nft ip t c")),
        ({"family": "ip6"}, USUAL._replace(chain=("ip6", "t", "c"), families=(6,), text="nft ip6 t c")),
        ({"hook": "ingress", "dev": "eth0"},
         USUAL._replace(hook="ingress", filters=False, boxes=({Dimension.IIF: (interface("eth0"),)},))),
        ({"family": "netdev", "hook": "egress", "dev": ["eth0", "wg*"]},
         USUAL._replace(hook="egress", chain=("netdev", "t", "c"), filters=False, text="nft netdev t c",
                        boxes=({Dimension.OIF: numbers([interface("eth0"), interface("wg*")])},))),
        ({"hook": "ingress"}, USUAL._replace(hook="ingress", chain=None, filters=False, text="nft inet t c: its devices could not be read")),
        ({"hook": "egress"}, USUAL._replace(hook="egress", chain=None, filters=False, text="nft inet t c: its devices could not be read")),
    ],
    ids=str,
)  # fmt: skip
def test_a_base_chain(chain: Any, found: BaseChain) -> None:
    assert base(**chain) == found


def test_a_chain_that_the_kernel_does_not_call() -> None:
    other = {"chain": {"family": "inet", "table": "t", "name": "d"}}
    found = program(*table(DROP), other)
    assert found.bases == (USUAL,)
    assert found.chains[("inet", "t", "d")] == {}
    assert {family: len(rules) for family, rules in found.chains[KEY].items()} == {4: 1, 6: 1}


@pytest.mark.parametrize("policy", ["continue", "", None])
def test_a_policy_that_is_not_known(policy: Any) -> None:
    with pytest.raises(ValueError, match="not understood"):
        base(policy=policy)


def test_a_rule_of_a_chain_that_is_not_there() -> None:
    rule = {"rule": {"family": "inet", "table": "t", "chain": "gone", "expr": []}}
    with pytest.raises(ValueError, match="not understood"):
        program(*table(), rule)


PLACE = ("inet", "t")


@pytest.mark.parametrize(
    ("flags", "dormant", "chains", "unclear"),
    [
        ([], None, 1, False),
        (["dormant"], None, 0, False),
        (["dormant"], [], 0, False),
        (["owner", "persist"], None, 1, False),
        (["owner", "surprise"], None, 1, True),
        (["surprise"], [], 1, False),
        (["surprise"], [PLACE], 0, False),
        ([], [PLACE], 0, False),
        ([], [("ip", "t"), ("inet", "u")], 1, False),
    ],
    ids=str,
)
def test_a_table_that_may_be_switched_off(
    flags: list[str], dormant: Any, chains: int, unclear: bool
) -> None:
    objects = [*table(DROP, flags=flags), *table(DROP, name="other")]
    found = program(*objects, dormant=dormant)
    assert [each.chain for each in found.bases if "other" in each.text] == [("inet", "other", "c")]
    own = [each for each in found.bases if "other" not in each.text]
    assert len(own) == chains
    assert (KEY in found.chains) is bool(chains)
    assert all((each.chain is None) is unclear for each in own)
    assert all(("dormant" in each.text) is unclear for each in own)


DEVICES = """table inet t {
	chain c {
		type filter hook input priority filter; policy accept;
	}
	chain d {
		type filter hook ingress devices = { eth0, eth1 } priority filter; policy accept;
	}
}
table netdev u {
	chain c {
		type filter hook ingress device "eth0" priority filter; policy accept;
	}
	chain e {
		type filter hook egress device wg0 priority -5; policy drop;
	}
	chain f {
		type filter hook egress devices = { "eth0", "wl*" } priority -5; policy drop;
	}
	chain g {
		type filter hook ingress priority -5; policy drop;
	}
}"""


def test_devices_in_text() -> None:
    assert devices(DEVICES) == {
        ("inet", "t", "d"): ["eth0", "eth1"],
        ("netdev", "u", "c"): ["eth0"],
        ("netdev", "u", "e"): ["wg0"],
        ("netdev", "u", "f"): ["eth0", "wl*"],
    }
    assert devices("") == devices("table\nchain\ntable x\n") == {}


def test_devices_of_the_text_are_those_of_a_chain_that_names_none() -> None:
    named = {("inet", "t", "c"): ["eth1"]}
    boxes = ({Dimension.IIF: (interface("eth1"),)},)
    (found,) = program(*table(hook="ingress"), named=named).bases
    assert (found.boxes, found.chain) == (boxes, KEY)
    (found,) = program(*table(hook="ingress", dev="eth0"), named=named).bases
    assert found.boxes == ({Dimension.IIF: (interface("eth0"),)},)


NOTRACK, MARK = {"notrack": None}, {"mangle": {"key": {"meta": {"key": "mark"}}, "value": 1}}
ACCEPT = {"accept": None}


@pytest.mark.parametrize(
    ("statements", "policy", "matters"),
    [
        ([DROP], "accept", True),
        ([{"reject": None}], "accept", True),
        ([{"queue": None}], "accept", True),
        ([NOTRACK], "accept", True),
        ([MARK], "accept", True),
        ([MARK, ACCEPT], "accept", True),
        ([ACCEPT], "accept", False),
        ([{"counter": None}], "accept", False),
        ([{"return": None}], "accept", False),
        ([ACCEPT], "drop", True),
        ([], "drop", True),
    ],
    ids=str,
)
@pytest.mark.parametrize(
    ("family", "hook", "families", "moves"),
    [("bridge", "input", (4, 6), True), ("bridge", "prerouting", (4, 6), True), ("arp", "input", (4,), False)],
)  # fmt: skip
def test_what_rules_of_other_families_may_do(
    statements: list[Any], policy: str, matters: bool, family: str, hook: str, families: tuple[int, ...], moves: bool
) -> None:  # fmt: skip
    found = program(*table(*statements, family=family, hook=hook, policy=policy)).bases
    (own, *doubts) = found
    assert own.hook == f"{family} {hook}"
    assert [(each.hook, each.families, each.chain, each.moves) for each in doubts] == (
        [(hook, families, None, moves) for hook in ("prerouting", "postrouting")] if matters else []
    )
    assert all(each.priority == -1000 and family in each.text for each in doubts)


def test_what_a_bridge_forwards_never_reaches_the_node() -> None:
    assert len(program(*table(DROP, family="bridge", hook="forward")).bases) == 1


def test_a_rule_in_a_chain_that_another_one_calls_counts() -> None:
    called = [
        {"chain": {"family": "bridge", "table": "t", "name": "d"}},
        {"rule": {"family": "bridge", "table": "t", "chain": "d", "handle": 2, "expr": [DROP]}},
    ]
    jump = table({"jump": {"target": "d"}}, family="bridge")
    assert len(program(*jump, *called).bases) == 3
    elsewhere = json.loads(json.dumps(called).replace('"t"', '"u"'))
    assert len(program(*jump, *elsewhere).bases) == 1


@pytest.mark.parametrize(
    ("hook", "stacked", "above"),
    [
        ("ingress", [("eth0", "br0")], ["br0"]),
        ("ingress", [("br0", "br0.7"), ("eth0", "br0")], ["br0", "br0.7"]),
        ("ingress", [("eth1", "br0")], []),
        ("ingress", [], []),
        ("egress", [("eth0", "eth0.7"), ("eth0", "eth0.8")], ["eth0.7", "eth0.8"]),
        ("input", [("eth0", "br0")], []),
    ],
)
def test_a_chain_of_a_device_may_see_packets_of_those_above(
    hook: str, stacked: list[tuple[str, str]], above: list[str]
) -> None:
    device = {} if hook == "input" else {"dev": "eth0"}
    found = program(*table(DROP, hook=hook, **device), stacked=stacked).bases
    side = Dimension.IIF if hook == "ingress" else Dimension.OIF
    assert [(each.hook, each.chain, each.boxes) for each in found[1:]] == (
        [(hook, None, ({side: numbers(map(interface, above))},))] if above else []
    )
    assert all("a device above" in each.text for each in found[1:])
    harmless = program(*table(ACCEPT, hook=hook, **device), stacked=stacked).bases
    assert len(harmless) == 1


def test_every_chain_of_a_device_counts() -> None:
    before = table(name="u")
    of_eth1 = table(ACCEPT, name="v", hook="ingress", dev="eth1")
    of_eth0 = table(DROP, hook="ingress", dev="eth0")
    found = program(*before, *of_eth1, *of_eth0, stacked=[("eth0", "br0")]).bases
    assert [base.chain for base in found].count(None) == 1
    unclear = program(*table(DROP, hook="ingress"), stacked=[("eth0", "br0")]).bases
    assert len(unclear) == 1


def test_the_chains_beside_those_of_other_families_stay() -> None:
    found = program(*table(DROP, family="bridge"), *table(DROP))
    assert set(found.chains) == {("bridge", "t", "c"), KEY}


def test_maps_that_rules_change() -> None:
    named = {"family": "inet", "table": "t", "name": "m", "elem": [["tcp", DROP]]}
    key = {"meta": {"key": "l4proto"}}
    looks = {"vmap": {"key": key, "data": "@m"}}
    adds = {"map": {"op": "add", "elem": key, "data": "drop", "map": "@m"}}
    for more, action in (([], Action.DENY), ([adds], Action.UNKNOWN)):
        rules = [
            {"rule": {"family": "inet", "table": "t", "chain": "c", "handle": 2, "expr": expr}}
            for expr in ([looks], *([statement] for statement in more))
        ]
        found = program(*table(), {"map": named}, *rules).chains[KEY][4]
        assert [rule.effect.action for rule in found] == [action]


def test_sets_that_rules_change() -> None:
    named = {"family": "inet", "table": "t", "name": "s", "elem": [22]}
    looks = {
        "match": {
            "op": "==",
            "left": {"payload": {"protocol": "tcp", "field": "dport"}},
            "right": "@s",
        }
    }
    adds = {"set": {"op": "add", "elem": 1, "set": "@s"}}
    other = {"set": {"op": "add", "elem": 1, "set": "@other"}}

    def opaque(*more: Any) -> list[bool]:
        expr = [looks, DROP]
        rules = [
            {"rule": {"family": "inet", "table": "t", "chain": "c", "handle": 2, "expr": each}}
            for each in (expr, *more)
        ]
        found = program(*table(), {"set": named}, *rules).chains[KEY][4]
        return [rule.opaque is not None for rule in found if rule.effect.action is Action.DENY]

    assert opaque() == [False]
    assert opaque([adds]) == [True]
    assert opaque([other]) == [False]
    assert opaque(["not printed", adds]) == [True]
