"""power-edge.pyz: the program and all it needs in one file, for each Python."""

from pathlib import Path

from tools.dist_artifacts.build import BIN, Build
from tools.dist_artifacts.platforms import described
from tools.dist_artifacts.wheelhouse import folder_of

MACHINE = "x86_64"


def file_of(build: Build) -> Path:
    """Return the file."""
    return build.out / "power-edge.pyz"


def make(build: Build) -> None:
    """Pack the wheels of the wheelhouse that are for this machine."""
    work = build.work("pyz")
    wheels = work / "wheels"
    wheels.mkdir()
    for wheel in folder_of(build).iterdir():
        if wheel.stem.endswith(("-any", MACHINE)):
            (wheels / wheel.name).symlink_to(wheel)
    start = (build.tree / "deploy/packages/start.py").read_text(encoding="ascii")
    (work / "start.py").write_text(start.replace("@VERSION@", build.version), encoding="ascii")
    build.run(
        BIN / "pex",
        f"--pre-resolved-dists={wheels}",
        *described(work, MACHINE),
        "--venv",
        f"--preamble-file={work / 'start.py'}",
        "--python-shebang=#!/usr/bin/env python3",
        "--no-emit-warnings",
        "--console-script=power-edge",
        f"--output-file={file_of(build)}",
        f"power-edge=={build.version}",
    )
    file_of(build).chmod(0o755)
