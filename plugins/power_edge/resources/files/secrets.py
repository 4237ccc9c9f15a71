"""Which files are secrets, by the rules in probes/lib/files.sh, which discovery follows as well.

A check only says whether a secret is equal or different. No message has its content or its hash,
declared or observed.
"""

import posixpath
import re
from collections.abc import Mapping
from fnmatch import translate
from functools import cache, lru_cache

from jsonschema_rs import Draft202012Validator

from power_edge import package_data
from power_edge.model.generated.resources.files_schema import File as Declared
from power_edge.resources.files.spelling import canonical

_BLANKS = r" \t\r\f\v"


def secret(declared: Declared) -> bool:
    """Return whether a declared file is a secret, by its path or by a line of its content."""
    return secret_path(declared.path) or (
        declared.content is not None and _secret_content(declared.path, declared.content)
    )


def secret_path(path: str) -> bool:
    """Return whether a file at this path is a secret.

    `..` is resolved as far as that is possible without the node; the node does the rest.
    """
    path = canonical(path)
    return any(
        _matches(each, "accounts", "keys", "secrets") for each in {path, posixpath.normpath(path)}
    )


def _secret_content(path: str, content: str) -> bool:
    return not _matches(canonical(path), "no_secrets") and has_secret_line(content)


def _matches(path: str, *lists: str) -> bool:
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
