"""Configuration written as YAML: values so that every version of YAML reads them the same, and
comments that nothing in them can end.
"""

import re
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
_ODD = re.compile(r"[yYnN]|[-+]\.[0-9.eE+-]*|[-+.]*([0-9][0-9oxb.]*)?_[-+.:0-9a-fA-F_]*")
"""Switches and numbers to the letter of YAML 1.1 or 1.2, or to ruamel.yaml, that neither PyYAML nor
our reader takes for such.
"""


class Entry(NamedTuple):
    """A value with what is to be said of it: an item of a list, or with `key` what stands under it
    in a mapping.

    `value` is text, a number, a switch, None, a mapping or list of these, or a tuple of entries in
    their turn (the rules of a firewall).
    """

    value: Any
    comment: tuple[str, ...] = ()
    key: str | None = None


class Paragraph(NamedTuple):
    """A top-level key of a file with its value (as Entry's), and what is to be said above it and,
    of what is not in it, below.
    """

    name: str
    entries: Any
    comment: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


class NewDocument(NamedTuple):
    """A file to be written; `schema` is where editors find its schema."""

    paragraphs: tuple[Paragraph, ...]
    schema: str | None = None


def emit(document: NewDocument) -> str:
    """The text of a file.

    A paragraph with nothing in it is left out, but for what is to be said. Raises ValueError as
    `scalar`.
    """
    modeline = (
        [f"# yaml-language-server: $schema={printable(document.schema)}"]
        if document.schema is not None
        else []
    )
    texts = ["\n".join(_paragraph(paragraph)) for paragraph in document.paragraphs]
    first, *others = filter(None, texts)
    return "\n\n".join(["\n".join([*modeline, first]), *others]) + "\n"


def _paragraph(paragraph: Paragraph) -> Iterator[str]:
    yield from comments(paragraph.comment)
    if paragraph.entries not in ((), [], {}):
        yield from keyed(paragraph.name, paragraph.entries)
    yield from comments(paragraph.left_out)


def keyed(key: str, value: Any, indent: str = "", *, nested: bool = False) -> Iterator[str]:
    """The lines of `key: value`.

    A list is not indented below its key. `nested`: small mappings of a list take one line each.
    """
    head = f"{indent}{scalar(key)}:"
    if (inline := _inline(value, WIDTH - len(head))) is not None:
        yield f"{head} {inline}"
    else:
        yield head
        inner = f"{indent}  " if isinstance(plain(value), Mapping) else indent
        for entry in entries(value):
            yield from lines(entry, inner, nested=nested)


def lines(entry: Entry, indent: str = "", *, nested: bool = False) -> Iterator[str]:
    """The lines of an entry.

    What is to be said of it stands at the end of the first one where there is room, else above.
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
    """What a collection holds, one by one."""
    if isinstance(value, Mapping):
        return tuple(Entry(inner, (), key) for key, inner in value.items())
    return tuple(part if isinstance(part, Entry) else Entry(part) for part in value)


def plain(value: Any) -> Any:
    """A value without its comments, as a reader of the file has it."""
    if isinstance(value, tuple):
        if any(entry.key is not None for entry in value):
            return {entry.key: plain(entry.value) for entry in value}
        return [plain(entry.value) for entry in value]
    return value


def _inline(value: Any, width: int, *, mappings: bool = False) -> str | None:
    """A value on one line of at most `width`; None where it takes more: mappings, lists of anything
    but scalars.
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
    """A value in flow style: `[a, b]`, `{port: 22, proto: tcp}`."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{scalar(key, in_flow=True)}: {flow(inner)}' for key, inner in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(flow, value))}]"
    return scalar(value, in_flow=True)


def scalar(value: Any, *, in_flow: bool = False) -> str:
    """Text, a number, a switch or None as one line of YAML; `in_flow`: inside of brackets.

    Plain where YAML 1.1, YAML 1.2 and our own stricter reader have the same value of it, else in
    double quotes. Raises ValueError for what no file can hold: bytes that are no UTF-8, numbers
    that are none.
    """
    return _scalar(value, type(value).__name__, in_flow)


@lru_cache(maxsize=4096)
def _scalar(
    value: Any, kind: str, in_flow: bool
) -> str:  # 1, 1.0 and True are one key to a cache, but for their types
    try:
        written = _dumped(value, in_flow, None)
        if (
            not (written.startswith(("'", '"')) or _ODD.fullmatch(written))
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
    """Text in double quotes. Raises ValueError as `scalar`."""
    try:
        written = printable(_dumped(text, False, '"'))  # its escapes are YAML's, too
        if _reads_as(written, text, False):
            return written
    except UnicodeEncodeError:
        pass
    raise ValueError(f"cannot be written in YAML: {quoted(text)}")


def _dumped(value: Any, in_flow: bool, style: str | None) -> str:
    """As PyYAML writes it.

    A document that is a scalar alone may end in a line of its own with three points: it is put into
    a list.
    """
    visible = (
        not isinstance(value, str) or value.replace("\n", "").isprintable()
    )  # of the others some would turn the text around, or hide
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
    observed = document.value.get("k")
    return not document.problems and type(observed) is type(value) and observed == value


def comments(texts: Iterable[str], indent: str = "") -> Iterator[str]:
    """The lines of a comment, one paragraph for each text.

    They may come from a machine: nothing in them ends the line.
    """
    for text in texts:
        for line in wrap(
            printable(" ".join(text.split())),
            WIDTH - len(indent) - 2,
            break_long_words=False,
            break_on_hyphens=False,
        ):
            yield f"{indent}# {line}"
