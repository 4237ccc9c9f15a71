"""Real packets from the lab's side to a node, and what became of each of them.

Packets are put on the wire whole, so that they may come from any source. A node's answers tell
how a TCP or ICMP packet fared, and a socket of ours in the node receives what gets in of UDP. Nothing
here waits for silence: behind each batch goes an ARP request, which no packet filter stops, and its
answer comes after all answers to the batch, since one CPU handles both in turn.
"""

import ctypes
import os
import socket
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from tests.lab.nodes import Lab, Node

ALLOW, DENY, REJECT = "allow", "deny", "reject"
SECOND = "10.9.0", "fd10:9:"
BATCH = 200
ANSWER_SECONDS = 20
_CLONE_NEWNET = 0x40000000
_ETH_P_ALL, _OUTGOING = 3, 4
_SO_RCVBUFFORCE = 33
_FORCED_BUFFER = 256 << 20
_TCP, _UDP, _ICMP, _ICMP6 = 6, 17, 1, 58
_PROTOCOLS = {"tcp": _TCP, "udp": _UDP}
_QUIET = """
for each in all default host0 host1; do echo 0 >/proc/sys/net/ipv4/conf/$each/rp_filter; done
echo 0 >/proc/sys/net/ipv4/icmp_ratelimit
for limit in icmp_msgs_per_sec icmp_msgs_burst; do echo 1000000 >/proc/sys/net/ipv4/$limit; done
echo 0 >/proc/sys/net/ipv6/icmp/ratelimit
echo 0 >/proc/sys/net/ipv4/tcp_synack_retries
echo 65535 >/proc/sys/net/ipv4/tcp_max_syn_backlog
echo 65535 >/proc/sys/net/core/somaxconn
for wait in tcp_timeout_syn_recv tcp_timeout_syn_sent udp_timeout icmp_timeout icmpv6_timeout; do
    echo 1 >/proc/sys/net/netfilter/nf_conntrack_$wait
done
"""


class Packet(NamedTuple):
    """The first packet of a connection. `proto`: tcp, udp, or icmp for an echo request (ports 0)."""

    proto: str
    source: str
    target: str
    sport: int
    dport: int
    interface: str

    @property
    def family(self) -> int:
        return 6 if ":" in self.source else 4


class Wire:
    """The prober's end, and the sockets in the node. `targets`: the node's addresses, by family: on host0, and on host1."""

    def __init__(self, targets: Mapping[int, tuple[str, str]], links: Mapping[str, "_Link"], listeners: Sequence[socket.socket]) -> None:
        self.targets = targets
        self._links, self._listeners = links, listeners

    def fates(self, packets: Iterable[Packet]) -> dict[Packet, str]:
        """What became of each packet: `allow`, `reject` (a reset, an ICMP error) or `deny` (nothing came back)."""
        wanted = list(packets)
        keys = {_key(packet): packet for packet in wanted}
        assert len(keys) == len(wanted), "two packets cannot be told apart"
        before = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(before)})
        try:
            found = {key: fate for key, fate in self._sent(wanted) if key in keys}
        finally:
            os.sched_setaffinity(0, before)
        return {packet: found.get(key, DENY) for key, packet in keys.items()}

    def _sent(self, packets: list[Packet]) -> Iterator[tuple[tuple[object, ...], str]]:
        for name, link in self._links.items():
            mine = [packet for packet in packets if packet.interface == name]
            for start in range(0, len(mine), BATCH):
                for packet in mine[start : start + BATCH]:
                    link.send(packet)
                yield from self._answers(link)
        for listener in self._listeners:
            yield from _received(listener)

    def _answers(self, link: "_Link") -> Iterator[tuple[tuple[object, ...], str]]:
        link.ask()
        while not link.answered:
            frame, (_, _, kind, *_) = link.socket.recvfrom(65535)
            if kind != _OUTGOING:
                yield from link.told(frame)
        # What came in by one interface may be answered by another one.
        for other in self._links.values():
            yield from other.pending()


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
        self.socket.send(self._ethernet + (b"\x08\x00" if packet.family == 4 else b"\x86\xdd") + _datagram(packet))

    def ask(self) -> None:
        """An ARP request, from one of two addresses in turn: more would fill the kernel's table of neighbours, which all namespaces share."""
        self.answered, self._number = False, 3 - self._number
        sender = socket.inet_aton(f"10.77.0.{self._number}")
        head = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1)
        self.socket.send(self._ethernet + b"\x08\x06" + head + self._own + sender + bytes(6) + self._target)

    def told(self, frame: bytes) -> Iterator[tuple[tuple[object, ...], str]]:
        kind = frame[12:14]
        if kind == b"\x08\x06":
            expected = socket.inet_aton(f"10.77.0.{self._number}")
            self.answered |= frame[20:22] == b"\x00\x02" and frame[38:42] == expected
        elif kind in (b"\x08\x00", b"\x86\xdd"):
            yield from _told(frame[14:])

    def pending(self) -> Iterator[tuple[tuple[object, ...], str]]:
        self.socket.setblocking(False)
        try:
            while True:
                frame, (_, _, kind, *_) = self.socket.recvfrom(65535)
                if kind != _OUTGOING:
                    yield from self.told(frame)
        except BlockingIOError:
            pass
        finally:
            self.socket.settimeout(ANSWER_SECONDS)


@contextmanager
def wired(lab: Lab, node: Node, ports: Sequence[int]) -> Iterator[Wire]:
    """A second interface (host1) for the node, a way back to every source, and something that listens at `ports` of every address."""
    targets = {4: (node.address, f"{SECOND[0]}.2"), 6: (node.address6, f"{SECOND[1]}:2")}
    addresses = [address for some in targets.values() for address in some]
    lab.run("ip", "link", "add", "lab1", "type", "veth", "peer", "name", "host1", "netns", f"/proc/{node.leader}/ns/net")
    lab.run("ip", "address", "add", f"{SECOND[0]}.1/24", "dev", "lab1")
    lab.run("ip", "link", "set", "lab1", "up")
    node.sh(f"ip address add {addresses[1]}/24 dev host1; ip link set host1 up; ip address add {addresses[3]}/64 dev host1 nodad")
    mac = _mac(lab, "lab0")
    for gateway in ("10.8.0.254", "fd10:8::fe"):
        node.sh(f"ip neigh replace {gateway} lladdr {mac} dev host0 nud permanent; ip route replace default via {gateway} dev host0")
    node.sh(_QUIET)
    with ExitStack() as open_:
        with _inside(node.leader):
            listeners = [open_.enter_context(_listener(kind, address, port)) for kind in ("tcp", "udp") for address in addresses for port in ports]
        with _inside(lab.holder):
            links = {
                name: _Link(ours, bytes.fromhex(_mac(node, name).replace(":", "")), address)
                for name, ours, address in (("host0", "lab0", targets[4][0]), ("host1", "lab1", targets[4][1]))
            }
        for link in links.values():
            open_.enter_context(link.socket)
        yield Wire(targets, links, [listener for listener in listeners if listener.type == socket.SOCK_DGRAM])
    lab.run("ip", "link", "delete", "lab1")


def _mac(where: Lab | Node, name: str) -> str:
    said = where.run("ip", "-o", "link", "show", "dev", name).stdout.split()
    return said[said.index("link/ether") + 1]


@contextmanager
def _inside(pid: int) -> Iterator[None]:
    """This thread in the network of another process: a socket made there stays there."""
    libc = ctypes.CDLL(None, use_errno=True)
    with Path("/proc/thread-self/ns/net").open() as ours, Path(f"/proc/{pid}/ns/net").open() as theirs:
        assert libc.setns(theirs.fileno(), _CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
        try:
            yield
        finally:
            assert libc.setns(ours.fileno(), _CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())


def _listener(kind: str, address: str, port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((address, port))
    if kind == "tcp":
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


def _datagram(packet: Packet) -> bytes:
    source, target = _number(packet.source), _number(packet.target)
    protocol = _PROTOCOLS.get(packet.proto, _ICMP if packet.family == 4 else _ICMP6)
    if protocol == _TCP:
        payload = struct.pack("!HHIIBBHHH", packet.sport, packet.dport, 1, 0, 6 << 4, 2, 64240, 0, 0) + b"\x02\x04\x05\xb4"
        place = 16
    elif protocol == _UDP:
        payload, place = struct.pack("!HHHH", packet.sport, packet.dport, 12, 0) + b"ping", 6
    else:
        payload, place = struct.pack("!BBHHH", 8 if protocol == _ICMP else 128, 0, 0, packet.sport, packet.dport) + b"ping", 2
    pseudo = b"" if protocol == _ICMP else source + target + struct.pack("!II", len(payload), protocol)
    payload = payload[:place] + struct.pack("!H", _checksum(pseudo + payload) or 0xFFFF) + payload[place + 2 :]
    if packet.family == 6:
        return struct.pack("!IHBB", 6 << 28, len(payload), protocol, 64) + source + target + payload
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0x4000, 64, protocol, 0) + source + target
    return head[:10] + struct.pack("!H", _checksum(head)) + head[12:] + payload


def _checksum(data: bytes) -> int:
    total: int = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
