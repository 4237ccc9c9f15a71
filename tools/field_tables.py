"""Makes docs/fields.md: a table of the fields of each file in a node's folder, from the schemas."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

FILES = {
    "state": "state.yaml",
    "system-identity": "system-identity.yaml",
    "connection": "connection.yaml",
    "node-identity": "identity.yaml",
    "watcher": "watcher.yaml",
}
"""Schema -> the file that it describes, in the order of the page."""

HEAD = """\
# The fields of a node's files

This page is made from the schemas (`make generate`). `power-edge schema state` prints the schema of
a file as JSON. A field that is not marked as needed may be left out: then it is not checked, or has
the default in the table. What is judged in each case is in [verdicts/](verdicts/).
"""

ELSEWHERE = frozenset(("version", "metadata"))
"""Fields of state.yaml that are not resource types."""


def page(schemas: Mapping[str, Any]) -> str:
    """Return the page; `schemas` are the merged ones by name."""
    parts = [HEAD]
    for name, file in FILES.items():
        schema = schemas[name]
        parts.append(f"## {file}\n")
        parts += [f"{text}\n" for text in _tables(schema, schema, "")]
    return "\n".join(parts)


def _tables(schema: Mapping[str, Any], whole: Mapping[str, Any], path: str) -> Iterator[str]:
    """Yield the table of an object, and then those of the objects in it."""
    inner: list[tuple[str, dict[str, Any]]] = []
    rows: list[str] = []
    needed = schema.get("required", ())
    for name, given in schema.get("properties", {}).items():
        field = _resolved(given, whole)
        rows.append(_row(name, field, whole, needed=name in needed))
        child, suffix = field, ""
        if field.get("type") == "array":
            child, suffix = _resolved(field.get("items", {}), whole), "[]"
        if child.get("properties"):
            inner.append((f"{path}{name}{suffix}", child))
    if rows:
        table = ["| field | value | default | example | meaning |", "|---|---|---|---|---|", *rows]
        yield "\n".join(table)
    for where, child in inner:
        about = " ".join(str(child.get("description", "")).split())
        yield f"### {where}\n\n{about}" if about else f"### {where}"
        yield from _tables(child, whole, f"{where}.")


def _resolved(given: Mapping[str, Any], whole: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema with what its $ref leads to; what stands beside the $ref wins. That a value
    may be null is left out.
    """
    found = dict(given)
    while "$ref" in found:
        reference = found.pop("$ref").removeprefix("#/$defs/")
        found = {**whole["$defs"][reference], **found}
    if isinstance(found.get("type"), list):  # a list may be empty: `tags:`
        kinds = [kind for kind in found["type"] if kind != "null"]
        found["type"] = kinds[0] if len(kinds) == 1 else kinds
    return found


def _row(name: str, field: Mapping[str, Any], whole: Mapping[str, Any], *, needed: bool) -> str:
    default = "needed" if needed else _code(field["default"]) if "default" in field else ""
    examples = field.get("examples", ())
    example = _code(examples[0]) if examples and not _has_fields(field, whole) else ""
    about = " ".join(str(field.get("description", "")).split()).replace("|", "\\|")
    return f"| `{name}` | {_kind(field, whole)} | {default} | {example} | {about} |"


def _has_fields(field: Mapping[str, Any], whole: Mapping[str, Any]) -> bool:
    """Return whether a table of its own shows what is in a field."""
    item = _resolved(field.get("items", {}), whole) if field.get("type") == "array" else field
    return bool(item.get("properties"))


def _code(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else value
    shown = json.dumps(value, ensure_ascii=False) if "\n" in text or text == "" else text
    return f"`{shown}`".replace("|", "\\|")


def _kind(field: Mapping[str, Any], whole: Mapping[str, Any]) -> str:
    """Return in words what may be written."""
    if "const" in field:
        return _code(field["const"])
    if "enum" in field:
        return ", ".join(_code(value) for value in field["enum"])
    for words in ("oneOf", "anyOf"):
        if words in field:
            kinds = [_kind(_resolved(each, whole), whole) for each in field[words]]
            return " or ".join(dict.fromkeys(kinds))
    kind = field.get("type")
    if isinstance(kind, list):
        return " or ".join(_kind({**field, "type": each}, whole) for each in kind)
    if kind == "array":
        return f"list of {_kind(_resolved(field.get('items', {}), whole), whole)}"
    if kind == "object":
        return "fields" if field.get("properties") else "names and values"
    limits = "".join(
        f" {word} {field[key]}"
        for key, word in (("minimum", "from"), ("maximum", "to"))
        if key in field and kind in {"integer", "number"}
    )
    kinds_in_words = {
        "string": "text",
        "boolean": "`true`, `false`",
        "integer": "number",
        "number": "number",
    }
    return kinds_in_words.get(str(kind), "anything") + limits
