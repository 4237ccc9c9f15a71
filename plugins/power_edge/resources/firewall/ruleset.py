"""The firewall of a node, as the probe saw it: the program that the kernel runs, ufw, firewalld."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from power_edge.resources.firewall.packets.program import Program
from power_edge.resources.firewall.packets.sets import Numbers, interface, numbers
from power_edge.resources.firewall.readers.ufw_files import Settings, Tuple, tuples
from power_edge.resources.firewall.ssh_access import DEFAULT_ACCESS, SshAccess
from power_edge.text import printable


@dataclass(frozen=True, kw_only=True, eq=False)
class Network:
    """Interfaces and addresses of a node. None stands for what could not be read.

    `interfaces`: all but lo and the ports of bridges and bonds, which get no packets themselves.
    `ports`: the ports of bridges and bonds, and the device above each. `outside`: those that a
    default route uses. `inet6`: the node's IPv6 addresses but ::1.
    `addresses`: by family, the addresses at which it takes packets; a family that could not be read
    is missing. `echo_ignored`: the files below /proc/sys by which the kernel answers no echo
    requests, whatever its rules say.
    """

    interfaces: tuple[str, ...] | None = None
    ports: Mapping[str, str] = field(default_factory=dict)
    outside: tuple[str, ...] = ()
    inet6: tuple[int, ...] | None = None
    addresses: Mapping[int, Numbers] = field(default_factory=dict)
    echo_ignored: tuple[str, ...] = ()

    @cached_property
    def existing(self) -> Numbers:
        """The interfaces of the node as a set of numbers."""
        return numbers(interface(name) for name in self.interfaces or ())


class Ufw(NamedTuple):
    """ufw as its files say. None stands for what could not be read.

    `lines`: the rules in its files. `by_hand`: a line of these files that ufw does not make of its
    rules, empty if there is none.
    """

    settings: Settings
    lines: tuple[str, ...] | None = None
    by_hand: str | None = None

    @property
    def rules(self) -> tuple[Tuple, ...] | None:
        """The rules for incoming connections; None where they could not be read."""
        try:
            return None if self.lines is None else tuple(tuples(self.lines))
        except ValueError:
            return None


class Firewalld(NamedTuple):
    """firewalld as its own commands say. None stands for what could not be read.

    `running`: whether it runs; `doubt`: why that is unknown. `pending`: settings that a reload
    would undo. `stored`: what a start would load. `boots`: whether a boot starts it.
    """

    running: bool | None
    doubt: str | None = None
    pending: tuple[str, ...] | None = None
    stored: tuple[str, ...] | None = None
    boots: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Ruleset:
    """The firewall of a node.

    `ufw`, `firewalld`: None where it is not installed. `ssh_access`: how the operator gets in.
    `saved`: the files of rules that a boot may load.
    """

    program: Program
    network: Network = field(default_factory=Network)
    ufw: Ufw | None = None
    firewalld: Firewalld | None = None
    ssh_access: SshAccess = DEFAULT_ACCESS
    saved: tuple[str, ...] = ()

    @property
    def ufw_enabled(self) -> bool:
        """Whether ufw is installed, and ufw.conf says enabled."""
        return self.ufw is not None and self.ufw.settings.enabled

    @property
    def ufw_undecided(self) -> str:
        """Why it is unknown whether a boot loads ufw; empty where it is known."""
        if self.ufw is None or not self.ufw.settings.code:
            return ""
        line = printable(self.ufw.settings.code[:100])
        return f"ufw's configuration has code of the shell, which is not run here: {line}"

    @property
    def ufw_without_ipv6(self) -> bool:
        """Whether ufw is set to load no rules for IPv6 (IPV6=no)."""
        return self.ufw is not None and self.ufw.settings.ipv6 is False

    @property
    def firewalld_runs(self) -> bool:
        """Whether firewalld certainly runs."""
        return self.firewalld is not None and bool(self.firewalld.running)

    @property
    def has_firewalld_rules(self) -> bool:
        """Whether the kernel holds firewalld's table, or the chains of its iptables backend."""
        return any(
            name[1] == "firewalld" or name[2] == "INPUT_ZONES" for name in self.program.chains
        )
