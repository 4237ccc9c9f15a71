"""Write configuration as YAML.

Every version of YAML reads the values alike, and no text in a comment can end the comment.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from textwrap import wrap
from typing import Any, NamedTuple

import yaml
from yaml.cyaml import CSafeDumper

from power_edge.config.error import ConfigError
from power_edge.config.yaml_reader import read
from power_edge.text import printable, quoted

WIDTH = 100
_LONGEST_KEY = 1000
"""Characters of a key before its colon. A reader of YAML looks no further than 1024 for it."""
ALIKE = 3
"""From this number of entries on, their common comment is written once, above the paragraph."""
_AMBIGUOUS_TEXT = re.compile(r"[yYnN]|[-+]\.[0-9.eE+-]*|[-+.]*([0-9][0-9oxb.]*)?_[-+.:0-9a-fA-F_]*")
"""Booleans and numbers by the letter of YAML 1.1 or 1.2, or for ruamel.yaml, that are text for
PyYAML and for our reader.
"""


class Entry(NamedTuple):
    """An item of a list, or with `key` one of a mapping, with its comment, a text per paragraph.

    `value` is text, a number, a boolean, None, a mapping or list of these, or a tuple of entries
    (the rules of a firewall).
    """

    value: Any
    comment: tuple[str, ...] = ()
    key: str | None = None


class Paragraph(NamedTuple):
    """A top-level key of a file with its value (as Entry's), leading comment and trailing comment.

    The trailing comment names what was left out.
    """

    name: str
    entries: Any
    comment: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    names: Mapping[str, str] = {}
    """Values that are names of items -> their resource type, whose spellings merging knows."""


def condensed(paragraph: Paragraph) -> Paragraph:
    """Return a paragraph in which the comment that most entries share stands once, above them."""
    if not isinstance(paragraph.entries, tuple):
        return paragraph
    counts = Counter(entry.comment[0] for entry in paragraph.entries if len(entry.comment) == 1)
    common, count = counts.most_common(1)[0] if counts else ("", 0)
    all_alike = 1 < count == len(paragraph.entries)
    if count < ALIKE and not all_alike:
        return paragraph
    return paragraph._replace(
        entries=tuple(
            entry._replace(comment=()) if entry.comment == (common,) else entry
            for entry in paragraph.entries
        ),
        comment=(
            *paragraph.comment,
            common if all_alike else f"Unless a comment says otherwise: {common}",
        ),
    )


class NewDocument(NamedTuple):
    """A file to be written; `schema` is the place where editors find its schema."""

    paragraphs: tuple[Paragraph, ...]
    schema: str | None = None


def emit(document: NewDocument) -> str:
    """Return the text of a file.

    A paragraph without entries is left out, except for its comments. Raises ValueError as `scalar`.
    """
    modeline = (
        [f"# yaml-language-server: $schema={printable(document.schema)}"]
        if document.schema is not None
        else []
    )
    texts = ["\n".join(_paragraph(paragraph)) for paragraph in document.paragraphs]
    first, *others = filter(None, texts)
    return "\n\n".join(["\n".join([*modeline, first]), *others]) + "\n"


def _paragraph(given: Paragraph) -> Iterator[str]:
    paragraph = condensed(given)
    yield from comments(paragraph.comment)
    if paragraph.entries not in ((), [], {}):
        yield from keyed(paragraph.name, paragraph.entries)
    yield from omissions(paragraph)


def omissions(paragraph: Paragraph) -> Iterator[str]:
    """Yield the lines of the comment on what was left out. Further lines are indented, so that a
    reader sees where the next one begins.
    """
    return comments(paragraph.left_out, continued="  ")


def keyed(key: str, value: Any, indent: str = "", *, nested: bool = False) -> Iterator[str]:
    """Yield the lines of `key: value`.

    A list is not indented below its key. With `nested`, small mappings in a list take one line.
    """
    name = scalar(key)
    head = f"{indent}{name}:"
    if len(name) > _LONGEST_KEY:
        yield f"{indent}? {name}"
        head = f"{indent}:"
    if (inline := _inline(value, WIDTH - len(head))) is not None:
        yield f"{head} {inline}"
    else:
        yield head
        below = isinstance(plain(value), Mapping) or len(name) > _LONGEST_KEY
        inner = f"{indent}  " if below else indent
        for entry in entries(value):
            yield from lines(entry, inner, nested=nested)


def lines(entry: Entry, indent: str = "", *, nested: bool = False) -> Iterator[str]:
    """Yield the lines of an entry.

    Its comment is at the end of the first line if there is room, else above.
    """
    above = list(comments(entry.comment, indent))
    first, *rest = _bare(entry, indent, nested=nested)
    if (
        len(above) == 1
        and not first.lstrip().startswith("#")
        and len(first) + 2 + len(above[0].lstrip()) <= WIDTH
    ):
        yield f"{first}  {above[0].lstrip()}"
    else:
        yield from [*above, first]
    yield from rest


def _bare(entry: Entry, indent: str, *, nested: bool) -> Iterator[str]:
    if entry.key is not None:
        yield from keyed(entry.key, entry.value, indent, nested=True)
        return
    inline = _inline(entry.value, WIDTH - len(indent), mappings=nested)
    if inline is not None:
        yield f"{indent}- {inline}"
        return
    inner = [line for part in entries(entry.value) for line in lines(part, f"{indent}  ")]
    first = next(number for number, line in enumerate(inner) if not line.lstrip().startswith("#"))
    yield from inner[:first]
    yield f"{indent}- {inner[first][len(indent) + 2 :]}"
    yield from inner[first + 1 :]


def entries(value: Any) -> tuple[Entry, ...]:
    """Return the contents of a collection as entries."""
    if isinstance(value, Mapping):
        return tuple(Entry(inner, (), key) for key, inner in value.items())
    return tuple(part if isinstance(part, Entry) else Entry(part) for part in value)


def plain(value: Any) -> Any:
    """Return a value without its comments, as a reader of the file gets it."""
    if isinstance(value, tuple):
        if any(entry.key is not None for entry in value):
            return {entry.key: plain(entry.value) for entry in value}
        return [plain(entry.value) for entry in value]
    return value


def _inline(value: Any, width: int, *, mappings: bool = False) -> str | None:
    """Return a value on one line of at most `width`; None if it takes more lines.

    Mappings take more (except with `mappings`), and lists of anything but scalars.
    """
    if not isinstance(value, Mapping | list | tuple):
        return scalar(value)
    if not value:
        return "{}" if isinstance(value, Mapping) else "[]"
    inner = value.values() if isinstance(value, Mapping) else value
    if (
        isinstance(value, tuple)
        or (isinstance(value, Mapping) and not mappings)
        or any(isinstance(part, Mapping | list | tuple) for part in inner)
    ):
        return None
    text = flow(value)
    return text if len(text) <= width - 2 else None


def flow(value: Any) -> str:
    """Return a value in flow style: `[a, b]`, `{port: 22, proto: tcp}`."""
    if isinstance(value, Mapping):
        pairs = (f"{scalar(key, in_flow=True)}: {flow(inner)}" for key, inner in value.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(flow, value))}]"
    return scalar(value, in_flow=True)


def scalar(value: Any, *, in_flow: bool = False) -> str:
    """Return text, a number, a boolean or None as one line of YAML; `in_flow`: inside brackets.

    It is plain if YAML 1.1, YAML 1.2 and our own stricter reader read the same value, else in
    double quotes. Raises ValueError for what no file can contain: bytes that are not UTF-8, NaN and
    infinity.
    """
    return _scalar(value, type(value).__name__, in_flow)


@lru_cache(maxsize=4096)
def _scalar(
    value: Any, kind: str, in_flow: bool
) -> str:  # 1, 1.0 and True are one key to a cache, but for their types
    try:
        written = _dumped(value, in_flow, None)
        if (
            not (written.startswith(("'", '"')) or _AMBIGUOUS_TEXT.fullmatch(written))
            and written == printable(written)
            and _reads_as(written, value, in_flow)
        ):
            return written
    except (yaml.YAMLError, UnicodeEncodeError):
        pass
    if kind != "str":
        raise ValueError(f"cannot be written in YAML: {quoted(value)}")
    return double_quoted(value)


def double_quoted(text: str) -> str:
    """Return text in double quotes. Raises ValueError as `scalar`."""
    try:
        written = printable(_dumped(text, False, '"'))  # its escapes are YAML's too
        if _reads_as(written, text, False):
            return written
    except UnicodeEncodeError:
        pass
    raise ValueError(f"cannot be written in YAML: {quoted(text)}")


def _dumped(value: Any, in_flow: bool, style: str | None) -> str:
    """Return a scalar as PyYAML writes it.

    It is dumped inside a list: PyYAML may end a document of one scalar with a line of three dots.
    """
    # Characters that are not printable could hide text, or show it in reverse.
    visible = not isinstance(value, str) or value.replace("\n", "").isprintable()
    text = yaml.dump(
        [value],
        Dumper=CSafeDumper,
        default_style=style,
        default_flow_style=in_flow,
        allow_unicode=visible,
        width=1 << 30,
    )
    return (
        text.strip().removeprefix("[").removesuffix("]")
        if in_flow
        else text.removeprefix("- ").removesuffix("\n")
    )


def _reads_as(written: str, value: Any, in_flow: bool) -> bool:
    text = f"{{k: {written}, l: 0}}" if in_flow else f"k: {written}\n"
    try:
        document = read(text.encode(), "")
    except ConfigError:
        return False
    found = document.value.get("k")
    return not document.problems and type(found) is type(value) and found == value


def comments(texts: Iterable[str], indent: str = "", continued: str = "") -> Iterator[str]:
    """Yield the lines of a comment, one paragraph per text; `continued` begins its further lines.

    The texts may come from a machine: nothing in them can end a line.
    """
    for text in texts:
        for line in wrap(
            printable(" ".join(text.split())),
            WIDTH - len(indent) - 2,
            subsequent_indent=continued,
            break_long_words=False,
            break_on_hyphens=False,
        ):
            yield f"{indent}# {line}"
