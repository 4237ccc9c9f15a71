"""Links, addresses and routes, by rtnetlink(7): what the firewall does with a packet depends on
them.

The kernel repeats itself: each router advertisement and each lease renews an address.
"""

import asyncio
import errno
import socket
import struct
import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from power_edge.watch.event import Event, Kind, Subject
from power_edge.watch.netlink import attributes, join, messages
from power_edge.watch.sources import Listener, Source, Unavailable, Watched

NAME = "network"
NETWORK = Subject(Kind.TOPIC, "network")
_GROUPS = (1, 5, 7, 9, 11)
"""RTNLGRP_LINK, and those of addresses and routes in IPv4 and IPv6 (linux/rtnetlink.h)."""
_LINK, _ADDRESS, _ROUTE = 16, 20, 24
"""RTM_NEWLINK, RTM_NEWADDR, RTM_NEWROUTE; each `deleted` is one more."""
_BODIES = {_LINK: 16, _ADDRESS: 8, _ROUTE: 12}
"""Bytes of struct ifinfomsg, ifaddrmsg and rtmsg."""
_COUNT = {
    _LINK: frozenset((3, 10)),  # IFLA_IFNAME, IFLA_MASTER
    _ADDRESS: frozenset((1, 2)),  # IFA_ADDRESS, IFA_LOCAL
    _ROUTE: frozenset((1, 4, 5, 15)),  # RTA_DST, RTA_OIF, RTA_GATEWAY, RTA_TABLE
}
"""Attributes that say what it is. All others are times, counters and settings."""
_UP = 1
"""IFF_UP of an interface's flags."""
_MOST = 4096
"""Things that are remembered. Beyond that all are forgotten: they are reported once more."""
_LONGEST = 128 * 1024


class Thing(NamedTuple):
    """A link, an address or a route: what it is, and what may change of it."""

    what: tuple[object, ...]
    state: object
    exists: bool


def things(datagram: bytes) -> Iterator[Thing]:
    """Yield the things that a datagram is about. It ends at what is cut or not understood."""
    for message in messages(datagram):
        base = next((base for base in _BODIES if message.kind in (base, base + 1)), None)
        if base is not None and len(message.body) >= _BODIES[base]:
            yield _thing(base, message.body, exists=message.kind == base)


def _thing(base: int, message: bytes, *, exists: bool) -> Thing:
    body, rest = message[: _BODIES[base]], message[_BODIES[base] :]
    identifying = tuple(sorted(each for each in attributes(rest) if each[0] in _COUNT[base]))
    if base == _LINK:
        index, flags = struct.unpack_from("=iI", body, 4)
        # AF_BRIDGE reports the same link as a port.
        return Thing((base, body[0], index), (flags & _UP, identifying), exists)
    if base == _ADDRESS:
        (index,) = struct.unpack_from("=I", body, 4)
        return Thing((base, body[0], body[1], index, identifying), None, exists)
    family, prefix, source, tos, table, _, scope, kind = body[:8]
    what = base, family, prefix, source, tos, table, scope, kind, identifying
    return Thing(what, None, exists)


class Known:
    """The last reported state of each thing."""

    def __init__(self) -> None:
        self._states: dict[tuple[object, ...], object] = {}

    def news(self, reported: Iterable[Thing]) -> bool:
        """Remember these things. Return whether the state of any may have changed."""
        return sum(map(self._is_news, reported)) > 0  # each is remembered

    def _is_news(self, thing: Thing) -> bool:
        state = (thing.state if thing.exists else None), thing.exists
        if self._states.get(thing.what) == state:
            return False
        if len(self._states) >= _MOST:
            self._states.clear()
        self._states[thing.what] = state
        return True


async def run(_: Watched, listener: Listener) -> None:
    """Report changes of links, addresses and routes until cancelled. Raises Unavailable."""
    try:
        feed = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE
        )
        feed.bind((0, 0))
    except (OSError, AttributeError) as error:
        raise Unavailable(f"netlink cannot be used: {error}") from None
    with feed:
        for group in _GROUPS:
            join(feed, group)
        listener.up()
        known = Known()
        loop = asyncio.get_running_loop()
        while True:
            try:
                datagram = await loop.sock_recv(feed, _LONGEST)
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                listener.lost(1, "the kernel's buffer of network messages was full")
                continue
            if known.news(things(datagram)):
                detail = "a link, an address or a route has changed"
                listener.event(Event(NAME, NETWORK, time.time(), detail))


SOURCE = Source(
    name=NAME,
    wants=lambda watched: NETWORK in watched.subjects,
    covers=lambda subject: subject == NETWORK,
    run=run,
)
