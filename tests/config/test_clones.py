"""Folders for one machine: clones of an image, and pairs that only look like clones."""

from itertools import permutations
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from power_edge.config import ConfigError
from power_edge.config.clones import check_unique, duplicates, identities, node_of, others, sharing
from power_edge.identity.match import Match
from power_edge.model.generated.system_identity_schema import SystemIdentity
from tests.support.gates import FILLER, ID, OTHER_ID, OTHER_UUID, UUID
from tests.support.project import identity_of

ROOT = Path("/somewhere/node-configs")


def identity(
    primary: str = ID, id_type: str = "machine-id", os_type: str = "linux", **more: str
) -> SystemIdentity:
    file = {
        "platform": {"os_type": os_type},
        "identifiers": {"primary_id": primary, "id_type": id_type, **more},
    }
    return msgspec.convert(file, SystemIdentity)


def by_uuid(uuid: str = UUID, **more: str) -> SystemIdentity:
    return identity(uuid, "product-uuid", **more)


def problems_of(of: list[str] | None = None, **known: SystemIdentity) -> list[str]:
    problems = duplicates(
        {ROOT / name: one for name, one in known.items()},
        [ROOT / name for name in (known if of is None else of)],
    )
    return [str(problem) for problem in problems]


ONE_MACHINE = {
    "one machine-id": (identity(), identity(ID.upper())),
    "a clone on other hardware, which root alone can tell": (
        identity(dmi_product_uuid=UUID),
        identity(dmi_product_uuid=OTHER_UUID),
    ),
    "recorded by root, and by a user": (
        identity(dmi_product_uuid=UUID, dmi_board_serial="X1"),
        identity(),
    ),
    "one hardware, and no machine-id to differ": (by_uuid(), identity(dmi_product_uuid=UUID)),
    "one Mac": (
        identity(UUID, "io-platform-uuid", "darwin"),
        identity(UUID, "hardware-uuid", "darwin"),
    ),
}
TWO_MACHINES: dict[str, tuple[SystemIdentity, SystemIdentity]] = {
    "two machine-ids": (identity(), identity(OTHER_ID)),
    "two systems on one hardware": (
        identity(dmi_product_uuid=UUID),
        identity(OTHER_ID, dmi_product_uuid=UUID),
    ),
    "the same, by the hardware": (by_uuid(machine_id=ID), by_uuid(machine_id=OTHER_ID)),
    "fillers of the firmware": (by_uuid(FILLER), by_uuid(FILLER)),
    "a filler beside it": (
        identity(dmi_product_uuid=FILLER),
        identity(OTHER_ID, dmi_product_uuid=FILLER),
    ),
    "one serial number": (
        identity(dmi_board_serial="X1"),
        identity(OTHER_ID, dmi_board_serial="X1"),
    ),
    "two hardwares with one serial number": (
        by_uuid(dmi_board_serial="X1"),
        by_uuid(OTHER_UUID, dmi_board_serial="X1"),
    ),
    "two kinds of systems": (identity(), identity(os_type="bsd")),
    "nothing on file": (SystemIdentity(), SystemIdentity()),
}


@pytest.mark.parametrize("pair", ONE_MACHINE.values(), ids=ONE_MACHINE)
def test_two_folders_of_one_machine(pair: tuple[SystemIdentity, SystemIdentity]) -> None:
    for one, other in permutations(pair):
        (problem,) = problems_of(a=one, b=other)
        assert problem.startswith(
            "node-configs/b/system-identity.yaml: is for the same machine as node-configs/a/system-identity.yaml (equal "
        )


@pytest.mark.parametrize("pair", TWO_MACHINES.values(), ids=TWO_MACHINES)
def test_two_folders_of_two_machines(pair: tuple[SystemIdentity, SystemIdentity]) -> None:
    for one, other in permutations(pair):
        assert problems_of(a=one, b=other) == []


def test_the_hint_on_a_clone_says_how_to_get_a_new_id() -> None:
    (cloned,) = problems_of(a=identity(), b=identity())
    for command in (
        "if one folder is a copy of the other, remove this file from the copy",
        "rm -f /var/lib/dbus/machine-id",
        ">/etc/machine-id",
        "ssh-keygen -A",
        "ln -s ../a/system-identity.yaml",
    ):
        assert command in cloned
    (one_hardware,) = problems_of(a=by_uuid(), b=by_uuid())
    assert "/etc/machine-id" not in one_hardware
    assert "if one folder is a copy of the other" in one_hardware
    assert "ln -s ../a/system-identity.yaml" in one_hardware


def test_each_clone_is_reported_once() -> None:
    problems = problems_of(a=identity(), b=identity(), c=identity(OTHER_ID), d=identity())
    assert [problem.partition("/system")[0] for problem in problems] == [
        "node-configs/b",
        "node-configs/d",
    ]


def test_a_folder_is_compared_with_folders_that_were_not_selected() -> None:
    (problem,) = problems_of(["a"], a=identity(), b=identity(), c=identity())
    assert "as node-configs/b/" in problem
    assert problems_of(["c"], a=identity(), b=identity(), c=identity(OTHER_ID)) == []


def folder(
    root: Path, name: str, content: bytes | None = b"validation: {require_match: false}\n"
) -> Path:
    path = root / name
    path.mkdir()
    (path / "state.yaml").touch()
    if content is not None:
        (path / "system-identity.yaml").write_bytes(content)
    return path


def test_one_file_for_two_folders_is_intended(tmp_path: Path) -> None:
    one, other = folder(tmp_path, "a"), folder(tmp_path, "b", None)
    known = {one: identity(), other: identity()}
    assert len(duplicates(known, list(known))) == 1
    (other / "system-identity.yaml").symlink_to("../a/system-identity.yaml")
    assert duplicates(known, list(known)) == []


def test_the_identities_on_file(tmp_path: Path) -> None:
    folder(tmp_path, "none", None)
    folder(tmp_path, "broken", b"identifiers: [")
    folder(tmp_path, "fine")
    (folder(tmp_path, "no-node-yet") / "state.yaml").unlink()
    found: list[Any] = list(identities(tmp_path))
    assert [path.name for path, _ in found] == ["broken", "fine"]
    assert isinstance(found[0][1], ConfigError)
    assert str(found[0][1]).startswith("node-configs/broken/system-identity.yaml:")
    assert isinstance(found[1][1], SystemIdentity)
    assert list(identities(tmp_path / "missing")) == []


def file(machine: str) -> str:
    return yaml.safe_dump(identity_of(machine))


def test_the_others_are_those_that_can_be_used(tmp_path: Path) -> None:
    for name, text in {
        "a": file(ID),
        "all broken": "x",
        "b": file(OTHER_ID),
        "broken": "x",
        "none": None,
        "empty": "",
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "state.yaml").write_text("")
        if text is not None:
            (tmp_path / name / "system-identity.yaml").write_text(text)
    found = others(tmp_path / "a")
    assert list(found) == ["b"]
    (tmp_path / "b" / "system-identity.yaml").write_text(file(ID.replace("2", "1")))
    assert others(tmp_path / "a") != found
    assert others(tmp_path / "nowhere" / "a") == {}


def test_a_machine_becomes_no_second_node(tmp_path: Path) -> None:
    one, new = folder(tmp_path, "a", file(ID).encode()), folder(tmp_path, "b", None)
    folder(tmp_path, "broken", b"x")
    check_unique(new, identity(OTHER_ID))
    check_unique(one, identity())  # it is that node already
    with pytest.raises(ConfigError, match=r"b/system-identity.* same machine as .*/a/"):
        check_unique(new, identity())


def test_the_folders_that_share_a_file(tmp_path: Path) -> None:
    one, other, copy = folder(tmp_path, "a"), folder(tmp_path, "b", None), folder(tmp_path, "c")
    none = folder(tmp_path, "none", None)
    (other / "system-identity.yaml").symlink_to("../a/system-identity.yaml")
    known = [one, other, copy, none]
    assert sharing(one, known) == sharing(other, known) == [one, other]
    assert sharing(copy, known) == [copy]
    assert sharing(none, known) == [none]


def test_the_node_of_a_machine(tmp_path: Path) -> None:
    one, other = folder(tmp_path, "a"), folder(tmp_path, "b")
    assert node_of(identity(), {one: identity(), other: identity(OTHER_ID)}) == Match(one)
    assert node_of(identity(), {other: identity(OTHER_ID)}) is None
    with pytest.raises(ConfigError, match=r"b/system-identity.* for the same machine as .*/a/"):
        node_of(identity(), {one: identity(), other: identity()})


def test_folders_with_one_file_are_one_node(tmp_path: Path) -> None:
    one, other = folder(tmp_path, "a"), folder(tmp_path, "b", None)
    (other / "system-identity.yaml").symlink_to("../a/system-identity.yaml")
    assert node_of(identity(), {one: identity(), other: identity()}) == Match(one)


def test_a_conflict_without_a_common_identifier_names_the_one_on_file(tmp_path: Path) -> None:
    one, other = folder(tmp_path, "a"), folder(tmp_path, "b")
    with pytest.raises(ConfigError, match="equal product-uuid"):
        node_of(identity(dmi_product_uuid=UUID), {one: identity(), other: by_uuid()})
