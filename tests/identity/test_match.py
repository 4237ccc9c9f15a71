"""Which node on file is a machine: one, none, or several that conflict."""

from typing import Any

import msgspec
import pytest

from power_edge.identity import gate
from power_edge.identity.identifiers import Expected, Reading, digest, readings
from power_edge.identity.identifiers import expected as expected_of
from power_edge.identity.match import Conflict, Match, match, one_machine, share_identifier
from power_edge.model.generated.system_identity_schema import SystemIdentity
from tests.support.gates import (
    FILLER,
    ID,
    MIGRATION,
    OTHER_ID,
    OTHER_UUID,
    ROWS,
    SERIAL,
    UUID,
    Row,
    by_id,
    by_uuid,
    expected,
)


def other_id(machine: str, uuid: str = FILLER) -> dict[str, Any]:
    """The identifiers on file of a node with another machine-id."""
    return {
        "primary_id": machine,
        "id_type": "machine-id",
        "machine_id": machine,
        "dmi_product_uuid": uuid,
    }


def shows(**identifiers: str) -> dict[str, Reading]:
    """A machine that shows these identifiers; `machine_id` is the machine-id."""
    return {
        kind: Reading("ok", digest("linux", kind, value))
        for kind, value in ((name.replace("_", "-"), value) for name, value in identifiers.items())
    }


BOTH = shows(machine_id=ID, product_uuid=UUID)
MIGRATES = expected(
    **by_id(MIGRATION, dmi_product_uuid=UUID) | {"machine_id": OTHER_ID, "primary_id": OTHER_ID}
)


@pytest.mark.parametrize(
    ("shown", "known", "found"),
    [
        (BOTH, {}, None),
        (BOTH, {"a": expected(**other_id(OTHER_ID))}, None),
        (BOTH, {"a": expected(**other_id(OTHER_ID)), "b": expected(**by_id())}, Match("b")),
        (BOTH, {"b": expected(**by_uuid()), "a": expected(**by_id())}, Conflict(("b", "a"))),
        (BOTH, {"a": MIGRATES}, Match("a", migrated=True)),
        (BOTH, {"a": MIGRATES, "b": expected(**by_id())}, Match("b")),
        (BOTH, {"b": MIGRATES, "a": MIGRATES}, Conflict(("b", "a"))),
        (shows(machine_id=ID), {"a": MIGRATES}, None),
        ({}, {"a": expected(**by_id())}, None),
        (BOTH, {"a": expected()}, None),
        (
            BOTH,
            {"a": expected(**by_id(dmi_product_uuid=OTHER_UUID)), "b": expected(**by_uuid())},
            Match("b"),
        ),
    ],
)
def test_which_node_a_machine_is(
    shown: dict[str, Reading], known: dict[str, Expected], found: object
) -> None:
    assert match(shown, known) == found


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_a_machine_is_the_node_whose_strict_gate_it_opens(row: Row) -> None:
    strict = row.expected._replace(require_match=True)
    shown = {
        kind: Reading(state, digest("linux", kind, value) if state == "ok" else None)
        for kind, (state, value) in row.readings.items()
    }
    answered = {kind: shown.get(kind, Reading("missing")) for kind in strict.hashes}
    opens = gate.judge(strict, answered, "").open
    assert (match(answered, {"n": row.expected}) is not None) is opens


def test_nodes_that_share_an_identifier_and_contradict_in_none() -> None:
    known = {
        "c": expected(**other_id(ID)),
        "b": expected(**by_uuid(machine_id=ID)),
        "a": expected(**by_id(dmi_product_uuid=OTHER_UUID)),
        "d": expected(**other_id(OTHER_ID)),
    }
    assert share_identifier(BOTH, known) == {"machine-id": ["c"], "product-uuid": ["b"]}
    assert share_identifier(BOTH, known, "machine-id") == {"machine-id": ["c", "b"]}
    assert share_identifier(shows(machine_id=ID), known) == {"machine-id": ["c", "b", "a"]}


@pytest.mark.parametrize("rules", [{"require_match": True}, {"require_match": False}])
@pytest.mark.parametrize(
    ("shown", "on_file", "same"),
    [
        (by_id(), by_id(), True),
        (by_id(), other_id(OTHER_ID), False),
        (by_id(dmi_product_uuid=UUID), by_id(), True),
        (by_id(), by_id(dmi_product_uuid=UUID), True),
        (by_id(dmi_product_uuid=UUID), by_id(dmi_product_uuid=OTHER_UUID), False),
        (by_id(), by_uuid(), False),
        (by_uuid(machine_id=ID), by_id(), True),
        (by_uuid(), by_id(), False),
        ({}, by_id(), False),
        (by_id(), {}, False),
    ],
)
def test_whether_a_machine_is_the_one_on_file(
    shown: Any, on_file: Any, same: bool, rules: Any
) -> None:
    """Strict, even for a file that does not require it.

    What one of them does not have is passed over, but for what decides.
    """

    def identity(identifiers: Any) -> SystemIdentity:
        chosen = {key: value for key, value in identifiers.items() if key != "rules"}
        return msgspec.convert({"identifiers": chosen, "validation": rules}, SystemIdentity)

    machine, file = identity(shown), identity(on_file)
    assert match(readings(machine), {"n": expected_of(file)}) == (Match("n") if same else None)


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [
        (by_id(), by_id(), "machine-id"),
        (by_id(), other_id(OTHER_ID), None),
        (by_id(dmi_product_uuid=UUID), other_id(OTHER_ID, UUID), None),
        (by_id(dmi_product_uuid=UUID), by_id(dmi_product_uuid=OTHER_UUID), "machine-id"),
        (by_uuid(), by_id(dmi_product_uuid=UUID), "product-uuid"),
        (by_uuid(dmi_board_serial=SERIAL), by_uuid(OTHER_UUID, dmi_board_serial=SERIAL), None),
        (by_uuid(machine_id=ID), by_uuid(machine_id=OTHER_ID), None),
        (by_uuid(), by_id(), None),
        ({}, {}, None),
    ],
)
def test_the_identifier_that_two_files_of_one_machine_share(
    one: Any, other: Any, kind: str | None
) -> None:
    assert one_machine(expected(**one), expected(**other)) == kind
    assert one_machine(expected(**other), expected(**one)) == kind
