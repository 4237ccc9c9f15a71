"""Folders of artifacts: those of a pre-release, which promote reads, and those of a release."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from power_edge import atomic_file
from power_edge.github import GitHub, GitHubError
from power_edge.release import record, tags
from power_edge.release.schema_set import Unusable
from power_edge.release.version import Version
from power_edge.text import printable, quoted

SUMS: Final = "SHA256SUMS"
SIGNATURE: Final = "SHA256SUMS.sig"
NOTES: Final = "NOTES.md"
OWN: Final = (record.PROMOTION, record.TESTED, NOTES, SUMS, SIGNATURE)
"""The files that promote makes, beside the artifacts."""
_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~+-]*", re.ASCII)
_LARGEST = 256 << 20
_SUM = re.compile(r"([0-9a-f]{64}) [ *]([^/]+)")


def folder_of(version: Version) -> Path:
    """Return the folder of a version in this checkout, `dist/v1.3.0`."""
    return Path(tags.folder()) / "dist" / version.tag


def content(file: Path) -> bytes:
    """Return the bytes of a file. Raises Unusable, also for one that is not an artifact by its
    size."""
    try:
        with file.open("rb") as opened:
            data = opened.read(_LARGEST + 1)
    except OSError as error:
        raise Unusable(f"{quoted(str(file), 200)} cannot be read: {error.strerror}") from None
    if len(data) > _LARGEST:
        raise Unusable(f"{quoted(str(file), 200)} is larger than {_LARGEST >> 20} MiB")
    return data


def built_with(proven: Mapping[str, bytes], folder: Path) -> dict[str, bytes]:
    """Return the other files of a folder that has all of the proven ones: they were built together.

    Raises Unusable if one of those is missing or differs, and for what cannot be a file of a
    release.
    """
    found: dict[str, bytes] = {}
    for path in sorted(folder.iterdir()):
        if path.is_symlink() or not path.is_file() or not _PLAIN.fullmatch(path.name):
            raise Unusable(f"{quoted(str(path), 200)} cannot be a file of a release")
        if path.name in OWN:
            raise Unusable(f"{quoted(str(path), 200)} is written by promote itself: remove it")
        found[path.name] = content(path)
    for name, data in proven.items():
        if found.pop(name, None) != data:
            raise Unusable(
                f"{quoted(str(folder), 200)} does not have the {name} that is proven: build it at"
                " the commit of the pre-release, with the version of the release"
            )
    if more := [name for name in found if name.endswith((".whl", ".tar.gz"))]:
        raise Unusable(f"{more[0]} is not a wheel or sdist of this release: remove it")
    return found


def sums(files: Mapping[str, bytes]) -> bytes:
    """Return the SHA256SUMS of files by name, as sha256sum(1) writes and checks it."""
    return "".join(f"{record.sha256(files[name])}  {name}\n" for name in sorted(files)).encode()


def read_sums(data: bytes, name: str) -> dict[str, str]:
    """Return the sha256 of each file that a SHA256SUMS names. Raises Unusable."""
    found: dict[str, str] = {}
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        match = _SUM.fullmatch(line)
        if match is None or match[2] in found:
            raise Unusable(f"{name}:{number}: is not a line of sha256sum, or names a file again")
        found[match[2]] = match[1]
    return found


def write(folder: Path, files: Mapping[str, bytes]) -> bool:
    """Write a release's folder whole or not at all; return whether anything was written.

    A folder that has these files already is left as it is; a signature may be added to one. Raises
    Unusable for a folder with other files, and OSError.
    """
    if not folder.exists():
        atomic_file.make_folder(folder.parent)
        atomic_file.write_folder(folder, files)
        return True
    atomic_file.sweep(folder)
    atomic_file.sweep(folder.parent)
    existing = {path.name: path for path in folder.iterdir()}
    for name in sorted(existing.keys() | files.keys()):
        if name == SIGNATURE:
            continue
        if name not in files or name not in existing or content(existing[name]) != files[name]:
            raise Unusable(
                f"{printable(str(folder))} exists, and its {printable(name)} is not that of this"
                " promotion: remove the folder, and run the command again"
            )
    if SIGNATURE in files and SIGNATURE not in existing:
        atomic_file.write(folder / SIGNATURE, files[SIGNATURE])
        return True
    return False


@contextmanager
def downloaded(version: Version) -> Iterator[Path]:
    """Yield a folder with the files of a version's release on GitHub.

    Raises Unusable and GitHubError.
    """
    try:
        server = GitHub()
    except GitHubError as error:
        raise Unusable(
            f"there is no folder dist/{version.tag} with the files of the pre-release: name it with"
            f" --artifacts=DIR. To take them from GitHub, {error}"
        ) from None
    with atomic_file.scratch() as folder:
        for name, data in server.files(version.tag).items():
            (folder / name).write_bytes(data)
        yield folder
