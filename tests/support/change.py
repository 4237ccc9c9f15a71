"""A repository with a node-configs/, a branch that changes it, and the gate over both."""

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from jsonschema_rs import Draft202012Validator

from power_edge.change_gate import sides
from power_edge.change_gate.change import Kind
from power_edge.change_gate.judgement import Judgement, Question, judge
from power_edge.change_gate.sides import Difference, FileChange
from power_edge.cli import cli
from power_edge.config import schema
from tests.support import answers
from tests.support.closed import closed
from tests.support.project import identity_of
from tests.support.repository import alone


class Site:
    """The work tree; its branch `main` is what changes are compared with."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.root = path / "node-configs"
        self.root.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *words: str) -> str:
        command = ["git", *words]
        return subprocess.check_output(
            command, cwd=self.path, stderr=subprocess.PIPE, text=True
        ).strip()

    def node(
        self,
        name: str,
        sysctl: Mapping[str, str] = {"vm.swappiness": "60"},
        *,
        environment: str = "staging",
        roles: tuple[str, ...] = (),
        machine: str | None = None,
        identity: Mapping[str, Any] = {},
        **sections: Any,
    ) -> Path:
        """Write a node; it has an identity.yaml if it has roles or `identity`."""
        folder = self.root / name
        folder.mkdir(exist_ok=True)
        state = {
            "version": "1.0",
            "metadata": {"site": "sea", "environment": environment},
            **({"sysctl": dict(sysctl)} if sysctl else {}),
            **sections,
        }
        self.write(f"{name}/state.yaml", yaml.safe_dump(state, sort_keys=False))
        if roles or identity:
            about = {
                "version": "1.0",
                "node": {"hostname": "here"},
                **({"roles": [{"name": each} for each in roles]} if roles else {}),
                **identity,
            }
            self.write(f"{name}/identity.yaml", yaml.safe_dump(about, sort_keys=False))
        if machine is not None:
            self.write(f"{name}/system-identity.yaml", yaml.safe_dump(identity_of(machine)))
        return folder

    def role(self, name: str, *rules: Mapping[str, Any]) -> None:
        role = {
            "name": name,
            "description": "A role.",
            "rules": [{"item": each, "reason": f"{name} demands it"} for each in rules],
        }
        self.write(f"roles/{name}.yaml", yaml.safe_dump(role, sort_keys=False))

    def policy(self, **rules: Any) -> None:
        self.write("policy.yaml", yaml.safe_dump(rules, sort_keys=False))

    def write(self, name: str, text: str) -> None:
        """Write a file below node-configs/."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def commit(self, message: str = "a") -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def branch(self, name: str = "change") -> None:
        """Commit everything as the base, and begin a change."""
        self.commit("base")
        self.git("checkout", "-q", "-b", name)

    def judge(self, **asked: Any) -> Judgement:
        return judge(Question(root=self.root, **asked))

    def run(self, *words: str) -> Result:
        return CliRunner().invoke(cli, ["gate", *words])

    def report(self, *words: str) -> dict[str, Any]:
        """The JSON report; it fits its schema."""
        found: dict[str, Any] = json.loads(self.run("--format=json", *words).output)
        Draft202012Validator(closed(schema("gate"))).validate(found)
        return found

    def rules(self, **asked: Any) -> list[str]:
        """The rules of the policy that the change breaks, each once."""
        return list(dict.fromkeys(breach.rule for breach in self.judge(**asked).breaches))

    def answer(self, node: str, values: Mapping[str, str], **answer: Any) -> Path:
        """Record an answer. Return the folder of answers."""
        folder = self.path.parent / "answers"
        folder.mkdir(exist_ok=True)
        sections = {"sysctl.0": answers.sysctl(values)}
        (folder / f"{node}.answer").write_bytes(answers.answer(node, sections, **answer))
        return folder


class Folder(Site):
    """A node-configs/ in no repository: one side of a change."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.root = path / "node-configs"
        self.root.mkdir(parents=True)

    def files(self) -> dict[str, bytes]:
        return {
            f"node-configs/{path.relative_to(self.root)}": path.read_bytes()
            for path in self.root.rglob("*")
            if path.is_file()
        }


def compared(
    folder: Path,
    before: Callable[[Folder], object],
    now: Callable[[Folder], object],
    *,
    is_committed: bool = True,
) -> tuple[Difference, Path]:
    """Return what differs between two sides, and the node-configs/ of the first."""
    one, other = Folder(folder / "before"), Folder(folder / "now")
    before(one)
    now(other)
    old, new = one.files(), other.files()
    kinds = {
        path: Kind.ADDED if path not in old else Kind.REMOVED if path not in new else Kind.CHANGED
        for path in sorted({*old, *new})
        if old.get(path) != new.get(path)
    }
    files = [FileChange(path, kind, is_committed) for path, kind in kinds.items()]
    return sides.difference(sides.before(one.root), sides.after(other.root), files), one.root


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    alone(monkeypatch)
    found = Site(tmp_path / "site")
    monkeypatch.chdir(found.path)
    return found


def lines(report: Mapping[str, Any]) -> list[str]:
    """The changes of a JSON report in short: `sysctl[vm.swappiness] 60 -> 10 on rig-1`."""
    return [
        f"{each['type']}[{each['name']}] {each['kind']} "
        + ", ".join(
            f"{field['field']}: {field.get('was')} -> {field.get('is')}" for field in each["fields"]
        )
        + f" on {','.join(each['nodes'])}"
        for each in report["changes"]
    ]
