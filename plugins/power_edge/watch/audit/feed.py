"""Receives audit records over netlink (AUDIT_NLGRP_READLOG), with or without auditd."""

import asyncio
import fcntl
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from power_edge.watch.audit.rules import KEY
from power_edge.watch.netlink import join
from power_edge.watch.sources import Unavailable

_NETLINK_AUDIT, _READLOG = 9, 1
_SO_RCVBUFFORCE = 33
_BUFFER = 4 * 1024 * 1024
_HEADER = struct.Struct("=IHHII")
_LONGEST, _MOST = 64 * 1024, 500
"""Bytes of a record, and records that are read at a time."""
_ENCODING = "utf-8", "surrogateescape"
LOCK = f"/run/{KEY}/audit.lock"
"""The unit keeps the folder for all its instances: nothing else is writable in there."""


def feed() -> socket.socket:
    """Return a socket that gets all records. Raises Unavailable."""
    try:
        joined = socket.socket(
            socket.AF_NETLINK,
            socket.SOCK_RAW | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC,
            _NETLINK_AUDIT,
        )
    except (OSError, AttributeError) as error:
        raise Unavailable(f"the audit subsystem of this kernel cannot be used: {error}") from None
    try:
        try:
            joined.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER)
        except PermissionError:
            joined.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        joined.bind((0, 0))
        join(joined, _READLOG)
    except OSError as error:
        joined.close()
        raise Unavailable(
            f"only root may read audit records ({error.strerror}): CAP_AUDIT_READ"
        ) from None
    return joined


@contextmanager
def alone() -> Iterator[None]:
    """Hold what only one process of this machine can have. Raises Unavailable.

    Two watches would remove each other's rules. It is a lock on a file that root alone can open:
    any user could take the name of a socket, so that no watch attributes that user's changes. The
    lock goes with the process.
    """
    try:
        os.makedirs(os.path.dirname(LOCK), 0o755, exist_ok=True)  # noqa: PTH103, PTH120 strings
        lock = os.open(LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Unavailable(f"{LOCK} cannot be opened: {error.strerror}") from None
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Unavailable("another watch of this machine has the audit rules") from None
        yield
    finally:
        os.close(lock)


async def records(feed: socket.socket) -> list[tuple[int, str]]:
    """Wait for records, and return them: type and text. Raises OSError, ENOBUFS if some were lost.

    A datagram is a record.
    """
    loop = asyncio.get_running_loop()
    datagrams = [await loop.sock_recv(feed, _LONGEST)]
    with suppress(BlockingIOError):
        while len(datagrams) < _MOST:
            datagrams.append(feed.recv(_LONGEST))
    return [
        (_HEADER.unpack_from(each)[1], each[_HEADER.size :].rstrip(b"\0").decode(*_ENCODING))
        for each in datagrams
        if len(each) >= _HEADER.size
    ]
