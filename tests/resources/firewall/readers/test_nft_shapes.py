"""JSON of nft in a form that it does not print: nothing in it is passed over."""

from typing import Any

import pytest

from power_edge.resources.firewall.observation import parse
from power_edge.resources.firewall.readers.nft_conditions import UNEXPECTED
from tests.resources.firewall.test_firewall import (
    ALLOW_22,
    FIB,
    answer,
    match,
    meta,
    nft,
    observed,
    outcome,
)

ACCEPT, DROP = {"accept": None}, {"drop": None}


@pytest.mark.parametrize(
    "statement",
    [
        {"accept": None, "drop": None},
        {"match": match("tcp", "dport", 22)["match"], "drop": None},
        {},
        5,
        None,
        [],
    ],
    ids=str,
)
def test_a_statement_that_is_not_one_makes_the_ruleset_unknown(statement: Any) -> None:
    with pytest.raises(ValueError, match="not understood: nft's list of rules"):
        parse(answer(nft=nft([statement], [ACCEPT])))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"policy": "drop"', '"policy": null'),
        ('"policy": "drop"', '"policy": ""'),
        ('"policy": "drop"', '"policy": 0'),
        ('"hook": "input"', '"hook": null'),
        ('"prio": 0', '"prio": true'),
        ('"prio": 0', '"prio": 1e999'),
        ('"prio": 0', '"prio": "filter"'),
        ('"type": "filter"', '"type": []'),
        ('"name": "in"', '"name": {}'),
        ('"expr": [', '"expr": {}, "x": ['),
        ('"chain": "in"', '"chain": ["in"]'),
        ('{"nftables": ', '{"other": '),
        ('{"rule":', '{"counter": {}, "rule":'),
    ],
)
def test_an_object_of_another_form_makes_the_ruleset_unknown(old: str, new: str) -> None:
    text = nft([match("tcp", "dport", 22), ACCEPT])
    assert outcome(ALLOW_22, observed(nft=text)) == "compliant"
    assert old in text
    with pytest.raises(ValueError, match="not understood: nft's list of rules"):
        parse(answer(nft=text.replace(old, new)))


@pytest.mark.parametrize(
    "condition",
    [
        {"op": "==", "left": {"payload": 5}, "right": 22},
        {"op": "==", "left": {"payload": ["tcp"]}, "right": 22},
        {"op": "==", "left": {}, "right": 22},
        {"op": "==", "left": {"meta": {"key": "mark"}, "ct": {"key": "mark"}}, "right": 22},
        {"op": "==", "left": {"meta": {"key": None}}, "right": 22},
        {"op": "==", "left": {"ct": "state"}, "right": "new"},
        {"op": "==", "left": {"&": {"a": 1, "b": 2}}, "right": 22},
        {"op": "==", "left": {"concat": "ab"}, "right": {"concat": "ab"}},
        match("ip", "saddr", 5)["match"],
        match("ip", "saddr", {"range": ["10.0.0.1", 5]})["match"],
        match("ip", "saddr", {"range": "ab"})["match"],
        match("tcp", "dport", {"range": [1, 2, 3]})["match"],
        match("tcp", "dport", {"set": [{"elem": "val"}]})["match"],
    ],
    ids=str,
)
def test_a_condition_of_another_form_makes_its_rule_opaque(condition: Any) -> None:
    what = observed(nft=nft([{"match": condition}, DROP], [match("tcp", "dport", 22), ACCEPT]))
    opaque = {
        rule.opaque
        for families in what.program.chains.values()
        for rules in families.values()
        for rule in rules
    }
    assert any(UNEXPECTED in (each or "") for each in opaque)
    assert outcome(ALLOW_22, what) == "unknown"


@pytest.mark.parametrize("right", [1, 2, "1", None, [], "lo"])
def test_only_a_missing_route_or_any_route_is_understood_of_fib(right: Any) -> None:
    rule = [{"match": {"op": "==", "left": FIB, "right": right}}, DROP]
    what = observed(nft=nft(rule, [match("tcp", "dport", 22), ACCEPT]))
    assert outcome(ALLOW_22, what) == "unknown"


def test_a_range_over_two_families_is_not_understood() -> None:
    wide = match("ip", "saddr", {"range": ["0.0.0.0", "::ffff:ffff"]})
    assert (
        outcome(ALLOW_22, observed(nft=nft([wide, match("tcp", "dport", 22), ACCEPT])))
        != "compliant"
    )


@pytest.mark.parametrize(("number", "word"), [(2, "ipv4"), ("2", "ipv4"), (10, "ipv6")])
def test_a_family_may_be_printed_as_a_number(number: Any, word: str) -> None:
    as_number, as_word = (
        nft([meta("nfproto", value), match("tcp", "dport", 22), ACCEPT]) for value in (number, word)
    )
    assert observed(nft=as_number).program == observed(nft=as_word).program
