"""A machine's identifiers: as the configuration has them on file, and as the machine shows them."""

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Final, NamedTuple

from power_edge.model.generated.system_identity_schema import SystemIdentity


class Reading(NamedTuple):
    """One identifier as the machine shows it: its state, and its hash if the state is `ok`.

    The other states are missing, unreadable, empty, invalid and filler.
    """

    state: str
    hash: str | None = None


class Shown(NamedTuple):
    """What a machine shows of itself: its kind of system, and the hash of each identifier that it
    could read, by kind.
    """

    os: str
    hashes: Mapping[str, str]


MISSING: Final = Reading("missing")


class Expected(NamedTuple):
    """The identity on file: the hash of each identifier by its kind, and the rules of the gate.

    `primary` is the kind that decides; None if the file names none. `hash_on_file` is the machine's
    name in reports: the composite key's hash, or what it would be.
    """

    os: str
    primary: str | None
    hashes: Mapping[str, str]
    require_match: bool
    allow_os_migration: bool
    hash_on_file: str | None

    filler: bool = False
    """The identifier that decides is a filler of the firmware."""

    @property
    def identifies(self) -> bool:
        """Whether it distinguishes its machine from others: an identifier decides, and is not a
        filler."""
        return self.primary is not None and not self.filler


ANY_MACHINE: Final = Expected(
    "linux", None, {}, require_match=False, allow_os_migration=False, hash_on_file=None
)
"""The expectation that every machine meets."""


def expected(identity: SystemIdentity) -> Expected:
    """Return what the gate expects, from a system-identity.yaml that is valid."""
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
    hashes = {
        kind: digest(os_type, kind, value)
        for kind, value in values
        if kind and value and (kind == primary or not is_filler(kind, value))
    }
    key = identity.composite_key
    return Expected(
        os=os_type,
        primary=primary,
        hashes=hashes,
        require_match=True if rules is None or rules.require_match is None else rules.require_match,
        allow_os_migration=bool(rules is not None and rules.allow_os_migration),
        hash_on_file=key.hash if key is not None else hashes.get(primary or ""),
        filler=primary is not None
        and on_file is not None
        and is_filler(primary, on_file.primary_id or ""),
    )


def readings(identity: SystemIdentity) -> dict[str, Reading]:
    """Return the readings of a machine that shows this identity, by kind."""
    return {kind: Reading("ok", value) for kind, value in expected(identity).hashes.items()}


def _kind(id_type: str, os_type: str) -> str:
    """Return the kind that the probe reads for an id_type.

    The hardware UUID is the firmware's on a PC, and the platform's on a Mac.
    """
    if id_type == "hardware-uuid":
        return "io-platform-uuid" if os_type == "darwin" else "product-uuid"
    return id_type


def digest(os_type: str, kind: str, value: str) -> str:
    """Return the hash of an identifier, as probes/prelude.sh makes it on the node.

    The case of hexadecimal digits does not matter. In a serial number it does.
    """
    value = value.strip()
    return sha256(
        f"{os_type}:{value if kind == 'board-serial' else value.lower()}".encode()
    ).hexdigest()


_FILLER = frozenset(("f" * 32, "03000200040005000006000700080009"))
_FILLER_SERIAL = re.compile(
    r"(none|n/a|unknown|invalid|default.*|not .*|to be filled.*|system serial.*"
    r"|base board serial.*|0123456789.*|123456789.*|[0. -]*)",
    re.DOTALL,
)


def is_filler(kind: str, value: str) -> bool:
    """Return whether an identifier is a placeholder that the vendor never replaced.

    Thousands of boards share one. probes/prelude.sh has the same rule.
    """
    folded = value.strip().lower()
    if kind == "board-serial":
        return _FILLER_SERIAL.fullmatch(folded) is not None
    digits = folded.replace("-", "")
    return digits.strip("0") == "" or digits in _FILLER
