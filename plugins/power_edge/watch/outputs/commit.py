"""The git commit that is checked out around a folder, read from .git without git.

git may not be installed, and refuses another user's checkout.
"""

import re
from pathlib import Path

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_LINKS = 5
"""Symbolic references that are followed, as git does."""


def commit_around(folder: Path) -> str | None:
    """Return the commit of HEAD; None outside of a checkout, or if it cannot be read."""
    try:
        folder = folder.resolve()
        for parent in (folder, *folder.parents):
            if (git := parent / ".git").exists():
                return _head(_git_dir(git))
    except (OSError, ValueError, RuntimeError):  # another tool's files, which may be anything
        pass
    return None


def _git_dir(git: Path) -> Path:
    """Return the folder that a .git is, or names: that of a worktree or a submodule."""
    if git.is_dir():
        return git
    return git.parent / _text(git).removeprefix("gitdir: ")


def _head(folder: Path) -> str | None:
    # A worktree has a HEAD of its own, and shares branches with the repository.
    shared = folder / _text(folder / "commondir") if (folder / "commondir").exists() else folder
    value = _text(folder / "HEAD")
    for _ in range(_LINKS):
        if not value.startswith("ref: "):
            break
        name = value.removeprefix("ref: ")
        value = _reference(name, folder, shared)
    return value if _COMMIT.fullmatch(value) else None


def _reference(name: str, folder: Path, shared: Path) -> str:
    """Return the value of a reference; empty if there is none (no commit yet)."""
    if not name.startswith("refs/") or ".." in name:
        return ""
    for place in (folder, shared):
        if (place / name).is_file():
            return _text(place / name)
    packed = shared / "packed-refs"
    for line in _text(packed).splitlines() if packed.is_file() else ():
        commit, _, packed_name = line.partition(" ")
        if packed_name == name:
            return commit
    return ""


def _text(file: Path) -> str:
    """Return the text of a regular file. Raises OSError, also for anything else: reading a pipe
    would wait.
    """
    if not file.is_file():
        raise FileNotFoundError(str(file))
    return file.read_text(encoding="utf-8").strip()
