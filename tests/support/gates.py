"""What the gate makes of an identity on file and of what a machine shows: one table, for gate.py
and for the gate of the prelude.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from power_edge.identity.identifiers import Expected
from power_edge.identity.identifiers import expected as expected_of
from power_edge.model.generated.system_identity_schema import SystemIdentity

ID, OTHER_ID = "2cbb59aee9a34d92a71b9ffb06b592b0", "a5bc498e58b74733905edbb8c8aedf4e"
UUID, OTHER_UUID = "4c4c4544-0035-3510-8053-b8c04f4d3732", "f973ea73-ddcb-5232-90b8-110f3a0474fa"
FILLER = "03000200-0400-0500-0006-000700080009"
SERIAL = "CN7475141I0123"


class Row(NamedTuple):
    file: Mapping[str, Any]
    """Identifiers on file; `rules` are the validation's."""
    readings: Mapping[str, tuple[str, str]]
    """Kind -> state, and what the file on the machine holds."""
    status: int
    words: str = ""
    matches: bool = True

    @property
    def expected(self) -> Expected:
        return expected(**self.file)


def expected(
    rules: Mapping[str, Any] | None = None, os_type: str = "linux", **identifiers: str
) -> Expected:
    """The expectation of a system-identity.yaml with these identifiers and rules."""
    file = {
        "platform": {"os_type": os_type},
        "identifiers": identifiers,
        "validation": rules or {"require_match": True},
    }
    return expected_of(msgspec.convert(file, SystemIdentity))


def by_id(rules: Mapping[str, Any] | None = None, **more: str) -> dict[str, Any]:
    return {"primary_id": ID, "id_type": "machine-id", "machine_id": ID, "rules": rules, **more}


def by_uuid(
    uuid: str = UUID, rules: Mapping[str, Any] | None = None, **more: str
) -> dict[str, Any]:
    return {
        "primary_id": uuid,
        "id_type": "product-uuid",
        "dmi_product_uuid": uuid,
        "rules": rules,
        **more,
    }


def shows(
    machine: str | tuple[str, str] | None = ID,
    uuid: str | tuple[str, str] | None = None,
    serial: str | None = None,
) -> dict[str, Any]:
    given = {"machine-id": machine, "product-uuid": uuid, "board-serial": serial}
    return {
        kind: value if isinstance(value, tuple) else ("ok", value)
        for kind, value in given.items()
        if value is not None
    }


MIGRATION = {"require_match": True, "allow_os_migration": True}
OPEN = {"require_match": False}
HIDDEN = {
    "missing": ("missing", ""),
    "empty": ("empty", ""),
    "uninitialized": ("invalid", "uninitialized\n"),
    "31 digits": ("invalid", ID[1:]),
    "33 digits": ("invalid", f"{ID}0"),
    "two lines": ("invalid", f"{ID}\n{ID}\n"),
    "all zero": ("filler", "0" * 32),
    "unreadable": ("unreadable", ID),
}
ROWS = {
    "the machine": Row(by_id(), shows(), 0),
    "another machine": Row(by_id(), shows(OTHER_ID), 12, "another machine", matches=False),
    **{
        f"machine-id {name}": Row(
            by_id(), shows(readings), 12, f"({'machine-id'}: {readings[0]})", matches=False
        )
        for name, readings in HIDDEN.items()
    },
    "hardware is equal, too": Row(by_id(dmi_product_uuid=UUID), shows(ID, UUID.upper()), 0),
    "hardware contradicts": Row(
        by_id(dmi_product_uuid=UUID),
        shows(ID, OTHER_UUID),
        12,
        "machine-id is equal, but product-uuid differs",
        matches=False,
    ),
    "hardware is unreadable": Row(
        by_id(dmi_product_uuid=UUID),
        shows(ID, ("unreadable", UUID)),
        0,
        "could not compare product-uuid (unreadable)",
    ),
    "hardware is a filler": Row(
        by_id(dmi_product_uuid=UUID),
        shows(ID, ("filler", FILLER)),
        0,
        "could not compare product-uuid (filler)",
    ),
    "hardware is a filler on file": Row(by_id(dmi_product_uuid=FILLER), shows(ID, OTHER_UUID), 0),
    "serial is equal, padded": Row(
        by_id(dmi_board_serial=SERIAL), shows(serial=f" {SERIAL}   \n"), 0
    ),
    "serial has another case": Row(
        by_id(dmi_board_serial=SERIAL),
        shows(serial=SERIAL.lower()),
        12,
        "board-serial differs",
        matches=False,
    ),
    "serial is a filler on file": Row(
        by_id(dmi_board_serial="To be filled by O.E.M."), shows(serial=SERIAL), 0
    ),
    "hardware_uuid is the firmware's": Row(
        by_id(hardware_uuid=UUID), shows(ID, OTHER_UUID), 12, "product-uuid differs", matches=False
    ),
    "another system, not allowed": Row(
        by_id(dmi_product_uuid=UUID), shows(OTHER_ID, UUID), 12, "another machine", matches=False
    ),
    "another system": Row(
        by_id(MIGRATION, dmi_product_uuid=UUID),
        shows(OTHER_ID, UUID),
        0,
        "the operating system was replaced",
    ),
    "another system on other hardware": Row(
        by_id(MIGRATION, dmi_product_uuid=UUID), shows(OTHER_ID, OTHER_UUID), 12, matches=False
    ),
    "another system, hardware unreadable": Row(
        by_id(MIGRATION, dmi_product_uuid=UUID),
        shows(OTHER_ID, ("unreadable", UUID)),
        12,
        matches=False,
    ),
    "another system, hardware a filler": Row(
        by_id(MIGRATION, dmi_product_uuid=FILLER),
        shows(OTHER_ID, ("filler", FILLER)),
        12,
        matches=False,
    ),
    "another system, hardware not on file": Row(
        by_id(MIGRATION), shows(OTHER_ID, UUID), 12, matches=False
    ),
    "another system, another board": Row(
        by_id(MIGRATION, dmi_product_uuid=UUID, dmi_board_serial=SERIAL),
        shows(OTHER_ID, UUID, "XY1"),
        12,
        matches=False,
    ),
    "no system yet": Row(
        by_id(MIGRATION, dmi_product_uuid=UUID),
        shows(("empty", ""), UUID),
        12,
        "(machine-id: empty)",
        matches=False,
    ),
    "hardware decides": Row(by_uuid(UUID.upper()), shows(None, UUID), 0),
    "hardware decides, and is another": Row(
        by_uuid(), shows(None, OTHER_UUID), 12, "another machine", matches=False
    ),
    "hardware decides, and is unreadable": Row(
        by_uuid(),
        shows(None, ("unreadable", UUID)),
        12,
        "(product-uuid: unreadable)",
        matches=False,
    ),
    "hardware decides, and is a filler": Row(
        by_uuid(FILLER),
        shows(None, ("filler", FILLER)),
        12,
        "(product-uuid: filler)",
        matches=False,
    ),
    "hardware decides, all ones": Row(
        by_uuid("F" * 32),
        shows(None, ("filler", "F" * 32)),
        12,
        "(product-uuid: filler)",
        matches=False,
    ),
    "hardware decides, another system": Row(
        by_uuid(machine_id=ID), shows(OTHER_ID, UUID), 12, "machine-id differs", matches=False
    ),
    "hardware decides, another system allowed": Row(
        by_uuid(UUID, MIGRATION, machine_id=ID), shows(OTHER_ID, UUID), 0, "was replaced"
    ),
    "need not match, and does": Row(by_id(OPEN), shows(), 0, "identity not required to match"),
    "need not match, and does not": Row(
        by_id(OPEN),
        shows(OTHER_ID),
        0,
        "identity not required to match: another machine",
        matches=False,
    ),
    "need not match, and is hidden": Row(
        by_id(OPEN),
        shows(("missing", "")),
        0,
        "not required to match: the node shows no",
        matches=False,
    ),
    "need not match, nothing on file": Row(
        {"rules": OPEN}, shows(), 0, "not required to match: none on file", matches=False
    ),
}
