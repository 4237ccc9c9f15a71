"""YAML files of ours changed in place: text is put in and taken out at the marks of what is there,
and everything else stays byte for byte.

What comes out is read again, and must be what was there with these changes and no other; else
nothing is changed.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from power_edge.config.error import ConfigError
from power_edge.config.yaml_reader import Document, read
from power_edge.yaml_edit.layout import EditRefused, Layout, YamlPath, at
from power_edge.yaml_edit.syntax_tree import nodes
from power_edge.yaml_edit.text_edits import Add, Edit, Put, Remove, Splice, splices
from power_edge.yaml_edit.writer import plain

__all__ = ["Add", "Edit", "EditRefused", "Put", "Remove", "YamlPath", "at", "changed", "edit"]


def edit(text: str, edits: Iterable[Edit], file: str) -> str:
    """The text of a file with all the edits made; paths are those of the file as it is, `file` its
    name in messages.

    A comment belongs to an entry where it stands directly above, no blank line between and as far
    in, or directly below and further in. New entries are written as those beside them: indentation,
    flow style, blank lines between. A new scalar keeps the quotes of the old one if it can; line
    ends, a byte order mark and a missing newline at the end stay. Raises ConfigError for a file
    that cannot be read, EditRefused, and ValueError as emit.scalar.
    """
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    body = text.removeprefix("\ufeff")
    newline = "\r\n" if "\r\n" in body else "\n"
    added = "" if body.endswith("\n") else newline
    document = _readable(body, file)
    layout = Layout(document, body + added, nodes(body + added))
    if odd := re.search("\r(?!\n)|[\x85\u2028\u2029]", body):
        layout.refuse(
            (), f"holds {odd[0]!a}, which ends a line for some readers and not for others"
        )
    changes = _normal(document.value, list(edits))
    made = layout.text
    for splice in sorted(splices(layout, changes), key=Splice.order, reverse=True):
        made = made[: splice.start] + splice.text.replace("\n", newline) + made[splice.end :]
    made = made.removesuffix(added)
    if _differs(made, file, _changed(document.value, changes)):
        layout.refuse(changes[0].path, "cannot be changed without touching more than that")
    return mark + made


def _readable(body: str, file: str) -> Document:
    document = read(body.encode("utf-8", "surrogatepass"), file)
    if document.problems:
        raise ConfigError(document.problems)
    return document


def _normal(value: Any, edits: list[Edit]) -> list[Edit]:
    """The edits, a collection removed in place of all that it holds, each once."""
    gone = {change.path for change in edits if isinstance(change, Remove)}
    kept = {
        change.path[:length]
        for change in edits
        if not isinstance(change, Remove)
        for length in range(len(change.path) + 1)
    }
    holders = {path[:-1] for path in gone}
    while holders:
        path = max(holders, key=len)
        holders.discard(path)
        inner = at(value, path)
        steps: Iterable[str | int] = inner if isinstance(inner, Mapping) else range(len(inner))
        if path and path not in kept and all((*path, step) in gone for step in steps):
            gone.add(path)
            holders.add(path[:-1])
    whole = [path for path in gone if not any(path[:length] in gone for length in range(len(path)))]
    return [
        *(
            change
            for change in edits
            if isinstance(change, Put) or (isinstance(change, Add) and change.entries)
        ),
        *map(Remove, whole),
    ]


def _differs(made: str, file: str, wanted: Any) -> bool:
    try:
        observed = read(made.encode(), file)
    except ConfigError:
        return True
    return bool(observed.problems) or repr(observed.value) != repr(wanted)


def changed(value: Any, edits: Iterable[Edit]) -> Any:
    """The value of a file as it is with all the edits made; what several aliases stand for becomes
    one value each.
    """
    return _changed(value, _normal(value, list(edits)))


def _changed(value: Any, changes: Sequence[Edit]) -> Any:
    made = _copied(value)
    for change in changes:
        if isinstance(change, Put):
            at(made, change.path[:-1])[change.path[-1]] = _copied(change.value)
        elif isinstance(change, Add):
            _extend(made, change)
    for path in sorted(
        (change.path for change in changes if isinstance(change, Remove)), key=_order, reverse=True
    ):
        del at(made, path[:-1])[path[-1]]
    return made


def _order(path: YamlPath) -> list[tuple[int, str]]:
    return [(step, "") if isinstance(step, int) else (0, step) for step in path]


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copied(inner) for key, inner in value.items()}
    return [_copied(inner) for inner in value] if isinstance(value, list) else value


def _extend(value: Any, change: Add) -> None:
    if not change.path:
        value.update(plain(change.entries))
        return
    mapped = change.entries[0].key is not None
    for step in change.path[:-1]:
        if isinstance(value, dict) and value.get(step) in (None, [], {}):
            value[step] = {}
        value = value[step]
    last: Any = change.path[-1]
    there = value[last] if isinstance(value, list) else value.get(last)
    new = plain(change.entries)
    value[last] = {**(there or {}), **new} if mapped else [*(there or []), *new]
