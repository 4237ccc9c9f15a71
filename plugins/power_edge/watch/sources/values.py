"""Files that send no events (/proc/sys), by reading them again and again.

inotify works on /proc/sys, but its watch ends silently when the kernel drops the folder from its
cache. Reading a hundred open files five times a second takes 0.1 % of a core.
"""

import asyncio
import errno
import os
import stat
import time

from power_edge.text import quoted
from power_edge.watch.event import Event, Kind, Subject
from power_edge.watch.sources import Listener, Source, Watched

NAME = "values"
_SECONDS = 0.2
_EACH = 0.002
"""Seconds between two readings of one file, on average over all: a thousand files are read once in
2 s.
"""
_LONGEST = 64 * 1024


class Value:
    """A file that is kept open."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._file: int | None = None
        self._identity: tuple[int, int] | None = None
        self.content = self._read()

    def changed(self) -> bool:
        """Read it; return whether its content is another than at the last reading."""
        known = self.content
        if self._file is not None and isinstance(known, bytes):
            # Read one byte more than the known content, so that a longer content differs. A read of
            # 64 KiB would make the kernel allocate a buffer of that size.
            try:
                is_same = os.pread(self._file, min(len(known) + 1, _LONGEST), 0) == known
            except OSError:
                is_same = False
            if is_same:
                return False
        self.content = self._read()
        return known != self.content

    def look_for_another(self) -> None:
        """Close the file if its path now leads to another file: something was mounted there."""
        if self._file is None:
            return
        try:
            current = os.stat(self.path)  # noqa: PTH116 it is called very often
        except OSError:
            self.close()
            return
        if (current.st_dev, current.st_ino) != self._identity:
            self.close()

    def close(self) -> None:
        """Close the file. The next reading opens it again."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _read(self) -> bytes | int | None:
        """Return the content, or the number of the error."""
        try:
            if self._file is None:
                # To open a device can do anything: /proc/self/root leads to all of them.
                if not stat.S_ISREG(os.stat(self.path).st_mode):  # noqa: PTH116 5 times a second
                    return errno.EINVAL
                self._file = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
                opened = os.fstat(self._file)
                self._identity = opened.st_dev, opened.st_ino
            return os.pread(self._file, _LONGEST, 0)
        except OSError as error:
            self.close()  # an interface may have gone, and may come again
            return error.errno


async def run(watched: Watched, listener: Listener) -> None:
    """Report files whose content changed until cancelled. Raises Unavailable."""
    values = [Value(subject.name) for subject in sorted(watched.subjects) if _is_value(subject)]
    pause = max(_SECONDS, _EACH * len(values))
    hidden = [value.path for value in values if value.content in (errno.EACCES, errno.EPERM)]
    if hidden and os.geteuid() != 0:  # root may read all that can be read
        listener.limited(f"{quoted(hidden[0])} may not be read by this user")
    else:
        listener.up()
    loop = asyncio.get_running_loop()
    next_sweep = loop.time() + watched.sweep_seconds
    try:
        while True:
            await asyncio.sleep(pause)
            if loop.time() >= next_sweep:
                for value in values:
                    value.look_for_another()
                next_sweep = loop.time() + watched.sweep_seconds
            now = time.time()
            for value in values:
                if value.changed():
                    listener.event(Event(NAME, Subject(Kind.VALUE, value.path), now))
    finally:
        for value in values:
            value.close()


def _is_value(subject: Subject) -> bool:
    return subject.kind is Kind.VALUE


SOURCE = Source(
    name=NAME,
    wants=lambda watched: any(map(_is_value, watched.subjects)),
    covers=_is_value,
    run=run,
)
