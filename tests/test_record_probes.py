"""The scripts that read a machine to be recorded, run by sh on made trees."""

import subprocess
from pathlib import Path

import pytest

from power_edge import gate
from power_edge.config import load_state
from power_edge.config.node import load_system_identity
from power_edge.model.declared.system_identity_schema import SystemIdentity
from tests.cases import RECORDINGS

PROBES = Path(__file__).parents[1] / "probes"
MACHINE_ID = "a5bc498e58b74733905edbb8c8aedf4e"
UUID = "4c4c4544-0035-3510-8053-b8c04f4d3732"
NEVER_AN_ID = [b"", b"\n", b"uninitialized\n", b"0" * 32, b"a5bc498e58b74733905edbb8c8aedf4", b"zzbc498e58b74733905edbb8c8aedf4e", b"\xff\x00\n"]
FILLERS = (RECORDINGS / "identity" / "dmi-placeholder.values.txt").read_text().splitlines()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A machine's files; `bin` comes first on PATH, for tools that it has and we have not."""
    for folder in ("etc", "sys/class/dmi/id", "proc/1", "bin"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "proc/1/environ").write_bytes(b"HOME=/\0NOT_container=lxc\0")
    return tmp_path


def tool(tree: Path, name: str, body: str) -> None:
    file = tree / "bin" / name
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)


def collect(tree: Path) -> tuple[SystemIdentity, str]:
    environment = {"PE_ROOT": str(tree), "PATH": f"{tree}/bin:/usr/bin:/bin"}
    done = subprocess.run(["sh", PROBES / "collect-identity.sh"], capture_output=True, check=True, env=environment, cwd=tree)
    assert done.stdout.startswith(b"# yaml-language-server: $schema=")
    return load_system_identity(done.stdout, "system-identity.yaml"), done.stderr.decode()


def test_a_machine_as_it_stands_on_file(tree: Path) -> None:
    (tree / "etc/machine-id").write_text(f"{MACHINE_ID.upper()}\n")
    (tree / "etc/os-release").write_text("PRETTY_NAME='It''s'\nID=ubuntu\nID_LIKE=debian\nVERSION_ID=\"24.04\"\n")
    (tree / "sys/class/dmi/id/product_uuid").write_text(f"{UUID.upper()}\n")
    (tree / "sys/class/dmi/id/board_serial").write_text(".CN7475'141I0123: {\n")
    identity, errors = collect(tree)
    assert identity.platform is not None
    assert (identity.platform.os_type, identity.platform.os_family, identity.platform.os_version) == ("linux", "debian", "24.04")
    assert identity.identifiers is not None
    assert (identity.identifiers.primary_id, identity.identifiers.id_type) == (MACHINE_ID, "machine-id")
    assert (identity.identifiers.dmi_product_uuid, identity.identifiers.dmi_board_serial) == (UUID, ".CN7475'141I0123: {")
    assert identity.composite_key is not None
    assert identity.composite_key.hash == "e8ccc88d6fab54001cbbdbca24262b2e35c56022b31dd48a3a44985fb4696ac3"
    assert gate.expected(identity).require_match
    assert errors == ""


@pytest.mark.parametrize("content", NEVER_AN_ID)
def test_without_any_identifier_the_gate_is_recorded_open_and_says_why(tree: Path, content: bytes) -> None:
    (tree / "etc/machine-id").write_bytes(content)
    identity, errors = collect(tree)
    assert identity.identifiers is None
    assert not gate.expected(identity).require_match
    assert errors.count("\n") == 1
    assert "machine-id: " in errors


@pytest.mark.parametrize("filler", FILLERS)
def test_fillers_of_firmware_are_no_identifiers(tree: Path, filler: str) -> None:
    for name in ("product_uuid", "board_serial"):
        (tree / "sys/class/dmi/id" / name).write_text(f"{filler}\n")
    identity, _ = collect(tree)
    assert identity.identifiers is None


def test_the_firmwares_id_serves_where_there_is_no_machine_id(tree: Path) -> None:
    (tree / "sys/class/dmi/id/product_uuid").write_text(f"{UUID}\n")
    identity, _ = collect(tree)
    assert identity.identifiers is not None
    assert (identity.identifiers.primary_id, identity.identifiers.id_type) == (UUID, "product-uuid")


@pytest.mark.parametrize("mark", [".dockerenv", "run/.containerenv", "run/systemd/container", "proc/1/environ"])
def test_in_a_container_the_firmware_is_the_hosts(tree: Path, mark: str) -> None:
    (tree / "sys/class/dmi/id/product_uuid").write_text(f"{UUID}\n")
    (tree / mark).parent.mkdir(parents=True, exist_ok=True)
    (tree / mark).write_bytes(b"HOME=/\0container=lxc\0")
    identity, errors = collect(tree)
    assert identity.identifiers is None
    assert "the host's" in errors


@pytest.mark.parametrize(("case", "shown"), [("macos-ioreg-d2", True), ("macos-ioreg-empty", False)])
def test_a_mac(tree: Path, case: str, shown: bool) -> None:
    tool(tree, "uname", 'if [ "$1" = -r ]; then echo 22.6.0; else echo Darwin; fi')
    tool(tree, "sw_vers", "echo 13.6")
    tool(tree, "ioreg", f"cat '{RECORDINGS}/identity/{case}.ioreg.txt'")
    identity, errors = collect(tree)
    assert gate.expected(identity).primary == ("io-platform-uuid" if shown else None)
    assert bool(errors) is not shown


def test_a_state_is_read_off_any_machine() -> None:
    done = subprocess.run(["sh", PROBES / "draft-state.sh"], capture_output=True, check=True)
    state = load_state(done.stdout, "state.yaml", "here")
    assert ("files", "/etc/passwd") in {(item.type, item.name) for item in state.items}
    assert len(state.items) <= 15
