"""This project in a repository of its own, as one commit: what versions of it are built of."""

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from tests.support.artifacts import artifact

CHECKOUT = Path(__file__).parents[2]
_PACKAGES = """
import sys
from pathlib import Path
from tools.dist_artifacts import packages, pyz, wheel, wheelhouse
from tools.dist_artifacts.export import export
build = export(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]))
for step in (wheel, wheelhouse, pyz, packages):
    step.make(build)
"""


def make(folder: Path) -> None:
    """Make the repository: what git knows of this checkout, or would add."""
    words = ("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, _git(CHECKOUT, *words).split("\0")):
        if (CHECKOUT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(CHECKOUT / name, folder / name)
    _git(folder, "init", "-q", "-b", "main")
    _git(folder, "add", "--all")
    _git(folder, "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", "a")


def dependencies(folder: Path) -> None:
    """Fill a new folder with the wheels that ours is installed with, from the wheelhouse."""
    folder.mkdir()
    with tarfile.open(artifact("*-wheelhouse.tar")) as opened:
        for member in opened:
            name = Path(member.name).name
            if name.endswith(".whl") and not name.startswith("power_edge-"):
                member.name = name
                opened.extract(member, folder, filter="data")


def packages(repository: Path, version: str, place: Path) -> Path:
    """Build deb and rpm of a version, as `make dist` does, in a new folder. Return theirs."""
    place.mkdir()
    dependencies(place / "inputs")
    # The tools of the group `dist` have an environment of their own.
    argv = [
        sys.executable,
        "-m",
        "tox",
        "exec",
        "-qq",
        "-e",
        "dist",
        "--",
        "python",
        "-c",
        _PACKAGES,
    ]
    done = subprocess.run(
        [*argv, str(repository), str(place / "build"), str(place / "inputs")],
        cwd=CHECKOUT,
        env={**os.environ, "POWER_EDGE_VERSION": version},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return place / "build/out"


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
