"""Explain why a document does not fit its schema: what is wrong, where, and what to write.

The message for a pattern or a condition is beside it in the schema, as `patternErrorMessage` and
`errorMessage`. Editors show them too. This module is imported when something is wrong.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from jsonschema_rs import ValidationError

from power_edge.config import quoting
from power_edge.config.error import LIMIT
from power_edge.config.schema import schema, validator, write_only
from power_edge.config.yaml_reader import Document
from power_edge.model import Problem
from power_edge.text import did_you_mean, quoted

_TYPES = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "empty",
}
_LIMITS = {
    "minLength": "is shorter than {} characters",
    "maxLength": "is longer than {} characters",
    "minimum": "is less than {}",
    "maximum": "is more than {}",
    "minItems": "has fewer than {} entries",
    "maxItems": "has more than {} entries",
    "minProperties": "has fewer than {} keys",
}

_WORD = re.compile(r"\w{1,40}", re.ASCII).fullmatch
_Path = tuple[str | int, ...]
"""The keys and indices that lead to a value."""


def explain(document: Document, name: str) -> Iterator[Problem]:
    """Yield the problems of a document that does not fit the schema `name`, at most LIMIT.

    A place that has a problem already gets no other.
    """
    return explained(document, schema(name), validator(name).iter_errors(document.value))


def explained(
    document: Document, root: dict[str, Any], errors: Iterable[ValidationError]
) -> Iterator[Problem]:
    """Yield the problems that a validator of the schema `root` found, as `explain`."""
    reported = {problem.source for problem in document.problems}
    hidden = frozenset(_hidden(document.value))
    found = (problem for error in errors for problem in _problems(document, root, error, hidden))
    yield from (
        problem for problem in dict.fromkeys(islice(found, LIMIT)) if problem.source not in reported
    )


def _hidden(value: Any, *, within: bool = False) -> Iterator[object]:
    """Yield the scalars below write-only keys. An alias may bring one to another place."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _hidden(inner, within=within or key in write_only())
    elif isinstance(value, list):
        for inner in value:
            yield from _hidden(inner, within=within)
    elif within:
        yield value


def _problems(
    document: Document, root: dict[str, Any], error: ValidationError, hidden: frozenset[object]
) -> Iterator[Problem]:
    path: _Path = tuple(error.instance_path)
    words = error.kind.as_dict()
    holder = {
        key: value
        for key, value in _at(root, error.schema_path[:-1]).items()
        if not key.lower().endswith("errormessage") or isinstance(value, str)
    }  # the schema of a role's settings may be a stranger's
    if error.kind.name == "additionalProperties":
        allowed = list(holder.get("properties", ()))
        for key in words["unexpected"]:
            meant = quoting.mistyped_key(key, allowed, _synonyms(holder))
            # A word of the schema, so no secret: it has lost its indentation, or has too much.
            top = root.get("properties", ())
            outer = meant is None and key in top and path != () and path[0] in top
            hint = (
                f"did you mean {meant}?"
                if meant is not None
                else f"write {key} at the beginning of a line, beside {path[0]}"
                if outer
                else quoting.missing_blank(key) or f"the keys here are {', '.join(allowed)}"
            )
            named = "" if meant is None and not outer else f" {quoted(key)}"
            message = f"unknown key{named}" + (f" in {path_in_words(path)}" if path else "")
            yield Problem(document.find((*path, key), key=True), message, hint)
    elif error.kind.name == "propertyNames":
        key = words["error"].instance
        yield Problem(
            document.find((*path, key), key=True),
            _message(
                key, quoting.value(key, hidden), error.schema_path[-1], words["error"], holder
            ),
        )
    elif error.kind.name == "required":
        message = (
            holder.get("errorMessage") or f"{words['property']} is missing in {path_in_words(path)}"
        )
        yield Problem(
            document.find(path),
            message,
            None if "errorMessage" in holder else _example(root, holder, words["property"]),
        )
    elif error.kind.name == "enum":
        options = [str(option) for option in words["options"]]
        meant = _synonyms(holder).get(str(error.instance).lower())
        yield Problem(
            document.find(path),
            f"{quoting.value(error.instance, hidden)} is not one of {', '.join(options)}",
            did_you_mean(str(error.instance), options)
            if meant is None
            else f"did you mean {meant}?",
        )
    elif error.kind.name == "type":
        yield _wrong_type(document, path, error.instance, holder, hidden)
    else:
        keyword, hint = error.schema_path[-1], None
        if holder.get("writeOnly"):
            why = holder.get("patternErrorMessage") or holder.get("errorMessage")
            named = path_in_words(path)
            message = f"{named}: {why}" if why else _message(None, named, keyword, error, holder)
        else:
            message = _message(
                error.instance, quoting.value(error.instance, hidden), keyword, error, holder
            )
            text = error.instance if isinstance(error.instance, str) else ""
            hint = quoting.missing_blank(text)
        yield Problem(document.find(path), message, hint)


def _synonyms(holder: dict[str, Any]) -> dict[str, str]:
    """Return the words of other tools that a schema knows, in lower case, and what to write here.

    A stranger's schema has none.
    """
    found = holder.get("synonyms")
    return (
        {word: meant for word, meant in found.items() if isinstance(meant, str)}
        if isinstance(found, dict)
        else {}
    )


def _message(
    value: Any, named: str, keyword: str | int, error: ValidationError, holder: dict[str, Any]
) -> str:
    """Return what is wrong with a value; `named` is how the message calls it."""
    if keyword == "pattern" and "patternErrorMessage" in holder:
        return f"{named}: {holder['patternErrorMessage']}"
    if "errorMessage" in holder:
        message: str = holder["errorMessage"]
        return message if isinstance(value, dict | list | bool) else f"{named}: {message}"
    limit = error.kind.as_dict().get("limit")
    if limit == 1 and keyword in ("minLength", "minItems", "minProperties"):
        return f"{named} must not be empty"
    if keyword in _LIMITS:
        return f"{named} {_LIMITS[str(keyword)].format(limit)}"
    return f"{named} does not match the schema ({keyword})"


def _wrong_type(
    document: Document,
    path: _Path,
    value: Any,
    holder: dict[str, Any],
    hidden: frozenset[object],
) -> Problem:
    types = holder["type"] if isinstance(holder["type"], list) else [holder["type"]]
    expected = " or ".join(_TYPES[each] for each in types)
    source = document.find(path)
    if value is None:
        return Problem(
            source,
            f"{path_in_words(path)} is empty and should be {expected}",
            "give it a value, or remove the line",
        )
    if holder.get("writeOnly"):
        kind = (
            "a mapping"
            if isinstance(value, dict)
            else "a list"
            if isinstance(value, list)
            else "something else"
        )
        return Problem(
            source,
            f"{path_in_words(path)} is {kind} and should be {expected}",
            "write it in quotes",
        )
    hint = holder.get("errorMessage")
    if hint is None and "string" in types and isinstance(value, bool | int | float):
        text = document.plain_text(source)
        hint = "write it in quotes" if text is None else f'write it in quotes: "{text}"'
    elif isinstance(value, str) and (
        ("boolean" in types and value in ("true", "false"))
        or ("integer" in types and value.isdecimal())
    ):
        hint = "write it without quotes"
    elif isinstance(value, str) and "object" in types:
        hint = quoting.missing_blank(value) or hint or _entry_hint(path, holder)
    elif isinstance(value, dict) and types == ["array"]:
        hint = hint or "begin each entry with a dash: -"
    elif isinstance(value, list) and types == ["object"]:
        hint = hint or "write the keys without dashes"
    # In place of a collection, a scalar may be a line of some file's content: not quoted.
    text = None if {"array", "object"} & set(types) else document.plain_text(source)
    return Problem(
        source,
        f"{path_in_words(path)} is {_described(value, text, hidden)} and should be {expected}",
        hint,
    )


def _entry_hint(path: _Path, holder: dict[str, Any]) -> str | None:
    """Return how an entry of a list begins (`- name: ...`) if it needs one field, else None."""
    needed = holder.get("required", ())
    return f"write - {needed[0]}: ..." if len(needed) == 1 and isinstance(path[-1], int) else None


def _described(value: Any, text: str | None, hidden: frozenset[object]) -> str:
    """Return what a value is; it is quoted if its spelling `text` is given."""
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if text is None:
        return (
            "text"
            if isinstance(value, str)
            else "true or false"
            if isinstance(value, bool)
            else "a number"
        )
    return quoting.value(value, hidden) if isinstance(value, str) else text


def _example(root: dict[str, Any], holder: dict[str, Any], key: str) -> str | None:
    property_ = holder.get("properties", {}).get(key, {})
    if "$ref" in property_:
        property_ = {**_at(root, property_["$ref"].split("/")[1:]), **property_}
    if "enum" in property_:
        return f"{key}: one of {', '.join(property_['enum'])}"
    return f"such as {key}: {property_['examples'][0]!r}" if property_.get("examples") else None


def _at(schema: Any, path: list[str | int]) -> dict[str, Any]:
    for step in path:
        schema = schema[step]
    return schema if isinstance(schema, dict) else {}


def path_in_words(path: _Path) -> str:
    """Return a path for people: `services[1].state`, counted from 0 as jq and kubectl do."""
    text = "".join(
        f"[{step}]"
        if isinstance(step, int)
        else f".{step}"
        if _WORD(step)
        else f"[{quoting.step(step)}]"
        for step in path
    )
    return text.lstrip(".") or "the file"
