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


def triggers(_: Package, family: str) -> Triggers:
    """Return the commands of the family's package managers."""
    return Triggers(commands=_COMMANDS.get(family, ()))
