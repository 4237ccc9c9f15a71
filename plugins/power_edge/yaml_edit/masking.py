"""A state.yaml as it may be shown: the values of secrets are taken out."""

from bisect import bisect_right
from collections.abc import Iterator
from typing import Any

from power_edge.config.error import ConfigError
from power_edge.config.state import declarations
from power_edge.config.yaml_reader import Document, Place, read
from power_edge.resources import resource

MASK = "(a secret)"


def masked(data: bytes, file: str, secrets: frozenset[str] = frozenset()) -> list[str]:
    """The lines of a state.yaml without the values of secrets, and without `secrets`.

    Nothing of a file that cannot be read is shown: nobody knows where they stand.
    """
    try:
        document = read(data, file)
        secrets = secrets.union(_secrets(document))
    except ConfigError:
        return ["(what cannot be read is not shown: it may hold secrets)"]
    lines = data.decode().splitlines()
    if secrets:
        places = [*_places(document.value, document.root)]
        marks = sorted(
            {(mark.line, mark.column) for _, place in places for mark in (place.key, place.value)}
        )
        for value, place in places:
            if type(value) is str and value in secrets:
                begin = (place.value.line, place.value.column)
                index = bisect_right(marks, begin)
                _mask(lines, begin, marks[index] if index < len(marks) else (len(lines), 0))
    return lines


def _secrets(document: Document) -> Iterator[str]:
    for name, section in declarations(document):
        kind = resource(name)
        for entry in kind.items_of(section):
            for field in kind.hidden(entry.declared):
                if (value := getattr(entry.declared, field)) is not None:
                    yield value


def _places(value: Any, place: Place) -> Iterator[tuple[Any, Place]]:
    """All values of a document, wherever they stand: an alias may show a secret where nobody
    expects one.
    """
    yield value, place
    if isinstance(value, dict | list):
        for step, inner in enumerate(value) if isinstance(value, list) else value.items():
            yield from _places(inner, place.inner[step])


def _mask(lines: list[str], begin: tuple[int, int], end: tuple[int, int]) -> None:
    """Take out what stands from `begin` to before `end`; as many lines are left."""
    (first, left), (last, right) = begin, end
    rest = lines[last][right:] if last < len(lines) else ""
    if last == first:
        lines[first] = f"{lines[first][:left]}{MASK}, {rest}"
        return
    lines[first] = lines[first][:left] + MASK
    for line in range(first + 1, min(last, len(lines))):
        lines[line] = MASK
    if last < len(lines) and lines[last][:right].strip(
        " -"
    ):  # a value in flow style that ends on this line
        lines[last] = f"{MASK}, {rest}"
