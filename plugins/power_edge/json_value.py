"""Values of JSON, and their shape: what comes from outside is checked where it is first used.

Each function returns what it was given, as what it must be, and raises TypeError if it is something
else. Each text of a node or of a server can be any JSON.
"""

import json
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"


def decoded(text: str | bytes) -> Json:
    """Return what a JSON text says. ValueError for other text; RecursionError if it is too deep."""
    value: Json = json.loads(text)
    return value


def an_object(value: Json) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise _other(value, "an object")
    return value


def a_list(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise _other(value, "a list")
    return value


def a_text(value: Json) -> str:
    if not isinstance(value, str):
        raise _other(value, "a text")
    return value


def an_integer(value: Json) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise _other(value, "an integer")
    return value


def a_pair(value: Json) -> tuple[Json, Json]:
    """Return the two elements of a list of two."""
    if not isinstance(value, list) or len(value) != 2:
        raise _other(value, "a list of two")
    return value[0], value[1]


def a_member(value: Json) -> tuple[str, Json]:
    """Return the name and the value of an object's only member."""
    if not isinstance(value, dict) or len(value) != 1:
        raise _other(value, "an object of one member")
    ((name, member),) = value.items()
    return name, member


def text_at(body: dict[str, Json], name: str) -> str | None:
    """Return a text in an object; None if the object has no such member."""
    return a_text(body[name]) if name in body else None


def _other(value: Json, expected: str) -> TypeError:
    return TypeError(f"{expected} is expected, and it is {_KINDS[type(value)]}")


_KINDS = {
    dict: "an object",
    list: "a list",
    str: "a text",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    type(None): "null",
}
