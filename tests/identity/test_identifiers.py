"""The identifiers on file, as hashes, and placeholders of the firmware."""

import msgspec
import pytest

from power_edge.identity.identifiers import digest, is_filler
from power_edge.identity.identifiers import expected as expected_of
from power_edge.model.generated.system_identity_schema import SystemIdentity
from tests.support.gates import FILLER, ID, OTHER_UUID, SERIAL, UUID, by_id, expected


def test_the_hardware_uuid_of_a_mac_is_the_platform_s() -> None:
    mac = expected(os_type="darwin", primary_id=UUID, id_type="hardware-uuid", hardware_uuid=UUID)
    assert mac.primary == "io-platform-uuid"
    assert mac.hashes == {"io-platform-uuid": digest("darwin", "io-platform-uuid", UUID)}


def test_the_defaults_are_strict() -> None:
    strict = expected(rules={}, **{key: value for key, value in by_id().items() if key != "rules"})
    assert (strict.require_match, strict.allow_os_migration) == (True, False)


def test_all_identifiers_of_a_file_are_expected() -> None:
    """Each identifier of a file is compared, whatever the file leaves out."""
    values = {
        "machine_id": ID,
        "dmi_board_serial": SERIAL,
        "dmi_product_uuid": UUID,
        "io_platform_uuid": OTHER_UUID,
    }
    file = {
        "identifiers": {**values, "primary_id": ID, "id_type": "machine-id"},
        "composite_key": {"key": f"linux:{ID}", "hash": "f" * 64},
    }
    found = expected_of(msgspec.convert(file, SystemIdentity))
    kinds = {
        "machine-id": ID,
        "board-serial": SERIAL,
        "product-uuid": UUID,
        "io-platform-uuid": OTHER_UUID,
    }
    assert found.hashes == {kind: digest("linux", kind, value) for kind, value in kinds.items()}
    assert (found.os, found.primary, found.hash_on_file) == ("linux", "machine-id", "f" * 64)
    assert expected(**by_id()).hash_on_file == digest("linux", "machine-id", ID)


@pytest.mark.parametrize(
    ("kind", "value", "filler"),
    [
        ("product-uuid", "0" * 32, True),
        ("product-uuid", "00000000-0000-0000-0000-000000000000", True),
        ("product-uuid", "", True),
        ("product-uuid", "F" * 32, True),
        ("product-uuid", FILLER.upper(), True),
        ("product-uuid", f" {FILLER}\n", True),
        ("product-uuid", UUID, False),
        ("product-uuid", "none", False),
        ("machine-id", ID, False),
        ("board-serial", "To be filled by O.E.M.", True),
        ("board-serial", "none", True),
        ("board-serial", " 0000 ", True),
        ("board-serial", "f" * 32, False),
        ("board-serial", SERIAL, False),
    ],
)
def test_placeholders_of_the_firmware(kind: str, value: str, filler: bool) -> None:
    assert is_filler(kind, value) is filler
    if kind != "board-serial":  # which decides for no file
        file = {"identifiers": {"primary_id": value, "id_type": kind}}
        assert expected_of(msgspec.convert(file, SystemIdentity)).identifies is not filler
