"""What a node's identity.yaml demands: for people, as a state.yaml, and beside the state.yaml."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from power_edge.config import ConfigError, Node
from power_edge.config.schema_version import installed
from power_edge.config.state import entries
from power_edge.model import Item, Reason, Source
from power_edge.report.terminal import value
from power_edge.resources import resource
from power_edge.text import counted, printable
from power_edge.yaml_edit.writer import Entry, NewDocument, Paragraph, emit


def text(demanded: Node) -> Iterator[str]:
    """Yield lines: each item, its fields and its reasons, then what derives nothing."""
    for item in demanded.items:
        shown = {**item.expected, **resource(item.type).leniencies(item.declared)}
        fields = ", ".join(f"{name} {value(each)}" for name, each in shown.items())
        yield f"{_name(item)}: {fields}"
        for reason in item.reasons:
            yield f"  {printable(reason.text)}"
            yield f"    {_place(reason)}"
    yield from notes(demanded)


def notes(demanded: Node) -> Iterator[str]:
    """Yield a line for each role or section that derives nothing."""
    for note in demanded.derived.notes if demanded.derived is not None else ():
        yield f"note: {printable(note.text)} ({note.source})"


def state_yaml(demanded: Node, node: Node) -> str:
    """Return what is demanded as a state.yaml, with the reasons as comments.

    `demanded` has nothing but what identity.yaml demands; `node` gives the metadata.
    """
    metadata = {
        key: each
        for key, each in msgspec.to_builtins(node.state.metadata).items()
        if each is not None
    }
    sections = demanded.derived.sections if demanded.derived is not None else {}
    paragraphs = [Paragraph("version", str(installed())), Paragraph("metadata", metadata)]
    for type_, section in sections.items():
        items = [item for item in demanded.items if item.type == type_]
        paths = [entry.path for entry in entries(resource(type_), section)]
        why = dict(zip(paths, items, strict=True))
        paragraphs.append(Paragraph(type_, _entries(section, (), why)))
    return emit(NewDocument(tuple(paragraphs)))


def _entries(
    section: Any, before: tuple[str | int, ...], why: Mapping[tuple[str | int, ...], Item]
) -> tuple[Entry, ...]:
    pairs: list[tuple[str | int, Any]] = (
        list(section.items()) if isinstance(section, Mapping) else list(enumerate(section))
    )
    found = []
    for key, each in pairs:
        path = (*before, key)
        item = why.get(path)
        comment = tuple(reason.text for reason in item.reasons) if item is not None else ()
        inner = each if item is not None else _entries(each, path, why)
        found.append(Entry(inner, comment, key if isinstance(key, str) else None))
    return tuple(found)


def diff(demanded: Node, node: Node, contradictions: ConfigError | None) -> Iterator[str]:
    """Yield lines: what state.yaml repeats, misses and contradicts, and what it alone declares.

    `demanded` has nothing but what identity.yaml demands, `node` nothing but state.yaml's items.
    `contradictions` is the error of both together, None if they agree.
    """
    declared = {(item.type, item.key): item for item in node.items}
    keys = {(item.type, item.key) for item in demanded.items}
    problems = contradictions.problems if contradictions is not None else ()
    contradicted = {problem.source for problem in problems}
    repeated = [
        item
        for item in demanded.items
        if (item.type, item.key) in declared and not _at(item, contradicted)
    ]
    missing = [
        item
        for item in demanded.items
        if (item.type, item.key) not in declared and not _at(item, contradicted)
    ]
    alone = [item for item in node.items if (item.type, item.key) not in keys]
    yield f"state.yaml repeats {counted(len(repeated), 'item')}"
    for item in repeated:
        origin = declared[(item.type, item.key)]
        yield f"  {_name(item)}  {origin.source}"
        yield from (f"    {_place(reason)}" for reason in item.reasons)
    yield f"state.yaml misses {counted(len(missing), 'item')}"
    for item in missing:
        yield f"  {_name(item)}"
        yield from (f"    {_place(reason)}: {printable(reason.text)}" for reason in item.reasons)
    yield f"state.yaml contradicts {len(problems)}"
    yield from (f"  {problem}" for problem in problems)
    yield f"state.yaml alone declares {counted(len(alone), 'item')}"
    yield from (f"  {_name(item)}  {item.source}" for item in alone)
    yield from notes(demanded)


def _at(item: Item, places: set[Source]) -> bool:
    return any(reason.source in places for reason in item.reasons)


def _name(item: Item) -> str:
    return f"{item.type}[{printable(item.name)}]"


def _place(reason: Reason) -> str:
    by = f"role {reason.role}" if reason.role is not None else "section"
    return f"{reason.source}  {printable(reason.path)}  ({by})"
