"""Refuses a tag that promote did not record, or other files than those that it vouches for."""

import shutil
from pathlib import Path

from tools.ci.step import given, power_edge, version


def main() -> None:
    """Check release/, which has the files of TAG. Write pypi/ with its wheel and its sdist."""
    print(
        power_edge("release", "check-tag", version(given("TAG")).tag, "--artifacts=release"), end=""
    )
    folder = Path("pypi")
    folder.mkdir()
    for file in (*Path("release").glob("*.whl"), *Path("release").glob("*.tar.gz")):
        shutil.copy2(file, folder)
