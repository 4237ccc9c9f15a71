"""Kernel parameters that somebody set, with the values in force."""

from collections.abc import Iterator, Mapping

from power_edge.model.discovery import Discovery
from power_edge.resources.sysctl.key import Setting, Value


def name(path: str) -> str:
    """A path below /proc/sys as a key with dots; a dot of the path (an interface eth0.5) becomes a
    slash, as sysctl.d(5) has it.
    """
    return path.translate({ord("."): "/", ord("/"): "."})


def forms(_: str, observed: Value | None) -> Iterator[Mapping[str, str]]:
    """The value as the kernel shows it."""
    if observed is not None:
        yield {"value": str(observed)}


DISCOVERY: Discovery[Setting, Value | None] = Discovery(name=name, forms=forms)
