"""Reads what apt would do for an item, by `apt-get -s`, which changes nothing."""

import re
from collections.abc import Sequence
from typing import NamedTuple

_CHANGE = re.compile(r"(Inst|Remv|Purg) (\S+)(?: \[([^\]]*)\])?(?: \((\S+))?")
_ACCESS = re.compile(
    r"(openssh-server|dropbear|tinysshd|sudo|doas|network-manager|networkd|netplan|ifupdown|connman|wicked|dhcpcd|isc-dhcp-client|udhcpc|"
    r"wpasupplicant|iwd|resolvconf|openvpn|wireguard|tailscale|zerotier|strongswan|libreswan|nebula|tinc|ufw|firewalld|shorewall|ferm|nftables|"
    r"iptables|netfilter-persistent|fail2ban|crowdsec|sshguard|apparmor|systemd|dbus|libpam|libnss|sssd|grub|linux-image)(?=$|[-:0-9])"
)
"""Names of packages whose installation may cut off access to the node. The node does not know the
files of a package that is not installed yet.
"""

TOO_LONG = "it took too long"
"""Of a simulation that was ended: apt refuses nothing."""


class Change(NamedTuple):
    """A package that apt would change. `kind` is Inst, Remv or Purg. `old` and `new` are versions,
    None before an installation and after a removal.
    """

    kind: str
    name: str
    old: str | None
    new: str | None

    def __str__(self) -> str:
        if self.kind != "Inst":
            return f"remove {self.name}"
        return (
            f"install {self.name} {self.new}"
            if self.old is None
            else f"change {self.name} from {self.old} to {self.new}"
        )


class Simulation(NamedTuple):
    """What apt would do.

    `words`: the arguments after `apt-get`. `changes`: all that it would do, empty if it refuses;
    then `refusal` says why. `access`: what the installed packages in `words` hold that access to
    the node depends on.
    """

    words: tuple[str, ...]
    changes: tuple[Change, ...]
    refusal: str | None
    access: tuple[str, ...] = ()

    @property
    def command(self) -> tuple[str, ...]:
        """The argv that was simulated."""
        verb, *rest = self.words
        return ("apt-get", verb, "-y", *rest)

    def own(self, native: str) -> frozenset[str]:
        """Return the packages that the command names, as apt spells them: without the node's own
        architecture.
        """
        names = (word.partition("=")[0] for word in self.words[1:] if not word.startswith("-"))
        return frozenset(name.removesuffix(f":{native}") for name in names)

    def beside(self, native: str) -> tuple[Change, ...]:
        """Return the changes to packages that the command neither names nor newly needs."""
        own, needs = self.own(native), self.along(native)
        return tuple(
            change for change in self.changes if change.name not in own and change.name not in needs
        )

    def along(self, native: str) -> tuple[str, ...]:
        """Return the new packages that would be installed as dependencies."""
        if self.words[0] != "install":
            return ()
        own = self.own(native)
        return tuple(
            change.name
            for change in self.changes
            if change.name not in own and change.kind == "Inst" and change.old is None
        )

    @property
    def cuts(self) -> bool:
        """Whether the command could cut off access to the node."""
        return bool(self.access) or any(
            change.kind == "Inst" and _ACCESS.match(change.name) for change in self.changes
        )


def simulation(
    words: Sequence[str], lines: Sequence[str], errors: Sequence[str], access: Sequence[str]
) -> Simulation:
    """Read the lines that `apt-get -s` printed (the last one is `status N`), and its lines on
    stderr (`errors`).
    """
    status = lines[-1] if lines and lines[-1].startswith("status ") else "no status"
    changes = tuple(Change(*match.groups()) for line in lines if (match := _CHANGE.match(line)))
    refusal = None
    if status != "status 0":
        reasons = [line for line in errors if line.startswith("E:")] or [
            TOO_LONG if status == "status 124" else f"it ended with {status}"
        ]
        refusal = reasons[0].removeprefix("E: ")
    return Simulation(tuple(words), changes if refusal is None else (), refusal, tuple(access))
