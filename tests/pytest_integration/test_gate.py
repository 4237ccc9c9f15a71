"""The gate that closes on the node, by the prelude, and gate.py: they agree, on made machines and
on recorded ones.
"""

import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
import yaml

from power_edge.config import ConfigError, load_node
from power_edge.identity import gate, identifiers
from power_edge.identity.gate import Gate
from power_edge.identity.identifiers import Expected
from power_edge.probing.framing import Answer, read
from power_edge.probing.script import Timeouts, probe_script
from tests.support.cases import Case, Verdict, parameters
from tests.support.gates import ROWS, Row
from tests.support.shells import each_shell

pytestmark = pytest.mark.shell

FILES = {
    "machine-id": "etc/machine-id",
    "product-uuid": "sys/class/dmi/id/product_uuid",
    "board-serial": "sys/class/dmi/id/board_serial",
}


@pytest.fixture
def machine() -> Iterator[Path]:
    """A tree for PE_ROOT, below a folder that every user may enter."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def ask(
    shell: list[str],
    expected: Expected | None,
    root: Path,
    *,
    path: str = "/usr/bin:/bin",
    as_nobody: bool = False,
    in_tree: bool = True,
) -> Answer:
    script = root / "script"
    whole = probe_script("a", expected, (), Timeouts()).text()
    assert "    unset PE_ROOT\n" in whole
    script.write_text(whole.replace("    unset PE_ROOT\n", "") if in_tree else whole)
    user = "nobody" if as_nobody and os.geteuid() == 0 else None
    done = subprocess.run(
        [*shell, str(script)],
        capture_output=True,
        check=True,
        stdin=subprocess.DEVNULL,
        env={"PE_ROOT": str(root), "PATH": path},
        user=user,
        extra_groups=[] if user else None,
    )
    assert done.stderr == b""
    return read(done.stdout)


def judged(answer: Answer, expected: Expected | None) -> Gate:
    """The gate, which the prelude must have found as gate.py does."""
    found = gate.judge(expected, answer.readings, "record")
    assert (answer.gate == "open") is found.open
    assert answer.complete
    return found


@each_shell()
@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_table(row: Row, shell: list[str], machine: Path) -> None:
    for kind, (state, value) in row.readings.items():
        file = machine / FILES[kind]
        file.parent.mkdir(parents=True, exist_ok=True)
        if state != "missing":
            file.write_text(value)
            file.chmod(0o000 if state == "unreadable" else 0o444)
    answer = ask(
        shell, row.expected, machine, as_nobody="unreadable" in dict(row.readings.values())
    )
    assert {kind: answer.readings[kind].state for kind in row.expected.hashes} == {
        kind: row.readings.get(kind, ("missing", ""))[0] for kind in row.expected.hashes
    }
    found = judged(answer, row.expected)
    assert (found.status, found.matches) == (row.status, row.matches)
    assert row.words in (found.why or "")


def test_the_environment_of_a_node_does_not_choose_what_is_read(machine: Path) -> None:
    (machine / "etc").mkdir()
    (machine / "etc/machine-id").write_text("a" * 32)
    claimed = Expected(
        "linux",
        "machine-id",
        {"machine-id": identifiers.digest("linux", "machine-id", "a" * 32)},
        True,
        False,
        None,
    )
    assert ask(["sh"], claimed, machine).gate == "open"
    assert ask(["sh"], claimed, machine, in_tree=False).gate != "open"


SERIALS = [
    "None",
    "N/A",
    "Default string",
    "Not Specified",
    "To be filled by O.E.M.",
    "System Serial Number",
    "0123456789",
    "00000000",
    " ",
    "0.0-0",
]


@pytest.mark.parametrize("serial", [*SERIALS, "CN7475141I0123", "10", "X0"])
def test_fillers_are_fillers_on_both_sides(serial: str, machine: Path) -> None:
    file = machine / FILES["board-serial"]
    file.parent.mkdir(parents=True)
    file.write_text(f"{serial}\n")
    state = (
        ask(["sh"], Expected("linux", None, {"board-serial": "0" * 64}, True, False, None), machine)
        .readings["board-serial"]
        .state
    )
    assert (state == "filler") is (serial in SERIALS)
    assert identifiers.is_filler("board-serial", serial) is (serial in SERIALS)


RECORDED = [
    parameter
    for parameter in parameters("identity")
    if "unique_in_fleet" not in parameter.values[1].declared["identity"]
]
"""Whether two nodes show one identity is asked of a fleet, and of no node's file."""


@pytest.mark.parametrize(("case", "verdict"), RECORDED)
def test_recorded_case(case: Case, verdict: Verdict, machine: Path, tmp_path: Path) -> None:
    """Open is pass, hidden is unknown, another machine is fail; a file that does not fit itself is
    invalid.
    """
    path = make(case, machine)
    declared = dict(verdict.declared["identity"])
    as_nobody = case.name == "dmi-root-only" and verdict.verdict == "unknown"
    assert outcome(declared, machine, tmp_path / "a", path, as_nobody) == verdict.verdict


def make(case: Case, root: Path) -> str:
    """The files that a case shows, below `root`; the PATH to be used."""
    for kind in ("machine-id", "root", "three-nodes", "values"):
        if not case.has(kind):
            continue
        printed = case.content(kind)
        if kind == "values":
            files = {
                "product-uuid": printed.split(b"\n")[2],
                "board-serial": printed.split(b"\n")[5],
            }
        elif kind == "root":
            files = {"product-uuid": printed}
        else:
            files = {"machine-id": dumped(printed) if kind == "machine-id" else printed}
        for name, content in files.items():
            file = root / FILES[name]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            file.chmod(0o444 if name == "machine-id" else 0o400)
    if (
        case.name == "composite-hash-sample"
    ):  # a file and no machine: let it be the one that the file is of
        file = root / FILES["machine-id"]
        file.parent.mkdir()
        file.write_text(
            yaml.safe_load(case.content("system-identity.yaml"))["identifiers"]["machine_id"]
        )
    if case.has("ioreg"):
        (root / "ioreg.txt").write_bytes(case.content("ioreg"))
        (root / "bin").mkdir()
        (root / "bin" / "ioreg").write_text(f"#!/bin/sh\ncat {root}/ioreg.txt\n")
        (root / "bin" / "ioreg").chmod(0o755)
    return f"{root}/bin:/usr/bin:/bin"


def dumped(printed: bytes) -> bytes:
    """What `od -A d -c` was given."""
    content = b""
    for line in re.findall(rb"^\d{7}((?: ...)+)$", printed, re.MULTILINE):
        content += b"".join(
            {b"\\n": b"\n"}.get(cell.strip(), cell.strip()) for cell in re.findall(rb" (...)", line)
        )
    return content


def outcome(declared: dict[str, str], root: Path, folder: Path, path: str, as_nobody: bool) -> str:
    key = declared.get("key", "")
    mac = key.startswith("darwin:") or (root / "ioreg.txt").exists()
    name = next((name for name in declared if name.startswith("dmi_")), "primary_id")
    value = declared.get(name) or key.partition(":")[2]
    kind = (
        "io-platform-uuid"
        if mac
        else "product-uuid"
        if name == "dmi_product_uuid"
        else "machine-id"
    )
    os_type = "darwin" if mac else "linux"
    composite = key or f"{os_type}:{value}"
    file = {
        "platform": {"os_type": os_type},
        "identifiers": {"primary_id": value, "id_type": kind},
        "composite_key": {
            "key": composite,
            "hash": declared.get("hash") or sha256(composite.encode()).hexdigest(),
        },
        "validation": {"require_match": True},
    }
    if name == "dmi_board_serial":
        return "unknown" if identifiers.is_filler("board-serial", value) else "pass"
    folder.mkdir()
    (folder / "system-identity.yaml").write_text(yaml.safe_dump(file))
    (folder / "state.yaml").write_text(
        "version: '1.0'\nmetadata: {site: x, environment: development}\n"
    )
    try:
        node = load_node(folder)
    except ConfigError:
        return "invalid"
    assert node.system_identity is not None
    expected = identifiers.expected(node.system_identity)
    found = judged(ask(["sh"], expected, root, path=path, as_nobody=as_nobody), expected)
    return (
        "pass" if found.open else "unknown" if "shows no identity" in (found.why or "") else "fail"
    )
