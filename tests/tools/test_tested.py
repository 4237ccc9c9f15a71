"""tools/tested.py: the proof of a run, written for a complete run alone."""

import json
from pathlib import Path

import pytest

from power_edge.release import record
from tools import tested

COMMIT = "1" * 40
LAB = '<testcase classname="tests.lab.test_nodes" name="a"/>'
JUNIT = (
    '<testsuites><testsuite name="pytest">'
    f'{LAB}<testcase classname="tests.test_a" name="b"/>'
    '<testcase classname="tests.test_a" name="c"><skipped/></testcase>'
    "</testsuite></testsuites>"
)


@pytest.fixture
def junit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The report of a complete run in CI."""
    monkeypatch.setattr(tested, "impossible", lambda: None)
    monkeypatch.setattr(
        tested, "_git", lambda *words: f"{COMMIT}\n" if words[0] == "rev-parse" else ""
    )
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    for name, value in (
        ("CI", "true"),
        ("GITHUB_SERVER_URL", "https://example.org"),
        ("GITHUB_REPOSITORY", "a/b"),
        ("GITHUB_RUN_ID", "7"),
    ):
        monkeypatch.setenv(name, value)
    (tmp_path / "junit.xml").write_text(JUNIT)
    return tmp_path / "junit.xml"


def written(junit: Path) -> bytes | None:
    file = junit.with_name("tested.json")
    file.write_text("of another run")
    tested.main(junit, file)
    return file.read_bytes() if file.exists() else None


def test_a_complete_run_is_proof_enough_for_a_promotion(junit: Path) -> None:
    data = written(junit)
    assert data is not None
    found = record.tested(data, "tested.json")
    record.check_tested(found, COMMIT, "tested.json")
    assert found.run == "https://example.org/a/b/actions/runs/7"
    assert {"name": "tests", "passed": 2, "failed": 0, "skipped": 1} in json.loads(data)["results"]


def test_a_run_by_hand_names_the_machine(junit: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_RUN_ID")
    assert b'"make test on ' in (written(junit) or b"")


def test_a_failure_is_counted(junit: Path) -> None:
    junit.write_text(JUNIT.replace("<skipped/>", "<failure/>"))
    assert b'"failed": 1' in (written(junit) or b"")


@pytest.mark.parametrize(
    "kind", ["not CI", "options", "no lab", "no case of the lab", "dirty", "no git"]
)
def test_a_run_that_may_have_left_something_out_is_none(
    kind: str, junit: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if kind == "not CI":
        monkeypatch.delenv("CI")
    elif kind == "options":
        monkeypatch.setenv("PYTEST_ADDOPTS", "-k a")
    elif kind == "no lab":
        monkeypatch.setattr(tested, "impossible", lambda: "this is not root")
    elif kind == "no case of the lab":
        junit.write_text(JUNIT.replace(LAB, ""))
    elif kind == "dirty":
        monkeypatch.setattr(tested, "_git", lambda *_: " M README.md\n")
    else:
        monkeypatch.undo()
        monkeypatch.setenv("CI", "true")
        monkeypatch.setattr(tested, "impossible", lambda: None)
        monkeypatch.setattr(
            tested, "commit", lambda: (_ for _ in ()).throw(tested.Incomplete("git"))
        )
    assert written(junit) is None
    assert "is not written: " in capsys.readouterr().err
