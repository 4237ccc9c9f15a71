"""Asks a node what listens on its ports, whose it is, and whether another machine can reach it."""

from collections.abc import Iterator, Sequence
from ipaddress import ip_address
from re import findall
from typing import Any, NamedTuple

from power_edge.suites import Unknown, output
from power_edge.suites.routing import CONTAINERS, Interface


class Socket(NamedTuple):
    """A socket that waits for others, as `ss` prints it."""

    address: str
    """What it is bound to: 0.0.0.0, :: or * are all addresses."""
    device: str
    """The one interface that it is bound to, empty without one."""
    port: int
    owners: tuple[tuple[str, int], ...]
    """Programs, each with its process. Empty: the kernel's, or not shown to this user."""

    def held_by(self, program: str) -> bool:
        """Whether a process of a program holds it. Raises Unknown if none is shown."""
        if not self.owners:
            raise Unknown("ss does not show whose sockets they are: it needs root")
        return any(name == program for name, _ in self.owners)

    def reachable(self, known: Sequence[Interface]) -> bool:
        """Whether another machine can reach it by one of these interfaces."""
        return may_come_to(self.address, [each for each in known if self.device in ("", each.name)])


def may_come_to(address: str, by: Sequence[Interface]) -> bool:
    """Whether what is bound to an address can be reached by one of these interfaces."""
    own = {
        held.ip
        for each in by
        if each.up and not CONTAINERS.fullmatch(each.name)
        for held in each.addresses
    }
    if address in ("", "*"):
        return bool(own)
    bound = ip_address(address)
    bound = getattr(bound, "ipv4_mapped", None) or bound
    return bool(own) if bound.is_unspecified else bound in own


def listening(host: Any, protocol: str, port: int | None = None) -> list[Socket]:
    """Return the sockets that wait on a port of tcp or udp; without one, on any. Raises Unknown."""
    which = f" 'sport = :{port}'" if port is not None else ""
    lines = output(host, f"ss -H -ln{protocol[0]}p{which}").splitlines()
    return list(map(_socket, lines))


def _socket(line: str) -> Socket:
    words = line.split()
    try:
        place, _, port = words[3].rpartition(":")
        address, _, device = place.replace("[", "").replace("]", "").partition("%")
        if address not in ("", "*"):
            ip_address(address)
        owners = findall(r'\("([^"]*)",pid=([0-9]+),', words[5]) if len(words) > 5 else []
        found = tuple((name, int(pid)) for name, pid in owners)
        return Socket(address, device, int(port), found)
    except (IndexError, ValueError):
        raise Unknown(f"ss: not understood: {line}") from None


def units(host: Any, socket: Socket) -> Iterator[str]:
    """Yield the node's systemd units whose processes hold a socket. Raises Unknown.

    What a user's own manager or a container's runs belongs to the unit of that manager: it may have
    a unit of any name.
    """
    roots = dict(_groups(output(host, "cat /proc/1/cgroup"))) if socket.owners else {}
    for _, pid in socket.owners:
        for hierarchy, path in _groups(output(host, f"cat /proc/{pid}/cgroup")):
            root = roots.get(hierarchy, "").removesuffix("/init.scope").rstrip("/")
            if not f"{path}/".startswith(f"{root}/"):
                raise Unknown(f"process {pid} runs outside of the node's control groups: {path}")
            yield unit_of(path.removeprefix(root))


def unit_of(path: str) -> str:
    """Return the unit that a control group of the node's manager belongs to: the first part of its
    path that is no slice, "" without one. systemd writes `_` before some names
    (https://systemd.io/CGROUP_DELEGATION).
    """
    parts = (part for part in path.split("/") if part and not part.endswith(".slice"))
    return next(parts, "").removeprefix("_")


def _groups(text: str) -> Iterator[tuple[str, str]]:
    """Yield each hierarchy of systemd's in the text of /proc/PID/cgroup, and the path in it."""
    for line in text.splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0" or controllers == "name=systemd":
            yield controllers, path
