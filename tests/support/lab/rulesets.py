"""Random firewalls in the words of nft and of iptables, and random declarations about them.

All of it comes from one random.Random, so a number makes the same ruleset again. Addresses, ports
and interfaces are few: one packet for each way in which rules could tell packets apart is enough.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count, product
from random import Random
from typing import Literal

from power_edge.model.generated.resources.firewall_schema import Rule
from power_edge.resources.firewall.packets.program import TRACKING
from tests.support.lab.packets import TO_ALL, Packet

PORTS = (22, 80, 443, 1500, 8080)
UNNAMED = 7777
"""A port that no rule names, as most are."""
SPAN, SPAN_ENDS = "2001-8080", (2001, 8080)
"""Rules tell the ports of this range apart only by 8080; one that no rule names is sent, too."""
INTERFACES = ("host0", "host1")
DECLARED = (None, None, None, "host0", "host1")
"""Interfaces of declared rules."""
SOURCES = {
    4: ("8.8.4.254", "9.9.9.9", "10.1.2.3", "10.1.9.254", "10.2.2.254", "192.168.7.254"),
    6: ("2001:db8:2::fff", "2001:db8:1::9", "fd00:1::3", "fd00:1::9", "fd00:2::fff"),
}
"""The first of each is one that no rule names."""
NETWORKS = {
    4: ("10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "192.168.0.0/16"),
    6: ("fd00::/16", "fd00:1::/32", "fd00:1::3"),
}
TYPES = (
    "--dst-type LOCAL", "--dst-type UNICAST", "! --dst-type UNICAST", "--dst-type LOCAL,MULTICAST", "--dst-type UNICAST,LOCAL", "--src-type UNICAST",
    "! --dst-type ANYCAST",
)  # fmt: skip
RANGES = {4: "10.1.0.0-10.1.255.255", 6: "fd00:1::-fd00:1:ffff:ffff:ffff:ffff:ffff:ffff"}
HIGH, LOW = 40000, 600
HOOKS = (
    ("input", 0),
    ("input", 0),
    ("input", 0),
    ("input", -5),
    ("input", 10),
    ("prerouting", -150),
    ("prerouting", -300),
    ("prerouting", -10),
)
NAT = (
    ("prerouting", -100, "drop"), ("prerouting", 0, "reject"), ("input", 100, "drop"), ("input", 0, "meta mark set 1"),
    ("prerouting", -100, "redirect"), ("prerouting", -100, "redirect"),
)  # fmt: skip
ELSEWHERE = 2222
"""The port to which connections are redirected; none is made to it."""
SET_MARKS = (
    "meta mark set 1",
    "meta mark set 2",
    "meta mark set meta mark or 4",
    "ct mark set 1",
    "meta mark set ct mark",
    "ct mark set meta mark",
)


@dataclass(frozen=True)
class Draw:
    """A ruleset as what is given to each tool, line by line; `late` goes to nft after the rest.

    A line may be left out.
    """

    nft: tuple[str, ...] = ()
    saves: tuple[tuple[str, tuple[str, ...]], ...] = ()
    late: tuple[str, ...] = ()

    def smaller(self) -> Iterator["Draw"]:
        """The same without one line, last lines first."""
        for at in reversed(range(len(self.late))):
            yield replace(self, late=self.late[:at] + self.late[at + 1 :])
        for at in reversed(range(len(self.nft))):
            yield replace(self, nft=self.nft[:at] + self.nft[at + 1 :])
        for which, (tool, lines) in enumerate(self.saves):
            for at in reversed(range(len(lines))):
                if lines[at].startswith("-A"):
                    yield replace(
                        self,
                        saves=(
                            *self.saves[:which],
                            (tool, lines[:at] + lines[at + 1 :]),
                            *self.saves[which + 1 :],
                        ),
                    )
            yield replace(self, saves=self.saves[:which] + self.saves[which + 1 :])

    def __str__(self) -> str:
        texts = [f"{tool}-restore:\n" + "\n".join(lines) for tool, lines in self.saves]
        return "\n".join(["nft -f:", *self.nft, *texts, "nft -f:", *self.late])


Targets = Mapping[int, tuple[str, str]]
"""The node's addresses, by family: on host0, and on host1."""


def draw(random: Random, targets: Targets) -> Draw:
    made = _Maker(random, targets)
    nft = [
        line
        for number in range(random.choice((0, 1, 1, 2, 3)))
        for line in made.table(f"t{number}")
    ]
    saves, late = [], list[str]()
    for tool, family in (("iptables", 4), ("ip6tables", 6)):
        if random.random() < 0.6:
            tables = list(made.save(family, legacy=False))
            saves.append((f"{tool}-nft", tuple(tables)))
            late += made.native(tables, family)
        if random.random() < 0.12:
            saves.append((f"{tool}-legacy", tuple(made.save(family, legacy=True))))
    return Draw(tuple(nft), tuple(saves), tuple(late))


class _Maker:
    def __init__(self, random: Random, targets: Targets) -> None:
        self.random, self.targets = random, targets
        self.numbers = count()

    def some(self, share: float) -> bool:
        return self.random.random() < share

    def table(self, name: str) -> Iterator[str]:
        """A table of nft's own."""
        random = self.random
        family = random.choice(("inet", "inet", "inet", "ip", "ip6"))
        place = f"{family} {name}"
        yield f"add table {place}"
        yield f"add set {place} ports {{ type inet_service; elements = {{ {', '.join(map(str, random.sample(PORTS, 2)))} }}; }}"
        yield f"add set {place} spans {{ type inet_service; flags interval; elements = {{ 20-100, 8080 }}; }}"
        yield f"add set {place} none {{ type inet_service; }}"
        for which in self._families(family):
            kind = "ipv4_addr" if which == 4 else "ipv6_addr"
            for each, more in (("nets", ""), ("bans", ", timeout")):
                elements = ", ".join(
                    random.sample(NETWORKS[which][2:], 1)
                    + ([] if more else [NETWORKS[which][1]] if self.some(0.5) else [])
                )
                if each == "bans":
                    elements = f"{elements} timeout 1h" if self.some(0.7) else elements
                yield f"add set {place} {each}{which} {{ type {kind}; flags interval{more}; auto-merge; elements = {{ {elements} }}; }}"
        chains = [f"c{number}" for number in range(random.choice((0, 1, 2)))]
        for chain in chains:
            yield f"add chain {place} {chain}"
        yield f"add map {place} verdicts {{ type inet_service : verdict; elements = {{ {self._entries(chains)} }}; }}"
        bases = []
        for number in range(random.choice((1, 1, 1, 2, 3))):
            hook, priority = random.choice(HOOKS)
            policy = random.choice(("accept", "accept", "drop"))
            bases.append((f"b{number}", hook, priority))
            yield f"add chain {place} b{number} {{ type filter hook {hook} priority {priority}; policy {policy}; }}"
        for at, chain in reversed(list(enumerate(chains))):
            for _ in range(random.choice((1, 2, 3))):
                yield f"add rule {place} {chain} {self.rule(self._families(family), chains[at + 1 :], own='sets')}"
        for base, hook, priority in bases:
            if hook == "input" and self.some(0.3):
                yield (
                    f"add rule {place} {base} {self._echo()}"
                    if family == "inet"
                    else f"add rule {place} {base} meta l4proto {{ 1, 58 }} accept"
                )
            for _ in range(random.choice((0, 1, 2, 3, 4))):
                early = hook == "prerouting" and priority <= TRACKING
                yield f"add rule {place} {base} {self.rule(self._families(family), chains, early=early, own='maps')}"
        if self.some(0.1):
            hook, priority, end = random.choice(NAT)
            yield f"add chain {place} n {{ type nat hook {hook} priority {priority}; }}"
            if (
                end == "redirect"
            ):  # of TCP alone: packets.py knows an answer by the port that it was sent to
                yield f"add rule {place} n {random.choice(('', 'ct state new '))}tcp dport {random.choice(PORTS)} redirect to :{ELSEWHERE}"
                return
            yield f"add rule {place} n {self._transport('')} {end}"
        if self.some(0.05):
            yield f"add table {place} {{ flags dormant; }}"
        if family == "inet" and self.some(0.1):
            yield "add table netdev n"
            devices = random.choice(("device host0", "device host1", "devices = { host0, host1 }"))
            yield f"add chain netdev n c {{ type filter hook ingress {devices} priority 0; }}"
            which = random.choice((4, 6))
            # Not of ARP, by which packets.py knows that all has been handled.
            yield f"add rule netdev n c meta protocol {'ip' if which == 4 else 'ip6'} {self.rule((which,), [], early=True, tracked=False)}"

    @staticmethod
    def _families(family: str) -> tuple[int, ...]:
        return {"ip": (4,), "ip6": (6,)}.get(family, (4, 6))

    def _entries(self, chains: Sequence[str]) -> str:
        return ", ".join(
            f"{port} : {self._end(chains)}"
            for port in self.random.sample(PORTS, self.random.choice((1, 2)))
        )

    def _end(self, chains: Sequence[str]) -> str:
        ends = [
            "accept",
            "accept",
            "drop",
            "return",
            *[f"{how} {chain}" for chain in chains for how in ("jump", "goto")],
        ]
        return self.random.choice(ends)

    def rule(
        self,
        families: Sequence[int],
        chains: Sequence[str],
        *,
        early: bool = False,
        own: str = "",
        tracked: bool = True,
    ) -> str:
        """A rule in nft's words.

        `own`: the sets of `table` are there ("sets"), and its map may be used as well ("maps").
        """
        random = self.random
        family = random.choice(families)
        parts = [self._transport(own)] if self.some(0.7) else []
        if self.some(0.35):
            parts.append(self._source(family, own, udp=any("udp" in part for part in parts)))
        kinds = (
            (0.1, self._device),
            (0.12 * tracked, self._state),
            (0.1 * tracked, self._mark),
            (0.08, self._odd),
        )
        parts += [kind(family) for share, kind in kinds if self.some(share)]
        if self.some(0.06):
            parts.append(
                f"{'ip' if family == 4 else 'ip6'} daddr {random.choice(self.targets[family])}"
            )
        random.shuffle(parts)
        if self.some(0.1):
            parts.append("counter")
        if self.some(0.12) and tracked:
            parts.insert(
                len(parts) if self.some(0.7) else random.randrange(len(parts) + 1),
                random.choice(SET_MARKS),
            )
            if self.some(0.7):
                return " ".join(parts)
        if early and tracked and self.some(0.3):
            return " ".join([*parts, "notrack"])
        if (
            own
            and self.some(0.08)
            and not any(word in part for part in parts for word in ("dport", "udp"))
        ):
            named = own == "maps" and self.some(0.5)
            return " ".join(
                [
                    *parts,
                    f"tcp dport vmap {'@verdicts' if named else f'{{ {self._entries(chains)} }}'}",
                ]
            )
        ends = ("accept", "accept", "drop", "drop", "drop" if early else "reject", "return")
        return " ".join(
            [
                *parts,
                random.choice(
                    (
                        *ends,
                        *(f"{how} {chain}" for chain in chains for how in ("jump", "jump", "goto")),
                    )
                ),
            ]
        )

    def _transport(self, own: str) -> str:
        random = self.random
        proto, port, other = (
            random.choice(("tcp", "tcp", "udp")),
            random.choice(PORTS),
            random.choice(PORTS),
        )
        choices = [
            f"{proto} dport {port}",
            f"{proto} dport {port}",
            f"{proto} dport {{ {port}, {other if other != port else 99} }}",
            f"{proto} dport != {port}",
            f"{proto} dport 1-100",
            f"{proto} dport > 443",
            f"{proto} dport != {{ 22, 443 }}",
            f"{proto} dport & 0xff00 == 0x500",
            f"meta l4proto {proto}",
            f"meta l4proto != {proto}",
            f"th dport {port}",
            f"meta l4proto {{ tcp, udp }} th dport {port}",
            f"meta l4proto . th dport {{ tcp . {port}, udp . {other} }}",
            f"{proto} sport != 0",
            "tcp flags syn / fin,syn,rst,ack",
            "tcp sport 0 tcp flags syn / fin,syn,rst,ack",
            "tcp flags & (fin|syn|rst|ack) != syn",
            "tcp flags & (fin|syn|rst|psh|ack|urg) == syn",
            "tcp flags & (fin|syn|rst|psh|ack|urg) != syn",
            f"{proto} dport {port} tcp flags & (syn|psh) == syn"
            if proto == "tcp"
            else f"udp dport {port}",
            f"{proto} sport 32768-65535",
            f"{proto} sport 1-32767",
        ]
        named = (
            [
                f"{proto} dport @ports",
                f"{proto} dport @spans",
                f"{proto} dport != @ports",
                f"{proto} dport @none",
            ]
            if own
            else []
        )
        return random.choice(choices + named)

    def _source(self, family: int, own: str, *, udp: bool) -> str:
        random = self.random
        header, net = "ip" if family == 4 else "ip6", random.choice(NETWORKS[family])
        named_one, single = SOURCES[family][1], NETWORKS[family][2]
        choices = [f"{header} saddr {net}"] * 4 + [
            f"{header} saddr != {net}",
            f"{header} saddr {RANGES[family]}",
            f"{header} saddr {{ {single}, {named_one} }}",
            f"{header} saddr {net}"
            if udp
            else f"{header} saddr . tcp dport {{ {named_one} . 22, {single} . 80 }}",
        ]
        named = (
            [
                f"{header} saddr @nets{family}",
                f"{header} saddr != @nets{family}",
                f"{header} saddr @bans{family}",
            ]
            if own
            else []
        )
        return random.choice(choices + named)

    def _device(self, _: int) -> str:
        return self.random.choice(
            (
                'iifname "host0"',
                'iifname != "host1"',
                'iifname { "host1", "wg0" }',
                'iifname "host*"',
                'iifname "lo"',
                "iif lo",
            )
        )

    def _state(self, _: int) -> str:
        return self.random.choice(
            (
                "ct state new",
                "ct state established,related",
                "ct state invalid",
                "ct state != invalid",
                "ct state { new, untracked }",
                "ct state untracked",
            )
        )

    def _mark(self, _: int) -> str:
        return self.random.choice(
            (
                "meta mark 1",
                "meta mark 0",
                "meta mark != 2",
                "meta mark and 4 == 4",
                "meta mark and 6 != 0",
                "ct mark 1",
                "ct mark != 1",
                "meta mark 1-3",
            )
        )

    def _odd(self, _: int) -> str:
        # No reverse path filter: what is judged comes from where answers to it go, and half of
        # these packets do not.
        return self.random.choice(
            (
                "fib daddr type local",
                "fib daddr . iif type local",
                "fib daddr . iif type != local",
                "fib daddr type unicast",
                "fib daddr type { broadcast, anycast }",
                "fib daddr type != { broadcast, anycast }",
                "fib daddr . iif type { unicast, broadcast }",
                "fib saddr type unicast",
                "exthdr hbh missing",
                "exthdr rt exists",
                "meta pkttype host",
                "meta pkttype != broadcast",
                "meta pkttype broadcast",
                "meta skuid 0",
            )
        )

    def _echo(self) -> str:
        ends = "accept", "accept", "drop", "reject"
        echo = self.random.choice(
            (
                "icmp type echo-request",
                "icmpv6 type echo-request",
                "meta l4proto { icmp, ipv6-icmp }",
                "icmp type { echo-request, 13 }",
            )
        )
        return f"{echo} {self.random.choice(ends)}"

    def save(self, family: int, *, legacy: bool) -> Iterator[str]:
        """Tables of iptables, in the words of its restore tool."""
        random = self.random
        for table, chain in (("raw", "PREROUTING"), ("mangle", "PREROUTING"), ("filter", "INPUT")):
            if table != "filter" and not self.some(0.15):
                continue
            yield f"*{table}"
            policy = random.choice(("ACCEPT", "ACCEPT", "DROP")) if table == "filter" else "ACCEPT"
            yield f":{chain} {policy} [0:0]"
            names = (
                [f"u{number}" for number in range(random.choice((0, 1, 2)))]
                if table == "filter"
                else []
            )
            yield from (f":{name} - [0:0]" for name in names)
            for at, name in enumerate([chain, *names]):
                for _ in range(
                    random.choice((1, 2, 3, 4)) if not legacy else random.choice((1, 2))
                ):
                    yield f"-A {name}{self._iptables(family, names[at:], table)}"
            yield "COMMIT"

    def _iptables(self, family: int, chains: Sequence[str], table: str) -> str:
        random = self.random
        text = ""
        if self.some(0.3):
            text += f"{random.choice((' !', '', '', ''))} -s {random.choice(NETWORKS[family])}"
        if self.some(0.1):
            text += random.choice((" -i host0", " ! -i host1", " -i host+", " -i lo"))
        proto, port, other = (
            random.choice(("tcp", "tcp", "udp")),
            random.choice(PORTS),
            random.choice(PORTS),
        )
        kind = random.choice(
            ("port", "port", "port", "multi", "proto", "sport", "not", "flags", "none", "none")
        )
        text += {
            "port": f" -p {proto} --dport {port}", "multi": f" -p {proto} -m multiport --dports {port},{other},1000:2000", "proto": f" -p {proto}",
            "sport": f" -p {proto} --sport 32768:65535", "not": f" -p {proto} ! --dport {port}", "none": "",
            "flags": random.choice((
                " -p tcp --sport 0 --tcp-flags FIN,SYN,RST,ACK SYN", " -p tcp --syn", f" -p tcp --dport {port} --tcp-flags ALL SYN",
                f" -p tcp --dport {port} ! --tcp-flags SYN,PSH SYN", f" -p {'icmp' if family == 4 else 'icmpv6'}",
            )),
        }[kind]  # fmt: skip
        matches = (
            (0.25, " -m conntrack --ctstate NEW"), (0.15, " -m conntrack --ctstate RELATED,ESTABLISHED"), (0.1, " -m conntrack ! --ctstate INVALID"),
            (0.2, f' -m comment --comment "a -j {random.choice(("DROP", "ACCEPT"))} {next(self.numbers)}"'),
            (0.12, f" -m addrtype {random.choice(TYPES)}"),
            (0.06, f" -m iprange --src-range {RANGES[family]}"),
            (0.06, random.choice((" -m pkttype --pkt-type unicast", " -m pkttype --pkt-type broadcast", " -m pkttype ! --pkt-type broadcast"))),
            (0.1, random.choice((" -m mark --mark 0x1", " -m mark ! --mark 0x2", " -m mark --mark 0x4/0x4", " -m connmark --mark 0x1"))),
            (0.03, " -m length --length 0:2000"), (0.04, " -m recent --set --name pe"),
        )  # fmt: skip
        text += "".join(what for share, what in matches if self.some(share))
        if table == "raw":
            return text + random.choice(
                (" -j CT --notrack", " -j DROP", " -j ACCEPT", " -j MARK --set-mark 1")
            )
        if table == "mangle" or self.some(0.1):
            marks = (
                " -j MARK --set-mark 1",
                " -j MARK --set-xmark 0x4/0x4",
                " -j CONNMARK --set-mark 1",
                " -j CONNMARK --restore-mark",
                " -j CONNMARK --save-mark",
            )
            return text + random.choice(
                (*marks, "") if table == "filter" else (*marks, " -j DROP", " -j RETURN")
            )
        ends = [
            " -j ACCEPT",
            " -j ACCEPT",
            " -j DROP",
            " -j DROP",
            " -j REJECT",
            " -j RETURN",
            "",
            *[f" {how} {name}" for name in chains[1:] for how in ("-j", "-g")],
        ]
        return text + random.choice(ends)

    def native(self, lines: Sequence[str], family: int) -> Iterator[str]:
        """Rules of nft's own among those of iptables, in its tables."""
        table = ""
        place = "ip" if family == 4 else "ip6"
        known = list[str]()
        for line in lines:
            if line.startswith("*"):
                table = line[1:]
            elif line.startswith(":"):
                known.append(f"{place} {table} {line[1:].split()[0]}")
        rules = [line for line in lines if line.startswith("-A")]
        for _ in range(self.random.choice((0, 0, 1, 2, 3)) if rules else 0):
            chain = self.random.choice(known)
            yield f"{self.random.choice(('insert', 'add'))} rule {chain} {self.rule((family,), [], early='raw' in chain)}"
        if self.some(0.05):
            yield f"add chain {place} filter mine {{ type filter hook input priority -5; policy {self.random.choice(('drop', 'accept'))}; }}"
            yield f"add rule {place} filter mine {self.rule((family,), [])}"


def declarations(random: Random) -> list[Rule]:
    """Rules that one could declare, each about the packets of `packets`."""
    found = []
    for _ in range(8):
        source = random.choice(
            ("any", "any", "any", *NETWORKS[4], *NETWORKS[6], "0.0.0.0/0", "::/0")
        )
        if random.random() < 0.12:
            found.append(
                Rule(
                    action=random.choice(("allow", "allow", "deny", "reject")),
                    proto="icmp",
                    from_=source,
                    interface=random.choice(DECLARED),
                )
            )
            continue
        proto: Literal["tcp", "udp"] = random.choice(("tcp", "tcp", "udp"))
        found.append(
            Rule(
                action=random.choice(("allow", "allow", "deny", "deny", "reject")),
                proto=proto,
                port=random.choice((*PORTS, *PORTS, SPAN)),
                from_=source,
                interface=random.choice(DECLARED),
            )
        )
    return found


def packets(targets: Targets) -> list[Packet]:
    """One for each way in which rules tell packets apart."""
    found = []
    for family, sources in SOURCES.items():
        ways = product(
            ("tcp", "udp"), sources, targets[family], (HIGH, LOW, 0), (*PORTS, UNNAMED), INTERFACES
        )
        found += [
            Packet(proto, source, target, sport, port, device)
            for proto, source, target, sport, port, device in ways
            if sport or port in PORTS
        ]
        found += [
            Packet("icmp", source, target, 1, 1, device)
            for source, target, device in product(sources, targets[family], INTERFACES)
        ]
        odd = product(
            (("tcp", "psh"), ("udp", "broadcast")),
            sources,
            targets[family],
            (HIGH, LOW),
            PORTS,
            INTERFACES,
        )
        found += [
            Packet(proto, source, target, sport, port, device, oddity)
            for (proto, oddity), source, target, sport, port, device in odd
        ]
        found += [
            Packet("icmp", source, target, 1, 1, device, "broadcast")
            for source, target, device in product(sources, targets[family], INTERFACES)
        ]
        # The answer of TCP to an own address of IPv6 would not leave the node.
        protocols, own = (
            (("tcp", "udp"), TO_ALL[4]) if family == 4 else (("udp",), targets[family][1])
        )
        found += [
            Packet(proto, own, target, sport, port, "host0", "own source")
            for proto, target, sport, port in product(
                protocols, targets[family], (HIGH, LOW), PORTS
            )
            if target != own
        ]
        if family == 4:
            found += [
                Packet("icmp", own, target, 1, 1, "host0", "own source")
                for target in targets[family]
            ]
        to_all = product(sources, PORTS, INTERFACES)
        found += [
            Packet("udp", source, TO_ALL[family], HIGH, port, device, "to all")
            for source, port, device in to_all
        ]
    return found


__all__ = [
    "ELSEWHERE",
    "INTERFACES",
    "PORTS",
    "SOURCES",
    "UNNAMED",
    "Draw",
    "Targets",
    "declarations",
    "draw",
    "packets",
]
