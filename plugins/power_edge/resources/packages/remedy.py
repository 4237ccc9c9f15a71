"""The commands that bring a package to its declared state, in the words of the node's own tool."""

from collections.abc import Iterator, Sequence

from power_edge.model import Command, Finding, Remedy
from power_edge.model.declared.resources.packages_schema import Package as Declared
from power_edge.resources.packages import versions
from power_edge.resources.packages.database import Package


def remedy(declared: Declared, seen: Package | None, _: Sequence[Finding]) -> Remedy:
    """What would bring the package to its declared state."""
    return Remedy(tuple(_commands(declared, seen)))


def _commands(declared: Declared, seen: Package | None) -> Iterator[Command]:
    """Nothing where an administrator put the package on hold, where the declaration is short of an epoch, and without a tool that can do it."""
    if seen is None or seen.tool is None or any(row.want == "hold" for row in seen.rows):
        return
    if any(row.version.partition(":")[2] == declared.version for row in seen.here):
        return
    name = declared.name.lower() if seen.manager == "dpkg" else declared.name.replace(":", ".")
    if declared.state == "absent":
        yield from _remove(seen.tool, [*([name] if seen.here else []), *(f"{row.name}:{row.arch}" for row in seen.others)])
    elif seen.manager == "dpkg" and any(not row.usable for row in seen.here):
        half = [row for row in seen.here if row.status in ("half-configured", "unpacked") and row.flag == "ok"]
        yield ("dpkg", "--configure", name) if half else ("apt-get", "install", "-y", "--reinstall", name)
    else:
        yield from _install(name, declared, seen)


def _remove(tool: str, names: Sequence[str]) -> Iterator[Command]:
    match tool:
        case "apk":
            yield "apk", "del", *names
        case "pacman":
            yield "pacman", "-R", "--noconfirm", *names
        case "apt-get" | "dnf" | "yum" | "zypper" | "microdnf" | "tdnf":
            yield tool, *(("--non-interactive",) if tool == "zypper" else ()), "remove", *(() if tool == "zypper" else ("-y",)), *names


def _install(name: str, declared: Declared, seen: Package) -> Iterator[Command]:
    version = declared.version
    match seen.tool:
        case "apt-get" if version is not None:
            yield "apt-get", "install", "-y", "--allow-downgrades", f"{name}={version}"
        case "apt-get":
            yield "apt-get", "install", "-y", name
        case "apk":
            yield ("apk", "add", f"{name}={version}") if version is not None else ("apk", "add", "-u", name)
        case "dnf" if version is not None:
            yield "dnf", "install", "-y", f"{name}-{version}"  # goes back to an older one as well
        case "zypper" if version is not None:
            yield "zypper", "--non-interactive", "install", "--oldpackage", f"{name}={version}"
        case "zypper":
            yield "zypper", "--non-interactive", "install", name
        case "yum" | "microdnf" | "tdnf" if version is not None and seen.here and versions.rpm(version, seen.here[-1].version) < 0:
            yield seen.tool, "downgrade", "-y", f"{name}-{version}"
        case "dnf" | "yum" | "microdnf" | "tdnf":
            yield seen.tool, "install", "-y", name if version is None else f"{name}-{version}"
        case "pacman" if version is None and declared.state == "present":
            yield "pacman", "-S", "--noconfirm", name
