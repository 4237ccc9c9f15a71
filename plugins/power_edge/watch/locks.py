"""Whether a tool is at work on an item: it holds a lock on a file of the item (fcntl(2))."""

import fcntl
import os
import struct
from contextlib import suppress

from power_edge.model import Item
from power_edge.resources import resource

_FLOCK = struct.Struct("hhqqi4x")
"""`struct flock` of a 64-bit Linux: type, whence, start, length, pid."""


def busy(item: Item) -> bool:
    """Return whether somebody holds a lock of an item. What may not be looked at counts as free."""
    kind = resource(item.type)
    # A type whose changes need no time to settle has no tool that makes them step by step.
    return kind.quiet > 0 and any(map(locked, kind.triggers(item.declared, "").locks))


def locked(path: str) -> bool:
    """Return whether a process holds a write lock on a file. No lock is taken.

    Who may only read a file can hold a read lock on it: an ordinary user, on a world-readable lock
    file. A tool at work holds a write lock.
    """
    with suppress(OSError):
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            request = _FLOCK.pack(fcntl.F_RDLCK, os.SEEK_SET, 0, 0, 0)
            kind, *_ = _FLOCK.unpack(fcntl.fcntl(file, fcntl.F_GETLK, request))
            return bool(kind != fcntl.F_UNLCK)
        finally:
            os.close(file)
    return False
