"""A control group for each node and build: systemds of two nodes in one group would take each other's processes for their own."""

import shlex
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

NAME = "power-edge-lab"


def command_in(name: str, argv: Sequence[str]) -> str:
    """A line of sh that runs `argv` in the control group of that name, which is made here.

    systemd-nspawn --keep-unit stays where it was started, and refuses to start inside the session of a user.
    """
    groups = [top / NAME / name for top in _hierarchies()]
    for group in groups:
        group.mkdir(parents=True, exist_ok=True)
    return "".join(f"echo 0 >{shlex.quote(str(group))}/cgroup.procs; " for group in groups) + "exec " + shlex.join(argv)


def sweep() -> None:
    """Remove all groups of the lab that hold no process, whoever left them there."""
    for top in _hierarchies():
        for group in sorted((path for path in (top / NAME).rglob("*") if path.is_dir()), key=lambda path: len(path.parts), reverse=True):
            with suppress(OSError):
                group.rmdir()


def _hierarchies() -> list[Path]:
    """The mount points of cgroup v2 and of systemd's own hierarchy in v1."""
    found = []
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, place, kind, options = line.split()[:4]
        if kind == "cgroup2" or (kind == "cgroup" and "name=systemd" in options.split(",")):
            found.append(Path(place))
    return found
