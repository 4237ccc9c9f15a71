"""Which release introduced a field: by its `x-since`, else by the schemas of the releases."""

import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Final, TypeAlias

from power_edge.config.node_configs import (
    CONNECTION,
    NODE_IDENTITY,
    STATE,
    SYSTEM_IDENTITY,
    WATCHER,
)
from power_edge.json_value import Json
from power_edge.release import tags
from power_edge.release.schema_set import Place, Schema, SchemaSet, Unusable, is_annotation
from power_edge.release.source import INSTALLED, of_ref, source
from power_edge.release.version import Version

Path: TypeAlias = tuple[str | int, ...]
"""The keys and indices that lead to a value in a file."""
_ROOTS: Final = {
    STATE: "state.schema.yaml",
    NODE_IDENTITY: "node-identity.schema.yaml",
    SYSTEM_IDENTITY: "system-identity.schema.yaml",
    CONNECTION: "connection.schema.yaml",
    WATCHER: "watcher.schema.yaml",
}
_SINCE: Final = "x-since"
_BRANCHES: Final = ("allOf", "anyOf", "oneOf", "then", "else", "if")


class FieldOrigins:
    """Answers which release after a commit brought a field in the form that it has today."""

    def __init__(self, target: str) -> None:
        """Ask for what is newer than the commit `target`."""
        self._now = source(INSTALLED).schemas
        self._then = of_ref(target).schemas
        self._newer = tags.releases("--no-merged", target)
        self._schemas: Callable[[Version], SchemaSet] = cache(
            lambda version: of_ref(f"refs/tags/{version.tag}").schemas
        )

    def by(self, file: str, path: Path) -> str | None:
        """Return what brought the field at a path of a node's file; None if that is not known."""
        root = _ROOTS.get(file)
        if root is None or root not in self._now.files:
            return None
        # The outermost part that the old schemas do not know is what was brought.
        for length in range(1, len(path) + 1):
            part = path[:length]
            if (now := shape(self._now, root, part)) is not None and (
                shape(self._then, root, part) is None
            ):
                break
        else:
            part, now = path, shape(self._now, root, path)
            if now is None or now == shape(self._then, root, path):
                return None
        if shape(self._then, root, part) is None:
            for since in (each[_SINCE] for each in now if _SINCE in each):
                return f"version {since} of the schemas"
        for version in self._newer:
            try:
                earlier = shape(self._schemas(version), root, part)
            except Unusable:  # a release of long ago must not stop a rollback
                continue
            if earlier is not None and _bare(earlier) == _bare(now):
                return version.tag
        return None


def shape(found: SchemaSet, root: str, path: Path) -> list[dict[str, Json]] | None:
    """Return what the schemas say about the value at a path: one part for each schema that judges
    it, without annotations. None if they do not know it.

    `x-since` and `default` stay. What stands inside (properties, items) is left out.
    """
    if root not in found.files:
        return None
    places = [Place(root)]
    for step in path:
        places = [inner for place in places for inner in _inside(found, place, step)]
    return [_shape(schema) for _, schema in _all(found, places) if schema is not False] or None


def _inside(found: SchemaSet, place: Place, step: str | int) -> Iterator[Place]:
    for at, schema in _all(found, [place]):
        if not isinstance(schema, dict):
            continue
        if isinstance(step, int):
            if "items" in schema:
                yield at.at("items")
            continue
        properties, patterns = schema.get("properties"), schema.get("patternProperties")
        if isinstance(properties, dict) and step in properties:
            yield at.at("properties", step)
        elif isinstance(patterns, dict) and any(re.search(each, step) for each in patterns):
            yield from (
                at.at("patternProperties", each) for each in patterns if re.search(each, step)
            )
        elif isinstance(schema.get("additionalProperties"), dict):
            yield at.at("additionalProperties")


def _all(found: SchemaSet, places: Sequence[Place]) -> Iterator[tuple[Place, Schema]]:
    """Yield the schemas at places, and those that they refer to or are made of."""
    todo, visited = list(places), set[Place]()
    while todo:
        place = todo.pop(0)
        if place in visited:
            continue
        visited.add(place)
        schema = found.schema(place)
        yield place, schema
        if not isinstance(schema, dict):
            continue
        if isinstance(reference := schema.get("$ref"), str):
            todo.append(found.target(place, reference))
        for keyword in _BRANCHES:
            inner = schema.get(keyword)
            if isinstance(inner, list):
                todo += [place.at(keyword, index) for index in range(len(inner))]
            elif isinstance(inner, dict | bool):
                todo.append(place.at(keyword))


def _shape(schema: Schema) -> dict[str, Json]:
    if isinstance(schema, bool):
        return {}
    inside = (
        "$ref", "properties", "patternProperties", "items", "additionalProperties", *_BRANCHES,
    )  # fmt: skip
    return {
        word: value
        for word, value in schema.items()
        if word in (_SINCE, "default") or not (is_annotation(word) or word in inside)
    }


def _bare(shapes: list[dict[str, Json]]) -> list[dict[str, Json]]:
    return [{word: value for word, value in each.items() if word != _SINCE} for each in shapes]
