"""Who did something, as far as records say so, and what it was done to."""

import re
from datetime import UTC, datetime
from typing import NamedTuple

from power_edge.text import printable
from power_edge.watch.event import Subject

_LONGEST = 200
"""Characters of a text that comes from a record."""
_MOST_DETAILS = 5
_INTERPRETER = re.compile(r"(python|perl|ruby|sh|dash|bash)[0-9.]*")
"""Programs whose first word is the program that a person calls."""


class Cause(NamedTuple):
    """What a record says about the process behind a change. None: the record does not say.

    `kind` is the kind of record: `audit`, `commit` (of the packet filter), `service` (systemd's own
    record of a unit), `package` (the log of a package manager). `user` is the login user, who
    stays the same over su and sudo. `command` is the command line. `via` are the command lines by
    which the process got its rights, the outermost first: `sudo vi /etc/motd`. `unit` is the
    systemd unit of the process, or the unit that stopped. `time` is the record's own, in seconds
    since 1970. `detail` is for people.
    """

    kind: str
    user: str | None = None
    command: str | None = None
    via: tuple[str, ...] = ()
    unit: str | None = None
    terminal: str | None = None
    pid: int | None = None
    time: float | None = None
    detail: tuple[str, ...] = ()


class Act(NamedTuple):
    """Something that was done to a subject, and by whom.

    `path` is the very file, where the subject is a folder. `argv` is the command line of a command
    that was run: the subject is the command then. `line`: number and command line of the process,
    its parent, and so on, as far as they are known.
    """

    subject: Subject
    time: float
    cause: Cause
    path: str | None = None
    argv: tuple[str, ...] = ()
    line: tuple[tuple[int, str], ...] = ()


def bounded(text: str) -> str:
    """Return a stranger's text, printable on one line and not too long."""
    cut = text[:_LONGEST]
    return printable(cut if cut == text else f"{cut}...")


def plain(command: str) -> str:
    """Return a command line for a comparison: sysctl(8) writes a NUL over the `=` of its own."""
    return command.replace("=", " ")


def as_json(cause: Cause) -> dict[str, object]:
    """Return a cause as schemas/event.schema.yaml describes it. All texts in it are bounded."""
    return {
        "kind": cause.kind,
        "user": _text(cause.user),
        "command": _text(cause.command),
        "via": [bounded(each) for each in cause.via[:_MOST_DETAILS]],
        "unit": _text(cause.unit),
        "terminal": _text(cause.terminal),
        "pid": cause.pid,
        "time": _moment(cause.time),
        "detail": [bounded(each) for each in cause.detail[:_MOST_DETAILS]],
    }


def as_text(cause: Cause) -> str:
    """Return a cause for people: `alice: sudo vi /etc/motd (pts/0, process 4711)`."""
    where = [
        each
        for each in (
            cause.terminal,
            cause.unit,
            f"process {cause.pid}" if cause.pid is not None else None,
        )
        if each is not None
    ]
    command, via = cause.command or "", " > ".join(cause.via)
    whole = via if _says(via, command) else " > ".join(filter(None, (via, command)))
    who = ": ".join(part for part in (cause.user, whole) if part)
    if not who:
        who, where = ", ".join(where), []
    text = f"{who} ({', '.join(where)})" if where else who
    return "; ".join(bounded(part) for part in (text, *cause.detail[:_MOST_DETAILS]) if part)


def _says(via: str, command: str) -> bool:
    """Return whether the way to a command says the command as well: `sudo vi FILE` says all that
    `vi FILE` says, and `sudo ufw enable` all that `/usr/bin/python3 /usr/sbin/ufw enable` says.
    """
    way, words = plain(via).split(), plain(command).split()
    forms = [words, words[1:]] if words and _INTERPRETER.fullmatch(_name(words[0])) else [words]
    return any(form and _named(way[-len(form) :]) == _named(form) for form in forms)


def _named(words: list[str]) -> list[str]:
    """Return a command line with the name of its program in place of the path."""
    return [_name(word) for word in words[:1]] + words[1:]


def _name(program: str) -> str:
    return program.rpartition("/")[2]


def _text(text: str | None) -> str | None:
    return None if text is None else bounded(text)


def _moment(seconds: float | None) -> str | None:
    """Return a time in UTC, to the millisecond; None if no calendar has it."""
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    except (OverflowError, ValueError, OSError):
        return None
