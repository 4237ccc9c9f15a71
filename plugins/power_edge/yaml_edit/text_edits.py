"""Turn edits of a YAML file into splices of its text."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from power_edge.yaml_edit import writer
from power_edge.yaml_edit.layout import Layout, YamlPath, at
from power_edge.yaml_edit.syntax_tree import SyntaxNode
from power_edge.yaml_edit.writer import Entry, plain


class Put(NamedTuple):
    """Put a scalar in place of the one at `path`, or add a key with any value to a mapping."""

    path: YamlPath
    value: Any


class Add(NamedTuple):
    """Add entries at the end of the list or mapping at `path` (`()`: of the file).

    It is made if it is missing or null.
    """

    path: YamlPath
    entries: tuple[Entry, ...]


class Remove(NamedTuple):
    """Remove what is at `path`, with its comment, and a list or mapping that this leaves empty."""

    path: YamlPath


Edit = Put | Add | Remove


class Splice(NamedTuple):
    """A text that takes the place of `start` to `end`.

    At equal offsets deeper splices come first, then those of earlier edits.
    """

    start: int
    end: int
    text: str
    depth: int = 0
    number: int = 0

    def order(self) -> tuple[int, int, int, int]:
        """Return the sort key."""
        return self.start, self.end, -self.depth, self.number


def splices(layout: Layout, changes: Sequence[Edit]) -> list[Splice]:
    """Return the splices that make the edits. Raises EditRefused; ValueError as writer.scalar."""
    removed_paths = {change.path for change in changes if isinstance(change, Remove)}
    found: list[Splice] = []
    for number, change in enumerate(changes):
        match change:
            case Put():
                new: Iterable[Splice] = [_put(layout, change, removed_paths)]
            case Add():
                new = _add(layout, change, removed_paths)
            case Remove():
                new = ()
        found += (splice._replace(number=number) for splice in new)
    return [*found, *_remove(layout, removed_paths, {splice.start for splice in found})]


def _put(layout: Layout, change: Put, removed_paths: set[YamlPath]) -> Splice:
    *path, step = change.path
    if isinstance(step, int) or step in at(layout.document.value, tuple(path)):
        return _replace(layout, change)
    return _grow(layout, tuple(path), (Entry(change.value, (), step),), removed_paths)


def _replace(layout: Layout, change: Put) -> Splice:
    node = layout.node(change.path)
    if node.kind != "scalar" or node.marked:
        layout.refuse(
            change.path,
            "is not a plain value: it is a collection or an alias, or has an anchor or a tag",
        )
    if node.style in ("|", ">"):
        return _replace_block(layout, node, change.value)
    written = _quoted_as(
        node.style,
        change.value,
        in_flow=any(layout.node(change.path[:length]).style for length in range(len(change.path))),
    )
    return Splice(node.start, node.end, written if node.end > node.start else f" {written}")


def _replace_block(layout: Layout, node: SyntaxNode, value: Any) -> Splice:
    """Replace a block scalar by another if the value allows it. The comment of its header stays."""
    end = layout.below(node.end)
    header = layout.text[node.start : layout.below(node.start)].rstrip()
    comment = re.search(r"\s+#.*", header)
    first = re.compile(r" *").match(layout.text, layout.below(node.start))
    indent = first[0] if first is not None else ""
    written = writer.scalar(value)
    lines = value.removesuffix("\n").split("\n") if isinstance(value, str) else []
    if indent and _fits_a_block(value) and not re.search("[0-9]", header.partition("#")[0]):
        written = "|" if value.endswith("\n") else "|-"
        lines = [f"{indent}{line}" if line else "" for line in lines]
    else:
        lines = []
    return Splice(
        node.start, end, "\n".join([written + (comment[0] if comment else ""), *lines, ""])
    )


def _add(layout: Layout, change: Add, removed_paths: set[YamlPath]) -> Iterator[Splice]:
    path, value = change.path, change.entries
    inner: Any = layout.document.value
    for length, step in enumerate(path):
        if isinstance(inner, Mapping) and inner.get(step) in (None, [], {}):
            for name in reversed(path[length + 1 :]):
                value = (Entry(value, (), str(name)),)
            yield from _begin(layout, path[:length], str(step), value, removed_paths)
            return
        inner = inner[step]
    yield _grow(layout, path, value, removed_paths)


def _begin(
    layout: Layout, path: YamlPath, key: str, value: tuple[Entry, ...], removed_paths: set[YamlPath]
) -> Iterator[Splice]:
    """Write a section that is missing or empty."""
    if key not in at(layout.document.value, path):
        yield _grow(layout, path, (Entry(value, (), key),), removed_paths)
        return
    parent, node = layout.node(path), layout.node((*path, key))
    if parent.style or parent.kind == "alias" or node.kind == "alias" or node.marked:
        if node.kind == "alias" or node.marked:
            layout.refuse((*path, key), "has an anchor, a tag or an alias as its value")
        written = writer.flow(plain(value))
        yield Splice(node.start, node.end, written if node.end > node.start else f" {written}")
        return
    after = len(layout.text[: node.start].rstrip(" \t"))
    if node.end > node.start:
        yield Splice(after, node.end, "")
    column = layout.column(parent)
    lines = list(writer.keyed(key, value, " " * column, nested=bool(path)))[1:]
    end = layout.end(node.end, column)
    yield Splice(end, end, _text(_indented(layout, lines, value)), len(path) + 1)


def _grow(
    layout: Layout, path: YamlPath, new: tuple[Entry, ...], removed_paths: set[YamlPath]
) -> Splice:
    """Add entries to a collection that has some."""
    node = layout.node(path)
    if node.kind not in ("map", "list") or node.marked:
        layout.refuse(
            path, "is not a plain list or mapping: it is an alias, or has an anchor or a tag"
        )
    if node.style:
        return _grow_flow(layout, path, node, new, removed_paths)
    place = len(node.values) - 1
    start, end = layout.span(path, node, place)
    if not path:
        end = len(layout.text)
    gap = "\n" if not path or (place > 0 and layout.blank(layout.line(start - 1))) else ""
    texts = [
        _text(
            _key(layout, entry, path, node)
            if entry.key is not None
            else _item(layout, entry, path, node)
        )
        for entry in new
    ]
    follows_blank = (
        layout.blank(layout.line(end - 1)) or (*path, list(layout.steps(path))[-1]) in removed_paths
    )
    return Splice(end, end, ("" if follows_blank else gap) + gap.join(texts), len(path))


def _key(layout: Layout, entry: Entry, path: YamlPath, node: SyntaxNode) -> list[str]:
    """Return the lines of a new key of a mapping."""
    indent = " " * layout.column(node)
    if not path:
        first, *rest = writer.keyed(str(entry.key), entry.value, indent)
        return [
            *writer.comments(entry.comment, indent),
            first,
            *_indented(layout, rest, entry.value),
        ]
    lines = list(writer.lines(entry, indent))
    head = (
        next(number for number, line in enumerate(lines) if not line.lstrip().startswith("#")) + 1
    )
    return [*lines[:head], *_indented(layout, lines[head:], entry.value)]


def _item(layout: Layout, entry: Entry, path: YamlPath, node: SyntaxNode) -> list[str]:
    """Return the lines of a new item of a list, in the style of the last one.

    It has the same number of blanks after the dash, and is in flow style if that one is.
    """
    indent, sibling = " " * node.column, node.values[-1]
    head = layout.head((*path, len(node.values) - 1), node, len(node.values) - 1)
    width = sibling.start - head if layout.line(sibling.start) == layout.line(head) else 2
    lines = list(writer.lines(entry, indent, nested=sibling.kind == "map" and bool(sibling.style)))
    dash = next(number for number, line in enumerate(lines) if line.startswith(f"{indent}-"))
    inner = [f"{indent}{' ' * width}{line[node.column + 2 :]}" for line in lines[dash + 1 :]]
    return [*lines[:dash], f"{indent}-{' ' * (width - 1)}{lines[dash][node.column + 2 :]}", *inner]


def _indented(layout: Layout, lines: list[str], value: Any) -> list[str]:
    """Indent the lines of a new list below its key as the other lists of the file are."""
    return (
        lines
        if isinstance(plain(value), Mapping)
        else [f"{' ' * layout.offset(layout.root)}{line}" for line in lines]
    )


def _grow_flow(
    layout: Layout,
    path: YamlPath,
    node: SyntaxNode,
    new: tuple[Entry, ...],
    removed_paths: set[YamlPath],
) -> Splice:
    parts = [
        writer.flow(plain(entry.value))
        if entry.key is None
        else f"{writer.scalar(entry.key, in_flow=True)}: {writer.flow(plain(entry.value))}"
        for entry in new
    ]
    remaining = any((*path, step) not in removed_paths for step in layout.steps(path))
    where = node.values[-1].end if node.values else node.start + 1
    return Splice(where, where, (", " if remaining else "") + ", ".join(parts))


def _remove(layout: Layout, removed_paths: set[YamlPath], kept: set[int]) -> Iterator[Splice]:
    """Yield the splices that remove entries. `kept` are offsets where something is inserted."""
    ranges = []
    for holder in {path[:-1] for path in removed_paths}:
        node = layout.node(holder)
        if node.kind == "alias" or node.marked:
            layout.refuse(holder, "is an alias, or has an anchor or a tag")
        places = sorted(
            layout.place(holder, path[-1]) for path in removed_paths if path[:-1] == holder
        )
        if node.style:
            yield from (_remove_flow(layout, holder, node, place, places) for place in places)
            continue
        if places[0] == 0 and layout.shares(node):
            first = next((place for place in range(len(node.keys)) if place not in places), None)
            yield _remove_first(layout, holder, node, first)
            places = [place for place in places if place > (first or 0)]
        ranges += [layout.span(holder, node, place) for place in places]
    yield from _blocks(layout, sorted(ranges), kept)


def _remove_first(
    layout: Layout, path: YamlPath, node: SyntaxNode, remaining: int | None
) -> Splice:
    """Remove keys that begin on the line of a dash: the first key that is left moves up to it."""
    if remaining is None or re.search(
        r"^\s*#", layout.text[node.keys[0].start : node.keys[remaining].start], re.MULTILINE
    ):
        layout.refuse(path, "has no key that could move up to the dash, or a comment in between")
    return Splice(node.keys[0].start, node.keys[remaining].start, "")


def _remove_flow(
    layout: Layout, path: YamlPath, node: SyntaxNode, place: int, places: Sequence[int]
) -> Splice:
    heads = (
        [key.start for key in node.keys]
        if node.kind == "map"
        else [value.start for value in node.values]
    )
    if places[: place + 1] == list(range(place + 1)):  # everything before it is removed
        start, end = (
            heads[place],
            heads[place + 1] if place + 1 < len(heads) else node.values[place].end,
        )
        outside = layout.text[node.values[place].end : end]
    else:
        start, end = node.values[place - 1].end, node.values[place].end
        outside = layout.text[start : heads[place]]
    if "#" in outside:
        layout.refuse(path, "has a comment beside what is to be removed")
    return Splice(start, end, "")


def _blocks(layout: Layout, ranges: Iterable[tuple[int, int]], kept: set[int]) -> Iterator[Splice]:
    """Yield the splices that remove ranges of lines. Blank lines stay on one side only."""
    merged: list[tuple[int, int]] = []
    for start, end in ranges:
        if (
            merged
            and not layout.text[merged[-1][1] : start].strip()
            and kept.isdisjoint(range(merged[-1][1], start + 1))
        ):
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    for start, end in merged:
        below = end
        while layout.blank(below):
            below = layout.below(below)
        line_above = layout.text[layout.line(start - 1) : start].strip()
        if not kept.isdisjoint(range(end, below + 1)) or (
            line_above and not line_above.endswith(":")
        ):
            yield Splice(start, end, "")
        elif below == len(layout.text):
            yield Splice(layout.below(len(layout.text[:start].rstrip()) - 1), below, "")
        else:
            yield Splice(start, below, "")


def _text(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _quoted_as(style: str, value: Any, *, in_flow: bool) -> str:
    """Return a scalar in the quotes of the old one, if it is text that these quotes can contain."""
    written = writer.scalar(value, in_flow=in_flow)
    if not isinstance(value, str) or not style:
        return written
    if style == "'" and value.isprintable() and value:
        return "'{}'".format(value.replace("'", "''"))
    return written if written.startswith('"') else writer.double_quoted(value)


def _fits_a_block(value: Any) -> bool:
    """Return whether a literal block without an indentation indicator can have the value."""
    if (
        not isinstance(value, str)
        or not value.strip()
        or value.endswith("\n\n")
        or value.startswith((" ", "\n", "\t"))
    ):
        return False
    return all(
        line.isprintable() and line == line.rstrip()
        for line in value.removesuffix("\n").split("\n")
    )
