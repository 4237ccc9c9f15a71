"""`python -m tools.dist_artifacts FOLDER [--twice]`: build all artifacts into a folder.

With --twice they are built two times, in two folders with other settings, and compared.
"""

import hashlib
import os
import shutil
import sys
from argparse import ArgumentParser
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.dist_artifacts import image, packages, pyz, sbom, wheel, wheelhouse
from tools.dist_artifacts.build import Build, Unbuildable
from tools.dist_artifacts.export import export

CHECKOUT = Path(__file__).parents[2]


def main() -> None:
    """Exits with 1 if something cannot be built, or if two builds differ."""
    parser = ArgumentParser(prog="make dist", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--twice", action="store_true")
    given = parser.parse_args()
    try:
        with TemporaryDirectory(prefix="power-edge-dist-") as place:
            inputs = Path(place) / "inputs"
            inputs.mkdir()
            first = _built(Path(place) / "a", inputs)
            if given.twice:
                _compare(first, _built_again(Path(place) / "another-folder", inputs))
            given.folder.mkdir(parents=True, exist_ok=True)
            for old in given.folder.iterdir():
                shutil.rmtree(old) if old.is_dir() else old.unlink()
            for file in sorted(first.iterdir()):
                shutil.move(file, given.folder / file.name)
                print(f"{_digest(given.folder / file.name)}  {given.folder / file.name}")
    except Unbuildable as error:
        sys.exit(f"make dist: {error}")


def _built(place: Path, inputs: Path) -> Path:
    """Build everything from a copy of the checkout; return the folder that holds it."""
    build = export(CHECKOUT, place, inputs)
    for step in (wheel, wheelhouse, pyz, packages, image, sbom):
        print(f"make dist: {step.__name__.rpartition('.')[2]}", file=sys.stderr, flush=True)
        step.make(build)
    return build.out


def _built_again(place: Path, inputs: Path) -> Path:
    """Build once more, as on a machine with other habits."""
    usual, umask = os.environ.copy(), os.umask(0o077)
    os.environ.update(TZ="Pacific/Auckland", LC_ALL="C", PYTHONHASHSEED="7")
    try:
        return _built(place, inputs)
    finally:
        os.umask(umask)
        os.environ.clear()
        os.environ.update(usual)


def _compare(first: Path, second: Path) -> None:
    """Raise Unbuildable if two folders differ in a byte of a file."""
    files = {file.name for folder in (first, second) for file in folder.iterdir()}
    differ = [name for name in sorted(files) if _digest(first / name) != _digest(second / name)]
    if differ:
        raise Unbuildable(f"two builds differ in {', '.join(differ)}")


def _digest(file: Path) -> str:
    if not file.exists():
        return "missing"
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


if __name__ == "__main__":
    main()
