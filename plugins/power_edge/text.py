"""A stranger's text, made safe to show: names from configurations, and whatever a machine answers.

Text goes through here before it reaches a terminal, a log of a CI job, or a comment in a file. Formats with an escaping of their own (JSON,
XML, HTML, Prometheus) use theirs.
"""

import re

_GITHUB = re.compile(r"(?<!\S)::(?=[A-Za-z-]+[^\n]*::)")
"""A workflow command, `::name parameters::value`: obeyed where a line begins so, blanks aside, and lines begin wherever text is wrapped."""
_MARKED = re.compile(r"##(?=[A-Za-z]*\[)")
"""`##[command]` of GitHub and Azure, `##vso[...]`, `##teamcity[...]`: some are obeyed anywhere in a line."""

_SURROGATE = re.compile(r"[\ud800-\udc7f\udd00-\udfff]")
"""All but those that stand for a byte (PEP 383)."""


_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_NO_PORT = re.compile(r"([^:@/?\[\]]*):(?!:|[0-9]{1,5}(?:[/?]|\Z))")
"""What has a colon, and behind it no port: a name, and perhaps a password whose @ is missing."""


def without_password(url: str) -> str:
    """A URL, or what ssh calls a destination, as it may be shown and put on file: `ssh://root:secret@rig` -> `ssh://root@rig`.

    Of a malformed one too much is left out rather than too little: up to the last @ all may be a password.
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

    Control characters, escape sequences, bidirectional overrides and other characters that show nothing are escaped as Python does it; so are bytes
    that were no UTF-8 (`\\xff`), and one character of what a runner takes for a command.
    """
    if not text.isprintable():
        text = readable(text)
        text = "".join(each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in text)
    if "::" in text:
        text = _GITHUB.sub(r":\\x3a", text)
    return _MARKED.sub(r"#\\x23", text) if "##" in text else text


def identifier(name: str) -> str:
    """An item's name as its test id has it: printable, and without what begins a tag or an entity. pytest-html shows ids as they are."""
    return printable(name).replace("<", r"\x3c").replace("&", r"\x26")


def readable(text: str) -> str:
    """Text that UTF-8 can hold: bytes that were none are escaped (`\\xff`), and so are lone surrogates, which JSON can bring (`\\ud800`)."""
    if text.isascii():
        return text
    text = _SURROGATE.sub(lambda each: f"\\u{ord(each[0]):04x}", text)
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
