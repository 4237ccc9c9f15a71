"""What was discovered brought into files that are there: what they lack is added, what they say is
left as it is.
"""

from collections.abc import Hashable, Iterator, Mapping
from itertools import groupby
from typing import Any

from power_edge.config.state import check_schema
from power_edge.config.state import entries as items
from power_edge.config.yaml_reader import read
from power_edge.model import ResourceType
from power_edge.resources import names, resource
from power_edge.yaml_edit.edit import Add, Edit, YamlPath, edit
from power_edge.yaml_edit.writer import Entry, NewDocument, Paragraph, entries, plain

_NAMES_OF = {
    ("watchers", "journald", "units"): "services",
    ("watchers", "inotify", "paths"): "files",
}
"""Lists of names of a resource type, in watcher.yaml: `cron` and `cron.service` are one."""


def merge(text: str, discovered: NewDocument, file: str) -> str:
    """The text of a file with what it lacks of a document that was discovered; `file` is its name
    in messages.

    Of state.yaml an item that is declared, however spelled, keeps its fields; rules of a firewall
    are told apart by what they say, and one that contradicts a rule that is there is not added.
    Elsewhere items of a list are one where their names are, or all of them is. Raises ConfigError
    for a file that cannot be used, and as `edit`.
    """
    document = read(text.encode("utf-8", "surrogateescape"), file)
    if any(paragraph.name in names() for paragraph in discovered.paragraphs):
        check_schema(document, "state")
    return edit(
        text,
        [
            change
            for paragraph in discovered.paragraphs
            for change in _changes(document.value, paragraph)
        ],
        file,
    )


def _changes(there: Mapping[str, Any], paragraph: Paragraph) -> Iterator[Edit]:
    if paragraph.entries in ((), [], {}):  # only something to be said
        return
    if paragraph.name not in names() or there.get(paragraph.name) in (None, [], {}):
        yield from _missing(there, paragraph)
        return
    kind, section = resource(paragraph.name), there[paragraph.name]
    known = {kind.canonical(item.name) for item in items(kind, section)}
    new = [
        item.path
        for item in items(kind, plain(paragraph.entries))
        if kind.canonical(item.name) not in known
    ]
    for holder, paths in groupby(new, key=lambda path: path[:-1]):
        found = tuple(_at(paragraph.entries, path) for path in paths)
        if kind.whole:
            found = tuple(
                entry for entry in found if not _contradicts(kind, section, holder, entry)
            )
        yield Add((paragraph.name, *holder), found)


def _at(value: Any, path: YamlPath) -> Entry:
    """The entry at a path, with its comment."""
    for step in path:
        found = next(
            entry for number, entry in enumerate(entries(value)) if step in (entry.key, number)
        )
        value = found.value
    return found


def _contradicts(
    kind: ResourceType[Any, Any], section: Any, holder: YamlPath, entry: Entry
) -> bool:
    """Whether the items of a section, read together, are at odds with one more."""
    if entry.key is not None:
        return False
    (name,) = holder
    more = {**section, name: [*(section.get(name) or []), plain(entry.value)]}
    return any(True for item in items(kind, more) for _ in kind.problems(item.declared))


def _missing(there: Mapping[str, Any], paragraph: Paragraph) -> Iterator[Edit]:
    if paragraph.name not in there:
        yield Add((), (Entry(paragraph.entries, paragraph.comment, paragraph.name),))
    else:
        yield from _lacking(there[paragraph.name], paragraph.entries, (paragraph.name,))


def _lacking(there: Any, found: Any, path: YamlPath) -> Iterator[Edit]:
    """What is found and not there.

    A value that is there stays, whatever it is; an empty one is filled.
    """
    wanted = plain(found)
    if there in (None, [], {}) and isinstance(wanted, Mapping | list):
        yield Add(path, entries(found))
    elif isinstance(there, Mapping) and isinstance(wanted, Mapping):
        yield Add(path, tuple(entry for entry in entries(found) if entry.key not in there))
        for entry in entries(found):
            if entry.key in there:
                yield from _lacking(there[entry.key], entry.value, (*path, str(entry.key)))
    elif isinstance(there, list) and isinstance(wanted, list):
        known = {_name(value, path) for value in there}
        yield Add(
            path,
            tuple(
                entry for entry in entries(found) if _name(plain(entry.value), path) not in known
            ),
        )


def _name(value: Any, path: YamlPath) -> Hashable:
    """What an item of a list is told by."""
    if isinstance(value, Mapping):
        return repr(value.get("name", value))
    return (
        resource(_NAMES_OF[path]).canonical(value)
        if path in _NAMES_OF and isinstance(value, str)
        else repr(value)
    )
