"""Labelled lines under headings, for people. Made for 80 columns; needs neither colour nor block
characters.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from rich.console import Console
from rich.text import Text

from power_edge.text import command_in, printable

WIDTH = 100
"""The greatest width in columns. Longer lines are hard to follow."""
_LABEL = 16
_BAR = 20

Piece = str | tuple[str, str] | None
"""Text, text with a style, or nothing."""


class Row(NamedTuple):
    """A label and its value. Continuation lines are indented by `hang` more columns.

    Without a label the value has the whole line.
    """

    label: str
    value: Text
    hang: int = 0


def text(*pieces: Piece, sep: str = "") -> Text:
    """Return the pieces that are not empty, joined, and made printable: strangers may have written
    them.
    """
    present = [piece if isinstance(piece, tuple) else (piece, "") for piece in pieces if piece]
    joined = Text()
    for index, (value, style) in enumerate(present):
        joined.append(sep if index else "").append(printable(value), style)
    return joined


def words(values: Iterable[str], most: int = 1000) -> Text:
    """Return words joined by commas, at most `most` of them."""
    listed = list(values)
    rest = (f"and {len(listed) - most} more",) if len(listed) > most else ()
    return text(*listed[:most], *rest, sep=", ")


def capped(rows: Sequence[Row], most: int) -> Iterator[Row]:
    """Yield at most `most` rows, and one that says how many more there are."""
    yield from rows[:most]
    if len(rows) > most:
        yield Row(rows[0].label, text((f"and {len(rows) - most} more", "dim")))


class Sheet:
    """Prints parts to a console, in order."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self.width = min(console.width, WIDTH)
        self.blocks = console.encoding.lower().startswith("utf")
        """Whether the terminal has block characters."""

    def line(self, value: Text) -> None:
        """Print text without a heading."""
        for each in value.wrap(self._console, self.width):
            self._print(each)

    def part(self, title: str, rows: Iterable[Row]) -> None:
        """Print a heading and its rows. Without rows print nothing."""
        last = None
        for row in rows:
            if last is None:
                rule = ("─" if self.blocks else "-") * (self.width - len(title) - 1)
                self._print(Text())
                self._print(Text.assemble((title, "bold cyan"), " ", (rule, "dim")))
            self._row(row, "" if row.label == last else row.label)
            last = row.label

    def _row(self, row: Row, label: str) -> None:
        before = _LABEL if row.label else 1
        start = Text.assemble((f" {label}".ljust(before), "dim"))
        for line in self._wrapped(row.value, max(10, self.width - before), row.hang):
            self._print(start.append_text(line))
            start = Text(" " * before)

    def _wrapped(self, value: Text, width: int, hang: int) -> Iterator[Text]:
        first, *rest = value.wrap(self._console, width)
        yield first
        hang = hang if width - hang >= 20 else 0
        if rest:
            left = value.plain[len(first) :].lstrip()
            for line in value[-len(left) :].wrap(self._console, width - hang):
                yield Text(" " * hang).append_text(line)

    def _print(self, line: Text) -> None:
        line.rstrip()
        # Harmless pieces can form a CI command together, or after a word was broken.
        if (at := command_in(line.plain)) is not None:
            line = line[:at].append(r"\x3a").append_text(line[at + 1 :])
        self._console.print(line, no_wrap=True, overflow="ignore", crop=False, soft_wrap=True)

    def fill(self, used: int, size: int) -> Text:
        """Return a bar of how full something is, with the share as a number. Yellow from 75 %."""
        share = min(1.0, max(0.0, used / size)) if size else 0.0
        full = round(share * _BAR)
        style = "red" if share >= 0.9 else "yellow" if share >= 0.75 else "green"
        on, off = ("█", "░") if self.blocks else ("#", ".")
        number = (f" {share:4.0%}", style if share >= 0.75 else "")
        return text(
            (on * full, style),
            (off * (_BAR - full), "dim"),
            number,
            f"  {amount(used)} of {amount(size)}",
        )


def amount(size: int) -> str:
    """Return bytes for display: `915 MiB`, `2.4 TiB`."""
    units = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
    value, unit = float(size), 0
    while value >= 1000 and unit < len(units) - 1:
        value, unit = value / 1024, unit + 1
    return f"{value:.1f} {units[unit]}" if value < 10 and unit > 1 else f"{value:.0f} {units[unit]}"


def span(seconds: int) -> str:
    """Return a duration for display, in the largest unit of which it has two or more."""
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= 2 * length:
            return count(seconds // length, unit)
    return count(seconds, "second")


def count(number: int, thing: str) -> str:
    """Return a number with its noun: `1 core`, `2 cores`."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
