"""Recording a machine, from what its scripts printed."""

from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import power_edge.checking.collect_identity
from power_edge import atomic_file
from power_edge.checking.target import Target
from power_edge.cli import cli
from power_edge.config import ConfigError, clones, load_node
from power_edge.config.error import refuse
from power_edge.discover import init
from power_edge.probing.framing import Answer, read
from tests.support.answers import answer, sysctl

MACHINE_ID = "a5bc498e58b74733905edbb8c8aedf4e"
OTHER_ID = "0123456789abcdef0123456789abcdef"
UUID = "4c4c4544-0035-3510-8053-b8c04f4d3732"
OPEN = b"validation:\n  require_match: false\n"
FOUND = b"+net/ipv4/ip_forward\t/etc/sysctl.d/a.conf sets it\n+vm/swappiness\t/etc/sysctl.d/a.conf sets it\n"


def identity(machine_id: str, *, uuid: str | None = None) -> bytes:
    key = f"linux:{machine_id}"
    more = f"  dmi_product_uuid: {uuid}\n" if uuid else ""
    return (
        "# yaml-language-server: $schema=elsewhere\n"
        f"platform: {{os_type: linux}}\nidentifiers:\n  primary_id: {machine_id!r}\n  id_type: machine-id\n{more}"
        f"composite_key: {{key: {key!r}, hash: {sha256(key.encode()).hexdigest()!r}}}\n"
    ).encode()


class Machine:
    """This machine: what its scripts print."""

    def __init__(self) -> None:
        self.identity: bytes | None = identity(MACHINE_ID)
        self.more: dict[str, bytes | tuple[int, bytes, str]] = {}
        self.values = {"net.ipv4.ip_forward": "1", "vm.swappiness": "60"}

    def _printed(self) -> tuple[int, bytes, str]:
        return (
            (12, b"", "collect-identity.sh: machine-id left out: there is none")
            if self.identity is None
            else (0, self.identity, "")
        )

    def collect(
        self, route: Any, timeouts: Any
    ) -> power_edge.checking.collect_identity.CollectedIdentity:
        return power_edge.checking.collect_identity.parse(*self._printed())

    def answer(self, target: Target, types: Sequence[str]) -> Answer:
        assert target.route.url.startswith("local:")
        assert "sysctl" in types
        keys = ["net.ipv4.ip_forward", "vm.swappiness"]
        sections: dict[str, bytes | tuple[int, bytes, str]] = {
            "identity": self._printed(),
            "about.who": b"hostname\tmy host\n",
            "find.sysctl": FOUND,
            "sysctl.0": sysctl(self.values, keys),
            **self.more,
        }
        return read(answer("this machine", sections, machine=None))


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    created = Machine()
    monkeypatch.setattr(init, "collect", created.collect)
    monkeypatch.setattr(init, "ask", created.answer)
    monkeypatch.setattr("socket.gethostname", lambda: "my host")
    return created


def folder(root: Path, name: str, **files: bytes) -> Path:
    created = root / name
    created.mkdir(parents=True)
    for stem, content in {
        "state": b"version: '1.0'\nmetadata: {site: a, environment: staging}\n",
        **files,
    }.items():
        (created / f"{stem.replace('_', '-')}.yaml").write_bytes(content)
    return created


def test_a_machine_becomes_a_node_that_loads(machine: Machine, tmp_path: Path) -> None:
    recorded = init.record(tmp_path / "node-configs")
    node = load_node(tmp_path / "node-configs" / recorded.node)
    assert recorded.node == "my-host"
    assert [(item.type, item.name, item.expected["value"]) for item in node.items] == [
        ("sysctl", "net.ipv4.ip_forward", "1"), ("sysctl", "vm.swappiness", "60"),
    ]  # fmt: skip
    assert node.identity is not None
    assert node.identity.node.hostname == "my host"
    assert node.system_identity is not None
    assert node.system_identity.identifiers is not None
    assert node.system_identity.identifiers.primary_id == MACHINE_ID
    assert recorded.notes == ("recorded this machine: node-configs/my-host/ (2 items)",)


def test_of_a_machine_with_nothing_to_declare_the_identity_is_recorded(
    machine: Machine, tmp_path: Path
) -> None:
    machine.values = {}
    recorded = init.record(tmp_path)
    assert load_node(tmp_path / "my-host").items == ()
    assert recorded.notes == (f"recorded this machine: {tmp_path}/my-host/ (0 items)",)


def test_a_machine_on_file_is_recognised_under_any_name(machine: Machine, tmp_path: Path) -> None:
    machine.identity = identity(MACHINE_ID, uuid=UUID)
    folder(tmp_path, "a-name", system_identity=identity(OTHER_ID))
    folder(tmp_path, "b-name", system_identity=identity(MACHINE_ID))
    assert init.record(tmp_path, "wanted").node == "b-name"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a-name", "b-name"]


def test_a_name_that_is_not_used_is_told(machine: Machine, tmp_path: Path) -> None:
    folder(tmp_path, "b-name", system_identity=identity(MACHINE_ID))
    known = "this machine is recorded: node-configs/b-name/"
    assert init.record(tmp_path, "b-name").notes == (known,)
    assert init.record(tmp_path).notes == (known,)
    assert init.record(tmp_path, "wanted").notes == (
        known,
        "the name wanted is not used, because this machine is the node b-name: to rename it,"
        " rename the folder node-configs/b-name/",
    )


def test_this_machine_is_each_node_that_shares_its_file_on_purpose(
    machine: Machine, tmp_path: Path
) -> None:
    folder(tmp_path, "a", system_identity=identity(OTHER_ID))
    folder(tmp_path, "b", system_identity=identity(MACHINE_ID))
    folder(tmp_path, "c")
    assert init.find(tmp_path) == (("b",), ())
    (tmp_path / "c" / "system-identity.yaml").symlink_to("../b/system-identity.yaml")
    assert init.find(tmp_path) == (("b", "c"), ())
    (tmp_path / "c" / "system-identity.yaml").unlink()
    (tmp_path / "c" / "system-identity.yaml").write_bytes(identity(MACHINE_ID))
    with pytest.raises(ConfigError, match=r"node-configs/c/.*node-configs/b/"):
        init.find(tmp_path)


def test_an_identity_without_a_state_is_no_record_of_the_machine(
    machine: Machine, tmp_path: Path
) -> None:
    folder(tmp_path, "prepared", system_identity=identity(MACHINE_ID))
    (tmp_path / "prepared" / "state.yaml").unlink()
    assert init.record(tmp_path).node == "my-host"
    assert load_node(tmp_path / "my-host").items


def test_other_hardware_with_a_cloned_machine_id_is_told(machine: Machine, tmp_path: Path) -> None:
    machine.identity = identity(MACHINE_ID, uuid=UUID)
    folder(tmp_path, "clone", system_identity=identity(MACHINE_ID, uuid=UUID.replace("4c", "5c")))
    with pytest.raises(
        ConfigError, match=r"node-configs/wanted.*node-configs/clone.*clone of the other"
    ):
        init.record(tmp_path, "wanted")
    assert [path.name for path in tmp_path.iterdir()] == ["clone"]


def test_the_name_of_another_machine_is_refused_and_its_files_stay(
    machine: Machine, tmp_path: Path
) -> None:
    other = folder(tmp_path, "my-host", system_identity=identity(OTHER_ID))
    before = {path: path.read_bytes() for path in other.iterdir()}
    with pytest.raises(ConfigError, match="belongs to another machine"):
        init.record(tmp_path)
    assert {path: path.read_bytes() for path in other.iterdir()} == before


@pytest.mark.parametrize("name", ["", ".hidden", "a/b", "../up", "-x"])
def test_no_name_for_a_node(machine: Machine, tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="not a valid node name"):
        init.record(tmp_path / "node-configs", name)
    assert list(tmp_path.iterdir()) == []


def test_an_identity_that_cannot_be_used_is_passed_over_aloud(
    machine: Machine, tmp_path: Path
) -> None:
    folder(tmp_path, "broken", system_identity=b"identifiers: [")
    recorded = init.record(tmp_path)
    assert recorded.notes[0].startswith("broken was skipped")
    assert recorded.node == "my-host"


def test_a_machine_without_identity_is_recorded_open_and_known_by_its_name(
    machine: Machine, tmp_path: Path
) -> None:
    machine.identity = None
    first = init.record(tmp_path)
    written = (tmp_path / "my-host" / "system-identity.yaml").read_bytes()
    assert written == OPEN
    assert (
        first.notes[1]
        == "its identity is not required to match: machine-id left out: there is none"
    )
    assert init.record(tmp_path) == init.Recorded(
        "my-host", ("this machine is recorded, by its host name only: node-configs/my-host/",)
    )


def test_a_machine_with_identity_does_not_take_over_an_open_node(
    machine: Machine, tmp_path: Path
) -> None:
    folder(tmp_path, "my-host", system_identity=OPEN)
    with pytest.raises(
        ConfigError,
        match=r"its identity names no machine \(give this one a name: power-edge init NAME\)",
    ):
        init.record(tmp_path)


def test_a_folder_of_this_machine_without_a_state(machine: Machine, tmp_path: Path) -> None:
    (folder(tmp_path, "my-host", system_identity=identity(MACHINE_ID)) / "state.yaml").unlink()
    with pytest.raises(
        ConfigError,
        match=r"has this machine's identity, but no state.yaml \(.*: power-edge discover --as my-host --merge\)",
    ):
        init.record(tmp_path)
    (tmp_path / "my-host" / "system-identity.yaml").write_bytes(OPEN)
    machine.identity = None
    with pytest.raises(ConfigError, match="has this machine's identity, but no state"):
        init.record(tmp_path)


def test_a_folder_without_identity_and_state(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "my-host").mkdir()
    with pytest.raises(
        ConfigError,
        match=r"neither system-identity.yaml nor state.yaml \(to make .*: power-edge discover --as my-host --merge\)",
    ):
        init.record(tmp_path)


def test_a_folder_whose_identity_cannot_be_read(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object) -> bytes:
        raise refuse(
            "node-configs/my-host/system-identity.yaml", "cannot be read: Permission denied"
        )

    folder(tmp_path, "my-host", system_identity=identity(MACHINE_ID))
    for module in (init, clones):
        monkeypatch.setattr(module, "read_file", denied, raising=False)
    with pytest.raises(ConfigError) as error:
        init.record(tmp_path)
    assert str(error.value) == (
        "node-configs/my-host: exists, but its identity cannot be used: node-configs/my-host/system-identity.yaml: cannot be read: "
        "Permission denied (correct that; if it belongs to another machine, give this one a name: power-edge init NAME)"
    )


def test_a_folder_that_is_a_link_out_of_node_configs(machine: Machine, tmp_path: Path) -> None:
    folder(tmp_path, "elsewhere", system_identity=identity(MACHINE_ID))
    (tmp_path / "node-configs").mkdir()
    (tmp_path / "node-configs" / "my-host").symlink_to("../elsewhere")
    with pytest.raises(
        ConfigError,
        match=r"my-host: is a symbolic link that leads out of node-configs/, and is not read \(replace the link with the folder",
    ):
        init.record(tmp_path / "node-configs")


def test_a_machine_that_shows_no_identity_does_not_know_whose_a_folder_is(
    machine: Machine, tmp_path: Path
) -> None:
    machine.identity = None
    folder(tmp_path, "my-host", system_identity=identity(MACHINE_ID))
    with pytest.raises(
        ConfigError, match="it is unknown whether it belongs to this machine: machine-id left out"
    ):
        init.record(tmp_path)


def test_a_file_in_place_of_the_folder(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / "my-host").touch()
    with pytest.raises(ConfigError, match="exists and is not a folder"):
        init.record(tmp_path)


def test_files_hold_no_path_of_this_machine(machine: Machine, tmp_path: Path) -> None:
    init.record(tmp_path / "node-configs")
    files = sorted((tmp_path / "node-configs" / "my-host").iterdir())
    assert [file.name for file in files] == ["identity.yaml", "state.yaml", "system-identity.yaml"]
    for file in files:
        assert "$schema" not in file.read_text()


Run = Callable[..., Any]


@pytest.fixture
def run(machine: Machine, tmp_path: Path) -> Run:
    return lambda *arguments: CliRunner().invoke(
        cli, ["--node-configs", str(tmp_path), "init", *arguments], standalone_mode=True
    )


def test_the_command_prints_the_name_alone(run: Run, tmp_path: Path) -> None:
    result = run()
    assert (result.exit_code, result.stdout) == (0, "my-host\n")
    assert result.stderr == f"recorded this machine: {tmp_path}/my-host/ (2 items)\n"


def test_the_command_says_what_was_not_looked_at_and_why(
    run: Run, machine: Machine, tmp_path: Path
) -> None:
    machine.more["find.services"] = (1, b"", "no systemd\x1b[31m")
    recorded = f"recorded this machine: {tmp_path}/my-host/ (2 items)\n"
    assert run().stderr == f"{recorded}not observed: services: no systemd\\x1b[31m\n"
    assert "not observed" not in run().stderr  # nothing is discovered of a node on file


def test_the_commands_statuses(run: Run, tmp_path: Path) -> None:
    (tmp_path / "my-host").touch()
    assert run().exit_code == 1  # as below: click's own, which main() makes 4
    assert run("--sudo").exit_code == 2


def test_a_folder_that_cannot_be_written_is_told_in_a_line(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic_file, "_fill", full)
    done = run()
    assert isinstance(done.exception, OSError)  # which main() makes 3
    assert done.exception.strerror == (
        "node-configs/my-host/state.yaml cannot be written: No space left on device; nothing was written (make room, and run the command again)"
    )


def test_machines_without_identity_are_told_apart_by_name(machine: Machine, tmp_path: Path) -> None:
    machine.identity = None
    folder(tmp_path, "another", system_identity=OPEN)
    assert init.record(tmp_path).node == "my-host"


def test_a_node_of_that_name_without_identity_is_left_to_a_person(
    machine: Machine, tmp_path: Path
) -> None:
    created = folder(tmp_path, "my-host")
    with pytest.raises(ConfigError, match="power-edge identity my-host --write"):
        init.record(tmp_path)
    assert [path.name for path in created.iterdir()] == ["state.yaml"]


def test_a_machine_recorded_by_root_is_recognised_by_a_user_who_sees_less(
    machine: Machine, tmp_path: Path
) -> None:
    folder(tmp_path, "by-root", system_identity=identity(MACHINE_ID, uuid=UUID))
    assert init.record(tmp_path).node == "by-root"


def test_a_machine_that_is_two_nodes_is_refused(machine: Machine, tmp_path: Path) -> None:
    for name in ("one", "two"):
        folder(tmp_path, name, system_identity=identity(MACHINE_ID))
    with pytest.raises(ConfigError, match=r"node-configs/two/.*as node-configs/one/"):
        init.record(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "two"]


def test_a_machine_migrated_to_a_new_system_is_its_node(machine: Machine, tmp_path: Path) -> None:
    migrates = b"validation: {allow_os_migration: true}\n"
    folder(tmp_path, "old", system_identity=identity(OTHER_ID, uuid=UUID) + migrates)
    machine.identity = identity(MACHINE_ID, uuid=UUID)
    assert init.record(tmp_path).node == "old"
