"""The line of a file that a problem is about, with a caret below the place.

A file may hold secrets anywhere, and nobody can tell where the content of a mistyped file ends. So
only three things of a line are shown: its layout, the words of the schemas, and what the message
quotes anyway. Everything else is `...`. This module is imported when something is wrong.
"""

import re
from collections.abc import Iterator

from power_edge.config.schema import known_words
from power_edge.model import Problem

_WIDTH = 80
_PART = re.compile(r"[\s,:\[\]{}\"'#-]+|[^\s,:\[\]{}\"'#](?:[^,:\[\]{}\"'#]*[^\s,:\[\]{}\"'#])?")
"""What separates scalars, or a scalar. A scalar is shown as a whole or not at all."""
_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""A break between lines as YAML counts them."""
_CONTEXT = 16
"""Columns that are kept before the place if the line has to be cut."""


def excerpt(data: bytes, problem: Problem) -> list[str]:
    """Return the line of a file with a caret below it; nothing if the problem has no line."""
    lines = _BREAK.split(data.decode("utf-8", "replace"))
    number, column = problem.source.line, problem.source.column
    if not 0 < number <= len(lines):
        return []
    text, caret = _shown(lines[number - 1], column - 1, problem.message)
    head = f"{number:>6} | "
    if (cut := max(0, caret - _CONTEXT)) and caret >= _WIDTH - len(head) - _CONTEXT:
        text, caret = f"...{text[cut:]}", caret - cut + 3
    text = text[: _WIDTH - len(head)].rstrip()
    return [head + text, f"{'| ':>{len(head)}}{' ' * caret}^"]


def _shown(line: str, place: int, message: str) -> tuple[str, int]:
    """Return what is shown of a line, and where in it the place is."""
    shown, caret = "", 0
    for text, start in _parts(line, message):
        if start <= place:
            caret = len(shown)
        shown += text
    return shown, caret


def _parts(line: str, message: str) -> Iterator[tuple[str, int]]:
    """Yield the pieces of a line as shown, with their columns. A separator comes by characters."""
    for found in _PART.finditer(line):
        text = found[0]
        if text[0] in " \t,:[]{}\"'#-" or text.isspace():
            for offset, character in enumerate(text):
                yield (character if character.isprintable() else " "), found.start() + offset
        elif text in known_words() or f"'{text}'" in message:
            yield text, found.start()
        else:
            yield "...", found.start()
