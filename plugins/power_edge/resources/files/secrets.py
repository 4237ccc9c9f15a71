"""Which files are secrets: the rules of discovery, which probes/lib/files.sh has.

A check says of a secret that it is equal or different. Neither its content nor its hash is in any
message, whether declared or observed.
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
    """Whether a declaration is of a secret, by its path or by a line of its content."""
    return secret_path(declared.path) or (
        declared.content is not None and _secret_content(declared.path, declared.content)
    )


def secret_path(path: str) -> bool:
    """Whether a file at this path is a secret.

    `..` is followed as far as that can be done without the node, which looks at the rest.
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
