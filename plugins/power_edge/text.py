"""A stranger's text, made safe to show: names from configurations, and whatever a machine answers.

Text goes through here before it reaches a terminal, a log of a CI job, or a comment in a file.
Formats with an escaping of their own (JSON, XML, HTML, Prometheus) use theirs.
"""

import json
import re
from typing import Any, TextIO

_GITHUB = re.compile(r"(?<!\S)::(?=[A-Za-z-]+[^\n]*::)")
"""A workflow command, `::name parameters::value`: obeyed where a line begins so, blanks aside, and
lines begin wherever text is wrapped.
"""
_LONG_WORD = re.compile(r"\S{51,}")
"""A shorter word is never broken where a line is wrapped; a network of IPv6 takes 43 characters."""
_MARKED = re.compile(r"##(?=[A-Za-z]*\[)")
"""`##[command]` of GitHub and Azure, `##vso[...]`, `##teamcity[...]`: some are obeyed anywhere in a
line.
"""

_CODE = "0?[0-57]|3[1-79]|49|9[0-7]"
_COLOUR = re.compile(rf"(\x1b\[(?:(?:{_CODE})(?:;(?:{_CODE})){{,4}})?m)")
"""What pytest and pygments set: foregrounds but black, no background, nothing that hides text."""
_RETURN = re.compile(rf"(?:{_COLOUR.pattern})*\r")
_OBEYED = re.compile(r"(\A *:):|(##[A-Za-z]*)\[")
"""In a line that comes in pieces: `::` at its beginning, whatever follows, and `##[`, `##vso[`."""
_BEGUN_MARK = re.compile(r"##[A-Za-z]*\Z|#\Z")
_COMMAND = re.compile(r"\s*:(:)[A-Za-z-]+.*::")

_SURROGATE = re.compile(r"[\ud800-\udc7f\udd00-\udfff]")
"""All but those that stand for a byte (PEP 383)."""


_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_NO_PORT = re.compile(r"([^:@/?\[\]]*):(?!:|[0-9]{1,5}(?:[/?]|\Z))")
"""What has a colon, and behind it no port: a name, and perhaps a password whose @ is missing."""


def without_password(url: str) -> str:
    """A URL, or what ssh calls a destination, as it may be shown and put on file:
    `ssh://root:secret@rig` -> `ssh://root@rig`.

    Of a malformed one too much is left out rather than too little: up to the last @ all may be a
    password.
    """
    scheme = _SCHEME.match(url)
    start = scheme.end() if scheme else 0
    user, at, host = url[start:].rpartition("@")
    if at:
        return f"{url[:start]}{re.split(':|%3[Aa]', user, maxsplit=1)[0]}@{host}"
    name = _NO_PORT.match(url, start)
    return f"{url[:start]}{name[1]}:..." if name else url


def printable(text: str) -> str:
    """Text on one line that neither a terminal nor a CI runner obeys.

    Control characters, escape sequences, bidirectional overrides and other characters that show
    nothing are escaped as Python does it; so are bytes that were no UTF-8 (`\\xff`), and one
    character of what a runner takes for a command.
    """
    text = _visible(text)
    if "##" in text:
        text = _MARKED.sub(r"#\\x23", text)
    if "::" in text:
        text = _GITHUB.sub(r":\\x3a", text)
        # Last, and by the length that is shown: text may come through here twice.
        text = _LONG_WORD.sub(_unbreakable, text) if text.count("::") > 1 else text
    return text


def _visible(text: str) -> str:
    """Text with what shows nothing escaped."""
    if not text.isprintable():
        text = readable(text)
        text = "".join(
            each if each.isprintable() else each.encode("unicode_escape").decode("ascii")
            for each in text
        )
    return text


def _unbreakable(word: re.Match[str]) -> str:
    """A long word in which no command begins wherever it is broken."""
    return re.sub(r"::(?=[A-Za-z-])", r":\\x3a", word[0])


def identifier(name: str) -> str:
    """An item's name as its test id has it: printable, and without what begins a tag or an entity.
    pytest-html shows ids as they are.
    """
    return printable(name).replace("<", r"\x3c").replace("&", r"\x26")


def readable(text: str) -> str:
    """Text that UTF-8 can hold: bytes that were none are escaped (`\\xff`), and so are lone
    surrogates, which JSON can bring (`\\ud800`).
    """
    if text.isascii():
        return text
    text = _SURROGATE.sub(lambda each: f"\\u{ord(each[0]):04x}", text)
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def printable_json(text: str) -> str:
    """JSON of which neither a terminal nor a CI runner obeys anything, with the same values."""
    text = _MARKED.sub(r"#\\u0023", text)
    return "\n".join(
        line if line.isprintable() else "".join(map(_json_escaped, line))
        for line in text.split("\n")
    )


def _json_escaped(character: str) -> str:
    """A character of a JSON text; one that shows nothing stands in a string, where it can be
    escaped (RFC 8259).
    """
    return character if character.isprintable() else json.dumps(character)[1:-1]


def command_in(line: str) -> int | None:
    """Where the colon stands that a line must not have, or it would be a workflow command; None in
    any other line.
    """
    found = _COMMAND.match(line)
    return found.start(1) if found is not None else None


class Screen:
    """A stream in front of another: of what is written, only what neither a terminal nor a CI
    runner obeys gets there.

    It is for text that others print: names and output of the operators' own tests, with what they
    quote of a machine's answers. A command is broken at the character that completes it, so that it
    is none in pieces either. With `colours`, codes that set a colour pass, and a carriage return at
    the beginning of what is written: pytest shows its progress so.
    """

    def __init__(self, stream: TextIO, *, colours: bool) -> None:
        self._stream = stream
        self._colours = colours
        self._before = ""
        """Stands for what the current line holds."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        """Write text, made harmless."""
        shown, rest = "", text
        if self._colours and (begin := _RETURN.match(text)) is not None:
            shown, rest = begin[0], text[begin.end() :]
            self._before = ""
        first, *lines = rest.split("\n")
        shown += self._shown(first)
        for line in lines:
            self._before = ""
            shown += "\n" + self._shown(line)
        self._stream.write(shown)
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
    """The shortest line after which the same text completes a command."""
    begun = line.lstrip(" ")
    if begun in ("", ":"):
        return begun
    mark = _BEGUN_MARK.search(line)
    return f"-{mark[0][:3]}" if mark is not None else "-"


def quoted(value: object, width: int = 60) -> str:
    """Quote a value of the configuration for a message: one printable line, cut to `width`
    characters.
    """
    text = printable(repr(value[: width + 1] if isinstance(value, str) else value))
    return text if len(text) <= width + 2 else f"{text[:width]}..."
