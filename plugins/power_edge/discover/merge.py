"""Merge what was discovered into a file: what the file lacks is added, what it says stays."""

from collections.abc import Collection, Hashable, Iterator, Mapping
from itertools import groupby
from typing import Any

from power_edge.config.state import check_schema
from power_edge.config.state import entries as items
from power_edge.config.yaml_reader import read
from power_edge.discover.own_comments import refreshed
from power_edge.model import ResourceType
from power_edge.resources import names, resource
from power_edge.yaml_edit.edit import Add, Edit, YamlPath, edit
from power_edge.yaml_edit.writer import Entry, NewDocument, Paragraph, condensed, entries, plain


def merge(text: str, discovered: NewDocument, file: str) -> str:
    """Return the text of a file with what it lacks of a discovered document.

    Comments of an earlier discovery on what it left out are replaced by those of this one.

    `file` is its name in messages. In state.yaml a declared item keeps its fields, however its name
    is spelled; firewall rules are the same if they say the same, and one that contradicts a rule in
    the file is not added. In other files two entries of a list are the same if their names are, or
    else all of them. Raises ConfigError for a file that cannot be used, and as `edit`.
    """
    document = read(text.encode("utf-8", "surrogateescape"), file)
    if any(paragraph.name in names() for paragraph in discovered.paragraphs):
        check_schema(document, "state")
    changes = [
        change
        for paragraph in discovered.paragraphs
        for change in _changes(document.value, paragraph)
    ]
    sections = [each for each in discovered.paragraphs if each.name in names()]
    return refreshed(edit(text, changes, file), sections)


def _changes(on_file: Mapping[str, Any], paragraph: Paragraph) -> Iterator[Edit]:
    if paragraph.entries in ((), [], {}):  # only comments
        return
    if paragraph.name not in names() or on_file.get(paragraph.name) in (None, [], {}):
        yield from _missing(on_file, paragraph)
        return
    kind, section = resource(paragraph.name), on_file[paragraph.name]
    declared = {kind.canonical(item.name) for item in items(kind, section)}
    new = [
        item.path
        for item in items(kind, plain(paragraph.entries))
        if kind.canonical(item.name) not in declared
    ]
    for holder, paths in groupby(new, key=lambda path: path[:-1]):
        found = tuple(_at(paragraph.entries, path) for path in paths)
        if kind.whole:
            found = tuple(
                entry for entry in found if not _contradicts(kind, section, holder, entry)
            )
        yield Add((paragraph.name, *holder), found)


def _at(value: Any, path: YamlPath) -> Entry:
    """Return the entry at a path, with its comment."""
    for step in path:
        found = next(
            entry for number, entry in enumerate(entries(value)) if step in (entry.key, number)
        )
        value = found.value
    return found


def _contradicts(
    kind: ResourceType[Any, Any], section: Any, holder: YamlPath, entry: Entry
) -> bool:
    """Return whether the items of a section would contradict each other with one more entry."""
    if entry.key is not None:
        return False
    (name,) = holder
    more = {**section, name: [*(section.get(name) or []), plain(entry.value)]}
    return any(True for item in items(kind, more) for _ in kind.problems(item.declared))


def _missing(on_file: Mapping[str, Any], paragraph: Paragraph) -> Iterator[Edit]:
    if paragraph.name not in on_file:
        new = condensed(paragraph)
        yield Add((), (Entry(new.entries, new.comment, new.name),))
    else:
        path = (paragraph.name,)
        yield from _lacking(on_file[paragraph.name], paragraph.entries, path, paragraph.names)


def _lacking(on_file: Any, found: Any, path: YamlPath, names: Mapping[str, str]) -> Iterator[Edit]:
    """Yield the additions of what was found and is not on file.

    A value on file stays, whatever it is; an empty one is filled.
    """
    new_value = plain(found)
    if on_file in (None, [], {}) and isinstance(new_value, Mapping | list):
        yield Add(path, entries(found))
    elif isinstance(on_file, Mapping) and isinstance(new_value, Mapping):
        yield Add(path, tuple(entry for entry in entries(found) if entry.key not in on_file))
        for entry in entries(found):
            if entry.key in on_file:
                inner = (*path, str(entry.key))
                yield from _lacking(on_file[entry.key], entry.value, inner, names)
    elif isinstance(on_file, list) and isinstance(new_value, list):
        types = {names[value] for value in new_value if isinstance(value, str) and value in names}
        present = {key for value in on_file for key in _keys(value, types)}
        new = (
            entry
            for entry in entries(found)
            if present.isdisjoint(_keys(plain(entry.value), types))
        )
        yield Add(path, tuple(new))


def _keys(value: Any, types: Collection[str]) -> set[Hashable]:
    """Return what makes two entries of a list the same, if they share any of it.

    It is the name of a mapping, or the whole value; for a text also its spellings by the resource
    types whose items the list names: `cron` is `cron.service`.
    """
    if isinstance(value, Mapping):
        return {repr(value.get("name", value))}
    spellings = (
        [resource(name).canonical(value) for name in types] if isinstance(value, str) else []
    )
    return {repr(each) for each in (value, *spellings)}
