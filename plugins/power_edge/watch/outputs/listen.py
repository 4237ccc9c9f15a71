"""The address that a watch listens on: `--metrics-listen=HOST:PORT`."""

import re
import socket
from typing import NamedTuple

HOST, PORT = "127.0.0.1", 9400

_BRACKETS = re.compile(r"\[([^\[\]]+)\](?::([0-9]+))?")
_PLAIN = re.compile(r"([^:\[\]]*):([0-9]+)|([0-9]+)|([^:\[\]]+)")


class Address(NamedTuple):
    """A host (a name or an address) and a port."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse(text: str) -> Address:
    """Return the address that a text means: `HOST:PORT`, `[::1]:PORT`, `:PORT`, `PORT` or `HOST`.

    What is missing is HOST and PORT. Raises ValueError, with the reason.
    """
    if match := _BRACKETS.fullmatch(text):
        host, port = match[1], match[2]
    elif match := _PLAIN.fullmatch(text):
        host, port = match[1] or match[4], match[2] or match[3]
    else:
        raise ValueError("write HOST:PORT, such as 127.0.0.1:9400, :9400 or [::1]:9400")
    number = int(port[:6]) if port else PORT
    if number > 65535:
        raise ValueError(f"there is no port {port[:20]}: the greatest is 65535")
    return Address(host or HOST, number)


def listen(address: Address) -> socket.socket:
    """Return a socket that listens on an address, without blocking. Raises OSError if it cannot:
    the port is taken, the address is not of this machine.

    The first address of a name is taken.
    """
    family, _, _, _, where = socket.getaddrinfo(
        address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.create_server(where[:2], family=family, backlog=100)
    listener.setblocking(False)
    return listener


def address_of(listener: socket.socket) -> Address:
    """Return the address that a socket listens on: with the port that the kernel chose for 0."""
    host, port = listener.getsockname()[:2]
    return Address(host, port)
