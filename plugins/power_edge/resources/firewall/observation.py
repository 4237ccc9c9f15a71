"""What the probe printed, as one record (`ruleset`)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from power_edge.model import NotObserved
from power_edge.resources.firewall.packets.dimension import Dimension
from power_edge.resources.firewall.packets.program import BaseChain, Key, Program, bits_of
from power_edge.resources.firewall.packets.sets import (
    Numbers,
    interface,
    network,
    numbers,
    without,
)
from power_edge.resources.firewall.readers import (
    firewalld_timed,
    ipsets,
    iptables,
    nft_bytecode,
    nftables,
)
from power_edge.resources.firewall.readers.iptables_options import NO_SETS, Sets
from power_edge.resources.firewall.readers.ufw_files import by_hand, settings
from power_edge.resources.firewall.ruleset import Firewalld, Network, Ruleset, Ufw
from power_edge.resources.firewall.ssh_access import read as read_access
from power_edge.text import printable

PREFIXES = {"ip": 4, "ip6": 6}
LOOPBACK4, LOOPBACK6 = 127 << 24 | 1, 1
_CHANGES = re.compile(r"--(?:add|del)-set (\S+)")
_END = b"\n= end 0\n"
_BLOCK = re.compile(r"^= (\S+) (\d+|absent)$")


class Block(NamedTuple):
    """One reading of the probe. `status`: an exit status, or None where the tool is missing."""

    status: int | None
    text: str

    def why(self, what: str) -> str:
        """Return why `what` could not be read: the error message, or the exit status."""
        lines = self.text.strip().splitlines()
        return f"{what} could not be read" + (
            f": {printable(lines[0][:200])}"
            if lines
            else f" (exit status {self.status})"
            if self.status
            else ""
        )


def blocks(section: bytes) -> dict[str, Block]:
    """Return the probe's output by name.

    ValueError: a line that the probe does not print, or its last line is not there.
    """
    if not section.endswith(_END):
        raise ValueError("the answer about the firewall was cut short")
    found: dict[str, Block] = {}
    name, status, lines = "", 0, list[str]()
    for line in section.decode("utf-8", "surrogateescape").split("\n"):
        if line.startswith(" "):
            lines.append(line[1:])
        elif match := _BLOCK.match(line):
            if name:
                found[name] = Block(status if status >= 0 else None, "\n".join(lines))
            name, status, lines = match[1], -1 if match[2] == "absent" else int(match[2]), []
        elif line:
            raise ValueError(f"not a line of the firewall's probe: {line[:80]!r}")
    return found


def parse(section: bytes) -> Mapping[str, Ruleset | NotObserved]:
    """Return what the probe printed, as the one observation, under ''.

    ValueError for output that is not understood.
    """
    by_name = blocks(section)
    program = _program(by_name)
    if isinstance(program, NotObserved):
        return {"": program}
    if "firewalld-moved" in by_name:
        return {
            "": NotObserved(
                "the rules changed while they were read, perhaps by a start or a reload of "
                "firewalld: check again"
            )
        }
    return {
        "": Ruleset(
            program=_timed(program, by_name),
            network=_network(by_name),
            ufw=_ufw(by_name),
            firewalld=_firewalld(by_name),
            ssh_access=read_access(_lines(by_name, "way")),
            saved=tuple(_lines(by_name, "saved")),
        )
    }


def _timed(program: Program, by_name: Mapping[str, Block]) -> Program:
    """Return the program with those rules of firewalld marked that may go by themselves."""
    block = by_name.get("firewalld-timed")
    found = firewalld_timed.read(block.text) if block is not None else []
    return firewalld_timed.passing(program, found)


def _network(by_name: Mapping[str, Block]) -> Network:
    ports = {lower: upper for kind, lower, upper in _stacked(by_name) if kind == "port"}
    names = dict.fromkeys(
        name
        for name in _lines(by_name, "interfaces")
        if name != "lo" and name not in ports and interface(name)
    )
    return Network(
        interfaces=tuple(names) or None,
        ports=ports,
        outside=tuple(name for name in dict.fromkeys(_lines(by_name, "routes")) if name in names),
        inet6=_inet6(_lines(by_name, "inet6"))
        if "inet6" in by_name and not _hidden(by_name)
        else None,
        addresses=_addresses(by_name),
        echo_ignored=tuple(_lines(by_name, "echo-ignored")),
    )


def _hidden(by_name: Mapping[str, Block]) -> bool:
    """Return whether /proc/net could not be read: it shows no device at all, not even lo."""
    return "interfaces" in by_name and not _lines(by_name, "interfaces")


def _lines(by_name: Mapping[str, Block], name: str) -> list[str]:
    return [line for line in by_name[name].text.split("\n") if line] if name in by_name else []


def _stacked(by_name: Mapping[str, Block]) -> list[tuple[str, str, str]]:
    """Return the devices that are below others: (`port` or `above`, lower, upper).

    A port gets no packets itself.
    """
    words = (line.split() for line in _lines(by_name, "stacked"))
    return [(some[0], some[1], some[2]) for some in words if len(some) == 3]


def _read(by_name: Mapping[str, Block], name: str) -> tuple[str, ...] | None:
    return tuple(_lines(by_name, name)) if name in by_name and by_name[name].status == 0 else None


SAVES = ("iptables", "ip6tables", "ip-legacy", "ip6-legacy")
"""The blocks that hold an output of iptables-save."""


def _program(by_name: Mapping[str, Block]) -> Program | NotObserved:
    """Return what the kernel runs, of nftables and both variants of iptables."""
    nft = by_name.get("nft")
    if nft is None:
        return NotObserved("the probe's answer does not say what the kernel filters")
    sets = _ipsets(by_name)
    if nft.status is None and not any(
        by_name[name].status == 0 for name in SAVES if name in by_name
    ):
        return NotObserved(
            "the firewall could not be read: neither nft nor iptables-save is on the node"
        )
    if nft.status:
        return NotObserved(nft.why("the firewall"))
    saved_blocks = {
        family: block
        for family in PREFIXES
        if (block := by_name.get(f"{family}tables")) is not None and block.status == 0
    }
    if nft.status == 0:
        parts = [_nftables(by_name, nft.text, saved_blocks, sets)]
    else:
        parts = [
            iptables.read(block.text, PREFIXES[family], family, sets)
            for family, block in saved_blocks.items()
        ]
    for family, number in PREFIXES.items():
        names = by_name.get(f"{family}-legacy-tables")
        if names is None or (names.status == 0 and not names.text.strip()):
            continue
        legacy = by_name.get(f"{family}-legacy")
        if names.status != 0 or legacy is None or legacy.status != 0:
            return NotObserved((legacy or names).why("the rules of legacy iptables"))
        part = iptables.read(legacy.text, number, f"legacy {family}", sets)
        if unread := {*names.text.split()} - {table for _, table, _ in part.chains}:
            return NotObserved(f"iptables-save does not show the legacy table {min(unread)}")
        parts.append(part)
    bases = tuple(base for part in parts for base in part.bases)
    chains = {name: rules for part in parts for name, rules in part.chains.items()}
    return Program(
        chains=chains,
        bases=(*bases, *_unread(by_name), *_arp(by_name), *_early(by_name)),
        bits=bits_of(chains),
    )


EARLY = {
    "xdp": ("ingress", Dimension.IIF, "a program of XDP"),
    "tc": ("ingress", Dimension.IIF, "filters of tc"),
    "tc-egress": ("egress", Dimension.OIF, "filters of tc for outgoing packets"),
}
NAMED = 3
"""Of more devices the others are counted."""


def _early(by_name: Mapping[str, Block]) -> Iterator[BaseChain]:
    """Yield chains for what sees packets of a device before the packet filter does, or after it.

    One stands for all devices: a node may have hundreds (a container network made of eBPF).
    """
    if "unread" in _lines(by_name, "early"):
        yield BaseChain(
            "ingress",
            -1000,
            None,
            (4, 6),
            text="whether devices have programs of XDP could not be read (ip link)",
        )
    for kind, (hook, side, what) in EARLY.items():
        lines = (line.partition(" ") for line in _lines(by_name, "early"))
        names = [name for found, _, name in lines if found == kind and name != "lo"]
        if names:
            more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
            yield BaseChain(
                hook,
                -1000,
                None,
                (4, 6),
                boxes=({side: numbers(map(interface, names))},),
                text=printable(f"{what} on {', '.join(names[:NAMED])}{more} cannot be followed"),
            )


def _arp(by_name: Mapping[str, Block]) -> tuple[BaseChain, ...]:
    """Return chains for rules of legacy arptables, which may keep others from any IPv4 address."""
    names, rules = by_name.get("arp-legacy-tables"), by_name.get("arp-legacy")
    if names is None or (names.status == 0 and not names.text.strip()):
        return ()
    lines = rules.text.split("\n") if rules is not None and rules.status == 0 else ["-A"]
    if not any(line.startswith("-A") or line.split()[1:2] == ["DROP"] for line in lines):
        return ()
    doubt = BaseChain(
        "prerouting",
        -1000,
        None,
        (4,),
        text="rules of legacy arptables are not followed",
        moves=False,
    )
    return doubt, doubt._replace(hook="postrouting")


def _nftables(
    by_name: Mapping[str, Block], text: str, saved_blocks: Mapping[str, Block], sets: Sets
) -> Program:
    """Return the rules of nftables. `saved_blocks`: the output of iptables-nft-save by family."""
    # Where the rules changed between the readings, only the first one counts.
    has_moved = "moved" in by_name
    other = {
        name: by_name[name].text
        for name in ("dormant", "devices")
        if name in by_name and by_name[name].status == 0 and not has_moved
    }
    saved: dict[Key, Sequence[iptables.SavedRule]] = {}
    for family, block in saved_blocks.items() if not has_moved else ():
        saved |= iptables.listed(block.text, family)
    dormant = [_table(line) for line in other.get("dormant", "").split("\n") if line]
    return nftables.read(
        text,
        dormant if "dormant" in other else None,
        saved,
        named=nftables.devices(other["devices"]) if "devices" in other else {},
        stacked=[(lower, upper) for _, lower, upper in _stacked(by_name)],
        addresses=sets,
        comparisons=_comparisons(by_name),
    )


def _comparisons(by_name: Mapping[str, Block]) -> nft_bytecode.Comparisons | None:
    """Return what the kernel compares in each rule: nothing is known of any where that could not be
    read. None without a reading: there are no rules, or another version of the probe printed this.
    """
    block = by_name.get("compared")
    if block is None:
        return None
    return nft_bytecode.read(block.text) if block.status == 0 and "moved" not in by_name else {}


def _unread(by_name: Mapping[str, Block]) -> tuple[BaseChain, ...]:
    """Return chains for rules that may be in the kernel and cannot be read without nft."""
    modules = by_name.get("nf-tables")
    if by_name["nft"].status is not None or (
        modules is not None
        and modules.text == "no"
        and not any(by_name[name].text.strip() for name in SAVES[:2] if name in by_name)
    ):
        return ()
    why = "the rules of nftables could not be read (no nft on the node)"
    unread = BaseChain("prerouting", -1000, None, (4, 6), text=why)
    return unread, unread._replace(hook="output")


def _ipsets(by_name: Mapping[str, Block]) -> Sets:
    block = by_name.get("ipset")
    if block is None or block.status != 0:
        return NO_SETS
    saved_blocks = (by_name[name].text for name in SAVES if name in by_name)
    return ipsets.read(
        block.text, [name for text in saved_blocks for name in _CHANGES.findall(text)]
    )


def _table(line: str) -> tuple[str, str]:
    _, family, name, *_ = [*line.split(), "", "", ""]
    return family, name


def _inet6(lines: list[str]) -> tuple[int, ...]:
    """Return the addresses in /proc/net/if_inet6.

    Its fields: address, index, prefix length, scope, flags, interface.
    """
    found = (int(fields[0], 16) for line in lines if (fields := line.split()))
    return tuple(number for number in found if number != LOOPBACK6)


def _addresses(by_name: Mapping[str, Block]) -> Mapping[int, Numbers]:
    """Return the addresses of the node.

    A list without an address that the node is known to have is not used.
    """
    spans: dict[int, list[tuple[int, int]]] = {4: [], 6: []}
    for line in _lines(by_name, "addresses"):
        family, span = network(line)
        spans[family].append(span)
    required = {4: [LOOPBACK4], 6: [LOOPBACK6, *(_inet6(_lines(by_name, "inet6")))]}
    found = {family: numbers(some) for family, some in spans.items()}
    return {
        family: some
        for family, some in found.items()
        if not without(numbers((number, number) for number in required[family]), some)
    }


def _tuples(by_name: Mapping[str, Block]) -> tuple[str, ...] | None:
    files = [by_name[name] for name in ("ufw-rules", "ufw-rules6") if name in by_name]
    if not files or any(block.status != 0 for block in files):
        return None
    return tuple(line for block in files for line in block.text.split("\n") if line)


def _by_hand(by_name: Mapping[str, Block]) -> str | None:
    files = [by_name[name] for name in ("ufw-lines", "ufw-lines6") if name in by_name]
    found = [by_hand(block.text.split("\n")) for block in files if block.status == 0]
    return next(filter(None, found), "" if files and len(found) == len(files) else None)


def _ufw(by_name: Mapping[str, Block]) -> Ufw | None:
    if "ufw" not in by_name:
        return None
    edited = tuple(_lines(by_name, "ufw-edited")) if "ufw-edited" in by_name else None
    return Ufw(
        settings(
            _lines(by_name, "ufw"),
            _lines(by_name, "ufw-settings"),
            edited,
            next(iter(_lines(by_name, "ufw-code")), ""),
        ),
        _tuples(by_name),
        _by_hand(by_name),
    )


def _firewalld(by_name: Mapping[str, Block]) -> Firewalld | None:
    if "firewalld" not in by_name:
        return None
    running, doubt = _runs(by_name["firewalld"])
    return Firewalld(
        running,
        doubt,
        pending=_read(by_name, "firewalld-pending"),
        stored=_read(by_name, "firewalld-stored"),
        boots=_lines(by_name, "firewalld-boot") == ["enabled"],
    )


def _runs(block: Block) -> tuple[bool | None, str | None]:
    """Return whether firewalld runs, and why that is unknown.

    `firewall-cmd --state` ends with 252 where it does not run (firewall-cmd(1)).
    """
    if block.status == 0:
        state = block.text.strip().lower().removeprefix("s ").strip('"')
        return (
            (True, None)
            if state == "running"
            else (None, f"is not ready ({printable(state[:40])})")
        )
    return (False, None) if block.status == 252 else (None, block.why("firewalld's state"))
