"""Whether a text has a line, a block of lines, or a line that a regular expression matches.

The expressions are RE2's: whatever the pattern, the time grows linearly with the text.
"""

import string
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Protocol

_LINE = string.printable.replace("\n", "")
_ANY = ("", *_LINE, _LINE)
"""An expression that is found in each of these is found in any line."""
_LARGEST = 1000
"""The most steps of a compiled expression: with these, 256 KiB take seconds."""


class _Pattern(Protocol):
    @property
    def programsize(self) -> int: ...

    def search(self, text: str, /) -> object: ...


def contains(text: str, block: str) -> bool:
    """Return whether the lines of a block follow each other in a text. The last line of either may
    have no line break.
    """
    lines, wanted = (each.removesuffix("\n") for each in (text, block))
    return f"\n{wanted}\n" in f"\n{lines}\n"


def matches(text: str, pattern: str) -> bool:
    """Return whether an expression without a fault is found in a line of a text."""
    compiled = _compiled(pattern)
    return any(compiled.search(line) is not None for line in text.removesuffix("\n").split("\n"))


def unseen(text: str, value: str, holds: Callable[[str, str], bool]) -> str | None:
    """Return why `holds` (`contains` or `matches`) fails for a text, if that is something that an
    editor does not show: without it, the text holds the value. None: it is something else.
    """
    for names, change in _UNSEEN.items():
        changed = change(text)
        if changed != text and holds(changed, value):
            return f"it would be there without {names}"
    return None


def _without_mark(text: str) -> str:
    return text.removeprefix("\ufeff")


def _without_returns(text: str) -> str:
    return "\n".join(line.removesuffix("\r") for line in text.split("\n"))


def _without_blanks(text: str) -> str:
    return "\n".join(line.rstrip(" \t") for line in text.split("\n"))


_UNSEEN: Mapping[str, Callable[[str], str]] = {
    "the byte order mark (BOM) at the beginning of the file": _without_mark,
    "the CR at the end of lines (CRLF, as Windows writes them)": _without_returns,
    "the byte order mark (BOM) at the beginning, and the CR at the end of lines": (
        lambda text: _without_returns(_without_mark(text))
    ),
    "the blanks at the end of lines": _without_blanks,
}
"""What an editor does not show -> how it is removed from a text."""


def fault(pattern: str) -> str | None:
    """Return why an expression cannot be used, without the expression; None if it can."""
    import re2

    try:
        compiled = _compiled(pattern)
    except re2.error as error:
        message = error.args[0] if error.args else b""
        message = message.decode("utf-8", "replace") if isinstance(message, bytes) else str(message)
        kind = message.partition(": ")[0]
        return f"RE2 cannot compile it ({kind}): correct it, without look-around and backreferences"
    if compiled.programsize > _LARGEST:
        return "it is too large: use fewer or smaller repetitions"
    if all(compiled.search(line) is not None for line in _ANY):
        return "it is found in any line, even an empty one: write what the line must have"
    return None


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> _Pattern:
    """Compile an expression. Imported here, since few declarations have one."""
    import re2

    options = re2.Options()
    options.log_errors = False
    options.never_capture = True
    compiled: _Pattern = re2.compile(pattern, options)
    return compiled
