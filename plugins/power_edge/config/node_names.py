"""Names of nodes: which are valid, and which could be confused with each other."""

import re
from collections.abc import Collection, Iterator
from pathlib import Path

from power_edge.config.error import refuse
from power_edge.config.node_configs import NODE_CONFIGS, shown_name
from power_edge.model import Problem, Source
from power_edge.text import quoted

_NAME = re.compile(r"[\w+@](?:[\w.+@ -]{0,253}[\w+@-])?")
_CHARACTERS = (
    "use letters, digits and _ + @; after the first character also . - and blanks,"
    " the last two not at the end"
)
_LOOK_ALIKE = (
    "use letters and digits of one alphabet: others look the same, and people would take it for"
    " another node"
)
_WITH_LATIN = frozenset(
    {"LATIN", "CJK", "IDEOGRAPHIC", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO"}
)
"""Scripts that are used together in East Asia; their characters look like no others."""


def check_name(name: str) -> None:
    """Check the name of a node. Raises ConfigError if it is not valid."""
    hint = _what_to_do(name)
    if hint is not None:
        raise refuse(f"{NODE_CONFIGS}/{quoted(name)[1:-1]}", "is not a valid node name", hint)


def _what_to_do(name: str) -> str | None:
    """Return what to do about a name; None if it is valid."""
    if not _NAME.fullmatch(name):
        return _CHARACTERS
    if name.isascii():
        return None
    import unicodedata  # 1 ms, which hardly any name needs

    # Characters that people read as other ones: fullwidth letters, ligatures.
    if unicodedata.normalize("NFKC", name) != name:
        return _LOOK_ALIKE
    alphabets = {
        re.split("[ -]", unicodedata.name(each, "?"), maxsplit=1)[0]
        for each in name
        if each.isalpha() or (each.isalnum() and not each.isascii())
    }
    return None if len(alphabets) < 2 or alphabets <= _WITH_LATIN else _LOOK_ALIKE


def check_new_name(root: Path, name: str) -> None:
    """Check that no other node's name differs from a new name in upper and lower case alone.

    Raises ConfigError.
    """
    if root.is_dir():
        others = [root / each.name for each in root.iterdir() if each.name != name]
        for problem in same_but_for_case([*others, root / name], [root / name]):
            raise refuse(problem.source.file, problem.message, "give it another name")


def same_but_for_case(folders: Collection[Path], of: Collection[Path]) -> Iterator[Problem]:
    """Yield a problem for each folder of `of` whose name another one has in upper or lower case.

    A file system that ignores case (macOS, Windows) makes one folder of both.
    """
    by_name: dict[str, list[str]] = {}
    for folder in folders:
        by_name.setdefault(folder.name.casefold(), []).append(folder.name)
    for folder in of:
        others = [each for each in by_name.get(folder.name.casefold(), ()) if each != folder.name]
        if others:
            yield Problem(
                Source(f"{NODE_CONFIGS}/{shown_name(folder.name)}", 0),
                f"differs from {shown_name(min(others))} in upper and lower case alone",
                "rename one of the two",
            )
