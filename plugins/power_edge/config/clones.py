"""The identities on file of all nodes: which node is a machine, and which nodes are one machine."""

import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from power_edge.config.error import ConfigError
from power_edge.config.node import load_system_identity
from power_edge.config.node_configs import (
    NODE_CONFIGS,
    SYSTEM_IDENTITY,
    has_state,
    node_file,
    nodes,
    read_file,
)
from power_edge.config.node_names import check_name
from power_edge.identity.identifiers import Expected, expected, readings
from power_edge.identity.match import Conflict, Match, match, one_machine
from power_edge.model import Problem, Source

if TYPE_CHECKING:
    from power_edge.model.generated.system_identity_schema import SystemIdentity


def identities(root: Path) -> Iterator[tuple[Path, "SystemIdentity | ConfigError"]]:
    """Yield the folders of nodes that have an identity on file, by name, with the identity.

    In place of an identity that cannot be used comes the error. A folder without a state.yaml is
    left out: its machine is not a node yet.
    """
    for folder in filter(has_state, nodes(root)) if root.is_dir() else ():
        try:
            check_name(folder.name)
            content = read_file(folder, SYSTEM_IDENTITY)
            if content is not None:
                yield folder, load_system_identity(content, node_file(folder, SYSTEM_IDENTITY))
        except ConfigError as error:
            yield folder, error


def node_of(
    machine: "SystemIdentity", known: Mapping[Path, "SystemIdentity"]
) -> Match[Path] | None:
    """Return which of the folders `known` is the node of the machine that shows an identity.

    None if no folder matches. Raises ConfigError if several do. Folders that share one file, by
    a symbolic link, are one node on purpose: the first of them counts.
    """
    distinct: dict[str, Path] = {}
    for folder in known:
        distinct.setdefault(os.path.realpath(folder / SYSTEM_IDENTITY), folder)
    on_file = {folder: expected(known[folder]) for folder in distinct.values()}
    found = match(readings(machine), on_file)
    if isinstance(found, Conflict):
        first, *others = found.nodes
        raise ConfigError(
            _same_machine(other.name, first.name, str(on_file[other].primary)) for other in others
        )
    return found


def sharing(folder: Path, known: Collection[Path]) -> list[Path]:
    """Return the folders that share a folder's identity file by a symbolic link, itself included.

    They are several nodes of one machine on purpose.
    """
    return [other for other in known if other == folder or _one_file(folder, other)]


def others(folder: Path) -> dict[str, Expected]:
    """Return the identities on file of all other nodes beside a node's folder, by name.

    Those that cannot be used are left out.
    """
    found: dict[str, Expected] = {}
    with suppress(ConfigError):
        siblings = nodes(folder.parent)
        for other in (each for each in siblings if each.name != folder.name and has_state(each)):
            with suppress(OSError, ConfigError):
                stat = (other / SYSTEM_IDENTITY).stat()
                found[other.name] = _expected(other, stat.st_mtime_ns, stat.st_size)
    return found


@lru_cache(maxsize=4096)  # where many nodes are wrong, each is compared with all others
def _expected(folder: Path, _changed: int, _size: int) -> Expected:
    content = read_file(folder, SYSTEM_IDENTITY) or b""
    return expected(load_system_identity(content, node_file(folder, SYSTEM_IDENTITY)))


class KnownMachine(ConfigError):
    """A machine that is to become one node is another node already."""

    def __init__(self, folder: Path, other: Path, kind: str) -> None:
        super().__init__([_same_machine(folder.name, other.name, kind)])
        self.args = (
            f"this machine is already the node {other.name}; "
            f"to write that node: power-edge discover {quote(other.name)}\n{self}",
        )


def duplicates(known: Mapping[Path, "SystemIdentity"], of: Collection[Path]) -> list[Problem]:
    """Return a problem for each folder of `of` whose machine is another folder's, one per pair.

    Usually they are clones of one image.
    """
    return [
        _same_machine(folder.name, other.name, kind)
        for folder, other, kind in pairs_of_one_machine(known, of)
    ]


def pairs_of_one_machine(
    known: Mapping[Path, "SystemIdentity"], of: Collection[Path]
) -> Iterator[tuple[Path, Path, str]]:
    """Yield (a folder of `of`, another folder of the same machine, the kind of identifier they
    share).

    Each pair comes once. Two folders that share one file,
    by a symbolic link, are duplicates on purpose and do not count.
    """
    machines = {
        folder: machine
        for folder, identity in known.items()
        if (machine := expected(identity)).identifies
    }
    by_hash: dict[str, list[Path]] = {}  # comparing each with each takes seconds for a thousand
    for folder, machine in machines.items():
        for digest in machine.hashes.values():
            by_hash.setdefault(digest, []).append(folder)
    for folder in of:
        for other in (
            (other for digest in machines[folder].hashes.values() for other in by_hash[digest])
            if folder in machines
            else ()
        ):
            counts = other.name < folder.name or other not in of
            if (
                other != folder
                and counts
                and (kind := one_machine(machines[folder], machines[other]))
                and not _one_file(folder, other)
            ):
                yield folder, other, kind
                break


def check_unique(folder: Path, identity: "SystemIdentity") -> None:
    """Check that the machine with an identity is not a node already, other than `folder`.

    Raises ConfigError if it is one.
    """
    known = {
        other: on_file
        for other, on_file in identities(folder.parent)
        if not isinstance(on_file, ConfigError)
    }
    if problems := duplicates({**known, folder: identity}, [folder]):
        raise ConfigError(problems)


def _one_file(folder: Path, other: Path) -> bool:
    try:
        return (folder / SYSTEM_IDENTITY).samefile(other / SYSTEM_IDENTITY)
    except OSError:
        return False


def _same_machine(name: str, other: str, kind: str) -> Problem:
    hint = (
        "for two nodes on purpose, make one file a symbolic link: "
        f"ln -s ../{other}/{SYSTEM_IDENTITY}"
    )
    copied = (
        "if one folder is a copy of the other, remove this file from the copy, and record the "
        "copy's own machine: power-edge identity NODE --write"
    )
    if kind == "machine-id":
        # systemd-machine-id-setup(1) would bring the old id back: D-Bus's copy of it, the UUID of a
        # virtual machine, or the container's.
        commands = (
            "rm -f /var/lib/dbus/machine-id /etc/ssh/ssh_host_*; "
            "tr -d - </proc/sys/kernel/random/uuid >/etc/machine-id; ssh-keygen -A; reboot"
        )
        hint = (
            "if one machine is a clone of the other, make a new id as root on the clone: "
            f"{commands}; then record its identity again; {hint}"
        )
    return Problem(
        Source(f"{NODE_CONFIGS}/{name}/{SYSTEM_IDENTITY}", 0),
        f"is for the same machine as {NODE_CONFIGS}/{other}/{SYSTEM_IDENTITY} (equal {kind})",
        f"{copied}; {hint}",
    )
