"""Which node on file is this machine?

`match` compares the identifiers that a machine shows with the identities on file. Everything here
is pure and compares hashes only; the gate is strict for it, whatever `require_match` says.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Generic, NamedTuple, TypeVar

from power_edge.identity.identifiers import MISSING, Expected, Reading

Name = TypeVar("Name")
Readings = Mapping[str, Reading]
"""Kind of identifier -> how the machine shows it."""


class Match(NamedTuple, Generic[Name]):
    """The one node on file that is the machine."""

    node: Name
    migrated: bool = False
    """Another machine-id on the same hardware, which the file allows (`allow_os_migration`)."""


class Conflict(NamedTuple, Generic[Name]):
    """Several nodes on file that are the machine, in the order of the question."""

    nodes: tuple[Name, ...]


def match(
    readings: Readings, on_file_by_node: Mapping[Name, Expected]
) -> Match[Name] | Conflict[Name] | None:
    """Return which of the nodes on file the machine is: one, several that conflict, or None.

    A machine is a node if the identifier that decides there is equal and no other one differs, as
    far as both have it. A match by migration counts only if no other node matches.
    """
    equal: list[Name] = []
    migrated: list[Name] = []
    for node, on_file in on_file_by_node.items():
        # An identifier that a machine does not show is missing, whoever listed its identifiers.
        complete = {kind: readings.get(kind, MISSING) for kind in {**on_file.hashes, **readings}}
        if difference(on_file, complete) is None:
            equal.append(node)
        elif is_migrated(on_file, complete):
            migrated.append(node)
    found = equal or migrated
    if len(found) > 1:
        return Conflict(tuple(found))
    return Match(found[0], migrated=not equal) if found else None


class Reason(Enum):
    """Why a machine is not the one on file."""

    NONE_ON_FILE = "no identifier on file decides"
    NOT_SHOWN = "the machine does not show the identifier that decides"
    ANOTHER = "the identifier that decides differs"
    ANOTHER_PART = "an identifier beside it differs"
    NOT_ANSWERED = "the answer does not mention an identifier on file"


class Difference(NamedTuple):
    """Why a machine is not the one on file, and the kind of identifier that shows it."""

    reason: Reason
    kind: str


def difference(on_file: Expected, readings: Readings) -> Difference | None:
    """Return why a machine is not the one on file; None if it is.

    Every kind on file must be among `readings`. One that could not be read is passed over, unless
    it is the one that decides.
    """
    primary = on_file.primary
    if primary is None:
        return Difference(Reason.NONE_ON_FILE, "")
    deciding = readings.get(primary, MISSING)
    if deciding.hash is None:
        return Difference(Reason.NOT_SHOWN, primary)
    if deciding.hash != on_file.hashes[primary]:
        return Difference(Reason.ANOTHER, primary)
    for kind in _differing(on_file, readings):
        return Difference(Reason.ANOTHER_PART, kind)
    for kind in on_file.hashes:
        if kind not in readings:
            return Difference(Reason.NOT_ANSWERED, kind)
    return None


def is_migrated(on_file: Expected, readings: Readings) -> bool:
    """Return whether only the operating system was replaced, and the file allows that.

    The hardware UUID is equal then, and nothing but the machine-id differs.
    """
    hardware = readings.get("product-uuid", MISSING).hash
    return (
        on_file.allow_os_migration
        and hardware is not None
        and hardware == on_file.hashes.get("product-uuid")
        and _differing(on_file, readings) == ["machine-id"]
    )


def share_identifier(
    readings: Readings, on_file_by_node: Mapping[Name, Expected], kind: str | None = None
) -> dict[str, list[Name]]:
    """Return the nodes on file that the machine may be, by the kind of identifier that they share.

    One identifier is equal (`kind`, or any; the one that decides is tried first), and none differs,
    as far as both have it. This is weaker than `match`: it is for people, and opens no gate.
    """
    found: dict[str, list[Name]] = {}
    for node, on_file in on_file_by_node.items():
        kinds = (
            [kind]
            if kind is not None
            else sorted(on_file.hashes, key=lambda each: each != on_file.primary)
        )
        equal = [
            each
            for each in kinds
            if each in on_file.hashes and readings.get(each, MISSING).hash == on_file.hashes[each]
        ]
        if equal and not _differing(on_file, readings):
            found.setdefault(equal[0], []).append(node)
    return found


def one_machine(one: Expected, other: Expected) -> str | None:
    """Return the kind of identifier that shows two identities on file to be one machine, else None.

    Only identifiers that decide count. Firmware identifiers that differ do not distinguish two
    clones: reading them takes root, and the gate passes over what it cannot read. Machine-ids that
    differ do: two systems on one machine are two nodes.
    """
    ids = one.hashes.get("machine-id"), other.hashes.get("machine-id")
    if None not in ids and ids[0] != ids[1]:
        return None
    return next(
        (
            kind
            for kind in (one.primary, other.primary)
            if kind and one.hashes.get(kind) == other.hashes.get(kind)
        ),
        None,
    )


def _differing(on_file: Expected, readings: Readings) -> list[str]:
    """Return the kinds that both have, with different hashes."""
    return [
        kind
        for kind, reading in readings.items()
        if reading.hash is not None and reading.hash != on_file.hashes.get(kind, reading.hash)
    ]
