"""All wheels that an installation without a network takes, in one tar."""

import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

from tools.dist_artifacts.build import Build
from tools.dist_artifacts.platforms import GLIBC, MACHINES, PYTHONS


def folder_of(build: Build) -> Path:
    """Return the folder of wheels, for each Python and machine."""
    return build.place / f"power-edge-{build.version}-wheelhouse"


def make(build: Build) -> None:
    """Fetch the versions of constraints.txt; the wheel itself is the one that was built."""
    if not any(build.inputs.iterdir()):
        with ThreadPoolExecutor(4) as pool:  # it is the network that takes the time
            list(pool.map(lambda each: _fetch(build, *each), product(PYTHONS, MACHINES)))
    shutil.copytree(build.inputs, folder_of(build))
    shutil.copy(build.wheel, folder_of(build))
    build.tar(folder_of(build), build.out / f"{folder_of(build).name}.tar")


def _fetch(build: Build, python: tuple[int, int], machine: str) -> None:
    """Fetch what the wheel needs with a Python on a machine."""
    folder = build.work(f"wheels-{python[0]}.{python[1]}-{machine}")
    platforms = [f"--platform=manylinux_2_{minor}_{machine}" for minor in range(GLIBC, 16, -1)]
    build.run(
        sys.executable, "-m", "pip", "download", "--quiet", "--only-binary=:all:",
        f"--constraint={build.tree / 'constraints.txt'}", f"--dest={folder}",
        f"--python-version={python[0]}.{python[1]}", "--implementation=cp",
        f"--abi=cp{python[0]}{python[1]}", "--abi=abi3", "--abi=none",
        *platforms, f"--platform=manylinux2014_{machine}", build.wheel,
    )  # fmt: skip
    for wheel in folder.iterdir():
        if wheel.name != build.wheel.name:
            shutil.copy(wheel, build.inputs / wheel.name)
