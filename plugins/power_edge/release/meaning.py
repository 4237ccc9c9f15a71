"""What changes its meaning although it validates the same: defaults, and deprecated fields."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from power_edge.json_value import Json
from power_edge.release.containment import Way
from power_edge.release.schema_set import Place, SchemaSet
from power_edge.release.values import canonical, matches

_BESIDE = ("allOf", "anyOf", "oneOf")
_ONE_BESIDE = ("then", "else")


class Note(NamedTuple):
    """A keyword that differs at one place of a document: `default` or `deprecated`."""

    keyword: str
    first: Place | None
    second: Place | None
    was: Json
    now: Json
    way: Way


def notes(first: SchemaSet, second: SchemaSet, file: str) -> Iterator[Note]:
    """Yield what differs between two sets in the documents that a file describes.

    A default counts if a value could stand there before and can now. That of a new field is no
    difference: files had nothing to leave out. A field that is gone is judged without it.
    """
    yield from _Walk(first, second).at([Place(file)], [Place(file)], ())


class _Walk:
    def __init__(self, first: SchemaSet, second: SchemaSet) -> None:
        self.first = first
        self.second = second
        self.visited: set[tuple[frozenset[Place], frozenset[Place]]] = set()

    def at(self, first: list[Place], second: list[Place], way: Way) -> Iterator[Note]:
        """Yield what differs at one place of a document, and below it."""
        before, after = together(self.first, first), together(self.second, second)
        pair = (frozenset(before), frozenset(after))
        if pair in self.visited:
            return
        self.visited.add(pair)
        for keyword in ("default", "deprecated"):
            yield from self._differing(keyword, before, after, way)
        for name in dict.fromkeys(
            [*keys(self.first, before, "properties"), *keys(self.second, after, "properties")]
        ):
            if not (
                any(_closed(self.first, each, name) for each in first)
                or any(_closed(self.second, each, name) for each in second)
            ):
                yield from self.at(
                    for_name(self.first, before, name),
                    for_name(self.second, after, name),
                    (*way, ("name", name)),
                )
        for pattern in dict.fromkeys(
            [
                *keys(self.first, before, "patternProperties"),
                *keys(self.second, after, "patternProperties"),
            ]
        ):
            yield from self.at(
                for_pattern(self.first, before, pattern),
                for_pattern(self.second, after, pattern),
                (*way, ("any", pattern)),
            )
        yield from self.at(
            schemas_at(self.first, before, "additionalProperties"),
            schemas_at(self.second, after, "additionalProperties"),
            (*way, ("any", "")),
        )
        for keyword in ("items", "prefixItems"):
            yield from self.at(
                schemas_at(self.first, before, keyword),
                schemas_at(self.second, after, keyword),
                (*way, ("item", "")),
            )

    def _differing(
        self, keyword: str, before: list[Place], after: list[Place], way: Way
    ) -> Iterator[Note]:
        old, new = _stated(self.first, before, keyword), _stated(self.second, after, keyword)
        if {canonical(value) for _, value in old} != {canonical(value) for _, value in new}:
            yield Note(
                keyword,
                old[0][0] if old else None,
                new[0][0] if new else None,
                old[0][1] if old else None,
                new[0][1] if new else None,
                way,
            )


def together(found: SchemaSet, places: Iterable[Place]) -> list[Place]:
    """Return the places of all schemas that judge the same value, references opened."""
    result: dict[Place, None] = {}

    def add(place: Place) -> None:
        schema = found.schema(place)
        if isinstance(schema, bool) or place in result:
            return
        result[place] = None
        reference = schema.get("$ref")
        if isinstance(reference, str):
            add(found.target(place, reference))
        for keyword in _BESIDE:
            parts = schema.get(keyword)
            for index in range(len(parts) if isinstance(parts, list) else 0):
                add(place.at(keyword, index))
        for keyword in _ONE_BESIDE:
            if keyword in schema:
                add(place.at(keyword))
        dependent = schema.get("dependentSchemas")
        for name in dependent if isinstance(dependent, dict) else ():
            add(place.at("dependentSchemas", name))

    for place in places:
        add(place)
    return list(result)


def _stated(found: SchemaSet, places: Iterable[Place], keyword: str) -> list[tuple[Place, Json]]:
    """Return what the schemas say. `false` for deprecated is as good as nothing."""
    return [
        (place.at(keyword), value[keyword])
        for place in places
        if isinstance(value := found.schema(place), dict)
        and keyword in value
        and not (keyword == "deprecated" and value[keyword] is False)
    ]


def _map(found: SchemaSet, place: Place, keyword: str) -> dict[str, Json]:
    schema = found.schema(place)
    value = schema.get(keyword) if isinstance(schema, dict) else None
    return value if isinstance(value, dict) else {}


def keys(found: SchemaSet, places: Iterable[Place], keyword: str) -> list[str]:
    """Return the names in a keyword of these schemas."""
    return [name for place in places for name in _map(found, place, keyword)]


def schemas_at(found: SchemaSet, places: Iterable[Place], keyword: str) -> list[Place]:
    """Return the places of the schemas in a keyword of these schemas."""
    result = []
    for place in places:
        value = found.find(place.at(keyword))
        if isinstance(value, list):
            result += [place.at(keyword, index) for index in range(len(value))]
        elif value is not None:
            result.append(place.at(keyword))
    return result


def _own(found: SchemaSet, place: Place, name: str) -> list[Place]:
    own = [place.at("properties", name)] if name in _map(found, place, "properties") else []
    return own + [
        place.at("patternProperties", pattern)
        for pattern in _map(found, place, "patternProperties")
        if matches(pattern, name)
    ]


def for_name(found: SchemaSet, places: Iterable[Place], name: str) -> list[Place]:
    """Return the places of the schemas that judge a property."""
    result = []
    for place in places:
        result += _own(found, place, name) or schemas_at(found, [place], "additionalProperties")
    return result


def for_pattern(found: SchemaSet, places: Iterable[Place], pattern: str) -> list[Place]:
    """Return the places of the schemas that judge properties with a name of a pattern."""
    result = []
    for place in places:
        patterns = _map(found, place, "patternProperties")
        if pattern in patterns:
            result.append(place.at("patternProperties", pattern))
        else:  # a name of this pattern was under any other, or under none
            result += [place.at("patternProperties", each) for each in patterns]
            result += schemas_at(found, [place], "additionalProperties")
    return result


def _closed(found: SchemaSet, place: Place, name: str) -> bool:
    """Whether an object may not have a property, for sure."""
    schema = found.schema(place)
    if isinstance(schema, bool):
        return not schema
    reference = schema.get("$ref")
    if schema.get("additionalProperties") is False and not _own(found, place, name):
        return True
    if isinstance(reference, str) and _closed(found, found.target(place, reference), name):
        return True
    if any(_closed(found, each, name) for each in schemas_at(found, [place], "allOf")):
        return True
    return any(
        all(_closed(found, each, name) for each in branches)
        for keyword in ("anyOf", "oneOf")
        if (branches := schemas_at(found, [place], keyword))
    )
