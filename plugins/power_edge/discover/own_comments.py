"""The comments of a discovery on what it did not declare, in a file that has older ones. Pure."""

import re
from collections.abc import Iterable, Iterator, Sequence

from power_edge.config.error import ConfigError
from power_edge.config.yaml_reader import read
from power_edge.yaml_edit.writer import Paragraph, omissions

_TOP_LEVEL = re.compile(r"[^\s#-]")
_CONTINUED = "#   "
"""How a further line of a comment begins."""


def refreshed(text: str, paragraphs: Iterable[Paragraph]) -> str:
    """Return the text of a state.yaml with the present comments on these sections.

    A comment that an earlier discovery wrote is replaced or removed; no other line changes. If the
    text would mean something else then, it stays as it is.
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    old = lines = text.split(newline)
    for paragraph in paragraphs:
        lines = _replaced(lines, paragraph.name, [*omissions(paragraph)])
    new = newline.join(lines)
    return new if lines != old and _same(text, new) else text


def not_observed(text: str, section: str) -> str | None:
    """Return why the latest discovery could not observe a section, by the first comment in the text
    of a state.yaml that says so; None if none does.
    """
    lines = text.split("\n")
    head = f"# {section} not observed: "
    first = next((number for number, line in enumerate(lines) if line.startswith(head)), None)
    if first is None:
        return None
    words = [lines[first].removeprefix(head)]
    for line in lines[first + 1 :]:
        if not line.startswith(_CONTINUED):
            break
        words.append(line.removeprefix(_CONTINUED))
    return " ".join(map(str.strip, words))


def _replaced(lines: Sequence[str], section: str, added: Sequence[str]) -> list[str]:
    """Return the lines with these comments in place of the old ones about a section. They stay
    where they are, unless the section stands elsewhere.
    """
    old = [*_written(lines, section)]
    if [lines[number] for number in old] == added:
        return list(lines)
    if not old:
        return _with(lines, section, added)
    start, end = _extent(lines, section)
    first = old[0]
    rest = [line for number, line in enumerate(lines) if number not in {*old}]
    if added and (start is None or start < first <= end):
        return [*rest[:first], *added, *rest[first:]]
    if 0 < first < len(rest) and not rest[first - 1].strip() and not rest[first].strip():
        del rest[first]  # the blank lines around a comment that stood alone
    return _with(rest, section, added)


def _written(lines: Iterable[str], section: str) -> Iterator[int]:
    """Yield the numbers of the lines that `left_out` of documents.py wrote about a section.

    They have the section's name; further lines of a comment are indented.
    """
    pattern = re.compile(
        rf"# {re.escape(section)} (left out|not observed): |# {re.escape(section)}: and \d+ more"
    )
    inside = False
    for number, line in enumerate(lines):
        inside = pattern.match(line) is not None or (inside and line.startswith(_CONTINUED))
        if inside:
            yield number


def _with(lines: Sequence[str], section: str, added: Sequence[str]) -> list[str]:
    """Return the lines with the comments below the section, or else at the end."""
    if not added:
        return list(lines)
    start, end = _extent(lines, section)
    if start is None:
        while lines and not lines[-1].strip():
            lines = lines[:-1]
        return [*lines, "", *added, ""]
    while end > start + 1 and (not lines[end - 1].strip() or lines[end - 1].startswith("#")):
        end -= 1
    return [*lines[:end], *added, *lines[end:]]


def _extent(lines: Sequence[str], section: str) -> tuple[int | None, int]:
    """Return the line of a section's key, None without it, and the line where the next key is."""
    start = next((n for n, line in enumerate(lines) if re.match(rf"{section}\s*:", line)), None)
    if start is None:
        return None, len(lines)
    end = next((n for n in range(start + 1, len(lines)) if _TOP_LEVEL.match(lines[n])), len(lines))
    return start, end


def _same(old: str, new: str) -> bool:
    try:
        before, after = (read(text.encode("utf-8", "surrogateescape"), "") for text in (old, new))
    except ConfigError:
        return False
    return repr(before.value) == repr(after.value) and not after.problems
