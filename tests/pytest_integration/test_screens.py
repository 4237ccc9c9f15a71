"""What an operator sees, kept as text: tests/golden/screens/.

After a change that is meant, write them anew and look at each in a terminal:

    POWER_EDGE_SCREENS=write pytest tests/pytest_integration/test_screens.py

A screen with colours has its escape sequences as `^[`; `sed 's/\\^\\[/\\x1b/g' FILE` shows them.
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from types import SimpleNamespace

import pytest

from power_edge.config import Node
from power_edge.probing.failure import Unreachable
from power_edge.probing.framing import read
from tests.support import answers
from tests.support.cases import RECORDINGS
from tests.support.project import Project

pytest_plugins = ["pytester"]

SCREENS = Path(__file__).parents[1] / "golden" / "screens"
CHANGING = (
    (re.compile(r"=* (\d.*|no tests ran) in [0-9.]+s =*"), r"== \1 in ...s =="),
    (re.compile(r" in [0-9.]+s(?=$|\x1b)"), " in ...s"),
)


def fleet(project: Project, nodes: int, drifts: int) -> None:
    """Nodes with so many drifts in all: half of a node's are on all nodes, half are its own."""
    for number in range(nodes):
        own = drifts // nodes + (number < drifts % nodes)
        declared = {
            f"net.ipv4.conf.eth{each}.forwarding"
            if each < (own + 1) // 2
            else f"net.ipv4.neigh.eth{number * 1000 + each}.gc_stale_time": "1"
            for each in range(max(own, 3))
        }
        observed = {key: "0" if each < own else "1" for each, key in enumerate(declared)}
        project.node(f"rig-{number + 1:02}", declared, observed)


def mixed(project: Project) -> None:
    """Drift of several types, a shut gate, one that is silent, what could not be looked at."""
    files = [{"path": f"/etc/chrony/{name}", "mode": "0640"} for name in ("a", "b", "c")]
    declared = {"vm.swappiness": "60", "kernel.core_pattern": "|/usr/lib/systemd/systemd-coredump"}
    observed = {"vm.swappiness": "10", "kernel.core_pattern": "core"}
    for name in ("na", "nb"):
        project.node(name, declared, observed, sections={"files": files})
        project.answer(
            name,
            {
                "sysctl.0": answers.sysctl(observed),
                "files.0": (1, b"", "needs root: sudo: a password is required"),
            },
        )
    firewall = {
        "enabled": True,
        "default_incoming": "deny",
        "rules": [{"port": 22, "proto": "tcp", "action": "allow"}],
    }
    project.node("nc", sections={"firewall": firewall})
    off = (RECORDINGS / "ufw" / "disabled" / "section").read_bytes()
    project.answer("nc", {"sysctl.0": answers.sysctl({"vm.swappiness": "60"}), "firewall.0": off})
    project.node("nd", machine=answers.OTHER, gate="wrong")
    folder = project.node("ne")
    (folder / "test_own.py").write_text("def test_it(): assert 'up' == 'down'\n")


def silent(project: Project) -> None:
    """Fifty nodes that no connection leads to, and one that answers."""
    for number in range(50):
        project.node(f"rig-{number + 1:02}")
    project.node("shore")


def _no_answer(number: int) -> object:
    def answer() -> object:
        raise Unreachable(f"ssh: connect to host 10.0.0.{number} port 22: No route to host")

    return SimpleNamespace(limit=1.0, is_done_within=lambda _: True, answer=answer)


def _pending(file: Path) -> object:
    found = read(file.read_bytes())
    return SimpleNamespace(limit=1.0, is_done_within=lambda _: True, answer=lambda: found)


COLOURS = ("--color=yes",)
"""The same for a light and a dark terminal: its own palette decides, and no colour is one that
either hides.
"""
CASES = {
    **{
        f"{nodes}-nodes-{drifts}-drifts-{columns}": (nodes, drifts, columns, ())
        for nodes in (1, 50)
        for drifts in (0, 3, 300)
        for columns in (80, 120)
    },
    **{
        f"{nodes}-nodes-{drifts}-drifts-{columns}-colours": (nodes, drifts, columns, COLOURS)
        for nodes in (1, 50)
        for drifts in (0, 3, 300)
        for columns in (80, 120)
    },
    "1-nodes-3-drifts-quiet": (1, 3, 80, ("-q",)),
    "50-nodes-300-drifts-quiet": (50, 300, 80, ("-q",)),
    **{f"mixed-{columns}": (0, 0, columns, ()) for columns in (80, 120)},
    "mixed-colours": (0, 0, 80, COLOURS),
    "mixed-lines": (0, 0, 80, ("--tb=line",)),
    "mixed-quiet": (0, 0, 80, ("-q",)),
    "silent-80": (0, 0, 80, ()),
    "silent-120-colours": (0, 0, 120, COLOURS),
    "silent-quiet": (0, 0, 80, ("-q",)),
}


@pytest.mark.parametrize("name", CASES)
def test_a_screen(project: Project, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    nodes, drifts, columns, options = CASES[name]
    if nodes:
        fleet(project, nodes, drifts)
    else:
        (silent if name.startswith("silent") else mixed)(project)
    monkeypatch.setenv("COLUMNS", str(columns))

    def ask(asked: Iterable[Node], _: object) -> dict[str, object]:
        return {
            node.name: _no_answer(number)
            if name.startswith("silent") and node.name != "shore"
            else _pending(project.answers[node.name])
            for number, node in enumerate(asked, 1)
        }

    monkeypatch.setattr("power_edge.checking.check.ask", ask)
    text = project.run("--node=*", *options, nodes=()).stdout.str()
    for pattern, instead in CHANGING:
        text = "\n".join(pattern.sub(instead, line) for line in text.split("\n"))
    text = text.replace(str(project.path), "/...").replace("\x1b", "^[")
    # pytest prints its header if there are other tests than ours.
    text = re.sub(r"^(platform|rootdir|plugins).*\n", r"\1 ...\n", text, flags=re.MULTILINE)
    file = SCREENS / f"{name}.txt"
    if os.environ.get("POWER_EDGE_SCREENS") == "write":
        file.write_text(f"{text}\n")
    assert f"{text}\n" == file.read_text()


def test_no_screen_is_left_over() -> None:
    assert {file.stem for file in SCREENS.iterdir()} == {*CASES}
