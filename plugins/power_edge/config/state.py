"""state.yaml: from bytes to items."""

from collections.abc import Iterator
from keyword import kwlist
from typing import Any, NamedTuple

import msgspec

from power_edge.config.error import LIMIT, ConfigError, refuse
from power_edge.config.schema import validator
from power_edge.config.yaml_reader import Document, read
from power_edge.model import Entry, Item, Problem, ResourceType
from power_edge.model.generated.core_schema import Metadata
from power_edge.resources import resource
from power_edge.text import identifier, quoted

_KEYWORDS = frozenset(kwlist)
_OF_THE_FILE = frozenset(("version", "metadata"))


class State(NamedTuple):
    """What a node is declared to be."""

    file: str
    version: str
    metadata: Metadata
    items: tuple[Item, ...]
    """In the order of the file."""


def load_state(data: bytes, file: str, node: str) -> State:
    """The state declared by the bytes of a state.yaml.

    `file` is its path as messages and reports show it, `node` the node's name. Raises ConfigError
    with all that is wrong.
    """
    return state_of(read(data, file), node)


def state_of(document: Document, node: str) -> State:
    """The state that a document declares. Raises ConfigError with all that is wrong."""
    checked(document, "state")
    problems: list[Problem] = []
    items: list[Item] = []
    for name, section in document.value.items():
        if name not in _OF_THE_FILE:
            items += _items(document, node, resource(name), section, problems)
            if len(problems) > LIMIT:
                break
    if problems:
        raise ConfigError(problems)
    return State(
        document.file,
        document.value["version"],
        msgspec.convert(document.value["metadata"], Metadata),
        tuple(items),
    )


def declarations(document: Document) -> Iterator[tuple[str, Any]]:
    """The sections of a state.yaml by resource type, as `declares` has them.

    Raises ConfigError unless they fit their schemas.
    """
    checked(document, "state")
    for name, section in document.value.items():
        if name not in _OF_THE_FILE:
            yield name, msgspec.convert(_attributes(section), resource(name).declares)


def checked(document: Document, name: str) -> None:
    """Raises ConfigError unless the document is sound and fits the schema `name`."""
    try:
        valid = validator(name).is_valid(document.value)
    except UnicodeEncodeError:  # a document made of what a machine shows: no file could hold it
        raise refuse(document.file, "holds bytes that are no UTF-8, which YAML cannot") from None
    if document.problems or not valid:
        from power_edge.config.schema_errors import explain

        raise ConfigError((*document.problems, *explain(document, name)))


def _items(
    document: Document,
    node: str,
    kind: ResourceType[Any, Any],
    section: Any,
    problems: list[Problem],
) -> Iterator[Item]:
    first: dict[str, Item] = {}
    by_id: dict[str, Item] = {}
    for name, declared, path in entries(kind, section):
        full = (kind.name, *path)
        source = document.find(full, key=True)
        item = Item(
            node, kind.name, name, kind.canonical(name), declared, kind.asserts(declared), (source,)
        )
        twin = first.setdefault(item.key, item)
        if twin is not item:
            problems.append(Problem(source, *_twice(kind.name, item, twin)))
        elif (twin := by_id.setdefault(identifier(item.name), item)) is not item:
            problems.append(Problem(source, *_one_id(kind.name, item, twin)))
        problems += [
            Problem(document.find((*full, field)), f"{field}: {message}" if field else message)
            for field, message in kind.problems(declared)
        ]
        if len(problems) > LIMIT:
            return
        yield item
    if not first and isinstance(section, dict):
        problems.append(
            Problem(
                document.find((kind.name,), key=True),
                f"{kind.name} asserts nothing",
                "declare something in it, or remove it",
            )
        )


def entries(kind: ResourceType[Any, Any], section: Any) -> Iterator[Entry[Any]]:
    """The items of a section that fits its schema, and where in it they stand."""
    return kind.items_of(msgspec.convert(_attributes(section), kind.declares))


def _twice(type_: str, item: Item, twin: Item) -> tuple[str, str]:
    same = "" if item.name == twin.name else f", as {quoted(twin.name)}"
    return (
        f"{type_} {quoted(item.name)} is declared twice, first on line {twin.source.line}{same}",
        "keep one of them",
    )


def _one_id(type_: str, item: Item, twin: Item) -> tuple[str, str]:
    """Reports, --lf and adopt go by test ids: one item would stand for both, and the one that
    passes hide the other's drift.
    """
    return (
        f"{type_} {quoted(item.name)} has the test id of {quoted(twin.name)}, on line {twin.source.line}",
        "declare one of them",
    )


def _attributes(section: Any) -> Any:
    """The section with its keys as the generated types spell them: `from_` for `from`, which Python
    keeps for itself.
    """
    if isinstance(section, list):
        return [_attributes(value) for value in section]
    if isinstance(section, dict):
        return {
            f"{key}_" if key in _KEYWORDS else key: _attributes(value)
            for key, value in section.items()
        }
    return section
