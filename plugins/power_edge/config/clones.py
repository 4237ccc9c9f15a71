"""The identities on file, of all nodes: which folders are meant for one and the same machine."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Final

from power_edge.config.error import ConfigError
from power_edge.config.node import check_name, load_system_identity
from power_edge.config.node_configs import NODE_CONFIGS, has_state, node_file, nodes, read_file
from power_edge.identity import gate
from power_edge.model import Problem, Source

if TYPE_CHECKING:
    from power_edge.model.generated.system_identity_schema import SystemIdentity

IDENTITY: Final = "system-identity.yaml"


def identities(root: Path) -> Iterator[tuple[Path, "SystemIdentity | ConfigError"]]:
    """The nodes' folders with an identity on file, by name, and that, or why it cannot be used.

    A folder without a state.yaml is not among them: its machine is not recorded yet.
    """
    for folder in filter(has_state, nodes(root)) if root.is_dir() else ():
        try:
            check_name(folder.name)
            content = read_file(folder, IDENTITY)
            if content is not None:
                yield folder, load_system_identity(content, node_file(folder, IDENTITY))
        except ConfigError as error:
            yield folder, error


def others(folder: Path) -> dict[str, gate.Expected]:
    """The identities on file of all other nodes beside a node's folder, by name.

    Those that cannot be used are left out.
    """
    found: dict[str, gate.Expected] = {}
    with suppress(ConfigError):
        beside = nodes(folder.parent)
        for other in (each for each in beside if each.name != folder.name and has_state(each)):
            with suppress(OSError, ConfigError):
                stat = (other / IDENTITY).stat()
                found[other.name] = _on_file(other, stat.st_mtime_ns, stat.st_size)
    return found


@lru_cache(maxsize=4096)  # where many nodes are wrong, each is compared with all others
def _on_file(folder: Path, _changed: int, _size: int) -> gate.Expected:
    return gate.expected(
        load_system_identity(read_file(folder, IDENTITY) or b"", node_file(folder, IDENTITY))
    )


class KnownMachine(ConfigError):
    """A machine that is to be one node is another already."""

    def __init__(self, folder: Path, other: Path, kind: str) -> None:
        super().__init__([_problem(folder.name, other.name, kind)])
        self.args = (
            f"this machine is the node {other.name} already; to write that one: power-edge discover {quote(other.name)}\n{self}",
        )


def duplicates(known: Mapping[Path, "SystemIdentity"], of: Collection[Path]) -> list[Problem]:
    """A problem for each folder of `of` whose machine is that of another one, told once of a pair:
    clones of an image, as a rule.
    """
    return [_problem(folder.name, other.name, kind) for folder, other, kind in twins(known, of)]


def twins(
    known: Mapping[Path, "SystemIdentity"], of: Collection[Path]
) -> Iterator[tuple[Path, Path, str]]:
    """The folders of `of` whose machine is that of another one, with that and the identifier that
    they share; once of a pair.

    Two folders that share one file, by a symbolic link, mean it.
    """
    machines = {
        folder: gate.expected(identity)
        for folder, identity in known.items()
        if gate.tells(identity)
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
            once = other.name < folder.name or other not in of
            if (
                other != folder
                and once
                and (kind := gate.shared(machines[folder], machines[other]))
                and not _one_file(folder, other)
            ):
                yield folder, other, kind
                break


def check_unique(folder: Path, identity: "SystemIdentity") -> None:
    """Raises ConfigError if the machine with this identity, which is to be the node's of `folder`,
    is another node beside it already.
    """
    known = {
        other: on_file
        for other, on_file in identities(folder.parent)
        if not isinstance(on_file, ConfigError)
    }
    if same := duplicates({**known, folder: identity}, [folder]):
        raise ConfigError(same)


def _one_file(folder: Path, other: Path) -> bool:
    try:
        return (folder / IDENTITY).samefile(other / IDENTITY)
    except OSError:
        return False


def _problem(name: str, other: str, kind: str) -> Problem:
    hint = f"two nodes on purpose? make one file a symbolic link: ln -s ../{other}/{IDENTITY}"
    if kind == "machine-id":
        # systemd-machine-id-setup(1) would bring the old one back: of D-Bus's copy, the UUID of a
        # virtual machine, or the container's.
        fresh = "rm -f /var/lib/dbus/machine-id /etc/ssh/ssh_host_*; tr -d - </proc/sys/kernel/random/uuid >/etc/machine-id; ssh-keygen -A; reboot"
        hint = f"a cloned image? for a fresh id, as root on one of them: {fresh}; then record it anew; {hint}"
    return Problem(
        Source(f"{NODE_CONFIGS}/{name}/{IDENTITY}", 0),
        f"is the same machine's as {NODE_CONFIGS}/{other}/{IDENTITY}, by the {kind}",
        hint,
    )
