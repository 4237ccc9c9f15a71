"""Rules of iptables-legacy, by reading them again and again: the kernel sends no event.

What is read is what iptables-legacy-save reads (linux/netfilter_ipv4/ip_tables.h), without its
counters. Only tables that there are already are asked for: asking for another one creates it.
"""

import asyncio
import ctypes
import errno
import hashlib
import os
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from power_edge.watch.event import Event, Kind, Subject
from power_edge.watch.sources import Listener, Source, Unavailable, Watched

NAME = "xtables"
TABLES = Subject(Kind.TOPIC, "xtables")
_SECONDS = 0.5
_INFO, _ENTRIES = 64, 65
"""IPT_SO_GET_INFO and IPT_SO_GET_ENTRIES; those of IPv6 have the same numbers."""
_IPT_GETINFO = struct.Struct("=32s13I")
"""name, valid_hooks, hook_entry[5], underflow[5], num_entries, size."""
_IPT_GET_ENTRIES = struct.Struct("=32sI4x")
_COUNTERS = 16


class Family(NamedTuple):
    """One of the two families: where the names of its tables are, and how its rules are laid out.
    `next_entry` and `counters` are offsets in `struct ipt_entry` or `struct ip6t_entry`.
    """

    names: Path
    family: int
    level: int
    next_entry: int
    counters: int


FAMILIES = (
    Family(Path("/proc/net/ip_tables_names"), socket.AF_INET, 0, 90, 96),
    Family(Path("/proc/net/ip6_tables_names"), socket.AF_INET6, 41, 142, 152),
)


def without_counters(entries: bytes, family: Family) -> bytes:
    """Return the rules of a table with all counters 0. What is cut or not understood stays."""
    found = bytearray(entries)
    at = 0
    while at + family.counters + _COUNTERS <= len(found):
        found[at + family.counters : at + family.counters + _COUNTERS] = bytes(_COUNTERS)
        (step,) = struct.unpack_from("=H", found, at + family.next_entry)
        if step == 0:
            break
        at += step
    return bytes(found)


def _ask(
    feed: socket.socket, level: int, option: int, buffer: "ctypes.Array[ctypes.c_char]"
) -> int:
    """Call getsockopt(2) with a request in the buffer; return the length of the answer. Raises
    OSError.
    """
    length = ctypes.c_uint(len(buffer))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.getsockopt(feed.fileno(), level, option, buffer, ctypes.byref(length)):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return length.value


def _table(feed: socket.socket, family: Family, name: str) -> bytes:
    """Return a digest of a table's rules. Raises OSError."""
    info = ctypes.create_string_buffer(
        _IPT_GETINFO.pack(name.encode(), *[0] * 13), _IPT_GETINFO.size
    )
    _ask(feed, family.level, _INFO, info)
    size = _IPT_GETINFO.unpack(info.raw)[-1]
    head = _IPT_GET_ENTRIES.pack(name.encode(), size)
    entries = ctypes.create_string_buffer(head, len(head) + size)
    _ask(feed, family.level, _ENTRIES, entries)
    rules = without_counters(entries.raw[len(head) :], family)
    return hashlib.blake2b(info.raw + rules, digest_size=16).digest()


def _tables() -> Iterator[tuple[str, bytes]]:
    """Yield each table, and a digest of its rules. Raises OSError."""
    for family in FAMILIES:
        try:
            names = family.names.read_text(encoding="ascii").split()
        except FileNotFoundError:
            continue  # the kernel has no such tables, or has not needed them yet
        if not names:
            continue
        with socket.socket(
            family.family, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.IPPROTO_RAW
        ) as feed:
            for name in sorted(names):
                yield f"{family.names.name} {name}", _table(feed, family, name)


def _now(before: dict[str, bytes]) -> dict[str, bytes]:
    """Return all tables. Raises Unavailable."""
    try:
        return dict(_tables())
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.ENOENT):
            return before  # it is being changed just now
        if error.errno in (errno.EPERM, errno.EACCES, errno.EAFNOSUPPORT):
            raise Unavailable(
                f"only root may read rules of iptables-legacy ({error.strerror}): CAP_NET_ADMIN,"
                " CAP_NET_RAW and sockets of AF_INET"
            ) from None
        raise


async def run(_: Watched, listener: Listener) -> None:
    """Report changed tables of iptables-legacy until cancelled. Raises Unavailable."""
    known = _now({})
    listener.up()
    while True:
        await asyncio.sleep(_SECONDS)
        now = _now(known)
        if now != known:
            known = now
            listener.event(Event(NAME, TABLES, time.time(), "iptables-legacy has other rules"))


SOURCE = Source(
    name=NAME,
    wants=lambda watched: TABLES in watched.subjects,
    covers=lambda subject: subject == TABLES,
    run=run,
)
