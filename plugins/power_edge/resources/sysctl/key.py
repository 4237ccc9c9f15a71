"""A kernel parameter: its key, and its value as it is declared and as the kernel shows it."""

import re
from typing import NamedTuple

_MODULES = {
    "net/bridge/": "br_netfilter",
    "net/netfilter/nf_conntrack": "nf_conntrack",
    "net/nf_conntrack": "nf_conntrack",
}
"""Keys that come with a kernel module, by how they begin."""


class Setting(NamedTuple):
    """A key, as declared, and the value it is to have."""

    key: str
    value: str


class Value(str):
    """A value as the kernel shows it.

    `obstacle` is the reason why no write on the node can change it, None where none is known.
    """

    __slots__ = ("obstacle",)
    obstacle: str | None

    def __new__(cls, text: str, obstacle: str | None = None) -> "Value":
        value = super().__new__(cls, text)
        value.obstacle = obstacle
        return value


def canonical(key: str) -> str:
    """The key as a path below /proc/sys: the first separator decides which of `.` and `/` separates
    (sysctl.d(5)).
    """
    first = re.search(r"[./]", key)
    if first is not None and first[0] == ".":
        return key.translate({ord("."): "/", ord("/"): "."})
    return key


def module_of(path: str) -> str | None:
    """The kernel module that a key comes with, by its path."""
    return next((module for prefix, module in _MODULES.items() if path.startswith(prefix)), None)
