"""Discovers the kernel parameters that somebody set, with the values in force."""

from collections.abc import Iterator, Mapping

from power_edge.model.discovery import Discovery, Watch


def name(path: str) -> str:
    """Return a path below /proc/sys as a key with dots. A dot in the path (of an interface eth0.5)
    becomes a slash (sysctl.d(5)).
    """
    return path.translate({ord("."): "/", ord("/"): "."})


def forms(_: str, observed: str | None) -> Iterator[Mapping[str, str]]:
    """Yield the value that the kernel shows."""
    if observed is not None:
        yield {"value": str(observed)}


DISCOVERY = Discovery(
    name=name,
    forms=forms,
    watch=lambda _, __: Watch(paths=("/etc/sysctl.conf", "/etc/sysctl.d"), commands=("sysctl",)),
)
