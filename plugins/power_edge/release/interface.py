"""The outer interface as a list of lines (tests/golden/interface.txt), and what changed in it."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from power_edge.release.changes import Verdict

FILE: Final = "tests/golden/interface.txt"


class Line(NamedTuple):
    """A line that one of two versions does not have."""

    text: str
    is_new: bool

    @property
    def bump(self) -> Verdict:
        """Somebody may have used a line that is gone; nobody used a new one."""
        return Verdict.MINOR if self.is_new else Verdict.MAJOR


def compare(old: bytes | None, new: bytes | None) -> Iterator[Line]:
    """Yield the lines that differ, those that are gone first. The order of lines does not count.

    None is a version without the file, which is compared as an empty one.
    """
    before, after = _lines(old), _lines(new)
    yield from (Line(text, is_new=False) for text in before if text not in after)
    yield from (Line(text, is_new=True) for text in after if text not in before)


def _lines(data: bytes | None) -> dict[str, None]:
    text = (data or b"").decode("utf-8", "replace")
    return dict.fromkeys(
        line for line in text.split("\n") if line.strip() and not line.startswith("#")
    )
