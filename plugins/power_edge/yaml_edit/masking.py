"""Show a state.yaml without the values of its secrets."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator

from power_edge.config.error import ConfigError
from power_edge.config.state import declarations
from power_edge.config.yaml_reader import Document, Place, read
from power_edge.json_value import Json
from power_edge.resources import resource

MASK = "(a secret)"


def masked(data: bytes, file: str, secrets: frozenset[str] = frozenset()) -> list[str]:
    """Return the lines of a state.yaml, with a mask in place of secrets.

    `secrets` are further values to mask. A file that cannot be read is not shown at all: its
    secrets may be anywhere.
    """
    try:
        document = read(data, file)
        secrets = secrets.union(_secrets(document))
    except ConfigError:
        return ["(this file cannot be read, so it is not shown: it may contain secrets)"]
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


def _places(value: Json, place: Place) -> Iterator[tuple[Json, Place]]:
    """Yield all values of a document with their places. An alias may bring a secret anywhere."""
    yield value, place
    if isinstance(value, dict | list):
        parts: Iterable[tuple[str | int, Json]] = (
            enumerate(value) if isinstance(value, list) else value.items()
        )
        for step, inner in parts:
            part = place.at(step)
            assert part is not None, "a value that was read has a place"
            yield from _places(inner, part)


def _mask(lines: list[str], begin: tuple[int, int], end: tuple[int, int]) -> None:
    """Replace the text from `begin` to before `end` by the mask; the number of lines stays."""
    (first, start_column), (last, end_column) = begin, end
    rest = lines[last][end_column:] if last < len(lines) else ""
    if last == first:
        lines[first] = f"{lines[first][:start_column]}{MASK}, {rest}"
        return
    lines[first] = lines[first][:start_column] + MASK
    for line in range(first + 1, min(last, len(lines))):
        lines[line] = MASK
    if last < len(lines) and lines[last][:end_column].strip(" -"):
        lines[last] = f"{MASK}, {rest}"  # a value in flow style ends on this line
