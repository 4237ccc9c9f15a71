"""What on a node can change a package."""

from power_edge.model import Triggers
from power_edge.model.generated.resources.packages_schema import Package

_COMMANDS = {
    "debian": ("apt", "apt-get", "dpkg"),
    "rhel": ("dnf", "rpm"),
    "alpine": ("apk",),
    "arch": ("pacman",),
}
"""Package managers by family of distributions."""
_DATABASES = (
    "/var/lib/dpkg/status",
    "/var/lib/dpkg/updates",  # what a dpkg that was killed has not merged yet
    # Its -wal and -shm change when root only reads (`rpm -qa`).
    "/var/lib/rpm/rpmdb.sqlite",
    "/usr/lib/sysimage/rpm/rpmdb.sqlite",
    "/lib/apk/db/installed",
    "/var/lib/pacman/local",
)
"""What package managers replace or write at the end of each change."""
_OFFERS = {
    "debian": ("/var/lib/apt/lists", "/var/lib/dpkg/arch", "/etc/apt"),
    "alpine": ("/etc/apk/repositories", "/var/cache/apk", "/lib/apk/db"),
    "arch": ("/var/lib/pacman/sync", "/etc/pacman.conf"),
}
"""What decides which versions are on offer, by family."""
_LOCKS = (
    "/var/lib/dpkg/lock-frontend",
    "/var/lib/dpkg/lock",
    "/var/lib/rpm/.rpm.lock",
    "/usr/lib/sysimage/rpm/.rpm.lock",
    "/lib/apk/db/lock",
)
"""Files that a package manager locks for as long as it works (fcntl(2))."""


def triggers(declared: Package, family: str) -> Triggers:
    """Return the commands of the family's package managers, and the databases of all of them."""
    offers = _OFFERS.get(family, ()) if declared.state == "latest" else ()
    return Triggers(
        commands=_COMMANDS.get(family, ()), databases=(*_DATABASES, *offers), locks=_LOCKS
    )
