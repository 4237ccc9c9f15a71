"""Make a stranger's text safe to show: names from configurations, and answers of machines.

Text goes through here before it reaches a terminal, the log of a CI job, or a comment in a file.
Formats that have their own escaping (JSON, XML, HTML, Prometheus) use that.
"""

import json
import re
from collections.abc import Iterable
from typing import Any, TextIO

_GITHUB = re.compile(r"(?<!\S)::(?=[A-Za-z-])")
"""The beginning of a workflow command, `::name parameters::value`. A runner obeys it at the
beginning of a line, after blanks; and a line begins wherever text is wrapped. Whether `::` follows
is asked for all at once: to look ahead from each would take hours for a megabyte of them.
"""
_LONG_WORD = re.compile(r"\S{51,}")
"""Wrapping never breaks a shorter word; an IPv6 network takes 43 characters."""
_MARKED = re.compile(r"##(?=[A-Za-z]*\[)")
"""`##[command]` of GitHub and Azure, `##vso[...]`, `##teamcity[...]`: runners obey some of them
anywhere in a line.
"""

_CODE = "0?[0-57]|3[1-79]|49|9[0-7]"
_COLOUR = re.compile(rf"(\x1b\[(?:(?:{_CODE})(?:;(?:{_CODE})){{,4}})?m)")
"""What pytest and pygments set: no black, no background, nothing that hides text."""
_RETURN = re.compile(rf"(?:{_COLOUR.pattern})*\r")
_OBEYED = re.compile(r"(\A *:):|(##[A-Za-z]*)\[")
"""For a line that comes in pieces: `::` at its beginning, and `##[`, `##vso[` anywhere."""
_BEGUN_MARK = re.compile(r"##[A-Za-z]*\Z|#\Z")
_COMMAND = re.compile(r"\s*:(:)[A-Za-z-].*::")

_SURROGATE = re.compile(r"[\ud800-\udc7f\udd00-\udfff]")
"""All surrogates except those that stand for a byte (PEP 383)."""


_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_NO_PORT = re.compile(r"([^:@/?\[\]]*):(?!:|[0-9]{1,5}(?:[/?]|\Z))")
"""A colon without a port after it: a name, and perhaps a password whose @ is missing."""


def without_password(url: str) -> str:
    """Return a URL or an ssh destination without its password, to be shown or put on file.

    `ssh://root:secret@rig` becomes `ssh://root@rig`. From a malformed one everything up to the last
    @ is removed: it may be a password.
    """
    scheme = _SCHEME.match(url)
    start = scheme.end() if scheme else 0
    user, at, host = url[start:].rpartition("@")
    if at:
        return f"{url[:start]}{re.split(':|%3[Aa]', user, maxsplit=1)[0]}@{host}"
    name = _NO_PORT.match(url, start)
    return f"{url[:start]}{name[1]}:..." if name else url


def printable(text: str) -> str:
    """Return text on one line that neither a terminal nor a CI runner obeys.

    Control characters, escape sequences, bidirectional overrides and other invisible characters are
    escaped as in Python; so are bytes that were not UTF-8 (`\\xff`), and one character of anything
    that a runner takes for a command.
    """
    text = _visible(text)
    if "##" in text:
        text = _MARKED.sub(r"#\\x23", text)
    if "::" in text:
        last = text.rfind("::")  # the text is one line by now
        text = _GITHUB.sub(lambda found: r":\x3a" if found.end() < last else found[0], text)
        # This comes last, and counts the escaped length: text may come through here twice.
        text = _LONG_WORD.sub(_unbreakable, text) if text.count("::") > 1 else text
    return text


def _visible(text: str) -> str:
    """Return text with invisible characters escaped."""
    if not text.isprintable():
        text = readable(text)
        text = "".join(
            each if each.isprintable() else each.encode("unicode_escape").decode("ascii")
            for each in text
        )
    return text


def _unbreakable(word: re.Match[str]) -> str:
    """Return a long word in which no line begins with a command, wherever it is wrapped."""
    return re.sub(r"::(?=[A-Za-z-])", r":\\x3a", word[0])


def identifier(name: str) -> str:
    """Return an item's name for its test id: printable, without the beginning of a tag or entity.

    pytest-html shows ids unescaped.
    """
    return printable(name).replace("<", r"\x3c").replace("&", r"\x26")


def readable(text: str) -> str:
    """Return text that can be encoded as UTF-8.

    Bytes that were not UTF-8 are escaped (`\\xff`), and lone surrogates from JSON (`\\ud800`).
    """
    if text.isascii():
        return text
    text = _SURROGATE.sub(lambda each: f"\\u{ord(each[0]):04x}", text)
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def printable_json(text: str) -> str:
    """Return JSON with the same values that neither a terminal nor a CI runner obeys.

    What cannot be encoded as UTF-8 is as in `readable`.
    """
    text = _MARKED.sub(r"#\\u0023", text)
    return "\n".join(
        line if line.isprintable() else "".join(map(_json_escaped, line))
        for line in text.split("\n")
    )


def _json_escaped(character: str) -> str:
    """Return a character of a JSON text, escaped if it is invisible.

    Invisible characters are only in strings, where they can be escaped (RFC 8259).
    """
    if not character.isprintable():
        return json.dumps(readable(character))[1:-1]
    return character


def command_in(line: str) -> int | None:
    """Return the offset of the colon that makes a line a workflow command; None for other lines."""
    found = _COMMAND.match(line)
    return found.start(1) if found is not None else None


class Screen:
    """A stream in front of another that lets no text pass which a terminal or a CI runner obeys.

    It is for text that others print: names and output of the operators' own tests, and quotations
    from a machine's answers. A command is broken at the character that completes it, so it may come
    in pieces. With `colours`, codes that set a colour pass, and a carriage return at the beginning
    of a text: pytest shows its progress with it.
    """

    def __init__(self, stream: TextIO, *, colours: bool) -> None:
        self._stream = stream
        self._colours = colours
        self._before = ""
        """A short line that stands for the current one so far."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write text, with everything escaped that would be obeyed. Return its length."""
        output, rest = "", text
        if self._colours and (begin := _RETURN.match(text)) is not None:
            output, rest = begin[0], text[begin.end() :]
            self._before = ""
        first, *lines = rest.split("\n")
        output += self._shown(first)
        for line in lines:
            self._before = ""
            output += "\n" + self._shown(line)
        self._stream.write(output)
        return len(text)

    def _shown(self, text: str) -> str:
        pieces = _COLOUR.split(text) if self._colours else [text]
        return "".join(
            piece if index % 2 else self._piece(piece) for index, piece in enumerate(pieces)
        )

    def _piece(self, text: str) -> str:
        before = self._before
        line = _OBEYED.sub(_broken, before + _visible(text.expandtabs() if "\t" in text else text))
        self._before = _standing_for(line)
        return line[len(before) :]


def _broken(command: re.Match[str]) -> str:
    return command[1] + r"\x3a" if command[1] else command[2] + r"\x5b"


def _standing_for(line: str) -> str:
    """Return the shortest line after which the same text completes a command."""
    stripped = line.lstrip(" ")
    if stripped in ("", ":"):
        return stripped
    mark = _BEGUN_MARK.search(line)
    return f"-{mark[0][:3]}" if mark is not None else "-"


def did_you_mean(
    word: str, words: Iterable[str], *, most: int = 1, similarity: float = 0.6
) -> str | None:
    """Return a hint with the words most similar to one, `did you mean a or b?`; None without any.

    Upper and lower case do not count. `similarity` is difflib's ratio, from 0 to 1. If nothing is
    similar, three letters or more may be the beginning of a word, as in `prod`.
    """
    from difflib import get_close_matches  # 5 ms, which only a message about an error needs

    by_lower_case = {each.lower(): each for each in words}
    similar = get_close_matches(word.lower()[:255], by_lower_case, most, similarity)
    if not similar and len(word) >= 3:
        similar = [each for each in by_lower_case if each.startswith(word.lower())][:most]
    names = " or ".join(printable(by_lower_case[each]) for each in similar)
    return f"did you mean {names}?" if names else None


def quoted(value: object, width: int = 60) -> str:
    """Return a value of the configuration for a message: quoted, printable, cut to `width`."""
    text = printable(repr(value[: width + 1] if isinstance(value, str) else value))
    return text if len(text) <= width + 2 else f"{text[:width]}..."


def counted(count: int, thing: str) -> str:
    """Return a number with its noun: `1 item`, `2 items`."""
    return f"{count} {thing}{'' if count == 1 else 's'}"
