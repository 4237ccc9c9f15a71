"""A declared item, and the place that declares it."""

from collections.abc import Mapping
from typing import NamedTuple

from power_edge.model.outcome import Value
from power_edge.text import printable

_LONGEST = 600
"""Characters of a message, and of a hint. Our longest have 400."""


class Source(NamedTuple):
    """A place in a file. Line and column count from 1; line 0 is the file as a whole."""

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class Reason(NamedTuple):
    """Why an item is demanded that a role or a section of identity.yaml derives.

    `path` is that of the value in identity.yaml, for people (`vpn_gateway.routing.ip_forward`).
    `role` is None if a section demands it by itself; `by` is the name of the role or section.
    `text` is one sentence.
    """

    source: Source
    path: str
    role: str | None
    by: str
    text: str


class Problem(NamedTuple):
    """One thing that is wrong with a configuration: where, what, and what to do.

    `unread`: this machine could not read the file, so nobody knows what is in it.
    """

    source: Source
    message: str
    hint: str | None = None
    unread: bool = False

    def __str__(self) -> str:
        place = (
            f"{self.source.file}:{self.source.line}:{self.source.column}"
            if self.source.line
            else self.source.file
        )
        return printable(
            f"{place}: {_bounded(self.message)}"
            + (f" ({_bounded(self.hint)})" if self.hint else "")
        )


def _bounded(text: str) -> str:
    """Return a part of a message, cut at _LONGEST: it may quote a value of any length."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


class Item(NamedTuple):
    """One declared thing with a name.

    `name` is as declared. `key` is the canonical form that observations are found by (`cron` ->
    `cron.service`). Two items of one type with the same key are one thing declared twice.
    `expected` holds every field that the declaration asserts, by name, as reports show them.
    `origins` are the places that declare it, at least one; the first one decides: that in
    state.yaml if there is one. `reasons` has one entry for each place in identity.yaml that demands
    it, by a role or a section.
    """

    node: str
    type: str
    name: str
    key: str
    declared: object
    expected: Mapping[str, Value]
    origins: tuple[Source, ...]
    reasons: tuple[Reason, ...] = ()

    @property
    def source(self) -> Source:
        """The place that messages and reports name: the first of the origins."""
        return self.origins[0]

    def __repr__(self) -> str:
        """Return the item without its declaration: a failed assertion prints this, and the
        declaration may hold a secret.
        """
        return f"<Item {self.type}[{self.name}] of {self.node}, {self.source}>"
