"""Which text of a configuration a message may quote.

The content of a secret file may be anywhere in a mistyped state.yaml: as a tag or an alias if
quotes are missing, as keys if indentation is missing. The place of a problem says where to look;
the text itself is quoted only if it cannot be a secret. This module is imported when something is
wrong.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches

from power_edge.config.schema import known_keys, write_only
from power_edge.secret_rules import has_secret_line
from power_edge.text import quoted

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,39}", re.ASCII).fullmatch
_NO_BLANK = re.compile(r"(?:^|(?<=\s))([A-Za-z_][A-Za-z0-9_]{0,39}):(?=[^\s/:])", re.ASCII).findall
_SIMILARITY = 0.75
"""How similar a mistyped key must be to a known one (difflib's ratio)."""
_FREE_KEYS = "sysctl"
"""The section whose keys are names on the node, and not secrets."""


def value(text: object, hidden: Collection[object] = ()) -> str:
    """Return a value for a message: quoted, unless it is one of `hidden` or looks like a secret."""
    if isinstance(text, dict | list):
        return "a mapping" if isinstance(text, dict) else "a list"
    if text in hidden or (isinstance(text, str) and has_secret_line(text)):
        return "the value"
    return quoted(text)


def step(key: str) -> str:
    """Return a key for the path of a value in a message."""
    return "..." if has_secret_line(key) else quoted(key, 40)


def mistyped_key(key: str, allowed: Sequence[str], synonyms: Mapping[str, str]) -> str | None:
    """Return the allowed key that a mistyped one stands for; None if no key is similar.

    `synonyms` maps words of other tools to what to write here. Only a similar key may be quoted:
    any other may be a line of a secret file. Quoting it reveals little more than the hint does.
    """
    if not _IDENTIFIER(key) or has_secret_line(key):
        return None
    meant = get_close_matches(key, allowed, 1, _SIMILARITY)
    return synonyms.get(key.lower()) or (meant[0] if meant else None)


def missing_blank(text: str) -> str | None:
    """Return a hint for `name:curl`: a known key with its value right behind the colon, where YAML
    reads one text. The value is not quoted.
    """
    found = next((each for each in _NO_BLANK(text) if each in known_keys()), None)
    return None if found is None else f"write a blank behind the colon of {found}:"


def key(text: str, around: Sequence[object]) -> str | None:
    """Return a key for a message; None if it must not be shown.

    `around` are the keys around it, outermost first.
    """
    if text in known_keys() or (_FREE_KEYS in around and not has_secret_line(text)):
        return quoted(text)
    return None


def below_secret(around: Sequence[object]) -> bool:
    """Return whether a value is below a key whose values no message may quote.

    `around` are the keys around the value.
    """
    return any(isinstance(each, str) and each in write_only() for each in around)


def number(text: str, around: Sequence[object]) -> bool:
    """Return whether a message may quote what looks like a number.

    `around` are the keys around it, its own last.
    """
    if below_secret(around):
        return False
    own = around[-1]
    return (
        isinstance(own, str)
        and key(own, around[:-1]) is not None
        and not has_secret_line(f"{own}: {text}")
    )
