"""What hatchling asks while it builds: the version, and the commit that it is built from.

The version stands in METADATA alone and the commit in a file of its own, so that a pre-release and
the release of one commit differ in METADATA and RECORD, nothing else.
"""

import os
import re
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).parent
DEVELOPMENT = "0.0.0.dev0"
"""The version of a build without POWER_EDGE_VERSION. It is below every release."""
_GIVEN = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*)){2}(rc(0|[1-9][0-9]*))?", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}", re.ASCII)


def version() -> str:
    """Return $POWER_EDGE_VERSION, or the development version. Raises ValueError."""
    given = os.environ.get("POWER_EDGE_VERSION", "")
    if given and not _GIVEN.fullmatch(given):
        raise ValueError(
            f"POWER_EDGE_VERSION is {given!r}: write a release such as 1.3.0, or a pre-release such"
            " as 1.3.0rc145"
        )
    return given or DEVELOPMENT


def commit(root: Path) -> str:
    """Return the commit that a tree is, or nothing if it is not one or has changes.

    `git archive` writes it into commit.txt, and so does the sdist. In a checkout git knows it.
    """
    written = (root / "commit.txt").read_text(encoding="ascii").strip()
    if _COMMIT.fullmatch(written):
        return written
    if not (root / ".git").exists():  # a repository further up is not this tree's
        return ""
    changed = _git(root, "status", "--porcelain")
    found = _git(root, "rev-parse", "HEAD") if changed == "" else None
    return found.strip() if found and _COMMIT.fullmatch(found.strip()) else ""


def _git(root: Path, *words: str) -> str | None:
    """Return what git prints, or None if it fails or is not there."""
    usual = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", "-C", str(root), *words], capture_output=True, check=True, env=usual
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.decode(errors="replace")


class CustomBuildHook(BuildHookInterface[BuilderConfig]):
    """Puts the commit into the wheel and the sdist."""

    def initialize(self, version: str, build_data: dict[str, dict[str, str]]) -> None:
        """Add commit.txt; an editable installation, whose commit changes, has none."""
        if version == "editable":
            return
        self._folder = TemporaryDirectory()  # it is there until the build ends
        file = Path(self._folder.name) / "commit.txt"
        file.write_text(commit(Path(self.root)) + "\n", encoding="ascii")
        inside = {"wheel": "power_edge/commit.txt", "sdist": "commit.txt"}
        build_data["force_include"][str(file)] = inside[self.target_name]
