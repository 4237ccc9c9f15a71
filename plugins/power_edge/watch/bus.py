"""Calls on the system bus."""

import asyncio
from typing import NamedTuple

from dbus_fast import Message, MessageType
from dbus_fast.aio import MessageBus
from dbus_fast.errors import DBusFastError

_SECONDS = 10.0
"""How long a call may take. While systemd reads all unit files again it answers nothing, for a
second or two.
"""
PROPERTIES = "org.freedesktop.DBus.Properties"


class Peer(NamedTuple):
    """Whom a call goes to: the name on the bus, the object's path, and the interface."""

    name: str
    path: str
    interface: str


SYSTEMD = Peer(
    "org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager"
)
BUS = Peer("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")


class Refused(DBusFastError):
    """The answer is an error; `name` is its name on the bus."""

    def __init__(self, member: str, name: str) -> None:
        super().__init__(f"{member}: {name}")
        self.name = name


async def call(
    bus: MessageBus, to: Peer, member: str, signature: str = "", *body: object
) -> list[object]:
    """Call a method. Return what it answers.

    Raises Refused, another DBusFastError, TimeoutError, and OSError or EOFError if the bus has
    gone.
    """
    message = Message(
        destination=to.name,
        path=to.path,
        interface=to.interface,
        member=member,
        signature=signature,
        body=list(body),
    )
    async with asyncio.timeout(_SECONDS):
        reply = await bus.call(message)
    if reply is None:
        raise ConnectionError("the bus has ended")
    if reply.message_type is MessageType.ERROR:
        raise Refused(member, str(reply.error_name))
    return list(reply.body)
