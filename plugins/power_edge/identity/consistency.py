"""Check that the parts of a system-identity.yaml fit each other, which a schema cannot. Pure."""

import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any, NamedTuple

from power_edge.model.generated.system_identity_schema import (
    CompositeKey,
    Identifiers,
    SystemIdentity,
)
from power_edge.text import quoted

_FIELDS = {
    "machine-id": ("machine_id",),
    "hardware-uuid": ("hardware_uuid", "dmi_product_uuid", "io_platform_uuid"),
    "io-platform-uuid": ("io_platform_uuid",),
    "product-uuid": ("dmi_product_uuid",),
}


class Contradiction(NamedTuple):
    """Two parts of an identity that do not fit each other."""

    path: tuple[str | int, ...]
    """The path in the file, such as ("identifiers", "primary_id")."""
    message: str
    hint: str | None = None
    key: bool = False
    """The path is of the key, not of its value."""


def contradictions(
    identity: SystemIdentity, definitions: Mapping[str, Any]
) -> Iterator[Contradiction]:
    """Yield the contradictions in an identity that fits its schema.

    `definitions` are the schema's $defs.
    """
    os_type = identity.platform.os_type if identity.platform is not None else "linux"
    primary = None
    if identity.validation is not None and identity.validation.check_on_startup is False:
        yield Contradiction(
            ("validation", "check_on_startup"),
            "the identity is always checked, at the start too",
            "write true, or leave it out",
        )
    if identity.identifiers is not None:
        primary = identity.identifiers.primary_id
        yield from _identifiers(identity.identifiers, os_type, definitions)
    if identity.composite_key is not None:
        yield from _composite_key(identity.composite_key, os_type, primary, definitions)


def _identifiers(
    identifiers: Identifiers, os_type: str, definitions: Mapping[str, Any]
) -> Iterator[Contradiction]:
    primary, id_type = identifiers.primary_id, identifiers.id_type
    if (primary is None) != (id_type is None):
        missing, present = (
            ("id_type", "primary_id") if id_type is None else ("primary_id", "id_type")
        )
        yield Contradiction(
            ("identifiers", present), f"{present} without {missing}", "give both or none", key=True
        )
    elif primary is not None and id_type is not None:
        form = "machine_id" if id_type == "machine-id" else "uuid"
        if message := _mismatch(definitions, form, primary):
            yield Contradiction(("identifiers", "primary_id"), f"{quoted(primary)}: {message}")
        for field in _FIELDS[id_type]:
            value = getattr(identifiers, field)
            same_identifier = (
                field == f"{id_type.replace('-', '_')}"
                or len(_FIELDS[id_type]) == 1
                or _hardware_field(os_type) == field
            )
            if value is not None and same_identifier and value.lower() != primary.lower():
                yield Contradiction(
                    ("identifiers", field),
                    f"{field} differs from primary_id, but id_type is {id_type}",
                    "one of them is wrong",
                )
        if (
            id_type == ("io-platform-uuid" if os_type == "darwin" else "product-uuid")
            and identifiers.hardware_uuid is not None
            and identifiers.hardware_uuid.lower() != primary.lower()
        ):
            yield Contradiction(
                ("identifiers", "hardware_uuid"),
                f"hardware_uuid differs from primary_id, but id_type is {id_type}",
                "a machine has one hardware UUID: one of them is wrong",
            )
    hardware = getattr(identifiers, _hardware_field(os_type))
    if (
        hardware is not None
        and identifiers.hardware_uuid is not None
        and hardware.lower() != identifiers.hardware_uuid.lower()
    ):
        yield Contradiction(
            ("identifiers", "hardware_uuid"),
            f"hardware_uuid differs from {_hardware_field(os_type)}",
            "a machine has one hardware UUID: one of them is wrong",
        )


def _hardware_field(os_type: str) -> str:
    return "io_platform_uuid" if os_type == "darwin" else "dmi_product_uuid"


def _composite_key(
    composite: CompositeKey, os_type: str, primary: str | None, definitions: Mapping[str, Any]
) -> Iterator[Contradiction]:
    place = ("composite_key", "key")
    key_os, _, key_id = composite.key.partition(":")
    if key_os != os_type:
        yield Contradiction(
            place,
            f"the key is for {key_os}, but the platform is {os_type}",
            f"write {os_type}:{key_id}",
        )
    if primary is not None and key_id.lower() != primary.lower():
        yield Contradiction(
            place, "the key does not end in primary_id", f"write {os_type}:{primary}"
        )
    elif (
        primary is None
        and _mismatch(definitions, "machine_id", key_id)
        and _mismatch(definitions, "uuid", key_id)
    ):
        yield Contradiction(
            place, f"the key ends in {quoted(key_id)}, which is neither a machine-id nor a UUID"
        )
    expected = sha256(composite.key.encode()).hexdigest()
    if composite.hash != expected:
        yield Contradiction(
            ("composite_key", "hash"),
            "the hash does not match the key",
            f"the SHA-256 of the key, without a newline, is {expected}",
        )
    names = set()
    for index, component in enumerate(composite.components or ()):
        source = ("composite_key", "components", index)
        if component.name in names:
            yield Contradiction(source, f"duplicate component {component.name}", "keep one of them")
        names.add(component.name)
        part = key_os if component.name == "os_type" else key_id
        if component.value != part:
            yield Contradiction(
                source,
                f"the component {component.name} does not match the key",
                f"the key has {part}",
            )


def _mismatch(definitions: Mapping[str, Any], form: str, value: str) -> str | None:
    """Return why a value does not have the form `machine_id` or `uuid` of the schema, or None."""
    definition = definitions[f"system_identity_{form}"]
    # A pattern's `$` alone would take a newline at the end.
    return (
        None
        if re.search(definition["pattern"] + r"\Z", value)
        else str(definition["patternErrorMessage"])
    )
