"""What a secret is: the rules of discovery, which probes/lib/files.sh has.

Nodes run them there, and Python reads them.
"""

import re
from collections.abc import Mapping
from fnmatch import translate
from functools import cache, lru_cache

from jsonschema_rs import Draft202012Validator

from power_edge import package_data

_BLANKS = r" \t\r\f\v"


def matches(path: str, *lists: str) -> bool:
    """Whether one of the patterns of these lists (`keys`, `accounts`, `secrets`, `no_secrets`) fits
    a path.
    """
    return _patterns(*lists).match(path) is not None


@cache
def _patterns(*lists: str) -> re.Pattern[str]:
    return re.compile(
        "|".join(translate(pattern) for name in lists for pattern in _lists()[name].split())
    )


@cache
def _lists() -> Mapping[str, str]:
    text = package_data.text("probes/lib/files.sh")
    return {
        name: value.replace("'\\''", "'")
        for name, value in re.findall(r"^(\w+)='((?:[^']|'\\'')*)'$", text, re.MULTILINE)
    }


@lru_cache(maxsize=1024)
def has_secret_line(content: str) -> bool:
    """Whether a line of a text is a secret by the rules, such as `password = ...`."""
    # A lone surrogate is no text to the matcher, and no part of a rule.
    return not _free_of_secrets().is_valid(content.encode("utf-8", "replace").decode())


@cache
def _free_of_secrets() -> Draft202012Validator:
    """The lines' rules, for a matcher whose time grows with the length of a text: Python's own
    grows with its square.
    """
    rules = (
        # Of grep's language all is the same here but the names of classes, and that a line is all
        # that grep is shown.
        rule.replace("[^", r"[^\n").replace("[:space:]", _BLANKS)
        for rule in _lists()["secret_lines"].splitlines()
    )
    return Draft202012Validator({"not": {"pattern": f"(?im){'|'.join(rules)}"}})
