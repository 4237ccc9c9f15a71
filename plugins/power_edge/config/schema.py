"""The schemas at run time: as generated, self-contained, in JSON (reading the YAML would cost more than all else)."""

from functools import cache
from typing import Any

import msgspec
from jsonschema_rs import Draft202012Validator

from power_edge import data


@cache
def schema(name: str) -> dict[str, Any]:
    """A schema with all that it refers to, by the name of its file (`state`, `system-identity`, ...). KeyError: there is none such."""
    if name not in names():
        raise KeyError(name)
    merged: dict[str, Any] = msgspec.json.decode(data.text(f"schemas/merged/{name}.schema.json"))
    return merged


@cache
def names() -> tuple[str, ...]:
    """The names that `schema` takes, sorted."""
    return tuple(sorted(path.name.removesuffix(".schema.json") for path in (data.folder("schemas") / "merged").glob("*.schema.json")))


@cache
def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(schema(name), offline=True)
