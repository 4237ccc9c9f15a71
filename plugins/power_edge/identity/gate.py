"""The gate: is this the machine that the configuration is meant for?

Judged before anything else, from hashes of identifiers.
"""

import re
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Final, NamedTuple

from power_edge import exit_status
from power_edge.model.generated.system_identity_schema import SystemIdentity


class WrongMachine(Exception):
    """Another machine answered than the one on file; the text says how that is known."""


class Reading(NamedTuple):
    """An identifier as the node shows it: `ok` with the hash, or why there is none (missing,
    unreadable, empty, invalid, filler).
    """

    state: str
    hash: str | None = None


_MISSING: Final = Reading("missing")


class Expected(NamedTuple):
    """The identity on file: the hash of each identifier by kind, which of them decides, and the
    rules of the gate.
    """

    os: str
    primary: str | None
    hashes: Mapping[str, str]
    require_match: bool
    allow_os_migration: bool
    hash_on_file: str | None


ANY_MACHINE: Final = Expected(
    "linux", None, {}, require_match=False, allow_os_migration=False, hash_on_file=None
)
"""For a machine that may be any."""


class Gate(NamedTuple):
    """Open (status 0) or shut (11 unreachable, 12 wrong machine or no identity).

    `why` is the reason, or a warning of an open one.
    """

    status: int
    why: str | None = None
    observed: str | None = None
    """The hash of the deciding identifier as the node shows it."""

    matches: bool = True
    """Whether the identity is the one on file; an open gate need not say so (require_match: false).
    """

    @property
    def open(self) -> bool:
        return self.status == 0


def expected(identity: SystemIdentity) -> Expected:
    """What the gate expects, from a system-identity.yaml that validated."""
    os_type = identity.platform.os_type if identity.platform is not None else "linux"
    on_file = identity.identifiers
    primary = None
    values: list[tuple[str | None, str | None]] = []
    if on_file is not None:
        primary = (
            _kind(on_file.id_type, os_type) if on_file.id_type and on_file.primary_id else None
        )
        values = [
            ("machine-id", on_file.machine_id),
            ("board-serial", on_file.dmi_board_serial),
            ("io-platform-uuid", on_file.io_platform_uuid),
            ("product-uuid", on_file.dmi_product_uuid),
            (_kind("hardware-uuid", os_type), on_file.hardware_uuid),
            (primary, on_file.primary_id),
        ]
    rules = identity.validation
    return Expected(
        os=os_type,
        primary=primary,
        hashes={
            kind: digest(os_type, kind, value)
            for kind, value in values
            if kind and value and (kind == primary or not is_filler(kind, value))
        },
        require_match=True if rules is None or rules.require_match is None else rules.require_match,
        allow_os_migration=bool(rules is not None and rules.allow_os_migration),
        hash_on_file=identity.composite_key.hash if identity.composite_key is not None else None,
    )


def _kind(id_type: str, os_type: str) -> str:
    """The identifier that a node is asked for; what is called hardware UUID is the firmware's on a
    PC, the platform's on a Mac.
    """
    if id_type == "hardware-uuid":
        return "io-platform-uuid" if os_type == "darwin" else "product-uuid"
    return id_type


def digest(os_type: str, kind: str, value: str) -> str:
    """As the prelude makes it on the node: hexadecimal case is not meaning, a serial number's is."""
    value = value.strip()
    return sha256(
        f"{os_type}:{value if kind == 'board-serial' else value.lower()}".encode()
    ).hexdigest()


_FILLER = frozenset(("f" * 32, "03000200040005000006000700080009"))
_FILLER_SERIAL = re.compile(
    r"(none|n/a|unknown|invalid|default.*|not .*|to be filled.*|system serial.*|base board serial.*|0123456789.*|123456789.*|[0. -]*)",
    re.DOTALL,
)


def is_filler(kind: str, value: str) -> bool:
    """Whether an identifier is what firmware shows that nobody filled in, as the prelude tells it
    on the node: shared by thousands of boards.
    """
    folded = value.strip().lower()
    if kind == "board-serial":
        return _FILLER_SERIAL.fullmatch(folded) is not None
    digits = folded.replace("-", "")
    return digits.strip("0") == "" or digits in _FILLER


def tells(identity: SystemIdentity) -> bool:
    """Whether an identity on file tells its machine from others: it names an identifier that
    decides, and that is no filler.
    """
    asked = expected(identity)
    return (
        asked.primary is not None
        and identity.identifiers is not None
        and not is_filler(asked.primary, identity.identifiers.primary_id or "")
    )


def shared(one: Expected, other: Expected) -> str | None:
    """The kind of identifier by which two identities are one machine's, None where they are two
    machines'.

    Firmware's identifiers that differ do not tell two clones apart, since reading them takes root,
    and the gate passes over what it cannot read; machine-ids do: two systems on one machine are two
    nodes.
    """
    ids = one.hashes.get("machine-id"), other.hashes.get("machine-id")
    if None not in ids and ids[0] != ids[1]:
        return None
    return next(
        (
            kind
            for kind in (one.primary, other.primary)
            if kind and one.hashes.get(kind, "") == other.hashes.get(kind)
        ),
        None,
    )


def passes(identity: SystemIdentity, asked: Expected) -> bool:
    """Whether the machine that shows an identity would pass a gate."""
    hashes = expected(identity).hashes
    readings = {
        kind: Reading("ok", hashes[kind]) if kind in hashes else _MISSING
        for kind in {**asked.hashes, **hashes}
    }
    return judge(asked, readings, "").open


def is_of(shown: SystemIdentity, on_file: SystemIdentity) -> bool:
    """Whether the machine that shows an identity is the one of another on file: it would pass that
    gate, were it one that shuts.
    """
    return passes(shown, expected(on_file)._replace(require_match=True))


def judge(
    expected: Expected | None,
    readings: Mapping[str, Reading],
    record: str,
    others: Callable[[], Mapping[str, Expected]] = dict,
) -> Gate:
    """The gate, from what the node shows.

    `record` is the command that would record an identity, for a message where none is on file.
    `others` gives the identities on file of all other nodes by name. It is called for another
    machine only, so that the message can name the node that it is.
    """
    if expected is None:
        return Gate(
            exit_status.WRONG_MACHINE,
            f"no identity on file; record one with: {record}",
            matches=False,
        )
    shown = readings.get(expected.primary or "", _MISSING)
    problem = _problem(expected, readings, shown, others)
    if not expected.require_match:
        return Gate(
            0,
            f"identity not required to match{f': {problem}' if problem else ''}",
            shown.hash,
            matches=problem is None,
        )
    if problem is None:
        hidden = [
            f"{kind} ({readings[kind].state})"
            for kind in expected.hashes
            if readings[kind].hash is None
        ]
        note = f"could not compare {', '.join(hidden)}" if hidden else None
        # The hash on file is of the key as it is spelled there; what was compared is of lower case.
        return Gate(0, note, expected.hash_on_file or shown.hash)
    if _migrated(expected, readings):
        return Gate(
            0,
            "the operating system was replaced: another machine-id on the same hardware (allow_os_migration)",
            shown.hash,
        )
    return Gate(exit_status.WRONG_MACHINE, problem, shown.hash, matches=False)


def _problem(
    expected: Expected,
    readings: Mapping[str, Reading],
    shown: Reading,
    others: Callable[[], Mapping[str, Expected]],
) -> str | None:
    if expected.primary is None:
        return "none on file"
    if shown.hash is None:
        return f"the node shows no identity ({expected.primary}: {shown.state})"
    if shown.hash != expected.hashes[expected.primary]:
        if owner := _owner(readings, others()):
            return f"another machine: its {owner}"
        return f"another machine: identity on file {expected.hash_on_file or expected.hashes[expected.primary]}, this machine's {shown.hash}"
    for kind in _differing(expected, readings):
        if owner := _owner(readings, others(), kind):
            return f"another machine: {expected.primary} is equal, but its {owner}"
        both = f"on file {expected.hashes[kind]}, this machine's {readings[kind].hash}"
        return f"another machine: {expected.primary} is equal, but {kind} is not: {both}"
    for kind in expected.hashes:
        if kind not in readings:
            return f"the answer says nothing of {kind}, which is on file: it is an answer to another plan"
    return None


def _owner(
    readings: Mapping[str, Reading], others: Mapping[str, Expected], by: str | None = None
) -> str | None:
    """Which other nodes the machine is, as `KIND is on file for NAME`; None where it is none.

    It is a node's if one identifier (`by`, or any) is equal and none differs, as far as both have
    them.
    """
    found: dict[str, list[str]] = {}
    for name, other in sorted(others.items()):
        kinds = (
            [by] if by is not None else sorted(other.hashes, key=lambda kind: kind != other.primary)
        )
        equal = [
            kind
            for kind in kinds
            if kind in other.hashes and readings.get(kind, _MISSING).hash == other.hashes[kind]
        ]
        if equal and not _differing(other, readings):
            found.setdefault(equal[0], []).append(name)
    if not found:
        return None
    return ", ".join(
        f"{kind} is on file for {' and '.join(names)}" for kind, names in found.items()
    )


def _differing(expected: Expected, readings: Mapping[str, Reading]) -> list[str]:
    return [
        kind
        for kind, reading in readings.items()
        if reading.hash is not None and reading.hash != expected.hashes.get(kind, reading.hash)
    ]


def _migrated(expected: Expected, readings: Mapping[str, Reading]) -> bool:
    hardware = readings.get("product-uuid", _MISSING).hash
    same_hardware = hardware is not None and hardware == expected.hashes.get("product-uuid")
    return (
        expected.allow_os_migration
        and same_hardware
        and _differing(expected, readings) == ["machine-id"]
    )
