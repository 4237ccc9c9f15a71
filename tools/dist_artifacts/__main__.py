"""`python -m tools.dist_artifacts FOLDER [--twice]`: build all artifacts into a folder.

With --twice they are built two times, in two folders with other settings, and compared.
"""

import os
import shutil
import sys
from argparse import ArgumentParser
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.dist_artifacts import image, packages, pyz, sbom, wheel, wheelhouse
from tools.dist_artifacts.build import Build, Unbuildable
from tools.dist_artifacts.compare import compare, digest
from tools.dist_artifacts.export import export

CHECKOUT = Path(__file__).parents[2]


def main() -> None:
    """Put artifacts into a folder in place of those that are there.

    Exits with 1 if something cannot be built, or if two builds differ."""
    parser = ArgumentParser(prog="make dist", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--twice", action="store_true")
    given = parser.parse_args()
    try:
        with TemporaryDirectory(prefix="power-edge-dist-") as place:
            inputs = Path(place) / "inputs"
            inputs.mkdir()
            # All copies first: somebody may go on working in the checkout.
            folders = ("a", "another-folder") if given.twice else ("a",)
            builds = [export(CHECKOUT, Path(place) / name, inputs) for name in folders]
            first = _built(builds[0])
            if given.twice:
                compare(first, _built_again(builds[1]))
            given.folder.mkdir(parents=True, exist_ok=True)
            for old in given.folder.glob("power[-_]edge*"):
                old.unlink()
            for file in sorted(first.iterdir()):
                shutil.move(file, given.folder / file.name)
                print(f"{digest(given.folder / file.name)}  {given.folder / file.name}")
    except Unbuildable as error:
        sys.exit(f"make dist: {error}")


def _built(build: Build) -> Path:
    """Build everything from a copy of the checkout; return the folder that holds it."""
    for step in (wheel, wheelhouse, pyz, packages, image, sbom):
        print(f"make dist: {step.__name__.rpartition('.')[2]}", file=sys.stderr, flush=True)
        step.make(build)
    return build.out


def _built_again(build: Build) -> Path:
    """Build once more, as on a machine with other habits."""
    usual, umask = os.environ.copy(), os.umask(0o077)
    os.environ.update(TZ="Pacific/Auckland", LC_ALL="C", PYTHONHASHSEED="7")
    try:
        return _built(build)
    finally:
        os.umask(umask)
        os.environ.clear()
        os.environ.update(usual)


if __name__ == "__main__":
    main()
