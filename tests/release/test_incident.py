"""The issue of a rollback: what it says, and that it is opened once, whatever its texts hold."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from power_edge.github import GitHub, GitHubError
from power_edge.release.notes import code
from tests.support import github, releases, repository
from tests.support.github import Server
from tests.support.releases import release

ISSUES = "/repos/an-owner/a-project/issues"
NEWEST = f"{ISSUES}?state=all&sort=created&direction=desc&per_page=100"
RECORD: dict[str, Any] = {
    "release": "1.4.1",
    "promoted_from": "1.3.0-pre.90",
    "commit": "1" * 40,
    "tree": "2" * 40,
    "previous": "1.4.0",
    "wheel": {"file": "a.whl", "sha256": "3" * 64},
    "tested_wheel": {"file": "b.whl", "sha256": "4" * 64},
    "sdist": {"file": "a.tar.gz", "sha256": "5" * 64},
    "artifacts": [],
    "content_sha256": "6" * 64,
    "schemas_sha256": "7" * 64,
    "bump": None,
    "reasons": ["rollback from v1.4.0"],
    "tested": releases.tested("1" * 40),
    "rollback": {
        "from_release": "1.4.0",
        "configuration": "accepted",
        "config_commit": None,
        "nodes": ["rig-7"],
        "losses": ["node-configs/rig-7/state.yaml:4: metadata.environment is refused"],
    },
}
HOSTILE = "$(touch x)`touch x`\n::set-output name=a::b @everyone <script>"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with github.served() as found:
        github.as_in_a_workflow(found, monkeypatch)
        found.answers[f"GET {NEWEST}"] = 200, []
        found.answers[f"POST {ISSUES}"] = 201, {"html_url": "https://example.org/issues/7"}
        yield found


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    repository.alone(monkeypatch)
    monkeypatch.setenv("GITHUB_ACTOR", "ann")
    (tmp_path / "promotion.json").write_text(json.dumps(RECORD))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def incident(*words: str, status: int = 0) -> str:
    return release("incident", "v1.4.1", "--artifacts=.", *words, status=status)


@pytest.mark.shell
def test_it_says_what_happened(folder: Path) -> None:
    title, _, body = incident("--print", "--why=the disk filled up").partition("\n\n")
    assert title == "ROLLBACK: 1.4.1 takes back 1.4.0"
    for words in (
        "from: 1.4.0",
        f"to: 1.4.1, the content of 1.3.0-pre.90 (commit {'1' * 40})",
        "who: `ann`",
        "why: `the disk filled up`",
        "- [ ] ",
        "- `rig-7`",
        "- `node-configs/rig-7/state.yaml:4: metadata.environment is refused`",
    ):
        assert words in body


@pytest.mark.shell
@pytest.mark.parametrize(
    ("configuration", "words"),
    [("unchanged", "nothing has to be done"), ("reverted", "commit 9 is merged")],
)
def test_it_says_what_to_do_with_the_configuration(
    configuration: str, words: str, folder: Path
) -> None:
    rollback = {**RECORD["rollback"], "configuration": configuration, "config_commit": "9"}
    if configuration == "unchanged":
        rollback |= {"nodes": [], "losses": []}
    (folder / "promotion.json").write_text(json.dumps({**RECORD, "rollback": rollback}))
    body = incident("--print")
    assert words in body
    assert ("None: every node's configuration" in body) == (configuration == "unchanged")
    assert "why: not said" in body


@pytest.mark.shell
def test_it_is_opened(folder: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    github.as_in_a_workflow(server, monkeypatch)
    assert incident("--who=ann", "--why=w") == "https://example.org/issues/7\n"
    [request] = server.got("POST")
    assert request.path == ISSUES
    assert request.headers["Authorization"] == "Bearer the-token"
    assert request.body["title"] == "ROLLBACK: 1.4.1 takes back 1.4.0"
    assert "who: `ann`" in request.body["body"]


@pytest.mark.shell
def test_it_is_opened_once(folder: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    github.as_in_a_workflow(server, monkeypatch)
    incident()
    [request] = server.got("POST")
    there = {"body": request.body["body"], "html_url": "https://example.org/issues/7"}
    server.answers[f"GET {NEWEST}"] = 200, [{"body": None, "html_url": "x"}, there]
    assert incident() == "https://example.org/issues/7\n"
    assert len(server.got("POST")) == 1


@pytest.mark.shell
def test_an_issue_that_was_made_to_look_like_it_hides_nothing(
    folder: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who knows the version alone cannot write the mark of its incident."""
    github.as_in_a_workflow(server, monkeypatch)
    forged = {
        "title": "ROLLBACK: 1.4.1 takes back 1.4.0",
        "body": "<!-- power-edge rollback 1.4.1 -->",
    }
    server.answers[f"GET {NEWEST}"] = 200, [{**forged, "html_url": "x"}]
    incident()
    assert len(server.got("POST")) == 1


@pytest.mark.shell
def test_texts_of_people_are_data(
    folder: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    github.as_in_a_workflow(server, monkeypatch)
    incident(f"--who={HOSTILE}", f"--why={HOSTILE}")
    [request] = server.got("POST")
    shown = MarkdownIt().render(request.body["body"])
    lines = [line for line in shown.splitlines() if "touch" in line]
    assert len(lines) == 2
    assert all("<code>" in line and "<script>" not in line for line in lines)
    assert not (folder / "x").exists()


@pytest.mark.parametrize("text", ["a", "`", "``a`", "a`", " a ", "a\nb", "*a*", "<b>", "\x1b[1m"])
def test_code_shows_a_text_as_it_is(text: str) -> None:
    shown = MarkdownIt().renderInline(code(text))
    assert shown.startswith("<code>")
    assert shown.count("<code>") == shown.count("</code>") == 1
    assert shown.endswith("</code>")
    assert "\x1b" not in shown


@pytest.mark.shell
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rollback": None}, "is not a rollback"),
        ({"release": "1.4.2"}, "is of 1.4.2, not of 1.4.1"),
        ({"release": 1}, "release"),
        ({"commit": "$(touch x)"}, "whole hash"),
    ],
)
def test_another_record_is_refused(change: dict[str, Any], words: str, folder: Path) -> None:
    (folder / "promotion.json").write_text(json.dumps({**RECORD, **change}))
    assert words in incident("--print", status=4)


@pytest.mark.shell
@pytest.mark.parametrize("missing", ["GITHUB_API_URL", "GITHUB_REPOSITORY", "GITHUB_TOKEN"])
def test_without_an_address_it_says_what_is_missing(
    missing: str, folder: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    github.as_in_a_workflow(server, monkeypatch)
    monkeypatch.delenv(missing)
    assert f"Error: {missing} must say" in incident(status=4)


@pytest.mark.shell
@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("GITHUB_REPOSITORY", "a/b/../c", "must be OWNER/NAME"),
        ("GITHUB_REPOSITORY", "a", "must be OWNER/NAME"),
        ("GITHUB_API_URL", "file:///etc", "must be an address"),
        ("GITHUB_API_URL", "http://127.0.0.1:1", "refused"),
    ],
)
def test_a_wrong_address_is_refused(
    name: str, value: str, words: str, folder: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    github.as_in_a_workflow(server, monkeypatch)
    monkeypatch.setenv(name, value)
    assert words in incident(status=4)


@pytest.mark.shell
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            (403, {"message": "Resource not accessible\x1b[1m"}),
            "403 Forbidden, 'Resource not accessible",
        ),
        ((500, b"<html>"), "500"),
        ((201, b"<html>"), "the answer is not JSON"),
        ((201, {}), "did not say where it is"),
    ],
)
def test_a_server_that_refuses_is_an_error(
    answer: tuple[int, Any],
    words: str,
    folder: Path,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    github.as_in_a_workflow(server, monkeypatch)
    server.answers[f"POST {ISSUES}"] = answer
    output = incident(status=4)
    assert words in output
    assert "\x1b" not in output
    assert "the-token" not in output


TAG = "/repos/an-owner/a-project/releases/tags/v1.3.0-pre.90"


def test_the_files_of_a_release_are_taken(server: Server) -> None:
    asset = {"name": "a.whl", "url": f"{server.url}/repos/an-owner/a-project/releases/assets/1"}
    server.answers[f"GET {TAG}"] = 200, {"assets": [asset]}
    server.answers["GET /repos/an-owner/a-project/releases/assets/1"] = (
        302,
        f"{server.url}/elsewhere",
    )
    server.answers["GET /elsewhere"] = 200, b"the bytes"
    assert GitHub().files("v1.3.0-pre.90") == {"a.whl": b"the bytes"}
    assert "Authorization" in server.requests[-2].headers
    assert "Authorization" not in server.requests[-1].headers


@pytest.mark.parametrize("name", ["../a", "/etc/a", ".a", ""])
def test_a_file_whose_name_is_none_is_refused(name: str, server: Server) -> None:
    server.answers[f"GET {TAG}"] = 200, {"assets": [{"name": name, "url": f"{server.url}/a"}]}
    with pytest.raises(GitHubError, match="which is not a file name"):
        GitHub().files("v1.3.0-pre.90")


def test_the_token_goes_to_no_other_server(server: Server) -> None:
    asset = {"name": "a.whl", "url": "http://127.0.0.1:1/a"}
    server.answers[f"GET {TAG}"] = 200, {"assets": [asset]}
    with pytest.raises(GitHubError, match="is not on the server"):
        GitHub().files("v1.3.0-pre.90")


def test_whether_a_release_is_published(server: Server) -> None:
    assert not GitHub().is_published("v1.3.0-pre.90")
    server.answers[f"GET {TAG}"] = 200, {"id": 1}
    assert GitHub().is_published("v1.3.0-pre.90")
    with pytest.raises(GitHubError, match=r"there is no release v2\.0\.0"):
        GitHub().files("v2.0.0")
