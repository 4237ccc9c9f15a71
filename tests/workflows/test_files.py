"""The workflows as they are written: what each of them has to keep to, whatever it does."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
CALLED = {"test", "lint", "build", "e2e-test"}
"""They run as a part of others."""
PUBLISHERS = ("pypa/gh-action-pypi-publish", "make ci-release")


def workflow(file: Path) -> dict[Any, Any]:
    loaded = yaml.safe_load(file.read_text())
    assert isinstance(loaded, dict)
    return loaded


def jobs() -> list[Any]:
    return [
        pytest.param(job, id=f"{file.stem}-{name}")
        for file in FILES
        for name, job in workflow(file)["jobs"].items()
    ]


def steps(job: dict[str, Any]) -> list[dict[str, Any]]:
    return list(job.get("steps", []))


def test_there_are_eight() -> None:
    assert {file.stem for file in FILES} == CALLED | {
        "version-check",
        "pre-release",
        "promote-release",
        "release",
    }


@pytest.mark.parametrize("job", jobs())
def test_a_step_is_a_command_that_runs_here_too(job: dict[str, Any]) -> None:
    for step in steps(job):
        run = step.get("run", "make")
        assert re.match(
            r"(sudo (--preserve-env=[A-Z_,]+ )?)?(make|\.venv/bin/power-edge|\.ci/run)\b", run
        )
        assert len(run.strip().splitlines()) <= 3
        assert "${{" not in run


@pytest.mark.parametrize("job", jobs())
def test_a_job_ends_and_keeps_no_credentials(job: dict[str, Any]) -> None:
    assert "permissions" in job
    assert "uses" in job or isinstance(job["timeout-minutes"], int)
    for step in steps(job):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_workflow_may_nothing_by_default(file: Path) -> None:
    loaded = workflow(file)
    assert loaded["permissions"] == {}
    assert loaded["concurrency"]["group"]
    # A required check that is filtered by paths never reports.
    assert "paths" not in file.read_text()
    assert "pull_request_target" not in file.read_text()
    assert (list(loaded[True]) == ["workflow_call"]) == (file.stem in CALLED)  # `on` is a boolean


@pytest.mark.parametrize("name", ["pre-release", "promote-release", "release", *sorted(CALLED)])
def test_what_has_effects_is_not_cancelled_half_way(name: str) -> None:
    file = ROOT / ".github" / "workflows" / f"{name}.yml"
    assert workflow(file)["concurrency"]["cancel-in-progress"] is False


def test_release_alone_publishes() -> None:
    assert [
        file.stem for file in FILES if any(each in file.read_text() for each in PUBLISHERS)
    ] == ["release"]
    publish = workflow(ROOT / ".github" / "workflows" / "release.yml")["jobs"]["publish"]
    assert publish["environment"] == "release"
    assert publish["permissions"]["id-token"] == "write"


def test_an_action_has_one_commit_and_its_version_beside_it() -> None:
    used: dict[str, set[str]] = {}
    for file in ROOT.glob(".github/**/*.yml"):
        for line in file.read_text().splitlines():
            if "uses:" not in line or "uses: ./" in line:
                continue
            found = re.search(r"uses: ([^@]+)(@[0-9a-f]{40} # v[0-9]+(\.[0-9]+){2})$", line)
            assert found is not None, f"{file.name}: {line}"
            used.setdefault(found[1], set()).add(found[2])
    assert used
    assert all(len(each) == 1 for each in used.values()), used


def test_the_last_job_waits_for_all_others() -> None:
    judged = workflow(ROOT / ".github" / "workflows" / "version-check.yml")["jobs"]
    assert set(judged["done"]["needs"]) == set(judged) - {"done"}
    assert judged["done"]["if"] == "always()"


def test_every_step_of_ours_is_there() -> None:
    named = {name for file in FILES for name in re.findall(r"make ci-([a-z-]+)", file.read_text())}
    there = {
        file.stem.replace("_", "-")
        for file in (ROOT / "tools" / "ci").glob("*.py")
        if "\ndef main() " in file.read_text()
    }
    assert named == there


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_target_of_make_is_there(file: Path) -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"run: .*\bmake ([a-z-]+)", file.read_text()):
        assert target.startswith("ci-") or re.search(rf"^([a-z-]+ )*{target}[ :]", makefile, re.M)
