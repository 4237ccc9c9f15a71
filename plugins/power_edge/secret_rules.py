"""The rules that say which files are secrets. They are in probes/lib/files.sh, which nodes run, and
which this module reads.
"""

import re
from collections.abc import Mapping
from fnmatch import translate
from functools import cache, lru_cache

from jsonschema_rs import Draft202012Validator

from power_edge import package_data

_BLANKS = r" \t\r\f\v"


def matches(path: str, *lists: str) -> bool:
    """Return whether a path matches a pattern in one of these lists (`keys`, `accounts`, `secrets`,
    `no_secrets`, `sudo_rules`).
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
    """Return whether a line of a text is a secret by the rules, such as `password = ...`."""
    # The matcher accepts no lone surrogates, and no rule has one.
    return not _free_of_secrets().is_valid(content.encode("utf-8", "replace").decode())


@cache
def _free_of_secrets() -> Draft202012Validator:
    """Return the rules for lines, in a matcher whose time grows linearly with the length of a text.
    The time of Python's `re` grows with its square.
    """
    rules = (
        # These patterns of grep mean the same here, except for the names of classes, and that grep
        # sees one line at a time.
        rule.replace("[^", r"[^\n").replace("[:space:]", _BLANKS)
        for rule in _lists()["secret_lines"].splitlines()
    )
    return Draft202012Validator({"not": {"pattern": f"(?im){'|'.join(rules)}"}})
