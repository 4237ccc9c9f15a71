"""The schemas of one version of Power Edge: all files, checked, and the references between them."""

import hashlib
import json
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias
from urllib.parse import unquote

from jsonschema_rs import ValidationError, meta

from power_edge.json_value import Json

Schema: TypeAlias = dict[str, Json] | bool

SUFFIX: Final = ".schema.yaml"
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
MAPS: Final = ("properties", "patternProperties", "dependentSchemas", "$defs", "definitions")
"""Keywords that hold schemas by name."""
LISTS: Final = ("allOf", "anyOf", "oneOf", "prefixItems")
"""Keywords that hold a list of schemas."""
SINGLE: Final = (
    "items",
    "additionalProperties",
    "propertyNames",
    "contains",
    "not",
    "if",
    "then",
    "else",
    "unevaluatedProperties",
    "unevaluatedItems",
    "contentSchema",
)
"""Keywords that hold one schema."""
_IN_PLACE = ("allOf", "anyOf", "oneOf", "not", "if", "then", "else", "dependentSchemas")
"""Keywords whose schemas judge the same value, not a part of it."""
_NAMED = ("$dynamicRef", "$recursiveRef")
_ANNOTATIONS = frozenset((
    "title", "description", "examples", "$comment", "$schema", "$id", "$anchor", "$dynamicAnchor",
    "$defs", "definitions", "deprecated", "readOnly", "writeOnly", "default", "errorMessage",
    "patternErrorMessage", "synonyms",
))  # fmt: skip


def is_annotation(keyword: str) -> bool:
    """Whether a keyword never refuses a value. The messages and synonyms are Power Edge's
    own."""
    return keyword in _ANNOTATIONS or keyword.startswith("x-")


class Unusable(Exception):
    """A set of schemas cannot be read or compared. Its text is one line for a person."""


class Place(NamedTuple):
    """Where something is in a set: a file, and the parts of a JSON pointer."""

    file: str
    parts: tuple[str, ...] = ()

    def at(self, *parts: str | int) -> "Place":
        """Return the place of a part of what is here."""
        return Place(self.file, (*self.parts, *map(str, parts)))

    def of_pointer(self, pointer: str) -> "Place":
        """Return the place of a part by its JSON pointer from here."""
        parts = (part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])
        return self.at(*parts)

    @property
    def pointer(self) -> str:
        """The JSON pointer (RFC 6901) in the file."""
        return "".join(f"/{part.replace('~', '~0').replace('/', '~1')}" for part in self.parts)

    def __str__(self) -> str:
        return f"{self.file}#{self.pointer}"


@dataclass(frozen=True)
class SchemaSet:
    """The schemas of a version. `name` is how the person named it, for messages."""

    name: str
    files: Mapping[str, Schema]
    """By path in the folder of schemas (`core.schema.yaml`, `resources/files.schema.yaml`)."""
    sections: Mapping[Place, Place]
    """What stands in the state's schema because a file of resources/ is there, and that file."""

    def value(self, place: Place) -> Json:
        """Return what is at a place. Raises KeyError if nothing is."""
        return part_of(self.files[place.file], place.parts)

    def find(self, place: Place) -> Json:
        """Return what is at a place; None if nothing is."""
        try:
            return self.value(place)
        except KeyError:
            return None

    def schema(self, place: Place) -> Schema:
        """Return the schema at a place of a checked set."""
        found = self.value(place)
        assert isinstance(found, dict | bool)
        return found

    def target(self, place: Place, reference: str) -> Place:
        """Return the place that a `$ref` at a place names."""
        file, _, pointer = reference.partition("#")
        if file:
            file = posixpath.normpath(posixpath.join(posixpath.dirname(place.file), unquote(file)))
        return Place(file or place.file).of_pointer(unquote(pointer))

    def is_output(self, file: str) -> bool:
        """Whether Power Edge writes what a schema describes (`x-direction: output`)."""
        schema = self.files.get(file)
        return isinstance(schema, dict) and schema.get("x-direction") == "output"

    def roots(self) -> list[str]:
        """Return the files that describe a document; the others only lend definitions.

        A resource type's schema describes a part of state.yaml.
        """
        return sorted(
            file
            for file, schema in self.files.items()
            if "/" not in file
            and (isinstance(schema, bool) or not all(is_annotation(word) for word in schema))
        )

    def shown(self, place: Place) -> Place:
        """Return where a person finds a place: a section of the state is a file."""
        return self.sections.get(place, place)


def digest(found: SchemaSet) -> str:
    """Return the sha256 of the content of all schemas. How the files are written does not count."""
    text = json.dumps(dict(found.files), sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def part_of(value: Json, parts: tuple[str, ...]) -> Json:
    """Return the part of a JSON value at a pointer. Raises KeyError if there is none."""
    for part in parts:
        if isinstance(value, dict):
            value = value[part]
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            raise KeyError(part)
    return value


def children(schema: Schema, place: Place) -> Iterator[tuple[str, Place, Schema]]:
    """Yield the schemas directly inside a schema, each with its keyword and place."""
    if isinstance(schema, bool):
        return
    for keyword, value in schema.items():
        if keyword in MAPS and isinstance(value, dict):
            parts: list[tuple[tuple[str | int, ...], Json]] = [
                ((keyword, name), each) for name, each in value.items()
            ]
        elif keyword in LISTS and isinstance(value, list):
            parts = [((keyword, index), each) for index, each in enumerate(value)]
        elif keyword in SINGLE:
            parts = [((keyword,), value)]
        else:
            continue
        for at, each in parts:
            if isinstance(each, dict | bool):
                yield keyword, place.at(*at), each


def checked(name: str, files: Mapping[str, Json]) -> SchemaSet:
    """Return the set of these files, by path. Raises Unusable if one is not a usable schema."""
    schemas: dict[str, Schema] = {}
    for file, content in files.items():
        if not isinstance(content, dict | bool):
            raise Unusable(f"{name}: {file} is not a schema: it must be a mapping")
        schemas[file] = content
    found = SchemaSet(name, *with_sections(schemas))
    known: dict[Place, Schema] = {}
    for file, schema in found.files.items():
        _check_file(name, file, schema)
        known.update(_all(schema, Place(file)))
    for place, schema in known.items():
        _check_reference(found, place, schema, known)
    _check_loops(found, known)
    return found


def with_sections(
    files: Mapping[str, Schema],
) -> tuple[dict[str, Schema], dict[Place, Place]]:
    """Return the files with the state's sections in the state's schema, and where they came from.

    tools/generate.py puts them there in the same way (`section`).
    """
    result, sections = dict(files), dict[Place, Place]()
    state = f"state{SUFFIX}"
    schema = files.get(state)
    if not isinstance(schema, dict):
        return result, sections
    properties = schema.get("properties", {})
    if not isinstance(properties, dict):
        return result, sections
    properties = dict(properties)
    for file, resource in sorted(files.items()):
        folder, _, base = file.partition("/")
        name = base.removesuffix(SUFFIX)
        if folder == "resources" and name not in properties and isinstance(resource, dict):
            properties[name] = section(resource, file)
            sections[Place(state, ("properties", name))] = Place(file)
    result[state] = {**schema, "properties": properties}
    return result, sections


def section(schema: dict[str, Json], reference: str) -> dict[str, Json]:
    """Return a resource type's part of the state: a list of items where its schema has required
    properties, else the schema itself.
    """
    if schema.get("type") == "object" and schema.get("required"):
        return {"type": "array", "items": {"$ref": reference}}
    return {"$ref": reference}


def _all(schema: Schema, place: Place) -> Iterator[tuple[Place, Schema]]:
    yield place, schema
    for _, inner, each in children(schema, place):
        yield from _all(each, inner)


def _check_file(name: str, file: str, schema: Schema) -> None:
    if isinstance(schema, dict) and schema.get("$schema", DIALECT) != DIALECT:
        raise Unusable(
            f"{name}: {file} is not a schema of draft 2020-12, and only such are compared"
        )
    try:
        meta.validate(schema)
    except ValidationError as error:
        place = Place(file).at(*error.instance_path)
        raise Unusable(f"{name}: {place} is not a valid schema: {error.message}") from None


def _check_reference(
    found: SchemaSet, place: Place, schema: Schema, known: Mapping[Place, Schema]
) -> None:
    if isinstance(schema, bool):
        return
    for keyword in _NAMED:
        if keyword in schema:
            raise Unusable(f"{found.name}: {place} has {keyword}, which cannot be compared")
    if "$id" in schema and place.parts:
        raise Unusable(f"{found.name}: {place} has an $id; only a whole file may have one")
    reference = schema.get("$ref")
    if not isinstance(reference, str):
        return
    target = found.target(place, reference)
    if target.file not in found.files:
        raise Unusable(f"{found.name}: {place} refers to {reference}, but there is no such file")
    if "#" in reference and reference.partition("#")[2][:1] not in ("", "/"):
        raise Unusable(f"{found.name}: {place} refers to a name, {reference}; use a JSON pointer")
    if target not in known:
        raise Unusable(f"{found.name}: {place} refers to {reference}, but no schema is there")


def _check_loops(found: SchemaSet, known: Mapping[Place, Schema]) -> None:
    """Raise Unusable if a schema needs its own verdict on the same value."""
    done: set[Place] = set()

    def visit(place: Place, above: tuple[Place, ...]) -> None:
        if place in above:
            raise Unusable(f"{found.name}: {place} refers to itself; no value could be judged")
        if place in done:
            return
        schema = known[place]
        if isinstance(schema, dict):
            reference = schema.get("$ref")
            if isinstance(reference, str):
                visit(found.target(place, reference), (*above, place))
            for keyword, inner, _ in children(schema, place):
                if keyword in _IN_PLACE:
                    visit(inner, (*above, place))
        done.add(place)

    for place in known:
        visit(place, ())
