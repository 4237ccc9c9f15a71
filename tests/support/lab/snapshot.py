"""What a node is, as far as a remedy could change it, and what changed between two looks."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from tests.support.lab.nodes import Node

_LOOK = r"""
section() { printf '== %s\n' "$1"; }
section active
systemctl list-units --type=service,socket,timer --state=active,activating,reloading --no-legend --plain | cut -d ' ' -f 1
systemctl list-jobs --no-legend --plain | awk '{ print $2 }' # what waits to be started is as good as active
section links
find /etc/systemd /run/systemd/system /lib/systemd/system /usr/local/lib/systemd -type l -printf '%p -> %l\n' 2>/dev/null
section packages
if [ -s /var/lib/dpkg/status ]; then
    dpkg-query -W -f '${Package}:${Architecture} ${Version} ${Status}\n'
    apt-mark showmanual | sed 's/$/ manual/'
else
    rpm -qa
fi
section files
set -- /etc /root /srv /opt /usr/local -xdev
find "$@" -printf '%p %y %#m %U:%G %l\n' 2>/dev/null
# sha256sum begins the line of a name with a backslash or a newline in it with a backslash
find "$@" -type f -exec sha256sum {} + 2>/dev/null |
    sed -e '/^\\/{ s/^.//; s/\\\\/\\/g }' -e 's/^\(\S*\)  \(.*\)/\2 \1/'
section sysctl
sysctl -a 2>/dev/null | grep -e '^net\.' -e '^kernel\.hostname'
section firewall
nft -s list ruleset
for save in iptables-legacy-save ip6tables-legacy-save; do $save 2>/dev/null | grep -v -e '^#' -e '^:'; done
section listening
ss -Hltun | awk '{ print $1, $5 }'
:
"""
_PASSING = (
    "user@",
    "user-runtime-dir@",
    "systemd-tmpfiles-clean.service",
    "systemd-hostnamed",
    "net.netfilter.nf_conntrack_count",
)
"""How lines begin that come and go by themselves."""


class Change(NamedTuple):
    """A line of one section that went (`-`) or came (`+`)."""

    section: str
    sign: str
    line: str

    def __str__(self) -> str:
        return f"{self.section}: {self.sign}{self.line}"


class Snapshot(NamedTuple):
    sections: Mapping[str, frozenset[str]]

    def changes(self, later: "Snapshot") -> Iterator[Change]:
        """What a later snapshot has otherwise."""
        for section, lines in self.sections.items():
            for sign, gone in (
                ("-", lines - later.sections[section]),
                ("+", later.sections[section] - lines),
            ):
                yield from (Change(section, sign, line) for line in sorted(gone))


def snapshot(node: Node) -> Snapshot:
    """Active units, links of units, packages, what lies below /etc and where recordings put files,
    net.* keys, firewall rules, open ports.
    """
    sections: dict[str, set[str]] = {}
    for line in node.run("/bin/sh", "-c", _LOOK).stdout.splitlines():
        if line.startswith("== "):
            lines = sections.setdefault(line[3:], set())
        elif not line.startswith(_PASSING):
            lines.add(line)
    return Snapshot({section: frozenset(lines) for section, lines in sections.items()})


Concern = Mapping[str, str]
"""What an item is about: by section, how lines may begin that its remedy may change (a regular
expression)."""


def beside(changes: Iterable[Change], concern: Concern) -> list[Change]:
    """The changes that are not the declared item's own."""
    nothing = "(?!)"
    return [
        change
        for change in changes
        if not re.match(concern.get(change.section, nothing), change.line)
    ]
