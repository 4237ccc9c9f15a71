"""A release with a fault is taken back, and the mended one follows: on nodes, with real installations.

The versions are this very program, promoted by `power-edge release`. The one with the fault calls
every kernel parameter compliant. The nodes have Debian 12 and 13, and reach no network.
"""

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.artifacts.test_packages import ROOTS
from tests.support import real_project, releases, repository
from tests.support.lab.nodes import Lab, Node
from tests.support.releases import release
from tests.support.repository import git

pytestmark = [pytest.mark.lab, pytest.mark.artifact]

STATE = """version: "1.0"
metadata: {site: lab, environment: production}
services:
- {name: cron, state: running}
sysctl: {net.ipv4.ip_forward: "1"}
"""
JUDGE = "plugins/power_edge/resources/sysctl/judge.py"
SOUND = "    if _equal(declared.value, actual):"
FAULTY = "    if True:"
RIGHT = {"node[identity]": "compliant", "services[cron]": "compliant"} | {
    "sysctl[net.ipv4.ip_forward]": "drift"
}
WRONG = {**RIGHT, "sysctl[net.ipv4.ip_forward]": "compliant"}


class Step(NamedTuple):
    """A release, and what its program says of a node that forwards nothing."""

    version: str
    commit: str
    status: int
    outcomes: dict[str, str]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of this program, which is the current folder; it has no history."""
    repository.alone(monkeypatch)
    real_project.make(tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    shutil.rmtree("changelog.d")
    configs = {"node-configs/rig-1/state.yaml": STATE}
    shutil.rmtree("node-configs")
    repository.commit({**configs, "changelog.d/1.feature.md": "All of it.\n"})
    return tmp_path / "project"


@pytest.fixture
def nodes(lab: Lab, tmp_path: Path) -> Iterator[list[Node]]:
    """Nodes with an environment of their own and the wheels that ours is installed with."""
    real_project.dependencies(tmp_path / "wheels")
    (tmp_path / "published").mkdir()
    options = [f"--bind-ro={tmp_path / name}:/srv/{name}" for name in ("wheels", "published")]
    with ExitStack() as stack:
        booted = [
            stack.enter_context(lab.node(f"rolled-back-{name}", root=root, options=options))
            for name, root in ROOTS.items()
        ]
        for node in booted:
            node.sh("python3 -m venv /opt/power-edge; mkdir -p /etc/power-edge")
        yield booted


def changed(number: int, old: str, new: str) -> None:
    """Commit a change of the program."""
    text = Path(JUDGE).read_text()
    assert text.count(old) == 1
    fragment = {f"changelog.d/{number}.bugfix.md": "Kernel parameters.\n"}
    repository.commit({JUDGE: text.replace(old, new), **fragment})


def published(tmp_path: Path, version: str) -> None:
    """Verify a release's wheel, and put it where nodes find it."""
    wheel = Path(f"dist/v{version}/power_edge-{version}-py3-none-any.whl")
    assert ": verified" in release("verify", str(wheel))
    release("check-tag", f"v{version}")
    shutil.copy2(wheel, tmp_path / "published")


def updated(node: Node) -> None:
    """Update a node to the highest version there is."""
    node.sh(
        "/opt/power-edge/bin/pip install --quiet --upgrade --no-index --find-links=/srv/published"
        " --find-links=/srv/wheels power-edge"
    )


def found(node: Node) -> tuple[str, int, dict[str, str]]:
    """The version that a node has, the status of its check of itself, and all outcomes."""
    program = "cd /etc/power-edge; exec /opt/power-edge/bin/power-edge"
    name = node.sh(f"ls /etc/power-edge/node-configs 2>/dev/null || ({program} init)").split()[-1]
    node.write(f"/etc/power-edge/node-configs/{name}/state.yaml", STATE)
    report = "--json-report --json-report-file=/tmp/report.json"
    script = f"{program} check {name} {report}"
    checked = node.run("/bin/sh", "-c", script, check=False)
    tests = json.loads(node.sh("cat /tmp/report.json; rm /tmp/report.json"))["tests"]
    items = [each["metadata"]["power_edge"] for each in tests]
    outcomes = {f"{each['type']}[{each['name']}]": each["outcome"] for each in items}
    return node.sh(f"{program} --version"), checked.returncode, outcomes


def test_every_node_checks_with_the_version_that_it_should_have(
    project: Path, nodes: list[Node], tmp_path: Path
) -> None:
    def rolled_out(step: Step) -> None:
        published(tmp_path, step.version)
        for node in nodes:
            updated(node)
            shown = f"power-edge {step.version}+{step.commit[:7]}"
            assert found(node) == (shown, step.status, step.outcomes), step.version

    releases.pre_release("2.0.0-pre.1")
    first = git("rev-parse", "HEAD")
    release("promote", "v2.0.0-pre.1", "2.0.0")
    rolled_out(Step("2.0.0", first, 1, RIGHT))

    changed(2, SOUND, FAULTY)
    releases.pre_release("2.0.1-pre.2")
    release("promote", "v2.0.1-pre.2", "2.0.1")
    rolled_out(Step("2.0.1", git("rev-parse", "HEAD"), 0, WRONG))

    release("promote", "v2.0.0-pre.1", "2.0.2", "--rollback")
    rolled_out(Step("2.0.2", first, 1, RIGHT))
    assert "from: 2.0.1" in release("incident", "v2.0.2", "--print")

    changed(3, FAULTY, SOUND)
    releases.pre_release("2.0.3-pre.3")
    release("promote", "v2.0.3-pre.3", "2.0.3")
    rolled_out(Step("2.0.3", git("rev-parse", "HEAD"), 1, RIGHT))
