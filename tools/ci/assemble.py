"""Puts together what a release publishes: what promote proved, and the other artifacts."""

import shutil
from pathlib import Path

from tools.ci.step import Refused


def main() -> None:
    """Write all/ of release/ and dist/, and pypi/ with the wheel and the sdist.

    Raises Refused if dist/, which was built after the promotion, has another wheel or sdist.
    """
    proven, built, everything, pypi = map(Path, ("release", "dist", "all", "pypi"))
    shutil.copytree(proven, everything)
    for file in sorted(built.iterdir()):
        same = everything / file.name
        if not same.exists():
            shutil.copy2(file, same)
        elif same.read_bytes() != file.read_bytes():
            raise Refused(f"{file.name} was built again, and is not the one that was promoted")
    pypi.mkdir()
    for file in (*proven.glob("*.whl"), *proven.glob("*.tar.gz")):
        if not (built / file.name).exists():
            raise Refused(f"{file.name} was promoted, and the build does not make it")
        shutil.copy2(file, pypi)
