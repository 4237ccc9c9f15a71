"""How far a firewall's rules are followed.

A node writes them, and can make them as hard to follow as it likes.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest

from power_edge.model import Outcome
from power_edge.model.generated.resources.firewall_schema import Firewall, Rule
from power_edge.resources.firewall import queries
from power_edge.resources.firewall.packets.chain_order import orders
from power_edge.resources.firewall.packets.dimension import Dimension
from power_edge.resources.firewall.packets.program import (
    ALLOW,
    INCOMING,
    QUESTION_STEPS,
    Action,
    BaseChain,
    Effect,
    Effort,
    FilterRule,
    Key,
    Program,
    Region,
    Undecidable,
)
from power_edge.resources.firewall.packets.sets import numbers
from power_edge.resources.firewall.packets.walk import walk
from power_edge.resources.firewall.readers import iptables, nftables
from tests.resources.firewall.test_firewall import (
    ACCEPT,
    ALLOW_22,
    DENY_22,
    TCP22,
    legacy,
    nft,
    observed,
    outcome,
    results,
)


def doubling(chains: int) -> str:
    """Chains that each jump twice to the next: 2 ** chains paths through them."""
    more = [
        {"chain": {"family": "inet", "table": "t", "name": f"c{number}"}}
        for number in range(chains + 1)
    ]
    jumps = [
        {
            "rule": {
                "family": "inet",
                "table": "t",
                "chain": f"c{number}",
                "expr": [{"jump": {"target": f"c{number + 1}"}}],
            }
        }
        for number in range(chains)
        for _ in range(2)
    ]
    return nft([{"jump": {"target": "c0"}}], more=[*more, *jumps])


def doubling_for(port: int, chains: int) -> str:
    """As `doubling`, for the packets to one port; others are accepted if they go to 80."""
    first = [
        {
            "match": {
                "op": "==",
                "left": {"payload": {"protocol": "tcp", "field": "dport"}},
                "right": port,
            }
        },
        {"jump": {"target": "c0"}},
    ]
    whole = json.loads(doubling(chains))
    for entry in whole["nftables"]:
        if (
            entry.get("rule", {}).get("expr") == [{"jump": {"target": "c0"}}]
            and entry["rule"]["chain"] == "in"
        ):
            entry["rule"]["expr"] = first
    return json.dumps(whole)


TOO_COMPLEX = "the ruleset is too complex to be followed"


def test_the_verdict_of_an_item_is_the_same_alone_and_beside_any_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """hostile.md 8, in steps: 30 chains that each jump twice to the next took 4.5 s for each rule.

    Here they are for port 22 alone. Rules about it are too hard, and others are not, whichever
    comes first, and however many there are.
    """
    monkeypatch.setattr(queries, "QUESTION_STEPS", 2_000)
    ruleset = doubling_for(22, 30)
    easy = [Rule(proto="tcp", port=port, action="deny") for port in (80, 443)]
    for rules in (
        [ALLOW_22, *easy],
        [*easy, ALLOW_22],
        [easy[0], ALLOW_22, easy[1]],
        [ALLOW_22],
        easy,
    ):
        found = results(Firewall(rules=rules), observed(nft=ruleset))
        for name, result in found.items():
            hard = " 22/" in name
            assert result.outcome is (Outcome.UNKNOWN if hard else Outcome.COMPLIANT), (
                name,
                result.why,
            )
            assert (TOO_COMPLEX in (result.why or "")) is hard


def test_any_number_of_hard_questions_is_decided(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of these takes half of a question's steps, and has as many as if it were alone."""
    monkeypatch.setattr(queries, "QUESTION_STEPS", 1_000)
    rules = [Rule(proto="tcp", port=port, action="deny") for port in range(1, 11)]
    found = results(Firewall(rules=rules), observed(nft=doubling(7)))
    assert {result.outcome for result in found.values()} == {Outcome.COMPLIANT}


def test_what_all_packets_do_is_followed_once_also_where_it_cannot_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    walks: list[object] = []

    def counting(
        followed: Program,
        hooks: tuple[str, ...],
        family: int,
        start: Iterable[Region],
        effort: Effort,
    ) -> list[Region]:
        walks.append((hooks, family))
        return walk(followed, hooks, family, start, effort)

    monkeypatch.setattr(queries, "walk", counting)
    monkeypatch.setattr(queries, "SURVEY_STEPS", 20_000)
    found = results(
        Firewall(enabled=True, default_incoming="deny", default_outgoing="allow", exclusive=True),
        observed(nft=doubling(30)),
    )
    assert TOO_COMPLEX in (found["default_incoming"].why or "")
    assert {found[name].outcome for name in ("enabled", "default_incoming", "exclusive")} == {
        Outcome.UNKNOWN
    }
    assert len(walks) == len(set(walks))


def test_long_sets_count_by_their_length() -> None:
    """A rule takes one step per region, but cutting 50,000 addresses out of one takes as long as
    many.
    """
    many = numbers((2 * number, 2 * number) for number in range(50_000))
    rules = tuple(
        FilterRule(
            ({Dimension.SADDR4: many, Dimension.DPORT: ((port, port),)},), Effect(ALLOW), "x"
        )
        for port in range(60)
    )
    key = ("inet", "t", "input")
    program = Program(chains={key: {4: rules}}, bases=(BaseChain("input", 0, key, (4,)),))
    regions = [Region({Dimension.PROTO: ((6, 6),)})]
    with pytest.raises(Undecidable, match=TOO_COMPLEX):
        walk(program, INCOMING, 4, regions, Effort(QUESTION_STEPS))
    short = tuple(
        rule._replace(
            boxes=({Dimension.SADDR4: ((1, 1),), Dimension.DPORT: rule.boxes[0][Dimension.DPORT]},)
        )
        for rule in rules
    )
    assert walk(
        replace(program, chains={key: {4: short}}), INCOMING, 4, regions, Effort(QUESTION_STEPS)
    )


def test_chains_whose_orders_take_too_long_to_compare_are_undecidable() -> None:
    udp = ({Dimension.PROTO: ((17, 17),)},)
    shared = ("inet", "t", "shared")
    keys = [("inet", "t", f"b{number}") for number in range(2)]
    chains: dict[Key, Mapping[int, tuple[FilterRule, ...]]] = {
        key: {4: (FilterRule(udp, Effect(Action.JUMP, shared), "x"),)} for key in keys
    }
    chains[shared] = {4: (FilterRule(udp, Effect(ALLOW), "x"),) * 20_000}
    program = Program(chains=chains, bases=tuple(BaseChain("input", 0, key, (4,)) for key in keys))
    with pytest.raises(Undecidable, match=TOO_COMPLEX):
        list(orders(program, INCOMING, 4, Effort(1_000)))
    many = replace(
        program, bases=tuple(BaseChain("input", number, keys[0], (4,)) for number in range(101))
    )
    with pytest.raises(Undecidable, match="more than 100 chains are called"):
        list(orders(many, INCOMING, 4, Effort(QUESTION_STEPS)))


def test_a_ruleset_of_too_many_rules_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (nftables, iptables):
        monkeypatch.setattr(module, "MANY_RULES", 7)  # a rule with one box counts as two
    assert observed(nft=nft([TCP22, ACCEPT]))
    with pytest.raises(ValueError, match=TOO_COMPLEX):
        observed(nft=nft(*[[TCP22, ACCEPT]] * 2))  # each is one rule of either family
    with pytest.raises(ValueError, match=TOO_COMPLEX):
        legacy(*["INPUT -p tcp -j ACCEPT"] * 4)


def test_sets_that_are_named_again_and_again_make_rules_opaque(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(nftables, "MANY_ELEMENTS", 10)
    named = {
        "set": {
            "family": "inet",
            "table": "t",
            "name": "s",
            "type": "inet_service",
            "elem": [22, 80, 443],
        }
    }
    rule = [
        {
            "match": {
                "op": "==",
                "left": {"payload": {"protocol": "tcp", "field": "dport"}},
                "right": "@s",
            }
        },
        ACCEPT,
    ]
    assert outcome(ALLOW_22, observed(nft=nft(rule, more=[named]))) == "compliant"
    (found,) = results(
        Firewall(rules=[DENY_22]), observed(nft=nft(*[rule] * 4, more=[named]))
    ).values()
    assert found.outcome is Outcome.DRIFT  # the first rules were read, and decide
    ahead = [
        {
            "match": {
                "op": "==",
                "left": {"payload": {"protocol": "udp", "field": "dport"}},
                "right": "@s",
            }
        },
        ACCEPT,
    ]
    (found,) = results(
        Firewall(rules=[ALLOW_22]), observed(nft=nft(*[ahead] * 4, rule, more=[named]))
    ).values()
    assert (found.outcome, TOO_COMPLEX in (found.why or "")) == (Outcome.UNKNOWN, True)
