"""Rules of the kernel's packet filter, by netlink: each commit of nft, ufw, iptables-nft and
firewalld ends with a message of its own (NFT_MSG_NEWGEN). iptables-legacy sends none.
"""

import asyncio
import errno
import socket
import time
from collections.abc import Iterator
from typing import NamedTuple

from power_edge.watch.causes import processes
from power_edge.watch.causes.cause import Act, Cause
from power_edge.watch.event import Event, Kind, Subject
from power_edge.watch.netlink import attributes, join, messages
from power_edge.watch.sources import Listener, Source, Unavailable, Watched

NAME = "nftables"
COMMIT = Subject(Kind.TOPIC, "nftables")
_NETLINK_NETFILTER = 12
_GROUP = 7
"""NFNLGRP_NFTABLES of linux/netfilter/nfnetlink.h."""
_NEWGEN = 0x0A0F
_GENERIC = 4
"""Bytes of struct nfgenmsg."""
_PID, _COMMAND = 2, 3
_BUFFER = 4 * 1024 * 1024
"""Bytes of the kernel's buffer for us: `ufw enable` is 52 commits."""


class Commit(NamedTuple):
    """A commit, and who made it."""

    pid: int
    command: str


def commits(datagram: bytes) -> Iterator[Commit]:
    """Yield the commits of a datagram. What is cut or not understood ends it."""
    for message in messages(datagram):
        if message.kind == _NEWGEN:
            found = dict(attributes(message.body[_GENERIC:]))
            yield Commit(
                int.from_bytes(found.get(_PID, b"")[:4], "big"),
                found.get(_COMMAND, b"").rstrip(b"\0").decode("utf-8", "replace"),
            )


async def act_of(commit: Commit, now: float) -> Act:
    """Return who made a commit, as far as the process still lives, and its ancestors."""
    members = processes.family(commit.pid)
    own = next((each for each in members if each.pid == commit.pid), None)
    pid = commit.pid or None
    if own is None or own.name != commit.command:
        # It has ended, and perhaps its number is another process's now.
        return Act(COMMIT, now, Cause("commit", command=commit.command or None, pid=pid, time=now))
    cause = Cause(
        "commit",
        user=await processes.login_name(own.login),
        command=own.command or commit.command,
        via=tuple(processes.rights(members)),
        unit=own.unit,
        pid=pid,
        time=now,
    )
    return Act(COMMIT, now, cause, line=processes.line(members))


async def run(_: Watched, listener: Listener) -> None:
    """Report commits to the packet filter until cancelled. Raises Unavailable."""
    try:
        feed = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, _NETLINK_NETFILTER
        )
    except (OSError, AttributeError) as error:
        raise Unavailable(f"netlink cannot be used: {error}") from None
    with feed:
        feed.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        try:
            feed.bind((0, 0))
            join(feed, _GROUP)
        except OSError as error:
            raise Unavailable(
                f"only root may read commits of the packet filter ({error.strerror}): CAP_NET_ADMIN"
            ) from None
        listener.up()
        loop = asyncio.get_running_loop()
        while True:
            try:
                datagram = await loop.sock_recv(feed, 128 * 1024)
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                listener.lost(1, "the kernel's buffer of netfilter messages was full")
                continue
            for commit in commits(datagram):
                now = time.time()
                listener.act(await act_of(commit, now))
                detail = f"{commit.command} (process {commit.pid}) changed the packet filter"
                listener.event(Event(NAME, COMMIT, now, detail))


SOURCE = Source(
    name=NAME,
    wants=lambda watched: COMMIT in watched.subjects,
    covers=lambda subject: subject == COMMIT,
    run=run,
)
