"""The gate, from hashes."""

from typing import Any

import msgspec
import pytest

from power_edge.identity import gate
from power_edge.identity.identifiers import Expected, Reading, digest
from power_edge.identity.identifiers import expected as expected_of
from power_edge.model.generated.system_identity_schema import SystemIdentity
from tests.support.gates import (
    FILLER,
    ID,
    MIGRATION,
    OPEN,
    OTHER_ID,
    OTHER_UUID,
    ROWS,
    UUID,
    Row,
    by_id,
    by_uuid,
    expected,
)


def readings(row: Row) -> dict[str, Reading]:
    """What the prelude would print: the identifiers on file alone, each as a hash."""
    return {
        kind: Reading(state, digest("linux", kind, value) if state == "ok" else None)
        for kind, (state, value) in {
            kind: row.readings.get(kind, ("missing", "")) for kind in row.expected.hashes
        }.items()
    }


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_table(row: Row) -> None:
    judged = gate.judge(row.expected, readings(row), "record")
    assert (judged.status, judged.matches, judged.open) == (
        row.status,
        row.matches,
        row.status == 0,
    )
    assert row.words in (judged.why or "")
    if row.status:
        assert judged.why


def test_no_identity_on_file() -> None:
    assert gate.judge(
        None, {"machine-id": Reading("ok", "0" * 64)}, "power-edge init"
    ) == gate.Gate(12, "no identity on file; record one with: power-edge init", None, matches=False)


def test_the_message_has_both_hashes_and_no_identifier() -> None:
    row = ROWS["another machine"]
    why = gate.judge(row.expected, readings(row), "").why
    assert why is not None
    assert digest("linux", "machine-id", ID) in why
    assert digest("linux", "machine-id", OTHER_ID) in why
    assert ID not in why
    assert OTHER_ID not in why


def test_the_hash_is_of_the_composite_key() -> None:
    assert (
        digest("linux", "machine-id", f" {OTHER_ID.upper()}\n")
        == "e8ccc88d6fab54001cbbdbca24262b2e35c56022b31dd48a3a44985fb4696ac3"
    )


def test_identifiers_that_are_not_on_file_decide_nothing() -> None:
    other = Reading("ok", digest("linux", "product-uuid", UUID))
    assert gate.judge(
        expected(**by_id()),
        {"machine-id": Reading("ok", digest("linux", "", ID)), "product-uuid": other},
        "",
    ).open


def test_a_state_without_a_hash_is_never_a_match() -> None:
    for state in ("ok", "missing"):
        assert (
            gate.judge(expected(**by_id()), {"machine-id": Reading(state, None)}, "").status == 12
        )
    assert gate.judge(expected(**by_id()), {}, "").status == 12


def test_an_answer_without_an_identifier_on_file_is_no_match() -> None:
    of_old = {"machine-id": Reading("ok", digest("linux", "machine-id", ID))}
    assert gate.judge(expected(**by_id()), of_old, "").open
    judged = gate.judge(expected(**by_id(dmi_product_uuid=UUID)), of_old, "")
    assert judged.status == 12
    assert "product-uuid" in str(judged.why)


def by_id_of(machine: str, uuid: str = FILLER) -> dict[str, Any]:
    """The identifiers on file of another node."""
    return {
        "primary_id": machine,
        "id_type": "machine-id",
        "machine_id": machine,
        "dmi_product_uuid": uuid,
    }


BOTH = {"machine-id": OTHER_ID, "product-uuid": OTHER_UUID}
NAMED = {
    "by its machine-id": (
        by_id(),
        {"machine-id": OTHER_ID},
        {"b": by_id_of(OTHER_ID)},
        "another machine: its machine-id is on file for b",
    ),
    "by what both know": (
        by_uuid(),
        {"product-uuid": OTHER_UUID},
        {"b": by_id_of(OTHER_ID, OTHER_UUID)},
        "its product-uuid is on file for b",
    ),
    "by what decides there": (
        by_uuid(machine_id=ID),
        BOTH,
        {"b": by_id_of(OTHER_ID, OTHER_UUID)},
        "its machine-id is on file for b",
    ),
    "a clone": (
        by_id(dmi_product_uuid=UUID),
        {"machine-id": ID, "product-uuid": OTHER_UUID},
        {"b": by_id_of(ID, OTHER_UUID)},
        "another machine: machine-id is equal, but its product-uuid is on file for b",
    ),
    "a clone of which the hardware is not on file": (
        by_id(dmi_product_uuid=UUID),
        {"machine-id": ID, "product-uuid": OTHER_UUID},
        {"b": by_id_of(ID)},
        None,
    ),
    "two nodes that are one": (
        by_id(),
        {"machine-id": OTHER_ID},
        {"c": by_id_of(OTHER_ID), "b": by_id_of(OTHER_ID)},
        "another machine: its machine-id is on file for b and c",
    ),
    "two nodes that share parts of it": (
        by_uuid(machine_id=ID),
        BOTH,
        {"c": by_id_of(OTHER_ID), "b": by_uuid(OTHER_UUID)},
        "another machine: its product-uuid is on file for b, machine-id is on file for c",
    ),
    "by what decides there, whatever its name": (
        by_id(dmi_product_uuid=UUID),
        BOTH,
        {"b": by_uuid(OTHER_UUID, machine_id=OTHER_ID)},
        "another machine: its product-uuid is on file for b",
    ),
    "none of them": (by_id(), {"machine-id": OTHER_ID}, {"b": by_uuid()}, None),
    "none, for another part of it differs": (
        by_uuid(machine_id=ID),
        BOTH,
        {"b": by_id_of(OTHER_ID, UUID)},
        None,
    ),
    "a filler tells nothing": (by_id(), {"machine-id": OTHER_ID}, {"b": by_uuid(FILLER)}, None),
}


@pytest.mark.parametrize("name", NAMED)
def test_another_machine_is_named_where_it_is_a_node(name: str) -> None:
    file, shown, others, words = NAMED[name]
    readings = {kind: Reading("ok", digest("linux", kind, value)) for kind, value in shown.items()}
    judged = gate.judge(
        expected(**file),
        readings,
        "",
        lambda: {node: expected(**other) for node, other in others.items()},
    )
    assert judged.status == 12
    assert (words or "on file ") in str(judged.why)
    assert "on file for" in str(judged.why) or words is None


def test_the_other_identities_are_read_only_for_another_machine() -> None:
    def others() -> dict[str, Expected]:
        raise AssertionError("read")

    right = {"machine-id": Reading("ok", digest("linux", "machine-id", ID))}
    assert gate.judge(expected(**by_id()), right, "", others).open
    assert (
        gate.judge(expected(**by_id()), {"machine-id": Reading("missing")}, "", others).status == 12
    )
    assert gate.judge(None, right, "", others).status == 12


@pytest.mark.parametrize(
    "identifiers",
    [None, {}, {"machine_id": ID}, {"id_type": "machine-id", "machine_id": ID}, {"primary_id": ID}],
)
def test_a_file_without_an_identifier_that_decides(
    identifiers: dict[str, str] | None,
) -> None:
    found = expected_of(msgspec.convert({"identifiers": identifiers}, SystemIdentity))
    assert found.primary is None
    shown = {"machine-id": Reading("ok", digest("linux", "machine-id", ID))}
    judged = gate.judge(found, shown, "")
    assert (judged.status, judged.why) == (12, "none on file")


DIGEST = {
    kind: digest("linux", kind, value)
    for kind, value in (("machine-id", OTHER_ID), ("product-uuid", UUID))
}


@pytest.mark.parametrize(
    ("file", "shown", "why"),
    [
        (by_id_of(OTHER_ID), ["machine-id"], None),
        (by_id_of(OTHER_ID, UUID), ["machine-id", "product-uuid"], None),
        (by_id(OPEN), ["machine-id"], "identity not required to match"),
        (
            by_id(MIGRATION, dmi_product_uuid=UUID),
            ["machine-id", "product-uuid"],
            "the operating system was replaced",
        ),
    ],
)
def test_an_open_gate_has_the_observed_hash_and_a_note(
    file: Any, shown: list[str], why: str | None
) -> None:
    judged = gate.judge(expected(**file), {kind: Reading("ok", DIGEST[kind]) for kind in shown}, "")
    assert (judged.status, judged.observed) == (0, DIGEST["machine-id"])
    assert judged.why is None if why is None else str(judged.why).startswith(why)


def test_a_match_shows_the_hash_on_file_however_its_key_is_spelled() -> None:
    on_file = expected(**by_uuid(UUID.upper()))._replace(hash_on_file="f" * 64)
    shown = Reading("ok", digest("linux", "product-uuid", UUID))
    assert gate.judge(on_file, {"product-uuid": shown}, "").observed == "f" * 64
    other = gate.judge(on_file, {"product-uuid": Reading("ok", "0" * 64)}, "")
    assert other.observed == "0" * 64
    assert str(other.why).endswith(f"on file {'f' * 64}, this machine's {'0' * 64}")
