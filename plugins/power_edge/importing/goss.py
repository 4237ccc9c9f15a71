"""A state.yaml from a goss file. Pure.

An assertion is imported if it means the same to both: an item passes here only if it passes in
goss. What no declaration can express is left out, and listed with its line. The keys of a goss file
are those of its manual (docs/gossfile.md of goss 0.4).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from power_edge.config import ConfigError
from power_edge.config.error import refuse
from power_edge.config.node_configs import STATE
from power_edge.config.schema_version import installed
from power_edge.config.state import state_of
from power_edge.config.yaml_reader import Document, read
from power_edge.json_value import Json
from power_edge.model import Source
from power_edge.resources import resource
from power_edge.text import quoted
from power_edge.yaml_edit.writer import Entry, NewDocument, Paragraph, emit

_NOTES = frozenset(("title", "meta", "timeout"))
"""Keys of goss that assert nothing."""


class LeftOut(NamedTuple):
    """Something in the goss file that no item says: its place, what it is, and why."""

    source: Source
    what: str
    why: str

    def __str__(self) -> str:
        return f"{self.source}: {self.what}: {self.why}"


class Imported(NamedTuple):
    """The text of a state.yaml, the number of its items, and what was left out."""

    text: str
    items: int
    left_out: tuple[LeftOut, ...]


class _Taken(NamedTuple):
    """An item of a section, and the keys of goss that it says."""

    value: Json
    covered: frozenset[str]


class _NotTaken(Exception):
    """Nothing of an entry can be taken; the text says why."""


def convert(data: bytes, file: str) -> Imported:
    """Return what a goss file declares. Raises ConfigError for a file that cannot be read, and for
    one with templates.
    """
    _refuse_templates(data, file)
    document = read(data, file)
    if document.problems:
        raise ConfigError(document.problems)
    sections: dict[str, list[tuple[str, Json]]] = {}
    left_out: list[LeftOut] = []
    for kind, entries in document.value.items():
        if kind not in _KINDS or not isinstance(entries, dict):
            left_out += _unknown(document, kind, entries)
            continue
        section, take = _KINDS[kind]
        for name, fields in entries.items():
            found = _take(document, (kind, name), fields, take, section)
            left_out += found[1]
            if found[0] is not None:
                sections.setdefault(section, []).append((name, found[0]))
    paragraphs = [_paragraph(section, entries) for section, entries in sections.items()]
    text = emit(NewDocument((Paragraph("version", str(installed())), *paragraphs)))
    return Imported(text, sum(map(len, sections.values())), tuple(left_out))


def _refuse_templates(data: bytes, file: str) -> None:
    for number, line in enumerate(data.splitlines(), 1):
        if b"{{" in line and not line.lstrip().startswith(b"#"):
            raise refuse(
                file,
                "this is a template",
                f"let goss fill it in: goss -g {file} render >plain.yaml, and import plain.yaml",
                number,
            )


def _unknown(document: Document, kind: str, entries: Json) -> Iterator[LeftOut]:
    why = (
        "run goss render, and import the one file that it prints"
        if kind == "gossfile"
        else "Power Edge has no such type"
        if kind not in _KINDS
        else "is not a mapping of names"
    )
    names = [*entries] if isinstance(entries, dict) and entries else [None]
    for name in names:
        path = (kind,) if name is None else (kind, name)
        yield LeftOut(document.find(path, key=True), _what(*path), why)


def _what(kind: str, name: str = "", field: str = "") -> str:
    """Return an entry of the goss file in words: `file /etc/motd size`."""
    return " ".join(filter(None, (kind, quoted(name, 200).strip("'\"") if name else "", field)))


_Take = Callable[[str, Mapping[str, Json]], _Taken]


def _take(
    document: Document, path: tuple[str, str], fields: Json, take: _Take, section: str
) -> tuple[Json, list[LeftOut]]:
    """Return the item that an entry becomes, or None, and what of the entry is left out."""
    _, name = path
    place = document.find(path, key=True)
    if not isinstance(fields, dict):
        return None, [LeftOut(place, _what(*path), "has no fields")]
    if fields.get("skip") is True:
        return None, [LeftOut(place, _what(*path), "goss skips it")]
    try:
        taken = take(name, fields)
        _check(section, name, taken.value)
    except _NotTaken as error:
        return None, [LeftOut(place, _what(*path), str(error))]
    except ConfigError as error:
        return None, [LeftOut(place, _what(*path), error.problems[0].message)]
    left = [
        LeftOut(
            document.find((*path, field), key=True),
            _what(*path, field),
            "cannot be declared",
        )
        for field, value in fields.items()
        if field not in taken.covered | _NOTES | {"skip"} and value not in (None, [], {})
    ]
    return taken.value, left


def _check(section: str, name: str, value: Json) -> None:
    """Raise ConfigError unless state.yaml may hold an item."""
    items = [value] if resource(section).key is not None else {name: value}
    state_of(Document.of_value(STATE, {"version": str(installed()), section: items}), "imported")


def _paragraph(section: str, entries: list[tuple[str, Json]]) -> Paragraph:
    listed = resource(section).key is not None
    return Paragraph(
        section, tuple(Entry(value, (), None if listed else name) for name, value in entries)
    )


def _boolean(fields: Mapping[str, Json], field: str) -> bool | None:
    value = fields.get(field)
    return value if isinstance(value, bool) else None


def _package(name: str, fields: Mapping[str, Json]) -> _Taken:
    is_installed = _boolean(fields, "installed")
    if is_installed is None:
        raise _NotTaken("says neither installed: true nor installed: false")
    covered = frozenset(("installed",))
    if not is_installed:
        return _Taken({"name": name, "state": "absent"}, covered)
    versions = fields.get("versions")
    one = versions[0] if isinstance(versions, list) and len(versions) == 1 else None
    if isinstance(one, str):
        return _Taken({"name": name, "version": one}, covered | {"versions"})
    return _Taken({"name": name}, covered)


def _service(name: str, fields: Mapping[str, Json]) -> _Taken:
    runs, starts = _boolean(fields, "running"), _boolean(fields, "enabled")
    if runs is None and starts is None:
        raise _NotTaken("says neither running nor enabled")
    item: dict[str, Json] = {"name": name}
    if runs is not None:
        item["state"] = "running" if runs else "stopped"
    if starts is not None:
        item["enabled"] = starts
    if not runs and not starts:
        item["optional"] = True  # to goss a service that does not exist is neither
    says = {"running": runs, "enabled": starts}
    return _Taken(item, frozenset(each for each, value in says.items() if value is not None))


def _kernel_param(_: str, fields: Mapping[str, Json]) -> _Taken:
    value = fields.get("value")
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise _NotTaken("its value is not text or a number")
    return _Taken(str(value), frozenset(("value",)))


_FILE_FIELDS = ("mode", "owner", "group", "sha256")
_MODE = re.compile("0?[0-7]{3,4}")


def _file(name: str, fields: Mapping[str, Json]) -> _Taken:
    path, filetype = fields.get("path", name), fields.get("filetype")
    exists = _boolean(fields, "exists")
    if exists is None and fields.get("exists") is not None:
        raise _NotTaken("says neither exists: true nor exists: false")
    if exists is False:
        return _Taken({"path": path, "state": "absent"}, frozenset(("exists", "path")))
    linked_to = fields.get("linked-to")
    if filetype in ("symlink", None) and isinstance(linked_to, str):
        link = {"path": path, "state": "symlink", "target": linked_to}
        return _Taken(link, frozenset(("exists", "path", "filetype", "linked-to")))
    if filetype not in ("file", "directory", None):
        raise _NotTaken("only files, directories, and symlinks with linked-to can be declared")
    given = ((field, fields.get(field)) for field in _FILE_FIELDS)
    taken = {field: value for field, value in given if isinstance(value, str)}
    if "mode" in taken and not _MODE.fullmatch(taken["mode"]):
        del taken["mode"]
    state = {"state": "directory"} if filetype == "directory" else {}
    if state:
        taken.pop("sha256", None)
    covered = {"exists", "path", *taken} | ({"filetype"} if filetype is not None else set())
    return _Taken({"path": path, **state, **taken}, frozenset(covered))


_KINDS: Mapping[str, tuple[str, _Take]] = {
    "package": ("packages", _package),
    "service": ("services", _service),
    "kernel-param": ("sysctl", _kernel_param),
    "file": ("files", _file),
}
"""Types of goss -> the resource type, and what makes an item of an entry."""
