"""What of a configuration's text a message may quote.

The content of a secret file may stand anywhere in a state.yaml that is mistyped: as a tag or an
alias, for want of quotes, or as keys, for want of indentation. The place of a problem says where to
look; the text itself is quoted only where it can be no secret. Imported when something is wrong.
"""

import re
from collections.abc import Collection, Sequence
from difflib import get_close_matches

from power_edge.config.schema import known_keys, write_only
from power_edge.secret_rules import has_secret_line
from power_edge.text import quoted

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,39}", re.ASCII).fullmatch
_NEAR = 0.75
"""How near a key must be to a known one to be that one, mistyped (difflib's ratio)."""
_FREE_KEYS = "sysctl"
"""The section whose keys are names of the node's, and no secrets."""


def value(text: object, hidden: Collection[object] = ()) -> str:
    """A value as a message shows it: a scalar is quoted, unless it is one of `hidden` or holds a
    secret by the rules.
    """
    if isinstance(text, dict | list):
        return "a mapping" if isinstance(text, dict) else "a list"
    if text in hidden or (isinstance(text, str) and has_secret_line(text)):
        return "the value"
    return quoted(text)


def step(key: str) -> str:
    """A key that is no word, in the path of a value."""
    return "..." if has_secret_line(key) else quoted(key, 40)


def unknown_key(key: str, allowed: Sequence[str], beside: object) -> str:
    """What a message calls a key that is not one of `allowed`: quoted only where it is one of
    those, mistyped, and stands beside no secret.

    `beside` is the mapping that holds it.
    """
    mistyped = (
        _IDENTIFIER(key) and get_close_matches(key, allowed, 1, _NEAR) and not has_secret_line(key)
    )
    free = isinstance(beside, dict) and write_only().isdisjoint(beside)
    return f"unknown key {quoted(key)}" if mistyped and free else "unknown key"


def key(text: str, around: Sequence[object]) -> str | None:
    """A key as a message shows it; None: it is not to be shown.

    `around` are the keys that it stands below.
    """
    if text in known_keys() or (_FREE_KEYS in around and not has_secret_line(text)):
        return quoted(text)
    return None


def below_secret(around: Sequence[object]) -> bool:
    """Whether one of the keys that a value stands below is of those whose values no message quotes."""
    return any(isinstance(each, str) and each in write_only() for each in around)


def number(text: str, around: Sequence[object]) -> bool:
    """Whether a message may quote what looks like a number.

    `around` are the keys that it stands below, its own the last.
    """
    if below_secret(around):
        return False
    own = around[-1]
    return (
        isinstance(own, str)
        and key(own, around[:-1]) is not None
        and not has_secret_line(f"{own}: {text}")
    )
