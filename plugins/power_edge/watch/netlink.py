"""Messages of netlink(7), taken apart."""

import socket
import struct
from collections.abc import Iterator
from typing import NamedTuple

_SOL_NETLINK, _ADD_MEMBERSHIP = 270, 1
_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")


class Message(NamedTuple):
    """The type of a message (`nlmsg_type`), and what stands behind its header."""

    kind: int
    body: bytes


def join(joined: socket.socket, group: int) -> None:
    """Let a netlink socket get the messages of a multicast group. Raises OSError."""
    joined.setsockopt(_SOL_NETLINK, _ADD_MEMBERSHIP, group)


def messages(datagram: bytes) -> Iterator[Message]:
    """Yield the messages of a datagram. A header that cannot be right ends it."""
    at = 0
    while at + _HEADER.size <= len(datagram):
        length, kind, *_ = _HEADER.unpack_from(datagram, at)
        if length < _HEADER.size:
            return
        yield Message(kind, datagram[at + _HEADER.size : at + length])
        at += (length + 3) & ~3


def attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the attributes of a message: type and value. A header that cannot be right ends it."""
    at = 0
    while at + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, at)
        if length < _ATTRIBUTE.size:
            return
        yield kind & 0x3FFF, data[at + _ATTRIBUTE.size : at + length]
        at += (length + 3) & ~3
