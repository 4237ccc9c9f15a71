"""A git repository of a test, with a commit and a tag for each thing that is tried."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest


def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide this machine's git, the repository that a hook runs in, and a workflow from the test."""
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_WORK_TREE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("GITHUB_API_URL", "GITHUB_REPOSITORY", "GITHUB_TOKEN", "GITHUB_ACTOR"):
        monkeypatch.delenv(name, raising=False)
    for name in ("GLOBAL", "SYSTEM"):
        monkeypatch.setenv(f"GIT_CONFIG_{name}", os.devnull)
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "a")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "a@example.org")


def make(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository, which is the current folder until the test ends."""
    alone(monkeypatch)
    folder.mkdir()
    monkeypatch.chdir(folder)
    git("init", "-q", "-b", "main")
    return folder


def git(*words: str) -> str:
    return subprocess.run(
        ["git", *words], check=True, capture_output=True, text=True
    ).stdout.strip()


def write(folder: Path, files: Mapping[str, str | None]) -> None:
    """Write files by path; None removes one."""
    for name, text in files.items():
        if text is None:
            (folder / name).unlink()
        else:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)


def commit(files: Mapping[str, str | None], *tags: str) -> str:
    """Commit files in the current folder, with tags. Return the hash."""
    write(Path.cwd(), files)
    git("add", "-A")
    git("commit", "-q", "--allow-empty", "-m", "a")
    for tag in tags:
        git("tag", tag)
    return git("rev-parse", "HEAD")
