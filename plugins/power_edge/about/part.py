"""One part of what a machine tells of itself, as the scripts below probes/about/ print it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from power_edge.model.generated.about_schema import UnreadItem
from power_edge.probing.framing import Answer

T = TypeVar("T")
LONGEST_PART = 1 << 20
"""Bytes of one part that are looked into: of a machine with 1,000 units it has 100,000."""


@dataclass(frozen=True)
class Part:
    """The lines of a part by their key, each its values; and what could not be read, each once,
    which grows while the lines are looked into.
    """

    name: str
    lines: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)
    unread: dict[UnreadItem, None] = field(default_factory=dict)

    def all(self, key: str, make: Callable[..., T]) -> list[T]:
        """What `make` makes of the values of each line of that key.

        A line that it has no use for (ValueError, TypeError) counts as unread.
        """
        made = []
        for values in self.lines.get(key, ()):
            try:
                made.append(make(*values))
            except (ValueError, TypeError):
                self._miss(key, "what the machine tells makes no sense")
        return made

    def one(self, key: str, make: Callable[..., T]) -> T | None:
        """The first of them, None where there is none."""
        return next(iter(self.all(key, make)), None)

    def text(self, key: str) -> str | None:
        """The first value of that key, None where it is empty or not there."""
        return self.one(key, lambda value, *_: text(value))

    def _miss(self, what: str, why: str) -> None:
        self.unread.setdefault(UnreadItem(part=self.name, what=what, why=why))  # type: ignore[arg-type]


def part(answer: Answer, name: str) -> Part:
    """The part of that name in a machine's answer.

    Of one that failed, what came before it did is there, and the reason is unread.
    """
    output = answer.outputs.get(f"about.{name}")
    found = Part(name)
    if output is None or len(output.stdout) > LONGEST_PART:
        found._miss(
            name, "not in the answer" if output is None else f"longer than {LONGEST_PART >> 20} MiB"
        )
        return found
    for line in output.stdout.decode("utf-8", "backslashreplace").split("\n"):
        key, *values = line.split("\t")
        if key.startswith("!"):
            found._miss(key[1:], values[0] if values else "")
        elif key:
            found.lines.setdefault(key, []).append(tuple(values))
    if (failure := output.failure()) is not None:
        found._miss(name, failure)
    return found


def text(value: str) -> str | None:
    """A value, None for an empty one."""
    return value or None


def number(value: str) -> int:
    """A whole number that is not negative. Raises ValueError."""
    if not (value.isascii() and value.isdecimal() and len(value) <= 18):
        raise ValueError(value)
    return int(value)


def kib(value: str) -> int:
    """KiB as bytes. Raises ValueError."""
    return number(value) * 1024
