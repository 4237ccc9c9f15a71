"""The Pythons and machines that artifacts are for, as pex wants them described."""

import json
from collections.abc import Iterator
from pathlib import Path

from packaging.tags import compatible_tags, cpython_tags

PYTHONS = ((3, 11), (3, 12), (3, 13), (3, 14))
MACHINES = ("x86_64", "aarch64")
GLIBC = 28
"""The oldest glibc that everything runs with is 2.28: RHEL 8, Debian 10."""


def described(folder: Path, machine: str) -> Iterator[str]:
    """Write a file for each Python on a machine; yield options of pex that name them."""
    for version in PYTHONS:
        file = folder / f"{version[0]}.{version[1]}-{machine}.json"
        file.write_text(json.dumps(_platform(version, machine)), encoding="ascii")
        yield f"--complete-platform={file}"


def _platform(version: tuple[int, int], machine: str) -> dict[str, object]:
    number = f"{version[0]}.{version[1]}"
    interpreter = f"cp{version[0]}{version[1]}"
    platforms = [
        *(f"manylinux_2_{minor}_{machine}" for minor in range(GLIBC, 16, -1)),
        f"manylinux2014_{machine}",
        f"linux_{machine}",
    ]
    tags = [
        *cpython_tags(version, [interpreter], platforms),
        *compatible_tags(version, interpreter, platforms),
    ]
    markers = {
        "implementation_name": "cpython",
        "implementation_version": f"{number}.0",
        "os_name": "posix",
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        "python_full_version": f"{number}.0",
        "python_version": number,
        "sys_platform": "linux",
    }
    return {"marker_environment": markers, "compatible_tags": list(map(str, tags))}
