"""Files that are whole or not there."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path


def write(file: Path, content: bytes) -> None:
    """Write beside the file, sync, and rename over it. Raises OSError (a full disk, a folder that is not there), and the old file stays.

    The name meanwhile does not end as the file's does: node_exporter reads every *.prom.
    """
    _write(file, content, lambda beside: beside.replace(file))


def write_new(file: Path, content: bytes) -> None:
    """The same for a file that must not be there yet. Raises FileExistsError where it is."""

    def link(beside: Path) -> None:
        file.hardlink_to(beside)
        beside.unlink()

    _write(file, content, link)


def _write(file: Path, content: bytes, put: Callable[[Path], object]) -> None:
    descriptor, beside = tempfile.mkstemp(prefix=f".{file.name}.", suffix=".tmp", dir=file.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fchmod(stream.fileno(), 0o644)  # mkstemp made it for us alone, and node_exporter is another user
            os.fsync(stream.fileno())
        put(Path(beside))
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)  # the rename itself
    finally:
        os.close(folder)
