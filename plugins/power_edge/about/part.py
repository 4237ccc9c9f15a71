"""Read one part of what a machine says about itself, as the scripts in probes/about/ print it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from power_edge.model.generated.about_schema import UnreadItem
from power_edge.probing.framing import Answer

T = TypeVar("T")
LONGEST_PART = 1 << 20
"""The most bytes of a part that is read. A machine with 1,000 units prints 100,000."""


@dataclass(frozen=True)
class Part:
    """The lines of a part: key -> the values of each line with that key.

    `unread` is what could not be read, each once. It grows while the lines are read.
    """

    name: str
    lines: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)
    unread: dict[UnreadItem, None] = field(default_factory=dict)

    def all(self, key: str, make: Callable[..., T]) -> list[T]:
        """Return `make(*values)` for each line with that key.

        A line that `make` rejects (ValueError, TypeError) is recorded as unread.
        """
        values_read = []
        for values in self.lines.get(key, ()):
            try:
                values_read.append(make(*values))
            except (ValueError, TypeError):
                self._miss(key, "the machine's answer was not understood")
        return values_read

    def one(self, key: str, make: Callable[..., T]) -> T | None:
        """Return the first value that `all` returns; None without one."""
        return next(iter(self.all(key, make)), None)

    def text(self, key: str) -> str | None:
        """Return the first value of that key; None if it is empty or missing."""
        return self.one(key, lambda value, *_: text(value))

    def _miss(self, what: str, why: str) -> None:
        self.unread.setdefault(UnreadItem(part=self.name, what=what, why=why))  # type: ignore[arg-type]


def part(answer: Answer, name: str) -> Part:
    """Return the part with that name from a machine's answer.

    A part that failed has the lines before the failure, and the reason as unread.
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
    """Return a value; None if it is empty."""
    return value or None


def number(value: str) -> int:
    """Return a whole number that is not negative. Raises ValueError."""
    if not (value.isascii() and value.isdecimal() and len(value) <= 18):
        raise ValueError(value)
    return int(value)


def kib(value: str) -> int:
    """Return KiB as bytes. Raises ValueError."""
    return number(value) * 1024
