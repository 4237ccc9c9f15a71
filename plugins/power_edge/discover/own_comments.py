"""The comments of a discovery on what it did not declare, in a file that has older ones. Pure."""

import re
from collections.abc import Iterable, Iterator, Sequence

from power_edge.config.error import ConfigError
from power_edge.config.yaml_reader import read
from power_edge.yaml_edit.writer import Paragraph, omissions

_TOP_LEVEL = re.compile(r"[^\s#-]")


def refreshed(text: str, paragraphs: Iterable[Paragraph]) -> str:
    """Return the text of a state.yaml with the comments of these sections as they are true now.

    A comment that an earlier discovery wrote is replaced or removed; no other line changes. If the
    text would mean something else then, it stays as it is.
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    old = lines = text.split(newline)
    for paragraph in paragraphs:
        lines = _with([*_without(lines, paragraph.name)], paragraph.name, [*omissions(paragraph)])
    new = newline.join(lines)
    return new if lines != old and _same(text, new) else text


def _without(lines: Iterable[str], section: str) -> Iterator[str]:
    """Yield the lines without what `left_out` of documents.py wrote about a section.

    It has the section's name; further lines of a comment are indented.
    """
    ours = re.compile(
        rf"# {re.escape(section)} (left out|not observed): |# {re.escape(section)}: and \d+ more"
    )
    inside = False
    for line in lines:
        inside = ours.match(line) is not None or (inside and line.startswith("#   "))
        if not inside:
            yield line


def _with(lines: Sequence[str], section: str, added: Sequence[str]) -> list[str]:
    """Return the lines with the comments below the section, or else at the end."""
    if not added:
        return list(lines)
    start = next((n for n, line in enumerate(lines) if re.match(rf"{section}\s*:", line)), None)
    if start is None:
        while lines and not lines[-1].strip():
            lines = lines[:-1]
        return [*lines, "", *added, ""]
    end = next((n for n in range(start + 1, len(lines)) if _TOP_LEVEL.match(lines[n])), len(lines))
    while end > start + 1 and (not lines[end - 1].strip() or lines[end - 1].startswith("#")):
        end -= 1
    return [*lines[:end], *added, *lines[end:]]


def _same(old: str, new: str) -> bool:
    try:
        before, after = (read(text.encode("utf-8", "surrogateescape"), "") for text in (old, new))
    except ConfigError:
        return False
    return repr(before.value) == repr(after.value) and not after.problems
