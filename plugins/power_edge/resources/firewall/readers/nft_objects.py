"""The objects in the JSON that nft prints (libnftables-json(5), "RULESET OBJECTS"), as records.

The statements of rules and the elements of sets stay as they are printed: they are a language of
their own, which nft_rules, nft_conditions and nft_values read.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

from power_edge.resources.firewall.packets.program import Key

_OBJECTS = frozenset({"table", "chain", "rule", "set", "map"})
_NAMES = ("family", "table", "name", "chain", "hook")
"""The fields that hold a name. Chains are found by names, so these must be texts."""


class Table(NamedTuple):
    """A table. `flags`: `dormant` and others."""

    family: str
    name: str
    flags: frozenset[str]

    @property
    def place(self) -> tuple[str, str]:
        """The family and the name."""
        return self.family, self.name


class Chain(NamedTuple):
    """A chain. `hook`: where the kernel calls it; None for one that it does not call.

    `priority`, `policy` and `type`: those of a base chain, and nft's own where it prints none.
    `devices`: those it is for; None where none is printed.
    """

    key: Key
    hook: str | None
    priority: int
    policy: str
    type: str
    devices: tuple[str, ...] | None


class Rule(NamedTuple):
    """A rule of the chain `key`. `expr`: its statements, in the form that nft prints."""

    key: Key
    handle: str
    expr: Sequence[Any]


class ElementSet(NamedTuple):
    """A set or a map. `elements`: in the form that nft prints.

    `changes`: packets change it, by a flag or by its statements.
    """

    key: Key
    elements: list[Any]
    changes: bool


Object: TypeAlias = Table | Chain | Rule | ElementSet


def objects(text: str) -> Iterator[Object]:
    """Yield the objects that are read, in their order. TypeError, KeyError, AttributeError and the
    like for JSON of another form; ValueError for other text.
    """
    for entry in json.loads(text)["nftables"]:
        kind, body = next(iter(entry.items()))
        if kind in _OBJECTS:
            yield _object(kind, body)


def _object(kind: str, body: Mapping[str, Any]) -> Object:
    for field in _NAMES:
        if not isinstance(body.get(field, ""), str):
            raise TypeError(f"the {field} of a {kind} is not a text")
    if kind == "table":
        return Table(body["family"], body["name"], _flags(body))
    place = body["family"], body["table"]
    if kind == "rule":
        expr = body["expr"]
        if not isinstance(expr, list):
            raise TypeError("the statements of a rule are not a list")
        return Rule((*place, body["chain"]), str(body.get("handle", "?")), expr)
    key = *place, body["name"]
    if kind == "chain":
        return _chain(key, body)
    elements = body.get("elem", [])
    idle = all(set(each) <= {"counter"} for each in body.get("stmt", []))
    some = elements if isinstance(elements, list) else [elements]
    return ElementSet(key, some, "dynamic" in _flags(body) or not idle)


def _chain(key: Key, body: Mapping[str, Any]) -> Chain:
    device = body.get("dev")
    devices = None if not device else (device,) if isinstance(device, str) else tuple(device)
    if not all(isinstance(name, str) for name in devices or ()):
        raise TypeError("a device of a chain is not a text")
    return Chain(
        key,
        body.get("hook"),
        int(body.get("prio", 0)),
        str(body.get("policy", "accept")),
        str(body.get("type", "")),
        devices,
    )


def _flags(body: Mapping[str, Any]) -> frozenset[str]:
    flags = body.get("flags", [])
    return frozenset({flags} if isinstance(flags, str) else flags)
