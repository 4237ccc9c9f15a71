"""Files that send no events (/proc/sys), by reading them again and again.

inotify works on /proc/sys, but its watch ends silently when the kernel drops the folder from its
cache. Reading a hundred open files five times a second takes 0.1 % of a core.
"""

import asyncio
import os
import time

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
        self.content = self._read()

    def changed(self) -> bool:
        """Read it; return whether its content is another than at the last reading."""
        before, self.content = self.content, self._read()
        return before != self.content

    def close(self) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _read(self) -> bytes | int | None:
        """Return the content, or the number of the error."""
        try:
            if self._file is None:
                self._file = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            return os.pread(self._file, _LONGEST, 0)
        except OSError as error:
            self.close()  # an interface may have gone, and may come again
            return error.errno


async def run(watched: Watched, listener: Listener) -> None:
    values = [Value(subject.name) for subject in sorted(watched.subjects) if _is_value(subject)]
    pause = max(_SECONDS, _EACH * len(values))
    listener.up()
    try:
        while True:
            await asyncio.sleep(pause)
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
