"""Discovers the kernel parameters that somebody set, with the values in force."""

from collections.abc import Iterator, Mapping

from power_edge.model.discovery import Discovery
from power_edge.resources.sysctl.key import Setting, Value


def name(path: str) -> str:
    """Return a path below /proc/sys as a key with dots. A dot in the path (of an interface eth0.5)
    becomes a slash (sysctl.d(5)).
    """
    return path.translate({ord("."): "/", ord("/"): "."})


def forms(_: str, observed: Value | None) -> Iterator[Mapping[str, str]]:
    """Yield the value that the kernel shows."""
    if observed is not None:
        yield {"value": str(observed)}


DISCOVERY: Discovery[Setting, Value | None] = Discovery(name=name, forms=forms)
