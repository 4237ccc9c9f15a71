"""Records of the kernel's audit subsystem: text in, events out. Nothing here touches the machine.

The format: `audit(TIME:SERIAL): field=value ...`, one record a datagram. Records of one event share
time and serial; the last is EOE. Values that may hold blanks are quoted, or hexadecimal if they
hold quotes, blanks or control characters (audit_log_untrustedstring in kernel/audit.c).
"""

import os.path
import re
from dataclasses import dataclass, field
from typing import NamedTuple

SYSCALL, PATH, CONFIG_CHANGE, CWD, EXECVE = 1300, 1302, 1305, 1307, 1309
EOE, NETFILTER_CFG, PROCTITLE = 1320, 1325, 1327
USER_COMMAND = 1123
"""Types of records, of linux/audit.h."""
NOBODY = 0xFFFFFFFF
"""The login user of what no login started."""
_LAST = frozenset((EOE, CONFIG_CHANGE, USER_COMMAND))
"""The last records of their events."""
_KNOWN = _LAST | {SYSCALL, PATH, CWD, EXECVE, NETFILTER_CFG, PROCTITLE}
_MOST_OPEN = 256
"""Events that are not complete yet. An event whose end is missing is dropped in time."""
_MOST_ARGUMENTS = 64
_HEADER = re.compile(r"audit\((\d+\.\d+):(\d+)\): ?(.*)", re.DOTALL)
_FIELD = re.compile(r'([A-Za-z0-9_\[\]-]+)=("[^"]*"|\S*)')
_HEXADECIMAL = re.compile(r"(?:[0-9A-F]{2})+")


class Path(NamedTuple):
    """A PATH record: what the system call did something to."""

    name: str
    inode: int
    device: tuple[int, int]
    how: str
    """`NORMAL`, `CREATE`, `DELETE`, `PARENT`."""


@dataclass
class AuditEvent:
    """The records of one event. What no record says is empty, or -1 for numbers."""

    time: float
    serial: int
    kinds: set[int] = field(default_factory=set)
    succeeded: bool = False
    pid: int = -1
    parent: int = -1
    user: int = -1
    """The effective user."""
    login: int = NOBODY
    session: int = NOBODY
    terminal: str = ""
    command: str = ""
    """The name of the program, of 15 characters at most."""
    executable: str = ""
    title: str = ""
    """The command line, of 128 bytes at most."""
    keys: tuple[str, ...] = ()
    folder: str = ""
    """The working directory."""
    arguments: dict[int, str] = field(default_factory=dict)
    paths: list[Path] = field(default_factory=list)
    operation: str = ""
    architecture: int = -1
    syscall: int = -1
    registers: tuple[int, ...] = ()
    """The first four arguments of the system call."""
    ran: str = ""
    """The command line that sudo was given (`USER_CMD`)."""

    @property
    def argv(self) -> tuple[str, ...]:
        """The command line of a program that was started."""
        return tuple(self.arguments[index] for index in sorted(self.arguments))

    @property
    def line(self) -> str:
        """The command line, or as much of it as is known.

        The title is of the time when the process came into a record first: it may run another
        program now.
        """
        words = [word for word in self.title.split() if not word.startswith("-")]
        # A login shell is `-bash`, a script `python3 SCRIPT`.
        programs = {os.path.basename(word) for word in (self.title.split()[:1] + words[:2])}  # noqa: PTH119
        named = {self.command, os.path.basename(self.executable)}  # noqa: PTH119
        own = not named.isdisjoint(
            word.lstrip("-")[:length] for word in programs for length in (15, 255)
        )
        title = self.title if own else ""
        return " ".join(self.argv) or title or self.executable or self.command

    def full(self, path: Path) -> str:
        """Return the name of a path as an absolute one, without `.` and `..`."""
        return os.path.normpath(os.path.join(self.folder or "/", path.name))  # noqa: PTH118 strings


class Assembler:
    """Puts the records of events together."""

    def __init__(self) -> None:
        self._open: dict[int, AuditEvent] = {}

    def feed(self, kind: int, text: str) -> AuditEvent | None:
        """Take a record. Return its event if that is complete now. What is not understood is
        dropped.
        """
        header = _HEADER.match(text) if kind in _KNOWN else None
        if header is None:
            return None
        time, serial, body = float(header[1]), int(header[2]), header[3]
        event = self._open.setdefault(serial, AuditEvent(time, serial))
        event.kinds.add(kind)
        _take(event, kind, body)
        if kind in _LAST:
            return self._open.pop(serial)
        if len(self._open) > _MOST_OPEN:
            del self._open[next(iter(self._open))]
        return None

    @property
    def waits(self) -> bool:
        """Whether there are events that are not complete."""
        return bool(self._open)

    def overdue(self, before: float) -> list[AuditEvent]:
        """Return the events that began before a time, and forget them: no end follows a record of a
        process that was started before audit was enabled for the first time.
        """
        found = [event for event in self._open.values() if event.time < before]
        for event in found:
            del self._open[event.serial]
        return found


def _take(event: AuditEvent, kind: int, body: str) -> None:
    if kind == EXECVE:
        _take_arguments(event, body)
        return
    values = dict(_FIELD.findall(body))
    if kind in (SYSCALL, NETFILTER_CFG, CONFIG_CHANGE, USER_COMMAND):
        event.pid = _number(values.get("pid"), event.pid)
        event.command = text_of(values.get("comm", "")) or event.command
        event.login = _number(values.get("auid"), event.login)
        event.session = _number(values.get("ses"), event.session)
        event.keys = tuple(filter(None, text_of(values.get("key", "")).split("\x01"))) or event.keys
        event.operation = text_of(values.get("op", "")) or event.operation
    if kind == SYSCALL:
        event.succeeded = values.get("success") == "yes"
        event.parent = _number(values.get("ppid"))
        event.user = _number(values.get("euid"))
        event.executable = text_of(values.get("exe", ""))
        event.terminal = _terminal(values.get("tty", ""))
        event.architecture = _number(values.get("arch"), base=16)
        event.syscall = _number(values.get("syscall"))
        event.registers = tuple(_number(values.get(f"a{index}"), base=16) for index in range(4))
    elif kind == USER_COMMAND:
        # Only a process with the right to write audit records can send one.
        event.ran = text_of(values.get("cmd", ""))
        event.executable = text_of(values.get("exe", ""))
        event.terminal = _terminal(values.get("terminal", ""))
        event.succeeded = values.get("res", "").startswith("success")
    elif kind == CWD:
        event.folder = text_of(values.get("cwd", ""))
    elif kind == PROCTITLE:
        event.title = text_of(values.get("proctitle", "")).replace("\0", " ").strip()
    elif kind == PATH:
        major, _, minor = values.get("dev", "").partition(":")
        name = text_of(values.get("name", ""))
        event.paths.append(
            Path(
                name,
                _number(values.get("inode")),
                (_number(major, base=16), _number(minor, base=16)),
                values.get("nametype", ""),
            )
        )


def _take_arguments(event: AuditEvent, body: str) -> None:
    """Take a part of a command line: `argc=3 a0="systemctl" a1="stop" a2="cron"`.

    A long argument comes in pieces, `a1[0]=... a1[1]=...`, in one record or more.
    """
    for name, value in _FIELD.findall(body):
        index = re.fullmatch(r"a(\d+)(\[\d+\])?", name)
        if index is not None and int(index[1]) < _MOST_ARGUMENTS:
            before = event.arguments.get(int(index[1]), "") if index[2] else ""
            event.arguments[int(index[1])] = before + text_of(value)


def text_of(value: str) -> str:
    """Return what a value stands for; empty for `(null)` and `(none)`."""
    if value.startswith('"'):
        return value.strip('"')
    if value in ("(null)", "(none)", "?"):
        return ""
    if _HEXADECIMAL.fullmatch(value):
        return bytes.fromhex(value).decode("utf-8", "surrogateescape")
    return value


def _terminal(value: str) -> str:
    """Return a terminal as people know it: the kernel writes pts0 for /dev/pts/0."""
    name = text_of(value)
    return re.sub(r"\Apts(\d)", r"pts/\1", name)


def _number(value: str | None, otherwise: int = -1, base: int = 10) -> int:
    try:
        return otherwise if value is None else int(value, base)
    except ValueError:
        return otherwise
