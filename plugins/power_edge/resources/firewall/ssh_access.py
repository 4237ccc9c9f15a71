"""How the operator reaches the node. No printed command may close this.

The probe prints the connection that its answer goes back by (SSH_CONNECTION), or else those that
are open to sshd, and the ports that sshd listens on. If it could not find out, ssh on port 22 is
assumed.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from power_edge.resources.firewall.packets.dimension import DADDR, FAMILY, SADDR, Dimension
from power_edge.resources.firewall.packets.program import ALLOW
from power_edge.resources.firewall.packets.sets import Box, address, interface, meet, subtract_all

USUAL_PORT = 22
TCP = ((6, 6),)


class Connection(NamedTuple):
    """One connection to sshd. `device`: the interface that leads back to the client, or ""."""

    family: int
    client: int
    server: int
    port: int
    device: str = ""

    def box(self) -> Box:
        """Return a new connection like it, from any port."""
        box: Box = {
            SADDR[self.family]: ((self.client, self.client),),
            DADDR[self.family]: ((self.server, self.server),),
            Dimension.PROTO: TCP,
            Dimension.DPORT: ((self.port, self.port),),
        }
        return {**box, Dimension.IIF: (interface(self.device),)} if self.device else box


class SshAccess(NamedTuple):
    """How the operator gets in: the connections in use, and the ports of sshd.

    `tunnels`: interfaces of VPNs among the devices. What a VPN needs to stay up is unknown.
    """

    connections: tuple[Connection, ...] = ()
    ports: tuple[int, ...] = ()
    tunnels: frozenset[str] = frozenset()

    def tunnel(self) -> str | None:
        """Return the VPN that a connection in use comes through; None without one."""
        return next((each.device for each in self.connections if each.device in self.tunnels), None)


DEFAULT_ACCESS = SshAccess(ports=(USUAL_PORT,))


class OrderedRule(NamedTuple):
    """One of the rules that will be in force, in their order."""

    action: str
    box: Box


def lets_in(needed: Box, rules: Sequence[OrderedRule]) -> bool:
    """Return whether these rules let a needed connection in, if nothing is let in by default.

    The interface of a connection is not always known. A rule for one interface then counts if it
    denies, and not if it allows.
    """
    remaining = [needed]
    for action, box in rules:
        if action == ALLOW:
            if (Dimension.IIF not in box or Dimension.IIF in needed) and any(
                _meets(box, each) for each in remaining
            ):
                return True
        elif not (remaining := subtract_all(remaining, [box])):
            return False
    return False


def read(lines: Iterable[str]) -> SshAccess:
    """Return how the operator gets in, as the probe prints it.

    Its lines: `way CLIENT SERVER PORT DEVICE`, `port PORT`, `tunnel DEVICE`, `unknown`.
    """
    words = [line.split() for line in lines]
    if not words or ["unknown"] in words:
        ports: tuple[int, ...] = (USUAL_PORT,)
    else:
        ports = tuple(int(rest[0]) for name, *rest in words if name == "port" and rest)
    tunnels = frozenset(rest[0] for name, *rest in words if name == "tunnel" and rest)
    connections = [each for name, *rest in words if name == "way" for each in _connection(rest)]
    return SshAccess(tuple(dict.fromkeys(connections)), ports, tunnels)


def _connection(words: Sequence[str]) -> Iterator[Connection]:
    if len(words) != 4 or not words[2].isdecimal():
        return
    try:
        family, client = address(words[0])
        other, server = address(words[1])
    except ValueError:
        return
    if family == other and words[3] != "lo":
        device = "" if words[3] == "-" else words[3]
        yield Connection(family, client, server, int(words[2]), device)


def _meets(remaining: Box, right: Box) -> bool:
    """Return whether two boxes share a packet. No packet has addresses of two families."""
    families = [{FAMILY[name] for name in box if name in FAMILY} for box in (remaining, right)]
    return (not all(families) or families[0] == families[1]) and meet(remaining, right) is not None
