"""One build: where it is made, of which version, and how its steps run commands."""

import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

BIN = Path(sys.executable).parent
"""Where the tools of the group `dist` are."""


class Unbuildable(Exception):
    """Something cannot be built; the message says what and why."""


@dataclass(frozen=True)
class Build:
    """The place of one build, and what all of its steps share."""

    place: Path
    """A folder of this build alone."""
    inputs: Path
    """Wheels of others, as they were fetched. A second build gets the same."""
    epoch: int
    """The time that all files get, in seconds."""
    commit: str
    """The commit that is built, or nothing if it has changes."""

    @property
    def tree(self) -> Path:
        """The copy of the checkout."""
        return self.place / "tree"

    @property
    def out(self) -> Path:
        """What is built is put here, and nothing else."""
        return self.place / "out"

    def work(self, name: str) -> Path:
        """Return a new folder for what a step needs meanwhile."""
        folder = self.place / name
        folder.mkdir()
        return folder

    @cached_property
    def wheel(self) -> Path:
        """The wheel; the first step builds it."""
        (found,) = self.out.glob("*.whl")
        return found

    @property
    def version(self) -> str:
        """The version as PEP 440 writes it: 1.3.0rc145."""
        return self.wheel.name.split("-")[1]

    @property
    def semver(self) -> str:
        """As tags write it: 1.3.0-pre.145; also a tag of an image."""
        return re.sub(r"rc(\d+)$", r"-pre.\1", self.version).replace(".dev", "-dev.")

    @property
    def package(self) -> str:
        """As Debian and RPM sort it: 1.3.0~pre145."""
        return re.sub(r"rc(\d+)$", r"~pre\1", self.version).replace(".dev", "~dev")

    def run(self, *argv: str | Path, cwd: Path | None = None, **more: str) -> str:
        """Run a command; return what it prints. Raises Unbuildable."""
        environment = os.environ | {"SOURCE_DATE_EPOCH": str(self.epoch)} | more
        return run(argv, cwd or self.place, environment)

    def tar(self, folder: Path, into: Path, name: str | None = None) -> None:
        """Write a folder as a tar that depends on names and contents alone.

        `name` is what the folder is called in it, if not by its own name.
        """

        def plain(member: tarfile.TarInfo) -> tarfile.TarInfo:
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            member.mtime = self.epoch
            member.mode = 0o755 if member.isdir() else 0o644
            return member

        with tarfile.open(into, "w", format=tarfile.GNU_FORMAT) as opened:
            opened.add(folder, name or folder.name, filter=plain)  # sorts the names


def run(argv: Sequence[str | Path], cwd: Path, environment: dict[str, str]) -> str:
    """Run a command; return what it prints. Raises Unbuildable with the end of what it said."""
    words = [str(word) for word in argv]
    try:
        done = subprocess.run(
            words,
            check=False,
            cwd=cwd,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
        )
    except FileNotFoundError:
        raise Unbuildable(
            f"{words[0]} is missing: run tests/lab/install-system-packages.sh as root"
        ) from None
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).splitlines()[-30:])
        raise Unbuildable(f"{' '.join(words[:6])} ... ended with {done.returncode}:\n{said}")
    return done.stdout
