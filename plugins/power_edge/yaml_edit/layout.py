"""The layout of a YAML file: the lines that its entries take, and the comments that belong to them."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, NoReturn

from power_edge.config.error import ConfigError
from power_edge.config.yaml_reader import Document
from power_edge.model import Problem
from power_edge.yaml_edit.syntax_tree import SyntaxNode

YamlPath = tuple[str | int, ...]


class EditRefused(ConfigError):
    """A file that cannot be changed so without touching more than that: it takes a person."""


def at(value: Any, path: YamlPath) -> Any:
    """What stands at a path. LookupError where nothing does."""
    for step in path:
        value = value[step]
    return value


class Layout(NamedTuple):
    """A file as a document, as a text that ends in a newline, and as nodes of that text."""

    document: Document
    text: str
    root: SyntaxNode

    def refuse(self, path: YamlPath, message: str) -> NoReturn:
        raise EditRefused(
            [Problem(self.document.find(path, key=True), message, "make the change by hand")]
        )

    def node(self, path: YamlPath) -> SyntaxNode:
        node = self.root
        for length, step in enumerate(path):
            if node.kind == "alias":
                self.refuse(path[:length], "is an alias, and what it stands for is used elsewhere")
            node = node.values[self.place(path[:length], step)]
        return node

    def steps(self, path: YamlPath) -> Iterable[str | int]:
        """The keys of a mapping, the indices of a list."""
        inner = at(self.document.value, path)
        return inner if isinstance(inner, Mapping) else range(len(inner))

    def place(self, path: YamlPath, step: str | int) -> int:
        """The place of a key among those of its mapping; of an item its index."""
        return {known: place for place, known in enumerate(self.steps(path))}[step]

    def line(self, position: int) -> int:
        """The beginning of the line."""
        return self.text.rfind("\n", 0, position) + 1

    def below(self, position: int) -> int:
        """The beginning of the next line."""
        return self.text.index("\n", position) + 1

    def comment(self, line: int) -> int | None:
        """How far in a line's comment stands; None: it is no line of comment alone."""
        found = re.compile(r"([ \t]*)#").match(self.text, line)
        return None if found is None else len(found[1])

    def blank(self, line: int) -> bool:
        return line < len(self.text) and not self.text[line : self.below(line)].strip()

    def head(self, path: YamlPath, node: SyntaxNode, place: int) -> int:
        """Where an entry begins: at its dash or its key. Refuses what is written otherwise."""
        if node.kind == "map":
            start = node.keys[place].start
            if self.text[start - 2 : start] == "? " or node.keys[place].marked:
                self.refuse(path, "is written in a way that is not edited")
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
        """An entry in block style: the lines of it, of its comment above, and of those further in
        below.
        """
        head = self.head((*path, place), node, place)
        column = head - self.line(head)
        start = self.line(head)
        while start and self.comment(above := self.line(start - 1)) == column:
            start = above
        return start, self.end(node.values[place].end, column)

    def end(self, position: int, column: int) -> int:
        """The line below what ends at a position, and below comments that stand further in than
        `column`.
        """
        end = self.below(position)
        while (
            end < len(self.text) and (further := self.comment(end)) is not None and further > column
        ):
            end = self.below(end)
        return end

    def column(self, node: SyntaxNode) -> int:
        """Where the entries of a collection in block style begin."""
        return node.keys[0].column if node.kind == "map" else node.column

    def offset(self, node: SyntaxNode) -> int:
        """How far in lists stand below their keys: as the first one in block style does."""
        for key, value in zip(node.keys, node.values, strict=False):
            if value.kind == "list" and not value.style and not node.style:
                return value.column - key.column
        return next((found for inner in node.values if (found := self.offset(inner))), 0)

    def shares(self, node: SyntaxNode) -> bool:
        """Whether the first key stands behind a dash."""
        return node.kind == "map" and bool(
            self.text[self.line(node.keys[0].start) : node.keys[0].start].strip()
        )
