"""Read state.yaml: from bytes to items."""

from collections.abc import Iterator
from keyword import kwlist
from typing import Any, NamedTuple

import msgspec

from power_edge.config.error import LIMIT, ConfigError, refuse
from power_edge.config.schema import validator
from power_edge.config.schema_needs import check_not_newer, check_says_enough
from power_edge.config.yaml_reader import Document, read
from power_edge.model import Entry, Item, Problem, ResourceType
from power_edge.model.generated.core_schema import Metadata
from power_edge.resources import resource
from power_edge.text import identifier, quoted

_KEYWORDS = frozenset(kwlist)
_NO_SECTIONS = frozenset(("version", "metadata"))
"""Keys of the file that are not resource types."""


class State(NamedTuple):
    """The declared state of a node."""

    file: str
    version: str
    metadata: Metadata
    items: tuple[Item, ...]
    """In the order of the file."""


def load_state(data: bytes, file: str, node: str) -> State:
    """Return the state that the bytes of a state.yaml declare.

    `file` is its path as messages and reports show it, `node` the node's name. Raises ConfigError
    with all problems.
    """
    return state_of(read(data, file), node)


def state_of(document: Document, node: str) -> State:
    """Return the state that a document declares. Raises ConfigError with all problems."""
    check_schema(document, "state")
    problems: list[Problem] = []
    items: list[Item] = []
    for name, section in document.value.items():
        if name not in _NO_SECTIONS:
            items += _items(document, node, resource(name), section, problems)
            if len(problems) > LIMIT:
                break
    if problems:
        raise ConfigError(problems)
    return State(
        document.file,
        str(document.value["version"]),
        msgspec.convert(document.value.get("metadata", {}), Metadata),
        tuple(items),
    )


def declarations(document: Document) -> Iterator[tuple[str, Any]]:
    """Yield the sections of a state.yaml by resource type, as ResourceType.declares has them.

    Raises ConfigError unless they fit their schemas.
    """
    check_schema(document, "state")
    for name, section in document.value.items():
        if name not in _NO_SECTIONS:
            yield name, msgspec.convert(attributes(section), resource(name).declares)


def section_of(name: str, declaration: Any) -> tuple[Any, bool]:
    """Return a declaration as a section of its type, and whether the section is a list."""
    listed = resource(name).key is not None
    return ([declaration] if listed else declaration), listed


def check_schema(document: Document, name: str) -> None:
    """Check a document against the schema `name`, and that it says a version that is high enough.

    Raises ConfigError as `check_fits`.
    """
    check_fits(document, name)
    if "version" in document.value:
        check_says_enough(document, name)


def check_fits(document: Document, name: str) -> None:
    """Check a document against the schema `name`.

    Raises ConfigError if it does not fit, if reading it found problems, or if it is for newer
    schemas.
    """
    check_not_newer(document, name)
    try:
        valid = validator(name).is_valid(document.value)
    except UnicodeEncodeError:  # made of what a machine shows, not read from a file
        raise refuse(document.file, "contains bytes that are not UTF-8") from None
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
        first_item = first.setdefault(item.key, item)
        if first_item is not item:
            problems.append(_declared_twice(item, first_item))
        elif (first_item := by_id.setdefault(identifier(item.name), item)) is not item:
            problems.append(_same_test_id(item, first_item))
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
                f"{kind.name} declares nothing to check",
                "declare something in it, or remove it",
            )
        )


def entries(kind: ResourceType[Any, Any], section: Any) -> Iterator[Entry[Any]]:
    """Yield the items of a section that fits its schema, with their paths in it."""
    return kind.items_of(msgspec.convert(attributes(section), kind.declares))


def _declared_twice(item: Item, first_item: Item) -> Problem:
    spelling = "" if item.name == first_item.name else f", as {quoted(first_item.name)}"
    return Problem(
        item.source,
        f"{item.type} {quoted(item.name)} is declared twice, "
        f"first on line {first_item.source.line}{spelling}",
        "keep one of them",
    )


def _same_test_id(item: Item, first_item: Item) -> Problem:
    """Return the problem of two names with one test id.

    Reports, --lf and adopt use test ids: the item that passes would hide the other's drift.
    """
    return Problem(
        item.source,
        f"{item.type} {quoted(item.name)} has the same test id as {quoted(first_item.name)} "
        f"on line {first_item.source.line}",
        "declare one of them",
    )


def attributes(section: Any) -> Any:
    """Return a section with keys spelled as in the generated types: `from_` for Python's `from`."""
    if isinstance(section, list):
        return [attributes(value) for value in section]
    if isinstance(section, dict):
        return {
            f"{key}_" if key in _KEYWORDS else key: attributes(value)
            for key, value in section.items()
        }
    return section
