"""What apt says that it would do for an item: the probe asked `apt-get -s`, which changes nothing."""

import re
from collections.abc import Sequence
from typing import NamedTuple

_CHANGE = re.compile(r"(Inst|Remv|Purg) (\S+)(?: \[([^\]]*)\])?(?: \((\S+))?")
_WAY = re.compile(
    r"(openssh-server|dropbear|tinysshd|sudo|doas|network-manager|networkd|netplan|ifupdown|connman|wicked|dhcpcd|isc-dhcp-client|udhcpc|"
    r"wpasupplicant|iwd|resolvconf|openvpn|wireguard|tailscale|zerotier|strongswan|libreswan|nebula|tinc|ufw|firewalld|shorewall|ferm|nftables|"
    r"iptables|netfilter-persistent|fail2ban|crowdsec|sshguard|apparmor|systemd|dbus|libpam|libnss|sssd|grub|linux-image)(?=$|[-:0-9])"
)
"""Names of packages that may touch the way to the node once they are installed.

What a package holds that is not there yet, no node knows.
"""


class Change(NamedTuple):
    """A package that apt would change: `kind` is Inst, Remv or Purg; `old` and `new` are versions,
    None where there is none.
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
    """`words` follow `apt-get`; `changes` are all that it would do, empty where it refuses, and
    `refusal` says why.

    `ways` are parts of the way to the node that a package of `words` holds, as it is installed now.
    """

    words: tuple[str, ...]
    changes: tuple[Change, ...]
    refusal: str | None
    ways: tuple[str, ...] = ()

    @property
    def command(self) -> tuple[str, ...]:
        """The argv that was simulated."""
        verb, *rest = self.words
        return ("apt-get", verb, "-y", *rest)

    def own(self, native: str) -> frozenset[str]:
        """The packages that the command names, as apt spells them: without the node's own
        architecture.
        """
        names = (word.partition("=")[0] for word in self.words[1:] if not word.startswith("-"))
        return frozenset(name.removesuffix(f":{native}") for name in names)

    def beside(self, native: str) -> tuple[Change, ...]:
        """What would change beside the packages that the command names, but for new ones that an
        installed one needs.
        """
        own, needs = self.own(native), self.along(native)
        return tuple(
            change for change in self.changes if change.name not in own and change.name not in needs
        )

    def along(self, native: str) -> tuple[str, ...]:
        """The new packages that would come along, since the installed ones depend on them."""
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
        """Whether it could end the way to the node."""
        return bool(self.ways) or any(
            change.kind == "Inst" and _WAY.match(change.name) for change in self.changes
        )


def simulation(
    words: Sequence[str], lines: Sequence[str], errors: Sequence[str], ways: Sequence[str]
) -> Simulation:
    """From the lines that `apt-get -s` printed (the last one is `status N`), and its lines on
    stderr.
    """
    status = lines[-1] if lines and lines[-1].startswith("status ") else "no status"
    changes = tuple(Change(*match.groups()) for line in lines if (match := _CHANGE.match(line)))
    refusal = None
    if status != "status 0":
        said = [line for line in errors if line.startswith("E:")] or [
            "it took too long" if status == "status 124" else f"it ended with {status}"
        ]
        refusal = said[0].removeprefix("E: ")
    return Simulation(tuple(words), changes if refusal is None else (), refusal, tuple(ways))
