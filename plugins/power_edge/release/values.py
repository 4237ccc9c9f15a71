"""Compare JSON values and schemas: 1 equals 1.0 but not true, and the order of keys is ignored."""

from functools import lru_cache
from typing import Final, TypeAlias

import msgspec
from jsonschema_rs import Draft202012Validator

from power_edge.json_value import Json
from power_edge.release.schema_set import LISTS, MAPS, SINGLE, Place, SchemaSet, is_annotation

Canonical: TypeAlias = "tuple[object, ...]"
_SETS = ("enum", "required", "type")
"""Keywords whose lists have no order."""
KINDS: Final = frozenset(["null", "boolean", "integer", "fraction", "string", "array", "object"])
"""JSON's types; a number is an integer or a fraction."""


def canonical(value: Json) -> Canonical:
    """Return a hashable that equals another exactly if the values are equal as JSON Schema defines
    it.
    """
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, int | float):
        return ("number", value)
    if isinstance(value, dict):
        return ("object", frozenset((key, canonical(each)) for key, each in value.items()))
    if isinstance(value, list):
        return ("array", *map(canonical, value))
    return ("text", value)


def kind(value: Json) -> str:
    """Return which of KINDS a value is."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "integer" if value == value // 1 else "fraction"
    if isinstance(value, str):
        return "string"
    return "array" if isinstance(value, list) else "object"


def kinds(names: Json) -> frozenset[str]:
    """Return what the value of `type` allows, of KINDS."""
    words = names if isinstance(names, list) else [names]
    return frozenset(
        kind
        for word in words
        for kind in (("integer", "fraction") if word == "number" else (str(word),))
    )


def normal(found: SchemaSet, place: Place, above: tuple[Place, ...] = ()) -> Canonical:
    """Return a hashable that equals that of another schema only if both allow the same values.

    References are opened. One that leads back is its distance to the schema that it leads to.
    """
    if place in above:
        return ("back", len(above) - above.index(place))
    schema = found.schema(place)
    if isinstance(schema, bool):
        return ("schema", schema)
    if all(word == "$ref" or is_annotation(word) for word in schema) and "$ref" in schema:
        # It is the schema that it refers to, and counts as no step of the way back.
        return normal(found, found.target(place, str(schema["$ref"])), above)
    above = (*above, place)
    parts: set[tuple[str, Canonical]] = set()
    for keyword, value in schema.items():
        if is_annotation(keyword):
            continue
        at = place.at(keyword)
        if keyword == "$ref" and isinstance(value, str):
            part = normal(found, found.target(place, value), above)
        elif keyword in MAPS and isinstance(value, dict):
            part = tuple(sorted((name, normal(found, at.at(name), above)) for name in value))
        elif keyword in LISTS and isinstance(value, list):
            part = tuple(normal(found, at.at(index), above) for index in range(len(value)))
        elif keyword in SINGLE:
            part = normal(found, at, above)
        elif keyword in _SETS and isinstance(value, list):
            part = (frozenset(map(canonical, value)),)
        else:
            part = canonical(value)
        parts.add((keyword, part))
    return ("schema", frozenset(parts))


def is_valid(keyword: str, value: Json, instance: Json) -> bool:
    """Whether a value passes one keyword, by Power Edge's validator."""
    return _validator(msgspec.json.encode({keyword: value})).is_valid(instance)


@lru_cache(maxsize=4096)
def _validator(schema: bytes) -> Draft202012Validator:
    return Draft202012Validator(msgspec.json.decode(schema), offline=True)


def matches(pattern: str, name: str) -> bool:
    """Whether a pattern of patternProperties is for a name."""
    return is_valid("pattern", pattern, name)
