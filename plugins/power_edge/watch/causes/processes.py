"""What /proc says of a process, while it lives: its command line, its ancestors, its unit."""

import asyncio
import os
import pwd
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

NOBODY = 0xFFFFFFFF
"""The login user of what no login started."""
_MOST_ANCESTORS = 32
_LONGEST = 4096
_STAT = re.compile(r"\d+ \((.*)\) \S+ (\d+) .*", re.DOTALL)


class Process(NamedTuple):
    """A process. `name` is that of its program, of 15 characters at most. `user` is the effective
    user id (sudo keeps the caller's real one), `login` the login user's. `command` is
    empty while it ends. `unit` is the systemd unit or scope, None if there is none.
    """

    pid: int
    name: str
    parent: int
    user: int
    login: int
    command: str
    unit: str | None


def read(pid: int, proc: Path = Path("/proc")) -> Process | None:
    """Return a process, None if it has ended."""
    folder = proc / str(pid)
    try:
        stat = _STAT.match(_text(folder / "stat"))
        if stat is None:
            return None
        command = _text(folder / "cmdline").replace("\0", " ").strip()
        user = re.search(r"^Uid:\t\d+\t(\d+)", _text(folder / "status"), re.MULTILINE)
        return Process(
            pid,
            stat[1],
            int(stat[2]),
            int(user[1]) if user is not None else -1,
            int(_optional(folder / "loginuid") or NOBODY),
            command,
            unit_of(_optional(folder / "cgroup")),
        )
    except (OSError, ValueError):
        return None


def family(pid: int, parent: int | None = None, proc: Path = Path("/proc")) -> list[Process]:
    """Return a process and its ancestors, as far as they still live, without PID 1.

    `parent` is known from a record: the process itself may have ended. Another process with its
    number is not a member.
    """
    found = []
    own = read(pid, proc)
    if own is not None and parent in (None, own.parent):
        found.append(own)
        parent = own.parent
    while parent is not None and parent > 1 and len(found) < _MOST_ANCESTORS:
        process = read(parent, proc)
        if process is None:
            break
        found.append(process)
        parent = process.parent
    return found


def line(members: Iterable[Process]) -> tuple[tuple[int, str], ...]:
    """Return the numbers and command lines of a process and its ancestors."""
    return tuple((each.pid, each.command) for each in members)


def foreign(members: Sequence[Process], pid: int, parent: int) -> bool:
    """Return whether a process, with what is left of its ancestors, is certainly none that this
    process has started. Where a link of the chain is missing, it is not certain.
    """
    return (
        bool(members)
        and members[0].pid in (pid, parent)
        and members[-1].parent == 1
        and all(each.pid != os.getpid() for each in members)
    )


def in_our_network(pid: int, proc: Path = Path("/proc")) -> bool:
    """Return whether a process lives, and is in this process's network namespace."""
    try:
        namespace = (proc / "self/ns/net").readlink()
        return (proc / str(pid) / "ns/net").readlink() == namespace
    except OSError:
        return False


def unit_of(cgroups: str) -> str | None:
    """Return the innermost systemd unit in the text of /proc/PID/cgroup.

    One line for each hierarchy, `NUMBER:CONTROLLERS:PATH` (cgroups(7)); systemd's own has none of
    the controllers, or the name `systemd`.
    """
    for line in cgroups.splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers in ("", "name=systemd"):
            for part in reversed(path.split("/")):
                if part.endswith((".service", ".scope", ".mount", ".socket", ".swap")):
                    return part
    return None


def rights(members: Iterable[Process]) -> Iterator[str]:
    """Yield the command lines by which a process got root's rights, the outermost first: those of
    root whose parent is another user's (`sudo vi /etc/motd`).
    """
    chain = [process for process in members if process.user >= 0][::-1]
    for parent, process in pairwise(chain):
        if process.user == 0 and parent.user != 0 and process.command:
            yield process.command


async def login_name(number: int) -> str | None:
    """Return the name of a login user, None for `NOBODY`."""
    # A lookup in a directory service can take seconds: a thread does it, once for each user.
    return None if number == NOBODY else await asyncio.to_thread(_user_name, number)


@lru_cache(maxsize=64)
def _user_name(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"uid {number}"


def _text(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(_LONGEST).decode("utf-8", "surrogateescape")


def _optional(path: Path) -> str:
    """Return the content of a file that a kernel need not have; empty if it has not."""
    try:
        return _text(path)
    except OSError:
        return ""
