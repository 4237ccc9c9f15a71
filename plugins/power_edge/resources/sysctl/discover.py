"""Kernel parameters that somebody set, with the values in force."""

from collections.abc import Iterator, Mapping

from power_edge.model.discovery import Discovery, Watch


def name(path: str) -> str:
    """A path below /proc/sys as a key with dots; a dot of the path (an interface eth0.5) becomes a
    slash, as sysctl.d(5) has it.
    """
    return path.translate({ord("."): "/", ord("/"): "."})


def forms(_: str, observed: str | None) -> Iterator[Mapping[str, str]]:
    """The value as the kernel shows it."""
    if observed is not None:
        yield {"value": str(observed)}


DISCOVERY = Discovery(
    name=name,
    forms=forms,
    watch=lambda _, __: Watch(paths=("/etc/sysctl.conf", "/etc/sysctl.d"), commands=("sysctl",)),
)
