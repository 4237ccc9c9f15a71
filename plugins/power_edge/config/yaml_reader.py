"""Read YAML strictly: plain values, and the place of each of them.

This walks the parser's events with a stack of its own. PyYAML's composer recurses in C and crashes
on a deeply nested file, and its resolver reads `no` as false, `0644` as 420 and `22:30` as 1350
(YAML 1.1). Here a plain scalar that versions of YAML read differently is a problem.
"""

import re
from typing import Any, NamedTuple, Protocol, TypeAlias

from yaml import error
from yaml.cyaml import CParser  # type: ignore[attr-defined]
from yaml.error import YAMLError
from yaml.events import (
    AliasEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from power_edge.config.error import LIMIT, ConfigError, refuse
from power_edge.config.nesting import cut_before_too_deep
from power_edge.json_value import Json
from power_edge.model import Problem, Source

MAX_BYTES = 4 << 20
MAX_VALUES = 250_000
"""Aliases count as often as they are used. 10,000 items with eight fields take 170,000."""
MAX_DEPTH = 50


class Mark(Protocol):
    """A place in a text, counted from 0. PyYAML has a class for it in Python, and one in C."""

    @property
    def line(self) -> int: ...
    @property
    def column(self) -> int: ...


class Place(NamedTuple):
    """Where a value is in the file: the marks of its key and of itself, and the places inside it.

    In a list, the mark of the value stands for the key.
    """

    key: Mark
    value: Mark
    inner: "Inner" = None
    """Key or index -> Place; None for a scalar."""

    def at(self, step: str | int) -> "Place | None":
        """Return the place of a part, by its key or index; None if there is no such part."""
        if isinstance(self.inner, dict):
            return self.inner.get(step) if isinstance(step, str) else None
        if self.inner is None or isinstance(step, str) or step >= len(self.inner):
            return None
        return self.inner[step]


Inner: TypeAlias = dict[str, Place] | list[Place] | None
_START: Mark = error.Mark("", 0, 0, 0, None, 0)


class Document(NamedTuple):
    """A file's value (a mapping with text keys), and the places of its parts."""

    file: str
    value: dict[str, Json]
    root: Place
    problems: tuple[Problem, ...]
    """What is wrong so far. The value is complete all the same, so that the rest can be checked."""
    data: bytes

    @classmethod
    def of_value(cls, file: str, value: dict[str, Json]) -> "Document":
        """Return the document of a file that is not written yet: every place is its beginning."""
        return cls(file, value, Place(_START, _START), (), b"")

    def find(self, path: tuple[str | int, ...], key: bool = False) -> Source:
        """Return the place of the value at `path`, or of its key.

        If there is no such value, return the place of the nearest one around it.
        """
        place = self.place(path)
        mark = place.key if key else place.value
        return Source(self.file, mark.line + 1, mark.column + 1)

    def place(self, path: tuple[str | int, ...]) -> Place:
        """Return the place of the value at `path`, or of the nearest one around it."""
        place = self.root
        for step in path:
            inner: Any = place.inner  # each item comes here: `at` would take twice the time
            try:
                place = inner[step]
            except (TypeError, LookupError):
                break
        return place

    def part(self, path: tuple[str | int, ...], value: dict[str, Json]) -> "Document":
        """Return a mapping of the file as a document of its own. `value` is the value at `path`,
        or what it stands for.
        """
        return Document(self.file, value, self.place(path), (), self.data)

    def plain_text(self, source: Source) -> str | None:
        """Return the scalar at a place as it is spelled: the number 1.10 has lost its last digit.

        None after a tag, an anchor or an alias.
        """
        line = self.data.decode().splitlines()[source.line - 1]
        text = re.split(r"[\s,\]}]", line[source.column - 1 :], maxsplit=1)[0]
        return None if text[:1] in "!&*" else text


def read(data: bytes, file: str) -> Document:
    """Return the document in `data`; `file` is its name in messages.

    Problems that leave a value are in the document. Raises ConfigError if there is no mapping.
    """
    if len(data) > MAX_BYTES:
        raise refuse(file, f"is larger than {MAX_BYTES >> 20} MiB")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise refuse(
            file,
            "is not UTF-8 text",
            "save it as UTF-8",
            line,
            error.start - data.rfind(b"\n", 0, error.start),
        ) from None
    if b"\0" in data:
        raise refuse(
            file,
            "is not text: it contains a NUL byte",
            None,
            data.count(b"\n", 0, data.index(b"\0")) + 1,
        )
    cut = cut_before_too_deep(text, MAX_DEPTH)
    if cut is not None:
        try:
            _Reader(file).read(text[:cut].encode())
        except _TooDeep:
            raise
        except (ConfigError, YAMLError):
            pass  # the cut was inside a scalar: the whole file decides
    try:
        return _Reader(file).read(data)
    except YAMLError as error:
        raise _unreadable(error, data, file) from None


class _TooDeep(ConfigError):
    """The file is nested more than MAX_DEPTH levels deep."""


class _Reader:
    """One pass over the events of a file."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []
        self.anchors: dict[str, tuple[Json, Inner, int]] = {}
        self.values = 0
        self.stack: list[tuple[Any, Any, Any, Any, Any, int]] = []
        """For each open level: the event that began it, then the value, places, key, mark of the
        key and count of the level around it.
        """

    def problem(self, mark: Mark, message: str, hint: str | None = None) -> None:
        """Record a problem. Raises ConfigError if there are too many."""
        self.problems.append(
            Problem(Source(self.file, mark.line + 1, mark.column + 1), message, hint)
        )
        if len(self.problems) > LIMIT:
            raise ConfigError(self.problems)

    def fatal(self, mark: Mark, message: str, hint: str | None = None) -> ConfigError:
        """Return the error that ends the reading, with all problems so far."""
        return ConfigError(
            [
                *self.problems,
                Problem(Source(self.file, mark.line + 1, mark.column + 1), message, hint),
            ]
        )

    def read(self, data: bytes) -> Document:
        """Return the document. Raises ConfigError and YAMLError."""
        # The open level: a list and its places, or a mapping, its places, and the key whose value
        # comes next.
        value: Any = []
        inner: Any = []
        key: Any = _NO_KEY
        key_mark: Mark = _START
        stack = self.stack
        documents = 0
        next_event: Any = CParser(data).get_event
        while (event := next_event()) is not None:
            kind = type(event)
            mark = event.start_mark
            if kind is ScalarEvent:
                new, new_inner = self.scalar(event, mark, key), None
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                self.begin(event, mark, len(stack))
                stack.append((event, value, inner, key, key_mark, self.values - 1))
                value, inner = ({}, {}) if kind is MappingStartEvent else ([], [])
                key = _NO_KEY
                continue
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                new, new_inner = value, inner
                start_event, value, inner, key, key_mark, before = stack.pop()
                mark = start_event.start_mark
                if start_event.anchor is not None:
                    self.anchors[start_event.anchor] = (new, new_inner, self.values - before)
            elif kind is AliasEvent:
                new, new_inner = self.alias(event, mark)
            else:
                documents += kind is DocumentStartEvent
                if documents > 1:
                    raise self.fatal(mark, "a second document begins here", "a file holds one")
                continue
            if type(value) is list:
                value.append(new)
                inner.append(Place(mark, mark, new_inner))
            elif key is _NO_KEY:
                key, key_mark = self.key(new, mark), mark
                if key in value:
                    self.duplicate(key, mark, inner[key].key.line + 1)
            else:
                value[key] = new
                inner[key] = Place(key_mark, mark, new_inner)
                key = _NO_KEY
        if not value or value[0] is None:
            raise refuse(self.file, "is empty", line=1)
        if type(value[0]) is not dict:
            found = "a list" if type(value[0]) is list else "a single value"
            raise self.fatal(inner[0].value, f"must be a mapping of keys to values, not {found}")
        return Document(self.file, value[0], inner[0], tuple(self.problems), data)

    def count(self, mark: Mark, values: int = 1) -> None:
        """Count values. Raises ConfigError above MAX_VALUES."""
        self.values += values
        if self.values > MAX_VALUES:
            raise self.fatal(
                mark,
                f"has more than {MAX_VALUES} values",
                "aliases count as often as they are used",
            )

    def tag(self, event: ScalarEvent | CollectionStartEvent, mark: Mark) -> None:
        """Record a problem if a value has a tag. The tag may be a mistyped secret: not quoted."""
        if event.tag is not None:
            self.problem(
                mark,
                "tags (!...) are not supported",
                "remove it; put the text in quotes if it begins with !",
            )

    def scalar(self, event: ScalarEvent, mark: Mark, key: object) -> Json:
        """Return the value of a scalar, whose key is `key`."""
        self.count(mark)
        self.tag(event, mark)
        text = event.value
        value = text if event.style or not _MAY_BE_NO_TEXT(text) else self.plain(text, mark, key)
        if event.anchor is not None:
            self.anchors[event.anchor] = (value, None, 1)
        return value

    def begin(self, event: CollectionStartEvent, mark: Mark, depth: int) -> None:
        """Begin a list or a mapping."""
        self.count(mark)
        if depth >= MAX_DEPTH:
            message = f"is nested more than {MAX_DEPTH} levels deep"
            raise _TooDeep(self.fatal(mark, message).problems)
        self.tag(event, mark)
        if event.anchor is not None:
            # An alias inside the value of its own anchor would never end.
            self.anchors.pop(event.anchor, None)

    def alias(self, event: AliasEvent, mark: Mark) -> tuple[Json, Inner]:
        """Return the value and the places that an alias stands for."""
        if event.anchor not in self.anchors:
            message = "an alias (*...) needs an anchor (&...) whose value ends before it"
            raise self.fatal(mark, message, "put the text in quotes if it begins with *")
        value, inner, size = self.anchors[event.anchor]
        self.count(mark, size)
        return value, inner

    def key(self, key: Json, mark: Mark) -> str:
        """Return a mapping's key as text."""
        if type(key) is str:
            if key == "<<":
                self.problem(mark, "merge keys (<<) are not supported", "write the keys out")
            return key
        if type(key) in (list, dict):
            raise self.fatal(mark, "a key must be text")
        text = "null" if key is None else str(key).lower() if type(key) is bool else str(key)
        if type(key) in (int, float):  # it may be a line of a file's content: not quoted
            self.problem(mark, "a key must be text, not a number", "write it in quotes")
        else:
            self.problem(mark, f"the key {text} is not text", f'write it in quotes: "{text}"')
        return text

    def around(self) -> list[object]:
        """Return the keys around the open level, outermost first, without its own."""
        return [level[3] for level in self.stack]

    def duplicate(self, key: str, mark: Mark, first: int) -> None:
        """Record a duplicate key. It is quoted only if it cannot be a secret."""
        from power_edge.config import quoting

        named = quoting.key(key, self.around())
        quote = "" if named is None else f" {named}"
        self.problem(mark, f"duplicate key{quote}", f"first on line {first}; keep one of them")

    def plain(self, text: str, mark: Mark, key: object) -> Json:
        """Return the value of a scalar without quotes, whose key is `key`.

        If YAML 1.1 and 1.2 read it differently, return the text and record a problem.
        """
        if text in _WORDS:
            return _WORDS[text]
        if _INTEGER(text):
            return int(text)
        if _FLOAT(text):
            return float(text)
        for matches, what in _AMBIGUOUS:
            if matches(text):
                self.ambiguous(text, what, mark, key)
                break
        return text

    def ambiguous(self, text: str, what: str, mark: Mark, key: object) -> None:
        """Record a scalar that versions of YAML read differently; quote it if it is not a
        secret."""
        from power_edge.config import quoting

        keys = (*self.around(), key)
        if quoting.below_secret(keys) or (what is not _BOOLEAN and not quoting.number(text, keys)):
            self.problem(mark, f"a value without quotes is {what}", "write it in quotes")
        else:
            hint = (
                f'write true or false, or "{text}" in quotes'
                if what is _BOOLEAN
                else f'write it in quotes: "{text}"'
            )
            if key in _PORTS and (ports := _RANGE(text)) is not None:
                hint = f"a range of ports has a dash: {ports[1]}-{ports[2]}"
            self.problem(mark, f"{text[:40]} without quotes is {what}", hint[:120])


_NO_KEY: Any = object()
_WORDS = {"": None, "~": None, **dict.fromkeys(("null", "Null", "NULL"), None)}
_WORDS |= {
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
# At most 18 digits: nothing here takes a longer number, and converting one takes time that grows
# with the square of its length.
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,17})", re.ASCII).fullmatch
_FLOAT = re.compile(
    r"[-+]?([0-9]+\.[0-9]*([eE][-+]?[0-9]{1,2})?|\.[0-9]+|[0-9]+[eE][-+]?[0-9]{1,2})", re.ASCII
).fullmatch
_PORTS = ("port", "ports")
_RANGE = re.compile(r"([0-9]{1,5}):([0-9]{1,5})", re.ASCII).fullmatch
"""A range of ports as ufw and iptables write it."""
_BOOLEAN = "a boolean in YAML 1.1 and text in 1.2"
_AMBIGUOUS = tuple(
    (re.compile(pattern, re.ASCII).fullmatch, what)
    for pattern, what in (
        (r"(?i:yes|no|on|off)", _BOOLEAN),
        (r"[-+]?0[0-9_]+", "an octal number in some versions of YAML"),
        (r"[-+]?0(x[0-9a-fA-F_]+|b[01_]+|o[0-7]+)", "a number in some versions of YAML"),
        (
            r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?",
            "a base-60 number in some versions of YAML",
        ),
        (
            r"[-+]?([0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)([eE][-+]?[0-9]+)?|[-+]?\.(?i:inf|nan)",
            "a number in some versions of YAML",
        ),
    )
)
# What begins otherwise can only be text.
_MAY_BE_NO_TEXT = re.compile(
    r"[-+.]?[0-9]|[-+.]+[iInN]|~?\Z|[nN][uo]|N[UO]|[tT]r|TR|[fF]a|FA|[yY][eE]|[oO][nNfF]", re.ASCII
).match


def _unreadable(error: YAMLError, data: bytes, file: str) -> ConfigError:
    mark = getattr(error, "problem_mark", None)
    if mark is None:  # a character that YAML does not allow: only its offset is known
        at = min(getattr(error, "position", 0) or 0, len(data))
        message = f"is not valid YAML: {getattr(error, 'reason', None) or 'unreadable'}"
        return refuse(
            file, message, None, data.count(b"\n", 0, at) + 1, at - data.rfind(b"\n", 0, at)
        )
    context, start_event = getattr(error, "context", None), getattr(error, "context_mark", None)
    message = f"is not valid YAML: {getattr(error, 'problem', None)}"
    message += f" {context}" if context else ""
    if start_event is not None and start_event.line != mark.line:
        message += f" that begins on line {start_event.line + 1}"
    lines = data.decode().split("\n")
    at_end = mark.line >= data.rstrip().count(b"\n") + (1 if data.endswith(b"\n") else 0)
    hint = _likely_cause(lines, mark.line) or (
        "the file ends too early"
        if at_end
        else "check indentation, quotes and colons on this line and above"
    )
    return refuse(file, message, hint, mark.line + 1, mark.column + 1)


def _likely_cause(lines: list[str], at: int) -> str | None:
    """Return what to write instead, if the line of an error or the one above shows it."""
    from power_edge.config import quoting

    for number in (at, at - 1):
        line = lines[number] if 0 <= number < len(lines) else ""
        if "\t" in line[: len(line) - len(line.lstrip())]:
            return f"line {number + 1} is indented with a tab: YAML takes blanks only"
        if (hint := quoting.missing_blank(line.lstrip(" -"))) is not None:
            return f"line {number + 1}: {hint}"
    return None
