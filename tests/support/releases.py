"""A repository whose commits are released: a small project that hatchling really builds."""

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from power_edge.cli import cli
from power_edge.config import ConfigError
from power_edge.release.version import Version
from tests.support import repository
from tests.support.repository import git

PYPROJECT = """\
[build-system]
requires = ["hatchling==1.33.0"]
build-backend = "hatchling.build"

[project]
name = "power-edge"
dynamic = ["version"]
requires-python = ">=3.11"

[tool.hatch.version]
source = "env"
variable = "POWER_EDGE_VERSION"

[tool.hatch.build.targets.wheel]
only-include = ["plugins/power_edge", "schemas"]

[tool.hatch.build.targets.wheel.sources]
"plugins/power_edge" = "power_edge"
"schemas" = "power_edge/schemas"
"""
SCHEMA = "type: object\nproperties: {a: {type: string}}\nadditionalProperties: false\n"
WIDER = SCHEMA.replace("{a:", "{b: {type: string}, a:")
PROJECT = {
    ".gitignore": "dist/\n",
    "pyproject.toml": PYPROJECT,
    "plugins/power_edge/__init__.py": "ANSWER = 1\n",
    "schemas/a.schema.yaml": SCHEMA,
    "schemas/VERSION": "1.0\n",
    "changelog.d/1.feature.md": "All of it.\n",
    "tests/golden/interface.txt": "option power-edge --version\n",
}
PARTS = ["plugins/power_edge", "schemas", "probes", "compliance", "deploy/systemd"]
"""The folders of this project that its wheel takes."""
RUN = "https://example.org/runs/1"


def make(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with the project as its first commit; it is the current folder."""
    repository.make(folder, monkeypatch)
    repository.commit(PROJECT)
    return folder


def copy(template: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copy a repository that a module of tests shares; the copy is the current folder."""
    shutil.copytree(template, folder)
    repository.alone(monkeypatch)
    monkeypatch.chdir(folder)
    return folder


def change(number: int, kind: str = "bugfix", **files: str) -> str:
    """Commit a change of the program with its fragment. Return the hash."""
    return repository.commit(
        {
            "plugins/power_edge/__init__.py": f"ANSWER = {number}\n",
            f"changelog.d/{number}.{kind}.md": f"Number {number}.\n",
            **files,
        }
    )


def built(version: str, folder: Path) -> Path:
    """Build the wheel of the work tree, as `make dist` does. Return its path."""
    epoch = git("show", "--no-patch", "--format=%ct", "HEAD")
    wheel = Version.of(version).wheel
    words = [f"POWER_EDGE_VERSION={wheel}", f"SOURCE_DATE_EPOCH={epoch}", sys.executable, "-P"]
    build = ["-m", "hatchling", "build", "-d", str(folder), "-t", "wheel"]
    done = subprocess.run(["env", *words, *build], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return folder / f"power_edge-{wheel}-py3-none-any.whl"


def tested(commit: str, **change: Any) -> dict[str, Any]:
    """The content of a tested.json whose tests passed."""
    results = [
        {"name": name, "passed": 7, "failed": 0, "skipped": 1}
        for name in ("lint", "wheel", "tests")
    ]
    return {"commit": commit, "run": RUN, "results": results, **change}


def artifacts(version: str, content: Mapping[str, Any] | None = None) -> Path:
    """Make the folder of a pre-release of HEAD: its wheel and its tested.json."""
    folder = Path("dist") / Version.of(version).tag
    built(version, folder)
    found = tested(git("rev-parse", "HEAD")) if content is None else content
    (folder / "tested.json").write_text(json.dumps(found))
    return folder


def pre_release(version: str) -> Path:
    """Make HEAD a pre-release. Return the folder of its artifacts."""
    folder = artifacts(version)
    release("pre", version)
    return folder


def release(*words: str, status: int = 0) -> str:
    """Run `power-edge release`. Return what it prints, of an error as well."""
    done = run(*words)
    if isinstance(done.exception, ConfigError):
        assert status == 4, done.exception
        return f"Error: {done.exception}"
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
    # An error has status 1 here, and 4 of the whole program.
    assert done.exit_code == (1 if status == 4 else status), done.output
    return done.output


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, ["release", *words])


def real_project(folder: Path, monkeypatch: pytest.MonkeyPatch, checkout: Path) -> None:
    """A repository with this very program in its work tree; it is the current folder."""
    make(folder, monkeypatch)
    for name in PARTS:
        copied(checkout / name, folder / name)
    pyproject = PYPROJECT.replace('"schemas"]', f"{str(PARTS[1:])[1:]}")
    more = "".join(f'"{name}" = "power_edge/{name}"\n' for name in PARTS[2:])
    (folder / "pyproject.toml").write_text(pyproject + more)


def copied(source: Path, target: Path) -> None:
    """Copy a folder of the checkout over another, without what Python keeps there."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
