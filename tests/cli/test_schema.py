"""`power-edge schema`: a schema as JSON, and the difference between two versions."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from power_edge.cli import cli
from power_edge.config import names, schema
from power_edge.config.schema import validator

pytestmark = pytest.mark.shell

HEAD = "$schema: https://json-schema.org/draft/2020-12/schema\n"
OLD = (
    HEAD
    + "type: object\nadditionalProperties: false\nproperties: {a: {enum: [x, y]}, b: {type: string}}\n"
)
MAJOR = OLD.replace("[x, y]", "[x]")
MINOR = OLD.replace("[x, y]", "[x, y, z]")
ENTRY = """\
accepted:
- file: a.schema.yaml
  pointer: /properties/a/enum
  verdict: MINOR
  reason: nobody uses y
  author: a.person
  release: 1.3.0
"""


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, ["schema", *words])


def ended(*words: str) -> tuple[int, str, str]:
    """The exit status and both outputs of the whole program."""
    code = "import sys; sys.argv[0] = 'power-edge'; from power_edge.command import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "schema", *words], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in (("old", OLD), ("major", MAJOR), ("minor", MINOR)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.schema.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", names())
def test_a_schema_is_printed_as_before(name: str) -> None:
    assert json.loads(run(name).output) == schema(name)


def test_a_schema_that_is_none_is_named_with_those_there_are() -> None:
    status, _, errors = ended("nope")
    assert status == 4
    assert "'nope' is not one of the schemas: about, accepted, connection," in errors


def test_a_major_change_in_text(versions: Path) -> None:
    done = run("diff", "old", "major")
    assert done.exit_code == 0
    assert done.output.splitlines() == [
        "MAJOR (1 MAJOR, 0 MINOR, 0 PATCH)",
        "MAJOR a: no longer allowed: y (a.schema.yaml#/properties/a/enum)",
    ]
    assert run("diff", "old", "major", "--explain").output.splitlines()[2:] == [
        '  was: ["x", "y"]',
        '  is: ["x"]',
        '  valid before, refused now: {"a": "y"}',
    ]


def test_the_change_as_json(versions: Path) -> None:
    assert json.loads(run("diff", "old", "major", "--json").output) == {
        "verdict": "MAJOR",
        "changes": [
            {
                "file": "a.schema.yaml",
                "pointer": "/properties/a/enum",
                "field": "a",
                "verdict": "MAJOR",
                "was": ["x", "y"],
                "is": ["x"],
                "why": "no longer allowed: y",
                "counterexample": {"a": "y"},
            }
        ],
    }


def test_nothing_changed(versions: Path) -> None:
    assert run("diff", "old", "old").output == "PATCH (0 MAJOR, 0 MINOR, 0 PATCH)\n"


def test_patch_changes_are_counted_and_explained(versions: Path) -> None:
    (versions / "minor" / "a.schema.yaml").write_text(f"{OLD}title: A\n")
    assert run("diff", "old", "minor").output.splitlines() == [
        "PATCH (0 MAJOR, 0 MINOR, 1 PATCH)",
        "--explain lists the PATCH changes, too.",
    ]
    assert (
        "PATCH a note for people or tools (a.schema.yaml#/title)"
        in run("diff", "old", "minor", "--explain").output
    )


def test_without_a_release_it_says_so(versions: Path) -> None:
    subprocess.run(["git", "init", "-q"], check=True)
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run(["git", *who, "commit", "-q", "--allow-empty", "-m", "a"], check=True)
    done = run("diff", "last-release", "old")
    assert done.output.startswith(
        "there is no release to compare with, so all is compared with nothing.\nMINOR (0 MAJOR, 1 MINOR, 0 PATCH)\n"
    )
    assert "note" in json.loads(run("diff", "last-release", "old", "--json").output)


@pytest.mark.parametrize("words", [("nope", "old"), ("old", "--", "-x"), ("old",), ()])
def test_bad_input_is_status_4(words: tuple[str, ...], versions: Path) -> None:
    status, output, errors = ended("diff", *words)
    assert status == 4
    assert output == ""
    assert "Traceback" not in errors
    if len(words) > 1:
        assert errors.count("\n") == 1
        assert errors.startswith("Error: ")


def test_what_a_stranger_writes_is_no_command_for_a_terminal(versions: Path) -> None:
    text = OLD.replace("b: {", '"\\e[31m\\n##[error]::set-output name=a::": {')
    (versions / "minor" / "a.schema.yaml").write_text(text)
    for options in ((), ("--explain",), ("--json",)):
        output = run("diff", "old", "minor", *options).output
        assert "\x1b" not in output
        assert "##[" not in output
    (versions / "minor" / "\x1b[31m.schema.yaml").write_text("type: x\n")
    status, _, errors = ended("diff", "old", "minor")
    assert status == 4
    assert "\x1b" not in errors


def test_a_verdict_is_lowered_by_a_person(versions: Path) -> None:
    (versions / "major" / "accepted.yaml").write_text(ENTRY)
    output = run("diff", "old", "major").output
    assert output.startswith("MINOR (0 MAJOR, 1 MINOR, 0 PATCH)\n")
    assert "accepted: MAJOR by the schema; a.person for 1.3.0: nobody uses y" in output
    found = json.loads(run("diff", "old", "major", "--json").output)
    assert "a.person" in found["changes"][0]["accepted"]


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [
        (ENTRY, ENTRY, "is used up: it was for 1.3.0 and lowers nothing now; remove it"),
        (None, ENTRY.replace("/a/", "/c/"), "is in neither version"),
        (None, ENTRY + ENTRY.partition("\n")[2], "is in the file twice"),
        (None, ENTRY.replace("  author: a.person\n", ""), "author"),
        (None, ENTRY.replace("MINOR", "MAJOR"), "accepted.yaml:4"),
        (None, "accepted: [\n", "accepted.yaml"),
    ],
)
def test_an_entry_that_cannot_be_used_is_an_error(
    before: str | None, now: str, words: str, versions: Path
) -> None:
    for folder, text in (("old", before), ("minor", now)):
        if text is not None:
            (versions / folder / "accepted.yaml").write_text(text)
    status, output, errors = ended("diff", "old", "minor")
    assert (status, output) == (4, "")
    assert words in errors


def test_accepted_verdicts_may_be_those_of_a_third_version(versions: Path) -> None:
    """A pull request that accepts its own change is judged by the branch that it is for."""
    (versions / "major" / "accepted.yaml").write_text(ENTRY)
    assert run("diff", "old", "major", "--accepted=old").output.startswith("MAJOR (1 MAJOR")
    (versions / "minor" / "accepted.yaml").write_text(ENTRY)
    output = run("diff", "old", "major", "--accepted=minor").output
    assert output.startswith("MINOR (0 MAJOR, 1 MINOR, 0 PATCH)\n")
    status, _, errors = ended("diff", "old", "minor", "--accepted=nope")
    assert status == 4
    assert "nope" in errors


def test_an_entry_may_come_before_its_change(versions: Path) -> None:
    (versions / "old" / "a.schema.yaml").write_text(OLD)
    (versions / "minor" / "a.schema.yaml").write_text(OLD)
    (versions / "minor" / "accepted.yaml").write_text(ENTRY)
    assert run("diff", "old", "minor").exit_code == 0


def test_the_accepted_changes_have_a_schema() -> None:
    entry: Any = {"file": "a", "pointer": "", "verdict": "PATCH", "reason": "r", "author": "a"}
    assert validator("accepted").is_valid({"accepted": [{**entry, "release": "1.2.3"}]})
    assert not validator("accepted").is_valid({"accepted": [entry]})
