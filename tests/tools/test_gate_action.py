"""The wrappers of `power-edge gate`: their commands run here as the forges run them."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.change import Site, site

__all__ = ["site"]

pytestmark = pytest.mark.shell

CHECKOUT = Path(__file__).parents[2]
FOLDER = CHECKOUT / ".github/actions/gate"
ACTION = yaml.safe_load((FOLDER / "action.yml").read_text())
STEPS = {step["id"]: step for step in ACTION["runs"]["steps"]}
GITLAB = yaml.safe_load((CHECKOUT / "deploy/gitlab/power-edge-gate.yml").read_text())
HOOKS = yaml.safe_load((CHECKOUT / ".pre-commit-hooks.yaml").read_text())
EVIL = "$(touch ran)`touch ran`\n::set-output name=a::b"


def program(folder: Path) -> None:
    """A `power-edge` that is this checkout's."""
    folder.mkdir(parents=True)
    code = "import sys; sys.argv[0] = 'power-edge'; from power_edge.command import main; main()"
    file = folder / "power-edge"
    file.write_text(f'#!/bin/sh\nexec "{sys.executable}" -c "{code}" "$@"\n')
    file.chmod(0o755)


@pytest.fixture
def runner(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A runner whose checkout is the site."""
    program(tmp_path / "power-edge/bin")
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT / "plugins"))
    monkeypatch.setenv("RUNNER_TEMP", str(tmp_path))
    monkeypatch.setenv("GITHUB_ACTION_PATH", str(FOLDER))
    for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"):
        monkeypatch.setenv(name, str(tmp_path / name))
        (tmp_path / name).touch()
    for index in range(1, 4):
        site.node(f"rig-{index}")
    site.policy(max_nodes=1, owners=[{"paths": ["node-configs/rig-1"], "who": ["ann"]}])
    site.branch()
    return site


def step(name: str, site: Site, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a step as the runner does."""
    given = dict.fromkeys(STEPS[name].get("env", {}), "") | environment
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", STEPS[name]["run"]],
        cwd=site.path,
        env={**os.environ, **given},
        capture_output=True,
        text=True,
        check=False,
    )


def gate(site: Site, **environment: str) -> subprocess.CompletedProcess[str]:
    report = str(site.path.parent / "report.md")
    given = {"CONFIGS": "node-configs", "FAIL_ON": "never", "REPORT": report, **environment}
    return step("gate", site, **given)


def outputs(site: Site) -> dict[str, str]:
    lines = (site.path.parent / "GITHUB_OUTPUT").read_text().splitlines()
    return {line.partition("=")[0]: line.partition("=")[2] for line in lines}


def test_a_step_is_short_and_reads_what_others_wrote_from_its_environment() -> None:
    for each in STEPS.values():
        assert len(each["run"].strip().splitlines()) <= 3
        assert "${{" not in each["run"]
    values = [value for each in STEPS.values() for value in each.get("env", {}).values()]
    conditions = [str(each.get("if", "")) for each in STEPS.values()]
    for name in ACTION["inputs"]:
        assert any(re.search(rf"inputs\.{name}\b", text) for text in (*values, *conditions)), name
    for value in (value["value"] for value in ACTION["outputs"].values()):
        where = re.fullmatch(r"\$\{\{ steps\.(\w+)\.outputs\.\w+ \}\}", value)
        assert where is not None
        assert where[1] in STEPS


def test_the_actions_outputs_are_those_of_the_gate(runner: Site) -> None:
    runner.node("rig-1", {"vm.swappiness": "10"})
    runner.commit()
    done = gate(runner, ACTOR="ann")
    assert done.returncode == 0, done.stdout + done.stderr
    found = outputs(runner)
    assert found == {"bump": "PATCH", "risk": "low", "nodes": '["rig-1"]'}
    assert {*found, "report"} == set(ACTION["outputs"])
    assert "::notice file=node-configs/rig-1/state.yaml,line=6," in done.stdout
    report = (runner.path.parent / "report.md").read_text()
    assert report.startswith("<!-- power-edge gate -->\n### power-edge gate: passes\n")


def test_a_breach_fails_the_step_and_has_its_outputs(runner: Site) -> None:
    for index in (1, 2):
        runner.node(f"rig-{index}", {"vm.swappiness": "10"})
    runner.commit()
    done = gate(runner, ACTOR="eve")
    assert done.returncode == 1
    assert outputs(runner)["risk"] == "high"
    assert "::error file=node-configs/rig-1/state.yaml,line=6,col=3::max_nodes:" in done.stdout


def test_the_base_of_a_pull_request_is_a_branch_and_never_a_tag_of_its_name() -> None:
    base = STEPS["gate"]["env"]["BASE"]
    assert "format('refs/remotes/origin/{0}', github.base_ref)" in base


@pytest.mark.parametrize("name", ["BASE", "ACTOR", "ANSWERS", "FAIL_ON", "CONFIGS"])
def test_hostile_values_are_data(runner: Site, name: str) -> None:
    runner.node("rig-2", {"vm.swappiness": "10"})
    done = gate(runner, **{name: EVIL})
    assert not (runner.path / "ran").exists()
    assert "\n::set-output" not in done.stdout + done.stderr
    assert done.returncode == (0 if name == "ACTOR" else 4)


def test_validate_shows_problems_at_their_lines(runner: Site) -> None:
    runner.write("rig-1/state.yaml", "sysctl: [\n")
    done = step("validate", runner, CONFIGS="node-configs")
    assert done.returncode == 4
    assert done.stdout.startswith("::error file=node-configs/rig-1/state.yaml,line=")


class Forge(HTTPServer):
    """GitHub's comments of pull request 7."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.comments: list[dict[str, Any]] = []
        self.status = 200
        self.tokens: set[str | None] = set()


class _Handler(BaseHTTPRequestHandler):
    server: Forge

    def _answer(self, value: Any) -> None:
        self.server.tokens.add(self.headers["Authorization"])
        body = json.dumps(value).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _body(self) -> str:
        sent: str = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["body"]
        return sent

    def do_GET(self) -> None:
        page = int(self.path.partition("&page=")[2])
        assert self.path.startswith("/repos/a/b/issues/7/comments?per_page=100&page=")
        self._answer(self.server.comments[(page - 1) * 100 : page * 100])

    def do_POST(self) -> None:
        body = self._body()
        if self.server.status == 200:
            self.server.comments.append(comment(len(self.server.comments), body))
        self._answer({})

    def do_PATCH(self) -> None:
        assert self.path.startswith("/repos/a/b/issues/comments/")
        index = int(self.path.rpartition("/")[2])
        self.server.comments[index]["body"] = self._body()
        self._answer({})

    def log_message(self, format: str, *_: object) -> None:
        pass


def comment(number: int, body: str, kind: str | None = "Bot") -> dict[str, Any]:
    return {"id": number, "body": body, "user": None if kind is None else {"type": kind}}


@pytest.fixture
def forge(runner: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Forge]:
    server = Forge()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("GITHUB_API_URL", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("GITHUB_REPOSITORY", "a/b")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


REPORT = "<!-- power-edge gate -->\n### passes\n"


def posted(runner: Site, body: str | None = REPORT) -> str:
    report = runner.path.parent / "report.md"
    report.unlink(missing_ok=True)
    if body is not None:
        report.write_text(body)
    done = step("comment", runner, PULL_REQUEST="7", REPORT=str(report), GITHUB_TOKEN="t")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_there_is_one_comment_that_is_written_anew(runner: Site, forge: Forge) -> None:
    forge.comments = [comment(index, "a", "User") for index in range(150)]
    forge.comments[140] = comment(140, REPORT, None)
    assert posted(runner) == "the comment was made\n"
    assert posted(runner, f"{REPORT}two") == "the comment was written anew\n"
    assert [each["body"] for each in forge.comments[150:]] == [f"{REPORT}two"]
    assert forge.tokens == {"Bearer t"}


def test_a_comment_of_a_person_with_our_marker_is_left_alone(runner: Site, forge: Forge) -> None:
    """They could change afterwards what it says."""
    forge.comments = [comment(0, f"{REPORT}mine", "User")]
    posted(runner)
    assert [each["body"] for each in forge.comments] == [f"{REPORT}mine", REPORT]


@pytest.mark.parametrize("status", [401, 403, 404, 500])
def test_a_token_without_rights_leads_to_the_summary(
    runner: Site, forge: Forge, status: int
) -> None:
    forge.status = status
    assert f"HTTP {status}" in posted(runner)
    assert (runner.path.parent / "GITHUB_STEP_SUMMARY").read_text() == f"{REPORT}\n"


def test_without_an_answer_the_report_is_in_the_summary(
    runner: Site, forge: Forge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_API_URL", "http://127.0.0.1:1")
    assert "no answer" in posted(runner)
    assert (runner.path.parent / "GITHUB_STEP_SUMMARY").read_text() == f"{REPORT}\n"


def test_the_report_of_an_earlier_commit_does_not_stay(runner: Site, forge: Forge) -> None:
    posted(runner)
    posted(runner, None)
    assert len(forge.comments) == 1
    assert "it did not end" in forge.comments[0]["body"]
    assert forge.comments[0]["body"].startswith("<!-- power-edge gate -->\n")


def test_the_marker_is_that_of_the_report() -> None:
    from power_edge.report.change_gate.formats.markdown import MARKER

    assert f'MARKER = "{MARKER}"\n' in (FOLDER / "comment.py").read_text()


def test_gitlab_makes_both_reports(
    runner: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = GITLAB["power-edge-gate"]
    pip = tmp_path / "power-edge/bin/pip"
    pip.write_text("#!/bin/sh\nexit 0\n")
    pip.chmod(0o755)
    origin = tmp_path / "origin"
    subprocess.run(["git", "clone", "-q", "--bare", runner.path, origin], check=True)
    subprocess.run(["git", "branch", "-q", "$(touch-ran)", "main"], cwd=origin, check=True)
    runner.git("remote", "add", "origin", str(origin))
    runner.node("rig-2", {"vm.swappiness": "10"})
    runner.node("rig-3", {"vm.swappiness": "10"})
    runner.commit()
    environment = {
        **os.environ,
        **job["variables"],
        "PATH": f"{pip.parent}:{os.environ['PATH']}",
        "POWER_EDGE_VERSION": "1.0.0",
        "POWER_EDGE_ACTOR": EVIL,
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "$(touch-ran)",
    }
    script = "set -e\n" + "\n".join(job["script"])
    done = subprocess.run(
        ["sh", "-c", script],
        cwd=runner.path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "max_nodes" in done.stdout
    reports = job["artifacts"]["reports"]
    assert "<failure" in (runner.path / reports["junit"]).read_text()
    assert (
        json.loads((runner.path / reports["codequality"]).read_text())[0]["severity"] == "critical"
    )
    assert not (runner.path / "ran").exists()


def test_who_starts_a_run_is_never_the_author() -> None:
    """Who runs a stranger's pipeline again, or presses the button of the merge queue, did not make
    the change.
    """
    assert STEPS["gate"]["env"]["ACTOR"] == (
        "${{ inputs.actor || github.event.pull_request.user.login }}"
    )
    assert "github.actor" not in str(ACTION)
    assert "GITLAB_USER" not in str(GITLAB)
    assert GITLAB["power-edge-gate"]["variables"]["POWER_EDGE_ACTOR"] == ""


def test_the_hooks_are_commands_of_the_program(runner: Site) -> None:
    assert [hook["entry"] for hook in HOOKS] == ["power-edge validate", "power-edge gate"]
    runner.node("rig-2", {"vm.swappiness": "10"})
    for hook in HOOKS:
        assert re.search(hook["files"], "node-configs/rig-1/state.yaml")
        assert not re.search(hook["files"], "my-node-configs/rig-1/state.yaml")
        words = hook["entry"].split()
        done = subprocess.run(
            [runner.path.parent / "power-edge/bin" / words[0], *words[1:]],
            cwd=runner.path,
            check=False,
            capture_output=True,
        )
        assert done.returncode == 0, done.stderr
