"""Whether two builds are the same."""

import hashlib
from pathlib import Path

from tools.dist_artifacts.build import Unbuildable


def compare(first: Path, second: Path) -> None:
    """Raise Unbuildable if two folders differ in a file, or in which files there are."""
    files = {file.name for folder in (first, second) for file in folder.iterdir()}
    differ = [name for name in sorted(files) if _found(first / name) != _found(second / name)]
    if differ:
        raise Unbuildable(f"two builds differ in {', '.join(differ)}")


def digest(file: Path) -> str:
    """Return the sha256 of a file."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _found(file: Path) -> str:
    return digest(file) if file.exists() else "missing"
