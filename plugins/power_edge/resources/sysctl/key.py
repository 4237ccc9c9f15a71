"""A kernel parameter: its key, its declared value, and its value as the kernel shows it."""

import re
from typing import NamedTuple

_MODULES = {
    "net/bridge/": "br_netfilter",
    "net/netfilter/nf_conntrack": "nf_conntrack",
    "net/nf_conntrack": "nf_conntrack",
}
"""Beginning of a key's path -> the kernel module that brings the key."""

_DOTTED_INTERFACE = re.compile(r"net/(ipv4|ipv6)/(conf|neigh)/([^/]+)/([0-9]+)/([^/]+)")


class Setting(NamedTuple):
    """A key and its value, both as declared."""

    key: str
    value: str


class Value(str):
    """A value as the kernel shows it.

    `obstacle` is why no write on the node can change it; None if no reason is known.
    """

    __slots__ = ("obstacle",)
    obstacle: str | None

    def __new__(cls, text: str, obstacle: str | None = None) -> "Value":
        value = super().__new__(cls, text)
        value.obstacle = obstacle
        return value


def canonical(key: str) -> str:
    """Return the key as a path below /proc/sys. The first `.` or `/` in it decides which of the two
    separates its parts (sysctl.d(5)).
    """
    first = re.search(r"[./]", key)
    if first is not None and first[0] == ".":
        return key.translate({ord("."): "/", ord("/"): "."})
    return key


def module_of(path: str) -> str | None:
    """Return the kernel module that brings the key at this path; None: no module is known."""
    return next((module for prefix, module in _MODULES.items() if path.startswith(prefix)), None)


def missing(path: str) -> str:
    """Return why the kernel may have no key at this path, for people."""
    dotted = _DOTTED_INTERFACE.fullmatch(path)
    if dotted is not None:
        family, table, interface, vlan, name = dotted.groups()
        return (
            f"no such key (for an interface {interface}.{vlan} write"
            f" net.{family}.{table}.{interface}/{vlan}.{name})"
        )
    module = module_of(path)
    return f"no such key (it comes with the kernel module {module})" if module else "no such key"
