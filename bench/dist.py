"""Sizes and start times of what `make dist` built; prints a table, asserts nothing.

A start is `power-edge --version`, the whole process; of later ones, the quickest. The image takes
root, and buildah.
"""

import os
import resource
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

DIST = Path(__file__).parent.parent / "dist"
RUNS = 7


class Taken(NamedTuple):
    wall: float
    cpu: float
    """On a busy machine this says more."""

    def __str__(self) -> str:
        return f"{self.wall:.2f} (CPU {self.cpu:.2f})"


Start = Callable[[], Taken]


def main() -> None:
    folder = Path(sys.argv[1]) if sys.argv[1:] else DIST
    table = Table("file", "MB", "first start, s", "later, s", "unpacked, MB")
    with tempfile.TemporaryDirectory() as place:
        starts = {
            ".whl": wheel,
            ".pyz": pyz,
            ".oci.tar": image,
        }
        for file in sorted(folder.iterdir()):
            made = [make for end, make in starts.items() if file.name.endswith(end)]
            row = [file.name, f"{file.stat().st_size / 1e6:.1f}"]
            for make in made:
                work = Path(place) / file.name
                work.mkdir()
                for start, unpacked in make(file, folder, work):
                    first = start()
                    later = min((start() for _ in range(RUNS)), key=lambda taken: taken.wall)
                    size = sum(each.lstat().st_size for each in unpacked.rglob("*"))
                    row += [str(first), str(later), f"{size / 1e6:.0f}"]
            table.add_row(*row)
    Console(width=120).print(table)


def starting(*argv: str | Path, **environment: str) -> Start:
    def start() -> Taken:
        began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, env=os.environ | environment)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        return Taken(time.monotonic() - began, cpu)

    return start


def wheel(file: Path, folder: Path, work: Path) -> Iterator[tuple[Start, Path]]:
    """In a virtual environment, from the wheelhouse."""
    (house,) = folder.glob("*-wheelhouse.tar")
    with tarfile.open(house) as opened:
        opened.extractall(work, filter="data")
    (wheels,) = work.iterdir()
    subprocess.run([sys.executable, "-m", "venv", work / "venv"], check=True)
    pip = (work / "venv/bin/pip", "install", "-q", "--no-index", f"--find-links={wheels}")
    subprocess.run([*pip, file], check=True)
    yield starting(work / "venv/bin/power-edge", "--version"), work / "venv"


def pyz(file: Path, _: Path, work: Path) -> Iterator[tuple[Start, Path]]:
    """With an empty cache at first; deb and rpm hold the same file."""
    yield starting(sys.executable, file, "--version", PEX_ROOT=str(work / "root")), work / "root"


def image(file: Path, _: Path, work: Path) -> Iterator[tuple[Start, Path]]:
    """In a container that is there already."""
    if os.geteuid() != 0 or shutil.which("buildah") is None:
        return
    buildah = ["buildah", f"--root={work}/root", f"--runroot={work}/run", "--storage-driver=vfs"]
    name = subprocess.check_output([*buildah, "from", "-q", f"oci-archive:{file}"], text=True)
    command = [*buildah, "run", "--isolation=chroot", name.strip(), "--", "power-edge", "--version"]
    mounted = subprocess.check_output([*buildah, "mount", name.strip()], text=True)
    yield starting(*command), Path(mounted.strip())


if __name__ == "__main__":
    main()
