"""The steps that are more than one command (tools/ci), with hostile and missing input."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from power_edge.github import GitHub, GitHubError
from tests.workflows.stand_in import REPOSITORY, TOKEN, StandIn, stand_in
from tools.ci import done, incident, promote, scope, step
from tools.ci.step import Refused

JOBS = ("version", "gate", "lint", "build", "test", "e2e-test")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    with stand_in() as made:
        monkeypatch.setenv("GITHUB_API_URL", made.address)
        monkeypatch.setenv("GITHUB_REPOSITORY", REPOSITORY)
        monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
        yield made


@pytest.fixture
def outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "output"
    monkeypatch.setenv("GITHUB_OUTPUT", str(file))
    return file


def sum_up(
    monkeypatch: pytest.MonkeyPatch, code: str = "true", draft: str = "false", **results: str
) -> None:
    needs: dict[str, object] = {
        name: {"result": results.get(name.replace("-", "_"), "success"), "outputs": {}}
        for name in JOBS
    }
    needs["scope"] = {"result": results.get("scope", "success"), "outputs": {"build": code}}
    monkeypatch.setenv("NEEDS", json.dumps(needs))
    monkeypatch.setenv("DRAFT", draft)
    done.main()


OF_CODE = dict.fromkeys(("lint", "build", "test", "e2e_test"), "skipped")


def test_all_jobs_have_to_succeed(monkeypatch: pytest.MonkeyPatch) -> None:
    sum_up(monkeypatch)


@pytest.mark.parametrize("result", ["failure", "cancelled", "skipped"])
@pytest.mark.parametrize("name", ["scope", *JOBS])
def test_a_job_that_did_not_succeed_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, result: str
) -> None:
    with pytest.raises(Refused, match=f"not done: {name}$"):
        sum_up(monkeypatch, **{name.replace("-", "_"): result})


def test_configuration_alone_skips_what_is_of_code(monkeypatch: pytest.MonkeyPatch) -> None:
    sum_up(monkeypatch, code="false", **OF_CODE)
    with pytest.raises(Refused, match="gate"):
        sum_up(monkeypatch, code="false", gate="skipped", **OF_CODE)


def test_skipped_jobs_are_no_success_if_it_is_not_known_what_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(Refused):
        sum_up(monkeypatch, code="", **OF_CODE)


def test_a_draft_is_not_tested_on_nodes(monkeypatch: pytest.MonkeyPatch) -> None:
    sum_up(monkeypatch, draft="true", e2e_test="skipped")
    with pytest.raises(Refused, match="lint"):
        sum_up(monkeypatch, draft="true", e2e_test="skipped", lint="skipped")


@pytest.mark.parametrize("value", ["", "True", "1", "yes", "false\n"])
def test_a_boolean_is_true_or_false_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("IS_ROLLBACK", value)
    with pytest.raises(Refused, match="IS_ROLLBACK"):
        step.boolean("IS_ROLLBACK")


@pytest.mark.parametrize("value", ["a\nbuild=false", "a\rb", "a\u2028b", "a\n"])
def test_an_output_sets_no_other_output(outputs: Path, value: str) -> None:
    with pytest.raises(Refused, match="actor has a line break"):
        step.output(build="true", actor=value)
    assert not outputs.exists()


def test_an_output_is_written_as_it_is(outputs: Path) -> None:
    step.output(actor="$(touch x) ::set-output name=build::false", build="")
    assert outputs.read_text() == "actor=$(touch x) ::set-output name=build::false\nbuild=\n"


@pytest.mark.parametrize("text", ["$(touch x)", "--rollback", "1.3", "v1.3.0+abc", "1.3.0\n"])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="not a version"):
        step.version(text)


def test_the_author_is_the_one_of_the_event(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTHOR", "ann")
    assert scope._author() == "ann"


def test_the_merge_queue_tells_the_number_and_github_the_author(
    monkeypatch: pytest.MonkeyPatch, server: StandIn
) -> None:
    server.authors[17] = "ann"
    monkeypatch.setenv("AUTHOR", "")
    monkeypatch.setenv("QUEUE", "refs/heads/gh-readonly-queue/main/pr-17-0123abc")
    assert scope._author() == "ann"


@pytest.mark.parametrize("queue", ["", "refs/heads/pr-17-0123abc", "refs/heads/main"])
def test_another_branch_has_no_author(
    monkeypatch: pytest.MonkeyPatch, server: StandIn, queue: str
) -> None:
    monkeypatch.setenv("AUTHOR", "")
    monkeypatch.setenv("QUEUE", queue)
    with pytest.raises(Refused):
        scope._author()


def test_the_inputs_of_a_rollback_become_options(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IS_ROLLBACK", "true")
    monkeypatch.setenv("ACCEPT_CONFIG_LOSS", "false")
    monkeypatch.setenv("WITH_CONFIG", "--dry-run")
    assert promote.options() == ["--rollback", "--with-config=--dry-run"]
    monkeypatch.setenv("IS_ROLLBACK", "false")
    monkeypatch.setenv("WITH_CONFIG", "")
    assert promote.options() == []


def test_a_release_that_goes_forward_has_no_incident(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IS_ROLLBACK", "false")
    incident.main()
    assert "not a rollback" in capsys.readouterr().out


def test_a_release_is_whole_before_anybody_sees_it(server: StandIn, tmp_path: Path) -> None:
    repository = GitHub()
    (tmp_path / "a.whl").write_text("a")
    cut_off = repository.new_draft("v1.0.0", "1.0.0", "", prerelease=False)
    repository.upload(cut_off, [tmp_path / "a.whl"])
    again = repository.new_draft("v1.0.0", "1.0.0", "notes", prerelease=False)
    assert server.latest is None
    assert server.files("v1.0.0") == {}
    repository.upload(again, [tmp_path / "a.whl"])
    repository.publish(again, latest=True)
    assert server.files("v1.0.0") == {"a.whl": b"a"}
    assert server.latest == "v1.0.0"
    found = repository.release("v1.0.0")
    assert found is not None
    assert not found.draft
    assert repository.release("v1.0.1") is None


def test_what_github_refuses_is_one_line(server: StandIn) -> None:
    about = {"GITHUB_API_URL": server.address, "GITHUB_REPOSITORY": REPOSITORY}
    with pytest.raises(GitHubError, match="401") as caught:
        GitHub({**about, "GITHUB_TOKEN": "wrong"}).release("v1.0.0")
    assert "\n" not in str(caught.value)
    assert "wrong" not in str(caught.value)


def test_a_server_that_is_not_there_is_one_line() -> None:
    about = {"GITHUB_API_URL": "http://127.0.0.1:1", "GITHUB_REPOSITORY": REPOSITORY}
    with pytest.raises(GitHubError, match="refused"):
        GitHub({**about, "GITHUB_TOKEN": TOKEN}).release("v1.0.0")
