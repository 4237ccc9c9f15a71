"""The syntax tree of a YAML file: where in the text each value begins and ends."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from yaml.cyaml import CParser  # type: ignore[attr-defined]
from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)


class SyntaxNode(NamedTuple):
    """A value in the text, from offset `start` to `end`, without blanks and comments after it."""

    kind: str
    """scalar, map, list or alias."""
    start: int
    end: int
    column: int
    """The column of `start`; for a list in block style that of its dashes."""
    style: str
    """For a scalar `'`, `"`, `|` or `>`; for a map or list `{` in flow style; else empty."""
    marked: bool = False
    """It has an anchor or a tag."""
    keys: tuple["SyntaxNode", ...] = ()
    values: tuple["SyntaxNode", ...] = ()


def parse(text: str) -> SyntaxNode:
    """Return the root of a text that yaml_reader.read has accepted. Each line ends in a newline."""
    events: Any = iter(CParser(text).get_event, None)
    return next(node for event in events if (node := _node(event, events, text)) is not None)


def _node(event: Any, events: Iterator[Any], text: str) -> SyntaxNode | None:
    kind, start, end, column = (
        type(event),
        event.start_mark.index,
        event.end_mark.index,
        event.start_mark.column,
    )
    if kind is AliasEvent:
        return SyntaxNode("alias", start, end, column, "")
    if kind not in (ScalarEvent, MappingStartEvent, SequenceStartEvent):
        return None
    marked = event.anchor is not None or event.tag is not None
    if kind is ScalarEvent:
        style = event.style or ""
        if style in ("|", ">"):  # the parser's end is where it looks for the next token
            kept = "+" in text[start:end].partition("\n")[0].partition("#")[0]
            end = end - 1 if kept else start + len(text[start:end].rstrip())
        return SyntaxNode("scalar", start, end, column, style, marked)
    inner, end = _inner(events, text)
    if not event.flow_style:
        end = inner[-1].end
    flow = "{" if event.flow_style else ""
    if kind is MappingStartEvent:
        return SyntaxNode(
            "map", start, end, column, flow, marked, tuple(inner[::2]), tuple(inner[1::2])
        )
    return SyntaxNode("list", start, end, column, flow, marked, (), tuple(inner))


def _inner(events: Iterator[Any], text: str) -> tuple[list[SyntaxNode], int]:
    """Return the nodes up to the end of their collection, and that end.

    The end is exact only for a collection in flow style, which ends with a bracket.
    """
    found: list[SyntaxNode] = []
    for event in events:
        if type(event) in (MappingEndEvent, SequenceEndEvent):
            return found, event.end_mark.index
        node = _node(event, events, text)
        assert node is not None
        found.append(node)
    raise AssertionError("events end with their document")
