"""Locks on files (fcntl(2)): whether a tool that changes an item holds one, and the lock that a
watch takes on its event log.
"""

import errno
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
            return _writer(file) is not None
        finally:
            os.close(file)
    return False


def lock(file: int) -> int | None:
    """Take the write lock of a file that is open for writing. Return None, or the process that has
    it; 0 if that is not known.

    The kernel releases the lock when this process ends, or closes any descriptor of the file. A
    copy of the process (fork) does not hold it. If another process holds a read lock, or if the
    file system has no locks, None is returned: any user who may read the file can hold a read lock.
    """
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return _writer(file) if error.errno in (errno.EAGAIN, errno.EACCES) else None
    return None


def _writer(file: int) -> int | None:
    """Return the process that holds a write lock on a file; None if none does. Raises OSError."""
    request = _FLOCK.pack(fcntl.F_RDLCK, os.SEEK_SET, 0, 0, 0)
    kind, _, _, _, pid = _FLOCK.unpack(fcntl.fcntl(file, fcntl.F_GETLK, request))
    return None if kind == fcntl.F_UNLCK else max(0, pid)
