"""The layout of a YAML file: the lines of its entries, and the comments that belong to them."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, NoReturn

from power_edge.config.error import ConfigError
from power_edge.config.yaml_reader import Document
from power_edge.model import Problem
from power_edge.yaml_edit.syntax_tree import SyntaxNode

YamlPath = tuple[str | int, ...]
"""The keys and indices that lead to a value in a file."""


class EditRefused(ConfigError):
    """The edit would change something else in the file: a person has to make it."""


def at(value: Any, path: YamlPath) -> Any:
    """Return the value at a path. Raises LookupError if there is none."""
    for step in path:
        value = value[step]
    return value


class Layout(NamedTuple):
    """A file as a document, as a text that ends in a newline, and as the syntax tree of that text.

    A position is an offset in the text, a line the position where it begins, a column counts from
    0. A place is the position of a key in its mapping or of an item in its list, counted from 0.
    """

    document: Document
    text: str
    root: SyntaxNode

    def refuse(self, path: YamlPath, message: str) -> NoReturn:
        """Raise EditRefused at a path."""
        raise EditRefused(
            [Problem(self.document.find(path, key=True), message, "make the change by hand")]
        )

    def node(self, path: YamlPath) -> SyntaxNode:
        """Return the syntax node at a path. Raises EditRefused below an alias."""
        node = self.root
        for length, step in enumerate(path):
            if node.kind == "alias":
                self.refuse(path[:length], "is an alias, and its value is used elsewhere too")
            node = node.values[self.place(path[:length], step)]
        return node

    def steps(self, path: YamlPath) -> Iterable[str | int]:
        """Return the keys of a mapping or the indices of a list."""
        inner = at(self.document.value, path)
        return inner if isinstance(inner, Mapping) else range(len(inner))

    def place(self, path: YamlPath, step: str | int) -> int:
        """Return the place of a key in its mapping; for a list the index."""
        return {known: place for place, known in enumerate(self.steps(path))}[step]

    def line(self, position: int) -> int:
        """Return the line of a position."""
        return self.text.rfind("\n", 0, position) + 1

    def below(self, position: int) -> int:
        """Return the line after that of a position."""
        return self.text.index("\n", position) + 1

    def comment(self, line: int) -> int | None:
        """Return the indentation of a comment-only line; None for any other line."""
        found = re.compile(r"([ \t]*)#").match(self.text, line)
        return None if found is None else len(found[1])

    def blank(self, line: int) -> bool:
        """Return whether a line is blank; False after the end."""
        return line < len(self.text) and not self.text[line : self.below(line)].strip()

    def head(self, path: YamlPath, node: SyntaxNode, place: int) -> int:
        """Return the position where an entry of a block begins: that of its dash or its key.

        Raises EditRefused for a complex key (`? `), a key with an anchor or a tag, and nested
        dashes on one line.
        """
        if node.kind == "map":
            start = node.keys[place].start
            if self.text[start - 2 : start] == "? " or node.keys[place].marked:
                self.refuse(path, "has a complex key, or a key with an anchor or a tag")
            return start
        before = node.values[place - 1].end if place else node.start
        dashes = re.compile(r"^( *)-(?=\s)", re.MULTILINE).finditer(
            self.text, self.line(before), node.values[place].start + 1
        )
        found = [
            match.end() - 1
            for match in dashes
            if len(match[1]) == node.column and match.end() - 1 >= before
        ]
        if not found:
            self.refuse(path, "shares its line with another dash")
        return found[-1]

    def span(self, path: YamlPath, node: SyntaxNode, place: int) -> tuple[int, int]:
        """Return the first line of an entry in block style and the line after it.

        The comment above belongs to it, and comments below that are indented more.
        """
        head = self.head((*path, place), node, place)
        column = head - self.line(head)
        start = self.line(head)
        while start and self.comment(line_above := self.line(start - 1)) == column:
            start = line_above
        return start, self.end(node.values[place].end, column)

    def end(self, position: int, column: int) -> int:
        """Return the line after what ends at a position and after comments beyond `column`."""
        end = self.below(position)
        while (
            end < len(self.text) and (deeper := self.comment(end)) is not None and deeper > column
        ):
            end = self.below(end)
        return end

    def column(self, node: SyntaxNode) -> int:
        """Return the column of the entries of a collection in block style."""
        return node.keys[0].column if node.kind == "map" else node.column

    def offset(self, node: SyntaxNode) -> int:
        """Return how much lists are indented below their keys: as the first one in block style."""
        for key, value in zip(node.keys, node.values, strict=False):
            if value.kind == "list" and not value.style and not node.style:
                return value.column - key.column
        return next((found for inner in node.values if (found := self.offset(inner))), 0)

    def shares(self, node: SyntaxNode) -> bool:
        """Return whether the first key of a mapping follows a dash on its line."""
        return node.kind == "map" and bool(
            self.text[self.line(node.keys[0].start) : node.keys[0].start].strip()
        )
