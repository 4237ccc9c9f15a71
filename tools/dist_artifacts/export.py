"""A copy of the checkout to build from, so that a build changes nothing in it."""

import os
import shutil
from pathlib import Path

from tools.dist_artifacts.build import Build, Unbuildable, run


def export(checkout: Path, place: Path, inputs: Path) -> Build:
    """Copy what git knows or would add. Raises Unbuildable.

    A version that was given is for a commit: then the checkout must have no changes.
    """
    files = _git(checkout, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    commit = "" if _git(checkout, "status", "--porcelain") else _git(checkout, "rev-parse", "HEAD")
    if os.environ.get("POWER_EDGE_VERSION") and not commit:
        raise Unbuildable(
            "POWER_EDGE_VERSION is given, and the checkout has changes (git status): commit or"
            " remove them; a version names one commit"
        )
    epoch = os.environ.get("SOURCE_DATE_EPOCH") or _git(checkout, "log", "-1", "--format=%ct")
    build = Build(place, inputs, int(epoch), commit.strip())
    build.out.mkdir(parents=True)
    for name in sorted(set(files.split("\0")) - {""}):
        if (checkout / name).is_file():  # one that was removed is still listed
            (build.tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(checkout / name, build.tree / name)
    if build.commit:
        (build.tree / "commit.txt").write_text(f"{build.commit}\n", encoding="ascii")
    return build


def _git(checkout: Path, *words: str) -> str:
    usual = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    return run(["git", "-C", checkout, *words], checkout, usual)
