"""The deb and the rpm: power-edge.pyz, its unit and its man page."""

import gzip
from string import Template

from tools.dist_artifacts.build import BIN, Build
from tools.dist_artifacts.pyz import file_of

PROGRAM = "/usr/bin/power-edge"
_UNIT = "from power_edge import watch_unit as u; print(u.with_program(u.template(), {!r}), end='')"


def make(build: Build) -> None:
    """Write both with nfpm, from deploy/packages/nfpm.yaml."""
    work = build.work("packages")
    unit = _inside(build, "-c", _UNIT.format(PROGRAM))
    (work / "power-edge-watch@.service").write_text(unit, encoding="utf-8")
    page = build.tree / "tools/dist_artifacts/man_page.py"
    roff = _inside(build, str(page), build.semver, str(build.epoch)).encode()
    (work / "power-edge.1.gz").write_bytes(gzip.compress(roff, mtime=0))
    script = (build.tree / "deploy/packages/installed.sh").read_text(encoding="utf-8")
    (work / "installed.sh").write_text(script.replace("@VERSION@", build.version), encoding="utf-8")
    config = Template((build.tree / "deploy/packages/nfpm.yaml").read_text(encoding="utf-8"))
    values = {"VERSION": build.package, "OUT": build.out, "WORK": work, "TREE": build.tree}
    (work / "nfpm.yaml").write_text(config.substitute(values), encoding="utf-8")
    for packager, name in (
        ("deb", f"power-edge_{build.package}-1_amd64.deb"),
        ("rpm", f"power-edge-{build.package}-1.x86_64.rpm"),
    ):
        build.run(
            BIN / "nfpm",
            "package",
            f"--config={work / 'nfpm.yaml'}",
            f"--packager={packager}",
            f"--target={build.out / name}",
        )


def _inside(build: Build, *arguments: str) -> str:
    """Run the Python of the program that was built."""
    root = str(build.place / "pex-root")
    return build.run(file_of(build), *arguments, PEX_INTERPRETER="1", PEX_ROOT=root)
