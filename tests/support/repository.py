"""A git repository of a test, with a commit and a tag for each thing that is tried."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest


def make(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository, which is the current folder until the test ends."""
    for name in ("GLOBAL", "SYSTEM"):
        monkeypatch.setenv(f"GIT_CONFIG_{name}", os.devnull)
    for who in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{who}_NAME", "a")
        monkeypatch.setenv(f"GIT_{who}_EMAIL", "a@example.org")
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
