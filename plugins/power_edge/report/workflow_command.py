"""A command of a GitHub workflow: it shows a message at a line of a pull request."""

from power_edge.model import Source


def workflow_command(level: str, source: Source, message: str) -> str:
    """Return `::error file=...::message`; `level` is error, warning or notice.

    A place without a line is the file as a whole. The message is on one line whatever it holds:
    https://github.com/actions/toolkit (command.ts).
    """
    place = {"file": source.file} | (
        {"line": str(source.line), "col": str(source.column)} if source.line else {}
    )
    given = ",".join(f"{name}={_escaped(value, ':,')}" for name, value in place.items())
    return f"::{level} {given}::{_escaped(message)}"


def _escaped(value: str, more: str = "") -> str:
    for character in f"%\r\n{more}":
        value = value.replace(character, f"%{ord(character):02X}")
    return value
