"""A throw-away project on GitHub: a repository with a bare remote, a server in place of the API, and
act, which runs the workflows of this checkout on this machine.

Actions of others are replaced: artifacts go to a folder, an upload to PyPI is written down. `make`
stands before make: what takes long (tests, linters, the lab) is written down, and so is an
installation; all else is real.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.shells import path_of
from tests.workflows.stand_in import REPOSITORY, TOKEN, StandIn, stand_in

ROOT = Path(__file__).parents[2]
WORKFLOWS = ROOT / ".github" / "workflows"
_PROJECT = (
    ".ci", ".github", ".gitattributes", ".gitignore", "LICENSE", "Makefile", "README.md",
    "commit.txt", "compliance", "deploy", "hatch_build.py", "node-configs", "plugins", "probes",
    "pyproject.toml", "schemas", "tests/golden", "tools",
)  # fmt: skip
"""What the throw-away project has of this one: what a build and the commands need."""
_ACTION = re.compile(r"uses: ([\w.-]+/[\w.-]+)@([0-9a-f]{40})")
_STUBS = {
    # Where no `ref` is given, act itself copies the repository.
    "actions/checkout": 'cp -r "$WORK/." . && git checkout -q "${REF:-HEAD}"',
    "actions/setup-python": "true",
    "actions/upload-artifact": """
        mkdir -p "$STORE/$GITHUB_RUN_ID/$NAME"
        if [ -d "$FILES" ]; then FILES=${FILES%/}/.; fi
        cp -r $FILES "$STORE/$GITHUB_RUN_ID/$NAME"
    """,
    "actions/download-artifact": """
        mkdir -p "$FILES"
        for artifact in "$STORE/${RUN:-$GITHUB_RUN_ID}"/${NAME:-*}; do cp -r "$artifact/." "$FILES"; done
    """,
    "actions/attest-build-provenance": 'for file in $FILES; do echo "attested ${file##*/}"; done >>"$RECORD"',
    "pypa/gh-action-pypi-publish": 'for file in "$FILES"/*; do echo "published ${file##*/}"; done >>"$RECORD"',
}
_STUB = """
name: a stub
inputs: {{ref: {{}}, name: {{}}, path: {{}}, subject-path: {{}}, packages-dir: {{}}, run-id: {{}}}}
runs:
  using: composite
  steps:
  - shell: sh -e {{0}}
    env:
      WORK: {work}
      STORE: {store}
      RECORD: {record}
      REF: ${{{{ inputs.ref }}}}
      RUN: ${{{{ inputs.run-id }}}}
      NAME: ${{{{ inputs.name }}}}
      FILES: ${{{{ inputs.path || inputs.subject-path || inputs.packages-dir }}}}
    run: |
      {run}
"""
_MAKE = """#!/bin/sh -e
[ -e .venv ] || ln -s {venv} .venv
echo "make $*" >>{record}
case $1 in
    run-env | dev-env | system-packages | lint | newest | next-pytest | test-wheel | test-by-hand) ;;
    test) printf '{tested}' "$(git rev-parse HEAD)" >tested.json ;;
    dist) SOURCE_DATE_EPOCH=$(git show --no-patch --format=%ct) .venv/bin/python -m hatchling build -d dist -t wheel -t sdist
        echo pyz >dist/power-edge.pyz ;;
    *) exec {make} --old-file=run-env --old-file=dev-env "$@" ;;
esac
"""
_TESTED = json.dumps(
    {
        "commit": "%s",
        "run": "https://github.com/an-owner/power-edge/actions/runs/1",
        "results": [
            {"name": name, "passed": 1, "failed": 0, "skipped": 0}
            for name in ("lint", "wheel", "tests")
        ],
    }
)
_PYTHON = """#!/bin/sh -e
case "$1 $2 $3" in
    "-I -m venv")
        mkdir -p "$4/bin"
        ln -sf {venv}/bin/power-edge "$4/bin/power-edge"
        ln -sf /bin/true "$4/bin/pip" ;;
    *) exec {venv}/bin/python "$@" ;;
esac
"""
_SUDO = '#!/bin/sh\ncase $1 in -*) shift ;; esac\nexec "$@"\n'


class Run(NamedTuple):
    """What a run of a workflow came to."""

    ok: bool
    jobs: dict[str, str]
    """The result of each job that ran, by its key in its workflow: success or failure."""
    output: str
    recorded: list[str]
    """What was written down, in order."""
    files: set[str]
    """The names of all files that the jobs left in their work trees."""


@dataclass
class World:
    """The throw-away project."""

    folder: Path
    github: StandIn
    runs: int = 0

    @property
    def work(self) -> Path:
        """The repository; what is checked out is what a workflow sees."""
        return self.folder / "work"

    def git(self, *words: str) -> str:
        """Run git in the repository."""
        return _run("git", *words, cwd=self.work)

    def commit(self, files: Mapping[str, str], message: str) -> str:
        """Commit files, and return the commit."""
        for name, text in files.items():
            (self.work / name).parent.mkdir(parents=True, exist_ok=True)
            (self.work / name).write_text(text)
        self.git("add", "--all")
        self.git("commit", "-qm", message)
        return self.git("rev-parse", "HEAD").strip()

    def propose(self, branch: str, files: Mapping[str, str]) -> None:
        """Make a pull request, and check it out as GitHub does: merged."""
        self.git("checkout", "-q", "-b", branch, "main")
        self.commit(files, branch)
        self.git("checkout", "-q", "-B", "merged", "main")
        self.git("merge", "-q", "--no-ff", "-m", f"Merge {branch}", branch)

    def merge(self) -> None:
        """Move main to the merged pull request that is checked out, and push it."""
        self.git("checkout", "-q", "-B", "main")
        self.git("push", "-q", "origin", "main")

    def tags(self) -> list[str]:
        """The tags of the remote, fetched."""
        self.git("fetch", "-q", "--tags", "--force", "origin")
        listed = _run("git", "tag", "--list", cwd=self.folder / "origin.git")
        return listed.split()

    def act(self, event: str, workflow: str, payload: Mapping[str, Any]) -> Run:
        """Run a workflow for an event."""
        self.tags()
        self.runs += 1
        record = self.folder / "record"
        record.write_text("")
        given = self.folder / "event.json"
        given.write_text(json.dumps(payload))
        argv = [
            path_of("act") or "act", event, "--json", "-W", f".github/workflows/{workflow}.yml", "-e", str(given),
            "-P", "ubuntu-24.04=-self-hosted", "-P", "macos-15=-self-hosted",
            "--actor", "ann", "-s", f"GITHUB_TOKEN={TOKEN}",
            "--env", f"GITHUB_API_URL={self.github.address}", "--env", f"GITHUB_REPOSITORY={REPOSITORY}",
            "--env", f"GITHUB_RUN_ID={self.runs}",
            *(f"--local-repository={name}@{sha}={self._stub(name)}" for name, sha in _foreign()),
        ]  # fmt: skip
        usual = {
            k: v for k, v in os.environ.items() if not k.startswith(("GITHUB_", "GIT_", "PYTEST"))
        }
        env = {
            **usual,
            "HOME": str(self.folder / "home"),
            "XDG_CACHE_HOME": str(self.folder / "home"),
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
        }
        done = subprocess.run(
            argv, cwd=self.work, env=env, capture_output=True, text=True, check=False, timeout=300
        )
        jobs, lines = {}, []
        for line in done.stdout.splitlines():
            said = json.loads(line)
            lines.append(f"{said.get('job', '')}: {said['msg'].rstrip()}")
            if "jobResult" in said:
                jobs[said["jobID"]] = said["jobResult"]
        output = "\n".join([*lines, done.stderr])
        trees = self.folder / "home" / "act"
        files = {file.name for file in trees.rglob("*")}
        shutil.rmtree(trees)  # each job has a copy of the whole repository
        return Run(done.returncode == 0, jobs, output, record.read_text().splitlines(), files)

    def _stub(self, name: str) -> Path:
        """Return the folder of what stands in for an action."""
        folder = self.folder / "actions" / name
        lines = [line.strip() for line in _STUBS[name].strip().splitlines()]
        text = _STUB.format(
            work=self.work,
            store=self.folder / "artifacts",
            record=self.folder / "record",
            run="\n      ".join(lines),
        )
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "action.yml").write_text(text)
        return folder


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """Make a project whose first commit is the release v1.0.0."""
    with stand_in() as github:
        made = World(folder, github)
        for each in ("bin", "home", "work"):
            (folder / each).mkdir()
        values = {
            "venv": sys.prefix,
            "record": folder / "record",
            "make": shutil.which("make"),
            "tested": _TESTED,
        }
        for name, text in (("make", _MAKE), ("python3", _PYTHON), ("sudo", _SUDO)):
            (folder / "bin" / name).write_text(text.format(**values))
            (folder / "bin" / name).chmod(0o755)
        _copy(made.work)
        _run("git", "init", "-q", "--bare", "-b", "main", "origin.git", cwd=folder)
        made.git("init", "-q", "-b", "main")
        made.git("config", "user.name", "A Person")
        made.git("config", "user.email", "a.person@example.org")
        made.git("remote", "add", "origin", str(folder / "origin.git"))
        made.git("add", "--all")
        made.git("commit", "-qm", "First")
        made.git("tag", "-a", "-m", "1.0.0", "v1.0.0")
        made.git("push", "-q", "origin", "main", "v1.0.0")
        yield made


def _foreign() -> list[tuple[str, str]]:
    """Return the actions of others that the workflows use, with their commits."""
    texts = [file.read_text() for file in sorted(ROOT.glob(".github/**/*.yml"))]
    found = {pair for text in texts for pair in _ACTION.findall(text)}
    return sorted(found)


def _copy(folder: Path) -> None:
    """Copy what git knows of this project."""
    for name in _run("git", "ls-files", "-z", "--", *_PROJECT, cwd=ROOT).split("\0"):
        if name and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)


def _run(*argv: str, cwd: Path) -> str:
    done = subprocess.run(argv, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{argv}: {done.stdout}{done.stderr}"
    return done.stdout
