"""Whether a text has a line, a block of lines, or a line that a regular expression matches.

The expressions are RE2's: whatever the pattern, the time grows linearly with the text.
"""

import string
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
