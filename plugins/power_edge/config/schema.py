"""The schemas at run time: generated, self-contained JSON.

Reading the YAML files would take longer than everything else.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec
from jsonschema_rs import Draft202012Validator

from power_edge import package_data


@cache
def schema(name: str) -> dict[str, Any]:
    """Return a schema with everything it refers to, by the name of its file (`state`, ...).

    Raises KeyError if there is none with that name.
    """
    if name not in names():
        raise KeyError(name)
    merged: dict[str, Any] = msgspec.json.decode(
        package_data.text(f"schemas/merged/{name}.schema.json")
    )
    return merged


@cache
def names() -> tuple[str, ...]:
    """Return the names that `schema` takes, sorted."""
    return tuple(
        sorted(
            path.name.removesuffix(".schema.json")
            for path in (package_data.folder("schemas") / "merged").glob("*.schema.json")
        )
    )


@cache
def write_only() -> frozenset[str]:
    """Return the keys of all schemas whose values no message quotes (`writeOnly`)."""
    return frozenset(key for key, value in _properties() if value.get("writeOnly"))


@cache
def known_keys() -> frozenset[str]:
    """Return the keys of all schemas."""
    return frozenset(key for key, _ in _properties())


@cache
def known_words() -> frozenset[str]:
    """Return the keys of all schemas, their enums' words, and the synonyms of both."""

    def found(part: Any) -> Iterator[str]:
        if isinstance(part, list):
            for each in part:
                yield from found(each)
        elif isinstance(part, dict):
            yield from (each for each in part.get("enum", ()) if isinstance(each, str))
            yield from part.get("synonyms", ())
            for value in part.values():
                yield from found(value)

    return known_keys().union(("true", "false"), *(found(schema(name)) for name in names()))


def _properties() -> Iterator[tuple[str, dict[str, Any]]]:
    def found(part: Any) -> Iterator[tuple[str, dict[str, Any]]]:
        if isinstance(part, list):
            for each in part:
                yield from found(each)
        elif isinstance(part, dict):
            yield from (
                (key, value)
                for key, value in part.get("properties", {}).items()
                if isinstance(value, dict)
            )
            for value in part.values():
                yield from found(value)

    for name in names():
        yield from found(schema(name))


@cache
def validator(name: str) -> Draft202012Validator:
    """Return the compiled validator of a schema. Raises KeyError as `schema`."""
    return Draft202012Validator(schema(name), offline=True)
