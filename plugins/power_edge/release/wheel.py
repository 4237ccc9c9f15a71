"""A wheel: its files, its version, and where it differs from another one."""

import base64
import csv
import hashlib
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from email.parser import BytesParser
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from power_edge.release.artifacts import content
from power_edge.release.schema_set import Unusable
from power_edge.text import printable, quoted

_LARGEST = 256 << 20
"""Bytes that a wheel may hold unpacked."""
_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    OSError,  # bz2
    EOFError,
    RuntimeError,  # of a file with a password, or of a method that is not known
    ValueError,  # of a name, or of an offset
    struct.error,
)
"""What zipfile raises for archives that are none, or were changed."""
_OWN = ("METADATA", "RECORD")
"""Files of the .dist-info folder that name the version."""


class Wheel(NamedTuple):
    """A wheel that was read. `files` are those in it, by path, each with mode and content."""

    name: str
    data: bytes
    files: Mapping[str, tuple[int, bytes]]

    @property
    def dist_info(self) -> str:
        """The folder of the metadata."""
        project, version, *_ = self.name.split("-")
        return f"{project}-{version}.dist-info"

    @property
    def version(self) -> str:
        """The version that METADATA gives; empty without one."""
        _, metadata = self.files.get(f"{self.dist_info}/METADATA", (0, b""))
        return str(BytesParser().parsebytes(metadata, headersonly=True).get("Version", ""))

    def content(self) -> dict[str, tuple[int, str]]:
        """Return mode and sha256 of each file that two versions of one content share, by path."""
        own = {f"{self.dist_info}/{name}" for name in _OWN}
        return {
            path.replace(f"{self.dist_info}/", ".dist-info/", 1): (
                mode,
                hashlib.sha256(data).hexdigest(),
            )
            for path, (mode, data) in sorted(self.files.items())
            if path not in own
        }

    def content_sha256(self) -> str:
        """Return one sha256 for the paths, modes and bytes of `content`."""
        lines = (
            f"{digest} {mode:o} {path}\n" for path, (mode, digest) in sorted(self.content().items())
        )
        return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def wheel_name(version: str) -> str:
    """Return the name of our wheel of a version, as PEP 440 writes it."""
    return f"power_edge-{version}-py3-none-any.whl"


def read_wheel(path: Path) -> Wheel:
    """Return the wheel in a file. Raises Unusable."""
    return opened(path, content(path))


def opened(path: Path, data: bytes) -> Wheel:
    """Return the wheel whose file has these bytes. Raises Unusable."""
    if path.name.count("-") < 4 or path.suffix != ".whl":
        raise Unusable(
            f"{quoted(str(path), 200)} is not a wheel: its name must be like {wheel_name('1.3.0')}"
        )
    return Wheel(path.name, data, unpacked(str(path), data))


def unpacked(path: str, data: bytes) -> dict[str, tuple[int, bytes]]:
    """Return mode and content of each file in a wheel, by path. Raises Unusable.

    `path` is the wheel's own, for messages.
    """
    name = quoted(path, 200)
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            infos = archive.infolist()
            if sum(info.file_size for info in infos) > _LARGEST:
                raise Unusable(f"{name} holds more than {_LARGEST >> 20} MiB")
            files: dict[str, tuple[int, bytes]] = {
                info.filename: (info.external_attr >> 16, archive.read(info)) for info in infos
            }
    except _BROKEN as error:
        raise Unusable(f"{name} is not a wheel that can be read: {printable(str(error))}") from None
    if len(files) < len(infos):
        raise Unusable(f"{name} has a file twice")
    return files


def wheel_of(folder: Path, version: str) -> Wheel:
    """Return our wheel of a version in a folder. Raises Unusable, also if it is another version's
    inside.
    """
    wheel = read_wheel(folder / wheel_name(version))
    if wheel.version != version:
        raise Unusable(f"{wheel.name} calls itself {wheel.version!r} in METADATA")
    return wheel


def differences(tested: Wheel, built: Wheel) -> list[str]:
    """Return what differs between two wheels beside METADATA and RECORD; empty if nothing does."""
    old, new = tested.content(), built.content()
    found = []
    for path in sorted(old.keys() | new.keys()):
        if old.get(path) == new.get(path):
            continue
        if path not in new:
            what = "is in the tested wheel alone"
        elif path not in old:
            what = "is not in the tested wheel"
        elif old[path][1] == new[path][1]:
            what = f"has mode {new[path][0]:o}, and {old[path][0]:o} in the tested wheel"
        elif path == ".dist-info/WHEEL":
            what = f"was made by {_generator(built)}, and the tested one by {_generator(tested)}"
        else:
            what = "has other bytes"
        found.append(f"{printable(path)} {what}")
    return found


def wrong_in_record(wheel: Wheel) -> Iterator[str]:
    """Yield each file of a wheel whose bytes are not those that its own RECORD names."""
    record = f"{wheel.dist_info}/RECORD"
    _, listed = wheel.files.get(record, (0, b""))
    try:
        rows = [*csv.reader(listed.decode("utf-8", "replace").splitlines())]
    except csv.Error as error:
        yield f"{printable(record)} cannot be read: {error}"
        return
    named = {row[0]: row[1] for row in rows if len(row) == 3}
    for path in sorted(named.keys() | wheel.files.keys()):
        if path == record:
            continue
        if path not in wheel.files:
            yield f"{printable(path)} is in RECORD alone"
        elif path not in named:
            yield f"{printable(path)} is not in RECORD"
        else:
            digest = base64.urlsafe_b64encode(hashlib.sha256(wheel.files[path][1]).digest())
            if named[path] != f"sha256={digest.decode().rstrip('=')}":
                yield f"{printable(path)} has other bytes than RECORD says"


def _generator(wheel: Wheel) -> str:
    _, about = wheel.files.get(f"{wheel.dist_info}/WHEEL", (0, b""))
    return printable(
        str(BytesParser().parsebytes(about, headersonly=True).get("Generator", "nobody"))
    )
