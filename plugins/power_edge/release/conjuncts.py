"""A schema as what must hold all at once: its own keywords, and those that it takes from others."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from power_edge.json_value import Json
from power_edge.release.schema_set import Place, SchemaSet, is_annotation
from power_edge.release.values import KINDS, canonical, kind, kinds

GROUPS: Final = (
    ("properties", "patternProperties", "additionalProperties"),
    ("items", "prefixItems"),
    ("contains", "minContains", "maxContains"),
    ("if", "then", "else"),
    ("unevaluatedProperties",),
    ("unevaluatedItems",),
)
"""Keywords that mean something only together: those of two schemas are never mixed."""


class Keyword(NamedTuple):
    """The value of a keyword, and the place of the schema that holds it."""

    value: Json
    holder: Place


@dataclass(frozen=True)
class Conjunct:
    """Keywords that must hold together."""

    keywords: Mapping[str, Keyword]
    kinds: frozenset[str]
    """What a value may be as far as these tell."""
    values: tuple[Json, ...] | None
    """All that a value may be, if they tell (`const`, `enum`)."""

    def get(self, keyword: str) -> Json:
        """Return the value of a keyword; None without it."""
        found = self.keywords.get(keyword)
        return found.value if found is not None else None

    def place(self, *parts: str | int) -> Place | None:
        """Return the place of a keyword, or of a part of its value; None if there is none."""
        found = self.keywords.get(str(parts[0]))
        return found.holder.at(*parts) if found is not None else None


def conjuncts(found: SchemaSet, place: Place | None) -> list[Conjunct]:
    """Return what must hold for a value of the schema at a place; None is the schema `true`.

    `$ref` and `allOf` are opened.
    """
    return list(_conjuncts(found, place)) if place is not None else []


def _conjuncts(found: SchemaSet, place: Place) -> Iterator[Conjunct]:
    schema = found.schema(place)
    if schema is True:
        return
    if schema is False:
        yield _conjunct({"enum": Keyword([], place)})
        return
    assert isinstance(schema, dict)
    own = {
        word: Keyword(value, place)
        for word, value in schema.items()
        if not is_annotation(word) and word not in ("$ref", "allOf")
    }
    if own:
        yield _conjunct(own)
    reference = schema.get("$ref")
    if isinstance(reference, str):
        yield from _conjuncts(found, found.target(place, reference))
    parts = schema.get("allOf")
    for index in range(len(parts) if isinstance(parts, list) else 0):
        yield from _conjuncts(found, place.at("allOf", index))


def _conjunct(keywords: Mapping[str, Keyword]) -> Conjunct:
    allowed = kinds(keywords["type"].value) if "type" in keywords else KINDS
    values: tuple[Json, ...] | None = None
    if "const" in keywords:
        values = (keywords["const"].value,)
    if "enum" in keywords and isinstance(keywords["enum"].value, list):
        listed = tuple(keywords["enum"].value)
        # With both, a value must be in both; the shorter of two lists is enough to know.
        values = listed if values is None or len(listed) < len(values) else values
    return _limited(keywords, allowed, values)


def _limited(
    keywords: Mapping[str, Keyword], allowed: frozenset[str], values: tuple[Json, ...] | None
) -> Conjunct:
    if values is not None:
        values = tuple(value for value in values if kind(value) in allowed)
        allowed = frozenset(map(kind, values))
    return Conjunct(keywords, allowed, values)


def without(conjunct: Conjunct, keyword: str) -> Conjunct:
    """Return a conjunct without a keyword: it allows more."""
    return Conjunct(
        {word: value for word, value in conjunct.keywords.items() if word != keyword},
        conjunct.kinds,
        conjunct.values,
    )


def only(conjunct: Conjunct, kind_: str) -> Conjunct:
    """Return a conjunct for values of one kind alone."""
    return _limited(conjunct.keywords, conjunct.kinds & {kind_}, conjunct.values)


def merged(parts: Sequence[Conjunct]) -> Conjunct:
    """Return one conjunct that allows what all of them allow, and perhaps more.

    Of a keyword that several have, one is kept; of a group that several have, none.
    """
    keywords: dict[str, Keyword] = {}
    allowed, values = KINDS, None
    for part in parts:
        for word, keyword in part.keywords.items():
            keywords.setdefault(word, keyword)
        allowed &= part.kinds
        if part.values is not None and (values is None or len(part.values) < len(values)):
            values = part.values
    for group in GROUPS:
        owners = [part for part in parts if any(word in part.keywords for word in group)]
        if len(owners) > 1:
            for word in group:
                keywords.pop(word, None)
    return _limited(keywords, allowed, values)


def same(first: Json, second: Json) -> bool:
    """Whether two values are equal as JSON Schema defines it."""
    return canonical(first) == canonical(second)
