"""A control group for each node and build: systemds of two nodes in one group would take each
other's processes for their own.
"""

import shlex
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

NAME = "power-edge-lab"


def command_in(owner: int, name: str, argv: Sequence[str]) -> str:
    """A line of sh that runs `argv` in a control group of that name, made here, which nobody else
    sweeps while the process `owner` lives.

    systemd-nspawn --keep-unit stays where it was started, and refuses to start inside the session
    of a user.
    """
    groups = [top / NAME / str(owner) / name for top in _hierarchies()]
    for group in groups:
        group.mkdir(parents=True, exist_ok=True)
    return (
        "".join(f"echo 0 >{shlex.quote(str(group))}/cgroup.procs; " for group in groups)
        + "exec "
        + shlex.join(argv)
    )


def cpu_seconds(owner: int) -> float:
    """Return the CPU time that all processes in the groups of an owner have taken so far."""
    microseconds = 0
    for top in _hierarchies():
        for stat in (top / NAME / str(owner)).glob("*/cpu.stat"):
            microseconds += int(stat.read_text().split()[1])  # usage_usec; cgroup v2 alone has it
    return microseconds / 1_000_000


def sweep() -> None:
    """Remove the control groups of owners that are no more."""
    for top in _hierarchies():
        for group in (top / NAME).glob("[0-9]*"):
            if not Path("/proc", group.name).exists():
                _remove(group)


def _remove(group: Path) -> None:
    # A process in it takes a moment to end, or somebody else sweeps as well.
    with suppress(OSError):
        for below in group.iterdir():
            if below.is_dir():
                _remove(below)
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
