"""The existing nodes, to find the one that a machine is."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from power_edge.config import ConfigError
from power_edge.config.clones import identities
from power_edge.model.generated.system_identity_schema import SystemIdentity


class KnownNodes(NamedTuple):
    """The nodes' folders that have a usable identity on file, and notes for the user on the others.

    The folders come by name.
    """

    identities: Mapping[Path, SystemIdentity]
    notes: tuple[str, ...]


def known(root: Path | None) -> KnownNodes:
    """Return the nodes in the folder `root`; none if there is no such folder."""
    usable: dict[Path, SystemIdentity] = {}
    notes = []
    for folder, identity in identities(root) if root is not None else ():
        if isinstance(identity, ConfigError):
            notes.append(
                f"{folder.name} was skipped, because its identity cannot be used: "
                f"{identity.problems[0]}"
            )
        else:
            usable[folder] = identity
    return KnownNodes(usable, tuple(notes))
