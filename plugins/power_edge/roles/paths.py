"""Paths of role files: what a schema has at them, and the texts that hold them. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from jsonschema_rs import Draft202012Validator, ValidationError

from power_edge.model import Value

Schema: TypeAlias = Mapping[str, Value]
"""A JSON Schema, or a part of one."""

CONFIG, PLATFORM, STATE, EACH = "config", "platform", "state", "each"
"""Heads of paths that are not sections of identity.yaml: the role's settings, the platform of
system-identity.yaml, what state.yaml declares, and the entry of a list that `each` names.
"""
_PATH = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_-]+)*)\}")


def paths_in(value: Value) -> Iterator[str]:
    """Yield the paths in the texts of a value, including its keys."""
    for text in _texts_in(value):
        yield from _PATH.findall(text)


def unclosed_in(value: Value, heads: Iterable[str]) -> Iterator[str]:
    """Yield what begins as a path with one of `heads`, or ends as one, and lacks the other brace or
    holds a blank: `{config.service`.
    """
    head = "|".join(map(re.escape, heads))
    broken = re.compile(rf"\{{\s*(?:{head})\.[\w.-]+|(?<![\w.])(?:{head})\.[\w.-]+\s*\}}")
    for text in _texts_in(value):
        for piece in split(text)[::2]:
            yield from broken.findall(piece)


def _texts_in(value: Value) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield key
            yield from _texts_in(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts_in(inner)


def split(text: str) -> list[str]:
    """Return a text as pieces: what stands between paths, then a path, and so on."""
    return _PATH.split(text)


def subschema(root: Schema, path: str) -> Schema | None:
    """Return what a schema says of the value at a path of keys, None if it has no such path."""
    part: Schema | None = root
    for key in path.split(".") if path else ():
        part = _child(root, part, key) if part is not None else None
    return part


def entries(root: Schema, part: Schema) -> Schema | None:
    """Return what a schema says of the entries of a list, None if `part` is of no list."""
    return _resolved(root, _mapping(part.get("items")))


def can_be(root: Schema, part: Schema, value: object) -> bool:
    """Return whether a part of a schema takes a value. `root` has what the part refers to.

    True for a part that is not a schema: it is an error of its own.
    """
    try:
        check = Draft202012Validator({**part, "$defs": root.get("$defs") or {}}, offline=True)
    except (ValidationError, ValueError):
        return True
    return check.is_valid(value)


_DEEPEST = 8
"""Keys of a path. A schema may refer to itself."""


def all_paths(root: Schema, part: Schema | None = None, before: str = "") -> Iterator[str]:
    """Yield all paths that a schema has, as far as they are of use. Lists have none inside."""
    if before.count(".") >= _DEEPEST:
        return
    for key in _mapping((part or root).get("properties")) or ():
        inner = _child(root, part or root, key)
        yield f"{before}{key}"
        if inner is not None:
            yield from all_paths(root, inner, f"{before}{key}.")


def _child(root: Schema, part: Schema, key: str) -> Schema | None:
    properties = _mapping(part.get("properties")) or {}
    return _resolved(root, _mapping(properties.get(key)))


def _resolved(root: Schema, part: Schema | None) -> Schema | None:
    """Return a part with what it refers to. What stands beside a reference wins."""
    visited = set[str]()
    while part is not None and isinstance(reference := part.get("$ref"), str):
        if reference in visited or not reference.startswith("#/$defs/"):
            return None
        visited.add(reference)
        definitions = _mapping(root.get("$defs")) or {}
        target = _mapping(definitions.get(reference.removeprefix("#/$defs/")))
        beside = {key: value for key, value in part.items() if key != "$ref"}
        part = None if target is None else {**target, **beside}
    return part


def _mapping(value: Value) -> Schema | None:
    return value if isinstance(value, Mapping) else None
