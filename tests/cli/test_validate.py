"""`power-edge validate`: what it prints, for people and for others."""

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from power_edge.cli import cli
from tests.support.answers import MACHINE
from tests.support.project import identity_of

HEAD = "version: '1.0'\nmetadata: {site: x, environment: development}\n"


@pytest.fixture
def configs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A node-configs/ of a node that can be used and one that cannot, in the current folder."""
    for name, state in (
        ("good", "sysctl: {vm.swappiness: '60'}"),
        ("bad", "services: [{name: a, state: started}]"),
    ):
        folder = tmp_path / "node-configs" / name
        folder.mkdir(parents=True)
        (folder / "state.yaml").write_text(f"{HEAD}{state}\n")
    (tmp_path / "node-configs/good/system-identity.yaml").write_text(
        yaml.safe_dump(identity_of(MACHINE))
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path / "node-configs"


def validate(*words: str, status: int = 4) -> Result:
    done = CliRunner().invoke(cli, ["validate", *words])
    assert done.exit_code == status, done.output
    return done


PROBLEM = "'started' is not one of running, stopped, disabled"


def test_text_has_an_excerpt_and_ends_with_the_count(configs: Path) -> None:
    done = validate()
    assert done.stdout == "good: 1 item\n"
    assert done.stderr == (
        f"node-configs/bad/state.yaml:3:29: {PROBLEM} (did you mean running?)\n"
        "     3 | services: [{name: ..., state: started}]\n"
        "       |                               ^\n"
        "1 problem; 1 of 2 nodes unusable\n"
    )


def test_a_node_without_an_identity_on_file_is_a_note(configs: Path) -> None:
    (configs / "good/system-identity.yaml").unlink()
    assert validate("good", status=0).stderr == (
        "note: node-configs/good/system-identity.yaml: is missing, so a check reads nothing and"
        " ends with 12 (record it: power-edge identity good --write)\n"
    )
    (warning,) = validate("good", "--format=github", status=0).stdout.splitlines()
    assert warning.startswith("::warning file=node-configs/good/system-identity.yaml::is missing,")
    (note,) = json.loads(validate("good", "--format=json", status=0).stdout)["notes"]
    assert note["hint"] == "record it: power-edge identity good --write"


def test_annotations_of_a_workflow(configs: Path) -> None:
    done = validate("--format=github")
    assert done.stdout == (
        f"::error file=node-configs/bad/state.yaml,line=3,col=29::{PROBLEM} (did you mean running?)\n"
    )
    assert not done.stderr


def test_no_text_of_a_stranger_is_a_second_annotation(configs: Path) -> None:
    hostile = configs / "x,line=1::y%0A"
    hostile.mkdir()
    (hostile / "state.yaml").write_text(
        f'{HEAD}services: [{{name: a, state: "x\\n::warning ::boo%0A"}}]\n'
    )
    lines = validate("--format=github").stdout.splitlines()
    assert all(line.startswith("::error file=node-configs/") for line in lines)
    assert not any("::warning" in line or "%0A" in line.replace("%250A", "") for line in lines)
    assert any("file=node-configs/x%2Cline=1" in line for line in lines)


def test_json_has_all_of_it(configs: Path) -> None:
    done = validate("--format=json")
    assert not done.stderr
    assert json.loads(done.stdout) == {
        "nodes": {"good": 1, "bad": None},
        "problems": [
            {
                "file": "node-configs/bad/state.yaml",
                "line": 3,
                "column": 29,
                "message": PROBLEM,
                "hint": "did you mean running?",
            }
        ],
        "notes": [],
    }


def test_a_problem_of_a_role_has_its_excerpt(configs: Path) -> None:
    (configs / "roles").mkdir()
    (configs / "roles/odd.yaml").write_text("version: '1.0'\nname: odd\nrulez: []\n")
    assert "     3 | rulez: []\n       | ^\n" in validate("good").stderr
