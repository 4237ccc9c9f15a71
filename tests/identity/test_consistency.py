"""Which parts of an identity on file do not fit each other: all of them, and nothing else."""

from hashlib import sha256
from typing import Any

import msgspec
import pytest

from power_edge.config import schema
from power_edge.identity.consistency import Contradiction, contradictions
from power_edge.model.generated.system_identity_schema import SystemIdentity
from tests.support.gates import ID, OTHER_ID, OTHER_UUID, UUID


def found(**sections: Any) -> list[Contradiction]:
    identity = msgspec.convert(sections, SystemIdentity)
    return list(contradictions(identity, schema("system-identity")["$defs"]))


def places(**sections: Any) -> list[str]:
    """Return the paths in the file, such as `identifiers.primary_id`."""
    return [".".join(map(str, each.path)) for each in found(**sections)]


@pytest.mark.parametrize(
    ("os_type", "id_type", "primary", "more", "expected"),
    [
        ("linux", "machine-id", ID, {}, []),
        ("linux", "machine-id", ID, {"machine_id": ID.upper()}, []),
        ("linux", "machine-id", ID.upper(), {"machine_id": ID}, []),
        ("linux", "machine-id", ID, {"machine_id": OTHER_ID}, ["machine_id"]),
        ("linux", "machine-id", ID, {"dmi_product_uuid": UUID, "hardware_uuid": UUID.upper()}, []),
        (
            "linux",
            "machine-id",
            ID,
            {"dmi_product_uuid": UUID.upper(), "hardware_uuid": UUID},
            [],
        ),
        (
            "linux",
            "machine-id",
            ID,
            {"dmi_product_uuid": UUID, "hardware_uuid": OTHER_UUID},
            ["hardware_uuid"],
        ),
        # A Mac has its UUID elsewhere, and no other machine has it there.
        ("linux", "machine-id", ID, {"io_platform_uuid": UUID, "hardware_uuid": OTHER_UUID}, []),
        ("darwin", "machine-id", ID, {"dmi_product_uuid": UUID, "hardware_uuid": OTHER_UUID}, []),
        (
            "darwin",
            "machine-id",
            ID,
            {"io_platform_uuid": UUID, "hardware_uuid": OTHER_UUID},
            ["hardware_uuid"],
        ),
        ("linux", "product-uuid", UUID, {"dmi_product_uuid": UUID.upper()}, []),
        ("linux", "product-uuid", UUID, {"dmi_product_uuid": OTHER_UUID}, ["dmi_product_uuid"]),
        ("darwin", "product-uuid", UUID, {"dmi_product_uuid": OTHER_UUID}, ["dmi_product_uuid"]),
        ("linux", "product-uuid", UUID, {"hardware_uuid": UUID.upper()}, []),
        ("linux", "product-uuid", UUID.upper(), {"hardware_uuid": UUID}, []),
        ("linux", "product-uuid", UUID, {"hardware_uuid": OTHER_UUID}, ["hardware_uuid"]),
        ("windows", "product-uuid", UUID, {"hardware_uuid": OTHER_UUID}, ["hardware_uuid"]),
        ("darwin", "product-uuid", UUID, {"hardware_uuid": OTHER_UUID}, []),
        ("linux", "product-uuid", UUID, {"io_platform_uuid": OTHER_UUID}, []),
        ("darwin", "io-platform-uuid", UUID, {"io_platform_uuid": UUID.upper()}, []),
        ("darwin", "io-platform-uuid", UUID, {"hardware_uuid": OTHER_UUID}, ["hardware_uuid"]),
        ("linux", "io-platform-uuid", UUID, {"hardware_uuid": OTHER_UUID}, []),
        (
            "linux",
            "io-platform-uuid",
            UUID,
            {"io_platform_uuid": OTHER_UUID},
            ["io_platform_uuid"],
        ),
        ("linux", "hardware-uuid", UUID, {"hardware_uuid": OTHER_UUID}, ["hardware_uuid"]),
        ("linux", "hardware-uuid", UUID, {"dmi_product_uuid": OTHER_UUID}, ["dmi_product_uuid"]),
        ("linux", "hardware-uuid", UUID, {"io_platform_uuid": OTHER_UUID}, []),
        ("darwin", "hardware-uuid", UUID, {"io_platform_uuid": OTHER_UUID}, ["io_platform_uuid"]),
        ("darwin", "hardware-uuid", UUID, {"dmi_product_uuid": OTHER_UUID}, []),
        ("linux", "machine-id", UUID, {}, ["primary_id"]),
        ("linux", "machine-id", "0" * 32, {}, ["primary_id"]),
        ("linux", "machine-id", f"{ID}\n", {}, ["primary_id"]),
        ("linux", "product-uuid", ID, {}, ["primary_id"]),
        ("linux", "hardware-uuid", ID, {}, ["primary_id"]),
        ("darwin", "io-platform-uuid", f"x{UUID}", {}, ["primary_id"]),
        ("linux", None, ID, {"machine_id": OTHER_ID}, ["primary_id"]),
        ("linux", "machine-id", None, {"machine_id": OTHER_ID}, ["id_type"]),
        ("linux", None, None, {"machine_id": OTHER_ID}, []),
    ],
)
def test_identifiers(
    os_type: str,
    id_type: str | None,
    primary: str | None,
    more: dict[str, str],
    expected: list[str],
) -> None:
    given = {"id_type": id_type, "primary_id": primary, **more}
    identifiers = {name: value for name, value in given.items() if value is not None}
    assert places(platform={"os_type": os_type}, identifiers=identifiers) == [
        f"identifiers.{field}" for field in expected
    ]
    if os_type == "linux":  # which is meant without a platform
        assert places(identifiers=identifiers) == [f"identifiers.{field}" for field in expected]


def composite(key: str, *components: tuple[str, str], hashed: str | None = None) -> dict[str, Any]:
    return {
        "key": key,
        "hash": sha256((hashed or key).encode()).hexdigest(),
        "components": [{"name": name, "value": value} for name, value in components],
    }


BY_ID = {"id_type": "machine-id", "primary_id": ID}
KEY = "composite_key.key"


@pytest.mark.parametrize(
    ("identifiers", "key", "expected"),
    [
        (BY_ID, composite(f"linux:{ID}"), []),
        (BY_ID, composite(f"linux:{ID.upper()}"), []),
        (BY_ID, composite(f"linux:{OTHER_ID}"), [KEY]),
        (BY_ID, composite(f"bsd:{ID}"), [KEY]),
        (BY_ID, composite(f"bsd:{OTHER_ID}"), [KEY, KEY]),
        # Without a primary_id the key is the only one to say it.
        ({}, composite(f"linux:{ID}"), []),
        ({}, composite(f"linux:{UUID}"), []),
        ({}, composite("linux:x"), [KEY]),
        ({}, composite(f"linux:{'0' * 32}"), [KEY]),
        (BY_ID, composite(f"linux:{ID}", hashed=f"linux:{ID}\n"), ["composite_key.hash"]),
        (BY_ID, composite(f"linux:{ID}", ("os_type", "linux"), ("primary_id", ID)), []),
        (
            BY_ID,
            composite(f"linux:{ID}", ("os_type", "linux"), ("primary_id", OTHER_ID)),
            ["composite_key.components.1"],
        ),
        (
            BY_ID,
            composite(f"linux:{ID}", ("os_type", "bsd"), ("primary_id", ID)),
            ["composite_key.components.0"],
        ),
        (
            BY_ID,
            composite(f"linux:{ID}", ("os_type", ID), ("primary_id", "linux")),
            ["composite_key.components.0", "composite_key.components.1"],
        ),
        (
            BY_ID,
            composite(f"linux:{ID}", ("primary_id", ID), ("primary_id", ID)),
            ["composite_key.components.1"],
        ),
    ],
)
def test_the_composite_key(
    identifiers: dict[str, str], key: dict[str, Any], expected: list[str]
) -> None:
    given = {"platform": {"os_type": "linux"}, "composite_key": key}
    more = {"identifiers": identifiers} if identifiers else {}
    assert places(**given, **more) == places(composite_key=key, **more) == expected


@pytest.mark.parametrize(("given", "expected"), [(None, 0), (True, 0), (False, 1)])
def test_no_start_without_a_check(given: bool | None, expected: int) -> None:
    validation = {} if given is None else {"check_on_startup": given}
    assert places(validation=validation) == ["validation.check_on_startup"] * expected


def test_what_is_alone_is_shown_by_its_key() -> None:
    [alone] = found(identifiers={"primary_id": ID})
    assert (alone.key, alone.message) == (True, "primary_id without id_type")
    [alone] = found(identifiers={"id_type": "machine-id"})
    assert (alone.key, alone.message) == (True, "id_type without primary_id")
    [other] = found(identifiers={**BY_ID, "machine_id": OTHER_ID})
    assert not other.key


def test_what_to_write_is_said() -> None:
    said = found(
        platform={"os_type": "linux"},
        identifiers=BY_ID,
        composite_key=composite(f"bsd:{OTHER_ID}", ("os_type", "linux"), ("primary_id", ID)),
    )
    assert [each.hint for each in said] == [
        f"write linux:{OTHER_ID}",
        f"write linux:{ID}",
        "the key has bsd",
        f"the key has {OTHER_ID}",
    ]
