"""The objects in the JSON that nft prints (libnftables-json(5), "RULESET OBJECTS"), as records.

What is in a statement, and the elements of sets, stay as they are printed: they are a language of
their own, which nft_rules, nft_conditions and nft_values read.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeAlias

from power_edge.json_value import (
    Json,
    a_list,
    a_member,
    a_text,
    an_integer,
    an_object,
    decoded,
    text_at,
)
from power_edge.resources.firewall.packets.program import Key

_OBJECTS = frozenset({"table", "chain", "rule", "set", "map"})
UNPRINTED = ""
"""The kind of a statement that nft cannot print as JSON. Its body is nft's text."""


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


class Statement(NamedTuple):
    """A statement of a rule. `body`: in the form that nft prints."""

    kind: str
    body: Json


class Rule(NamedTuple):
    """A rule of the chain `key`."""

    key: Key
    handle: str
    statements: Sequence[Statement]


class ElementSet(NamedTuple):
    """A set or a map. `elements`: in the form that nft prints.

    `changes`: packets change it, by a flag or by its statements.
    """

    key: Key
    elements: list[Json]
    changes: bool


Object: TypeAlias = Table | Chain | Rule | ElementSet


def objects(text: str) -> Iterator[Object]:
    """Yield the objects that are read, in their order. TypeError and KeyError for JSON of another
    form, RecursionError for one that is too deep; ValueError for other text.
    """
    for entry in a_list(an_object(decoded(text))["nftables"]):
        kind, body = a_member(entry)
        if kind in _OBJECTS:
            yield _object(kind, an_object(body))


def _object(kind: str, body: dict[str, Json]) -> Object:
    family = a_text(body["family"])
    if kind == "table":
        return Table(family, a_text(body["name"]), frozenset(_texts(body.get("flags", []))))
    table = a_text(body["table"])
    if kind == "rule":
        key = family, table, a_text(body["chain"])
        statements = [_statement(part) for part in a_list(body["expr"])]
        return Rule(key, str(body.get("handle", "?")), statements)
    key = family, table, a_text(body["name"])
    if kind == "chain":
        return _chain(key, body)
    elements = body.get("elem", [])
    idle = all(
        isinstance(each, dict) and set(each) <= {"counter"} for each in a_list(body.get("stmt", []))
    )
    return ElementSet(
        key,
        elements if isinstance(elements, list) else [elements],
        "dynamic" in _texts(body.get("flags", [])) or not idle,
    )


def _statement(part: Json) -> Statement:
    return Statement(UNPRINTED, part) if isinstance(part, str) else Statement(*a_member(part))


def _chain(key: Key, body: dict[str, Json]) -> Chain:
    return Chain(
        key,
        text_at(body, "hook"),
        an_integer(body.get("prio", 0)),
        a_text(body.get("policy", "accept")),
        a_text(body.get("type", "")),
        tuple(_texts(device)) if (device := body.get("dev")) else None,
    )


def _texts(value: Json) -> list[str]:
    """Return what nft prints as a text alone, or as a list of texts."""
    return [value] if isinstance(value, str) else [a_text(each) for each in a_list(value)]
