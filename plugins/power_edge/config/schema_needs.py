"""Which version of the schemas a file needs: the highest `x-since` of the fields that it has.

A field of the first release has none. What a file needs because of a new value of an old field is
not known here: the schema of an older program refuses the value by name.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from power_edge.config.error import ConfigError
from power_edge.config.schema import schema
from power_edge.config.schema_version import SchemaVersion, installed
from power_edge.config.yaml_reader import Document
from power_edge.model import Problem

if TYPE_CHECKING:
    from power_edge.roles.faults import Path as YamlPath

KEYWORD = "x-since"
_LISTS = ("allOf", "anyOf", "oneOf")
_SINGLE = ("then", "else")


class Need(NamedTuple):
    """A field that not every version of the schemas has."""

    version: SchemaVersion
    path: "YamlPath"


class Fields:
    """A schema, as far as it leads to fields with x-since."""

    def __init__(self, since: SchemaVersion | None) -> None:
        self.since = since
        self.leads = since is not None
        """Whether a field with x-since is here or below."""
        self.beside: list[Fields] = []
        self.named: dict[str, Fields] = {}
        self.patterns: list[tuple[re.Pattern[str], Fields]] = []
        self.others: Fields | None = None
        self.items: Fields | None = None

    def of(self, key: str) -> "Iterator[Fields]":
        """Yield what judges the value of a key."""
        found = [self.named[key]] if key in self.named else []
        found += [fields for pattern, fields in self.patterns if pattern.search(key)]
        if not found and self.others is not None:
            found = [self.others]
        yield from found

    def inner(self) -> "Iterator[Fields]":
        """Yield all that is directly inside."""
        yield from self.beside
        yield from self.named.values()
        yield from (fields for _, fields in self.patterns)
        yield from (each for each in (self.others, self.items) if each is not None)


def fields_of(root: dict[str, Any]) -> Fields:
    """Return the fields of a schema that needs no other file."""
    known: dict[int, Fields] = {}
    top = _fields(root, root, known)
    grew = True
    while grew:
        grew = False
        for each in known.values():
            if not each.leads and any(inner.leads for inner in each.inner()):
                each.leads = grew = True
    return top


def _fields(part: Any, root: dict[str, Any], known: dict[int, Fields]) -> Fields:
    if id(part) in known:
        return known[id(part)]
    if not isinstance(part, dict):
        return Fields(None)
    since = SchemaVersion.of(part[KEYWORD]) if KEYWORD in part else None
    known[id(part)] = found = Fields(since)
    for each in _beside(part, root):
        found.beside.append(_fields(each, root, known))
    for name, each in part.get("properties", {}).items():
        found.named[name] = _fields(each, root, known)
    for pattern, each in part.get("patternProperties", {}).items():
        found.patterns.append((re.compile(pattern), _fields(each, root, known)))
    if "additionalProperties" in part:
        found.others = _fields(part["additionalProperties"], root, known)
    if "items" in part:
        found.items = _fields(part["items"], root, known)
    return found


def _beside(part: dict[str, Any], root: dict[str, Any]) -> Iterator[Any]:
    """Yield the schemas that judge the same value."""
    if "$ref" in part:
        target: Any = root
        for step in part["$ref"].split("/")[1:]:
            target = target[step]
        yield target
    for keyword in _LISTS:
        yield from part.get(keyword, ())
    for keyword in _SINGLE:
        if keyword in part:
            yield part[keyword]
    yield from part.get("dependentSchemas", {}).values()


def needs(value: Any, fields: Fields, path: "YamlPath" = ()) -> Iterator[Need]:
    """Yield what a value needs, in the order of the file."""
    if not fields.leads:
        return
    if fields.since is not None:
        yield Need(fields.since, path)
    for each in fields.beside:
        yield from needs(value, each, path)
    if isinstance(value, dict):
        for key, inner in value.items():
            for each in fields.of(key):
                yield from needs(inner, each, (*path, key))
    elif isinstance(value, list) and fields.items is not None:
        for index, inner in enumerate(value):
            yield from needs(inner, fields.items, (*path, index))


@cache
def _of_schema(name: str) -> Fields:
    return fields_of(schema(name))


def has_newer_fields(name: str) -> bool:
    """Whether a schema has any field that is not of the first release."""
    return _of_schema(name).leads


def highest(document: Document, name: str) -> Need | None:
    """Return the first of the highest needs of a document; None if it has fields of the first
    release alone. `name` is the schema's.
    """
    return max(needs(document.value, _of_schema(name)), key=lambda need: need.version, default=None)


def oldest() -> SchemaVersion:
    """Return the lowest version that a file can need: a new MAJOR ends all older versions."""
    return SchemaVersion(installed().major, 0)


def check_not_newer(document: Document, name: str) -> None:
    """Check that a document is not for newer schemas than those of this program.

    Nothing else is worth saying about such a file. Raises ConfigError.
    """
    if "version" not in schema(name)["properties"]:
        return
    says = _says(document)
    if says is not None and says > installed():
        raise ConfigError(
            [
                Problem(
                    document.find(("version",)),
                    f"is for version {says} of the schemas, and this Power Edge has {installed()}",
                    "use a newer Power Edge",
                )
            ]
        )


def check_says_enough(document: Document, name: str, beside: Document | None = None) -> None:
    """Check that the version that a document says is not lower than what it needs.

    A file without a version counts as its node's state.yaml, which is `beside`. The documents fit
    their schemas. Raises ConfigError.
    """
    need = highest(document, name)
    speaker = beside or document
    says = _says(speaker)
    if need is None or says is None or says >= need.version:
        return
    from power_edge.config.schema_errors import path_in_words  # 3 ms, for a message alone

    place, field = document.find(need.path, key=True), path_in_words(need.path)
    line, version = f'version: "{need.version}"', speaker.find(("version",))
    if beside is None:
        message = f"version {says} is less than {need.version}, which {field} needs"
        hint = f"write {line}; {field} is on line {place.line}"
        raise ConfigError([Problem(version, message, hint)])
    message = f"{field} needs version {need.version}, and {beside.file} is for {says}"
    raise ConfigError([Problem(place, message, f"write {line} at {version.file}:{version.line}")])


def _says(document: Document) -> SchemaVersion | None:
    """Return the version that a document says it is for, in quotes or without."""
    value = document.value.get("version")
    if isinstance(value, float) and document.data:
        value = document.plain_text(document.find(("version",)))
    return SchemaVersion.of(value) if isinstance(value, str) else None
