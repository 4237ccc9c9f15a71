"""All eight workflows, run by act for the events of a life: proposed, merged, pre-released, promoted,
and rolled back. Afterwards it is looked up what is there: tags, releases with their files, the issue.

The tests use one project, in this order.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support import releases
from tests.workflows.world import Run, World, world

pytestmark = pytest.mark.shell("act")
HOSTILE = "$(touch hacked)\n::set-output name=build::false\n::error::x"
CODE = "plugins/power_edge/exit_status.py"
STATE = "node-configs/stella-PowerEdge-T420/state.yaml"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("workflows")) as made:
        yield made


def pull_request(project: World, number: int, **more: Any) -> Run:
    """Run version-check for the pull request that is checked out."""
    about = {
        "number": number,
        "title": HOSTILE,
        "user": {"login": "ann"},
        "draft": False,
        "head": {"ref": HOSTILE},
        "base": {"ref": "main"},
        **more,
    }
    return project.act("pull_request", "version-check", {"pull_request": about})


def push(project: World) -> Run:
    """Run pre-release for the tip of main."""
    return project.act("push", "pre-release", {"ref": "refs/heads/main"})


def by_hand(project: World, workflow: str, inputs: Mapping[str, str | bool]) -> Run:
    """Start a workflow by hand."""
    words = {True: "true", False: "false"}  # so they stand in GitHub's event, too
    given = {k: words[v] if isinstance(v, bool) else v for k, v in inputs.items()}
    payload = {"ref": "refs/heads/main", "inputs": given}
    return project.act("workflow_dispatch", workflow, payload)


def changed(project: World, name: str, old: str, new: str) -> dict[str, str]:
    """Return a file of main with a change."""
    text = project.git("show", f"main:{name}")
    assert old in text
    return {name: text.replace(old, new, 1)}


def assert_ok(run: Run) -> None:
    assert run.ok, run.output


def test_a_major_change_with_a_minor_fragment_is_red(project: World) -> None:
    removed = changed(project, "schemas/core.schema.yaml", ", home-lab]", "]")
    project.propose("major", {**removed, "changelog.d/+places.feature.md": "Fewer places.\n"})
    run = pull_request(project, 1)
    assert not run.ok
    assert run.jobs.get("version") == "failure", run.output
    assert run.jobs["done"] == "failure"
    assert "MAJOR" in run.output, run.output
    assert "Makefile" in run.files
    assert "hacked" not in run.files


def test_configuration_alone_is_green_and_is_not_built(project: World) -> None:
    project.propose(
        "configuration", changed(project, STATE, "sysctl:\n", 'sysctl:\n  vm.laptop_mode: "0"\n')
    )
    run = pull_request(project, 2)
    assert_ok(run)
    (comment,) = (each for each in project.github.comments if each["issue"] == "2")
    assert "vm.laptop_mode" in comment["body"]
    assert run.jobs["gate"] == run.jobs["version"] == run.jobs["done"] == "success"
    assert not {"make dist", "make lint", "make test", "make test-wheel"} & set(run.recorded)
    project.merge()
    run = push(project)
    assert_ok(run)
    assert project.tags() == ["v1.0.0"]
    assert "make dist" not in run.recorded


def test_the_merge_queue_runs_everything_for_a_change_of_the_program(project: World) -> None:
    fragment = {"changelog.d/+words.bugfix.md": "Words are plainer.\n"}
    project.propose("words", {**changed(project, CODE, "", "# plain\n"), **fragment})
    project.github.authors[3] = "ann"
    group = {
        "head_ref": "refs/heads/gh-readonly-queue/main/pr-3-0123456789abcdef",
        "base_sha": project.git("rev-parse", "HEAD^1").strip(),
    }
    run = project.act("merge_group", "version-check", {"merge_group": group})
    assert_ok(run)
    for line in ("make lint", "make dist", "make test", "make test-by-hand", "make newest"):
        assert line in run.recorded, run.output
    assert run.recorded.count("make test-wheel") == 4
    project.merge()


def test_main_becomes_a_pre_release(project: World) -> None:
    run = push(project)
    assert_ok(run)
    assert project.tags() == ["v1.0.0", "v1.0.1-pre.3"]
    release = project.github.release("v1.0.1-pre.3")
    assert release is not None
    assert release["prerelease"]
    assert not release["draft"]
    assert project.github.latest is None
    files = project.github.files("v1.0.1-pre.3")
    assert "power_edge-1.0.1rc3-py3-none-any.whl" in files
    assert json.loads(files["tested.json"])["commit"] == project.git("rev-parse", "main").strip()
    assert "attested power_edge-1.0.1rc3-py3-none-any.whl" in run.recorded


def test_a_commit_has_one_pre_release(project: World) -> None:
    run = push(project)
    assert_ok(run)
    assert "make dist" not in run.recorded
    assert len(project.github.releases) == 1


def promote(project: World, pre: str, version: str, **more: str | bool) -> Run:
    """Run promote-release, and then what it started."""
    inputs: dict[str, str | bool] = {
        "pre_release": pre,
        "version": version,
        "is_rollback": False,
        "with_config": "",
        "accept_config_loss": False,
        "why": "",
        **more,
    }
    project.github.dispatches.clear()
    return by_hand(project, "promote-release", inputs)


def start(project: World) -> Run:
    """Run the workflow that was started."""
    (started,) = project.github.dispatches
    assert started["workflow"] == "release.yml"
    assert started["ref"] == "main"
    return by_hand(project, "release", started["inputs"])


def test_a_pre_release_is_promoted_and_released(project: World, tmp_path: Path) -> None:
    run = promote(project, "v1.0.1-pre.3", "1.0.1")
    assert_ok(run)
    assert "v1.0.1" in project.tags()
    assert project.git("rev-parse", "v1.0.1^{}") == project.git("rev-parse", "v1.0.1-pre.3^{}")
    assert project.github.release("v1.0.1") is None  # nobody has approved it
    assert not project.github.issues
    run = start(project)
    assert_ok(run)
    names = ["power_edge-1.0.1-py3-none-any.whl", "power_edge-1.0.1.tar.gz"]
    assert [line for line in run.recorded if line.startswith("published")] == [
        f"published {name}" for name in names
    ]
    files = project.github.files("v1.0.1")
    assert {*names, "promotion.json", "tested.json", "SHA256SUMS", "NOTES.md"} <= set(files)
    assert project.github.latest == "v1.0.1"
    record = json.loads(files["promotion.json"])
    assert (record["release"], record["promoted_from"]) == ("1.0.1", "1.0.1-pre.3")
    assert [each["file"] for each in record["artifacts"]] == ["power-edge.pyz"]
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    released = [str(tmp_path / name) for name in files if name != "SHA256SUMS"]
    assert releases.release("verify", *released).count(": verified\n") == len(released)


def test_a_second_promotion_of_the_same_is_red(project: World) -> None:
    run = promote(project, "v1.0.1-pre.3", "1.0.1")
    assert not run.ok
    assert run.jobs.get("scope") == "failure", run.output
    assert "make dist" not in run.recorded
    assert not project.github.dispatches
    assert len(project.github.releases) == 2


def test_a_tag_that_promote_did_not_record_is_red(project: World) -> None:
    project.git("tag", "-a", "-m", "by hand", "v1.0.9", "main")
    run = by_hand(project, "release", {"tag": "v1.0.9", "run_id": "1"})
    project.git("tag", "-d", "v1.0.9")
    assert not run.ok
    assert project.github.release("v1.0.9") is None


def test_a_rollback_opens_an_incident(project: World) -> None:
    project.git("checkout", "-q", "main")
    project.commit(changed(project, CODE, "# plain", "# mistaken"), "A mistake")
    project.git("tag", "-a", "-m", "1.0.2", "v1.0.2")  # its way here was that of 1.0.1
    project.git("push", "-q", "origin", "main", "v1.0.2")
    run = promote(project, "v1.0.1-pre.3", "1.0.3", is_rollback=True, why=HOSTILE)
    assert_ok(run)
    assert "hacked" not in run.files
    assert "v1.0.3" in project.tags()
    assert project.git("rev-parse", "v1.0.3^{}") == project.git("rev-parse", "v1.0.1^{}")
    (issue,) = project.github.issues
    assert issue["title"].startswith("ROLLBACK: 1.0.3")
    assert "ann" in issue["body"]
    assert "touch hacked" in issue["body"]
    assert_ok(start(project))
    assert project.github.latest == "v1.0.3"
    release = project.github.release("v1.0.3")
    assert release is not None
    assert "ROLLBACK" in release["name"]
