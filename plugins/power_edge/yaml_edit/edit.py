"""Edit a YAML file in place: text is inserted and removed, and everything else stays byte for byte.

The result is read again. Unless it is the old value with exactly these edits, nothing is changed.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from power_edge.config.error import ConfigError
from power_edge.config.yaml_reader import Document, read
from power_edge.yaml_edit.layout import EditRefused, Layout, YamlPath, at
from power_edge.yaml_edit.syntax_tree import parse
from power_edge.yaml_edit.text_edits import Add, Edit, Put, Remove, Splice, splices
from power_edge.yaml_edit.writer import plain

__all__ = ["Add", "Edit", "EditRefused", "Put", "Remove", "YamlPath", "at", "changed", "edit"]


def edit(text: str, edits: Iterable[Edit], file: str) -> str:
    """Return the text of a file with all the edits made.

    Paths are those of the old text; `file` is its name in messages. A comment belongs to an entry
    if it is directly above with the same indentation, or directly below and indented more. New
    entries are written like those beside them: indentation, flow style, blank lines between. A new
    scalar keeps the quotes of the old one if it can. Line ends, a byte order mark and a missing
    newline at the end stay. Raises ConfigError for a file that cannot be read, EditRefused, and
    ValueError as writer.scalar.
    """
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    body = text.removeprefix("\ufeff")
    newline = "\r\n" if "\r\n" in body else "\n"
    added = "" if body.endswith("\n") else newline
    document = _readable(body, file)
    layout = Layout(document, body + added, parse(body + added))
    if line_end := re.search("\r(?!\n)|[\x85\u2028\u2029]", body):
        layout.refuse(
            (), f"contains {line_end[0]!a}, which ends a line for some readers and not for others"
        )
    changes = _normalised(document.value, list(edits))
    new = layout.text
    for splice in sorted(splices(layout, changes), key=Splice.order, reverse=True):
        new = new[: splice.start] + splice.text.replace("\n", newline) + new[splice.end :]
    new = new.removesuffix(added)
    if _differs(new, file, _changed(document.value, changes)):
        layout.refuse(changes[0].path, "cannot be changed without changing something else")
    return mark + new


def _readable(body: str, file: str) -> Document:
    document = read(body.encode("utf-8", "surrogatepass"), file)
    if document.problems:
        raise ConfigError(document.problems)
    return document


def _normalised(value: Any, edits: list[Edit]) -> list[Edit]:
    """Return the edits, each removal once.

    If everything in a collection is removed, the collection is removed instead.
    """
    removed_paths = {change.path for change in edits if isinstance(change, Remove)}
    changed_paths = {
        change.path[:length]
        for change in edits
        if not isinstance(change, Remove)
        for length in range(len(change.path) + 1)
    }
    holders = {path[:-1] for path in removed_paths}
    while holders:
        path = max(holders, key=len)
        holders.discard(path)
        inner = at(value, path)
        steps: Iterable[str | int] = inner if isinstance(inner, Mapping) else range(len(inner))
        if (
            path
            and path not in changed_paths
            and all((*path, step) in removed_paths for step in steps)
        ):
            removed_paths.add(path)
            holders.add(path[:-1])
    outermost = [
        path
        for path in removed_paths
        if not any(path[:length] in removed_paths for length in range(len(path)))
    ]
    return [
        *(
            change
            for change in edits
            if isinstance(change, Put) or (isinstance(change, Add) and change.entries)
        ),
        *map(Remove, outermost),
    ]


def _differs(new: str, file: str, expected: Any) -> bool:
    """Return whether a text is read as another value than `expected`; types and order count too."""
    try:
        document = read(new.encode(), file)
    except ConfigError:
        return True
    return bool(document.problems) or repr(document.value) != repr(expected)


def changed(value: Any, edits: Iterable[Edit]) -> Any:
    """Return the value of a file with all the edits made; values that aliases share are copied."""
    return _changed(value, _normalised(value, list(edits)))


def _changed(value: Any, changes: Sequence[Edit]) -> Any:
    new = _copied(value)
    for change in changes:
        if isinstance(change, Put):
            at(new, change.path[:-1])[change.path[-1]] = _copied(change.value)
        elif isinstance(change, Add):
            _extend(new, change)
    removed = [change.path for change in changes if isinstance(change, Remove)]
    for path in sorted(removed, key=_order, reverse=True):  # the last first: indices stay right
        del at(new, path[:-1])[path[-1]]
    return new


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
    old = value[last] if isinstance(value, list) else value.get(last)
    new = plain(change.entries)
    value[last] = {**(old or {}), **new} if mapped else [*(old or []), *new]
