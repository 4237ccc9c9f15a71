"""Real packets from the lab's side to a node, and what became of each of them.

Packets are put on the wire whole, so that they may come from any source. A node's answers tell how
a TCP or ICMP packet fared, and a socket of ours in the node receives what gets in of UDP. Nothing
here waits for silence: behind each batch goes an ARP request, which filters of IP do not stop, and
its answer comes after all answers to the batch, since one CPU handles both in turn.
"""

import ctypes
import os
import socket
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from ipaddress import ip_address
from itertools import product
from pathlib import Path
from typing import NamedTuple

from tests.support.lab.nodes import Lab, Node

ALLOW, DENY, REJECT = "allow", "deny", "reject"
SECOND = "10.9.0", "fd10:9:"
TO_ALL = {4: f"{SECOND[0]}.255", 6: f"{SECOND[1]}:"}
"""The broadcast address of the second interface's network, and its anycast address, which an
interface has that forwards.
"""
BATCH = 200
ANSWER_SECONDS = 20
_CLONE_NEWNET = 0x40000000
_ETH_P_ALL, _OUTGOING = 3, 4
_SO_RCVBUFFORCE = 33
_IP_FREEBIND = 15
_NETLINK_NETFILTER = 12
_FLUSH_CONNECTIONS = struct.pack("=IHHIIBBH", 20, 1 << 8 | 2, 1 | 4, 1, 0, 0, 0, 0)
"""Delete all that is tracked, and acknowledge it (IPCTNL_MSG_CT_DELETE)."""
_FORCED_BUFFER = 256 << 20
_TCP, _UDP, _ICMP, _ICMP6 = 6, 17, 1, 58
_PROTOCOLS = {"tcp": _TCP, "udp": _UDP}
_SYN, _FLAGS = 2, {"fin": 1, "psh": 8, "urg": 32}
_QUIET = """
for each in all default host0 host1; do echo 0 >/proc/sys/net/ipv4/conf/$each/rp_filter; done
echo 0 >/proc/sys/net/ipv4/icmp_ratelimit
echo 1 >/proc/sys/net/ipv6/conf/host1/forwarding
for limit in icmp_msgs_per_sec icmp_msgs_burst; do echo 1000000 >/proc/sys/net/ipv4/$limit; done
echo 0 >/proc/sys/net/ipv6/icmp/ratelimit
echo 0 >/proc/sys/net/ipv4/tcp_synack_retries
echo 65535 >/proc/sys/net/ipv4/tcp_max_syn_backlog
echo 65535 >/proc/sys/net/core/somaxconn
"""


class Packet(NamedTuple):
    """The first packet of a connection.

    `proto`: tcp, udp, or icmp for an echo request, whose identifier and number the ports are.

    `oddity`: what is odd about it: a flag of TCP beside SYN (`psh`, `urg`), `broadcast` for one
    that is sent to all on the link, `to all` for one to a broadcast or anycast address, or `own
    source` for one from a broadcast address (IPv4) or another address (IPv6) of the node.
    """

    proto: str
    source: str
    target: str
    sport: int
    dport: int
    interface: str
    oddity: str = ""

    @property
    def family(self) -> int:
        return 6 if ":" in self.source else 4


class Wire:
    """The prober's end, and the sockets in the node.

    `targets`: the node's addresses, by family: on host0, and on host1.
    """

    def __init__(
        self,
        targets: Mapping[int, tuple[str, str]],
        links: Mapping[str, "_Link"],
        listeners: "_Listeners",
    ) -> None:
        self.targets = targets
        self._links, self._listeners = links, listeners

    def fates(self, packets: Iterable[Packet]) -> dict[Packet, str]:
        """What became of each packet: `allow`, `reject` (a reset, an ICMP error) or `deny` (nothing
        came back).

        Each is the first one of a connection that the node knows nothing of.
        """
        left, found = list(packets), dict[Packet, str]()
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(before)})
        try:
            while left:
                # Of packets that differ in their interface or oddity alone one goes in each round.
                batch = {_key(packet): packet for packet in left}
                told = {key: fate for key, fate in self._sent(list(batch.values())) if key in batch}
                found |= {packet: told.get(key, DENY) for key, packet in batch.items()}
                left = [packet for packet in left if packet not in found]
                self._listeners.forget()
        finally:
            os.sched_setaffinity(0, before)
        return found

    def forwarded(self, packets: Iterable[Packet], by: str) -> dict[Packet, str]:
        """What became of packets that are for others: `allow` for one that left by an interface."""
        found = dict[Packet, str]()
        out = self._links[by]
        for packet in packets:
            link = self._links[packet.interface]
            list(out.pending())
            link.send(packet)
            answers = dict(link.answers())
            left = _key(packet) in {_sent_as(frame) for frame in out.frames()}
            found[packet] = ALLOW if left else answers.get(_key(packet), DENY)
        self._listeners.forget()
        return found

    def _sent(self, packets: list[Packet]) -> Iterator[tuple[tuple[object, ...], str]]:
        for name, link in self._links.items():
            mine = [packet for packet in packets if packet.interface == name]
            for start in range(0, len(mine), BATCH):
                for packet in mine[start : start + BATCH]:
                    link.send(packet)
                yield from self._answers(link)
        yield from self._listeners.received()

    def _answers(self, link: "_Link") -> Iterator[tuple[tuple[object, ...], str]]:
        yield from link.answers()
        # What came in by one interface may be answered by another one.
        for other in self._links.values():
            yield from other.pending()


class _Listeners:
    """What listens in the node: TCP and UDP, at each port of each address."""

    def __init__(self, node: Node, places: Sequence[tuple[str, int]]) -> None:
        self._node, self._places = node, places
        self._tcp: list[socket.socket] = []
        with _inside(node.leader):
            self._udp = [
                _listener(socket.SOCK_DGRAM, *place)
                for place in (*places, *product(TO_ALL.values(), {port for _, port in places}))
            ]
        self.forget()

    def forget(self) -> None:
        """Leave no connection behind, neither half open nor tracked."""
        for listener in self._tcp:
            listener.close()
        with _inside(self._node.leader):
            self._tcp = [_listener(socket.SOCK_STREAM, *place) for place in self._places]
            with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_NETFILTER) as netlink:
                netlink.send(_FLUSH_CONNECTIONS)
                (error,) = struct.unpack("=i", netlink.recv(100)[16:20])
                assert error == 0, os.strerror(-error)

    def received(self) -> Iterator[tuple[tuple[object, ...], str]]:
        for listener in self._udp:
            yield from _received(listener)

    def close(self) -> None:
        for listener in self._tcp + self._udp:
            listener.close()


class _Link:
    """One interface of the node: ours, the hardware addresses, and an address of the node for ARP."""

    def __init__(self, ours: str, mac: bytes, arp_target: str) -> None:
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
        self.socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _FORCED_BUFFER)
        self.socket.bind((ours, _ETH_P_ALL))
        self.socket.settimeout(ANSWER_SECONDS)
        own = self.socket.getsockname()[4]
        self._ethernet = mac + own
        self._target, self._own, self.answered = socket.inet_aton(arp_target), own, False
        self._number = 1

    def send(self, packet: Packet) -> None:
        ethernet = self._ethernet if packet.oddity != "broadcast" else b"\xff" * 6 + self._own
        self.socket.send(
            ethernet + (b"\x08\x00" if packet.family == 4 else b"\x86\xdd") + _datagram(packet)
        )

    def ask(self) -> None:
        """An ARP request, from one of two addresses in turn: more would fill the kernel's table of
        neighbours, which all namespaces share.
        """
        self.answered, self._number = False, 3 - self._number
        sender = socket.inet_aton(f"10.77.0.{self._number}")
        head = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1)
        self.socket.send(
            self._ethernet + b"\x08\x06" + head + self._own + sender + bytes(6) + self._target
        )

    def told(self, frame: bytes) -> Iterator[tuple[tuple[object, ...], str]]:
        kind = frame[12:14]
        if kind == b"\x08\x06":
            expected = socket.inet_aton(f"10.77.0.{self._number}")
            self.answered |= frame[20:22] == b"\x00\x02" and frame[38:42] == expected
        elif kind in (b"\x08\x00", b"\x86\xdd"):
            yield from _told(frame[14:])

    def pending(self) -> Iterator[tuple[tuple[object, ...], str]]:
        for frame in self.frames():
            yield from self.told(frame)

    def frames(self) -> Iterator[bytes]:
        """What came in and was not read yet."""
        self.socket.setblocking(False)
        try:
            while True:
                frame, (_, _, kind, *_) = self.socket.recvfrom(65535)
                if kind != _OUTGOING:
                    yield frame
        except BlockingIOError:
            pass
        finally:
            self.socket.settimeout(ANSWER_SECONDS)

    def answers(self) -> Iterator[tuple[tuple[object, ...], str]]:
        """What comes back before the answer to a request of our own."""
        self.ask()
        while not self.answered:
            frame, (_, _, kind, *_) = self.socket.recvfrom(65535)
            if kind != _OUTGOING:
                yield from self.told(frame)


def _sent_as(frame: bytes) -> tuple[object, ...] | None:
    """The key of a TCP packet on the wire."""
    found = _parsed(frame[14:]) if frame[12:14] in (b"\x08\x00", b"\x86\xdd") else None
    if found is None or found[0] != _TCP:
        return None
    _, source, target, payload = found
    return ("tcp", source, target, *struct.unpack("!HH", payload[:4]))


@contextmanager
def wired(lab: Lab, node: Node, ports: Sequence[int]) -> Iterator[Wire]:
    """A second interface (host1) for the node, a way back to every source, and something that
    listens at `ports` of every address.
    """
    targets = {4: (node.address, f"{SECOND[0]}.2"), 6: (node.address6, f"{SECOND[1]}:2")}
    addresses = [address for some in targets.values() for address in some]
    lab.run(
        "ip",
        "link",
        "add",
        "lab1",
        "type",
        "veth",
        "peer",
        "name",
        "host1",
        "netns",
        f"/proc/{node.leader}/ns/net",
    )
    lab.run("ip", "address", "add", f"{SECOND[0]}.1/24", "dev", "lab1")
    lab.run("ip", "link", "set", "lab1", "up")
    node.sh(
        f"ip address add {addresses[1]}/24 dev host1; ip link set host1 up; ip address add {addresses[3]}/64 dev host1 nodad"
    )
    mac = _mac(lab, "lab0")
    for gateway in ("10.8.0.254", "fd10:8::fe"):
        node.sh(
            f"ip neigh replace {gateway} lladdr {mac} dev host0 nud permanent; ip route replace default via {gateway} dev host0"
        )
    node.sh(_QUIET)
    with ExitStack() as open_:
        listeners = _Listeners(node, [(address, port) for address in addresses for port in ports])
        open_.callback(listeners.close)
        with _inside(lab.holder):
            links = {
                name: _Link(ours, bytes.fromhex(_mac(node, name).replace(":", "")), address)
                for name, ours, address in (
                    ("host0", "lab0", targets[4][0]),
                    ("host1", "lab1", targets[4][1]),
                )
            }
        for link in links.values():
            open_.enter_context(link.socket)
        yield Wire(targets, links, listeners)
    lab.run("ip", "link", "delete", "lab1")


def _mac(where: Lab | Node, name: str) -> str:
    said = where.run("ip", "-o", "link", "show", "dev", name).stdout.split()
    return said[said.index("link/ether") + 1]


@contextmanager
def _inside(pid: int) -> Iterator[None]:
    """This thread in the network of another process: a socket made there stays there."""
    libc = ctypes.CDLL(None, use_errno=True)
    with (
        Path("/proc/thread-self/ns/net").open() as ours,
        Path(f"/proc/{pid}/ns/net").open() as theirs,
    ):
        assert libc.setns(theirs.fileno(), _CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
        try:
            yield
        finally:
            assert libc.setns(ours.fileno(), _CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())


def _listener(kind: socket.SocketKind, address: str, port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.setsockopt(
        socket.IPPROTO_IP, _IP_FREEBIND, 1
    )  # an anycast address is not an address of the node
    made.bind((address, port))
    if kind == socket.SOCK_STREAM:
        made.listen(65535)
    else:
        made.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 1 << 20)
        made.setblocking(False)
    return made


def _received(listener: socket.socket) -> Iterator[tuple[tuple[object, ...], str]]:
    target, port = listener.getsockname()[:2]
    while True:
        try:
            _, (source, sport, *_) = listener.recvfrom(100)
        except BlockingIOError:
            return
        yield ("udp", _number(source), _number(target), sport, port), ALLOW


def _number(address: str) -> bytes:
    return ip_address(address).packed


def _key(packet: Packet) -> tuple[object, ...]:
    return packet.proto, _number(packet.source), _number(packet.target), packet.sport, packet.dport


def _told(datagram: bytes) -> Iterator[tuple[tuple[object, ...], str]]:
    """Of which packet an answer speaks, and what it says."""
    found = _parsed(datagram)
    if found is None:
        return
    protocol, source, target, payload = found
    if protocol == _TCP:
        sport, dport = struct.unpack("!HH", payload[:4])
        flags = payload[13]
        yield ("tcp", target, source, dport, sport), REJECT if flags & 4 else ALLOW
    elif (protocol, payload[0]) in {(_ICMP, 0), (_ICMP6, 129)}:
        yield ("icmp", target, source, *struct.unpack("!HH", payload[4:8])), ALLOW
    elif (protocol, payload[0]) in {(_ICMP, 3), (_ICMP6, 1)}:
        inner = _parsed(payload[8:])
        if inner is not None:
            number, own, other, rest = inner
            name = {_TCP: "tcp", _UDP: "udp"}.get(number, "icmp")
            ports = rest[4:8] if name == "icmp" else rest[:4]
            yield (name, own, other, *struct.unpack("!HH", ports)), REJECT


def _parsed(datagram: bytes) -> tuple[int, bytes, bytes, bytes] | None:
    """(protocol, source, target, payload) of a datagram, or of the beginning of one."""
    if datagram[0] >> 4 == 4:
        return datagram[9], datagram[12:16], datagram[16:20], datagram[(datagram[0] & 15) * 4 :]
    if datagram[0] >> 4 == 6:
        return datagram[6], datagram[8:24], datagram[24:40], datagram[40:]
    return None


@cache
def _datagram(packet: Packet) -> bytes:
    source, target = _number(packet.source), _number(packet.target)
    protocol = _PROTOCOLS.get(packet.proto, _ICMP if packet.family == 4 else _ICMP6)
    if protocol == _TCP:
        payload = (
            struct.pack(
                "!HHIIBBHHH",
                packet.sport,
                packet.dport,
                1,
                0,
                6 << 4,
                _SYN | _FLAGS.get(packet.oddity, 0),
                64240,
                0,
                0,
            )
            + b"\x02\x04\x05\xb4"
        )
        place = 16
    elif protocol == _UDP:
        payload, place = struct.pack("!HHHH", packet.sport, packet.dport, 12, 0) + b"ping", 6
    else:
        payload, place = (
            struct.pack("!BBHHH", 8 if protocol == _ICMP else 128, 0, 0, packet.sport, packet.dport)
            + b"ping",
            2,
        )
    pseudo = (
        b"" if protocol == _ICMP else source + target + struct.pack("!II", len(payload), protocol)
    )
    payload = (
        payload[:place]
        + struct.pack("!H", _checksum(pseudo + payload) or 0xFFFF)
        + payload[place + 2 :]
    )
    if packet.family == 6:
        return struct.pack("!IHBB", 6 << 28, len(payload), protocol, 64) + source + target + payload
    head = (
        struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0x4000, 64, protocol, 0)
        + source
        + target
    )
    return head[:10] + struct.pack("!H", _checksum(head)) + head[12:] + payload


def _checksum(data: bytes) -> int:
    total: int = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
