"""Builds the wheel and the sdist of a commit as a version that is given, without a network.

hatchling is the one beside this program: what pip would fetch for a build could be another one.
"""

import sys
import tarfile
import tomllib
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from power_edge.probing.process import Lifeline, NoRoom, TooLong, run
from power_edge.release import git
from power_edge.release.schema_set import Unusable
from power_edge.release.version import Version
from power_edge.text import printable, quoted

_IN = 'cd -- "$1" && shift && exec "$@"'


class Built(NamedTuple):
    """The files of one build."""

    wheel: Path
    sdist: Path


def export(commit: str, folder: Path) -> None:
    """Write the files of a commit into a new folder, as `git archive` has them.

    Raises Unusable, and OSError if there is no room for them.
    """
    archive = folder.with_name(f"{folder.name}.tar")
    git.output("archive", "--format=tar", "-o", str(archive), commit)
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="tar")
    archive.unlink()


def build(commit: str, version: Version, folder: Path) -> Built:
    """Build a commit in a new folder as a version. Raises Unusable."""
    tree, out = folder / "tree", folder / "out"
    export(commit, tree)
    _check_hatchling(tree, commit)
    epoch = git.output("show", "--no-patch", "--format=%ct", commit)
    argv = [
        "env", f"POWER_EDGE_VERSION={version.wheel}", f"SOURCE_DATE_EPOCH={epoch.decode().strip()}",
        "sh", "-c", _IN, "sh", str(tree),
        sys.executable, "-P", "-m", "hatchling", "build", "-d", str(out),
        "-t", "wheel", "-t", "sdist",
    ]  # fmt: skip
    try:
        ended = run(argv, b"", Lifeline())
    except (TooLong, NoRoom) as error:
        raise Unusable(f"the build: {error}") from None
    if ended.status != 0:
        last = (ended.stderr or ended.stdout).decode("utf-8", "replace").strip().split("\n")[-1]
        raise Unusable(f"the build of {commit[:12]} as {version.wheel} failed: {printable(last)}")
    return Built(_one(out, "*.whl"), _one(out, "*.tar.gz"))


def _one(folder: Path, pattern: str) -> Path:
    found = list(folder.glob(pattern))
    if len(found) != 1:
        raise Unusable(f"the build made {len(found)} files {pattern}, and must make one")
    return found[0]


def _check_hatchling(tree: Path, commit: str) -> None:
    """Check that hatchling can be imported; the message names what the commit asks for."""
    if find_spec("hatchling") is not None:
        return
    try:
        requirements = tomllib.loads((tree / "pyproject.toml").read_text())["build-system"][
            "requires"
        ]
    except (OSError, ValueError, LookupError):
        raise Unusable(f"{commit[:12]} has no pyproject.toml that can be built") from None
    raise Unusable(
        "hatchling is not installed beside this program, and a promotion builds without a network:"
        f" pip install {' '.join(quoted(each) for each in requirements)}"
    )
