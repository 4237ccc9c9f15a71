"""How an observed text differs from a declared one, in few lines."""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import takewhile

from power_edge.text import printable

LINES = 20
"""Lines of a diff that are shown."""
_COMPARED = 200
"""Lines between the first and the last difference that are compared: the time grows with their
cube, and a stranger wrote them.
"""
_CONTEXT = 2
_LONGEST = 160
"""Characters of a line."""


def text_diff(declared: str, observed: str) -> Iterator[str]:
    """Yield the lines of a unified diff, from declared (`-`) to observed (`+`), without headers; at
    most LINES, and one that says how many more there are. `...` stands for equal lines.
    """
    lines = list(_diff(declared.splitlines(keepends=True), observed.splitlines(keepends=True)))
    for line in lines[:LINES]:
        # A line without its end, or with another one, says so.
        text = line.removesuffix("\n") if line.endswith("\n") else f"{line} (no newline)"
        shown = printable(text)
        yield shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}..."
    if len(lines) > LINES:
        yield f"... and {len(lines) - LINES} more lines"


def _diff(declared: Sequence[str], observed: Sequence[str]) -> Iterator[str]:
    before = _equal(declared, observed)
    after = _equal(declared[before:][::-1], observed[before:][::-1])
    old, new = declared[before : len(declared) - after], observed[before : len(observed) - after]
    start = max(0, before - _CONTEXT)
    if start:
        yield "...\n"
    yield from _all(" ", declared[start:before])
    if max(len(old), len(new)) > _COMPARED:
        yield from _all("-", old)
        yield from _all("+", new)
    else:
        for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
            if kind != "equal":
                yield from _all("-", old[a:b])
                yield from _all("+", new[c:d])
            elif b - a > 2 * _CONTEXT:
                yield from _all(" ", old[a : a + _CONTEXT])
                yield "...\n"
                yield from _all(" ", old[b - _CONTEXT : b])
            else:
                yield from _all(" ", old[a:b])
    behind = declared[len(declared) - after :]
    yield from _all(" ", behind[:_CONTEXT])
    if len(behind) > _CONTEXT:
        yield "...\n"


def _equal(left: Sequence[str], right: Sequence[str]) -> int:
    """Return how many lines are equal at the beginning."""
    pairs = zip(left, right, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _all(sign: str, lines: Sequence[str]) -> Iterator[str]:
    return (f"{sign}{line}" for line in lines)
