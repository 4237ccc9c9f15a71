"""The objects of nft's JSON as records."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from power_edge.resources.firewall.readers.nft_objects import (
    Chain,
    ElementSet,
    Object,
    Rule,
    Statement,
    Table,
    objects,
)

PLACE = {"family": "inet", "table": "t"}
KEY = ("inet", "t", "x")


def read(*entries: Any) -> list[Object]:
    return list(objects(json.dumps({"nftables": list(entries)})))


@pytest.mark.parametrize(
    ("entry", "found"),
    [
        ({"table": {"family": "inet", "name": "t"}}, Table("inet", "t", frozenset())),
        ({"table": {"family": "inet", "name": "t", "flags": "dormant"}}, Table("inet", "t", frozenset({"dormant"}))),
        ({"table": {"family": "inet", "name": "t", "flags": ["dormant", "owner"]}}, Table("inet", "t", frozenset({"dormant", "owner"}))),
        ({"chain": {**PLACE, "name": "x"}}, Chain(KEY, None, 0, "accept", "", None)),
        ({"chain": {**PLACE, "name": "x", "hook": "input", "prio": -5, "policy": "drop", "type": "filter"}},
         Chain(KEY, "input", -5, "drop", "filter", None)),
        ({"chain": {**PLACE, "name": "x", "hook": "ingress", "dev": "eth0"}}, Chain(KEY, "ingress", 0, "accept", "", ("eth0",))),
        ({"chain": {**PLACE, "name": "x", "dev": ["eth0", "eth1"]}}, Chain(KEY, None, 0, "accept", "", ("eth0", "eth1"))),
        ({"chain": {**PLACE, "name": "x", "dev": []}}, Chain(KEY, None, 0, "accept", "", None)),
        ({"rule": {**PLACE, "chain": "x", "handle": 7, "expr": [{"drop": None}]}}, Rule(KEY, "7", [Statement("drop", None)])),
        ({"rule": {**PLACE, "chain": "x", "expr": []}}, Rule(KEY, "?", [])),
        ({"set": {**PLACE, "name": "x"}}, ElementSet(KEY, [], changes=False)),
        ({"set": {**PLACE, "name": "x", "elem": [1, 2]}}, ElementSet(KEY, [1, 2], changes=False)),
        ({"set": {**PLACE, "name": "x", "elem": 1}}, ElementSet(KEY, [1], changes=False)),
        ({"map": {**PLACE, "name": "x", "elem": [[1, "accept"]]}}, ElementSet(KEY, [[1, "accept"]], changes=False)),
        ({"set": {**PLACE, "name": "x", "flags": "dynamic"}}, ElementSet(KEY, [], changes=True)),
        ({"set": {**PLACE, "name": "x", "flags": ["timeout", "dynamic"]}}, ElementSet(KEY, [], changes=True)),
        ({"set": {**PLACE, "name": "x", "flags": ["timeout"]}}, ElementSet(KEY, [], changes=False)),
        ({"set": {**PLACE, "name": "x", "stmt": [{"counter": None}]}}, ElementSet(KEY, [], changes=False)),
        ({"set": {**PLACE, "name": "x", "stmt": [{"counter": None}, {"limit": {}}]}}, ElementSet(KEY, [], changes=True)),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)  # fmt: skip
def test_an_object(entry: Mapping[str, Any], found: Object) -> None:
    assert read({"metainfo": {"version": "1.0.6"}}, entry, {"flowtable": {"name": 5}}) == [found]


def test_the_place_of_a_table() -> None:
    assert Table("inet", "t", frozenset()).place == ("inet", "t")


@pytest.mark.parametrize(
    "entry",
    [
        {"table": {"family": 5, "name": "t"}},
        {"table": {"family": "inet", "name": None}},
        {"table": {"family": "inet"}},
        {"chain": {"family": "inet", "table": 5, "name": "x"}},
        {"chain": {**PLACE, "name": "x", "hook": ["input"]}},
        {"chain": {**PLACE, "name": "x", "dev": ["eth0", 5]}},
        {"chain": {**PLACE, "name": "x", "dev": 5}},
        {"chain": {**PLACE}},
        {"rule": {**PLACE, "chain": 5, "expr": []}},
        {"rule": {**PLACE, "chain": "x", "expr": {"drop": None}}},
        {"rule": {**PLACE, "chain": "x"}},
        {"set": {**PLACE, "name": 5}},
        {"set": {**PLACE}},
    ],
    ids=str,
)
def test_what_is_no_object(entry: Mapping[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError)):
        read(entry)
