"""Runs of `pytest --node=` from this side of the lab, and the configuration of nodes that they
check.
"""

import hashlib
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from power_edge.checking.check import Checked, script_for
from power_edge.config import load_node
from power_edge.model import Item, Result
from power_edge.probing.framing import merge, read
from tests.support.lab.nodes import Lab, Node

CHECKOUT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Check:
    """How a run ended: its exit status, what a person saw of it, and what its JSON report says of
    each item.
    """

    status: int
    output: str
    items: Mapping[tuple[str, str], Mapping[str, Any]]
    """(node, `type[name]`) -> metadata; the gate is `node[identity]`."""

    def item(self, node: str, item: str) -> Mapping[str, Any]:
        return self.items[node, item]

    def outcomes(self, node: str) -> dict[str, str]:
        """`type[name]` -> outcome, for one node."""
        return {
            item: metadata["outcome"] for (of, item), metadata in self.items.items() if of == node
        }


def check(lab: Lab, *arguments: str, folder: Path = CHECKOUT) -> Check:
    """Run pytest with these arguments in a folder (the one that holds node-configs/), with the
    lab's ssh configuration.
    """
    report = lab.directory / "report.json"
    report.unlink(missing_ok=True)
    options = [
        f"--ssh-config={lab.ssh_config}",
        "--json-report",
        f"--json-report-file={report}",
        "-p",
        "no:cacheprovider",
    ]
    ours = {name: "" for name in os.environ if name.startswith("PYTEST_")} | {"COLUMNS": "80"}
    done = lab.run(
        sys.executable, "-m", "pytest", *options, *arguments, check=False, cwd=folder, **ours
    )
    tests = json.loads(report.read_text())["tests"] if report.exists() else []
    items = [
        test["metadata"]["power_edge"] for test in tests if "power_edge" in test.get("metadata", {})
    ]
    return Check(
        done.returncode,
        done.stdout + done.stderr,
        {(item["node"], f"{item['type']}[{item['name']}]"): item for item in items},
    )


def declare(
    folder: Path,
    node: Node,
    state: Mapping[str, Any],
    *,
    machine_id: str | None = None,
    user: str = "root",
    backend: str = "ssh",
    **timeouts: float,
) -> None:
    """Write node-configs/<node's name>/ in a folder: the state, the identity (the node's own, or
    another), and the way there.
    """
    identity = machine_id or node.machine_id
    files = {
        "state": {
            "version": "1.0",
            "metadata": {"site": "lab", "environment": "development"},
            **state,
        },
        "system-identity": {
            "platform": {"os_type": "linux", "os_family": "debian"},
            "identifiers": {
                "primary_id": identity,
                "machine_id": identity,
                "id_type": "machine-id",
            },
            "composite_key": {
                "key": f"linux:{identity}",
                "components": [
                    {"name": "os_type", "value": "linux"},
                    {"name": "primary_id", "value": identity},
                ],
                "hash": digest(identity),
            },
            "validation": {"require_match": True},
        },
        "connection": {"url": f"{backend}://{user}@{node.address}", **timeouts},
    }
    place = folder / "node-configs" / node.name
    place.mkdir(parents=True)
    for name, content in files.items():
        (place / f"{name}.yaml").write_text(yaml.safe_dump(content))


def look(node: Node, items: Sequence[Item]) -> list[Result]:
    """What the product makes of items on a node, each by itself: its own script, run past ssh, its
    own gate and its own judges. AssertionError: the gate is shut.
    """
    with TemporaryDirectory() as folder:
        declare(Path(folder), node, {})
        empty = load_node(Path(folder) / "node-configs" / node.name)
    declared = replace(empty, state=empty.state._replace(items=tuple(items)))
    lines = script_for(declared).commands()
    ran = [node.run("/bin/sh", "-c", line) for line in lines]
    checked = Checked(
        declared, merge(read(one.stdout.encode(errors="surrogateescape")) for one in ran)
    )
    assert checked.gate.open, checked.gate.why
    return [checked.result(item) for item in items]


def logins(node: Node) -> int:
    """How often somebody was let in over ssh since the node's boot."""
    node.sh("journalctl --sync")
    return node.sh("journalctl -q -u ssh --output=cat").count("Accepted publickey")


def digest(machine_id: str) -> str:
    """The hash that stands for a machine-id in reports."""
    return hashlib.sha256(f"linux:{machine_id}".encode()).hexdigest()
